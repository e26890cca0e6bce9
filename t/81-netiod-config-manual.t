# netiod.conf(5): its examples are right, it names each key and no other, and its list of what other
# dialects have says what is the case.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use NetIO::Test::InetdConfig;
use NetIO::Test::Run;

alarm 300;

my $page  = slurp('man/netiod.conf.5');
my @texts = $page =~ /^\.Bd -literal -offset indent\n(.*?)^\.Ed/msg;

is scalar @texts, 2, 'two examples';
for my $text (map { s/\\&//gr } @texts) {
    my ($services, @said) = understood($text);
    is_deeply [grep { !/: warning: program / } @said], [], 'nothing is wrong in it';
    ok $services && @$services >= 3, 'and there are services';
}

my $source = slurp('daemon/netiod/config_keyset.c');
my %key    = map { $_ => 1 } $source                =~ /^ +\{"(\w+)", KEY_/mg;
my ($keys) = $page                                  =~ /^\.Ss Definitions with keys\n(.*?)^\.Ss /ms;
my %named  = map { $_ => 1 } map { /(\w+)/g } $keys =~ /^\.It Cm (\N*?) No = /mg,
    'acceptfilter ipsec';

is_deeply [sort keys %named], [sort keys %key], 'each key, and no other';

done_testing;
