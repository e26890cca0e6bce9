package NetIO::Test::Daemon;

# Starts a daemon for a test, and sees to it that it leaves nothing behind.
#
#     my $d = NetIO::Test::Daemon->whoisd($db, '--answer-seconds', 1);
#     my $e = NetIO::Test::Daemon->start(args => [...], ready => qr/listening on \S+:(\d+)/);
#     is $d->ask("cisco\r\n"), ...;
#     $d->wait_log(qr/"cisco" 1 matches/);
#     $d->wait_all(qr/.../, qr/.../);   # of what may come in any order
#     ok $d->refuses;                   # nobody listens any more, or soon
#     $d->finish;                       # or let the object go
#
# The daemon runs in a temporary directory of its own ($d->dir) and logs to stderr, which comes
# here through a pipe: start() waits for the line that ready matches, or dies with all of the log
# when the daemon ends first.  What is waited for makes the log readable; only what the kernel alone
# knows is looked at again and again (NetIO::Test::Patience).  So that it has this process for its
# parent and the pipe for its stderr, whoisd gets -f; tests of how it detaches use run().
#
# finish() checks, as one test: no child of the daemon is left, no descriptor more than when it
# was ready, TERM ends it with exit code 0, no sanitizer said a word.
#
# run() is for calls that end by themselves:
#
#     my ($exit, $out, $err) = NetIO::Test::Daemon->run(args => ['-V'], input => "cisco\n");

use strict;
use warnings;

use Cwd        ();
use Errno      qw(EAGAIN EINTR EWOULDBLOCK);
use Fcntl      qw(F_GETFL F_SETFL O_NONBLOCK);
use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use NetIO::Test::Process qw(is_taken);
use NetIO::Test::Run     qw(end_of slurp);
use NetIO::Test::Patience;
use NetIO::Test::Sanitizer qw(sanitizer_reports);
use POSIX                  ();
use Socket                 qw(SOCK_STREAM SHUT_WR);
use Test::More             ();
use Time::HiRes            ();

use constant PATIENCE      => 30;         # seconds that anything may take
use constant F_SETPIPE_SZ  => 1031;       # of fcntl(2) on Linux
use constant PIPE_CAPACITY => 1 << 20;    # a daemon must not wait for the test to read its log

sub program { return Cwd::abs_path($ENV{NETIO_WHOISD} || 'daemon/build/whoisd') }

# Reports of sanitizers go to files of this daemon, and end it.
sub environment {
    my ($dir, $env) = @_;
    my $options = "log_path=$dir/sanitizer:exitcode=99:halt_on_error=1";

    $ENV{$_} = join ':', grep { length } $ENV{$_} // '', $options
        for qw(ASAN_OPTIONS UBSAN_OPTIONS);
    @ENV{ keys %$env } = values %$env;
    return;
}

# In the child: descriptors 0 to 2 as given, then the program.
sub become {
    my ($self, $fd) = @_;

    for my $number (0 .. 2) {
        if (!$fd->[$number]) {
            open my $null, '+<', '/dev/null' or die "/dev/null: $!\n";
            $fd->[$number] = $null;
        }
        # dup2: a Perl handle would take another number when this one was closed.
        require POSIX;
        POSIX::dup2(fileno $fd->[$number], $number) // die "dup2: $!\n";
    }
    environment($self->{dir}, $self->{env});
    $self->{before}->() if $self->{before};
    chdir $self->{dir} or die "$self->{dir}: $!\n";
    no warnings 'exec';
    my @command = (@{ $self->{wrap} }, $self->{program}, @{ $self->{args} });
    exec { $command[0] } @command or die "$command[0]: $!\n";
}

# A fork whose child never gets back into the test.
sub spawn {
    my ($self, $fd) = @_;
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        eval { $self->become($fd) };
        print STDERR $@;
        require POSIX;
        POSIX::_exit(127);
    }
    return $pid;
}

# Where everything has a sanitizer in it (inc/asan.sh), the sandbox is left out, unless a test asks
# for one: it forbids what finds and reports a leak at exit, a thread that traces and a file.
sub sandbox_off {
    my ($args) = @_;

    return if !$ENV{NETIO_TEST_SANITIZED} || grep { /^--sandbox/ } @$args;
    return ('--sandbox', 'off');
}

# Most tests look at the process that serves: it is the one that is started, unless a test asks for
# workers.
sub alone {
    my ($args) = @_;

    return if grep { /^(?:--workers|--config|-c|--stdio|-t)/ } @$args;
    return ('--workers', 0);
}

sub prepare {
    my ($class, %how) = @_;
    my $args = $how{args} || [];

    return bless {
        args    => [$how{program} ? () : (sandbox_off($args), alone($args)), @$args],
        env     => $how{env} || {},
        before  => $how{before},
        wrap    => $how{wrap}    || [],
        workers => $how{workers} || 0,
        program => $how{program} || program(),
        dir     => $how{dir}     || File::Temp->newdir('netio-XXXXXX', TMPDIR => 1),
        log     => '',
        seen    => 0,
        owner   => $$,
    }, $class;
}

