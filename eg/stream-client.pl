#!/usr/bin/perl
# A stream client: says a line, and prints the line that comes back.
#
#     ./stream-client.pl HOST TEXT [PORT]

use strict;
use warnings;

use NetIO;

@ARGV == 2 || @ARGV == 3 or die "usage: stream-client.pl HOST TEXT [PORT]\n";
my ($host, $text, $port) = @ARGV;

my $server = tcpopen($host, $port || 2907, deadline => 5, fatal => 1);
print {$server} "$text\r\n";
my $answer = <$server>;
die "no answer\n" if !defined $answer;
$answer =~ s/\r?\n\z//;
print "$answer\n";
