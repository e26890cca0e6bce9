# netiod, a process for each connection: what a program is given, and what the log says of it.  R4,
# R20, R22, R25, R28, R32 of the faults that super-servers have had.

use strict;
use warnings;
use lib 't/lib';

use IO::Socket::UNIX;
use NetIO::Test::Inetd;
use NetIO::Test::Port qw(free_port);
use NetIO::Test::Run;
use NetIO::Test::World;
use POSIX ();
use Test::More;

alarm 300;

plan skip_all => 'who is not root starts nothing as somebody else' if $> != 0;
delete @ENV{ grep { /^(?:LANG|LC_|LANGUAGE$|TZ$)/ } keys %ENV };

my $PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
my $d    = NetIO::Test::Inetd->start(
    before => \&be_hostile,
    config => <<"CONF");
127.0.0.1:{cat}    stream tcp  nowait root   /bin/cat cat
127.0.0.1:{world}  stream tcp  nowait nobody $PROBE drive-world -
127.0.0.1:{root}   stream tcp  nowait root   $PROBE drive-world -
127.0.0.1:{group}  stream tcp  nowait root:nogroup /usr/bin/id id -G
[::1]:{env6}       stream tcp6 nowait nobody /usr/bin/env env
127.0.0.1:{words}  stream tcp  nowait nobody /bin/sh other-name -c 'printf "%s|" "\$0" "\$@"' "a b" c
127.0.0.1:{both}   stream tcp  nowait nobody /bin/sh sh -c "echo out; echo err >&2"
127.0.0.1:{exit}   stream tcp  nowait nobody /bin/sh sh -c "exit 7"
127.0.0.1:{kill}   stream tcp  nowait nobody /bin/sh sh -c "kill -9 \$\$"
127.0.0.1:{block}  stream tcp  nowait nobody /usr/bin/perl perl -MFcntl -e "print fcntl(STDIN, F_GETFL, 0) & O_NONBLOCK ? q(no) : q(yes)"
{DIR}/own          stream unix nowait nobody /usr/bin/env env
CONF

# All that a starter can do wrong.
sub be_hostile {
    $SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM CHLD PIPE USR1 TSTP TTOU);
    my $all = POSIX::SigSet->new;
    $all->fillset;
    POSIX::sigprocmask(POSIX::SIG_BLOCK(), $all) or die "sigprocmask: $!\n";
    umask 0;
    $) = '0 0 4 27 65533';
    POSIX::dup2(0, $_) for 40 .. 90;
    @ENV{qw(LD_LIBRARY_PATH IFS PERL5OPT HOME USER PATH BASH_ENV SSH_CLIENT)} = ('/nowhere') x 8;
    return;
}

# The variables of the connection, as they are.
sub connection {
    my ($socket) = @_;
    my ($host, $port) = ($socket->sockhost, $socket->sockport);

    return (
        'PROTO=TCP',                         "REMOTE_ADDR=$host",
        "REMOTE_PORT=$port",                 'TCPLOCALIP=' . $socket->peerhost,
        'TCPLOCALPORT=' . $socket->peerport, "TCPREMOTEIP=$host",
        "TCPREMOTEPORT=$port"
    );
}

sub world_of {
    my ($name) = @_;
    my $socket = $d->connect($name);

    return ($d->read_all($socket), connection($socket));
}

is $d->ask(cat => "hello\n" x 10_000), "hello\n" x 10_000, 'a program talks with the client';

for (['world', 'nobody'], ['root', 'root']) {
    my ($name, $user) = @$_;
    my ($said, @own)  = world_of($name);
    my %person = documented($user);
    $person{env} = [sort @{ $person{env} }, @own];
    # A process group is enough where there is no terminal, and no_new_privs where there is no
    # bounding set; root has no more to lose.
    delete @person{
        qw(tpgid session_leader cap_bnd),
        grep { /^(?:try|cap_|no_new)/ && $user eq 'root' } keys %person
    };
    is_world(
        read_world($said),
        { %person, (map { ("fd.$_" => 'sock rdwr') } 0 .. 2), argv => ['drive-world', '-'] },
        "R4 R20 R22 R32 the world of $user, whatever that of netiod is"
    );
}

