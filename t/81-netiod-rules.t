# R1 to R34, the faults that super-servers have had: where each is tested, and the tests of those that
# belong to no part of netiod alone: no descriptors (R6), descriptors without end (R7), calls that
# fail unseen (R21), signals (R27), no syslog (R29).

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::Inetd;
use NetIO::Test::Manager;
use NetIO::Test::Run qw(slurp);
use Test::More;

alarm 300;

# ---- the table -----------------------------------------------------------------------------------

# A file that names the rule; or one and what it says of it.
#<<< the table as it is
my %where = (
    1  => ['t/81-netiod-builtin-udp.t'],
    2  => ['t/81-netiod-wait.t', 't/81-netiod-tcpmux.t', 't/82-netiod-pool-service.t'],
    3  => ['t/81-netiod-tcpmux.t'],
    4  => ['t/81-netiod-exec.t', 't/81-netiod-wait.t', 't/82-netiod-pool-service.t'],
    5  => ['t/81-netiod-config-faults.t', 't/81-netiod-names.t'],
    6  => [$0, 't/c/server-limits.c' => 'no descriptors'],
    7  => [$0],
    8  => ['t/81-netiod-limits.t', 't/33-admission.t', 't/c/limit.c'],
    9  => ['t/81-netiod-limits.t', 't/c/limit.c'],
    10 => ['t/c/limit.c'],
    11 => ['t/81-netiod-limits.t', 't/81-netiod-upgrade.t', 't/c/spawn.c'],
    12 => ['t/81-netiod-child.t', 't/c/spawn.c'],
    13 => ['t/81-netiod-reload.t', 't/81-netiod-reload-faults.t', 't/81-netiod-start.t', 't/81-netiod-config-faults.t'],
    14 => ['t/81-netiod-reload.t', 't/c/listeners.c'],
    15 => ['t/81-netiod-reload.t'],
    16 => ['t/81-netiod-reload.t', 't/81-netiod-reload-faults.t', 't/81-netiod-config-files.t'],
    17 => ['t/81-netiod-wait.t'],
    18 => ['t/81-netiod-start.t'],
    19 => ['t/81-netiod-manager.t' => 'NOTIFY_SOCKET', 't/c/notify.c' => 'abstract'],
    20 => ['t/81-netiod-exec.t', 't/81-netiod-names.t'],
    21 => [$0, 't/37-child-lies.t' => 'without effect'],
    22 => ['t/81-netiod-child.t', 't/81-netiod-exec.t'],
    23 => ['t/81-netiod-names.t'],
    24 => ['t/81-netiod-tcpmux.t'],
    25 => ['t/81-netiod-exec.t', 't/81-netiod-config.t'],
    26 => ['t/81-netiod-exec.t'],
    27 => [$0],
    28 => ['t/81-netiod-child.t', 't/81-netiod-real-manuals.t'],
    29 => [$0],
    30 => ['t/81-netiod-upgrade.t', 't/c/listeners-handover.c', 't/c/listeners-path.c'],
    31 => ['t/33-admission.t', 't/c/spawn.c'],
    32 => ['t/81-netiod-start.t', 't/81-netiod-exec.t'],
    33 => ['t/81-netiod-limits.t', 't/33-admission.t'],
    34 => ['t/81-netiod-start.t' => 'the command ends when netiod is ready',
           't/c/loop-host.c'     => 'a forked child goes on with a loop of its own'],
);
#>>>
is scalar keys %where, 34, 'each rule has its tests';
for my $rule (sort { $a <=> $b } keys %where) {
    my @places = @{ $where{$rule} };
    while (defined(my $file = shift @places)) {
        my $words = @places && $places[0] !~ m{^t/} ? shift @places : "R$rule";
        ok -e $file && slurp($file) =~ /\b\Q$words\E\b/, "R$rule: $file";
    }
}

# ---- those that are tested here ------------------------------------------------------------------

