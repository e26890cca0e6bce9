# The deadline is the deadline: of 100 connections that come to nothing, 95 end at most 20 ms
# after it, whatever the reason.

use strict;
use warnings;
use lib 't/lib';
use NetIO::Test::Measured;

use IO::Socket::INET;
use NetIO::Test::C;
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::OnTime;
use NetIO::Test::Peer;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $DRIVER = c_program('drive-open');

my @timed = ('-t', 0.01, '-r', on_time_trials);

# A listener whose filter drops every packet (SO_ATTACH_FILTER with "ret 0").
my $hole = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "$@\n";
my $drop = pack 'SCCL', 0x06, 0, 0, 0;
setsockopt $hole, SOL_SOCKET, 26, pack 'S x![P] P', 1, $drop or die "SO_ATTACH_FILTER: $!\n";
on_time('A2 a black hole', $DRIVER, @timed, '127.0.0.1', $hole->sockport);
on_time('A15 a black hole, 5,000 signals a second',
    $DRIVER, @timed, '-s', '127.0.0.1', $hole->sockport);
my $full = NetIO::Test::Peer->full;
on_time('A5 a full queue', $DRIVER, @timed, '127.0.0.1', $full->port);

SKIP: {
    my $missing = NetIO::Test::Netns->missing;
    skip $missing, 6 if $missing;
    my $ns = NetIO::Test::Netns->new(
        'late',
        'resolv.conf' => "nameserver 127.0.0.1\n",
        'hosts'       => join('', map { "198.51.100.$_ eight\n" } 1 .. 8)
    );
    my $router = NetIO::Test::Netns->new('laterouter');
    $ns->join($router, ['192.0.2.1/24'], ['192.0.2.2/24']);
    $ns->ip('route add default via 192.0.2.2');
    my $dns = NetIO::Test::DNS->start($ns, "silent.test * silent\n");
    on_time('A11 a silent name server',        $ns->prefix, $DRIVER, @timed, 'silent.test', 43);
    on_time('A14 eight addresses, all silent', $ns->prefix, $DRIVER, @timed, 'eight',       43);
}

done_testing;
