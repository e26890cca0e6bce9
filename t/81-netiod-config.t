# netiod: the classic lines of its configuration, in the dialects of Debian's openbsd-inetd, GNU
# inetutils, FreeBSD and NetBSD; netiod.conf(5) says which of them counts where they differ.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use NetIO::Test::InetdConfig;

alarm 300;

my ($two) = understood("7001 stream tcp nowait root /bin/cat\n");
my $any6 = $two && $two->[0]{listen} =~ /\[::\]/;

# "*" is both families, as far as the machine has them.
sub any {
    my ($port, $udp) = @_;

    return join ' ', $any6 ? "$udp\[::]:$port" : (), "${udp}0.0.0.0:$port";
}

# One line, and what some keys must be.
sub is_line {
    my ($line, $want, $name) = @_;
    my ($services, @said) = understood("$line\n");

    return ok 0, "$name: @said" if !$services || @$services != 1;
    return is_deeply {
        map { $_ => $services->[0]{$_} } keys %$want
    }, $want, $name;
}

subtest 'fields' => sub {
    is_line "finger\tstream\ttcp\tnowait\tnobody\t/bin/cat\tfingerd -w",
        {
        name           => 'finger',
        line           => 1,
        socktype       => 'stream',
        protocol       => 'tcp',
        listen         => any(79, ''),
        exec           => '/bin/cat',
        args           => 'fingerd -w',
        wait           => 'no',
        stderr         => 'socket',
        user           => 'nobody',
        group          => 'nogroup',
        accept_max     => 1000,
        rate           => 0,
        max_per_source => 0,
        allow          => undef,
        },
        'Debian: all seven; R25: of "tcp" both families have a socket of their own';
    is_line '7001 stream tcp nowait root /bin/cat', { args => 'cat', name => '7001' },
        'without arguments the program has its own name';
    is_line 'tftp dgram udp wait root /bin/cat x',
        { listen => any(69, 'udp:'), wait => 'yes', socktype => 'dgram' }, 'datagrams';
    is_line 'odd(7002) stream tcp nowait root /bin/cat',
        { name => 'odd', listen => any(7002, '') }, 'a name that services(5) lacks, with a number';
    is_line '127.0.0.1:odd(0) stream tcp nowait root /bin/cat',
        { name => 'odd', listen => '127.0.0.1:0' }, 'a port that the kernel chooses';
};

subtest 'ports that the kernel chooses' => sub {
    my $end = 'stream tcp nowait root /bin/cat';
    my ($services, @said) =
        understood("127.0.0.1:odd(0) $end\n127.0.0.1:even(0) $end\n"
            . "a,b on listen = 127.0.0.1:0, user = root, exec = /bin/cat;\n");
    is_deeply [map({ "$_->{name} $_->{listen}" } @{ $services || [] }), @said],
        ['odd 127.0.0.1:0', 'even 127.0.0.1:0', 'a,b 127.0.0.1:0'], 'each has one';
    is_deeply [faults("127.0.0.1:odd(0) $end\n127.0.0.1:odd(0) $end\n")],
        [
        'FILE:2: port 0 under the name odd: FILE:1 has it already; the kernel chooses one for each '
            . 'name'
        ],
        'a name, twice';
};

subtest 'protocols' => sub {
    my %listen = (
        tcp4     => '0.0.0.0:7001',
        tcp6     => '[::]:7001',
        tcp6only => '[::]:7001',
        tcp46    => any(7001, ''),
    );
    for my $protocol (sort keys %listen) {
        is_line "7001 stream $protocol nowait root /bin/cat",
            { listen => $listen{$protocol}, protocol => 'tcp' }, $protocol;
    }
    is_line '7001 dgram udp6 wait root /bin/cat', { listen => 'udp:[::]:7001' }, 'udp6';
    is_line '7001 stream tcp4,rcvbuf=64k,sndbuf=1m nowait root /bin/cat',
        { recvbuf => 65536, sndbuf => 1048576 }, 'buffers (Debian, NetBSD)';
    is_line '7001 stream tcp,rcvbuf=16384 nowait root /bin/cat', { recvbuf => 16384 }, 'in bytes';
};

