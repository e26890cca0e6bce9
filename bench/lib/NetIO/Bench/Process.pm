package NetIO::Bench::Process;

# Processes that are measured.  Called by the parts.
#
#     my $server = NetIO::Bench::Process->serve($folder, 'blib/script/whoisd', ...);
#     my $other = NetIO::Bench::Process->serve_at($folder, 4343, 'inetd', ...);
#     $server->pid; $server->log_file; $server->said_since($size);
#     $server->port;             # from the line "listening on 127.0.0.1:PORT", or the socket's
#     $server->cpu;              # seconds, user and system, its children's, too
#     $server->peak;             # the most memory it ever had resident, MiB
#     $server->memory;           # what is its own now, its children's, too, bytes
#     $server->descriptors;      # how many it has open, its children's, too
#     $server->stop;             # or let the object go
#
#     my %figures = timed($output, 'perl', '-e1');     # from fork to exit: ms, cpu
#     run(@command);                                   # or die
#     run_piped(['producer', ...], ['consumer', ...]);
#
#     catch_signals();                                 # INT, TERM and HUP interrupt
#     interrupt("too late\n");                         # from a handler; interruption says why
#     go_on;                                           # dies of it, here where nothing is half-done

use strict;
use warnings;

use Exporter 'import';
use Fcntl       qw(F_SETFD);
use POSIX       ();
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

our @EXPORT_OK = qw(catch_signals go_on interrupt interruption is_listening timed run run_piped);

use constant {
    PATIENCE  => 120,     # seconds until a server is ready; one that reads gigabytes first, too
    GRACE     => 10,      # seconds that it may take to end
    PULSE     => 0.01,    # seconds between two looks
    LISTEN_FD => 3,
};

my $serial = 0;
my $interrupted;          # why

# An exception out of the handler would be lost in a destructor, or in other code that catches
# exceptions.  What is waited for ends, and with it the wait; the youngest first, which may be
# a client of another.
sub interrupt {
    my ($why) = @_;

    $interrupted = $why;
    kill 'TERM', reverse _children($$);
    return;
}

# A child that is not yet what it shall execute has nothing to say.
sub catch_signals {
    my $self = $$;

    @SIG{qw(INT TERM HUP)} =
        (sub { $$ == $self ? interrupt("interrupted\n") : POSIX::_exit(1) }) x 3;
    return;
}

sub interruption { return $interrupted }

sub go_on {
    die $interrupted if defined $interrupted;
    return;
}

# Starts a server whose output is a file in the folder, and waits until that says where it
# listens.
sub serve {
    my ($class, $folder, @command) = @_;
    my $self = $class->_start($folder, sub { }, @command);

    $self->_await;
    return $self;
}

# Starts one that finds the socket which listens as descriptor 3 (sd_listen_fds(3)).  Nobody
# needs to wait for it: clients wait in the backlog.
sub serve_socket {
    my ($class, $folder, $socket, @command) = @_;
    my $self = $class->_start(
        $folder,
        sub {
            # dup2 to itself would leave it close-on-exec.
            fcntl $socket, F_SETFD, 0;
            POSIX::dup2(fileno $socket, LISTEN_FD);
            @ENV{qw(LISTEN_FDS LISTEN_PID)} = (1, $$);
        },
        @command
    );

    $self->{port} = $socket->sockport;
    return $self;
}

# Starts one that was told its port of 127.0.0.1, and waits until it listens there.
sub serve_at {
    my ($class, $folder, $port, @command) = @_;
    my $self = $class->_start($folder, sub { }, @command);

    $self->{port} = $port;
    _within_grace(sub { is_listening($port) })
        or die "$self->{name} does not listen: " . _slurp($self->{log}) . "\n";
    return $self;
}

# Without a connection, which would be a client's.
sub is_listening {
    my ($port) = @_;

    return _slurp('/proc/net/tcp') =~ sprintf ':%04X 00000000:0000 0A ', $port;
}

sub pid      { return $_[0]{pid} }
sub log_file { return $_[0]{log} }

# What it has said since its log had that size.
sub said_since {
    my ($self, $size) = @_;

    return substr _slurp($self->{log}), $size;
}

sub _start {
    my ($class, $folder, $prepare, @command) = @_;
    my $log = sprintf '%s/server-%d.log', $folder, ++$serial;

    open my $null,   '<',  '/dev/null' or die "/dev/null: $!\n";
    open my $output, '>>', $log        or die "$log: $!\n";
    return $class->_spawn([$null, $output, $output], $prepare, @command)->_with(log => $log);
}

# A process with these as its first descriptors (undef: ours).
sub _spawn {
    my ($class, $handles, $prepare, @command) = @_;

    go_on();
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        for (0 .. $#$handles) {
            POSIX::dup2(fileno $handles->[$_], $_) if $handles->[$_];
        }
        $prepare->();
        no warnings 'exec';
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    return bless { pid => $pid, owner => $$, name => $command[0] }, $class;
}

