#!/usr/bin/perl
# The simplest server: one client after the other, which is STDIN and STDOUT.  Who comes meanwhile
# waits.
#
#     ./iterative-server.pl [ADDRESS]    2907 unless it is named

use strict;
use warnings;

package Clock;
use parent 'NetIO::Server';

sub process_request {
    my ($second, $minute, $hour) = localtime;

    printf "it is %02d:%02d:%02d\r\n", $hour, $minute, $second;
    return;
}

Clock->run(listen => @ARGV ? $ARGV[0] : 2907, model => 'iterative');
