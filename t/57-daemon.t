# Becoming a daemon in Perl: what the starter learns, and that a program that becomes two processes
# on the way still does each thing once, in the right one.  C11, C13.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use IO::Socket::INET;
use NetIO::Daemon;
use NetIO::Test::PerlDaemon;
use NetIO::Test::Port qw(free_port);
use Test::More;

alarm 300;

subtest 'one program, done once' => sub {
    my $run = daemonized(<<'PROGRAM');
        sub DESTROY { report("destroyed $$") }
        my $object = bless [];
        END { report("end $$") }
        use POSIX ();
        report("starter $$ ", POSIX::getpgrp());
        print 'buffered before, ';
        my $at_first = <DATA>;
        my $daemon = daemonize();
        report('pid', $$);
        report('proc', readlink '/proc/self');
        report('group', POSIX::getpgrp());
        report('class', ref $daemon);
        report('detached', $daemon->detached);
        report('data', $at_first . <DATA> =~ tr/\n//dr);
        report('child', scalar `echo works`);
        print "buffered after\n";
        $daemon->ready;
        print "nobody sees this\n";
        print STDERR "nor this\n" for 1 .. 2;
        report("tty ", open(my $tty, '<', '/dev/tty') ? 'yes' : 'no');
__DATA__
first,
second
PROGRAM
    is $run->status, 0, 'the starter: ready';
    ok $run->finish, 'the daemon: ends by itself';
    my ($starter) = split ' ', $run->said('starter');
    my $pid       = $run->said('pid');
    is $starter,               $run->pid, '$$ before';
    isnt $pid,                 $starter,  'another process';
    is $run->said('proc'),     $pid,      '$$ is its number';
    isnt $run->said('group'),  $pid,      'it leads no process group';
    isnt $run->said('group'),  $starter,  'and has not that of its starter';
    is $run->said('class'),    'NetIO::Daemon';
    is $run->said('detached'), 1;
    like $run->report, qr/^data first,\nsecond$/m, 'DATA goes on';
    is $run->said('child'), 'works', 'backticks';
    is $run->said('tty '),  'no',    'C11 no terminal';
    is_deeply [$run->report =~ /^end (\d+)$/mg],       [$pid], 'END: once, in the daemon';
    is_deeply [$run->report =~ /^destroyed (\d+)$/mg], [$pid], 'DESTROY: once, in the daemon';
    is $run->out, "buffered before, buffered after\n", 'nothing is printed twice';
    is $run->err, '',                                  'nothing on standard error';
};

subtest 'what Perl code finds in $!, $@ and $?' => sub {
    my $run = daemonized(<<'PROGRAM');
        my ($daemon, @changed);
        sub see {
            my ($name, $code) = @_;
            ($!, $@, $?) = (5, 'at', 3);
            $code->();
            push @changed, $name if $! + 0 != 5 || $@ ne 'at' || $? != 3;
        }
        see(daemonize => sub { $daemon = daemonize(log => "$dir/log", pidfile => "$dir/pid") });
        for (['log', 'info', 'x'], ['alive'], ['notify', 'status', 'x'], ['listeners'], ['drop'],
            ['ready'], ['reopen'], ['stop']) {
            my ($name, @values) = @$_;
            see($name => sub { $daemon->$name(@values) });
        }
        see(warn => sub { warn "to the log\n" });
        ($!, $@, $?) = (0, '', 0);
        report('changed', "@changed" || 'nothing');
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('changed'), 'nothing', 'is what was there before';
};

# What follows daemonize, what the starter exits with, and what is on standard error.
my @ends = (
    ['dies',              'die "no such table\n"',   qr/\Ano such table\n\z/, 255],
    ['dies with $!',      '$! = 13; die "closed\n"', qr/\Aclosed\n\z/,        13],
    ['dies of an object', 'tcpopen("", 1)', qr/\Atcpopen: no host given at \S+ line \d+\.\n\z/, 22],
    ['exits',             'exit 3',         qr/\A\z/,                                           3],
    ['exits in END',      'END { $? = 4 } exit 3',        qr/\A\z/,                             4],
    ['leaves',            'POSIX::_exit(5)',              qr/\A\z/,                             5],
    ['fails',             '$daemon->fail("no port", 71)', qr/\Aprogram\.pl: no port\n\z/,       71],
    ['fails plainly',     '$daemon->fail("no port")',     qr/\Aprogram\.pl: no port\n\z/,       1],
    [
        'is killed',
        'kill KILL => $$; sleep 60',
        qr/\Aprogram\.pl: daemonize signal 9: ended before it was ready\n\z/, 137
    ],
    [
        'is terminated',
        'kill TERM => $$; sleep 60',
        qr/\Aprogram\.pl: daemonize signal 15: ended before it was ready\n\z/, 143
    ],
    [
        'goes away',
        'if (my $pid = fork) { exit 0 } sleep 60',
        qr/\Aprogram\.pl: daemonize exit 0: ended before it was ready\n\z/, 70
    ],
    [
        'hangs', 'sleep 60',
        qr/\Aprogram\.pl: daemonize killed after 0.3 s: starting, and not ready yet\n\z/, 75
    ],
);

subtest 'C13 the starter learns the truth' => sub {
    for (@ends) {
        my ($name, $code, $text, $status) = @$_;
        my $seconds = $name eq 'hangs' ? 0.3 : 60;
        my $run     = daemonized(<<"PROGRAM");
            use POSIX ();
            my \$daemon = daemonize(ready_seconds => $seconds);
            report("pid \$\$");
            \$! = 0;
            $code;
PROGRAM
        is $run->status, $status, "$name: exit code";
        ok $run->finish, "$name: nothing goes on";
        like $run->err, $text, "$name: standard error";
    }
};

subtest 'the starter is interrupted' => sub {
    my $dir = File::Temp->newdir;
    hold($dir);
    my $run = daemonized(<<'PROGRAM', wait => 0, args => ["$dir"]);
        $SIG{INT} = $SIG{TERM} = sub { report('a handler in the starter') };
        report("starter $$");
        my $daemon = daemonize();
        report("pid $$");
        wait_go($ARGV[0]);                   # the starter is gone then
        report('ready ', eval { $daemon->ready } ? 'yes' : $@->code_name);
PROGRAM
    ok $run->wait_report(qr/^pid /m), 'a daemon is starting';
    kill TERM => $run->pid;
    is $run->wait_starter, 'signal 15', 'a handler of Perl does not hold it';
    go($dir);
    ok $run->finish, 'the daemon ends';
    is $run->said('ready '), 'EPIPE', 'and has been told by ready';
    unlike $run->report, qr/handler/, 'no handler has run';
};

subtest 'what is refused' => sub {
    my $run = daemonized(<<'PROGRAM');
        require threads;
        my $thread = threads->create(sub { sleep 60 });
        eval { daemonize() };
        report('threads', $@->message, $@->code_name);
        require POSIX;
        POSIX::_exit(9);
PROGRAM
    is $run->status,          9,                                            'the program goes on';
    is $run->said('threads'), 'daemonize: other threads are running EBUSY', 'other threads';
    $run->finish;

    $run = daemonized(<<'PROGRAM');
        my $daemon = daemonize();
        eval { daemonize() };
        report('again', $@->message);
        $daemon->ready;
        eval { $daemon->ready };
        report('ready', $@->message);
        $daemon->stop for 1 .. 2;
        eval { $daemon->$_ } || report($_, $@->message) for 'ready', 'drop';
PROGRAM
    is $run->status, 0, 'ready';
    ok $run->finish, 'ends';
    is $run->said('again'), 'daemonize: this process has called it before',          'twice';
    is $run->said('ready'), 'ready: daemonize ready: Operation already in progress', 'ready twice';
    like $run->report, qr/^ready ready: after stop$/m, 'ready after stop';
    is $run->said('drop'), 'drop: after stop', 'drop after stop';
};

subtest 'threads and children of the daemon' => sub {
    my $run = daemonized(<<'PROGRAM');
        my $daemon = daemonize(pidfile => "$dir/pid");
        $daemon->ready;
        report("pid $$");
        if (eval { require threads; 1 }) {
            my ($seen) = threads->create(sub { ref $daemon })->join;
            report('thread', $seen);
        }
        my $pid = fork // die;
        exit 0 if !$pid;
        waitpid $pid, 0;
        report('after child', -s "$dir/pid" ? 'pid file' : 'nothing');
        report('running', NetIO::Daemon->running("$dir/pid"));
        exit 0;
        END { report("end $$") }
PROGRAM
    is $run->status, 0, 'ready';
    ok $run->finish, 'ends';
    unlike $run->said('thread') // '', qr/Daemon/, 'in a thread there is no such object';
    is $run->said('after child'), 'pid file',        'the end of a child is not that of the daemon';
    is $run->said('running'),     $run->said('pid'), 'which still runs';
    ok !-e $run->dir . '/pid', 'its own end removes the pid file';
};

subtest 'the SYNOPSIS' => sub {
    my ($code) = slurp('lib/NetIO/Daemon.pm') =~ /^=head1 SYNOPSIS\n(.*?)^=head1/ms;
    my $dir = File::Temp->newdir;
    open my $grains, '>', "$dir/grains" or die $!;
    print $grains "1\nstone\n3\n";
    close $grains;
    my $run = daemonized("my \$folder = \$dir;\n$code", dir => $dir);
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->err, '', 'nothing on standard error';
    my $head = qr/\S+ program\.pl\[\d+\]: /;
    like slurp("$dir/hourglass.log"), qr/\A${head}counting\n${head}not a grain: stone\n/, 'the log';
    ok !-e "$dir/hourglass.pid", 'no pid file is left';

    unlink "$dir/grains";
    $run = daemonized("my \$folder = \$dir;\n$code", dir => $dir);
    is $run->status, 66,                                                'fail';
    is $run->err,    "program.pl: grains: No such file or directory\n", 'and why';
    $run->finish;
};

subtest 'the smallest daemon' => sub {
    my $dir  = File::Temp->newdir;
    my $port = free_port();
    my @how  = (raw => 1, pidfile => "$dir/pid", args => [$port, "$dir/pid"]);
    my $run  = daemonized(slurp('eg/daemon.pl'), raw => 1);
    is $run->status, 255,                               'wrong call' or diag $run->err;
    is $run->err,    "usage: daemon.pl PORT PIDFILE\n", 'says how';
    $run->finish;
    $run = daemonized(slurp('eg/daemon.pl'), @how);
    is $run->status, 0, 'ready' or diag $run->err;
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
    like scalar <$client>, qr/ \d\d:\d\d:\d\d /, 'serves';
    my $second = daemonized(slurp('eg/daemon.pl'), @how);
    like $second->err, qr/already running/, 'one is enough';
    $second->finish;
    ok(NetIO::Daemon->stop("$dir/pid"), 'stop');
    ok $run->finish,   'ends';
    ok !-e "$dir/pid", 'no pid file is left';
};

done_testing;
