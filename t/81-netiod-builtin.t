# netiod: its built-in services over streams: echo (RFC 862), discard (863), chargen (864), daytime
# (867), time (868), their deadlines, and that no client is in another's way.

use strict;
use warnings;
use lib 't/lib';

use IO::Select;
use NetIO::Test::Inetd;
use NetIO::Test::Run qw(run slurp);
use Socket           qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(sleep time);

alarm 300;
local $SIG{PIPE} = 'IGNORE';

# What each of them says is a matter of its own, on days far away too.
is_deeply [(run('daemon/build/t/netiod-builtin'))[0]], [0],
    'what they say: t/daemon/netiod-builtin.c';

my $netiod = NetIO::Test::Inetd->start(env => { TZ => 'XXX-5:30' }, config => <<'CONF');
127.0.0.1:{echo}     stream tcp nowait root internal echo
127.0.0.1:{discard}  stream tcp nowait root internal discard
127.0.0.1:{daytime}  stream tcp nowait root internal daytime
127.0.0.1:{time}     stream tcp nowait root internal time
127.0.0.1:{chargen}  stream tcp nowait root internal chargen
{DIR}/echo.sock      stream unix nowait root internal echo
CONF

# Sends all of it while it reads all that comes.
sub exchange {
    my ($socket, $question) = @_;
    my ($sent,   $answer)   = (0, '');

    $socket->blocking(0);
    while (1) {
        my $left = length($question) - $sent;
        my ($read, $write) = IO::Select->select(
            IO::Select->new($socket),
            $left ? IO::Select->new($socket) : undef,
            undef, 30
        ) or return;
        if (@$read) {
            my $n = sysread $socket, $answer, 65536, length $answer;
            return $answer if !$n;
        }
        next if !@$write;
        $sent += syswrite($socket, $question, $left, $sent) // 0;
        shutdown $socket, 1 if $sent == length $question;
    }
}

# So many bytes, while nothing is sent.
sub read_some {
    my ($socket, $size) = @_;
    my $text = '';

    while (length $text < $size) {
        IO::Select->new($socket)->can_read(30) or last;
        sysread $socket, $text, $size - length $text, length $text or last;
    }
    return $text;
}

# ---- echo, discard ----------------------------------------------------------------------

is $netiod->ask(echo => "hello\r\n\0\xff"), "hello\r\n\0\xff", 'RFC 862: echo';
is $netiod->ask(echo => ''),                '',                'of nothing, nothing';
my $much = join '', map { pack 'N', $_ * 2654435761 % 2**32 } 1 .. 500_000;
ok exchange($netiod->connect('echo'), $much) eq $much, 'of 2 MB, all of it';
is $netiod->read_all(
    do {
        my $s = $netiod->connect("$netiod->{dir}/echo.sock");
        syswrite $s, 'x';
        shutdown $s, 1;
        $s;
    }
    ),
    'x', 'over a unix socket, too';
is exchange($netiod->connect('discard'), $much), '', 'RFC 863: discard';

# ---- daytime, time ----------------------------------------------------------------------

like $netiod->read_all($netiod->connect('daytime')),
    qr/\A\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\r\n\z/, 'RFC 867: daytime';
my $before = time;
my $said   = $netiod->read_all($netiod->connect('daytime'));
my %maybe =
    map { POSIX::strftime("%a %b %e %H:%M:%S %Y\r\n", gmtime $_ + 19_800) => 1 } $before .. time;
ok $maybe{$said}, "in the zone of netiod: $said";
my $seconds = unpack('N', $netiod->read_all($netiod->connect('time'))) - 2_208_988_800;
ok $before - 1 <= $seconds && $seconds <= time, 'RFC 868: time';
is length $netiod->ask(time => 'x' x 1000), 4, 'to who says something first, too';

# ---- chargen ----------------------------------------------------------------------------

my $ring   = join '', map { chr } 32 .. 126;
my $want   = join '', map { substr($ring x 2, $_ % 95, 72) . "\r\n" } 0 .. 9999;
my $socket = $netiod->connect('chargen');
is read_some($socket, length $want), $want, 'RFC 864: chargen, 10,000 lines';
close $socket;

# Its client may talk, and is not listened to.
$socket = $netiod->connect('chargen');
$socket->blocking(0);
my ($sent, $got) = (0, '');
while ($sent < 1_000_000) {
    $sent += syswrite($socket, $much, 65536) // 0;
    sysread $socket, $got, 65536, length $got;
}
$got .= read_some($socket, 740) if length $got < 740;
is substr($got, 0, 740), substr($want, 0, 740), 'to who sends 1 MB meanwhile, too';
ok $sent >= 1_000_000, 'which is dropped';
close $socket;

# ---- together ---------------------------------------------------------------------------

my @greedy = map { $netiod->connect('chargen') } 1 .. 20;
my @silent = map { $netiod->connect('echo') } 1 .. 100;
is $netiod->ask(echo => 'me'), 'me', 'nobody waits for those who are silent, or take nothing';
like slurp("/proc/@{[$netiod->pid]}/status"), qr/^Threads:\s+1$/m, 'in one process and thread';
is_deeply [$netiod->children], [], 'without any other';
@greedy = @silent = ();

