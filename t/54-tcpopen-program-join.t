# tcpopen: what it joins.  Both ways of a connection, neither of which waits for the other, who ends
# first, and --crlf.

use strict;
use warnings;
use lib 't/lib';

use Digest::MD5 ();
use Fcntl       qw(F_GETFL O_NONBLOCK);
use File::Temp  ();
use NetIO::Test::Peer;
use NetIO::Test::Run;
use NetIO::Test::Tcpopen;
use POSIX ();
use Socket;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
$SIG{PIPE} = 'IGNORE';
alarm 300;

my $dir  = File::Temp->newdir;
my $echo = NetIO::Test::Peer->start('echo');

# In a child, before the program: SIGPIPE as a shell leaves it.
sub default_pipe { $SIG{PIPE} = 'DEFAULT'; return }

# ---- both ways -------------------------------------------------------------------------

my $bytes = join '', map { chr } 0 .. 255;

is_deeply(against({ input => $bytes }, $echo), [0, $bytes, ''], 'A18 every byte, both ways');
is_deeply(against({}, $echo), [0, '', ''], 'nothing, both ways');
is_deeply(
    against({ input => "a line\n" x 3 }, NetIO::Test::Peer->start('count')),
    [0, '21 ' . 3 * unpack('%32C*', "a line\n") . "\n", ''],
    'A9 half-close: the peer sees the end, and answers behind it'
);
is_deeply(
    against({ input => 'x' }, NetIO::Test::Peer->start(answer => 'never asked')),
    [0, 'never asked', ''],
    'an answer, and the peer has ended'
);

# A file of 64 MiB that does not repeat itself: there and back.
my $SIZE = 64 * 1024 * 1024;
my $much = "$dir/much";
{
    open my $fh, '>:raw', $much or die "$much: $!\n";
    my $block = Digest::MD5::md5('start');
    for (1 .. $SIZE / 65536) {
        $block = Digest::MD5::md5($block);
        print {$fh} $block x 4096 or die "$much: $!\n";
    }
    close $fh or die "$much: $!\n";
}

sub digest {
    my ($fh) = @_;
    my $digest = Digest::MD5->new->addfile($fh)->hexdigest;

    close $fh;
    return $digest;
}
open my $original, '<:raw', $much or die "$much: $!\n";
my $expected = digest($original);
for my $kind ('files', 'pipes') {
    my ($from, $to);
    my $command = "$TCPOPEN 127.0.0.1 " . $echo->port;
    my $copied  = "$dir/copied";
    system $kind eq 'files'
        ? "$command <$much >$copied 2>$dir/said"
        : "cat $much | $command 2>$dir/said | cat >$copied";
    is($?, 0, "64 MiB both ways through $kind");
    open $to, '<:raw', $copied or die "$copied: $!\n";
    is(digest($to),        $expected, 'nothing lost, nothing added, nothing out of order');
    is(slurp("$dir/said"), '',        'and nothing said');
    unlink $copied;
}

# ---- who ends first --------------------------------------------------------------------

# A peer that ends its own side at once, and then reads to the end.
my $told = "$dir/told";    # a FIFO: who reads it waits for who writes it
POSIX::mkfifo($told, 0600) or die "$told: $!\n";
my $ends_first = NetIO::Test::Peer->start(
    run => sub {
        my ($socket) = @_;
        shutdown $socket, 1;
        my ($bytes, $sum) = (0, 0);
        while (my $n = sysread $socket, my $text, 65536) {
            $bytes += $n;
        }
        spew($told, $bytes);
    }
);
open my $source, '<:raw', $much or die "$much: $!\n";
is_deeply(
    against({ stdin => $source }, $ends_first),
    [0, '', ''],
    'A9 a peer that has ended its side only'
);
is(slurp($told), $SIZE, 'still gets all of a file');

my $gone = NetIO::Test::Peer->start(say => "bye\n");
# What is refused first, and when, is a matter of luck.
my @cut = map { against({ stdin => '/dev/zero' }, $gone) } 1 .. 20;
is((grep { $_->[0] != 74 } @cut), 0, 'A10 one that takes no more: no success');
my $refused = qr/(?:write|read) 127\.0\.0\.1:PORT: (?:Broken pipe|Connection reset by peer)/;
is((grep { $_->[2] !~ /\A\Q$AT\E $refused\n\z/ } @cut), 0, 'and one line');

{
    my ($read, $write) = pipe_ends();
    my ($from, $into)  = pipe_ends();
    my $child = start({ stdin => $read, stdout => $into }, $TCPOPEN, '127.0.0.1', $gone->port);
    close $read;
    close $into;
    my $said = readline $from;
    # The first piece is answered by RST, which ends it: no second one is needed.
    syswrite $write, 'more';
    is_deeply(
        [(finish($child))[0], $said],
        [74,                  "bye\n"],
        'a pipe that stays open does not keep it for ever'
    );
}
{
    # A unix socket tells at once that the peer is gone.
    my $path = "$dir/closing";
    socket my $listener, AF_UNIX, SOCK_STREAM, 0 or die "socket: $!\n";
    bind $listener, pack_sockaddr_un($path) or die "bind: $!\n";
    listen $listener, 1 or die "listen: $!\n";
    my ($read, $write) = pipe_ends();
    my $child = start({ stdin => $read }, $TCPOPEN, '--unix', $path);
    accept my $socket, $listener or die "accept: $!\n";
    syswrite $socket, "bye\n";
    close $socket;
    is_deeply([finish($child)], [0, "bye\n", ''], 'a unix peer that closes ends it');
}

