# The deadline is the deadline: of 100 connections that come to nothing, 95 end at most 20 ms
# after it, whatever the reason.  A bare poll(2) in the same minute says what the machine can do:
# where even that is late more often, there is nothing to be learnt, and the test is skipped.

use strict;
use warnings;
use lib 't/lib';

use IO::Socket::INET;
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::Peer;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $DRIVER  = "$ENV{PWD}/csrc/build/t/drive-open";
my $TRIALS  = 100;
my $SECONDS = 0.01;
my $LATE    = 20_000;                                   # microseconds

-x $DRIVER or BAIL_OUT('csrc/build/t/drive-open is not there: run make first');

# Ends at most so late in 95 of 100 trials, and never early.
sub on_time {
    my ($name, @command) = @_;
    open my $said, '-|', @command or die "$command[0]: $!\n";
    my %late = (late => [], bare => []);

    while (my $line = readline $said) {
        my ($word, $microseconds) = split ' ', $line;
        push @{ $late{$word} }, $microseconds;
    }
    close $said;
    my ($ours, $bare) = map {
        [sort { $a <=> $b } @$_]
    } @late{qw(late bare)};
    is(scalar @$ours, $TRIALS, "$name: each time it was the deadline") or return;
    my $bare_late = grep { $_ > $LATE } @$bare;
    my $ours_late = grep { $_ > $LATE } @$ours;
    SKIP: {
        skip "$name: poll(2) itself was late $bare_late times", 2 if $bare_late > 5;
        cmp_ok($ours_late, '<=', 5, "$name: at most 20 ms late");
        cmp_ok($ours->[0], '>=', 0, "$name: never early");
    }
    diag(sprintf '%s: median %.2f ms, 95th %.2f ms, worst %.2f ms late; poll(2) %.2f, %.2f, %.2f',
        $name, map { $_ / 1000 } map { @$_[$TRIALS / 2, $TRIALS * 0.95 - 1, -1] } $ours, $bare);
    return;
}

my @timed = ('-t', $SECONDS, '-r', $TRIALS);

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
