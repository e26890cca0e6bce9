# F1, F9: nothing is left of udpopen, unixopen, udp_ask and the new options; and nothing grows over
# 200,000 connections, made or refused or cut short by a handler that dies.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use NetIO ':all';
use NetIO::Test::Datagram;
use NetIO::Test::Peer;
use NetIO::Test::Process;
use Socket qw(INADDR_LOOPBACK PF_INET PF_UNIX SOCK_STREAM SOL_SOCKET SO_LINGER pack_sockaddr_un
    sockaddr_in);
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 300;

my $folder = File::Temp->newdir;
my ($here, $path) = ('127.0.0.1', "$folder/socket");

sub bound {
    my ($family, $address) = @_;
    socket my $socket, $family, SOCK_STREAM, 0 or die "socket: $!\n";
    bind $socket, $address or die "bind: $!\n";
    listen $socket, 128 or die "listen: $!\n";
    return $socket;
}

my $listener = bound(PF_INET, scalar sockaddr_in(0, INADDR_LOOPBACK));
my ($port)   = sockaddr_in(getsockname $listener);
my $unix     = bound(PF_UNIX, pack_sockaddr_un($path));
my $stream   = NetIO::Test::Peer->refusing;
my $full     = NetIO::Test::Peer->full;
my $refusing = NetIO::Test::Datagram->refusing;
my $silent   = NetIO::Test::Datagram->start(sub { });
my $echo     = NetIO::Test::Datagram->start(sub {
    my ($socket, $from, $text) = @_;
    send $socket, $text, 0, $from;
});

# The other end goes by RST: no port is kept busy.
sub answer {
    my ($from) = @_;
    accept my $socket, $from // $listener or die "accept: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    return;
}

