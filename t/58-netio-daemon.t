# netio-daemon: start tells the truth; status, stop, reload and reopen find the right process.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Run;
use NetIO::Test::Supervisor;
use POSIX ();
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my @idle = perl_program('print "up\n"; sleep 1000');

sub has_line {
    my ($path, $regex, $name) = @_;
    my $text = slurp($path);

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return like($text, $regex, $name);
}

# ---- start, status, stop ----------------------------------------------------------------

{
    my $place = NetIO::Test::Supervisor->new;
    my $log   = $place->dir . '/log';

    is_deeply([$place->call('status')], [3, "x is not running\n", ''],          'status before');
    is_deeply([$place->call('start', '--log', $log, '--', @idle)], [0, '', ''], 'start');
    chomp(my $pid = slurp($place->pidfile));
    is_deeply([$place->call('status')], [0, "x is running, pid $pid\n", ''], 'status');
    my ($status, $out, $err) = $place->call('start', '--log', $log, '--', @idle);
    is_deeply(
        [$status, $err],
        [69,      'netio-daemon: x: pid file ' . $place->pidfile . ": already running\n"],
        'start of one that runs'
    );
    is_deeply([$place->call('status')], [0,  "x is running, pid $pid\n", ''], 'which goes on');
    is_deeply([$place->call('stop')],   [0,  '',                         ''], 'stop');
    is_deeply([$place->call('status')], [3,  "x is not running\n",       ''], 'status after');
    is_deeply([$place->call('stop')],   [0,  '', "netio-daemon: x: not running\n"], 'stop again');
    is_deeply([$place->call($_)],       [69, '', "netio-daemon: x: not running\n"], "$_ then")
        for qw(reload reopen);
    ok(!-e $place->pidfile, 'no pid file is left');
    has_line($log, qr/^\S+ netio-daemon\[$pid\]: x: pid \d+ started\n/m,  'the log: started');
    has_line($log, qr/^\S+ netio-daemon\[$pid\]: x: stopping pid \d+\n/m, 'stopping');
    has_line($log, qr/^\S+ netio-daemon\[$pid\]: x: pid \d+ was ended by signal 15 \(SIGTERM\)\n/m,
        'ended');
}

# ---- the starter learns the truth --------------------------------------------------------

my @truth = (
    # name, options, program, status, standard error
    [
        'C13 ends with 3',
        [qw(--ready 30)],
        [perl_program('print STDERR "bad \e[m port\n"; exit 3')],
        3,
        "x: bad \\x1b[m port\nnetio-daemon: x: pid N ended with exit code 3 before it was ready\n"
    ],
    [
        'ends with 0', [qw(--ready 30)], ['true'], 69,
        "netio-daemon: x: pid N ended with exit code 0 before it was ready\n"
    ],
    [
        'dies of a signal',
        [qw(--ready notify)], [perl_program('kill "KILL", $$')],
        137, "netio-daemon: x: pid N was ended by signal 9 (SIGKILL) before it was ready\n"
    ],
    [
        'dies of a signal without a name',
        [qw(--ready notify)], [perl_program('kill 40, $$')],
        168, "netio-daemon: x: pid N was ended by signal 40 (real-time) before it was ready\n"
    ],
    [
        'does not get ready',
        [qw(--ready notify --ready-seconds 8)],
        [@idle],
        75,
        "x: up\nnetio-daemon: x: pid N was not ready within 8 seconds\n"
            . "netio-daemon: x: pid N was ended by signal 15 (SIGTERM)\n"
    ],
    [
        'does not get ready, and does not end',
        [qw(--ready notify --ready-seconds 8 --stop-seconds 0.2)],
        [perl_program('$SIG{TERM} = "IGNORE"; print "up\n"; sleep 1000')],
        75,
        "x: up\nnetio-daemon: x: pid N was not ready within 8 seconds\n"
            . "netio-daemon: x: killing pid N\n"
            . "netio-daemon: x: pid N was ended by signal 9 (SIGKILL)\n"
    ],
    [
        'goes into the background by itself',
        [qw(--ready notify)], [perl_program('fork and exit; sleep 1000')],
        69,                   "netio-daemon: x: pid N ended with exit code 0 before it was ready\n"
    ],
    ['cannot be executed', [], ['/nonexistent/program'], 71, qr/No such file or directory$/],
    ['is a folder',        [], ['/etc'],                 71, qr/Permission denied$/],
    [
        'starts where it may not',
        ['--directory', '/nonexistent'],
        ['true'], 71, qr/nonexistent: No such file or directory$/
    ],
    [
        'has no log', ['--log', '/nonexistent/log'],
        ['true'],     73, "netio-daemon: x: log /nonexistent/log: No such file or directory\n"
    ],
);
for my $case (@truth) {
    my ($name, $options, $program, $want, $said) = @$case;
    my $place = NetIO::Test::Supervisor->new;
    my @log   = grep({ $_ eq '--log' } @$options) ? () : ('--log', $place->dir . '/log');
    my ($status, $out, $err) =
        $place->call('start', @log, '--restart', 'always', @$options, '--', @$program);

    $err =~ s/\bpid \d+/pid N/g;
    is($status, $want, "$name: status");
    ref $said ? like($err, $said, "$name: said") : is($err, $said, "$name: said");
    is($place->exits('status'), 3, "$name: nothing is left");
    ok(!-e $place->pidfile, "$name: nor a pid file");
}

