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
# comes.  It ends with the object, or after two minutes.
#
# And what whoever is there answers to one datagram, sent once; "nothing" if that is silence:
#
#     use NetIO::Test::Datagram qw(ask_udp);
#     is ask_udp($socket, 'x'), 're: x';

use strict;
use warnings;

use Exporter 'import';
use POSIX ();
use Socket qw(INADDR_LOOPBACK PF_INET SOCK_DGRAM sockaddr_in);

our @EXPORT_OK = qw(ask_udp);

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
    alarm 120;
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

sub ask_udp {
    my ($socket, $text) = @_;

    send $socket, $text, 0;
    vec(my $bits = '', fileno $socket, 1) = 1;
    select($bits, undef, undef, SILENCE)       or return 'nothing';
    defined recv($socket, my $answer, 1500, 0) or return "error $!";
    return $answer;
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
