# A13: IPv6 is silent, IPv4 well: a connection is there 300 ms and a round trip after it was asked
# for, 95 times of 100, whether the addresses come from a file or, both or one by one, from a name
# server.

use strict;
use warnings;
use lib 't/lib';
use NetIO::Test::Measured;

use IO::Socket::INET;
use NetIO::Test::C;
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::OnTime;
use Test::More;

my $DRIVER  = c_program('drive-open');
my $TRIALS  = 40;
my $SECONDS = 0.3;

needs_netns(300);

my $client = NetIO::Test::Netns->new(
    'client',
    'resolv.conf' => "nameserver 127.0.0.1\n",
    'hosts'       => "2001:db8:dead::1 file\n2001:db8:dead::2 file\n192.0.2.2 file\n"
);
my $router = NetIO::Test::Netns->new('router');
$client->join($router, ['192.0.2.1/24', '2001:db8::1/64'], ['192.0.2.2/24', '2001:db8::2/64']);
$client->ip('-6 route add default via 2001:db8::2');
$router->sysctl('net.ipv6.conf.all.forwarding', 1);
$router->ip('-6 route add blackhole 2001:db8:dead::/48');
my $dns = NetIO::Test::DNS->start($client, <<'ZONE');
both.test   AAAA  2001:db8:dead::1
both.test   A     192.0.2.2
late.test   AAAA  2001:db8:dead::1
late.test   A     late 100 192.0.2.2
ZONE
my $listener_pid = open my $listener, '-|', $router->prefix, $^X, '-MIO::Socket::INET', '-e',
    <<'SERVER' or die "fork: $!\n";
my $fh = IO::Socket::INET->new(LocalAddr => '192.0.2.2:4343', Listen => 1024) or die "$@\n";
syswrite STDOUT, "listening\n";
while (my $peer = $fh->accept) { close $peer }
SERVER
is(readline $listener, "listening\n", 'a listener');
# The neighbours hear of each other.
$client->run($DRIVER, '-t', 5, $_, 44) for '2001:db8::2', '192.0.2.2';

for my $name (qw(file both.test late.test)) {
    my %said =
        lateness_of($client->prefix, $DRIVER, '-o', '-t', $SECONDS, '-r', $TRIALS, $name, 4343);
    is(scalar @{ $said{late} }, $TRIALS, "A13 $name: each time it opened") or next;
    is_on_time("A13 $name, open after 300 ms", @said{qw(late bare)}, early => undef);
}
kill 'TERM', $listener_pid;
close $listener;

done_testing;
