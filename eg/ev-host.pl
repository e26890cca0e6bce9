#!/usr/bin/perl

# A server in the loop of EV, and so beside everything that runs on it, AnyEvent and Mojo::IOLoop
# among them: it echoes lines, while a timer of EV counts them.
#
#     perl eg/ev-host.pl [ADDRESS]

use strict;
use warnings;

use EV;
use NetIO::Server;

my $lines  = 0;
my $server = NetIO::Server->new(
    listen  => shift || '127.0.0.1:2907',
    on_line => sub {
        my ($connection, $line) = @_;
        $lines++;
        $connection->write("$line\r\n");
    },
);
$| = 1;
print "listening on $_\n" for $server->addresses;

my $hosting  = EV::io $server->fileno, EV::READ, sub { $server->step };
my $counting = EV::timer 0.1, 0.1, sub { print "$lines lines\n" if $lines; $lines = 0 };
my $ending   = EV::signal TERM => sub { EV::break };

EV::run;
