package NetIO::Test::Tcpopen;

# The program tcpopen, as NetIO::Test::Run runs programs:
#
#     my ($status, $out, $err) = tcpopen({ input => "text\n" }, '127.0.0.1', $port);
#     my $child = start({ stdin => $handle }, $TCPOPEN, '127.0.0.1', $port);
#
# Against a NetIO::Test::Peer; its port is PORT in what is said, which begins with $AT when it is
# about a connection:
#
#     is_deeply against({}, $peer, '--timeout', 1), [0, '', ''], 'nothing, both ways';
#
# And pipes of which both ends are held by nobody else, so that one can wait for them to end:
#
#     my ($read, $write) = pipe_ends();

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use NetIO::Test::Run qw(run);

our @EXPORT = qw($AT $TCPOPEN against pipe_ends tcpopen);

our $AT      = 'tcpopen: 127.0.0.1:PORT:';
our $TCPOPEN = Cwd::getcwd() . '/csrc/build/tcpopen';
-x $TCPOPEN or die "csrc/build/tcpopen is not there: run make first\n";

sub tcpopen { return run(ref $_[0] ? shift : {}, $TCPOPEN, @_) }

sub against {
    my ($how,    $peer, @options) = @_;
    my ($status, $out,  $err)     = tcpopen($how, @options, '127.0.0.1', $peer->port);

    $err =~ s/\b${\ $peer->port}\b/PORT/g;
    return [$status, $out, $err];
}

sub pipe_ends {
    pipe my $read, my $write or die "pipe: $!\n";
    return ($read, $write);
}

1;
