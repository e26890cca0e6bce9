# NetIO::Socket->new and its methods: what is better than in IO::Socket::IP, and what can go wrong.
# What is the same is in t/39-drop-in-calls.t.

use strict;
use warnings;

use lib 't/lib';

use Errno qw(EADDRNOTAVAIL EBADF ECONNREFUSED EHOSTUNREACH EINVAL EMFILE ENOTSOCK ETIMEDOUT);
use NetIO::Socket;
use NetIO::Test::Netns;
use NetIO::Test::Patience;
use NetIO::Test::Peer;
use NetIO::Test::Process;
use Symbol ();
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 300;

my $echo     = NetIO::Test::Peer->start('echo');
my $refusing = NetIO::Test::Peer->refusing;
my $full     = NetIO::Test::Peer->full;
my @to       = (PeerHost => $echo->host, PeerPort => $echo->port);

my $baseline = fds();

sub listener { return NetIO::Socket->new(Listen => 5, LocalHost => '127.0.0.1', @_) }
sub layers   { return join ' ', PerlIO::get_layers($_[0]) }

subtest 'handles keep a deadline, however they come about' => sub {
    my $fh = NetIO::Socket->new(@to, Timeout => 30, Deadline => 60);
    is layers($fh), 'netio perlio', 'new';
    my $left = $fh->deadline;
    ok $left > 30 && $left <= 60, 'Deadline';
    is $fh->timeout, 30, 'Timeout';
    is ${*$fh}{io_socket_timeout}, 30, 'where IO::Socket has it';
    print {$fh} "line\n";
    is scalar <$fh>, "line\n", 'autoflush';

    my $silent = NetIO::Test::Peer->start('silent');
    $fh = NetIO::Socket->new(PeerHost => $silent->host, PeerPort => $silent->port, Deadline => 0.1);
    is scalar <$fh>, undef, 'a silent peer';
    is 0 + $!, ETIMEDOUT, 'ETIMEDOUT';

    my $listener = listener();
    my $client   = NetIO::Socket->new($listener->sockhost . ':' . $listener->sockport);
    my $accepted = $listener->accept;
    is layers($accepted), 'netio perlio', 'accept';
    is $accepted->deadline, undef, 'no deadline';
    is $accepted->deadline(0), 0, 'until it gets one';
    is scalar <$accepted>, undef, 'which it keeps';
    is 0 + $!, ETIMEDOUT, 'ETIMEDOUT';

    my $glob = bless Symbol::gensym(), 'NetIO::Socket';
    ok $glob->configure({ @to, Deadline => 60 }), 'configure on a glob of somebody else';
    is layers($glob), 'netio perlio', 'layer';
    ok $glob->deadline, 'deadline';
    is layers(NetIO::Socket->new_from_fd($client->fileno, 'r+')), 'netio perlio', 'new_from_fd';
    is layers($_), 'netio perlio', 'socketpair'
        for NetIO::Socket->socketpair(AF_UNIX, SOCK_STREAM, 0);
    my $made = NetIO::Socket->new;
    ok $made->socket(AF_INET, SOCK_STREAM, 0), 'socket';
    is layers($made), 'netio perlio', 'layer';
    $listener->deadline(0.01);
    is scalar(my @none = $listener->accept), 0, "the listener's own deadline";
    is 0 + $!, ETIMEDOUT, 'ETIMEDOUT';
};

