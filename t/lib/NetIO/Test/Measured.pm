package NetIO::Test::Measured;

# A test that measures, as those of xt/deadline do, first of all its modules:
#
#     use lib 't/lib';
#     use NetIO::Test::Measured;
#
# A virtual machine's processors may be others' for half of the time: then the clock goes on, and
# nobody here runs.  What was measured meanwhile is not this machine's, and the bare poll(2) beside
# ours, which wants the processor less often, does not have the same of it.  So a test that fails
# while some of the processors' time was stolen (proc_stat(5)) is run again, a few times; the last
# one counts.  Where nothing is stolen the first one does.

use strict;
use warnings;

use File::Temp ();

use constant { TIMES => 4, STOLEN => 0.01, STEAL => 7 };

# Ticks of all processors: that were there, and that others had of them.
sub ticks {
    open my $stat, '<', '/proc/stat' or return (1, 0);
    my (undef, @ticks) = split ' ', readline $stat;
    my $sum = 0;

    $sum += $_ for @ticks[0 .. STEAL];
    return ($sum, $ticks[STEAL]);
}

# One run, with what it says in files: its status, and which part of the processors others had.
sub run {
    my ($out,    $err)    = @_;
    my ($before, $stolen) = ticks();
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        open STDOUT, '>&', $out or die "stdout: $!\n";
        open STDERR, '>&', $err or die "stderr: $!\n";
        exec $^X, (map { "-I$_" } @INC), $0, @ARGV or die "$^X: $!\n";
    }
    local $SIG{$_} = sub { kill 'TERM', $pid }
        for qw(INT TERM);
    waitpid $pid, 0;
    my $status = $?;
    my ($after, $lost) = ticks();
    return ($status, ($lost - $stolen) / (($after - $before) || 1));
}

sub show {
    my ($file, $to) = @_;

    seek $file, 0, 0 or die "seek: $!\n";
    print {$to} readline $file;
    return;
}

sub import {
    return if $ENV{NETIO_TEST_MEASURED}++;
    for my $time (1 .. TIMES) {
        my ($out,    $err) = map { File::Temp->new } 1 .. 2;
        my ($status, $had) = run($out, $err);

        if ($status == 0 || $time == TIMES || $had < STOLEN) {
            show($err, *STDERR);
            show($out, *STDOUT);
            exit($status >> 8 || $status);
        }
        printf {*STDERR} "# %s: run again, since others had %.0f %% of the processors\n", $0,
            100 * $had;
    }
    return;
}

1;
