# The short form of the soak of whoisd (make soak); B numbers are those of facts/faults.md.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::SoakWhoisd;
use Test::More;

plan skip_all => 'no DBD::SQLite' if !eval { require DBD::SQLite };

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

soak_whoisd(reloads => 10, mutations => 20, upgrades => 3, idle => 1, least => 2000);
soak_hours(seconds => 2, least => 2000);

done_testing;