# name, arguments, errno, $@
my @failures = (
    ['refused',      [PeerHost => $refusing->host, PeerPort => $refusing->port], ECONNREFUSED],
    ['port 0',       [PeerHost => '127.0.0.1', PeerPort => 0],       EINVAL, qr/^Servname not supp/],
    ['port 65536',   [PeerHost => '127.0.0.1', PeerPort => 65536],   EINVAL, qr/^Servname not supp/],
    ['port -1',      [PeerHost => '127.0.0.1', PeerPort => -1],      EINVAL, qr/^Servname not supp/],
    ['no port',      [PeerHost => '127.0.0.1', PeerPort => ''],      EINVAL, qr/^Servname not supp/],
    ['UDP 65536',    [PeerHost => '127.0.0.1', PeerPort => 65536, Proto => 'udp'], EINVAL,
        qr/^Servname not supp/],
    ['listen 65536', [LocalPort => 65536, Listen => 1],              EINVAL, qr/^Servname not supp/],
    ['NUL in the host',     [PeerHost => "127.0.0.1\0x", PeerPort => 1], EINVAL, qr/^Name or service/],
    ['NUL in the service',  [PeerHost => '127.0.0.1', PeerPort => "1\0"], EINVAL, qr/^Name or serv/],
    ['newline in the host', [PeerHost => "127.0.0.1\n", PeerPort => 1],  EINVAL, qr/^Name or serv/],
    ['Timeout: text',     [@to, Timeout => 'soon'], EINVAL, qr/^Timeout: 'soon' is not a number of/],
    ['Timeout: negative', [@to, Timeout => -1],     EINVAL, qr/^Timeout: '-1' is not a number of/],
    ['Timeout: NaN',      [@to, Timeout => 'nan'],  EINVAL, qr/^Timeout: 'nan' is not a number of/],
    ['Deadline: text',    [@to, Deadline => 'x'],   EINVAL, qr/^Deadline: 'x' is not a number of/],
    ['Timeout 0',      [PeerHost => $full->host, PeerPort => $full->port, Timeout => 0],  ETIMEDOUT],
    ['Deadline 0',     [PeerHost => $full->host, PeerPort => $full->port, Deadline => 0], ETIMEDOUT],
    ['a full backlog', [PeerHost => $full->host, PeerPort => $full->port, Timeout => 0.05], ETIMEDOUT],
    ['families that differ', [@to, LocalHost => '::1'],      EAFNOSUPPORT()],
    ['not an own address',   [@to, LocalHost => '192.0.2.1'], EADDRNOTAVAIL],
);

sub EAFNOSUPPORT { return Errno::EAFNOSUPPORT() }

for (@failures) {
    my ($name, $arguments, $code, $text) = @$_;
    subtest "$name fails" => sub {
        my @got = NetIO::Socket->new(@$arguments);
        is_deeply \@got, [undef], 'one undef, in a list, too';
        is 0 + $!, $code, 'errno';
        $text ? like $@, $text, 'text' : is $@, "$!", 'text';
        like $IO::Socket::errstr, qr/\Q$@\E/, '$IO::Socket::errstr says it, too';
    };
}

subtest 'all that was tried' => sub {
    my $port  = $refusing->port;
    my @infos = map { (Socket::getaddrinfo($_, $port, { socktype => SOCK_STREAM }))[1] }
        '127.0.0.1', '127.0.0.2';
    is(NetIO::Socket->new(PeerAddrInfo => \@infos), undef, 'two addresses refuse');
    is $@, 'Connection refused', '$@';
    is $IO::Socket::errstr, "connect 127.0.0.1:$port: Connection refused; "
        . "connect 127.0.0.2:$port: Connection refused", '$IO::Socket::errstr';
    @infos = (@infos[0, 1], (Socket::getaddrinfo(@to[1, 3], { socktype => SOCK_STREAM }))[1]);
    my $fh = NetIO::Socket->new(PeerAddrInfo => \@infos, LocalHost => '127.0.0.5');
    is join(' ', $fh->peerhost, $fh->sockhost), '127.0.0.1 127.0.0.5', 'the third one serves';
    is 0 + $!, 0, '$! of success';
    my ($six) = (Socket::getaddrinfo('::1', $port, { socktype => SOCK_STREAM }))[1];
    is(NetIO::Socket->new(PeerAddrInfo => [$six, $infos[2]])->sockdomain, AF_INET,
        'sockdomain of the one that serves');
};

# What IO::Socket::SSL is like: connect does more, and may fail.
@Picky::ISA = 'NetIO::Socket';
our ($wanted, $code_of_picky, @asked);

sub Picky::connect {
    my ($self, @address) = @_;

    $self->NetIO::Socket::connect(@address) or return;
    push @asked, $self->peerhost;
    return $self if $self->peerhost eq $wanted;
    $! = $code_of_picky;
    return;
}

subtest 'a subclass with a connect of its own' => sub {
    my $other = NetIO::Test::Peer->start(host => '127.0.0.2', 'echo');
    my @infos = map { (Socket::getaddrinfo($_->host, $_->port, { socktype => SOCK_STREAM }))[1] }
        $echo, $other;
    local ($wanted, $code_of_picky) = ('127.0.0.2', ECONNREFUSED);
    my $fh = Picky->new(PeerAddrInfo => \@infos, Timeout => 30);
    is join(' ', ref $fh, $fh->peerhost), 'Picky 127.0.0.2', 'gets the next address';
    is "@asked", '127.0.0.1 127.0.0.2', 'after the one it refused';
    is(Picky->new(PeerHost => 'localhost', PeerPort => $echo->port), undef, 'until there is none');
    is 0 + $!, ECONNREFUSED, 'its reason';
    ($code_of_picky, @asked) = (0);
    is(Picky->new(PeerAddrInfo => \@infos), undef, 'a failure of another kind, $! 0');
    is "@asked", '127.0.0.1', 'ends it';
};

