# The time of one read_line, read_octets, read_datagram or udp_ask of Perl is the time of all of it,
# whatever the peer does meanwhile, and however many signals arrive.

use strict;
use warnings;
use lib 't/lib';
use NetIO::Test::Measured;

use NetIO::Test::Datagram;
use NetIO::Test::OnTime;
use NetIO::Test::Peer;
use Test::More;

alarm 300;

my $PROGRAM = <<'CODE';
use strict;
use warnings;
use NetIO ':all';
use Time::HiRes qw(ITIMER_REAL clock_gettime setitimer CLOCK_MONOTONIC);

my ($trials, $storm, $call, $port) = @ARGV;
my $timeout = 0.01;
my %open = (datagram => \&udpopen, ask => sub { });
my %read = (
    line     => sub { $_[0]->read_line(timeout => $timeout, max => 1e12) },
    octets   => sub { $_[0]->read_octets(1e12, timeout => $timeout) },
    datagram => sub { $_[0]->read_datagram(timeout => $timeout) },
    ask      => sub { eval { udp_ask("127.0.0.1:$port", undef, 'x', timeout => $timeout) } },
);
sub late {
    my ($word, $code) = @_;
    my $due = clock_gettime(CLOCK_MONOTONIC) + $timeout;
    return if defined $code->();
    printf "%s %d\n", $word, (clock_gettime(CLOCK_MONOTONIC) - $due) * 1e6;
}

$SIG{ALRM} = sub { };
setitimer(ITIMER_REAL, 0.0002, 0.0002) if $storm;
for (1 .. $trials) {
    my $fh = ($open{$call} || \&tcpopen)->('127.0.0.1', $port, timeout => 30);
    late(late => sub { $read{$call}->($fh) });
    my $end = clock_gettime(CLOCK_MONOTONIC) + $timeout;
    late(bare => sub {
        while ((my $left = $end - clock_gettime(CLOCK_MONOTONIC)) > 0) {
            select undef, undef, undef, $left;
        }
        return;
    });
}
setitimer(ITIMER_REAL, 0);    # before %SIG goes, and all that is not flushed
CODE

my @perl = ($^X, (map {"-I$_"} @INC), '-e', $PROGRAM, on_time_trials);
my $mute = NetIO::Test::Peer->start('silent');
my $drip = NetIO::Test::Peer->start(drip => 'x', 0.001);
my $flood = NetIO::Test::Peer->start(flood => 'x' x 1000);
my $silent = NetIO::Test::Datagram->start(sub { });

on_time("A6 $_, a peer that never speaks", @perl, 0, $_, $mute->port) for qw(line octets);
on_time("A7 $_, a peer that drips", @perl, 0, $_, $drip->port) for qw(line octets);
on_time("A7 $_, a peer that sends without a pause", @perl, 0, $_, $flood->port)
    for qw(line octets);
on_time("A6 $_, a server that never answers", @perl, 0, $_, $silent->port) for qw(datagram ask);
on_time("A15 $_, 5,000 signals a second", @perl, 1, $_, $drip->port) for qw(line octets);
on_time("A15 $_, 5,000 signals a second", @perl, 1, $_, $silent->port) for qw(datagram ask);

done_testing;
