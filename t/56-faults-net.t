# What tcpopen in Perl makes of networks that misbehave: nft rules, routes, and a wire that is
# slow and loses packets.  t/25-open-net.t has the same of the C library, and more of it.

use strict;
use warnings;

use lib 't/lib';

use NetIO::Test::Netns;
use NetIO::Test::Opening;
use NetIO::Test::Peer;
use NetIO::Test::Relay;
use Test::More;

needs_netns(300, NetIO::Test::Relay->missing);

my $client = NetIO::Test::Netns->new('faultclient', hosts => <<'HOSTS');
192.0.2.2       both
2001:db8::2     both
203.0.113.1     each
203.0.113.2     each
203.0.113.3     each
192.0.2.2       each
198.51.100.1    eight
198.51.100.2    eight
198.51.100.3    eight
198.51.100.4    eight
198.51.100.5    eight
198.51.100.6    eight
198.51.100.7    eight
192.0.2.2       eight
HOSTS
my $server = NetIO::Test::Netns->new('faultserver');
$client->join($server, [qw(192.0.2.1/24 2001:db8::1/64)], [qw(192.0.2.2/24 2001:db8::2/64)]);
$client->ip('route add default via 192.0.2.2');
$client->ip('route add unreachable 203.0.113.1');
$client->ip('route add prohibit 203.0.113.2');
$client->ip('route add blackhole 203.0.113.3');
$server->sysctl('net.ipv4.ip_forward', 1);
$server->ip('route add blackhole 198.51.100.0/24');

my $here = NetIO::Test::Peer->start_in($server, host => '::', say => "hello\n");
my $port = $here->port;
is opening($client, [$_, $port, timeout => 10], how => 'say')->{said}, 'hello', "over $_"
    for qw(192.0.2.2 2001:db8::2);

sub nft {
    my ($ns,     $rules) = @_;
    my ($status, $said)  = $ns->run('nft', $rules);

    die "nft: $said" if $status != 0;
    return;
}

# By port, what becomes of a connection: the rule, and how it ends.
my @rules = (
    ['A1 reset to the SYN',         'reject with tcp reset',                   'ECONNREFUSED'],
    ['A2 a black hole',             'drop',                                    'ETIMEDOUT'],
    ['A3 ICMP port unreachable',    'reject with icmp port-unreachable',       'ECONNREFUSED'],
    ['A3 ICMP host unreachable',    'reject with icmp host-unreachable',       'EHOSTUNREACH'],
    ['A3 ICMP net prohibited',      'reject with icmp net-prohibited',         'ENETUNREACH'],
    ['A3 ICMP admin prohibited',    'reject with icmp admin-prohibited',       'EHOSTUNREACH'],
    ['A3 ICMPv6 port unreachable',  'reject with icmpv6 port-unreachable',     'ECONNREFUSED'],
    ['A3 ICMPv6 prohibited',        'reject with icmpv6 admin-prohibited',     'EACCES'],
    ['A1 reset to a SYN over IPv6', 'meta nfproto ipv6 reject with tcp reset', 'ECONNREFUSED'],
);
my $rules = 'add table inet fault; add chain inet fault in'
    . ' { type filter hook input priority 0; policy accept; }; ';
for my $i (0 .. $#rules) {
    $rules .= sprintf 'add rule inet fault in tcp dport %d %s; ', 1000 + $i, $rules[$i][1];
}

SKIP: {
    skip 'no nft(8) here', 3 * @rules if system 'nft --version >/dev/null 2>&1';
    nft($server, $rules);
    for my $i (0 .. $#rules) {
        my ($name, $rule, $code) = @{ $rules[$i] };
        my $host = $rule =~ /v6/ ? '2001:db8::2' : '192.0.2.2';
        my $at   = $host =~ /:/  ? "[$host]"     : $host;
        my $got  = opening($client, [$host, 1000 + $i, timeout => $code eq 'ETIMEDOUT' ? 0.5 : 20]);
        is $got->{name}, $code, $name;
        is_deeply $got->{tried}, ["$at:" . (1000 + $i) . " $code"], "$name: the attempt";
        is $got->{left}, '0 0', "$name: nothing left";
    }
}

my %route = (1 => 'EHOSTUNREACH', 2 => 'EACCES', 3 => 'EINVAL');
for my $i (sort keys %route) {
    my $got = opening($client, ["203.0.113.$i", $port, timeout => 5]);
    is $got->{name}, $route{$i}, "A3 a route that fails: $got->{message}";
}
is opening($client, ['each', $port, timeout => 10], how => 'say')->{said}, 'hello',
    'A3 each of them leads to the next address';
