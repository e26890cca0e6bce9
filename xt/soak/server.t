# The soak of the server engine: see t/lib/NetIO/Test/Soak.pm; t/83-soak.t is its short form.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Soak qw(soak_workers);
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 3600;

soak_workers(
    reloads   => 1000,
    mutations => 200,
    upgrades  => 100,
    failed    => 100,
    kills     => 100,
    idle      => 60,
    least     => 100_000,
    on_time   => 1,
);

done_testing;
