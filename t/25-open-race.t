# tcpopen where a host has several addresses and only some of them are well, and where a name
# server tells of them bit by bit: which are tried, in which order, and what becomes of each.  How
# fast that is, is measured in xt/deadline/open.t.

use strict;
use warnings;
use lib 't/lib';

use IPC::Open2;
use NetIO::Test::C;
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use Test::More;

my $DRIVER = c_program('drive-open');
needs_netns(300);

# 192.0.2.2 and 2001:db8::2 are well and listen on port 4343; 198.51.100.0/24 and 2001:db8:dead::/48
# swallow everything; port 44 is refused everywhere.
my $client = NetIO::Test::Netns->new(
    'client',
    'resolv.conf' => "nameserver 127.0.0.1\n",
    'hosts'       => "127.0.0.1 localhost\n"
);
my $router = NetIO::Test::Netns->new('router');
$client->join(
    $router,
    ['192.0.2.1/24', '2001:db8::1/64'],
    ['192.0.2.2/24', '192.0.2.3/24', '2001:db8::2/64', '2001:db8::3/64']
);
$client->ip('route add default via 192.0.2.2');
$client->ip('-6 route add default via 2001:db8::2');
$router->sysctl('net.ipv4.ip_forward',          1);
$router->sysctl('net.ipv6.conf.all.forwarding', 1);
$router->ip('route add blackhole 198.51.100.0/24');
$router->ip('-6 route add blackhole 2001:db8:dead::/48');

# A listener for both families, which never accepts; it ends with its input.
my $listener_pid = open2(my $listening, my $hold, $router->prefix, $^X, '-e', <<'SERVER');
use Socket;
socket my $fh, AF_INET6, SOCK_STREAM, 0 or die "socket: $!\n";
bind $fh, pack_sockaddr_in6(4343, Socket::IN6ADDR_ANY) or die "bind: $!\n";
listen $fh, 1024 or die "listen: $!\n";
syswrite STDOUT, "listening\n";
sysread STDIN, my $end, 1;
SERVER
is(readline $listening, "listening\n", 'a listener');

my $dns = NetIO::Test::DNS->start($client, <<'ZONE');
well.test        A     192.0.2.2
well.test        AAAA  2001:db8::2
broken6.test     A     192.0.2.2
broken6.test     AAAA  2001:db8:dead::1 2001:db8:dead::2
broken4.test     A     198.51.100.1
broken4.test     AAAA  2001:db8::2
late4.test       A     late 60000 192.0.2.2
late4.test       AAAA  2001:db8::2
join4.test       A     late 100 192.0.2.2
join4.test       AAAA  2001:db8:dead::1
refused4.test    A     late 100 192.0.2.2
refused4.test    AAAA  2001:db8:0:0::77
late6.test       A     192.0.2.2
late6.test       AAAA  late 60000 2001:db8::2
soon6.test       A     192.0.2.2
soon6.test       AAAA  late 1 2001:db8::2
join6.test       A     198.51.100.1
join6.test       AAAA  late 500 2001:db8::2
only4.test       A     192.0.2.2
only6.test       AAAA  2001:db8::2
never4.test      A     silent
never4.test      AAAA  2001:db8:dead::1
many.test        A     many 1000
many.test        AAAA  many 1000
ZONE

# What the driver says, without the time it took.
sub drive {
    my (@args) = @_;
    my ($status, $said) = $client->run($DRIVER, @args);

    $said =~ s/^elapsed \d+\n//m or diag($said);
    is($status, 0, "the driver ran: @args");
    return $said;
}

