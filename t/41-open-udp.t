# udpopen: a datagram for each print, whole ones back, and a deadline over both.

use strict;
use warnings;

use lib 't/lib';

use Errno qw(EAGAIN EBADF ECONNREFUSED EMSGSIZE ETIMEDOUT);
use IO::Select;
use NetIO ':all';
use NetIO::Test::Datagram;
use NetIO::Test::Netns;
use NetIO::Test::Peer;
use NetIO::Test::Process qw(fds is_asleep);
use Socket qw(SOCK_DGRAM pack_sockaddr_in unpack_sockaddr_in);
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 300;

my $echo = NetIO::Test::Datagram->start(sub {
    my ($socket, $from, $text) = @_;
    send $socket, $text, 0, $from;
});
my $counting = NetIO::Test::Datagram->start(sub {
    my ($socket, $from, $text) = @_;
    send $socket, length($text) . "\n", 0, $from;
});

# Sends back the parts of what comes, each as a datagram.
my $parting = NetIO::Test::Datagram->start(sub {
    my ($socket, $from, $text) = @_;
    send $socket, $_, 0, $from for split /,/, $text, -1;
});

sub open_to {
    my ($peer, @options) = @_;
    return udpopen($peer->host, $peer->port, timeout => 30, deadline => 60, @options);
}

sub got {
    my ($value) = @_;
    return defined $value ? "<$value>" : 'errno ' . (0 + $!);
}

subtest 'a handle' => sub {
    my $fh = open_to($echo);
    is ref $fh, 'NetIO::Socket', 'class';
    is unpack('i', getsockopt $fh, Socket::SOL_SOCKET(), Socket::SO_TYPE()), SOCK_DGRAM, 'type';
    is join(':', $fh->peerhost, $fh->peerport), '127.0.0.1:' . $echo->port, 'peer';
    is join(' ', PerlIO::get_layers($fh)), 'netio datagram', 'layers';
    is open_to($echo, source => '127.0.0.5')->sockhost, '127.0.0.5', 'source';
    my $port = $fh->sockport;
    ok !eval { open_to($echo, source => $fh->sockhost, source_port => $port); 1 },
        'source_port that is in use';
    is $@->code_name, 'EADDRINUSE', 'code';
    ok close $fh, 'close';
    is open_to($echo, source_port => $port)->sockport, $port, 'source_port';
    cmp_ok open_to($echo, reserved => 1)->sockport, '<', 1024, 'reserved' if $> == 0;
};

subtest 'what goes out' => sub {
    my $fh = open_to($counting);
    my @prints = (
        # what, expected
        ['a line',      sub { print {$fh} "text\n" },          5],
        ['a list',      sub { print {$fh} 'a', 'b', "c\n" },   4],
        ['with $,',     sub { local $, = '--'; print {$fh} 'a', 'b' }, 4],
        ['say',         sub { $fh->say('abc') },               4],
        ['printf',      sub { printf {$fh} '%05d', 1 },        5],
        ['8 KiB',       sub { print {$fh} 'x' x 8192 },        8192],
        ['more',        sub { print {$fh} 'x' x 8193 },        8193],
        ['the longest', sub { print {$fh} 'x' x 65_507 },      65_507],
        ['syswrite',    sub { syswrite $fh, 'x' x 9000 },      9000],
        ['send',        sub { send $fh, '', 0; 1 },            0],
    );
    for (@prints) {
        my ($name, $print, $expected) = @$_;
        ok $print->(), $name;
        is $fh->read_datagram, "$expected\n", "is one datagram of $expected octets";
    }

    for my $size (65_508, 65_536, 65_537, 200_000) {
        ok !print({$fh} 'x' x $size), "$size octets";
        is 0 + $!, EMSGSIZE, 'are too long';
        ok print({$fh} 'next'), 'no part of them was sent, and the next print is';
        is $fh->read_datagram, "4\n", 'one of its own';
    }
    is 0 + $fh->error, EMSGSIZE, 'error remembers';
    $fh->clearerr;
    ok !$fh->error, 'until clearerr';

    $fh->autoflush(0);
    print {$fh} $_ for 'a', 'bc', 'def';
    ok $fh->flush, 'without autoflush, flush';
    is $fh->read_datagram, "6\n", 'sends all in one';
    print {$fh} 'x' x 40_000;
    ok !print({$fh} 'x' x 40_000), 'too much for one';
    is 0 + $!, EMSGSIZE, 'says so';
    is got($fh->read_datagram(timeout => 0.05)), 'errno ' . ETIMEDOUT, 'and nothing was sent';
};