# args, env, dir; program: another one than whoisd; workers: how many children it shall have; stdin, stdout: handles for the daemon; before:
# code that runs in the child; wrap: a command that ends in exec "$@"; ready: without it nobody
# waits, and the descriptors are not counted.
sub start {
    my ($class, %how) = @_;
    my $self = $class->prepare(%how);

    unshift @{ $self->{args} }, '-f' if !$how{program};
    pipe(my $read, my $write) or die "pipe: $!\n";
    fcntl $write, F_SETPIPE_SZ, PIPE_CAPACITY;
    fcntl $read,  F_SETFL,      fcntl($read, F_GETFL, 0) | O_NONBLOCK or die "fcntl: $!\n";
    $self->{pipe} = $read;
    $self->{pid}  = $self->spawn([$how{stdin}, $how{stdout} || $write, $write]);
    close $write;
    if ($how{ready}) {
        my $match = $self->wait_log($how{ready});
        $match or die "the daemon did not get ready:\n$self->{log}";
        $self->{port}        = $match->[0];
        $self->{open_files}  = { $self->open_files };
        $self->{descriptors} = keys %{ $self->{open_files} };
    }
    return $self;
}

# whoisd on a free port of 127.0.0.1, with this directory.
sub whoisd {
    my ($class, $directory, @args) = @_;

    return $class->start(
        args  => ['--listen', '127.0.0.1:0', '--directory', "sqlite:$directory", @args],
        ready => qr/listening on 127\.0\.0\.1:(\d+), \d+ entries\n/
    );
}

# Runs the program to its end: exit code (or "signal N"), stdout, stderr.  stdin: a handle;
# input: text, through a pipe.
sub run {
    my ($class, %how) = @_;
    my $self = $class->prepare(%how);
    my ($out, $err) = map { File::Temp->new } 1, 2;
    my ($stdin, $feed) = ($how{stdin});

    if (defined $how{input}) {
        pipe($stdin, $feed) or die "pipe: $!\n";
    }
    my $pid = $self->spawn([$stdin, $how{stdout} || $out, $err]);
    if ($feed) {
        local $SIG{PIPE} = 'IGNORE';
        close $stdin;
        binmode $feed;
        print {$feed} $how{input};
        close $feed;
    }
    my $status = end_of($pid);
    Test::More::ok(0, 'no sanitizer report') || Test::More::diag($_)
        for sanitizer_reports(glob "$self->{dir}/sanitizer*");
    return ($status, slurp($out->filename), slurp($err->filename));
}

sub pid  { return $_[0]{pid} }
sub port { return $_[0]{port} }
sub dir  { return "$_[0]{dir}" }

# All of the log so far.
sub log_text {
    my ($self) = @_;

    1 while $self->pump(0);
    return $self->{log};
}

# Reads what the daemon logged, waiting for it until then at most; false at the end of the log
# and when nothing came.
sub pump {
    my ($self, $until) = @_;
    my $pipe = $self->{pipe} or return 0;

    while (1) {
        my $n = sysread $pipe, $self->{log}, 65536, length $self->{log};
        return $n if $n;
        if (defined $n) {
            close delete $self->{pipe};
            return 0;
        }
        die "read: $!\n" unless $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
        my $left = $until - Time::HiRes::time();
        return 0 if $left <= 0;
        vec(my $bits = '', fileno $pipe, 1) = 1;
        select $bits, undef, undef, $left;
    }
}

# Waits for text in the part of the log that no earlier call has matched; returns a reference
# to what the parentheses caught (undef: it did not come).
sub wait_log {
    my ($self, $regex, $seconds) = @_;
    my $until = Time::HiRes::time() + ($seconds || PATIENCE);

    while (1) {
        if (substr($self->{log}, $self->{seen}) =~ $regex) {
            my @caught = map { substr $self->{log}, $self->{seen} + $-[$_], $+[$_] - $-[$_] }
                grep { defined $-[$_] } 1 .. $#-;
            $self->{seen} += $+[0];
            return \@caught;
        }
        $self->pump($until) or return;
    }
}

# The same of several texts, which may come in any order: whether all have come.
sub wait_all {
    my ($self, @regexes) = @_;
    my ($from, $last)    = ($self->{seen}, 0);

    for my $regex (@regexes) {
        $self->{seen} = $from;
        my $found = $self->wait_log($regex);
        $last = $self->{seen} if $self->{seen} > $last;
        $found or return 0;
    }
    $self->{seen} = $last;
    return 1;
}

