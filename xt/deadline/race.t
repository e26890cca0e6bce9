# A13: IPv6 is silent, IPv4 well: a connection is there 300 ms and a round trip after it was asked
# for, 95 times of 100, whether the addresses come from a file or, both or one by one, from a name
# server.  A bare poll(2) in the same minute says what the machine can do: where even that is late
# more often, there is nothing to be learnt, and the test is skipped.

use strict;
use warnings;
use lib 't/lib';

use IO::Socket::INET;
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $DRIVER  = "$ENV{PWD}/csrc/build/t/drive-open";
my $TRIALS  = 40;
my $SECONDS = 0.3;
my $LATE    = 20_000;                                # microseconds: a round trip, and a wake-up

-x $DRIVER or BAIL_OUT('csrc/build/t/drive-open is not there: run make first');
my $missing = NetIO::Test::Netns->missing;
plan skip_all => $missing if $missing;

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
    open my $said, '-|', $client->prefix, $DRIVER, '-o', '-t', $SECONDS, '-r', $TRIALS, $name, 4343
        or die "fork: $!\n";
    my %late = (late => [], bare => []);
    while (my $line = readline $said) {
        my ($word, $microseconds) = split ' ', $line;
        push @{ $late{$word} }, $microseconds;
    }
    close $said;
    my ($ours, $bare) = map {
        [sort { $a <=> $b } @$_]
    } @late{qw(late bare)};
    is(scalar @$ours, $TRIALS, "A13 $name: each time it opened") or next;
    my ($ours_late, $bare_late) = map {
        scalar grep { $_ > $LATE } @$_
    } $ours, $bare;
    SKIP: {
        skip "A13 $name: poll(2) itself was late $bare_late times", 1 if $bare_late > $TRIALS / 20;
        cmp_ok($ours_late, '<=', $TRIALS / 20, "A13 $name: open after 300 ms");
    }
    diag(sprintf 'A13 %s: open after %.0f ms (median), %.0f (95th), %.0f (worst)',
        $name, map { $SECONDS * 1000 + $_ / 1000 } @$ours[$TRIALS / 2, $TRIALS * 0.95 - 1, -1]);
}
kill 'TERM', $listener_pid;
close $listener;

done_testing;
