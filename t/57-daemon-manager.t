# A daemon in Perl under a service manager, and in the foreground: no fork, the protocol of
# sd_notify, sockets passed, signs of life.  C24.

use strict;
use warnings;

use lib 't/lib';

use File::Temp           ();
use NetIO::Test::Manager qw(passing);
use NetIO::Test::PerlDaemon;
use Socket qw(INADDR_LOOPBACK PF_INET SOCK_STREAM sockaddr_in);
use Test::More;

alarm 300;

my $dir = File::Temp->newdir;

subtest 'under a manager' => sub {
    my $manager = NetIO::Test::Manager->new("$dir/notify");
    my $run     = daemonized(<<'PROGRAM', before => sub { $ENV{NOTIFY_SOCKET} = "$dir/notify" });
        my $before = $$;
        my $daemon = daemonize(pidfile => "$dir/pid", log => 'stderr');
        report("pid $$");
        report('same', $before == $$ ? 'yes' : 'no');
        report('detached', $daemon->detached ? 'yes' : 'no');
        report('variable', defined $ENV{NOTIFY_SOCKET} ? 'there' : 'gone');
        report('inherited', `sh -c 'echo \${NOTIFY_SOCKET-gone}'`);
        report('alive', defined $daemon->alive ? 'watched' : 'not watched');
        $daemon->ready;
        report('told', $daemon->notify(status => "3 clients\nREADY=0\0 \x{263a}"));
        report('told', $daemon->notify('reloading'), $daemon->notify('ready'));
        print "to standard output\n";
        warn "a warning\n";
        $daemon->log(info => 'a line');
        read STDIN, my $byte, 1;
        report('input', length $byte);
        eval { $daemon->notify('sleeping') };
        report('word', $@->message);
        if (!fork) { exit 0 }
        wait;
PROGRAM
    is $run->status, 0, 'ends well' or diag $run->err;
    $run->finish;
    is $run->said('same'),     'yes',         'one process';
    is $run->said('pid'),      $run->pid,     'that which was started';
    is $run->said('detached'), 'no',          'not detached';
    is $run->said($_),         'gone',        "NOTIFY_SOCKET: $_" for qw(variable inherited);
    is $run->said('alive'),    'not watched', 'no watchdog';
    is $run->out,              "to standard output\n",            'output stays';
    is $run->err,              "a warning\nprogram.pl: a line\n", 'standard error stays';
    is $run->said('input'),    0,                                 'input is empty';
    is $run->said('word'), "notify: 'sleeping' is not ready, reloading, stopping or status",
        'wrong word';
    is_deeply [$manager->heard],
        [
        'READY=1',                    'STATUS=3 clients READY=0',
        'MONOTONIC_USEC RELOADING=1', 'READY=1',
        'STOPPING=1'
        ],
        'what the manager has heard';
    ok !-e $run->dir . '/pid', 'the pid file is gone';
};

subtest 'signs of life' => sub {
    my $manager = NetIO::Test::Manager->new("$dir/notify");
    my $before =
        sub { @ENV{qw(NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID)} = ("$dir/notify", 40_000, $$) };
    my $run = daemonized(<<'PROGRAM', before => $before);
        my $daemon = daemonize();
        $daemon->ready;
        my $first = $daemon->alive;
        report('first', $first > 0 && $first <= 0.02 ? 'well' : $first);
        my $again = $daemon->alive;
        report('again', $again > 0 && $again <= 0.02 ? 'well' : $again);
        select undef, undef, undef, $daemon->alive for 1 .. 3;
        $daemon->alive;
        report('gone', join ' ', grep { /WATCHDOG/ } keys %ENV);
PROGRAM
    is $run->status, 0, 'ends well' or diag $run->err;
    $run->finish;
    is $run->said('first'), 'well', 'seconds until the next sign';
    is $run->said('again'), 'well', 'asked again: no more';
    is $run->said('gone'),  '',     'WATCHDOG variables';
    my @heard = $manager->heard;
    is shift @heard, 'READY=1',    'ready';
    is pop @heard,   'STOPPING=1', 'stopping';
    is_deeply [grep { $_ ne 'WATCHDOG=1' } @heard], [], 'and in between signs of life';
    cmp_ok scalar @heard, '>=', 3, 'several';
};

subtest 'managers that are not there' => sub {
    my $run = daemonized(<<'PROGRAM', before => sub { $ENV{NOTIFY_SOCKET} = "$dir/nosuch" });
        my $daemon = daemonize();
        $daemon->ready;
        report('told', $daemon->notify('ready') ? 'yes' : $!{ENOENT} ? 'ENOENT' : $!);
PROGRAM
    is $run->status,       0,        'gone: serves all the same';
    is $run->said('told'), 'ENOENT', 'it is known that nobody was told';
    like $run->err, qr/\Aprogram\.pl: notify ready: No such file or directory\n\z/,
        'the log says so';
    $run->finish;

    $run = daemonized('daemonize()', before => sub { $ENV{NOTIFY_SOCKET} = 'x' });
    like $run->err, qr/\Adaemonize: notify \S+: not a valid address at \S+ line \d+\.\n\z/,
        'no address';
    is $run->status, 22, 'exit code';
    $run->finish;
};

