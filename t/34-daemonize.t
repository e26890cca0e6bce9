# The starter learns the truth: ready, the daemon's exit code, its death; nothing of a start that
# failed goes on.  C13, and C12 for the pid file.

use strict;
use warnings;
use lib 't/lib';

use Cwd        ();
use File::Temp ();
use NetIO::Test::Daemonize;
use Test::More;

alarm 300;

my $folder  = File::Temp->newdir;
my $pidfile = "$folder/pid";
my $class   = 'NetIO::Test::Daemonize';
-x $class->driver or BAIL_OUT('csrc/build/t/drive-daemonize is not there: run make first');

sub slurp {
    my ($path) = @_;

    open my $file, '<', $path or return;
    local $/;
    return scalar <$file>;
}

# name, steps, exit code, what is said
my $died = 'ended before it was ready';
my @rows = (
    ['exit code',       ['say:no such file', 'exit:66'], 66,  "no such file\n"],
    ['another one',     ['exit:255'],                    255, ''],
    ['fail',            ['say:bad option', 'fail:64'],   64,  "bad option\n"],
    ['fail, then exit', ['fail:78', 'exit:1'],           78,  ''],
    ['fail, then hang', ['fail:78', 'hang'],             78,  ''],
    ['fail with 0',     ['fail:0'],                      70,  ''],
    ['fail with 300',   ['fail:300'],                    70,  ''],
    ['exit 0',          ['exit:0'],                      70,  "drive: daemonize exit 0: $died\n"],
    ['the end',         [],                              70,  "drive: daemonize exit 0: $died\n"],
    ['SIGSEGV',         ['raise:11'],       139, "drive: daemonize signal 11: $died\n"],
    ['SIGKILL',         ['raise:9'],        137, "drive: daemonize signal 9: $died\n"],
    ['SIGTERM',         ['raise:15'],       143, "drive: daemonize signal 15: $died\n"],
    ['freed',           ['free', 'exit:5'], 5,   ''],
    [
        'freed, and on',
        ['free', 'hang'],
        75, "drive: daemonize killed after 0.5 s: starting, and not ready yet\n"
    ],
    ['forks away',                        ['fork', 'hang'], 70, "drive: daemonize exit 0: $died\n"],
    ['a child of which says it is ready', ['fork', 'ready', 'hang'], 70, qr/exit 0: \Q$died\E$/m],
    ['hangs', ['hang'], 75, "drive: daemonize killed after 0.5 s: starting, and not ready yet\n"],
    [
        'is stopped', ['raise:19'],
        75,           "drive: daemonize killed after 0.5 s: starting, and not ready yet\n"
    ],
    [
        'executes what is never ready',
        ['exec:/bin/sleep', 60],
        75, "drive: daemonize killed after 0.5 s: starting, and not ready yet\n"
    ],
    ['executes what fails', ['exec:/bin/false'], 1, ''],
);

for (@rows) {
    my ($name, $steps, $status, $said) = @$_;
    my @seconds = $status == 75 ? ('-t', 0.5) : ();
    my ($got, $text) = $class->run('-p', $pidfile, @seconds, '--', @$steps);

    is($got, $status, "C13: $name: the starter exits with $status");
    ref $said
        ? like($text, $said, "C13: $name: what it says")
        : is($text, $said, "C13: $name: what it says");
    ok(!-e $pidfile, "$name: no pid file is left");
}

# Where the kernel would reap by itself.
{
    my $d = $class->start(args => ['exit:66'], before => sub { $SIG{CHLD} = 'IGNORE' });

    is(($d->starter)[0], 66, 'SIGCHLD is ignored: the exit code is known');
    $d->gone;
}

# before anything is started
@rows = (
    [['-d', "$folder/none"], "drive: daemonize chdir $folder/none: No such file or directory\n"],
    [['-e', '=x'],           qr/^drive: daemonize .*: not a valid option\n/],
    [['-p', "$folder/none/pid"], qr/^drive: pid file .*: No such file or directory\n/],
    [['-p', '/' . 'x' x 5000],   qr/^drive: pid file .*: File name too long\n/],
);
for (@rows) {
    my ($args,   $said) = @$_;
    my ($status, $text) = $class->run(@$args, 'ready');

    is($status, 99, "@$args[0]: nothing is started") if length "@$args" < 100;
    ref $said ? like($text, $said, 'and it says why') : is($text, $said, 'and it says why');
}

