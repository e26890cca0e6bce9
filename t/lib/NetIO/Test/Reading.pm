package NetIO::Test::Reading;

# What the tests of read_line and read_octets begin with:
#
#     my $peer = peer(say => "a line\n");    # NetIO::Test::Peer->start
#     my $fh   = open_to($peer);
#     my $fh   = saying("a line\n");         # all of it has been said, and heard
#     is got(scalar $fh->read_line), '<a line>';

use strict;
use warnings;

use Exporter 'import';
use NetIO;
use NetIO::Test::Peer;

our @EXPORT = qw(got open_to peer saying);

sub peer { return NetIO::Test::Peer->start(@_) }

sub open_to {
    my ($peer, @options) = @_;
    return $peer->handle(deadline => 60, @options);
}

sub saying {
    my ($text, @options) = @_;
    my $fh = open_to(peer(say => $text), @options);

    $fh->ungetc(ord getc $fh) if length $text;
    return $fh;
}

# What a call gave, in one word: the text, or the error.
sub got {
    my ($value) = @_;

    return "<$value>" if defined $value;
    return $! ? 'errno ' . (0 + $!) : 'end';
}

1;