subtest 'C24 sockets that a manager has passed' => sub {
    my @listeners = map {
        socket my $socket, PF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
        bind $socket, sockaddr_in(0, INADDR_LOOPBACK) or die "bind: $!\n";
        listen $socket, 5 or die "listen: $!\n";
        $socket;
    } 1 .. 3;
    my ($port) = sockaddr_in(getsockname $listeners[1]);
    my ($client, $other) = map {
        socket my $socket, PF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
        connect $socket, sockaddr_in($port, INADDR_LOOPBACK) or die "connect: $!\n";
        $socket;
    } 1 .. 2;

    my $run = daemonized(<<'PROGRAM', before => passing(\@listeners, LISTEN_FDNAMES => 'a:web:a'));
        my $daemon = daemonize();
        report('variables', join ' ', grep { /LISTEN/ } sort keys %ENV);
        my ($web) = $daemon->listeners('web');
        report('class', ref $web, fileno $web, $web->sockport);
        report('web again', scalar(() = $daemon->listeners('web')));
        report('others', join ' ', map { fileno $_ } $daemon->listeners);
        my ($again) = $daemon->listeners;
        report('none', defined $again ? 'some' : 'none');
        my $peer = $web->accept;
        print $peer "hello\n";
        close $peer;
        accept my $second, $web or die;
        print $second "again\n";
        report('inherited', join ' ', grep { $_ > 2 } split ' ', `sh -c 'ls /proc/\$\$/fd'`);
        $daemon->ready;
PROGRAM
    is $run->status, 0, 'ends well' or diag $run->err;
    $run->finish;
    is $run->said('variables'), '',                      'LISTEN variables';
    is $run->said('class'),     "NetIO::Socket 4 $port", 'a listener by its name';
    is $run->said('web again'), 0,                       'only once';
    is $run->said('none'),      'none',                  'each only once';
    is $run->said('others'),    '3 5',                   'the others';
    is scalar <$client>,        "hello\n",               'it accepts, as a method';
    is scalar <$other>,         "again\n",               'and as a handle of Perl does';
    is $run->said('inherited'), '',                      'programs do not get them';
};

subtest 'passed in vain' => sub {
    my $run =
        daemonized('daemonize()', before => sub { @ENV{qw(LISTEN_FDS LISTEN_PID)} = ('many', $$) });
    like $run->err, qr/\Adaemonize: option LISTEN_FDS: not a valid option at /, 'no number';
    $run->finish;

    $run = daemonized('daemonize()', before => sub { @ENV{qw(LISTEN_FDS LISTEN_PID)} = (60, $$) });
    like $run->err, qr/\Adaemonize: option LISTEN_FDS: Bad file descriptor at /, 'not open';
    $run->finish;

    $run = daemonized(<<'PROGRAM', before => sub { @ENV{qw(LISTEN_FDS LISTEN_PID)} = (1, 1) });
        my $daemon = daemonize();
        report('detached', $daemon->detached);
        report('sockets', scalar(() = $daemon->listeners));
        report('variables', join ' ', grep { /LISTEN/ } sort keys %ENV);
        $daemon->ready;
PROGRAM
    is $run->status, 0, 'for another process' or diag $run->err;
    $run->finish;
    is $run->said('detached'),  1,  'no manager';
    is $run->said('sockets'),   0,  'no sockets';
    is $run->said('variables'), '', 'no variables';
};

subtest 'foreground' => sub {
    my $run = daemonized(<<'PROGRAM', before => sub { $SIG{HUP} = 'IGNORE'; umask 0777 });
        my $daemon = daemonize(foreground => 1);
        report("pid $$");
        report('umask', umask);
        report('env', join ' ', sort keys %ENV);
        read STDIN, my $byte, 1;
        report('input', length $byte);
        $daemon->ready;
        report('after', read STDIN, $byte, 1);
        print "output\n";
        $daemon->fail('no more', 7);
        END { report('end') }
PROGRAM
    is $run->status,        7,         'the exit code is that of the program itself';
    is $run->said('pid'),   $run->pid, 'one process';
    is $run->said('umask'), oct '022', 'the same world';
    like $run->said('env'), qr/\A(?:LANG |LC_\w+ |LANGUAGE |TZ )*PATH\z/, 'and environment';
    is $run->said('input'), 1,                       'input is there until ready';
    is $run->said('after'), 0,                       'and is empty then';
    is $run->out,           "output\n",              'output stays';
    is $run->err,           "program.pl: no more\n", 'fail';
    like $run->report, qr/^end$/m, 'END';
};

done_testing;
