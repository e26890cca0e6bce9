#!/usr/bin/perl

# A server in the loop of IO::Async: it echoes lines, while a timer of IO::Async counts them.
#
#     perl eg/io-async-host.pl [ADDRESS]

use strict;
use warnings;

use IO::Async::Loop;
use IO::Async::Timer::Periodic;
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

my $loop = IO::Async::Loop->new;

# A handle of its own on the descriptor: closing it leaves the server's open.
open my $handle, '<&', $server->fileno or die "dup: $!\n";
$loop->watch_io(handle => $handle, on_read_ready => sub { $server->step });
$loop->watch_signal(TERM => sub { $loop->stop });

my $counting = IO::Async::Timer::Periodic->new(
    interval => 0.1,
    on_tick  => sub { print "$lines lines\n" if $lines; $lines = 0 },
);
$loop->add($counting->start);
$loop->run;
