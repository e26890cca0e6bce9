# An upgrade: the program is executed anew and has the listeners, paths, pid file and manager of its
# predecessor; or it does not become ready, and nothing has changed (B23).

use strict;
use warnings;
use lib 't/lib';

use IO::Socket::UNIX;
use NetIO::Test::Upgrade;
use Socket qw(AF_UNIX SOCK_DGRAM pack_sockaddr_un);
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;
delete @ENV{qw(NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID LISTEN_FDS LISTEN_PID NETIO_UPGRADE)};

my $class = 'NetIO::Test::Upgrade';

sub path {
    my ($name) = @_;
    return sub { 'unix:' . $_[0]->dir . "/$name,mode=0640" }
}

sub ask_path {
    my ($path) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $path) or return "connect: $!";
    my $line   = <$socket>;

    chomp $line if defined $line;
    return $line;
}

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or return "no $file";
    local $/ = undef;
    return scalar <$in>;
}

# ---- it succeeds

{
    my $u = $class->start(addresses => [path('s'), 'udp:127.0.0.1:0', '127.0.0.1:0']);
    my ($first, $env) = $u->heard('ready');
    my $path = $u->dir . '/s';
    my $fds;
    my $inode = (stat $path)[1];

    is $u->ask, $first, 'it serves';
    for my $round (1 .. 5) {
        my $before = $u->serves;
        $u->usr2;
        my (undef, $child) = $u->heard('starting');
        my ($pid,  $clean) = $u->heard('ready');
        is $pid,                         $child,  "round $round: the successor is ready";
        is $clean,                       'clean', 'its environment does not say so any more';
        is + ($u->heard('upgraded'))[0], $before, 'its predecessor has ended';
        is $u->reap,                     0,       '... with 0' if $round == 1;
        is $u->ask,                      $pid,    'it serves';
        is ask_path($path),              $pid,    'at the path, too';
        $fds ||= $u->descriptors_idle;
    }
    is $u->descriptors($fds), $fds,   'R30: the last has no descriptor more than the second';
    is + (stat $path)[1],     $inode, 'the path is still the same socket';
    $u->stop;
    ok !-e $path, 'whoever is the last removes it';
    is $u->ask, 'connect: Connection refused', 'and closes what was left by the first';
}

# ---- B23: it fails, in each way and at each step

my @fails = (
    ['exit',  'ended before it was ready', ' (exit code 3)'],
    ['crash', 'ended before it was ready', ' (signal 9)'],
    ['stop',  'ended before it was ready', ' (exit code 0)'],
    ['late',  'ended before it was ready', ' (exit code 4)'],
);
{
    my $u = $class->start(
        args      => ['-f', '-p', sub { $_[0]->dir . '/pid' }],
        addresses => [path('s')],
    );
    my ($pid) = $u->heard('ready');
    my ($path, $program, $fds) = ($u->dir . '/s', $u->program, $u->descriptors_idle);

    my $unchanged = sub {
        my ($name) = @_;
        is $u->ask,                 $pid,     "B23 $name: the old one serves";
        is ask_path($path),         $pid,     '... at the path, too';
        is slurp($u->dir . '/pid'), "$pid\n", '... the pid file says so';
        is $u->descriptors($fds),   $fds,     '... no descriptor is left';
    };
    for my $row (@fails) {
        my ($behaviour, $why, $how) = @$row;
        $u->behave($behaviour);
        $u->usr2;
        $u->heard('starting');
        is + ($u->heard('kept'))[1], "exec $program$how: $why", "B23 $behaviour: says why";
        $unchanged->($behaviour);
    }
    $u->behave('words');
    $u->usr2;
    $u->heard('starting');
    is + ($u->heard('kept'))[1],
        'exec option my.conf:17: not a valid option: ended before it was ready',
        'B23 one that says why: in its words';
    $unchanged->('words');

    my %programs = (
        missing           => [undef, 'No such file or directory'],
        'not executable'  => [sub { chmod 0644, $_[0] }, 'Permission denied'],
        'another format'  => [sub { chmod 0755, $_[0] }, 'Exec format error'],
        'another machine' => [
            sub {
                open my $out, '>', $_[0] or die "$!";
                print $out "\x7fELF\x02\x01\x01", "\0" x 9, pack('v v V', 2, 0xF3, 1), "\0" x 200;
                close $out;
                chmod 0755, $_[0];
            },
            'Exec format error'
        ],
    );
    for my $name (sort keys %programs) {
        my ($make, $why) = @{ $programs{$name} };
        unlink $program;
        if ($make) {
            open my $out, '>', $program or die "$program: $!\n";
            print $out "\0nonsense\n";
            close $out;
            $make->($program);
        }
        $u->usr2;
        is + ($u->heard('kept'))[1], "exec $program: $why", "B23 a program that is $name";
        $unchanged->($name);
    }
    unlink $program;
    symlink $class->driver, $program;
    $u->behave('');
    $u->usr2;
    $u->heard('starting');
    my ($next) = $u->heard('ready');
    $u->heard('upgraded');
    is slurp($u->dir . '/pid'), "$next\n", 'after all that it succeeds, and has the pid file';
    $u->stop;
    ok !-e $u->dir . '/pid', 'which it removes';
    ok !-e $path,            'as it does the path';
}