subtest 'rpc' => sub {
    is_line 'rusersd/2-3 dgram rpc/udp wait nobody /bin/cat',
        { name => 'rusersd/2-3', protocol => 'rpc/udp', bind => '0.0.0.0', listen => undef },
        'a plain protocol is IPv4 alone, in every dialect';
    is_line '391002/1 stream rpc/tcp wait root /bin/cat',
        { protocol => 'rpc/tcp', wait => 'yes', name => '391002/1' }, 'FreeBSD: a number, a stream';
    is_line '[::1]:rstatd/3 dgram rpc/udp6,rcvbuf=64k wait root /bin/cat',
        { protocol => 'rpc/udp6', bind => '[::1]', recvbuf => 65536 }, 'IPv6 alone';
    is_line 'walld/1 stream rpc/tcp46 nowait root /bin/cat',
        { protocol => 'rpc/tcp46', bind => '[::] 0.0.0.0' }, 'FreeBSD: both'
        if $any6;
    is_line 'rstatd/1-3 on protocol = rpc/udp, user = root, exec = /bin/cat;',
        { protocol => 'rpc/udp', socktype => 'dgram', wait => 'yes' }, 'NetBSD: with keys';
};

# The files of FreeBSD, NetBSD and OpenBSD have a line for each family.
subtest 'a line for each family' => sub {
    my $end = 'nowait root /bin/cat';
    for my $lines (
        [[tcp  => '0.0.0.0:79'], [tcp6 => '[::]:79']],
        [[tcp6 => '[::]:79'],    [tcp  => '0.0.0.0:79']],
        [[tcp  => '[::]:79'],    [tcp4 => '0.0.0.0:79']],
        )
    {
        my ($services, @said) =
            understood(join '', map { "finger stream $_->[0] $end\n" } @$lines);
        is_deeply [map({ $_->{listen} } @{ $services || [] }), @said], [map { $_->[1] } @$lines],
            "$lines->[0][0], $lines->[1][0]";
    }
    my ($services, @said) = understood(<<"END");
localhost:
tftp dgram udp6 wait root /bin/cat
tftp dgram udp wait root /bin/cat
END
    is_deeply [map({ $_->{listen} } @{ $services || [] }), @said],
        ['udp:[::1]:69', 'udp:127.0.0.1:69'], 'of the addresses of a name, too';
    my @odd = (
        "79 stream tcp $end\n79 stream tcp $end",
        "79 stream tcp46 $end\n79 stream tcp6 $end",
        "79 stream tcp $end\n[::1]:79 stream tcp6 $end",
        "[::1]:79 stream tcp $end\n[::1]:79 stream tcp6 $end",
        'x on listen = "[::]:79" 0.0.0.0:79, protocol = tcp, user = root, exec = /bin/cat;'
            . "\n79 stream tcp6 $end",
    );
    for my $text (@odd) {
        my @faults = faults("$text\n");
        like "@faults", qr/\AFILE:2: \S+:79: FILE:1 has it already\z/, "no such pair: $text";
    }
    my @faults = faults("79 stream tcp $end\n79 stream tcp6 $end\n79 stream tcp4 $end\n");
    like "@faults", qr/:79: FILE:1 has it already/, 'nothing would be left of one';
    }
    if $any6;

subtest 'hosts' => sub {
    my $end = 'stream tcp nowait root /bin/cat';

    is_line "127.0.0.1:7001 $end",        { listen => '127.0.0.1:7001', name => '7001' }, 'IPv4';
    is_line "[::1]:7001 $end",            { listen => '[::1]:7001' },                     'IPv6';
    is_line "::1:7001 $end",              { listen => '[::1]:7001' },     'IPv6 without brackets';
    is_line "::ffff:127.0.0.1:7001 $end", { listen => '127.0.0.1:7001' }, 'R25: v4-mapped is IPv4';
    is_line "127.0.0.1,[::1],127.0.0.1:7001 $end", { listen => '127.0.0.1:7001 [::1]:7001' },
        'a list, each once';
    is_line '127.0.0.1,*:7001 stream tcp4 nowait root /bin/cat',
        { listen => '127.0.0.1:7001 0.0.0.0:7001' }, 'a list with all in it';
    is_line 'localhost:7001 stream tcp4 nowait root /bin/cat', { listen => '127.0.0.1:7001' },
        'a name, in the family of the protocol';
    my ($services) = understood("localhost:7001 $end\n");
    is_deeply [sort split / /, $services->[0]{listen}], ['127.0.0.1:7001', '[::1]:7001'],
        'a name means all its addresses';
    ($services) = understood(<<"END");
7001 $end
127.0.0.1,127.0.0.2:
7002 $end
127.0.0.3:7003 $end
/run/x stream unix nowait root /bin/cat
127.0.0.4: 7004 $end
7005 $end
*:
7006 $end
END
    is_deeply [map { $_->{listen} } @$services],
        [
        any(7001, ''),
        '127.0.0.1:7002 127.0.0.2:7002',
        '127.0.0.3:7003',
        'unix:/run/x,mode=0666',
        '127.0.0.4:7004',
        '127.0.0.1:7005 127.0.0.2:7005',
        any(7006, '')
        ],
        'a host alone is for the lines that follow';
    ($services) = understood("7001 $end\n*:7002 $end\n", '-a', '127.0.0.9');
    is_deeply [map { $_->{listen} } @$services], ['127.0.0.9:7001', any(7002, '')],
        'FreeBSD: -a is for those that name none';
};