# One that sends and does not take: netiod has a part of it, and reads no further.
$socket = $netiod->connect('echo');
$socket->blocking(0);
my $rest = 0;
while (IO::Select->new($socket)->can_write(0.5)) {
    $rest += syswrite($socket, $much, 65536) // 0;
}
my ($memory) = slurp("/proc/@{[$netiod->pid]}/status") =~ /^VmRSS:\s+(\d+)/m;
my @more = map { $netiod->connect('echo') } 1 .. 30;
for my $one (@more) {
    $one->blocking(0);
    1 while IO::Select->new($one)->can_write(0.05) && syswrite $one, $much, 65536;
}
my ($grown) = slurp("/proc/@{[$netiod->pid]}/status") =~ /^VmRSS:\s+(\d+)/m;
$grown -= $memory;
SKIP: {
    skip 'a sanitizer keeps what is freed', 1 if $ENV{NETIO_TEST_SANITIZED};
    ok $grown < 30 * 160, "30 who take nothing cost 160 KiB each at most: $grown KiB";
}
is $netiod->ask(echo => 'me'), 'me', 'and others are served';
@more = ();
close $socket;
$netiod->finish;

# ---- deadlines --------------------------------------------------------------------------

$netiod = NetIO::Test::Inetd->start(config => <<'CONF');
{echo} on bind = 127.0.0.1, socktype = stream, protocol = tcp, exec = internal, args = echo,
    idle_seconds = 1, first_seconds = 1;
{total} on bind = 127.0.0.1, socktype = stream, protocol = tcp, exec = internal, args = echo,
    total_seconds = 1;
{chargen} on bind = 127.0.0.1, socktype = stream, protocol = tcp, exec = internal, args = chargen,
    idle_seconds = 1, first_seconds = 1;
{few} on bind = 127.0.0.1, socktype = stream, protocol = tcp, exec = internal, args = echo,
    max_per_source = 1, refused_text = "one at a time";
CONF

my $port = $netiod->port('echo');
$socket = $netiod->connect('echo');
is $netiod->read_all($socket), '', 'who says nothing is closed';
ok $netiod->wait_log(qr/netiod: $port: 127\.0\.0\.1:\d+: \d+\.\d{6} s, idle\n/), 'and logged';
# On a slow machine the second may be over before it has said anything.
my $echoed = '';
while ($echoed eq '') {
    $socket = $netiod->connect('echo');
    syswrite $socket, 'x';
    $echoed = $netiod->read_all($socket) // '';
}
is $echoed, 'x', 'who says no more, too';
ok $netiod->wait_log(qr/idle\n/), 'and logged';
$socket = $netiod->connect('echo');
my $slow = 0;
$socket->blocking(0);
while (!$slow) {
    syswrite $socket, $much, 65536;
    $slow = $netiod->wait_log(qr/$port: \S+ \S+ s, slow\n/, 0.02);
}
ok $slow, 'who takes nothing is cut';

$socket = $netiod->connect('total');
my $total;
while (!$total) {
    syswrite $socket, 'x';
    $total = $netiod->wait_log(qr/s, total\n/, 0.2);
}
ok $total, 'nobody stays longer than total_seconds, however busy';

# Its client never says a word, and is not idle as long as it takes what comes.  Who was cut
# and had not done so for half a second, as the machine was slow, begins anew.
my ($end, $rested);
do {
    $socket = $netiod->connect('chargen');
    my $taken = time;
    ($end, $rested, $got) = ($taken + 3, 0, 0);
    while (time < $end) {
        my $n = sysread $socket, my $bytes, 65536;
        $rested = time - $taken if time - $taken > $rested;
        last if !$n;
        $taken = time;
        $got += $n;
        sleep 0.01;
    }
} while (time < $end && $rested > 0.5);
ok time >= $end, "chargen goes on for who reads: $got bytes";
$port = $netiod->port('chargen');
ok $netiod->wait_log(qr/$port: \S+ \S+ s, slow\n/), 'and is cut for who does not';
close $socket;

my $first = $netiod->connect('few');
syswrite $first, 'x';
is read_some($first, 1),                       'x', 'limits hold for them, too: one';
is $netiod->read_all($netiod->connect('few')), "one at a time\r\n", 'and no more, with a word';
close $first;
$netiod->finish;

# ---- reload -----------------------------------------------------------------------------

$netiod =
    NetIO::Test::Inetd->start(config => "127.0.0.1:{a} stream tcp nowait root internal echo\n");
$socket = $netiod->connect('a');
syswrite $socket, 'x';
is read_some($socket, 1), 'x', 'R15: a connection';
ok $netiod->reload("127.0.0.1:{a} stream tcp nowait root internal daytime\n"),
    'another service on the same port';
like $netiod->read_all($netiod->connect('a')), qr/^\w{3} /, 'who comes gets that';
close $socket;
$netiod->finish;

done_testing;
