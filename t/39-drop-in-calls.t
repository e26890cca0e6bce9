# NetIO::Socket in the place of IO::Socket::IP: the same calls, the same outcome.

use strict;
use warnings;

use lib 't/lib';

use NetIO::Test::DropIn;
use Test::More;

alarm 300;

# What all of these programs begin with.
my $begin = <<'PERL';
use Errno ();
use IO::Socket::IP;
use NetIO::Test::Port qw(free_port);
$| = 1;
my $server = IO::Socket::IP->new(Listen => 100, LocalHost => '127.0.0.1', LocalPort => 0) or die $@;
my $port = $server->sockport;
my $free = free_port();

# A socket in a line, or why there is none.
sub told {
    my ($socket) = @_;
    return 'undef: ' . join ', ', map { defined ? $_ : 'undef' } 0 + $!, $@ if !defined $socket;
    my @names = qw(sockdomain socktype protocol blocking timeout sockhost peerhost);
    my $text  = join ' ', map { my $v = $socket->$_; defined $v ? $v : 'undef' } @names;
    my $peer  = $socket->peerport;
    return "$text " . (!defined $peer ? 'no peer' : $peer == $port ? 'port' : 'another');
}

sub show {
    my ($name, @arguments) = @_;
    my ($text, @got);
    eval { $text = told((@got = IO::Socket::IP->new(@arguments))[0]); 1 } or $text = "died $@";
    $text =~ s/$port/PORT/g;
    print "$name: ", scalar @got, " $text\n";
}
PERL

same('connecting', $begin . <<'PERL', qr/lone argument: 1 2 1 6 1 undef 127.0.0.1 127.0.0.1 port/);
my @to = (PeerHost => '127.0.0.1', PeerPort => $port);
show('host and port', @to);
show('synonyms', PeerAddr => '127.0.0.1', PeerService => $port);
show('both: PeerHost counts', @to, PeerAddr => '127.0.0.9');
show('lone argument', "127.0.0.1:$port");
show('host:port', PeerHost => "127.0.0.1:$port");
show('host:port before PeerPort', PeerHost => "127.0.0.1:$port", PeerPort => 1);
show('name:port', PeerHost => "localhost:$port", Family => AF_INET);
show('name(number)', PeerHost => '127.0.0.1', PeerPort => "nosuchservice($port)");
show('an empty host', PeerHost => '', PeerPort => $port, Family => AF_INET);
show('127.1', PeerHost => '127.1', PeerPort => $port);
show('0x7f.1', PeerHost => '0x7f.1', PeerPort => $port);
show('Proto tcp', @to, Proto => 'tcp');
show('Proto 6', @to, Proto => 6);
show('Type', @to, Type => SOCK_STREAM);
show('Type and Proto', @to, Type => SOCK_STREAM, Proto => 'tcp');
show('Family', @to, Family => AF_INET);
show('Timeout', @to, Timeout => 30);
show('Blocking', @to, Blocking => 1);
show('ReuseAddr', @to, ReuseAddr => 1, ReusePort => 1, Broadcast => 0);
show('MultiHomed', @to, MultiHomed => 1);
show('flags', @to, GetAddrInfoFlags => 0);
show('AI_NUMERICHOST', @to, GetAddrInfoFlags => Socket::AI_NUMERICHOST());
show('an unknown key', @to, Flavour => 'mint');
show('LocalHost', @to, LocalHost => '127.0.0.2');
show('LocalAddr', @to, LocalAddr => '127.0.0.2');
show('LocalHost:port', @to, LocalHost => '127.0.0.2:0');
show('LocalPort', @to, LocalPort => 0);
my $socket = IO::Socket::IP->new(@to, LocalHost => '127.0.0.3', LocalPort => $free);
print $socket->sockhost, ' ', $socket->sockport == $free ? 'that port' : 'another', "\n";
my ($error, @infos) = Socket::getaddrinfo('127.0.0.1', $port, { socktype => SOCK_STREAM });
show('PeerAddrInfo', PeerAddrInfo => \@infos);
my (undef, @local) = Socket::getaddrinfo('127.0.0.4', 0, { socktype => SOCK_STREAM });
show('LocalAddrInfo', @to, LocalAddrInfo => \@local);
$socket = IO::Socket::IP->new(@to, Sockopts => [[SOL_SOCKET, SO_KEEPALIVE],
    [SOL_SOCKET, SO_RCVBUF, pack 'i', 40_000], [SOL_SOCKET, SO_SNDBUF, 30_000]]);
print join(' ', map { $socket->sockopt($_) ? 1 : 0 } SO_KEEPALIVE, SO_BROADCAST), ' ',
    join(' ', map { $socket->sockopt($_) } SO_RCVBUF, SO_SNDBUF), "\n";
