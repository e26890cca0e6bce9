package part::daemon;

# Becoming a daemon.  First the faults: each of the 14 of libdaemon (peer/libdaemon.c) and those of
# Perl's modules (peer/daemonizer.pl), on the peer and on NetIO, by a line of what happened.  Then the
# time from the call of a daemon's program until its starter has ended: when that has told the truth
# it is the time until the daemon is ready.  The faults that need another user, mounts or faults of
# the kernel's need root.

use strict;
use warnings;

use POSIX       ();
use Time::HiRes qw(sleep);

use NetIO::Bench::Process qw(timed);
use NetIO::Bench::Tree;

use constant {
    LIBDAEMON => 'bench/build/libdaemon',
    OURS      => 'csrc/build/t/libdaemon-faults',    # the tests, which say what was seen
    FAULTS    => 14,
    MANY      => 10_000,                             # descriptors that a process may have
    PATIENCE  => 1,                                  # seconds for a daemon to say what it is
    PULSE     => 0.01,
};

my %kept;                                            # by pid

# Module, package, whether it is for more than a pid file.
my @modules = (
    ['Net::Server',     'libnet-server-perl',     1],
    ['Proc::Daemon',    'libproc-daemon-perl',    1],
    ['Daemon::Control', 'libdaemon-control-perl', 1],
    ['App::Daemon',     'libapp-daemon-perl',     1],
    ['Daemon::Generic', 'libdaemon-generic-perl', 0],
    ['Proc::PID::File', 'libproc-pid-file-perl',  0],
);

sub measure {
    my ($class, $bench) = @_;
    my $folder = $bench->folder . '/daemon';

    mkdir $folder or die "$folder: $!\n";
    chmod 01777, $folder;
    chmod 0755,  $bench->folder;
    my $self = bless {
        bench  => $bench,
        folder => $folder,
        lib    => NetIO::Bench::Tree->installed($bench)->lib,
    }, $class;

    $bench->heading('daemon: the faults of libdaemon');
    my $libdaemon = $bench->have(['/usr/include/libdaemon/daemon.h', 'libdaemon-dev']);
    $self->_libdaemon if $libdaemon;
    $bench->heading("daemon: the faults of Perl's modules");
    $self->{peers} = [grep { $bench->have([@$_[0, 1]]) } @modules];
    $self->_modules;
    $self->_second_start if $bench->have(['start_server', 'libserver-starter-perl']);
    $bench->heading('daemon: from the start of the program to the end of its starter');
    $self->_times($libdaemon);
    return;
}

