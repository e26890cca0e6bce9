package NetIO::Test::Daemonize;

# Starts t/c/drive-daemonize, or a program like it, and sees what becomes of it.
#
#     my $d = NetIO::Test::Daemonize->start(args => ['-p', $pidfile, 'ready', 'tell:9', 'wait:8']);
#     my ($status, $said) = $d->starter;         # waits for it: exit code or "signal N", output
#     my ($pid, $code)    = $d->told;            # what the step tell:9 wrote
#     $d->go;                                    # what the step wait:8 waits for
#     ok $d->gone;                               # waits until no process of this start is left
#
# Nothing sleeps: descriptor 9 is a pipe to here that each process of the start holds (-k 8 -k 9 are
# among the arguments already), so its end of file is the end of the last one.

use strict;
use warnings;

use Fcntl qw(F_SETFD);
use IO::Handle;
use NetIO::Test::C;
use NetIO::Test::Run qw(end_of);
use POSIX            ();

use constant GO   => 8;
use constant TELL => 9;

sub driver { return c_program('drive-daemonize') }

# Numbers above what is to come, so that dup2 overwrites nothing that is needed.
sub high {
    my ($fh) = @_;
    my $fd = fileno $fh;

    return $fd if $fd > TELL;
    my $new = POSIX::dup($fd);
    my @low;
    while ($new <= TELL) {
        push @low, $new;
        $new = POSIX::dup($fd);
    }
    POSIX::close($_) for @low;
    return $new;
}

# In the child.  closed: numbers of 0 to 2 to be closed; before: code.
sub become {
    my ($how, $out, $go, $tell) = @_;
    my ($output, $go_fd, $tell_fd) = map { high($_) } $out, $go, $tell;

    POSIX::dup2($output,  $_) for 1, 2;
    POSIX::dup2($go_fd,   GO);
    POSIX::dup2($tell_fd, TELL);
    for my $fd (GO, TELL) {
        open my $handle, '+<&=', $fd or POSIX::_exit(127);
        fcntl $handle, F_SETFD, 0;
        push @{ $how->{handles} }, $handle;
    }
    POSIX::close($_) for $output, $go_fd, $tell_fd;
    $how->{before}->() if $how->{before};
    POSIX::close($_) for @{ $how->{closed} || [] };
    no warnings 'exec';
    my @command = (@{ $how->{wrap} || [] }, @{ $how->{program} });
    exec { $command[0] } @command, @{ $how->{args} };
    POSIX::_exit(127);
}

sub start {
    my ($class, %how) = @_;
    my $self = bless {}, $class;

    $how{program} ||= [driver(), '-k', GO, '-k', TELL];
    pipe($self->{out},  my $out)     or die "pipe: $!\n";
    pipe(my $go,        $self->{go}) or die "pipe: $!\n";
    pipe($self->{tell}, my $tell)    or die "pipe: $!\n";
    $self->{pid} = fork // die "fork: $!\n";
    if (!$self->{pid}) {
        eval { become(\%how, $out, $go, $tell) };
        POSIX::_exit(127);
    }
    $self->{go}->autoflush(1);
    return $self;
}

sub pid { return $_[0]{pid} }

# How the starter ended, and what came on its standard output and error until it was ready.
sub starter {
    my ($self) = @_;
    my $out = delete $self->{out};

    local $/;
    my $said = readline $out;
    return (end_of($self->{pid}), $said);
}

sub told {
    my ($self) = @_;
    my $line = readline $self->{tell};

    return defined $line ? split ' ', $line : ();
}

sub go {
    my ($self) = @_;

    local $SIG{PIPE} = 'IGNORE';
    return syswrite $self->{go}, "\n";
}

# True once there is none; whatever was told besides is skipped.
sub gone {
    my ($self) = @_;

    1 while readline $self->{tell};
    return 1;
}

# All at once: (status, output) of a start that goes nowhere.
sub run {
    my ($class, @args) = @_;
    my $self = $class->start(args => \@args);
    my @end  = $self->starter;

    $self->gone;
    return @end;
}

1;