subtest 'not blocking: what failed stays failed' => sub {
    my @where = (PeerHost => $refusing->host, PeerPort => $refusing->port);
    my $fh    = NetIO::Socket->new(@where, Blocking => 0);
    eventually { $fh->connect || !$!{EINPROGRESS} };
    is 0 + $!, ECONNREFUSED, 'ECONNREFUSED';
    is $fh->connect, undef, 'connect once more';
    is 0 + $!, ECONNREFUSED, 'says it again';
};

subtest 'A15 a signal is no failure' => sub {
    my $seen = 0;
    local $SIG{ALRM} = sub { $seen++ };
    my $listener = listener(Timeout => 0.2);
    # A machine that has no time for them runs fewer handlers: then once more.
    for my $try (1 .. 20) {
        $seen = 0;
        setitimer(ITIMER_REAL, 0.002, 0.002);
        my $accepted = $listener->accept;
        my $code     = 0 + $!;
        setitimer(ITIMER_REAL, 0);
        is $accepted, undef, 'accept';
        is $code, ETIMEDOUT, 'goes on to its time-out';
        last if $seen > 5;
    }
    cmp_ok $seen, '>', 5, 'through many signals';
    $seen = 0;
    for my $call (
        ['new', sub { NetIO::Socket->new(PeerHost => $full->host, PeerPort => $full->port, @_) }],
        ['connect', sub {
            my $fh = NetIO::Socket->new(Family => AF_INET, @_);
            $fh->connect(pack_sockaddr_in($full->port, INADDR_LOOPBACK));
        }])
    {
        my ($name, $code) = @$call;
        setitimer(ITIMER_REAL, 0.002, 0.002);
        my $done = $code->(Timeout => 0.2);
        my $code_then = 0 + $!;
        setitimer(ITIMER_REAL, 0);
        is $done, undef, $name;
        is $code_then, ETIMEDOUT, 'goes on to its time-out';
    }
    alarm 300;
};

subtest 'F2 what a handler does' => sub {
    my $listener = listener();
    local $SIG{ALRM} = sub { die "enough\n" };
    ok !eval { setitimer(ITIMER_REAL, 0.01); $listener->accept; 1 }, 'dies out of accept';
    is $@, "enough\n", 'the exception';
    local $SIG{ALRM} = sub { close $listener };
    setitimer(ITIMER_REAL, 0.01);
    is scalar $listener->accept, undef, 'closes the listener';
    is 0 + $!, EBADF, 'EBADF';
    for my $blocking (0, 1) {
        my $fh = NetIO::Socket->new(Family => AF_INET);
        local $SIG{ALRM} = $blocking ? sub { die "enough\n" } : sub { close $fh };
        my $address = pack_sockaddr_in($full->port, INADDR_LOOPBACK);
        my $done    = eval { setitimer(ITIMER_REAL, 0.01); $fh->connect($address) };
        is $done, undef, $blocking ? 'dies out of connect' : 'closes what is connecting';
        is $fh->blocking, $blocking ? 1 : undef, 'blocking mode';
    }
    my $before = fds();
    local $SIG{ALRM} = sub { die "enough\n" };
    ok !eval {
        setitimer(ITIMER_REAL, 0.01);
        NetIO::Socket->new(PeerHost => $full->host, PeerPort => $full->port);
        1;
    }, 'dies out of new';
    is $@, "enough\n", 'the exception';
    is fds(), $before, 'and nothing is left open';
    alarm 300;
};

subtest 'one connection, many who accept with a time-out' => sub {
    my $listener = listener(Timeout => 0.5);
    my @children = map {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            my $got = $listener->accept;
            Time::HiRes::sleep(0.05) while $got && !eof $got;
            require POSIX;
            POSIX::_exit($got ? 1 : $!{ETIMEDOUT} ? 2 : 3);
        }
        $pid;
    } 1 .. 6;
    my $client = NetIO::Socket->new('127.0.0.1:' . $listener->sockport);
    Time::HiRes::sleep(0.2);
    close $client;
    my %ended;
    for (@children) { waitpid $_, 0; $ended{ $? >> 8 }++ }
    is_deeply \%ended, { 1 => 1, 2 => 5 }, 'one gets it, the others end in time';
    is unpack('q', getsockopt $listener, SOL_SOCKET, SO_RCVTIMEO), 0, 'and no trace is left';
};

