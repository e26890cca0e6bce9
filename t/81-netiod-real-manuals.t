# inetd.conf as Debian's openbsd-inetd, the manual of GNU inetutils and NetBSD have it, every line as
# it stands there: netiod runs them unchanged, on their own ports and as their own users.  Where
# Debian has no such program, one that says who it is stands in its place.

use strict;
use warnings;
use lib 't/lib';

use File::Path qw(make_path);
use File::Temp ();
use IO::Socket::INET;
use NetIO::Test::Datagram qw(ask_udp udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Netns;
use NetIO::Test::Run  qw(run slurp spew);
use NetIO::Test::Talk qw(ask);
use Test::More;

needs_netns(
    300,
    grep({ !-x }
        qw(/usr/sbin/tcpd /usr/sbin/in.fingerd /usr/bin/finger
            /usr/sbin/in.tftpd /usr/bin/tftp))
        && 'fingerd, tftpd-hpa or tcpd is missing'
);

my $ns = NetIO::Test::Netns->new('manuals');
$ns->enter;

my $folder = File::Temp->newdir;
chmod 0755, $folder or die "$folder: $!\n";

# Says its path, its arguments, its user and group; of a socket that it was given to wait, too.
my $STAND_IN = <<'PERL';
#!/usr/bin/perl
use strict; use Socket;
my $says = join(' ', $0, @ARGV) . ' ' . getpwuid($>) . ':' . getgrgid((split ' ', $))[0]) . "\n";
my $type = unpack 'i', getsockopt STDIN, SOL_SOCKET, SO_TYPE;
my $listens = unpack 'i', getsockopt STDIN, SOL_SOCKET, SO_ACCEPTCONN;
if ($type == SOCK_DGRAM) { my $from = recv STDIN, my $data, 1000, 0; send STDOUT, $says, 0, $from }
elsif ($listens) { accept my $client, STDIN; syswrite $client, $says }
else { syswrite STDOUT, $says }
PERL

sub stand_in {
    my ($path)  = @_;
    my ($where) = "$folder/root$path" =~ m{(.*)/};

    make_path($where);
    spew("$folder/root$path", $STAND_IN);
    return chmod 0755, "$folder/root$path";
}

stand_in("/usr/libexec/$_") for qw(ftpd telnetd rshd rlogind fingerd identd comsat ntalkd tftpd
    rpc.rstatd rpc.rwalld);
stand_in('/usr/local/bin/phonebook');
make_path("$folder/root/srv/tftp");
spew("$folder/root/srv/tftp/boot", "boot\n");
spew("$folder/passwd",             slurp('/etc/passwd') . "guest:x:4711:4711::/:/bin/false\n");
spew("$folder/group",              slurp('/etc/group') . "guest:x:4711:\n");
chmod 0644, map { "$folder/$_" } qw(passwd group root/srv/tftp/boot);

my $MOUNT = <<'SH';
set -e
for path in /usr/libexec /usr/local/bin /srv; do mount --bind "$0/root$path" $path; done
for file in passwd group; do mount --bind "$0/$file" /etc/$file; done
exec "$@"
SH

sub netiod {
    my ($config) = @_;

    return NetIO::Test::Inetd->start(
        wrap   => ['unshare', '-m', 'sh', '-c', $MOUNT, "$folder"],
        args   => ['--stop-seconds', 1],
        config => $config,
    );
}

