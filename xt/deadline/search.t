# whoisd ends a search at its deadline: a hundred searches that would go on work for their 50 ms
# and hardly longer, so that nobody else waits longer for one.  What counts is the processor's time:
# on a busy machine a search may have to wait for it.

use strict;
use warnings;

use File::Temp ();
use POSIX      ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Measured;
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);

alarm 120;

my $TRIALS = 100;
my $dir    = File::Temp->newdir;
my @fields = (['Text', 'a b ' x 10_000]);
my $db     = build_directory("$dir/dense.db",
    [map { { handle => "d$_", name => "Dense $_", fields => \@fields } } 1 .. 100]);
my $d      = NetIO::Test::Daemon->whoisd($db);
my $phrase = join '-', ('a') x 32;

# The daemon's time so far, in milliseconds.
sub work {
    my ($ticks) = NetIO::Test::Daemon::slurp('/proc/' . $d->pid . '/stat') =~ /\) (.*)/s;
    my ($user, $system) = (split ' ', $ticks)[11, 12];

    return 1000 * ($user + $system) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

my $before = work();
for (1 .. $TRIALS) {
    my $answer = $d->ask("$phrase\r\n");
    $answer =~ /\ASorry, the search took too long;/ or BAIL_OUT("it found an end: $answer");
}
$d->wait_log(qr/"$phrase" search took too long/) for 1 .. $TRIALS;

my $mean = (work() - $before) / $TRIALS;
my @took = sort { $a <=> $b } $d->log_text =~ /"$phrase" search took too long (\d+\.\d+) ms\n/g;
is scalar @took, $TRIALS, 'all of them end';
cmp_ok $took[0], '>=', 50, 'none before its deadline';
cmp_ok $mean,    '<=', 55, 'and they work no longer';
diag sprintf 'work: mean %.1f ms; took: median %.1f ms, 95th %.1f, last %.1f', $mean,
    @took[$TRIALS / 2, 0.95 * $TRIALS, -1];

$d->finish;
done_testing;
