# netiod: names of peers, which netiod-name finds before it becomes the service's program: only such
# as are host names and lead back to the address, and none when it takes too long (inetd.md R5, R20,
# R23).

use strict;
use warnings;
use lib 't/lib';

use Cwd ();
use NetIO::Test::Inetd;
use NetIO::Test::Netns;
use NetIO::Test::Run qw(run);
use Test::More;

needs_netns(300);

my $NAME = Cwd::abs_path('blib/script/netiod-name');
-x $NAME or BAIL_OUT('blib/script/netiod-name is not there: run make first');

my $label = 'l' x 63;
my $long  = join '.', ($label) x 4;    # 255
my $hosts = <<"HOSTS";
127.0.0.1   localhost
127.0.0.2   Good.Example other.example
127.0.0.3   under_score.example
127.0.0.4   -x.example
127.0.0.5   x-.example
127.0.0.6   a..b
127.0.0.7   192.0.2.7
127.0.0.8   \$(id).example
127.0.0.9   $label.example
127.0.0.10  l$label.example
127.0.0.11  $long
127.0.0.12  x1
127.0.0.13  ends.example.
127.0.0.14  .example
127.0.0.15  \xc3\xa4.example
127.0.0.16  x-y.1a
127.0.0.17  x.1-1
::1         six.example
HOSTS
my $ns = NetIO::Test::Netns->new(
    'names',
    'hosts'         => $hosts,
    'nsswitch.conf' => "hosts: files dns\n",
    'resolv.conf'   => "nameserver 127.0.0.99\n"
);

# What it adds to the environment.
sub names {
    my ($env, @command) = @_;
    my ($status, $out) =
        $ns->run('env', '-i', @$env, @command ? @command : ($NAME, '/usr/bin/env', 'env'));
    my %found = map { /^(TCP(?:REMOTE|LOCAL)HOST|REMOTE_HOST)=(.*)$/ } split /\n/, $out;

    return $status == 0
        ? join ' ', map { "$_=$found{$_}" } sort keys %found
        : "status $status: $out";
}

# ---- which names count ------------------------------------------------------------------

my %wanted = (
    '127.0.0.2'  => 'good.example',
    '127.0.0.9'  => "$label.example",
    '127.0.0.12' => 'x1',
    '127.0.0.16' => 'x-y.1a',
    '127.0.0.17' => 'x.1-1',
    '::1'        => 'six.example',
);
for my $address ((map { "127.0.0.$_" } 2 .. 17), '::1', '::ffff:127.0.0.2') {
    my $plain = $address =~ s/^::ffff://r;
    my ($name) = $hosts =~ /^\Q$plain\E +(\S+)/m;
    is names(["TCPREMOTEIP=$address"]),
        $wanted{$plain} ? "REMOTE_HOST=$wanted{$plain} TCPREMOTEHOST=$wanted{$plain}" : '',
        "R20: $address is " . ($wanted{$plain} ? $wanted{$plain} : "nothing that is called $name");
}
is names(['TCPREMOTEIP=127.0.0.2', 'TCPLOCALIP=127.0.0.1']),
    'REMOTE_HOST=good.example TCPLOCALHOST=localhost TCPREMOTEHOST=good.example', 'both ends';
is names([@$_]), '', "no address: @$_"
    for [], ['TCPREMOTEIP='], ['TCPREMOTEIP=x'], ['TCPREMOTEIP=/etc/passwd'], ['PROTO=UNIX'];
is names(['TCPREMOTEHOST=liar', 'REMOTE_HOST=liar', 'TCPLOCALHOST=liar']), '',
    'what was there before says nothing of this connection';

# ---- names that lead elsewhere ----------------------------------------------------------

# DNS says what it likes of addresses and names: a name server of the test's own.
sub name_server {
    my (%says) = @_;

    pipe my $ready, my $tell or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        alarm 300;    # it must not outlive a test that is killed
        eval { $ns->enter; serve_names($tell, %says); 1 } or print STDERR $@;
        POSIX::_exit(1);
    }
    close $tell;
    readline $ready // die "no name server\n";
    return $pid;
}

sub label_name {
    return join '', map({ pack 'C/a', $_ } split /\./, $_[0]), "\0";
}

# "NAME TYPE" => data of a record; all else does not exist.  Nothing said at all: silence.
sub serve_names {
    my ($tell, %says) = @_;

    socket my $socket, 2, 2, 0 or die "socket: $!\n";
    bind $socket, Socket::sockaddr_in(53, Socket::inet_aton('127.0.0.99')) or die "bind: $!\n";
    syswrite $tell, "ready\n";
    while (defined(my $from = recv $socket, my $ask, 512, 0)) {
        next if !%says;
        my $question = substr $ask, 12;
        my ($name, $type) = ('', 0);
        $name .= ($name && '.') . substr $question, 1, unpack('C', $question), ''
            and $question = substr $question, 1
            while unpack 'C', $question;
        $type = unpack 'xn', $question;
        my $data = $says{ lc($name) . " $type" };
        my $reply =
              substr($ask, 0, 2)
            . pack('n5', $data ? 0x8180 : 0x8183, 1, $data ? 1 : 0, 0, 0)
            . label_name($name)
            . pack 'nn', $type, 1;
        $reply .= label_name($name) . pack 'nnNn/a', $type, 1, 60, $data if $data;
        send $socket, $reply, 0, $from;
    }
    return;
}

