# Loading is part of the speed: from an installed tree, perl -MNetIO -e1 costs at most 2.5 ms
# more than perl -e1.  200 turns of each, one after the other; the quickest tenth counts, since
# whatever else runs on the machine only adds to it, and the best of up to five rounds.

use strict;
use warnings;
use lib 't/lib';
use NetIO::Test::Measured;

use Config;
use Cwd        ();
use File::Temp ();
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

alarm 120;

my $TURNS  = 200;
my $MOST   = 0.0025;
my $ROUNDS = 5;

# As installed: from blib, where lib and arch are apart, XSLoader falls back on DynaLoader.
my $installed = File::Temp->newdir;
my @places    = map { Cwd::abs_path($_) } grep { -d } @INC;
for (['NetIO.pm', ''], ['auto', "/NetIO/NetIO.$Config{dlext}"]) {
    my ($name, $within) = @$_;
    my ($place) = grep { -e "$_/$name$within" } @places;
    symlink "$place/$name", "$installed/$name" or die "symlink: $!\n";
}
delete $ENV{$_} for grep { /^PERL/ } keys %ENV;

sub seconds {
    my (@arguments) = @_;
    my $began = clock_gettime(CLOCK_MONOTONIC);

    system($^X, @arguments) == 0 or die "$^X @arguments: $?\n";
    return clock_gettime(CLOCK_MONOTONIC) - $began;
}

sub quick {
    return (sort { $a <=> $b } @_)[@_ / 10];
}

my ($bare, $loaded);
for (1 .. $ROUNDS) {
    my (@bare, @loaded);
    for (1 .. $TURNS) {
        push @bare,   seconds('-e1');
        push @loaded, seconds("-I$installed", '-MNetIO', '-e1');
    }
    ($bare, $loaded) = (quick(@bare), quick(@loaded));
    last if $loaded - $bare <= $MOST;
}
cmp_ok $loaded - $bare, '<=', $MOST,
    sprintf 'perl -e1: %.2f ms, perl -MNetIO -e1: %.2f ms', 1000 * $bare, 1000 * $loaded;

done_testing;