# ---- neither way waits for the other ---------------------------------------------------

my $deaf_talker = NetIO::Test::Peer->start(
    run => sub {
        my ($socket) = @_;
        NetIO::Test::Peer::send_all($socket, "talk\n" x 200_000);
        POSIX::pause();
    }
);
is_deeply(
    against({ stdin => '/dev/zero' }, $deaf_talker, '--deadline', 3),
    [75, "talk\n" x 200_000, "$AT write 127.0.0.1:PORT: Connection timed out\n"],
    'a peer that does not read is heard all the same'
);

sub resident {
    my ($pid) = @_;
    my ($kib) = slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m;

    return $kib;
}
{
    # Nobody reads its output for a while: what it sends arrives.
    my $listening = NetIO::Test::Peer->start(
        run => sub {
            my ($socket) = @_;
            my $pid = fork // die "fork: $!\n";
            if (!$pid) {
                1 while NetIO::Test::Peer::send_all($socket, 'x' x 65536);
                POSIX::_exit(0);
            }
            my $bytes = 0;
            while ($bytes < $SIZE) { $bytes += sysread($socket, my $text, 65536) || last }
            spew($told, $bytes);
            POSIX::pause();
        }
    );
    my ($read, $write) = pipe_ends();
    open my $file, '<:raw', $much or die "$much: $!\n";
    my $child = start({ stdin => $file, stdout => $write, setup => \&default_pipe },
        $TCPOPEN, '127.0.0.1', $listening->port);
    is(slurp($told), $SIZE, 'a standard output that nobody reads does not stop what is sent');
    SKIP: {
        skip 'sanitizers take memory of their own', 1 if $ENV{ASAN_OPTIONS};
        cmp_ok(resident($child->{pid}), '<', 8192, 'and the flood is not hoarded');
    }
    is(fcntl($write, F_GETFL, 0) & O_NONBLOCK, 0, 'a pipe that others have, too, keeps blocking');
    close $write;
    close $read;
    is_deeply([finish($child)], ['signal 13', '', ''], 'nobody will read any more: SIGPIPE');
}
{
    my ($read, $write) = pipe_ends();
    close $read;
    my $flood = NetIO::Test::Peer->start(flood => 'x' x 4096);
    is_deeply(
        [@{ against({ stdout => $write, setup => sub { $SIG{PIPE} = 'IGNORE' } }, $flood) }],
        [74, '', ''],
        'with SIGPIPE ignored: quietly'
    );
}
{
    # Standard input and output may be sockets: one for both, as inetd has it.
    socketpair my $mine, my $its, AF_UNIX, SOCK_STREAM, 0 or die "socketpair: $!\n";
    my $child = start({ stdin => $its, stdout => $its }, $TCPOPEN, '127.0.0.1', $echo->port);
    close $its;
    NetIO::Test::Peer::send_all($mine, 'there and back');
    shutdown $mine, 1;
    is(do { local $/; readline $mine }, 'there and back', 'one socket for both');
    is_deeply([finish($child)], [0, '', ''], 'and it ends');
}

{
    # The peer is not to blame.
    my ($read, $write) = pipe_ends();
    is_deeply(
        against(
            { stdout => $write },
            NetIO::Test::Peer->start(flood => 'x' x 4096),
            '--deadline', 1
        ),
        [75, '', "tcpopen: standard output: Connection timed out\n"],
        'a standard output that nobody reads: the deadline holds'
    );
}

# ---- CRLF ------------------------------------------------------------------------------

my @lines = (
    # input, to the peer
    ["a\n",             "a\r\n"],
    ["a\r\n",           "a\r\n"],
    ["\n\n",            "\r\n\r\n"],
    ["\r\n\n\r\n",      "\r\n\r\n\r\n"],
    ["a\rb\n",          "a\rb\r\n"],
    ["\r\r\n",          "\r\r\n"],
    ["no end",          'no end'],
    ["\0\n\xff\n",      "\0\r\n\xff\r\n"],
    ["\n" x 100_000,    "\r\n" x 100_000],
    ["x\r\n" x 100_000, "x\r\n" x 100_000],
);
for my $case (@lines) {
    my ($input, $sent) = @$case;
    my $name = substr($input, 0, 12) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
    is_deeply(against({ input => $input }, $echo, '--crlf'), [0, $sent, ''], "--crlf: $name");
}
{
    # Split everywhere: each byte is sent when the one before it has come back.
    my ($to, $in)     = (pipe_ends())[1, 0];
    my ($from, $into) = pipe_ends();
    my $child = start({ stdin => $in, stdout => $into }, $TCPOPEN, '-C', '127.0.0.1', $echo->port);
    my $got   = '';
    close $in;
    close $into;
    for my $byte (split //, "a\r\nb\n\r\r\n\n") {
        my $before = length $got;
        syswrite $to, $byte;
        sysread $from, $got, 100, length $got while length $got == $before;
    }
    close $to;
    is($got, "a\r\nb\r\n\r\r\n\r\n", 'A19 --crlf: split between any two bytes');
    is_deeply([finish($child)], [0, '', ''], 'and it ends');
}

done_testing;
