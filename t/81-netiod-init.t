# netiod as process 1 of a pid namespace, as in a container: whatever has lost its parent is its child,
# and the kernel ends all others with it.  And with children from before it was executed.

use strict;
use warnings;

use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Inetd qw(on);
use NetIO::Test::Patience;
use NetIO::Test::Run qw(spew);

plan skip_all => 'needs root'        if $> != 0;
plan skip_all => 'no pid namespaces' if system('unshare --pid --fork true 2>/dev/null') != 0;
alarm 300;

# Of whoever has that parent: "PID STATE NAME", with the pids of this namespace.
sub children_of {
    my ($parent) = @_;
    my @children;

    for my $stat (map { glob } '/proc/[0-9]*/stat') {
        open my $in, '<', $stat or next;
        my ($pid, $name, $state, $its) = (<$in> // '') =~ /^(\d+) \((.*)\) (\S) (\d+)/s or next;
        push @children, "$pid $state $name" if $its == $parent;
    }
    return @children;
}

my $folder = File::Temp->newdir;
chmod 0755, $folder or die "$folder: $!\n";

# What it leaves behind ends when it is gone, and reaped.
my $LEAVES = spew("$folder/leaves", <<'SH');
while kill -0 $$; do :; done <&- >&- 2>&- &
SH
# One child has ended before netiod is executed, one will.
my $BEFORE = <<'SH';
true &
while read -r _ _ state _ <"/proc/$!/stat" && [ "$state" != Z ]; do :; done
until [ -e "$0" ]; do sleep 0.01; done &
exec "$@"
SH

# ---- process 1 ---------------------------------------------------------------------------------

{
    my $d = NetIO::Test::Inetd->start(
        wrap   => [qw(unshare --pid --fork --kill-child --mount-proc)],
        config => on('leaves', '/bin/sh', "args = sh $LEAVES")
            . on('fails', '/bin/sh', 'args = sh -c "exit 7"'),
    );
    my ($init) = map { /^(\d+)/ } children_of($d->pid);

    is $d->answer('leaves'), '', 'a program leaves a child behind' for 1 .. 8;
    is $d->answer('fails'),  '', 'another one ends';
    ok $d->wait_log(qr/fails: end .* exit 7\n/), '... and the log has how';
    ok eventually { !children_of($init) },       'nobody is left';
    is scalar(() = $d->log_text =~ /leaves: end .* exit 0\n/g), 8, 'so it has of all others';
    unlike $d->log_text, qr/not known/, 'no end was stolen';

    kill 'USR2', $init;
    ok $d->wait_log(qr{upgrade failed: .*process 1 has no successor}), 'an upgrade is refused';
    is $d->answer('fails'), '', 'it serves';
    ok $d->wait_log(qr/fails: end .* exit 7\n/), '... as before';
    kill 'TERM', $init;
    is $d->wait_end, 0, 'it ends';
}

# ---- before it was netiod ----------------------------------------------------------------------

{
    my $d = NetIO::Test::Inetd->start(
        wrap   => ['sh', '-c', $BEFORE, "$folder/go"],
        config => on('date', '/bin/date'),
    );
    spew("$folder/go", '');
    ok eventually { !children_of($d->pid) }, 'children from before it was executed are reaped';
    like $d->answer('date'), qr/\d/, 'it serves';
    is $d->stop, 0, 'it ends';
}

done_testing;
