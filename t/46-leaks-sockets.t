# F7, F9: nothing is left of what NetIO::Socket->new makes, or fails to make; in threads and
# children, too.

use strict;
use warnings;

use lib 't/lib';

use Config;
use NetIO::Socket;
use NetIO::Test::Peer;
use NetIO::Test::Process;
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 300;

my $refusing = NetIO::Test::Peer->refusing;
my $full     = NetIO::Test::Peer->full;
my $listener = NetIO::Socket->new(Listen => 100, LocalHost => '127.0.0.1') or die $@;
my $port     = $listener->sockport;
my @to       = (PeerHost => '127.0.0.1', PeerPort => $port);
my ($info)   = (Socket::getaddrinfo('127.0.0.1', $port, { socktype => SOCK_STREAM }))[1];
my ($closed) = (Socket::getaddrinfo('127.0.0.1', $refusing->port, { socktype => SOCK_STREAM }))[1];

# The other end goes by RST: no port is kept busy.
sub answer {
    my $socket = $listener->accept or die "accept: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    return $socket;
}

my %case = (
    'new, accept, talk' => sub {
        my $fh = NetIO::Socket->new(@to, Timeout => 5, Deadline => 60, ReuseAddr => 1,
            Sockopts => [[SOL_SOCKET, SO_KEEPALIVE]], LocalHost => '127.0.0.1');
        my ($socket, $peer) = $listener->accept;
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        print {$socket} "line\n";
        my $line = <$fh>;
        my @ends = map { $fh->$_ } qw(sockhost sockport peerhost peerport sockname peername
            sockaddr peeraddr sockdomain socktype protocol connected peerhost_service);
    },
    'addresses that were looked up' => sub {
        my $fh = NetIO::Socket->new(PeerAddrInfo => [$closed, $info]);
        answer();
    },
    'not blocking' => sub {
        my $fh = NetIO::Socket->new(PeerAddrInfo => [$closed, $info], Blocking => 0);
        Time::HiRes::sleep(0.001) until $fh->connect || !$!{EINPROGRESS};
        answer();
    },
    'configure on an open handle' => sub {
        my $fh = NetIO::Socket->new(@to);
        answer();
        $fh->configure({@to});
        answer();
    },
    'connect(ADDRESS)' => sub {
        my $fh = NetIO::Socket->new(Family => AF_INET, Timeout => 5);
        $fh->connect($info->{addr});
        answer();
    },
    'fdopen and socketpair' => sub {
        my ($one, $other) = NetIO::Socket->socketpair(AF_UNIX, SOCK_STREAM, 0);
        my $copy   = NetIO::Socket->new_from_fd($one,            'r+');
        my $shared = NetIO::Socket->new_from_fd($other->fileno, 'r+');
        $copy->fdopen($other, 'r+');
    },
    'UDP, and a stream in its place' => sub {
        my $fh = NetIO::Socket->new(Proto => 'udp', LocalHost => '127.0.0.1', Deadline => 0);
        print {$fh} 'x';
        my $none = <$fh>;
        $fh->accept;
        $fh->socket(AF_INET, SOCK_STREAM, 0);
    },
    'accept without time, and connect twice' => sub {
        my $fh = NetIO::Socket->new(@to);
        answer();
        $fh->connect($info->{addr});
        $fh->timeout(-1);
        $fh->accept;
    },
    'a socket again and again' => sub {
        my $fh = NetIO::Socket->new;
        $fh->socket(AF_INET, SOCK_STREAM, 0) for 1 .. 3;
    },
    'UDP' => sub {
        my $fh = NetIO::Socket->new(PeerHost => '127.0.0.1', PeerPort => 9, Proto => 'udp');
    },
    'refused' => sub {
        NetIO::Socket->new(PeerHost => '127.0.0.1', PeerPort => $refusing->port, Timeout => 5);
        NetIO::Socket->new(PeerAddrInfo => [$closed, $closed]);
    },
    'wrong arguments' => sub {
        NetIO::Socket->new(@$_) for [@to, Timeout => 'x'], [PeerHost => 'a b', PeerPort => 1],
            [PeerHost => "a\0", PeerPort => 1], [PeerHost => '::1', PeerPort => 'x(y)'],
            [LocalHost => 'a b', LocalPort => 0], [LocalHost => '192.0.2.1'],
            [@to, LocalHost => '192.0.2.1'], [@to, Sockopts => [[SOL_SOCKET, 9999]]];
        eval { NetIO::Socket->new(@$_) } for [PeerHost => 'x'], [@to, Listen => 1],
            [@to, Sockopts => [1]], [Proto => 'nonsense'];
        eval { NetIO::Socket::_dial($listener, $_) } for undef, [], 'x';
        NetIO::Socket->new_from_fd(0 + $_, 'r') for 999, -1;
    },
    'time-outs' => sub {
        NetIO::Socket->new(PeerHost => $full->host, PeerPort => $full->port, Timeout => 0.001);
        local ${*$listener}{io_socket_timeout} = 0.001;
        my $none = $listener->accept;
    },
    'a handler that dies' => sub {
        local $SIG{ALRM} = sub { die "enough\n" };
        eval { setitimer(ITIMER_REAL, 0.001); $listener->accept };
        eval {
            setitimer(ITIMER_REAL, 0.001);
            NetIO::Socket->new(PeerHost => $full->host, PeerPort => $full->port);
        };
        eval {
            my $fh = NetIO::Socket->new(Family => AF_INET);
            setitimer(ITIMER_REAL, 0.001);
            $fh->connect(pack_sockaddr_in($full->port, INADDR_LOOPBACK));
        };
    },
);
SKIP: {
    eval { require Test::LeakTrace; 1 } or skip 'no Test::LeakTrace here', 2 * keys %case;
    for my $name (sort keys %case) {
        $case{$name}->() for 1 .. 3;    # what Perl allocates once, and keeps
        my $before = fds();
        Test::LeakTrace::no_leaks_ok($case{$name}, "F9 $name");
        is fds(), $before, 'descriptors';
    }
    alarm 300;
}

subtest 'fork: both have it' => sub {
    my $fh     = NetIO::Socket->new(@to, Deadline => 60);
    my $socket = $listener->accept;
    my $pid    = fork // die "fork: $!\n";
    if (!$pid) {
        require POSIX;
        print {$fh} "child\n";
        POSIX::_exit(0);
    }
    waitpid $pid, 0;
    print {$fh} "parent\n";
    is_deeply [scalar <$socket>, scalar <$socket>], ["child\n", "parent\n"], 'one connection';
};

SKIP: {
    skip 'this perl has no threads', 2 if !$Config{useithreads};
    require threads;
    my $fh     = NetIO::Socket->new(@to, Deadline => 60);
    my $socket = $listener->accept;
    my $before = fds();
    my $result = threads->create(sub {
        my $own = NetIO::Socket->new(Listen => 1, LocalHost => '127.0.0.1', Timeout => 0.01);
        my $none = $own->accept;
        print {$fh} "thread\n";
        return defined $none ? 'accepted' : 0 + $!;
    })->join;
    is $result, Errno::ETIMEDOUT(), 'F7 a thread opens, and uses what it was born with';
    is scalar <$socket>, "thread\n", 'which its parent has, too';
    is fds(), $before, 'descriptors';
}

done_testing;
