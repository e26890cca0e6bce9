# netiod, how many and how fast: the exact numbers, who waits and who is refused, and that nobody
# switches a service off.  R8, R9, R11, R33 of the faults that super-servers have had.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Inetd qw(on);
use NetIO::Test::Talk  qw(talk);
use Test::More;

alarm 300;

plan skip_all => 'who is not root starts nothing as somebody else' if $> != 0;

sub netiod {
    my ($config) = @_;

    return NetIO::Test::Inetd->start(config => $config);
}

# A client that is served: it hears its echo.
sub served {
    my ($d, $name) = @_;
    my $client = $d->connect($name);

    return is_served($client) ? $client : undef;
}

sub is_served { return talk($_[0], 'hello') eq "hello\n" }

sub starts {
    my ($d, $name) = @_;

    return scalar(() = $d->log =~ /\b$name: start for/g);
}

# It ends, and netiod has seen that.
sub leave {
    my ($d, $name, $client) = @_;

    close $client;
    return $d->wait_log(qr/\b$name: end for \S+, pid \d+, \S+ seconds, exit 0\n/);
}

# ---- processes at once

my $d       = netiod(on('three', '/bin/cat', 'accept_max = 3') . on('other', '/bin/cat'));
my @clients = map { served($d, 'three') } 1 .. 3;
is grep({ $_ } @clients), 3, 'R9 of three at once three are served';
my $fourth = $d->connect('three');
my $fifth  = $d->connect('three');
ok $d->wait_log(qr/three: as many as may be are served: clients wait\n/), '... then clients wait';
ok served($d, 'other'), '... of other services not';
is starts($d, 'three'), 3, '... and it is three';
unlike $d->log, qr/wait no more/, '... who wait still';
ok leave($d, 'three', shift @clients), 'one leaves';
ok is_served($fourth),                 '... the next one is served';
ok served($d, 'other'),                '... and has its line in the log by now';
is starts($d, 'three'), 4, '... and no other';
leave($d, 'three', shift @clients);
ok is_served($fifth), '... then that one';

# ---- over a reload and an upgrade: what runs counts

ok $d->reload(on('three', '/bin/cat', 'accept_max = 2') . on('other', '/bin/cat')),
    'R11 two are allowed from now on';
my $sixth = $d->connect('three');
leave($d, 'three', $fourth);
ok served($d, 'other'), '... others are served';
is starts($d, 'three'), 5, '... nobody is started: two run';
leave($d, 'three', $fifth);
ok is_served($sixth), '... until less than two run';
leave($d, 'three', shift @clients);
ok $d->upgrade, 'an upgrade';
my $seventh = $d->connect('three');
my $eighth  = $d->connect('three');
ok is_served($seventh), 'R11 ... counts who was there before';
ok $d->wait_log(qr/three: as many as may be are served: clients wait\n/), '... as one of two';
close $sixth;
ok is_served($eighth), '... and knows of their ends';
# The one line is its own, the other its predecessor's.
ok $d->wait_all(
    qr/\bthree: end for \S+, pid \d+, \S+ seconds, exit 0\n/,
    qr/three: clients wait no more \(.*served\), after \d+ seconds with \d+ let in\n/
    ),
    '... which its predecessor sees, and then nobody waits any more';
close $_ for @clients, $seventh, $eighth;
$d->finish;

# ---- of a service that was gone for a while

for my $is_back (sub { $_[0]->reload($_[1]) }, sub { $_[0]->configure($_[1]); $_[0]->upgrade }) {
    my $other  = on('other', '/bin/cat');
    my $both   = on('two',   '/bin/cat', 'accept_max = 2', 'max_per_source = 3') . $other;
    my $d      = netiod($both);
    my @before = map { served($d, 'two') } 1 .. 2;

    ok $d->reload($other), 'R11 a service is gone';
    like $d->log, qr/two: no longer served\n/, '... and said to be';
    ok is_served($before[0]), '... whose programs go on';
    my $by = $d->pid;
    ok $is_back->($d, $both), '... and is there again';
    my $third = $d->connect('two');
    ok $d->wait_log(qr/two: as many as may be are served: clients wait\n/),
        '... with those who run';
    leave($d, 'two', $before[1]);
    ok is_served($third),                       '... one of whom makes room for another';
    ok $d->reload($other) && $d->reload($both), '... and once more';
    close $_ for $before[0], $third;
    ok served($d, 'two'), '... and is as it was';
    $d->left if $d->pid != $by;
    $d->finish;
}

# A reload that fails leaves it where it was.
{
    my $other = on('other', '/bin/cat');
    my $one   = on('one',   '/bin/cat', 'accept_max = 1');
    my $d     = netiod($one . $other);
    my $first = served($d, 'one');

    ok $d->reload($other),           'R11, R13 a service is gone';
    ok !$d->reload("$other${one}x"), '... a fault keeps it away';
    ok !$d->reload($other . $one . on('far', '/bin/cat') =~ s/127\.0\.0\.1/203.0.113.1/r),
        '... an address, too';
    ok is_served($first),         '... its program runs on';
    ok $d->reload($one . $other), '... and it comes back';
    my $second = $d->connect('one');
    ok $d->wait_log(qr/one: as many as may be are served: clients wait\n/), '... with who runs';
    leave($d, 'one', $first);
    ok is_served($second), '... and serves';
    close $second;
    $d->finish;
}

