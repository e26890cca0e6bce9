# The short form of the soak (make soak): a server in C on netio_supervisor under a full load of new
# connections is reloaded, upgraded and robbed of its workers.  B numbers are those of
# facts/faults.md.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Soak qw(soak_workers);
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

soak_workers(
    reloads   => 20,
    mutations => 10,
    upgrades  => 4,
    failed    => 7,
    kills     => 4,
    idle      => 1,
    least     => 2000,
);

done_testing;
