# F9: nothing is left of a daemonize that fails, of looking for daemons, and of what a daemon does:
# no value, no descriptor, no memory.

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

alarm 300;

my $dir = File::Temp->newdir;
symlink 'nowhere', "$dir/link" or die;

my %case = (
    'wrong options' => sub {
        eval { daemonize(@$_) }
            for ['x'], [x => 1], [umask => 'x'], [keep => [\*STDIN, 'x']], [pidfile => "a\0"],
            [log => 'x', limits => { nofile => 1, x => 1 }], [environment => ['A', '']],
            [capabilities => ['kill', 'x']], [ready_seconds => 'x'], [pidfile => 'x' x 10_000];
    },
    'a user that is not there' => sub {
        eval { daemonize(user => 'no such user') }
    },
    'a log that is not there' => sub {
        eval { daemonize(user => 'root', log => "$dir/no/such") }
    },
    'a pid file that is none' => sub {
        eval {
            daemonize(
                user        => 'root',
                log         => "$dir/log",
                pidfile     => "$dir/link",
                name        => 'x',
                environment => ['A*', 'B=1'],
                keep        => \*STDIN,
                limits      => { nofile => [1, 2] }
            );
        };
    },
    'nobody runs' => sub {
        NetIO::Daemon->running("$dir/nosuch");
        NetIO::Daemon->stop("$dir/nosuch", timeout => 1, kill => 1);
        eval { NetIO::Daemon->signal("$dir/nosuch", 'HUP') };
        eval { NetIO::Daemon->signal("$dir/nosuch", 'NOSUCH') };
        eval { NetIO::Daemon->running("$dir/link") };
        eval { NetIO::Daemon->stop("$dir/nosuch", x => 1) };
    },
    'no object' => sub {
        my $none = bless [], 'NetIO::Daemon';
        eval { $none->$_('info', 'x') }
            for qw(ready drop fail detached name log reopen notify alive);
    },
);

# Before anything is opened here: these daemonize, and fail late.
my $running = daemonized(<<'PROGRAM', args => ["$dir/pid"], pidfile => "$dir/pid");
    my $daemon = daemonize(pidfile => $ARGV[0]);
    report("pid $$");
    $daemon->ready;
    sleep 60 while 1;
PROGRAM
is $running->status, 0, 'a daemon' or diag $running->err;
$case{'one that runs'} = sub {
    NetIO::Daemon->running("$dir/pid");
    NetIO::Daemon->signal("$dir/pid", 0);
    eval { daemonize(pidfile => "$dir/pid", log => "$dir/log") };
};

SKIP: {
    eval { require Test::LeakTrace; 1 } or skip 'no Test::LeakTrace here', scalar keys %case;
    for my $name (sort keys %case) {
        $case{$name}->() for 1 .. 3;    # what Perl allocates once, and keeps
        Test::LeakTrace::no_leaks_ok($case{$name}, "F9 $name");
    }
    alarm 300;
}

for my $name (sort keys %case) {
    $case{$name}->() for 1 .. 300;
    my ($descriptors, $memory) = (fds(), kilobytes());
    $case{$name}->() for 1 .. 1000;
    is fds(), $descriptors, "$name 1000 times: descriptors";
    cmp_ok kilobytes() - $memory, '<=', 256, "$name 1000 times: kilobytes";
}
ok(NetIO::Daemon->stop("$dir/pid"), 'stop');
$running->finish;

my $run =
    daemonized(<<'PROGRAM', wait => 0, before => sub { $ENV{NOTIFY_SOCKET} = '@nobody there' });
    my $daemon = daemonize(log => "$dir/log");
    $daemon->ready;
    my %case = (
        log    => sub { $daemon->log(info => "a line\0\n\x{263a}\n"); $daemon->reopen },
        notify => sub {
            $daemon->notify(status => 'x' x 1000);
            $daemon->notify('ready');
            $daemon->alive;
        },
        listeners => sub { my @list = ($daemon->listeners, $daemon->listeners('x')) },
        errors => sub {
            eval { $daemon->log(loud => 1) };
            eval { $daemon->notify('x') };
            eval { $daemon->ready };
        },
    );
    my $memory = sub { open my $f, '<', '/proc/self/statm' or die; 4 * (split ' ', <$f>)[1] };
    my $fds = sub { opendir my $d, '/proc/self/fd' or die; scalar(() = readdir $d) };
    for my $name (sort keys %case) {
        $case{$name}->() for 1 .. 2000;
        my @before = ($fds->(), $memory->());
        $case{$name}->() for 1 .. 10_000;
        report($name, $fds->() - $before[0], $memory->() - $before[1]);
        truncate "$dir/log", 0;
    }
PROGRAM
is $run->wait_starter, 0, 'the daemon itself' or diag $run->err;
$run->finish;
for my $name (qw(errors listeners log notify)) {
    my ($descriptors, $kilobytes) = split ' ', $run->said($name);
    is $descriptors, 0, "$name 10000 times: descriptors";
    cmp_ok $kilobytes, '<=', 256, "$name 10000 times: kilobytes";
}

done_testing;
