# whoisd: clients that do not behave, while others are served.

use strict;
use warnings;

use File::Temp ();
use Socket     qw(IPPROTO_TCP MSG_OOB SHUT_WR SOL_SOCKET SO_LINGER TCP_NODELAY);
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $dir = File::Temp->newdir;
my $db  = build_directory(
    "$dir/a.db",
    [
        (map { { handle => "C$_", name => "Common $_", summary => 's' x 800 } } 1 .. 250),
        { handle => 'megabyte', name => 'Megabyte', fields => [(['', '']) x 43_000] }
    ]
);
my $too_long = "Sorry, that query is too long (1024 bytes at most).\r\n";
my $peer     = qr/127\.0\.0\.1:\d+/;
my $ms       = qr/\d+\.\d{3} ms/;

sub served {
    my ($d, $name) = @_;

    like $d->ask("!c7\r\n"), qr/Full Name: Common 7\r\n/, "$name: others are served";
    return;
}

# Sends what fits without waiting for the peer to read it.
sub push_octets {
    my ($socket, $octets, $total) = @_;
    my $sent = 0;

    while ($sent < $total) {
        my $n = syswrite $socket, $octets,
            $total - $sent < length $octets ? $total - $sent : length $octets;
        last if !defined $n;
        $sent += $n;
    }
    return $sent;
}

my $d = NetIO::Test::Daemon->whoisd($db);

# ---- too much ----------------------------------------------------------------------------

for my $row (
    ['1 MB without an end (D24)', 'x'],
    ['1 MB of NULs',              "\0"],
    ['1 MB of CRs',               "\r"],
    ['1 MB of octets',            join('', map { chr } 0 .. 9, 11 .. 255)],
    )
{
    my ($name, $octets) = @$row;
    my $client = $d->connect;

    push_octets($client, $octets x (65536 / length $octets), 1 << 20);
    shutdown $client, SHUT_WR;
    is $d->read_all($client), $too_long, "$name: answered, without a reset";
    ok $d->wait_log(qr/$peer - query too long $ms\n/), "$name: and logged";
}
{
    my $client = $d->connect;
    my $answer = $d->ask("!c1\r\n");

    push_octets($client, "!c1\r\n" x 10_000, 1 << 20);
    is $d->read_all($client), $answer, 'a megabyte of pipelined queries gets one answer (D24)';
    served($d, 'pipelined');
}
{
    my $client = $d->connect;

    syswrite $client, "!c1\r\n";
    like $d->read_all($client), qr/Common 1\r\n/, 'the answer ends with the end of file';
    push_octets($client, 'x' x 65536, 1 << 20);
    close $client;
    served($d, 'talk behind the answer');
}

# ---- patterns ----------------------------------------------------------------------------

