# An hour of nothing but load upon whoisd: see t/lib/NetIO/Test/SoakWhoisd.pm; t/84-soak-whoisd.t has
# the short form.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::SoakWhoisd;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 2 * 3600;

soak_hours(seconds => 3600, least => 20_000);

done_testing;
