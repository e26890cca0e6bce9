#!/usr/bin/perl

# What becomes a daemon in Perl, ours among it, for part/daemon.pm.
#
#     daemonizer.pl SIDE start FOLDER             detaches, is ready, ends
#     daemonizer.pl SIDE die FOLDER               the daemon exits with 1 before it is ready
#     daemonizer.pl SIDE world FOLDER             as nobody; says in FOLDER/world what it is
#     daemonizer.pl SIDE race FOLDER ROUNDS       two start at once; prints how often both did
#
# SIDE is the name of a module; NetIO is loaded from outside (perl -MNetIO=daemonize).  Each does
# what its documentation shows, with a pid file in FOLDER.

use strict;
use warnings;

use POSIX       ();
use Time::HiRes qw(sleep);

use constant {
    PULSE                  => 0.002,    # seconds between two looks
    PATIENCE               => 1,        # seconds for two starters to have come to an end
    PRCTL                  => (POSIX::uname())[4] eq 'aarch64' ? 167 : 157,
    PR_SET_CHILD_SUBREAPER => 36,
};

my ($side, $act, $folder, $rounds) = @ARGV;

exit 64 if !defined $folder;
# Those that start one after the other do not wait for the one before to end.
my $pidfile = "$folder/" . ($act eq 'race' ? 'peer' : "peer-$$") . '.pid';

# How each starts: returns in the daemon, if at all; those that run a program are given it.
my %start_for = (
    'NetIO' => sub {
        my ($user, $work) = @_;
        my $daemon = NetIO::daemonize(pidfile => $pidfile, ($user ? (user => $user) : ()));
        $work->() if $act eq 'die';
        $daemon->ready;
        return $work->();
    },
    'Net::Server' => sub {
        my ($user, $work) = @_;
        my $socket = "$folder/socket.$$";
        no warnings 'once';
        @Peer::ISA           = ('Net::Server');
        *Peer::pre_loop_hook = sub { unlink $socket; $work->() };
        local @ARGV = ();
        return Peer->run(
            port       => "$socket|unix",
            background => 1,
            log_level  => 0,
            pid_file   => $pidfile,
            ($user ? (user => $user) : ()),
        );
    },
    'Proc::Daemon' => sub {
        my ($user, $work) = @_;
        my $daemon = Proc::Daemon->new(
            work_dir => '/',
            pid_file => $pidfile,
            ($user ? (setuid => scalar getpwnam $user) : ()),
        );
        exit 1 if $daemon->Status($pidfile);
        exit 0 if $daemon->Init;
        return $work->();
    },
    'Daemon::Control' => sub {
        my ($user, $work) = @_;
        open STDOUT, '>', '/dev/null' or die "/dev/null: $!\n";
        return Daemon::Control->new(
            name     => 'peer',
            program  => $work,
            pid_file => $pidfile,
            fork     => 2,
            ($user ? (user => $user) : ()),
        )->run_command('start');
    },
    'App::Daemon' => sub {
        my ($user, $work) = @_;
        no warnings 'once';
        $App::Daemon::pidfile = $pidfile;
        $App::Daemon::logfile = '/dev/null';
        $App::Daemon::as_user = $user || 'root';
        local @ARGV = ('start');
        App::Daemon::daemonize();
        return $work->();
    },
    'Daemon::Generic' => sub {
        my ($user, $work) = @_;
        no warnings qw(once redefine);
        *gd_preconfig = sub { };
        *gd_run       = $work;
        open STDOUT, '>', '/dev/null' or die "/dev/null: $!\n";
        local @ARGV = ('start');
        return newdaemon(
            progname   => 'peer',
            pidfile    => $pidfile,
            configfile => '/dev/null',
        );
    },
    # A pid file and no more.
    'Proc::PID::File' => sub {
        my ($user, $work) = @_;
        exit 1 if Proc::PID::File->running({ dir => $folder, name => 'peer' });
        return $work->();
    },
);

exit 64 if !$start_for{$side};
if ($side ne 'NetIO') {
    my $file = $side =~ s{::}{/}gr . '.pm';
    require $file;
    $side->import if $side eq 'Daemon::Generic';
}

alarm 300;
my %act = (
    start => sub {
        start(undef, sub { unlink $pidfile; POSIX::_exit(0) });
    },
    die => sub {
        start(undef, sub { POSIX::_exit(1) });
    },
    world => sub {
        start('nobody', \&tell_world);
    },
    race => \&race,
);
($act{$act} || exit 64)->();

sub start {
    my ($user, $work) = @_;

    my $code = $start_for{$side}->($user, $work);
    POSIX::_exit($code && $code =~ /^\d+$/ ? $code : 0);
}

sub tell_world {
    open my $status, '<', '/proc/self/status' or POSIX::_exit(2);
    my %is = map { /^(\w+):\s*(.*?)\s*$/ ? ($1 => $2) : () } <$status>;
    open my $out, '>', "$folder/world.new" or POSIX::_exit(2);
    printf {$out} "%s=%s\n", @$_
        for ['uid', $is{Uid} =~ s/\s.*//sr], ['gid', $is{Gid} =~ s/\s.*//sr],
        ['groups', join ' ', sort { $a <=> $b } split ' ', $is{Groups}],
        ['umask', $is{Umask}], ['no_new_privs', $is{NoNewPrivs}];
    close $out;
    rename "$folder/world.new", "$folder/world";
    POSIX::_exit(0);
}

# A daemon that has come so far leaves a file of its name, and stays.  All that are started become
# children of this process when their parents end: so it sees when nobody is on the way any more.
sub race {
    my $twice = 0;

    syscall PRCTL, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0;
    for my $round (1 .. $rounds) {
        unlink glob "$folder/*";
        pipe my $wait, my $go or die "pipe: $!\n";
        racer($wait, $go) for 1 .. 2;
        close $wait;
        close $go;
        my $until = time + PATIENCE;
        sleep PULSE while time < $until && grep { !-e "$folder/won.$_" } children();
        my @won = glob "$folder/won.*";
        $twice += @won > 1;
        while (my @left = children()) {
            kill 'KILL', @left;
            waitpid $_, 0 for @left;
        }
    }
    print "$twice\n";
    unlink glob "$folder/*";
    return;
}

sub children {
    1 while waitpid(-1, POSIX::WNOHANG()) > 0;
    open my $list, '<', "/proc/$$/task/$$/children" or die "/proc: $!\n";
    return split ' ', readline($list) || '';
}

sub racer {
    my ($wait, $go) = @_;
    my $pid = fork // die "fork: $!\n";
    return if $pid;

    close $go;
    open STDERR, '>', '/dev/null';
    sysread $wait, my $byte, 1;
    start(
        undef,
        sub {
            open my $won, '>', "$folder/won.$$";
            sleep 100;
        }
    );
    POSIX::_exit(0);
}
