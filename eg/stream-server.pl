#!/usr/bin/perl
# A stream server: tells everybody who says something how long it was.
#
#     ./stream-server.pl [SERVICE|PORT|ADDRESS:PORT]         2907 unless it is named

use strict;
use warnings;

use NetIO::Server;

$| = 1;

sub answer {
    my ($connection, $line) = @_;
    my $length = length $line;

    print "$length bytes from ", $connection->peer, "\n";
    return $connection->write("$length bytes: $line\r\n");
}

NetIO::Server->run(listen => @ARGV ? $ARGV[0] : 2907, on_line => \&answer);
