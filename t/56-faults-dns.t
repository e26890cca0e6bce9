# tcpopen in Perl, and a name server that says nothing, answers late, wrongly, only A, only AAAA,
# or with 1,000 addresses (A11, A12).  t/26-resolve-net.t has the same of the C library, and more
# of it.

use strict;
use warnings;

use lib 't/lib';

use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::Opening;
use NetIO::Test::Peer;
use Test::More;

needs_netns(300);

my $ns = NetIO::Test::Netns->new('faultdns',
    'resolv.conf' => "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n");
my $peer = NetIO::Test::Peer->start_in($ns, host => '::', say => "hello\n");
my $port = $peer->port;
my $dns  = NetIO::Test::DNS->start($ns, <<'ZONE');
both.test       A       127.0.0.1
both.test       AAAA    ::1
four.test       A       127.0.0.1
six.test        AAAA    ::1
many.test       A       many 1000
many.test       AAAA    many 1000
silent.test     *       silent
half.test       A       127.0.0.1
half.test       AAAA    silent
otherhalf.test  A       silent
otherhalf.test  AAAA    ::1
late.test       A       late 200 127.0.0.1
late.test       AAAA    late 200 ::1
later.test      *       late 700 nodata
lost.test       A       lost 1
lost.test       A       127.0.0.1
wrongfirst.test A       198.51.100.1 127.0.0.1
loop.test       *       cname loop.test
empty.test      *       empty
garbage.test    *       garbage
odd.test        A       odd 127.0.0.1
servfail.test   *       servfail
refused.test    *       refused
nodata.test     *       nodata
ZONE

# name, host, options, peer's address or the error's code, message after "tcpopen HOST PORT: "
#<<< the table as it is
my @table = (
    ['both families: IPv6',                'both.test',      [],             '::1'],
    ['only A',                             'four.test',      [],             '127.0.0.1'],
    ['only AAAA',                          'six.test',       [],             '::1'],
    ['A11 silence, with a timeout',        'silent.test',    [timeout => 0.3], 'ETIMEDOUT'],
    ['A11 silence about AAAA',             'half.test',      [],             '127.0.0.1'],
    ['A11 silence about A',                'otherhalf.test', [],             '::1'],
    ['A11 a late answer',                  'late.test',      [],             '::1'],
    ['A11 too late an answer',             'later.test',     [timeout => 0.2], 'ETIMEDOUT'],
    ['A11 a lost answer is asked for again', 'lost.test',    [],             '127.0.0.1'],
    ['A12 a wrong address before the right one', 'wrongfirst.test', [],      '127.0.0.1'],
    ['A12 no such name',                   'nosuch.test',    [],             'NETIO_ENONAME'],
    ['A12 no address',                     'nodata.test',    [],             'NETIO_ENOADDRESS'],
    ['A12 an alias of itself',             'loop.test',      [],             'NETIO_ENOADDRESS'],
    ['A12 the server fails',               'servfail.test',  [],             'NETIO_ERESOLVER'],
    ['A12 the server refuses',             'refused.test',   [],             'NETIO_ERESOLVER'],
    ['A12 noise',                          'garbage.test',   [],             'NETIO_ERESOLVER'],
    ['A12 datagrams without a byte',       'empty.test',     [timeout => 0.5], 'ETIMEDOUT'],
    ['A12 an alias with a line end in it', 'odd.test',       [],             'NETIO_ERESOLVER'],
);
#>>>
for (@table) {
    my ($name, $host, $options, $expected) = @$_;
    my $got = opening($ns, [$host, $port, timeout => 10, @$options], how => 'say');

    if ($expected =~ /^[\d:.]+$/) {
        is $got->{peer}, "$expected:$port", "$name: connected";
        is $got->{said}, 'hello',           "$name: to the peer";
    } else {
        is $got->{name}, $expected, $name;
        like $got->{message}, qr/^tcpopen \Q$host $port: \E[ -~]+$/, "$name: $got->{message}";
    }
    is $got->{left}, '0 0', "$name: no descriptor left, and no thread";
    diag $got->{text} if $got->{text};
}

# A12: 1,000 addresses of each family, none of which can be reached.
$ns->ip('route add blackhole 198.18.0.0/16');
{
    my $got   = opening($ns, ['many.test', $port, timeout => 20]);
    my @tried = @{ $got->{tried} };

    cmp_ok @tried, '>',  8,  'A12 a thousand addresses: ' . @tried . ' were tried';
    cmp_ok @tried, '<=', 64, 'A12 not all of them';
    is scalar(grep { !/ (?:EINVAL|ENETUNREACH)$/ } @tried), 0, 'A12 each of them failed at once';
    ok scalar(grep { /^198\.18\./ } @tried) && scalar(grep { /^\[2001:/ } @tried),
        'A12 of both families';
    is $got->{left}, '0 0', 'A12 nothing left';
}

done_testing;
