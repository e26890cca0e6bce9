# An hour of nothing but load: see t/lib/NetIO/Test/Soak.pm; t/83-soak.t has its short form.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Soak qw(soak_hours);
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 2 * 3600;

soak_hours(seconds => 3600, least => 20_000);

done_testing;
