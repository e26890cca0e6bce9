# The order of a host's addresses in networks of every kind, held against what getaddrinfo(3)
# makes of the same addresses there: which comes first, and the order in each family.  Where we
# follow RFC 6724 and the C library its older table, or leaves out a family of which the machine
# has no address, both are said.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::C;
use NetIO::Test::Netns;
use Test::More;

my $DRIVER = c_program('drive-resolve');
needs_netns(300);

# The addresses of a host, and how it is to be with each kind of network.
my %host = (
    both    => [qw(198.51.100.1 2001:db8:1::1)],
    private => [qw(fd00:1::1 198.51.100.1)],
    site    => [qw(198.51.100.1 fd00:0:0:7::1)],
    kinds   => [qw(fd00:1::1 2002:c633:6401::1 2001:db8:1::1)],
    four    => [qw(198.51.100.9 198.51.100.2 192.0.2.7 198.51.100.5)],
    link    => [qw(169.254.7.7 198.51.100.1)],
    six     => [qw(2001:db8:2::1 2001:db8:1::1 2001:db8:0:1::9)],
    mixed   => [qw(2001:db8:1::1 198.51.100.1 2001:db8:1::2 198.51.100.2 2001:db8:1::3)],
);
my $hosts = join '', map {
    my $name = $_;
    map { "$_ $name\n" } @{ $host{$name} }
} sort keys %host;

my $v4   = ['addr add 192.0.2.1/24 dev nio0',              'route add default via 192.0.2.2'];
my $gua  = ['addr add 2001:db8::1/64 dev nio0 nodad',      '-6 route add default via 2001:db8::2'];
my $ula  = ['addr add fd00::1/64 dev nio0 nodad',          '-6 route add default via fd00::2'];
my $ula2 = ['addr add fd00::1/64 dev nio0 nodad',          '-6 route add fd00::/8 via fd00::2'];
my $six  = ['addr add 2002:c000:201::1/48 dev nio0 nodad', '-6 route add 2002::/16 dev nio0'];
my $old  = [
    'addr add 2001:db8::1/64 dev nio0 nodad preferred_lft 0',
    '-6 route add default via 2001:db8::2'
];
my $two = [@$gua, 'addr add 2001:db8:2::5/64 dev nio0 nodad'];
my $lla = ['addr add 169.254.1.1/16 dev nio0'];

# name, network, then host => addresses in the order of trying; "glibc" => what it has otherwise.
my @table = (
    ['IPv4 and IPv6',                [$v4, $gua], both => '2001:db8:1::1 198.51.100.1'],
    ['IPv4 and a private IPv6 only', [$v4, $ula], both => '198.51.100.1 2001:db8:1::1'],
    ['IPv4 only',                    [$v4], both => '198.51.100.1 2001:db8:1::1'],
    ['IPv6 only', [$gua], both => '2001:db8:1::1 198.51.100.1', glibc => '2001:db8:1::1'],
    ['IPv6, but deprecated', [$v4, $old], both => '198.51.100.1 2001:db8:1::1'],
    [
        'private IPv6 on both ends', [$v4, $gua, $ula2],
        private => '198.51.100.1 fd00:1::1',
        glibc   => 'fd00:1::1 198.51.100.1'
    ],
    [
        'private IPv6 of the same site', [$v4, $gua, $ula2], site => 'fd00:0:0:7::1 198.51.100.1'
    ],
    ['private IPv6 without a way there', [$v4], private => '198.51.100.1 fd00:1::1'],
    [
        'three kinds of IPv6', [$gua, $ula2, $six],
        kinds => '2001:db8:1::1 2002:c633:6401::1 fd00:1::1',
        glibc => '2001:db8:1::1 fd00:1::1 2002:c633:6401::1'
    ],
    [
        '6to4 only', [$six],
        kinds => '2002:c633:6401::1 2001:db8:1::1 fd00:1::1',
        glibc => '2002:c633:6401::1 fd00:1::1 2001:db8:1::1'
    ],
    ['IPv4 on the link first', [$v4], four => '192.0.2.7 198.51.100.9 198.51.100.2 198.51.100.5'],
    ['IPv4 of the link only',  [$v4, $lla], link => '169.254.7.7 198.51.100.1'],
    ['the source that shares most', [$two], six  => '2001:db8:2::1 2001:db8:0:1::9 2001:db8:1::1'],
    [
        'families take turns',
        [$v4, $gua],
        mixed => '2001:db8:1::1 198.51.100.1 2001:db8:1::2 198.51.100.2 2001:db8:1::3'
    ],
);

sub family {
    return $_[0] =~ /:/ ? 6 : 4;
}

# An order as far as the families' taking turns leaves it visible.
sub gist {
    my (@addresses) = @_;

    return join ' ', family($addresses[0]), (grep { family($_) == 6 } @addresses),
        grep { family($_) == 4 } @addresses;
}

my $n = 0;
for my $case (@table) {
    my ($name, $network, $host, $want, %other) = @$case;
    my $ns   = NetIO::Test::Netns->new('order' . ++$n, hosts => $hosts);
    my $peer = NetIO::Test::Netns->new("peer$n");
    $ns->join($peer, [], []);
    $ns->ip($_) for map { @$_ } @$network;

    my ($status, $said) = $ns->run($DRIVER, '-t', 5, $host);
    is(($said =~ /^answer (.*)$/m)[0], $want, $name) or diag $said;
    my (undef, $heard) = $ns->run('getent', 'ahosts', $host);
    my @glibc = $heard =~ /^(\S+) +STREAM/mg;
    is(gist(@glibc), gist(split / /, $other{glibc} // $want), "$name: as getent has it")
        or diag $heard;
}

# gai.conf(5), as administrators write it who want IPv4 first.
my $ns = NetIO::Test::Netns->new(
    'gai',
    hosts      => $hosts,
    'gai.conf' => "precedence ::ffff:0:0/96 100\n"
);
my $peer = NetIO::Test::Netns->new('gaipeer');
$ns->join($peer, [], []);
$ns->ip($_) for @$v4, @$gua;
my (undef, $said) = $ns->run($DRIVER, '-t', 5, 'mixed');
is(
    ($said =~ /^answer (.*)$/m)[0],
    '198.51.100.1 2001:db8:1::1 198.51.100.2 2001:db8:1::2 2001:db8:1::3',
    'gai.conf is heeded'
);
my (undef, $heard) = $ns->run('getent', 'ahosts', 'mixed');
like($heard, qr/\A198\.51\.100\.1 /, 'gai.conf is heeded by getent, too');

# An IPv6 that is switched off.
$ns->sysctl('net.ipv6.conf.all.disable_ipv6', 1);
(undef, $said) = $ns->run($DRIVER, '-t', 5, 'both');
is(($said =~ /^answer (.*)$/m)[0], '198.51.100.1 2001:db8:1::1', 'IPv6 switched off: last');

done_testing;
