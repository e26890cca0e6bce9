package NetIO::Test::Port;

# Ports for tests that close one and open it again, or that nobody shall listen on: the kernel's own
# choice, for port 0, can be another test's the moment it is closed.
#
#     use NetIO::Test::Port qw(free_port);
#     my $port = free_port();
#
# Nobody has it, TCP or UDP, and no other test gets it as long as this one lives; in C it is
# t/c/port.h, with locks of the same names.

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use Socket qw(AF_UNIX SOCK_DGRAM pack_sockaddr_un);

our @EXPORT_OK = qw(free_port);

use constant { FIRST => 11_000, LAST => 31_000 };    # below those the kernel chooses

my %locks;    # by port: addresses that nobody else has as long as this test lives

sub _is_free {
    my ($port) = @_;

    socket my $lock, AF_UNIX, SOCK_DGRAM, 0 or die "socket: $!\n";
    bind $lock, pack_sockaddr_un("\0netio-port-$port") or return 0;
    # Only then: whoever has it is not to find it in use for the moment of this look.
    for my $how ([Proto => 'tcp', Listen => 1], [Proto => 'udp']) {
        IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $port, @$how) or return 0;
    }
    $locks{$port} = $lock;
    return 1;
}

sub free_port {
    for (1 .. 1000) {
        my $port = FIRST + int rand LAST - FIRST;
        return $port if !$locks{$port} && _is_free($port);
    }
    die "no free port\n";
}

1;
