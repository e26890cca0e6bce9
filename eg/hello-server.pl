#!/usr/bin/perl
# Says hello, and then everything back that it is told.
#
#     ./hello-server.pl [ADDRESS]        2907 unless it is named

use strict;
use warnings;

use NetIO::Server;

NetIO::Server->run(
    listen  => @ARGV ? $ARGV[0] : 2907,
    on_open => sub { $_[0]->write("hello, world\r\n") },
    on_data => sub {
        my ($connection, $octets) = @_;
        $connection->write($octets);
    },
);
