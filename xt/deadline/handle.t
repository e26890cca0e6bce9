# The deadline is the deadline: each call returns within 20 ms after it, 95 times of 100,
# signals or not.  Each case takes turns with its bare twin, which does the same in Perl with
# select() and a descriptor: on a machine too busy for the twin, as many trials are excused.
# The trials are shared among a few processes, for most of the time they wait.

use strict;
use warnings;

use lib 't/lib';
use NetIO::Test::Measured;

use Fcntl      qw(F_SETFL O_NONBLOCK);
use File::Temp ();
use NetIO      qw(:all);
use NetIO::Test::OnTime;
use NetIO::Test::Peer;
use POSIX  ();
use Socket qw(PF_INET PF_UNIX SOCK_STREAM inet_aton sockaddr_in sockaddr_un);
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC ITIMER_REAL clock_gettime setitimer);

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $TRIALS   = 100;
my $WORKERS  = 4;
my $WANTED   = 95;
my $DEADLINE = 0.01;

my %peer = (
    silent => NetIO::Test::Peer->start('silent'),
    drip   => NetIO::Test::Peer->start(drip  => 'x', 0.001),
    slow   => NetIO::Test::Peer->start(drip  => 'x', 0.1),
    flood  => NetIO::Test::Peer->start(flood => "x\n" x 500),
    deaf   => NetIO::Test::Peer->start('deaf'),
    full   => NetIO::Test::Peer->full,
);
my $much = 'x' x 20_000_000;

# A unix socket whose queue is full; connect(2) would wait for ever.
my $folder = File::Temp->newdir;
my $path   = "$folder/full";
socket my $listener, PF_UNIX, SOCK_STREAM, 0 or die "socket: $!\n";
bind $listener, sockaddr_un($path) or die "bind: $!\n";
listen $listener, 0 or die "listen: $!\n";
socket my $queued, PF_UNIX, SOCK_STREAM, 0 or die "socket: $!\n";
connect $queued, sockaddr_un($path) or die "connect: $!\n";

# case, peer, what is done beforehand, the call that must end at its deadline, its twin
my @cases = (
    ['A6 readline, a silent peer',       'silent', \&opened,     \&read_line,    \&bare_read],
    ['A7 readline, a drip',              'drip',   \&opened,     \&read_line,    \&bare_read],
    ['A7 readline, a byte every 100 ms', 'slow',   \&opened,     \&read_line,    \&bare_read],
    ['A6 read, a silent peer',           'silent', \&opened,     \&read_octets,  \&bare_read],
    ['A7 read, a drip',                  'drip',   \&opened,     \&read_octets,  \&bare_read],
    ['A6 eof and getc, a silent peer',   'silent', \&opened,     \&get_octet,    \&bare_read],
    ['readline of UDP, no answer',       'silent', \&opened_udp, \&read_line,    \&bare_read],
    ['readline, a flood',                'flood',  \&opened,     \&read_lines,   \&bare_read],
    ['print, a deaf peer',               'deaf',   \&opened,     \&print_much,   \&bare_write],
    ['close, a deaf peer',               'deaf',   \&clogged,    \&close_handle, \&bare_write],
    ['printf to the brim',               'deaf',   \&clogged,    \&print_more,   \&bare_write],
    ['A5 tcpopen, no answer',            'full',   undef,        \&try_to_open,  \&bare_connect],
    ['A5 unixopen, a full queue',        'full',   undef,        \&try_unix,     \&bare_connect],
);

sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub opened { my ($peer) = @_; return tcpopen($peer->host, $peer->port, timeout => 60) }

# Full to the brim, and with output pending.
sub clogged {
    my ($peer) = @_;
    my $fh = opened($peer);

    $fh->blocking(0);
    1 while syswrite $fh, $much;
    1 while syswrite $fh, 'x';
    $fh->blocking(1);
    $fh->autoflush(0);
    print {$fh} 'x' x 8000;
    return $fh;
}

# The kernel drops what is sent to it: nobody answers.
sub opened_udp { my ($peer) = @_; return udpopen($peer->host, 9, timeout => 60) }

sub read_octets { my ($fh) = @_; return read $fh, my $text, 8192 }
sub get_octet   { my ($fh) = @_; return eof $fh ? undef : getc $fh }
sub print_more  { my ($fh) = @_; return printf {$fh} '%s', 'x' x 8000 }

sub try_unix {
    return eval { unixopen($path, timeout => $DEADLINE) }
}

