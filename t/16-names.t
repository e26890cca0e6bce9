# What is named in csrc/src/base/names.c is named in each manual that has limits, and nothing else.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Run;
use Test::More;

my $source = slurp('csrc/src/base/names.c');
my @limits = sort { $a cmp $b } $source =~ /\{"(\w+)", RLIMIT_/g;
my %listed = (
    'lib/NetIO/Daemon.pm' => qr/^Limits of L<setrlimit\(2\)>: ([^;]+);/m,
    'man/netio-daemon.8'  => qr/^\.Xr setrlimit 2 :\n((?:\.Cm \N+\n)+)/m,
    'man/netiod.conf.5'   => qr/^\.Cm unlimited :\n((?:\.Cm \N+\n)+)/m,
);
cmp_ok scalar @limits, '>', 10, 'limits';
for my $page (sort keys %listed) {
    my ($list) = slurp($page) =~ $listed{$page} or die "$page: no list of limits\n";
    is_deeply [sort grep { !/^Cm?$/ } $list =~ /\w+/g], \@limits, $page;
}

done_testing;
