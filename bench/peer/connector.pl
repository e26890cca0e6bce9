#!/usr/bin/perl

# connector.pl PORT CONNECTIONS TIMES: does and prints what opener.c does and prints, with
# AnyEvent::Socket on EV, as its users write it.

use strict;
use warnings;

use AnyEvent;
use AnyEvent::Socket qw(tcp_connect);
use EV               ();
use Time::HiRes      qw(clock_gettime CLOCK_MONOTONIC CLOCK_PROCESS_CPUTIME_ID);

use constant PATIENCE => 5;    # seconds

my ($port, $count, $times) = @ARGV;

sub open_all {
    my $all_there = AE::cv;
    my @handles;

    for (1 .. $count) {
        $all_there->begin;
        tcp_connect '127.0.0.1', $port, sub {
            my ($handle) = @_;
            push @handles, $handle // die "connect: $!\n";
            $all_there->end;
            return;
        }, sub { return PATIENCE };
    }
    $all_there->recv;
    return;
}

my ($began, $cpu) = map { clock_gettime($_) } CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID;
open_all() for 1 .. $times;
printf "%.0f %.0f\n", 1e6 * (clock_gettime(CLOCK_MONOTONIC) - $began),
    1e6 * (clock_gettime(CLOCK_PROCESS_CPUTIME_ID) - $cpu);
