# The world of a daemon in Perl: what the interpreter believes of it, and what the probe finds that
# the daemon executes.  C8, C9, C10, C11, C12, C16, C17, C21.

use strict;
use warnings;

use lib 't/lib';

use NetIO::Test::PerlDaemon;
use NetIO::Test::World;
use POSIX ();
use Test::More;

alarm 300;

my $PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
# By number: HUP USR1 USR2 PIPE TSTP TTIN TTOU XFSZ.
my $IGNORED = '1 10 12 13 20 21 22 25';

sub world {
    my ($run) = @_;

    return read_world($run->dir . '/world');
}

# A starter that is as bad as can be.
sub spoil {
    my @sanitizer = grep { /^(?:LD_PRELOAD|(?:A|UB)SAN_OPTIONS)$/ } keys %ENV;

    umask 0777;
    chdir '/tmp';
    %ENV = (
        (map { ($_ => $ENV{$_}) } @sanitizer),
        LD_BIND_NOT    => 1,
        IFS            => 'x',
        PERL_HASH_SEED => 0,
        LANG           => 'C',
        LC_ALL         => 'C',
        HOME           => '/tmp',
        USER           => 'mallory',
        PATH           => '/tmp:/usr/bin:/bin',
        EMPTY          => '',
        NOTIFY_SOCKET  => '',
        LISTEN_FDS     => 3,
        LISTEN_PID     => 1
    );
    POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(1, 2, 15, 17, 34)) or die;
    $SIG{$_} = 'IGNORE' for qw(HUP TERM INT CHLD ALRM WINCH);
    open my $hole, '<', '/etc/passwd' or die;
    POSIX::dup2(fileno $hole, $_) for 20 .. 60;
    return;
}

subtest 'a bad starter leaves no trace' => sub {
    my $run = daemonized(<<'PROGRAM', before => \&spoil, args => [$PROBE]);
        my $daemon = daemonize();
        report('env', join ' ', map { "$_=$ENV{$_}" } sort keys %ENV);
        report('sig', join ' ', grep { defined $SIG{$_} && $SIG{$_} eq 'IGNORE' } sort keys %SIG);
        report('umask', umask);
        require Cwd;
        report('folder', Cwd::getcwd());
        $daemon->ready;
        system $ARGV[0], "$dir/world";
        report('status', $?);
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('env'), "LANG=C LC_ALL=C PATH=$PATH",                 'C10 %ENV';
    is $run->said('sig'), 'FPE HUP PIPE TSTP TTIN TTOU USR1 USR2 XFSZ', 'C8 %SIG: what is ignored';
    is $run->said('umask'),  oct '022', 'C12 umask';
    is $run->said('folder'), '/',       'folder';
    is $run->said('status'), 0,         'system knows how a program has ended';

    my $world = world($run);
    is $world->{$_}, '-', "C8 $_" for qw(blocked pending);
    like $world->{caught}, qr/^(?:-|7 8 11)$/, 'C8 caught';    # the latter: a sanitizer's
    is $world->{ignored}, $IGNORED, 'C8 ignored';
    is $world->{umask},   '0022',   'C12 umask';
    is $world->{cwd},     '/',      'folder';
    is_deeply $world->{env}, ['LANG=C', 'LC_ALL=C', "PATH=$PATH"], 'C10 environment';
    is $world->{fds},     '0 1 2',        'C9 descriptors';
    is $world->{"fd.$_"}, 'chr 1:3 rdwr', "descriptor $_ is /dev/null" for 0 .. 2;
    is $world->{$_},      'no', "C11 $_" for qw(tty gains_tty session_leader group_leader);
    isnt $world->{sid},   POSIX::getpgrp(), 'a session of its own';
    is $world->{pgrp},    $world->{sid},    'and a process group';
    like $world->{'rlimit.core'}, qr/^0 /, 'C21 no core files';
    is $world->{no_new_privs}, 1, 'no_new_privs';
};

