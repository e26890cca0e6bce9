# System calls of a start that fail, or say that they have worked and have not, as strace(1) makes
# them; and C23: SIGKILL at each of them, in whichever process it is, after which the next start works.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::Daemonize;
use Test::More;

alarm 300;

my $folder  = File::Temp->newdir;
my $pidfile = "$folder/pid";
my $class   = 'NetIO::Test::Daemonize';
-x $class->driver or BAIL_OUT('csrc/build/t/drive-daemonize is not there: run make first');
plan skip_all => 'no strace here' if system('strace -o /dev/null true 2>/dev/null') != 0;

# One start under strace: its status and what it said.
sub traced {
    my ($options, @steps) = @_;
    my $d = $class->start(
        # Not --seccomp-bpf: with it, the first process gets no signal.
        wrap => ['strace', '-f',     '-qq', '-o', "$folder/trace", @$options],
        args => ['-p',     $pidfile, '--',  @steps],
    );
    my @end = $d->starter;

    $d->gone;
    return @end;
}

sub trace {
    open my $file, '<', "$folder/trace" or die "$folder/trace: $!\n";
    return <$file>;
}

# call, how, steps, status, what is said
my @ready = ('ready', 'tell:9');
my $lied  = 'reported success without effect';
my @rows  = (
    ['setsid', 'error=EPERM', \@ready, 99, "drive: daemonize setsid: Operation not permitted\n"],
    ['setsid', 'retval=1',    \@ready, 99, "drive: daemonize setsid: $lied\n"],
    [
        'clone', 'error=EAGAIN', \@ready, 99,
        "drive: daemonize fork: Resource temporarily unavailable\n"
    ],
    ['socketpair', 'error=EMFILE', \@ready, 99, "drive: daemonize fork: Too many open files\n"],
    # One that is ready before its pid has come needs nobody to watch it.
    ['pidfd_open', 'error=EMFILE', ['hang'], 99, "drive: daemonize: Too many open files\n"],
    [
        'dup2', 'error=EBADF', ['ready', 'exit:3'],
        3,      "drive: daemonize /dev/null: Bad file descriptor\n"
    ],
    ['rt_sigaction',   'retval=0', \@ready,             99, "drive: daemonize signals: $lied\n"],
    ['rt_sigprocmask', 'retval=0', \@ready,             99, "drive: daemonize signals: $lied\n"],
    ['dup2',           'retval=0', ['ready', 'exit:3'], 3,  "drive: daemonize /dev/null: $lied\n"],
    ['close_range',    'error=ENOSYS:when=1', \@ready,  0,  ''],
    ['close_range',    'error=EPERM:when=1',  \@ready,  0,  ''],
    # The daemon is init's, and how it ended is not known: no reason to say that it is ready.
    ['prctl', 'retval=0', ['exit:3'], 70, "drive: daemonize daemon: ended before it was ready\n"],
    ['poll',  'error=EINTR:when=1', \@ready, 0,  ''],
    ['poll',  'error=ENOMEM',       \@ready, 99, "drive: daemonize: Cannot allocate memory\n"],
);
for (@rows) {
    my ($call, $how, $steps, $status, $said) = @$_;
    my ($got, $text) = traced(['-e', "trace=$call", '-e', "inject=$call:$how"], @$steps);

    is($got,  $status, "$call, $how: the starter exits with $status");
    is($text, $said,   "$call, $how: what is said");
    ok(scalar(grep { /INJECTED/ } trace()), "$call, $how: it was so");
    is(($class->run('-p', $pidfile, 'ready'))[0], 0, 'and the next start works');
}

# A drop that has failed is not forgotten, whatever the program makes of it: there is no ready.
SKIP: {
    skip 'who is not root has nothing to drop', 8 if $> != 0;
    for my $how ('error=EPERM', 'retval=0') {
        for my $steps (['drop', 'ready', 'tell:9'], ['ready', 'ready', 'tell:9']) {
            my $d = $class->start(
                wrap => [
                    'strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=setresuid', '-e',
                    "inject=setresuid:$how:when=1"
                ],
                args => ['-u', 'nobody', '--', @$steps, 'exit:3'],
            );
            is(($d->starter)[0], 3, "C14 C15 setresuid, $how: @$steps[0, 1]: not ready");
            isnt(($d->told)[1], 0, 'C14 C15 ... which the second is told as well');
            $d->gone;
        }
    }
}

# How often each call is made by the process that makes it most.
my (%count, %most);
is((traced([], 'ready'))[0], 0, 'a start under strace');
for (trace()) {
    my ($pid, $call) = /^(\d+)\s+(\w+)\(/ or next;
    my $n = ++$count{"$pid $call"};
    $most{$call} = $n if $n > ($most{$call} // 0);
}

# What the loader does is no matter of ours, nor which of the dispositions it was.
delete @most{
    qw(execve arch_prctl set_tid_address set_robust_list rseq mprotect brk mmap pread64 access)};
for my $call (sort keys %most) {
    my @places = grep { $most{$call} <= 12 || $_ < 4 || $_ == $most{$call} } 1 .. $most{$call};
    my (@wrong, $killed);

    for my $n (@places) {
        my ($end) =
            traced(['-e', "trace=$call", '-e', "inject=$call:signal=KILL:when=$n"], 'ready');
        # The end of the starter is strace's own.
        $killed++ if $end eq 'signal 9' || grep { /killed by SIGKILL/ } trace();
        my ($status, $said) = $class->run('-p', $pidfile, 'ready');
        push @wrong, "number $n: $status: $said" if $status ne '0';
    }
    is(join("\n", @wrong),
        '', "C23: SIGKILL at $call, " . scalar(@places) . ' places: the next start works');
    # A daemon that is ready at once needs nobody to watch it.
    ok($killed || $call eq 'pidfd_open', "C23: $call did kill");
}

done_testing;
