# Upgrades of netiod (SIGUSR2) that fail, in each way and at each step: nothing has changed.  B23 of
# the fault catalogue; R13, R14, R15, R30.

use strict;
use warnings;

use File::Copy ();
use IO::Socket::INET;
use IO::Socket::IP;
use Test::More;

use lib 't/lib';
use NetIO::Test::Datagram qw(ask_udp udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Process qw(as_reaper);
use NetIO::Test::Run     qw(slurp spew);

plan skip_all => 'needs root' if $> != 0;
alarm 300;
$SIG{PIPE} = 'IGNORE';

my $good = <<'CONF';
127.0.0.1:{cat} stream tcp nowait root /bin/cat cat
127.0.0.1:{udp} dgram  udp wait   root {DIR}/datagrams datagrams
CONF

# netiod from a file of its own, in the place of which others can be put.
sub start {
    my (%how) = @_;
    my $dir = File::Temp->newdir('netiod-XXXXXX', TMPDIR => 1);

    spew("$dir/datagrams", "#!$^X\n" . <<'PERL');
while (defined(my $from = recv STDIN, my $text, 1500, 0)) {
    exit 0 if $text eq 'go';
    send STDOUT, "$$ $text", 0, $from;
}
PERL
    chmod 0755, "$dir/datagrams";
    install("$dir/netiod", slurp(NetIO::Test::Inetd::program()));
    return NetIO::Test::Inetd->start(
        program => "$dir/netiod",
        config  => $good,
        dir     => $dir,
        args    => ['--pidfile', "$dir/pid"],
        %how
    );
}

sub install {
    my ($path, $content) = @_;

    spew("$path.new", $content);
    chmod 0755, "$path.new";
    rename "$path.new", $path or die "rename: $!\n";
    return;
}

# Somebody is served, and a datagram service has its socket.
sub load {
    my ($d)    = @_;
    my $client = $d->connect('cat');
    my $udp    = udp_client($d->port('udp'));

    print {$client} "first\n";
    <$client>;
    my ($pid) = ask_udp($udp, 'x') =~ /^(\d+) x$/;
    return { d => $d, client => $client, udp => $udp, pid => $pid, files => $d->descriptors };
}

sub is_unchanged {
    my ($before, $name)   = @_;
    my ($d,      $client) = @{$before}{qw(d client)};

    print {$client} "again\n";
    my @seen = (
        scalar <$client>,
        ask_udp($before->{udp}, 'y'),
        $d->ask(cat => 'new'),
        slurp($d->dir . '/pid'),
        scalar $d->extra_descriptors,
    );
    return is_deeply \@seen, ["again\n", "$before->{pid} y", 'new', $d->pid . "\n", undef],
        "B23 $name: nothing has changed";
}

# ---- the program is not what it was ------------------------------------------------------------

{
    my $d      = start();
    my $netiod = $d->dir . '/netiod';
    my $real   = slurp($netiod);
    my $before = load($d);
    # As a successor says it: descriptor 3 is the socket.
    my $says = sub {
        my ($end) = @_;
        return
              "#!$^X\n"
            . 'open my $s, "+<&=", 3; syswrite $s, "ready"; sysread $s, my $go, 100;'
            . "\n$end\n";
    };
    my @programs = (
        ['no program',       "\0nonsense\n",        qr/Exec format error/],
        ['one that ends',    "#!/bin/sh\nexit 3\n", qr/\(exit code 3\): ended before it was rea/],
        ['one that crashes', "#!/bin/sh\nkill -9 \$\$\n", qr/\(signal 9\): ended before it was/],
        ['one that ends after go',    $says->('exit 4;'),     qr/\(exit code 4\): ended before/],
        ['one that crashes after go', $says->('kill 9, $$;'), qr/\(signal 9\): ended before/],
    );
    for my $row (@programs) {
        my ($name, $content, $why) = @$row;
        install($netiod, $content);
        is $d->upgrade, undef, "$name: no upgrade";
        like $d->log_text, qr/upgrade failed: exec \Q$netiod\E.*$why/, '... says why';
        is_unchanged($before, $name);
    }
    unlink $netiod;
    is $d->upgrade, undef, 'none at all: no upgrade';
    is_unchanged($before, 'none at all');

    install($netiod, $real);
    ok $d->upgrade, 'after all that it succeeds';
    ok is_unchanged($before, 'one that succeeds');
    close $before->{client};
    send $before->{udp}, 'go', 0;
    is $d->left, 0, 'and the predecessor leaves';
    is $d->stop, 0, 'TERM';
}

# ---- its configuration is not what it was ------------------------------------------------------

{
    my $d      = start();
    my $before = load($d);
    my $taken  = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "$!\n";
    my $port   = $taken->sockport;
    for my $row (
        ['R13 a line that is wrong', "$good\nnonsense\n", qr/inetd\.conf:4: /],
        ['R13 no file',              undef,               qr/inetd\.conf/],
        ['R13 an empty one',         '',                  qr/inetd\.conf|empty/],
        [
            'a port that is taken',
            "${good}127.0.0.1:$port stream tcp nowait root /bin/cat cat\n",
            qr/Address already in use/
        ],
        )
    {
        my ($name, $config, $why) = @$row;
        if (defined $config) {
            $d->configure($config);
        } else {
            unlink $d->dir . '/inetd.conf';
        }
        my $at = length $d->log_text;
        is $d->upgrade, undef, "$name: no upgrade";
        like substr($d->log_text, $at), $why, '... says why';
        is_unchanged($before, $name);
    }
    $d->configure($good);
    ok $d->upgrade, 'mended: it succeeds';
    send $before->{udp}, 'go', 0;
    close $before->{client};
    $d->left;
    is $d->stop, 0, 'TERM';
}

# ---- an address is held by the program of a service that was removed ----------------------------

for my $row (
    ['127.0.0.1:{held}', 'stream tcp'],
    ['0.0.0.0:{held}',   'stream tcp'],
    ['127.0.0.1:{held}', 'dgram  udp'],
    ['[::1]:{held}',     'stream tcp6'],
    )
{
    my ($address, $type) = @$row;
    my $d      = start();
    my $before = load($d);
    my $first  = $address =~ /::/ ? $address : '127.0.0.1:{held}';
    # It ends when it gets the datagram that load's one ends by, or with its first client.
    my $program = $type =~ /udp/ ? '{DIR}/datagrams datagrams' : '/usr/bin/perl perl {DIR}/accepts';
    spew($d->dir . '/accepts', 'accept my $c, STDIN; sysread $c, my $x, 1;');
    ok $d->reload("$good$first $type wait root $program\n"), "$address $type: a service more";
    my $port = $d->port('held');
    my $to   = IO::Socket::IP->new(
        PeerAddr => $address =~ /::/ ? '::1' : '127.0.0.1',
        PeerPort => $port,
        Proto    => $type =~ /udp/ ? 'udp' : 'tcp'
    ) or die "connect: $!\n";
    syswrite $to, 'x' if $type =~ /udp/;
    my ($pid) = @{ $d->wait_log(qr/$port: start, pid (\d+)\n/) };
    ok $d->reload($good), '... less';
    my $config = "${good}$address $type wait root $program\n";
    $d->configure($config);
    my $at = length $d->log_text;
    is $d->upgrade, undef, '... and once more, while its program runs: no upgrade';
    my $said = substr $d->log_text, $at;
    like $said, qr/inetd\.conf:3: \S+: bind \S+:$port: Address already in use by pid $pid\n/,
        '... the log says where, and who has it';
    like $said, qr/upgrade failed: exec bind \S+inetd\.conf:3: $port, pid $pid: Address already in/,
        '... also where it says that it has failed';
    $d->configure($good);
    is $d->ask(cat => 'new'),        'new',              '... nothing is lost: who comes is served';
    is ask_udp($before->{udp}, 'y'), "$before->{pid} y", '... and who was';
    syswrite $to, 'go';
    $d->wait_log(qr/pid $pid, \S+ seconds/);
    $d->configure($config);
    ok $d->upgrade, '... when the program has ended it succeeds';
    send $before->{udp}, 'go', 0;
    close $before->{client};
    close $to;
    $d->left;
    is $d->stop, 0, 'TERM';
}

# ---- signals meanwhile -------------------------------------------------------------------------

for my $signal (qw(TERM INT)) {
    my $d = start();
    install($d->dir . '/netiod', "#!/bin/sh\nexec sleep 60\n");
    $d->kill('USR2');
    my ($pid) = @{ $d->wait_log(qr/upgrade: \S+ starts \(pid (\d+)\)/) };
    $d->kill('HUP');
    $d->kill($signal);
    is $d->wait_end, 0, "$signal while a successor starts: the end";
    ok !kill(0, $pid),       '... of both';
    ok !-e $d->dir . '/pid', '... and of the pid file';
}

{
    my $d    = start();
    my $dir  = $d->dir;
    my $real = "$dir/real";
    as_reaper();
    File::Copy::copy(NetIO::Test::Inetd::program(), $real) or die "copy: $!\n";
    chmod 0755, $real;
    system('mkfifo', "$dir/go") == 0 or die "mkfifo: $?\n";
    install("$dir/netiod", qq(#!/bin/sh\nread -r _ < $dir/go\nexec $real "\$@"\n));
    $d->kill('USR2');
    my ($next) = @{ $d->wait_log(qr/upgrade: \S+ starts \(pid (\d+)\)/) };
    $d->kill('HUP');
    spew("$dir/go", "go\n");
    ok $d->wait_log(qr/upgrade: the successor serves\n/), 'HUP while a successor starts: it serves';
    push @{ $d->{before_it} }, $d->{pid};
    $d->{pid} = $next;
    ok $d->wait_log(qr/configuration: read again, 2 services\n/), '... and reads once more';
    is $d->ask(cat => 'x'), 'x', '... and serves';
    is $d->stop,            0,   'TERM';
}

# ---- the predecessor dies before its successor is ready ----------------------------------------

{
    my $d    = start();
    my $dir  = $d->dir;
    my $pid  = $d->pid;
    my $name = "$dir/real";
    as_reaper();
    File::Copy::copy(NetIO::Test::Inetd::program(), $name) or die "copy: $!\n";
    chmod 0755, $name;
    install("$dir/netiod", "#!/bin/sh\nkill -9 $pid\nexec $name \"\$@\"\n");
    $d->kill('USR2');
    ok $d->wait_log(qr/netiod: ready, 2 services\n/), 'B9 the successor serves all the same';
    waitpid $pid, 0;
    is $? & 127, 9, '... whose predecessor was killed';
    my ($next) = slurp("$dir/pid") =~ /^(\d+)$/;
    $d->{pid} = $next;
    is $d->ask(cat => 'x'), 'x',       'whoever comes';
    is slurp("$dir/pid"),   "$next\n", 'and has the pid file';
    is $d->stop,            0,         'TERM';
}

# ---- every call of it that can fail ------------------------------------------------------------

SKIP: {
    skip 'needs strace',                          1 if system('strace -V >/dev/null 2>&1') != 0;
    skip 'strace and a leak detector both trace', 1 if $ENV{NETIO_TEST_SANITIZED};
    my $d      = start();
    my $before = load($d);
    my %calls  = (
        socketpair   => ['EMFILE',  2],
        memfd_create => ['EMFILE',  2],
        sendmsg      => ['ENOBUFS', 6],
        clone        => ['EAGAIN',  1],
        recvmsg      => ['EIO',     1],
    );
    for my $call (sort keys %calls) {
        my ($error, $times) = @{ $calls{$call} };
        for my $n (1 .. $times) {
            my $end  = $d->failing($call, $error, $n);
            my $next = $d->upgrade;
            my $said = $end->();
            is $next, undef, "$call $n fails: no upgrade" or diag $said;
            is_unchanged($before, "$call $n");
        }
    }
    ok $d->upgrade, 'nothing fails any more: it succeeds';
    is_unchanged($before, 'one that succeeds');
    close $before->{client};
    send $before->{udp}, 'go', 0;
    is $d->left, 0, 'the predecessor leaves';
    is $d->stop, 0, 'TERM';
}

done_testing;
