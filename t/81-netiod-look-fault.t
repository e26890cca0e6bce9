# netiod: each call that "netiod -t" and "netiod --show" make fails, in each way in which it can.

use strict;
use warnings;

my $PROGRAM = 'daemon/build/t/netiod-fault-look';
-x $PROGRAM or die "$PROGRAM is not there: run make first\n";
exit(system($PROGRAM) != 0);
