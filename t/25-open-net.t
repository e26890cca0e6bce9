# tcpopen in networks that misbehave: silence, refusals of every kind, many addresses, no
# descriptors, no ports.  Each case is a namespace's routes and files, and what the driver
# (t/c/drive-open.c) says of a connection there.

use strict;
use warnings;
use lib 't/lib';

use IPC::Open2;
use NetIO::Test::C;
use NetIO::Test::Netns;
use Test::More;

my $DRIVER = c_program('drive-open');
needs_netns(300);

# 198.51.100.0/24 swallows everything, 203.0.113.x fails in one way each, here or at the
# router; 192.0.2.2 is the router itself, which refuses.  198.51.100.8 and 203.0.113.15 are well:
# among their like, since the order of RFC 6724 puts what is near first.
my $client = NetIO::Test::Netns->new(
    'client',
    'resolv.conf' => "nameserver 127.0.0.1\n",
    'hosts'       => <<'HOSTS');
192.0.2.2       refusing
198.51.100.1    eight
198.51.100.2    eight
198.51.100.3    eight
198.51.100.4    eight
198.51.100.5    eight
198.51.100.6    eight
198.51.100.7    eight
198.51.100.8    eight
203.0.113.1     assorted
203.0.113.2     assorted
203.0.113.3     assorted
203.0.113.11    assorted
203.0.113.14    assorted
203.0.113.15    assorted
198.51.100.1    silent
198.51.100.2    silent
2001:db8:1::1   dual
2001:db8:1::2   dual
192.0.2.2       dual
HOSTS
my $router = NetIO::Test::Netns->new('router');
$client->join($router, ['192.0.2.1/24'], ['192.0.2.2/24']);
$client->ip('route add default via 192.0.2.2');
$client->ip('route add unreachable 203.0.113.1');
$client->ip('route add prohibit 203.0.113.2');
$client->ip('route add blackhole 203.0.113.3');
$router->sysctl('net.ipv4.ip_forward', 1);
$router->ip('route add blackhole 198.51.100.0/24');
$router->ip('route add unreachable 203.0.113.11');
$router->ip('route add prohibit 203.0.113.12');

$router->ip("addr add $_/32 dev lo") for qw(198.51.100.8 203.0.113.14 203.0.113.15);

# Listeners on port 4343, which never accept; they end with their input.
my %listener;

sub listen_in {
    my ($ns, @hosts) = @_;
    my $pid =
        open2(my $out, my $in, $ns->prefix, $^X, '-MIO::Socket::INET', '-e', <<'SERVER', @hosts);
my @fh = map { IO::Socket::INET->new(LocalAddr => "$_:4343", Listen => 64) or die "$@\n" } @ARGV;
syswrite STDOUT, "listening\n";
sysread STDIN, my $end, 1;
SERVER
    is(readline $out, "listening\n", "listeners at @hosts");
    $listener{$pid} = $in;
    return;
}
listen_in($client, '127.0.0.1');
listen_in($router, '198.51.100.8', '203.0.113.15');

# What the driver says, without the time it took.
sub drive {
    my (@args) = @_;
    my ($status, $said) = $client->run($DRIVER, @args);

    $said =~ s/^elapsed \d+\n//m or diag($said);
    is($status, 0, "the driver ran: @args");
    return $said;
}

sub failed {
    my ($address, $text, $code) = @_;

    return "try $address: $text\nconnect $address: $text\ncode $code\nleft 0\n";
}

my @table = (
    # name, arguments, what is said
    [
        'A1 reset to the SYN',
        ['192.0.2.2', 43],
        failed('192.0.2.2:43', 'Connection refused', 'ECONNREFUSED')
    ],
    [
        'A2 a black hole on the way',
        ['-t', 0.2, '198.51.100.1', 43],
        failed('198.51.100.1:43', 'Connection timed out', 'ETIMEDOUT')
    ],
    [
        'A3 unreachable route',
        ['203.0.113.1', 43],
        failed('203.0.113.1:43', 'No route to host', 'EHOSTUNREACH')
    ],
    [
        'A3 prohibited route',
        ['203.0.113.2', 43],
        failed('203.0.113.2:43', 'Permission denied', 'EACCES')
    ],
    [
        'A3 black hole route',
        ['203.0.113.3', 43],
        failed('203.0.113.3:43', 'Invalid argument', 'EINVAL')
    ],
    [
        'A3 ICMP host unreachable',
        ['203.0.113.11', 43],
        failed('203.0.113.11:43', 'No route to host', 'EHOSTUNREACH')
    ],
    [
        'A3 ICMP prohibited',
        ['203.0.113.12', 43],
        failed('203.0.113.12:43', 'No route to host', 'EHOSTUNREACH')
    ],
    [
        'A4 nobody answers ARP, until the deadline',
        ['-t', 0.2, '192.0.2.77', 43],
        failed('192.0.2.77:43', 'Connection timed out', 'ETIMEDOUT')
    ],
    [
        'A14 seven of eight are silent, all of them raced in a loop',
        ['-p', '-t', 20, 'eight', 4343],
        join('', map { "try 198.51.100.$_:4343: Operation canceled\n" } 1 .. 7)
            . "try 198.51.100.8:4343: connected\nopened\ncode 0\nleft 0\n"
    ],
    ['A3 each way of failing leads to the next address', ['-t', 10, 'assorted', 4343], <<'SAID'],
try 203.0.113.11:4343: No route to host
try 203.0.113.14:4343: Connection refused
try 203.0.113.15:4343: connected
opened
code 0
left 0
SAID
    ['all silent: the deadline', ['-t', 0.3, 'silent', 43], <<'SAID'],
try 198.51.100.1:43: Connection timed out
try 198.51.100.2:43: Connection timed out
connect 198.51.100.2:43: Connection timed out
code ETIMEDOUT
left 0
SAID
    ['IPv6 without a route comes last and does not hide the refusal', ['dual', 43], <<'SAID'],
try 192.0.2.2:43: Connection refused
try [2001:db8:1::1]:43: Network is unreachable
try [2001:db8:1::2]:43: Network is unreachable
connect 192.0.2.2:43: Connection refused
code ECONNREFUSED
left 0
SAID
    ['only IPv6 wanted, and no route', ['-6', 'dual', 43], <<'SAID'],
try [2001:db8:1::1]:43: Network is unreachable
try [2001:db8:1::2]:43: Network is unreachable
connect [2001:db8:1::2]:43: Network is unreachable
code ENETUNREACH
left 0
SAID
);

