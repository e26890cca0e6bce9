#!/usr/bin/perl
# Many clients in one process: what one of them says, all others hear.  Who says nothing for a
# minute has to go, and when the house is full who comes is told so.
#
#     ./select-server.pl [ADDRESS [SECONDS]]         2907 and 60 unless they are named

use strict;
use warnings;

use NetIO::Server;

my ($address, $seconds) = @ARGV;
my %guest;
$| = 1;

sub pass_on {
    my ($connection, $line) = @_;

    for my $other (values %guest) {
        $other->write("$line\r\n") if $other != $connection;
    }
    return;
}

sub leave {
    my ($connection, $why) = @_;

    print "one has left: $why\n";
    delete $guest{$connection};
    return;
}

NetIO::Server->run(
    listen          => $address || 2907,
    max_connections => 3,
    full_text       => 'the house is full',
    read_seconds    => $seconds || 60,
    on_open         => sub { $guest{ $_[0] } = $_[0] },
    on_line         => \&pass_on,
    on_close        => \&leave,
);
