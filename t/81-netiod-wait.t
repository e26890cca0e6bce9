# netiod, a process that has the socket: streams and datagrams.  R2 and R17 of the faults that
# super-servers have had; services that never read what they were started for.

use strict;
use warnings;
use lib 't/lib';

use File::Temp            ();
use IO::Socket::IP        ();
use NetIO::Test::Datagram qw(answer_udp ask_udp udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Patience;
use NetIO::Test::Run;
use NetIO::Test::World;
use POSIX  ();
use Socket qw(AF_UNIX SOCK_DGRAM pack_sockaddr_un);
use Test::More;
use Time::HiRes ();

alarm 300;

plan skip_all => 'who is not root starts nothing as somebody else' if $> != 0;
delete @ENV{ grep { /^(?:LANG|LC_|LANGUAGE$|TZ$)/ } keys %ENV };

my $folder = File::Temp->newdir;
chmod 01777, $folder or die "$folder: $!\n";    # nobody writes there, too

# What comes gets the process's number for an answer; "end" ends it.
my $STREAM = spew("$folder/stream", <<'PERL');
use Fcntl; use Socket;
my $blocks = fcntl(STDIN, F_GETFL, 0) & O_NONBLOCK ? 'no' : 'yes';
$| = 1;
while (accept my $client, STDIN) {
    my $said = readline $client;
    syswrite $client, "$$ $blocks";
    last if $said eq "end\n";
}
PERL
my $DATAGRAM = spew("$folder/datagram", <<'PERL');
use Fcntl; use Socket;
my $blocks = fcntl(STDIN, F_GETFL, 0) & O_NONBLOCK ? 'no' : 'yes';
while (my $from = recv STDIN, my $said, 1000, 0) {
    send STDOUT, "$$ $blocks", 0, $from;
    last if $said eq 'end';
}
PERL
my $UNIX = spew("$folder/unix", <<'PERL');
recv STDIN, my $said, 1000, 0;
open my $fh, '>', $ARGV[0] or die; print $fh $said; close $fh;
PERL

sub udp {
    my ($d, $name) = @_;

    return udp_client($d->port($name));
}

# Until it has seen the end of all programs, whoever has started them.
sub all_ended {
    my ($d) = @_;

    return eventually { $d->status !~ / running=[1-9]/ };
}

sub starts {
    my ($d, $name) = @_;
    my $port = $d->port($name);

    return scalar(() = $d->log =~ /$port: start, pid/g);
}

my $d = NetIO::Test::Inetd->start(args => ['--status', 'unix:{DIR}/status'], config => <<"CONF");
127.0.0.1:{stream}   stream tcp  wait   nobody /usr/bin/perl perl $STREAM
127.0.0.1:{datagram} dgram  udp  wait   nobody /usr/bin/perl perl $DATAGRAM
127.0.0.1:{sworld}   stream tcp  wait   nobody $PROBE drive-world $folder/sworld
127.0.0.1:{dworld}   dgram  udp  wait   nobody $PROBE drive-world $folder/dworld
{DIR}/unix           dgram  unix wait   nobody /usr/bin/perl perl $UNIX $folder/said
127.0.0.1:{true}     dgram  udp  wait   nobody /bin/true true
127.0.0.1:{gone}     dgram  udp  wait   nobody /nowhere/at/all gone
127.0.0.1:{false}    stream tcp  wait   nobody /bin/false false
CONF

# ---- what it is for

my ($first, $blocks) = split / /, $d->ask(stream => "one\n");
is $blocks,                    'yes',        'a program has the listening socket, which blocks';
is $d->ask(stream => "two\n"), "$first yes", '... and all who come';
is $d->ask(stream => "end\n"), "$first yes", '... until it ends';
isnt + (split / /, $d->ask(stream => "end\n"))[0], $first, 'then another one has it';

($first) = split / /, ask_udp(udp($d, 'datagram'), 'one');
like $first, qr/^\d+$/, 'the same with datagrams';
is ask_udp(udp($d, 'datagram'), 'end'), "$first yes",               '... on a socket that blocks';
isnt + (split / /, ask_udp(udp($d, 'datagram'), 'end'))[0], $first, '... then another one';

socket my $local, AF_UNIX, SOCK_DGRAM, 0 or die "socket: $!\n";
send $local, 'over unix', 0, pack_sockaddr_un($d->dir . '/unix') or die "send: $!\n";
ok $d->wait_log(qr/unix: end, pid \d+, \S+ seconds, exit 0\n/), 'datagrams over a unix socket';
is slurp("$folder/said"), 'over unix', '... are read';

# ---- the world of the program

for ([sworld => 'TCP'], [dworld => 'UDP']) {
    my ($name, $protocol) = @$_;
    my $client = $name eq 'sworld' ? $d->connect($name) : udp($d, $name);
    send $client, 'x', 0;
    my $port = $d->port($name);
    $d->wait_log(qr/$port: end/);
    my $world = read_world("$folder/$name");
    my %want  = documented('nobody');
    # A process group is enough without a terminal, and no_new_privs without a bounding set.
    delete @want{qw(tpgid session_leader cap_bnd)};
    is_world(
        $world,
        {
            %want,
            env => [sort @{ $want{env} }, "PROTO=$protocol"],
            map { ("fd.$_" => 'sock rdwr') } 0 .. 2
        },
        "R2 R4 the world of a program that waits, $protocol"
    );
}

# ---- who never reads

my $true   = $d->port('true');
my $before = Time::HiRes::time();
my $silent = udp($d, 'true');
send $silent, 'nobody reads this', 0;
my $from = '127.0.0.1:' . $silent->sockport;
ok $d->wait_log(qr/$true: a datagram of 17 bytes from $from is thrown away: no program reads it\n/),
    'R17 a datagram that no program reads is thrown away';
is starts($d, 'true'), 8, '... after eight programs';
cmp_ok(Time::HiRes::time() - $before, '>', 1.2, '... each of which had to wait longer');
send $silent, 'nor this', 0;
ok $d->wait_log(qr/$true: a datagram of 8 bytes/), '... the next one, too';
is starts($d, 'true'), 16, '... in the same way';

my $gone = $d->port('gone');
send udp($d, 'gone'), 'x', 0;
ok $d->wait_log(qr/$gone: a datagram of 1 bytes from \S+ is thrown away/),
    'R17 the same without a program';
like $d->log, qr{$gone: cannot start: exec /nowhere/at/all: No such file[^\n]*y\n},
    '... which the log says';
like $d->log,    qr/$gone: cannot start: [^\n]*, and \d+ before\n/, '... but not of each try';
like $d->status, qr/service=$gone .* failed=8$/m,                   '... of which there were eight';

my $false = $d->port('false');
$before = Time::HiRes::time();
my $waits = $d->connect('false');
is scalar(grep { $d->wait_log(qr/$false: start, pid/) } 1 .. 8), 8,
    'R17 a stream whose program never accepts: another one, and another';
cmp_ok(Time::HiRes::time() - $before, '>', 1.2, '... each of which has to wait longer');

# ---- at a reload

($first) = split / /, ask_udp(udp($d, 'datagram'), 'one');
ok $d->reload(<<"CONF"), 'a reload';
127.0.0.1:{stream}   stream tcp  wait   nobody /usr/bin/perl perl $STREAM
127.0.0.1:{datagram} dgram  udp  wait   nobody /usr/bin/perl perl -W $DATAGRAM
127.0.0.1:{false}    stream tcp  wait   nobody /usr/bin/perl perl $STREAM
CONF
syswrite $waits, "end\n";
like $d->read_all($waits), qr/^\d+ yes\z/,
    'who waited for a program that is mended is served at once';
is ask_udp(udp($d, 'datagram'), 'two'), "$first yes", 'R15 what runs goes on, with the same socket';
ask_udp(udp($d, 'datagram'), 'end');
$d->wait_log(qr/pid $first, \S+ seconds, exit 0\n/);
isnt + (split / /, ask_udp(udp($d, 'datagram'), 'end'))[0], $first,
    '... and a new one comes behind it';

# ---- a service that is gone while its program runs

($first) = split / /, ask_udp(udp($d, 'datagram'), 'one');
my $old = udp($d, 'datagram');
ok $d->reload("127.0.0.1:{stream} stream tcp wait nobody /usr/bin/perl perl $STREAM\n"), 'another';
is ask_udp($old, 'two'), "$first yes", 'R15 a service that is gone: its program may finish';
is ask_udp($old, 'end'), "$first yes", '...';
ok $d->wait_log(qr/pid $first, \S+ seconds, exit 0\n/), '... and its end is seen';
$d->finish;

# ---- several datagrams, of which a program reads one

my $ONE = spew("$folder/one", 'recv STDIN, my $said, 1000, 0; print STDERR "$said\n";');
$d = NetIO::Test::Inetd->start(config => <<"CONF");
unix on listen = "unix-dgram:{DIR}/u", user = nobody, exec = /usr/bin/perl, args = perl $ONE;
udp  on listen = udp:127.0.0.1:{p}, user = nobody, exec = /usr/bin/perl, args = perl $ONE;
CONF
my $udp = udp($d, 'p');
for my $text (map { "number $_" } 1 .. 4) {
    send $local, $text, 0, pack_sockaddr_un($d->dir . '/u') or die "send: $!\n";
    send $udp, $text, 0;
}
my @says = map { @{ $d->wait_log(qr/(\w+): says: (number \d)\n/) // [] } } 1 .. 8;
is_deeply [sort @says], [sort +('unix', 'udp') x 4, map { ("number $_") x 2 } 1 .. 4],
    'R17 each of several datagrams is served, over a unix socket, too';
$d->finish;

# ---- what a program does to the socket for good

my $CONNECTS = spew("$folder/connects", <<'PERL');
my $from = recv STDIN, my $said, 1000, 0;
connect STDIN, $from;
send STDOUT, "$$ yes", 0;
PERL
my $SHUTS = spew("$folder/shuts", <<'PERL');
$ARGV[0] ? accept my $client, STDIN : recv STDIN, my $said, 1000, 0;
syswrite $client, "$$ yes" if $client;
shutdown STDIN, 0;
PERL
$d = NetIO::Test::Inetd->start(args => ['--status', 'unix:{DIR}/status'], config => <<"CONF");
127.0.0.1:{connects} dgram  udp  wait nobody /usr/bin/perl perl $CONNECTS
127.0.0.1:{tcp}      stream tcp  wait nobody /usr/bin/perl perl $SHUTS stream
127.0.0.1:{udp}      dgram  udp  wait nobody /usr/bin/perl perl $SHUTS
{DIR}/shut           stream unix wait nobody /usr/bin/perl perl $SHUTS stream
CONF
for my $try (1 .. 2) {
    like ask_udp(udp($d, 'connects'), 'x'), qr/^\d+ yes\z/, "R17 a program that connects, $try";
    like $d->ask(tcp => ''), qr/^\d+ yes\z/, "R17 a program that shuts the listener, $try";
    # The log has the end before the socket is mended.
    ok $d->wait_all(map { qr/@{[$d->port($_)]}: end/ } qw(connects tcp)) && all_ended($d),
        '... has ended';
}
send udp($d, 'udp'), 'x', 0;
$d->ask($d->dir . '/shut', '');
my $SHUT = qr/(\S+): a program has shut the socket down: not served until/;
is_deeply [sort map { @{ $d->wait_log($SHUT) // [] } } 1 .. 2],
    [sort $d->port('udp'), $d->dir . '/shut'],
    'R17 ... what cannot be undone is said of both, and nothing spins';
$d->finish;

# ---- ... and the kernel keeps a part of it

SKIP: {
    skip 'needs IPv6', 1 if !eval { IO::Socket::IP->new(LocalHost => '::1', Listen => 1) or die };
    $d = NetIO::Test::Inetd->start(config => <<"CONF");
connects on listen = "udp:[::1]:0", user = nobody, exec = /usr/bin/perl, args = perl $CONNECTS;
CONF
    my ($port) = $d->log =~ /listening on udp:\S+:(\d+)\n/;
    my $client = IO::Socket::IP->new(Type => SOCK_DGRAM, PeerHost => '::1', PeerPort => $port);
    send $client, 'x', 0;
    ok $d->wait_log(qr/connects: a program has connected the socket: it hears that host alone/),
        'R17 a program that connects an IPv6 socket, whose peer Linux keeps: the log says so';
    $d->finish;
}

# ---- ... at ports that the kernel chose

$d = NetIO::Test::Inetd->start(config => <<"CONF");
connects on listen = udp:127.0.0.1:0, user = nobody, exec = /usr/bin/perl, args = perl $CONNECTS;
tcp on listen = 127.0.0.1:0, wait = yes, user = nobody, exec = /usr/bin/perl,
    args = perl $SHUTS stream;
CONF
%{ $d->{ports} } = $d->log =~ /(\w+): listening on \S+:(\d+)\n/g;
for my $try (1 .. 2) {
    like ask_udp(udp($d, 'connects'), 'x'), qr/^\d+ yes\z/, "R17 it stays at that port, $try";
    $d->wait_log(qr/connects: end/);
    like $d->ask(tcp => ''), qr/^\d+ yes\z/, '... over TCP';
    $d->wait_log(qr/tcp: end/);
}
$d->finish;

# ---- ... or leaves behind: it is readable, and there is nothing to be read

my $LEAVES = spew("$folder/leaves", <<'PERL');
my $from = recv STDIN, my $said, 1000, 0;
send STDOUT, "$$ yes", 0, $from;
setsockopt STDIN, 1, 42, pack 'i', 5000 if $said eq 'offset';    # SO_PEEK_OFF
if ($said eq 'errors') {                                         # IP_RECVERR
    setsockopt STDIN, 0, 11, 1;
    1 while send STDOUT, '', 0, pack_sockaddr_in(9, inet_aton('127.0.0.1'));
}
PERL
$d = NetIO::Test::Inetd->start(config => <<"CONF");
127.0.0.1:{leaves} dgram udp wait nobody /usr/bin/perl perl -MSocket $LEAVES
CONF
for my $what (qw(offset errors)) {
    like ask_udp(udp($d, 'leaves'), $what), qr/^\d+ yes\z/, "R17 a program leaves behind: $what";
    $d->wait_log(qr/: end,/);
    my $calls = $d->failing(recvfrom => 'EAGAIN', 65_535);
    Time::HiRes::sleep(1);
    cmp_ok scalar(() = $calls->() =~ /recvfrom/g), '<', 30, '... nothing spins';
    like ask_udp(udp($d, 'leaves'), 'x'), qr/^\d+ yes\z/, '... and the next one serves';
    $d->wait_log(qr/: end,/);
}
$d->finish;

# ---- ... and at an upgrade has not yet undone

my $STAYS = spew("$folder/stays", <<'PERL');
my $from = $ARGV[1] ? accept my $client, STDIN : recv STDIN, my $said, 1000, 0;
$ARGV[1] ? shutdown STDIN, 0 : connect STDIN, $from;
syswrite $client || *STDOUT, "$$ yes";
close $client if $client;
open my $end, '<', $ARGV[0];    # a named pipe
PERL
POSIX::mkfifo("$folder/end$_", 0644) or die "mkfifo: $!\n" for 1 .. 2;
$d = NetIO::Test::Inetd->start(args => ['--status', 'unix:{DIR}/status'], config => <<"CONF");
127.0.0.1:{connects} dgram  udp wait nobody /usr/bin/perl perl $STAYS $folder/end1
127.0.0.1:{tcp}      stream tcp wait nobody /usr/bin/perl perl $STAYS $folder/end2 stream
CONF
($first) = split / /, ask_udp(udp($d, 'connects'), 'x');
like $d->ask(tcp => ''), qr/^\d+ yes\z/, 'a program that connects, and one that shuts the listener';
my $before_it = $d->pid;
isnt $d->upgrade, undef, 'R30 that does not keep netiod from an upgrade';
spew("$folder/end$_", '') for 1 .. 2;
is $d->left_of($before_it), 0, '... the programs end';
ok all_ended($d), '... which the successor sees, too';
like ask_udp(udp($d, 'connects'), 'x'), qr/^(?!$first)\d+ yes\z/, '... and the next ones';
like $d->ask(tcp => ''),               qr/^\d+ yes\z/, '... have the sockets as they ought to be';
spew("$folder/end$_", '') for 1 .. 2;
$d->finish;

# ---- starts a minute

$d = NetIO::Test::Inetd->start(config => <<"CONF");
127.0.0.1:{datagram} dgram udp wait.3 nobody /usr/bin/perl perl $DATAGRAM
127.0.0.1:{other}    dgram udp wait   nobody /usr/bin/perl perl $DATAGRAM
CONF
for (1 .. 3) {
    like ask_udp(udp($d, 'datagram'), 'end'), qr/^\d+ yes\z/, "start $_ of 3";
}
my $fourth = udp($d, 'datagram');
send $fourth, 'end', 0;
my $rated = $d->port('datagram');
ok $d->wait_log(qr/$rated: as many as may come have come: clients wait\n/), 'R8 that is said';
like ask_udp(udp($d, 'other'), 'end'), qr/^\d+ yes\z/, '... others are served';
$d->wait_log(qr/@{[$d->port('other')]}: end/);
is starts($d, 'datagram'), 3, 'R9 three are three';
ok $d->reload("127.0.0.1:{datagram} dgram udp wait.60 nobody /usr/bin/perl perl $DATAGRAM\n"),
    'another rate';
$d->grows(-2);
like answer_udp($fourth), qr/^\d+ yes\z/, '... and who has waited is served';
ok $d->wait_log(qr/$rated: clients wait no more \(.*\), after \d+ seconds with 1 let in\n/),
    'R8 ... the end of which is said, too';
$d->finish;

done_testing;