subtest 'ready' => sub {
    umask 0;
    my $d = $class->start(
        args => [
            '-p',          $pidfile, 'say:listening', 'wait:8', 'ready', 'tell:9',
            'loud:100000', 'wait:8', 'free',          'tell:9'
        ]
    );
    my ($pid, $code);

    $d->go;
    my ($status, $said) = $d->starter;
    is($status, 0,             'C13: exits with 0');
    is($said,   "listening\n", 'and what was said until then, no more');
    ($pid, $code) = $d->told;
    is($code,                      0,        'the daemon knows that it is known');
    is(slurp($pidfile),            "$pid\n", 'its pid is in the file');
    is((stat $pidfile)[2] & 07777, 0600,     'C12: which nobody else may open, whatever the umask');
    isnt($pid, $d->pid, 'it is another process');
    my ($again) = $class->run('-p', $pidfile, 'ready');
    is($again, 99, 'a second one is not started');
    $d->go;
    $d->told;
    ok(!-e $pidfile, 'the pid file ends with the daemon');
    ok($d->gone,     'of which nothing is left');
};

subtest 'a relative pid file is one of the starter\'s folder' => sub {
    my $d = $class->start(
        args   => ['-p', 'relative', 'ready', 'tell:9', 'wait:8'],
        before => sub { chdir $folder },
    );
    is(($d->starter)[0],          0,                    'ready');
    is(slurp("$folder/relative"), ($d->told)[0] . "\n", 'there it is');
    $d->go;
    $d->gone;
};

subtest 'the starter is gone' => sub {
    for my $signal (qw(KILL INT HUP TERM)) {
        my $d = $class->start(
            args => ['-p', $pidfile, 'tell:9', 'wait:8', 'ready', 'tell:9', 'free', 'tell:9']);

        my ($pid) = $d->told;
        kill $signal, $d->pid;
        $d->{out} and waitpid $d->pid, 0;
        $d->go;
        is(($d->told)[1], 'EPIPE', "$signal: ready says so");
        $d->told;
        ok(!-e $pidfile, 'and the pid file is removed');
        ok($d->gone,     'by a daemon that ends');
    }
};

subtest 'ready once' => sub {
    my $d = $class->start(args => ['ready', 'ready', 'tell:9', 'fail:3', 'exit:4']);

    is(($d->starter)[0], 0,          'the first time counts');
    is(($d->told)[1],    'EALREADY', 'the second is refused');
    $d->gone;
};

# It is SIGKILLed at once; and what it had started, too.
subtest 'a daemon that is killed while it starts' => sub {
    my $d = $class->start(args => ['-p', $pidfile, 'tell:9', 'hang']);
    my ($pid) = $d->told;

    kill 'KILL', $pid;
    my ($status, $said) = $d->starter;
    is($status, 137, 'the starter knows at once, not after a minute');
    is($said,   "drive: daemonize signal 9: $died\n", 'and says so');
    ok($d->gone && !-e $pidfile, 'nothing is left');
};

# HUP as long as it starts, to all there is: the default would end the starter, so it ignores it as
# nohup(1) has it; the daemon does so by itself, from its first moment on.
subtest '1,000 HUPs during start' => sub {
    my $sent = 0;

    for my $round (1 .. 10) {
        my $d = $class->start(
            args   => ['-p', $pidfile, 'tell:9', 'wait:8', 'ready', 'tell:9', 'wait:8'],
            before => sub { $SIG{HUP} = 'IGNORE'; setpgrp },
        );
        # The new processes begin in the group of the starter, and leave it.
        vec(my $bits = '', fileno $d->{tell}, 1) = 1;
        do { $sent += kill HUP => -$d->pid } until select my $ready = $bits, undef, undef, 0;
        my ($pid) = $d->told;
        $sent += kill HUP => $pid for 1 .. 100;
        $d->go;
        $sent += kill HUP => $pid for 1 .. 100;
        is(($d->starter)[0], 0, 'the starter says that it is ready');
        is(($d->told)[1],    0, 'which it is');
        $sent += kill HUP => $pid for 1 .. 100;
        $d->go;
        $d->gone;
    }
    cmp_ok($sent, '>=', 1000, "$sent of them");
};

done_testing;