for my $case (@table) {
    my ($name, $args, $said) = @$case;
    is(drive(@$args), $said, $name);
}

# A4: the kernel gives up before the deadline; hurried, it takes 3 s by itself.
$client->sysctl('net.ipv4.neigh.nio0.retrans_time_ms', 50);
is(
    drive('-t', 30, '192.0.2.78', 43),
    failed('192.0.2.78:43', 'No route to host', 'EHOSTUNREACH'),
    'A4 nobody answers ARP, before the deadline'
);

# Routes for IPv6: a private source for public addresses counts less than IPv4; a public one
# puts IPv6 first, and the families take turns.
$client->ip('addr add fd00:1::1/64 dev nio0 nodad');
$client->ip('-6 route add default via fd00:1::2');
like(
    drive('-t', 1, 'dual', 4343),
    qr/\Atry 192\.0\.2\.2:4343: Connection refused\ntry \[2001:db8:1::1\]/,
    'RFC 6724: IPv6 from a private address comes after IPv4'
);
$client->ip('addr add 2001:db8::1/64 dev nio0 nodad');
is(
    join(' ', drive('-t', 1, 'dual', 4343) =~ /^try (\S+):4343/mg),
    '[2001:db8:1::1] 192.0.2.2 [2001:db8:1::2]',
    'RFC 8305: IPv6 first, then taking turns'
);

# A16: descriptors 0 to 2, and so many more.
for my $files (3 .. 12) {
    my $said = drive('-n', $files, '-t', 2, '127.0.0.1', 4343);
    my $want =
        $files == 3
        ? "try 127.0.0.1:4343: Too many open files\nsocket 127.0.0.1:4343: Too many open files\n"
        . "code EMFILE\nleft 0\n"
        : "try 127.0.0.1:4343: connected\nopened\ncode 0\nleft 0\n";
    is($said, $want, "A16 with $files descriptors");
}

# A27, A20: one ephemeral port in all.
$client->sysctl('net.ipv4.ip_local_port_range', '50000 50000');
is(
    drive('127.0.0.1', 50000),
    failed('127.0.0.1:50000', 'connected to itself', 'NETIO_ESELFCONNECT'),
    'A27 the socket joined to itself is refused'
);
my ($status, $said) = $client->run($^X, '-MIO::Socket::INET', '-e', <<'HOLDER', $DRIVER);
my $held = IO::Socket::INET->new(PeerAddr => '127.0.0.1:4343') or die "$@\n";
system($ARGV[0], '127.0.0.1', 4343);
HOLDER
$said =~ s/^elapsed \d+\n//m;
is(
    $said,
    failed('127.0.0.1:4343', 'Cannot assign requested address', 'EADDRNOTAVAIL'),
    'A20 no ephemeral port left'
);
$client->sysctl('net.ipv4.ip_local_port_range', '32768 60999');

# A machine with IPv6 switched off.
$client->sysctl('net.ipv6.conf.all.disable_ipv6', 1);
is(join(' ', drive('-t', 2, 'localhost', 4343) =~ /^try (\S+): /mg),
    '127.0.0.1:4343', 'localhost without IPv6 is 127.0.0.1 first');
like(
    drive('-t', 10, 'localhost', 44),
    qr/^connect 127\.0\.0\.1:44: Connection refused\n/m,
    'and the report is about 127.0.0.1'
);

for my $pid (keys %listener) {
    close $listener{$pid};
    waitpid $pid, 0;
}

done_testing;
