#!perl -T
# F12 taint checks: where to connect may not come from outside; what comes from there is tainted.

use strict;
use warnings;

use Scalar::Util qw(tainted);
use Socket qw(INADDR_LOOPBACK PF_INET SOCK_DGRAM SOCK_STREAM sockaddr_in);
use Test::More;

BEGIN {
    plan skip_all => 'this perl checks no taint' if !${^TAINT};
}

use NetIO;

alarm 300;

# Nothing at all, but tainted.
my $taint = substr $0 . join('', values %ENV), 0, 0;
tainted($taint) or plan skip_all => 'nothing is tainted here';

socket my $listener, PF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
bind $listener, sockaddr_in(0, INADDR_LOOPBACK) or die "bind: $!\n";
listen $listener, 5 or die "listen: $!\n";
my ($port) = sockaddr_in(getsockname $listener);

my $fh = eval { tcpopen('127.0.0.1', $port, timeout => 30, deadline => 60) };
is ref $fh, 'NetIO::Socket', 'clean arguments';
for (['host', "127.0.0.1$taint", $port], ['service', '127.0.0.1', "$port$taint"],
    ['option', '127.0.0.1', $port, timeout => "5$taint"]) {
    my ($name, @arguments) = @$_;
    ok !eval { tcpopen(@arguments); 1 }, "tainted $name: dies";
    my $line = __LINE__ - 1;
    is $@, "Insecure dependency in tcpopen while running with -T switch at $0 line $line.\n",
        'text';
}

for (
    ['source',     tcpopen  => '127.0.0.1', $port, source => "127.0.0.1$taint"],
    ['host',       udpopen  => "127.0.0.1$taint", $port],
    ['path',       unixopen => "/nosuch$taint"],
    ['address',    tcplisten => "127.0.0.1:0$taint"],
    ['server',     udp_ask  => "127.0.0.1$taint", $port, 'x'],
    ['servers',    udp_ask  => ['127.0.0.1', "127.0.0.1$taint"], $port, 'x'],
    ['service',    udp_ask  => '127.0.0.1', "$port$taint", 'x'],
    ['timeout',    udp_ask  => '127.0.0.1', $port, 'x', timeout => "5$taint"],
    ['pidfile',    daemonize => pidfile => "/nosuch/pid$taint"],
    ['user',       daemonize => user => "nosuch$taint"],
    ['variable',   daemonize => pidfile => '/nosuch/pid', environment => ['A', "B=$taint"]],
) {
    my ($name, $function, @arguments) = @$_;
    my $code = NetIO->can($function);
    ok !eval { $code->(@arguments); 1 }, "$function, tainted $name: dies";
    like $@, qr/^Insecure dependency in $function while running with -T switch at /, 'text';
}
{
    socket my $peer, PF_INET, SOCK_DGRAM, 0 or die "socket: $!\n";
    bind $peer, sockaddr_in(0, INADDR_LOOPBACK) or die "bind: $!\n";
    my ($port) = sockaddr_in(getsockname $peer);
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        alarm 300;
        my $from = recv $peer, my $text, 100, 0;
        send $peer, "re: $text", 0, $from;
        require POSIX;
        POSIX::_exit(0);
    }
    my $seen;
    my $answer = NetIO::udp_ask('127.0.0.1', $port, "hi$taint", timeout => 30,
        valid => sub { $seen = tainted($_[0]); 1 });
    is $answer, 're: hi', 'a request may come from outside';
    ok tainted($answer), 'udp_ask: tainted';
    ok $seen, 'for valid, too';
    waitpid $pid, 0;
}

# As for Perl's own connect and bind; a tainted time-out harms nobody.
for (['PeerHost', PeerHost => "127.0.0.1$taint", PeerPort => $port],
    ['PeerPort', PeerHost => '127.0.0.1', PeerPort => "$port$taint"],
    ['a name', PeerHost => "localhost$taint", PeerPort => $port],
    ['PeerHost, not blocking', PeerHost => "127.0.0.1$taint", PeerPort => $port, Blocking => 0],
    ['PeerHost of UDP', PeerHost => "127.0.0.1$taint", PeerPort => $port, Proto => 'udp'],
    ['LocalHost', LocalHost => "127.0.0.1$taint", Listen => 1]) {
    my ($name, @arguments) = @$_;
    ok !eval { NetIO::Socket->new(@arguments); 1 }, "NetIO::Socket->new, tainted $name: dies";
    like $@, qr/^Insecure dependency in (?:connect|bind) while running with -T switch at /, 'text';
}
ok(NetIO::Socket->new(PeerHost => '127.0.0.1', PeerPort => $port, Timeout => "5$taint"),
    'a tainted Timeout');

accept my $socket, $listener or die "accept: $!\n";
syswrite $socket, "line\nmore\n";
my $line = <$fh>;
is $line, "line\n", 'reads';
ok tainted($line), 'readline: tainted';
read $fh, my $text, 5;
is $text, "more\n", 'reads';
ok tainted($text), 'read: tainted';

syswrite $socket, "line\nmore\n";
my %read = (read_line => $fh->read_line, read_octets => $fh->read_octets(5));
ok tainted($read{$_}), "$_: tainted" for sort keys %read;

done_testing;