# ---- thousands of listeners

SKIP: {
    my $max = `bash -c 'ulimit -Hn'`;
    skip 'needs more descriptors', 1 if $max =~ /^(\d+)/ && $1 < 3000;
    my $u = $class->start(args => ['-n', 2000]);
    $u->heard('ready');
    my $sockets = sub {
        return join ' ', sort { $a <=> $b }
            map { (readlink || '') =~ /^socket:\[(\d+)/ ? $1 : () }
            glob "/proc/@{[ $u->serves ]}/fd/*";
    };
    my $fds   = $u->descriptors_idle;
    my $first = $sockets->();
    for (1, 2) {
        $u->usr2;
        $u->heard($_) for qw(starting ready upgraded);
    }
    cmp_ok $fds, '>', 2000, 'R30: 2,001 listeners';
    is $sockets->(), $first,     'R30: are the same sockets after two upgrades';
    is $u->ask,      $u->serves, 'and served';
    $u->stop;
}

# ---- something more is handed over

{
    my $u = $class->start(args => ['-e', '-t', '10'], addresses => [path('s')]);
    my ($pid, $said) = $u->heard('ready');
    is $said, 'clean', 'nobody was before it';
    my $fds;
    for (1, 2) {
        $u->usr2;
        $u->heard('starting');
        my ($next, $handed) = $u->heard('ready');
        $u->heard('upgraded');
        is $handed, "clean gift of $pid", 'the successor has what was handed over';
        $pid = $next;
        $fds ||= $u->descriptors_idle;
    }
    is $u->descriptors($fds), $fds, 'and nothing of it is left open';
    my %why = (
        refuse => ': No space left on device',
        late   => ' (exit code 4): ended before it was ready',
        mute   => ': Connection timed out',
    );
    for my $behaviour (qw(refuse late mute)) {
        $u->behave($behaviour);
        $u->usr2;
        $u->heard('starting');
        is + ($u->heard('kept'))[1], 'exec ' . $u->program . $why{$behaviour}, "$behaviour: kept";
        is $u->ask,                  $pid,                                     '... it serves';
        is ask_path($u->dir . '/s'), $pid, '... at its path, too';
        is $u->descriptors($fds),    $fds, '... nothing is left open';
    }
    $u->behave('orphan');
    $u->usr2;
    my ($next, $handed) = $u->heard('ready', 'starting');
    is $handed, 'clean nothing', 'a predecessor that dies hands nothing over';
    is $u->ask, $next,           'its successor serves all the same';
    kill TERM => $next;
    $u->heard('stopped');
    delete $u->{serves};
}

# ---- too slow

for my $behaviour (qw(hang mute)) {
    my $u = $class->start(args => ['-t', '4'], addresses => [path('s')]);
    my ($pid) = $u->heard('ready');
    $u->behave($behaviour);
    $u->usr2;
    my (undef, $child) = $u->heard('starting');
    is + ($u->heard('kept'))[1], 'exec ' . $u->program . ': Connection timed out',
        "B23 $behaviour: not ready in time";
    ok !kill(0, $child), 'it was killed';
    is $u->ask,                  $pid, 'the old one serves';
    is ask_path($u->dir . '/s'), $pid, 'at its path';
    $u->stop;
}

# ---- the predecessor dies on the way

{
    my $u = $class->start(addresses => [path('s')]);
    my ($pid) = $u->heard('ready');
    $u->behave('orphan');
    $u->usr2;
    is $u->reap & 127, 9, 'B9 the predecessor is killed before its successor is ready';
    my ($next) = $u->heard('ready', 'starting');
    is $u->ask, $next, 'which serves all the same';
    kill TERM => $next;
    $u->heard('stopped');
    delete $u->{serves};
    ok !-e $u->dir . '/s', 'and removes the path';
}

# ---- a daemon, and its pid file

{
    my $u = $class->start(args => ['-d', '-p', sub { $_[0]->dir . '/pid' }]);
    my ($pid) = $u->heard('ready');
    is $u->reap, 0,           'a daemon';
    isnt $pid,   $u->started, '... of its own';
    my $session = (split ' ', slurp("/proc/$pid/stat"))[5];
    $u->usr2;
    $u->heard('starting');
    my ($next) = $u->heard('ready');
    $u->heard('upgraded');
    is slurp($u->dir . '/pid'), "$next\n", 'its successor has the pid file';
    is + (split ' ', slurp("/proc/$next/stat"))[5], $session,
        'is in its session, so that it gets no terminal';
    is readlink("/proc/$next/fd/$_"), '/dev/null', "... and has /dev/null as $_" for 0 .. 2;
    like `@{[ NetIO::Test::C::c_program('drive-pidfile') ]} find @{[ $u->dir ]}/pid`,
        qr/^pid $next$/, 'the lock says so, too';
    like `@{[ NetIO::Test::C::c_program('drive-pidfile') ]} try @{[ $u->dir ]}/pid`,
        qr/already running/, 'nobody can start beside it';
    $u->behave('late');
    $u->usr2;
    $u->heard('starting');
    $u->heard('kept');
    like `@{[ NetIO::Test::C::c_program('drive-pidfile') ]} find @{[ $u->dir ]}/pid`,
        qr/^pid $next$/, 'a successor that fails after go: the lock is had back';
    $u->stop;
    ok !-e $u->dir . '/pid', 'and the file removed in the end';
}

# ---- a manager

{
    my $name = "\@netio-upgrade-$$";
    socket(my $manager, AF_UNIX, SOCK_DGRAM, 0)            or die "socket: $!\n";
    bind($manager, pack_sockaddr_un("\0netio-upgrade-$$")) or die "bind: $!\n";
    my $hear  = sub { recv($manager, my $text, 4096, 0); $text };
    my $u     = $class->start(args => ['-f'], env => { NOTIFY_SOCKET => $name });
    my ($pid) = $u->heard('ready');
    is $hear->(), 'READY=1', 'a service is ready';
    $u->usr2;
    my (undef, $child) = $u->heard('starting');
    like $hear->(), qr/^RELOADING=1/, 'it reloads';
    is $hear->(), "MAINPID=$child", 'another process is the service';
    is $hear->(), 'READY=1',        'and is ready';
    $u->heard('ready');
    $u->heard('upgraded');
    $u->behave('late');
    $u->usr2;
    my (undef, $bad) = $u->heard('starting');
    $u->heard('kept');
    like $hear->(), qr/^RELOADING=1/, 'again';
    is $hear->(), "MAINPID=$bad",   'another one';
    is $hear->(), "MAINPID=$child", 'which has failed';
    is $hear->(), 'READY=1',        'all is as before';
    $u->stop;
    is $hear->(), 'STOPPING=1', 'nobody but the last one says that the service stops';
}

# ---- no predecessor

for my $value ('1:3::0', "$$:0::1", 'nonsense', ':::', '9' x 200) {
    my $u = $class->start(env => { NETIO_UPGRADE => $value });
    my ($pid, $env) = $u->heard('ready');
    is $env, 'clean', 'NETIO_UPGRADE=' . substr($value, 0, 20) . ': no successor';
    $u->stop;
}

done_testing;
