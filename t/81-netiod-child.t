# netiod's programs that behave badly: who exits at once, goes on for ever, ignores SIGTERM, forks on,
# writes to a client who is gone, or says too much on standard error.  R12, R22, R28, R32.

use strict;
use warnings;
use lib 't/lib';

use File::Temp           ();
use NetIO::Test::Inetd   qw(on);
use NetIO::Test::Process qw(is_gone);
use NetIO::Test::Run;
use NetIO::Test::World;
use POSIX ();
use Test::More;
use Time::HiRes ();

alarm 300;

plan skip_all => 'who is not root starts nothing as somebody else' if $> != 0;
delete @ENV{ grep { /^(?:LANG|LC_|LANGUAGE$|TZ$)/ } keys %ENV };

my $folder = File::Temp->newdir;
chmod 01777, $folder or die "$folder: $!\n";

# Neither it nor what it has started ends by SIGTERM.
my $STUBBORN = spew("$folder/stubborn", <<'SH');
trap "" TERM
sleep 1000 &
echo $$ $!
wait
SH

# What it has started has a session of its own, and goes on.
my $ONWARD = spew("$folder/onward", <<'SH');
setsid sh -c 'echo $$ > $0.new; mv $0.new $0; exec sleep 1000' "$1" </dev/null >/dev/null 2>&1 &
while [ ! -e "$1" ]; do sleep 0.01; done
SH
my $TALK = spew("$folder/talk", <<'SH');
printf 'one\ntwo\r\n\nx\000y\033z\n' >&2
echo out
SH
my $FLOOD = spew("$folder/flood", <<'PERL');
print STDERR "line $_\n" for 1 .. 5000;
print 'done';
PERL

sub netiod {
    my ($config, @args) = @_;

    return NetIO::Test::Inetd->start(config => $config, args => [@args]);
}

# ---- what they say on standard error

my $d = netiod(
          on('err', '/bin/sh', "args = sh $TALK")
        . on('part',  '/bin/sh', q{args = sh -c "printf 'no end' >&2"})
        . on('long',  '/bin/sh', q{args = sh -c "head -c 2500 /dev/zero | tr '\\\\000' a >&2"})
        . on('flood', '/usr/bin/perl', "args = perl $FLOOD")
        . on('roar',  '/bin/sh',       q{args = sh -c "head -c 3500000 /dev/zero >&2"})
        . on('own',   '/bin/sh',       q{args = sh -c "echo err >&2", stderr = socket})
        . on(
        'world',
        $PROBE,
        'args = drive-world -',
        'umask = 077',
        'directory = /usr',
        'env = "A=b c" PATH',
        'rlimit = nofile:99 core:4096',
        'setuid_programs = yes'
        )
        . on('plain', $PROBE, 'args = drive-world -')
);
is $d->ask('err', ''), "out\n", 'R28 what a program says on standard error is not for the client';
ok $d->wait_log(qr/err: says: one\n.*err: says: two\n.*err: says: x y\\x1bz\n.*err: end for/s),
    '... but for the log, before its end, and fit to be seen';
unlike $d->log, qr/err: says: \n/, '... without empty lines';
$d->ask('part', '');
ok $d->wait_log(qr/part: says: no end\n.*part: end for/s), 'a line without an end';
$d->ask('long', '');
ok $d->wait_log(qr/long: says: a{1024}\n.*long: says: a{1024}\n.*long: says: a{452}\n.*long: end/s),
    'a long one is several';
is $d->ask('own', ''), "err\n", 'or it is for the client, if that is wished';

is $d->ask('flood', ''), 'done', 'who says too much is not kept waiting';
$d->wait_log(qr/flood: end for/);
Time::HiRes::sleep(1);    # lines are counted by the second
$d->ask('flood', '');
my $lost = $d->wait_log(qr/flood: (\d+) lines of its programs lost\n/);
my $said = () = $d->log =~ /flood: says: line/g;
ok $lost, '... but loses lines';
cmp_ok $said, '<', 2000, '... most of them';
my $since = Time::HiRes::time();
$d->ask('roar', '');
cmp_ok(Time::HiRes::time() - $since, '>', 1.5,
    'who says much too much is: netiod does not read on');
$d->wait_log(qr/roar: end for/);

# ---- the world as the configuration has it

my $world = read_world($d->ask('world', ''));
is $world->{umask},           '0077',      'R32 umask';
is $world->{cwd},             '/usr',      'directory';
is $world->{'rlimit.nofile'}, '99 99',     'rlimit';
is $world->{'rlimit.core'},   '4096 4096', '... core, too';
is $world->{no_new_privs},    0,           'setuid_programs';
ok + (grep { $_ eq 'A=b c' } @{ $world->{env} }), 'env';
like $world->{'fd.2'}, qr/^fifo wronly/, 'standard error is a pipe';
$world = read_world($d->ask('plain', ''));
is $world->{no_new_privs}, 1, 'without them: no_new_privs';
my ($soft) = split / /, $world->{'rlimit.nofile'};
is $soft, POSIX::sysconf(POSIX::_SC_OPEN_MAX()), 'as many descriptors as netiod had at its start';
like $world->{'rlimit.core'}, qr/^0 /, 'no core file';
$d->finish;

