# What a daemon is born into, whatever it was started from: C6 closed standard descriptors, C7 a
# /dev/null that is none, C11 terminals, C12 umask, C22 no /proc; signals, descriptors, environment,
# folder, user.  t/59-worlds.t compares the ways to start; here the starter is odd.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::Daemonize;
use NetIO::Test::Run qw(slurp);
use NetIO::Test::World;
use POSIX ();
use Test::More;

alarm 300;

my $folder = File::Temp->newdir;
my $class  = 'NetIO::Test::Daemonize';
chmod 01777, $folder;    # for the probe of another user
-x $_ or BAIL_OUT("$_ is not there: run make first") for $class->driver, $PROBE;

# The world of a daemon that became the probe once it was ready, as {field => value}; descriptor 9 is
# given to it.  args: more options.
sub world_of {
    my (%how) = @_;
    my $file  = "$folder/world";
    my $args  = delete $how{args}  || [];
    my $steps = delete $how{steps} || ['ready'];

    unlink $file;
    my $d = $class->start(
        %how,
        program => [$class->driver, '-k',    9,             @$args],
        args    => ['--',           @$steps, "exec:$PROBE", $file],
    );
    my ($status, $said) = $d->starter;
    $d->gone;
    return { status => $status, said => $said, -e $file ? %{ read_world($file) } : () };
}

my %usual = (
    status         => 0,
    said           => '',
    fds            => '0 1 2 9',
    'fd.0'         => 'chr 1:3 rdwr',
    'fd.1'         => 'chr 1:3 rdwr',
    'fd.2'         => 'chr 1:3 rdwr',
    blocked        => '-',
    ignored        => '1 10 12 13 20 21 22 25',
    caught         => '-',
    session_leader => 'no',
    tty            => 'no',
    gains_tty      => 'no',
    umask          => '0022',
    cwd            => '/',
    root           => '/',
    no_new_privs   => 1,
    'rlimit.core'  => "0 -1",
);

# Fields that are as usual but for those named.
sub is_usual {
    my ($world, $name, %but) = @_;
    my %want = (%usual, %but);
    my %got  = map { $_ => $world->{$_} } keys %want;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $got{'rlimit.core'} =~ s/ .*/ -1/ if defined $got{'rlimit.core'};    # the hard one may be 0
    return is_deeply(\%got, \%want, $name);
}

my $world = world_of();
is_usual($world, 'a plain start');
isnt($world->{sid}, (split ' ', slurp('/proc/self/stat'))[5], 'a session of its own');
is($world->{pgrp}, $world->{sid}, 'and a process group');
is_deeply([grep { !/^(?:PATH|LANG|LANGUAGE|LC_\w+|TZ)=/ } @{ $world->{env} }],
    [], 'C10: and an environment');

for my $bits (0 .. 7) {
    my @closed = grep { $bits & 1 << $_ } 0 .. 2;
    my $file   = "$folder/closed.pid";
    my $said = world_of(closed => \@closed, args => ['-p', $file], steps => ['say:seen', 'ready']);

    # 9 of the world is the pipe; the pid file's is not the program's.
    is_usual($said, "C6: started with @closed closed", said => $bits & 4 ? '' : "seen\n");
    like(slurp($file), qr/\A\d+\n\z/, 'C6: what is said does not get into the pid file');
    unlink $file;
}

SKIP: {
    skip 'namespaces of one\'s own need root', 6 if $> != 0;
    my @own = ('unshare', '-m', 'sh', '-c');
    my $run = sub {
        my ($before) = @_;
        my $d   = $class->start(wrap => [@own, "$before && exec \"\$@\"", 'sh'], args => ['ready']);
        my @end = $d->starter;
        $d->gone;
        return @end;
    };
    my ($status, $said) = $run->('mount -t tmpfs none /dev');
    is($status, 99, 'C7: no /dev/null: refused');
    is($said,   "drive: daemonize /dev/null: No such file or directory\n", 'C7: which is said');
    ($status, $said) = $run->('mount -t tmpfs none /dev && : >/dev/null');
    is($status, 99,                                             'C7: /dev/null is a file: refused');
    is($said,   "drive: daemonize /dev/null: No such device\n", 'C7: which is said');
    my $without = world_of(wrap => [@own, 'mount -t tmpfs none /proc && exec "$@"', 'sh']);
    is_usual(
        $without, 'C22: without /proc',
        'fds' => '0 1 2 9',
        $ENV{ASAN_OPTIONS} ? (said => $without->{said}) : (),    # sanitizers miss it
        map { $_ => $without->{$_} } grep { ($without->{$_} // '?') eq '?' } keys %usual
    );
    is($without->{status}, 0, 'C22: it is ready');
}

is_usual(
    world_of(
        before => sub {
            $SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM CHLD USR1 PIPE ALRM TSTP);
            POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(1 .. 31));
        }
    ),
    'C8: started with signals ignored and blocked'
);

