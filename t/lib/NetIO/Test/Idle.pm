package NetIO::Test::Idle;

# Whether processes that have nothing to do make no system call (B30 of the fault catalogue):
#
#     silent_for(60, sub { ask($server) }, $pid, @workers);
#
# is a test.  strace(1) watches them all.  Who was just asked may have something to put in order, so
# the seconds begin anew with each call, for a while.  In the end the code asks again, and that must
# be seen: else the silence was strace's.

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use NetIO::Test::Patience;
use NetIO::Test::Run qw(finish slurp start);
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(silent_for);

use constant PATIENCE => 30;

# How long it takes until there was nothing for so many seconds: what came last in vain.
sub calls_in {
    my ($file, $seconds) = @_;
    my $give_up = time + PATIENCE;
    my ($seen, $since) = (-s $file, time);

    while (time - $since < $seconds) {
        sleep 0.05;
        next if -s $file == $seen;
        return substr slurp($file), $seen if time > $give_up;
        ($seen, $since) = (-s $file, time);
    }
    return '';
}

# How many strace has by now.
sub attached {
    my ($trace) = @_;

    return -s $trace->{err} ? scalar(() = slurp($trace->{err}) =~ /attached/g) : 0;
}

sub silent_for {
    my ($seconds, $ask, @pids) = @_;
    my $file = File::Temp->new;

    SKIP: {
        skip 'strace is not here, or may not trace', 2
            if $ENV{NETIO_TEST_SANITIZED} || system 'strace -o /dev/null -e trace=none true 2>&1';
        my $trace = start('strace', '-o', "$file", map { ('-p', $_) } @pids);
        eventually { attached($trace) >= @pids };
        $ask->();
        is calls_in("$file", $seconds), '', "B30: no system call in $seconds seconds";
        my $before = -s "$file";
        $ask->();
        eventually { -s "$file" != $before };
        isnt -s "$file", $before, 'B30: strace would have seen one';
        kill 'TERM', $trace->{pid};
        finish($trace);
    }
    return;
}

1;