print "\$! ", 0 + $!, "\n";
print join(' ', map { ${*$socket}{"io_socket_$_"} } qw(domain type proto)), "\n";
PERL

same('failing', $begin . <<'PERL', qr/refused: 1 undef: 111, Connection refused/);
my @to = (PeerHost => '127.0.0.1', PeerPort => $port);
show('refused', PeerHost => '127.0.0.1', PeerPort => $free);
show('refused, with a time-out', PeerHost => '127.0.0.1', PeerPort => $free, Timeout => 30);
show('no such address here', @to, LocalHost => '192.0.2.1');
show('the port is taken', Listen => 1, LocalHost => '127.0.0.1', LocalPort => $port);
show('a socket option', @to, Sockopts => [[SOL_SOCKET, 9999, pack 'i', 1]]);
show('no host', PeerPort => 1);
show('no port', PeerHost => '127.0.0.1');
show('Listen with a peer', @to, Listen => 1);
show('MultiHomed off', @to, MultiHomed => 0);
show('Proto', @to, Proto => 'nosuchproto');
show('Sockopts', @to, Sockopts => {});
show('Sockopts of what', @to, Sockopts => [1]);
show('Sockopts too short', @to, Sockopts => [[1]]);
show('PeerAddrInfo', PeerAddrInfo => 7);
show('LocalAddrInfo', LocalAddrInfo => {});
PERL

# IO::Socket::IP says EINVAL where a name is not known.
same('names and services', $begin . <<'PERL', qr/no such service: undef: Servname not supported/);
for (['no such service', PeerHost => '127.0.0.1', PeerPort => 'nosuchservice'],
    ['80x', PeerHost => '127.0.0.1', PeerPort => '80x'],
    ['a bad host', PeerHost => 'not a host', PeerPort => 80],
    ['a long host', PeerHost => 'x' x 10_000, PeerPort => 80],
    ['256.1.1.1', PeerHost => '256.1.1.1', PeerPort => 80],
    ['no name', PeerHost => 'nohost', PeerPort => 80, GetAddrInfoFlags => Socket::AI_NUMERICHOST()],
    ['a local service', LocalHost => '127.0.0.1', LocalPort => 'nosuchservice'])
{
    my ($name, @arguments) = @$_;
    my $socket = IO::Socket::IP->new(@arguments);
    print "$name: ", defined $socket ? 'a socket' : 'undef', ": $@\n";
    print "it says more\n" if $IO::Socket::errstr && $IO::Socket::errstr !~ /\S/;
}
PERL

same('sockets without a peer', $begin . <<'PERL', qr/UDP: 1 2 2 17 1 undef 0\.0\.0\.0/);
show('Family', Family => AF_INET);
show('Family 6', Family => AF_INET6);
show('Type', Type => SOCK_STREAM);
show('UDP', Proto => 'udp', Family => AF_INET);
show('by Type', Type => SOCK_DGRAM, Family => AF_INET);
show('LocalHost', LocalHost => '127.0.0.1');
show('LocalPort', LocalPort => 0, Family => AF_INET);
show('an empty LocalHost', LocalHost => '', LocalPort => 0, Family => AF_INET);
show('Listen', Listen => 1, Family => AF_INET);
show('Listen, not blocking', Listen => 1, LocalHost => '127.0.0.1', Blocking => 0);
show('::1', Listen => 1, LocalHost => '::1', V6Only => 1);
show('[::1]:0', Listen => 1, LocalAddr => '[::1]:0');
my $nothing = IO::Socket::IP->new;
print 'nothing: ', ref $nothing, ' ', defined $nothing->fileno ? 1 : 0, "\n";
my $any = IO::Socket::IP->new(Listen => 1, LocalHost => '::', V6Only => 0);
print 'V6Only 0: ', unpack('i', getsockopt $any, Socket::IPPROTO_IPV6(), Socket::IPV6_V6ONLY()),
    ' ', IO::Socket::IP->CAN_DISABLE_V6ONLY, "\n";
PERL