# The descriptors of the daemon, and what they are.
sub open_files {
    my ($self) = @_;
    my $folder = "/proc/$self->{pid}/fd";

    opendir my $fds, $folder or return;
    return map { ($_ => readlink("$folder/$_") // 'gone') } grep { /^\d/ } readdir $fds;
}

# How many it has.
sub descriptors {
    my ($self) = @_;
    my %open = $self->open_files;

    return scalar keys %open;
}

# How many when it has nothing to do.
sub descriptors_idle {
    my ($self) = @_;

    return least { $self->descriptors };
}

# How many descriptors it has: that many as soon as it is so, at last what there are.  What the log
# tells of may have some to close yet.
sub descriptors_as {
    my ($self, $wanted) = @_;
    my $count;

    eventually {
        $self->pump(0);
        ($count = $self->descriptors) == $wanted;
    };
    return $count;
}

sub kill {
    my ($self, $signal) = @_;

    CORE::kill($signal, $self->{pid}) or die "kill $self->{pid}: $!\n";
    return $self;
}

# The same, and the daemon has taken it: another one like it is not lost in this one.
sub kill_taken {
    my ($self, $signal) = @_;

    $self->kill($signal);
    is_taken($self->{pid}, $signal);
    return $self;
}

# A connection to the daemon; port or path choose the address.
sub connect {
    my ($self, %to) = @_;
    my $socket =
        $to{path}
        ? IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $to{path})
        : IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $to{port} || $self->{port},
        Proto    => 'tcp',
        Timeout  => PATIENCE
        );

    $socket or die "connect: $!\n";
    binmode $socket;
    return $socket;
}

# Once nobody listens there any more.  The log says that it ends before that is so.
sub refuses {
    my ($self, @to) = @_;

    return eventually {
        !eval { $self->connect(@to) }
    };
}

# Everything until the end of file; undef after PATIENCE seconds without any, or a reset.
sub read_all {
    my ($self, $socket) = @_;
    my $text = '';

    while (1) {
        vec(my $bits = '', fileno $socket, 1) = 1;
        select($bits, undef, undef, PATIENCE) or return;
        my $n = sysread $socket, $text, 65536, length $text;
        return $text if defined $n  && !$n;
        return       if !defined $n && $! != EINTR;
    }
}

# Sends octets, says that no more come, and returns the answer.
sub ask {
    my ($self, $query, %to) = @_;
    my $socket = $self->connect(%to);

    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, $query if length $query;
    shutdown $socket, SHUT_WR;
    return $self->read_all($socket);
}

# Waits for the daemon's end; its exit code, "signal N", or undef when it goes on.
sub wait_end {
    my ($self, $seconds) = @_;
    my $until = Time::HiRes::time() + ($seconds // PATIENCE);

    return $self->{end} if defined $self->{end};
    1 while $self->{pipe} && $self->pump($until);
    return if $self->{pipe};    # it still holds its end
    return $self->{end} = end_of($self->{pid});
}

# Its children that are there, whether or not they are about to end.
sub children_now {
    my ($self) = @_;

    return split ' ', slurp("/proc/$self->{pid}/task/$self->{pid}/children");
}

# The same as soon as they are as many as it shall have.  A worker may serve before the next one is
# born, and a client has all of its answer before the end of its program was seen.
sub children {
    my ($self) = @_;
    my $until = Time::HiRes::time() + PATIENCE;

    while (1) {
        my @children = $self->children_now;
        return @children if @children == $self->{workers} || Time::HiRes::time() > $until;
        $self->pump(Time::HiRes::time() + 0.02);
    }
}

# Those that were not there when it got ready, when they are more than they may be.  What it has just
# done with a connection may not have come to its end.
sub extra_descriptors {
    my ($self, $may) = @_;
    my $until = Time::HiRes::time() + PATIENCE;

    return if !defined $self->{descriptors};    # nobody waited until it was ready
    while (1) {
        my %now = $self->open_files;
        return if keys %now <= $self->{descriptors} + ($may || 0);
        return map { "$_ $now{$_}" } grep { !exists $self->{open_files}{$_} } keys %now
            if Time::HiRes::time() > $until;
        $self->pump(Time::HiRes::time() + 0.02);
    }
}

sub complaints {
    my ($self) = @_;
    my @bad;

    if (!defined $self->{end}) {
        my @children = $self->children;
        my @extra    = $self->extra_descriptors;
        push @bad, "children: @children" if @children != $self->{workers};
        push @bad, 'descriptors more: ' . join ', ', @extra if @extra;
        $self->kill('TERM');
        my $end = $self->wait_end;
        push @bad, 'TERM: ' . ($end // 'goes on') if !defined $end || $end ne '0';
    }
    push @bad, sanitizer_reports(glob "$self->{dir}/sanitizer*");
    push @bad, 'the log has a report' if $self->{log} =~ /Sanitizer|runtime error:/;
    return @bad;
}

sub finish {
    my ($self) = @_;

    return if $self->{finished}++;
    my @bad = $self->complaints;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok(!@bad, 'the daemon leaves nothing behind')
        or Test::More::diag(join "\n", @bad, 'its log ends:', substr $self->{log}, -2000);
    return;
}

sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$ || !$self->{pid};
    local ($?, $!, $@);
    if (${^GLOBAL_PHASE} eq 'DESTRUCT' || Test::More->builder->{Done_Testing}) {
        CORE::kill('KILL', $self->{pid}), waitpid $self->{pid}, 0 if !defined $self->{end};
        return;
    }
    $self->finish;
    CORE::kill('KILL', $self->{pid}), waitpid $self->{pid}, 0 if !defined $self->{end};
    return;
}

1;