subtest 'what comes' => sub {
    my $fh = open_to($parting);
    print {$fh} 'one,two,,three';
    is_deeply [map { $fh->read_datagram } 1 .. 4], ['one', 'two', '', 'three'],
        'datagrams, an empty one, too';
    print {$fh} "a\nb,c\n,,d\n";
    is_deeply [map { scalar <$fh> } 1 .. 3], ["a\n", "bc\n", "d\n"],
        'lines go through datagrams; an empty one is no end of the file';
    print {$fh} "a\nb\nc\n,d\n,,e\n";
    is $fh->read_line, 'a', 'read_line';
    is $fh->read_datagram, "b\nc\n", 'read_datagram: the rest of one';
    is $fh->read_line, 'd', 'the next one';
    is $fh->read_line(timeout => 30), 'e', 'empty ones are passed over';
    print {$fh} 'abc,,def';
    is $fh->read_octets(4), 'abcd', 'read_octets, over several';
    is $fh->read_datagram, 'ef', 'the rest';
    print {$fh} 'abc,def';
    is sysread($fh, my $text, 100), 3, 'sysread';
    ok defined recv($fh, $text, 100, 0), 'recv';
    is $text, 'def', 'take one each';
    $fh = open_to($echo);
    print {$fh} 'x' x 65_507;
    is length $fh->read_datagram, 65_507, 'the longest';
    print {$fh} join '', map { chr } 0 .. 255;
    is $fh->read_datagram, join('', map { chr } 0 .. 255), 'A18 every octet';
    ok !$fh->error, 'no error';
};

subtest 'the deadline, and the time of one call' => sub {
    my $fh = udpopen($echo->host, $echo->port, deadline => 0.05);
    is got(scalar <$fh>), 'errno ' . ETIMEDOUT, 'readline';
    is got($fh->read_datagram), 'errno ' . ETIMEDOUT, 'read_datagram';
    is got($fh->read_datagram(timeout => 60)), 'errno ' . ETIMEDOUT, 'whatever its own';
    ok !print({$fh} 'x'), 'print';
    is 0 + $!, ETIMEDOUT, '$!';
    $fh->deadline(60);
    is got($fh->read_datagram(timeout => 0.02)), 'errno ' . ETIMEDOUT, 'the time of one call';
    ok print({$fh} 'x'), 'a new deadline, another print';
    is $fh->read_datagram, 'x', 'the answer';

    # Empty datagrams do not extend it.
    my $test = $$;
    my $empty = NetIO::Test::Datagram->start(sub {
        my ($socket, $from) = @_;
        while (kill 0, $test) {
            send $socket, '', 0, $from;
            IO::Select->new($socket)->can_read(0.002);
        }
    });
    $fh = open_to($empty);
    print {$fh} 'x';
    is $fh->read_datagram, '', 'empty';
    is got(scalar $fh->read_line(timeout => 0.1)), 'errno ' . ETIMEDOUT, 'A7 a drip of nothing';
    $fh->deadline(0.1);
    is got(scalar <$fh>), 'errno ' . ETIMEDOUT, 'and with the deadline';
};

# By a handler, and by another process that shares the socket: the end, and no busy wait for it.
sub shut_down_meanwhile {
    my $fh = open_to($echo);
    local $SIG{ALRM} = sub { shutdown $fh, 0 };
    for my $read (sub { scalar <$fh> }, sub { $fh->read_datagram }) {
        setitimer(ITIMER_REAL, 0.05);
        is got($read->()), 'errno 0', 'a handler shuts it down: the end';
        $fh = open_to($echo);
    }
    alarm 300;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        require POSIX;
        is_asleep(getppid);
        shutdown $fh, 0;
        POSIX::_exit(0);
    }
    my $cpu = times;
    is got(scalar <$fh>), 'errno 0', 'another process shuts it down: the end';
    cmp_ok times() - $cpu, '<', 5, 'long before the deadline';
    waitpid $pid, 0;
    return;
}

subtest 'what is refused, and what is over' => sub {
    my $refusing = NetIO::Test::Datagram->refusing;
    my $fh = open_to($refusing);
    ok print({$fh} 'x'), 'the first print cannot know';
    is got($fh->read_datagram), 'errno ' . ECONNREFUSED, 'the read does';
    is got($fh->read_datagram(timeout => 0.02)), 'errno ' . ETIMEDOUT, 'once';
    ok print({$fh} 'x'), 'another try';
    is got(scalar <$fh>), 'errno ' . ECONNREFUSED, 'is refused again';
    $fh = open_to($refusing, fatal => 1);
    print {$fh} 'x';
    ok !eval { $fh->read_datagram; 1 }, 'fatal: dies';
    is $@->code_name, 'ECONNREFUSED', 'code';

    $fh = open_to($echo);
    $fh->shutdown(0);
    is got($fh->read_datagram), 'errno 0', 'shut down for reading: the end';
    is got(scalar <$fh>), 'errno 0', 'for readline, too';
    ok eof $fh, 'and eof';
    $fh = open_to($echo);
    $fh->blocking(0);
    $fh->shutdown(0);
    is got($fh->read_datagram), 'errno 0', 'non-blocking: the end, too';
    shut_down_meanwhile();
    $fh = open_to($parting);
    print {$fh} 'a,,b';
    my $later = open_to($parting);
    print {$later} 'x';
    is $later->read_datagram, 'x', 'the peer has come so far';
    $fh->shutdown(0);
    is_deeply [map { got($fh->read_datagram) } 1 .. 4], ['<a>', '<>', '<b>', 'errno 0'],
        'what had come before is there';
    $fh = open_to($echo);
    $fh->blocking(0);
    is got($fh->read_datagram), 'errno ' . EAGAIN, 'non-blocking';
    close $fh;
    is got($fh->read_datagram), 'errno ' . EBADF, 'closed';
    my $peer = NetIO::Test::Peer->start('echo');
    eval { tcpopen($peer->host, $peer->port)->read_datagram };
    like $@, qr/^read_datagram: not a handle of udpopen at /, 'a stream has no datagrams';
};

