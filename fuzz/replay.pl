# fuzz/replay.pl: runs a fuzz target written in Perl over the files it is given, with no fuzzer in
# it, so that the seeds are ordinary tests (t/80-fuzz-seeds.t).
#
#   perl -Mblib fuzz/replay.pl fuzz/NAME.pl FILE...
#
# Says the name of each file before it runs, for the one that fails.

use strict;
use warnings;

use File::Spec;
use FindBin;
use lib $FindBin::Bin;

my ($target, @files) = @ARGV;

$| = 1;
require File::Spec->rel2abs($target);
for my $path (@files) {
    print "$path\n";
    open my $file, '<:raw', $path or die "$path: $!\n";
    my $bytes = do { local $/; <$file> };
    main::one_input(defined $bytes ? $bytes : '');
}
