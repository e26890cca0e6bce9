# Reloads of a supervisor: netio/supervisor.h.  The daemon is t/c/drive-supervisor.c.  B numbers are
# those of facts/faults.md.

use strict;
use warnings;
use lib 't/lib';

use IO::Socket::INET;
use NetIO::Test::Patience;
use NetIO::Test::Port qw(free_port);
use NetIO::Test::Run  qw(slurp);
use NetIO::Test::Workers;
use POSIX ();
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

subtest 'new workers, then the old ones go' => sub {
    my $s   = NetIO::Test::Workers->start('-w', 2);
    my @old = $s->settled;

    is $s->reload('workers 3'), "reloaded $s->{address}", 'reloaded';
    is $s->generation(2),       2,                        'the second generation answers';
    my @new = $s->settled;
    is scalar(@new), 3, 'in three workers';
    my %old = map { $_ => 1 } @old;
    is_deeply [grep { $old{$_} } @new], [], 'none of them an old one';
    is $s->reload('workers 1'),       "reloaded $s->{address}", 'reloaded again';
    is scalar(my @one = $s->settled), 1,                        'with one';
};

subtest 'B21: a broken configuration changes nothing' => sub {
    my $s   = NetIO::Test::Workers->start('-w', 1);
    my @old = $s->settled;

    NetIO::Test::Run::spew($s->dir . '/conf', '');
    $s->kill('HUP');
    ok $s->wait_log(qr/^broken$/m), 'the program does not reload';
    like $s->reload($s->{address}, 'nonsense:address:x'), qr/^refused option nonsense/,
        'an address that is none is an error';
    my $other = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "listen: $!\n";
    like $s->reload($s->{address}, '127.0.0.1:' . $other->sockport),
        qr/^refused bind .*: Address already in use/, 'and so is one that is taken';
    is_deeply [$s->who], [$old[0], 1, 1], 'the old worker serves, of the old generation';
};