sub _with {
    my ($self, %more) = @_;

    @$self{ keys %more } = values %more;
    return $self;
}

sub _await {
    my ($self) = @_;
    my $until = clock_gettime(CLOCK_MONOTONIC) + PATIENCE;

    while (clock_gettime(CLOCK_MONOTONIC) < $until) {
        my $ended = waitpid $self->{pid}, POSIX::WNOHANG();
        my $text  = -e $self->{log} ? _slurp($self->{log}) : '';
        if ($text =~ /listening on 127\.0\.0\.1:(\d+)(?:,.*)?\n/) {
            $self->{port} = $1;
            return;
        }
        if ($ended) {
            delete $self->{pid};
            die "$self->{name} ended at once: $text\n";
        }
        sleep PULSE;
    }
    die "$self->{name} did not get ready: " . _slurp($self->{log}) . "\n";
}

sub port { return $_[0]{port} }

# To the nanosecond, by the clock that the kernel keeps for each process; of children that ended
# already it knows hundredths of a second.
sub cpu {
    my ($self) = @_;

    return _cpu_of($self->{pid});
}

sub _cpu_of {
    my ($pid) = @_;
    my @stat  = split ' ', _slurp("/proc/$pid/stat") =~ s/^.*\)//sr or return 0;    # gone
    my $ended = ($stat[13] + $stat[14]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
    my $sum   = $ended + clock_gettime(-8 * ($pid + 1) + 2);

    $sum += _cpu_of($_) for _children($pid);
    return $sum;
}

sub peak {
    my ($self) = @_;
    my ($kib)  = _slurp("/proc/$self->{pid}/status") =~ /^VmHWM:\s+(\d+) kB/m;

    return $kib / 1024;
}

# Anonymous memory that is resident: heap, stacks, and what was written to since the fork.
sub memory {
    my ($self) = @_;
    my $sum = 0;

    for my $pid (_family($self->{pid})) {
        $sum += $1 if _slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m;
    }
    return 1024 * $sum;
}

sub descriptors {
    my ($self) = @_;
    my $sum = 0;

    for my $pid (_family($self->{pid})) {
        opendir my $folder, "/proc/$pid/fd" or next;
        $sum += grep { /^\d/ } readdir $folder;
    }
    return $sum;
}

# A process and all that descend from it.
sub _family {
    my ($pid) = @_;

    return $pid, map { _family($_) } _children($pid);
}

# TERM, and KILL when that does not do.  Children of a server that has answered may be about to
# end; they are waited for, too.
sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    return if $self->{owner} != $$;
    local ($?, $!);
    my @children = _children($pid);
    kill 'TERM', $pid;
    if (!_within_grace(sub { waitpid($pid, POSIX::WNOHANG()) == $pid })) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }
    for my $child (@children) {
        _within_grace(sub { !-e "/proc/$child" });
    }
    return;
}

sub _within_grace {
    my ($is_so) = @_;
    my $until = clock_gettime(CLOCK_MONOTONIC) + GRACE;

    until ($is_so->()) {
        return 0 if clock_gettime(CLOCK_MONOTONIC) > $until;
        sleep PULSE;
    }
    return 1;
}

sub _children {
    my ($pid) = @_;

    return split ' ', _slurp("/proc/$pid/task/$pid/children");
}

sub DESTROY { return $_[0]->stop }

# Runs a command to its end, with its standard output in a file.
sub timed {
    my ($output, @command) = @_;

    open my $spawn, '-|', 'bench/build/spawn', $output, @command or die "spawn: $!\n";
    my ($elapsed, $cpu, $code) = split ' ', <$spawn> // '';
    close $spawn or die "spawn @command: failed\n";
    die "@command: exit code $code\n" if $code;
    return (ms => $elapsed / 1000, cpu => $cpu / 1000);
}

sub run {
    my (@command) = @_;

    go_on();
    system { $command[0] } @command;
    die "@command: exit status $?\n" if $?;
    return;
}

# Two commands, the output of the first the input of the second.
sub run_piped {
    my ($producer, $consumer) = @_;

    pipe(my $read, my $write) or die "pipe: $!\n";
    my $first  = __PACKAGE__->_spawn([undef, $write], sub { }, @$producer);
    my $second = __PACKAGE__->_spawn([$read],         sub { }, @$consumer);
    close $read;
    close $write;
    # The second first: when that fails, the first only notices.
    $_->_finish for $second, $first;
    return;
}

sub _finish {
    my ($self) = @_;

    waitpid $self->{pid}, 0;
    delete $self->{pid};
    die "$self->{name}: exit status $?\n" if $?;
    return;
}

sub _slurp {
    my ($path) = @_;

    open my $file, '<', $path or return '';
    local $/;
    return <$file> // '';
}

1;
