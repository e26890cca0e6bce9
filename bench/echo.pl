#!/usr/bin/perl

# echo.pl once|kept [WORKERS]: what echo.c does, with NetIO::Server: the same rules, limits and
# deadlines.

use strict;
use warnings;

use NetIO;
use NetIO::Server;

use constant {
    MANY => 1_000_000,    # connections, or of them a second
    LONG => 3600,         # seconds
};

my ($mode, $workers) = @ARGV;
if (@ARGV < 1 || @ARGV > 2 || $mode !~ /^(?:once|kept)\z/) {
    print STDERR "usage: echo.pl once|kept [WORKERS]\n";
    exit 64;
}

my $server = NetIO::Server->new(
    listen  => '127.0.0.1:0',
    on_line => $mode eq 'once'
    ? sub { $_[0]->reply("$_[1]\n") }
    : sub { $_[0]->write("$_[1]\n") },
    deny          => ['192.0.2.0/24',    '2001:db8::/32'],
    allow         => ['198.51.100.0/24', '::1', '127.0.0.0/8'],
    total         => MANY,
    per_source    => MANY,
    rate          => MANY,
    source_rate   => MANY,
    first_seconds => LONG,
    read_seconds  => LONG,
    total_seconds => LONG,
    ($workers ? (workers => $workers) : ()),
);
print "listening on $_\n" for $server->addresses;
STDOUT->flush;
$server->run;
