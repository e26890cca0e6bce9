#!/usr/bin/perl
# A process for each client, ten at most: each has its client to itself, and may take its time.
#
#     ./forking-server.pl [ADDRESS]      2907 unless it is named
#
# With model => 'prefork', workers => 10 it is a pool of processes that are there already.

use strict;
use warnings;

package Counter;
use parent 'NetIO::Server';

sub process_request {
    my ($self, $connection) = @_;
    my $count = 0;

    while (my $line = <STDIN>) {
        $count++;
        print "$count of process $$: $line";
    }
    return;
}

Counter->run(
    listen          => @ARGV ? $ARGV[0] : 2907,
    model           => 'fork',
    max_connections => 10,
    full_text       => 'all lines are busy',
);
