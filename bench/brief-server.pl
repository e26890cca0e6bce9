#!/usr/bin/perl

# bench/peer/brief.pl as a NetIO::Server: brief-server.pl WORKERS.  Called by part/inetd.pm.

use strict;
use warnings;

package Brief;
use parent 'NetIO::Server';

sub process_request {
    my $line = <STDIN>;
    print $line;
    return;
}

my $server = Brief->new(listen => '127.0.0.1:0', workers => $ARGV[0]);
print "listening on $_\n" for $server->addresses;
STDOUT->flush;
$server->run;