my @wide  = (valid => 5, nonsense => 1, source => 'x', source_port => 'x', reserved => 1);
my @wrong = map { [@wide[2 * $_, 2 * $_ + 1]] } 0 .. 3;
my %case  = (
    'tcpopen, all options' => sub {
        my $fh = tcpopen($here, $port, source => $here, keepalive => 1, nodelay => 1,
            ($> ? () : (reserved => 1)), timeout => 5);
        answer();
    },
    'tcpopen, wrong options' => sub {
        eval { tcpopen($here, $port, @$_) } for @wrong, [reserved => 1, source_port => 7];
        eval { tcpopen($here, $port, source => '192.0.2.77') };
        eval { tcpopen($here, $port, source => '::1') };
    },
    'udpopen' => sub {
        my $fh = udpopen($echo->host, $echo->port, timeout => 5, deadline => 60);
        print {$fh} "line\nmore";
        my $line = <$fh>;
        my $rest = $fh->read_datagram;
        print {$fh} 'x' x 70_000;
        print {$fh} 'y';
        my @parts = map { $fh->read_datagram(timeout => 0.001) } 1 .. 2;
        eval { $fh->read_datagram(max => 5) };
        $fh->shutdown(0);
        $line = <$fh>;
    },
    'udpopen that fails' => sub {
        eval { udpopen(@$_) } for ['', 1], [$here, 'nosuch'], ["a\0", 1],
            [$here, 1, keepalive => 1], [$here, 1, source => '192.0.2.77'];
        my $fh = udpopen($refusing->host, $refusing->port, fatal => 1, deadline => 60);
        print {$fh} 'x';
        eval { $fh->read_datagram };
        eval { $fh->read_datagram(timeout => 0) };
    },
    'unixopen' => sub {
        my $fh = unixopen($path, timeout => 5, deadline => 60);
        answer($unix);
    },
    'unixopen that fails' => sub {
        eval { unixopen(@$_) } for [''], ["a\0b"], ["$folder/none"], ['x' x 300], [$0],
            [$path, family => 'inet'], [$path, 'x'];
    },
    'udp_ask' => sub {
        my ($answer, $from) =
            udp_ask([$refusing->server, $echo->server], undef, 'hi', timeout => 5);
        $answer = udp_ask($echo->host, $echo->port, 'hi', valid => sub { $_[0] eq 'hi' });
        $answer = udp_ask($echo->server, '', "\x{fc}", valid => sub { eval { die 'x' }; [1] });
    },
    'udp_ask that fails' => sub {
        my $server = $silent->server;
        eval { udp_ask([$refusing->server, $server, 'a b', "$here:x"], 7, 'hi', timeout => 0.01) };
        my $text = $@->reply . "$@" . join '', map { values %$_ } $@->attempts;
        eval { udp_ask($echo->server, undef, 'hi', timeout => 0.01, valid => sub { 0 }) };
        eval { udp_ask($echo->server, undef, 'hi', valid => sub { die { why => 'no' } }) };
        eval { udp_ask(@$_) } for ['', 7, 'x'], [[], 7, 'x'], [[$server, ''], 7, 'x'],
            ["a\0", 7, 'x'], [$server, "7\0", 'x'], [$server, 7, undef], [$server, 7, "\x{263a}"],
            [$server, 7, 'x' x 70_000], [[($server) x 65], 7, 'x'], [$server, 7, 'x', valid => 1],
            [$server, 7, 'x', first_wait => 0];
        local $SIG{ALRM} = sub { die "enough\n" };
        eval { setitimer(ITIMER_REAL, 0.002); udp_ask($server, undef, 'hi') };
    },
    'reply' => sub {
        eval { tcpopen($here, $stream->port) };
        my $text = $@->reply;
        eval { NetIO::Error->throw(stage => 'read', host => bless [], 'Other') };
        $text = $@->reply;
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

    $code->() for 1 .. $times / 20;
    my ($descriptors, $memory) = (fds(), kilobytes());
    $code->() for 1 .. $times;
    is fds(), $descriptors, "$name ${times} times: descriptors";
    cmp_ok kilobytes() - $memory, '<=', 256, "$name ${times} times: kilobytes";
    alarm 300;
}

no_growth('open and close', 200_000, sub {
    my $fh = tcpopen($here, $port, timeout => 5, deadline => 60);
    answer();
});
no_growth('refused', 200_000, sub { eval { tcpopen($here, $stream->port, timeout => 5) } });
{
    local $SIG{ALRM} = sub { die { enough => 1 } };
    no_growth('F1 a handler that dies', 200_000, sub {
        eval { setitimer(ITIMER_REAL, 0.00002); tcpopen($here, $full->port, timeout => 60) };
    });
}
no_growth('unixopen', 20_000, $case{unixopen});
no_growth('udpopen', 20_000, sub { my $fh = udpopen($echo->host, $echo->port) });
no_growth('udp_ask, and valid dies', 5_000, sub {
    eval { udp_ask($echo->server, undef, 'hi', valid => sub { die { why => 'no' } }) };
});

subtest 'what a handle costs' => sub {
    my $most = `sh -c 'ulimit -Hn'`;
    plan skip_all => "at most $most" if $most !~ /unlimited/ && $most < 11_000;
    my $program = <<'CODE';
        use NetIO;
        use NetIO::Test::Process;
        use Socket;
        socket my $listener, PF_INET, SOCK_STREAM, 0 or die "socket: $!";
        bind $listener, sockaddr_in(0, INADDR_LOOPBACK) or die "bind: $!";
        listen $listener, 5 or die "listen: $!";
        my ($port) = sockaddr_in(getsockname $listener);
        sub handle {
            my $fh = tcpopen('127.0.0.1', $port, timeout => 5);
            accept my $socket, $listener or die "accept: $!";
            setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
            return $fh;
        }
        my @handles = map { handle() } 1 .. 100;
        $#handles = 10_099;
        my $before = kilobytes();
        $handles[100 + $_] = handle() for 0 .. 9_999;
        print +(kilobytes() - $before) / 10_000;
CODE
    open my $out, '-|', 'sh', '-c', 'ulimit -n 11000 && exec "$@"', 'sh', $^X, '-It/lib',
        (map {"-I$_"} @INC), '-e', $program or die "sh: $!\n";
    my $each = join '', <$out>;
    like $each, qr/^[\d.]+$/, '10,000 of them';
    cmp_ok $each, '<=', 1.5, "kilobytes each before the first read or write: $each";
};

done_testing;
