# tcpopen ends when its time is up: of 100 times that come to nothing, 95 end at most 20 ms after
# it.  A bare select() for the same time takes turns with it, started with a program that only says
# its version: what it costs to start one is in both.

use strict;
use warnings;
use lib 't/lib';
use NetIO::Test::Measured;

use IO::Socket::INET;
use NetIO::Test::OnTime;
use NetIO::Test::Peer;
use POSIX  ();
use Socket qw(SOL_SOCKET);
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

my $TCPOPEN = "$ENV{PWD}/csrc/build/tcpopen";
my $SECONDS = 0.01;

sub now { return clock_gettime(CLOCK_MONOTONIC) }

# Ended, with the exit code.
sub run {
    my ($in, $out, @command) = @_;
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        open STDERR, '>', '/dev/null' or POSIX::_exit(126);
        POSIX::dup2(fileno $in,  0);
        POSIX::dup2(fileno $out, 1);
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return $? == 0 ? 0 : $? >> 8 || -1;
}

sub say_late {
    my ($word, $began) = @_;

    printf "%s %d\n", $word, 1e6 * (now() - $began - $SECONDS);
    return;
}

# Called by on_time below.  Nobody writes to the pipe, or reads from it.
sub measure {
    my ($code, $input, $output, @arguments) = @_;
    pipe my $read, my $write or die "pipe: $!\n";
    open my $file, '+<', '/dev/null' or die "/dev/null: $!\n";
    open my $zero, '<',  '/dev/zero' or die "/dev/zero: $!\n";
    my %fh = (silence => $read, zero => $zero, end => $file, null => $file, deaf => $write);

    $| = 1;
    for (1 .. on_time_trials) {
        my $began = now();
        run($file, $file, $TCPOPEN, '--version');
        select undef, undef, undef, $SECONDS;    ## no critic (ProhibitSleepViaSelect)
        say_late('bare', $began);
        $began = now();
        say_late('late', $began) if run($fh{$input}, $fh{$output}, $TCPOPEN, @arguments) == $code;
    }
    exit;
}

alarm 300;
measure(@ARGV) if @ARGV;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
-x $TCPOPEN or BAIL_OUT('csrc/build/tcpopen is not there: run make first');

# A listener whose filter drops every packet (SO_ATTACH_FILTER with "ret 0").
my $hole = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "$@\n";
my $drop = pack 'SCCL', 0x06, 0, 0, 0;
setsockopt $hole, SOL_SOCKET, 26, pack 'S x![P] P', 1, $drop or die "SO_ATTACH_FILTER: $!\n";
my $mute = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp') or die "$@\n";

my %port = (
    hole   => $hole->sockport,
    mute   => $mute->sockport,
    full   => NetIO::Test::Peer->full,
    silent => NetIO::Test::Peer->start('silent'),
    drip   => NetIO::Test::Peer->start(drip  => 'x', 0.002),
    flood  => NetIO::Test::Peer->start(flood => 'x' x 4096),
    deaf   => NetIO::Test::Peer->start('deaf'),
);
my @cases = (
    # name, exit code, standard input and output, peer, options
    ['A2 a black hole, --timeout',     75, 'silence', 'null', 'hole',   '--timeout'],
    ['A5 a full queue, --timeout',     75, 'silence', 'null', 'full',   '--timeout'],
    ['A5 a full queue, --deadline',    75, 'silence', 'null', 'full',   '--deadline'],
    ['A6 says nothing',                75, 'silence', 'null', 'silent', '--deadline'],
    ['A7 a drip',                      75, 'silence', 'null', 'drip',   '--deadline'],
    ['a flood',                        75, 'silence', 'null', 'flood',  '--deadline'],
    ['a flood that nobody reads',      75, 'silence', 'deaf', 'flood',  '--deadline'],
    ['A8 a peer that reads nothing',   75, 'zero',    'null', 'deaf',   '--deadline'],
    ['a flood both ways',              75, 'zero',    'null', 'flood',  '--deadline'],
    ['UDP, no answer, --deadline',     75, 'silence', 'null', 'mute',   '--udp', '--deadline'],
    ['UDP, no answer, --wait',         0,  'end',     'null', 'mute',   '--udp', '--wait'],
);
for my $case (@cases) {
    my ($name, $code, $in, $out, $peer, @options) = @$case;
    my $at = ref $port{$peer} ? $port{$peer}->port : $port{$peer};
    on_time($name, $^X, $0, $code, $in, $out, @options, $SECONDS, '127.0.0.1', $at);
}

done_testing;