subtest 'what a program does with its signals' => sub {
    my $run = daemonized(<<'PROGRAM', before => sub { $SIG{$_} = 'IGNORE' for qw(INT QUIT WINCH) });
        my @seen;
        BEGIN { my $asked = $SIG{QUIT} }                    # asked for is not said
        $SIG{$_} = sub { push @seen, $_[0] } for qw(TERM HUP ALRM RTMIN);
        $SIG{USR1} = 'main::named';
        sub named { push @seen, "named $_[0]" }
        $SIG{CHLD} = $SIG{WINCH} = 'IGNORE';
        $SIG{CONT} = 'DEFAULT';
        my $asked = $SIG{INT};
        { local $SIG{USR2} = sub { }; local $SIG{URG} = sub { }; }
        my $daemon = daemonize();
        kill $_ => $$ for qw(HUP ALRM USR1 TERM PIPE RTMIN USR2);
        report('seen', join ' ', sort @seen);
        report($_, ref $SIG{$_} || (defined $SIG{$_} && length $SIG{$_} ? $SIG{$_} : '-'))
            for qw(TERM USR1 CHLD WINCH INT QUIT CONT USR2 URG PIPE FPE);
        open my $status, '<', '/proc/self/status' or die;
        /^(Sig(?:Ign|Cgt|Blk)):\s+(\S+)/ && report($1, $2) for <$status>;
        $daemon->ready;
        $SIG{PIPE} = 'DEFAULT';
        my $inside = `sh -c 'kill -PIPE \$\$; echo alive'`;
        report('shell', $inside eq '' ? 'killed' : 'goes on');
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('seen'), 'ALRM HUP RTMIN TERM named USR1', 'handlers are called';
    my %sig = (
        TERM  => 'CODE',
        USR1  => 'main::named',
        CHLD  => 'IGNORE',
        WINCH => 'IGNORE',
        INT   => 'DEFAULT',
        QUIT  => 'DEFAULT',
        CONT  => 'DEFAULT',
        USR2  => 'IGNORE',
        URG   => 'DEFAULT',
        PIPE  => 'IGNORE',
        FPE   => 'IGNORE'
    );
    is $run->said($_) =~ s/^-$/DEFAULT/r, $sig{$_}, "%SIG: $_" for sort keys %sig;
    my $bits = sub { my $n = 0; $n |= 1 << $_ - 1 for @_; sprintf '%016x', $n };
    is $run->said('SigIgn'), $bits->(8, 12, 13, 17, 20, 21, 22, 25, 28), 'ignored';
    no warnings 'portable';
    # A sanitizer catches 7 and 11.
    is sprintf('%016x', hex($run->said('SigCgt')) & ~hex $bits->(7, 11)),
        $bits->(1, 10, 14, 15, 34), 'caught';
    is $run->said('SigBlk'), $bits->(), 'blocked';
    is $run->said('shell'),  'killed',  'what is made the default again is so in programs';
};

subtest 'C-level handlers and the environment of C code' => sub {
    my $run = daemonized(<<'PROGRAM', args => [$PROBE]);
        require POSIX;
        my $hits = 0;
        POSIX::sigaction(POSIX::SIGHUP(), POSIX::SigAction->new(sub { $hits++ },
            POSIX::SigSet->new, POSIX::SA_RESTART())) or die;
        my $in_time = timeout { 1 } 5;                  # its signal has a handler in C from now on
        my $daemon = daemonize(environment => ['HOME', 'A_*', 'B=1=2', 'EMPTY='],
            umask => '00000027', directory => '/usr', limits => { nofile => [100, 200], core => 4096 });
        kill HUP => $$;
        report('hits', $hits);
        report('late', eval { timeout { select undef, undef, undef, 30 } 0.01; 1 } ? 'no' : 'yes');
        report('env', join ' ', map { "$_=$ENV{$_}" } sort keys %ENV);
        $ENV{C} = 3;
        $daemon->ready;
        system $ARGV[0], "$dir/world";
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('hits'), 1,                              'a handler of POSIX::sigaction';
    is $run->said('late'), 'yes',                          'timeout works in the daemon';
    is $run->said('env'),  "B=1=2 EMPTY= HOME=$ENV{HOME}", 'environment of the option';
    my $world = world($run);
    is_deeply $world->{env}, ['B=1=2', 'C=3', 'EMPTY=', "HOME=$ENV{HOME}"], 'programs have it, too';
    is $world->{umask},           '0027',    'umask of the option';
    is $world->{cwd},             '/usr',    'directory of the option';
    is $world->{'rlimit.nofile'}, '100 200', 'limits';
    # A sanitizer wants none.
    like $world->{'rlimit.core'}, qr/^(?:4096|0) 4096$/, 'core files that were asked for';
};

