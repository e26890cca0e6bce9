package NetIO::Test::PerlDaemon;

# Runs a Perl program that calls daemonize, and waits until the starter has ended:
#
#     my $run = daemonized(<<'PROGRAM', before => sub { $SIG{HUP} = 'IGNORE' });
#         my $daemon = daemonize();
#         report("pid $$");
#         $daemon->ready;
#     PROGRAM
#     is $run->status, 0;               # the starter's: exit code, or "signal N"
#     $run->finish;                     # waits for the daemon's end
#     like $run->report, qr/^pid \d+$/m;
#     is $run->err, '';                 # standard error of both; out: standard output
#
# The program has $dir, a folder of its own, and @ARGV; report() adds a line to a file there, for
# which $run->wait_report(qr/.../) waits; wait_go($folder) in it waits for go($folder) here, before
# which there is to be hold($folder).  The daemon is known to have ended by the end of file of a
# pipe that it has inherited.  Nothing sleeps.

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use Fcntl      qw(LOCK_EX LOCK_UN);
use File::Temp ();
use IO::Select;
use NetIO::Test::Run qw(end_of slurp);

our @EXPORT = qw(daemonized go hold slurp);

use constant PATIENCE => 60;

my $prelude = <<'PERL';
use strict; use warnings;
use NetIO qw(:all);
our $dir = shift;
open our $life, '>&', 200 or die "200: $!\n";
sub report {
    open my $file, '>>', "$dir/report" or die "report: $!\n";
    print $file "@_\n";
    close $file;
    syswrite $life, "\n";
}
sub wait_go {
    open my $file, '<', "$_[0]/go" or die "go: $!\n";
    1 until flock $file, 1;
}
PERL

my %held;

sub hold {
    my ($dir) = @_;

    open $held{$dir}, '>', "$dir/go" or die "$dir/go: $!\n";
    flock $held{$dir}, LOCK_EX;
    return;
}

# Others may have inherited the lock: closing the file would not do.
sub go {
    my ($dir) = @_;

    flock $held{$dir}, LOCK_UN;
    close delete $held{$dir};
    return;
}

# In the child: output to files, the pipe inherited, then the program.
sub become {
    my ($self, $how, $life) = @_;

    require POSIX;
    open STDIN,  '<',  '/dev/zero'        or die "STDIN: $!\n";
    open STDOUT, '>>', "$self->{dir}/out" or die "STDOUT: $!\n";
    open STDERR, '>>', "$self->{dir}/err" or die "STDERR: $!\n";
    POSIX::dup2(fileno $life, 200);
    my @command = (
        $^X,
        @{ $how->{switches} || [] },
        '-Mblib=' . Cwd::abs_path('blib'),
        $self->{script},
        $how->{raw} ? () : $self->{dir},
        @{ $how->{args} || [] }
    );
    @command = (@{ $how->{wrap} }, @command) if $how->{wrap};
    $how->{before}->($self->{dir})           if $how->{before};
    no warnings 'exec';
    exec { $command[0] } @command or POSIX::_exit(126);
}

# args: of the program; switches: of perl; before: code that runs in the child just before exec;
# wrap: a command that ends in exec "$@"; raw: the text is all of the program, which has a pidfile;
# dir: another folder; wait: 0 returns at once.
sub daemonized {
    my ($program, %how) = @_;
    my $dir  = $how{dir} || File::Temp->newdir('netio-XXXXXX', TMPDIR => 1);
    my $self = bless { dir => $dir, script => "$dir/program.pl", owner => $$ }, __PACKAGE__;
    $self->{pidfile} = $how{pidfile};

    chmod 0755, "$dir";
    open my $script, '>', $self->{script} or die "$self->{script}: $!\n";
    print {$script} $how{raw} ? '' : $prelude, $program;
    close $script;
    pipe $self->{life}, my $write or die "pipe: $!\n";
    $self->{pid} = fork // die "fork: $!\n";
    if (!$self->{pid}) {
        eval { $self->become(\%how, $write) };
        require POSIX;
        POSIX::_exit(125);
    }
    $self->wait_starter if !exists $how{wait} || $how{wait};
    return $self;
}

sub wait_starter {
    my ($self) = @_;

    local ($?, $!);
    $self->{status} = end_of($self->{pid});
    return $self->{status};
}

sub dir    { return "$_[0]{dir}" }
sub pid    { return $_[0]{pid} }
sub status { return $_[0]{status} }
sub report { return _said($_[0], 'report') }
sub out    { return _said($_[0], 'out') }
sub err    { return _said($_[0], 'err') }

# Each file is there once something has been said.
sub _said {
    my ($self, $name) = @_;

    return -e "$self->{dir}/$name" ? slurp("$self->{dir}/$name") : '';
}

# The value of a line "name value" of the report.
sub said {
    my ($self, $name) = @_;

    return $self->report =~ /^\Q$name\E (.*)$/m ? $1 : undef;
}

# Waits until something has been reported; false if all have ended before that.
sub wait_report {
    my ($self, $regex) = @_;

    until ($self->report =~ $regex) {
        return $self->report =~ $regex if !$self->_hear;
    }
    return 1;
}

# A line has been reported; false at the end of file, and when nobody says anything.
sub _hear {
    my ($self) = @_;

    IO::Select->new($self->{life})->can_read(PATIENCE) or return 0;
    sysread $self->{life}, my $line, 1 or $self->{finished} = 1;
    return !$self->{finished};
}

# Waits until nobody has the pipe any more; false if somebody still has.
sub finish {
    my ($self) = @_;

    return 1 if $self->{finished};
    1 while $self->_hear;
    return $self->{finished};
}

# Whoever is left of a test that went wrong.
sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$ || $self->{finished};
    local ($?, $!, $@);
    if ($self->{pidfile}) {
        require NetIO::Daemon;
        eval { NetIO::Daemon->stop($self->{pidfile}, kill => 1) };
    }
    my ($pid) = $self->report =~ /^pid (\d+)$/m;
    kill 'KILL', $pid if $pid && -l "/proc/$pid/fd/200";
    return;
}

1;
