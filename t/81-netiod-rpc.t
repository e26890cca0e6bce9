# netiod: services of ONC RPC, with a real rpcbind(8) and rpcinfo(8) as the client, in namespaces of
# the test's own.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use NetIO::Test::Datagram qw(ask_udp udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Netns;
use NetIO::Test::Patience;
use NetIO::Test::Run qw(run start finish spew);
use NetIO::Test::World;
use Test::More;

plan skip_all => 'needs root' if $> != 0;
private_mounts();
needs_netns(300,
    grep({ !-x } qw(/usr/sbin/rpcbind /usr/sbin/rpcinfo /usr/sbin/rpc.rusersd /usr/sbin/tcpd))
        && 'rpcbind, rusersd or tcpd is missing');

my $SOCKET = '/run/rpcbind.sock';
my $MINE   = 542_000_001;           # a number that rpc(5) has for nobody
my $folder = File::Temp->newdir;

chmod 0755, $folder;
system(qw(mount -t tmpfs tmpfs /run)) == 0 or die "mount: $?\n";
my $ns = NetIO::Test::Netns->new('rpc');
$ns->enter;

# Answers one call on a connection, as long as it is to nothing (procedure 0), and says who it is.
my $PROGRAM = spew("$folder/answer", <<'PERL');
#!/usr/bin/perl
read STDIN, my $mark, 4;
read STDIN, my $call, 0x7fffffff & unpack 'N', $mark;
print pack 'N*', 0x80000018, unpack('N', $call), 1, 0, 0, 0, 0;
print getpwuid($>) . ' ' . getgrgid((split ' ', $))[0]) . "\n";
PERL
chmod 0755, $PROGRAM;

my $rpcbind;

sub begin_rpcbind {
    $rpcbind = start('rpcbind', '-f');
    eventually { IO::Socket::UNIX->new(Peer => $SOCKET) } or die "$SOCKET: $@\n";
    return;
}

sub end_rpcbind {
    kill 'TERM', $rpcbind->{pid};
    return finish($rpcbind);
}

# What it knows besides itself: "PROGRAM.VERSION NETID" => port.
sub known {
    my ($status, $out, $err) = run('rpcinfo');
    my %known;

    die "rpcinfo: $err" if $status;
    for (split /\n/, $out) {
        my ($program, $version, $netid, $address) = split;
        next if $program !~ /^\d+$/ || $program == 100_000;
        my ($high, $low) = $address =~ /\.(\d+)\.(\d+)\z/ or die "$_\n";
        $known{"$program.$version $netid"} = 256 * $high + $low;
    }
    return \%known;
}

sub knows { return [sort keys %{ known() }] }

