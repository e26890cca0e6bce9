# Names of every form, held against getent(1) with the same files and name server: what it finds is
# found, with the same addresses; and where the two differ, it says so.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::C;
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use Test::More;

my $DRIVER = c_program('drive-resolve');
needs_netns(300);
plan skip_all => 'there is no getent(1) here' if !-x '/usr/bin/getent';

my $l63  = 'a' x 63;
my $long = join '.', ('b' x 61) x 4;    # 247
my $many = join ' ', map { "no$_.test" } 1 .. 40;
my %conf = (
    usual => "nameserver 127.0.0.1\nsearch one.test two.test\n",
    ndots => "nameserver 127.0.0.1\nsearch one.test\noptions ndots:2\n",
    tcp   => "nameserver 127.0.0.1\nsearch one.test two.test\noptions use-vc\n",
    four  => "nameserver 127.0.0.1\noptions no-aaaa\n",
    none  => "nameserver 127.0.0.1\nsearch .\n",
    long  => "nameserver 127.0.0.1\nsearch $many two.test\n",
    plain => "nameserver 127.0.0.1\ndomain two.test\n",
);
my $HOSTS = <<"HOSTS";
127.0.0.1 localhost
::1       localhost ip6-localhost ip6-loopback
192.0.2.1 Listed.test listed alias1 ALIAS2
192.0.2.2 twofold
2001:db8::2 twofold
192.0.2.3 twofold # another
2001:db8::3 sixonly
192.0.2.4 one two	three
  192.0.2.5 indented
192.0.2.6 under_score
192.0.2.7 $l63
192.0.2.9 dotted.name.
192.0.2.300 wrong
192.0.2.10 last
192.0.2.11 0xlab 0xa_ 0x
HOSTS
my $ZONE = <<"ZONE";
whole.test            A     192.0.2.20 192.0.2.21
whole.test            AAAA  2001:db8::20
Upper.TEST            A     192.0.2.22
server.one.test       A     192.0.2.23
server.two.test       A     192.0.2.24
second.two.test       A     192.0.2.25
a.b.one.test          A     192.0.2.26
a.b                   A     192.0.2.27
tld                   A     192.0.2.28
tld.one.test          A     192.0.2.29
-dash.test            A     192.0.2.30
_srv._tcp.test        A     192.0.2.31
x--y.test             A     192.0.2.32
123.test              A     192.0.2.33
123abc                A     192.0.2.34
$l63.test             A     192.0.2.35
$long                 A     192.0.2.36
alias.test            A     cname whole.test 192.0.2.37
dash-.test            A     192.0.2.38
xn--bcher-kva.test    A     192.0.2.39
nodata.test           *     nodata
ZONE
my @names = (
    qw(listed Listed LISTED listed.test alias1 alias2 ALIAS2 twofold sixonly one two three indented),
    qw(under_score wrong last dotted.name. ip6-localhost ip6-loopback 0xlab 0xa_ 0x),
    $l63,
    'a' . $l63,
    qw(whole.test whole.test. WHOLE.Test upper.test server server. second second. dotted.second),
    qw(server.one.test server.one a.b a.b. tld tld. _srv._tcp.test x--y.test 123.test 123abc),
    "$l63.test",
    "a$l63.test",
    $long,
    "$long.bbbbbbbb",
    qw(alias.test nodata.test nowhere),
    qw(nowhere.test nowhere.test. 192.0.2.1 2001:db8::1 ::1 127.0.0.1),
    "b\xc3\xbccher.test",
    "B\xc3\x9cCHER.test",
    "caf\xe9.test",
    'a..b',
    '.',
    '',
    ' ',
    'two words',
    "listed\n",
    '1.2.3.256',
    '1.2.3.4.5',
    'a.b..',

    'dash-.test',
    'whole.test:80',
    '[::1]x',
);
# Where we do otherwise, and why.
my %other = (
    '127.1'       => 'not a valid host name',    # numbers that only inet_aton(3) takes
    '0x7f.1'      => 'not a valid host name',
    '2130706433'  => 'not a valid host name',
    '010.0.0.1'   => 'not a valid host name',
    'localhost'   => '127.0.0.1 ::1',            # RFC 6761, whatever hosts(5) says
    'x.localhost' => '127.0.0.1 ::1',
    # What getent(1) does not find.
    'listed.'     => '192.0.2.1',
    'dotted.name' => '192.0.2.9',
    '-dash.test'  => '192.0.2.30',
    '[::1]'       => '::1',                      # as netio_addr_parse has it
);

sub found {
    my ($in, $name, @family) = @_;
    my (undef, $said) = $in->run($DRIVER, '-t', 5, @family, '--', $name);
    my @answers = $said =~ /^answer (.*)$/mg;

    return (@answers ? join(' ', sort split / /, $answers[-1]) : '', $said);
}

sub heard {
    my ($in, $name, $base) = @_;
    my (undef, $said) = $in->run('env', 'LC_ALL=C.UTF-8', 'getent', $base, '--', $name);
    my %seen;

    return join ' ', sort grep { !/^::ffff:/ && !$seen{$_}++ } $said =~ /^(\S+) +STREAM/mg;
}

for my $which (sort keys %conf) {
    my $ns = NetIO::Test::Netns->new(
        "getent$which",
        'resolv.conf'   => $conf{$which},
        'hosts'         => $HOSTS,
        'nsswitch.conf' => "hosts: files dns\n"
    );
    # getent(1) leaves out a family of which the machine has no address.
    $ns->ip($_) for 'addr add 192.0.2.1/24 dev lo', 'addr add 2001:db8::1/64 dev lo';
    my $dns = NetIO::Test::DNS->start($ns, $ZONE);
    for my $name (@names) {
        my ($shown) = $name =~ /^(.{0,40})/;
        $shown =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
        my ($found, $said) = found($ns, $name);
        my $heard = heard($ns, $name, 'ahosts');
        is($found, $heard, "$which: '$shown'") or diag $said;
        next if $which ne 'usual' || !$heard;
        is((found($ns, $name, '-4'))[0], heard($ns, $name, 'ahostsv4'), "$which: '$shown', IPv4");
        is((found($ns, $name, '-6'))[0], heard($ns, $name, 'ahostsv6'), "$which: '$shown', IPv6");
    }
    my @asked = $dns->asked;
    is(scalar(grep { !/ tcp$/ } @asked), 0, 'use-vc: over TCP only')       if $which eq 'tcp';
    is(scalar(grep { /^AAAA / } @asked), 0, 'no-aaaa: not asked for IPv6') if $which eq 'four';
    next if $which ne 'usual';
    for my $name (sort keys %other) {
        my ($found, $said) = found($ns, $name);
        my $got = $found ? $found : ($said =~ /: (.*)$/m)[0];
        is($got, $other{$name}, "not as getent: '$name'");
    }
}

done_testing;
