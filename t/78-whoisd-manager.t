# whoisd under a service manager: the sockets that it is passed (LISTEN_FDS), and what it says
# (NOTIFY_SOCKET, WATCHDOG_USEC).

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory put_directory);
use NetIO::Test::Manager   qw(passing);

alarm 300;

my $dir  = File::Temp->newdir;
my $db   = build_directory("$dir/a.db", [{ handle => 'A1', name => 'One' }]);
my @from = ('--directory', "sqlite:$db");
my $one  = qr/Full Name: One\r\n/;

sub listener { return IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') }

# ---- sockets ---------------------------------------------------------------------------------

{
    my $tcp  = listener();
    my $unix = IO::Socket::UNIX->new(Listen => 5, Local => "$dir/s");
    my $d    = NetIO::Test::Daemon->start(
        args   => \@from,
        before => passing([$tcp, $unix]),
        ready  => qr/sandbox: .+\n.*127\.0\.0\.1:(\d+), 1 entries\n.* unix:\Q$dir\E\/s, 1 entries\n/
    );

    is $d->port, $tcp->sockport, 'sockets of a manager, with the log on stderr';
    close $_ for $tcp, $unix;
    like $d->ask("one\r\n"),                   $one, 'the first';
    like $d->ask("one\r\n", path => "$dir/s"), $one, 'the second';
    $d->finish;
    ok -e "$dir/s", 'its path is not ours to remove';
    unlink "$dir/s";
}
{
    my $listener = listener();
    my $client   = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport);
    my $d =
        NetIO::Test::Daemon->start(args => \@from, before => passing([scalar $listener->accept]));

    syswrite $client, "one\r\n";
    like $d->read_all($client), $one, 'a connection alone (Accept=yes)';
    close $client;
    is $d->wait_end, 0, 'and it ends with it';
    $d->finish;
}
{
    my $d = NetIO::Test::Daemon->start(
        args   => ['--listen', '127.0.0.1:0', @from],
        before => passing([listener()], LISTEN_PID => 1),
        ready  => qr/listening on 127\.0\.0\.1:(\d+), 1 entries\n/
    );

    like $d->ask("one\r\n"), $one, 'sockets for another process are none';
    $d->finish;
}

# C24: what cannot be served: handles, more environment, arguments, what is said.
my @pair =
    IO::Socket->new->socketpair(Socket::AF_UNIX(), Socket::SOCK_STREAM(), Socket::PF_UNSPEC());
