package NetIO::Test::Pool;

# Serves a program by netiod-pool, and runs the same program as inetd would, for comparison:
#
#     my $pool = NetIO::Test::Pool->start($text, args => ['--workers', 2], with => ['argument']);
#     is $pool->ask("a\n"), alone($pool, "a\n"), 'as in a process of its own';
#     my $client = $pool->client;
#     $pool->stop;                  # its exit code, or "signal N"
#     served_as_alone('name', $text, "a\n", "b\n");    # a subtest: all of that, for each client
#     like $pool->err, qr/.../;
#
# start passes a listening socket, as netiod does, and waits until the program is ready, or the pool
# has ended: then is $pool->ready false.  A text that begins with "#!perl" has this perl there, and
# is executed by that when it runs alone.

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use File::Temp ();
use IO::Select;
use IO::Socket::INET;
use NetIO::Test::Run  qw(end_of slurp spew);
use NetIO::Test::Talk ();
use POSIX             ();
use Socket            qw(AF_UNIX SOCK_STREAM PF_UNSPEC);
use Test::More;

our @EXPORT = qw(alone served_as_alone);

use constant PATIENCE => 60;

my $blib = Cwd::abs_path('blib');

sub start {
    my ($class, $text, %how) = @_;
    my $dir  = File::Temp->newdir('netio-XXXXXX', TMPDIR => 1);
    my $self = bless {
        by    => $text && $text =~ s/\A#!perl\b/#!$^X/ ? [] : [$^X, "-Mblib=$blib"],
        dir   => $dir,
        owner => $$,
        path  => $how{path} // spew("$dir/program.pl", $text),
        with  => $how{with} || [],
    }, $class;
    chmod 0755, "$dir", $self->{path};
    $self->{listener} =
           $how{listener}
        || IO::Socket::INET->new(Listen => 100, LocalAddr => '127.0.0.1', Blocking => 0)
        || die "listen: $@\n";
    pipe my $ready, my $told or die "pipe: $!\n";
    $self->{pid} = fork // die "fork: $!\n";
    if (!$self->{pid}) {
        eval { $self->_become($told, \%how) };
        print STDERR $@;
        POSIX::_exit(125);
    }
    close $told;
    IO::Select->new($ready)->can_read(PATIENCE) or die 'not ready: ', $self->err;
    $self->{ready} = sysread $ready, my $octet, 1;
    return $self;
}

# What a sanitizer needs is passed on (inc/asan.sh).
sub environment {
    return map { $_ => $ENV{$_} }
        grep { defined $ENV{$_} } qw(PATH ASAN_OPTIONS LD_PRELOAD UBSAN_OPTIONS LSAN_OPTIONS);
}

sub _become {
    my ($self, $told, $how) = @_;

    open STDIN,  '<',  '/dev/null'        or die "STDIN: $!\n";
    open STDOUT, '>',  "$self->{dir}/out" or die "STDOUT: $!\n";
    open STDERR, '>>', "$self->{dir}/err" or die "STDERR: $!\n";
    # Out of each other's way first.
    my $listener = POSIX::dup2(fileno $self->{listener}, 101);
    my $ready    = POSIX::dup2(fileno $told,             102);
    POSIX::dup2(101, 3);
    POSIX::dup2(102, 4);
    POSIX::close($_) for 5 .. 102;
    %ENV = (environment(), %{ $how->{env} || {} });
    chdir '/';
    umask 022;
    exec $^X, "-Mblib=$blib", "$blib/script/netiod-pool", '--sockets', 1, '--ready', 4,
        '--workers', 1, @{ $how->{args} || [] }, $self->{path}, @{ $self->{with} };
}

sub dir   { return "$_[0]{dir}" }
sub pid   { return $_[0]{pid} }
sub path  { return $_[0]{path} }
sub ready { return $_[0]{ready} }

sub err {
    my ($self) = @_;

    return -e "$self->{dir}/err" ? slurp("$self->{dir}/err") : '';
}

sub client {
    my ($self) = @_;

    return IO::Socket::INET->new(
        PeerAddr => $self->{listener}->sockhost,
        PeerPort => $self->{listener}->sockport,
        Timeout  => PATIENCE
    ) || die "connect: $@\n";
}

sub ask {
    my ($self, $text) = @_;

    return NetIO::Test::Talk::ask($self->client, $text);
}

# What the program says in a process of its own; then what it says to standard error.
sub alone {
    my ($self, $text) = @_;
    my $errors = "$self->{dir}/alone";

    socketpair my $near, my $far, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        eval {
            open STDERR, '>', $errors or die "STDERR: $!\n";
            POSIX::dup2(fileno $far, $_) for 0, 1;
            POSIX::close($_) for 3 .. 100;
            %ENV = environment();
            chdir '/';
            umask 022;
            exec @{ $self->{by} }, $self->{path}, @{ $self->{with} };
        };
        POSIX::_exit(125);
    }
    close $far;
    my $answer = NetIO::Test::Talk::ask($near, $text);
    end_of($pid);
    return wantarray ? ($answer, slurp($errors)) : $answer;
}

# Clients say these, one after another, and the first one's once more; what the program says to them
# and to standard error is what it says in a process of its own.
sub served_as_alone {
    my ($name, $text, @said) = @_;

    return subtest $name => sub {
        my $pool = __PACKAGE__->start($text, with => ['one', 'two words']);
        ok $pool->ready, 'compiles' or diag $pool->err;
        my $errors = '';
        for my $said (@said, $said[0]) {
            my ($answer, $error) = alone($pool, $said);
            is $pool->ask($said), $answer, $said =~ s/\n/\\n/gr;
            $errors .= $error;
        }
        is $pool->stop, 0, 'ends';
        # Of one that became another program.
        is $pool->err =~ s/^\S+: worker 1 .* has ended by itself: exit status 0\n//mgr, $errors,
            'and says the same to its standard error';
    };
}

# The pids of its workers.
sub workers {
    my ($self) = @_;

    return split ' ', slurp("/proc/$self->{pid}/task/$self->{pid}/children");
}

sub signal {
    my ($self, $name) = @_;

    kill $name, $self->{pid};
    return;
}

sub stop {
    my ($self, $signal) = @_;

    $self->signal($signal || 'TERM') if !exists $self->{status};
    return $self->wait_end;
}

# Of one that has been told, or ends by itself.
sub wait_end {
    my ($self) = @_;

    $self->{status} = end_of($self->{pid}) if !exists $self->{status};
    return $self->{status};
}

sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$ || exists $self->{status};
    local ($?, $!, $@);
    kill 'KILL', $self->{pid};
    end_of($self->{pid});
    return;
}

1;
