# netio-whois: what it sends, what it shows, and what it says and exits with when that fails.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::Peer;
use POSIX ();
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;
delete $ENV{WHOIS_SERVER};

my $WHOIS = "$ENV{PWD}/csrc/build/netio-whois";
-x $WHOIS or BAIL_OUT('csrc/build/netio-whois is not there: run make first');
my $USAGE = 'usage: netio-whois [-46V] [-h HOST] [-p PORT] [--timeout SECONDS] QUERY...';
my $dir   = File::Temp->newdir;

sub slurp {
    my ($path) = @_;

    open my $fh, '<:raw', $path or die "$path: $!\n";
    local $/;
    return readline($fh) // '';
}

# Exit status, standard output, standard error.  The first arguments may be a hash: stdout is a
# path to write to, or '' for a closed one; with stdin or stderr '' those are closed too.
sub run {
    my $how       = ref $_[0] ? shift : {};
    my (@command) = @_;
    my $out       = $how->{stdout} // "$dir/out";
    my $pid       = fork           // die "fork: $!\n";

    if (!$pid) {
        open STDIN,  '<', '/dev/null' or POSIX::_exit(126);
        open STDERR, '>', "$dir/err"  or POSIX::_exit(126);
        if   ($out eq '') { close STDOUT }
        else              { open STDOUT, '>', $out or POSIX::_exit(126) }
        close STDIN  if defined $how->{stdin};
        close STDERR if defined $how->{stderr};
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return (
        $? & 127 ? 'signal ' . ($? & 127) : $? >> 8,
        -f $out  ? slurp($out)            : '',
        slurp("$dir/err")
    );
}

sub whois { return run(ref $_[0] ? shift : {}, $WHOIS, @_) }

# ---- the command line ------------------------------------------------------------------

my @wrong = (
    # arguments, standard error
    [[],                $USAGE],
    [['-x'],            $USAGE],
    [['--nosuch', 'x'], $USAGE],
    [['-h'],            $USAGE],
    [['--timeout', 'soon',          'x'], 'netio-whois: --timeout soon: not a number of seconds'],
    [['--timeout', '0',             'x'], 'netio-whois: --timeout 0: not a number of seconds'],
    [['--timeout', '-1',            'x'], 'netio-whois: --timeout -1: not a number of seconds'],
    [['--timeout', '5s',            'x'], 'netio-whois: --timeout 5s: not a number of seconds'],
    [['--timeout', 'nan',           'x'], 'netio-whois: --timeout nan: not a number of seconds'],
    [['--timeout', 'inf',           'x'], 'netio-whois: --timeout inf: not a number of seconds'],
    [['--timeout', '',              'x'], 'netio-whois: --timeout : not a number of seconds'],
    [['-p',        'nosuchservice', 'x'], 'netio-whois: port nosuchservice: unknown service'],
    [['-p',        '65536',         'x'], 'netio-whois: port 65536: unknown service'],
    [['-p',        "4\e3",          'x'], 'netio-whois: port 4\x1b3: unknown service'],
    [['-h',        'localhost:',    'x'], 'netio-whois: port : unknown service'],
    [['-h',        ':43',           'x'], 'netio-whois: :43: not a server'],
    [['-h',        '[]:43',         'x'], 'netio-whois: []:43: not a server'],
    [['-h',        '',              'x'], 'netio-whois: : not a server'],
    [['-h',        'a' x 300,       'x'], 'netio-whois: ' . 'a' x 299 . ': not a server'],
    [["two\nlines"],         'netio-whois: the query holds a line break'],
    [["two\rlines"],         'netio-whois: the query holds a line break'],
    [[''],                   'netio-whois: the query is empty'],
    [[' ', ' '],             'netio-whois: the query is empty'],
    [['x' x 1023],           'netio-whois: the query is longer than 1022 bytes'],
    [['x' x 511, 'x' x 511], 'netio-whois: the query is longer than 1022 bytes'],
);

# A word, as the name of a test can have it.
sub plain {
    my ($word) = @_;

    $word =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    return length $word > 40 ? 'many bytes' : "'$word'";
}

for my $case (@wrong) {
    my ($args, $said) = @$case;
    is_deeply(
        [whois(@$args)],
        [64, '', "$said\n"],
        'wrong call: ' . join ' ',
        map { plain($_) } @$args
    );
}

my ($status, $out, $err) = whois('--help');
is($status, 0, '--help exits with 0');
like($out, qr/\A\Q$USAGE\E\n/, 'and says the usage');
is((grep { length > 90 } split /\n/, $out) + ($out =~ tr/\n// > 24), 0, 'on one screen');
is_deeply([whois($_)], [0, "netio-whois (NetIO) 0.01\n", ''], $_) for '-V', '--version';

# ---- what is sent ----------------------------------------------------------------------

my $echo = NetIO::Test::Peer->start(
    run => sub {
        my ($socket) = @_;
        my $line = NetIO::Test::Peer::read_line($socket);
        NetIO::Test::Peer::send_all($socket, "<$line>");
    }
);
my @to_echo = ('-h', '127.0.0.1', '-p', $echo->port);
my @sent    = (
    # name, words, line
    ['one word', ['cisco*'],           'cisco*'],
    ['several',  ['de', 'la', 'Cruz'], 'de la Cruz'],
    [
        'as they are',
        ["a  b", "!00-00-0C", '?', "caf\xc3\xa9", "caf\xe9"],
        "a  b !00-00-0C ? caf\xc3\xa9 caf\xe9"
    ],
    ['behind --',        ['--', '-h', '--help'],              '-h --help'],
    ['options anywhere', ['word', '--timeout', '20', 'word'], 'word word'],
    ['the longest',      ['x' x 1022],                        'x' x 1022],
);
for my $case (@sent) {
    my ($name, $words, $line) = @$case;
    is_deeply([whois(@to_echo, @$words)], [0, "<$line\r\n>", ''], "sent: $name");
}

# ---- where to --------------------------------------------------------------------------

my $port    = $echo->port;
my @servers = (
    # name, $WHOIS_SERVER, arguments
    ['-h HOST:PORT',               undef,             ['-h',     "127.0.0.1:$port"]],
    ['--host, --port',             undef,             ['--host', '127.0.0.1',   '--port', $port]],
    ['-p before :PORT',            undef,             ['-h',     '127.0.0.1:1', '-p',     $port]],
    ['WHOIS_SERVER=HOST:PORT',     "127.0.0.1:$port", []],
    ['WHOIS_SERVER=HOST and -p',   '127.0.0.1',       ['-p', $port]],
    ['-h before WHOIS_SERVER',     'localhost:1',     ['-h', "127.0.0.1:$port"]],
    ['no server is localhost',     undef,             ['-p', $port]],
    ['WHOIS_SERVER= is localhost', '',                ['-p', $port]],
    ['-4',                         "localhost:$port", ['-4']],
);
for my $case (@servers) {
    my ($name, $server, $args) = @$case;
    local $ENV{WHOIS_SERVER} = $server;
    delete $ENV{WHOIS_SERVER} if !defined $server;
    is_deeply([whois(@$args, 'x')], [0, "<x\r\n>", ''], "server: $name");
}
SKIP: {
    skip 'no IPv6 here', 4 if !NetIO::Test::Peer->has_ipv6;
    my $six = NetIO::Test::Peer->start(host => '::1', answer => "six\r\n");
    my $at  = $six->port;
    for my $args (
        ['-h', "[::1]:$at"],
        ['-h', '::1',   '-p', $at],
        ['-h', '[::1]', '-p', $at],
        ['-6', '-p',    $at]
        )
    {
        is_deeply([whois(@$args, 'x')], [0, "six\r\n", ''], "server: @$args[0 .. 1]");
    }
}

# ---- what is shown ---------------------------------------------------------------------

my $bytes = join '', map { chr } 0 .. 255;
my $all   = NetIO::Test::Peer->start(answer => $bytes);
is_deeply(
    [whois('-h', '127.0.0.1', '-p', $all->port, 'x')],
    [0, $bytes, ''],
    'A18 into a file: every byte as it came'
);
my $much = join '', map { "line $_\r\n" } 1 .. 300_000;
my $big  = NetIO::Test::Peer->start(answer => $much);
($status, $out, $err) = whois('-h', '127.0.0.1', '-p', $big->port, 'x');
ok($status == 0 && $out eq $much && $err eq '', 'an answer of 3 MB');

# On a terminal, by script(1), which also joins the errors to it.
sub on_terminal {
    my ($peer) = @_;
    my (undef, $said) =
        run('script', '-qec', "$WHOIS -h 127.0.0.1 -p " . $peer->port . ' x', '/dev/null');

    $said =~ s/\r\n/\n/g;    # the terminal's
    return $said;
}
my @shown = (
    # name, sent, shown
    ['text',             "There were 1 matches.\r\n\r\n", "There were 1 matches.\n\n"],
    ['UTF-8',            "caf\xc3\xa9\n",                 "caf\xc3\xa9\n"],
    ['D5 ESC and CSI',   "\e[31mred\e]0;title\a\n",       "\\x1b[31mred\\x1b]0;title\\x07\n"],
    ['D5 C1',            "\xc2\x9b31m\n",                 "\\xc2\\x9b31m\n"],
    ['D5 not UTF-8',     "caf\xe9\n",                     "caf\\xe9\n"],
    ['D5 overwriting',   "good\rbad\n",                   "good\\x0dbad\n"],
    ['D5 right to left', "a\xe2\x80\xaeb\n",              "a\\xe2\\x80\\xaeb\n"],
    ['D5 DEL and NUL',   "a\x7fb\0c\n",                   "a\\x7fb\\x00c\n"],
    ['an unfinished character at the end', "caf\xc3",     "caf\\xc3"],
    ['an unfinished line end at the end',  "x\r",         "x\\x0d"],
    ['a tab',                              "a\tb\n",      "a\tb\n"],
);
SKIP: {
    my ($there, $works) = run('script', '-qec', 'echo works', '/dev/null');
    skip 'script(1) gives no terminal here', @shown + 1 if $there || $works !~ /works/;
    for my $case (@shown) {
        my ($name, $text, $shown) = @$case;
        is(on_terminal(NetIO::Test::Peer->start(answer => $text)), $shown, "on a terminal: $name");
    }
    # Split anywhere: a character that comes in two parts is still one.
    my $trickle = NetIO::Test::Peer->start(
        run => sub {
            my ($socket) = @_;
            NetIO::Test::Peer::read_line($socket);
            NetIO::Test::Peer::trickle($socket, "\xe2\x82\xac\r\n\xc3\xa9\e\r\n" x 20, 1);
        }
    );
    is(on_terminal($trickle), "\xe2\x82\xac\n\xc3\xa9\\x1b\n" x 20, 'on a terminal: byte by byte');
}

# ---- what goes wrong -------------------------------------------------------------------

sub against {
    my ($peer, @args) = @_;
    my ($exit, $said, $error) = whois('-h', '127.0.0.1', '-p', $peer->port, @args, 'x');

    $error =~ s/\b${\ $peer->port}\b/PORT/g;
    return [$exit, $said, $error];
}
my $at = 'netio-whois: 127.0.0.1:PORT:';
is_deeply(
    against(NetIO::Test::Peer->refusing),
    [69, '', "$at connect 127.0.0.1:PORT: Connection refused\n"],
    'A1 refused'
);
is_deeply(
    against(NetIO::Test::Peer->full, '--timeout', 0.2),
    [75, '', "$at connect 127.0.0.1:PORT: Connection timed out\n"],
    'A5 no room in its queue'
);
is_deeply(
    against(NetIO::Test::Peer->start('silent'), '--timeout', 1),
    [75, '', "$at read 127.0.0.1:PORT: Connection timed out\n"],
    'A6 accepts and says nothing'
);
my $drip = against(NetIO::Test::Peer->start(drip => 'x', 0.02), '--timeout', 2);
like($drip->[1], qr/\Ax+\z/, 'A7 a drip: what came is written');
is_deeply(
    [@$drip[0, 2]],
    [75, "$at read 127.0.0.1:PORT: Connection timed out\n"],
    'A7 and the time is up'
);
is_deeply(
    [@{ against(NetIO::Test::Peer->start(flood => 'x' x 4096), '--timeout', 0.3) }[0, 2]],
    [75, "$at read 127.0.0.1:PORT: Connection timed out\n"],
    'a flood without end: the time is up'
);
is_deeply(
    against(NetIO::Test::Peer->start(reset => "half an answ")),
    [74, 'half an answ', "$at read 127.0.0.1:PORT: Connection reset by peer\n"],
    'A8 a reset in the middle: what came is written, and it is no success'
);
is_deeply(
    against(NetIO::Test::Peer->start(answer => '')),
    [69, '', "$at read 127.0.0.1:PORT: closed by the other end\n"],
    'closed without an answer'
);
is_deeply(
    [whois('-h', 'no such host', 'x')],
    [68, '', "netio-whois: no such host:43: resolve no such host: not a valid host name\n"],
    'not a host'
);
is_deeply(
    [whois('-6', '-h', '127.0.0.1', 'x')],
    [
        68,
        '',
        "netio-whois: 127.0.0.1:43: resolve 127.0.0.1: host has no address of the wanted family\n"
    ],
    'the wrong family'
);
is_deeply(
    [whois('-h', "\e[2Jx", 'x')],
    [68, '', "netio-whois: \\x1b[2Jx:43: resolve \\x1b[2Jx: not a valid host name\n"],
    'D4 a host that would clear the screen'
);
SKIP: {
    skip 'no IPv6 here', 1 if !NetIO::Test::Peer->has_ipv6;
    my $refusing = NetIO::Test::Peer->refusing('::1');
    my $number   = $refusing->port;
    is_deeply(
        [whois('-p', $number, 'x')],
        [
            69,
            '',
            "netio-whois: localhost:$number: connect [::1]:$number: Connection refused; "
                . "connect 127.0.0.1:$number: Connection refused\n"
        ],
        'several addresses: each is listed'
    );
}

# ---- standard output -------------------------------------------------------------------

is_deeply(
    [whois({ stdout => '/dev/full' }, @to_echo, 'x')],
    [74, '', "netio-whois: standard output: No space left on device\n"],
    'a full disk'
);
is_deeply(
    [whois({ stdout => '' }, @to_echo, 'x')],
    [74, '', "netio-whois: standard output: Bad file descriptor\n"],
    'A28 standard output closed: the answer does not go to the server'
);
for my $closed (0 .. 7) {
    my %how = map { $closed & $_->[0] ? ($_->[1] => '') : () } [1, 'stdin'], [2, 'stdout'],
        [4, 'stderr'];
    my $answer = $closed & 2 ? '' : "<x\r\n>";
    my $said =
        $closed & 2 && !($closed & 4)
        ? "netio-whois: standard output: Bad file descriptor\n"
        : '';
    is_deeply(
        [whois(\%how, @to_echo, 'x')],
        [$closed & 2 ? 74 : 0, $answer, $said],
        'C6 closed: ' . (join(' ', sort keys %how) || 'nothing')
    );
}
is_deeply(
    [whois({ stdout => '/dev/full' }, '--help')],
    [74, '', "netio-whois: standard output: No space left on device\n"],
    '--help on a full disk'
);

# ---- names -----------------------------------------------------------------------------

SKIP: {
    my $missing = NetIO::Test::Netns->missing;
    skip $missing, 4 if $missing;
    my $ns =
        NetIO::Test::Netns->new('whois', 'resolv.conf' => "nameserver 127.0.0.1\n", 'hosts' => '');
    my $dns = NetIO::Test::DNS->start($ns, <<'ZONE');
bare.test       *   nodata
failing.test    *   servfail
silent.test     *   silent
ZONE
    my @named = (
        ['nosuch.test',  30,  68, 'host not found'],
        ['bare.test',    30,  68, 'host has no address of the wanted family'],
        ['failing.test', 30,  75, 'name service failed'],
        ['silent.test',  0.3, 75, 'Connection timed out'],
    );
    for my $case (@named) {
        my ($host, $seconds, $exit, $text) = @$case;
        is_deeply(
            [run($ns->prefix, $WHOIS, '--timeout', $seconds, '-h', $host, 'x')],
            [$exit, '', "netio-whois: $host:43: resolve $host: $text\n"],
            "name: $host"
        );
    }
}

done_testing;
