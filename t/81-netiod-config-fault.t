# netiod: each call that reading its configuration makes fails, in each way in which it can.

use strict;
use warnings;

my $PROGRAM = 'daemon/build/t/netiod-fault-config';
-x $PROGRAM or die "$PROGRAM is not there: run make first\n";
exit(system($PROGRAM) != 0);
