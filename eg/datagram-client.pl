#!/usr/bin/perl
# A datagram client: sends one datagram and prints the answer.
#
#     ./datagram-client.pl HOST TEXT [PORT]
#
# Datagrams get lost: it asks again after one second, and once more after two, until five are over.

use strict;
use warnings;

use NetIO 'udp_ask';

@ARGV == 2 || @ARGV == 3 or die "usage: datagram-client.pl HOST TEXT [PORT]\n";
my ($host, $text, $port) = @ARGV;

my ($answer, $from) = udp_ask($host, $port || 2907, $text, timeout => 5);
print "$from: $answer\n";
