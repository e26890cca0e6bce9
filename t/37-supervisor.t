# A supervisor and its workers, from start to stop: netio/supervisor.h.  The daemon is
# t/c/drive-supervisor.c.  B numbers are those of facts/faults.md.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use List::Util ();
use NetIO::Test::C;
use NetIO::Test::Patience;
use NetIO::Test::Run qw(finish slurp start);
use NetIO::Test::Workers;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

sub stat_of {
    my ($pid) = @_;

    return split ' ', slurp("/proc/$pid/stat") =~ s/\A.*\) //sr;    # state, parent, group, session
}

subtest 'two workers' => sub {
    my $s        = NetIO::Test::Workers->start('-w', 2);
    my @children = $s->settled;
    my ($pid, $number, $generation) = $s->who;

    is scalar(@children), 2, 'there are two';
    ok((grep { $_ == $pid } @children), 'one of them answers');
    like $number, qr/\A[12]\z/, 'it is number 1 or 2';
    is $generation, 1, 'of the first generation';
    is((stat_of($_))[2], $_, 'each leads a process group') for @children;
    is_deeply [(stat_of($children[0]))[3]], [(stat_of($s->pid))[3]], 'in the session of before';
    is $s->end('TERM'), 0, 'TERM ends all';
    ok $s->wait_log(qr/^done$/m), 'and run says done';
};

subtest 'B24: no descriptors but its own' => sub {
    my $s  = NetIO::Test::Workers->start('-w', 3);
    my @fd = split ' ', $s->ask("fds\n");

    is((grep { /pidfd|signalfd/ } @fd), 0, 'no pidfds, no signals');
    is((grep { /eventpoll/ } @fd),      1, 'one epoll');
    # The listener, the connection, and the line to the supervisor.
    is((grep { /socket:/ } @fd), 3, 'three sockets');
};

subtest 'as another user' => sub {
    plan skip_all => 'only root can become somebody else' if $> != 0;
    my $s = NetIO::Test::Workers->start('-u', 'nobody');

    is $s->ask("ids\n"), sprintf("%d %d\n", (getpwnam 'nobody')[2, 3]), 'workers are';
    is((slurp('/proc/' . $s->pid . '/status') =~ /^Uid:\s+(\d+)/m)[0], 0, 'the supervisor is not');
    kill 'KILL', ($s->settled)[0];
    is $s->ask("ids\n"), sprintf("%d %d\n", (getpwnam 'nobody')[2, 3]), 'nor does it forget';
};

subtest 'the first workers do not get ready' => sub {
    for (
        ['fail',   qr/^failed option in a bad mood: No such file or directory$/m],
        ['exit 3', qr/^failed child worker 1: exit status 3: ended before it was ready$/m],
        ['sleep',  qr/^failed child worker 1: Connection timed out$/m]
        )
    {
        my ($mood, $says) = @$_;
        my $s = NetIO::Test::Workers->start_raw(
            args => ['-w', 1, '-r', $mood eq 'sleep' ? 0.3 : 30],
            mood => $mood
        );
        is $s->wait_end, 1, "$mood: it ends";
        like $s->log_text, $says, 'and says why';
    }
};

subtest 'an address that cannot be had' => sub {
    my $s     = NetIO::Test::Workers->start;
    my $other = NetIO::Test::Workers->start_raw(args => ["127.0.0.1:$s->{port}"]);

    is $other->wait_end, 1, 'ends before there are workers';
    like $other->log_text,
        qr/^failed bind .*\b127\.0\.0\.1:$s->{port}.*: Address already in use$/m,
        'and says which and why (B28)';
};

subtest 'TERM: what is begun is finished' => sub {
    my $s      = NetIO::Test::Workers->start('-w', 2);
    my $socket = $s->held;

    $s->kill('TERM')->kill('HUP');
    is $s->answer($socket, 'x'), "<.x>\n", 'who had begun to ask gets an answer (B26)';
    is $s->wait_end,             0,        'then it ends';
    unlike $s->log_text, qr/^reloaded/m, 'and HUP beside it begins nothing';
};

