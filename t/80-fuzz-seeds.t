# The seeds of every fuzz target, run as an ordinary test: no fuzzer, no clang.  D1: there are at
# least ten targets, and what was ever found stays found.

use strict;
use warnings;

use Test::More;

alarm 300;

my %is_no_target = map  { $_ => 1 } 'fuzz/perl.c', 'fuzz/replay.c', 'fuzz/replay.pl';
my @targets      = grep { !$is_no_target{$_} } sort glob 'fuzz/*.c fuzz/*.pl';

cmp_ok scalar @targets, '>=', 10, 'D1: a target for each parser of what comes from outside';

for my $target (@targets) {
    my ($name, $kind) = $target =~ m{([^/]+)\.(c|pl)$};
    my @replay =
        $kind eq 'c' ? "fuzz/build/replay/$name" : ($^X, '-Mblib', 'fuzz/replay.pl', $target);
    my @seeds = grep { -f } sort glob "fuzz/seeds/$name/*";

    ok @seeds > 0, "D1: $name has seeds";
    open my $replay, '-|', @replay, @seeds or die "$replay[0]: $!: run make first\n";
    my @done = <$replay>;
    ok close($replay), "D1: $name takes its seeds" or diag "the last one: $done[-1]";
    is scalar @done, scalar @seeds, "D1: $name took all of them";
}

my %has_target = map { m{([^/]+)\.(?:c|pl)$} ? ($1 => 1) : () } @targets;

is_deeply [grep { !$has_target{$_} } map { m{([^/]+)$} } glob 'fuzz/seeds/* fuzz/dict/*'], [],
    'no seeds and no words of a target that is gone';

done_testing;
