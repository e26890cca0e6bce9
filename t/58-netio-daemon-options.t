# netio-daemon: its command line.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::Run;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $PROGRAM = "$ENV{PWD}/csrc/build/netio-daemon";
-x $PROGRAM or BAIL_OUT('csrc/build/netio-daemon is not there: run make first');
my $USAGE = "usage: netio-daemon {start|run} NAME [OPTION...] -- PROGRAM ARG...\n"
    . "       netio-daemon {stop|status|reload|reopen} NAME [OPTION...]\n";
my $dir = File::Temp->newdir;
delete $ENV{$_} for qw(NOTIFY_SOCKET LISTEN_FDS LISTEN_PID XDG_RUNTIME_DIR);

sub netio_daemon { return run(ref $_[0] ? shift : {}, $PROGRAM, @_) }

# Of calls of "run NAME ... -- true", which would succeed.
sub wrong_option {
    my ($option, $value, $why) = @_;
    my $shown = $value =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;

    is_deeply(
        [netio_daemon('run', 'x', '--pidfile', "$dir/x.pid", $option, $value, '--', 'true')],
        [64, '', "netio-daemon: $option $shown: $why\n"],
        "wrong option: $option $shown"
    );
    return;
}

# ---- calls -----------------------------------------------------------------------------

my @usage = (
    [],
    ['begin', 'x'],
    ['start'],
    ['start', 'x'],
    ['run',   'x', '--'],
    ['stop'],
    ['stop',   'x',     'y'],
    ['status', 'x',     '--', 'true'],
    ['start',  '--log', 'syslog'],
    ['start',  'x',     '--nosuch'],
    ['stop',   'x',     '-x'],
    ['start',  'x',     '--user'],
    ['--nosuch'],
    ['-x'],
    ['--'],
    [''],
);
is_deeply([netio_daemon(@$_)], [64, '', $USAGE], "usage: @$_") for @usage;

is_deeply(
    [netio_daemon('run', $_, '--', 'true')],
    [
        64,
        '',
        'netio-daemon: ' . s/([^ -~])/sprintf '\\x%02x', ord $1/ger . ": not a name of a daemon\n"
    ],
    "no name: $_"
) for '', 'a b', 'a/b', '../x', '.x', '_x', "a\n", "\e[m", 'a' x 65;

for my $command (qw(stop status reload reopen)) {
    is_deeply(
        [netio_daemon($command, 'x', '--log', 'syslog')],
        [64, '', "netio-daemon: --log: not with this command\n"],
        "$command takes no --log"
    );
}
for my $command (qw(status reload reopen)) {
    is_deeply(
        [netio_daemon($command, 'x', '--stop-seconds', '1')],
        [64, '', "netio-daemon: --stop-seconds: not with this command\n"],
        "$command takes no --stop-seconds"
    );
}

# ---- values ----------------------------------------------------------------------------

