# netiod: tcpmux (RFC 1078), one port for many services: who may be asked for, as whom it runs, whose
# rules hold, and that not a byte behind the request is lost.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Inetd;
use NetIO::Test::Run qw(run);
use Socket           qw(IPPROTO_TCP SOL_SOCKET SO_LINGER TCP_NODELAY);
use Test::More;

plan skip_all => 'users are changed by root' if $> != 0;
alarm 300;
local $SIG{PIPE} = 'IGNORE';

my $CLASSIC = <<'CONF';
127.0.0.1:{mux}  stream tcp nowait root internal tcpmux
127.0.0.1:{own}  stream tcp nowait root /bin/cat cat
tcpmux/cat       stream tcp nowait nobody /bin/cat cat
tcpmux/+plus     stream tcp nowait nobody /bin/cat cat
tcpmux/Id        stream tcp nowait nobody:daemon /usr/bin/id id
tcpmux/root      stream tcp nowait root /usr/bin/id id
tcpmux/fds       stream tcp nowait nobody /bin/ls ls -l /proc/self/fd
tcpmux/no        stream tcp nowait nobody /nonexistent/program
tcpmux/+noplus   stream tcp nowait nobody /nonexistent/program
CONF
my $netiod = NetIO::Test::Inetd->start(config => $CLASSIC);

# ---- requests ---------------------------------------------------------------------------

my @asked = (
    ["cat\r\nhello\n",      "hello\n",      'a service, and what follows'],
    ["cat\nhello\n",        "hello\n",      'LF alone ends a request, too'],
    ["CAT\r\nhello\n",      "hello\n",      'in any case'],
    ["cat\r\n",             '',             'and nothing follows'],
    ["cat\r\n\r\n\n\0\xff", "\r\n\n\0\xff", 'R24: line ends and others are the service\'s'],
    ["plus\r\nhello\n", "+Go\r\nhello\n", '"+" before anything of a service that does not say it'],
    ["no\r\n",          '',               'a program that cannot be started: the end'],
    ["noplus\r\n",      "+Go\r\n",        '... which follows on "+"'],
    ["none\r\nhello\n",   "-No such service\r\n", 'one that is not there'],
    ["\r\nhello\n",       "-No such service\r\n", 'none'],
    ["cat\0x\r\nhello\n", "-No such service\r\n", 'a NUL in it'],
    ["cat \r\n",          "-No such service\r\n", 'a blank behind it'],
    ["tcpmux/cat\r\n",    "-No such service\r\n", 'as the configuration writes it'],
    ["+plus\r\n",         "-No such service\r\n", 'the same'],
    ["\e[2J\r\n",         "-No such service\r\n", 'what is no name at all'],
    [
        "help\r\n",
        "cat\r\nplus\r\nId\r\nroot\r\nfds\r\nno\r\nnoplus\r\n",
        'R3: help has those that are marked'
    ],
    ["HELP\n", "cat\r\nplus\r\nId\r\nroot\r\nfds\r\nno\r\nnoplus\r\n", 'in any case'],
    [
        $netiod->port('own') . "\r\n",
        "-No such service\r\n",
        'R3: one that is not marked is not there'
    ],
    ['own' . "\r\n",     "-No such service\r\n",  'by no name'],
    ['mux' . "\r\n",     "-No such service\r\n",  'tcpmux itself is not'],
    ['x' x 512 . "\r\n", "-No such service\r\n",  '512 bytes are a request'],
    ['x' x 513 . "\r\n", "-Request too long\r\n", '513 are not'],
    [
        'x' x 100_000,
        "-Request too long\r\n",
        'nor are those without an end, which are answered all the same'
    ],
    ['cat', '', 'a request without its end is a line, as the peer has ended'],
);
is $netiod->ask(mux => $_->[0]), $_->[1], "RFC 1078: $_->[2]" for @asked;
is $netiod->ask(own => 'x'),     'x',     'R3: what is not marked has its own port';
like $netiod->log, qr/ asks for "\\x1b\[2J"\n/,    'what strangers say is made fit for the log';
like $netiod->log, qr/ asks for "x{256}"\.\.\.\n/, 'and shortened';

