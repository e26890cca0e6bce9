# netio-daemon: the world of the program, as a probe sees it, and what the options make of it.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Run;
use NetIO::Test::Supervisor;
use NetIO::Test::World;
use POSIX ();
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

plan skip_all => 'needs root' if $> != 0;

-x $PROBE or BAIL_OUT("$PROBE is not there: run make first");
my $PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

# What the starter has is of no account.
%ENV = (%ENV, FOO => 'foo', BAR_1 => 'one', BAR_2 => 'two', IFS => 'x', LD_PRELOAD_NOT => 'x');
delete @ENV{ grep { /^(?:LANG|LANGUAGE|TZ|LC_.*)$/ } keys %ENV };

# What the probe finds, and what the supervisor exits with.
sub world {
    my ($options, @probe) = @_;
    my $place = NetIO::Test::Supervisor->new;
    my $file  = room($place) . '/world';
    my $run   = $place->run($options, @probe ? @probe : ($PROBE, $file));
    is($run->wait_end, 0, "@$options: the probe ends well") or diag $run->log_text;
    return read_world($file);
}

# Where anybody may write.
sub room {
    my ($place) = @_;
    my $room = $place->dir . '/room';

    mkdir $room and chmod 0777, $room or die "$room: $!\n";
    return $room;
}

# The documented world, with the pipe to the log; not more of a core file than none.
sub ours {
    my %world = (documented(@_), 'fd.1' => 'fifo wronly', 'fd.2' => 'fifo wronly');

    delete $world{'rlimit.core'};
    return %world;
}

# ---- by default ----------------------------------------------------------------------------

my $plain = world([]);
is_world($plain, { ours(), sid => $plain->{pid}, pgrp => $plain->{pid} }, 'by default');
is((split ' ', $plain->{'rlimit.core'})[0], 0, 'C21 no core files');
is($plain->{'try.setuid'}, 0, 'as root, for whom there is no way back to be tried');

# ---- the options ---------------------------------------------------------------------------

is_world(
    world(
        [
            qw(--user nobody --umask 027 --directory /usr --limit nofile=100:200 --limit core=unlimited
                --env FOO --env BAR_* --env X=1=2 --env NOSUCH --env EMPTY=)
        ]
    ),
    {
        ours('nobody'),
        umask           => '0027',
        cwd             => '/usr',
        'rlimit.nofile' => '100 200',
        'rlimit.core'   => '-1 -1',
        env             => [
            'BAR_1=one',         'BAR_2=two',
            'EMPTY=',            'FOO=foo',
            'HOME=/nonexistent', 'LOGNAME=nobody',
            $PATH,               'SHELL=/usr/sbin/nologin',
            'USER=nobody',       'X=1=2'
        ],
    },
    'a user, and options'
);
my $daemon = (getpwnam 'daemon')[2];
my $adm    = getgrnam 'adm';
is_world(
    world([qw(--user daemon:adm)]),
    { ours('daemon'), gid => "$adm $adm $adm $adm", groups => $adm },
    'C17 a user with another group'
);
is_world(
    world([qw(--user 4321:8765)]),
    {
        ours(),
        uid          => '4321 4321 4321 4321',
        gid          => '8765 8765 8765 8765',
        groups       => '8765',
        'try.setuid' => 'EPERM'
    },
    'numbers'
);
is_world(world([qw(--umask 0)]), { ours(), umask => '0000' }, 'umask 0');
is_world(
    world([qw(--user nobody --capability net_bind_service --capability CAP_KILL)]),
    {
        ours('nobody'),
        map { ("cap_$_" => sprintf '%016x', 1 << 10 | 1 << 5) } qw(eff prm inh amb bnd)
    },
    'C16 capabilities'
);
my $setuid = world([qw(--user nobody --allow-setuid)]);
is_world($setuid, { ours('nobody'), no_new_privs => 0, cap_bnd => $setuid->{cap_bnd} },
    '--allow-setuid');
isnt($setuid->{cap_bnd}, '0' x 16, 'whose programs may have capabilities again');