# What would be of no family is not served: any address instead would be reached by more than is
# wanted.
subtest 'a host for all, of one family' => sub {
    my $text = <<'END';
7001 stream tcp nowait root /bin/cat
7002 dgram udp6 wait root /bin/cat
rusersd/1 stream rpc/tcp nowait root /bin/cat
/run/x stream unix nowait root /bin/cat
*:7003 stream tcp4 nowait root /bin/cat
x on listen = 7004, protocol = tcp6, user = root, exec = /bin/cat;
END
    my $v4   = [qw(7001 rusersd/1 /run/x 7003)];
    my $v6   = [qw(7001 7002 /run/x 7003 x)];
    my %want = (
        '127.0.0.1' => [
            $v4,
            '2: warning: 7002: not served: no IPv6 address in 127.0.0.1',
            '6: warning: x: not served: no IPv6 address in 127.0.0.1'
        ],
        '::1'           => [$v6, '3: warning: rusersd/1: not served: no IPv4 address in ::1'],
        '127.0.0.1,::1' => [[qw(7001 7002 rusersd/1 /run/x 7003 x)]],
    );
    for my $hosts (sort keys %want) {
        my ($names, @want) = @{ $want{$hosts} };
        for my $line (0, 1) {
            my ($services, @said) =
                $line
                ? understood("$hosts:\n$text")
                : understood($text, '-a', $hosts);
            @said = map { s/:(\d+):/':' . ($1 - $line) . ':'/er } @said;
            is_deeply [[map { $_->{name} } @{ $services || [] }], @said],
                [$names, map { "FILE:$_" } @want], $line ? "$hosts:" : "-a $hosts";
        }
    }
    is_deeply [faults("127.0.0.1:7001 stream tcp6 nowait root /bin/cat\n", '-a', '::1')],
        [q{FILE:1: host 127.0.0.1: not of the protocol's family}], 'one of its own is a fault';
    is_deeply [faults("7001 stream tcp6 nowait root /bin/cat\n", '-a', '300.1.1.1')],
        ['FILE:1: host 300.1.1.1: not a valid host name'], 'so is what is no host';
};

subtest 'wait and limits' => sub {
    my %want = (
        'nowait'       => { rate       => '0',    accept_max => 1000 },
        'nowait.5'     => { rate       => '5/60', accept_max => 1000 },
        'nowait:5'     => { rate       => '5/60' },
        'nowait.0'     => { rate       => '0' },
        'wait.3'       => { rate       => '3/60', wait        => 'yes' },
        'nowait/7'     => { accept_max => 7,      source_rate => 0 },
        'nowait/0'     => { accept_max => 0 },
        'nowait/7/8'   => { accept_max => 7, source_rate => '8/60' },
        'nowait/7/8/9' => { accept_max => 7, source_rate => '8/60', max_per_source => 9 },
        'nowait/0/0/0' => { accept_max => 0, source_rate => 0,      max_per_source => 0 },
    );
    for my $wait (sort keys %want) {
        is_line "7001 stream tcp $wait root /bin/cat", $want{$wait}, $wait;
    }
    is_line '7001 stream,5:httpready tcp nowait root /bin/cat', { accept_max => 5 },
        'NetBSD: processes behind the type';
    my ($services) = understood(<<'END', '-R', 40);
7001 stream tcp nowait root /bin/cat
7002 stream tcp nowait.0 root /bin/cat
7003 stream tcp nowait.9 root /bin/cat
END
    is_deeply [map { $_->{rate} } @$services], ['40/60', '0', '9/60'],
        '-R is for those that say nothing; R9: .0 is no limit';
};

subtest 'users' => sub {
    my %want = (
        'nobody'            => 'nobody:nogroup',
        'nobody.adm'        => 'nobody:adm',
        'nobody:adm'        => 'nobody:adm',
        'nobody:adm/daemon' => 'nobody:adm',
        'root/staff'        => 'root:root',
        '12345:adm'         => '12345:adm',
    );
    for my $user (sort keys %want) {
        my ($services) = understood("7001 stream tcp nowait $user /bin/cat\n");
        is $services && "$services->[0]{user}:$services->[0]{group}", $want{$user}, $user;
    }
};

subtest 'quotes' => sub {
    my %want = (
        q{cat "a b" 'c "d"'} => 'cat a b c "d"',
        q{cat it's x=a"b}    => q{cat it's x=a"b},
        q{cat "" x}          => 'cat  x',
        q{cat \n a\\b}       => q{cat \n a\\b},
    );
    for my $args (sort keys %want) {
        is_line "7001 stream tcp nowait root /bin/cat $args", { args => $want{$args} }, $args;
    }
    is_line qq{7001 stream tcp nowait root "/tmp/a b" cat}, { exec => '/tmp/a b' },
        'a program with a blank in it';
};

subtest 'lines' => sub {
    my ($services, @said) = understood(<<"END");
# a comment
7001 stream tcp
\tnowait root
  # in the middle
 \t
\t/bin/cat cat
   -u

 7002 stream tcp nowait root /bin/cat cat\r
\t-s\r
# the end of it
 7003 stream tcp nowait root /bin/cat
#7004 stream tcp nowait root /bin/cat
#@ ipsec in use
#@
7005 stream tcp nowait root /bin/cat
END
    is_deeply [map { "$_->{line} $_->{name} $_->{args}" } @$services],
        ['2 7001 cat -u', '9 7002 cat -s', '12 7003 cat', '16 7005 cat'],
        'a line that begins with a blank goes on; comments in it are passed over';
    is_deeply \@said, ['FILE:14: warning: IPsec policies are not netiod\'s: no effect'],
        'NetBSD: an IPsec policy is said to be none';
    is_line '7001 stream tcp nowait root /bin/cat cat # x', { args => 'cat # x' },
        'behind the first column "#" is a word, as in other inetds';
};

subtest 'built-ins' => sub {
    my ($services, @said) = understood(<<'END');
echo    stream tcp nowait root internal
discard stream tcp nowait root internal internal
daytime stream tcp nowait root internal
time    stream tcp nowait root internal
chargen stream tcp nowait root internal
tcpmux  stream tcp nowait root internal
7001    stream tcp nowait root internal echo
echo    dgram  udp wait   root internal
chargen dgram  udp wait   root internal
END
    is_deeply [map { "$_->{name} $_->{exec} $_->{args}" } @$services],
        [
        (map { "$_ internal $_" } qw(echo discard daytime time chargen tcpmux)),
        '7001 internal echo'
        ],
        'of streams';
    is_deeply \@said,
        [
        map { "FILE:$_->[0]: warning: $_->[1]/udp stays off: udp = yes would have it answer" }
            [8, 'echo'],
        [9, 'chargen']
        ],
        'R1: of datagrams they stay off';
};

subtest 'tcpmux, unix, pools' => sub {
    my ($services, @said) = understood(<<'END');
tcpmux/phone stream tcp nowait root /bin/cat
tcpmux/+date stream tcp nowait root /bin/date
END
    is_deeply [map { "$_->{name} " . ($_->{listen} // 'nowhere') } @$services],
        ['tcpmux/phone nowhere', 'tcpmux/+date nowhere'], 'R3: entries of tcpmux have no socket';
    is_deeply \@said,
        [
        'FILE:1: warning: tcpmux/phone: there is no service tcpmux to ask for it',
        'FILE:2: warning: tcpmux/date: there is no service tcpmux to ask for it'
        ],
        'nobody comes to them';

    my $end = 'stream unix nowait root /bin/cat';
    is_line "/run/x.sock $end",   { listen => 'unix:/run/x.sock,mode=0666' }, 'Debian: unix';
    is_line "*:/run/x.sock $end", { name   => '/run/x.sock' }, 'a host before a path means nothing';
    is_line "/run/a:b $end",      { name   => '/run/a:b' },    'a path with a colon';
    is_line "/run/x dgram unix wait root /bin/cat", { listen => 'unix-dgram:/run/x,mode=0666' },
        'unix datagrams';
    is_line ":root:adm:0600:/run/x $end",
        { listen => 'unix:/run/x,mode=0600,owner=root,group=adm', name => '/run/x' },
        'FreeBSD: owner, group and mode';
    is_line ":::0700:/run/x $end", { listen => 'unix:/run/x,mode=0700' }, 'each may be empty';
    is_line '7001 stream tcp nowait root pool:/etc/passwd x y',
        { exec => '/etc/passwd', pool => 4, args => 'x y', wait => undef, stderr => 'log' },
        'R28: a pool';
    (my $pool, @said) = understood("7001 dgram udp nowait root /bin/cat\n");
    is $pool->[0]{wait}, 'yes', 'R17: dgram nowait is wait';
    like $said[0], qr/^FILE:1: warning: dgram nowait: served as wait/, 'and said to be';
};

done_testing;
