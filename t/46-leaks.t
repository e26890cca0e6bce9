# F1, F9: nothing is left of a handle or an error: no value, no descriptor, no memory.

use strict;
use warnings;

use lib 't/lib';

use NetIO;
use NetIO::Error;
use NetIO::Test::Peer;
use NetIO::Test::Process;
use Socket qw(INADDR_LOOPBACK PF_INET SOCK_STREAM SOL_SOCKET SO_LINGER sockaddr_in);
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 300;

socket my $listener, PF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
bind $listener, sockaddr_in(0, INADDR_LOOPBACK) or die "bind: $!\n";
listen $listener, 128 or die "listen: $!\n";
my ($port)   = sockaddr_in(getsockname $listener);
my $refusing = NetIO::Test::Peer->refusing;
my $full     = NetIO::Test::Peer->full;

# The other end goes by RST: no port is kept busy.
sub answer {
    accept my $socket, $listener or die "accept: $!\n";
    syswrite $socket, $_[0] if @_;
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    close $socket;
    return;
}

sub accepted {
    accept my $socket, $listener or die "accept: $!\n";
    return $socket;
}

my %case = (
    'open and let go' => sub {
        my $fh = tcpopen('127.0.0.1', $port, timeout => 5, deadline => 60);
        answer();
    },
    'open, print, read, close' => sub {
        my $fh = tcpopen('127.0.0.1', $port, timeout => 5, deadline => 60);
        my $socket = accepted();
        print {$fh} "x\n";
        sysread $socket, my $text, 10;
        syswrite $socket, "line\nand a half";
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        my $line = <$fh>;
        close $fh;
    },
    'a deadline that passes' => sub {
        my $fh = tcpopen('127.0.0.1', $port, deadline => 60);
        my $socket = accepted();
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        $fh->deadline(0);
        my $line = <$fh>;
        print {$fh} 'x';
        my $error = $fh->error;
    },
    'fatal' => sub {
        my $fh = tcpopen('127.0.0.1', $port, deadline => 60, fatal => 1);
        my $socket = accepted();
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        $fh->deadline(0);
        eval { my $line = <$fh> };
        eval { print {$fh} 'x' };
    },
    'methods' => sub {
        my $fh = tcpopen('127.0.0.1', $port, timeout => 5, deadline => 60);
        answer();
        my @values = map { $fh->$_ } qw(fileno opened deadline timeout error blocking peerhost
            peerport sockhost sockport connected autoflush clearerr);
        $fh->timeout(7);
        $fh->deadline(7);
        $fh->deadline(undef);
        eval { $fh->deadline('x') };
        $fh->blocking(0);
        eval { $fh->nosuchmethod };
        $fh->shutdown(2);
        $fh->close;
        @values = map { $fh->$_ } qw(fileno opened deadline timeout error blocking peerhost close);
    },
    'refused' => sub { eval { tcpopen('127.0.0.1', $refusing->port, timeout => 5) } },
    'timed out' => sub { eval { tcpopen('127.0.0.1', $full->port, timeout => 0) } },
    'several addresses' => sub { eval { tcpopen('localhost', $refusing->port, timeout => 5) } },
    'wrong arguments' => sub {
        eval { tcpopen(@$_) }
            for [undef, 1], ['', ''], ["a\nb", 1], ["a\0", 1], ['127.0.0.1', 'nosuch'], ['x'],
            ['x' x 1000, 1], ["\xe9" x 100, 1], ["\x{263a}", 1], ['127.0.0.1', 1, 'x'],
            ['127.0.0.1', 1, x => 1], ['127.0.0.1', 1, timeout => 'x'],
            ['127.0.0.1', 1, family => 'x'];
    },
    'an error' => sub {
        eval { tcpopen('127.0.0.1', $refusing->port) };
        my $text = "$@" . (0 + $@) . ($@ ? 1 : 0);
        my @values = map { $@->$_ } qw(message file line what host service stage code errno
            address elapsed attempts code_name text);
        eval { NetIO::Error->throw(code => -1, message => 'x', attempts => [{}]) };
        eval { NetIO::Error::message({}) };
    },
    'a handler that dies' => sub {
        local $SIG{ALRM} = sub { die "enough\n" };
        eval { setitimer(ITIMER_REAL, 0.001); tcpopen('127.0.0.1', $full->port, timeout => 60) };
    },
);

SKIP: {
    eval { require Test::LeakTrace; 1 } or skip 'no Test::LeakTrace here', scalar keys %case;
    for my $name (sort keys %case) {
        $case{$name}->() for 1 .. 3;    # what Perl allocates once, and keeps
        Test::LeakTrace::no_leaks_ok($case{$name}, "F9 $name");
    }
    alarm 300;
}

sub no_growth {
    my ($name, $times, $code) = @_;

    $code->() for 1 .. 2000;
    my ($descriptors, $memory) = (fds(), kilobytes());
    $code->() for 1 .. $times;
    is fds(), $descriptors, "$name ${times} times: descriptors";
    cmp_ok kilobytes() - $memory, '<=', 256, "$name ${times} times: kilobytes";
}

no_growth('open and close', 20_000, $case{'open and let go'});
no_growth('refused',        20_000, $case{refused});
{
    local $SIG{ALRM} = sub { die { enough => 1 } };
    no_growth('F1 a handler that dies', 20_000, sub {
        eval { setitimer(ITIMER_REAL, 0.00005); tcpopen('127.0.0.1', $full->port, timeout => 60) };
    });
    alarm 300;
}
{
    my $fh = tcpopen('127.0.0.1', $port, fatal => 1);
    my $socket = accepted();
    $fh->deadline(0);
    no_growth('a fatal read', 20_000, sub { eval { my $line = <$fh> } });
}
{
    my $flood = NetIO::Test::Peer->start(flood => 'x' x 65_536);
    my $fh = tcpopen('127.0.0.1', $flood->port);
    my $before = kilobytes();
    ok !defined $fh->read_line(max => 1_000_000), 'A17 a line without end is too long';
    cmp_ok kilobytes() - $before, '<=', 4 * 1000 + 64, 'A17 kilobytes';
}
{
    my @handles;
    for (1 .. 8) {    # the first of each size, and Perl's tables
        push @handles, tcpopen('127.0.0.1', $port, timeout => 5);
        answer();
    }
    my $before = kilobytes();
    for (1 .. 800) {
        push @handles, tcpopen('127.0.0.1', $port, timeout => 5);
        answer();
    }
    cmp_ok +(kilobytes() - $before) / 800, '<=', 1.5, 'kilobytes of a handle before its first read'
        if @handles == 808;
}

done_testing;
