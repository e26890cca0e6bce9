# From start to ready returned to the shell: at most 5 ms over what starting any program takes, also
# where getrlimit says that there may be 2^30 descriptors.  200 turns of a daemon and of true(1), one
# after the other; the quickest tenth counts, of up to five such rounds, since whatever else runs on the
# machine only adds to it, and to a daemon, which is three processes, more than to true.

use strict;
use warnings;
use lib 't/lib';
use NetIO::Test::Measured;

use Cwd        ();
use File::Temp ();
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

alarm 120;

my $TURNS  = 200;
my $ROUNDS = 5;
my $MOST   = 0.005;

my $driver = Cwd::abs_path('csrc/build/t/drive-daemonize');
my $folder = File::Temp->newdir;
-x $driver or BAIL_OUT("$driver is not there: run make first");

sub seconds {
    my (@command) = @_;
    my $began = clock_gettime(CLOCK_MONOTONIC);

    system(@command) == 0 or die "@command: $?\n";
    return clock_gettime(CLOCK_MONOTONIC) - $began;
}

sub quick {
    return (sort { $a <=> $b } @_)[@_ / 10];
}

# Seconds of the one and of the other.
sub one_round {
    my (@command) = @_;
    my (@bare, @daemon);

    # Each with a pid file of its own: the one before may still be ending.
    for my $turn (1 .. $TURNS) {
        push @bare,   seconds('/bin/true');
        push @daemon, seconds(@command, '-p', "$folder/$turn.pid", 'ready');
    }
    Time::HiRes::sleep(0.001) while glob "$folder/*.pid";
    return (quick(@bare), quick(@daemon));
}

sub is_quick {
    my ($name, @command) = @_;
    my ($bare, $daemon);

    for (1 .. $ROUNDS) {
        ($bare, $daemon) = one_round(@command);
        last if $daemon - $bare <= $MOST;
    }
    return cmp_ok $daemon - $bare, '<=', $MOST,
        sprintf '%s: true: %.2f ms, a daemon: %.2f ms', $name, 1000 * $bare, 1000 * $daemon;
}

is_quick('start to ready', $driver);
is_quick('in the foreground', $driver, '-f');

# What a container without limits says; closing them one by one would take minutes.
my $liar = "$folder/limit.so";
open my $cc, '|-', $ENV{CC} || 'cc', '-shared', '-fPIC', '-o', $liar, '-x', 'c', '-'
    or die "cc: $!\n";
print {$cc} <<'EOC';
#define _GNU_SOURCE
#include <sys/resource.h>
#include <unistd.h>
int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
    limit->rlim_cur = limit->rlim_max = 1UL << 30;
    return prlimit(0, resource, NULL, resource == RLIMIT_NOFILE ? NULL : limit);
}
int getrlimit64(__rlimit_resource_t resource, struct rlimit64 *limit)
{
    return getrlimit(resource, (struct rlimit *)limit);
}
int getdtablesize(void)
{
    return 1 << 30;
}
EOC
ok close $cc, 'a library that lies';
{
    local $ENV{LD_PRELOAD} = $liar;
    is_quick('a limit of 2^30', $driver);
}

done_testing;
