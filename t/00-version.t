# One version: C headers, Perl modules, the last entry of Changes.

use strict;
use warnings;

use ExtUtils::MakeMaker ();
use File::Find ();
use Test::More;

alarm 300;

sub first_match {
    my ($path, $pattern) = @_;

    open my $file, '<', $path or die "$path: $!\n";
    while (<$file>) {
        return $1 if $_ =~ $pattern;
    }
    return 'none';
}

my $version = first_match('csrc/include/netio/version.h', qr/^#define NETIO_VERSION "(.*)"/);
my @modules;

File::Find::find({ wanted => sub { push @modules, $_ if /\.pm$/ }, no_chdir => 1 }, 'lib');
is(MM->parse_version('lib/NetIO.pm'), $version, 'NetIO.pm');
for my $module (sort @modules) {
    my $found = MM->parse_version($module);
    is $found, $version, $module if $found ne 'undef';
}
is first_match('Changes', qr/^(\d\S*)/), $version, 'Changes';

done_testing;
