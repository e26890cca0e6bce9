# netio_udp_ask in networks that misbehave: servers in black holes, behind routers that refuse,
# behind narrow links, with names that are slow, lost or too many.  Each case is a namespace's
# routes and names, and what the driver (t/c/drive-udp.c) says of a question there.

use strict;
use warnings;
use lib 't/lib';

use IPC::Open2;
use NetIO::Test::C;
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use Test::More;

my $DRIVER = c_program('drive-udp');
needs_netns(300);

# client 192.0.2.1 - 192.0.2.2 router 198.18.0.1 - 198.18.0.2 far, over a link for 600 bytes.
# 198.51.100.0/24 swallows everything; 203.0.113.x fails here or at the router.
my $client = NetIO::Test::Netns->new('client', 'resolv.conf' => "nameserver 127.0.0.1\n");
my $router = NetIO::Test::Netns->new('router');
my $far    = NetIO::Test::Netns->new('far');
$client->join($router, ['192.0.2.1/24', '2001:db8::1/64'], ['192.0.2.2/24', '2001:db8::2/64']);
$router->ip('link add nio1 mtu 600 type veth peer name nio0 mtu 600 netns ' . $far->name);
$router->ip('addr add 198.18.0.1/24 dev nio1');
$router->ip('link set nio1 up');
$far->ip('addr add 198.18.0.2/24 dev nio0');
$far->ip('link set nio0 up');
$far->ip('route add default via 198.18.0.1');
$client->ip('route add default via 192.0.2.2');
$client->ip('-6 route add default via 2001:db8::2');
$client->ip('route add unreachable 203.0.113.1');
$client->ip('route add prohibit 203.0.113.2');
$router->sysctl('net.ipv4.ip_forward',          1);
$router->sysctl('net.ipv6.conf.all.forwarding', 1);
# Every request gets its refusal; usually a router sends one a second to each.
$router->sysctl('net.ipv4.icmp_ratelimit', 0);
$router->ip('route add blackhole 198.51.100.0/24');
$router->ip('-6 route add blackhole 2001:db8:b::/64');
$router->ip('route add unreachable 203.0.113.11');
$router->ip('route add prohibit 203.0.113.12');

my $dns = NetIO::Test::DNS->start($client, <<'ZONE');
good.test    A       192.0.2.2
good.test    AAAA    nodata
hole.test    A       198.51.100.7
hole.test    AAAA    nodata
dual.test    A       192.0.2.2
dual.test    AAAA    2001:db8:b::1
late.test    A       late 200 192.0.2.2
late.test    AAAA    late 200 nodata
silent.test  *       silent
none.test    *       nxdomain
many.test    A       many 1000
many.test    AAAA    nodata
ZONE

# What answers "yes" on port 4343 in a namespace, and ends with its input.
sub answer_in {
    my ($ns) = @_;

    my $pid = open2(my $ready, my $hold, $ns->prefix, $^X, '-MIO::Socket::INET', '-e', <<'SERVER');
my $fh = IO::Socket::INET->new(LocalAddr => '0.0.0.0:4343', Proto => 'udp') or die "$@\n";
syswrite STDOUT, "ready\n";
my $wanted = my $none = '';
vec($wanted, fileno $_, 1) = 1 for $fh, *STDIN;
while (select(my $ready = $wanted, undef, undef, undef)) {
    last if vec $ready, fileno STDIN, 1;
    my $from = recv $fh, my $request, 65536, 0;
    send $fh, 'yes', 0, $from if defined $from && length $from;
}
SERVER
    is(readline $ready, "ready\n", 'a server');
    return [$pid, $hold];
}

my @servers = map { answer_in($_) } $router, $far;

# What the driver says, without the time it took.
sub drive {
    my (@args) = @_;
    my ($status, $said) = $client->run($DRIVER, @args);

    $said =~ s/^elapsed \d+\n//m or diag($said);
    is($status, 0, "the driver ran: @args");
    return $said;
}

my $YES = "answer 3 from 192.0.2.2:4343\ncode 0\nleft 0\n";