sub _libdaemon {
    my ($self) = @_;
    my $bench = $self->{bench};
    my %ours;

    for (_output(OURS)) {
        push @{ $ours{$2} }, $1 ? "NOT SO: $3" : $3 if /^(not )?ok \d+ - libdaemon (\d+): (.*)/;
    }
    for my $fault (1 .. FAULTS) {
        my ($line) = _output(LIBDAEMON, $fault, $self->{folder});
        my $is     = $? >> 8;
        my $what   = $is == 0 ? 'libdaemon' : $is == 1 ? 'libdaemon, not seen' : 'not tried';
        $bench->note(sprintf '%2d  %s: %s', $fault, $what, $line // 'nothing');
        $bench->note(
            '    NetIO: ' . join(' ', @{ $ours{$fault} || ['not tried'] }) =~ s/ \.\.\.//gr);
    }
    return;
}

# A line for each question and peer; ours is asked first.
sub _modules {
    my ($self) = @_;
    my $rounds = $self->{bench}->pick(100, 2);
    my @all    = map { $_->[0] } @{ $self->{peers} };
    my @full   = map { $_->[0] } grep { $_->[2] } @{ $self->{peers} };
    my @able   = (@full, 'Daemon::Generic');

    $self->_ask("of $rounds races for the pid file, both won",
        sub { $self->_race($_[0], $rounds) }, @all);
    $self->_ask('it dies before ready: exit code', sub { $self->_starter('die', $_[0]) }, @able);
    $self->_ask('close(2) calls, limit ' . MANY,   sub { $self->_closes($_[0]) },         @able);
    $self->_ask('umask, of one of 022',            sub { $self->_world('umask', $_[0]) }, @full);
    if ($> == 0) {
        my @groups = ('setpriv', '--groups', '0,4,27');
        my @fails  = _inject('error=EPERM');
        my @lies   = _inject('retval=0');
        $self->_ask('groups of nobody, of one of 0 4 27',
            sub { $self->_world('groups', $_[0], @groups) }, @full);
        $self->_ask('no_new_privs', sub { $self->_world('no_new_privs', $_[0]) }, @full);
        if ($self->{bench}->have(['strace', 'strace'])) {
            $self->_ask('setuid fails: goes on as uid',
                sub { $self->_world('uid', $_[0], @fails) }, @full);
            $self->_ask('setuid lies: goes on as uid',
                sub { $self->_world('uid', $_[0], @lies) }, @full);
        }
    } else {
        $self->{bench}->note('left out: users and groups: they need root');
    }
    return;
}

sub _inject {
    my ($how) = @_;
    my $calls = 'setuid,setreuid,setresuid';

    return (
        'strace', '-f',           '-qq', '-o', '/dev/null',
        '-e',     "trace=$calls", '-e',  "inject=$calls:$how"
    );
}

sub _ask {
    my ($self, $what, $question, @peers) = @_;
    my $ours  = $question->('NetIO');
    my %is_in = map { $_->[0] => 1 } @{ $self->{peers} };

    for my $peer (grep { $is_in{$_} } @peers) {
        $self->{bench}
            ->note(sprintf '%-36s %-10s | %-10s %s', $what, $ours, $question->($peer), $peer);
    }
    return;
}

# A side of the peers' program in Perl.
sub _command {
    my ($self, $side, $act, @more) = @_;
    my @ours = $side eq 'NetIO' ? ("-I$self->{lib}", '-MNetIO=daemonize') : ();

    return ($^X, @ours, 'bench/peer/daemonizer.pl', $side, $act, $self->{folder}, @more);
}

sub _race {
    my ($self, $side, $rounds) = @_;

    my ($twice) = _output($self->_command($side, 'race', $rounds));
    return $twice // 'no answer';
}

sub _starter {
    my ($self, $act, $side) = @_;

    _output($self->_command($side, $act));
    return $? >> 8;
}

# All its processes'.
sub _closes {
    my ($self, $side) = @_;
    my $trace = "$self->{folder}/trace";

    _output('strace', '-f', '-qq', '-e', 'trace=close', '-o', $trace, 'sh', '-c',
        'ulimit -n ' . MANY . ' 2>/dev/null; exec "$@"',
        'sh', $self->_command($side, 'start'));
    open my $in, '<', $trace or die "$trace: $!\n";
    my $count = grep { /close\(/ } <$in>;
    close $in;
    unlink $trace;
    return $count;
}

# What the daemon says of itself; "does not" when it never comes so far.
sub _world {
    my ($self, $what, $side, @under) = @_;
    my $world = "$self->{folder}/world";

    unlink $world;
    _output(@under, $self->_command($side, 'world'));
    _within(sub { -e $world });
    open my $in, '<', $world or return 'does not';
    my ($is) = map { /^$what=(.*)/ ? $1 : () } <$in>;
    return $is;
}

# Server::Starter opens its pid file to write before it asks for the lock.
sub _second_start {
    my ($self) = @_;
    my $file = "$self->{folder}/second.pid";
    my %left;

    for my $side ('NetIO', 'Server::Starter') {
        my @command =
            $side eq 'NetIO'
            ? ('csrc/build/t/drive-pidfile', 'hold', $file)
            : ('start_server', "--path=$self->{folder}/socket", "--pid-file=$file", 'sleep', 9);
        my @pids = _start(@command);
        _within(sub { -s $file });
        my $before = -s $file;
        push @pids, _start(@command);
        _within(sub { -s $file != $before });
        $left{$side} = -s $file == $before ? 'as it was' : -s $file ? 'changed' : 'empty';
        kill 'TERM', @pids;
        waitpid $_, 0 for @pids;
        unlink $file, "$self->{folder}/socket";
    }
    $self->{bench}->note(
        sprintf '%-36s %-10s | %-10s %s',
        'a second start leaves the pid file',
        @left{ 'NetIO', 'Server::Starter' },
        'Server::Starter'
    );
    return;
}

# Its input is a pipe that nobody writes into.
sub _start {
    my (@command) = @_;
    my $pid = open(my $input, '|-') // die "fork: $!\n";

    if (!$pid) {
        open $_, '>', '/dev/null' for *STDOUT, *STDERR;
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    $kept{$pid} = $input;
    return $pid;
}

sub _within {
    my ($is_so) = @_;

    for (1 .. PATIENCE / PULSE) {
        return 1 if $is_so->();
        sleep PULSE;
    }
    return 0;
}

# Its lines; what it complains of is of no interest here.
sub _output {
    my (@command) = @_;
    my $pid = open(my $output, '-|') // die "fork: $!\n";

    if (!$pid) {
        open STDERR, '>', '/dev/null';
        open STDIN,  '<', '/dev/null';
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    my @lines = <$output>;
    close $output;
    chomp @lines;
    return @lines;
}

# The least program of each: a daemon with a pid file that ends when it is ready.
my %least = (
    'NetIO'        => ['NetIO=daemonize', 'daemonize(pidfile => $file)->ready'],
    'Proc::Daemon' =>
        ['Proc::Daemon', 'Proc::Daemon->new(work_dir => "/", pid_file => $file)->Init'],
    'Net::Server::Daemonize' => ['Net::Server::Daemonize=daemonize', 'daemonize(0, 0, $file)'],
    'Daemon::Control'        => [
        'Daemon::Control',
        'Daemon::Control->new(name => "peer", program => sub { }, fork => 2,'
            . ' pid_file => $file)->run_command("start")'
    ],
    'App::Daemon' => [
        'App::Daemon=daemonize',
        '$App::Daemon::pidfile = $file; $App::Daemon::logfile = "/dev/null";'
            . ' $App::Daemon::as_user = "root"; @ARGV = "start"; daemonize()'
    ],
);

sub _times {
    my ($self, $libdaemon) = @_;
    my $bench = $self->{bench};
    my $side  = sub {
        my (@command) = @_;
        return sub { timed('/dev/null', @command) };
    };
    my @c = (
        'NetIO' => $side->('bench/build/daemon', $self->{folder}),
        ($libdaemon ? (libdaemon => $side->(LIBDAEMON, 'start', $self->{folder})) : ()),
        'true' => $side->('/bin/true'),
    );
    my %package_of =
        (map({ @$_[0, 1] } @modules), 'Net::Server::Daemonize' => 'libnet-server-perl');
    my @perl;
    for my $name ('NetIO', grep { $_ ne 'NetIO' } sort keys %least) {
        my ($use, $call) = @{ $least{$name} };
        my $module = $use =~ s/=.*//r;
        next if $name ne 'NetIO' && !$bench->have([$module, $package_of{$module}]);
        push @perl,
            $name => $side->(
            $^X, "-I$self->{lib}", "-M$use", '-e',
            "my \$file = shift() . qq(/least-\$\$.pid); $call",
            $self->{folder}
            );
    }
    push @perl, 'perl -e1' => $side->($^X, '-e1');

    $bench->compare($bench->rounds($bench->pick(200, 3), @c),    'ms', 'C: ms');
    $bench->compare($bench->rounds($bench->pick(60,  3), @perl), 'ms', 'Perl: ms');
    return;
}

1;
