# Faults of the Perl modules that make daemons, which bench/part/daemon.pm shows on them, and none of
# which is here.  Where what is not shown below is shown:
#
#     two of them both own the pid file, or report [Started] for what is dead   57-daemon-faults, 57-daemon
#     groups of root kept, a drop that fails or lies not noticed                57-daemon-world, 59-lies
#     all descriptors closed one by one, DATA and handles with them             57-daemon-faults, -handles
#     umask untouched or 0                                                      57-daemon-world
#     no service manager told, no sockets taken from one                        57-daemon-manager
#     a stale pid file stops it, a child removes that of its parent             57-daemon-pidfile, 57-daemon
#     stop and status with exit codes of their own                              58-netio-daemon
#     HUPs during start or restart lost, or deadly                              57-daemon-faults, 58-netio-daemon-restart

use strict;
use warnings;

use lib 't/lib';

use NetIO::Test::PerlDaemon;
use Test::More;

alarm 300;

# App::Daemon and Net::Server read options of their own from @ARGV, --user among them.
subtest 'words of the command line are the program\'s' => sub {
    my $run = daemonized(<<'PROGRAM', args => ['--user=nobody', '--pidfile=/', 'umask', 0]);
        my $daemon = daemonize(umask => '027');
        report('ids', "$< $>");
        report('umask', umask);
        report('words', "@ARGV");
        $daemon->ready;
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('ids'),   "$< $>",                             'they change nothing';
    is $run->said('umask'), oct '027',                           '... of the options';
    is $run->said('words'), '--user=nobody --pidfile=/ umask 0', '... and are all there';
};

subtest 'children are those of the program' => sub {
    my $run = daemonized(<<'PROGRAM');
        my @reaped;
        $SIG{CHLD} = sub { push @reaped, wait };
        my $daemon = daemonize();
        report('before', "@reaped;", wait);
        $SIG{CHLD} = 'DEFAULT';
        $daemon->ready;
        my $pid = fork // die;
        exit 7 if !$pid;
        report('child', wait == $pid ? $? >> 8 : 'another');
        report('after', wait);
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('before'), '; -1', 'daemonize leaves none, and no SIGCHLD';
    is $run->said('child'),  7,      'the first is its own';
    is $run->said('after'),  -1,     'and the last';
};

subtest 'who goes away does not end it' => sub {
    my $run = daemonized(<<'PROGRAM');
        my $daemon = daemonize();
        $daemon->ready;
        socketpair my $near, my $far, 1, 1, 0 or die;
        close $far;
        my $written = syswrite $near, 'x';
        report('written', defined $written ? 'yes' : $!{EPIPE} ? 'EPIPE' : $!);
        print "to nobody\n" for 1 .. 2;
        report('goes on');
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('written'), 'EPIPE', 'a write to nobody is an error';
    like $run->report, qr/^goes on$/m, 'and no more';
};

SKIP: {
    $> == 0                                       or skip 'becoming another user needs root', 1;
    system('unshare --net true 2>/dev/null') == 0 or skip 'no network namespaces here',       1;

    # A pid file of the user's own lets him have root kill whom he likes (CVE-2017-11746).
    subtest 'a low port for another user, whose pid file is root\'s' => sub {
        my $run = daemonized(<<'PROGRAM', wrap => ['unshare', '--net']);
            use Socket;
            my $daemon = daemonize(user => 'nobody', capabilities => 'net_bind_service',
                pidfile => "$dir/pid");
            open my $report, '>>', "$dir/report" or die;        # nobody may not open it
            $daemon->ready;
            socket my $socket, AF_INET, SOCK_STREAM, 0 or die;
            my $bound = bind $socket, sockaddr_in(43, INADDR_ANY);
            my ($capabilities) = `grep CapEff /proc/self/status` =~ /(\w+)$/;
            my @file = stat "$dir/pid";
            printf $report "bound %s\ncapabilities %s\nfile %d %o\nwritten %s\nroot %s\n",
                $bound ? 'yes' : $!, $capabilities, $file[4], $file[2] & 07777,
                open(my $pid, '+<', "$dir/pid") ? 'yes' : 'no', eval { $> = 0; $> == 0 } ? 'yes' : 'no';
PROGRAM
        is $run->status, 0, 'ready' or diag $run->err;
        ok $run->finish, 'ends';
        is $run->said('bound'), 'yes', 'the port is his';
        is $run->said('capabilities'), sprintf('%016x', 1 << 10),
            'with that capability, and no other';
        is $run->said('root'),    'no',    'none that would make him root';
        is $run->said('file'),    '0 600', 'the pid file is root\'s, for root alone';
        is $run->said('written'), 'no',    'and not for him to write';
    };
}

done_testing;
