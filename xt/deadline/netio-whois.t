# netio-whois ends at its time-out, not later; but what a pager keeps it waiting is not the
# server's fault and is not counted.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Peer;
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 120;

my $WHOIS = "$ENV{PWD}/csrc/build/netio-whois";
-x $WHOIS or BAIL_OUT('csrc/build/netio-whois is not there: run make first');

my @faults = (
    ['A5 a full queue', NetIO::Test::Peer->full],
    ['A6 says nothing', NetIO::Test::Peer->start('silent')],
    ['A7 a drip',       NetIO::Test::Peer->start(drip  => 'x', 0.01)],
    ['a flood',         NetIO::Test::Peer->start(flood => 'x' x 4096)],
);
for my $case (@faults) {
    my ($name, $peer) = @$case;
    my $at   = $peer->port;
    my $late = 0;
    for (1 .. 20) {
        my $started = clock_gettime(CLOCK_MONOTONIC);
        system("$WHOIS -h 127.0.0.1 -p $at --timeout 0.1 x >/dev/null 2>&1");
        is($? >> 8, 75, "$name: the time was up");
        my $took = clock_gettime(CLOCK_MONOTONIC) - $started;
        # 20 ms, and as much for starting a shell and the program.
        $late++ if $took > 0.14;
        cmp_ok($took, '>=', 0.1, "$name: not early");
    }
    cmp_ok($late, '<=', 1, "$name: late $late times of 20");
}

my $answer = 'x' x 2_000_000;
my $long   = NetIO::Test::Peer->start(answer => $answer);
open my $pager, '-|', $WHOIS, '-h', '127.0.0.1', '-p', $long->port, '--timeout', 0.5, 'x'
    or die "$WHOIS: $!\n";
sleep 1;    # the user reads the first page
my $read = do { local $/; readline $pager };
ok(close $pager, 'a pager that takes its time: no time-out');
is(length $read, length $answer, 'and all of the answer');

done_testing;
