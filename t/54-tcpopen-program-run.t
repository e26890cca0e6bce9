# tcpopen HOST SERVICE PROGRAM: what the program is given (UCSPI-1996), and what is said when it
# cannot be run.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::Peer;
use NetIO::Test::Run;
use NetIO::Test::Tcpopen;
use POSIX ();
use Socket;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $dir  = File::Temp->newdir;
my $echo = NetIO::Test::Peer->start('echo');
my @to   = ('127.0.0.1', $echo->port);

# ---- descriptors -----------------------------------------------------------------------

is_deeply(
    [tcpopen(@to, 'sh', '-c', 'echo hello >&7; read x <&6; echo "$x"')],
    [0, "hello\n", ''],
    'reads from 6, writes to 7'
);
is_deeply(
    [tcpopen({ input => "hello\n" }, @to, 'sh', '-c', 'head -n1 >&7; head -n1 <&6')],
    [0, "hello\n", ''],
    'a client of two programs'
);
is_deeply([tcpopen(@to, 'sh', '-c', 'exit 42')],    [42, '', ''], "the program's exit code");
is_deeply([tcpopen(@to, 'sh', '-c', 'kill -9 $$')], ['signal 9', '', ''], 'or its signal');
is_deeply(
    [tcpopen(@to, 'echo', '-V', '--udp', '--', '')],
    [0, "-V --udp -- \n", ''],
    'its options are its own'
);
is_deeply([tcpopen('-4', '--', @to, 'echo', 'x')], [0, "x\n", ''], '-- before the host');

# Numbers, flags of descriptors and of files, of everything that the program has.
my $look = <<'PERL';
use Fcntl qw(F_GETFD F_GETFL FD_CLOEXEC O_NONBLOCK);
use POSIX ();
my @open = sort { $a <=> $b } map { readlink("/proc/self/fd/$_") ? $_ : () }
    grep { !/\D/ } do { opendir my $dir, "/proc/self/fd"; my $own = fileno $dir;
        grep { $_ ne $own } readdir $dir };
print join(",", @open), "\n";
for (6, 7) {
    open my $fh, "+<&=", $_ or die "$_: $!";
    print "$_ ", fcntl($fh, F_GETFL, 0) & O_NONBLOCK ? "non-blocking" : "blocking",
        -S $fh ? " socket" : "", "\n";
}
print readlink("/proc/self/fd/6") eq readlink("/proc/self/fd/7") ? "the same" : "two", "\n";
my $old = POSIX::SigAction->new;
POSIX::sigaction(POSIX::SIGPIPE(), undef, $old);
print "PIPE ", $old->handler, "\n";
PERL
my $view = "0,1,2,6,7\n6 blocking socket\n7 blocking socket\nthe same\nPIPE DEFAULT\n";

# Nothing but these is open at the start.
sub only {
    my (@numbers) = @_;

    return sub {
        my %keep = map { $_ => 1 } 0 .. 2, @numbers;
        my $null = POSIX::open('/dev/null');
        POSIX::dup2($null, 1000);
        POSIX::dup2(1000, $_) for @numbers;
        $keep{$_} || POSIX::close($_) for 3 .. 1000;
    };
}
is_deeply(
    [tcpopen({ setup => only() }, @to, $^X, '-e', $look)],
    [0, $view, ''],
    'exactly 6 and 7, in blocking mode'
);
for my $numbers ([6], [7], [6, 7], [3, 4, 5], [3, 4, 5, 6], [3 .. 7]) {
    my $more = join ',', 0 .. 2, (grep { $_ < 6 } @$numbers), 6, 7;
    is_deeply(
        [tcpopen({ setup => only(@$numbers) }, @to, $^X, '-e', $look)],
        [0, $view =~ s/.*/$more/r, ''],
        "the same where @$numbers are in use"
    );
}
is_deeply(
    [tcpopen({ setup => sub { only()->(); $SIG{PIPE} = 'IGNORE' } }, @to, $^X, '-e', $look)],
    [0, $view, ''],
    'SIGPIPE is not ignored, though our caller did'
);
# Perl would open them again.
my $standard = 'for f in 0 1 2; do [ -e /proc/$$/fd/$f ] && all="$all $f"; done; echo "$all" >$0';
for my $closed ([0], [1], [2], [0, 1, 2]) {
    my $seen = "$dir/seen";
    tcpopen({ closed => $closed }, @to, 'sh', '-c', $standard, $seen);
    my %is_closed = map { $_ => 1 } @$closed;
    is(
        slurp($seen),
        join('', map { " $_" } grep { !$is_closed{$_} } 0 .. 2) . "\n",
        "A28 what was closed is closed for it: @$closed"
    );
}

# ---- the environment -------------------------------------------------------------------

my $environment = 'env | grep -E "^(PROTO|TCP|UDP|UNIX)" | LC_ALL=C sort';