is_usual(world_of(before => sub { my $fd = 0; $fd = POSIX::dup(0) // 1e9 while $fd < 10_000 }),
    'C9: started with 10,000 descriptors');

for my $umask (0, 0777) {
    my $file = "$folder/umask.pid";
    is_usual(world_of(before => sub { umask $umask }, args => ['-p', $file]),
        sprintf 'C12: started with umask %o', $umask);
    is((stat $file)[2] & 07777, 0600, 'C12: the mode of the pid file');
    unlink $file;
}

is_usual(world_of(args => ['-d', '/tmp']), 'C10: a folder', cwd => '/tmp');
is_usual(
    world_of(args => ['-d', 'tmp'], before => sub { chdir '/' }),
    'a relative one',
    cwd => '/tmp'
);

my $named = world_of(
    args   => ['-e', 'ONE=1', '-e', 'KEEP*'],
    before => sub { %ENV = (KEEP_IT => 'x', NOT => 1) }
);
is_usual($named, 'an environment of one\'s own');
is_deeply($named->{env}, ['KEEP_IT=x', 'ONE=1'], 'C10: has nothing but what is named');

SKIP: {
    skip 'a user of one\'s own needs root', 12 if $> != 0;
    my $nobody = world_of(args => ['-u', 'nobody'], steps => ['drop', 'ready']);
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    is_usual($nobody, 'another user');
    is(
        "$nobody->{uid}, $nobody->{gid}",
        "$uid $uid $uid $uid, $gid $gid $gid $gid",
        'through and through'
    );
    is($nobody->{'try.setuid'}, 'EPERM', 'who cannot become root again');

    # root is where it may look for it; its pid file is where it can neither remove nor forget it.
    my $own = File::Temp->newdir;
    mkdir "$own/root" or die "$own/root: $!\n";
    my @args = ('-p', "$own/pid", '-u', 'nobody', '-r', "$own/root");
    chmod 0755, $own;
    my $d = $class->start(args => [@args, 'ready', 'tell:9', 'wait:8', 'free', 'tell:9', 'wait:8']);
    is(($d->starter)[0], 0, 'another root');
    my ($pid) = $d->told;
    is(readlink "/proc/$pid/root", "$own/root", 'is its root');
    is(readlink "/proc/$pid/cwd",  "$own/root", 'and its folder');
    is(slurp("$own/pid"),          "$pid\n",    'though the pid file is elsewhere');
    $d->go;
    $d->told;
    is(slurp("$own/pid"), '', 'it leaves no number behind');
    $d->go;
    $d->gone;
    is(($class->run(@args, 'ready'))[0], 0, 'and the next start works');

    # who is not root
    chown $uid, $gid, $own;
    unlink "$own/pid";
    $d = $class->start(
        args   => ['-p', "$own/pid", 'ready', 'tell:9', 'wait:8'],
        before => sub { POSIX::setgid($gid); POSIX::setuid($uid) },
    );
    is(($d->starter)[0],  0,                    'a starter without privileges');
    is(slurp("$own/pid"), ($d->told)[0] . "\n", 'has a daemon, too');
    $d->go;
    $d->gone;
    ok(!-e "$own/pid", 'which removes its pid file');
}

# In the foreground it is the same process: its own session stays, and output.
my $foreground = world_of(args => ['-f']);
is_usual(
    $foreground, 'in the foreground',
    'fd.1' => $foreground->{'fd.1'},
    'fd.2' => $foreground->{'fd.2'},
    map { $_ => $foreground->{$_} } qw(tty gains_tty session_leader)
);
like($foreground->{'fd.1'}, qr/^fifo/, 'output is where it was');
my $kept = world_of(args => ['-k', 1, '-k', 0]);
is_usual($kept, 'what is kept', 'fd.0' => $kept->{'fd.0'}, 'fd.1' => $kept->{'fd.1'});
like($kept->{'fd.1'}, qr/^fifo/, 'is kept');

# A terminal: TIOCSPTLCK, TIOCGPTN of ioctl_tty(2).
sub terminal {
    open my $master, '+<', '/dev/ptmx' or return;
    my $number = pack 'i', 0;
    ioctl($master, 0x40045431, $number) && ioctl($master, 0x80045430, $number) or return;
    return ($master, '/dev/pts/' . unpack 'i', $number);
}

subtest 'C11: a terminal' => sub {
    my ($master, $slave) = terminal() or plan skip_all => "no terminals here: $!";
    my $on_it = sub {
        POSIX::setsid();
        POSIX::close(0);
        POSIX::open($slave, POSIX::O_RDWR()) // POSIX::_exit(1);
    };

    is_usual(world_of(before => $on_it), 'C11: started at one, it has none and can gain none');
    my $d = $class->start(args => ['ready', 'tell:9', 'wait:8', 'tell:9'], before => $on_it);
    is(($d->starter)[0], 0, 'C11: ready');
    $d->told;
    close $master;    # SIGHUP to all that have it
    $d->go;
    ok(scalar $d->told, 'C11: it survives the end of the terminal');
    $d->gone;
    $d = $class->start(args => ['ready'], before => sub { POSIX::setsid() });
    is(($d->starter)[0], 0, 'C11: and is started without one');
    $d->gone;
};

done_testing;
