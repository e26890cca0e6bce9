# One daemon by its pid file, and those who look for it: NetIO::Daemon's running, signal, stop.
# C1, C3.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use NetIO      qw(daemonize);
use NetIO::Daemon;
use NetIO::Error;
use NetIO::Test::PerlDaemon;
use NetIO::Test::Process;
use Test::More;
use Time::HiRes ();

alarm 300;

my $dir  = File::Temp->newdir;
my $path = "$dir/pid";

# The code of what a call dies of, or what it returns.
sub code_of {
    my ($code) = @_;
    my $value;

    return eval { $value = $code->(); 1 } ? $value : ref $@ ? $@->code : $@;
}

sub message_of {
    my ($code) = @_;

    return eval { $code->(); 1 } ? 'nothing' : ref $@ ? $@->message : $@;
}

my $serve = <<'PROGRAM';
    my ($path) = @ARGV;
    my $daemon = daemonize(pidfile => $path);
    report("pid $$");
    my ($over, $heard) = (0, 0);
    $SIG{TERM} = sub { $over = 1 };
    $SIG{HUP}  = sub { report('heard', ++$heard) };
    $daemon->ready;
    select undef, undef, undef, 0.05 while !$over;    # Perl may sleep over a signal
    report('end');
PROGRAM

subtest 'nobody there' => sub {
    is code_of(sub { NetIO::Daemon->running($path) }),       undef, 'running: no file';
    is code_of(sub { NetIO::Daemon->signal($path, 'HUP') }), NetIO::Error::NOTRUNNING, 'signal';
    is message_of(sub { NetIO::Daemon->signal($path, 0) }), "signal: pid file $path: not running",
        'text';
    is code_of(sub { NetIO::Daemon->stop($path) }), 1, 'stop: it does not run';
    open my $file, '>', $path or die;
    print $file "$$\n";
    close $file;
    is code_of(sub { NetIO::Daemon->running($path) }), undef, 'C1 running: a number is no proof';
    is code_of(sub { NetIO::Daemon->stop($path) }),    1,     'C1 stop: nobody is killed';
};

subtest 'start, look, signal, stop' => sub {
    my $run = daemonized($serve, args => [$path]);
    is $run->status, 0, 'C1 ready, over the file of a dead one' or diag $run->err;
    my $pid = $run->said('pid');
    is slurp($path), "$pid\n", 'the file';
    is(NetIO::Daemon->running($path), $pid, 'running');

    my $second = daemonized($serve, args => [$path]);
    isnt $second->status, 0, 'C3 a second one';
    like $second->err, qr/\Adaemonize: pid file \Q$path\E: already running at \S+ line \d+\.\n\z/,
        'which is told why';
    $second->finish;

    is code_of(sub { NetIO::Daemon->signal($path, 'HUP') }), 1, 'signal by name';
    ok $run->wait_report(qr/^heard 1$/m), 'it has come';
    is code_of(sub { NetIO::Daemon->signal($path, 'SIGHUP') }), 1, 'by its long name';
    ok $run->wait_report(qr/^heard 2$/m), 'it has come';
    is code_of(sub { NetIO::Daemon->signal($path, 1) }), 1, 'by number';
    ok $run->wait_report(qr/^heard 3$/m), 'it has come';
    is message_of(sub { NetIO::Daemon->signal($path, $_->[0]) }),
        "signal: '$_->[1]' is not a signal", "signal $_->[1]"
        for ['NOSUCH', 'NOSUCH'], [-1, -1], [65, 65], [undef, ''], ["HUP\0", 'HUP\x00'];

    is(NetIO::Daemon->stop($path), 1, 'stop');
    ok $run->finish, 'it has ended';
    like $run->report, qr/^end$/m, 'by TERM';
    ok !-e $path, 'its file is gone';
    is(NetIO::Daemon->running($path), undef, 'nobody runs');
};

subtest 'stop has a deadline, and runs handlers' => sub {
    my $run = daemonized(<<'PROGRAM', args => [$path]);
        my $daemon = daemonize(pidfile => $ARGV[0]);
        report("pid $$");
        $SIG{TERM} = sub { report('asked') };
        $daemon->ready;
        select undef, undef, undef, 0.05 while 1;    # Perl may sleep over a signal
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    my $before = fds();
    is message_of(sub { NetIO::Daemon->stop($path, timeout => 0.05) }),
        "stop: pid file $path: Connection timed out", 'it goes on';
    {
        local $SIG{ALRM} = sub { die "enough\n" };
        # Not before there is an eval for what the handler dies of.
        my $stop = sub { Time::HiRes::ualarm(20_000); NetIO::Daemon->stop($path, timeout => 60) };
        is message_of($stop), "enough\n", 'a handler that dies';
        alarm 300;
    }
    is fds(), $before, 'no descriptor is left';
    is(NetIO::Daemon->running($path), $run->said('pid'), 'it still runs');
    ok $run->wait_report(qr/^asked$/m), 'it has been asked';
    is code_of(sub { NetIO::Daemon->stop($path, timeout => 0.05, kill => 1) }), 1, 'kill';
    ok $run->finish, 'it has ended';
    is(NetIO::Daemon->running($path), undef, 'nobody runs');
};