# It, with the port of this end left out.
sub environment {
    my (@how) = @_;
    local @ENV{qw(TCPREMOTEINFO TCPLOCALHOST TCPREMOTEHOST)} = ('of an earlier one') x 3;
    local @ENV{qw(UDPREMOTEINFO UDPREMOTEHOST)}              = ('of an earlier one') x 2;
    my ($status, $out, $err) = tcpopen(@how, 'sh', '-c', $environment);

    is("$status$err", '0', "@how");
    return $out =~ s/^((?:TCP|UDP)LOCALPORT=)\d+$/$1PORT/mr;
}
my $port = $echo->port;
like(
    environment(@to),
    qr/\APROTO=TCP\nTCPLOCALIP=127.0.0.1\nTCPLOCALPORT=PORT\nTCPREMOTEIP=127.0.0.1\nTCPREMOTEPORT=$port\n(?!TCP)/,
    'TCP; an address is no name, and what is not known is unset'
);
like(environment('-4', 'LocalHost', $port), qr/^TCPREMOTEHOST=localhost$/m, 'a name');
SKIP: {
    skip 'no IPv6 here', 2 if !NetIO::Test::Peer->has_ipv6;
    my $six    = NetIO::Test::Peer->start(host => '::1', 'echo');
    my $number = $six->port;
    like(
        environment('::1', $number),
        qr/\APROTO=TCP\nTCPLOCALIP=::1\nTCPLOCALPORT=PORT\nTCPREMOTEIP=::1\nTCPREMOTEPORT=$number\n(?!TCP)/,
        'IPv6 goes by the same names'
    );
}
like(
    environment('-u', '127.0.0.1', 7),
    qr/^UDPLOCALIP=127.0.0.1\nUDPLOCALPORT=PORT\nUDPREMOTEIP=127.0.0.1\nUDPREMOTEPORT=7\n(?!UDP)/m,
    'UDP'
);
{
    my $path = "$dir/unix";
    socket my $listener, AF_UNIX, SOCK_STREAM, 0 or die "socket: $!\n";
    bind $listener, pack_sockaddr_un($path) or die "bind: $!\n";
    listen $listener, 1 or die "listen: $!\n";
    my $text  = environment('--unix', $path);
    my ($gid) = split ' ', $);
    like($text, qr/^PROTO=UNIX$/m, 'a unix socket');
    for (
        ["LOCALPATH=$path"], ["REMOTEPATH=$path"], ["LOCALUID=$<"],
        ["REMOTEEUID=$>"],   ["REMOTEEGID=$gid"],  ["REMOTEPID=$$"]
        )
    {
        like($text, qr/^UNIX\Q$_->[0]\E$/m, "UNIX$_->[0]");
    }
}

# ---- what goes wrong -------------------------------------------------------------------

is_deeply(
    [tcpopen(@to, '/nosuch/program')],
    [71, '', "tcpopen: /nosuch/program: No such file or directory\n"],
    'no such program'
);
is_deeply(
    [tcpopen(@to, '/etc/passwd')],
    [71, '', "tcpopen: /etc/passwd: Permission denied\n"],
    'no program'
);
is_deeply(
    [tcpopen(@to, "\e[2J")],
    [71, '', "tcpopen: \\x1b[2J: No such file or directory\n"],
    'D4 a name that clears the screen'
);
is_deeply([tcpopen(@to, '')], [71, '', "tcpopen: : No such file or directory\n"], 'no name');
my $refusing = NetIO::Test::Peer->refusing;
is_deeply(
    [tcpopen('127.0.0.1', $refusing->port, 'echo', 'never')],
    [
        69,
        '',
        "tcpopen: 127.0.0.1:${\ $refusing->port}: "
            . "connect 127.0.0.1:${\ $refusing->port}: Connection refused\n"
    ],
    'no connection, no program'
);
for my $most (5 .. 8) {
    my ($code, $out, $err) =
        run('sh', '-c', qq{ulimit -n $most; exec "\$0" "\$@"}, $TCPOPEN, @to, 'echo', 'run');
    is_deeply(
        [$code, $out, $err],
        $most > 7
        ? [0,  "run\n", '']
        : [71, '',      "tcpopen: descriptors 6 and 7: Bad file descriptor\n"],
        "A16 $most descriptors"
    );
}

# ---- the examples of the manual ----------------------------------------------------------

my $whois = NetIO::Test::Peer->start(
    run => sub {
        my ($socket) = @_;
        my $line = NetIO::Test::Peer::read_line($socket);
        NetIO::Test::Peer::send_all($socket, 'asked for ' . ($line =~ s/\r?\n/\r\n/r));
    }
);
my $count  = NetIO::Test::Peer->start('count');
my %answer = (
    'tcpopen --crlf whois.example whois'                              => "asked for quinton\r\n",
    'echo quinton | tcpopen --crlf --deadline 10 whois.example whois' => "asked for quinton\r\n",
    'tcpopen collector.example 2907 <report >receipt'                 => '',
    q{tcpopen whois.example whois sh -c 'echo quinton >&7; cat <&6'}  => "asked for quinton\r\n",
    q{tcpopen whois.example whois sh -c 'echo $TCPREMOTEIP $TCPREMOTEPORT'} => '127.0.0.1 '
        . $whois->port . "\n",
);
my @examples = slurp('man/tcpopen.1') =~ /^\.Dl \$ (.*)$/mg;
is_deeply([sort @examples], [sort keys %answer], 'the examples of the manual are these');
spew("$dir/report", "a report\n");
mkdir "$dir/bin";
symlink $TCPOPEN, "$dir/bin/tcpopen" or die "symlink: $!\n";
local $ENV{PATH} = "$dir/bin:$ENV{PATH}";
for my $example (@examples) {
    my $line = $example =~ s/whois\.example whois/127.0.0.1 @{[$whois->port]}/r =~
        s/collector\.example 2907/127.0.0.1 @{[$count->port]}/r;
    is_deeply([run({ input => "quinton\n" }, 'sh', '-c', "cd $dir && $line")],
        [0, $answer{$example}, ''], $example);
}
is(slurp("$dir/receipt"), '9 ' . unpack('%32C*', "a report\n") . "\n", 'and the receipt');

done_testing;
