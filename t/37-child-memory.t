# A child that lives in its parent's memory, and has become somebody else, is stopped there: that
# user's processes may do to it what they like, but not look into the memory.  And who has it so.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Faults qw(faults_missing);
use NetIO::Test::Run    qw(finish start);
use IO::Handle;
use POSIX ();
use Test::More;

alarm 300;

my $DRIVER       = "$ENV{PWD}/csrc/build/t/drive-child";
my $PTRACE       = { x86_64 => 101, aarch64 => 117, riscv64 => 117 }->{ (POSIX::uname())[4] };
my $PTRACE_SEIZE = 0x4206;
my $nobody       = getpwnam 'nobody';

-x $DRIVER or BAIL_OUT("$DRIVER is not there: run make first");
plan skip_all => 'who is not root can become nobody' if $> != 0;
my $missing = faults_missing();
plan skip_all => $missing if $missing;

# What nobody can do with a process: of "mem", "environ", "fd", "trace", "signal".
sub ways_of_nobody {
    my ($victim) = @_;
    my $pid = open(my $from, '-|') // die "fork: $!\n";

    if (!$pid) {
        POSIX::setgid($nobody) && POSIX::setuid($nobody) or die "setuid: $!\n";
        print "mem "     if open my $mem,     '+<', "/proc/$victim/mem";
        print "environ " if open my $environ, '<',  "/proc/$victim/environ";
        print "fd "      if opendir my $fd,   "/proc/$victim/fd";
        print "trace "   if $PTRACE && syscall($PTRACE, $PTRACE_SEIZE, $victim, 0, 0) == 0;
        print "signal "  if kill 0, $victim;
        STDOUT->flush;
        POSIX::_exit(0);    # and closes no handle of what it traces
    }
    my $said = join '', <$from>;
    close $from;
    return $said =~ s/ \z//r;
}

sub uids_of {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/status" or die "status of $pid: $!\n";
    my ($uids) = map { /^Uid:\s+(.*)/ } <$file>;
    return $uids =~ s/\s+/ /gr;
}

# Calls the function with the pid of a child that was stopped at the Nth call of that name.
sub stopped_at {
    my ($call, $number, $look, @way) = @_;

    pipe my $from, my $to or die "pipe: $!\n";
    pipe my $held, my $go or die "pipe: $!\n";
    my $driver = start({ stdin => $held, stdout => $to }, $DRIVER, @way, '-W', '-u', 'nobody', '/bin/true');
    close $to;
    my ($pid) = (readline($from) // '') =~ /^born (\d+)$/ or BAIL_OUT('the driver starts no child');
    my $strace = open my $tracer, '-|',
        "exec strace -b execve -e trace=$call -e inject=$call:signal=STOP:when=$number -p $pid 2>&1"
        or die "strace: $!\n";
    readline $tracer;
    kill 'STOP', $driver->{pid};    # or it would end a child that is stopped
    syswrite $go, "\n";
    my $seen = 0;
    while (my $line = readline $tracer) {
        $seen++ if $line                     =~ /^$call/;
        last    if $seen == $number && $line =~ /^--- stopped by SIGSTOP/;
    }
    kill 'TERM', $strace;    # the child stays as it is
    1 while defined readline $tracer;
    close $tracer;
    $look->($pid, $driver->{pid});
    kill 'CONT', $pid, $driver->{pid};
    my $out = do { local $/; readline $from };
    finish($driver);
    return $out;
}

{
    my $own = open(my $from, '-|') // die "fork: $!\n";
    if (!$own) {
        POSIX::setgid($nobody) && POSIX::setuid($nobody) or die "setuid: $!\n";
        exec 'sh', '-c', 'echo x; exec sleep 60' or die "sleep: $!\n";
    }
    readline $from;
    my $all = $PTRACE ? 'mem environ fd trace signal' : 'mem environ fd signal';
    is(ways_of_nobody($own), $all, 'what nobody can do with a process of its own');
    kill 'KILL', $own;
    close $from;
}

my $shared = sub {
    my ($pid, $parent) = @_;
    return readlink("/proc/$pid/exe") eq readlink("/proc/$parent/exe");
};

for my $way ([], ['-T']) {
    my $name = @$way ? 'by fork' : 'in shared memory';
    my $said = stopped_at(
        'setresuid',
        1,
        sub {
            my ($pid, $parent) = @_;
            is(uids_of($pid), "0 $nobody 0 $nobody", "$name: half on its way to nobody");
            ok($shared->($pid, $parent), '... and not the program yet');
            is(ways_of_nobody($pid),    '', '... it is out of reach');
            is(ways_of_nobody($parent), '', '... and so is its parent');
        },
        @$way
    );
    like($said, qr/^code 0$/m, '... nothing has happened');
    $said = stopped_at(
        'setresuid',
        2,
        sub {
            my ($pid, $parent) = @_;
            is(uids_of($pid), join(' ', ($nobody) x 4), "$name: as nobody");
            ok($shared->($pid, $parent), '... and not the program yet');
            is(ways_of_nobody($pid),    'signal', '... it can be signalled, and no more');
            is(ways_of_nobody($parent), '',       '... and its parent not even that');
        },
        @$way
    );
    like($said, qr/^code 0$/m, '... nothing has happened');
}

# Whose children live where.
for my $case (
    [[],                                                            [],               1],
    [[],                                                            ['-u', 'nobody'], 1],
    [[],                                                            ['-T'],           0],
    [['setpriv', '--bounding-set', '-kill', '--inh-caps', '-kill'], [],               1],
    [['setpriv', '--bounding-set', '-kill', '--inh-caps', '-kill'], ['-u', 'nobody'], 0],
    [['setpriv', '--reuid', 'nobody', '--clear-groups'], ['-u', 'nobody:root'], 1, 'EPERM'],
    )
{
    my ($before, $options, $shares) = @$case;
    my $said = join '', `@$before strace -e trace=clone $DRIVER @$options /bin/true 2>&1`;
    is($said =~ /CLONE_VM\|CLONE_PIDFD/ ? 1 : 0,
        $shares, "@$before drive-child @$options: " . ($shares ? 'shared memory' : 'a fork'));
    like($said, qr/^code 0$/m, '... it runs') if !$case->[3];
}

# Where a call is forbidden there is another way.
for my $case (['clone', 'EPERM'], ['clone', 'ENOSYS'], ['pidfd_open', 'ENOSYS']) {
    my ($call, $error) = @$case;
    my $said =
        `strace -o /dev/null -e trace=$call -e inject=$call:error=$error:when=1 $DRIVER -u nobody /bin/true`;
    like($said, qr/^code 0$/m, "$call fails with $error: it runs");
}
done_testing;
