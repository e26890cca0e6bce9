# netio-whois ends at its time-out, not later; but what a pager keeps it waiting is not the
# server's fault and is not counted.

use strict;
use warnings;
use lib 't/lib';
use NetIO::Test::Measured;

use NetIO::Test::OnTime;
use NetIO::Test::Peer;
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 120;

my $WHOIS = "$ENV{PWD}/csrc/build/netio-whois";
-x $WHOIS or BAIL_OUT('csrc/build/netio-whois is not there: run make first');

my @faults = (
    ['A5 a full queue', NetIO::Test::Peer->full],
    ['A6 says nothing', NetIO::Test::Peer->start('silent')],
    ['A7 a drip',       NetIO::Test::Peer->start(drip  => 'x', 0.01)],
    ['a flood',         NetIO::Test::Peer->start(flood => 'x' x 4096)],
);

# What has as much to do, and nothing of ours: a flood keeps both processors busy, where to sleep is
# no comparison.
sub bare {
    my ($name, $port) = @_;

    return 'sleep 0.1' if $name ne 'a flood';
    return "timeout 0.1 bash -c 'exec cat </dev/tcp/127.0.0.1/$port'";
}

# How late it was, beyond the 20 ms that a shell and a program have to start in, and how it exits.
sub lateness {
    my ($command) = @_;
    my $started = clock_gettime(CLOCK_MONOTONIC);

    system "$command >/dev/null 2>&1";
    return (clock_gettime(CLOCK_MONOTONIC) - $started - 0.12, $? >> 8);
}

for my $case (@faults) {
    my ($name, $peer) = @$case;
    my $at = $peer->port;
    my (@late, @bare, @wrong);
    for (1 .. 40) {
        my ($late, $exit) = lateness("$WHOIS -h 127.0.0.1 -p $at --timeout 0.1 x");
        push @late,  $late;
        push @wrong, $exit if $exit != 75;
        push @bare, (lateness(bare($name, $at)))[0];
    }
    is "@wrong", '', "$name: the time was up, each time";
    is_on_time($name, \@late, \@bare, early => 0.02);
}

my $answer = 'x' x 2_000_000;
my $long   = NetIO::Test::Peer->start(answer => $answer);
open my $pager, '-|', $WHOIS, '-h', '127.0.0.1', '-p', $long->port, '--timeout', 0.5, 'x'
    or die "$WHOIS: $!\n";
sleep 1;    # the user reads the first page
my $read = do { local $/; readline $pager };
ok(close $pager, 'a pager that takes its time: no time-out');
is(length $read, length $answer, 'and all of the answer');

done_testing;