subtest 'F12 taint checks' => sub {
    my $before = sub { $ENV{LANG} = 'C'; $ENV{A} = 'x'; $ENV{PATH} = '/tmp:/bin' };
    my $run    = daemonized(<<'PROGRAM', before => $before, switches => ['-T']);
        use Scalar::Util qw(tainted);
        ($dir) = $dir =~ /(.*)/;
        my $daemon = daemonize(pidfile => "$dir/pid",
            environment => ['LANG', 'A', 'PATH=/usr/bin:/bin']);
        report('clean', join ' ', map { $_ . (tainted($ENV{$_}) ? '!' : '') } sort keys %ENV);
        report('checks', ${^TAINT});
        report('program', scalar `echo works`);
        eval { NetIO::Daemon->running($0) };
        report('tainted', $@ =~ /^(.*?) while/);
        $daemon->ready;
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('checks'),  1,               'on';
    is $run->said('clean'),   'A! LANG! PATH', 'what has come from outside is still tainted';
    is $run->said('program'), 'works',         'the PATH of the daemon may be used';
    is $run->said('tainted'), 'Insecure dependency in running', 'a pid file of somebody\'s choice';
};

SKIP: {
    $> == 0 or skip 'becoming another user needs root', 1;
    my ($name, $uid, $gid, $home) = (getpwnam 'nobody')[0, 2, 3, 7];
    defined $uid or skip 'there is no nobody', 1;

    subtest 'C16, C17 another user' => sub {
        my $run = daemonized(<<'PROGRAM', before => sub { $) = '0 0 4 24 27' }, args => [$PROBE]);
            $ENV{SHELL} = '/bin/mine';
            my $daemon = daemonize(user => 'nobody', environment => ['SHELL', 'HOME=/x']);
            report('before', "$< $>");
            chmod 0777, $dir or die;
            $daemon->drop;
            report_as_user('ids', "$< $> $( $)");
            $daemon->ready;
            report_as_user('root', eval { $> = 0; $< = 0; 1 } && $> == 0 ? 'again' : 'gone');
            report_as_user('env', join ' ', map { "$_=$ENV{$_}" } sort keys %ENV);
            system $ARGV[0], "$dir/world";
            sub report_as_user { open my $f, '>>', "$dir/user" or die; print $f "@_\n" }
PROGRAM
        is $run->status, 0, 'ready' or diag $run->err;
        ok $run->finish, 'ends';
        is $run->said('before'), '0 0', 'root until drop';
        my %said = map { split / /, $_, 2 } split /\n/, slurp($run->dir . '/user');
        is $said{ids},  "$uid $uid $gid $gid $gid $gid", '$< $> $( $) after drop';
        is $said{root}, 'gone',                          'no way back';
        is $said{env}, "HOME=/x LOGNAME=$name SHELL=" . (getpwuid $uid)[8] . " USER=$name",
            'the variables of that user, and what the program sets itself';
        my $world = world($run);
        is $world->{uid},    "$uid $uid $uid $uid", 'uid';
        is $world->{gid},    "$gid $gid $gid $gid", 'gid';
        is $world->{groups}, $gid,                  'C17 groups';
        is $world->{$_},     'EPERM',  "C16 $_" for grep { /^try\.set(?!fs)/ } sort keys %$world;
        is $world->{$_},     '0' x 16, "C16 $_" for qw(cap_eff cap_prm cap_inh cap_amb);
    };
}

done_testing;
