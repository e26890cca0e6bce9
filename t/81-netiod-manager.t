# netiod under a service manager: the sockets that it is passed (LISTEN_FDS), and what it says
# (NOTIFY_SOCKET, WATCHDOG_USEC).

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use IO::Socket::IP;
use IO::Socket::UNIX;
use Socket qw(AF_INET6 SOCK_DGRAM);
use Test::More;

use lib 't/lib';
use NetIO::Test::Datagram qw(ask_udp udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Manager qw(passing);
use NetIO::Test::Run     qw(slurp);

alarm 300;

my $dir = File::Temp->newdir;
my $cat = '127.0.0.1:%s stream tcp nowait root /bin/cat cat';

sub listener { return IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') }

sub start {
    my ($config, $handles, %variable) = @_;

    return NetIO::Test::Inetd->start(config => $config, before => passing($handles, %variable));
}

# The first line that comes back from a port or path.
sub ask_at {
    my ($d, $to, $text) = @_;
    my $socket =
          ref $to      ? $to
        : $to =~ m{^/} ? IO::Socket::UNIX->new(Peer => $to)
        :                IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to);

    $socket or return "connect: $!";
    syswrite $socket, $text;
    shutdown $socket, 1;
    return $d->read_all($socket);
}

# ---- whose a socket is -----------------------------------------------------------------------------

{
    my $socket = listener();
    my $port   = $socket->sockport;
    my $d =
        start(sprintf("$cat\n", $port) . "127.0.0.1:{date} stream tcp nowait root /bin/date date\n",
        [$socket]);

    close $socket;
    is ask_at($d, $port, 'x'), 'x', 'by its address: it serves';
    like $d->ask(date => ''), qr/\d:\d/, 'beside what netiod listens on itself';
    ok $d->reload(sprintf "$cat\n", $port), 'a reload';
    is ask_at($d, $port, 'y'), 'y', 'goes on with it';
    ok !$d->reload("127.0.0.1:{date} stream tcp nowait root /bin/date date\n"),
        'a reload that has no service for it';
    like $d->log_text, qr/no service for descriptor \d+ \(unknown\).*\n.*RELOAD FAILED/,
        'is refused';
    is ask_at($d, $port, 'z'), 'z', 'and all goes on';
    $d->grows(-2);
    $d->finish;
}
for my $suffix ('', '.socket') {
    my $socket = listener();
    my $port   = $socket->sockport;
    my $unix   = IO::Socket::UNIX->new(Listen => 5, Local => "$dir/s");
    my $d      = start(
        "finger stream tcp nowait root /bin/cat cat\n",
        [$socket, $unix],
        LISTEN_FDNAMES => "finger$suffix:finger$suffix"
    );
    close $_ for $socket, $unix;
    is ask_at($d, $port,    'x'), 'x', "by the name finger$suffix: at one address";
    is ask_at($d, "$dir/s", 'y'), 'y', "by the name finger$suffix: and at another one";
    unlike $d->log_text, qr/listening on \S+:79\n/, "by the name finger$suffix: and not at its own";
    $d->finish;
    ok -e "$dir/s", 'its path is not ours to remove';
    unlink "$dir/s";
}
{
    my $both = IO::Socket::IP->new(Listen => 5, LocalHost => '::', LocalPort => 0, V6Only => 0)
        or die "no [::]: $@\n";
    my $port = $both->sockport;
    my $d    = start("$port stream tcp nowait root {DIR}/env env\n", [$both]);

    NetIO::Test::Run::spew($d->dir . '/env', "#!/bin/sh\necho \$TCPREMOTEIP\n");
    chmod 0755, $d->dir . '/env';
    close $both;
    is scalar(() = $d->log_text =~ /listening on/g), 1,
        'one socket for both families is not doubled';
    is ask_at($d, $port, ''), "127.0.0.1\n", 'R25: who comes by IPv4 has such an address';
    $d->finish;
}
{
    my $udp  = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1');
    my $port = $udp->sockport;
    my $d    = start("127.0.0.1:$port dgram udp wait root {DIR}/udp udp\n", [$udp]);

    NetIO::Test::Run::spew(
        $d->dir . '/udp',
        "#!$^X\nmy \$from = recv STDIN, my \$text, 100, 0; send STDOUT, \"got \$text\", 0, \$from;\n"
    );
    chmod 0755, $d->dir . '/udp';
    close $udp;
    is ask_udp(udp_client($port), 'it'), 'got it', 'a socket for datagrams';
    $d->finish;
}
{
    my $d = start("127.0.0.1:{cat} stream tcp nowait root /bin/cat cat\n",
        [listener()], LISTEN_PID => 1);

    is $d->ask(cat => 'x'), 'x', 'sockets for another process are none';
    $d->finish;
}

# ---- what cannot be served -----------------------------------------------------------------------

my $plain = "127.0.0.1:{cat} stream tcp nowait root /bin/cat cat\n";
my ($file, $idle);
open $file, '<', $0 or die "$0: $!\n";
socket $idle, Socket::AF_INET(), Socket::SOCK_STREAM(), 0 or die "socket: $!\n";
my $udp = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1');
#<<< the table as it is
for my $row (
    ['a file',                 [$file], {}, qr/descriptor 3 \(unknown\) of the service manager: /],
    ['a socket that is nothing', [$idle], {}, qr/descriptor 3 \(unknown\) of the service manager: /],
    ['one that no service has', [listener()], { LISTEN_FDNAMES => 'http.socket' },
        qr/no service for descriptor 3 \(http\.socket\)/],
    ['the name of a service, but datagrams', [$udp], { LISTEN_FDNAMES => 'finger' },
        qr/no service for descriptor 3 \(finger\)/],
    ['one that is not open',   [listener()], { LISTEN_FDS => 2 }, qr/LISTEN_FDS: /],
    ['no number',              [listener()], { LISTEN_FDS => 'x' }, qr/LISTEN_FDS: /],
) {
#>>>
    my ($name, $handles, $more, $text) = @$row;
    my ($exit, $out, $err) =
        NetIO::Test::Inetd->run(config => $plain, before => passing($handles, %$more));

    isnt $exit, 0, "$name: is refused";
    like $err, qr/\Anetiod: [^\n]*$text[^\n]*\n\z/, "$name: and said";
}

# ---- an upgrade knows their names --------------------------------------------------------------

{
    my $socket = listener();
    my $port   = $socket->sockport;
    my $d      = start("finger stream tcp nowait root /bin/cat cat\n",
        [$socket], LISTEN_FDNAMES => 'finger.socket');

    close $socket;
    for my $time (1, 2) {
        ok $d->upgrade, "upgrade $time";
        is ask_at($d, $port, 'x'), 'x', 'serves at the socket of the manager';
        is $d->left,               0,   'and the predecessor ends';
    }
    ok $d->reload, 'a reload';
    is ask_at($d, $port, 'y'), 'y', 'finds it as well';
    $d->finish;
}

# ---- notify ----------------------------------------------------------------------------------

# All up to that message; a watchdog's may come at any time.
sub up_to {
    my ($manager, $last) = @_;
    my @all;

    do { push @all, $manager->hear_words }
        until $all[-1] eq $last || $all[-1] eq 'nothing' || @all > 100;
    return grep { $_ ne 'WATCHDOG=1' } @all;
}

{
    my $manager = NetIO::Test::Manager->new("$dir/notify");
    my $d       = NetIO::Test::Inetd->start(
        config => $plain,
        args   => ['--pidfile', '{DIR}/pid'],
        env    => { NOTIFY_SOCKET => "$dir/notify", WATCHDOG_USEC => 200_000 },
    );

    is_deeply [up_to($manager, 'STATUS=1 services')], ['READY=1', 'STATUS=1 services'],
        'it says when it is ready';
    is slurp($d->dir . '/pid'), $d->pid . "\n", 'and is the process that was started';
    is $manager->hear_words,    'WATCHDOG=1',   'the watchdog hears of it';
    ok $d->reload($plain . "127.0.0.1:{date} stream tcp nowait root /bin/date date\n"), 'HUP';
    is_deeply [up_to($manager, 'READY=1')],
        ['MONOTONIC_USEC RELOADING=1', 'STATUS=2 services', 'READY=1'],
        'is said, and when it is done';
    ok !$d->reload("broken\n"), 'a reload that fails';
    is_deeply [up_to($manager, 'READY=1')],
        ['MONOTONIC_USEC RELOADING=1', 'STATUS=2 services', 'READY=1'],
        'is said, too: it goes on';
    ok !$d->upgrade, 'an upgrade with that configuration fails';
    is_deeply [up_to($manager, 'READY=1')], ['MONOTONIC_USEC RELOADING=1', 'READY=1'],
        'is said, too: it goes on';
    is slurp($d->dir . '/pid'), $d->pid . "\n", 'has its pid file';
    is $d->ask(cat => 'x'),     'x',            'and serves';
    $d->configure($plain);
    ok $d->upgrade, 'an upgrade';
    my @said = up_to($manager, 'STATUS=1 services');
    is_deeply [grep { /MAINPID/ } @said], ['MAINPID=' . $d->pid], 'tells who it is now';
    is slurp($d->dir . '/pid'), $d->pid . "\n", 'as the pid file does';
    is $d->left,                0,              'who was it before has ended';
    is $d->ask(cat => 'y'),     'y',            'it serves';
    $d->kill('TERM');
    is((up_to($manager, 'STOPPING=1'))[-1], 'STOPPING=1', 'TERM: it stops');
    is $d->wait_end, 0, 'and ends';
    is_deeply [grep { !/^WATCHDOG/ } $manager->heard], [], 'after which nothing is said';
    ok !-e $d->dir . '/pid', 'without a pid file';
    $d->finish;
}

done_testing;