my $seconds = 'not a number of seconds up to 86400';
my $limit   = 'not a limit as in nofile=1024 or nofile=1024:4096';
my $when    = 'neither exec, nor notify, nor a number of seconds';
wrong_option(@$_)
    for ['--pidfile', '', 'not a path'],
    ['--directory',     '',                          'not a path'],
    ['--chroot',        '',                          'not a path'],
    ['--log',           'file',                      'neither syslog, nor stderr, nor a path'],
    ['--log',           "\e]0;x\a",                  'neither syslog, nor stderr, nor a path'],
    ['--umask',         '8',                         'not an octal number up to 777'],
    ['--umask',         '1000',                      'not an octal number up to 777'],
    ['--umask',         '',                          'not an octal number up to 777'],
    ['--umask',         '-1',                        'not an octal number up to 777'],
    ['--env',           '',                          'neither NAME nor NAME=VALUE'],
    ['--env',           '=x',                        'neither NAME nor NAME=VALUE'],
    ['--env',           '*',                         'neither NAME nor NAME=VALUE'],
    ['--limit',         'nofile',                    $limit],
    ['--limit',         'nofile=',                   $limit],
    ['--limit',         'nofile=-1',                 $limit],
    ['--limit',         'nofile=1k',                 $limit],
    ['--limit',         'nofile= 1',                 $limit],
    ['--limit',         'nofile=2:1',                $limit],
    ['--limit',         'nofile=unlimited:1',        $limit],
    ['--limit',         'nofile=1:',                 $limit],
    ['--limit',         'files=1',                   $limit],
    ['--limit',         '=1',                        $limit],
    ['--limit',         'core=99999999999999999999', $limit],
    ['--limit',         'core=18446744073709551615', $limit],
    ['--capability',    'root',                      'not a capability as in net_bind_service'],
    ['--capability',    '',                          'not a capability as in net_bind_service'],
    ['--ready',         'soon',                      $when],
    ['--ready',         '0',                         $when],
    ['--ready',         '-1',                        $when],
    ['--ready-seconds', '0',                         $seconds],
    ['--ready-seconds', 'nan',                       $seconds],
    ['--ready-seconds', '1e3',                       $seconds],
    ['--stop-seconds',  'inf',                       $seconds],
    ['--stop-seconds',  '86401',                     $seconds],
    ['--stop-seconds',  '',                          $seconds],
    ['--restart',       'yes',                       'neither no, nor on-failure, nor always'];

my @pidfile = ('--pidfile', "$dir/x.pid");
is_deeply(
    [netio_daemon('start', 'x', @pidfile, '--log', 'stderr', '--', 'true')],
    [64, '', "netio-daemon: --log stderr: only with run\n"],
    'nobody would see the standard error of a daemon'
);
is_deeply(
    [netio_daemon('run', 'x', @pidfile, '--chroot', "$dir", '--directory', 'y', '--', '/true')],
    [64, '', "netio-daemon: --directory y: with --chroot, an absolute path inside it\n"],
    '--directory inside --chroot'
);
is_deeply(
    [netio_daemon('run', 'x', @pidfile, '--chroot', "$dir", '--', 'true')],
    [64, '', "netio-daemon: true: with --chroot, an absolute path inside it\n"],
    'the program inside --chroot'
);

# ---- users, programs, pid files ---------------------------------------------------------