subtest 'only the peer is heard' => sub {
    my $fh = open_to($echo);
    my $stranger = NetIO::Test::Datagram::bound();
    send $stranger, 'not me', 0, getsockname $fh;
    print {$fh} 'me';
    is $fh->read_datagram, 'me', 'what others send is not';
};

# With two ephemeral ports one time in two.
subtest 'A27 the kernel chooses the port of the peer' => sub {
    my $missing = NetIO::Test::Netns->missing;
    plan skip_all => $missing if $missing;
    my $ns = NetIO::Test::Netns->new('udpports');
    $ns->sysctl('net.ipv4.ip_local_port_range', '50000 50001');
    my ($status, $said) =
        $ns->run($^X, (map { "-I$_" } grep { /\bblib\b/ } @INC), '-MNetIO=:all', '-e', <<'CODE');
my %ports;
$ports{ eval { udpopen('127.0.0.1', 50000, timeout => 5)->sockport } // $@->message }++ for 1 .. 20;
print join ' ', keys %ports;
CODE
    is $said, '50001', 'another socket gets another one';
};

subtest 'wrong calls' => sub {
    my @wrong = (
        [[undef, 1],                 'udpopen: no host given'],
        [['', 1],                    'udpopen: no host given'],
        [['127.0.0.1', ''],          'udpopen: no service given'],
        [["a\nb", 1],                'udpopen a\x0ab 1: not a valid host name'],
        [["127.0.0.1\0", 1],         'udpopen 127.0.0.1\x00 1: not a valid host name'],
        (map { [['127.0.0.1', $_], "udpopen 127.0.0.1 $_: unknown service"] }
            0, 65_536, -1, '80x', 'nosuch'),
        [['x' x 10_000, 1],          'udpopen ' . 'x' x 159 . ' 1: not a valid host name'],
        [['127.0.0.1', 1, keepalive => 1], q{udpopen: unknown option 'keepalive'}],
        [['127.0.0.1', 1, nodelay => 1],   q{udpopen: unknown option 'nodelay'}],
        [['127.0.0.1', 1, timeout => 'x'], q{udpopen: timeout: 'x' is not a number of seconds}],
        [['127.0.0.1', 1, reserved => 1, source_port => 7],
            'udpopen: reserved and source_port exclude each other'],
    );
    for (@wrong) {
        my ($arguments, $message) = @$_;
        my $line = __LINE__ + 1;
        ok !eval { udpopen(@$arguments); 1 }, 'dies';
        is "$@", "$message at $0 line $line.\n", $message;
        is $@->what, 'udpopen', 'what';
    }
};

subtest 'F1, F2 a handler that dies' => sub {
    my $before = fds();
    local $SIG{ALRM} = sub { die "enough\n" };
    my $fh = open_to($echo);
    ok !eval { setitimer(ITIMER_REAL, 0.01); $fh->read_datagram; 1 }, 'out of a read';
    is $@, "enough\n", 'the exception';
    print {$fh} '';
    send $fh, '', 0;
    is scalar $fh->read_datagram, '', 'the handle goes on';
    print {$fh} "x\n";
    is scalar <$fh>, "x\n", 'with lines, too';
    undef $fh;
    is fds(), $before, 'no descriptor leaked';
    alarm 300;
};

subtest 'F7 threads' => sub {
    require Config;
    plan skip_all => 'no threads here' if !$Config::Config{useithreads};
    require threads;
    my $fh = open_to($counting);
    my $thread = threads->create(sub {
        print {$fh} 'x' x 30_000;
        return $fh->read_datagram;
    });
    is $thread->join, "30000\n", 'a clone has the same room';
    print {$fh} 'abc';
    is $fh->read_datagram, "3\n", 'the original goes on';
};

done_testing;