# "ADDRESS what" of each attempt, and the code at the end.
sub story {
    my (@args) = @_;
    my $said   = drive(@args);
    my ($code) = $said =~ /^code (\S+)$/m;

    like($said, qr/^left 0$/m, 'nothing is left open');
    return join('; ', (map { s/:4343: / /r } $said =~ /^try (.*)$/mg), $code // '');
}

# The link is up when its neighbours have heard of each other, which the first packets may miss.
like(drive('-t', 20, '2001:db8::2', 4343), qr/^opened$/m, 'the router is there');

# Nobody is at 2001:db8::77: the kernel hurries to say so.
$client->sysctl('net.ipv6.neigh.nio0.retrans_time_ms', 50);

my @table = (
    ['both well: IPv6 wins', ['well.test'], '[2001:db8::2] connected; 0'],
    [
        'A13 IPv6 is silent, IPv4 well',
        ['broken6.test'], '[2001:db8:dead::1] Operation canceled; 192.0.2.2 connected; 0'
    ],
    ['IPv4 is silent, IPv6 well',            ['broken4.test'], '[2001:db8::2] connected; 0'],
    ['A comes late: AAAA serves without it', ['late4.test'],   '[2001:db8::2] connected; 0'],
    [
        'A comes while IPv6 is being tried',
        ['join4.test'],
        '[2001:db8:dead::1] Operation canceled; 192.0.2.2 connected; 0'
    ],
    [
        'A comes when or after IPv6 has failed',
        ['refused4.test'],
        '[2001:db8::77] No route to host; 192.0.2.2 connected; 0'
    ],
    ['AAAA comes far too late', ['late6.test'], '192.0.2.2 connected; 0'],
    ['AAAA comes soon enough',  ['soon6.test'], '[2001:db8::2] connected; 0'],
    [
        'AAAA comes while IPv4 is being tried',
        ['join6.test'],
        '198.51.100.1 Operation canceled; [2001:db8::2] connected; 0'
    ],
    ['only A',    ['only4.test'], '192.0.2.2 connected; 0'],
    ['only AAAA', ['only6.test'], '[2001:db8::2] connected; 0'],
    [
        'one family is silent, the other one never told',
        ['-t', 0.5, 'never4.test'],
        '[2001:db8:dead::1] Connection timed out; ETIMEDOUT'
    ],
);
for my $case (@table) {
    my ($name, $args, $said) = @$case;
    is(story('-t', 20, @$args, 4343), $said, $name);
    is(story('-p', '-t', 20, @$args, 4343), $said, "$name, in a loop");
    is(story('-f', '-t', 20, @$args, 4343), $said, "$name, with children of fork");
}

# Refused by both: at once, one after the other.
is(
    join(' ', drive('-t', 20, 'well.test', 44) =~ /^(?:try .*|connect .*|code .*)$/mg),
    'try [2001:db8::2]:44: Connection refused try 192.0.2.2:44: Connection refused '
        . 'connect 192.0.2.2:44: Connection refused code ECONNREFUSED',
    'both refuse'
);

# A12: 1,000 addresses of each family, which all go nowhere: 64 are tried, the families in turn.
$router->ip('route add blackhole 198.18.0.0/15');
$router->ip('-6 route add blackhole 2001:db8:1::/48');
my @tried = split /; /, story('-t', 8, 'many.test', 4343);
is(pop @tried,    'ETIMEDOUT',            'A12 A14 1,000 silent addresses: the deadline');
is(scalar @tried, 64,                     'A12 A14 as many as the resolver gives are tried');
is(scalar(grep { /^\[2001/ } @tried), 32, 'A12 A14 half of them IPv6');

# A16: from nothing to enough; more descriptors never make it worse.
for my $files (3 .. 12) {
    my $said = story('-n', $files, '-t', 8, 'broken6.test', 4343);
    my $want = $files < 8 ? qr/^EMFILE$|; 192\.0\.2\.2 connected; 0$/ : qr/ connected; 0$/;
    like($said, $want, "A16 a race with $files descriptors");
}

# A20: no ephemeral port for IPv4 is no reason not to try IPv6, and the other way round.
# Not every port will do: a connection from before may have left one in TIME-WAIT.
my $holder = <<'HOLDER';
my $held = IO::Socket::INET->new(PeerAddr => '192.0.2.2:4343') or die "not held: $@\n";
system($ARGV[0], '-t', 20, '-4', 'well.test', 4343);
system($ARGV[0], '-t', 20, 'broken4.test', 4343);
HOLDER
my ($status, $said);
for my $port (50_000 .. 50_009) {
    $client->sysctl('net.ipv4.ip_local_port_range', "$port $port");
    ($status, $said) = $client->run($^X, '-MIO::Socket::INET', '-e', $holder, $DRIVER);
    last if $said !~ /^not held:/m;
}
like($said, qr/^try 192\.0\.2\.2:4343: Cannot assign requested address$/m, 'A20 no port for IPv4');
like($said, qr/^try \[2001:db8::2\]:4343: connected$/m,                    'A20 but one for IPv6');

close $hold;
waitpid $listener_pid, 0;

done_testing;
