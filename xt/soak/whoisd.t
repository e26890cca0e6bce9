# The soak of whoisd: see t/lib/NetIO/Test/SoakWhoisd.pm; t/84-soak-whoisd.t is its short form.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::SoakWhoisd;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 3600;

soak_whoisd(reloads => 1000, mutations => 200, upgrades => 100, idle => 60, least => 100_000);

done_testing;
