package NetIO::Test::OnTime;

# The deadline is the deadline: of 100 calls that come to nothing, 95 end at most 20 ms after it.
#
#     use NetIO::Test::OnTime;
#     on_time('A2 a black hole', 'csrc/build/t/drive-open', '-t', 0.01, '-r', on_time_trials, ...);
#
# The command says so many times "late MICROSECONDS" and "bare MICROSECONDS", the latter of a bare
# poll(2) in the same minute: where even that is late more often, there is nothing to be learnt,
# and the test is skipped.  Where it is late now and then, as many trials are excused.

use strict;
use warnings;

use Exporter 'import';
use Test::More;

our @EXPORT = qw(on_time on_time_trials);

my $TRIALS = 100;
my $LATE   = 20_000;    # microseconds
my $MOST   = 5;         # trials that may be late
my $CHANCE = 3;         # trials by which equals may differ

sub on_time_trials { return $TRIALS }

# Ends at most so late in 95 of 100 trials, and never early.
sub on_time {
    my ($name, @command) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
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
        skip "$name: poll(2) itself was late $bare_late times", 2 if $bare_late > $MOST;
        my ($most) = sort { $b <=> $a } $MOST, $bare_late + $CHANCE;
        cmp_ok($ours_late, '<=', $most, "$name: at most 20 ms late");
        cmp_ok($ours->[0], '>=', 0, "$name: never early");
    }
    diag(sprintf '%s: median %.2f ms, 95th %.2f ms, worst %.2f ms late; poll(2) %.2f, %.2f, %.2f',
        $name, map { $_ / 1000 } map { @$_[$TRIALS / 2, $TRIALS * 0.95 - 1, -1] } $ours, $bare);
    return;
}

1;