sub read_line { my ($fh) = @_; return scalar readline $fh }

sub read_lines {
    my ($fh) = @_;
    while (defined(my $line = readline $fh)) { }
    return;
}

sub print_much   { my ($fh) = @_; return print {$fh} $much }
sub close_handle { my ($fh) = @_; return close $fh }

sub try_to_open {
    my (undef, $peer) = @_;
    return eval { tcpopen($peer->host, $peer->port, timeout => $DEADLINE) };
}

sub bare_connect {
    my ($peer) = @_;

    socket my $socket, PF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
    fcntl $socket, F_SETFL, O_NONBLOCK or die "fcntl: $!\n";
    connect $socket, sockaddr_in($peer->port, inet_aton($peer->host));
    return wait_until($socket, 'write', now() + $DEADLINE, sub { 0 });
}

sub bare_read {
    my ($peer) = @_;
    my $fh = opened($peer);

    $fh->blocking(0);
    return wait_until($fh, 'read', now() + $DEADLINE, sub { sysread $fh, my $text, 8192 });
}

sub bare_write {
    my ($peer) = @_;
    my $fh = opened($peer);

    $fh->blocking(0);
    return wait_until($fh, 'write', now() + $DEADLINE, sub { syswrite $fh, $much, 8192 });
}

# How late it was.
sub wait_until {
    my ($fh, $for, $until, $code) = @_;

    while ((my $left = $until - now()) > 0) {
        my $bits = '';
        vec($bits, fileno $fh, 1) = 1;
        my $ready = select $for eq 'read' ? $bits : undef, $for eq 'write' ? $bits : undef, undef,
            $left;
        $code->() if $ready > 0;
    }
    return now() - $until;
}

sub lateness {
    my ($case) = @_;
    my (undef, $peer, $before, $call) = @$case;
    my $fh = $before && $before->($peer{$peer});

    my $began = now();
    $fh->deadline($DEADLINE) if $fh;
    $call->($fh, $peer{$peer});
    return now() - $began - $DEADLINE;
}

# One worker's share of the trials: number of the case, how late it was, how late its twin was.
sub work {
    my ($storm) = @_;
    my $signals = 0;

    local $SIG{ALRM} = sub { $signals++ };
    setitimer(ITIMER_REAL, 0.0002, 0.0002) if $storm;
    for (1 .. $TRIALS / $WORKERS) {
        for my $number (0 .. $#cases) {
            my ($peer, $twin) = @{ $cases[$number] }[1, 4];
            print join(' ', $number, lateness($cases[$number]), $twin->($peer{$peer})), "\n";
        }
    }
    setitimer(ITIMER_REAL, 0);
    print "signals $signals\n";
    return;
}

sub start_worker {
    my ($storm) = @_;
    my $pid = open(my $from, '-|') // die "fork: $!\n";

    return $from if $pid;
    eval { work($storm); 1 } or print "died $@";
    close STDOUT;
    POSIX::_exit(0);
}

sub check_all {
    my ($how, $storm) = @_;
    my (@late, @bare, $died);
    my $signals = 0;

    for my $from (map { start_worker($storm) } 1 .. $WORKERS) {
        while (my $line = readline $from) {
            my ($number, $late, $bare) = split ' ', $line;
            $signals += $late if $number eq 'signals';
            $died = $line     if $number eq 'died';
            next              if $number !~ /^\d+$/;
            push @{ $late[$number] }, $late;
            push @{ $bare[$number] }, $bare;
        }
        close $from;
    }
    is $died, undef, "no worker died$how";
    for my $number (0 .. $#cases) {
        my $name = $cases[$number][0];
        is scalar @{ $late[$number] }, $TRIALS, "$name$how: $TRIALS trials";
        is_on_time("$name$how", $late[$number], $bare[$number]);
    }
    return $signals;
}

check_all('', 0);
cmp_ok check_all(', A15 signals', 1), '>', 5_000, 'handlers ran all the while';

# F3: the handler does not wait for what the call waits for.
{
    my $fh = opened($peer{silent});
    my @late;

    for (1 .. $TRIALS) {
        my $due;
        local $SIG{ALRM} = sub { push @late, now() - $due; die "enough\n" };
        $due = now() + 0.005;
        eval { setitimer(ITIMER_REAL, 0.005); my $line = <$fh> };
    }
    alarm 300;
    cmp_ok in_time(@late), '>=', $WANTED, 'F3 a handler runs at once, and ends the call';
}

done_testing;
