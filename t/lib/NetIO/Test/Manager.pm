package NetIO::Test::Manager;

# A service manager, as a daemon sees it: the socket that sd_notify(3) talks to, and sockets passed
# from descriptor 3 on.  For tests of what runs under one.

use strict;
use warnings;

use Exporter 'import';
use Fcntl  qw(F_DUPFD);
use POSIX  ();
use Socket qw(AF_UNIX SOCK_DGRAM pack_sockaddr_un);

our @EXPORT_OK = qw(passing);

my $PATIENCE = 30;

# address: as NOTIFY_SOCKET has it, a path or with "@" an abstract one.
sub new {
    my ($class, $address) = @_;

    unlink $address if $address !~ /^@/;
    socket my $socket, AF_UNIX, SOCK_DGRAM, 0 or die "socket: $!\n";
    bind $socket, pack_sockaddr_un($address =~ s/^@/\0/r) or die "bind $address: $!\n";
    return bless { socket => $socket, address => $address }, $class;
}

sub address { return $_[0]{address} }

sub _comes {
    my ($self, $seconds) = @_;

    vec(my $bits = '', fileno $self->{socket}, 1) = 1;
    return select $bits, undef, undef, $seconds;
}

# The next message, but those that match; "nothing" when none comes.
sub hear {
    my ($self, $but) = @_;

    while ($self->_comes($PATIENCE)) {
        defined recv $self->{socket}, my $text, 4096, 0 or return "nothing: $!";
        return $text if !$but || $text !~ $but;
    }
    return 'nothing';
}

# The same with its lines in order, and without what is measured.
sub hear_words {
    my ($self, $but) = @_;

    return join ' ', sort map { s/^(MONOTONIC_USEC)=\d+\z/$1/r } split /\n/, $self->hear($but);
}

# All that comes until there has been nothing for so many seconds, in that form.
sub heard {
    my ($self, $silence) = @_;
    my @heard;

    push @heard, $self->hear_words while $self->_comes($silence || 0);
    return @heard;
}

# Talks to the address, as a daemon does.
sub say_to {
    my ($address, $text) = @_;

    socket my $socket, AF_UNIX, SOCK_DGRAM, 0 or die "socket: $!\n";
    defined send $socket, $text, 0, pack_sockaddr_un($address =~ s/^@/\0/r)
        or die "send $address: $!\n";
    return;
}

# For a child that is about to execute: these handles become 3, 4, ..., and the environment says
# so; %variable besides, or instead.
sub passing {
    my ($handles, %variable) = @_;

    return sub {
        my @copies = map { 0 + (fcntl($_, F_DUPFD, 100) || die "fcntl: $!\n") } @$handles;
        POSIX::dup2($copies[$_], 3 + $_) for 0 .. $#copies;
        POSIX::close($_) for @copies;
        delete $ENV{LISTEN_FDNAMES};
        @ENV{ qw(LISTEN_FDS LISTEN_PID), keys %variable } =
            (scalar @$handles, $$, values %variable);
    };
}

1;
