# whois2html behind a real web server: what goes over HTTP, also when the request is hostile, or
# the directory server is away, slow or mad.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use NetIO::Test::Daemon;
use NetIO::Test::Peer;
use NetIO::Test::Web;
use Test::More;

plan skip_all => $_ for grep { defined } NetIO::Test::Web->missing;
plan skip_all => 'no DBD::SQLite' if !eval { require DBD::SQLite };
require NetIO::Test::Directory;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $TITLE = 'Larkmere';
my $dir   = File::Temp->newdir;

NetIO::Test::Directory::build_directory(
    "$dir/directory",
    [
        {
            handle  => '481800',
            name    => 'Quinton, Philippa',
            summary => 'President, Alder Hall 307',
            fields  => [
                ['Full Name', 'Quinton, Philippa'],
                ['E-mail',    'philippa.quinton@example.edu'],
                ['Index Key', '481800']
            ],
        },
        { handle => '416812', name => "Quinton, Ana\x{ef}s",           summary => 'Physics' },
        { handle => '446713', name => q{<i>O'Neill</i> & "Daughters"}, summary => '<b>Law</b>' },
        map { { handle => $_, name => "Numbered, Person $_" } } 100 .. 119,
    ]
);
my $whoisd = NetIO::Test::Daemon->whoisd("$dir/directory");

# The page, asking that port; seconds: how long for, where nothing will answer.
sub page_asking {
    my ($port, %how) = @_;
    my %setup = (TITLE => $TITLE, SECONDS => delete $how{seconds} || 30);

    return NetIO::Test::Web->whois2html($port, \%setup, %how);
}

# Characters of a heading, as UTF-8.
sub heading {
    my ($answer)  = @_;
    my ($heading) = ($answer->{body} // '') =~ m{<h1>(.*?)</h1>}s;
    return $heading // '';
}

my $POLICY = qr/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+\/]{43}='; img-src data:; /
    . qr/form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/;

# Status, heading, and, as of every answer of ours, the headers.
sub is_page {
    my ($answer, $status, $heading, $name) = @_;
    my %header = map { $_ => join ', ', @{ $answer->{headers}{$_} } } keys %{ $answer->{headers} };

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    subtest $name => sub {
        is $answer->{status},       $status,  'status' or diag $answer->{text} // 'no answer';
        is heading($answer),        $heading, 'heading' if defined $heading;
        is $header{'content-type'}, 'text/html; charset=utf-8', 'content-type';
        like $header{'content-security-policy'}, qr/^$POLICY$/, 'policy';
        is $header{'x-content-type-options'}, 'nosniff',                            'no sniffing';
        is $header{'referrer-policy'},        'no-referrer',                        'no referrer';
        is $header{'cache-control'},          'private, no-cache',                  'cache';
        is $header{allow},                    $status == 405 ? 'GET, HEAD' : undef, 'allow';
        is $header{'content-length'},         length $answer->{body}, 'length' if defined $heading;
        unlike join("\n", keys %header), qr/evil|set-cookie|location/i, 'no other header';
        unlike $answer->{body},          qr/<(?:script|b|i|img)\b/i,    'no foreign tag';
    };
    return;
}

# What the web server says by itself is not our page.
sub is_refused {
    my ($answer, $status, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is join(' ',
        $answer->{status} // 'none',
        $answer->{headers}{'content-security-policy'} ? 1 : 0),
        "$status 0", $name;
    return;
}

my $web = page_asking($whoisd->port);

# ---- pages ---------------------------------------------------------------------------------

my @pages = (
    # path, status, heading, a part of the page
    ['/',           200, $TITLE,                                          '<form id="search"'],
    ['/?q=',        200, $TITLE,                                          '<form id="search"'],
    ['/?help',      200, 'Help',                                          '<kbd>'],
    ['/?q=quinton', 200, "2 matches for \xe2\x80\x9cquinton\xe2\x80\x9d", '?q=%21481800'],
    ['/?q=philippa',           200, 'Quinton, Philippa',     'philippa.quinton@example.edu'],
    ['/?q=%21481800',          200, 'Quinton, Philippa',     '<dl id="card"'],
    ['/?q=!481800',            200, 'Quinton, Philippa',     '<dl id="card"'],
    ['/?q=anais',              200, "Quinton, Ana\xc3\xafs", '416812'],
    ['/?q=ana%C3%AFs+quinton', 200, "Quinton, Ana\xc3\xafs", '416812'],
    ['/?q=daughters', 200, '&lt;i&gt;O&#39;Neill&lt;/i&gt; &amp; &quot;Daughters&quot;',
        '446713'
    ],
    ['/?q=nobody',        200, "Nothing found for \xe2\x80\x9cnobody\xe2\x80\x9d", 'id="none"'],
    ['/?q=%21999999',     404, "No entry \xe2\x80\x9c!999999\xe2\x80\x9d",         'id="none"'],
    ['/?q=' . 'x' x 1023, 400, 'That query is too long',                           'id="error"'],
    ['/?q=a&q=b',         400, 'That address asks twice',                          'id="error"'],
);
for (@pages) {
    my ($path, $status, $heading, $part) = @$_;
    my $name   = length $path > 40 ? substr($path, 0, 40) . '...' : $path;
    my $answer = $web->get($path);
    is_page($answer, $status, $heading, "GET $name");
    like $answer->{body}, qr/\Q$part\E/, "GET $name: its content";
}

# ---- the request, word by word ---------------------------------------------------------------

# A second web server, of the careless kind: what the first one refuses, it hands on.
my $careless = page_asking($whoisd->port, config => <<'CONF');
server.http-parseopts = ("header-strict" => "disable", "host-strict" => "disable",
    "host-normalize" => "disable", "url-normalize" => "disable", "url-ctrls-reject" => "disable",
    "url-path-dotseg-remove" => "disable", "url-path-2f-decode" => "disable")
CONF

my $host = "Host: localhost\r\nConnection: close\r\n";

# Status and heading of our pages; a number alone is the web server's own page.
my %page = (
    start    => [200, $TITLE],
    philippa => [200, 'Quinton, Philippa'],
    none     => [200],
    length   => [400, 'That request makes no sense here'],
    control  => [400, 'That query has invisible characters'],
    encoding => [400, 'Those characters cannot be read'],
    path     => [404, 'There is no such page'],
    method   => [405, 'That cannot be done here'],
);

# name, request line and headers, body; what the first server answers, and the careless one
my @requests = (
    ['D15 POST', "POST / HTTP/1.1\r\nContent-Length: 9", 'q=quinton', 'method', 'method'],
    [
        'D15 POST that ends too early',
        "POST / HTTP/1.1\r\nContent-Length: 1000",
        'q=quinton', 'method', 'method'
    ],
    [
        'D15 POST that goes on too long',
        "POST / HTTP/1.1\r\nContent-Length: 3",
        'q=quinton', 'method', 'method'
    ],
    [
        'D15 POST of 4 GiB',
        "POST / HTTP/1.1\r\nContent-Length: 4294967296",
        'q=quinton', 'length', 'length'
    ],
    [
        'D15 POST in chunks',
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked",
        "9\r\nq=quinton\r\n0\r\n\r\n", 'method', 'method'
    ],
    ['D15 GET with a body', "GET / HTTP/1.1\r\nContent-Length: 9",          'q=quinton', 400, 400],
    ['D15 GET with 4 GiB',  "GET / HTTP/1.1\r\nContent-Length: 4294967296", '',          400, 400],
    ['D15 GET with less than nothing', "GET / HTTP/1.1\r\nContent-Length: -1",   '',     400, 400],
    ['D15 GET with a length in words', "GET / HTTP/1.1\r\nContent-Length: nine", '',     400, 400],
    [
        'D15 GET with two lengths',
        "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6",
        'hello', 400, 400
    ],
    ['D15 PUT', "PUT / HTTP/1.1\r\nContent-Length: 3", 'abc', 'method', 'method'],
    (map { ["D15 $_", "$_ / HTTP/1.1", '', 'method', 'method'] } qw(DELETE OPTIONS TRACE PATCH)),
    ['D14 a header in the query', 'GET /?q=%0d%0aX-Evil:%20yes HTTP/1.1',   '', 400,   'control'],
    ['D14 a body in the query',   'GET /?q=a%0d%0a%0d%0a<script> HTTP/1.1', '', 400,   'control'],
    ['D14 a header in the path',  'GET /%0d%0aX-Evil:yes HTTP/1.1',         '', 400,   'path'],
    ['D14 %00',                   'GET /?q=a%00b HTTP/1.1',                 '', 400,   'control'],
    ['D14 %00 in the path',       'GET /a%00b HTTP/1.1',                    '', 400,   'path'],
    ['D4 an escape sequence',     'GET /?q=%1b%5b2J HTTP/1.1',              '', 400,   'control'],
    ['D4 a C1 control character', 'GET /?q=%c2%9b HTTP/1.1',           '', 'control',  'control'],
    ['D6 no UTF-8',               'GET /?q=%c3%28 HTTP/1.1',           '', 'encoding', 'encoding'],
    ['D6 a surrogate',            'GET /?q=%ed%a0%80 HTTP/1.1',        '', 'encoding', 'encoding'],
    ['D6 an overlong slash',      'GET /?q=%c0%af HTTP/1.1',           '', 400,        'encoding'],
    ['D20 up in the path',        'GET /../../../etc/passwd HTTP/1.1', '', 'path',     'path'],
    ['D20 up in the path, encoded', 'GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1', '', 'path',  'path'],
    ['D20 up in the query',         'GET /?q=../../../etc/passwd HTTP/1.1',   '', 'none',  'none'],
    ['D20 a file in the query',     'GET /?q=file:///etc/passwd HTTP/1.1',    '', 'none',  'none'],
    ['D11 options in place of a query', 'GET /?--help HTTP/1.1',              '', 'start', 'start'],
    [
        'D12 the server in a header',
        "GET /?q=philippa HTTP/1.1\r\nWHOIS2HTML-SERVER: 192.0.2.1\r\nProxy: http://192.0.2.1/",
        '', 'philippa', 'philippa'
    ],
    [
        'D12 the server in the query',
        'GET /?q=philippa&server=192.0.2.1&port=1&WHOIS2HTML_PORT=1 HTTP/1.1',
        '', 'philippa', 'philippa'
    ],
    [
        'D26 the server in the request line',
        "GET http://192.0.2.1/?q=philippa HTTP/1.1",
        '', 400, 400
    ],
    ['a method there is not', 'FOO / HTTP/1.1',                         '', 501, 501],
    ['no request',            'garbage',                                '', 400, 400],
    ['a long address',        'GET /?q=' . 'x' x 100_000 . ' HTTP/1.1', '', 431, 431],
);
for (@requests) {
    my ($name, $head, $body, @expected) = @$_;
    for my $server ([$web, ''], [$careless, ', a careless server']) {
        my ($to, $where) = @$server;
        my $expected = shift @expected;
        my $answer   = $to->request("$head\r\n$host\r\n$body");
        if ($page{$expected}) {
            is_page($answer, @{ $page{$expected} }[0, 1], $name . $where);
        } else {
            is_refused($answer, $expected, $name . $where);
        }
        unlike $answer->{text}, qr/root:|X-Evil: yes/, "$name$where: nothing leaks";
    }
}

# A program that read the body would wait for it; the server that kept it would grow.
subtest 'D15 bounded memory' => sub {
    my ($rss) =
        NetIO::Test::Daemon::slurp('/proc/' . $careless->pid . '/status') =~ /^VmHWM:\s+(\d+)/m;
    cmp_ok $rss, '<', 32_768, "lighttpd has had $rss KiB at most";
    is_deeply [grep { !/lighttpd\.conf$/ } glob $careless->dir . '/*'], [],
        'no body was written down';
};

# HEAD has the headers of GET, and no body that would be taken for the next answer.
subtest 'HEAD, and one connection for several requests' => sub {
    my $next = "HTTP/1.1\r\nHost: localhost\r\n";
    my $all =
        $web->request("GET /?q=philippa $next\r\nHEAD /?q=philippa $next\r\n"
            . "HEAD /?q=nobody $next\r\nGET / $next"
            . "Connection: close\r\n\r\n")->{text};
    my @answers;
    for my $body (1, 0, 0, 1) {
        my $answer = NetIO::Test::Web::parse($all);
        my $length = $answer->{headers}{'content-length'}[0] // 0;
        (my $head) = $all =~ /\A(.*?\r\n\r\n)/s;
        substr $all, 0, length($head) + ($body ? $length : 0), '';
        push @answers, join ' ', $answer->{status} // 'none', $length > 1000 ? 'long' : $length;
    }
    is_deeply \@answers, [('200 long') x 4], 'four answers';
    is $all, '', 'and no byte more';
};

# The same program, somewhere else in the tree of addresses.
subtest 'below another address' => sub {
    my $below = page_asking($whoisd->port, at => '/staff/directory');
    is_page($below->get('/staff/directory?q=philippa'),  200, 'Quinton, Philippa', 'its address');
    is_page($below->get('/staff/directory/?q=philippa'), 200, 'Quinton, Philippa', 'with a slash');
    is_page($below->get('/staff/directory/x/?q=philippa'), @{ $page{path} }, 'below it');
    $below->finish;
};

# ---- many at once ------------------------------------------------------------------------------

subtest 'twenty at once' => sub {
    my @sockets = map { $web->connect } 100 .. 119;
    for my $n (100 .. 119) {
        syswrite $sockets[$n - 100], "GET /?q=!$n HTTP/1.1\r\n$host\r\n";
    }
    is heading(NetIO::Test::Web::parse($web->read_all($sockets[$_ - 100]) // '')),
        "Numbered, Person $_", "number $_"
        for 100 .. 119;
};

# ---- the directory server ----------------------------------------------------------------------

my $listing =
    "There were 2 matches on your request.\r\n\r\n             !481800: Quinton, Philippa\r\n";
my $record  = "There were 1 matches on your request.\r\n\r\n           Full Name: <b>Q</b>\r\n";
my $ending  = "\r\nFor more information try 'whois help'.\r\n";
my $down    = 'The directory cannot be reached';
my $slow    = 'The directory takes too long';
my $garbage = 'The directory gave no sensible answer';
my $cut     = 'The answer came only in part';
my $sorry   = 'The directory cannot answer';

# name, how its server behaves, status, heading, what the log says
my @servers = (
    ['down', undef, 502, $down, qr/connect 127\.0\.0\.1:[0-9]+: Connection refused/],
    ['not answering the call', 'full',                   504, $slow, qr/Connection timed out/],
    ['silent',                 ['silent'],               504, $slow, qr/Connection timed out/],
    ['deaf',                   ['deaf'],                 504, $slow, qr/Connection timed out/],
    ['one byte at a time',     [drip => 'x', 0.05],      504, $slow, qr/Connection timed out/],
    ['a listing without end',  [drip => $listing, 0.05], 504, $slow, qr/Connection timed out/],
    ['endless',                [flood  => 'x' x 65536], 502, $garbage, qr/answer longer than/],
    ['closing at once',        [answer => ''],          502, $cut,     qr/the answer is empty/],
    ['a web server', [answer => "HTTP/1.0 400 Bad\r\n\r\n"],    502, $garbage, qr/begins: HTTP/],
    ['binary',       [answer => join '', map { chr } 0 .. 255], 502, $garbage, qr/begins: /],
    ['a line of a mebibyte', [answer => 'x' x (1 << 20)],       502, $garbage, qr/begins: xxx/],
    ['cut in a listing',     [answer => $listing],              502, $cut,     qr/ends too early/],
    ['cut in a record',      [answer => substr $record, 0, 60], 502, $cut,     qr/ends too early/],
    ['reset in a listing',   [reset  => $listing],              502, $cut,     qr/reset by peer/],
    ['busy', [answer => "Sorry, too many connections.\r\n"], 503, $sorry, qr/too many connections/],
    [
        'without its file',
        [answer => "Sorry, the directory is not available.\r\n"],
        503, $sorry, qr/the directory is not available/
    ],
    [
        'refusing', [answer => "Sorry, please ask for a name.\r\n"],
        400,
        'That cannot be asked',
        qr/please ask for a name/
    ],
    ['D13 tags in a record', [answer => $record . $ending], 200, '&lt;b&gt;Q&lt;/b&gt;', undef],
    [
        'D13 tags in a refusal',
        [answer => "Sorry, please <b>&</b>.\r\n"],
        400,
        'That cannot be asked',
        qr/please <b>&<\/b>/
    ],
);
for (@servers) {
    my ($name, $script, $status, $heading, $log) = @$_;
    my $peer =
         !defined $script ? NetIO::Test::Peer->refusing
        : ref $script     ? NetIO::Test::Peer->start(@$script)
        :                   NetIO::Test::Peer->full;
    my $page   = page_asking($peer->port, seconds => $status == 504 ? 1 : 0);
    my $answer = $page->get('/?q=quinton');

    is_page($answer, $status, $heading, "directory server: $name");
    unlike $answer->{body}, qr/127\.0\.0\.1|NetIO/, "directory server: $name: no inner words";
    # stderr comes before the page, so that it is there by now.
    like $page->log_text, qr/^whois2html: $status for "q=quinton": [ -~]{0,900}$/m,
        "directory server: $name: one line in the log"
        if $log;
    like $page->log_text, $log, "directory server: $name: what the log says" if $log;
    $page->finish;
}

subtest 'it comes back' => sub {
    my $peer = NetIO::Test::Peer->start(answer => $record . $ending);
    my $page = page_asking($peer->port);
    is $page->get('/?q=x')->{status}, 200, 'answered';
    undef $peer;
    is_page($page->get('/?q=x'),  502, $down,  'away');
    is_page($page->get('/'),      200, $TITLE, 'the form is there all the same');
    is_page($page->get('/?help'), 200, 'Help', 'and the help');
    $page->finish;
};

$_->finish for $web, $careless, $whoisd;
done_testing;
