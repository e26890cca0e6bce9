# netio-daemon: the world of the program, as a probe sees it, and what the options make of it.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Run;
use NetIO::Test::Supervisor;
use POSIX ();
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 120;

plan skip_all => 'needs root' if $> != 0;

my $PROBE = "$ENV{PWD}/csrc/build/t/drive-world";
-x $PROBE or BAIL_OUT("$PROBE is not there: run make first");
my $PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

# What the starter has is of no account.
%ENV = (%ENV, FOO => 'foo', BAR_1 => 'one', BAR_2 => 'two', IFS => 'x', LD_PRELOAD_NOT => 'x');
delete @ENV{ grep { /^(?:LANG|LANGUAGE|TZ|LC_.*)$/ } keys %ENV };

# What the log has of the probe, as a hash; env is sorted.
sub fields {
    my ($text) = @_;
    my %world;

    while ($text =~ /^x: (\S+) (.*)\n/gm) {
        my ($field, $value) = ($1, $2);
        $world{$field} = exists $world{$field} ? "$world{$field}\n$value" : $value;
    }
    return \%world;
}

sub world {
    my ($options, @probe) = @_;
    my $place = NetIO::Test::Supervisor->new;
    my $run   = $place->run($options, @probe ? @probe : ($PROBE, '-'));
    my $end   = $run->wait_end;
    is($end, 0, "@$options: the probe ends well") or diag $run->log_text;
    return fields($run->log_text);
}

sub has {
    my ($name, $world, %want) = @_;
    my %got = map { $_ => $world->{$_} } keys %want;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply(\%got, \%want, $name) || diag explain \%got;
}

# ---- by default ----------------------------------------------------------------------------

my $plain = world([]);
has(
    'by default',
    $plain,
    fds            => '0 1 2',
    'fd.0'         => 'chr 1:3 rdwr',
    'fd.1'         => 'fifo wronly',
    'fd.2'         => 'fifo wronly',
    blocked        => '-',
    pending        => '-',
    ignored        => '-',
    caught         => '-',
    sid            => $plain->{pid},
    pgrp           => $plain->{pid},
    tty            => 'no',
    umask          => '0022',
    cwd            => '/',
    root           => '/',
    uid            => '0 0 0 0',
    no_new_privs   => 1,
    env            => "PATH=$PATH",
    'argv.0'       => $PROBE,
    'argv.1'       => '-',
);
is((split ' ', $plain->{'rlimit.core'})[0], 0, 'no core files');

# ---- the options ---------------------------------------------------------------------------

has(
    'a user',
    world(
        [
            qw(--user nobody --umask 027 --directory /usr --limit nofile=100:200 --limit core=unlimited
                --env FOO --env BAR_* --env X=1=2 --env NOSUCH --env EMPTY=)
        ]
    ),
    map({ $_ => '65534 65534 65534 65534' } qw(uid gid)),
    groups          => join(' ', sort { $a <=> $b } split ' ', `id -G nobody`),
    umask           => '0027',
    cwd             => '/usr',
    'rlimit.nofile' => '100 200',
    'rlimit.core'   => '-1 -1',
    env             => join("\n", 'BAR_1=one', 'BAR_2=two', 'EMPTY=', 'FOO=foo', 'HOME=/nonexistent',
        'LOGNAME=nobody', "PATH=$PATH", 'SHELL=/usr/sbin/nologin', 'USER=nobody', 'X=1=2'),
    map({ $_ => '0000000000000000' } qw(cap_eff cap_prm cap_inh cap_amb cap_bnd)),
    map({ ("try.$_" => 'EPERM') } qw(setuid seteuid setresuid setgid setgroups)),
    no_new_privs => 1,
    dumpable     => 1,
);
my $daemon = (getpwnam 'daemon')[2];
my $adm    = getgrnam 'adm';
has('a user with another group', world([qw(--user daemon:adm)]),
    uid => "$daemon $daemon $daemon $daemon", gid => "$adm $adm $adm $adm");
has('numbers', world([qw(--user 4321:8765)]),
    uid => '4321 4321 4321 4321', gid => '8765 8765 8765 8765', groups => '8765', env => "PATH=$PATH");