my $server = name_server(
    '1.2.0.192.in-addr.arpa 12' => label_name('true.example'),
    'true.example 1'            => Socket::inet_aton('192.0.2.1'),
    '2.2.0.192.in-addr.arpa 12' => label_name('trusted.example'),
    'trusted.example 1'         => Socket::inet_aton('192.0.2.77'),
    '3.2.0.192.in-addr.arpa 12' => label_name('nobody.example'),
    '4.2.0.192.in-addr.arpa 12' => label_name('localhost'),
);
is names(['TCPREMOTEIP=192.0.2.1']), 'REMOTE_HOST=true.example TCPREMOTEHOST=true.example',
    'R5: a name whose address is the one';
is names(['TCPREMOTEIP=192.0.2.2']), '', 'R5: a name that has another address is a lie';
is names(['TCPREMOTEIP=192.0.2.3']), '', 'R5: so is one that has none';
is names(['TCPREMOTEIP=192.0.2.4']), '', 'R5: or that is ours';
is names(['TCPREMOTEIP=192.0.2.5']), '', 'who has none is nobody';
kill 'KILL', $server;
waitpid $server, 0;

# ---- in no time -------------------------------------------------------------------------

$server = name_server();
is names(['TCPREMOTEIP=192.0.2.1', 'TCPLOCALIP=127.0.0.1']), '',
    'R23: a name server that is silent costs a deadline, and the program runs without names';

my $USAGE =
    "usage: netiod-name PROGRAM NAME [ARGUMENT ...]\nnetiod(8) starts it.  See netiod-name(8).\n";

# ---- the program ------------------------------------------------------------------------

is_deeply [run($NAME)],              [64, '', $USAGE], 'without a program';
is_deeply [run($NAME, '/bin/true')], [64, '', $USAGE], 'without its name';
my ($exit, $out, $err) = run($NAME, '/nowhere', 'x');
is_deeply [$exit, $out, $err], [69, '', "netiod-name: /nowhere: No such file or directory\n"],
    'with one that is not there';
is_deeply [(run($NAME, '/bin/sh', 'other', '-c', 'echo "$0 $1"; exit 7', 'a b', "c\n"))[0, 1]],
    [7, "a b c\n\n"], 'with its arguments';

# Without a process more, or a descriptor, there are no names.
for my $limit ('nproc=1', 'nofile=4') {
    is names(
        ['TCPREMOTEIP=127.0.0.2'], 'setpriv',  '--reuid=61234', '--clear-groups',
        'prlimit',                 "--$limit", $NAME,           '/usr/bin/env',
        'env'
        ),
        '', "$limit: no name, and the program runs";
}

# ---- under netiod -----------------------------------------------------------------------

my $netiod = NetIO::Test::Inetd->start(wrap => [$ns->prefix], config => <<'CONF');
{named} on bind = 127.0.0.1, socktype = stream, protocol = tcp, user = nobody, exec = /usr/bin/env,
    args = env, names = yes, stderr = socket;
{plain} on bind = 127.0.0.1, socktype = stream, protocol = tcp, user = nobody, exec = /usr/bin/env,
    args = env, stderr = socket;
{echo} on bind = 127.0.0.1, socktype = stream, protocol = tcp, exec = internal, args = echo;
CONF

# A client in the namespace, from an address of its choice; all that it is told.
sub ask_from {
    my ($from, $name) = @_;
    my $port = $netiod->port($name);
    my ($status, $text) = $ns->run($^X, '-MIO::Socket::INET', '-e', <<"PERL");
my \$s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, LocalAddr => '$from')
    or die "\$\@\\n";
shutdown \$s, 1;
print while <\$s>;
PERL
    return $text;
}

like ask_from('127.0.0.2', 'named'), qr/^TCPREMOTEHOST=good\.example\n/m,
    'names = yes: TCPREMOTEHOST';
like ask_from('127.0.0.2', 'named'),   qr/^TCPLOCALHOST=localhost\n/m,    'TCPLOCALHOST';
like ask_from('127.0.0.2', 'named'),   qr/^REMOTE_HOST=good\.example\n/m, 'REMOTE_HOST';
unlike ask_from('127.0.0.3', 'named'), qr/HOST=under/,                    'and no lies';
unlike ask_from('127.0.0.2', 'plain'), qr/REMOTE_?HOST/, 'without names = yes, none';

# One whose name takes its time; others come and go meanwhile, however long that takes them: it is
# stopped for that long.
pipe my $done, my $write or die "pipe: $!\n";
my $slow = fork // die "fork: $!\n";
if (!$slow) {
    close $done;
    print {$write} ask_from('127.9.9.9', 'named');
    close $write;
    POSIX::_exit(0);
}
close $write;
my $port    = $netiod->port('named');
my $started = $netiod->wait_log(qr/$port: start for 127\.9\.9\.9:\d+, pid (\d+)\n/)
    or die "nobody comes\n";
my ($waits) = @$started;
kill 'STOP', $waits;
pass 'R23: who has a slow name';
is ask_from('127.0.0.2', 'echo'), '', 'keeps nobody waiting';
like ask_from('127.0.0.2', 'named'), qr/TCPREMOTEHOST=good/, 'not even in the same service';
unlike $netiod->log,                 qr/$port: end for 127\.9\.9\.9:/, 'while it waits itself';
kill 'CONT', $waits;
my $said = do { local $/; <$done> };
like $said,   qr/^TCPREMOTEIP=127\.9\.9\.9\n/m, 'and is served in the end';
unlike $said, qr/REMOTE_?HOST/,                 'without a name';
waitpid $slow, 0;
kill 'KILL', $server;
waitpid $server, 0;
$netiod->finish;

done_testing;
