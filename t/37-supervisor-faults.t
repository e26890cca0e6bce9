# What befalls a supervisor and its workers: netio/supervisor.h.  The daemon is
# t/c/drive-supervisor.c.  B numbers are those of facts/faults.md.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::Patience;
use NetIO::Test::Process qw(is_gone);
use NetIO::Test::Run     qw(slurp spew);
use NetIO::Test::Workers;
use Test::More;
use Time::HiRes qw(time);

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $heart = 4;    # seconds; a worker that has no processor for so long is killed, too

# The sum of a counter over all workers.
sub counted {
    my ($s, $path, $name) = @_;
    my $text = $s->ask('', path => $path);
    my $sum  = 0;

    $sum += $1 while $text =~ /\b$name=(\d+)/g;
    return $sum;
}

# The one worker who has a connection.
sub host {
    my ($s, $path) = @_;

    while (1) {
        my @pids = $s->ask('', path => $path) =~ /\bpid=(\d+) state=serving connections=1 /g;
        return $pids[0] if @pids == 1;
    }
}

subtest 'B8: workers killed at random' => sub {
    my $dir = File::Temp->newdir;
    my $s   = NetIO::Test::Workers->start('-w', 3, '-s', "unix:$dir/status");
    my ($wrong, $answered) = (0, 0);

    for my $round (1 .. 100) {
        my $held    = $s->held;
        my @pids    = $s->settled;
        my $host    = host($s, "$dir/status");
        my ($other) = grep { $_ != $host } @pids;
        my $pid     = $round % 3 ? $other : $host;
        kill 'KILL', $pid;
        is_gone($pid);    # on another core it may let in one client more
        $answered += ($s->ask("q$round\n") // '') eq "<q$round>\n";
        my $answer    = $s->answer($held, 'x');
        my $is_served = defined $answer && $answer eq "<.x>\n";
        $wrong++ if $is_served != ($pid != $host);
        $s->settled($pid);
    }
    is $answered,                     100, 'who comes then is answered';
    is $wrong,                        0,   'who was inside is lost, and nobody else';
    is scalar(my @all = $s->settled), 3,   'all are there again';
    # The worker of the last one may not have seen yet that he is gone.
    eventually { !counted($s, "$dir/status", 'connections') };
    is counted($s, "$dir/status", 'connections'), 0, 'and know of no connection';
    is((() = $s->log_text =~ /has ended by itself: signal 9$/mg), 100, 'each is in the log');
};

subtest 'what a killed worker held of the limits is free' => sub {
    my $s    = NetIO::Test::Workers->start('-w', 2, '-p');    # three of a source
    my @held = map { $s->held } 1 .. 3;

    is $s->ask("x\n") // '', '', 'a fourth is refused, whichever worker it meets';
    my @old = $s->settled;
    kill 'KILL', @old;
    $s->settled(@old);
    @held = map { $s->held } 1 .. 3;
    is $s->ask("x\n") // '', '',       'then there is room for three again';
    is $s->answer($_, 'x'),  "<.x>\n", 'who are served' for @held;
};

subtest 'B9: the supervisor is killed' => sub {
    my $s      = NetIO::Test::Workers->start('-w', 3);
    my $before = $s->held;
    my @old    = $s->settled;

    $s->kill('KILL');
    is $s->wait_end, 'signal 9', 'workers end, and with them the pipe that they hold';
    # They close what they have a moment before they have ended.
    is_deeply [grep { !is_gone($_) } @old], [], 'all of them';
    is $s->read_all($before), '', 'with what they served';
};

# A pause is as long as it is at least: nothing here fails because the machine is slow.
subtest 'B10: a crash loop' => sub {
    my $s = NetIO::Test::Workers->start('-w', 1);

    $s->mood('exit 3');
    kill 'KILL', $s->settled;
    ok $s->wait_log(qr/has ended by itself: exit status 3/), 'replaced at once, and again'
        for 1 .. 7;
    my $took;
    # Some may be in the log before this one has looked, on a slow machine: then once more.
    for (1 .. 5) {
        my $begin = time;
        ok $s->wait_log(qr/has ended by itself: exit status 3/), 'it does not give up' for 1 .. 3;
        $took = time - $begin;
        last if $took >= 1.5;
    }
    cmp_ok $took, '>=', 1.5, 'but takes its time: about a second from one to the next';
    $s->mood('well');
    ok scalar(my @one = $s->settled), 'nor when it works again';
    is $s->ask("x\n"), "<x>\n", 'it serves';
};

subtest 'B10: but a service is not stopped by who crashes it' => sub {
    my $s        = NetIO::Test::Workers->start('-w', 1);
    my $answered = 0;

    for (1 .. 30) {
        $s->ask("die\n");
        $answered += ($s->ask("x\n") // '') eq "<x>\n";
    }
    is $answered, 30, 'workers that had served are replaced without a long pause';
};

subtest 'B12: out of memory' => sub {
    my $group = "/sys/fs/cgroup/memory/netio-test-$$";
    plan skip_all => 'no memory control group here' if $> != 0 || !mkdir $group;
    my $s = NetIO::Test::Workers->start('-w', 1);
    my ($pid) = $s->settled;

    spew("$group/memory.limit_in_bytes", 16 << 20);
    spew("$group/cgroup.procs",          $pid);
    is $s->ask("eat\n") // '', '', 'who asked has no answer';
    ok $s->wait_log(qr/has ended by itself: signal 9/), 'with its worker';
    is $s->ask("x\n"), "<x>\n", 'the service is not';
    $s->end('TERM');
    rmdir $group or diag "rmdir $group: $!";
};

subtest 'no descriptors, for a while' => sub {
    my $dir    = File::Temp->newdir;
    my $s      = NetIO::Test::Workers->start('-w', 2, '-s', "unix:$dir/status");
    my ($hard) = slurp('/proc/' . $s->pid . '/limits') =~ /^Max open files\s+\d+\s+(\d+)/m;
    my $allow  = sub { system('prlimit', '--pid', $s->pid, "--nofile=$_[0]:$hard") == 0 };

    plan skip_all => 'no prlimit(1) here' if !$allow->(3);
    $s->kill('USR2');
    ok $s->wait_log(qr{^drive: status: socket unix:$dir/status: Too many open files; tried again}m),
        'an upgrade fails, and the status address cannot be opened again';
    my ($victim) = $s->settled;
    kill 'KILL', $victim;
    ok $s->wait_log(qr/^drive: worker \d \(generation 1\) cannot be started: Too many/m),
        'a worker cannot be replaced';
    is $s->ask("x\n"), "<x>\n", 'the other one serves';
    $allow->($hard);
    ok $s->wait_log(qr/^drive: status: open again$/m), 'both come by themselves';
    is scalar(my @two = $s->settled($victim)),                2, 'workers';
    is scalar(split /^/, $s->ask('', path => "$dir/status")), 2, 'and status';
};

subtest 'who does not end is killed, and the log says so' => sub {
    my $s = NetIO::Test::Workers->start('-w', 1, '-d', 0.1);
    my ($pid) = $s->settled;

    kill 'STOP', $pid;
    is $s->end('TERM'), 0, 'TERM: the supervisor ends';
    like $s->log_text, qr/pid $pid\) did not end in time: killed/, 'not without a word';
};

subtest 'B17: many end while the supervisor is halted' => sub {
    my $s   = NetIO::Test::Workers->start('-w', 8);
    my @old = $s->settled;

    $s->kill('STOP');
    kill 'KILL', @old;
    is_gone($_) for @old;
    is((grep { NetIO::Test::Workers::is_zombie($_) } @old), 8, 'all have ended, and nobody looks');
    $s->kill('CONT');
    is scalar(my @new = $s->settled(@old)), 8, 'afterwards there are as many others';
};

# The kernel tells one worker alone of a client: here, the one that cannot take him.
subtest 'B1: one worker has no descriptors, another has' => sub {
    my $s        = NetIO::Test::Workers->start('-w', 2);
    my @all      = $s->settled;
    my $answered = 0;

    for my $pid (@all) {
        my %open = map { m{(\d+)\z} ? ($1 => 1) : () } glob "/proc/$pid/fd/*";
        my ($free) = grep { !$open{$_} } 0 .. 1000;
        my ($soft, $hard) = split ' ', qx(prlimit --pid $pid --nofile --noheadings -o SOFT,HARD);
        is system('prlimit', '--pid', $pid, "--nofile=$free:$hard"), 0, 'one has no more';
        $answered += ($s->ask("x\n") // '') eq "<x>\n" for 1 .. 5;
        system 'prlimit', '--pid', $pid, "--nofile=$soft:$hard";
    }
    is $answered, 10, 'whichever it is, all are answered';
};

subtest 'a worker that does not go on' => sub {
    my $s     = NetIO::Test::Workers->start('-w', 2, '-b', $heart);
    my $idle  = $s->held;
    my $stuck = $s->connect;

    syswrite $stuck, "spin\n";
    ok $s->wait_log(qr/does not go on: killed/), 'is killed';
    is $s->read_all($stuck) // '',    '',      'who asked has no answer';
    is $s->ask("x\n"),                "<x>\n", 'the service is not';
    is scalar(my @two = $s->settled), 2,       'and it is replaced';
    # It may have been inside.
    close $idle;
};

# A machine that was suspended, a frozen control group: everybody was halted, and nobody is late.
subtest 'B27: all of them halted' => sub {
    my $s   = NetIO::Test::Workers->start('-w', 2, '-b', $heart);
    my @old = $s->settled;

    $s->ask("x\n") for 1 .. 10;        # somebody is awake
    $s->kill('STOP');
    kill 'STOP', @old;
    Time::HiRes::sleep($heart + 1);    # longer than a heart may rest
    kill 'CONT', @old;
    $s->kill('CONT');
    is $s->ask("x\n"), "<x>\n", 'it goes on';
    $s->ask("x\n") for 1 .. 10;
    is_deeply [sort $s->settled], [sort @old], 'with the same workers';
};

subtest 'B27: all of them frozen' => sub {
    my $group = "/sys/fs/cgroup/freezer/netio-test-$$";
    plan skip_all => 'no freezer control group here' if $> != 0 || !mkdir $group;
    my $s   = NetIO::Test::Workers->start('-w', 2, '-b', $heart);
    my @old = $s->settled;

    $s->ask("x\n") for 1 .. 10;
    spew("$group/cgroup.procs", $_) for $s->pid, @old;
    freeze($group, 'FROZEN');
    my $waiting = $s->connect;
    syswrite $waiting, "waited\n";
    Time::HiRes::sleep($heart + 1);
    freeze($group, 'THAWED');
    is $s->read_all($waiting), "<waited>\n", 'who came meanwhile is answered';
    $s->ask("x\n") for 1 .. 10;
    is_deeply [sort $s->settled], [sort @old], 'by the same workers';
    $s->end('TERM');
    rmdir $group or diag "rmdir $group: $!";
};

# Waits until all are as they should be.
sub freeze {
    my ($group, $state) = @_;

    spew("$group/freezer.state", $state);
    return eventually { slurp("$group/freezer.state") =~ /^$state/ };
}

done_testing;
