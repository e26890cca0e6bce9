# Who is let in, seen from outside: rules, limits, proxies, credentials and what the refused are
# told (t/c/drive-policy.c).

use strict;
use warnings;
use lib 't/lib';

use File::Temp qw(tempdir);
use Socket;
use NetIO::Test::Policy;
use Test::More;
use Time::HiRes qw(time);

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
my $BUSY      = 'full=% busy, try again';
my $REFUSE    = 'refused=% not from there';

sub server {
    return NetIO::Test::Policy->new(@_);
}

sub rules {
    my $server = server(
        'listen=127.0.0.1:0', $REFUSE,
        'rule=deny 127.0.0.66',
        'rule=exempt 127.0.0.9',
        'rule=allow 127.0.0.0/26',
        'per-source=1'
    );

    like $server->ask('x', from => '127.0.0.5'), qr{^127\.0\.0\.5:\d+ 127\.0\.0\.1:\d+ x$},
        'a rule lets it in';
    my $begun = time;
    is $server->ask('x', from => '127.0.0.66'), "% not from there\r\n",
        'R33: who is refused is told so';
    is $server->ask('x', from => '127.0.0.70'), "% not from there\r\n",
        'a list that names who may names all of them';
    # The second one is told of where the first was a second ago.
    my $second = time - $begun < 1 ? qr// : qr/(?:refused 127\.0\.0\.70: access, 1\n)?/;
    like $server->said(qr/70/), qr{\Arefused 127\.0\.0\.66: access, 1\n$second\z},
        'R33: the log says who and why, once a second';
    my @held = map { $server->connect(from => '127.0.0.9') } 1 .. 3;
    like $server->ask('hold', from => '127.0.0.9', on => $_), qr/ hold$/, 'R33: an exempt one'
        for @held;
    my %count = $server->status(from => '127.0.0.8');
    is $count{access}, 2, 'all of the refused are counted';
    is $count{open},   4, 'and those who are there';
    return;
}

