use strict;
use warnings;

use lib 't/lib';
use NetIO::Test::Load;
use Test::More;

alarm 300;

# E3: a power cut at any moment of a load.  The directory lies on a disk of its own, a file that
# is mounted, which is shut down without another word to its journal.  After the next mount the
# directory is the old one or the whole new one; the new one for certain when the load had ended
# with exit code 0; and the next load works.

plan skip_all => 'mounting a disk needs root'      if $> != 0;
plan skip_all => 'no mkfs.ext4'                    if system 'mkfs.ext4 -V 2>/dev/null';
plan skip_all => 'no strace(1) that can kill here' if !has_strace();

# In a mount namespace of its own: a stranger's that is made meanwhile would keep the disk, which
# would then come back as it was shut down.
if (!$ENV{NETIO_TEST_NAMESPACE}) {
    plan skip_all => 'no mount namespace here' if system 'unshare --mount true 2>/dev/null';
    $ENV{NETIO_TEST_NAMESPACE} = 1;
    exec 'unshare', '--mount', $^X, map({ "-I$_" } grep { !ref } @INC), $0
        or die "unshare: $!\n";
}

my $folder = folder();
my $image  = "$folder/image";
my $disk   = "$folder/disk";
my $path   = "$disk/a.db";
my @to     = ('-q', '--directory', "sqlite:$path");
my $one    = spew("$folder/one.txt", ieee(['02-00-01', 'One']));
my $many   = spew("$folder/many.txt",
    ieee(map { [sprintf('02-%02X-%02X', $_ >> 8, $_ & 255), "Owner $_", "$_ Street"] } 1 .. 300));
my $names = join '; ', map { "Owner $_" } sort 1 .. 300;
my $mounted;

# FS_IOC_SHUTDOWN of linux/fs.h, which is _IOR('X', 125, __u32), and its flag that says not to
# flush the log.
use constant {
    SHUTDOWN => 2 << 30 | 4 << 16 | ord('X') << 8 | 125,
    NO_FLUSH => 2,
};

sub switch_on {
    return $mounted = system("mount -o loop $image $disk 2>$folder/said") == 0;
}

sub switch_off {
    open my $handle, '<', $disk or die "$disk: $!\n";
    my $flag = pack 'L', NO_FLUSH;
    return defined ioctl $handle, SHUTDOWN, $flag;
}

# Also after a test that dies, with the signals that end it.
sub unplug {
    $mounted = system("umount $disk") != 0 if $mounted;
    return !$mounted;
}

END { local $?; unplug() }
local $SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);

# What is on the disk after a power cut now.
sub cut_power {
    switch_off() or die "shutdown: $!\n";
    unplug() && switch_on() or die "mount: ", slurp("$folder/said");
    return;
}

mkdir $disk;
open my $file, '>', $image or die "$image: $!\n";
truncate $file, 4 << 20 or die "$image: $!\n";
close $file;
system("mkfs.ext4 -q -F $image") == 0 or die "mkfs.ext4\n";
switch_on() or plan skip_all => 'no disk can be mounted here: ' . slurp("$folder/said");
spew("$disk/lost", 'never synced');
switch_off() or plan skip_all => "no power cut here: $!";
unplug() && switch_on() or die "mount: ", slurp("$folder/said");
ok !-e "$disk/lost", 'what is not synced is gone after a power cut';

# Exit code 0 is a promise.
for ([$one, 'One'], [$many, $names], [$one, 'One']) {
    my ($from, $expected) = @$_;
    my $got = run_load(@to, $from);
    cut_power();
    is "exit $got->{code}, " . state_of($path, ''), "exit 0, $expected",
        'exit 0, power cut: the new one is there (E3)';
}

# The power goes together with the load: at its first and its last write, and at all other calls
# that change something.
my @calls  = calls_of(@to, $many);
my @writes = grep { $_->[0] eq 'pwrite64' } @calls;
@calls = grep { $_->[0] ne 'pwrite64' } @calls;
is run_load(@to, $one)->{code}, 0, scalar(@calls) + 2 . ' calls to cut the power at';
my $old = slurp($path);
my %outcome;
for (@calls, @writes[0, -1]) {
    my ($call, $nth) = @$_;
    my $got = run_load({ under => inject($call, 'signal=KILL', $nth) }, @to, $many);
    cut_power();
    my $state = state_of($path, $old);
    $state = 'new' if $state eq $names;
    $outcome{$state}++;
    ok $got->{signal} == 9 && $state =~ /^(?:old|new)\z/,
        "power cut at $call number $nth: the $state one (E3)"
        or diag "signal $got->{signal}, $state";
    if ($state ne 'old' || -e "$path.new") {
        is run_load(@to, $one)->{code}, 0, 'the next load works';
        $old = slurp($path);
    }
}
ok $outcome{old}, 'some left the old directory';

# The last sync says that it failed: the new one may be there or not, but not in pieces.
{
    my $got = run_load({ under => inject('fsync', 'error=EIO', 2) }, @to, $many);
    cut_power();
    is $got->{code}, 74, 'the folder cannot be synced: no exit 0 (E12)';
    my $state = state_of($path, $old);
    ok $state eq 'old' || $state eq $names, 'power cut: old or new (E3, E12)' or diag $state;
}

ok unplug(), 'the disk is gone';
done_testing;
