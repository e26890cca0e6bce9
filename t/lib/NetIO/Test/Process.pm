package NetIO::Test::Process;

# What this process holds, for tests that nothing is left over:
#
#     my $before = fds();
#     ...
#     is fds(), $before, 'no descriptor leaked';
#
# and what others leave to it:
#
#     ok is_gone($pid);   # that process has ended, or ends soon; nobody need have reaped it
#     is_asleep($pid);    # it waits in the kernel, or does so soon
#     is_taken($pid, 'HUP');    # it has read the signal: another one like it is not lost in it
#     as_reaper();        # orphans come to this process, as the successor does after an upgrade

use strict;
use warnings;

use Exporter 'import';
use NetIO::Test::Patience;
use NetIO::Test::Run qw(slurp);
use POSIX            ();

our @EXPORT    = qw(fds kilobytes);
our @EXPORT_OK = qw(as_reaper is_asleep is_gone is_taken);

use constant {
    PRCTL                  => (POSIX::uname())[4] eq 'aarch64' ? 167 : 157,
    PR_SET_CHILD_SUBREAPER => 36,
};

# How many descriptors are open.
sub fds {
    opendir my $dir, '/proc/self/fd' or die "/proc/self/fd: $!\n";
    return scalar(() = readdir $dir);
}

# How much memory is in use.
sub kilobytes {
    open my $status, '<', '/proc/self/status' or die "/proc/self/status: $!\n";
    local $/;
    return <$status> =~ /^VmRSS:\s+(\d+)/m ? $1 : die "no VmRSS\n";
}

sub is_gone {
    my ($pid) = @_;

    return eventually {
        !kill 0, $pid or (eval { slurp("/proc/$pid/stat") } // ') Z') =~ /\) Z/;
    };
}

sub is_asleep {
    my ($pid) = @_;

    return eventually { slurp("/proc/$pid/stat") =~ /\) S / };
}

sub is_taken {
    my ($pid, $signal) = @_;
    my $bit = 1 << POSIX->can("SIG$signal")->() - 1;

    return eventually {
        my ($pending) = slurp("/proc/$pid/status") =~ /^ShdPnd:\s+[0-9a-f]*([0-9a-f]{8})$/m;
        !(hex($pending // 0) & $bit);
    };
}

sub as_reaper {
    syscall(PRCTL, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 or die "prctl: $!\n";
    return;
}

1;
