# netiod: what is wrong with a configuration.  All of it is said, each with its file and line, and
# nothing else comes of it (R13).

use strict;
use warnings;

use IO::Socket::UNIX;
use Test::More;

use lib 't/lib';
use NetIO::Test::InetdConfig;
use NetIO::Test::Run;

alarm 300;

my $OK = '7000 stream tcp nowait root /bin/cat';

sub is_faulty {
    my ($text, @want) = @_;

    my ($name) = "$text;" =~ /\A(.{0,60})/;
    return is_deeply [faults($text)], [map { "FILE:$_" } @want], $name;
}

subtest 'lines' => sub {
    my $end = 'nowait root /bin/cat';

    is_faulty '7001 stream tcp nowait root',
        '1: 7001: 5 fields of at least 6: service, type, protocol, wait or nowait, user, program, '
        . 'arguments';
    is_faulty "7001 raw tcp $end",       '1: socket type raw: netiod has stream and dgram';
    is_faulty "7001 streams tcp $end",   '1: socket type streams: netiod has stream and dgram';
    is_faulty "7001 seqpacket tcp $end", '1: socket type seqpacket: netiod has stream and dgram';
    is_faulty "7001 stream sctp $end",   '1: protocol sctp: netiod has tcp, udp and unix';
    is_faulty "7001 stream udp $end",    '1: udp is no protocol of stream sockets';
    is_faulty "7001 dgram tcp $end",     '1: tcp is no protocol of dgram sockets';
    is_faulty "telnet stream faith/tcp6 $end",
        '1: protocol faith/tcp6: faithd(8) is not of this system';
    is_faulty "telnet stream tcp6/faith $end",
        '1: protocol tcp6/faith: faithd(8) is not of this system';
    is_faulty "7001 stream tcp46/ttcp $end",
        '1: protocol tcp46/ttcp: T/TCP is not of this system; leave /ttcp out';
    is_faulty "7001 stream tcp/ttcp $end",
        '1: protocol tcp/ttcp: T/TCP is not of this system; leave /ttcp out';
    is_faulty "7001 stream tcp,rcvbuf=0 $end", '1: rcvbuf=0: neither rcvbuf=SIZE nor sndbuf=SIZE';
    is_faulty "7001 stream tcp,size=1 $end",   '1: size=1: neither rcvbuf=SIZE nor sndbuf=SIZE';
    is_faulty "7001 stream tcp,rcvbuf=4096m $end",
        '1: rcvbuf=4096m: neither rcvbuf=SIZE nor sndbuf=SIZE';
    is_faulty "7001 stream tcp later root /bin/cat", '1: later: neither wait nor nowait';
    is_faulty "7001 stream tcp $_ root /bin/cat", "1: $_: not a limit behind nowait"
        for qw(nowait. nowait.x nowait.-1 nowait.99999999999 nowait/ nowait/x);
    is_faulty '7001 stream,x tcp nowait root /bin/cat', '1: ,x: not a number of processes';
};

subtest 'rpc' => sub {
    my %fault = (
        'nosuch/1 rpc/udp'           => 'rpc service nosuch: unknown',
        '0/1 rpc/udp'                => 'rpc service 0: unknown',
        '/1 rpc/udp'                 => 'rpc service : unknown',
        'rusersd rpc/udp'            => 'rusersd: an rpc service is NAME/VERSION, as rusersd/1-3',
        'rusersd/ rpc/udp'           => 'rusersd/:  is no version, as 2 or 1-3',
        'rusersd/x rpc/udp'          => 'rusersd/x: x is no version, as 2 or 1-3',
        'rusersd/3-2 rpc/udp'        => 'rusersd/3-2: 3-2 is no version, as 2 or 1-3',
        'rusersd/1-2-3 rpc/udp'      => 'rusersd/1-2-3: 1-2-3 is no version, as 2 or 1-3',
        'rusersd/4294967296 rpc/udp' => 'rusersd/4294967296: 4294967296 is no version, as 2 or 1-3',
        'rusersd/1-65 rpc/udp'       => 'rusersd/1-65: more than 64 versions',
        'rusersd/1 rpc/unix'         => 'protocol rpc/unix: netiod has rpc/tcp and rpc/udp',
        'rusersd/1 rpc/*'            => 'protocol rpc/*: netiod has rpc/tcp and rpc/udp',
        'rusersd/1 rpc/tcp'          => 'tcp is no protocol of dgram sockets',
        '127.0.0.1,127.0.0.2:rusersd/1 rpc/udp4' => '127.0.0.1,127.0.0.2:rusersd/1: rpcbind(8) '
            . 'can tell of one address of each family',
    );
    for my $line (sort keys %fault) {
        my ($service, $protocol) = split / /, $line;
        is_faulty "$service dgram $protocol wait root /bin/cat", "1: $fault{$line}";
    }
    is_faulty 'rusersd/1 dgram rpc/udp wait root internal',
        '1: rusersd/1: netiod has no rpc service itself';
    is_faulty 'rusersd/1 on protocol = rpc/udp, listen = udp:79, user = root, exec = /bin/cat;',
        '1: listen: an rpc service has the port that it gets';
    my $end = 'wait root /bin/cat';
    is_faulty "rusersd/1-3 dgram rpc/udp $end\n100002/3-4 dgram rpc/udp $end\n"
        . "rusersd/3 dgram rpc/udp6 $end\nrusersd/3 stream rpc/tcp $end",
        '2: 100002/3-4: FILE:1 has it already';
};

