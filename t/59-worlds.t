# One world, whatever way leads to it: the probe (t/c/drive-world.c), started by netio_child, as a
# daemon of netio_daemonize in C and of daemonize in Perl, by netio-daemon, and as a daemon under
# systemd-socket-activate; each from the worst place to start from.  Field by field it is the documented
# world of netio/world.h; what a way has of its own is listed here, with the reason.

use strict;
use warnings;
use lib 't/lib';

use Cwd        ();
use File::Temp ();
use NetIO::Test::Daemon;
use NetIO::Test::Run;
use NetIO::Test::World;
use Test::More;

alarm 300;

plan skip_all => 'who is not root can become nobody' if $> != 0;
plan skip_all => 'no pid namespaces here'
    if system('unshare -pf --mount-proc true 2>/dev/null') != 0;

my $ACTIVATE = '/usr/bin/systemd-socket-activate';
my $top      = Cwd::getcwd();
my $folder   = File::Temp->newdir;
my $driver   = "$top/csrc/build/t/drive-daemonize";
my $serial   = 0;

-x $_ or BAIL_OUT("$_ is not there: run make first") for $driver, $PROBE;
chmod 01777, $folder or die "$folder: $!\n";    # nobody writes there, too
delete @ENV{ grep { /^(?:LANG|LC_|LANGUAGE$|TZ$|NOTIFY_SOCKET$|LISTEN_)/ } keys %ENV };

# All that can be wrong where one starts: signals, descriptors, groups, umask, folder, environment.
# What the word in front names, too: "terminal", "pending" signals.
my $HOSTILE = <<'PERL';
use POSIX ();
my ($more, @command) = @ARGV;
$^F = 1 << 20;
if ($more =~ /terminal/) {
    require IO::Pty;
    our $pty = IO::Pty->new;
    $pty->make_slave_controlling_terminal;
}
open $open[$_], '<', '/etc/passwd' or die for 0 .. 199;
$SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM CHLD PIPE USR1 TSTP TTOU);
my $all = POSIX::SigSet->new;
$all->fillset;
POSIX::sigprocmask(POSIX::SIG_BLOCK(), $all) or die;
kill $_, $$ for $more =~ /pending/ ? qw(ALRM USR2 WINCH) : ();
$) = '0 1 2 3 4 27 1000 65533';
chdir '/usr' or die;
umask 0777;
@ENV{qw(LD_LIBRARY_PATH IFS CREDENTIALS_DIRECTORY HOME USER BASH_ENV TMPDIR)} = ('/nowhere') x 7;
exec { $command[0] } @command or die;
PERL

my $more = eval { require IO::Pty } ? 'terminal pending' : 'pending';
$more =~ /terminal/ or diag 'no IO::Pty: the starters have no terminal to be rid of';

# What ends a start, and its file.
sub world_of {
    my ($name, @command) = @_;
    my $file = "$folder/" . ++$serial;
    my ($status, $out, $err) =
        run(to_the_last($^X, '-e', $HOSTILE, $more, map { $_ eq 'FILE' ? $file : $_ } @command));

    is("$status $err", '0 ', "$name: starts") or diag($out);
    return -e $file ? read_world($file) : {};
}

my @probe = ($PROBE, 'FILE');
# Signals that a daemon ignores until it handles them (netio/daemonize.h), and a session whose leader
# has ended, so that no terminal that it opens becomes its own.
my %daemon = (
    ignored => '1 10 12 13 20 21 22 25',
    map({ $_ => 'no' } qw(session_leader group_leader gains_tty))
);
my $perl = 'my $d = daemonize(user => "nobody"); $d->ready; exec { $ARGV[0] } @ARGV or die;';

#<<< the table as it is: name, command, what is as nowhere else
my @ways = (
    ['a child of netio_child', ["$top/csrc/build/t/drive-child", '-u', 'nobody', @probe]],
    ['a daemon in C', [$driver, '-u', 'nobody', '--', 'ready', "exec:$PROBE", 'FILE'], %daemon],
    ['a daemon in Perl', [$^X, "-I$top/blib/lib", "-I$top/blib/arch", '-MNetIO=daemonize', '-e', $perl,
        @probe], %daemon],
    # Its output goes to the log, by way of its supervisor.
    ['a program of netio-daemon', ["$top/csrc/build/netio-daemon", 'start', 'probe', '--user', 'nobody',
        '--ready', 'exec', '--pidfile', "$folder/pid", '--', @probe], map { ("fd.$_" => 'fifo wronly') } 1, 2],
);
#>>>

for my $way (@ways) {
    my ($name, $command, %own) = @$way;

    my $world = world_of($name, @$command);
    is_world($world, { documented('nobody'), 'rlimit.core' => $world->{'rlimit.core'}, %own },
        $name);
    is((split ' ', $world->{'rlimit.core'} // '-1')[0], 0, "$name: no core file");
    is($world->{sid}, $world->{pgrp}, "$name: a session and a process group of their own");
    is_deeply($world->{argv}, [$PROBE, "$folder/$serial"], "$name: its arguments");
}

# In the foreground: the world is built around the process that is there, which keeps its session and
# what it says.  The socket, and what is said of it, is left for netio_activation_take.  (A pending
# signal would end systemd-socket-activate.)
SKIP: {
    skip "no $ACTIVATE here", 1 if !-x $ACTIVATE;
    my $name = 'a daemon under systemd-socket-activate';
    my $file = "$folder/" . ++$serial;
    my $d    = NetIO::Test::Daemon->start(
        program => $^X,
        args    => [
            '-e',    $HOSTILE, '',       $ACTIVATE, '-l',    "$folder/s",
            $driver, '-u',     'nobody', '--',      'ready', "exec:$PROBE",
            $file
        ],
    );

    ok($d->wait_log(qr/Listening on \Q$folder\E\/s as 3/), "$name: starts");
    $d->connect(path => "$folder/s");
    is($d->wait_end, 0, "$name: ends");
    my $world = read_world($file);
    my %own   = (
        %daemon,
        fds    => '0 1 2 3',
        'fd.1' => 'fifo wronly',
        'fd.2' => 'fifo wronly',
        'fd.3' => 'sock rdwr',
    );
    my %wanted = (documented('nobody'), %own, 'rlimit.core' => $world->{'rlimit.core'});
    $wanted{env} = [sort @{ $wanted{env} }, 'LISTEN_FDS=1', "LISTEN_PID=$world->{pid}"];
    delete @wanted{qw(group_leader tty tpgid gains_tty)};    # those of who runs this test
    is_world($world, \%wanted, $name);
    $d->finish;
}

done_testing;