# A program in another process: its output.
sub program {
    my ($shell, $code) = @_;
    my $inc = join ' ', map { "'-I$_'" } @INC;

    return scalar `exec sh -c '$shell exec "\$0" "\$@"' '$^X' $inc -MNetIO::Socket -e '$code' 2>&1`;
}

subtest 'A28 descriptors 0 to 2 closed, or above 1023' => sub {
    my $port = $echo->port;
    my $call = qq{my \$s = NetIO::Socket->new("127.0.0.1:$port") or die \$@; print {\$s} "x\\n";
        my \$l = <\$s>; };
    open my $kept, '>&', \*STDOUT or die "dup: $!\n";
    is program('', qq{open my \$out, ">&", STDOUT; close \$_ for *STDIN, *STDOUT, *STDERR;
        $call print {\$out} fileno(\$s), " \$l"}), "0 x\n", 'the socket is descriptor 0';
    is program('ulimit -n 3000;', qq{open my \$f, "<", "/dev/null"; my \@f;
        push \@f, do { open my \$n, "<", "/dev/null" or die \$!; \$n } for 1 .. 1500;
        \$! = 0; $call print fileno(\$s) > 1500 ? 1 : 0, " ", \$l;
        my \$n = NetIO::Socket->new(PeerHost => "127.0.0.1", PeerPort => $port, Blocking => 0);
        select undef, undef, undef, 0.01 until \$n->connect or !\$!{EINPROGRESS};
        my \$a = NetIO::Socket->new(Listen => 1, LocalHost => "127.0.0.1", Timeout => 0.01);
        print scalar(\$a->accept) ? 1 : 0, \$!{ETIMEDOUT} ? 1 : 0, \$n->peerport == $port ? 1 : 0}),
        "1 x\n011", 'poll, never select';
};

subtest 'a time-out of connect that is none' => sub {
    my $address = Socket::pack_sockaddr_in($full->port, INADDR_LOOPBACK);
    for my $timeout (0, -1, 'soon', 'nan') {
        my $fh = NetIO::Socket->new(Family => AF_INET);
        $fh->timeout($timeout);
        is $fh->connect($address), undef, "$timeout is no time";
        is 0 + $!, ETIMEDOUT, 'ETIMEDOUT';
        ok $fh->blocking, 'and the socket is in blocking mode';
    }
};

subtest 'a datagram is taken and sent whole' => sub {
    my @local  = (Proto => 'udp', LocalHost => '127.0.0.1', Deadline => 30);
    my $server = NetIO::Socket->new(@local);
    my $fh     = NetIO::Socket->new(@local, PeerHost => '127.0.0.1', PeerPort => $server->sockport);
    my $text   = 'x' x 20_000;
    is layers($_), 'netio datagram', 'layers' for $server, $fh;
    ok print({$fh} $text), 'print';
    ok defined $server->recv(my $got, 65_536), 'recv';
    is length $got, 20_000, 'one datagram';
    is $server->peerport, $fh->sockport, 'of that peer';
    $server->send($text);
    is read($fh, $got, 20_000), 20_000, 'read';
    ok !print({$fh} 'x' x 65_536), 'one that is too long';
    $server->send('');
    $server->send("a line\n");
    is scalar <$fh>, "a line\n", 'an empty one is not the end of the file';
    is $fh->read_datagram(timeout => 0), undef, 'read_datagram';
    is 0 + $!, ETIMEDOUT, 'ETIMEDOUT';
    my $other = NetIO::Socket->new;
    ok $other->socket(AF_INET6, SOCK_DGRAM | Socket::SOCK_NONBLOCK(), 0), 'socket';
    is layers($other), 'netio datagram', 'layers';
    my $listener = listener();
    ok $other->socket(AF_INET, SOCK_STREAM, 0), 'a stream in its place';
    is layers($other), 'netio perlio', 'layers';
    $other->connect($listener->sockname);
    print { scalar $listener->accept } "the last line\n";
    is_deeply [<$other>], ["the last line\n"], 'has an end';
    ok close $other, 'close';
};

subtest 'A16 no descriptors left' => sub {
    my $port = $echo->port;
    for my $limit (4 .. 12) {
        like program("ulimit -n $limit;", qq{for (1 .. 5) {
            my \$s = NetIO::Socket->new(PeerHost => "localhost", PeerPort => $port);
            my \$l = NetIO::Socket->new(Listen => 1, LocalHost => "127.0.0.1");
            my \$code = 0 + \$!;
            my \$a = \$l && do { \$l->timeout(0.01); \$l->accept };
            print defined \$s ? "open" : \$!{ETIMEDOUT} ? "late" : \$code == 24 ? "none" : \$code;
        } print "\\n"}), qr/^(?:open|none|late)+$|Too many open files/, "limit $limit";
    }
};

