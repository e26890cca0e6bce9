# B29 of the fault catalogue: a server that gets next to no processor time keeps its deadlines, and
# serves.  How late it may be then is nobody's to say; that it is never early, and does not forget.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::C;
use NetIO::Test::Engine;
use NetIO::Test::Run;
use Test::More;
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $group = "/sys/fs/cgroup/cpu/netio-test-$$";
plan skip_all => 'no processor control group here' if $> != 0 || !mkdir $group;
my $server;
END { undef $server; rmdir $group }

$server = NetIO::Test::Engine->start(c_program('drive-models'),
    'event', 'line', 'read=30', 'total=1', '127.0.0.1:0');

# One of 100 ms.
spew("$group/cpu.cfs_quota_us", 1000);
spew("$group/cgroup.procs",     $server->pid);

sub is_throttled { return slurp("$group/cpu.stat") =~ /^nr_throttled [1-9]/m }

my $begin   = clock_gettime(CLOCK_MONOTONIC);
my @clients = map { $server->client } 1 .. 100;
my ($early, $served, %open) = (0, 0, map { ($_ => 1) } 0 .. $#clients);
# The server has to wait as often as it is asked for more than its part; a busy machine asks slowly.
while (%open || !is_throttled()) {
    for my $i (keys %open) {
        next if defined syswrite $clients[$i], '.';
        delete $open{$i};
        $early++ if clock_gettime(CLOCK_MONOTONIC) - $begin < 1;
    }
    $served += $server->ask("hello\n") eq "<hello>\n" for 1 .. 10;
    sleep 0.05;
}
is $early, 0, 'B29: nobody who drips is cut before the deadline';
ok $server->wait_for(qr/^closed: total\n/m, 100), 'B29: all of them are, then, and for this';
cmp_ok $served, '>', 0, 'B29: others are served meanwhile';
ok is_throttled(), 'though it had to wait';
is $server->stop, 0, 'TERM';

done_testing;