is opening($client, ['192.0.2.77', $port, timeout => 0.2])->{name}, 'ETIMEDOUT',
    'A4 nobody answers ARP, until the deadline';
{
    my $got = opening($client, ['eight', $port, timeout => 20], how => 'say');
    is "$got->{peer} $got->{said}", "192.0.2.2:$port hello", 'A14 the last of eight addresses';
    is $got->{left},                '0 0',                   'A14 nothing is left of the others';
    $got = opening($client, ['eight', 44, timeout => 6]);
    is $got->{name}, 'ETIMEDOUT', 'A14 a deadline for all of them';
    is_deeply [sort @{ $got->{tried} }],
        ['192.0.2.2:44 ECONNREFUSED', map { "198.51.100.$_:44 ETIMEDOUT" } 1 .. 7],
        'A14 which they share';
}

# ---- two families ------------------------------------------------------------------------

is opening($client, ['both', $port, timeout => 5])->{peer}, "2001:db8::2:$port",
    'A13 IPv6 is well: it wins';
SKIP: {
    skip 'no nft(8) here', 6 if system 'nft --version >/dev/null 2>&1';
    nft($server, 'add rule inet fault in meta nfproto ipv6 tcp dport ' . $port . ' drop');
    my $got = opening($client, ['both', $port, timeout => 5], how => 'say');
    is "$got->{peer} $got->{said}", "192.0.2.2:$port hello", 'A13 IPv6 is a black hole: IPv4';
    is $got->{left},                '0 0',                   'A13 nothing left';
    $got = opening($client, ['both', $port, timeout => 0.2, family => 'inet6']);
    is $got->{name}, 'ETIMEDOUT', 'A13 only IPv6 wanted';
    nft($server, "add rule inet fault in meta nfproto ipv4 tcp dport $port reject with tcp reset");
    $got = opening($client, ['both', $port, timeout => 6]);
    is $got->{name}, 'ETIMEDOUT', 'A13 neither';
    is_deeply $got->{tried}, ["[2001:db8::2]:$port ETIMEDOUT", "192.0.2.2:$port ECONNREFUSED"],
        'A13 and the order is reported';
    is $got->{left}, '0 0', 'A13 nothing left';
    nft($server, 'delete table inet fault');
}

# ---- ports -------------------------------------------------------------------------------

# On the loopback of the client; one ephemeral port in all.
my $mine = NetIO::Test::Peer->start_in($client, silent =>);
$client->sysctl('net.ipv4.ip_local_port_range', '50000 50000');
is opening($client, ['127.0.0.1', 50000, timeout => 5])->{name}, 'NETIO_ESELFCONNECT',
    'A27 the socket joined to itself is refused';
{
    my ($status, $said) = $client->run($^X, (map { "-I$_" } grep { /\bblib\b/ } @INC),
        '-MNetIO', '-e', <<'CODE', $mine->port);
my $held = tcpopen('127.0.0.1', $ARGV[0]);
eval { tcpopen('127.0.0.1', $ARGV[0]); 1 } or print $@->message;
CODE
    is $said,
          'tcpopen 127.0.0.1 '
        . $mine->port
        . ': connect 127.0.0.1:'
        . $mine->port
        . ': Cannot assign requested address', 'A20 no ephemeral port left, and it says so';
}

# ---- a bad wire --------------------------------------------------------------------------

sub over_wire {
    my ($code, %how) = @_;
    my ($near, $far) = map { NetIO::Test::Netns->new($_) } qw(faultnear faultfar);
    my $relay = NetIO::Test::Relay->start($near, $far, '192.0.2.5/24', '192.0.2.6/24', %how);

    return $code->($near, $far);
}

over_wire(
    sub {
        my ($near, $far) = @_;
        my $text = join '', map { "line $_\n" } 1 .. 10_000;
        my $peer = NetIO::Test::Peer->start_in($far, host => '192.0.2.6', say => $text);
        for (1 .. 2) {
            my $got = opening(
                $near,
                ['192.0.2.6', $peer->port, timeout => 20, deadline => 60],
                how => 'all'
            );
            is $got->{name}, '', 'A22 200 ms there and back, 10 % lost, 1 % twice: connected';
            cmp_ok $got->{seconds}, '>=', 0.2, 'A22 over that wire';
            is $got->{said}, length $text, 'A22 and every octet came, once';
        }
        my $got = opening($near, ['192.0.2.6', $peer->port, timeout => 0.15]);
        is $got->{name}, 'ETIMEDOUT', 'A22 no time for that wire';
    },
    delay => 0.1,
    lose  => 10,
    twice => 100
);
over_wire(
    sub {
        my ($near, $far) = @_;
        my $peer = NetIO::Test::Peer->start_in($far, host => '192.0.2.6', say => "hello\n");
        my $got  = opening($near, ['192.0.2.6', $peer->port, timeout => 10], how => 'say');
        is $got->{said}, 'hello', 'A22 the first SYN is lost: the kernel sends another one';
        cmp_ok $got->{seconds}, '>=', 1, 'A22 when it is time';
    },
    first => 1
);

done_testing;