subtest 'F14 F15 what is no socket, and no handle' => sub {
    open my $file, '<', $0 or die "$0: $!\n";
    is(NetIO::Socket->new_from_fd($file, 'r'), undef, 'new_from_fd of a file');
    is 0 + $!, ENOTSOCK, 'ENOTSOCK';
    is(NetIO::Socket->new_from_fd(999, 'r'), undef, 'new_from_fd of nothing');
    is 0 + $!, EBADF, 'EBADF';
    my $nothing = NetIO::Socket->new;
    for my $call (['accept'], ['connect', 'x'], ['bind', 'x'], ['listen'], ['sockname'],
        ['peername'], ['sockaddr'], ['peeraddr'], ['sockdomain'], ['socktype'], ['protocol'])
    {
        my ($method, @arguments) = @$call;
        no warnings 'unopened';
        is scalar $nothing->$method(@arguments), undef, "$method of a handle on nothing";
        is 0 + $!, EBADF, 'EBADF';
    }
    for my $method (qw(sockname peername sockaddr peeraddr sockdomain socktype protocol)) {
        my $code = NetIO::Socket->can($method);
        ok !eval { $code->($_); 1 }, "$method of no handle" for undef, '', {}, [];
        like $@, qr/^not a handle at /, 'text';
    }
    ok !eval { NetIO::Socket::_dial(NetIO::Socket->new, 7); 1 }, 'not a plan';
    like $@, qr/^not a plan at /, 'text';
};

SKIP: {
    my $why = NetIO::Test::Netns->missing;
    skip $why, 2 if $why;

    my $ns = NetIO::Test::Netns->new('sock', 'hosts' => join('',
            map { "192.0.2.$_ hole\n" } 1 .. 4), 'resolv.conf' => "nameserver 192.0.2.99\n",
        'nsswitch.conf' => "hosts: files dns\n");
    my $far = NetIO::Test::Netns->new('far', 'resolv.conf' => "nameserver 127.0.0.1\n");
    $ns->join($far, ['192.0.2.50/24'], ['192.0.2.51/24']);
    $ns->ip("neigh add 192.0.2.$_ lladdr 02:00:00:00:00:01 dev nio0") for 1 .. 4, 99;
    my $say = 'print defined $s ? 1 : 0, " $@ ", 0 + $!, " $IO::Socket::errstr"';
    my ($status, $out) = $ns->run($^X, (map { "-I$_" } @INC), '-MNetIO::Socket', '-e',
        "alarm 60; my \$s = NetIO::Socket->new(PeerHost => q(hole), PeerPort => 1, Timeout => 1.5); $say");
    like $out, qr/^0 Connection timed out 110 /, 'A2 A14 four addresses, one time-out';
    is scalar(() = $out =~ /connect 192\.0\.2\.\d:1: Connection timed out/g), 4, 'all were tried';
    for my $more ('', ', Listen => 1', ', Proto => q(udp)', ', Blocking => 0') {
        my $end = $more =~ /Listen/ ? 'Local' : 'Peer';
        ($status, $out) = $ns->run($^X, (map { "-I$_" } @INC), '-MNetIO::Socket', '-e',
            "alarm 60; my \$s = NetIO::Socket->new(${end}Host => q(silent.example.org), "
                . "${end}Port => 1, Timeout => 0.3$more); $say");
        is $out, '0 Connection timed out 110 Connection timed out', "A11 a silent name server$more";
    }
    is $far->run($^X, (map { "-I$_" } @INC), '-MNetIO::Socket', '-e',
        "alarm 60; my \$s = NetIO::Socket->new(PeerHost => q(no.example.org), PeerPort => 1); $say"),
        '0 Temporary failure in name resolution 113 Temporary failure in name resolution',
        'a name server that is not there: EHOSTUNREACH';
    ($status, $out) = $ns->run($^X, (map { "-I$_" } @INC), '-MNetIO::Socket', '-e',
        "my \$s = NetIO::Socket->new(PeerHost => q(192.0.77.1), PeerPort => 1); $say");
    like $out, qr/^0 Network is unreachable 101 /, 'A3 no route';
}

is fds(), $baseline, 'no descriptor is left';

done_testing;