# What a port says, all of it; a datagram's answer.
sub hear {
    my ($port, $question, $protocol) = @_;

    return ask_udp(udp_client($port), $question) if $protocol;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
        or die "$port: $!\n";
    return ask($socket, $question // '');
}

# ---- Debian: the file that update-inetd(8) keeps, with the lines of its packages ----------------

my $DEBIAN = <<'CONF';
# /etc/inetd.conf:  see inetd(8) for further informations.
#
# Internet superserver configuration database.
#
#
# Lines starting with "#:LABEL:" or "#<off>#" should not
# be changed unless you know what you are doing!
#
# If you want to disable an entry so it is not touched during
# package updates just comment it out with a single '#' character.
#
# Packages should modify this file by using update-inetd(8).
#
# <service_name> <sock_type> <proto> <flags> <user> <server_path> <args>
#
#:INTERNAL: Internal services
discard		stream	tcp	nowait	root	internal
#discard		dgram	udp	wait	root	internal
daytime		stream	tcp6	nowait	root	internal
time		stream	tcp	nowait	root	internal

#:STANDARD: These are standard services.

#:BSD: Shell, login, exec and talk are BSD protocols.

#:MAIL: Mail, news and uucp services.

#:INFO: Info services
finger		stream	tcp	nowait	nobody	/usr/sbin/tcpd	/usr/sbin/in.fingerd

#:BOOT: TFTP service is provided primarily for booting.  Most sites
#       run this only on machines acting as "boot servers."
tftp		dgram	udp	wait	root	/usr/sbin/in.tftpd	in.tftpd -s /srv/tftp

#:RPC: RPC based services

#:HAM-RADIO: amateur-radio services

#:OTHER: Other services
#<off># netbios-ssn	stream	tcp	nowait	root	/usr/sbin/tcpd	/usr/sbin/smbd
CONF

{
    my $d = netiod($DEBIAN);
    my ($status, $out, $err) = run('timeout', 30, 'finger', 'root@127.0.0.1');
    like $out, qr/^Login: root\s/m, 'Debian: finger, by tcpd' or diag $err, $d->log;
    ($status, $out, $err) = run('timeout', 30, 'finger', 'nosuch@127.0.0.1');
    like $out, qr/no such user/, 'R28: a classic line has standard error on the socket';
    ($status) = run('timeout', 30, 'tftp', '127.0.0.1', '-c', 'get', 'boot', "$folder/got");
    is slurp("$folder/got"), "boot\n", 'tftp, by wait';
    is length hear(37),      4,        'time, over IPv4 by a line that says tcp';
    is hear(9, 'x' x 1000),  '',       'discard';
    ok !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => 13),
        'daytime: tcp6 is IPv6 alone';
    ($status, $out) = run(
        'perl', '-MIO::Socket::IP',
        '-e',   'print readline IO::Socket::IP->new(PeerHost => "::1", PeerPort => 13)'
    );
    like $out,      qr/\d\d:\d\d:\d\d/,  'there it is';
    unlike $d->log, qr/warning|netbios/, 'what is switched off is, without a word';
    is $d->stop, 0, 'TERM';
}

# ---- GNU inetutils: the examples of inetd(8) -----------------------------------------------------

my $INETUTILS = <<'CONF';
ftp           stream  tcp   nowait root  /usr/libexec/ftpd       ftpd -l
ntalk         dgram   udp   wait   root  /usr/libexec/ntalkd     ntalkd
tcpmux/+date  stream  tcp   nowait guest /bin/date               date
tcpmux/phonebook stream tcp nowait guest /usr/local/bin/phonebook phonebook
CONF

{
    my $d = netiod("tcpmux stream tcp nowait root internal\n$INETUTILS");
    is hear(21),              "/usr/libexec/ftpd -l root:root\n", 'inetutils: ftp';
    is hear(518, 'x', 'udp'), "/usr/libexec/ntalkd root:root\n",  'ntalk';
    like hear(1, "date\r\n"), qr/\A\+[^\r\n]*\r\n.*\d\d:\d\d:\d\d/s,
        'tcpmux/+date: netiod says yes, and date the date';
    is hear(1, "phonebook\r\n"), "/usr/local/bin/phonebook guest:guest\n",
        'R2: tcpmux/phonebook, as guest, who says yes or no itself';
    like hear(1, "ftp\r\n"), qr/\A-/, 'R3: ftp is not to be had there';
    is $d->stop, 0, 'TERM';
}
{
    my $d = netiod($INETUTILS);
    is hear(21), "/usr/libexec/ftpd -l root:root\n",
        'the manual has no line for tcpmux itself: the others run';
    is $d->stop, 0, 'TERM';
}

# ---- NetBSD: /etc/inetd.conf, and what inetd(8) shows --------------------------------------------