open my $file, '<', $0 or die "$0: $!\n";
my $unbound = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1');
socket my $idle, Socket::AF_INET(), Socket::SOCK_STREAM(), 0 or die "socket: $!\n";
my $of = 'of the service manager:';
#<<< the table as it is
for my $row (
    ['a file', [$file], {}, [], "descriptor 3 (unknown) $of not a socket"],
    ['UDP',    [$unbound], { LISTEN_FDNAMES => 'dns' }, [],
        "descriptor 3 (dns) $of a datagram socket"],
    ['one of two is UDP', [listener(), $unbound], { LISTEN_FDNAMES => 'a:b' }, [],
        "descriptor 4 (b) $of a datagram socket"],
    ['a socket that is nothing', [$idle], {}, [],
        "descriptor 3 (unknown) $of a socket that neither listens nor is connected"],
    ['a connection that is not alone', [listener(), $pair[0]], {}, [],
        "descriptor 4 (unknown) $of a connection, but not the only socket"],
    ['sockets and addresses', [listener()], {}, ['--listen', '127.0.0.1:0'],
        '--listen: the service manager has passed sockets to serve'],
    ['one that is not open', [listener()], { LISTEN_FDS => 2 }, [], qr/LISTEN_FDS: /],
    ['no number',            [listener()], { LISTEN_FDS => 'x' }, [], qr/LISTEN_FDS: /],
    ['too many',             [listener()], { LISTEN_FDS => 4096 }, [], qr/LISTEN_FDS: /],
) {
#>>>
    my ($name, $handles, $more, $args, $text) = @$row;
    my ($exit, $out, $err) =
        NetIO::Test::Daemon->run(args => [@from, @$args], before => passing($handles, %$more));

    is "$exit$out", 64, "$name: is refused (C24)";
    ref $text
        ? like $err, qr/\Awhoisd: [^\n]*$text[^\n]+\n\z/, "$name: and said"
        : is $err, "whoisd: $text\n", "$name: and said";
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

# -f would say the same: it is the manager that keeps it from detaching.
{
    my $manager = NetIO::Test::Manager->new("$dir/notify");
    my $socket  = listener();
    my $path    = "$dir/b.db";
    put_directory($path, [{ handle => 'A1', name => 'One' }]);
    my $d = NetIO::Test::Daemon->start(
        program => NetIO::Test::Daemon::program(),
        args    => [
            NetIO::Test::Daemon::sandbox_off([]),
            NetIO::Test::Daemon::alone([]),
            ('--listen', '127.0.0.1:0', '--directory', "sqlite:$path", '--pidfile', "$dir/pid")
        ],
        env   => { NOTIFY_SOCKET => "$dir/notify" },
        ready => qr/listening on 127\.0\.0\.1:(\d+), 1 entries\n/
    );

    is_deeply [up_to($manager, 'STATUS=1 entries')], ['READY=1', 'STATUS=1 entries'],
        'it says when it is ready';
    is(
        NetIO::Test::Daemon::slurp("$dir/pid"),
        $d->pid . "\n",
        'and is the process that was started'
    );
    put_directory($path, [map { { handle => "A$_", name => "Number $_" } } 1 .. 7]);
    ok $d->wait_log(qr/in use now, 7 entries\n/), 'another directory';
    is $manager->hear_words, 'STATUS=7 entries', 'is told by itself';
    $d->kill('HUP');
    is_deeply [up_to($manager, 'STATUS=7 entries')],
        ['MONOTONIC_USEC RELOADING=1', 'READY=1', 'STATUS=7 entries'],
        'HUP: it reloads, and says when that is done';
    unlink $path;
    $d->kill('HUP');
    is_deeply [up_to($manager, 'STATUS=7 entries')],
        ['MONOTONIC_USEC RELOADING=1', 'READY=1', 'STATUS=7 entries'],
        'HUP without a file: it goes on';
    $d->kill('TERM');
    is $manager->hear_words, 'STOPPING=1', 'TERM: it stops';
    is $d->wait_end,         0,            'and ends';
    ok !-e "$dir/pid", 'without a pid file';
    $d->finish;
}
{
    my $manager = NetIO::Test::Manager->new("$dir/notify");
    my $d       = NetIO::Test::Daemon->start(
        args  => ['--listen', '127.0.0.1:0', @from],
        env   => { NOTIFY_SOCKET => "$dir/notify", WATCHDOG_USEC => 100_000 },
        ready => qr/listening on 127\.0\.0\.1:(\d+), 1 entries\n/
    );

    up_to($manager, 'STATUS=1 entries');
    is $manager->hear_words, 'WATCHDOG=1', 'the watchdog hears of it' for 1 .. 3;
    $d->kill('STOP');
    # What was under way arrives; then there is silence, for longer than it may last.
    $manager->heard(0.2);
    pass('but not when it is stuck');
    $d->kill('CONT');
    is $manager->hear_words, 'WATCHDOG=1', 'and again';
    $d->finish;
}
{
    # The manager goes away: nobody to tell is no reason to stop.
    my $manager = NetIO::Test::Manager->new("$dir/notify");
    my $d       = NetIO::Test::Daemon->start(
        args  => ['--listen', '127.0.0.1:0', @from],
        env   => { NOTIFY_SOCKET => "$dir/notify", WATCHDOG_USEC => 20_000 },
        ready => qr/listening on 127\.0\.0\.1:(\d+), 1 entries\n/
    );

    up_to($manager, 'READY=1');    # nobody hears the rest
    undef $manager;
    unlink "$dir/notify";
    $d->kill('HUP');
    ok $d->wait_log(qr/in use now, 1 entries\n/), 'a manager that is gone: it reloads';
    like $d->ask("one\r\n"), $one, 'and serves';
    $d->finish;
}

# ---- the journal -----------------------------------------------------------------------------

{
    my $d = NetIO::Test::Daemon->start(
        args   => ['--listen', '127.0.0.1:0', @from],
        before => sub { $ENV{JOURNAL_STREAM} = join ':', (stat STDERR)[0, 1] },
        ready  => qr/^<5>whoisd: listening on 127\.0\.0\.1:(\d+), 1 entries\n/m
    );

    $d->ask("one\r\n");
    ok $d->wait_log(qr/^<6>whoisd: 127\.0\.0\.1:\d+ "one" 1 matches/m), 'the journal gets levels';
    $d->finish;
}

done_testing;
