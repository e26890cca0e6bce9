# whoisd: how it can be started: a socket on descriptor 0 (inetd's nowait and wait, socket
# activation), a pipe, --stdio; and what a careless parent may leave behind.

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX  ();
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM SOL_SOCKET SO_LINGER);
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $dir  = File::Temp->newdir;
my $db   = build_directory("$dir/a.db", [{ handle => 'A1', name => 'One' }]);
my @from = ('--directory', "sqlite:$db");
my $one  = "There were 1 matches on your request.\r\n\r\n           Full Name: One\r\n"
    . "           Index Key: A1\r\n\r\nFor more information try 'whois help'.\r\n";
my $none =
    "There were no matches on your request.\r\n\r\nFor more information try 'whois help'.\r\n";
my $no_word  = "Sorry, please ask for a name or another word; try 'whois help'.\r\n";
my $too_long = "Sorry, that query is too long (1024 bytes at most).\r\n";

# ---- a pipe, and --stdio -----------------------------------------------------------------

# Name, input, exit code, stdout.
#<<< the table as it is
my @table = (
    ['a match',           "one\n",             0,  $one],
    ['CRLF',              "one\r\n",           0,  $one],
    ['no end of line',    'one',               0,  $one],
    ['the first line',    "one\nnobody\n",     0,  $one],
    ['no match',          "nobody\n",          0,  $none],
    ['an empty line',     "\n",                65, $no_word],
    ['nothing',           '',                  65, $no_word],
    ['too long',          'x' x 1025 . "\n",   65, $too_long],
    ['too long, no end',  'x' x 1025,          65, $too_long],
    ['far too long',      'x' x 60_000,        65, $too_long],
    ['as long as may be', 'one' . ' ' x 1021,  0,  $one],
    ['NUL',               "one\0\n",           0,  $one],
);
#>>>
for my $row (@table) {
    my ($name, $input, $exit, $out) = @$row;

    is_deeply [NetIO::Test::Daemon->run(args => [@from], input => $input)], [$exit, $out, ''],
        "a pipe: $name";
    is_deeply [NetIO::Test::Daemon->run(args => ['--stdio', @from], input => $input)],
        [$exit, $out, ''], "--stdio: $name";
}
{
    open my $file, '+>', "$dir/query" or die "query: $!\n";
    syswrite $file, "one\n";
    seek $file, 0, 0;
    is_deeply [NetIO::Test::Daemon->run(args => ['--stdio', @from], stdin => $file)], [0, $one, ''],
        '--stdio: from a file';
    is_deeply [NetIO::Test::Daemon->run(args => ['--stdio', @from])], [65, $no_word, ''],
        '--stdio: from /dev/null';
}
{
    my ($exit, $out, $err) =
        NetIO::Test::Daemon->run(args => ['--stdio', @from, '--log', 'stderr'], input => "one\e\n");
    is "$exit $out", "0 $one", '--stdio: with a log';
    like $err, qr/\Awhoisd: - "one\\x1b" 1 matches \d+\.\d{3} ms\n\z/,
        'which has a line without a peer (B32)';
}
SKIP: {
    open my $full, '>', '/dev/full' or skip 'no /dev/full', 1;
    is_deeply [
        NetIO::Test::Daemon->run(args => ['--stdio', @from], input => "one\n", stdout => $full)
        ],
        [74, '', "whoisd: standard output: No space left on device\n"],
        '--stdio: no room for the answer';
}
{
    pipe(my $read, my $write) or die "pipe: $!\n";
    close $read;
    is_deeply [
        NetIO::Test::Daemon->run(args => ['--stdio', @from], input => "one\n", stdout => $write)
        ],
        [74, '', ''], '--stdio: nobody reads the answer';
}
{
    pipe(my $read, my $write) or die "pipe: $!\n";
    is_deeply [
        NetIO::Test::Daemon->run(
            args  => ['--stdio', @from, '--query-seconds', '0.1'],
            stdin => $read
        )
        ],
        [74, '', "whoisd: standard input: Connection timed out\n"], '--stdio: no query in time';
}
{
    my $big = build_directory("$dir/big.db",
        [{ handle => 'megabyte', name => 'Megabyte', fields => [(['', '']) x 43_000] }]);
    my @wait = ('--directory', "sqlite:$big", '--answer-seconds', '0.2');
    pipe(my $read, my $write) or die "pipe: $!\n";
    is_deeply [
        NetIO::Test::Daemon->run(
            args   => ['--stdio', @wait],
            input  => "!megabyte\n",
            stdout => $write
        )
        ],
        [74, '', "whoisd: standard output: Connection timed out\n"],
        '--stdio: the answer is not taken in time';
}

# ---- a connected socket: inetd's nowait --------------------------------------------------

# A whoisd as inetd starts it; the client's end, and the daemon.
sub nowait {
    my ($how,    @args)   = @_;
    my ($client, $server) = connected($how);

    my $d = NetIO::Test::Daemon->start(
        args   => [@from, @args, '--log', "$dir/log"],
        stdin  => $server,
        stdout => $server
    );
    return ($client, $d);
}