same('accessors', $begin . <<'PERL', qr/sockhost_service\(1\): 127.0.0.1 PORT/);
my $client = IO::Socket::IP->new("127.0.0.1:$port");
my ($accepted, $peer) = $server->accept;
print ref $accepted, ' ', $peer eq $client->sockname ? 'its peer' : 'another', "\n";
for my $method (qw(sockhost_service sockhost sockport sockhostname sockservice sockaddr sockdomain
    socktype protocol connected timeout blocking opened error fileno))
{
    for my $end (qw(sock peer)) {
        (my $name = $method) =~ s/^sock(?=[hpsa])/$end/;
        for my $flag ($method =~ /_service/ ? (0, 1) : ()) {
            my @all = $accepted->$name($flag);
            print "$name($flag): @all\n" =~ s/$port/PORT/gr =~ s/\d{5}/ANOTHER/gr;
        }
        my $value = $accepted->$name;
        $value = unpack 'H*', $value if $name =~ /addr$/;
        $value = $value ? 'true' : 'false' if $name =~ /connected|fileno|opened|blocking/;
        print "$name: ", defined $value ? $value : 'undef', "\n" if $name !~ /port|hostname|ervice/;
    }
}
print join('|', map { defined ? $_ : 'undef' } IO::Socket::IP->split_addr($_)), "\n"
    for 'host:http', '192.0.2.1:80', '[2001:db8::1]:80', '[::1]', '[::1]:', 'plain', '::1', 'a:',
    '[no]:1', ':80', '', 'a b:1', "host:80\n", '[::ffff:192.0.2.1]:http(80)';
print IO::Socket::IP->join_addr(@$_), "\n" for ['h', 1], ['::1', 1], ['::1'], ['h', undef];
$client->shutdown(1);
print defined $client->peerhost ? 1 : 0, "\n";
print 'close ', $client->close, ' ', defined $client->fileno ? 1 : 0, "\n";
my @none = $client->peerhost;
print scalar @none, ' ', defined $none[0] ? 1 : 0, ' ', $client->connected ? 1 : 0, "\n";
print ref($accepted->as_inet), ' ', $accepted->as_inet->peerhost, "\n";
print eval { IO::Socket::IP->new(Family => AF_INET6)->as_inet; 1 } || $@ =~ s/ at .*//sr, "\n";
PERL

same('accept', $begin . <<'PERL', qr/class: Mine 127.0.0.1 mine/);
{ package Mine; our @ISA = 'IO::Socket::IP'; sub mine { 'mine' } }
{ package Other; require IO::Socket::INET; our @ISA = 'IO::Socket::INET'; }
my @clients = map { IO::Socket::IP->new("127.0.0.1:$port") } 1 .. 3;
my $mine = $server->accept('Mine');
print 'class: ', join(' ', ref $mine, $mine->peerhost, $mine->mine), "\n";
my $other = $server->accept('Other');
print 'another class: ', join(' ', ref $other, $other->peerhost), "\n";
$server->timeout(30);
my $plain = $server->accept;
print 'its time-out: ', $plain->timeout, "\n";
print {$clients[2]} "a line\n";
print 'reads: ', scalar <$plain>;
$plain->say('back');
print 'and writes: ', scalar readline $clients[2];
$server->timeout(0.01);
my @none = $server->accept;
print 'late: ', scalar @none, ' ', $!{ETIMEDOUT} ? 'ETIMEDOUT' : $!, " $@\n";
$server->timeout(undef);
$server->blocking(0);
@none = $server->accept;
print 'not blocking: ', scalar @none, ' ', $!{EAGAIN} ? 'EAGAIN' : $!, "\n";
print 'listen: ', ref $server->listen, "\n";
$server->blocking(1);
for my $timeout (0, -1, -0.5, 'soon', 'nan') {
    $server->timeout($timeout);
    @none = $server->accept;
    print "a time-out of $timeout: ", scalar @none, ' ', $!{ETIMEDOUT} ? 'ETIMEDOUT' : $!, "\n";
}
for my $socket ($clients[0], map { IO::Socket::IP->new(Family => AF_INET, @$_) } [], [Proto => 'udp']) {
    @none = $socket->accept;
    print 'does not listen: ', scalar @none, " $!\n";
}
PERL

same('not blocking', $begin . <<'PERL', qr/goes on with the next: 1  port same descriptor/);
use IO::Select;
sub finish {
    my ($name, $socket) = @_;
    my ($fd, $done) = $socket->fileno;
    until (($done = $socket->connect) || !$!{EINPROGRESS}) {
        IO::Select::select(undef, IO::Select->new($socket), undef, 10) or last;
    }
    print "$name: ", $done ? "$done $!" : "failed: $!", ' ',
        ($socket->peerport || 0) == $port ? 'port' : 'none', ' ',
        $socket->fileno == $fd ? 'same' : 'another', ' descriptor ', $socket->blocking, "\n";
}
my @to = map { (Socket::getaddrinfo('127.0.0.1', $_, { socktype => SOCK_STREAM }))[1] } $free, $port;
finish('one', IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port, Blocking => 0));
finish('goes on with the next', IO::Socket::IP->new(PeerAddrInfo => \@to, Blocking => 0));
my $made = IO::Socket::IP->new(Family => AF_INET, Blocking => 0);
print 'bare connect without a peer: ', $made->connect, "\n";
print 'connect(ADDRESS): ', $made->connect($server->sockname) || $!{EINPROGRESS} ? 1 : $!, "\n";
my $socket = IO::Socket::IP->new(Family => AF_INET);
print 'blocking connect(ADDRESS): ', $socket->connect($server->sockname), "\n";
$socket = IO::Socket::IP->new(Family => AF_INET, Timeout => 10);
print 'with a time-out: ', $socket->connect($server->sockname), ' ', $socket->blocking, "\n";
$socket = IO::Socket::IP->new(Family => AF_INET, Timeout => 10);
print 'refused: ', defined $socket->connect(pack_sockaddr_in($free, INADDR_LOOPBACK)) ? 1 : "$!",
    ' ', $socket->blocking, "\n";
