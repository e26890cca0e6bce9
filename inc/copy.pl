# inc/copy.pl DIR: copies the tree to DIR without what was built in it, that is, all that
# MANIFEST.SKIP does not name.  For checks that build it anew.

use strict;
use warnings;

use ExtUtils::Manifest qw(manicopy manifind maniskip);

my ($to) = @ARGV;
defined $to or die "usage: perl inc/copy.pl DIR\n";
my $skip = maniskip();
my %file = map { $_ => '' } grep { !$skip->($_) } keys %{ manifind() };
$ExtUtils::Manifest::Quiet = 1;
manicopy(\%file, $to, 'cp');