subtest 'TERM, INT: at once' => sub {
    for (['TERM', 'TERM'], ['QUIT', 'TERM'], ['TERM', 'INT'], ['INT']) {
        my @signals = @$_;
        my $s       = NetIO::Test::Workers->start('-w', 2);
        my $socket  = $s->held;
        for my $signal (@signals) {
            # One by one: two of the same are one while the first waits.
            $s->kill_taken($signal);
        }
        is $s->wait_end,          0,  "@signals ends it (B26)";
        is $s->read_all($socket), '', 'the connection, too';
    }
};

subtest 'the deadline to drain by' => sub {
    my $s      = NetIO::Test::Workers->start('-w', 1, '-d', 0.2);
    my $socket = $s->held;

    is $s->end('TERM'), 0, 'who has begun to ask is not waited for longer';
};

subtest 'USR1: the log' => sub {
    plan skip_all => 'only root can become somebody else' if $> != 0;
    my $dir = File::Temp->newdir;
    my $s   = NetIO::Test::Workers->start('-w', 1, '-u', 'nobody', '-l', "$dir/log");

    $s->ask("log one\n");
    rename "$dir/log", "$dir/old" or die "rename: $!\n";
    $s->ask("log two\n");
    $s->kill('USR1');
    ok $s->wait_log(qr/^reopen$/m), 'the supervisor opens it again';
    # What the worker was told comes before the next question: it was told first, or has both.
    my $n = 0;
    eventually {
        $s->ask('log three ' . $n++ . "\n");
        -s "$dir/log";
    };
    like slurp("$dir/old"), qr/: one\n.*: two\n/s, 'what came before is in the old one'
        or diag slurp("$dir/old");
    like slurp("$dir/log"), qr/three/, 'a worker that could not open it writes to the new one';
};

subtest 'as a daemon' => sub {
    my $dir     = File::Temp->newdir;
    my $program = c_program('drive-supervisor');

    # It says that it is ready, and its output is at an end: no worker holds it either.
    pipe my $read, my $write or die "pipe: $!\n";
    my $child = start({ stdout => $write }, $program, '-w', 2, '-P', "$dir/pid", '127.0.0.1:0');
    close $write;
    my $said = do { local $/; <$read> };
    is((finish($child))[0], 0, 'the starter says so, too');
    my ($port) = $said =~ /^ready 127\.0\.0\.1:(\d+)$/m or return fail("no port in: $said");
    my $s      = bless { port => $port, owner => 0 }, 'NetIO::Test::Workers';
    my %fd     = $s->ask("fds\n") =~ /(\d+)=(\S+)/g;
    is_deeply [@fd{ 0 .. 2 }], [('/dev/null') x 3], 'workers that were there before have no output';
    is_deeply [grep { m{^\Q$dir\E} } values %fd], [], 'nor the pid file';
    my $pid = slurp("$dir/pid");
    kill 'TERM', $pid;
    ok eventually { !-e "$dir/pid" }, 'which goes with the supervisor';
};

subtest 'status' => sub {
    my $dir = File::Temp->newdir;
    my $s   = NetIO::Test::Workers->start('-w', 2, '-s', "unix:$dir/status,mode=0600");

    $s->ask("x\n") for 1 .. 5;
    my $socket = $s->held;
    my (@line, $open, $accepted);

    # The end of one that has got its answer is still to be seen.
    eventually {
        @line     = split /^/, $s->ask('', path => "$dir/status");
        $open     = List::Util::sum(map { /connections=(\d+)/ } @line);
        $accepted = List::Util::sum(map { /accepted=(\d+)/ } @line);
        $open <= 1;
    };
    is scalar(@line), 2, 'a line a worker';
    my $value = qr/worker=\d generation=1 pid=\d+ state=serving connections=\d accepted=\d/;
    like $_, qr/\A$value datagrams=0(?: refused-[a-z]+=0){6} uptime=\d+\.\d\n\z/, 'as it should be'
        for @line;
    is_deeply [$open, $accepted], [1, 6], 'together they have served all';
    $s->answer($socket, 'x');
};

done_testing;