$socket = IO::Socket::IP->new(Family => AF_INET);
print 'bind: ', ref $socket->bind(pack_sockaddr_in(0, INADDR_LOOPBACK)), ' ', ref $socket->listen,
    "\n";
print 'nonsense: ', defined $socket->connect('x') ? 1 : "$!", "\n";
$socket = IO::Socket::IP->new("127.0.0.1:$port");
for my $other ($free, $port) {
    my $done = $socket->connect(pack_sockaddr_in($other, INADDR_LOOPBACK));
    print 'connected already: ', defined $done ? $done : "$!", ' ', $socket->peerport == $port, "\n";
}
PERL

same('UDP', $begin . <<'PERL', qr/recv: ping from 127.0.0.1/);
my $udp = IO::Socket::IP->new(Proto => 'udp', LocalHost => '127.0.0.1', LocalPort => 0) or die $@;
my $client = IO::Socket::IP->new(Proto => 'udp', PeerHost => '127.0.0.1', PeerPort => $udp->sockport,
    Timeout => 5) or die $@;
print $client->send('ping'), ' ', $client->peerhost, "\n";
$udp->recv(my $text, 100);
print "recv: $text from ", $udp->peerhost, ' ',
    $udp->peerport == $client->sockport ? 'its port' : 'another', "\n";
print $udp->send('pong'), "\n";
$client->recv($text, 100);
print "$text\n";
my $free = IO::Socket::IP->new(Type => SOCK_DGRAM, Family => AF_INET);
print $free->send('to', 0, $udp->sockname), "\n";
$udp->recv($text, 100, 0);
print "$text\n";
print defined eval { IO::Socket::IP->new(Proto => 'udp', Family => AF_INET)->send('x') } ? 1
    : $@ =~ s/ at .*//sr, "\n";
PERL

same('-register, fdopen, socketpair', $begin . <<'PERL', qr/IO::Socket::IP ::1 listens/);
IO::Socket::IP->import('-register');
for (AF_INET, AF_INET6) {
    my $host = $_ == AF_INET ? '127.0.0.1' : '::1';
    my $socket = IO::Socket->new(Domain => $_, LocalHost => $host, Listen => 1) or print "$@\n";
    print ref $socket, ' ', $socket->sockhost, " listens\n";
    $socket = IO::Socket->new(Domain => $_, LocalHost => $_ == AF_INET ? '::1' : '127.0.0.1');
    print defined $socket ? 'a socket' : 'undef', "\n";
}
my $client = IO::Socket::IP->new("127.0.0.1:$port");
my $from = IO::Socket::IP->new_from_fd($client->fileno, 'r+');
print ref $from, ' ', $from->fileno == $client->fileno ? 'shared' : 'another', "\n";
my $copy = IO::Socket::IP->new_from_fd($client, '+<');
print ref $copy, ' ', $copy->fileno == $client->fileno ? 'shared' : 'another', "\n";
print defined IO::Socket::IP->new_from_fd(77, 'r+') ? 'a socket' : "$!", "\n";
my ($one, $other) = IO::Socket::IP->socketpair(AF_UNIX, SOCK_STREAM, 0);
print {$one} "through\n";
print ref $other, ' ', scalar <$other>;
print join(' ', $one->sockdomain, $one->socktype), "\n";
my $socket = IO::Socket::IP->new;
print $socket->socket(AF_INET, SOCK_STREAM, 0) ? 1 : 0, ' ';
my $fd = $socket->fileno;
print $socket->socket(AF_INET6, SOCK_DGRAM, 0) ? 1 : 0, ' ', $socket->fileno == $fd ? 1 : 0, "\n";
print join(' ', map { IO::Socket::IP->can($_) ? 1 : 0 } qw(getline atmark configure nonsense)), "\n";
print IO::Socket::IP->isa('IO::Socket'), IO::Socket::IP->isa('IO::Handle'), "\n";
PERL

done_testing;