sub connected {
    my ($how) = @_;

    if ($how eq 'a socket pair') {
        return IO::Socket->new->socketpair(AF_UNIX, SOCK_STREAM, PF_UNSPEC);
    }
    my %new      = $how eq 'TCP' ? (LocalAddr => '127.0.0.1') : (Local => "$dir/s");
    my $class    = $how eq 'TCP' ? 'IO::Socket::INET'         : 'IO::Socket::UNIX';
    my $listener = $class->new(%new, Listen => 1) or die "listen: $!\n";
    my $client =
          $how eq 'TCP'
        ? $class->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport)
        : $class->new(Peer     => "$dir/s");
    unlink "$dir/s";
    return ($client, scalar $listener->accept);
}

sub last_line { return (split /\n/, NetIO::Test::Daemon::slurp("$dir/log"))[-1] }

for my $how ('TCP', 'a unix socket', 'a socket pair') {
    my ($client, $d) = nowait($how);
    my $peer = $how eq 'TCP' ? '127\.0\.0\.1:' . $client->sockport : 'unix:';

    syswrite $client, "one\r\n";
    is $d->read_all($client), $one, "$how: served";
    close $client;
    is $d->wait_end, 0, "$how: and ended";
    like last_line(), qr/: $peer "one" 1 matches \d+\.\d{3} ms\z/, "$how: in the log";
    $d->finish;
}
{
    my ($client, $d) = nowait('TCP', '--query-seconds', '0.1');
    is $d->read_all($client), '', 'a silent client is cut off';
    is $d->wait_end,          0,  'and whoisd ends';
    like last_line(), qr/ - no query in time\z/, 'in the log';
    $d->finish;
}
{
    my ($client, $server) = connected('TCP');
    my $d = NetIO::Test::Daemon->start(
        args   => ['--directory', "sqlite:$dir/none", '--log', "$dir/log"],
        stdin  => $server,
        stdout => $server
    );

    close $server;
    syswrite $client, "one\r\n";
    is $d->read_all($client), "Sorry, the directory is not available; please try again later.\r\n",
        'no directory: the client is told';
    close $client;
    is $d->wait_end, 66, 'and so is inetd';
    like NetIO::Test::Daemon::slurp("$dir/log"),
        qr/: directory sqlite:\Q$dir\E\/none: No such file.*\n.* "one" directory not available /,
        'and the log';
    $d->finish;
}
{
    # stderr is the client's as well, as inetd has it: no word of the daemon's own goes there.
    my ($client, $server) = connected('TCP');
    my ($exit) = NetIO::Test::Daemon->run(
        args   => ['--directory', "sqlite:$dir/none", '--query-seconds', '0.1'],
        stdin  => $server,
        stdout => $server,
        wrap   => ['/bin/sh', '-c', 'exec "$0" "$@" 2>&0']
    );

    close $server;
    is $exit, 66, 'nobody asked';
    is(
        do { local $/; <$client> }
            // '', '', 'and nothing was said to the client'
    );
}
{
    my ($client, $server) = connected('TCP');
    close $client;
    my ($exit, $out, $err) =
        NetIO::Test::Daemon->run(args => [@from, '--log', 'stderr'], stdin => $server);

    is $exit, 0, 'a client that has left is no error';
    like $err,
        qr/\Awhoisd: (?:127\.0\.0\.1:\d+ - no query|the client left before it was served)\n\z/,
        'but a line in the log';
}
{
    my ($client, $server) = connected('TCP');
    setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0;
    close $client;
    is_deeply [NetIO::Test::Daemon->run(args => [@from, '--log', 'stderr'], stdin => $server)],
        [0, '', "whoisd: the client left before it was served\n"], 'nor is one that was reset';
}

# ---- a socket that listens: inetd's wait, socket activation ------------------------------

{
    my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1');
    my $port     = $listener->sockport;
    my $early    = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);

    syswrite $early, "one\r\n";    # before whoisd is there
    my $d = NetIO::Test::Daemon->start(
        args  => [@from, '--log', 'stderr'],
        stdin => $listener,
        ready => qr/listening on 127\.0\.0\.1:(\d+), 1 entries\n/
    );

    close $listener;
    is $d->port,             $port, 'it knows its port';
    is $d->read_all($early), $one,  'a client that came early is served';
    is $d->ask("one\r\n"),   $one,  'and others' for 1 .. 3;
    $d->finish;
}
{
    my $listener = IO::Socket::UNIX->new(Listen => 5, Local => "$dir/s");
    my $d        = NetIO::Test::Daemon->start(
        args  => [@from, '--log', 'stderr'],
        stdin => $listener,
        ready => qr/listening on (unix:\S+), 1 entries\n/
    );

    is $d->ask("one\r\n", path => "$dir/s"), $one, 'a unix socket that listens';
    $d->finish;
    ok -e "$dir/s", 'it was not ours to remove';
    unlink "$dir/s";
}

# ---- what else descriptor 0 can be -------------------------------------------------------