my @table = (
    # name, arguments, what is said
    [
        'a server that answers',
        ['-w', 60_000, '192.0.2.2'], "try 192.0.2.2 192.0.2.2:4343: answered (asked 1)\n$YES"
    ],
    [
        'A2 the first of two in a black hole: the second one answers',
        ['-w', 2000, '198.51.100.1', '192.0.2.2'],
        "try 198.51.100.1 198.51.100.1:4343: Operation canceled (asked 1)\n"
            . "try 192.0.2.2 192.0.2.2:4343: answered (asked 1)\n$YES"
    ],
    [
        'A2 both in a black hole, no deadline: four rounds',
        ['-w', 5, '198.51.100.1', '198.51.100.2'],
        <<'SAID'],
try 198.51.100.1 198.51.100.1:4343: Connection timed out (asked 4)
try 198.51.100.2 198.51.100.2:4343: Connection timed out (asked 4)
read 198.51.100.2:4343: Connection timed out
code ETIMEDOUT
left 0
SAID
    [
        'A2 a short deadline, eight in a black hole: all are asked',
        ['-w', 60_000, '-t', 6.4, map { "198.51.100.$_" } 1 .. 8],
        join('',
            map { "try 198.51.100.$_ 198.51.100.$_:4343: Connection timed out (asked 1)\n" } 1 .. 8)
            . "read 198.51.100.8:4343: Connection timed out\ncode ETIMEDOUT\nleft 0\n"
    ],
    [
        'A1 A3 each way of failing leads to the next server, without its wait',
        ['-w', 60_000, qw(203.0.113.1 203.0.113.2 203.0.113.11 203.0.113.12 192.0.2.2:9 192.0.2.2)],
        <<"SAID"],
try 203.0.113.1 203.0.113.1:4343: No route to host (asked 0)
try 203.0.113.2 203.0.113.2:4343: Permission denied (asked 0)
try 203.0.113.11 203.0.113.11:4343: No route to host (asked 1)
try 203.0.113.12 203.0.113.12:4343: No route to host (asked 1)
try 192.0.2.2:9 192.0.2.2:9: Connection refused (asked 1)
try 192.0.2.2 192.0.2.2:4343: answered (asked 1)
$YES
SAID
    [
        'all refuse, here or there',
        ['-w', 60_000, qw(192.0.2.2:9 203.0.113.1 192.0.2.2:10)],
        <<'SAID'],
try 192.0.2.2:9 192.0.2.2:9: Connection refused (asked 1)
try 203.0.113.1 203.0.113.1:4343: No route to host (asked 0)
try 192.0.2.2:10 192.0.2.2:10: Connection refused (asked 1)
read 192.0.2.2:10: Connection refused
code ECONNREFUSED
left 0
SAID
    [
        'a link that is narrower than it seemed: asked again, in pieces',
        ['-w', 60_000, '-z', 1400, '198.18.0.2'],
        "try 198.18.0.2 198.18.0.2:4343: answered (asked 2)\n"
            . "answer 3 from 198.18.0.2:4343\ncode 0\nleft 0\n"
    ],
    [
        'a name in a black hole, and one that answers',
        ['-w', 2000, 'hole.test', 'good.test'],
        [
            'try hole.test 198.51.100.7:4343: Operation canceled (asked 1)',
            'try good.test 192.0.2.2:4343: answered (asked 1)'
        ]
    ],
    [
        'A11 names that nobody answers for do not keep the others waiting',
        ['-w', 60_000, '-t', 60, 'silent.test', 'none.test', 'good.test'],
        [
            'try silent.test -: Operation canceled (asked 0)',
            'try good.test 192.0.2.2:4343: answered (asked 1)'
        ]
    ],
    ['A11 only names that nobody answers for', ['-t', 0.3, 'silent.test', 'none.test'], <<'SAID'],
try none.test -: host not found (asked 0)
try silent.test -: Connection timed out (asked 0)
resolve silent.test: Connection timed out
code ETIMEDOUT
left 0
SAID
    [
        'a name that comes late is asked before the long wait for another is over',
        ['-w', 2000, '-t', 60, '198.51.100.1', 'late.test'],
        ['try late.test 192.0.2.2:4343: answered (asked 1)']
    ],
    ['A13 IPv6 in a black hole, IPv4 well', ['-w', 2000, 'dual.test'], <<"SAID"],
try dual.test [2001:db8:b::1]:4343: Operation canceled (asked 1)
try dual.test 192.0.2.2:4343: answered (asked 1)
$YES
SAID
    ['only IPv6 of it', ['-6', '-t', 3, 'dual.test'], <<'SAID'],
try dual.test [2001:db8:b::1]:4343: Connection timed out (asked 2)
read [2001:db8:b::1]:4343: Connection timed out
code ETIMEDOUT
left 0
SAID
);

for my $case (@table) {
    my ($name, $args, $want) = @$case;
    my $said = drive(@$args);
    if (ref $want) {
        like($said, qr/^\Q$_\E$/m,    "$name: $_") for @$want;
        like($said, qr/^\Q$YES\E\z/m, $name);
    } else {
        $want =~ s/\n\n\z/\n/;
        is($said, $want, $name);
    }
}

# A12: of a thousand addresses eight are asked.
my $many = drive('-t', 4, 'many.test');
is(scalar(() = $many =~ /^try many\.test /mg), 8, 'A12 a name with 1,000 addresses: 8');
like($many, qr/^left 0$/m, 'A12 and nothing is left open');

# A15: signals all the while.
like(
    drive('-s', '-t', 0.2, '198.51.100.1', '198.51.100.2'),
    qr/^code ETIMEDOUT\nleft 0\n/m,
    'A15 the deadline comes in a storm of signals'
);

close $_->[1] for @servers;
waitpid $_->[0], 0 for @servers;

done_testing;
