# netiod: definitions with keys, NetBSD's and those of our own; what --show writes is one.

use strict;
use warnings;

use POSIX ();
use Test::More;

use lib 't/lib';
use NetIO::Test::InetdConfig;
use NetIO::Test::Run;

alarm 300;

# The faults of a definition of that name and those keys; in what is right there are none.
sub faults_of {
    my ($keys, $name) = @_;

    return join "\n", map { s/^FILE://r } faults(($name // '7001') . " on $keys;\n");
}

my $RUN = 'user = nobody, exec = /bin/cat';

subtest 'NetBSD' => sub {
    my ($services, @said) = understood(<<'END');
7001 on
    bind = 127.0.0.1, # where
    socktype = stream, accept_max = 5, protocol = tcp,
    sndbuf = 64k, recvbuf = 1m, wait = no, service_max = 7, ip_max = 3,
    user = nobody, group = adm, exec = /bin/cat,
    args = cat "a b" 'c "d' "\x41\n\t\r\\\'\"",
; 7002 off user = nobody, exec = /bin/cat; 7003 on protocol=udp4,user=nobody,exec=/bin/cat;
echo on socktype = stream;
127.0.0.1:7004 on exec = /bin/cat, user = nobody, acceptfilter = httpready, ipsec = "in use"; 7005 stream tcp nowait root /bin/cat x;
7006 on exec = /bin/cat, user = nobody, bind = ::1 127.0.0.1, ipsec =;
END
    is_deeply \@said,
        [
        'FILE:9: warning: acceptfilter = httpready: this system has none',
        'FILE:9: warning: IPsec policies are not netiod\'s: no effect'
        ],
        'what has no effect is said';
    is_deeply [map { "$_->{line} $_->{name} $_->{protocol} $_->{listen}" } @$services],
        [
        '1 7001 tcp 127.0.0.1:7001',
        '7 7003 udp udp:0.0.0.0:7003',
        '8 echo tcp [::]:7 0.0.0.0:7',
        '9 7004 tcp 127.0.0.1:7004',
        '9 7005 tcp [::]:7005 0.0.0.0:7005',
        '10 7006 tcp [::1]:7006 127.0.0.1:7006',
        ],
        'definitions, on and off, several in a line, a classic one at its end';
    my %first = %{ $services->[0] };
    is_deeply [@first{qw(accept_max sndbuf recvbuf wait rate source_rate user group exec args)}],
        [
        5, 65536, 1048576, 'no', '7/60', '3/60', 'nobody', 'adm', '/bin/cat',
        'cat a b c "d A\x0a\x09\x0d\\\'"'
        ],
        'its keys';
    is $first{stderr},       'log', 'R28: errors go to the log';
    is $services->[1]{wait}, 'yes', 'datagrams: wait follows';
    is $services->[4]{args}, 'x;',  'in a classic line ";" is a letter';
};

subtest 'our own' => sub {
    my ($services, @said) = understood(<<'END');
fortune on
    listen = 127.0.0.1:7001 [::1]:7002 7003, backlog = 17, tcpmux = plus, user = nobody,
    exec = /bin/cat, env = PATH LANG* "A=b c", directory = /tmp, umask = 000,
    rlimit = nofile:64 as:512m core:unlimited, setuid_programs = yes, stderr = socket, names = yes,
    deny = 192.0.2.66 192.0.2.67, allow = 127.0.0.0/8 uid 33, exempt = unix, deny = all,
    max_clients = 7, max_per_source = 2, rate = 10/2.5, source_rate = 3, source_bits = 24/56,
    refused_text = "Go away; \"please\"", full_text = 'Later.',
    first_seconds = 3.5, total_seconds = 60;
local on listen = "unix:/run/x,mode=0600", user = nobody, exec = /bin/cat;
gram on listen = unix-dgram:/run/y, user = nobody, exec = /bin/cat;
echo on udp = yes, protocol = udp, bind = 127.0.0.1, rate = 0, idle_seconds = 9;
answer on listen = udp:127.0.0.1:7008, exec = internal, args = daytime, udp = yes;
warm on listen = 127.0.0.1:7009, pool = 9, exec = /etc/passwd, user = nobody, umask = 077;
tcpmux/+x on user = nobody, exec = /bin/cat;
tcpmux on exec = internal;
END
    is_deeply \@said, [], 'nothing is wrong';
    my %key = %{ $services->[0] };
    is "$key{listen} $key{backlog} $key{tcpmux}",
        '127.0.0.1:7001 [::1]:7002 [::]:7003 0.0.0.0:7003 17 plus', 'where it listens';
    is_deeply [@key{qw(env directory umask rlimit setuid_programs stderr names)}],
        [
        'PATH LANG* A=b c',
        '/tmp', '000',    'nofile:64 as:536870912 core:unlimited',
        'yes',  'socket', 'yes'
        ],
        'what is started';
    is_deeply [@key{qw(deny allow exempt)}],
        ['192.0.2.66 192.0.2.67 all', '127.0.0.0/8 uid 33', 'unix'], 'R33: who may';
    is_deeply [@key{qw(max_clients max_per_source rate source_rate source_bits)}],
        [7, 2, '10/2.5', '3/1', '24/56'], 'limits';
    is_deeply [@key{qw(refused_text full_text first_seconds total_seconds)}],
        ['Go away; "please"', 'Later.', 3.5, 60], 'texts and times';
    is_deeply [map { "$_->{name} $_->{protocol} $_->{socktype}" } @$services[1 .. 6]],
        [
        'local unix stream',
        'gram unix dgram',
        'echo udp dgram',
        'answer udp dgram',
        'warm tcp stream',
        'tcpmux/+x tcp stream'
        ],
        'what follows from where it listens';
    is_deeply [$services->[3]{udp}, $services->[3]{idle_seconds}, $services->[4]{args}],
        ['yes', 9, 'daytime'], 'R1: datagrams of our own are answered where that is asked for';
    is_deeply [$services->[5]{pool}, $services->[5]{umask}], [9, '077'], 'a pool';
};

# Whatever is found wrong when all of a definition is there has the line of its key.
subtest 'lines' => sub {
    my ($services, @said) = understood(<<'END');
a on
    listen = 127.0.0.1:7001
             300.1.1.1:7002,
    exec = /nonexistent,
    directory = /nonexistent,
    names = yes,
    wait = yes,
    udp = no,
    group = nosuch,
    user = root;
b on
    protocol = tcp,
    user = nosuch,
    args = what,
    listen = udp:127.0.0.1:7003;
7004 on
    args = what,
    user = nosuch,
    bind = 127.0.0.1
           300.1.1.1;
END
    is_deeply \@said,
        [
        'FILE:2: host 300.1.1.1: not a valid host name',
        'FILE:6: names are looked up for nowait programs only',
        q{FILE:8: udp: these are no datagrams of netiod's own services},
        'FILE:4: warning: program /nonexistent: No such file or directory',
        'FILE:5: warning: directory /nonexistent: No such file or directory',
        'FILE:9: group nosuch: no such group',
        'FILE:15: listen = udp:127.0.0.1:7003: not tcp',
        'FILE:13: user nosuch: no such user',
        'FILE:19: host 300.1.1.1: not a valid host name',
        'FILE:17: what: netiod has no such service itself',
        'FILE:18: user nosuch: no such user',
        ],
        'each has its own';
};

# What an address leaves open, other keys say.
subtest 'listen' => sub {
    my %listen = (
        'protocol = udp, listen = 1919'                     => 'udp dgram udp:0.0.0.0:1919',
        'protocol = udp6, listen = 1919'                    => 'udp dgram udp:[::]:1919',
        'socktype = dgram, listen = 1919'                   => 'udp dgram udp:0.0.0.0:1919',
        'socktype = dgram, listen = udp:1919'               => 'udp dgram udp:0.0.0.0:1919',
        'protocol = udp, listen = 127.0.0.1:19 udp:[::]:79' =>
            'udp dgram udp:127.0.0.1:19 udp:[::]:79',
        'listen = ::1:1919'                           => 'tcp stream [::1]:1919',
        'socktype = stream, listen = 127.0.0.1:1919'  => 'tcp stream 127.0.0.1:1919',
        'protocol = unix, listen = unix-dgram:/run/x' => 'unix dgram unix-dgram:/run/x,mode=0666',
    );
    for my $keys (sort keys %listen) {
        my ($services, @said) = understood("x on $RUN, $keys;\n");
        my $got = join ' ', map { @{$_}{qw(protocol socktype listen)} } @{ $services || [] };
        $got =~ s/udp:\[::\]:1919 (?=udp:0)//;
        is_deeply [$got, @said], [$listen{$keys}], $keys;
    }
};

# A list grows each time that it is full.
subtest 'any number of words' => sub {
    my @words = map { "word-$_" } 1 .. 70;
    my $text  = join '', map {
        my ($port, $args) = (7001 + $_, join ' ', @words[0 .. $_]);
        "$port stream tcp nowait nobody /bin/cat $args\n1$port on $RUN, args = $args;\n"
    } 0 .. $#words;
    my ($services, @said) = understood($text);

    is_deeply [@said], [], 'not a word';
    is_deeply [map { $_->{args} } @$services], [map { ("@words[0 .. $_]") x 2 } 0 .. $#words],
        'in both notations';
};

subtest '0 is any number' => sub {
    my $zero = 'rate = 0/60, source_rate = 0/2.5, max_clients = 0, max_per_source = 0';
    for my $keys ($zero, 'service_max = 0, ip_max = 0') {
        my ($services, @said) = understood("7001 on $RUN, accept_max = 0, $keys;\n", '-R', 9);
        is_deeply [
            @{ $services->[0] }{qw(rate source_rate max_clients max_per_source accept_max)}, @said
            ],
            [0, 0, 0, 0, 0], $keys;
    }
};

subtest 'wrong values' => sub {
    my %fault = (
        "$RUN, colour = red"              => '1: colour: no such key',
        "$RUN, user = root"               => '1: user: said twice',
        "$RUN, rate = 1, service_max = 2" => '1: service_max: said twice',
        "$RUN, wait = maybe"              => '1: wait = maybe: neither yes nor no',
        "$RUN, wait ="                    => '1: wait: wants one value',
        "$RUN, wait = no no"              => '1: wait: wants one value',
        "$RUN, bind ="                    => '1: bind: wants a value',
        "$RUN, umask = 888"               => '1: umask = 888: not an octal number up to 0777',
        "$RUN, umask = 1000"              => '1: umask = 1000: not an octal number up to 0777',
        "$RUN, pool = 65"                 => '1: pool = 65: not a number, or too large',
        "$RUN, rate = x"            => '1: rate = x: not a number of clients, as 10 or 100/60',
        "$RUN, source_rate = 0/x"   => '1: source_rate = 0/x: not a number of seconds up to 86400',
        "$RUN, rate = 1/0"          => '1: rate = 1/0: not a number of seconds up to 86400',
        "$RUN, ip_max = -1"         => '1: ip_max = -1: not a number up to 1000000',
        "$RUN, total_seconds = inf" =>
            '1: total_seconds = inf: not a number of seconds up to 86400',
        "$RUN, sndbuf = 0"          => '1: sndbuf = 0: not a number of bytes, as 65536, 64k or 1m',
        "$RUN, source_bits = 33/64" =>
            '1: source_bits = 33/64: not two lengths of prefixes, as 32/64',
        "$RUN, tcpmux = maybe"  => '1: tcpmux = maybe: neither yes, nor plus, nor no',
        "$RUN, stderr = file"   => '1: stderr = file: neither log nor socket',
        "$RUN, directory = tmp" => '1: directory = tmp: not an absolute path',
        "$RUN, env = \"=x\""    => '1: env = =x: a variable without a name',
        "$RUN, rlimit = nofile" =>
            '1: rlimit = nofile: not RESOURCE:NUMBER, as nofile:1024 or as:512m',
        "$RUN, rlimit = files:3" =>
            '1: rlimit = files:3: not RESOURCE:NUMBER, as nofile:1024 or as:512m',
        "$RUN, rlimit = as:3x" =>
            '1: rlimit = as:3x: not RESOURCE:NUMBER, as nofile:1024 or as:512m',
        "$RUN, allow = 192.0.2.1/24"     => '1: allow 192.0.2.1/24: not a valid network',
        "$RUN, allow = example.org"      => '1: allow example.org: not a valid network',
        "$RUN, allow = uid nosuch"       => '1: allow uid nosuch: no such user',
        "$RUN, access = rules"           => '1: access = rules: not an absolute path',
        "$RUN, access = /nonexistent"    => '1: access = /nonexistent: No such file or directory',
        "$RUN, refused_text = \"a\\nb\"" => '1: refused_text = a\x0ab: more than a line',
        "$RUN, listen = udp:79 80"       => '1: listen = 80: not udp',
        "$RUN, listen = 80 udp:79"       => '1: listen = udp:79: not tcp',
        "$RUN, protocol = udp, listen = tcp:79"    => '1: listen = tcp:79: not udp',
        "$RUN, protocol = unix, listen = 79"       => '1: listen = 79: not unix',
        "$RUN, protocol = tcp, listen = unix:/x"   => '1: listen = unix:/x: not tcp',
        "$RUN, socktype = stream, listen = udp:79" => '1: listen = udp:79: not stream',
        "$RUN, socktype = dgram, listen = unix:/x" => '1: listen = unix:/x: not dgram',
        "$RUN, listen = \"[::1]\""                 => '1: [::1]: an address without a port',
        "$RUN, listen = ::1"                       => '1: ::1: an address without a port',
        "$RUN, listen = udp:127.0.0.1"             => '1: 127.0.0.1: an address without a port',
        "$RUN, listen = unix:/x unix:y"            => '1: option unix:y: not a valid address',
        'exec = /bin/cat'                          => '1: 7001: no user',
        'args = echo, pool = 3'                    => '1: a pool is one of a program',
        'user = root'                              => '1: 7001: netiod has no such service itself',
        "$RUN, names = yes, wait = yes"       => '1: names are looked up for nowait programs only',
        "$RUN, pool = 2, wait = yes"          => '1: a pool must be stream and nowait',
        "$RUN, pool = 2, stderr = socket"     => '1: standard error of a pool is the log',
        "$RUN, tcpmux = yes, wait = yes"      => '1: 7001: behind tcpmux must be stream and nowait',
        "$RUN, listen = 79, bind = 127.0.0.1" => '1: bind: listen says where it listens',
        "$RUN, listen = unix:/x, bind = 127.0.0.1" => '1: bind: listen says where it listens',
        "$RUN, udp = yes" => q{1: udp: these are no datagrams of netiod's own services},
        "$RUN, udp = no, protocol = udp" =>
            q{1: udp: these are no datagrams of netiod's own services},
        'args = echo, udp = yes' => q{1: udp: these are no datagrams of netiod's own services},
        'socktype = dgram, protocol = unix, exec = internal, args = echo, listen = unix-dgram:/x'
            => q{1: netiod's own services are not for unix datagrams},
    );
    for my $keys (sort keys %fault) {
        is faults_of($keys), $fault{$keys}, $keys;
    }
    is faults_of("$RUN, bind = ::1", '127.0.0.1:7777'),
        '1: bind: a host is before the service already', 'two hosts';
    is faults_of("$RUN, bind = ::1", '/run/x'), '1: bind: a path has no host', 'of a path';
    is faults_of("$RUN, bind = ::1", 'tcpmux/x'), '1: bind: behind tcpmux nothing listens',
        'behind tcpmux';
    my $rlimit = 'not RESOURCE:NUMBER, as nofile:1024 or as:512m';
    my $own = 'netiod itself has only PATH, LANG, LANGUAGE, LC_* and TZ; any other wants a value';
    my %faults = (
        "$RUN, rlimit = foo:3 nofile:4 nofile:x" =>
            ["1: rlimit = foo:3: $rlimit", "1: rlimit = nofile:x: $rlimit"],
        "$RUN, env = \"=x\" \"\" \"*\"" =>
            [map { "1: env = $_: a variable without a name" } '=x', '', '*'],
        "$RUN, env = \"A B\" \" \" LD_* \"*A\" LC_ LC__ L* LA LANG LANGU* TZ* TZX* A" =>
            [map { "1: env = $_: $own" } 'A B', ' ', qw(LD_* *A LC_ LA TZX* A)],
        "$RUN, allow = foo 192.0.2.1 uid nosuch" =>
            ['1: allow foo: not a valid network', '1: allow uid nosuch: no such user'],
        "$RUN, listen = nosuch 80 300.1.1.1:81" =>
            ['1: service nosuch/tcp: unknown', '1: host 300.1.1.1: not a valid host name'],
        "$RUN, listen = unix:x unix:/y unix:z" =>
            ['1: option unix:x: not a valid address', '1: option unix:z: not a valid address'],
        "$RUN, bind = 300.1.1.1 127.0.0.1 300.1.1.2" => [
            '1: host 300.1.1.1: not a valid host name', '1: host 300.1.1.2: not a valid host name'
        ],
    );
    for my $keys (sort keys %faults) {
        is faults_of($keys), join("\n", @{ $faults{$keys} }), "all of them: $keys";
    }
    my $long = 'x' x 300;
    my $why  = 'not a name of a service';
    is faults_of("$RUN, listen = 80", 'a:b'),   "1: a:b: $why",   'a name with a colon';
    is faults_of("$RUN, listen = 80", '"a b"'), "1: a b: $why",   'with a blank';
    is faults_of("$RUN, listen = 80", q{a'b}),  "1: a'b: $why",   'with a quote';
    is faults_of("$RUN, listen = 80", $long),   "1: $long: $why", 'a long one';
    is faults_of("$RUN, listen = 80", 'tcpmux/x'),
        '1: tcpmux/x: not a name for a service behind tcpmux that listens', 'of tcpmux';
};

subtest 'signs' => sub {
    my %fault = (
        "7001 on $RUN"              => '1: 7001: the definition does not end with ;',
        "7001 on $RUN, "            => '1: 7001: the definition does not end with ;',
        "7001 on user nobody;"      => '1: user: no = behind it',
        "7001 on = nobody;"         => '1: a key is missing before the sign',
        "7001 on $RUN,, wait = no;" => '1: a key is missing before the sign',
        "7001 on $RUN, env = A=b;"  =>
            '1: = in a value: it wants quotes, or a , or ; is missing before it',
        "7001 on $RUN, args = \"a;\n"   => '1: a quote that does not end on its line',
        "7001 on $RUN, args = \"a\"b;"  => '1: a quoted word goes on behind the quote',
        "7001 on $RUN, args = a\"b\";"  => '1: a quote in the middle of a word',
        "7001 on $RUN, args = \"\\q\";" =>
            '1: a backslash goes before n, t, r, xXX, a quote or a backslash; no NULs',
        "7001 on $RUN, args = \"\\x00\";" =>
            '1: a backslash goes before n, t, r, xXX, a quote or a backslash; no NULs',
    );
    for my $text (sort keys %fault) {
        is join("\n", faults($text)), "FILE:$fault{$text}", $text;
    }
};

# xinetd lets a missing brace take the next service away, and says nothing.
subtest 'a missing ; does not hide what follows' => sub {
    is_deeply [faults(<<"END")],
7001 on $RUN
7002 on $RUN, wait = maybe;
7003 on $RUN, args = "x
7004 on $RUN, wait = perhaps;
7005 on user nobody
# a comment; with a sign
7006 stream sctp nowait root /bin/cat
7007 on $RUN, pool = ;
END
        [
        'FILE:2: = in a value: it wants quotes, or a , or ; is missing before it',
        'FILE:3: a quote that does not end on its line',
        'FILE:4: wait = perhaps: neither yes nor no',
        'FILE:5: user: no = behind it',
        'FILE:7: protocol sctp: netiod has tcp, udp and unix',
        'FILE:8: pool: wants one value',
        ],
        'R13: the others are read';
};

# What is off is judged all the same.
is_deeply [faults("7001 off user = nosuch, exec = /bin/cat;\n")],
    ['FILE:1: user nosuch: no such user'], 'off: judged';
is_deeply [understood("7001 off $RUN;\n", '-e')], [[]], 'and left out';

subtest 'a file of rules' => sub {
    my $rules      = config_file('rules', "deny 192.0.2.1\n");
    my $text       = "7001 on $RUN, allow = 127.0.0.1, access = $rules, deny = all;\n";
    my ($services) = understood($text);

    is_deeply [@{ $services->[0] }{qw(allow access deny)}], ['127.0.0.1', $rules, 'all'], 'shown';
    my $one = config_file('one', $text);
    is((run($CONFIG, '-c', $one, $one))[1], "7001 differs\n", 'it may have changed at any time');
    spew($rules, "deny 192.0.2.1\nallow 192.0.2.2/24\n");
    is_deeply [faults($text)],
        ["FILE:1: access = $rules:2: 192.0.2.2/24: not a valid network"], 'what is wrong in it';
    for my $nothing ('', "# deny all\n\n") {
        spew($rules, $nothing);
        is_deeply [faults($text)], ["FILE:1: access = $rules: no rule in it"],
            'a file cut to nothing does not open the door, nor does one with a comment';
    }
    unlink $rules;
    POSIX::mkfifo($rules, 0600) or die "$rules: $!\n";
    for my $path ($rules, '/etc') {
        is_deeply [faults("7001 on $RUN, access = $path;\n")],
            ["FILE:1: access = $path: not a regular file"], "$path";
    }
};

subtest '--show is read back to the same' => sub {
    for my $seed (sort grep { !/faults/ } glob 'fuzz/seeds/netiod-config/*') {
        my ($status, $out) = run($CONFIG, $seed);
        is $status, 0, $seed;
        my $again = config_file('shown', $out);
        my (undef, $twice) = run($CONFIG, $again);
        is $twice =~ s/^#.*\n//mgr, $out =~ s/^#.*\n//mgr, 'the same text';
        my (undef, $same) = run($CONFIG, '-c', $seed, $again);
        is_deeply [grep { !/ same$/ } split /\n/, $same], [], 'the same services';
    }
};

# config_same: each member counts.
subtest 'the same or not' => sub {
    my $base = 'x on listen = 127.0.0.1:7001, user = nobody, exec = /bin/cat';
    my $one  = config_file('one', "$base;\n");

    for my $key (
        'backlog = 3',
        'recvbuf = 64k',
        'sndbuf = 64k',
        'tcpmux = yes',
        'args = cat x',
        'wait = yes',
        'pool = 2',
        'env = PATH',
        'directory = /tmp',
        'umask = 077',
        'rlimit = as:1m',
        'setuid_programs = yes',
        'stderr = socket',
        'names = yes',
        'allow = all',
        'max_clients = 3',
        'max_per_source = 3',
        'rate = 3',
        'source_rate = 3',
        'source_bits = 24/64',
        'refused_text = x',
        'full_text = x',
        'first_seconds = 1',
        'total_seconds = 1',
        'group = adm',
        'accept_max = 1',
        'idle_seconds = 1'
        )
    {
        my $other = config_file('other', "# moved\n$base, $key;\n");
        is((run($CONFIG, '-c', $one,   $other))[1], "x differs\n", $key);
        is((run($CONFIG, '-c', $other, $other))[1], "x same\n",    "$key twice");
    }
    my $moved = config_file('other', "\n\n$base;\n");
    is((run($CONFIG, '-c', $one, $moved))[1], "x same\n", 'the line does not count');
};

done_testing;
