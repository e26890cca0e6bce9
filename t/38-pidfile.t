# The pid file where it is hard to write one (C5), where the kernel fails it, killed at each call on
# the way (C23), and with pid namespaces between those who ask (C2).  The places are mounts in a
# namespace of this test's own.

use strict;
use warnings;

use File::Temp ();
use IPC::Open2 ();
use Test::More;

# Through die, so that what was started is ended.
$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $DRIVER = "$ENV{PWD}/csrc/build/t/drive-pidfile";
-x $DRIVER or BAIL_OUT('csrc/build/t/drive-pidfile is not there: run make first');
plan skip_all => 'mounts and namespaces need root' if $> != 0;
if (!$ENV{NETIO_TEST_NAMESPACE}) {
    plan skip_all => 'no mount namespace here' if system 'unshare --mount true 2>/dev/null';
    $ENV{NETIO_TEST_NAMESPACE} = 1;
    exec 'unshare', '--mount', $^X, $0 or die "unshare: $!\n";
}

my $folder = File::Temp->newdir;
my $path   = "$folder/x.pid";
chmod 0755, $folder;

# What a command prints, with its exit code, or the signal that ended it.
sub said {
    my (@command) = @_;
    open my $out, '-|', @command or die "$command[0]: $!\n";
    my $said = join '', <$out>;
    close $out;
    chomp $said;
    return $said . ($? & 127 ? " (signal $?)" : $? ? ' (' . ($? >> 8) . ')' : '');
}

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or return;
    local $/ = undef;
    return scalar <$in>;
}

sub spew {
    my ($file, $text) = @_;
    open my $out, '>', $file or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
    return;
}

# Starts one that holds the file, by that command; what it said first, and how to end it.
sub hold {
    my (@command) = @_;
    my $pid       = IPC::Open2::open2(my $out, my $in, @command);
    my $line      = readline $out;
    chomp $line;
    return ($line, sub { close $in; waitpid $pid, 0; return $? }, $pid);
}

# C5: places.
{
    my $place = "$folder/place";
    mkdir $place;
    my $at = "$place/x.pid";

    system("mount -t tmpfs -o size=4k,mode=755 none $place") == 0 or die "mount\n";
    spew("$place/filler", 'x' x 4096);
    is said($DRIVER, 'try', $at), "pid file $at: No space left on device (1)", 'C5 a full disk';
    ok !-e $at, 'C5 ... nothing is left';
    unlink "$place/filler";
    spew($at, "4194303\n");
    like said($DRIVER, 'try', $at), qr/^running \d+$/,
        'C5 ... full but for a stale file: it starts';
    system "umount $place";

    system("mount -t tmpfs -o size=64k,nr_inodes=2,mode=755 none $place") == 0 or die "mount\n";
    spew("$place/filler", '');
    is said($DRIVER, 'try', $at), "pid file $at: No space left on device (1)",
        'C5 no inode is free';
    unlink "$place/filler";
    spew($at, "4194303\n");
    system "mount -o remount,ro $place";
    is said($DRIVER, 'try',  $at), "pid file $at: Read-only file system (1)", 'C5 read-only, stale';
    is said($DRIVER, 'find', $at), "pid file $at: not running (1)", 'C5 ... which can be told';
    is slurp($at), "4194303\n", 'C5 ... as it was';
    is said($DRIVER, 'try', "$place/y.pid"), "pid file $place/y.pid: Read-only file system (1)",
        'C5 read-only, none';
    system "umount $place";
}
SKIP: {
    spew($path, "4194303\n");
    skip 'no chattr +i on this file system', 3 if system "chattr +i $path 2>/dev/null";
    is said($DRIVER, 'try', $path), "pid file $path: Operation not permitted (1)", 'C5 immutable';
    is slurp($path),                "4194303\n", 'C5 ... as it was';
    system "chattr -i $path";
    is system("chattr +i $folder"), 0, 'an immutable folder';
    unlink $path;
    is said($DRIVER, 'try', "$folder/y.pid"),
        "pid file $folder/y.pid: Operation not permitted (1)", 'C5 ... takes no new file';
    system "chattr -i $folder";
}