my $NETBSD = <<'CONF';
#
# Internet server configuration database
#
#	@(#)inetd.conf	5.4 (Berkeley) 6/30/90
#
ftp		stream	tcp	nowait	root	/usr/libexec/ftpd	ftpd -l
telnet		stream	tcp	nowait	root	/usr/libexec/telnetd	telnetd
shell		stream	tcp	nowait	root	/usr/libexec/rshd	rshd
login		stream	tcp	nowait	root	/usr/libexec/rlogind	rlogind
#exec		stream	tcp	nowait	root	/usr/libexec/rexecd	rexecd
#uucpd		stream	tcp	nowait	root	/usr/libexec/uucpd	uucpd
#nntp		stream	tcp	nowait	usenet	/usr/libexec/nntpd	nntpd
finger		stream	tcp	nowait	nobody	/usr/libexec/fingerd	fingerd
ident		stream	tcp	wait	nobody.kmem /usr/libexec/identd	identd -w -t60 -l -o -e -N
#tftp		dgram	udp	wait	nobody	/usr/libexec/tftpd	tftpd
comsat		dgram	udp	wait	root	/usr/libexec/comsat	comsat
ntalk		dgram	udp	wait	root	/usr/libexec/ntalkd	ntalkd
#bootps		dgram	udp	wait	root	/usr/libexec/bootpd	bootpd
# Internal services
echo		stream	tcp	nowait	root	internal
discard		stream	tcp	nowait	root	internal
chargen		stream	tcp	nowait	root	internal
daytime		stream	tcp	nowait	root	internal
time		stream	tcp	nowait	root	internal
echo		dgram	udp	wait	root	internal
discard		dgram	udp	wait	root	internal
chargen		dgram	udp	wait	root	internal
daytime		dgram	udp	wait	root	internal
time		dgram	udp	wait	root	internal
# ONC RPC services
rstatd/1-3	dgram	rpc/udp	wait:100	root	/usr/libexec/rpc.rstatd	rpc.rstatd
walld/1		dgram	rpc/udp	wait	root	/usr/libexec/rpc.rwalld	rpc.rwalld
#rquotad/1	dgram	rpc/udp	wait	root	/usr/libexec/rpc.rquotad rpc.rquotad
# Kerberos authenticated services
#klogin		stream	tcp	nowait	root	/usr/libexec/rlogind	rlogind -k
CONF

{
    my $d    = netiod($NETBSD);
    my %says = (21 => 'ftpd -l', 23 => 'telnetd', 514 => 'rshd', 513 => 'rlogind');
    is hear($_), "/usr/libexec/$says{$_} root:root\n",    "NetBSD: port $_" for sort keys %says;
    is hear(79), "/usr/libexec/fingerd nobody:nogroup\n", 'finger, as nobody';
    is hear(113), "/usr/libexec/identd -w -t60 -l -o -e -N nobody:kmem\n",
        'ident, a stream that waits, as nobody.kmem';
    is hear(512, 'x', 'udp'), "/usr/libexec/comsat root:root\n", 'comsat, a datagram';
    is hear(518, 'x', 'udp'), "/usr/libexec/ntalkd root:root\n", 'ntalk';
    is hear(7, "echo\n"),     "echo\n",                          'echo';
    is length hear(37),       4,                                 'time';
    like $d->log, qr/inetd\.conf:\d+: warning: .*udp/i, 'R1: which netiod warns of';
    my ($rstatd) = $d->log =~ m{rstatd/1-3: listening on udp:0\.0\.0\.0:(\d+)};
    is hear($rstatd, 'x', 'udp'), "/usr/libexec/rpc.rstatd root:root\n",
        'an RPC service, whatever rpcbind is told of it (81-netiod-rpc.t)';
    is $d->stop, 0, 'TERM';
}

# What inetd(8) shows of the rest: buffers, ":max", ".group", addresses for the lines below them,
# included files, its other notation.
spew("$folder/more.conf", <<'CONF');
127.0.0.1:finger on # a comment
    protocol = tcp4, wait = no, service_max = 40, ip_max = 10,
    sndbuf = 1m, recvbuf = 64k,
    user = nobody, group = daemon,
    exec = /usr/libexec/fingerd, args = fingerd "\x2da\ttab";
echo on bind = 127.0.0.1, socktype = stream, protocol = tcp; login off
    protocol = tcp4, wait = no, user = root, exec = /usr/libexec/rlogind, args = rlogind;
CONF
{
    my $d = netiod(<<"CONF");
.include "$folder/more.conf"
127.0.0.1:
ftp     stream  tcp,rcvbuf=64k,sndbuf=1m  nowait:40  root.daemon  /usr/libexec/ftpd  ftpd "-l 'a b'"
*:
telnet  stream  tcp4,rcvbuf=16384  nowait.40  nobody:daemon  /usr/libexec/telnetd telnetd 'a b'
CONF
    is hear(21), "/usr/libexec/ftpd -l 'a b' root:daemon\n",     'NetBSD: quotes; root.daemon';
    is hear(23), "/usr/libexec/telnetd a b nobody:daemon\n",     'buffers and :max';
    is hear(79), "/usr/libexec/fingerd -a\ttab nobody:daemon\n", 'key = value, in a file included';
    is hear(7, "x\n"), "x\n", 'what is built in, in that notation';
    ok !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => 513), 'and off';
    is $d->stop, 0, 'TERM';
}

done_testing;
