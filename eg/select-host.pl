#!/usr/bin/perl

# A server in a program with a loop of its own, of plain select: it echoes lines, and the program
# answers its own standard input meanwhile, until that ends.
#
#     perl eg/select-host.pl [ADDRESS]

use strict;
use warnings;

use NetIO::Server;

my $server = NetIO::Server->new(
    listen  => shift || '127.0.0.1:2907',
    on_line => sub { my ($connection, $line) = @_; $connection->write("$line\r\n") },
);
$| = 1;
print "listening on $_\n" for $server->addresses;

# One descriptor is readable whenever the server has something to do, timers included.
my ($mine, $its) = (fileno STDIN, $server->fileno);

while (1) {
    my $wanted = '';
    vec($wanted, $_, 1) = 1 for $mine, $its;
    select my $ready = $wanted, undef, undef, undef;
    $server->step if vec $ready, $its, 1;
    next if !vec $ready, $mine, 1;
    sysread STDIN, my $text, 4096 or last;
    print "you said $text";
}
