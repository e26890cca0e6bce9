# timeout: what a block waits for ends within 20 ms after its deadline, 95 times of 100, signals
# or not.  Each trial takes turns with a bare select() for the same time: on a machine too busy
# for that one, as many trials are excused.

use strict;
use warnings;

use lib 't/lib';
use NetIO::Test::Measured;

use NetIO qw(timeout);
use NetIO::Test::OnTime;
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

alarm 300;

my $TRIALS  = 100;
my $SECONDS = 0.01;

pipe my $silent, my $writer or die "pipe: $!\n";
my $child = fork // die "fork: $!\n";
if (!$child) {
    close $writer;
    sleep 1000;
    exit;
}

# Any signal ends a sleep, a select, a sysread.
my @cases = (
    ['sleep',    sub { sleep 1000 while 1 }],
    ['select',   sub { select undef, undef, undef, 1000 while 1 }],
    ['sysread',  sub { sysread $silent, my $text, 1 while 1 }],
    ['readline', sub { my $line = <$silent> }],
    ['waitpid',  sub { waitpid $child,                0 }],
    ['system',   sub { system {'/bin/sleep'} 'sleep', 1000 }],
    ['a loop',   sub { 1 while 1 }],
    [
        'nested',
        sub {
            timeout { sleep 1000 while 1 } 2000;
        }
    ],
);

sub now { return clock_gettime(CLOCK_MONOTONIC) }

# Those that system has left.
sub end_children {
    open my $list, '<', "/proc/$$/task/$$/children" or return;
    my @pids = grep { $_ != $child } split ' ', <$list> // '';

    kill KILL => @pids;
    waitpid $_, 0 for @pids;
    return;
}

sub lateness {
    my ($code) = @_;
    my $began = now();

    return eval {
        timeout { $code->() } $SECONDS;
        1;
    } ? -1 : now() - $began - $SECONDS;
}

sub bare {
    my $until = now() + $SECONDS;

    while ((my $left = $until - now()) > 0) {
        select undef, undef, undef, $left;
    }
    return now() - $until;
}

sub check_all {
    my ($how) = @_;
    my %late;
    my @bare;

    lateness($cases[0][1]);    # loads NetIO::Error
    for (1 .. $TRIALS) {
        push @bare, bare();
        for my $case (@cases) {
            my ($name, $code) = @$case;
            push @{ $late{$name} }, lateness($code);
            end_children() if $name eq 'system';
        }
    }
    is_on_time("$_$how", $late{$_}, \@bare, early => 0) for map { $_->[0] } @cases;
    return;
}

check_all('');
under_signals(sub { check_all(', A15 signals') });

kill KILL => $child;
waitpid $child, 0;
done_testing;