{
    my $datagram = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1');
    is_deeply [NetIO::Test::Daemon->run(args => [@from, '--log', 'stderr'], stdin => $datagram)],
        [64, '', "whoisd: standard input is a datagram socket\n"], 'a datagram socket (C24)';
}
{
    my ($client, $server) = connected('TCP');
    my $d = NetIO::Test::Daemon->start(
        args  => ['--listen', '127.0.0.1:0', @from],
        stdin => $server,
        ready => qr/listening on 127\.0\.0\.1:(\d+), /
    );

    is $d->ask("one\r\n"), $one, '--listen counts more than a socket on descriptor 0';
    $d->finish;
}

# ---- a careless parent -------------------------------------------------------------------

# C6: every combination of 0, 1 and 2 that is closed.
for my $closed (1 .. 7) {
    my @numbers  = grep { $closed & 1 << $_ } 0 .. 2;
    my $redirect = join ' ', map { $_ == 0 ? '0<&-' : "$_>&-" } @numbers;
    my $fifo     = "$dir/fifo$closed";    # the log, since stderr may be closed

    POSIX::mkfifo($fifo, 0600) or die "$fifo: $!\n";
    open my $lines, '+<', $fifo or die "$fifo: $!\n";
    my $d = NetIO::Test::Daemon->start(
        args => ['--listen', '127.0.0.1:0', @from, '--log', $fifo],
        wrap => ['/bin/sh',  '-c', "exec \"\$0\" \"\$@\" $redirect"]
    );
    readline $lines;                      # of the sandbox
    my ($port) = readline($lines) =~ /listening on 127\.0\.0\.1:(\d+), 1 entries\n/;

    is $d->ask("one\r\n", port => $port), $one, "closed: @numbers: it serves (C6)";
    like scalar readline($lines), qr/"one" 1 matches/, "closed: @numbers: and logs";
    is_deeply [grep { readlink('/proc/' . $d->pid . "/fd/$_") ne '/dev/null' } @numbers], [],
        "closed: @numbers: they are /dev/null";
    $d->kill('TERM');
    is $d->wait_end, 0, "closed: @numbers: ends well";
    $d->finish;
}

# C12: a umask that lets everybody in.
{
    my $d = NetIO::Test::Daemon->start(
        args   => ['--listen', "unix:$dir/s", @from],
        before => sub { umask 0 },
        ready  => qr/listening on (unix:\S+), 1 entries\n/
    );

    is((stat "$dir/s")[2] & 07777, 0750,
        'a unix socket is for its owner, whatever the umask (C12)');
    $d->finish;
}

# C7: a /dev without its null, of which somebody's redirection has made a file.
SKIP: {
    my @wrap = (
        'unshare', '-rm', '/bin/sh', '-c',
        'mount -t tmpfs none /dev && : >/dev/null && exec "$0" "$@"'
    );

    skip 'no namespaces for mounts', 1
        if system("unshare -rm mount -t tmpfs none /dev 2>/dev/null") != 0;
    is_deeply [NetIO::Test::Daemon->run(args => ['-t', @from], wrap => \@wrap)],
        [71, '', "whoisd: /dev/null: No such device\n"], 'a file for /dev/null (C7)';
}

# C8: signals that the parent ignores or blocks.
{
    my $d = NetIO::Test::Daemon->start(
        args   => ['--listen', '127.0.0.1:0', @from],
        before => sub {
            $SIG{$_} = 'IGNORE' for qw(HUP TERM INT QUIT USR1 CHLD);
            my $all = POSIX::SigSet->new;
            $all->fillset;
            POSIX::sigprocmask(POSIX::SIG_BLOCK(), $all);
        },
        ready => qr/listening on 127\.0\.0\.1:(\d+), /
    );
    my $status = NetIO::Test::Daemon::slurp('/proc/' . $d->pid . '/status');
    # Signals 1 to 31: the two behind them belong to libc and whatever is loaded before it.
    my ($ignored, $blocked) =
        map { $status =~ /^$_:\s+\w*(\w{8})$/m ? hex($1) & 0x7fffffff : -1 } qw(SigIgn SigBlk);
    my $read = 0;
    $read |= 1 << $_ - 1
        for POSIX::SIGTERM(), POSIX::SIGQUIT(), POSIX::SIGINT(), POSIX::SIGHUP(), POSIX::SIGUSR1();

    my $deaf = 0;
    $deaf |= 1 << $_ - 1
        for POSIX::SIGHUP(), POSIX::SIGPIPE(), POSIX::SIGUSR1(), POSIX::SIGUSR2(), POSIX::SIGTSTP(),
        POSIX::SIGTTIN(), POSIX::SIGTTOU(), 25;    # SIGXFSZ, which POSIX has not

    is $ignored, $deaf, 'nothing is ignored but what a daemon has no use for (C8)';
    is $blocked, $read, 'only those are blocked that it reads from a descriptor (C8)';
    $d->kill('HUP');
    ok $d->wait_log(qr/in use now, 1 entries\n/), 'HUP is heard';
    $d->finish;
}

done_testing;
