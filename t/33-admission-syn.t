# B7 of the fault catalogue: a flood of SYNs from addresses that do not exist fills the queue of those
# whose handshake goes on.  Who is connected does not notice, and where the system has SYN cookies
# nobody does.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Netns;
use NetIO::Test::Policy;
use Socket qw(:DEFAULT IPPROTO_TCP);
use Test::More;

needs_netns(300);

use constant IPPROTO_RAW => 255;    # with a header of ours

my $inside  = NetIO::Test::Netns->new('server');
my $outside = NetIO::Test::Netns->new('flood');
$inside->join($outside, ['192.0.2.1/24'], ['192.0.2.2/24']);
$inside->ip('route add default via 192.0.2.2');
$inside->sysctl($_, 128) for qw(net.core.somaxconn net.ipv4.tcp_max_syn_backlog);
$outside->enter;
socket my $raw, PF_INET, SOCK_RAW, IPPROTO_RAW or die "socket: $!\n";

sub checksum {
    my ($data) = @_;
    my $sum = 0;

    $sum += $_ for unpack 'n*', $data;
    $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
    return ~$sum & 0xffff;
}

# The first packet of a connection from there.
sub syn {
    my ($from, $port) = @_;
    my ($source, $target) = map { inet_aton($_) } $from, '192.0.2.1';
    my $tcp = sub { pack 'nnNNCCnnn', 40000, $port, 1, 0, 5 << 4, 2, 8192, $_[0], 0 };
    my $sum = checksum($source . $target . pack('CCn', 0, IPPROTO_TCP, 20) . $tcp->(0));
    my $ip  = pack 'CCnnnCCna4a4', 0x45, 0, 40, 0, 0, 64, IPPROTO_TCP, 0, $source, $target;

    return send $raw, $ip . $tcp->($sum), 0, pack_sockaddr_in(0, $target);
}

# Of those there: how many handshakes go on.
sub half_open {
    my (undef, $said) = $inside->run('ss', '-Htn', 'state', 'syn-recv');

    return scalar(() = $said =~ /\n/g);
}

for my $cookies (0, 1) {
    $inside->sysctl('net.ipv4.tcp_syncookies', $cookies);
    my $server = NetIO::Test::Policy->new([$inside->prefix], 'listen=192.0.2.1:0');
    my ($port) = $server->{at}[0] =~ /:(\d+)\z/;
    my $client = $server->connect;
    my $served = 0;

    like $server->ask('hold', on => $client), qr/ hold$/, 'one is connected';
    for my $i (1 .. 5000) {
        syn(join('.', 198, 51, int(100 + $i / 250), 1 + $i % 250), $port);
        $served += ($server->ask('hold', on => $client) // '') =~ / hold$/ if $i % 50 == 0;
    }
    cmp_ok half_open(), '>', 50, 'the queue is full';
    is $served, 100, "B7: cookies $cookies: who is connected is served all the time";
    next if !$cookies;
    like $server->ask('x'), qr/ x$/, 'B7: and with cookies so is who comes';
}

done_testing;
