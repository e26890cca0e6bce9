# Services of netiod that are pools: started as the service's user, with its rules and limits,
# replaced when the program or the configuration is another, and gone when netiod is.

use strict;
use warnings;

use File::Temp ();
use POSIX      ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Inetd;
use NetIO::Test::Patience;
use NetIO::Test::Process qw(is_gone);
use NetIO::Test::Run     qw(spew spew_whole);

alarm 300;
$SIG{PIPE} = 'IGNORE';

plan skip_all => 'services have users of their own: only root can say so' if $>;
plan skip_all =>
    'netiod passes on no LD_PRELOAD, without which perl cannot load what has ASan in it'
    if $ENV{NETIO_TEST_SANITIZED};

my $program = <<'PERL';
#!/usr/bin/perl
use strict; use warnings;
my $word = 'first';
$| = 1;
warn "compiled\n" if !$ENV{PROTO};
while (my $line = <STDIN>) {
    chomp $line;
    if    ($line eq 'who')    { print "$$ $< $> ", getppid, "\n" }
    elsif ($line eq 'word')   { print "$word @ARGV\n" }
    elsif ($line eq 'env')    { print join(' ', map { "$_=$ENV{$_}" } sort keys %ENV), "\n" }
    elsif ($line eq 'groups') { print "$(\n" }
    elsif ($line eq 'ls')     { print join(' ', split ' ', `ls /proc/self/fd`), "\n" }
    elsif ($line eq 'warn')   { warn "a warning\n" }
    elsif ($line eq 'die')    { die "dead\n" }
    elsif ($line eq 'kill')   { kill 'KILL', $$ }
    elsif ($line eq 'spin')   { 1 while 1 }
    elsif ($line eq 'stop')   { kill 'STOP', $$ }
    elsif ($line eq 'shut')   { for (3 .. 20) { open my $fd, '+<&=', $_ or next; shutdown $fd, 2 } exit }
}
PERL