# Faults that no file system here gives, and C23.
SKIP: {
    skip 'no strace(1) that injects here', 1
        if system 'strace -qq -o /dev/null -e inject=getppid:error=EPERM true 2>/dev/null';
    for my $stale ('', "4194303\n") {
        my $strange = 0;
        my @strace  = ('strace', '-qq', '-o', '/dev/null');
        for my $row (['pwrite64', 'EDQUOT'], ['pwrite64', 'EIO'], ['fcntl', 'ENOLCK']) {
            my ($call, $error) = @$row;
            $stale ? spew($path, $stale) : unlink $path;
            like said(@strace, '-e', "inject=$call:error=$error:when=1", $DRIVER, 'try', $path),
                qr/^pid file \Q$path\E: (?:Disk quota exceeded|Input\/output error|No locks available) \(1\)$/,
                "C5 $call: $error";
            ok !-e $path || slurp($path) eq $stale, 'C5 ... nothing is left, or what was there';
            $stale ? spew($path, $stale) : unlink $path;
            is said(@strace, '-e', "inject=pwrite64:retval=3:when=1", $DRIVER, 'try', $path),
                "pid file $path: No space left on device (1)", 'C5 a short write'
                if $error eq 'EIO';
        }

        # Killed at each call; the next one starts.  The last numbers are past the last call.
        for my $call (
            qw(openat newfstatat fcntl fchmod pread64 pwrite64 ftruncate write unlink close))
        {
            my $killed = 0;
            for my $nth (1 .. 50) {
                $stale ? spew($path, $stale) : unlink $path;
                my $said = said(@strace, '-e', "inject=$call:signal=KILL:when=$nth", $DRIVER, 'try',
                    $path);
                last if $said !~ /signal/;
                $killed++;
                $strange++ if said($DRIVER, 'find', $path) !~ /not running/;
                $strange++ if said($DRIVER, 'try',  $path) !~ /^running \d+$/;
                $strange++ if -e $path;
            }
            $strange += 100 if !$killed && "$call$stale" !~ /^(?:fchmod|ftruncate|pread64)$/;
        }
        is $strange, 0, 'C23 killed at each call, the next one starts';
    }
}

# C2: a stale file whose number is a stranger's by now.  In a pid namespace numbers can be had for the
# asking.
SKIP: {
    my $reuse = <<'SCRIPT';
my ($driver, $path) = @ARGV;
open my $last, '>', '/proc/sys/kernel/ns_last_pid' or exit 3;
print $last 4999;
close $last or exit 3;
my $stranger = fork;
if (!$stranger) { sleep 60; exit 0 }
print "$stranger\n";
open my $file, '>', $path or die;
print $file "$stranger\n";
close $file;
chmod 0600, $path;
system $driver, $_, $path for qw(find stop try);
print kill(0, $stranger) ? "alive\n" : "gone\n";
kill 'KILL', $stranger;
SCRIPT
    unlink $path;
    my $said = said(
        'unshare',      '--pid', '--fork', '--kill-child',
        '--mount-proc', $^X,     '-e',     "\$| = 1; $reuse",
        $DRIVER,        $path
    );
    skip "no pid namespace here: $said", 1 if $said =~ /\(\d+\)$/;
    my @lines = split /\n/, $said;
    is $lines[0], 5000, 'C2 a stranger with the number that the file holds';
    is $lines[1], "pid file $path: not running", 'C2 ... nobody runs';
    is $lines[2], 'stopped',                     'C2 ... to stop it has no effect';
    like $lines[3], qr/^running \d+$/, 'C2 ... a daemon starts';
    is $lines[4], 'alive', 'C2 ... and the stranger lives';
}

# Between pid namespaces.
SKIP: {
    my @inside = qw(unshare --pid --fork --kill-child --mount-proc);
    skip 'no pid namespace here', 1 if system "@inside true 2>/dev/null";
    # That of Debian 12 complains of itself when what it started dies of a signal.
    my ($line, $end, $unshare) =
        hold('sh', '-c', 'exec "$@" 2>/dev/null', 'sh', @inside, $DRIVER, 'hold', $path);
    is $line,        'running 1', 'a daemon that is process 1 of a container';
    is slurp($path), "1\n",       '... and says so in its file';
    my ($found) = said($DRIVER, 'find', $path)                   =~ /^pid (\d+)$/;
    my ($inner) = slurp("/proc/$unshare/task/$unshare/children") =~ /(\d+)/;
    is $found, $inner, '... is found from outside by the number that it has there, not as 1';
    SKIP: {
        skip 'a sanitizer needs its own /proc', 2 if $ENV{NETIO_TEST_SANITIZED};
        is said('nsenter', "--pid=/proc/$inner/ns/pid", $DRIVER, 'find', $path), 'pid 1',
            '... and from inside';
        is said('nsenter', "--pid=/proc/$inner/ns/pid", $DRIVER, 'stop', $path),
            "pid file $path: Operation not permitted (1)", '... where nobody signals process 1';
    }
    is said($DRIVER, 'stop', $path), 'stopped', '... which can be stopped from outside';
    $end->();

    ($line, $end) = hold($DRIVER, 'hold', $path);
    is said(@inside, $DRIVER, 'find', $path), "pid file $path: Object is remote (1)",
        'a daemon outside has no number inside';
    is said(@inside, $DRIVER, 'try', $path), "pid file $path: already running (1)",
        '... but keeps others from starting';
    is $end->(), 0, 'it ends';
}

# The locks need neither /proc nor /dev.
SKIP: {
    my @bare = ('unshare', '--mount', 'sh', '-c', 'umount -l /proc && exec "$@"', 'sh');
    skip 'no /proc can be unmounted here', 1 if system @bare, 'true';
    my ($line, $end, $pid) = hold(@bare, $DRIVER, 'hold', $path);
    is $line, "running $pid", 'C22 without /proc';
    is said(@bare, $DRIVER, 'find', $path), "pid $pid", 'C22 ... to ask';
    is said(@bare, $DRIVER, 'stop', $path), 'stopped',  'C22 ... to stop';
    $end->();
}

done_testing;