# In one segment, and byte by byte: the kernel has what follows, netiod has not.
for my $size (1, 2, 3, 7, 1000) {
    my $socket = $netiod->connect('mux');
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    my $text = "cat\r\n" . join '', map { "line $_\r\n" } 1 .. 30;
    syswrite $socket, substr $text, 0, $size, '' while length $text;
    shutdown $socket, 1;
    is $netiod->read_all($socket), join('', map { "line $_\r\n" } 1 .. 30),
        "R24: in pieces of $size, nothing is lost";
}

# ---- as whom ----------------------------------------------------------------------------

my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
my $daemon = getgrnam 'daemon';
like $netiod->ask(mux => "id\r\n"),
    qr/\Auid=$uid\(nobody\) gid=$daemon\(daemon\) groups=$daemon\(daemon\)\n\z/,
    'R2: as the user and group of its line, and in no other group';
like $netiod->ask(mux => "root\r\n"), qr/\Auid=0\(root\) gid=0/,
    'R2: as root where the line says so';
my $fds = $netiod->ask(mux => "fds\r\n");
is_deeply [sort $fds =~ / (\d+) -> (?!\/proc)/g], [0, 1, 2],
    'R4: with the connection, and nothing else';

$netiod->finish;

# ---- the rules and limits of each service -------------------------------------------------

$netiod = NetIO::Test::Inetd->start(config => <<'CONF');
{mux} on bind = 127.0.0.1, socktype = stream, protocol = tcp, exec = internal, args = tcpmux;
{hasty} on bind = 127.0.0.1, socktype = stream, protocol = tcp, exec = internal, args = tcpmux,
    first_seconds = 1;
{denied} on bind = 127.0.0.1, socktype = stream, protocol = tcp, user = nobody, exec = /bin/cat,
    args = cat, stderr = socket, tcpmux = yes, deny = 127.0.0.1;
{told} on bind = 127.0.0.1, socktype = stream, protocol = tcp, user = nobody, exec = /bin/cat,
    args = cat, stderr = socket, tcpmux = plus, deny = 127.0.0.1, refused_text = "-not you";
{few} on bind = 127.0.0.1, socktype = stream, protocol = tcp, user = nobody, exec = /bin/cat,
    args = cat, stderr = socket, tcpmux = yes, max_per_source = 1, refused_text = "-one at a time";
{echo} on bind = 127.0.0.1, socktype = stream, protocol = tcp, exec = internal, args = echo,
    tcpmux = yes;
{one} on bind = 127.0.0.1, socktype = stream, protocol = tcp, user = nobody, exec = /bin/cat,
    args = cat, stderr = socket, tcpmux = yes, accept_max = 1;
{prox} on bind = 127.0.0.1, socktype = stream, protocol = tcp, user = nobody, exec = /bin/cat,
    args = cat, tcpmux = yes, stderr = socket, proxy = 127.0.0.1, allow = 192.0.2.1;
tcpmux/rate stream tcp nowait.2 nobody /bin/cat cat
CONF
my %name = map { $_ => $netiod->port($_) } qw(denied told few echo one prox);
is $netiod->ask(mux => "$name{denied}\r\nx"), "-Refused\r\n",
    'R3: who may not is refused behind tcpmux, too';
is $netiod->ask(denied => '') // '', '', 'as at its own port';
is $netiod->ask(mux => "$name{denied}\r\n" . 'x' x 50_000), "-Refused\r\n",
    'whatever has been sent by then';
is $netiod->ask(mux => "$name{told}\r\nx"), "-not you\r\n",
    'in the words of the service, where it has some: no "+"';
is $netiod->ask(mux => "$name{echo}\r\nhello"), 'hello', 'a built-in service';

# A reset takes the address away (getpeername), and leaves what was sent; it comes while netiod,
# which has accepted the client before another one is answered, cannot look.
my $gone = $netiod->connect('mux');
syswrite $gone, substr $name{denied}, 0, 1;
is $netiod->ask(mux => "$name{echo}\r\nhello"), 'hello', 'somebody has begun to ask';
kill 'STOP', $netiod->pid;
syswrite $gone, substr($name{denied}, 1) . "\r\nx";
setsockopt $gone, SOL_SOCKET, SO_LINGER, pack 'll', 1, 0;
close $gone;
kill 'CONT', $netiod->pid;
is $netiod->ask(mux => "$name{echo}\r\nhello"), 'hello', 'and is gone when he has asked';
unlike $netiod->log, qr/$name{denied}: start/, 'he is judged as who he was';

