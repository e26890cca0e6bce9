# What a daemon in Perl pays: from an installed tree, NetIO::Daemon costs a program that uses NetIO at
# most 2 ms, and the whole way from the start to ready at most 5 ms more than it takes to start the
# same program and end.  200 turns of each, one after the other; the quickest tenth counts, since
# whatever else runs on the machine only adds to it, and the quickest of up to 5 rounds.

use strict;
use warnings;
use lib 't/lib';
use NetIO::Test::Measured;

use Config;
use Cwd        ();
use File::Temp ();
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

alarm 300;

my $TURNS  = 200;
my $ROUNDS = 5;
my $CLASS  = 0.002;
my $READY  = 0.005;

# As installed: from blib, where lib and arch are apart, XSLoader falls back on DynaLoader.
my $installed = File::Temp->newdir;
my @places    = map { Cwd::abs_path($_) } grep { -d } @INC;
for (['NetIO.pm', ''], ['NetIO/Daemon.pm', ''], ['auto', "/NetIO/NetIO.$Config{dlext}"]) {
    my ($name, $within) = @$_;
    my ($place) = grep { -e "$_/$name$within" } @places;
    mkdir "$installed/NetIO";
    symlink "$place/$name", "$installed/$name" or die "symlink: $!\n";
}
delete $ENV{$_} for grep { /^(?:PERL|NOTIFY_|LISTEN_)/ } keys %ENV;

sub seconds {
    my ($program) = @_;
    my $began = clock_gettime(CLOCK_MONOTONIC);

    system($^X, "-I$installed", '-MNetIO=:all', '-e', $program) == 0 or die "$program: $?\n";
    return clock_gettime(CLOCK_MONOTONIC) - $began;
}

sub quick {
    return (sort { $a <=> $b } @_)[@_ / 10];
}

# What a round says: the program itself, with the class, to ready.
sub round_of {
    my (@bare, @class, @ready);

    for (1 .. $TURNS) {
        push @bare,  seconds('1');
        push @class, seconds('require NetIO::Daemon');
        push @ready, seconds('daemonize()->ready');
    }
    return (quick(@bare), quick(@class), quick(@ready));
}

my ($bare, $class, $ready);
for (1 .. $ROUNDS) {
    ($bare, $class, $ready) = round_of();
    last if $class - $bare <= $CLASS && $ready - $bare <= $READY;
}
cmp_ok $class - $bare, '<=', $CLASS,
    sprintf 'NetIO: %.2f ms, with NetIO::Daemon: %.2f ms', 1000 * $bare, 1000 * $class;
cmp_ok $ready - $bare, '<=', $READY,
    sprintf 'to the end: %.2f ms, from start to ready: %.2f ms', 1000 * $bare, 1000 * $ready;

done_testing;
