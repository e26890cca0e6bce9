# A kernel that cannot write to a pipe without waiting (pwritev2 with RWF_NOWAIT, before Linux 6.4),
# and one that does not have the call: strace(1) plays both, the tests of the log are the same.

use strict;
use warnings;

use File::Temp ();
use Test::More;

alarm 300;

my $dir = File::Temp->newdir;
plan skip_all => 'no strace here' if system('strace -o /dev/null true 2>/dev/null') != 0;

for my $error (qw(EOPNOTSUPP ENOSYS)) {
    for my $test (qw(log log-sinks)) {
        my @strace = ('strace', '-f', '-qq', '-o', "$dir/trace", '-e', 'trace=pwritev2,poll');

        open my $out, '-|', @strace, '-e', "inject=pwritev2:error=$error", "csrc/build/t/$test"
            or die "fork: $!\n";
        my @failed = grep { !/^(?:ok \d|1\.\.)/ } <$out>;
        close $out;
        is_deeply [@failed, $?], [0], "pwritev2: $error: $test passes";
        next if $test ne 'log';
        open my $trace, '<', "$dir/trace" or die "$dir/trace: $!\n";
        cmp_ok scalar(grep { /INJECTED/ } <$trace>), '>', 100, 'and was told so';
    }
}

done_testing;