sub started {
    my ($config, %how) = @_;
    my $dir = File::Temp->newdir('netiod-XXXXXX', TMPDIR => 1);

    spew("$dir/pool.pl", $how{program} // $program);
    return NetIO::Test::Inetd->start(%how, config => $config, dir => $dir);
}

# Waits until a pool is ready; its pid.
sub ready {
    my ($daemon, $name) = @_;
    my $name_or_any = $name ? $daemon->port($name) : '\d+';

    return $daemon->wait_log(qr/$name_or_any: the pool is ready, pid (\d+)\n/)->[0];
}

# Until it answers so: the one before may still take a client or two.
sub until_it_says {
    my ($daemon, $name, $question, $answer) = @_;
    my $said;

    return 1 if eventually { ($said = $daemon->ask($name, $question) // '') =~ $answer };
    diag "it says '$said'";
    return 0;
}

# netiod's children are the pools, but for one that still drains.
sub settled {
    my ($daemon, $count) = @_;

    $daemon->{workers} = $count;
    return $daemon->children;
}

subtest 'one service in each form' => sub {
    my $daemon = started(<<'CONF', workers => 2, grows => 4);
127.0.0.1:{classic} stream tcp nowait nobody:daemon pool:{DIR}/pool.pl pool.pl one two
127.0.0.1:{keys} on exec = {DIR}/pool.pl, pool = 3, user = daemon;
CONF
    ready($daemon) for 1 .. 2;
    is $daemon->ask(classic => "word\n"), "first one two\n", 'a classic line, with arguments';
    is $daemon->ask(keys    => "word\n"), "first \n",        'the key form, without';
    my (undef, @ids) = split ' ', $daemon->ask(classic => "who\n");
    is "@ids[0, 1]", join(' ', (scalar getpwnam 'nobody') x 2), 'R2: its user';
    is $daemon->ask(classic => "groups\n"), join(' ', (scalar getgrnam 'daemon') x 2) . "\n",
        'R2: its groups';
    my ($pid) = split ' ', $daemon->ask(keys => "who\n");
    is $daemon->ask(keys => "who\n") =~ /^\d+/, 1, 'one client after another';
    my $socket = $daemon->connect('keys');
    my ($port, $service) = ($socket->sockport, $daemon->port('keys'));
    print {$socket} "env\n";
    my $environment = readline $socket;
    like $environment, qr/\Q$_\E(?: |\n)/, "R20: $_"
        for 'PROTO=TCP', 'TCPREMOTEIP=127.0.0.1', "TCPREMOTEPORT=$port", 'REMOTE_ADDR=127.0.0.1',
        "REMOTE_PORT=$port", 'TCPLOCALIP=127.0.0.1', "TCPLOCALPORT=$service", 'USER=daemon';
    unlike $environment, qr/PERL|NETIO|LISTEN|HARNESS/, 'R20: and nothing of anybody else';
    close $socket;
    is $daemon->ask(keys => "ls\n"),   "0 1 2 3\n", 'R4: what it executes has no descriptor more';
    is $daemon->ask(keys => "warn\n"), '',          'R28: its warnings';
    ok $daemon->wait_log(qr/says: a warning\n/), 'are in the log';
    is $daemon->ask(classic => "warn\n"), '', 'R28: those of a classic line';
    ok $daemon->wait_log(qr/says: a warning\n/), 'are there, too';
    is $daemon->ask(keys => "die\nword\n"), '', 'die ends the connection';
    ok $daemon->wait_log(qr/says: dead\n/), 'and is in the log';
    is $daemon->ask(keys => "word\n"), "first \n", 'and the next one is served';
    is scalar settled($daemon, 2),     2,          'a process for each pool';
    is $daemon->stop,                  0,          'and none afterwards';
};

subtest 'rules, limits, texts' => sub {
    my $daemon = started(<<'CONF', workers => 3, grows => 6);
127.0.0.1:{refused} on exec = {DIR}/pool.pl, pool = 1, user = nobody, deny = 127.0.0.1,
    allow = all, refused_text = "not you";
127.0.0.1:{few} on exec = {DIR}/pool.pl, pool = 2, user = nobody, max_per_source = 1;
127.0.0.1:{proxied} on exec = {DIR}/pool.pl, pool = 1, user = nobody, proxy = 127.0.0.1;
CONF
    ready($daemon) for 1 .. 3;
    is $daemon->ask(refused => ''), "not you\r\n", 'R33: who is refused is told';
    ok $daemon->wait_log(qr/says: 127\.0\.0\.1:\d+ refused: access\n/), 'and the log is';
    my $first = $daemon->connect('few');
    print {$first} "word\n";
    is readline $first,         "first \n", 'one of a source';
    is $daemon->ask(few => ''), '',         'a second one at the same time is refused';
    ok $daemon->wait_log(qr/refused: source\n/), 'and logged';
    close $first;
    ok until_it_says($daemon, 'few', "word\n", qr/first/), 'later it is let in';
    is $daemon->ask(proxied => "PROXY TCP4 192.0.2.1 192.0.2.2 4711 79\r\nenv\n") =~
        /REMOTE_ADDR=192\.0\.2\.1 REMOTE_PORT=4711 .*TCPLOCALIP=192\.0\.2\.2/ ? 1 : 0, 1,
        'R31: a proxy says who it is';
    is $daemon->stop, 0, 'stops';
};

subtest 'another program, another configuration' => sub {
    my $config = <<'CONF';
127.0.0.1:{a} on exec = {DIR}/pool.pl, pool = 1, user = nobody;
CONF
    my $daemon = started($config, workers => 1, grows => 2);
    my $path   = "$daemon->{dir}/pool.pl";
    my $pool   = ready($daemon);
    my $held   = $daemon->connect('a');
    print {$held} "word\n";
    is readline $held, "first \n", 'a client of the first program';
    SKIP: {
        skip 'no strace(1)', 1 if system 'strace -V >/dev/null 2>&1';
        my $looks = `timeout 3 strace -qq -e trace=%file -P $path -p @{[$daemon->pid]} 2>&1`;
        is $looks, '', 'at whose file netiod does not look: a file system may not answer';
    }
    spew_whole($path, $program =~ s/'first'/'second'/r);
    my $next = ready($daemon);
    isnt $next,                     $pool,       'another file: another pool';
    is $daemon->ask(a => "word\n"), "second \n", 'which serves';
    print {$held} "word\n";
    is readline $held, "first \n", 'while the old one goes on';
    close $held;
    ok $daemon->wait_log(qr/end, pid $pool, .* exit 0\n/), 'until nobody needs it';

    spew_whole($path, $program =~ s/'first'/'third/r);
    ok $daemon->wait_log(qr/the new pool is not ready; the one that serves goes on/),
        'R13: a program with a fault';
    like $daemon->log, qr/says: Bareword found/, 'is reported';
    is $daemon->ask(a => "word\n"), "second \n", 'and changes nothing';
    spew_whole($path, $program =~ s/'first'/'fourth'/r);
    ready($daemon);
    ok until_it_says($daemon, 'a', "word\n", qr/fourth/), 'mended, it is served';

    $pool = (settled($daemon, 1))[0];
    ok $daemon->reload($config), 'a reload of the same';
    is + (settled($daemon, 1))[0], $pool, 'R15: changes nothing';
    ok $daemon->reload($config =~ s/exec = (\S+),/exec = $1, args = x y,/r), 'of another';
    ready($daemon);
    ok until_it_says($daemon, 'a', "word\n", qr/fourth y/), 'has another pool';
    ok $daemon->reload($config . <<'CONF'),                 'and one service more';
127.0.0.1:{b} stream tcp nowait nobody pool:{DIR}/pool.pl pool.pl b
CONF
    $daemon->grows(2);
    ready($daemon, 'b');
    is $daemon->ask(b => "word\n"), "fourth b\n", 'it serves';
    ok $daemon->reload($config),                                                  'and one less';
    ok $daemon->wait_log(qr/@{[$daemon->port('b')]}: end, pid \d+, .* exit 0\n/), 'it ends';
    $daemon->grows(-2);
    settled($daemon, 1);
    is $daemon->stop, 0, 'stops';
};

subtest 'over the rate' => sub {
    my $daemon = started(<<'CONF', workers => 1, grows => 2, args => ['--stop-seconds', 1]);
127.0.0.1:{a} on exec = {DIR}/pool.pl, pool = 1, user = nobody, rate = 1/3;
CONF
    ready($daemon);
    is $daemon->ask(a => "word\n"), "first \n", 'one of one is served';
    is $daemon->ask(a => "word\n"), "first \n", 'R8: the next one waits, and is served';
    is $daemon->ask(a => "word\n"), "first \n", 'and so is one more';
    is_deeply [$daemon->log =~ /: says: (\N+)\n/g],
        ['as many as may come have come: clients wait'], 'the log says so, once';
    is $daemon->stop, 0, 'stops';
};

subtest 'trouble' => sub {
    my $daemon = started(<<'CONF', workers => 1, grows => 2, args => ['--stop-seconds', 1]);
127.0.0.1:{a} on exec = {DIR}/pool.pl, pool = 2, user = nobody;
CONF
    my $pool = ready($daemon);
    is $daemon->ask(a => "kill\n") // '', '', 'a worker that is killed';
    ok until_it_says($daemon, 'a', "word\n", qr/first/), 'is replaced';
    kill 'KILL', $pool;
    my $next = ready($daemon);
    isnt $next,                     $pool,      'a pool that is killed is, too';
    is $daemon->ask(a => "word\n"), "first \n", 'and serves';
    my $client = $daemon->connect('a');
    print {$client} "spin\n";
    my $spins = $client;
    $client = $daemon->connect('a');
    print {$client} "word\n";
    is readline $client, "first \n", 'one worker computes for ever, the other serves';
    is $daemon->stop,    0,          'the end comes all the same';
    ok !kill(0, $next), 'and nobody is left';
    is sysread($spins, my $text, 1) || 0, 0, 'nobody at all: whoever was computing has gone';
};

SKIP: {
    skip 'no strace(1)', 1 if system 'strace -V >/dev/null 2>&1';
    subtest 'a pool that cannot be listened to is no pool' => sub {
        my $daemon = started(<<'CONF', workers => 1, grows => 2);
127.0.0.1:{a} on exec = {DIR}/pool.pl, pool = 1, user = nobody;
CONF
        ready($daemon);
        for my $number (1 .. 3) {
            my $end = $daemon->failing(epoll_ctl => 'ENOMEM', $number);
            spew_whole("$daemon->{dir}/pool.pl", $program =~ s/'first'/'number $number'/r);
            ready($daemon);
            like $end->(), qr/INJECTED/, "call $number fails";
            ok until_it_says($daemon, 'a', "word\n", qr/number $number/),
                'then it is started again';
            is scalar settled($daemon, 1), 1, 'and no other one is left';
        }
        is $daemon->stop, 0, 'stops';
    };
}

# A worker that computes, or is stopped, does not hear of anything, and has a process group of its
# own.
subtest 'all end with a pool that is killed, and with netiod' => sub {
    my $config = "127.0.0.1:{a} on exec = {DIR}/pool.pl, pool = 4, user = nobody;\n";
    my $daemon = started($config, workers => 1, grows => 2);
    my @clients;
    my $worker = sub {
        my ($does) = @_;
        push @clients, my $client = $daemon->connect('a');
        print {$client} "who\n$does\n";
        my ($pid) = split ' ', readline $client;
        return $pid;
    };
    # One is left without a client.
    my $busy = sub {
        return map { [$_, $worker->($_)] } 'spin', 'stop', 'groups';
    };

    my $pool = ready($daemon);
    my @busy = $busy->();
    kill 'KILL', $pool;
    ok is_gone($_->[1]), "$_->[0]: a worker, when its pool is killed" for @busy;
    $pool = ready($daemon);
    @busy = $busy->();
    my @all = split ' ', NetIO::Test::Run::slurp("/proc/$pool/task/$pool/children");
    is scalar @all, 4, 'all workers';
    $daemon->kill('KILL');
    is $daemon->wait_end, 'signal 9', 'netiod is killed';
    ok is_gone($_), 'its pool has ended, and each worker' for $pool, @all;
    my $next = started($config, workers => 1, grows => 2, ports => $daemon->{ports});
    ready($next);
    is $next->ask(a => "word\n"), "first \n", 'another netiod has its port';
    is $next->stop,               0,          'stops';
};

# It waits in BEGIN until somebody opens the gate.
subtest 'R15: a pool that nobody needs any more before it is ready' => sub {
    my $echo   = "127.0.0.1:{c} on exec = internal, args = echo;\n";
    my $pool   = "127.0.0.1:{a} on exec = {DIR}/pool.pl, pool = 1, user = nobody;\n";
    my $daemon = started($echo, workers => 1, grows => 2);
    my $gate   = "$daemon->{dir}/gate";
    my $begun  = sub { return $daemon->wait_log(qr/\d+: start, pid (\d+)\n/)->[0] };

    POSIX::mkfifo($gate, 0644) or die "$gate: $!\n";
    spew_whole("$daemon->{dir}/pool.pl",
        $program =~ s/^my \$word/BEGIN { open my \$file, '<', '$gate' } my \$word/mr);
    ok $daemon->reload($echo . $pool), 'a service';
    my $pid = $begun->();
    ok $daemon->reload($echo),                                 'that is gone again';
    ok $daemon->wait_log(qr/: end, pid $pid, .* signal 15\n/), 'its pool is not left behind';
    ok $daemon->reload($echo . $pool),                         'once more';
    $pid = $begun->();
    ok $daemon->upgrade, 'an upgrade';
    is $daemon->left, 0, 'the predecessor ends';
    ok !kill(0, $pid), 'and so has its pool';
    open my $open, '+<', $gate or die "$gate: $!\n";
    ready($daemon);
    is $daemon->ask(a => "word\n"), "first \n", 'that of the successor serves';
    is $daemon->stop,               0,          'stops';
};

subtest 'a program that shuts the listener' => sub {
    my $daemon = started(<<'CONF', workers => 1, grows => 2);
a on listen = 127.0.0.1:{a}, exec = {DIR}/pool.pl, pool = 1, user = nobody;
z on listen = 127.0.0.1:0, exec = {DIR}/pool.pl, pool = 1, user = nobody;
CONF
    $daemon->wait_log(qr/\w: the pool is ready/) for 1 .. 2;
    ($daemon->{ports}{z}) = $daemon->log =~ /z: listening on 127\.0\.0\.1:(\d+)\n/;
    for my $name (qw(a z)) {
        $daemon->ask($name => "shut\n");
        my $said = eventually {
            eval { $daemon->ask($name => "word\n") }
        };
        is $said, "first \n", "$name: listens again, and serves";
    }
    is $daemon->stop, 0, 'stops';
};

subtest 'no program' => sub {
    my $daemon = started(<<'CONF', workers => 0);
127.0.0.1:{a} on exec = {DIR}/none.pl, pool = 1, user = nobody;
CONF
    ok $daemon->wait_log(qr/says: netiod-pool: \S+none\.pl: No such file or directory\n/),
        'the log says so';
    ok $daemon->wait_log(qr/end, pid \d+, .* exit 66\n/), 'the pool ends';
    spew_whole("$daemon->{dir}/none.pl", $program);
    ready($daemon);
    is $daemon->ask(a => "word\n"), "first \n", 'once it is there it is served';
    $daemon->grows(2);
    settled($daemon, 1);
    is $daemon->stop, 0, 'stops';
};

subtest 'an upgrade' => sub {
    my $daemon = started(<<'CONF', workers => 1, grows => 2);
127.0.0.1:{a} on exec = {DIR}/pool.pl, pool = 1, user = nobody;
CONF
    my $pool = ready($daemon);
    my $held = $daemon->connect('a');
    print {$held} "word\n";
    is readline $held, "first \n", 'a client';
    ok $daemon->upgrade, 'of netiod';
    $daemon->since_upgrade;
    my $next = ready($daemon);
    isnt $next,                     $pool,      'the successor has a pool of its own';
    is $daemon->ask(a => "word\n"), "first \n", 'which serves';
    print {$held} "word\n";
    is readline $held, "first \n", 'and the old one its client';
    close $held;
    is $daemon->left, 0, 'then the predecessor ends';
    is $daemon->stop, 0, 'and the successor when it is told to';
};

done_testing;
