package NetIO::Test::Sanitizer;

# What sanitizers have written into files (log_path of their options).  Used by modules of tests,
# each for its own program, and by inc/asan.sh for all that ran.
#
# Leaks are looked for by a process of its own, which stops the one that ends.  When a test kills
# that one meanwhile (91 of 3,000 killed at random), the other one says that it is gone, or is
# killed itself when its file is there and empty.  That is no finding.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(sanitizer_reports);

my $GONE = qr/==\d+==(?:Unable to get registers from thread|Can't open \/proc\/\d+\/task)[^\n]*\n/;

# The texts of those files that report something.
sub sanitizer_reports {
    my (@files) = @_;
    my @reports;

    for my $file (@files) {
        open my $fh, '<:raw', $file or die "$file: $!\n";
        my $text = do { local $/; readline $fh }
            // '';
        push @reports, "$file:\n$text" if $text !~ /\A$GONE*\z/;
    }
    return @reports;
}

1;