subtest 'names' => sub {
    is_faulty 'nosuch stream tcp nowait root /bin/cat', '1: service nosuch/tcp: unknown';
    is_faulty "$_ stream tcp nowait root /bin/cat", "1: service $_/tcp: unknown"
        for qw(70000 -1 007);
    is_faulty '/run/x stream tcp nowait root /bin/cat', '1: service /run/x/tcp: unknown';
    is_faulty '7001 stream unix nowait root /bin/cat',
        '1: 7001: the service of a unix socket is its path';
    is_faulty "/run/\xc3\xbc stream unix nowait root /bin/cat",
        '1: /run/\\xc3\\xbc: not a name of a service';
    is_faulty "a\x7f(0) stream tcp nowait root /bin/cat",  '1: a\\x7f(0): not a name of a service';
    is_faulty '/run/a,b stream unix nowait root /bin/cat', '1: /run/a,b: not a path for a socket';
    is_faulty ':nosuch:adm:0600:/run/x stream unix nowait root /bin/cat',
        '1: user nosuch: no such user';
    is_faulty ':root:adm:0999:/run/x stream unix nowait root /bin/cat',
        '1: mode 0999: not an octal number up to 0777';
    is_faulty ':root:nosuch:07777:/run/x stream unix nowait root /bin/cat',
        '1: mode 07777: not an octal number up to 0777', '1: group nosuch: no such group';
    is_faulty ':::1777:/run/x stream unix nowait root /bin/cat',
        '1: mode 1777: not an octal number up to 0777';
    is_faulty '300.1.1.1:7001 stream tcp nowait root /bin/cat',
        '1: host 300.1.1.1: not a valid host name';
    is_faulty '::1:7001 stream tcp4 nowait root /bin/cat',
        q{1: host ::1: not of the protocol's family};
    is_faulty 'fe80::1:7001 stream tcp nowait root /bin/cat',
        '1: option [fe80::1]:7001: not a valid address';
    is_faulty 'x on listen = "udp:[ff02::1]:0", user = root, exec = /bin/cat;',
        '1: option udp:[ff02::1]:0: not a valid address';
    is_faulty '127.0.0.1:7001 stream tcp6 nowait root /bin/cat',
        q{1: host 127.0.0.1: not of the protocol's family};
    is_faulty '7001 stream tcp nowait nosuch /bin/cat',      '1: user nosuch: no such user';
    is_faulty '7001 stream tcp nowait nosuch.adm /bin/cat',  '1: user nosuch: no such user';
    is_faulty '7001 stream tcp nowait root:nosuch /bin/cat', '1: group nosuch: no such group';
    is_faulty '7001 stream tcp nowait root.nosuch /bin/cat', '1: group nosuch: no such group';
    is_faulty '7001 stream tcp nowait root bin/cat',  '1: program bin/cat: not an absolute path';
    is_faulty '7001 stream tcp nowait root internal', '1: 7001: netiod has no such service itself';
    is_faulty 'tcpmux dgram udp wait root internal',  '1: service tcpmux/udp: unknown';
    is_faulty "tcpmux/$_ stream tcp nowait root /bin/cat",
        "1: tcpmux/$_: not a name for a service behind tcpmux"
        for '', '+', 'help', '+HELP';
    is_faulty 'tcpmux/x stream tcp wait root /bin/cat',
        '1: tcpmux/x: behind tcpmux must be stream and nowait';
    is_faulty 'tcpmux/x stream tcp nowait root pool:/etc/passwd',
        '1: tcpmux/x: a pool takes clients from its sockets alone';
    is_faulty '7001 stream tcp wait root pool:/etc/passwd', '1: a pool must be stream and nowait';
};

# R5: a rule that cannot be enforced is refused.
subtest 'wait' => sub {
    my $why =
        'rules and limits of sources cannot be enforced with wait: the program has the socket';

    is_faulty '7001 stream tcp wait/1/5 root /bin/cat',   "1: $why";
    is_faulty '7001 stream tcp wait/1/0/5 root /bin/cat', "1: $why";
    is_faulty "7001 on wait = yes, user = root, exec = /bin/cat, $_;", "1: $why"
        for 'allow = all', 'max_per_source = 3', 'ip_max = 4', 'max_clients = 2';
    is_faulty "7001 on wait = yes, user = root, exec = /bin/cat, $_;",
        '1: ' . s/ .*//r . ': with wait, the program has the socket'
        for 'source_bits = 24/48', 'refused_text = no', 'full_text = no', 'first_seconds = 1',
        'idle_seconds = 1';
};

subtest 'no program' => sub {
    for my $name ('echo', 'tcpmux') {
        is_faulty "$name on listen = 127.0.0.1:0, $_;",
            '1: ' . s/ .*//r . ': netiod serves this itself, and starts no program'
            for 'env = PATH', 'directory = /tmp', 'umask = 077', 'rlimit = nofile:10',
            'setuid_programs = no', 'stderr = log';
    }
};

subtest 'two of one' => sub {
    is_faulty "$OK\n$OK",           '2: 0.0.0.0:7000: FILE:1 has it already';
    is_faulty "$OK\n127.0.0.1:$OK", '2: 127.0.0.1:7000: FILE:1 has it already';
    is_faulty "127.0.0.1:$OK\n127.0.0.2:$OK\n[::1]:$OK\n127.0.0.1:$OK",
        '4: 127.0.0.1:7000: FILE:1 has it already';
    is_deeply [faults(<<"END")], ['none'], 'another family, protocol, or a port yet to be chosen';
127.0.0.1:$OK
7000 dgram udp wait root /bin/cat
[::1]:$OK
127.0.0.1:odd(0) stream tcp nowait root /bin/cat
127.0.0.1:0 stream tcp nowait root /bin/cat
END
    is_faulty "/run/x stream unix nowait root /bin/cat\n/run/X stream unix nowait root /bin/cat\n"
        . ":root::0600:/run/x stream unix nowait root /bin/cat",
        '3: unix:/run/x,mode=0600,owner=root: FILE:1 has it already';
    is_faulty "tcpmux/a stream tcp nowait root /bin/cat\ntcpmux/+A stream tcp nowait root /bin/cat",
        '2: tcpmux/A: FILE:1 has it already';
};

subtest 'all of them are said' => sub {
    is_faulty <<"END",
7001 raw sctp never nosuch bin/cat
$OK
7002 stream tcp
nosuch stream tcp nowait nosuch:nosuch bin/cat
127.0.0.1:7000 stream tcp nowait root /bin/cat
END
        '1: socket type raw: netiod has stream and dgram',
        '1: protocol sctp: netiod has tcp, udp and unix',
        '1: never: neither wait nor nowait',
        '1: program bin/cat: not an absolute path',
        '1: user nosuch: no such user',
        '3: 7002: 3 fields of at least 6: service, type, protocol, wait or nowait, user, program, '
        . 'arguments',
        '4: service nosuch/tcp: unknown',
        '4: program bin/cat: not an absolute path',
        '4: user nosuch: no such user',
        '5: 127.0.0.1:7000: FILE:2 has it already';
};

subtest 'texts that are no texts' => sub {
    my $long = 'x' x 1_000_000;

    is_faulty "$OK $long", '1: longer than 65536 bytes';
    is_faulty "$OK\n$long\n# $long\n7001 raw tcp nowait root /bin/cat",
        '2: longer than 65536 bytes', '3: longer than 65536 bytes',
        '4: socket type raw: netiod has stream and dgram';
    is_faulty "$OK\n7001 stream tcp\0nowait\n\0", '2: a NUL in it', '3: a NUL in it';
    is_faulty "7001 stream tcp nowait root /bin/cat 'a b\n$OK",
        '1: a quote that does not end on its line';
    is_faulty "7001 stream tcp nowait root /bin/cat 'a'b\n$OK",
        '1: a quoted word goes on behind the quote';
    is_faulty "'7001 stream\n$OK", '1: a quote that does not end on its line';
    is_faulty ".exclude x\n$OK",   '1: .exclude: no such directive';
    is_faulty ".include\n$OK",     '1: .include without a path';
    is_faulty ".include ''\n$OK",  '1: .include without a path';
    my ($services) = understood("$OK " . join(' ', 1 .. 9000) . "\n");
    is scalar(split / /, $services->[0]{args}), 9000, '9,000 arguments are none too many';
    is_faulty "\x{1b}[31m\x{ff} stream tcp nowait root /bin/cat",
        '1: service \x1b[31m\xff/tcp: unknown';
};

# A program may come later; then a start fails, and says so.
subtest 'programs' => sub {
    my $dir = File::Temp->newdir;
    my %why = (
        '/nonexistent' => 'No such file or directory',
        "$dir"         => 'it is a folder',
        '/etc/passwd'  => 'it is not executable',
        '/dev/null'    => 'it is no file',
        '/etc/passwd/' => 'Not a directory',
    );
    for my $program (sort keys %why) {
        my ($services, @said) = understood("7001 stream tcp nowait root $program\n");
        is_deeply \@said, ["FILE:1: warning: program $program: $why{$program}"],
            "$why{$program}: a warning";
        is scalar @$services, 1, 'and a service';
    }
    for my $row (['/nonexistent', 'No such file or directory'], ['/dev/null', 'it is no folder']) {
        my (undef, @said) = understood(
            "a on listen = 7001, user = root, exec = /bin/cat, directory = $row->[0];\n");
        is_deeply \@said, ["FILE:1: warning: directory $row->[0]: $row->[1]"], 'nor where it runs';
    }
};

subtest 'files' => sub {
    my $dir = File::Temp->newdir;

    is_deeply [run($CONFIG, "$dir/none")], [1, '', "$dir/none: No such file or directory\n"],
        'a file that is missing';
    spew("$dir/empty", '');
    is_deeply [run($CONFIG, "$dir/empty")],
        [1, '', "$dir/empty: warning: the file is empty\nno service is configured\n"],
        'R13: an empty one is refused';
    is_deeply [run($CONFIG, '-e', "$dir/empty")],
        [0, '', "$dir/empty: warning: the file is empty\n"], 'unless it is asked for';
    spew("$dir/comments", "# nothing\n\n  \n");
    is_deeply [run($CONFIG, "$dir/comments")], [1, '', "no service is configured\n"],
        'so is one of comments';
    is_deeply [run($CONFIG, '/dev/null')],
        [1, '', "/dev/null: a device; a file or a folder is wanted\n"],
        'a device';
    system('mkfifo', "$dir/fifo") == 0 or die 'mkfifo';
    is_deeply [run($CONFIG, "$dir/fifo")],
        [1, '', "$dir/fifo: a FIFO; a file or a folder is wanted\n"],
        'a FIFO is not waited for';
    my $socket = IO::Socket::UNIX->new(Local => "$dir/socket", Listen => 1) or die $!;
    is_deeply [run($CONFIG, "$dir/socket")],
        [1, '', "$dir/socket: a socket; a file or a folder is wanted\n"], 'a socket';
    spew("$dir/includes", ".include *o*\n");
    is_deeply [run($CONFIG, "$dir/includes")],
        [
        1,
        '',
        "$dir/includes:1: $dir/fifo: a FIFO; a file or a folder is wanted\n"
            . "$dir/includes:1: $dir/socket: a socket; a file or a folder is wanted\n"
        ],
        'those of a pattern';
    open my $big, '>', "$dir/big" or die $!;
    truncate $big, 20 << 20 or die $!;
    is_deeply [run($CONFIG, "$dir/big")], [1, '', "$dir/big: File too large\n"], '20 MiB of NULs';
    spew("$dir/broken", "7001 raw tcp nowait root /bin/cat\n");
    my (undef, undef, $err) = run($CONFIG, "$dir/none", "$dir/broken", "$dir/fifo");
    is $err,
          "$dir/none: No such file or directory\n"
        . "$dir/broken:1: socket type raw: netiod has stream and dgram\n"
        . "$dir/fifo: a FIFO; a file or a folder is wanted\n", 'all of several';
};

done_testing;
