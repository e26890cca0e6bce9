# netiod upgraded (SIGUSR2): the successor has the sockets, counts what runs, and leaves alone what a
# "wait" process has; its predecessor stays for its own.  R14, R15, R30; R11: limits are counted by
# process, whoever has started it.

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Datagram qw(ask_udp udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Patience;
use NetIO::Test::Run  qw(slurp spew);
use NetIO::Test::Talk qw(talk);

plan skip_all => 'needs root' if $> != 0;
alarm 300;
$SIG{PIPE} = 'IGNORE';

# Programs of "wait" services: they say who answers, until they are told to go.
my %script = (
    datagrams => <<'PERL',
while (defined(my $from = recv STDIN, my $text, 1500, 0)) {
    exit 0 if $text eq 'go';
    send STDOUT, "$$ $text", 0, $from;
}
PERL
    streams => <<'PERL',
while (accept my $client, STDIN) {
    my $text = <$client> // '';
    print {$client} "$$ $text";
    exit 0 if $text eq "go\n";
}
PERL
);

sub start {
    my ($config, %how) = @_;
    my $dir = File::Temp->newdir('netiod-XXXXXX', TMPDIR => 1);

    for my $name (keys %script) {
        spew("$dir/$name", "#!$^X\n$script{$name}");
        chmod 0755, "$dir/$name";
    }
    s/\{DIR\}/$dir/ for @{ $how{args} || [] };
    return NetIO::Test::Inetd->start(config => $config, dir => $dir, %how);
}

# Whether there is something to read within so long.
sub speaks {
    my ($socket, $seconds) = @_;

    vec(my $bits = '', fileno $socket, 1) = 1;
    return scalar select $bits, undef, undef, $seconds;
}

# Inodes of the sockets that it listens on.
sub sockets {
    my ($d)     = @_;
    my %listens = map { $_ => 1 }
        map { (split)[9] } grep { !/local_address/ && (split)[3] =~ /^0[A7]$/ }
        split /\n/, slurp("/proc/net/tcp") . slurp("/proc/net/udp");
    my %open = $d->open_files;

    return join ' ', sort grep { $listens{$_} } map { /^socket:\[(\d+)\]/ ? $1 : () } values %open;
}

sub is_there { return kill 0, $_[0] }

# ---- R15: what runs goes on --------------------------------------------------------------------

{
    my $d       = start("127.0.0.1:{cat} stream tcp nowait root /bin/cat cat\n");
    my $first   = $d->pid;
    my $called  = slurp("/proc/$first/cmdline");
    my $sockets = sockets($d);
    my $client  = $d->connect('cat');

    is talk($client, 'a'), "a\n", 'somebody is served';
    my ($child) = $d->children_now;
    my $second = $d->upgrade;
    isnt $second,                      $first,   'USR2: a successor';
    is slurp("/proc/$second/cmdline"), $called,  'is called as the first one was';
    is sockets($d),                    $sockets, 'R14: has the same sockets';
    is talk($client, 'b'),             "b\n",    'R15: who was served still is';
    is $d->ask(cat => 'c'),            'c',      'so are those that come';
    ok $d->wait_log(qr/: start for/), 'whom the successor has accepted';
    my $third = $d->upgrade;
    is $d->left_of($second), 0, 'who has no process of its own leaves at the next upgrade ...';
    ok is_there($first), '... and the first one stays for its own';
    is talk($client, 'd'), "d\n", 'which still runs';
    close $client;
    is $d->left_of($first), 0, 'it has ended, and so has who started it';
    like $d->log_text, qr/: end for \S+, pid $child, [\d.]+ seconds, exit 0\n/,
        'having logged its end';
    is scalar(() = $d->log_text =~ /: end for \S+, pid $child,/g), 1, 'once';
    is $d->stop,                                                   0, 'TERM ends the last one';
}

# ---- R17, R30: "wait" --------------------------------------------------------------------------

for my $passed (0, 1) {
    my $own  = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1') or die "udp: $!\n";
    my $name = $passed ? 'passed by a manager' : 'of its own';
    my $d    = start(
        $passed
        ? "127.0.0.1:@{[ $own->sockport ]} dgram udp wait root {DIR}/datagrams datagrams\n"
        : "127.0.0.1:{udp} dgram udp wait root {DIR}/datagrams datagrams\n",
        before => sub {
            return if !$passed;
            POSIX::dup2(POSIX::dup(fileno $own), 3) // die "dup2: $!\n";
            @ENV{qw(LISTEN_FDS LISTEN_PID)} = (1, $$);
        },
    );
    my $port = $passed ? $own->sockport : $d->port('udp');
    close $own;
    my $client = udp_client($port);
    my ($pid) = ask_udp($client, 'a') =~ /^(\d+) a$/;

    ok $pid, "a wait process, socket $name";
    for my $round (1, 2) {
        $d->upgrade;
        is ask_udp($client, 'b'),   "$pid b", "upgrade $round: it answers";
        is join(' ', $d->children), '',       'R30: nobody else was started';
    }
    send $client, 'go', 0;
    $d->wait_log(qr/: end, pid $pid, /);
    my ($next) = ask_udp($client, 'c') =~ /^(\d+) c$/;
    is join(q{ }, $d->children_now), $next, 'once it has ended the last successor starts the next';
    is $d->left, 0, 'predecessors have left' for 1, 2;
    kill 'TERM', $next;
    $d->wait_log(qr/: end, pid $next, /);
    is $d->stop, 0, 'TERM';
}
{
    my $d     = start("127.0.0.1:{tcp} stream tcp wait root {DIR}/streams streams\n");
    my $first = $d->pid;
    my ($pid) = talk($d->connect('tcp'), 'a') =~ /^(\d+) a$/;

    $d->upgrade;
    is talk($d->connect('tcp'), 'b'),  "$pid b\n", 'a wait process of streams still has its socket';
    is talk($d->connect('tcp'), 'go'), "$pid go\n", 'and ends';
    is $d->left_of($first), 0, 'so does who started it';
    my ($next) = talk($d->connect('tcp'), 'c') =~ /^(\d+) c$/;
    isnt $next,                        $pid,         'another one is started';
    is talk($d->connect('tcp'), 'go'), "$next go\n", 'and ends';
    $d->wait_log(qr/: end, pid $next, /);
    is $d->stop, 0, 'TERM';
}

# ---- R11: limits -------------------------------------------------------------------------------

{
    my $d = start(<<'CONF');
127.0.0.1:{all}    stream tcp nowait/2      root /bin/cat cat
127.0.0.1:{source} stream tcp nowait/10/0/1 root /bin/cat cat
CONF
    my @all = map { $d->connect('all') } 1 .. 3;
    is talk($all[$_], 'x'), "x\n", 'one of two' for 0, 1;
    my $source = $d->connect('source');
    is talk($source, 'x'),           "x\n", 'the one that a source may have';
    is $d->ask('source', 'x') // '', '',    'another is refused';
    $d->upgrade;
    print { $all[2] } "late\n";
    ok !speaks($all[2], 0.2), 'R11: after an upgrade the third still waits';
    isnt $d->ask('source', 'x') // '', 'x', 'the source still has no more';
    close $source;
    close $all[0];
    is scalar readline $all[2], "late\n", 'a place is free: it is served';
    my $answer;
    eventually { ($answer = $d->ask('source', 'x') // '') eq 'x' };
    is $answer, 'x', 'so is the source';
    close $_ for @all;
    is $d->left, 0, 'the predecessor has left';
    is $d->stop, 0, 'TERM';
}

# ---- the end of a successor is the end of what it has adopted ----------------------------------

{
    my $d = start(
        "127.0.0.1:{stubborn} stream tcp nowait root /bin/sh sh -c "
            . "\"trap '' TERM; echo \\\$\\\$; while read x; do echo \$x; done\"\n"
            . "127.0.0.1:{cat} stream tcp nowait root /bin/cat cat\n",
        args => ['--stop-seconds', 1]
    );
    my $cat      = $d->connect('cat');
    my $stubborn = $d->connect('stubborn');
    talk($cat, 'x');
    my $pid = <$stubborn>;
    $d->upgrade;
    kill 'HUP', $d->pid;
    ok $d->wait_log(qr/configuration: read again/), 'a reload after an upgrade';
    is talk($cat, 'y'),    "y\n", 'R15: leaves what was adopted alone';
    is $d->stop,           0,     'TERM to the successor';
    is scalar <$cat>,      undef, 'has ended what it has adopted';
    is scalar <$stubborn>, undef, '... also who ignores it';
}

# ---- a path that was removed -------------------------------------------------------------------

{
    my $d = start(<<'CONF', args => ['--status', 'unix:{DIR}/status']);
{DIR}/echo stream unix nowait root /bin/echo echo one
{DIR}/wait stream unix wait   root {DIR}/streams streams
CONF
    my ($dir, $client) = ($d->dir);
    my $say = sub { $d->ask("$dir/wait", "$_[0]\n") =~ /^(\d+) \Q$_[0]\E$/ ? $1 : 0 };
    my $old = $say->('a');

    ok $old, 'a program that has the socket of a path';
    unlink map { "$dir/$_" } qw(echo wait status);
    ok $d->upgrade, 'the paths are removed; an upgrade';
    is $d->ask("$dir/echo", ''), "one\n", 'the successor is reached at one';
    my $new = $say->('b');
    ok $new && $new != $old, 'and at the other, with another program';
    like $d->status, qr/^service=.*\nservice=/, 'and says its status';
    unlink "$dir/wait";
    ok $d->reload, 'a reload';
    my $next = $say->('c');
    ok $next && $next != $new, 'the same';
    kill 'TERM', $old, $new;
    $d->wait_all(map { qr/: end, pid \Q$_\E, / } $old, $new);
    is $say->('go'), $next, 'those without a path end, and the last one serves';
    is $d->left,     0,     'the predecessor has left';
    is $d->stop,     0,     'TERM';
    is_deeply [grep { -e "$dir/$_" } qw(echo wait status)], [], 'no path is left';
}

# ---- what nothing is left of -------------------------------------------------------------------

{
    my $d = start(<<'CONF', args => ['--pidfile', '{DIR}/pid']);
127.0.0.1:{cat} stream tcp nowait root /bin/cat cat
127.0.0.1:{udp} dgram  udp wait   root {DIR}/datagrams datagrams
127.0.0.1:{echo} stream tcp nowait root internal echo
CONF
    $d->upgrade;
    $d->left;
    is $d->ask(echo => 'x'), 'x', 'one that has taken over serves';
    my $count  = $d->descriptors_idle;
    my $memory = sub { slurp("/proc/@{[ $d->pid ]}/status") =~ /^VmRSS:\s+(\d+)/m; return $1 };
    my $before = $memory->();
    for (1 .. 10) {
        $d->upgrade;
        $d->left;
    }
    is $d->ask(echo => 'x'),       'x',    'so does the last one';
    is $d->descriptors_as($count), $count, 'R30: ten upgrades, and not one descriptor more';
    cmp_ok $memory->(), '<', $before + 256, 'nor memory' if !$ENV{NETIO_TEST_SANITIZED};
    is slurp($d->dir . '/pid'), $d->pid . "\n", 'R18: the pid file is the last one\'s';
    is $d->stop,                0,              'TERM';
    ok !-e $d->dir . '/pid', 'who removes it';
}

done_testing;
