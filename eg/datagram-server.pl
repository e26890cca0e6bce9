#!/usr/bin/perl
# A datagram server: answers every datagram with its length and its text.
#
#     ./datagram-server.pl [SERVICE|PORT|ADDRESS:PORT]       2907 unless it is named

use strict;
use warnings;

use NetIO::Server;

my $address = @ARGV ? $ARGV[0] : 2907;
$| = 1;

sub answer {
    my ($datagram, $text) = @_;
    my $length = length $text;

    print "$length bytes from ", $datagram->peer, "\n";
    return $datagram->reply("$length bytes: $text");
}

NetIO::Server->run(listen => "udp:$address", on_datagram => \&answer);
