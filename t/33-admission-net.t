# B6: many addresses of one IPv6 network, in a network namespace of the test's own.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Netns;
use NetIO::Test::Policy;
use Test::More;

needs_netns(300);

my $ns = NetIO::Test::Netns->new('admission');
$ns->ip("addr add 2001:db8:1:1::$_/64 dev lo nodad") for 1 .. 20;
$ns->ip('addr add 2001:db8:1:2::1/64 dev lo nodad');
$ns->ip('link set lo up');
$ns->enter;

my $server = NetIO::Test::Policy->new('listen=[::]:0', 'per-source=3');
my ($port) = $server->{at}[0] =~ /:(\d+)\z/;
my $at     = "[2001:db8:1:2::1]:$port";

my $came = 0;    # there may be no port left for one

# A connection that is held, or nothing.
sub hold {
    my ($from) = @_;
    my $socket = $server->connect(at => $at, from => $from) or return;

    $came++;
    return ($server->ask('hold', on => $socket) // q{}) =~ / hold$/ ? $socket : ();
}

my @held = map { hold("2001:db8:1:1::$_") } 1 .. 20;
is scalar @held, 3, 'B6: twenty addresses of a /64 are one source';
my $served = 0;
for my $i (1 .. 2_000) {
    my $socket = $server->connect(at => $at, from => '2001:db8:1:1::' . ($i % 20 + 1));
    $came   += defined $socket;
    $served += ($server->ask('x', at => $at, from => '2001:db8:1:2::1') // q{}) =~ / x$/
        if $i % 20 == 0;
}
is $served, 100, 'B6: and their flood is not seen from the next /64';
my %count = $server->status(at => $at, from => '2001:db8:1:2::1');
is $count{source}, $came - 3, 'B6: each of them is counted';

done_testing;