is_deeply(
    [netio_daemon('run', 'x', @pidfile, '--user', 'nosuchuser', '--', 'true')],
    [67, '', "netio-daemon: x: user nosuchuser: no such user\n"],
    'no such user'
);
is_deeply(
    [netio_daemon('run', 'x', @pidfile, '--user', 'nobody:nosuchgroup', '--', 'true')],
    [67, '', "netio-daemon: x: group nosuchgroup: no such group\n"],
    'no such group'
);
is_deeply(
    [netio_daemon('run', 'x', @pidfile, '--', 'no such program')],
    [
        71,
        '',
        'netio-daemon: x: no such program: not found in PATH, which is '
            . "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    ],
    'no such program'
);
{
    spew("$dir/mine", "#!/bin/sh\n");
    chmod 0755, "$dir/mine";
    local $ENV{PATH} = "$dir:$ENV{PATH}";
    my ($status) = netio_daemon('run', 'x', @pidfile, '--', 'mine');
    is($status, 71, "the starter's PATH is of no account");
    ($status) = netio_daemon('run', 'x', @pidfile, '--env', 'PATH', '--', 'mine');
    is($status, 0, 'unless it is passed on');
    ($status) = netio_daemon('run', 'x', @pidfile, '--env', "PATH=relative:$dir", '--', 'mine');
    is($status, 0, 'or set');
}
SKIP: {
    skip 'only root can become nobody', 2 if $> != 0;
    my $as =
        { setup => sub { $( = $) = '65534 65534'; $< = $> = 65534; die "$!\n" if $> != 65534 } };
    is_deeply(
        [netio_daemon($as, 'status', 'x')],
        [64, '', "netio-daemon: x: XDG_RUNTIME_DIR names no folder: --pidfile is needed\n"],
        'a user without XDG_RUNTIME_DIR'
    );
    local $ENV{XDG_RUNTIME_DIR} = "$dir/run";
    mkdir "$dir/run";
    chown 65534, 65534, "$dir/run";
    chmod 0755, "$dir";
    is_deeply([netio_daemon($as, 'status', 'x')], [3, "x is not running\n", ''], 'and with it');
}

# CVE-2016-1247: a user who may change the folder of root's log could put a link there.
SKIP: {
    skip 'only root has anything to lose', 1 if $> != 0;
    my $nobody = getpwnam 'nobody';
    my %kinds  = (
        own      => sub { chown $nobody,                   0,                 $_[0] },
        group    => sub { chown 0, (getpwnam 'nobody')[3], $_[0]; chmod 0775, $_[0] },
        anybodys => sub { chmod 0777,                      $_[0] },
        sticky   => sub { chmod 01777,                     $_[0] },
    );
    chmod 0755, "$dir";
    my $try = sub {
        my ($log, @user) = @_;
        my ($status, undef, $err) =
            netio_daemon('run', 'x', @pidfile, '--log', $log, @user, '--', 'true');
        return [$status, $err];
    };
    my @nobody = qw(--user nobody);
    mkdir "$dir/fine";
    for my $kind (sort keys %kinds) {
        mkdir "$dir/$kind" and mkdir "$dir/$kind/below" or die "$!\n";
        $kinds{$kind}->("$dir/$kind");
        my $refused = sub { [73, "netio-daemon: x: log $_[0]: not safe: others may change it\n"] };
        is_deeply($try->("$dir/$kind/log", @nobody), $refused->("$dir/$kind/log"),
            "$kind: refused");
        my $below = "$dir/$kind/below/log";
        is_deeply(
            $try->($below, @nobody),
            $kind eq 'sticky' ? [0, ''] : $refused->($below),
            "$kind: what is below it"
        );
        is_deeply($try->("$dir/$kind/log"), [0, ''], "$kind: but not for root itself");
        symlink "$dir/fine", "$dir/$kind/link" or die "$!\n";
        chown 0, 0, "$dir/$kind/link";
        is_deeply(
            $try->("$dir/$kind/link/log", @nobody),
            $refused->("$dir/$kind/link/log"),
            "$kind: nor a link in it"
        ) if $kind ne 'sticky';
        symlink "$dir/$kind", "$dir/to-$kind" or die "$!\n";
        is_deeply(
            $try->("$dir/to-$kind/log", @nobody),
            $refused->("$dir/to-$kind/log"),
            "$kind: nor by a link"
        );
    }
    is_deeply($try->("$dir/fine/log", @nobody), [0, ''], 'a folder of root');
    is(
        $try->("$dir/none/log", @nobody)->[1],
        "netio-daemon: x: log $dir/none/log: No such file or directory\n",
        'one that is not there'
    );
}

# ---- what it says of itself ------------------------------------------------------------

for my $call (['--help'], ['start', '--help'], ['stop', 'x', '--help']) {
    my ($status, $out, $err) = netio_daemon(@$call);
    is_deeply([$status, $err], [0, ''], "@$call exits with 0");
    is(index($out, $USAGE), 0, 'and begins with the usage');
    is((grep { length > 90 } split /\n/, $out) + ($out =~ tr/\n// > 32), 0, 'on one screen');
}
is_deeply([netio_daemon(@$_)], [0, "netio-daemon (NetIO) 0.01\n", ''], "@$_")
    for ['-V'], ['--version'], ['run', '-V'], ['status', 'x', '--version'];
is_deeply(
    [netio_daemon({ stdout => '/dev/full' }, '--help')],
    [74, '', "netio-daemon: standard output: No space left on device\n"],
    '--help on a full disk'
);

done_testing;
