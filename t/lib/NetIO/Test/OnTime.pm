package NetIO::Test::OnTime;

# The deadline is the deadline: of 100 calls that come to nothing, 95 end at most 20 ms after it.
# What xt/deadline measures is judged here.
#
#     use NetIO::Test::OnTime;
#     on_time('A2 a black hole', 'csrc/build/t/drive-open', '-t', 0.01, '-r', on_time_trials, ...);
#     is_on_time('A2 a black hole', \@late, \@bare);
#     under_signals(sub { ... });
#
# The command says so many times "late MICROSECONDS" and "bare MICROSECONDS": how late the call
# was, and how late a bare poll(2) or select() in the same run.  is_on_time is given both in
# seconds, a pair for each trial.  On a machine too busy for the bare one, ours may be late as
# often, give or take what chance makes of two such counts.

use strict;
use warnings;

use Exporter 'import';
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

our @EXPORT = qw(in_time is_on_time lateness_of on_time on_time_trials under_signals);

my $TRIALS = 100;
my $WANTED = 0.95;
my $QUIET  = 0.99;    # a machine where so many of the bare ones are in time
my $CHANCE = 3;       # standard deviations by which equals may differ
my $GRACE  = 0.02;    # seconds

sub on_time_trials { return $TRIALS }

# How many of these were.
sub in_time {
    return scalar grep { $_ <= $GRACE } @_;
}

# How many of ours must be.
sub least {
    my ($late, $bare) = @_;
    my $trials = @$late;
    my $could  = in_time(@$bare);
    my $often  = 1 - ($could + in_time(@$late)) / (2 * $trials);
    my $equal  = $could - $CHANCE * sqrt(2 * $trials * $often * (1 - $often));

    return $could >= $QUIET * $trials || $equal > $WANTED * $trials ? $WANTED * $trials : $equal;
}

# early: how much before the deadline counts as at it; undef: any.
sub is_on_time {
    my ($name, $late, $bare, %how) = (@_[0 .. 2], early => 0.001, @_[3 .. $#_]);
    my @late = sort { $a <=> $b } @$late;
    my @bare = sort { $a <=> $b } @$bare;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    cmp_ok in_time(@late), '>=', least(\@late, \@bare), "$name: in time";
    cmp_ok $late[0],       '>=', -$how{early},          "$name: not before" if defined $how{early};
    note sprintf '%s: median, 95th, most late: %.1f, %.1f, %.1f ms; bare: %.1f, %.1f, %.1f ms',
        $name, map { 1000 * $_ } map { @$_[$#$_ / 2, $#$_ * $WANTED, -1] } \@late, \@bare;
    return;
}

# Runs code while 5,000 times a second a signal's handler does; A15.  It takes the alarm's timer,
# which is set to as many seconds as it had at the beginning.
sub under_signals {
    my ($code)  = @_;
    my $signals = 0;
    my $left    = alarm 0;
    local $SIG{ALRM} = sub { $signals++ };

    setitimer(ITIMER_REAL, 0.0002, 0.0002);
    $code->();
    setitimer(ITIMER_REAL, 0);
    alarm $left;
    cmp_ok $signals, '>', 5_000, "$signals handlers ran";
    return;
}

# What a command says, in seconds: (late => [...], bare => [...]).
sub lateness_of {
    my (@command) = @_;
    my %said = (late => [], bare => []);

    open my $from, '-|', @command or die "$command[0]: $!\n";
    while (my $line = readline $from) {
        my ($word, $microseconds) = split ' ', $line;
        push @{ $said{$word} }, $microseconds / 1e6;
    }
    close $from;
    return %said;
}

sub on_time {
    my ($name, @command) = @_;
    my %said = lateness_of(@command);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is(scalar @{ $said{late} }, $TRIALS, "$name: each time it was the deadline") or return;
    is_on_time($name, @said{qw(late bare)}, early => 0);
    return;
}

1;