my $CAT = "127.0.0.1:{cat} stream tcp nowait root /bin/cat cat\n";

# What netiod itself may have open, at most; its programs are given another limit.
sub descriptors {
    my ($d, $most) = @_;

    return system('prlimit', '--pid', $d->pid, "--nofile=$most:") == 0;
}

# Not one more than it has.
sub no_more {
    my ($d) = @_;
    my $free = 0;

    $d->wait_log(qr/: end for/) or die "cat does not end\n";
    $d->extra_descriptors and die "what it has of that stays\n";
    my %open = $d->open_files;
    $free++ while exists $open{$free};
    return descriptors($d, $free);
}

{
    my $d = NetIO::Test::Inetd->start(config => $CAT);
    is $d->ask(cat => 'x'), 'x', 'one is served';
    ok no_more($d), 'R6: there are no more descriptors';
    my $waits = $d->connect('cat');
    ok $d->wait_log(qr/: [^\n]*(?:[Tt]oo many open files|EMFILE)[^\n]*\n/), 'R6: which is said';
    is $d->read_all($waits), '', 'R6: who waits for a second is told so, by closing';
    ok descriptors($d, 200), 'there are some again';
    is $d->ask(cat => 'y'), 'y', 'R6: and the next one is served';
    cmp_ok scalar(() = $d->log =~ /open files/g), '<', 10, 'R6: the log is not flooded';
    no_more($d);
    $waits = $d->connect('cat');
    is $d->stop, 0, 'R6: TERM works without any';
}

my $strace = `strace -o /dev/null -e trace=none true 2>&1 && echo works` =~ /works/
    && !$ENV{NETIO_TEST_SANITIZED};

SKIP: {
    skip 'strace is not here, or may not trace', 1 if !$strace;
    my $folder = File::Temp->newdir;
    my ($hard) = `prlimit --noheadings --output HARD --nofile` =~ /(\d+)/;
    my $d      = NetIO::Test::Inetd->start(
        wrap => [
            'prlimit', '--nofile=' . $hard . ':' . $hard,
            'strace',  '-D',
            '-f',      '--seccomp-bpf',
            '-o',      "$folder/close",
            '-e',      'trace=close,close_range,fcntl'
        ],
        config => $CAT
    );
    is $d->ask(cat => 'x'), 'x', "R7: $hard descriptors may be open";
    is $d->stop,            0,   'TERM';
    my $calls = () = slurp("$folder/close") =~ /^\d+ /mg;
    cmp_ok $calls, '<', 3000, "R7: nobody goes through all of them: $calls calls";

    for my $call (qw(setgroups setresgid setresuid)) {
        my $failing = NetIO::Test::Inetd->start(
            wrap => [
                'strace', '-D', '-f', '--seccomp-bpf', '-o', '/dev/null', '-e', "trace=$call",
                '-e',     "inject=$call:error=EPERM:when=1"
            ],
            config => "127.0.0.1:{id} stream tcp nowait nobody /usr/bin/id id\n"
        );
        is $failing->ask(id => ''), '', "R21: $call fails: no program";
        ok $failing->wait_log(qr/: cannot start [^\n]*$call[^\n]*\n/), 'R21: the log says why';
        is $failing->stop, 0, 'TERM';
    }
}

{
    my $folder  = File::Temp->newdir;
    my $manager = NetIO::Test::Manager->new("$folder/notify");
    my $d       = NetIO::Test::Inetd->start(
        config => $CAT,
        args   => ['--log', 'syslog'],
        env    => { NOTIFY_SOCKET => "$folder/notify" },
        ready  => 0
    );
    is $manager->hear_words, 'READY=1', 'R29: it starts without a syslog';
    is $d->ask(cat => 'x'),  'x',       'R29: and serves';
    like slurp('/proc/' . $d->pid . '/status'), qr/^SigCgt:\s+0+$/m,
        'R27: it has no signal handler in which anything could hang';
    is $d->stop, 0, 'TERM';
}

done_testing;
