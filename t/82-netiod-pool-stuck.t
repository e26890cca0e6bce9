# netiod-pool and workers that do not go on: stopped (SIGSTOP) with a client and without one, or
# waiting for something else than their client when its time is over, or out of descriptors.  And
# all of them end with the pool, whatever they do.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use NetIO::Test::Pool;
use NetIO::Test::Patience;
use NetIO::Test::Process qw(is_gone);
use NetIO::Test::Run     ();
use NetIO::Test::Talk    qw(heard);

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $program = <<'PERL';
$| = 1;
my $line = <STDIN> // ''; chomp $line;
print "$$\n";
if ($line eq 'stop')  { kill 'STOP', $$ }
if ($line eq 'spin')  { 1 while 1 }
if ($line eq 'sleep') { sleep 100 while 1 }
if ($line eq 'read')  { 1 while <STDIN> }
if ($line eq 'block') { $SIG{$_} = 'IGNORE' for qw(TERM INT QUIT HUP ALRM); sleep 100 while 1 }
if ($line eq 'child') { system 'echo $$; exec sleep 100' }
PERL

sub pool { return NetIO::Test::Pool->start($program, args => [@_]) }

# A client, and the pid of who serves it.
sub served {
    my ($pool, $word) = @_;
    my $client = $pool->client;

    print {$client} "$word\n";
    my ($pid) = heard($client, qr/\n/) =~ /^(\d+)\n/;
    return ($client, $pid);
}

# It comes to that a moment after it has said so.
sub is_stopped {
    my ($pid) = @_;

    return eventually { NetIO::Test::Run::slurp("/proc/$pid/stat") =~ /\) T / };
}

subtest 'stopped while it serves' => sub {
    my $pool = pool('--heartbeat-seconds', 4);
    my ($client, $pid) = served($pool, 'stop');
    my ($next) = $pool->ask("x\n") =~ /^(\d+)\n\z/;
    isnt $next, $pid, 'another one takes its place';
    like $pool->err, qr/worker 1 .* does not go on: killed\n/, 'and the log says so';
    ok is_gone($pid), 'it is gone';
    is heard($client), '', 'its client sees the end';
    is $pool->stop,    0,  'stops';
};

subtest 'stopped while it has no client' => sub {
    my $pool = pool('--heartbeat-seconds', 4, '--workers', 2);
    my ($idle, $other) = $pool->workers;
    kill 'STOP', $idle;
    ok is_stopped($idle), 'it is stopped';
    is $pool->ask("x\n"), "$other\n", 'the other one serves' for 1 .. 20;
    kill 'CONT', $idle;
    my ($client, $pid)  = served($pool, 'read');
    my ($second, $last) = served($pool, 'read');
    is_deeply [sort $pid, $last], [sort $idle, $other], 'then both do';
    close $_ for $client, $second;
    is $pool->err,  '', 'nothing is said of it';
    is $pool->stop, 0,  'stops';
};

subtest 'past the time of its connection' => sub {
    my $pool = pool('--heartbeat-seconds', 4, '--total-seconds', 5);
    for my $word (qw(sleep block child)) {
        my ($client, $pid, $child);
        # On a slow machine its time may be over before it has said who it is.
        until ($child) {
            ($client, $pid) = served($pool, $word);
            ($child) = $word eq 'child' ? heard($client, qr/\n/) =~ /(\d+)/ : $pid;
        }
        like $pool->ask("x\n"), qr/^\d+\n\z/, "$word: the next one is served";
        ok is_gone($_), 'it is gone' for $pid, $child;
        close $client;
    }
    cmp_ok scalar(() = $pool->err =~ /does not go on: killed/g), '>=', 3, 'and the log says so';
    is $pool->stop, 0, 'stops';
};

subtest 'out of descriptors' => sub {
    my $pool = NetIO::Test::Pool->start(<<'PERL');
use POSIX (); my @fds = grep { defined } map { POSIX::open('/dev/null') } 1 .. 10;
print scalar @fds, $fds[-1] < 200 ? ' low' : ' high', "\n";
PERL
    is $pool->ask(''), "10 low\n", 'it has as many as it opens' for 1 .. 50;
    unlike $pool->err, qr/Too many/, 'and so has the server';
    is $pool->stop, 0, 'stops';
};

subtest 'all end with a pool that is killed' => sub {
    my $pool   = pool('--workers', 6);
    my @served = map { [$_, served($pool, $_)] } qw(stop spin sleep read block);
    my %busy   = map { $_->[2] => $_->[0] } @served;
    ok is_stopped($_->[2]), 'one is stopped' for grep { $_->[0] eq 'stop' } @served;
    my @workers = $pool->workers;
    is scalar @workers,     6,          'one has no client';
    is $pool->stop('KILL'), 'signal 9', 'the pool is killed';
    ok is_gone($_), $busy{$_} // 'none' for @workers;
};

done_testing;
