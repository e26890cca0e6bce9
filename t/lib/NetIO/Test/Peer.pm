package NetIO::Test::Peer;

# The other end of a connection, in a process of its own, that follows a script:
#
#     my $peer = NetIO::Test::Peer->start(drip => 'x', 0.05);
#     my $fh = tcpopen($peer->host, $peer->port);
#
# It listens on a free port of 127.0.0.1 (or of host => ADDRESS) before start() returns, and
# serves each connection in a process of its own.  Scripts, and what they do with a connection:
#
#     say     => TEXT           send TEXT, close
#     answer  => TEXT           read a line, send TEXT, close
#     echo    =>                send back what comes, until its end
#     drip    => TEXT, SECONDS  send TEXT again and again, with a pause after each
#     trickle => TEXT, BYTES    send TEXT in pieces of so many bytes, close
#     silent  =>                accept, and say nothing
#     deaf    =>                accept, and read nothing
#     reset   => TEXT           send TEXT, then RST
#     flood   => TEXT           send TEXT without end
#     count   =>                read to the end, send how many bytes came, and their checksum
#     run     => CODE           whatever CODE does with the socket
#
# handle(OPTIONS) is what NetIO::tcpopen gives to it, in a test that uses NetIO.
#
# start_in($ns, ...) does the same inside of a NetIO::Test::Netns, for all scripts but run.
#
# All of it ends with the object, or after five minutes.

use strict;
use warnings;

use Fcntl qw(F_SETFL O_NONBLOCK);
use IPC::Open2;
use POSIX  ();
use Socket qw(AF_INET IPPROTO_TCP SOCK_STREAM SOL_SOCKET SO_LINGER SO_RCVBUF TCP_NODELAY
    getaddrinfo getnameinfo AI_NUMERICHOST AI_PASSIVE NI_NUMERICHOST NI_NUMERICSERV);

my %script = (
    say     => sub { my ($socket, $text) = @_; send_all($socket, $text) },
    answer  => sub { my ($socket, $text) = @_; read_line($socket); send_all($socket, $text) },
    echo    => \&echo,
    drip    => \&drip,
    trickle => \&trickle,
    silent  => sub { my ($socket) = @_; 1 while sysread $socket, my $text, 65536 },
    deaf    => sub { POSIX::pause() },
    reset   => \&reset_after,
    flood   => sub { my ($socket, $text) = @_; 1 while send_all($socket, $text) },
    count   => \&count,
    run     => sub { my ($socket, $code) = @_; $code->($socket) },
);

sub start {
    my ($class, $name, @arguments) = @_;
    my $host = $name eq 'host' ? shift @arguments : '127.0.0.1';
    $name = shift @arguments if $name eq 'host';
    my $script   = $script{$name} or die "no such script: $name\n";
    my $listener = listen_on($host, $name eq 'deaf');
    my (undef, undef, $port) = getnameinfo(getsockname $listener, NI_NUMERICHOST | NI_NUMERICSERV);
    my $self = bless { host => $host, port => $port, owner => $$ }, $class;

    $self->{pid} = fork // die "fork: $!\n";
    become_peer($listener, $script, @arguments) if !$self->{pid};
    setpgrp $self->{pid}, $self->{pid};    # both do it: then neither has to wait for the other
    return $self;
}

# In a network namespace, by a program there, which says its port and waits for the end of its
# input.
sub start_in {
    my ($class, $ns, @arguments) = @_;
    my $program = 'my $peer = NetIO::Test::Peer->start(@ARGV); $| = 1;'
        . ' print $peer->port, "\n"; <STDIN>;';
    my @command =
        ($^X, '-I' . __FILE__ =~ s{/NetIO/Test/Peer\.pm\z}{}r, "-M$class", '-e', $program);
    my $pid  = open2(my $out, my $in, $ns->prefix, @command, @arguments);
    my $port = readline $out // die "a peer in a namespace did not start\n";

    chomp $port;
    my $host = $arguments[0] eq 'host' ? $arguments[1] : '127.0.0.1';
    return bless { host => $host, port => $port, owner => $$, in => $in, program => $pid }, $class;
}

# It lives as long as the handle.
sub handle {
    my ($self, @options) = @_;
    my $handle = NetIO::tcpopen($self->host, $self->port, timeout => 30, @options);

    ${*$handle}{peer} = $self;
    return $handle;
}

# No way leads from here back into the test.
sub become_peer {
    my ($listener, $script, @arguments) = @_;

    setpgrp;
    @SIG{qw(ALRM TERM INT PIPE CHLD)} = qw(DEFAULT DEFAULT DEFAULT IGNORE IGNORE);
    alarm 300;
    # Connections of the test are not kept open by its peers.  PerlIO counts users of a
    # number, so that it must not be closed behind its back, and used again.
    open my $null, '+<', '/dev/null' or die "/dev/null: $!\n";
    opendir my $dir, '/proc/self/fd' or die "/proc/self/fd: $!\n";
    for my $fd (grep { /^\d+$/ && $_ > 2 } readdir $dir) {
        POSIX::dup2(fileno $null, $fd) if $fd != fileno $listener && $fd != fileno $null;
    }
    eval { serve($listener, $script, @arguments); 1 } or print STDERR "peer: $@";
    POSIX::_exit(1);
}