like slurp('/proc/' . $d->pid . '/status'), qr/^Groups:\t0 4 27 65533 $/m,
    "netiod's own groups are as they were";
is $d->ask('group', ''), getgrnam('nogroup') . "\n", '... and those of root with another group that';

SKIP: {
    my $socket =
        eval { require IO::Socket::IP; 1 }
        && IO::Socket::IP->new(PeerAddr => '::1', PeerPort => $d->port('env6'))
        or skip 'no IPv6 here', 1;
    my $port = $socket->sockport;
    my %env  = map { split /=/, $_, 2 } split /\n/, $d->read_all($socket);
    is_deeply([@env{qw(PROTO TCPREMOTEIP TCPREMOTEPORT TCPLOCALIP REMOTE_ADDR)}],
        ['TCP', '::1', $port, '::1', '::1'], 'IPv6');
}

my %env = map { split /=/, $_, 2 } split /\n/, $d->ask($d->dir . '/own', '');
is_deeply(
    { map { ($_ => $env{$_}) } grep { /^(?:PROTO|UNIX|TCP|REMOTE)/ } keys %env },
    {
        PROTO          => 'UNIX',
        UNIXLOCALPATH  => $d->dir . '/own',
        UNIXREMOTEEUID => $>,
        UNIXREMOTEEGID => $) + 0,
        UNIXREMOTEPID  => $$
    },
    'a unix socket: who is at the other end'
);
ok $d->wait_log(qr/own: start for unix: uid 0, pid \d+\n.*own: end for unix: uid 0, pid \d+, /s),
    '... and so in the log, at its end, too';

is $d->ask('words', ''), 'a b|c|',     'arguments, the first of which is the name of the program';
is $d->ask('both',  ''), "out\nerr\n", 'R28 in a classic line errors go to the client, as ever';
is $d->ask('block', ''), 'yes',        'R26 the descriptor blocks';

is $d->ask('exit', ''), '', 'who says nothing';
my $port  = $d->port('exit');
my $ended = $d->wait_log(
    qr/$port: start for (127\S+), pid (\d+)\n.*$port: end for (\S+), pid (\d+), (\d\.\d{3}) seconds, exit 7\n/s
);
ok $ended, 'the log has start and end: peer, pid, seconds, exit status';
is "$ended->[0] $ended->[1]", "$ended->[2] $ended->[3]", '... of the same';
is $d->ask('kill', ''),       '',                        'who is killed';
ok $d->wait_log(qr/pid \d+, \S+ seconds, signal 9\n/), '... is so in the log';

$d->finish;

# A socket of both families, as a service manager may have made it.
SKIP: {
    require Socket;
    socket my $both, Socket::AF_INET6(), Socket::SOCK_STREAM(), 0 or skip 'no IPv6 here', 2;
    setsockopt $both, Socket::IPPROTO_IPV6(), Socket::IPV6_V6ONLY(), 0 or skip 'IPV6_V6ONLY', 2;
    my $own = free_port();
    bind $both, Socket::pack_sockaddr_in6($own, Socket::IN6ADDR_ANY()) or skip "bind: $!", 2;
    listen $both, 5 or die "listen: $!\n";
    my $number = fileno $both;
    my $m      = NetIO::Test::Inetd->start(
        ports  => { env => $own },
        config => "*:{env} stream tcp nowait nobody /usr/bin/env env\n",
        before => sub {
            POSIX::dup2($number, 3);
            @ENV{qw(LISTEN_FDS LISTEN_PID)} = (1, $$);
        },
    );
    my %mapped = map { split /=/, $_, 2 } split /\n/, $m->ask('env', '');
    is_deeply(
        [@mapped{qw(TCPREMOTEIP TCPLOCALIP REMOTE_ADDR)}],
        [('127.0.0.1') x 3],
        'R25 IPv4 is never written as IPv6'
    );
    ok $m->wait_log(qr/start for 127\.0\.0\.1:\d+,/), '... nor in the log';
}

done_testing;
