# tcpopen: its command line, its exit codes and what it says when something goes wrong, which
# descriptors it needs, and this end of a connection.  What it joins is in 54-tcpopen-program-join.t.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::Peer;
use NetIO::Test::Port qw(free_port);
use NetIO::Test::Run;
use NetIO::Test::Tcpopen;
use POSIX ();
use Socket;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
$SIG{PIPE} = 'IGNORE';
alarm 300;

my $USAGE = 'usage: tcpopen [OPTION...] {HOST SERVICE | --unix PATH} [PROGRAM ARG...]';
my $dir   = File::Temp->newdir;
my $echo  = NetIO::Test::Peer->start('echo');

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

# ---- what goes wrong -------------------------------------------------------------------

is_deeply(
    against({}, NetIO::Test::Peer->refusing),
    [69, '', "$AT connect 127.0.0.1:PORT: Connection refused\n"],
    'A1 refused'
);
is_deeply(
    against({}, NetIO::Test::Peer->full, '--timeout', 0.2),
    [75, '', "$AT connect 127.0.0.1:PORT: Connection timed out\n"],
    'A5 no room in its queue'
);
is_deeply(
    against({}, NetIO::Test::Peer->full, '--deadline', 0.2),
    [75, '', "$AT connect 127.0.0.1:PORT: Connection timed out\n"],
    'A5 the same by --deadline'
);
is_deeply(
    against(
        { input => 'x' }, NetIO::Test::Peer->start(run => sub { POSIX::pause() }),
        '--deadline',     1
    ),
    [75, '', "$AT read 127.0.0.1:PORT: Connection timed out\n"],
    'A6 accepts and says nothing'
);
{
    # An end of its input would stop the drip.
    my ($read, $write) = pipe_ends();
    my $drip =
        against({ stdin => $read }, NetIO::Test::Peer->start(drip => 'x', 0.02), '--deadline', 1);
    like($drip->[1], qr/\Ax+\z/, 'A7 a drip: what came is written');
    is_deeply(
        [@$drip[0, 2]],
        [75, "$AT read 127.0.0.1:PORT: Connection timed out\n"],
        'A7 and the time is up'
    );
}
is_deeply(
    against({ input => "\n" }, NetIO::Test::Peer->start(reset => "half an answ")),
    [74, 'half an answ', "$AT read 127.0.0.1:PORT: Connection reset by peer\n"],
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
    for (
        ['nosuch.test', 30,  68, 'host not found'],
        ['silent.test', 0.3, 75, 'Connection timed out']
        )
    {
        my ($host, $seconds, $exit, $text) = @$_;
        is_deeply(
            [run($ns->prefix, $TCPOPEN, '--timeout', $seconds, $host, '1')],
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