my $first = $netiod->connect('few');
syswrite $first, 'x';
sysread $first, my $byte, 1;
is $byte, 'x', 'R3: one is there';
is $netiod->ask(mux => "$name{few}\r\nx"), "-one at a time\r\n",
    'and tcpmux gets nobody past the limit';
close $first;
ok $netiod->wait_log(qr/$name{few}: end for/), 'it goes';
is $netiod->ask(mux => "$name{few}\r\nx"), 'x', 'then the next may';

$first = $netiod->connect('one');
syswrite $first, 'x';
sysread $first, $byte, 1;
is $netiod->ask(mux => "$name{one}\r\nx"), "-Service not available\r\n",
    'where all places are taken tcpmux cannot wait, and says so';
close $first;

is_deeply [map { $netiod->ask(mux => "rate\r\nx") } 1 .. 3],
    ['x', 'x', "-Too many, try again later\r\n"],
    'R3, R9: nowait.2 is two in a minute, and tcpmux gets no third one past it';

is $netiod->ask(mux => "$name{prox}\r\nx") // '', '',
    'R31: whose rules want a PROXY header get one';
ok $netiod->wait_log(qr/$name{prox}: refused 127\.0\.0\.1:\d+ \(proxy\)/), 'or refuse who has none';
is $netiod->ask(mux => "$name{prox}\r\nPROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nx"), 'x',
    'and judge whom it names';

# ---- time -------------------------------------------------------------------------------

my $hasty  = $netiod->port('hasty');
my $silent = $netiod->connect('hasty');
is $netiod->read_all($silent), '', 'who says nothing is closed';
ok $netiod->wait_log(qr/$hasty: 127\.0\.0\.1:\d+: idle\n/), 'and logged';
my $drip = $netiod->connect('hasty');
my $idle;
while (!$idle) {
    syswrite $drip, 'x';
    $idle = $netiod->wait_log(qr/$hasty: \S+: idle\n/, 0.1);
}
ok $idle, 'R24: bytes now and then extend nothing';
my @many = map { $netiod->connect('mux') } 1 .. 50;
is $netiod->ask(mux => "$name{echo}\r\nme"), 'me', 'others are served meanwhile';
@many = ();

# ---- without descriptors ----------------------------------------------------------------

SKIP: {
    my $strace = (run('strace', '-V'))[0];
    skip 'no strace here',                              2 if $strace ne '0';
    skip 'ASan watches memory by a thread that traces', 2 if $ENV{NETIO_TEST_SANITIZED};
    my $end = $netiod->injecting(fcntl => 'error=EMFILE');
    is $netiod->ask(mux => "$name{echo}\r\nme"), "-Service not available\r\n",
        'no descriptor is left';
    $end->();
    is $netiod->ask(mux => "$name{echo}\r\nme"), 'me', 'then there is one';
}
$netiod->finish;

# ---- what cannot be ----------------------------------------------------------------------

my ($exit, undef, $said) = NetIO::Test::Inetd->look(<<'CONF', '-t');
{mux} on bind = 127.0.0.1, socktype = stream, protocol = tcp, exec = internal, args = tcpmux,
    proxy = 127.0.0.1;
tcpmux/wait stream tcp wait   nobody /bin/cat cat
tcpmux/pool stream tcp nowait nobody pool:/bin/cat cat
tcpmux/self stream tcp nowait nobody internal tcpmux
tcpmux/udp  dgram  udp wait   nobody /bin/cat cat
tcpmux/help stream tcp nowait nobody /bin/cat cat
tcpmux/     stream tcp nowait nobody /bin/cat cat
tcpmux/two  stream tcp nowait nobody /bin/cat cat
tcpmux/TWO  stream tcp nowait nobody /bin/cat cat
CONF
isnt $exit, 0, 'R5, R13: all that cannot be is said before anything starts';
like $said, qr/inetd\.conf:1: .*tcpmux has no rules for proxies/,
    'rules for proxies: the service would judge the proxy';
like $said, qr/inetd\.conf:$_: (?!warning)/,       "line $_" for 3 .. 8;
like $said, qr/inetd\.conf:(?:9|10): (?!warning)/, 'one name twice';

done_testing;
