#!/usr/bin/perl
# A program that computes, and answers questions about it on the side: SIGIO tells it that somebody
# is there, and the handlers run between two operations of Perl.
#
#     ./sigio-server.pl [ADDRESS]        2907 unless it is named; "quit" ends it

use strict;
use warnings;

use NetIO::Server;

my ($found, $last, $over) = (0, 1, 0);

sub is_prime {
    my ($number) = @_;

    for (my $factor = 2; $factor * $factor <= $number; $factor++) {
        return 0 if $number % $factor == 0;
    }
    return 1;
}

sub answer {
    my ($connection, $line) = @_;

    $over = $line eq 'quit';
    return $connection->reply("$found primes up to $last\r\n");
}

my $server = NetIO::Server->new(
    listen  => @ARGV ? $ARGV[0] : 2907,
    model   => 'signal',
    on_line => \&answer,
);
$server->start;
while (!$over) {
    $found++ if is_prime(++$last);
}
$server->stop(1);
$server->run;
