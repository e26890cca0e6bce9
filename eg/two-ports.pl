#!/usr/bin/perl
# One server on two ports, which does something else while nobody asks: it looks for primes.
#
#     ./two-ports.pl [ADDRESS ADDRESS]   2907, which tells how many, and 2908, which the last one

use strict;
use warnings;

use NetIO::Server;

my @listen = @ARGV == 2 ? @ARGV : (2907, 2908);
my ($found, $last) = (0, 1);

sub is_prime {
    my ($number) = @_;

    for (my $factor = 2; $factor * $factor <= $number; $factor++) {
        return 0 if $number % $factor == 0;
    }
    return 1;
}

# One number a call; clients are looked after in between.
sub search {
    return 0 if $found == 10_000;    # then it only waits
    1 until is_prime(++$last);
    return ++$found;
}

sub tell {
    my ($connection) = @_;
    my ($first)      = ($connection->server->addresses)[0] =~ /(\d+)\z/;

    return $connection->reply("$found primes so far\r\n") if $connection->sockport == $first;
    return $connection->reply("the last one is $last\r\n");
}

NetIO::Server->run(listen => \@listen, on_open => \&tell, on_idle => \&search);