# R9: exactly so many, of both families.
sub exact {
    my $server = server('listen=127.0.0.1:0', 'listen=[::1]:0', 'per-source=3', $REFUSE);

    for my $at (@{ $server->{at} }) {
        my @held =
            map { my $s = $server->connect(at => $at); $server->ask('hold', on => $s); $s } 1 .. 3;
        is $server->ask('x', at => $at), "% not from there\r\n", "R9: not a fourth at $at";
        close shift @held;
        my $found;
        $found = $server->ask('x', at => $at) until ($found // q{}) =~ / x$/;
        pass "R9: but a fourth when one has gone";
    }
    return;
}

sub total {
    my $server = server('listen=127.0.0.1:0', 'total=2', $BUSY, $REFUSE);
    my @held   = map { my $s = $server->connect; $server->ask('hold', on => $s); $s } 1 .. 2;

    is $server->ask('x', from => '127.0.0.7'), "% busy, try again\r\n", 'a full house says so';
    like $server->said(qr/full/), qr/refused 127\.0\.0\.7: full, 1/, 'so does the log';
    return;
}

# R8: over the rate of all nobody is refused: they wait in the backlog.
sub rate {
    my $server = server('listen=127.0.0.1:0', 'rate=5/0.5', 'source-rate=1/1000', $REFUSE);

    for my $i (1 .. 20) {
        like $server->ask('x', from => "127.0.1.$i"), qr/ x$/, "R8: client $i is served";
        is $server->ask('x', from => "127.0.1.$i"), "% not from there\r\n", 'once'
            if $i == 1;
    }
    return;
}

# R11: however a connection ends, its place is free.
sub gone {
    my $server = server('listen=127.0.0.1:0', 'per-source=3', $REFUSE);

    for my $i (1 .. 200) {
        my $socket = $server->connect(from => '127.0.0.5') or next;
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'll', 1, 0 if $i % 4 == 0;
        syswrite $socket, "half a line" if $i % 4 == 1;
        shutdown $socket, 1 if $i % 4 == 2;
        $server->ask('x', on => $socket) if $i % 4 == 3;
        close $socket;
    }
    my %count = $server->status(from => '127.0.0.6');
    %count = $server->status(from => '127.0.0.6') while $count{held} > 1;
    is $count{held}, 1, 'R11: nothing is held but for the one who asks';
    my @held = map { $server->connect(from => '127.0.0.5') } 1 .. 3;
    like $server->ask('hold', on => $_), qr/ hold$/, 'R11: all three places are free' for @held;
    return;
}

# B5: others are served while one floods.
sub flood {
    my $server = server('listen=127.0.0.1:0', 'per-source=5');
    my @held   = map { $server->connect } 1 .. 5;
    my ($served, $came) = (0, 0);

    $server->ask('hold', on => $_) for @held;
    for my $i (1 .. 10_000) {
        my $socket = $server->connect;
        $came   += defined $socket;
        $served += ($server->ask('x', from => '127.0.0.6') // q{}) =~ / x$/ if $i % 50 == 0;
    }
    is $served, 200, 'B5: of 10,000 from one address nothing is seen at another';
    my %count = $server->status(from => '127.0.0.6');
    is $count{source}, $came, 'B5: each of them is counted';
    return;
}

# B14 (CVE-2003-0211: each refused one cost memory).
sub refused {
    my $server = server('listen=127.0.0.1:0', 'rule=allow 127.0.0.6', $REFUSE);
    my $many   = sub {
        my ($count) = @_;
        for (1 .. $count) {
            my $socket = $server->connect;
            sysread $socket, my $text, 100;
        }
    };

    $many->(2_000);
    my $before = $server->memory;
    $many->(100_000);
    cmp_ok $server->memory - $before, '<=', $ENV{NETIO_TEST_SANITIZED} ? 4096 : 64,
        'B14: 100,000 who are refused cost no memory';
    my %count = $server->status(from => '127.0.0.6');
    is $count{access}, 102_000, 'B14: and are counted';
    return;
}

sub binary {
    my ($command, $family, $body) = @_;

    return $SIGNATURE . pack 'CCna*', $command, $family, length $body, $body;
}

sub proxy {
    my $server = server(
        'listen=127.0.0.1:0',
        'rule=proxy 127.0.0.2',
        'rule=deny 192.0.2.66',
        'rule=deny 127.0.0.3',
        'rule=allow all',
        'per-source=2', 'first=20', $REFUSE
    );
    my $v1   = "PROXY TCP4 192.0.2.1 198.51.100.2 1234 43\r\n";
    my $no   = "% not from there\r\n";
    my $ask  = sub { $server->ask('x', from => '127.0.0.2', raw => $_[0]) };
    my $four = pack 'C12', 192, 0, 2, 1, 198, 51, 100, 2, 4, 210, 0, 43;

    is $ask->($v1), "192.0.2.1:1234 198.51.100.2:43 x\n", 'a header, and what follows in one piece';
    is $ask->(binary(0x21, 0x11, $four)), "192.0.2.1:1234 198.51.100.2:43 x\n", 'version 2';
    is $ask->(binary(0x21, 0x11, $four . pack 'Cna*', 4, 40, 'x' x 40)),
        "192.0.2.1:1234 198.51.100.2:43 x\n", 'version 2 with more in it';
    is $ask->("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 1234 43\r\n"),
        "192.0.2.1:1234 198.51.100.2:43 x\n", 'R25: v4-mapped';
    like $ask->("PROXY UNKNOWN\r\n"),  qr/^127\.0\.0\.2:\d+ 127\.0\.0\.1:\d+ x$/, 'itself, unknown';
    like $ask->(binary(0x20, 0, q{})), qr/^127\.0\.0\.2:\d+ 127\.0\.0\.1:\d+ x$/, 'itself, local';
    is $ask->($v1 =~ s/192.0.2.1/192.0.2.66/r),            $no, 'R31: who is declared is judged';
    is $server->ask('x', from => '127.0.0.3', raw => $v1), $no, 'R31: and so is who declares';
    is $ask->(q{}),                                        $no, 'R31: it must begin with a header';
    is $ask->("PROXY TCP4\r\n"),                           $no, 'R31: with a whole one';
    is $ask->(binary(0x22, 0x11, $four)),                  $no, 'R31: and no forged one';
    is $ask->("PROXY UNKNOWN " . 'x' x 200 . "\r\n"),      $no, 'R31: nor a long one';
    like $server->ask('x', from => '127.0.0.4', raw => "PROXY TCP4 x\r\n"),
        qr/^127\.0\.0\.4:\d+ 127\.0\.0\.1:\d+ PROXY TCP4 x$/, 'R31: a stranger\'s header is a line';

    proxy_in_parts($server, $v1);
    my @held = map {
        my $s = $server->connect(from => '127.0.0.2');
        $server->ask('hold', on => $s, raw => $v1);
        $s
    } 1 .. 2;
    is $ask->($v1), $no, 'limits are about who is declared';
    like $ask->($v1 =~ s/192.0.2.1/192.0.2.2/r), qr/ x$/, 'and not about the proxy';
    close $_ for @held;
    my %count = $server->status(from => '127.0.0.9');
    %count = $server->status(from => '127.0.0.9') while $count{held} > 1;
    is_deeply [@count{qw(access source proxy held)}], [2, 1, 5, 1], 'each reason is counted';
    return;
}

sub proxy_in_parts {
    my ($server, $header) = @_;
    my $socket = $server->connect(from => '127.0.0.2');

    for my $byte (split //, $header) {
        syswrite $socket, $byte;
        $server->status(from => '127.0.0.9');    # when it answers, it has looked
    }
    is $server->ask('x', on => $socket), "192.0.2.1:1234 198.51.100.2:43 x\n", 'byte by byte';
    $socket = $server->connect(from => '127.0.0.2');
    syswrite $socket, substr $header, 0, 20;
    shutdown $socket, 1;
    is $server->ask(undef, on => $socket), "% not from there\r\n", 'R31: cut in the middle';
    return;
}

# A header that never comes: the first deadline is about all of it.
sub slow_proxy {
    my $server = server('listen=127.0.0.1:0', 'rule=proxy all', 'first=0.3');
    my $socket = $server->connect;

    syswrite $socket, 'PROXY ';
    is $server->ask(undef, on => $socket) // q{}, q{}, 'R31: who never ends a header is cut';
    return;
}

sub credentials {
    my $folder = tempdir(CLEANUP => 1);
    my $server = server(
        "listen=unix:$folder/socket,mode=0666",
        'rule=deny uid 65534',
        'rule=allow gid 33',
        'rule=allow uid root',
        $REFUSE, 'per-source=1'
    );
    my $as = sub {
        my ($uid, $gid) = @_;
        local ($(, $)) = ($gid, "$gid $gid");
        local ($<, $>) = (0, $uid);
        return $server->connect;
    };

    chmod 0755, $folder;
    my @held = map { $as->(0, 0) } 1 .. 3;
    like $server->ask('hold', on => $_), qr/^unix: \S+ hold$/, 'root, and no source to limit'
        for @held;
    like $server->ask('x', on => $as->(1000, 33)), qr/ x$/, 'by its group';
    is $server->ask('x', on => $as->(1000,  1000)), "% not from there\r\n", 'no other';
    is $server->ask('x', on => $as->(65534, 33)),   "% not from there\r\n", 'nor nobody';
    like $server->said(qr/refused/), qr/^refused \S* ?uid 1000: access, 1$/m,
        'who it was can be asked for';
    return;
}

# A connection that was passed (inetd): one whose address nobody knows any more.
sub unknown {
    my $strace = qx(strace -V 2>/dev/null) ? 1 : 0;

    SKIP: {
        skip 'needs strace', 3 if !$strace;
        my @unknown = (
            qw(strace -qq -o /dev/null -e trace=getpeername -e),
            'inject=getpeername:error=ENOTCONN'
        );
        for my $case (
            ['rule=deny 127.0.0.1',  qr/^- \S+ x$/],
            ['rule=deny all',        qr/^% not/],
            ['rule=allow 127.0.0.1', qr/^% not/]
            )
        {
            my ($client, $end) = pair();
            my $server = server(\@unknown, $end, 'serve=0', $case->[0], $REFUSE);
            close $end;
            like $server->ask('x', on => $client), $case->[1],
                "B32: an unknown peer and $case->[0]";
        }
    }
    return;
}

sub pair {
    socket my $listener, AF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
    bind $listener, pack_sockaddr_in(0, inet_aton('127.0.0.1')) or die "bind: $!\n";
    listen $listener, 1 or die "listen: $!\n";
    socket my $client, AF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
    connect $client, getsockname $listener or die "connect: $!\n";
    accept my $end, $listener or die "accept: $!\n";
    return ($client, $end);
}

rules();
exact();
total();
rate();
gone();
flood();
refused();
proxy();
slow_proxy();
unknown();
SKIP: {
    skip 'other users need root', 6 if $> != 0;
    credentials();
}

done_testing;
