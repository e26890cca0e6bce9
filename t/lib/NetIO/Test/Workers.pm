package NetIO::Test::Workers;

# A supervisor with its workers, for tests: a NetIO::Test::Daemon that is t/c/drive-supervisor.c.
#
#     my $s = NetIO::Test::Workers->start('-w', 2);         # waits until it is ready
#     my ($pid, $number, $generation) = $s->who;            # of the worker that answers
#     $s->reload('workers 3');                              # configuration, HUP, wait
#     $s->mood('exit 3');                                   # what new workers do
#     my $socket = $s->held;                                # a worker waits for its first line
#     is $s->answer($socket, 'x'), "<x>\n", ...;
#     is $s->end('TERM'), 0, ...;
#
# It listens on a free port of 127.0.0.1 unless the arguments say where.  finish() asks that there
# are as many children as were asked for, and after its end none.

use strict;
use warnings;

use parent -norequire, 'NetIO::Test::Daemon';

use File::Temp ();
use NetIO::Test::C;
use NetIO::Test::Daemon;
use NetIO::Test::Patience;
use NetIO::Test::Run       ();
use NetIO::Test::Sanitizer qw(sanitizer_reports);

my $PROGRAM = c_program('drive-supervisor');

sub start_raw {
    my ($class, %how) = @_;
    my $dir  = File::Temp->newdir('netio-XXXXXX', TMPDIR => 1);
    my @args = @{ $how{args} };

    chmod 0755, "$dir";
    push @args, '127.0.0.1:0' if !grep { /\A[\d.]+:\d+\z/ } @args;
    unshift @args, '-l', 'stderr' if !grep { $_ eq '-l' } @args;
    my ($workers) = map { $args[$_ + 1] } grep { $args[$_] eq '-w' } 0 .. $#args;
    NetIO::Test::Run::spew("$dir/mood", $how{mood} // '');
    my $self = $class->SUPER::start(
        program => $PROGRAM,
        dir     => $dir,
        args    => ['-c', "$dir/conf", '-m', "$dir/mood", @args],
        ready   => $how{ready},
    );
    $self->{workers} = $self->{workers_before} = $workers || 1;
    $self->{address} = "127.0.0.1:$self->{port}" if $self->{port};
    return $self;
}

sub start {
    my ($class, @args) = @_;

    return $class->start_raw(args => \@args, ready => qr/^ready [\d.]+:(\d+)/m);
}

sub mood {
    my ($self, $mood) = @_;

    NetIO::Test::Run::spew_whole("$self->{dir}/mood", "$mood\n");
    return;
}

# Where it listens from now on, and how many workers there are.
sub config {
    my ($self, @lines) = @_;

    for (@lines) { $self->{workers} = $1 if /^workers (\d+)/ }
    unshift @lines, $self->{address} if !grep { /:/ } @lines;
    NetIO::Test::Run::spew_whole("$self->{dir}/conf", join '', map { "$_\n" } @lines);
    return;
}

# What came of it: "reloaded ...", "kept ...", "refused ...", or "broken".
sub reload {
    my ($self, @lines) = @_;

    $self->config(@lines);
    $self->kill('HUP');
    my $match = $self->wait_log(qr/^((?:reloaded|kept|refused) .*|broken)\n/m);
    return $match ? $match->[0] : 'nothing';
}

sub who {
    my ($self) = @_;

    return split ' ', $self->ask("who\n") // '';
}

# Asks until this generation answers: old workers do so until they have heard that they should not.
sub generation {
    my ($self, $wanted, @to) = @_;
    my $got;

    eventually { ($got = (split ' ', $self->ask("who\n", @to) // '')[2] // 0) == $wanted };
    return $got;
}

# A connection that a worker has taken, and whose first line is still to come.
sub held {
    my ($self) = @_;
    my $socket = $self->connect;

    syswrite $socket, '.';
    $self->wait_taken($socket);
    return $socket;
}

# Until a worker has accepted it, and said so.
sub wait_taken {
    my ($self, $socket) = @_;
    my $port = $socket->sockport;

    $self->wait_log(qr/^open \Q$port\E$/m) or die "nobody takes the connection\n";
    return;
}

# The rest of the first line, and what comes of it.
sub answer {
    my ($self, $socket, $line) = @_;

    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, "$line\n";
    return $self->read_all($socket);
}

# Waits until there are as many children as there should be, all of them alive and none of those
# that are named; their pids.
sub settled {
    my ($self, @gone) = @_;
    my %gone = map { $_ => 1 } @gone;
    my @children;

    my $is = eventually {
        @children = $self->children_now;
        @children == $self->{workers} && !grep { $gone{$_} || is_zombie($_) } @children;
    };
    return $is ? @children : ();
}

sub is_zombie {
    my ($pid) = @_;
    my $stat = eval { NetIO::Test::Run::slurp("/proc/$pid/stat") } // return 0;

    return $stat =~ /\) Z / ? 1 : 0;
}

# Asks for its end; how it was.
sub end {
    my ($self, $signal) = @_;

    $self->kill($signal || 'TERM');
    return $self->wait_end;
}

sub complaints {
    my ($self) = @_;
    my @bad;

    if (!defined $self->{end}) {
        my @children = $self->settled;
        my $workers  = $self->{workers} - ($self->{workers_before} // $self->{workers});
        my @extra    = $self->extra_descriptors(2 * $workers);
        push @bad, 'children: ' . join ' ',          $self->children_now if !@children;
        push @bad, 'descriptors more: ' . join ', ', @extra          if @extra;
        my $end = $self->end;
        push @bad, 'TERM: ' . ($end // 'goes on') if !defined $end || $end ne '0';
    }
    push @bad, sanitizer_reports(glob "$self->{dir}/sanitizer*");
    push @bad, 'the log has a report' if $self->{log} =~ /Sanitizer|runtime error:/;
    return @bad;
}

1;
