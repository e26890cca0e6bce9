# tcpopen: its command line, what it joins, and what it says and exits with when that fails.

use strict;
use warnings;
use lib 't/lib';

use Digest::MD5 ();
use Fcntl       qw(F_GETFL O_NONBLOCK);
use File::Temp  ();
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::Peer;
use NetIO::Test::Port qw(free_port);
use NetIO::Test::Run;
use POSIX ();
use Socket;
use Test::More;
use Time::HiRes ();

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
$SIG{PIPE} = 'IGNORE';
alarm 120;

my $TCPOPEN = "$ENV{PWD}/csrc/build/tcpopen";
-x $TCPOPEN or BAIL_OUT('csrc/build/tcpopen is not there: run make first');
my $USAGE = 'usage: tcpopen [OPTION...] {HOST SERVICE | --unix PATH} [PROGRAM ARG...]';
my $dir   = File::Temp->newdir;

sub tcpopen { return run(ref $_[0] ? shift : {}, $TCPOPEN, @_) }

# In a child, before the program: SIGPIPE as a shell leaves it.
sub default_pipe { $SIG{PIPE} = 'DEFAULT'; return }

# Errors, with the port of a peer left out.
sub against {
    my ($how,    $peer, @options) = @_;
    my ($status, $out,  $err)     = tcpopen($how, @options, '127.0.0.1', $peer->port);

    $err =~ s/\b${\ $peer->port}\b/PORT/g;
    return [$status, $out, $err];
}
my $at = 'tcpopen: 127.0.0.1:PORT:';

# ---- the command line ------------------------------------------------------------------

my @wrong = (
    # arguments, standard error
    [[],                             $USAGE],
    [['localhost'],                  $USAGE],
    [['--nosuch', 'localhost', '1'], $USAGE],
    [['-x', 'localhost', '1'],       $USAGE],
    [['--unix'],                     $USAGE],
    [['--timeout',  'soon',  'localhost', '1'], 'tcpopen: --timeout soon: not a number of seconds'],
    [['--timeout',  '0',     'localhost', '1'], 'tcpopen: --timeout 0: not a number of seconds'],
    [['--timeout',  'nan',   'localhost', '1'], 'tcpopen: --timeout nan: not a number of seconds'],
    [['--deadline', '-1',    'localhost', '1'], 'tcpopen: --deadline -1: not a number of seconds'],
    [['--wait',     '1s',    'localhost', '1'], 'tcpopen: --wait 1s: not a number of seconds'],
    [['--wait',     '1',     'localhost', '1'], 'tcpopen: --wait: only with --udp'],
    [['--source',   'name',  'localhost', '1'], 'tcpopen: --source name: not an address'],
    [['--source',   '/path', 'localhost', '1'], 'tcpopen: --source /path: not an address'],
    [['--source',   "\e[m",  'localhost', '1'], 'tcpopen: --source \x1b[m: not an address'],
    [['--source-port', '0',  'localhost', '1'], 'tcpopen: --source-port 0: unknown service'],
    [['--source-port', '9', '--reserved', 'h', '1'], 'tcpopen: --source-port: not with --reserved'],
    [['-6', '-U', 'path'],                           'tcpopen: --ipv6: not with --unix'],
    [['-u', '-U', 'path'],                           'tcpopen: --udp: not with --unix'],
    [['--reserved', '-U', 'path'],                   'tcpopen: --reserved: not with --unix'],
    [['--nodelay', '-u', 'h', '1'],                  'tcpopen: --nodelay: not with --udp'],
    [['-C', 'h', '1', 'program'],                    'tcpopen: --crlf: not with a program'],
    [['--deadline', '1', '-U', 'path', 'program'],   'tcpopen: --deadline: not with a program'],
    [
        ['localhost', 'nosuchservice'],
        'tcpopen: localhost:nosuchservice: service nosuchservice: unknown service'
    ],
    [['localhost', '65536'], 'tcpopen: localhost:65536: service 65536: unknown service'],
    [['localhost', '80x'],   'tcpopen: localhost:80x: service 80x: unknown service'],
    [['::1',       ''],      'tcpopen: [::1]:: service: unknown service'],
);
for my $case (@wrong) {
    my ($args, $said) = @$case;
    my $words = join(' ', @$args) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
    is_deeply([tcpopen(@$args)], [64, '', "$said\n"], "wrong call: $words");
}