# Behind what was told before; a successor may say so before its predecessor says that it serves.
sub told {
    my ($d, $count) = @_;
    my $until = time + 30;

    do {
        if (
            substr($d->log, $d->{told} // 0) =~
            /rpcbind: knows of $count versions of rpc services\n/)
        {
            $d->{told} += $+[0];
            return pass "rpcbind is told: $count";
        }
    } while ($d->pump($until));
    return fail "rpcbind is told: $count";
}

# pmap_set(3) by somebody else, from a port that only root can have.
sub register {
    my ($program, $version, $port) = @_;
    my $socket = udp_client(111, LocalAddr => '127.0.0.1', LocalPort => 599);

    for my $procedure (2, 1) {    # unset, set
        ask_udp($socket,
            pack('N*', 7, 0, 2, 100_000, 2, $procedure, (0) x 4, $program, $version, 17, $port));
    }
    return;
}

my $RUSERS = "rusersd/2-3\tdgram\trpc/udp\twait\tnobody\t/usr/sbin/tcpd\t/usr/sbin/rpc.rusersd\n";
my $STREAM = "$MINE/1-2 stream rpc/tcp46 nowait root.daemon $PROGRAM answer\n";
my $ECHO   = "127.0.0.1:{echo} stream tcp nowait root /bin/cat cat\n";
my @RUSERS = ('100002.2 udp', '100002.3 udp');
my @STREAM = map { ("$MINE.$_ tcp", "$MINE.$_ tcp6") } 1, 2;

subtest 'services' => sub {
    begin_rpcbind();
    my $d = NetIO::Test::Inetd->start(config => $RUSERS . $STREAM . $ECHO);
    told($d, 6);
    my $known = known();
    is_deeply [sort keys %$known], [@RUSERS, @STREAM], 'each version, on each of its protocols';
    cmp_ok $known->{'100002.2 udp'}, '>', 1023, 'a port of anybody for nobody';
    my $port = $known->{"$MINE.1 tcp"};
    ok $port > 599 && $port < 1024 && !getservbyport($port, 'tcp'),
        'for root one that only root can have, and that services(5) gives to nobody';
    for my $version (2, 3) {
        my ($status, $out) = run('timeout', 30, 'rpcinfo', '-u', '127.0.0.1', 'rusersd', $version);
        is $out, "program 100002 version $version ready and waiting\n",
            "Debian's rpc.rusersd by tcpd, wait: version $version";
    }
    my ($status, $out, $err) = run('timeout', 30, 'rpcinfo', '-t', '127.0.0.1', $MINE, 2);
    is $out, "program $MINE version 2 ready and waiting\n", 'a stream, nowait';
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "$!\n";
    syswrite $socket, pack 'N*', 0x80000004, 1;
    like join('', <$socket>), qr/root daemon\n/, 'R2: as user and group of the line';
    is $d->stop, 0, 'TERM';
    is_deeply knows(), [], 'rpcbind knows of none any more';
};

subtest 'reloads' => sub {
    my $d = NetIO::Test::Inetd->start(config => $RUSERS . $STREAM);
    told($d, 6);
    my $before = known();
    ok !$d->reload("$RUSERS nosuch/1 dgram rpc/udp wait root $PROGRAM\n7 raw tcp nowait x /x\n"),
        'one that fails';
    is_deeply known(), $before, 'R13: changes nothing';
    ok $d->reload($RUSERS), 'a service goes';
    $d->grows(-2);
    told($d, 2);
    is_deeply known(), { map { $_ => $before->{$_} } @RUSERS },
        'what it registered goes with it; R14: the other one keeps its port';
    end_rpcbind();
    begin_rpcbind();
    is_deeply knows(), [], 'rpcbind is started anew';
    ok $d->reload, 'a reload';
    told($d, 2);
    is_deeply known(), { map { $_ => $before->{$_} } @RUSERS }, 'registers again';
    my $old = $d->pid;
    ok $d->upgrade, 'an upgrade';
    told($d, 2);
    is $d->left_of($old), 0, 'whose predecessor takes nothing back';
    is_deeply known(), { map { $_ => $before->{$_} } @RUSERS }, 'all is as it was';
    $d->configure($ECHO);
    ok $d->upgrade, 'an upgrade, whose configuration has no such service any more';
    told($d, 0);
    is_deeply knows(), [], 'the successor takes back what its predecessor had registered';
    $d->configure($RUSERS);
    ok $d->upgrade, 'one more, which has it again';
    told($d, 2);
    is_deeply knows(), \@RUSERS, 'it is there';
    ok !$d->reload("nonsense\n"), 'a configuration that is wrong';
    ok !$d->upgrade,              'an upgrade that fails';
    is_deeply knows(), \@RUSERS, 'takes nothing back';
    is $d->stop, 0, 'TERM';
    is_deeply knows(), [], 'the last one takes all of it back';
};

subtest 'what others have registered' => sub {
    register(100_002, 2, 4711);
    register(100_002, 9, 4712);
    is known()->{'100002.2 udp'}, 4711, 'what somebody has left';
    my $d = NetIO::Test::Inetd->start(config => $RUSERS);
    told($d, 2);
    my $known = known();
    isnt $known->{'100002.2 udp'}, 4711,                     'is replaced, as by every inetd';
    is $known->{'100002.2 udp'},   $known->{'100002.3 udp'}, 'both versions have one port';
    register(100_002, 3, 4713);
    is $d->stop, 0, 'TERM';
    is_deeply known(), { '100002.3 udp' => 4713, '100002.9 udp' => 4712 },
        'what another one has registered is left alone';
    end_rpcbind();
};

# What netiod says of it; it serves, and ends.
sub is_warned {
    my ($d, $error) = @_;

    my $warning = qr/rpcbind \(\Q$SOCKET\E\): $error; rpc services listen, but clients may not/;
    ok $d->log =~ $warning || $d->wait_log($warning), "a warning: $error";
    is $d->ask(echo => "hello\n"), "hello\n", 'netiod serves';
    return;
}

subtest 'no rpcbind' => sub {
    unlink $SOCKET;
    my $d = NetIO::Test::Inetd->start(config => $RUSERS . $ECHO);
    is_warned($d, 'No such file or directory');
    begin_rpcbind();
    ok $d->reload, 'a reload, now that there is one';
    told($d, 2);
    end_rpcbind();
    ok $d->reload, 'a reload when it has gone';
    is_warned($d, 'Connection refused');
    is $d->stop, 0, 'TERM';
};

subtest 'a call that fails' => sub {
    begin_rpcbind();
    my $d       = NetIO::Test::Inetd->start(config => $RUSERS . $ECHO);
    my %failing = (
        connect  => [EAGAIN => 'Resource temporarily unavailable'],
        sendto   => [EPIPE  => 'Broken pipe'],
        recvfrom => [ENOMEM => 'Cannot allocate memory'],
    );
    told($d, 2);
    for my $call (sort keys %failing) {
        my ($error, $text) = @{ $failing{$call} };
        my $end = $d->failing($call => $error, 1);
        ok $d->reload, "$call: the reload is none the worse";
        is_warned($d, $text);
        $end->();
    }
    ok $d->reload, 'and the next one';
    told($d, 2);
    is $d->stop, 0, 'TERM';
    is_deeply knows(), [], 'all is taken back';
    end_rpcbind();
};

subtest 'one that hangs' => sub {
    begin_rpcbind();
    kill 'STOP', $rpcbind->{pid};
    my $d = NetIO::Test::Inetd->start(config => $RUSERS . $ECHO);
    is $d->ask(echo => "hello\n"), "hello\n", 'netiod serves meanwhile';
    is_warned($d, 'Connection timed out');
    ok $d->reload, 'a reload';
    is $d->stop, 0, 'TERM in the middle of it';
    like $d->log, qr/may still tell of services that are gone/, 'which it says';
    kill 'CONT', $rpcbind->{pid};
    end_rpcbind();
};

subtest 'an upgrade in the middle of a call' => sub {
    begin_rpcbind();
    my $d = NetIO::Test::Inetd->start(config => $RUSERS . $ECHO);
    told($d, 2);
    kill 'STOP', $rpcbind->{pid};
    ok $d->reload, 'a reload';
    my $end = $d->failing(sendmsg => 'ENOBUFS', 5);
    ok !$d->upgrade, 'an upgrade that fails when all is handed over';
    kill 'CONT', $rpcbind->{pid};
    $end->();
    told($d, 2);
    kill 'STOP', $rpcbind->{pid};
    ok $d->reload, 'a reload';
    $d->configure($ECHO);
    my $old = $d->pid;
    ok $d->upgrade, 'an upgrade';
    is $d->left_of($old), 0, 'whose predecessor does not wait for rpcbind';
    kill 'CONT', $rpcbind->{pid};
    told($d, 0);
    is_deeply knows(), [], 'the successor takes back what may have been registered';
    is $d->stop, 0, 'TERM';
    end_rpcbind();
};

subtest 'one that lies' => sub {
    my %answers = (
        'nothing'            => '',
        'half of one'        => pack('N*', 0x80000018, 1),
        'no answer'          => pack('N*', 0x80000018, 1,   0, 0, 0, 0, 1),
        "another's answer"   => pack('N*', 0x80000018, 999, 1, 0, 0, 0, 0),
        'a huge one'         => pack('N*', 0xffffffff, 1,   1) . 'x' x 100_000,
        'pieces'             => pack('N*', 4,          1),
        'a huge verifier'    => pack('N*', 0x8000001c, 1, 1, 0, 0, 0xffffffff, 0, 1),
        'an answer too much' => pack('N*', 0x8000001c, 1, 1, 0, 0, 0, 0, 1, 0),
        'text'               => "HTTP/1.1 400 Bad Request\r\n\r\n" x 100,
        'a refusal'          => pack('N*', 0x80000014, 1, 1, 1, 1, 5),
    );
    my $refusal = 'Operation not supported';
    for my $name (sort keys %answers) {
        unlink $SOCKET;
        my $liar = IO::Socket::UNIX->new(Local => $SOCKET, Listen => 1) or die "$SOCKET: $!\n";
        my $d    = NetIO::Test::Inetd->start(config => $RUSERS . $ECHO);
        my $peer = $liar->accept;
        sysread $peer, my $call, 1000;
        is length $call, 4 + (0x7fffffff & unpack 'N', $call), "$name, to a whole call";
        syswrite $peer, $answers{$name};
        shutdown $peer, 1;
        is_warned($d,
            $name eq 'a refusal' ? $refusal : '(?:Protocol error|Connection reset by peer)');
        close $liar;
        is $d->stop, 0, 'TERM';
    }
};

undef $ns;
done_testing;