# ---- who exits at once, is not read, or not read from

$d =
    netiod(on('true', '/bin/true')
        . on('yes',      '/usr/bin/perl', 'args = perl -e "$| = 1; print qq(x\\n) while 1"')
        . on('never',    '/bin/sleep',    'args = sleep 1000',   'total_seconds = 0.5')
        . on('stubborn', '/bin/sh',       "args = sh $STUBBORN", 'total_seconds = 0.5')
        . on('onward',   '/bin/sh',       "args = sh $ONWARD $folder/onward.pid"),);
my $end  = "$d->{dir}/end";
my @many = map { $d->connect('true') } 1 .. 100;
is scalar(grep { ($d->read_all($_) // 'reset') eq '' } @many), 100,
    'R12 a hundred that exit at once';
my @pids = map { $d->wait_log(qr/true: end for \S+, pid (\d+), \S+ seconds, exit 0\n/)->[0] } @many;
my %ends = map { ($_ => 1) } @pids;
is keys %ends, 100, '... are all seen to end';
my @starts = $d->log =~ /true: start for \S+, pid (\d+)\n/g;
is_deeply [sort @starts], [sort @pids], '... and no other';

my $client = $d->connect('yes');
sysread $client, my $some, 10;
close $client;
ok $d->wait_log(qr/yes: end for \S+, pid \d+, \S+ seconds, signal 13\n/),
    'R22 who writes to a client that is gone ends by SIGPIPE';

# Where it has no processor for a second, SIGKILL comes, too: then another one is looked at.
my $never;
for (1 .. 5) {
    $client = $d->connect('never');
    $never  = $d->wait_log(qr/never: end for \S+, pid \d+, (\S+ seconds, .+)\n/);
    last if !$never || $never->[0] !~ /signal 9/;
}
like $never && $never->[0], qr/\A(?:0\.[5-9]\d\d|[1-9]\S+) seconds, signal 15\z/,
    'who goes on for ever is ended by SIGTERM after total_seconds';

# On a slow machine its time may be over before it is so stubborn.
my ($leader, $other);
until ($leader) {
    $client = $d->connect('stubborn');
    ($leader, $other) = (readline($client) // '') =~ /(\d+) (\d+)/;
}
ok $d->wait_log(qr/stubborn: end for \S+, pid $leader, [1-9]\S* seconds, signal 9\n/),
    '... and who ignores that, by SIGKILL a second later';
ok is_gone($other), '... with all of its process group';

is $d->ask('onward', ''), '', 'who forks on';
ok $d->wait_log(qr/onward: end for \S+, pid \d+, \S+ seconds, exit 0\n/),
    '... has ended for netiod';
chomp(my $onward = slurp("$folder/onward.pid"));
ok kill(0, $onward), '... what it has started goes on';
$d->finish;
ok kill(0, $onward), '... longer than netiod';
kill 'KILL', $onward;

# ---- at the end of netiod

$d = netiod(on('stubborn', '/bin/sh', "args = sh $STUBBORN") . on('cat', '/bin/cat'),
    '--stop-seconds', 3);
my $talk = $d->connect('cat');
syswrite $talk, "one\n";
is readline $talk, "one\n", 'a client who is served';
$client = $d->connect('stubborn');
($leader, $other) = readline($client) =~ /(\d+) (\d+)/;
$d->kill('TERM');
ok $d->wait_log(qr/ends: no new clients\n/), 'TERM';
syswrite $talk, "two\n";
is readline $talk, "two\n", '... who is served goes on';
close $talk;
ok $d->wait_log(qr/cat: end for \S+, pid \d+, \S+ seconds, exit 0\n/), '... to the end';
ok $d->wait_log(qr/stubborn: end for \S+, pid $leader, \S+ seconds, signal 9\n/),
    '... who does not end gets SIGTERM, then SIGKILL';
is $d->wait_end, 0, '... and netiod ends';
ok is_gone($other), '... nobody is left of the process group';
$d->finish;

$d      = netiod(on('cat', '/bin/cat') . on('stubborn', '/bin/sh', "args = sh $STUBBORN"));
$talk   = $d->connect('cat');
$client = $d->connect('stubborn');
syswrite $talk, "one\n";
is readline $talk, "one\n", 'a client who is served';
($leader, $other) = readline($client) =~ /(\d+) (\d+)/;
$d->kill('INT');
ok $d->wait_log(qr/cat: end for \S+, pid \d+, \S+ seconds, signal 15\n/), 'INT ends all at once';
is $d->wait_end, 0, '... and netiod';
ok is_gone($other), '... with who ignores SIGTERM';
$d->finish;

done_testing;