my ($status, $out, $err) = tcpopen('--help');
is($status, 0, '--help exits with 0');
like($out, qr/\A\Q$USAGE\E\n/, 'and says the usage');
is((grep { length > 90 } split /\n/, $out) + ($out =~ tr/\n// > 25), 0, 'on one screen');
is_deeply([tcpopen($_)], [0, "tcpopen (NetIO) 0.01\n", ''], $_) for '-V', '--version';
is_deeply(
    [tcpopen({ stdout => '/dev/full' }, '--help')],
    [74, '', "tcpopen: standard output: No space left on device\n"],
    '--help on a full disk'
);

# ---- both ways -------------------------------------------------------------------------

my $echo  = NetIO::Test::Peer->start('echo');
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
my $told       = "$dir/told";
my $ends_first = NetIO::Test::Peer->start(
    run => sub {
        my ($socket) = @_;
        shutdown $socket, 1;
        my ($bytes, $sum) = (0, 0);
        while (my $n = sysread $socket, my $text, 65536) {
            $bytes += $n;
        }
        spew("$told.new", $bytes);
        rename "$told.new", $told;
    }
);
open my $source, '<:raw', $much or die "$much: $!\n";
is_deeply(
    against({ stdin => $source }, $ends_first),
    [0, '', ''],
    'A9 a peer that has ended its side only'
);
Time::HiRes::sleep(0.01) until -e $told;
is(slurp($told), $SIZE, 'still gets all of a file');

my $gone = NetIO::Test::Peer->start(say => "bye\n");
# What is refused first, and when, is a matter of luck.
my @cut = map { against({ stdin => '/dev/zero' }, $gone) } 1 .. 20;
is((grep { $_->[0] != 74 } @cut), 0, 'A10 one that takes no more: no success');
my $refused = qr/(?:write|read) 127\.0\.0\.1:PORT: (?:Broken pipe|Connection reset by peer)/;
is((grep { $_->[2] !~ /\A\Q$at\E $refused\n\z/ } @cut), 0, 'and one line');

# Both ends of a pipe, and of a connection, are held by nobody else: they can wait for it to end.
sub pipe_ends { pipe my $read, my $write or die "pipe: $!\n"; return ($read, $write) }

{
    my ($read, $write) = pipe_ends();
    my $child = start({ stdin => $read }, $TCPOPEN, '127.0.0.1', $gone->port);
    close $read;
    Time::HiRes::sleep(0.01) until -s $child->{out};
    # The first piece is answered by RST, which ends it: no second one is needed.
    syswrite $write, 'more';
    my ($code, $said) = finish($child);
    is_deeply([$code, $said], [74, "bye\n"], 'a pipe that stays open does not keep it for ever');
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

# ---- neither way waits for the other -----------------------------------------------------

my $deaf_talker = NetIO::Test::Peer->start(
    run => sub {
        my ($socket) = @_;
        NetIO::Test::Peer::send_all($socket, "talk\n" x 200_000);
        POSIX::pause();
    }
);
is_deeply(
    against({ stdin => '/dev/zero' }, $deaf_talker, '--deadline', 1),
    [75, "talk\n" x 200_000, "$at write 127.0.0.1:PORT: Connection timed out\n"],
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
            spew("$told.new", $bytes);
            rename "$told.new", $told;
            POSIX::pause();
        }
    );
    unlink $told;
    my ($read, $write) = pipe_ends();
    open my $file, '<:raw', $much or die "$much: $!\n";
    my $child = start({ stdin => $file, stdout => $write, setup => \&default_pipe },
        $TCPOPEN, '127.0.0.1', $listening->port);
    Time::HiRes::sleep(0.01) until -e $told;
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
            { stdout => $write }, NetIO::Test::Peer->start(flood => 'x' x 4096),
            '--deadline', 0.3
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

# ---- what goes wrong -------------------------------------------------------------------

is_deeply(
    against({}, NetIO::Test::Peer->refusing),
    [69, '', "$at connect 127.0.0.1:PORT: Connection refused\n"],
    'A1 refused'
);
is_deeply(
    against({}, NetIO::Test::Peer->full, '--timeout', 0.2),
    [75, '', "$at connect 127.0.0.1:PORT: Connection timed out\n"],
    'A5 no room in its queue'
);
is_deeply(
    against({}, NetIO::Test::Peer->full, '--deadline', 0.2),
    [75, '', "$at connect 127.0.0.1:PORT: Connection timed out\n"],
    'A5 the same by --deadline'
);
is_deeply(
    against(
        { input => 'x' }, NetIO::Test::Peer->start(run => sub { POSIX::pause() }),
        '--deadline',     0.3
    ),
    [75, '', "$at read 127.0.0.1:PORT: Connection timed out\n"],
    'A6 accepts and says nothing'
);
{
    # An end of its input would stop the drip.
    my ($read, $write) = pipe_ends();
    my $drip =
        against({ stdin => $read }, NetIO::Test::Peer->start(drip => 'x', 0.02), '--deadline', 0.3);
    like($drip->[1], qr/\Ax+\z/, 'A7 a drip: what came is written');
    is_deeply(
        [@$drip[0, 2]],
        [75, "$at read 127.0.0.1:PORT: Connection timed out\n"],
        'A7 and the time is up'
    );
}
is_deeply(
    against({ input => "\n" }, NetIO::Test::Peer->start(reset => "half an answ")),
    [74, 'half an answ', "$at read 127.0.0.1:PORT: Connection reset by peer\n"],
    'A8 a reset in the middle: what came is written, and it is no success'
);
is_deeply(
    [tcpopen('no such host', '1')],
    [68, '', "tcpopen: no such host:1: resolve no such host: not a valid host name\n"],
    'not a host'
);
is_deeply(
    [tcpopen("\e[2Jx", "\e1")],
    [64, '', "tcpopen: \\x1b[2Jx:\\x1b1: service \\x1b1: unknown service\n"],
    'D4 words that would clear the screen'
);
is_deeply(
    [tcpopen({ stdin => '/' }, '127.0.0.1', $echo->port)],
    [74, '', "tcpopen: standard input: Is a directory\n"],
    'standard input that cannot be read'
);
is_deeply(
    [tcpopen({ input => 'x', stdout => '/dev/full' }, '127.0.0.1', $echo->port)],
    [74, '', "tcpopen: standard output: No space left on device\n"],
    'a full disk'
);
is_deeply(
    [tcpopen({}, '--unix', "$dir/nosuch")],
    [69, '', "tcpopen: connect unix:$dir/nosuch: No such file or directory\n"],
    'no such socket'
);
SKIP: {
    skip 'no IPv6 here', 1 if !NetIO::Test::Peer->has_ipv6;
    my $refusing = NetIO::Test::Peer->refusing('::1');
    my $number   = $refusing->port;
    is_deeply(
        [tcpopen('localhost', $number)],
        [
            69,
            '',
            "tcpopen: localhost:$number: connect [::1]:$number: Connection refused; "
                . "connect 127.0.0.1:$number: Connection refused\n"
        ],
        'several addresses: each is listed'
    );
    is_deeply(
        [tcpopen('::1', $number)],
        [69, '', "tcpopen: [::1]:$number: connect [::1]:$number: Connection refused\n"],
        'IPv6: the port can be told from the address'
    );
}
SKIP: {
    my $missing = NetIO::Test::Netns->missing;
    skip $missing, 2 if $missing;
    my $ns = NetIO::Test::Netns->new(
        'tcpopen',
        'resolv.conf' => "nameserver 127.0.0.1\n",
        'hosts'       => ''
    );
    my $dns = NetIO::Test::DNS->start($ns, "silent.test  *  silent\n");
    for (['nosuch.test', 68, 'host not found'], ['silent.test', 75, 'Connection timed out']) {
        my ($host, $exit, $text) = @$_;
        is_deeply(
            [run($ns->prefix, $TCPOPEN, '--timeout', 0.3, $host, '1')],
            [$exit, '', "tcpopen: $host:1: resolve $host: $text\n"],
            "A11 a name: $host"
        );
    }
}

# ---- descriptors -----------------------------------------------------------------------

for my $closed (0 .. 7) {
    my @closed = grep { $closed & 1 << $_ } 0 .. 2;
    my $answer = $closed & 3 ? '' : 'x';
    my $fails  = ($closed & 3) == 2;    # something came back, and there is nowhere to write it
    my $said   = $fails
        && !($closed & 4) ? "tcpopen: standard output: Bad file descriptor\n" : '';
    is_deeply(
        [tcpopen({ input => 'x', closed => \@closed }, '127.0.0.1', $echo->port)],
        [$fails ? 74 : 0, $answer, $said],
        "A28 C6 closed: @{[@closed ? qq{@closed} : 'nothing']}"
    );
}
for my $most (4 .. 10) {
    my ($code, $said, $error) = run(
        { input => 'x' },
        'sh',     '-c',        qq{ulimit -n $most; exec "\$0" "\$@"},
        $TCPOPEN, 'localhost', $echo->port
    );
    ok(
        $code eq 0 && $said eq 'x' && $error eq ''
            || $code == 71 && $said eq '' && $error =~ /\Atcpopen: .*: Too many open files\n\z/,
        "A16 $most descriptors: it works, or says so"
    ) or diag "$code $said $error";
}

# ---- this end --------------------------------------------------------------------------

# Says who it is that has connected.
my $who = NetIO::Test::Peer->start(
    run => sub {
        my ($socket) = @_;
        my ($port, $address) = unpack_sockaddr_in(getpeername $socket);
        NetIO::Test::Peer::send_all($socket, inet_ntoa($address) . " $port\n");
    }
);
like(against({}, $who, '--source', '127.0.0.9')->[1], qr/\A127\.0\.0\.9 \d+\n\z/, '--source');
{
    my $port = free_port();
    is(against({}, $who, '--source-port', $port)->[1], "127.0.0.1 $port\n", '--source-port');
}
SKIP: {
    skip 'needs root', 2 if $>;
    my ($port) = against({}, $who, '--reserved')->[1] =~ / (\d+)/;
    cmp_ok($port, '>=', 512,  '--reserved: from 512');
    cmp_ok($port, '<=', 1023, '--reserved: to 1023');
    my ($code, undef, $said) =
        tcpopen({ setup => sub { POSIX::setuid(65534) } }, '--reserved', '127.0.0.1', $who->port);
    is($code, 77, '--reserved without the privilege');
    like($said, qr/\Atcpopen: [^\n]*privilege[^\n]*\n\z/, 'says so');
}

# ---- datagrams -------------------------------------------------------------------------

# Says how long each datagram is, and of an empty one sends an empty one before that.
socket my $udp, AF_INET, SOCK_DGRAM, 0 or die "socket: $!\n";
bind $udp, pack_sockaddr_in(0, INADDR_LOOPBACK) or die "bind: $!\n";
my ($udp_port) = unpack_sockaddr_in(getsockname $udp);
my $server = fork // die "fork: $!\n";
if (!$server) {
    @SIG{qw(ALRM TERM)} = ('DEFAULT') x 2;
    alarm 120;
    while (defined(my $from = recv $udp, my $text, 70000, 0)) {
        send $udp, '',                   0, $from;
        send $udp, length($text) . "\n", 0, $from;
    }
    POSIX::_exit(1);
}
close $udp;

my @udp = ('--udp', '--wait', 0.3);
is_deeply(
    [tcpopen({ input => "one\ntwo\n" }, @udp, '127.0.0.1', $udp_port)],
    [0, "8\n", ''],
    'a file is one datagram; an empty one is no end'
);
is_deeply([tcpopen({ input => "a\nb" }, @udp, '-C', '127.0.0.1', $udp_port)],
    [0, "4\n", ''], '--crlf');
{
    my ($to,   $in)   = (pipe_ends())[1, 0];
    my ($from, $into) = pipe_ends();
    my $child = start({ stdin => $in, stdout => $into }, $TCPOPEN, @udp, '127.0.0.1', $udp_port);
    close $in;
    close $into;
    my @said = map { syswrite $to, $_; scalar readline $from } "line\n", "a longer line\n";
    close $to;
    is("@said", "5\n 14\n", 'each write is a datagram');
    is_deeply([finish($child)], [0, '', ''], 'silence ends it');
}
is_deeply(
    [tcpopen({ input => 'x' x 70000 }, @udp, '127.0.0.1', $udp_port)],
    [0, "65507\n4493\n", ''],
    'a large file becomes several'
);
is_deeply(
    [tcpopen({ input => "\n" x 40_000 }, @udp, '--crlf', '127.0.0.1', $udp_port)],
    [0, "65507\n14493\n", ''],
    'so does one that --crlf makes large'
);
{
    # A port of TCP that is bound is free for UDP, most likely.
    my ($code, $said, $error) = tcpopen({ input => 'x' }, @udp, '127.0.0.1', 1);
    is_deeply(
        [$code, $said, $error],
        [69,    '',    "tcpopen: 127.0.0.1:1: read 127.0.0.1:1: Connection refused\n"],
        'nobody there: the ICMP error is said'
    );
}
is_deeply(
    [tcpopen({ input => 'x' }, '--udp', '--wait', 5, '--deadline', 0.2, '127.0.0.1', $udp_port)],
    [75, "1\n", "tcpopen: 127.0.0.1:$udp_port: read 127.0.0.1:$udp_port: Connection timed out\n"],
    '--deadline before the silence is long enough'
);
kill 'TERM', $server;
waitpid $server, 0;

# ---- unix sockets ----------------------------------------------------------------------

for my $path ("$dir/unix", "\@netio-tcpopen-$$") {
    socket my $listener, AF_UNIX, SOCK_STREAM, 0 or die "socket: $!\n";
    bind $listener, pack_sockaddr_un($path =~ s/^\@/\0/r) or die "bind: $!\n";
    listen $listener, 1 or die "listen: $!\n";
    my $child = start({ input => "hello\n" }, $TCPOPEN, '--unix', $path);
    accept my $socket, $listener or die "accept: $!\n";
    is(readline $socket, "hello\n", 'a unix socket ' . ($path =~ /^\@/ ? 'without a file' : ''));
    is(readline $socket, undef,     'its end');
    syswrite $socket, "answer\n";
    close $socket;
    is_deeply([finish($child)], [0, "answer\n", ''], 'and back');
}

done_testing;
