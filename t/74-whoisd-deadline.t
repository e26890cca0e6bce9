# whoisd: when a search is given up.  The test itself is in C: a deadline that has passed already
# needs no waiting for.

use strict;
use warnings;

use File::Temp ();

use lib 't/lib';
use NetIO::Test::Directory qw(build_directory);

my $PROGRAM = 'daemon/build/t/deadline';
-x $PROGRAM or die "$PROGRAM is not there: run make first\n";

# Rows of two words in turn, and a phrase of one of them.
my $dir    = File::Temp->newdir;
my @fields = (['Text', 'a b ' x 10_000]);
my $db     = build_directory(
    "$dir/dense.db",
    [
        { handle => 'easy', name => 'Easy' },
        map { { handle => "d$_", name => "Dense $_", fields => \@fields } } 1 .. 100
    ]
);
exit(system($PROGRAM, $db, join '-', ('a') x 32) != 0);
