use strict;
use warnings;

use lib 't/lib';
use NetIO::Test::Measured;
use NetIO::Test::Load;
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

alarm 120;

# The whole registry in 10 seconds, on a quiet machine of two cores (about 3 are usual).

my @files = map { "/usr/share/ieee-data/$_.txt" } qw(oui mam oui36 iab);
plan skip_all => 'no ieee-data here' if grep { !-r } @files;

my $folder = folder();
my $before = clock_gettime(CLOCK_MONOTONIC);
is run_load('--directory', "sqlite:$folder/ieee.db", @files)->{code}, 0, 'the registry is loaded';
my $seconds = clock_gettime(CLOCK_MONOTONIC) - $before;
cmp_ok $seconds, '<', 10, sprintf 'in %.1f s', $seconds;

done_testing;