# C19, C20: a root with nothing in it but the probe, and a folder of the user's.
{
    my $place = NetIO::Test::Supervisor->new;
    my $root  = $place->dir . '/root';
    mkdir $_ or die "$_: $!\n" for $root, "$root/home";
    chown 65534, 65534, "$root/home";
    for my $file ($PROBE, map { m{(/\S+)} ? $1 : () } `ldd $PROBE`) {
        my $folder = $root;
        mkdir($folder .= "/$_") for split m{/}, $file =~ s{^/}{}r =~ s{/?[^/]+$}{}r;
        system('cp', '-L', $file, "$root$file") == 0 or die "cp $file\n";
    }
    my $run =
        $place->run(['--chroot', $root, qw(--user nobody --directory /home)], $PROBE, 'world');
    is($run->wait_end, 0, 'the probe ends well in another root') or diag $run->log_text;
    is_world(
        read_world("$root/home/world"),
        { ours('nobody'), cwd => '/home', map { $_ => '?' } qw(root tpgid) },
        'C19 C20 another root, without /proc'
    );
}

# ---- whatever the starter is like ------------------------------------------------------------

# With descriptors, signals that are blocked or ignored, no umask, no folder: C8, C9, C10, C12.
{
    my $place  = NetIO::Test::Supervisor->new;
    my $folder = $place->dir . '/gone';
    my $setup  = sub {
        mkdir $folder and chdir $folder and rmdir $folder or die "$!\n";
        umask 0777;
        POSIX::dup2(1, $_) for 3 .. 500;
        $SIG{$_} = 'IGNORE' for qw(HUP INT TERM CHLD PIPE USR1);
        POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(1 .. 31));
    };
    my $file = room($place) . '/world';
    my ($status, undef, $err) = $place->call(
        { setup => $setup },
        'start',   '--log',  $place->dir . '/log',
        '--ready', 'notify', '--', $PROBE, $file
    );
    is($status, 69, 'a starter that is not as it should be') or diag $err;
    my $world = read_world($file);
    is_world(
        $world,
        { ours(), sid => $world->{pid}, pgrp => $world->{pid}, env => $world->{env} },
        'C8 C9 C10 starts it into the same world'
    );
    is(@{ $world->{env} }, 2, 'and its environment:');
    like($world->{env}[0], qr/\ANOTIFY_SOCKET=\@\S+\z/, 'with a socket');
    is((stat $place->dir . '/log')[2] & 0777, 0640, 'C12 the log is for owner and group alone');
}

# The world of a restart is that of the first start.
for my $options ([], [qw(--user nobody --allow-setuid)], [qw(--user nobody --capability net_raw)]) {
    my $place = NetIO::Test::Supervisor->new;
    my $file  = room($place) . '/world';
    my $run   = $place->run([@$options, qw(--restart always)], $PROBE, $file);
    my @worlds;
    for my $seconds (0.5, 1) {
        $run->wait_log(qr/starts again in $seconds seconds\n/);
        push @worlds, { %{ read_world($file) }, map { $_ => undef } qw(pid sid pgrp) };
    }
    is($place->end($run), 0, "@$options: stopped");
    is_deeply($worlds[1], $worlds[0], "@$options: the same world at every start");
}

# ---- C14, C15: nothing is executed when privileges do not go ------------------------------------

SKIP: {
    skip 'no strace here', 1 if `strace -V 2>&1`, $? != 0;
    for my $call (qw(setgroups setresgid setresuid capset prctl)) {
        for my $how ('error=EPERM', 'retval=0') {
            my $place  = NetIO::Test::Supervisor->new;
            my $canary = room($place) . '/canary';
            my @wrap   = (
                'strace',      '-f', '--seccomp-bpf', '-o', '/dev/null', '-e',
                "trace=$call", '-e', "inject=$call:$how"
            );
            my ($status, undef, $err) = $place->call(
                { wrap => \@wrap },
                'start', '--log',
                $place->dir . '/log',
                qw(--user nobody --capability net_bind_service --),
                '/usr/bin/touch', $canary
            );
            ok($status != 0 && $status < 128, "$call $how: not started");
            like(
                $err,
                qr/: (?:privileges|daemonize) .*: (?:Oper|reported succ|privileges given up c)/,
                'which is said'
            );
            ok(!-e $canary, 'and nothing was executed');
        }
    }
}

done_testing;
