# MANIFEST names every file of the tree and no other (make manifest), and MANIFEST.SKIP and
# .gitignore agree on what is built.

use strict;
use warnings;

use ExtUtils::Manifest qw(manifind maniread maniskip);
use Test::More;

alarm 300;

my $skip = maniskip();
my %listed = %{ maniread() };
my %found  = map { $_ => 1 } grep { !$skip->($_) } keys %{ manifind() };

is_deeply [sort grep { !$found{$_} } keys %listed], [], 'every file in MANIFEST is there';
is_deeply [sort grep { !exists $listed{$_} } keys %found], [], 'every file is in MANIFEST';

SKIP: {
    my $top = -e '.git' ? `git rev-parse --show-cdup 2>&1` : 'no checkout';
    skip 'not a git checkout', 2 if $? || $top ne "\n";
    my @kept    = split /\0/, `git ls-files -z --cached --others --exclude-standard`;
    my @ignored = split /\0/, `git ls-files -z --others --ignored --exclude-standard`;

    is_deeply [grep { $skip->($_) } @kept], [], 'MANIFEST.SKIP skips nothing that git keeps';
    is_deeply [grep { !$skip->($_) } @ignored], [], 'MANIFEST.SKIP skips all that git ignores';
}

done_testing;