# ---- of one source

$d =
    netiod(on('two', '/bin/cat', 'max_per_source = 2', 'refused_text = "Too many of you"')
        . on('gone',   '/nowhere/at/all', 'max_per_source = 1', 'full_text = "Cannot"')
        . on('exempt', '/bin/cat',        'max_per_source = 1', 'exempt = 127.0.0.0/8')
        . on('deny',   '/bin/cat',        'deny = 127.0.0.1',   'refused_text = "Not you"')
        . on('full',   '/bin/cat',        'max_clients = 1',    'full_text = "Come back later"')
        . "user on listen = unix:{DIR}/user, exec = /bin/cat, user = nobody, deny = uid 0;\n");
my $one = served($d, 'two');
my $two = served($d, 'two');
is $d->ask('two', ''), "Too many of you\r\n",
    'R33 of two of a source the third is refused, and told so';
ok $d->wait_log(qr/two: refused 127\.0\.0\.1:\d+ \(source\)\n/), '... and the log knows why';
leave($d, 'two', $one);
$one = served($d, 'two');
ok $one,       'R11 who has left does not count';
ok $d->reload, 'a reload';
is $d->ask('two', ''), "Too many of you\r\n", 'R11 ... does not forget who is there';
leave($d, 'two', $one);
ok $one = served($d, 'two'), '... nor who leaves then';
for (1 .. 3) {
    is $d->ask('gone', ''), "Cannot\r\n", 'R33 who cannot be served is told so';
}
is scalar(() = $d->log =~ /gone: refused \S+ \(source\)/g), 0, 'R11 ... and does not count';
like $d->log, qr{gone: cannot start for \S+: exec /nowhere/at/all: No such file},
    '... and the log knows why';
my @exempt = map { served($d, 'exempt') } 1 .. 3;
is grep({ $_ } @exempt), 3,             'R33 who is exempt is not counted';
is $d->ask('deny', ''),  "Not you\r\n", 'R33 who may not is told so';
ok $d->wait_log(qr/deny: refused 127\.0\.0\.1:\d+ \(access\)\n/), '... and the log knows why';
is $d->ask($d->dir . '/user', ''), '', '... the same on a unix socket';
ok $d->wait_log(qr/user: refused unix: uid 0 \(access\)\n/), '... with the user in the log';
$one = served($d, 'full');
is $d->ask('full', ''), "Come back later\r\n", 'R33 a limit with a text: nobody waits';
close $_ for $one, $two, @exempt;
$d->finish;

# ---- how fast: seconds pass here, and in each of them those of "slow" are tried again

$d = netiod(
    <<'CONF' . on('fast', '/bin/cat', 'rate = 3/1') . on('own', '/bin/cat', 'source_rate = 2/60'));
127.0.0.1:{slow} stream tcp nowait.3 nobody /bin/cat cat
127.0.0.1:{any}  stream tcp nowait.0 nobody /bin/cat cat
CONF
my $slow = $d->port('slow');
is grep({ served($d, 'any') } 1 .. 50), 50, 'nowait.0 knows no limit';
# After twenty seconds one more may come: until the reload nothing takes so long.
is grep({ served($d, 'slow') } 1 .. 3), 3, 'R9 nowait.3: three a minute';
my $late = $d->connect('slow');
ok $d->wait_log(qr/$slow: as many as may come have come: clients wait\n/), 'R8 then clients wait';
is starts($d, $slow), 3, 'R9 ... after exactly three';
ok $d->connect('slow'), 'R8 ... in the backlog: nobody closes that';
is grep({ served($d, 'fast') } 1 .. 7), 7, 'R8 a rate recovers by itself';
is grep({ served($d, 'own') } 1 .. 2),  2, 'a rate of each source';
is $d->ask('own', ''), '', '... refuses that source';
ok $d->wait_log(qr/own: refused 127\.0\.0\.1:\d+ \(rate\)\n/), '... and the log knows why';
ok $d->reload(<<'CONF'),                                       'another rate';
127.0.0.1:{slow} stream tcp nowait.600 nobody /bin/cat cat
CONF
ok is_served($late), 'R8 ... and who has waited is served';
my $over =
    $d->wait_log(
    qr/$slow: clients wait no more \(.*come\), after (\d+) seconds with (\d+) let in\n/);
ok $over, 'R8 ... and the log says when that is over';
cmp_ok $over->[0], '>=', 1, '... how long it was';
is $over->[1], 2, '... and how many were let in meanwhile';
is scalar(() = $d->log =~ /$slow: as many as may come/g), 1, '... of which the log says little';
close $late;
$d->finish;

# Who goes on running counts as running, and not as a start once more.
$d    = netiod("127.0.0.1:{slow} stream tcp nowait.3 nobody /bin/cat cat\n");
$slow = $d->port('slow');
my @running = map { served($d, 'slow') } 1 .. 2;
for my $left (1, 0) {
    ok $d->upgrade,        'an upgrade';
    ok served($d, 'slow'), 'R9 ... leaves of the rate what there was' if $left;
}
$late = $d->connect('slow');
ok $d->wait_log(qr/$slow: as many as may come have come: clients wait\n/), 'R9 ... and no more';
is starts($d, $slow), 3, '... three have come in all';
close $_ for $late, @running;
$d->finish;

done_testing;