# What Daemon::Control calls started: without --ready, it has to live for a second.
{
    my $place = NetIO::Test::Supervisor->new;
    my @plain = (
        $place->program,      'start', 'x', '--pidfile', $place->pidfile, '--log',
        $place->dir . '/log', '--'
    );
    my ($status, undef, $err) = run(@plain, 'false');
    is_deeply(
        [$status, $err =~ s/pid \d+/pid N/r],
        [1,       "netio-daemon: x: pid N ended with exit code 1 before it was ready\n"],
        'one that ends at once has not been started'
    );
    is($place->exits('status'),                                       3, 'nothing is left');
    is((run(@plain, 'sleep', 1000))[0],                               0, 'one that stays has');
    is($place->exits('stop'),                                         0, 'stopped');
    is((run(@plain[0 .. $#plain - 1], qw(--ready exec -- false)))[0], 0, '--ready exec: all runs');
    $place->exits('stop');
    is((run($place->program, 'run', @plain[2 .. 4], qw(-- true)))[0],
        0, 'run: who looks on waits for nothing');
}

# A starter that is interrupted: nobody would know of this daemon.
{
    my $place = NetIO::Test::Supervisor->new;
    my ($log, $path) = $place->fifo('log');
    my ($go, $wait)  = $place->fifo('go');
    my $waits = 'print "up\n"; open my $go, "<", shift; readline $go; &say("READY=1"); sleep 1000';
    my $start = $place->begin('start', '--log', $path, '--ready', 'notify', '--',
        perl_program($SAY . $waits, $wait));
    wait_line($log, qr/: up\n/);
    kill 'INT', $start->{pid};
    is((finish($start))[0], 'signal 2', 'a starter is interrupted');
    syswrite $go, "go\n";
    ok(wait_line($log, qr/cannot say that it is ready: .*Broken pipe\n/), 'nobody is told');
    ok(wait_line($log, qr/was ended by signal 15/), 'and the program is stopped');
    is($place->exits('stop'),   0, 'as the supervisor is');
    is($place->exits('status'), 3, 'nothing is left');
}

# stop while it starts: it is not left running.
{
    my $place = NetIO::Test::Supervisor->new;
    my ($log, $path) = $place->fifo('log');
    my ($go, $wait)  = $place->fifo('go');
    my $waits = 'print "up\n"; open my $go, "<", shift; readline $go; &say("READY=1"); sleep 1000';
    my $start = $place->begin('start', '--log', $path, '--ready', 'notify', '--',
        perl_program($SAY . $waits, $wait));
    wait_line($log, qr/: up\n/);
    my $stop = $place->begin('stop');
    is($place->exits('status'), 4, 'it is starting');
    syswrite $go, "go\n";
    is((finish($start))[0],     0, 'it is ready');
    is((finish($stop))[0],      0, 'and stopped by whom has waited for that');
    is($place->exits('status'), 3, 'nothing is left');
}

# Who captures the output of start must not wait for the daemon's.
{
    my $place = NetIO::Test::Supervisor->new;
    open my $from, '-|', $place->words('start', '--log', $place->dir . '/log', '--', @idle)
        or die "$!\n";
    my $text = do { local $/; readline $from };
    close $from;
    is($?, 0, 'started in $(...)');
    like($text // '', qr/\A\z/, 'which ends with the starter');
    is($place->exits('stop'), 0, 'and is stopped');
}

# C6: the files that it opens must not become 0, 1 or 2.
for my $closed ([0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]) {
    my $place    = NetIO::Test::Supervisor->new;
    my $log      = $place->dir . '/log';
    my $tells    = 'print "out\n"; print STDERR "err\n"; &say("READY=1"); sleep 1000';
    my ($status) = $place->call({ closed => $closed },
        'start', '--log', $log, '--ready', 'notify', '--', perl_program($SAY . $tells));
    is($status,               0, "C6 started without @$closed");
    is($place->exits('stop'), 0, 'and stopped');
    has_line($log, qr/ x\[\d+\]: out\n/, 'with its output');
    has_line($log, qr/ x\[\d+\]: err\n/, 'and its errors in the log');
}

# ---- C3: two starts at once ---------------------------------------------------------------

for my $round (1 .. 10) {
    my $place = NetIO::Test::Supervisor->new;
    my @start = map { $place->begin('start', '--log', $place->dir . '/log', '--', @idle) } 1 .. 4;
    my %ends;
    $ends{ (finish($_))[0] }++ for @start;
    my $losers = ($ends{69} || 0) + ($ends{75} || 0);
    is_deeply([$ends{0}, $losers], [1, 3], "C3 four starts at once, round $round: one wins");
    is($place->exits('stop'), 0, 'it is stopped');
}

# ---- C1: a supervisor that was killed ------------------------------------------------------

{
    my $place = NetIO::Test::Supervisor->new;
    my $log   = $place->dir . '/log';
    my ($fifo, $path) = $place->fifo('fifo');
    my @told = perl_program('open my $fh, ">", shift; $fh->autoflush; print $fh "$$\n"; sleep 1000',
        $path);

    is($place->exits('start', '--log', $log, '--', @told), 0, 'started');
    chomp(my $pid = slurp($place->pidfile));
    wait_line($fifo, qr/(\d+)\n/);
    open my $end, '<', $path or die "$path: $!\n";
    close $fifo;
    kill 'KILL', $pid;
    vec(my $bits = '', fileno $end, 1) = 1;
    is(select($bits, undef, undef, 30) && sysread($end, my $text, 1),
        0, 'the program dies with its supervisor, whom alone anybody could find');
    # Nobody waits for it but init, so it may be there for another moment: stop does wait.
    is($place->exits('stop'), 0, 'killed');
    is_deeply(
        [$place->call('status')],
        [1, 'x is not running, but its pid file is there: ' . $place->pidfile . "\n", ''],
        'C1 status of a dead one'
    );
    is($place->exits('start', '--log', $log, '--', @idle), 0, 'C1 the next start takes over');
    is($place->exits('stop'),                              0, 'and is stopped');
    is($place->exits('status'),                            3, 'without a file left');
}

# ---- reload, reopen ------------------------------------------------------------------------

{
    my $place = NetIO::Test::Supervisor->new;
    my ($fifo, $path) = $place->fifo('log');

    is(
        $place->exits(
            'start', '--log', $path, '--',
            perl_program('$SIG{HUP} = sub { print "hup\n" }; print "up\n"; sleep 1000 while 1')
        ),
        0,
        'started'
    );
    wait_line($fifo, qr/: up\n/);
    is_deeply([$place->call('reload')], [0, '', ''], 'reload');
    ok(wait_line($fifo, qr/: hup\n/), 'the program gets SIGHUP');
    is($place->exits('stop'), 0, 'stopped');
}
# One that blocks it, as for signalfd(2).
{
    my $place = NetIO::Test::Supervisor->new;
    my ($fifo, $path) = $place->fifo('log');
    my $waits =
          'use POSIX qw(:signal_h); my ($hup, $now) = (POSIX::SigSet->new(SIGHUP), '
        . 'POSIX::SigSet->new); sigprocmask(SIG_BLOCK, $hup); print "up\n"; '
        . 'until ($now->ismember(SIGHUP)) { sigpending($now); select undef, undef, undef, 0.01 } '
        . 'print "hup\n"; sleep 1000';

    is($place->exits('start', '--log', $path, '--', perl_program($waits)), 0, 'started');
    wait_line($fifo, qr/: up\n/);
    is($place->exits('reload'), 0, 'reload of a program that blocks it');
    ok(wait_line($fifo, qr/: hup\n/), 'which gets it');
    is($place->exits('stop'), 0, 'stopped');
}
{
    my $place = NetIO::Test::Supervisor->new;
    my ($fifo, $path) = $place->fifo('log');

    is($place->exits('start', '--log', $path, '--', @idle), 0, 'started');
    wait_line($fifo, qr/: up\n/);
    is_deeply([$place->call('reload')], [0, '', ''], 'reload of a program without a handler');
    ok(wait_line($fifo, qr/pid \d+ does not handle SIGHUP, which would end it: not sent\n/),
        'is said');
    is($place->exits('status'), 0, 'and does it no harm');
    is($place->exits('stop'),   0, 'stopped');
}
{
    my $place = NetIO::Test::Supervisor->new;
    my $log   = $place->dir . '/log';
    my ($fifo, $path) = $place->fifo('fifo');

    is(
        $place->exits(
            'start', '--log', $log, '--',
            perl_program('open my $fh, "<", shift; while (<$fh>) { print }', $path)
        ),
        0,
        'started'
    );
    rename $log, "$log.1" or die "$!\n";
    is_deeply([$place->call('reopen')], [0, '', ''], 'reopen');
    # The supervisor is told of the signal and of the stop in one order: both are of one signalfd.
    is($place->exits('stop'), 0, 'stopped');
    ok(-e $log, 'the log is a new file');
    has_line($log, qr/stopping pid/, 'which is written to');
    unlike(slurp("$log.1"), qr/stopping pid/, 'and the old one is not');
}

# ---- what the system does not have ----------------------------------------------------------

# Each of these calls fails, the first, the second, ... time: either it does without, or it says so
# and nothing is left.
sub walk {
    my ($call) = @_;
    my $place = NetIO::Test::Supervisor->new;
    my ($n, $failed, $bad) = (0, 0, 0);

    while (1) {
        my @wrap = (
            'strace', '-D', '-f', '--seccomp-bpf', '-o', '/dev/null', '-e', "trace=$call", '-e',
            "inject=$call:error=ENOMEM:when=" . ++$n
        );
        my ($status, undef, $err) = $place->call(
            { wrap => \@wrap },
            'start',
            qw(--ready 0.05 --log),
            $place->dir . '/log',
            '--', 'sleep', 1000
        );
        my $wrong = $place->exits('stop') ? 1 : 0;
        if ($status) {
            $failed++;
            $wrong = 1 if $err !~ /\Anetio-daemon: .*\n\z/ || $status !~ /^\d+$/;
            $wrong = 1 if -e $place->pidfile;
        }
        $bad += $wrong;
        diag "$call $n: $status: $err" if $wrong;
        last                           if !$status || $n == 50;
    }
    ok($failed, "$call fails at $failed places");
    is($bad, 0, 'each time that is said, and nothing is left');
    return;
}
SKIP: {
    skip 'a sanitizer is preloaded, and cannot be traced', 1 if $ENV{LD_PRELOAD};
    skip 'no strace here', 1 if `strace -V 2>&1`, $? != 0;
    walk($_) for qw(pipe2 signalfd4 epoll_create1 epoll_ctl socketpair clone dup2);
}

done_testing;