sub host { return $_[0]{host} }
sub port { return $_[0]{port} }

# A thread that is born gets no copy, whose end would be the peer's.
sub CLONE_SKIP { return 1 }

sub DESTROY {
    my ($self) = @_;

    return if !$self->{owner} || $self->{owner} != $$;
    local ($!, $?, $@);
    if ($self->{program}) {
        close $self->{in};
        waitpid $self->{program}, 0;
        return;
    }
    kill 'KILL', -$self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

# A port that refuses: bound, and not listening, so that nobody else gets it meanwhile.
sub refusing {
    my ($class, $host) = @_;
    my $socket = bound($host // '127.0.0.1');
    my (undef, undef, $port) = getnameinfo(getsockname $socket, NI_NUMERICHOST | NI_NUMERICSERV);

    return bless { host => $host // '127.0.0.1', port => $port, sockets => [$socket] }, $class;
}

# A port that does not answer: its queue is full, so that the kernel drops each SYN (A5).
sub full {
    my ($class) = @_;
    my $listener = bound('127.0.0.1');
    my (undef, undef, $port) = getnameinfo(getsockname $listener, NI_NUMERICHOST | NI_NUMERICSERV);
    my @waiting;

    listen $listener, 0 or die "listen: $!\n";
    for (1 .. 4) {
        socket my $socket, AF_INET, SOCK_STREAM, IPPROTO_TCP or die "socket: $!\n";
        fcntl $socket, F_SETFL, O_NONBLOCK or die "fcntl: $!\n";
        connect $socket, getsockname $listener;
        push @waiting, $socket;
    }
    return bless { host => '127.0.0.1', port => $port, sockets => [$listener, @waiting] }, $class;
}

sub bound {
    my ($host) = @_;
    my $hints = { socktype => SOCK_STREAM, flags => AI_NUMERICHOST | AI_PASSIVE };
    my ($error, $info) = getaddrinfo($host, 0, $hints);

    die "$host: $error\n" if $error;
    socket my $socket, $info->{family}, SOCK_STREAM, IPPROTO_TCP or die "socket: $!\n";
    bind $socket, $info->{addr} or die "bind $host: $!\n";
    return $socket;
}

sub listen_on {
    my ($host, $small) = @_;
    my $socket = bound($host);

    # Accepted sockets inherit it: a deaf peer is soon full.
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4096 if $small;
    listen $socket, 1024 or die "listen: $!\n";
    return $socket;
}

sub has_ipv6 {
    return eval { bound('::1'); 1 } || 0;
}

sub serve {
    my ($listener, $script, @arguments) = @_;

    while (1) {
        accept my $socket, $listener or next;
        my $pid = fork // die "fork: $!\n";
        next if $pid;
        alarm 300;
        setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
        $script->($socket, @arguments);
        close $socket;
        POSIX::_exit(0);
    }
    return;
}

sub send_all {
    my ($socket, $text) = @_;
    my $sent = 0;

    while ($sent < length $text) {
        my $n = syswrite $socket, $text, length($text) - $sent, $sent;
        return 0 if !defined $n;
        $sent += $n;
    }
    return 1;
}

sub read_line {
    my ($socket) = @_;
    my $line = '';

    while ($line !~ /\n/) {
        sysread $socket, $line, 4096, length $line or last;
    }
    return $line;
}

sub echo {
    my ($socket) = @_;

    while (sysread $socket, my $text, 65536) {
        send_all($socket, $text) or last;
    }
    return;
}

sub drip {
    my ($socket, $text, $seconds) = @_;

    while (send_all($socket, $text)) {
        # A pause, but not longer than the other end is there.
        my $readable = '';
        vec($readable, fileno $socket, 1) = 1;
        last if select($readable, undef, undef, $seconds) && !sysread $socket, my $line, 4096;
    }
    return;
}

sub trickle {
    my ($socket, $text, $bytes) = @_;

    send_all($socket, $_) or last for $text =~ /(.{1,$bytes})/gs;
    return;
}

sub reset_after {
    my ($socket, $text) = @_;

    # It must have been read, or the RST would overtake it.
    send_all($socket, $text) and read_line($socket);
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    return;
}

sub count {
    my ($socket) = @_;
    my ($bytes, $sum) = (0, 0);

    while (my $n = sysread $socket, my $text, 65536) {
        $bytes += $n;
        $sum = ($sum + unpack '%32C*', $text) % 2**32;
    }
    send_all($socket, "$bytes $sum\n");
    return;
}

1;
