# netio-daemon as process 1 of a pid namespace, as in a container: whatever has lost its parent is
# its child.  And with children from before it was executed.

use strict;
use warnings;

use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Run qw(run spew);
use NetIO::Test::Supervisor;

plan skip_all => 'needs root'        if $> != 0;
plan skip_all => 'no pid namespaces' if system('unshare --pid --fork true 2>/dev/null') != 0;
alarm 300;

my $folder = File::Temp->newdir;

# Leaves children behind, which end then, lets what waits for that end, and says when process 1 has
# reaped all but itself.
my $LEAVES = spew("$folder/leaves", <<'PERL');
use POSIX (); use Time::HiRes ();
$| = 1;
alarm 300;
for (1 .. 3) {
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        my $parent = $$;
        if (!fork) { Time::HiRes::sleep(0.01) while getppid == $parent }
        POSIX::_exit(0);
    }
    waitpid $pid, 0;
}
open my $go, '>', "$0-$ARGV[0]" or die "$0: $!\n";
while (1) {
    my @left = grep { `cat $_ 2>&-` =~ /^\d+ \(.*\) \S 1 /s } glob '/proc/[0-9]*/stat';
    last if @left == 1;
    Time::HiRes::sleep(0.01);
}
print "reaped, $ARGV[0]\n";
exit 3;
PERL
# One child has ended before netio-daemon is executed, one will.
my $BEFORE = <<'SH';
true &
while read -r _ _ state _ <"/proc/$!/stat" && [ "$state" != Z ]; do :; done
until [ -e "$0" ]; do sleep 0.01; done &
exec "$@"
SH

my @init    = qw(unshare --pid --fork --mount-proc --kill-child);
my @program = (NetIO::Test::Supervisor->program, 'run', 'init');

my ($status, $out, $err) = run(@init, @program, '--', $^X, $LEAVES, 'orphans');
like $err, qr/^init: reaped, orphans$/m, 'process 1 reaps orphans';
is $status, 3, '... and ends as the program does';

($status, $out, $err) =
    run(@init, 'sh', '-c', $BEFORE, "$LEAVES-before", @program, '--', $^X, $LEAVES, 'before');
like $err, qr/^init: reaped, before$/m, 'and children from before exec';

done_testing;
