package NetIO::Test::Supervisor;

# netio-daemon and what it supervises, for tests.
#
#     my $place = NetIO::Test::Supervisor->new;
#     my ($status, $out, $err) = $place->call('start', '--ready', 1, '--', @program);
#     my $run = $place->run(['--restart', 'always'], perl_program('print "up\n"; sleep 1000'));
#     $run->wait_log(qr/: up\n/);           # a NetIO::Test::Daemon
#     is $place->end($run), 0, ...;
#
# Each place has a folder, a daemon named "x" and its pid file there.  call() is netio-daemon to its
# end, run() netio-daemon in the foreground with its log here.  What is waited for is always a line
# or an end of file.  A place that goes away stops its daemon.

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use IO::Handle ();
use NetIO::Test::Daemon;
use NetIO::Test::Run ();
use POSIX            ();
use Time::HiRes      ();

our @EXPORT = qw($SAY perl_program wait_line);

# For a program of perl_program: says something to whom NOTIFY_SOCKET names.
our $SAY = <<'PERL';
use Socket;
sub say {
    socket my $s, AF_UNIX, SOCK_DGRAM, 0 or die $!;
    send $s, $_[0], 0, pack_sockaddr_un($ENV{NOTIFY_SOCKET} =~ s/^@/\0/r) or die $!;
}
PERL

use constant PATIENCE => 30;

my $PROGRAM = "$ENV{PWD}/csrc/build/netio-daemon";
-x $PROGRAM or die "csrc/build/netio-daemon is not there: run make first\n";
delete @ENV{qw(NOTIFY_SOCKET LISTEN_FDS LISTEN_PID)};

sub new {
    my ($class) = @_;
    my $dir = File::Temp->newdir('netio-XXXXXX', TMPDIR => 1);

    chmod 0755, "$dir";
    return bless { dir => $dir, owner => $$ }, $class;
}

sub dir     { return "$_[0]{dir}" }
sub pidfile { return "$_[0]{dir}/x.pid" }
sub program { return $PROGRAM }

# A program that perl runs, with its output unbuffered.
sub perl_program {
    my ($code, @args) = @_;

    return ($^X, '-e', "\$| = 1; $code", @args);
}

# The words for a subcommand.  A start that says nothing else of it does not wait for a second.
sub words {
    my ($self, $command, @options) = @_;

    return ($PROGRAM, $command, 'x', '--pidfile', $self->pidfile,
        $command eq 'start' ? qw(--ready exec) : (), @options);
}

# With a hash in front, that of NetIO::Test::Run.
sub call {
    my ($self, @words) = @_;
    my $how = ref $words[0] ? shift @words : {};

    return NetIO::Test::Run::run($how, @{ $how->{wrap} || [] }, $self->words(@words));
}

# Only how it exits.
sub exits { return ($_[0]->call(@_[1 .. $#_]))[0] }

# The same, started only: a child of NetIO::Test::Run.
sub begin {
    my ($self, @words) = @_;

    return NetIO::Test::Run::start($self->words(@words));
}

sub run {
    my ($self, $options, @program) = @_;

    return NetIO::Test::Daemon->start(
        program => $PROGRAM,
        args    => ['run', 'x', '--pidfile', $self->pidfile, @$options, '--', @program],
        dir     => $self->dir,
    );
}

# Ends what run() started, and says how it exited.
sub end {
    my ($self, $run, $signal) = @_;

    $run->kill($signal || 'TERM');
    return $run->wait_end;
}

# A FIFO in the folder: a handle that reads it, and never sees its end.
sub fifo {
    my ($self, $name) = @_;
    my $path = "$self->{dir}/$name";

    POSIX::mkfifo($path, 0666) or die "$path: $!\n";
    chmod 0666, $path;
    open my $fh, '+<', $path or die "$path: $!\n";
    $fh->blocking(0);
    return ($fh, $path);
}

my %held;    # what came from a handle and is not asked for yet

# Reads until there is text that matches, and drops it with what was before; what the parentheses
# caught, or 1.
sub wait_line {
    my ($fh, $regex) = @_;
    my $until = Time::HiRes::time() + PATIENCE;
    my $held  = \($held{ fileno $fh } //= '');

    while (1) {
        if ($$held =~ $regex) {
            my @caught = map { substr $$held, $-[$_], $+[$_] - $-[$_] } 1 .. $#+;
            substr $$held, 0, $+[0], '';
            return @caught ? $caught[0] : 1;
        }
        vec(my $bits = '', fileno $fh, 1) = 1;
        my $left = $until - Time::HiRes::time();
        return if $left <= 0 || !select $bits, undef, undef, $left;
        sysread $fh, $$held, 65536, length $$held or return;
    }
}

sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$;
    local ($?, $!, $@);
    $self->call('stop', '--stop-seconds', 1) if -e $self->pidfile;
    return;
}

1;
