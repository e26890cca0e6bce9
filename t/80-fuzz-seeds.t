# The seeds of every fuzz target, run as an ordinary test.

use strict;
use warnings;

use Test::More;

alarm 120;

my @targets = map { m{([^/]+)\.c$} } grep { $_ ne 'fuzz/replay.c' } sort glob 'fuzz/*.c';

for my $name (@targets) {
    my @seeds = grep { -f } sort glob "fuzz/seeds/$name/*";

    ok @seeds > 0, "$name has seeds";
    open my $replay, '-|', "fuzz/build/replay/$name", @seeds
        or die "fuzz/build/replay/$name: $!: run make first\n";
    my @done = <$replay>;
    ok close($replay), "$name takes its seeds" or diag "the last one: $done[-1]";
    is scalar @done, scalar @seeds, "$name took all of them";
}

done_testing;