has('umask 0', world([qw(--umask 0)]), umask => '0000');
has(
    'a capability',
    world([qw(--user nobody --capability net_bind_service --capability CAP_KILL)]),
    uid => '65534 65534 65534 65534',
    map({ $_ => sprintf '%016x', 1 << 10 | 1 << 5 } qw(cap_eff cap_prm cap_inh cap_amb cap_bnd)),
    'try.setuid' => 'EPERM',
);
has('--allow-setuid', world([qw(--user nobody --allow-setuid)]),
    no_new_privs => 0, uid => '65534 65534 65534 65534', 'try.setuid' => 'EPERM');

# C19, C20: a root with nothing in it but the probe.
{
    my $place = NetIO::Test::Supervisor->new;
    my $root  = $place->dir . '/root';
    mkdir $_ or die "$_: $!\n" for $root, "$root/home";
    for my $file ($PROBE, map { m{(/\S+)} ? $1 : () } `ldd $PROBE`) {
        my $folder = $root;
        for my $part (split m{/}, $file =~ s{^/}{}r =~ s{/?[^/]+$}{}r) {
            mkdir($folder .= "/$part");
        }
        system('cp', '-L', $file, "$root$file") == 0 or die "cp $file\n";
    }
    has(
        'a root', world(['--chroot', $root, qw(--user nobody --directory /home)], $PROBE, '-'),
        uid => '65534 65534 65534 65534', cwd => '/home', 'try.setuid' => 'EPERM'
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
    my $log = $place->dir . '/log';
    my ($status, undef, $err) =
        $place->call({ setup => $setup }, 'start', '--log', $log, '--ready', 'notify', '--', $PROBE, '-');
    is($status, 69, 'a starter that is not as it should be') or diag $err;
    my $world = fields(slurp($log) =~ s/^\S+ x\[\d+\]: /x: /gmr);
    my %other = map { $_ => 1 } qw(pid sid pgrp env);
    has('starts it into the same world', $world, map { $_ => $plain->{$_} } grep { !$other{$_} } keys %$plain);
    is($world->{sid}, $world->{pid}, 'with a session of its own');
    like($world->{env}, qr/\ANOTIFY_SOCKET=\@\S+\nPATH=\Q$PATH\E\z/, 'and its environment');
    is((stat $log)[2] & 0777, 0640, 'C12 the log is for owner and group alone');
}

# The world of a restart is that of the first start.
for my $options ([], [qw(--user nobody --allow-setuid)], [qw(--user nobody --capability net_raw)]) {
    my $place = NetIO::Test::Supervisor->new;
    my $run   = $place->run([@$options, qw(--restart always)], $PROBE, '-');
    $run->wait_log(qr/starts again in 0\.5 seconds\n/);
    my $first = $run->log_text;
    $run->wait_log(qr/starts again in 1 seconds\n/);
    my $second = substr $run->log_text, length $first;
    is($place->end($run), 0, "@$options: stopped");
    my %own = map { $_ => undef } qw(pid sid pgrp);
    is_deeply({ %{ fields($second) }, %own }, { %{ fields($first) }, %own },
        "@$options: the same world at every start");
}

# ---- C14, C15: nothing is executed when privileges do not go ------------------------------------

SKIP: {
    skip 'no strace here', 1 if `strace -V 2>&1`, $? != 0;
    for my $call (qw(setgroups setresgid setresuid capset prctl)) {
        for my $how ('error=EPERM', 'retval=0') {
            my $place  = NetIO::Test::Supervisor->new;
            my $canary = $place->dir . '/all/canary';
            mkdir $place->dir . '/all';
            chmod 0777, $place->dir . '/all';
            my @wrap = ('strace', '-f', '--seccomp-bpf', '-o', '/dev/null', '-e', "trace=$call", '-e',
                "inject=$call:$how");
            my ($status, undef, $err) = $place->call({ wrap => \@wrap }, 'start', '--log',
                $place->dir . '/log', qw(--user nobody --capability net_bind_service --), '/usr/bin/touch',
                $canary);
            ok($status != 0 && $status < 128, "$call $how: not started");
            like($err, qr/: (?:privileges|daemonize) .*: (?:Oper|reported succ|privileges given up c)/,
                'which is said');
            ok(!-e $canary, 'and nothing was executed');
        }
    }
}

done_testing;
