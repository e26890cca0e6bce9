package NetIO::Test::Datagram;

# The other end of a UDP socket, in a process of its own:
#
#     my $peer = NetIO::Test::Datagram->start(sub {
#         my ($socket, $from, $text) = @_;
#         send $socket, "re: $text", 0, $from;
#     });
#     my $fh = udpopen($peer->host, $peer->port);
#
# It has a port of 127.0.0.1 before start() returns, and calls the code for each datagram that
# comes.  It ends with the object, or after five minutes.
#
# And a client of whoever has a port of 127.0.0.1, or where else IO::Socket::INET is told:
#
#     use NetIO::Test::Datagram qw(answer_udp ask_udp udp_client);
#     my $socket = udp_client($port, LocalAddr => '127.0.0.2');
#     is ask_udp($socket, 'x'), 're: x';       # to one datagram, sent once
#     is answer_udp($socket),   'nothing';     # to what has been sent: that is silence

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use POSIX ();
use Socket qw(INADDR_LOOPBACK PF_INET SOCK_DGRAM sockaddr_in);

our @EXPORT_OK = qw(answer_udp ask_udp udp_client);

use constant SILENCE => 30;    # seconds

sub bound {
    socket my $socket, PF_INET, SOCK_DGRAM, 0 or die "socket: $!\n";
    bind $socket, sockaddr_in(0, INADDR_LOOPBACK) or die "bind: $!\n";
    return $socket;
}

sub start {
    my ($class, $code) = @_;
    my $socket = bound();
    my ($port) = sockaddr_in(getsockname $socket);
    my $pid    = fork // die "fork: $!\n";

    become_peer($socket, $code) if !$pid;
    return bless { host => '127.0.0.1', port => $port, pid => $pid, owner => $$ }, $class;
}

# No way leads from here back into the test.
sub become_peer {
    my ($socket, $code) = @_;

    @SIG{qw(ALRM TERM INT)} = qw(DEFAULT DEFAULT DEFAULT);
    alarm 300;
    while (1) {
        my $from = recv $socket, my $text, 65_536, 0;
        eval { $code->($socket, $from, $text); 1 } or print STDERR "peer: $@" if defined $from;
    }
    POSIX::_exit(1);
}

# A port that refuses: bound to one address of the host, and asked at another one.
sub refusing {
    my ($class) = @_;
    my $socket = bound();
    my ($port) = sockaddr_in(getsockname $socket);

    return bless { host => '127.0.0.2', port => $port, socket => $socket }, $class;
}

sub udp_client {
    my ($port, %more) = @_;

    return IO::Socket::INET->new(
        Proto    => 'udp',
        PeerAddr => '127.0.0.1',
        PeerPort => $port,
        %more
    ) || die "udp: $!\n";
}

sub answer_udp {
    my ($socket) = @_;

    vec(my $bits = '', fileno $socket, 1) = 1;
    select($bits, undef, undef, SILENCE)         or return 'nothing';
    defined recv($socket, my $answer, 65_536, 0) or return "error $!";
    return $answer;
}

sub ask_udp {
    my ($socket, $text) = @_;

    send $socket, $text, 0;
    return answer_udp($socket);
}

sub host   { return $_[0]{host} }
sub port   { return $_[0]{port} }
sub server { return "$_[0]{host}:$_[0]{port}" }

sub CLONE_SKIP { return 1 }

sub DESTROY {
    my ($self) = @_;

    return if !$self->{pid} || $self->{owner} != $$;
    local ($!, $?, $@);
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

1;
