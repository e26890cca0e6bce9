package NetIO::Test::Detached;

# A daemon that has left its starter, so that nobody here is its parent: known by its pid file, and
# waited for through a pidfd.
#
#     my $d = NetIO::Test::Detached->new($pidfile) or die;
#     is $d->status('Uid'), ...;
#     $d->kill('TERM');
#     ok $d->wait_end;
#
# One that still runs when the object goes is killed.

use strict;
use warnings;

use NetIO::Test::Run qw(slurp);

use constant PATIENCE   => 30;     # seconds that its end may take
use constant PIDFD_OPEN => 434;    # pidfd_open(2), on all architectures

sub new {
    my ($class, $pidfile) = @_;
    my ($pid) = (eval { slurp($pidfile) } // '') =~ /\A([1-9]\d*)\n\z/ or return;
    my $fd    = syscall PIDFD_OPEN, $pid + 0, 0;

    return if $fd < 0;
    open my $pidfd, '<&=', $fd or die "pidfd: $!\n";
    return bless { pid => $pid, pidfd => $pidfd, owner => $$ }, $class;
}

sub pid { return $_[0]{pid} }

# A line of proc_pid_status(5), blanks between its fields.
sub status {
    my ($self, $name) = @_;
    my ($value) = (eval { slurp("/proc/$self->{pid}/status") } // '') =~ /^$name:\s*(.*?)\s*$/m;

    return defined $value ? join ' ', split ' ', $value : undef;
}

# What is behind one of its links: cwd, root, exe, fd/N.
sub link {
    my ($self, $name) = @_;

    return readlink "/proc/$self->{pid}/$name";
}

# The numbers of its descriptors.
sub descriptors {
    my ($self) = @_;

    opendir my $fds, "/proc/$self->{pid}/fd" or return;
    return sort { $a <=> $b } grep { /^\d/ } readdir $fds;
}

sub kill {
    my ($self, $signal) = @_;

    return CORE::kill($signal, $self->{pid});
}

# Whether it has ended, or does so in time.
sub wait_end {
    my ($self, $seconds) = @_;

    vec(my $bits = '', fileno $self->{pidfd}, 1) = 1;
    return scalar select $bits, undef, undef, $seconds // PATIENCE;
}

sub DESTROY {
    my ($self) = @_;

    local ($?, $!, $@);
    return if $self->{owner} != $$ || $self->wait_end(0);
    $self->kill('KILL');
    $self->wait_end;
    return;
}

1;