# Soon: a leak detector's process may have a worker's descriptors for a moment longer than it.
sub is_closed {
    my ($port) = @_;

    return eventually { !IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") };
}

subtest 'new workers that do not get ready' => sub {
    my $s    = NetIO::Test::Workers->start('-w', 2, '-r', 2);
    my %old  = map { $_ => 1 } $s->settled;
    my $port = free_port();

    for (
        ['fail',   qr/^kept option in a bad mood: No such file or directory$/],
        ['exit 3', qr/^kept child worker \d: exit status 3: ended before it was ready$/],
        ['sleep',  qr/^kept child worker \d: Connection timed out$/]
        )
    {
        $s->mood($_->[0]);
        like $s->reload($s->{address}, "127.0.0.1:$port"), $_->[1], "$_->[0]: kept";
        ok $old{ ($s->who)[0] }, 'an old worker answers';
        is_deeply [grep { !$old{$_} } $s->settled], [], 'no other is left';
        ok is_closed($port), 'the new address is closed';
    }
    $s->mood('well');
    like $s->reload('workers 2'), qr/^reloaded/, 'and then it works';
};

subtest 'B22, B24: addresses come and go' => sub {
    my $s = NetIO::Test::Workers->start('-w', 2);
    my ($first, $second) = ($s->{address}, '127.0.0.1:' . free_port());

    is $s->reload($first, $second), "reloaded $first $second", 'one more';
    $s->settled;
    my ($port) = $second =~ /:(\d+)/;
    is $s->generation(2, port => $port), 2,                  'it is served';
    is $s->reload($second),              "reloaded $second", 'without the first';
    $s->settled;
    is((grep { /socket:/ } split ' ', $s->ask("fds\n", port => $port)),
        3, 'new workers have nothing of it: a listener, the connection, the supervisor');
    ok is_closed($first =~ /:(\d+)/), 'nobody listens there';
    is $s->reload($first), "reloaded $first", 'and back';
    is $s->generation(4),  4,                 'it is served again';
};

subtest 'B25: a long question across three reloads' => sub {
    my $s      = NetIO::Test::Workers->start('-w', 1);
    my $socket = $s->held;

    like $s->reload('workers 1'), qr/^reloaded/, 'reloaded' for 1 .. 3;
    is $s->generation(4),        4,        'the fourth generation answers';
    is $s->answer($socket, 'x'), "<.x>\n", 'the first still does, to who was there before';
    close $socket;
    is scalar(my @one = $s->settled), 1, 'and ends then';
};

subtest 'B25: but no longer than it may' => sub {
    my $s      = NetIO::Test::Workers->start('-w', 1, '-d', 0.3);
    my $socket = $s->held;

    like $s->reload('workers 1'), qr/^reloaded/, 'reloaded';
    is $s->read_all($socket), '', 'who has not asked until then is cut off';
    $socket = $s->held;
    syswrite $socket, "\n";
    $s->read_all($socket);
    my $stuck = $s->connect;
    syswrite $stuck, "spin\n";
    $s->wait_taken($stuck);
    like $s->reload('workers 1'), qr/^reloaded/, 'reloaded beside one that is stuck';
    ok $s->wait_log(qr/did not end in time: killed/), 'which is killed';
    is scalar(my @one = $s->settled), 1, 'so that one is left';
};

# As many as fit wait with their questions; the reload that finds no place waits for one of them.
subtest 'no place for new workers' => sub {
    my $s = NetIO::Test::Workers->start('-w', 32);
    my @held;

    for (1 .. 32) {
        my $socket = $s->held;
        push @held, $socket;
    }
    # Some workers may hold several, and others none: those end at once.
    like $s->reload('workers 32'), qr/^reloaded/, 'twice as many fit';
    my $drains = $s->children_now - 32;
    ok $drains > 0, "$drains drain";
    push @held, map { $s->held } 1 .. 64;
    $s->kill('HUP');
    $s->wait_log(qr/^reload$/m);
    while (my $socket = shift @held) {
        $s->answer($socket, 'x');
    }
    ok $s->wait_log(qr/^reloaded/m), 'the next one waits for them';
    is scalar(my @all = $s->settled), 32, 'in the end there are as many as before';
};

subtest 'B16: a storm of HUP' => sub {
    my $s = NetIO::Test::Workers->start('-w', 1);
    my ($asked, $answered) = (0, 0);

    $s->config('workers 1');
    for (1 .. 1000) {
        kill 'HUP', $s->pid;
        if ($_ % 10 == 0) {
            $asked++;
            $answered += ($s->ask("x\n") // '') eq "<x>\n";
        }
    }
    is $answered,               $asked,                   'all questions are answered';
    is $s->reload('workers 2'), "reloaded $s->{address}", 'it goes on';
    my $until = time + 30;
    1 while $s->children_now != 2 && time < $until && $s->pump($until);
    is scalar(my @two = $s->settled), 2, 'the last configuration holds';
};

# Clients ask one question after another, each from an address of its own: two connections of the
# same four numbers within a minute would meet in TIME_WAIT.
sub client {
    my ($s, $id, $out) = @_;
    my ($n, $lost, $end) = (0, 0, 0);

    local $SIG{TERM} = sub { $end = 1 };
    alarm 300;
    until ($end) {
        my $from   = sprintf '127.%d.%d.%d', $id, 1 + $n / 250 % 250, 1 + $n % 250;
        my $socket = IO::Socket::INET->new(
            PeerAddr  => $s->{address},
            LocalAddr => $from,
            Timeout   => 30
        );
        my $answer = $socket && syswrite($socket, "q$n\n") ? $s->read_all($socket) : undef;
        last if $end;    # which may have interrupted it
        $lost++ if !defined $answer || $answer ne "<q$n>\n";
        $n++;
    }
    syswrite $out, "$n $lost\n";
    POSIX::_exit(0);
}

subtest 'B20: reloads under load' => sub {
    my $s = NetIO::Test::Workers->start('-w', 2);
    my ($fds, $rss) = ($s->descriptors, memory($s->pid));
    pipe my $in, my $out or die "pipe: $!\n";
    my @client;

    $s->settled;
    for my $id (1 .. 4) {
        my $pid = fork // die "fork: $!\n";
        client($s, $id, $out) if !$pid;
        push @client, $pid;
    }
    close $out;
    is scalar(grep { $s->reload('workers 2') =~ /^reloaded/ } 1 .. 300), 300, '300 reloads';
    kill 'TERM', @client;
    my ($asked, $lost) = (0, 0);
    for (<$in>) {
        my ($n, $bad) = split;
        $asked += $n;
        $lost  += $bad;
    }
    waitpid $_, 0 for @client;
    ok $asked > 100, "$asked questions";
    is $lost, 0, 'none is lost';
    $s->settled;
    is $s->descriptors_as($fds), $fds, 'as many descriptors as before';
    SKIP: {
        skip 'a sanitizer keeps what is freed', 1 if $ENV{NETIO_TEST_SANITIZED};
        cmp_ok memory($s->pid) - $rss, '<=', 256, 'and as much memory (KiB)';
    }
};

sub memory {
    my ($pid) = @_;

    return slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m ? $1 : 0;
}

done_testing;