# What is a trap for an engine with patterns, as long as a client likes.
for my $row (
    ['SQL (D21)',                  q{' OR '1'='1' -- }],
    ['LDAP (D21)',                 '*)(uid=*'],
    ['a regular expression (D21)', '(a+)+$'],
    ['FTS5 (D21)',                 '"a" NEAR("b" OR '],
    ['stars (D23)',                '* '],
    ['words with stars (D23)',     'a* '],
    )
{
    my ($name, $piece) = @$row;

    is $d->ask($piece x (65_536 / length $piece) . "\r\n"), $too_long, "$name: 64 KiB";
    my $most = substr $piece x 1024, 0, 1024;
    like $d->ask("$most\r\n"),
        qr/\A(?:There were no matches|Sorry, (?:that query has too many words|please ask))/,
        "$name: 1024 bytes";
}
served($d, 'patterns');

# ---- octets at odd times -----------------------------------------------------------------

for my $split (1 .. 6) {
    my $client = $d->connect;
    my $query  = "!c42\r\n";

    setsockopt $client, IPPROTO_TCP, TCP_NODELAY, 1;
    syswrite $client, substr $query, 0, $split;
    served($d, "between octets $split") if $split == 3;
    syswrite $client, substr $query, $split;
    like $d->read_all($client), qr/Common 42\r\n/, "a query in two pieces, cut at $split";
}
{
    my $client = $d->connect;
    for my $octet (split //, "!c42\r\n") {
        syswrite $client, $octet;
        $d->ask("help\r\n");
    }
    like $d->read_all($client), qr/Common 42\r\n/, 'a query octet by octet';
}
{
    my $client = $d->connect;
    send $client, '!', MSG_OOB;
    syswrite $client, "c42\r\n";
    ok defined $d->read_all($client), 'urgent data does no harm (A23)';
}
$d->wait_log(qr/"c?42?" \d+ matches/);

# ---- ends at odd times -------------------------------------------------------------------

for my $row (
    ['no query',      '',            qr/- no query/],
    ['half a query',  'cis',         qr/- reset/],
    ['a whole query', "common*\r\n", qr/(?:- reset|"common\*" 250 matches $ms, reset)/],
    )
{
    my ($name, $octets, $line) = @$row;
    my $client = $d->connect;

    syswrite $client, $octets if length $octets;
    setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'II', 1, length $octets ? 0 : 1;
    close $client;
    ok $d->wait_log(qr/$peer $line\n/), "a reset after $name";
    served($d, "reset after $name");
}
{
    my $client = $d->connect;
    syswrite $client, "common*\r\n";
    sysread $client, my $data, 100;
    setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0;
    close $client;
    ok $d->wait_log(qr/$peer "common\*" 250 matches $ms(?:, reset)?\n/),
        'a reset in the middle of the answer';
}
served($d, 'after all that');
$d->finish;

# ---- a search that would take long -------------------------------------------------------

# Rows of two words in turn, and a phrase of one of them: each of a million places is tried.
{
    my @fields = (['Text', 'a b ' x 10_000]);
    my $dense  = build_directory("$dir/dense.db",
        [map { { handle => "d$_", name => "Dense $_", fields => \@fields } } 1 .. 100]);
    my $busy   = NetIO::Test::Daemon->whoisd($dense);
    my $phrase = join '-', ('a') x 32;
    my $client = $busy->connect;

    syswrite $client, "$phrase\r\n";
    like $busy->ask("dense\r\n"), qr/\AThere were 100 matches/, 'who asks meanwhile is served';
    is $busy->read_all($client),
        "Sorry, the search took too long; please ask for longer or fewer words.\r\n",
        'a search that does not end soon is ended';
    ok $busy->wait_log(qr/$peer "$phrase" search took too long $ms\n/), 'which is in the log';
    like $busy->ask("a b\r\n"), qr/\AThere were 100 matches/, 'and the next search is as ever';
    $busy->finish;
}

# ---- the slow ----------------------------------------------------------------------------

{
    my $hurry  = NetIO::Test::Daemon->whoisd($db, '--query-seconds', 6);
    my $client = $hurry->connect;
    my $sent   = 0;

    # An octet whenever the log has nothing to say for a twentieth of a second.
    until ($hurry->wait_log(qr/$peer - no query in time\n/, 0.05)) {
        defined syswrite $client, 'x' or last;
        last if ++$sent > 500;
    }
    ok $sent < 500, 'a drip of octets does not extend the time (D24)';
    is $hurry->read_all($client) // '', '', 'the connection is closed';
    served($hurry, 'drip');
    $hurry->finish;
}
{
    # The kernel takes a megabyte for a TCP client, but no more than some 200 KB for a local one.
    my $hurry = NetIO::Test::Daemon->start(
        args => [
            '--listen',    "unix:$dir/s", '--listen',         '127.0.0.1:0',
            '--directory', "sqlite:$db",  '--answer-seconds', '0.5'
        ],
        ready => qr/listening on 127\.0\.0\.1:(\d+), \d+ entries\n/
    );
    my @deaf = map { $hurry->connect(path => "$dir/s") } 1 .. 10;

    syswrite $_, "!megabyte\r\n" for @deaf;
    served($hurry, 'deaf');
    my @cut =
        grep { $hurry->wait_log(qr/unix: "!megabyte" 1 matches $ms, answer not taken in time\n/) }
        @deaf;
    is scalar @cut,                          10, 'clients that never read are cut off';
    isnt length($hurry->read_all($_) // ''), 0,  'with what they had been sent' for $deaf[0];
    served($hurry, 'deaf, and cut off');
    $hurry->finish;
}
{
    my $patient = NetIO::Test::Daemon->whoisd($db);
    my $client  = $patient->connect;
    my $got     = 0;

    syswrite $client, "!megabyte\r\n";
    while (my $n = sysread $client, my $data, 10_000) {
        $got += $n;
        served($patient, "slow reader at $got") if $got <= 40_000;
    }
    ok $got > 1_000_000, 'who reads slowly gets all of it';
    $patient->finish;
}

# ---- the many ----------------------------------------------------------------------------

SKIP: {
    my $limit = 0 + `ulimit -Hn 2>/dev/null` || 1024;
    skip 'too few descriptors', 4 if $limit < 1200;
    my $crowd = NetIO::Test::Daemon->start(
        args  => ['--listen', '127.0.0.1:0', '--directory', "sqlite:$db"],
        wrap  => ['/bin/sh',  '-c', 'ulimit -Sn 256 && exec "$0" "$@"'],
        ready => qr/listening on 127\.0\.0\.1:(\d+), \d+ entries\n/,
    );
    my ($soft) =
        NetIO::Test::Daemon::slurp('/proc/' . $crowd->pid . '/limits') =~ /Max open files\s+(\d+)/;
    ok $soft >= 1200, "it may open $soft descriptors";

    # The test's own limit may be lower: clients of a child each, a hundred connections a child.
    pipe(my $stop, my $going) or die "pipe: $!\n";
    my @children = map {
        pipe(my $ready, my $done) or die "pipe: $!\n";
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            close $going;
            my @silent = eval {
                map { $crowd->connect } 1 .. 100;
            };
            syswrite $done, 'x' if @silent == 100;
            close $done;
            sysread $stop, my $end, 1;
            require POSIX;
            POSIX::_exit(0);
        }
        close $done;
        [$pid, $ready];
    } 1 .. 10;
    is scalar(grep { sysread $_->[1], my $word, 1 } @children), 10,
        'a thousand connections that say nothing';
    served($crowd, 'a thousand silent ones');
    close $going;
    waitpid $_->[0], 0 for @children;
    is scalar(grep { !$crowd->wait_log(qr/$peer - no query\n/) } 1 .. 1000), 0,
        'and each leaves its line';
    $crowd->finish;
}
{
    my $few = NetIO::Test::Daemon->start(
        args  => ['--listen', '127.0.0.1:0', '--directory', "sqlite:$db"],
        wrap  => ['/bin/sh',  '-c', 'ulimit -n 200 && exec "$0" "$@"'],
        ready => qr/listening on 127\.0\.0\.1:(\d+), \d+ entries\n/,
    );
    my @silent  = map { $few->connect } 1 .. 300;
    my $waiting = $few->connect;

    syswrite $waiting, "!c7\r\n";
    ok $few->wait_log(qr/^whoisd: accept 127\.0\.0\.1:\d+: no room left\n/m),
        'more connections than descriptors: a line in the log';
    close $_ for @silent;
    like $few->read_all($waiting), qr/Common 7\r\n/, 'who waits is served when others have gone';
    $few->finish;
}

done_testing;
