#!/usr/bin/perl

# A service as one writes it for inetd: a line in, a line out.  Called by part/inetd.pm, by exec and
# in a pool.

use strict;
use warnings;

my $line = <STDIN>;
print $line;
