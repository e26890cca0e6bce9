package NetIO::Test::Upgrade;

# A supervisor that can be upgraded (t/c/drive-upgrade.c), and its successors:
#
#     my $u = NetIO::Test::Upgrade->start(args => ['-f'], addresses => ["unix:$dir/s"]);
#     my ($pid) = $u->heard('ready');         # the next line must be that one
#     $u->behave('crash');                    # what its successors are to do
#     $u->usr2;
#     $u->address                             # of its TCP listener; ->ask: the pid that answers
#
# Whoever serves at the end is stopped and must say so.

use strict;
use warnings;

use Fcntl      qw(O_RDWR);
use File::Temp ();
use IO::Socket::INET;
use NetIO::Test::C;
use NetIO::Test::Patience;
use NetIO::Test::Port qw(free_port);
use POSIX             ();

sub driver { return c_program('drive-upgrade') }

# args: further options; addresses: besides one of TCP; env; trouble => 1: it may end by itself.
sub start {
    my ($class, %how) = @_;
    my $dir  = File::Temp->newdir;
    my $self = bless {
        dir    => $dir,
        port   => free_port(),
        reaped => {},
    }, $class;

    POSIX::mkfifo("$dir/fifo", 0600) or die "mkfifo: $!\n";
    sysopen $self->{fifo}, "$dir/fifo", O_RDWR or die "fifo: $!\n";
    symlink driver(), "$dir/program" or die "symlink: $!\n";
    $self->behave('');
    my @addresses = map { ref $_ ? $_->($self) : $_ } @{ $how{addresses} || [] };
    my @command   = (
        driver(),
        '-o',
        "$dir/fifo",
        '-x',
        "$dir/program",
        '-b',
        "$dir/behaviour",
        (map { ('-l', $_) } "127.0.0.1:$self->{port}", @addresses),
        map { ref $_ ? $_->($self) : $_ } @{ $how{args} || [] }
    );
    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        @ENV{ keys %{ $how{env} } } = values %{ $how{env} || {} };
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    $self->{started} = $pid;
    return $self;
}

sub dir { return "$_[0]{dir}" }

sub started { return $_[0]{started} }

sub program { return "$_[0]{dir}/program" }

sub behave {
    my ($self, $word) = @_;

    open my $file, '>', "$self->{dir}/behaviour" or die "behaviour: $!\n";
    print $file "$word\n";
    close $file or die "behaviour: $!\n";
    return;
}

# The next line, which must be about this word: who says it, and what else.  One with the word
# before may come first.
sub heard {
    my ($self, $word, $before) = @_;
    my $line = '';

    while ($line !~ /\n\z/) {
        sysread $self->{fifo}, $line, 1, length $line or die "fifo: $!\n";
    }
    my ($pid, $said, $rest) = $line =~ /\A(\d+) (\w+) ?(.*)\n\z/ or die "strange line: $line";
    $self->{seen}{$pid} = 1;
    return $self->heard($word)       if defined $before && $said eq $before;
    die "wanted $word, heard: $line" if $said ne $word;
    $self->{serves} = $pid           if $word eq 'ready';
    return ($pid, $rest);
}

sub serves { return $_[0]{serves} }

sub usr2 {
    my ($self) = @_;

    kill USR2 => $self->{serves} or die "kill: $!\n";
    return;
}

# The pid of who answers, or why nobody did.  To the end: then its descriptor is closed.
sub ask {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port})
        or return "connect: $!";

    return answer($socket);
}

sub answer {
    my ($socket) = @_;
    my $line = <$socket>;

    return "read: $!" if !defined $line;
    chomp $line;
    return defined <$socket> ? 'more than a line' : $line;
}

# How many descriptors who serves has: that many as soon as it is so, at last what there are.
sub descriptors {
    my ($self, $wanted) = @_;
    my $count;

    eventually { ($count = $self->_count) == $wanted };
    return $count;
}

# When it has nothing to do.
sub descriptors_idle {
    my ($self) = @_;

    return least { $self->_count };
}

sub _count {
    my ($self) = @_;

    opendir my $dir, "/proc/$self->{serves}/fd" or die "no process $self->{serves}: $!\n";
    return scalar grep { !/^\./ } readdir $dir;
}

# Ends who serves; its last word.
sub stop {
    my ($self) = @_;

    kill TERM => $self->{serves} or die "kill: $!\n";
    my ($pid) = $self->heard('stopped');
    $self->reap;
    delete $self->{serves};
    return $pid;
}

sub reap {
    my ($self) = @_;
    my $pid = delete $self->{started};

    waitpid $pid, 0 if $pid;
    return $?;
}

# Whoever is left would keep prove waiting.
sub DESTROY {
    my ($self) = @_;

    local ($@, $?, $!);
    kill KILL => $self->{started} if $self->{started};
    $self->reap;
    for my $pid (keys %{ $self->{seen} }) {
        my $program = readlink "/proc/$pid/exe" or next;
        kill KILL => $pid if $program eq driver();
    }
    return;
}

1;
