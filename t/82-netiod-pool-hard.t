# netiod-pool with programs, clients and workers that go wrong: nothing is left of one connection
# for the next, nobody is waited for without an end, and no worker is lost for good.  Clients close
# before a pool is stopped, which else gives them two seconds to hear of their end.

use strict;
use warnings;

use Config;
use IO::Socket::UNIX;
use Test::More;
use Time::HiRes ();

use lib 't/lib';
use NetIO::Test::Pool;
use NetIO::Test::Process qw(is_gone is_taken);
use NetIO::Test::Run     qw(run slurp);
use NetIO::Test::Talk    qw(heard);

alarm 300;
$SIG{PIPE} = 'IGNORE';

sub pool { return NetIO::Test::Pool->start(@_) }

# Of the one worker.
sub held {
    my ($pool)      = @_;
    my ($worker)    = $pool->workers;
    my ($kilobytes) = slurp("/proc/$worker/status") =~ /^VmRSS:\s+(\d+)/m;
    opendir my $dir, "/proc/$worker/fd" or die "fd: $!\n";

    # Connections before may still wait for their clients' ends, and end as they are looked at.
    my @fds = grep { (readlink "/proc/$worker/fd/$_" // 'socket') !~ /^socket/ } readdir $dir;
    return ($worker, $kilobytes, scalar @fds);
}

subtest 'nothing is left of 10,000 connections' => sub {
    my $pool = pool(<<'PERL');
use strict; use warnings; no warnings 'once';
package Thing; sub new { my $self = bless { list => [1 .. 20], n => $_[1] }, $_[0]; return $self } sub DESTROY { }
package main;
my (%cache, @queue, $closure); our ($global, %global, @global);
my $line = <STDIN> // ''; chomp $line;
sub remember { push @queue, Thing->new(shift); $cache{ $#queue }{deep}{er} = [@queue]; return scalar @queue }
sub walk { my $n = shift; local $_ = $n; exit 3 if $line eq 'exit' && !$n; die Thing->new($n) if $line eq 'object' && !$n; return $n ? walk($n - 1) + 1 : 0 }
open FILE, '<', $0 or die; open my $file, '<', $0 or die; my $first = <FILE>;
$closure = sub { return $line . join ',', map { $_->{n} } @queue };
remember($_) for 1 .. 3; $global = Thing->new(9); @global = ($global) x 5; $global{x} = \@global;
$SIG{USR1} = sub { print $closure->() }; $ENV{"LEFT_$line"} = 'x' x 100; $@ = 'x'; local $/ = undef;
my $big = 'x' x 100_000; $big .= 'y';
my @sorted = sort { exit 5 if $line eq 'sort'; $a <=> $b } 3, 1, 2;
eval { die { code => 5 } }; eval "sub made { return '$line' } 1" or die;
*{"main::dynamic_$line"} = sub { 1 } if 0;
select STDERR; print STDOUT walk(30), "\n";
END { print STDOUT "end\n" }
last if $line eq 'last';
die "dead\n" if $line eq 'die';
PERL
    ok $pool->ready, 'compiles' or diag $pool->err;
    my @ways = qw(none exit object sort die last none);
    my $some = sub { $pool->ask("$ways[$_ % @ways]\n") for 1 .. $_[0] };
    $some->(1000);
    my @before = held($pool);
    $some->(9000);
    my @after = held($pool);
    is $after[0], $before[0], 'by one worker';
    is $after[2], $before[2], 'no descriptor';
    SKIP: {
        skip 'sanitizers hold on to memory', 1 if $ENV{NETIO_TEST_SANITIZED};
        cmp_ok $after[1] - $before[1], '<=', 256, "and no memory (kilobytes, of $before[1])";
    }
    is $pool->ask("none\n"), "30\nend\n", 'and the last one is served as the first';
    is $pool->stop,          0,           'stops';
};

subtest 'a line on standard error that has no end' => sub {
    my $pool = pool(<<'PERL', args => ['--workers', 1]);
my $line = <STDIN>; chomp $line;
sub DESTROY { print STDERR 'gone' }
my $object = bless [] if $line eq 'object';
print STDERR 'half'   if $line eq 'half';
print STDERR "one\ntwo" if $line eq 'more';
print STDERR "whole\n" if $line eq 'whole';
print STDERR join ' ', PerlIO::get_layers(STDERR) if $line eq 'layers';
die { code => 1 } if $line eq 'die';
close STDERR if $line eq 'close';
PERL
    $pool->ask("$_\n") for qw(half none half whole object close more die die layers none);
    is $pool->stop, 0, 'stops';
    is $pool->err =~ s/HASH\(\N+\)/HASH/gr,
        join("\n", qw(half half whole gone one two HASH HASH), 'unix perlio', ''),
        'has its end with the connection';
};

# perl looks for what was not freed in programs that use threads.
subtest 'a worker ends' => sub {
    plan skip_all => 'this perl has no threads' if !$Config{useithreads};
    my $pool = pool(<<'PERL', args => ['--workers', 1]);
use threads; use strict; our ($scalar, @array, %hash) = 1;
sub twice { return 2 * shift }
*other = \&twice; *another = *array;
local $scalar = 2; $hash{x} = [@array];
threads->create(sub { return twice(1) })->join;
if (!fork) { print "child\n"; exit }
wait;
print "parent\n";
PERL
    is $pool->ask("\n"), "child\nparent\n", 'it serves' for 1 .. 3;
    is $pool->stop,      0,                 'it ends';
    is $pool->err,       '',                '... and all was let go';
};

subtest 'clients that go away, or never speak, or never read' => sub {
    my $pool = pool(<<'PERL', args => ['--read-seconds', 8, '--write-seconds', 0.3]);
$| = 1;
my $line = <STDIN>;
if (!defined $line) { print "no line: ", $! + 0, "\n"; exit }
if ($line =~ /ever/) { while (1) { print "ever and ever\n" } }
if ($line =~ /ignore/) { $SIG{PIPE} = 'IGNORE'; my $n = 0; $n++ while print 'x' x 8192; warn "failed: $!\n"; exit }
if ($line =~ /handler/) { $SIG{PIPE} = sub { warn "a handler\n"; exit }; print 'x' x 8192 while 1 }
if ($line =~ /sys/) { syswrite STDOUT, 'x' x 8192 while 1 }
print "read $line";
PERL
    for my $word (qw(ever handler sys)) {
        my $client = $pool->client;
        print {$client} "$word\n";
        sysread $client, my $text, 100;
        close $client;
        is $pool->ask("x\n"), "read x\n", "$word: the next one is served";
    }
    like $pool->err, qr/^a handler\n/m, 'a handler of SIGPIPE is called';
    my $client = $pool->client;
    print {$client} "ignore\n";
    is $pool->ask("y\n"), "read y\n", 'one that never reads ends in time';
    like $pool->err, qr/^failed: Connection timed out\n/m, 'and the program knows why';
    close $client;
    $client = $pool->client;
    like heard($client), qr/^no line: \d+\n/, 'one that never speaks, too';
    close $client;
    is scalar(() = $pool->err =~ /has ended by itself/g), 0, 'all by the same worker';
    is $pool->stop,                                       0, 'stops';
};

subtest 'total_seconds' => sub {
    my $pool  = pool('$| = 1; while (<STDIN>) { print }', args => ['--total-seconds', 3]);
    my $lines = 0;
    # On a slow machine its time may be over before it has said a line.
    while (!$lines) {
        my $client = $pool->client;
        while (print {$client} "line\n") {
            sysread $client, my $text, 100 or last;
            $lines++;
            Time::HiRes::sleep(0.02);
        }
    }
    ok $lines, 'who never stops is stopped';
    is $pool->ask("a\n"), "a\n", 'the next one is served';
    is $pool->stop,       0,     'stops';
};

subtest 'workers that are lost are replaced' => sub {
    my $pool = pool(<<'PERL', args => ['--heartbeat-seconds', 4]);
use POSIX (); $| = 1;
my $line = <STDIN> // ''; chomp $line;
print "$line\n";
if ($line eq 'posix') { POSIX::_exit(3) }
if ($line eq 'kill')  { kill 'KILL', $$ }
if ($line eq 'alarm') { alarm 1; 1 while sleep 100 }
if ($line eq 'spin')  { 1 while 1 }
if ($line eq 'exec')  { exec 'echo', 'executed' }
if ($line eq 'exec2') { exec '/none/there' or print "failed\n" }
if ($line eq 'close') { POSIX::close($_) for 3 .. 40 }
if ($line eq 'term')  { kill 'TERM', $$; sleep 0; print "goes on\n" }
print "served\n";
PERL
    for my $row (
        ['posix', ''],
        ['kill',  ''],
        ['alarm', ''],
        ['spin',  ''],
        ['exec',  "executed\n"],
        ['exec2', "failed\nserved\n"],
        ['close', "served\n"],
        ['term',  "goes on\nserved\n"]
        )
    {
        my ($way, $answer) = @$row;
        is $pool->ask("$way\n") =~ s/^\Q$way\E\n//r, $answer,          $way;
        is $pool->ask("next\n"),                     "next\nserved\n", 'the next one';
    }
    is scalar(() = $pool->err =~ /has ended by itself: exit status 0\n/g), 3,
        'whoever became another program, closed all descriptors, was told to end';
    is $pool->stop, 0, 'stops';
};

subtest 'what a worker has started ends with it, when that computes for ever' => sub {
    my $pool = pool(<<'PERL', args => ['--heartbeat-seconds', 4]);
$| = 1; my $pid = fork // die;
if (!$pid) { close STDIN; close STDOUT; sleep 1 while 1 }
print "$pid\n"; 1 while 1;
PERL
    my ($pid) = $pool->ask('') =~ /^(\d+)\n/ or die $pool->err;
    ok is_gone($pid), 'its child is gone';
    is $pool->stop, 0, 'stops';
};

SKIP: {
    skip 'only root can be another user', 1 if $>;
    subtest 'a worker that has given up what it was' => sub {
        my $pool = pool(<<'PERL');
my $line = <STDIN> // ''; chomp $line;
print "$< $> ", $( + 0, ' ', -d '/proc' ? 'root' : 'no proc', "\n";
if ($line eq 'uid') { $< = $> = 65534 }
if ($line eq 'euid') { $> = 65534 }
if ($line eq 'gid') { $( = $) = 65534 }
if ($line eq 'chroot') { chroot '/var/empty' or chroot '/etc' or die "$!\n"; chdir '/' }
PERL
        is $pool->ask("$_\n"), "0 0 0 root\n", $_ for qw(uid euid gid chroot none none);
        is $pool->stop,        0,              'stops';
    };
}

subtest 'several workers' => sub {
    my $pool = pool(<<'PERL', args => ['--workers', 3]);
my $first = <DATA>;
$| = 1; print "$$ $first";
srand if 0; my $random = rand;
print <DATA> if <STDIN> =~ /rest/;
print "$random\n";
__END__
one
two
three
PERL
    my @clients = map { $pool->client } 1 .. 3;
    my %pids =
        map { heard($_, qr/\n/) =~ /^(\d+) one\n/ ? ($1 => 1) : () } @clients;
    is scalar keys %pids, 3, 'three at once, and each reads DATA from its beginning';
    print {$_} "rest\n" for @clients;
    my %random =
        map { /^two\nthree\n(.*)/s ? ($1 => 1) : () } map { heard($_) } @clients;
    close $_ for @clients;
    is scalar keys %random, 3, 'and has random numbers of its own';
    is $pool->stop,         0, 'stops';
};

subtest 'the end, while somebody is served' => sub {
    my $text   = '$| = 1; print "hello\n"; while (<STDIN>) { print }';
    my $pool   = pool($text, args => ['--stop-seconds', 60]);
    my $client = $pool->client;
    heard($client, qr/hello\n/);
    $pool->signal('TERM');
    print {$client} "more\n";
    is heard($client, qr/\n/), "more\n", 'TERM: it is served to its end';
    close $client;
    is $pool->wait_end, 0, 'which is the end of the pool';

    $pool   = pool($text, args => ['--stop-seconds', 60]);
    $client = $pool->client;
    heard($client, qr/hello\n/);
    $pool->signal('TERM');
    is_taken($pool->pid, 'TERM');
    is $pool->stop('TERM'), 0,  'TERM again: at once';
    is heard($client),      '', 'the client sees the end';
};

subtest 'programs that cannot be served' => sub {
    my @rows = (
        [
            'a fault', "#!/usr/bin/perl\nmy \$x = ;\n",
            255,       qr/^syntax error at \S+program\.pl line 2, near/
        ],
        [
            'a module that is not there',
            "use No::Such::Thing;\n",
            2,
            qr/^Can't locate No.Such.Thing\.pm/
        ],
        ['dies in BEGIN',  "BEGIN { die qq{no\\n} }\n",  255, qr/^no\nBEGIN failed/],
        ['exits in BEGIN', "BEGIN { exit 3 }\nprint 1;", 3,   qr/^\z/],
        [
            'another language', "#!/bin/sh\necho\n",
            66,                 qr/^netiod-pool: \S+program\.pl: not a program in Perl\n\z/
        ],
    );
    for my $row (@rows) {
        my ($name, $text, $exit, $said) = @$row;
        my $pool = pool($text);
        ok !$pool->ready, "$name: not ready";
        like $pool->err, $said, 'says why';
        is $pool->{status} = NetIO::Test::Run::end_of($pool->pid), $exit, "and ends: $exit";
    }
    my $pool = pool('');
    is $pool->ask("a\n"), '', 'an empty one says nothing';
    is $pool->stop,       0,  'stops';
    my @command = ($^X, '-Mblib', 'blib/script/netiod-pool');
    my @listen  = ('--listen', '127.0.0.1:0');
    for my $row (
        [64, qr/usage: netiod-pool/,             '--listen', '127.0.0.1:0'],
        [64, qr/neither --sockets nor --listen/, '/etc/passwd'],
        [64, qr/unknown option: nonsense/,       '--nonsense'],
        [66, qr{/none/there: No such file},      '--listen', '127.0.0.1:0',      '/none/there'],
        [66, qr{/etc: not a file},               '--listen', '127.0.0.1:0',      '/etc'],
        [64, qr/netiod-pool: .*nonsense/,        '--listen', 'nonsense:x:y',     $0],
        [71, qr/netiod-pool: run: bind/,         '--listen', '192.0.2.1:0',      $0],
        [71, qr/ready: descriptor 99: Bad file/, @listen, '--ready',             99,          $0],
        [64, qr/ready: -1 is no descriptor/,     @listen, '--ready',             -1,          $0],
        [64, qr/workers: 0 is not from 1 to 32/, @listen, '--workers',           0,           $0],
        [64, qr/workers: 33 is not from 1 to/,   @listen, '--workers',           33,          $0],
        [64, qr/option x: not a valid network/,  @listen, '--rule',              'allow x',   $0],
        [64, qr/rule: 'deny' is none/,           @listen, '--rule',              'deny',      $0],
        [64, qr/rule: 'workers 3' is none/,      @listen, '--rule',              'workers 3', $0],
        [64, qr/heartbeat_seconds: '0' is not/,  @listen, '--heartbeat-seconds', 0,           $0],
        )
    {
        my ($exit, $said, @args) = @$row;
        my ($got,  undef, $err)  = run(@command, @args);
        is $got, $exit, "@args: $exit";
        like $err, $said, 'says why';
    }
};

subtest 'switches of the first line' => sub {
    my $pool =
        pool(qq{#!/usr/bin/perl -wT\nprint "\${^TAINT} \$^W\\n"; system 'echo ' . <STDIN>;\n});
    is $pool->ask("a\n"), "1 1\n", 'taint and warnings';
    like $pool->err, qr/^Insecure .* while running with -T switch/m, 'are on';
    is $pool->stop, 0, 'stops';
    $pool = pool(qq{#!/usr/bin/perl -n\nprint "line \$_";\n});
    is $pool->ask("a\nb\n"), "line a\nline b\n", 'a loop around it' for 1 .. 2;
    is $pool->stop,          0,                  'stops';
};

subtest 'a unix socket' => sub {
    my $dir      = File::Temp->newdir;
    my $listener = IO::Socket::UNIX->new(Local => "$dir/s", Listen => 5) or die "s: $!\n";
    $listener->blocking(0);
    my $pool = pool(<<'PERL', listener => $listener);
print join ' ', map { "$_=$ENV{$_}" } grep { /^(?:PROTO|UNIX|TCP|REMOTE)/ } sort keys %ENV;
PERL
    my $client = IO::Socket::UNIX->new(Peer => "$dir/s") or die "s: $!\n";
    is heard($client),
          'PROTO=UNIX UNIXLOCALPATH='
        . "$dir/s UNIXREMOTEEGID="
        . ($) + 0)
        . " UNIXREMOTEEUID=$> UNIXREMOTEPID=$$", 'the variables of UCSPI';
    close $client;
    is $pool->stop, 0, 'stops';
};

done_testing;
