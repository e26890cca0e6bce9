# netiod: its built-in services over datagrams, which are off unless asked for, and then answer only
# where no loop and no flood can come of it: inetd.md R1, CERT CA-1996-01.

use strict;
use warnings;
use lib 't/lib';

use IO::Select;
use IO::Socket::IP;
use NetIO::Test::Datagram qw(answer_udp ask_udp udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Netns;
use NetIO::Test::Patience;
use Socket;
use Test::More;

needs_netns(300);

# What answers to so many datagrams come within a moment, where none or not all are to be answered.
sub ask {
    my ($socket, @datagrams) = @_;
    my @answers;

    send $socket, $_, 0 for @datagrams;
    while (IO::Select->new($socket)->can_read(0.3)) {
        defined recv $socket, my $answer, 65536, 0 or last;
        push @answers, $answer;
    }
    return @answers;
}

sub client {
    my ($netiod, $name, %more) = @_;

    return udp_client($netiod->port($name), %more);
}

# The answer to each, in turn.
sub answers {
    my ($socket, @datagrams) = @_;

    return map { ask_udp($socket, $_) } @datagrams;
}

# ---- off --------------------------------------------------------------------------------

my $netiod = NetIO::Test::Inetd->start(config => <<'CONF');
127.0.0.1:{echo} dgram  udp wait   root internal echo
127.0.0.1:{tcp}  stream tcp nowait root internal echo
CONF
like $netiod->log, qr/inetd\.conf:1: warning: \d+\/udp stays off/, 'R1: off, with a warning';
is_deeply [ask(client($netiod, 'echo'), 'x')], [], 'R1: nobody is there';
is $netiod->ask(tcp => 'x'), 'x', 'others are';
$netiod->finish;

# ---- on ---------------------------------------------------------------------------------

my $config = join '', map {
    "{$_} on bind = 127.0.0.1, socktype = dgram, protocol = udp, exec = internal, args = $_, udp = yes;\n"
} qw(echo discard daytime time chargen);

$netiod = NetIO::Test::Inetd->start(config => $config);
my $long = join '', map { chr($_ % 256) } 1 .. 60_000;
is_deeply [answers(client($netiod, 'echo'), 'hello', '', $long)], ['hello', '', $long],
    'RFC 862: echo';
is_deeply [ask(client($netiod, 'discard'), 'hello', '')], [], 'RFC 863: discard';

my $ring    = join '', map { chr } 32 .. 126;
my $chargen = join '', map { substr($ring x 2, $_, 72) . "\r\n" } 0 .. 9;
my @sizes   = (1, 100, 512, 513, 9000);
is_deeply [map { length } answers(client($netiod, 'chargen'), map { 'x' x $_ } @sizes)],
    [1, 100, 512, 512, 512], 'RFC 864, R1: chargen says no more than it was told, and 512 at most';
is ask_udp(client($netiod, 'chargen'), 'x' x 512), substr($chargen, 0, 512), 'namely this';

like ask_udp(client($netiod, 'daytime'), 'x' x 26), qr/\A\w{3} .{20}\r\n\z/s,
    'RFC 867: daytime to 26 bytes';
is_deeply [ask(client($netiod, 'daytime'), '', 'x', 'x' x 25)], [],
    'R1: nothing to fewer: the answer would be longer';
my $began = time;
my $time  = ask_udp(client($netiod, 'time'), 'xxxx');
my $late  = time - $began;    # of a machine that was slow meanwhile
cmp_ok abs(unpack('N', $time) - 2_208_988_800 - $began - $late / 2), '<=', 2 + $late / 2,
    'RFC 868: time to 4 bytes';
is_deeply [ask(client($netiod, 'time'), '', 'xxx')], [], 'R1: nothing to fewer';
my $why = 'the answer would be longer than the question';
ok $netiod->wait_log(qr/: no answer to 127\.0\.0\.1:\d+ \($why\)(?:, and \d+ before)?\n/),
    'and it is logged';
$netiod->finish;

# ---- how many ---------------------------------------------------------------------------

$netiod = NetIO::Test::Inetd->start(config => $config, args => ['--status', 'unix:{DIR}/status']);
my $asking = client($netiod, 'echo');
send $asking, "$_", 0 for 1 .. 200;
my $n = grep { answer_udp($asking) =~ /^\d/ } 1 .. 16;
is $n, 16, 'R1: a source gets 16 answers at once';
# Who asks behind all of these is answered behind them.
is ask_udp(client($netiod, 'echo', LocalAddr => '127.0.0.2'), 'x'), 'x', 'others get theirs';
$n += () = ask($asking);
cmp_ok $n, '<', 100, "and then 16 a second: $n to 200";
like $netiod->log, qr/: no answer to 127\.0\.0\.1:\d+ \(too many\)/, 'the log says why';
my @lines = $netiod->log =~ /no answer/g;
cmp_ok scalar @lines, '<', 10, 'not for each: ' . @lines;
my $status = $netiod->status;
my $port   = $netiod->port('echo');
is_deeply [$status =~ /^service=$port .* accepted=(\d+) .* unanswered=(\d+)$/m], [$n + 1, 200 - $n],
    'the status counts those who are answered, and those who are not';
$netiod->finish;

# ---- to whom ----------------------------------------------------------------------------

my $here  = NetIO::Test::Netns->new('here');
my $there = NetIO::Test::Netns->new('there');
$here->join($there, ['192.0.2.1/24', '2001:db8::1/64'], ['192.0.2.2/24', '2001:db8::2/64']);
# Nothing is to be dropped for where it claims to be from.
$here->sysctl("net.ipv4.conf.$_", 0) for qw(all.rp_filter nio0.rp_filter lo.rp_filter);
$here->sysctl("net.ipv4.conf.$_", 1) for qw(all.accept_local nio0.accept_local lo.accept_local);

$config =~ s/bind = [^,]*/bind = */g;
$netiod = NetIO::Test::Inetd->start(wrap => [$here->prefix], config => $config);

# Code that runs in a namespace; what it returns, as text.
sub within {
    my ($ns, $code) = @_;

    defined(my $pid = open my $out, '-|') or die "fork: $!\n";
    if (!$pid) {
        eval {
            $ns->enter;
            print join ',', $code->();
            1;
        } or print "died: $@";
        close STDOUT;
        POSIX::_exit(0);
    }
    my $said = do { local $/; <$out> };
    close $out;
    return $said // '';
}

# An IPv4 packet with any source, by a raw socket; the kernel adds the checksum of the header.
sub forge {
    my ($from, $from_port, $to, $to_port, $data) = @_;
    my $udp    = pack 'nnnn', $from_port, $to_port, 8 + length $data, 0;
    my $packet = pack('CCnnnCCna4a4',
        0x45, 0, 28 + length $data,
        0,    0, 64, 17, 0, inet_aton($from), inet_aton($to))
        . $udp
        . $data;

    socket my $raw, AF_INET, SOCK_RAW, 255 or die "raw socket: $!\n";
    send $raw, $packet, 0, sockaddr_in(0, inet_aton($to)) or die "send: $!\n";
    return;
}

# How many UDP datagrams the namespace of netiod has sent.
sub sent {
    my (undef,  $text)    = $here->run('cat', '/proc/net/snmp', '/proc/net/snmp6');
    my ($names, $numbers) = $text =~ /^Udp: (.*)\nUdp: (.*)$/m;
    my %v4;

    @v4{ split ' ', $names } = split ' ', $numbers;
    my ($v6) = $text =~ /^Udp6OutDatagrams\s+(\d+)/m;
    return $v4{OutDatagrams} + $v6;
}

# What netiod is asked last is answered last: then all before it has been decided.
sub settled {
    my $said =
        within($there, sub { ask_udp(client($netiod, 'echo', PeerAddr => '192.0.2.1'), 'ok') });

    is $said, 'ok', 'who asks openly is answered';
    return;
}

settled();
my %ports = map { $_ => $netiod->port($_) } qw(echo chargen discard daytime time);
my $data  = 'x' x 64;
# The log has each reason once a second.
my @cases = (
    ['echo of another machine',    '192.0.2.2', 7, 'its port is below 1024'],
    ['chargen of another machine', '192.0.2.2', 19],
    ['any port below 1024',        '192.0.2.2', 1023],
    ['port 0',                     '192.0.2.2', 0],
    [
        'our chargen, of another machine', '192.0.2.2',
        $ports{chargen},                   "its port is a built-in service's"
    ],
    ['our own chargen',      '192.0.2.1', $ports{chargen}],
    ['our own echo, itself', '192.0.2.1', $ports{echo}],
);
for (@cases) {
    my ($name, $from, $from_port, $reason) = @$_;
    my $before = sent();
    is within($from eq '192.0.2.1' ? $here : $there,
        sub { forge($from, $from_port, '192.0.2.1', $ports{echo}, $data); 'sent' }),
        'sent', "R1: forged, from $name";
    settled();
    is sent() - $before, 1, 'nothing has been sent, but an answer to who asks openly';
    like $netiod->log, qr/no answer to \Q$from:$from_port (\E$reason\)/, 'the log says why'
        if $reason;
}

for my $to ('192.0.2.255', '255.255.255.255', '224.0.0.1') {
    my $before = sent();
    my $said   = within(
        $there,
        sub {
            my $socket = udp_client(
                $ports{echo},
                PeerAddr  => $to,
                LocalAddr => '192.0.2.2',
                Broadcast => 1
            );
            setsockopt $socket, 0, 32, inet_aton('192.0.2.2')
                or die "group: $!\n";    # IP_MULTICAST_IF
            setsockopt $socket, SOL_SOCKET, 25, 'nio0' or die "device: $!\n";    # SO_BINDTODEVICE
            send $socket, $data, 0 or die "send: $!\n";
            'sent';
        }
    );
    is $said, 'sent', "R1: to $to, where others hear it, too";
    settled();
    is sent() - $before, 1, 'is not answered';
}
like $netiod->log, qr/no answer to 192\.0\.2\.2:\d+ \(broadcast or multicast\)/, 'the log says why';

sub client6 {
    my ($to) = @_;

    return IO::Socket::IP->new(
        Proto    => 'udp',
        Type     => SOCK_DGRAM,
        PeerHost => $to,
        PeerPort => $ports{echo}
    ) || die "socket: $@\n";
}

# The kernel takes its time to see that the link is there.
my $all = 'ff02::1%nio0';
eventually {
    within($there, sub { client6($all) && 'there' }) eq 'there'
};
is within($there, sub { ask(client6($all), $data) }),              '',    'R1: nor is ff02::1';
is within($there, sub { ask_udp(client6('2001:db8::1'), 'six') }), 'six', 'who asks by IPv6 is';

# Two of them, set on each other by one forged datagram.
my $other = NetIO::Test::Inetd->start(
    wrap   => [$there->prefix],
    config => $config,
    ports  => { %{ $netiod->{ports} } }
);
my $before = sent();
within($there, sub { forge('192.0.2.2', $ports{chargen}, '192.0.2.1', $ports{echo}, $data) });
settled();
cmp_ok sent() - $before, '<=', 1, 'R1: two machines cannot be set on each other';
$other->finish;
$netiod->finish;

done_testing;
