#!/usr/bin/perl
# Sends what it reads to a server that sends it back, and prints all that comes.
#
#     echo how are you | ./hello-client.pl HOST [PORT]

use strict;
use warnings;

use NetIO;

@ARGV == 1 || @ARGV == 2 or die "usage: hello-client.pl HOST [PORT]\n";
my ($host, $port) = @ARGV;

my $server = tcpopen($host, $port || 2907, deadline => 10, fatal => 1);
print {$server} <STDIN>;
$server->shutdown(1);
print while <$server>;
