# tcpopen in Perl keeps its deadline in networks that are silent: a name server, four addresses,
# each way of dropping a packet; and where IPv6 is silent and IPv4 well over a wire of 40 ms each
# way, it is open after 300 ms and a round trip.  95 times of 100 at most 20 ms late; a bare
# select() in the same run says what the machine can do, and as many trials are excused.

use strict;
use warnings;

use lib 't/lib';
use NetIO::Test::Measured;

use Cwd ();
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::OnTime;
use NetIO::Test::Peer;
use NetIO::Test::Relay;
use Test::More;

# Through die, so that the namespaces are removed.
$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $missing = NetIO::Test::Netns->missing || NetIO::Test::Relay->missing;
plan skip_all => $missing if $missing;

my $WORKERS = 4;

# Says how late it was, and how late select() was, so many times.
my $PROGRAM = <<'CODE';
use strict;
use warnings;
use NetIO;
use Time::HiRes qw(CLOCK_MONOTONIC ITIMER_REAL clock_gettime setitimer);

my ($storm, $times, $seconds, $timeout, $host, $port) = @ARGV;
sub now { return clock_gettime(CLOCK_MONOTONIC) }
my $signals = 0;
$SIG{ALRM} = sub { $signals++ };
setitimer(ITIMER_REAL, 0.0002, 0.0002) if $storm;
for (1 .. $times) {
    my $began = now();
    my $fh = eval { tcpopen($host, $port, timeout => $timeout) };
    my $late = now() - $began - $seconds;
    my $how = $fh ? 'open' : $@->code_name;
    $began = now();
    while ((my $left = $began + $seconds - now()) > 0) { select undef, undef, undef, $left }
    print "$how $late ", now() - $began - $seconds, "\n";
}
setitimer(ITIMER_REAL, 0);
CODE

my $near = NetIO::Test::Netns->new(
    'wirenear',
    'resolv.conf' => "nameserver 127.0.0.1\n",
    'hosts'       => join('', map { "198.51.100.$_ four\n" } 1 .. 4)
        . "2001:db8:dead::1 broken\n192.0.2.6 broken\n2001:db8:dead::1 broken2\n"
        . "2001:db8:dead::2 broken2\n192.0.2.6 broken2\n"
);
my $far    = NetIO::Test::Netns->new('wirefar');
my $router = NetIO::Test::Netns->new('wirerouter');
$near->join($router, ['192.0.3.1/24', '2001:db8::1/64'], ['192.0.3.2/24', '2001:db8::2/64']);
$near->ip('route add 198.51.100.0/24 via 192.0.3.2');
$near->ip('-6 route add default via 2001:db8::2');
$router->sysctl('net.ipv6.conf.all.forwarding', 1);
$router->ip('route add blackhole 198.51.100.0/24');
$router->ip('-6 route add blackhole 2001:db8:dead::/48');
my $relay = NetIO::Test::Relay->start($near, $far, '192.0.2.5/24', '192.0.2.6/24', delay => 0.04);
my $peer  = NetIO::Test::Peer->start_in($far, host => '192.0.2.6', 'silent');
my $dns   = NetIO::Test::DNS->start($near, "silent.test * silent\n");

# name, trials, when it ends, timeout, host, how it ends
#<<< the table as it is
my @table = (
    ['A11 a silent name server',          100, 0.01, 0.01, 'silent.test', 'ETIMEDOUT'],
    ['A2 a black hole',                   100, 0.01, 0.01, '198.51.100.1', 'ETIMEDOUT'],
    ['A14 four black holes',              100, 0.01, 0.01, 'four',        'ETIMEDOUT'],
    ['A14 four black holes, longer',      100, 0.1,  0.1,  'four',        'ETIMEDOUT'],
    ['A13 IPv6 silent, IPv4 80 ms away',   40, 0.38, 10,   'broken',      'open'],
    ['A13 two of IPv6 silent',             40, 0.38, 10,   'broken2',     'open'],
);
#>>>

sub trials {
    my ($storm, $times, @arguments) = @_;
    my @from = map {
        open(my $fh, '-|', $near->prefix, $^X,
            (map { '-I' . Cwd::abs_path($_) } grep { /\bblib\b/ } @INC),
            '-e', $PROGRAM, $storm, $times / $WORKERS, @arguments)
            or die "perl: $!\n";
        $fh;
    } 1 .. $WORKERS;
    return map { chomp; [split] } map { readline $_ } @from;
}

for my $case (@table) {
    my ($name, $times, $seconds, $timeout, $host, $end) = @$case;
    # A packet takes its time, signals or not: one way is enough there.
    for my $storm ($end eq 'open' ? 0 : (0, 1)) {
        my $what   = $name . ($storm ? ', A15 signals' : '');
        my @trials = trials($storm, $times, $seconds, $timeout, $host, $peer->port);
        is scalar(grep { $_->[0] eq $end } @trials), $times, "$what: $end each time"
            or diag(join " ", map { $_->[0] } @trials), next;
        is_on_time(
            $what,
            [map { $_->[1] } @trials],
            [map { $_->[2] } @trials],
            $end eq 'open' ? (early => undef) : ()
        );
    }
}

done_testing;
