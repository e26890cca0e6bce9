# The manual: POD without errors and in the one order of headings, man pages that mandoc finds
# nothing wrong with, and a page for every program.

use strict;
use warnings;

use File::Basename qw(basename);
use File::Find ();
use Pod::Checker ();
use Test::More;

alarm 300;

my @order = ('NAME', 'SYNOPSIS', 'DESCRIPTION', 'FUNCTIONS', 'METHODS', 'OPTIONS', 'ERRORS',
    'EXAMPLES', 'SEE ALSO');

sub slurp {
    my ($path) = @_;

    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}

sub with_pod {
    my @found;

    File::Find::find({ wanted => sub { push @found, $_ if -f && -T }, no_chdir => 1 },
        grep { -d } 'lib', 'bin');
    return sort grep { slurp($_) =~ /^=head1/m } @found;
}

# Those headings that have a place keep to it; others may stand anywhere between.
sub is_ordered {
    my ($path) = @_;
    my %place = map { $order[$_] => $_ } 0 .. $#order;
    my @heads = grep { exists $place{$_} } slurp($path) =~ /^=head1\s+(.*?)\s*$/gm;

    is_deeply \@heads, [sort { $place{$a} <=> $place{$b} } @heads], "$path: order of headings";
    is "@heads[0, 1]", 'NAME SYNOPSIS', "$path: NAME and SYNOPSIS come first";
}

my @pages    = sort glob 'man/*.[1-8]';
my %has_page = map { basename($_) =~ s/\.\d$//r => 1 } @pages;

for my $path (with_pod()) {
    my $checker = Pod::Checker->new(-warnings => 1);
    open my $report, '>', \my $text or die $!;

    $checker->parse_from_file($path, $report);
    ok $checker->num_errors == 0 && $checker->num_warnings == 0, "$path: POD" or diag $text;
    is_ordered($path);
    $has_page{ basename($path) } = 1 if $path =~ m{^bin/};
}

SKIP: {
    skip 'no mandoc here', scalar @pages if `mandoc -h 2>&1`, $? == 127 << 8;
    for my $page (@pages) {
        is scalar `mandoc -Tlint -Wwarning $page 2>&1`, '', "$page: mandoc -Tlint";
    }
}

my @programs = map { s{\.c$}{}r } map { basename($_) } glob 'bin/* csrc/cmd/*.c';
push @programs, map { m{^daemon/([^/]+)/} } glob 'daemon/*/main.c';
ok $has_page{$_}, "$_ has a manual page" for @programs;

done_testing;
