# What the daemon modules of CPAN get wrong (facts/perl.md), and NetIO::Daemon does not: two daemons
# own one pid file, root's groups stay, a drop that fails is passed over, the starter is told of
# success at the fork, descriptors are closed one by one up to the limit.  C3, C7, C14, C15, C22.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use NetIO::Daemon;
use NetIO::Test::PerlDaemon;
use POSIX ();
use Test::More;

alarm 300;

my $strace = grep { -x "$_/strace" } split /:/, $ENV{PATH};

# Runs a program with calls of its that fail or lie, and returns it.
sub under {
    my ($inject, $program, @how) = @_;
    my @trace = (
        'strace', '-f', '-o', '/dev/null', '--seccomp-bpf', '-e', "trace=" . $inject =~ s/:.*//r,
        '-e',     "inject=$inject"
    );

    return daemonized($program, wrap => \@trace, @how);
}

my $become_nobody = <<'PROGRAM';
    my $daemon = daemonize(user => 'nobody');
    $daemon->ready;
    report('serves', "$> $)");
PROGRAM

SKIP: {
    $strace or skip 'no strace here',                   1;
    $> == 0 or skip 'becoming another user needs root', 1;

    subtest 'C14, C15 a drop that fails or lies' => sub {
        for my $call (qw(setgroups setresgid setresuid)) {
            for my $how ('error=EPERM', 'error=EAGAIN', 'retval=0') {
                my $run = under("$call:$how", $become_nobody);
                isnt $run->status, 0, "$call, $how: the starter fails";
                like $run->err, qr/\Aready: privileges \S+: .* at \S+ line \d+\.\n\z/,
                    "$call, $how: and says why";
                is $run->said('serves'), undef, "$call, $how: nothing is served";
                $run->finish;
            }
        }
        my $run = under('setgroups:error=EPERM', <<'PROGRAM');
            my $daemon = daemonize(user => 'nobody');
            report('drop', eval { $daemon->drop; 1 } ? 'passed' : $@->code_name) for 1 .. 2;
            report('ready', eval { $daemon->ready; 1 } ? 'passed' : $@->code_name) for 1 .. 2;
PROGRAM
        isnt $run->status, 0, 'errors that are caught: the starter fails all the same';
        is $run->report, "drop EPERM\n" x 2 . "ready EPERM\n" x 2, 'and again and again';
        $run->finish;
    };
}

subtest 'C3 two starters, 50 times' => sub {
    my $dir = File::Temp->newdir;
    my (@won, @lost);
    my $serve = <<'PROGRAM';
        report('waits');
        wait_go($ARGV[0]);
        my $daemon = daemonize(pidfile => "$ARGV[0]/pid");
        $SIG{TERM} = sub { exit 0 };
        report("pid $$");
        $daemon->ready;
        select undef, undef, undef, 0.05 while 1;    # Perl may sleep over a signal
PROGRAM

    for (1 .. 50) {
        hold($dir);
        my @runs = map { daemonized($serve, args => ["$dir"], wait => 0) } 1 .. 2;
        $_->wait_report(qr/^waits$/m) for @runs;
        go($dir);
        my @status = map { $_->wait_starter } @runs;
        push @won, scalar grep { $_ == 0 } @status;
        push @lost,
            scalar grep { $_->err =~ /: (?:already running|starting, and not ready yet) at / }
            @runs;
        NetIO::Daemon->stop("$dir/pid");
        $_->finish for @runs;
    }
    is "@won",  join(' ', (1) x 50), 'one wins, every time';
    is "@lost", join(' ', (1) x 50), 'and the other knows why';
};

subtest '1,000 HUPs while it starts' => sub {
    my $dir = File::Temp->newdir;
    hold($dir);
    my $run = daemonized(<<'PROGRAM', wait => 0, args => ["$dir"]);
        my $heard = 0;
        my $daemon = daemonize();
        report("pid $$");
        wait_go($ARGV[0]);
        $SIG{HUP} = sub { report('heard', ++$heard) };
        report('listens');
        # In a longer wait Perl would sleep over a signal that came just before it.
        select undef, undef, undef, 0.01 until $heard == 500;
        $daemon->ready;
        report('all', $heard);
PROGRAM
    ok $run->wait_report(qr/^pid /m), 'it is starting';
    my $pid = $run->said('pid');
    kill HUP => $pid for 1 .. 500;
    go($dir);
    ok $run->wait_report(qr/^listens$/m), 'it has a handler';
    # Perl itself dies of 120 that wait for their handler: the next one when the last has been heard.
    kill(HUP => $pid) && $run->wait_report(qr/^heard $_$/m) for 1 .. 500;
    is $run->wait_starter, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('all'), 500, 'its handler has run';
};

subtest 'C9 10,000 descriptors' => sub {
    my $before = sub {
        open my $null, '<', '/dev/null' or die;
        POSIX::dup2(fileno $null, $_) for 300 .. 10_300;
    };
    my $program = <<'PROGRAM';
        my $daemon = daemonize(keep => [301]);
        my @open = grep { $_ > 2 } split ' ', `ls /proc/self/fd`;
        report('open', scalar @open);
        $daemon->ready;
PROGRAM
    my $run = daemonized($program, before => $before);
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('open'), 2, 'a program gets the one that is kept, and reads a folder';

    $strace or return;
    my $table = File::Temp->new;
    my @count = ('strace', '-f', '-c', '-o', "$table", '--seccomp-bpf', '-e', 'trace=close,fcntl');
    $run = daemonized($program, before => $before, wrap => \@count);
    is $run->status, 0, 'traced' or diag $run->err;
    $run->finish;
    my ($calls) = slurp("$table") =~ /^\s*100.*?(\d+)\s+(?:\d+\s+)?total$/m;
    cmp_ok $calls, '<', 1000, 'no loop over them';
};

SKIP: {
    $> == 0 && system('unshare --mount true 2>/dev/null') == 0
        or skip 'no mount namespaces here', 1;

    subtest 'C7, C22 places without /proc and /dev/null' => sub {
        my @private = ('unshare', '--mount', '--propagation', 'private', 'sh', '-c');
        my $program = <<'PROGRAM';
            my $daemon = daemonize();
            $daemon->ready;
            report('serves');
PROGRAM
        my $run = daemonized($program, wrap => [@private, 'umount -l /proc; exec "$@"', 'sh']);
        is $run->status, 0, 'C22 without /proc' or diag $run->err;
        ok $run->finish, 'ends';
        like $run->report, qr/^serves$/m, 'serves';

        my $plain = 'mount -t tmpfs none /dev; : >/dev/null; exec "$@"';
        $run = daemonized($program, wrap => [@private, $plain, 'sh']);
        isnt $run->status, 0, 'C7 /dev/null is a plain file';
        like $run->err, qr{\Adaemonize: daemonize /dev/null: \S.* at }, 'says so';
        $run->finish;
    };
}

done_testing;
