# whois2html: what it says, to people and to the log, when its configuration, the directory or
# itself is in trouble; and how it runs.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use NetIO::Test::DNS;
use NetIO::Test::Daemon;
use NetIO::Test::Directory 'build_directory';
use NetIO::Test::Gateway;
use NetIO::Test::Netns;
use NetIO::Test::Peer;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $dir = File::Temp->newdir;
my %kind;    # one page of every kind, for tidy
my $attack = q{<script>alert("1")</script>&'};

# Without a server to ask.
my %alone =
    (WHOIS2HTML_SERVER => '127.0.0.1', WHOIS2HTML_PORT => NetIO::Test::Peer->refusing->port);

subtest 'wrong values' => sub {
    my @wrong = (
        [PORT   => 'no-such-service', 'tcpopen 127.0.0.1 no-such-service: unknown service'],
        [PORT   => '0',               undef],
        [PORT   => '65536',           undef],
        [SERVER => 'a b',             undef],
        [SERVER => "a\nb",            undef],
    );
    push @wrong, map { [SECONDS => $_, "WHOIS2HTML_SECONDS: no number of seconds: $_"] } 0, '0.0',
        -1, 'soon', '1e3', 'inf', 'nan', '1 s', '9' x 9;
    for (@wrong) {
        my ($variable, $value, $log) = @$_;
        my $page = $kind{setup} =
            serve({}, %alone, QUERY_STRING => 'q=x', "WHOIS2HTML_$variable" => $value);
        my $name = "$variable '$value'" =~ s/\n/|/r;
        is_sound($page, $name);
        is $page->{status}, 500,                                   'status';
        is $page->{err},    qq{whois2html: 500 for "q=x": $log\n}, 'log' if defined $log;
        isnt $page->{err},  '',                                    'log';
    }
    is serve({}, %alone, WHOIS2HTML_SECONDS => 'soon')->{status}, 200,
        'the start page needs none of them';
};

# ---- the directory in trouble ---------------------------------------------------------------

my $begun   = "There were 1 matches on your request.\r\n\r\n           Full Name: Reg\r\n";
my %trouble = (
    # name => [peer, status, log, a sentence of the page, seconds]
    'refused' => [
        NetIO::Test::Peer->refusing,
        502,
        'tcpopen 127.0.0.1 PORT: connect 127.0.0.1:PORT: Connection refused',
        'This page asks a directory server, and that does not answer.'
    ],
    'A6 silent' => [
        NetIO::Test::Peer->start('silent'),
        504,
        'ask 127.0.0.1 PORT: read: Connection timed out',
        'This page asked the directory, and has not got the whole answer in time.',
        0.5
    ],
    'A7 a drip' => [
        NetIO::Test::Peer->start(drip => "x\n", 0.01),
        504,
        'ask 127.0.0.1 PORT: read: Connection timed out',
        'This page asked the directory, and has not got the whole answer in time.',
        0.5
    ],
    'A5 a full queue' => [NetIO::Test::Peer->full, 504, undef, undef, 0.5],
    'A8 a reset'      => [
        NetIO::Test::Peer->start(reset => $begun),
        502,
        'ask 127.0.0.1 PORT: read: Connection reset by peer',
        'The connection to the directory was cut before its answer was complete.'
    ],
    'cut' => [
        NetIO::Test::Peer->start(answer => $begun),
        502,
        'the answer ends too early',
        'The connection to the directory was cut before its answer was complete.'
    ],
    'nothing' => [
        NetIO::Test::Peer->start(answer => ''),
        502,
        'the answer is empty',
        'The connection to the directory was cut before its answer was complete.'
    ],
    'a web server' => [
        NetIO::Test::Peer->start(answer => "HTTP/1.1 400 Bad Request\r\n\r\n"),
        502,
        'the answer begins: HTTP/1.1 400 Bad Request',
        'What this page got is not what a directory server says.'
    ],
    'A17 no end' => [
        NetIO::Test::Peer->start(flood => 'x' x 1000),
        502,
        'ask 127.0.0.1 PORT: answer longer than 2097152 bytes',
        'What this page got is not what a directory server says.'
    ],
    'D3 D4 every byte' => [
        NetIO::Test::Peer->start(answer => join '', map { chr } 0x80 .. 0xff, reverse 0 .. 0x7f),
        502, undef, undef
    ],
    'a long line' => [
        NetIO::Test::Peer->start(answer => 'x' x 100_000 . "\r\n"), 502,
        'the answer begins: ' . 'x' x 281 . '...',                  undef
    ],
    'sorry' => [
        NetIO::Test::Peer->start(
            answer => "Sorry, the directory is not available; please try again later.\r\n"
        ),
        503,
        'the directory is not available; please try again later.',
        'The directory is not available; please try again later.'
    ],
    'D13 sorry' => [
        NetIO::Test::Peer->start(answer => "Sorry, $attack\r\n"), 503,
        '<script>alert(\"1\")</script>&\'',                       $attack
    ],
);

subtest 'trouble' => sub {
    for my $name (sort keys %trouble) {
        my ($peer, $status, $log, $sentence, $seconds) = @{ $trouble{$name} };
        my $port = $peer->port;
        my $page = $kind{$name} = serve(
            {}, asking($peer),
            QUERY_STRING => 'q=x',
            $seconds ? (WHOIS2HTML_SECONDS => $seconds) : ()
        );
        is_sound($page, $name);
        is $page->{status}, $status, "$name: status";
        is $page->{err}, qq{whois2html: $status for "q=x": } . $log =~ s/PORT/$port/gr . "\n",
            "$name: log"
            if defined $log;
        like $page->{err}, qr/\Awhois2html: $status for "q=x": [ -~]+\n\z/, "$name: one line";
        ok scalar(grep { $_ eq $sentence } texts($page->{html})), "$name: $sentence"
            if defined $sentence;
        like $page->{html}, qr{<div id="error" role="alert">}, "$name: error";
        like $page->{html}, qr{name="q" value="x" },           "$name: the query stays";
    }
};

subtest 'D3 D4 D14 the log' => sub {
    my @logs = (
        [
            "q=\x01\x1b]52;c;x\x07\"\\\xff\r\n",
            '400 for "q=\x01\x1b]52;c;x\x07\"\\\\\xff\x0d\x0a": not UTF-8'
        ],
        ["q=\xe2\x80\xa8\xc2\x9b", '400 for "q=\xe2\x80\xa8\xc2\x9b": a control character'],
        ['q=%0a' . 'x' x 1000,     '400 for "q=%0a' . 'x' x 295 . '...": a control character'],
        ['q=' . '%n%s' x 3,        '400 for "q=%n%s%n%s%n%s": not percent-encoded'],
    );
    for (@logs) {
        my ($string, $log) = @$_;
        my $page = serve({}, %alone, QUERY_STRING => $string);
        is $page->{err}, "whois2html: $log\n", substr $log, 0, 40;
    }
    my $page = serve({ method => "G\nET\e" }, %alone);
    is $page->{err}, qq{whois2html: 405 for "": method G\\x0aET\\x1b\n}, 'a method';
    $page = serve({}, %alone, PATH_INFO => "/\xff\n");
    is $page->{err}, qq{whois2html: 404 for "": path /\\xff\\x0a\n}, 'a path';
};

SKIP: {
    my $missing = NetIO::Test::Netns->missing;
    skip $missing, 1 if $missing;
    subtest 'names' => sub {
        my $ns = NetIO::Test::Netns->new(
            'whois2html',
            'resolv.conf' => "nameserver 127.0.0.1\n",
            'hosts'       => ''
        );
        my $dns = NetIO::Test::DNS->start($ns, <<'ZONE');
failing.test    *   servfail
silent.test     *   silent
ZONE
        my @named = (
            ['nosuch.test',  502, 'tcpopen nosuch.test 43: host not found'],
            ['failing.test', 502, 'tcpopen failing.test 43: name service failed'],
            ['silent.test',  504, 'tcpopen silent.test 43: resolve: Connection timed out'],
        );
        for (@named) {
            my ($host, $status, $log) = @$_;
            my $page = serve(
                { wrap => [$ns->prefix] },
                QUERY_STRING       => 'q=x',
                WHOIS2HTML_SERVER  => $host,
                WHOIS2HTML_PORT    => 43,
                WHOIS2HTML_SECONDS => $status == 504 ? 0.5 : 60
            );
            is $page->{status}, $status,                                   "$host: status";
            is $page->{err},    qq{whois2html: $status for "q=x": $log\n}, "$host: log";
        }
    };
}

subtest 'a fault of its own' => sub {
    mkdir "$dir/$_" for 'NetIO', 'NetIO/Gateway';
    open my $broken, '>', "$dir/NetIO/Gateway/Inquiry.pm" or die $!;
    print {$broken} qq{die "broken <b>\\n"\n};
    close $broken;
    my $page = $kind{internal} = serve({ perl => ["-I$dir"] }, %alone, QUERY_STRING => 'q=x');
    is_sound($page, 'a page');
    is $page->{status}, 500, 'status';
    like $page->{err},
        qr/\Awhois2html: 500 for "q=x": broken <b>\\x0aCompilation failed in require at .*\n\z/,
        'log';
    unlike $page->{html}, qr/broken/, 'that strangers do not see';
};

my @entries = map { { handle => "M-$_", name => "Many $_", summary => 'x' } } 1 .. 251;
my $whoisd  = NetIO::Test::Daemon->whoisd(build_directory("$dir/directory", \@entries));

# ---- how it runs -------------------------------------------------------------------------

subtest 'F12 perl -T' => sub {
    plan skip_all => 'this perl checks no taint' if system("$^X -T -e 'exit !\${^TAINT}'");
    for my $query ('q=many', 'q=%21M-1', 'q=%FF', '', 'q=!') {
        my ($plain, $taint) = map {
            serve({ perl => $_ }, asking($whoisd), QUERY_STRING => $query, WHOIS2HTML_TITLE => 'T')
        } [], ['-T'];
        is_deeply $taint, $plain, "'$query': the same";
    }
};

subtest 'what it loads' => sub {
    mkdir "$dir/look";
    open my $file, '>', "$dir/look/Look.pm" or die $!;
    print {$file} "END { print STDERR join ' ', sort keys %INC } 1;\n";
    close $file;
    my $other = qr{^(?:Look|XSLoader|strict)\.pm$};
    # From blib, and only from there, XSLoader falls back to this, with all that follows.
    my $blib = qr{^(?:DynaLoader|Config|Config_\w+|vars|warnings|warnings/register)\.p[lm]$};
    my @rows = (
        ['',       'CGI HTML Page'],
        ['help',   'CGI HTML Page'],
        ['q=many', 'CGI HTML Inquiry Page'],
        ['q=!',    'CGI HTML Inquiry Page Trouble']
    );
    for (@rows) {
        my ($query, $expected) = @$_;
        my $page =
            serve({ perl => ["-I$dir/look", '-MLook'] }, asking($whoisd), QUERY_STRING => $query);
        my @loaded = split / /, $page->{err} =~ s/^whois2html.*\n//r;
        @loaded = grep { $_ !~ $blib } @loaded if grep { $_ eq 'DynaLoader.pm' } @loaded;
        @loaded = grep { $_ !~ $other } @loaded;
        is join(' ',
            map { s{^NetIO/Gateway/(.*)\.pm}{$1}r } grep { !m{^NetIO(?:/Whois)?\.pm$} } @loaded),
            $expected, "'$query'";
    }
};

SKIP: {
    my @trace = ('strace', '-f', '-o', "$dir/trace", '-e', 'trace=execve,write,openat,alarm');
    skip 'no strace', 1 if system "@trace true >/dev/null 2>&1";
    subtest 'D10 D20 its system calls' => sub {
        my $page = serve({ wrap => \@trace }, asking($whoisd), QUERY_STRING => 'q=many');
        open my $trace, '<', "$dir/trace" or die $!;
        my @calls = <$trace>;
        is scalar(grep { /execve\(.*= 0$/ } @calls), 1, 'no other program';
        is scalar(grep { / write\(1, / } @calls),    1, 'one write';
        is scalar(grep { / alarm\(120\) / } @calls), 1, 'an end to its life';
        serve({ wrap => \@trace }, asking($whoisd), QUERY_STRING => 'q=../../../../etc/passwd|sh');
        open $trace, '<', "$dir/trace" or die $!;
        @calls = <$trace>;
        is scalar(grep { /passwd/ } @calls),         0, 'no such file is opened';
        is scalar(grep { /execve\(.*= 0$/ } @calls), 1, 'no shell';
    };
}

subtest 'by hand' => sub {
    my $usage   = "usage: whois2html is run by a web server as a CGI program; see --help\n";
    my $version = do { require NetIO; $NetIO::VERSION };
    is_deeply [by_hand({ args => $_ })], [64, '', $usage], "arguments '@$_'"
        for [], ['x'], ['-h'], ['-V', 'x'], ['--help', 'x'];
    is_deeply [by_hand({ args => [$_] })], [0, "whois2html (NetIO) $version\n", ''], $_
        for '-V', '--version';
    my ($exit, $out, $err) = by_hand({ args => ['--help'] });
    is "$exit $err", '0 ', '--help';
    like $out, qr/^Usage:.*WHOIS2HTML_SERVER/s, 'text';
    my $full = "whois2html: cannot write: No space left on device\n";
    is_deeply [by_hand({ args => [$_], stdout => '/dev/full' })], [74, '', $full],
        "$_ on a full disk"
        for '-V', '--help';
    is_deeply [by_hand({ stdout => '/dev/full' }, REQUEST_METHOD => 'GET')], [74, '', $full],
        'a page on a full disk';
};

subtest 'tidy -e' => sub { is_tidy(%kind) };

$whoisd->finish;
done_testing;
