package NetIO::Test::Process;

# What this process holds, for tests that nothing is left over:
#
#     my $before = fds();
#     ...
#     is fds(), $before, 'no descriptor leaked';

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(fds kilobytes);

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

1;