subtest 'stop wakes up who is halted on the way, and asks once' => sub {
    my $run = daemonized(<<'PROGRAM', args => [$path]);
        my $daemon = daemonize(pidfile => $ARGV[0]);
        my $over   = 0;
        $SIG{TERM} = sub { report('asked'); $over = 1 };
        $daemon->ready;
        select undef, undef, undef, 0.05 while !$over;
        kill STOP => $$;
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    local $SIG{ALRM} = sub { };
    Time::HiRes::ualarm(20_000, 20_000);
    is code_of(sub { NetIO::Daemon->stop($path, timeout => 60) }), 1, 'it ends';
    Time::HiRes::ualarm(0);
    alarm 300;
    ok $run->finish, 'it has ended';
    is scalar(() = $run->report =~ /^asked$/mg), 1, 'of one TERM, whatever signals came here';
};

subtest 'wrong calls' => sub {
    is message_of(sub { NetIO::Daemon->stop($path, seconds => 1) }),
        "stop: unknown option 'seconds'", 'option';
    is message_of(sub { NetIO::Daemon->stop($path, timeout => 'x') }),
        "stop: 'x' is not a number of seconds",
        'timeout';
    is message_of(sub { NetIO::Daemon->$_(undef) }), "$_: '' is not the path of a pid file",
        "$_: no path"
        for qw(running stop);
    is message_of(sub { NetIO::Daemon->running("a\0") }),
        "running: 'a\\x00' is not the path of a pid file", 'NUL';
    is code_of(sub { NetIO::Daemon->running("$dir") }), NetIO::Error::BADPIDFILE, 'a folder';
    like message_of(sub { NetIO::Daemon::ready('NetIO::Daemon') }), qr/^not a NetIO::Daemon at/,
        'no object';
    like message_of(sub { NetIO::Daemon::log(bless([], 'NetIO::Daemon'), 'info', 'x') }),
        qr/^not a NetIO::Daemon at/, 'an object of no daemon';
};

subtest 'one that is starting' => sub {
    hold($dir);
    my $run = daemonized(<<'PROGRAM', args => [$path, "$dir"], wait => 0);
        my $daemon = daemonize(pidfile => $ARGV[0]);
        report("pid $$");
        wait_go($ARGV[1]);
        $daemon->ready;
PROGRAM
    ok $run->wait_report(qr/^pid /m), 'a daemon is starting';
    is code_of(sub { NetIO::Daemon->running($path) }),            NetIO::Error::STARTING, 'running';
    is code_of(sub { NetIO::Daemon->stop($path, timeout => 0) }), NetIO::Error::STARTING, 'stop';
    like daemonized($serve, args => [$path])->err, qr/: starting, and not ready yet at /,
        'a second start';
    go($dir);
    is $run->wait_starter, 0, 'ready';
    ok $run->finish, 'ends';
    ok !-e $path,    'its file is gone';
};

subtest 'a child that outlives its daemon' => sub {
    my $dir = File::Temp->newdir;
    hold($dir);
    my $run = daemonized(<<'PROGRAM', args => ["$dir"]);
        my $daemon = daemonize(pidfile => "$dir/pid");
        pipe my $read, my $write or die;
        my $pid = fork // die;
        if (!$pid) {
            $daemon->stop;
            report('child', -e "$dir/pid" ? 'leaves the file' : 'has removed the file');
            close $write;
            wait_go($ARGV[0]);
            exit 0;
        }
        close $write;
        readline $read;                          # the child has let go
        $daemon->ready;
        report("pid $$");
        kill KILL => $$;
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->wait_report(qr/^pid /m), 'the daemon is there';
    is $run->said('child'), 'leaves the file', 'stop in a child';
    my $second = daemonized('daemonize(pidfile => "$ARGV[0]/pid")->ready', args => [$run->dir]);
    # The first one may take its time to die of a signal.
    $second = daemonized('daemonize(pidfile => "$ARGV[0]/pid")->ready', args => [$run->dir])
        while $second->status && $second->err =~ /already running|starting/;
    is $second->status, 0, 'another daemon can take its place' or diag $second->err;
    ok $second->finish, 'ends';
    go($dir);
    ok $run->finish, 'the child ends';
};

done_testing;
