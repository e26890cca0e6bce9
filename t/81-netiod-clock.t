# netiod and the clock on the wall: however that jumps (t/data/clock.c) it changes nothing, neither how
# fast services may be asked, nor how long a program may run, nor when one that has failed is tried
# again.  R10 of the faults that super-servers have had.

use strict;
use warnings;
use lib 't/lib';

use Config;
use File::Temp            ();
use NetIO::Test::Datagram qw(udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Talk qw(talk);
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

alarm 300;

plan skip_all => 'who is not root starts nothing as somebody else' if $> != 0;
plan skip_all => 'a sanitizer is preloaded already'
    if $ENV{LD_PRELOAD} || $ENV{NETIO_TEST_SANITIZED};

my $folder  = File::Temp->newdir;
my $library = "$folder/clock.so";
plan skip_all => 'no C compiler here'
    if system "$Config{cc} -shared -fPIC -O1 -o $library t/data/clock.c";

sub served { return talk($_[0], 'hello') eq "hello\n" }

my $d = NetIO::Test::Inetd->start(
    wrap   => ['env',      "LD_PRELOAD=$library"],
    args   => ['--status', '127.0.0.1:{status}'],
    config => <<'CONF');
127.0.0.1:{slow} stream tcp nowait.3 nobody /bin/cat cat
127.0.0.1:{gone} dgram  udp wait     nobody /nowhere/at/all gone
any   on listen = 127.0.0.1:{any},   user = nobody, exec = /bin/cat;
own   on listen = 127.0.0.1:{own},   user = nobody, exec = /bin/cat, source_rate = 1/60;
short on listen = 127.0.0.1:{short}, user = nobody, exec = /bin/cat, total_seconds = 2;
long  on listen = 127.0.0.1:{long},  user = nobody, exec = /bin/cat, total_seconds = 3000;
time  on listen = 127.0.0.1:{time},  user = root,   exec = internal;
CONF
my %far =
    map { abs(unpack('N', $d->ask(time => '')) - 2_208_988_800 - time) > 1800 ? 'yes' : 'no', 1 }
    1 .. 20;
is join(' ', sort keys %far), 'no yes', 'R10 the clock on the wall jumps';

my %client = map { $_ => $d->connect($_) } qw(any own long);
is grep({ served($_) } values %client),          3, '... all are served';
my $since = clock_gettime(CLOCK_MONOTONIC);
is grep({ served($d->connect('slow')) } 1 .. 3), 3, '... three a minute';
my $slow = $d->port('slow');
my $late = $d->connect('slow');
ok $d->wait_log(qr/$slow: as many as may come have come: clients wait\n/), '... then clients wait';
is $d->ask(own => ''), '', '... who has had his share has had it';

send udp_client($d->port('gone')), 'x', 0;
ok $d->wait_log(qr/a datagram of 1 bytes from \S+ is thrown away/),
    'R10 what has failed is tried again in its time';
my $port = $d->port('gone');
my ($tries) = $d->ask(status => '') =~ /^service=$port .*\bfailed=(\d+)/m;
is $tries, 8, '... as often as ever';

my $short = $d->connect('short');
ok served($short), 'R10 who may run for so long';
is $d->read_all($short), '', '... runs for so long';
# Where cat has no processor for a second, SIGKILL comes, too: then another one is looked at.
my $end = $d->wait_log(qr/short: end for \S+, pid \d+, \S+ seconds, (.+)\n/);
for (1 .. 5) {
    last if !$end || $end->[0] ne 'signal 9';
    $d->read_all($d->connect('short'));
    $end = $d->wait_log(qr/short: end for \S+, pid \d+, \S+ seconds, (.+)\n/);
}
is $end && $end->[0], 'signal 15', '... and no longer';
my ($seconds) = $d->log =~ /short: end for \S+, pid \d+, (\S+) seconds/;
cmp_ok $seconds, '>=', 2,  '... nor shorter';
cmp_ok $seconds, '<',  60, '... which the log tells right';
ok served($client{$_}), "... $_ goes on" for qw(any long);
my $starts = () = $d->log =~ /$slow: start for/g;
my $more   = (clock_gettime(CLOCK_MONOTONIC) - $since) / 20;
cmp_ok $starts, '<=', 3 + $more, '... and three a minute are three';
close $late;
close $_ for values %client;
$d->finish;

done_testing;
