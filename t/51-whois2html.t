# whois2html as a web server runs it: what it shows, and which requests it takes.  Its parts are
# in t/51-gateway.t, trouble in t/51-whois2html-trouble.t, a real lighttpd and a browser in t/52
# and t/53.

use strict;
use warnings;
use utf8;

use lib 't/lib';

use File::Temp ();
use NetIO::Test::Daemon;
use NetIO::Test::Directory 'build_directory';
use NetIO::Test::Gateway;
use NetIO::Test::Peer;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;
binmode $_, ':utf8' for map { Test::More->builder->$_ } qw(output failure_output);

my $dir = File::Temp->newdir;
my %kind;    # one page of every kind, for tidy

# Without a server to ask.
my %alone =
    (WHOIS2HTML_SERVER => '127.0.0.1', WHOIS2HTML_PORT => NetIO::Test::Peer->refusing->port);

# ---- over a real whoisd -------------------------------------------------------------------

my @people = map {
    {
        handle  => "48000$_",
        name    => "Quinton, Reg $_",
        summary => "Physics, NSC $_",
        fields  => [
            ['Full Name', "Reg $_ Quinton"],
            ['Address',   'First St'],
            ['Address',   'London'],
            ['E-mail',    "reg.quinton$_\@example.edu"],
            ['Index Key', "48000$_"],
        ],
    }
} 1 .. 3;
my $attack = q{<script>alert("1")</script>&'};
push @people, { handle => 'O 1', name => 'Ökonomie Name', summary => '' },
    { handle => 'O 2', name => 'Another Name', summary => '' },
    {
    handle  => 'X-1',
    name    => "Evil $attack",
    summary => $attack,
    fields  => [['Full Name', "Evil $attack"], [$attack, $attack], ['Index Key', 'X-1']]
    },
    { handle => $attack, name => 'Evil handle', summary => '' },
    map({ { handle => '08-00-30', name => "Same $_", summary => '' } } 1 .. 3),
    map({ { handle => "M-$_",     name => "Many $_", summary => 'x' } } 1 .. 251);
my $whoisd = NetIO::Test::Daemon->whoisd(build_directory("$dir/directory", \@people));

sub search {
    my ($query, %env) = @_;
    return serve({}, asking($whoisd), QUERY_STRING => 'q=' . escaped($query), %env);
}

subtest 'start and help' => sub {
    my @starts = (
        ['no query', ''],
        ['empty',    'q='],
        ['blanks',   'q=+'],
        ['ISINDEX',  'smith+jones'],
        ['others',   'x=1&y']
    );
    for (@starts) {
        my ($name, $string) = @$_;
        my $page = serve({}, %alone, QUERY_STRING => $string);
        is_sound($page, $name);
        is "$page->{status} $page->{err}", '200 ',      'status, no log';
        is title_of($page),                'Directory', 'title';
        like $page->{html}, qr/<input type="search" id="q" name="q" value="" .*autofocus>/,
            'the field has the focus';
        unlike $page->{html}, qr/id="(?:results|card|none|error)"/, 'nothing else';
        $kind{start} = $page;
    }
    my $page = serve({}, %alone, QUERY_STRING => 'help');
    is_sound($page, 'help');
    is $page->{status}, 200,                       'status';
    is title_of($page), "Help \x{2013} Directory", 'title';
    $kind{help} = $page;
    for my $query ('help', '?', 'help me', 'whois help', '-B help', 'HELP') {
        my $asked = search($query);
        is "$asked->{status} " . title_of($asked), "200 Help \x{2013} Directory",
            "asked for '$query'";
    }
    isnt title_of(search('.help')), title_of($page), 'a word like any other';
};

subtest 'results' => sub {
    my $page = $kind{results} = search('quinton');
    is_sound($page, 'three');
    is "$page->{status} $page->{err}", '200 ', 'status, no log';
    is title_of($page), "3 matches for \x{201c}quinton\x{201d} \x{2013} Directory", 'title';
    my @rows = $page->{html} =~ m{^(<tr><th scope="row">.*</tr>)$}mg;
    is_deeply \@rows, [
        map {
                  qq{<tr><th scope="row"><a href="?q=%2148000$_">Quinton, Reg $_</a></th>}
                . qq{<td>Physics, NSC $_</td><td class="handle">48000$_</td></tr>}
        } 1 .. 3
        ],
        'rows';
    like $page->{html},   qr{<table id="results">\n<caption>.+</caption>\n<thead>}, 'table';
    like $page->{html},   qr{name="q" value="quinton" }, 'the field keeps the query';
    unlike $page->{html}, qr{autofocus},                 'and has not the focus';

    $page = $kind{evil} = search('evil');
    is_sound($page, 'D13 from the listing');
    is scalar(grep { $_ eq $attack } texts($page->{html})), 2, 'D13 summary and handle are text';
    is scalar(grep { $_ eq "Evil $attack" } texts($page->{html})), 1, 'D13 name is text';
    like $page->{html}, qr{href="\?q=%21\Q@{[escaped($attack)]}\E"}, 'D13 the link';

    $page = $kind{many} = search('many');
    is_sound($page, 'too many');
    is title_of($page), "More than 250 matches for \x{201c}many\x{201d} \x{2013} Directory",
        'title';
    is scalar(() = $page->{html} =~ /<tr><th scope="row">/g), 250, 'rows';
    like $page->{html}, qr{<p role="status">.*Add another word}, 'advice';
    like search('name')->{html}, qr{<a href="\?q=%21O%201">.*<td class="handle">O 1</td>},
        'a blank in a handle';
};

subtest 'entries' => sub {
    my $dl = join "\n", '<dl id="card" class="card">',
        '<dt>Full Name</dt>', '<dd>Reg 2 Quinton</dd>',
        '<dt>Address</dt>', '<dd>First St</dd>', '<dd>London</dd>',
        '<dt>E-mail</dt>',
        '<dd><a href="mailto:reg.quinton2@example.edu">reg.quinton2@example.edu</a></dd>',
        '<dt>Index Key</dt>', '<dd>480002</dd>', '</dl>', '';
    for my $query ('!480002', '!48-00.02', 'reg 2', 'quinton2') {
        my $page = $kind{"card $query"} = search($query);
        is_sound($page, $query);
        is "$page->{status} $page->{err}", '200 ',                             'status, no log';
        is title_of($page),                "Reg 2 Quinton \x{2013} Directory", 'title';
        ok index($page->{html}, $dl) > 0, 'card' or diag $page->{html};
        is scalar($page->{html} =~ /The only match/), $query =~ /^!/ ? '' : 1,
            'and how it was found';
    }
    my $page = $kind{same} = search('!08-00-30');
    is_sound($page, 'several of one handle');
    is title_of($page), "3 entries for \x{201c}!08-00-30\x{201d} \x{2013} Directory", 'title';
    is_deeply [$page->{html} =~ m{<h2>(.*?)</h2>}g], ['Same 1', 'Same 2', 'Same 3'], 'headings';
    is_deeply [$page->{html} =~ m{<dl id="(.*?)"}g], [qw(card card-2 card-3)],       'ids';

    $page = $kind{'evil card'} = search('!X-1');
    is_sound($page, 'D13 from a record');
    is scalar(grep { $_ eq $attack } texts($page->{html})), 2, 'D13 label and value are text';
    is title_of($page), "Evil $attack \x{2013} Directory",     'D13 title';
    is title_of(search("!$attack")), "Evil handle \x{2013} Directory",
        'D13 a handle that was linked';
    is title_of(search('!O 1')), "\x{d6}konomie Name \x{2013} Directory", 'UTF-8';
};

subtest 'none' => sub {
    my $page = $kind{none} = search('zork mid');
    is_sound($page, 'words');
    is "$page->{status} $page->{err}", '200 ', 'status, no log';
    is title_of($page), "Nothing found for \x{201c}zork mid\x{201d} \x{2013} Directory", 'title';
    like $page->{html}, qr{<div id="none">},                                 'none';
    like $page->{html}, qr{<a href="\?q=zork%2A%20mid%2A">zork\* mid\*</a>}, 'what else to try';
    unlike search($_)->{html}, qr{Look for words}, "nothing else to try: $_"
        for 'zork*', '.zork', 'zork x', 'x', 'x zork';

    for my $query ('!480009', '.!480009') {
        $page = $kind{"no $query"} = search($query);
        is_sound($page, $query);
        is "$page->{status} $page->{err}", '404 ',                                'status, no log';
        is title_of($page), "No entry \x{201c}$query\x{201d} \x{2013} Directory", 'title';
        like $page->{html}, qr{<p id="none" }, 'none';
        like $page->{html}, qr{ the handle <kbd>480009<}, 'the handle is what follows the sign';
    }
    is search(' !480001 ')->{status}, 200, 'blanks around a handle';
};

subtest 'what whoisd refuses' => sub {
    my @refused = (
        # query, what the page says, what the log says
        [
            '---',
            'Please ask for a name or another word.',
            q{please ask for a name or another word; try 'whois help'.}
        ],
        [
            '!',
            q{Please give a handle after the '!'.},
            q{please give a handle after the '!'; try 'whois help'.}
        ],
        [
            'aa ' x 17,
            'That query has too many words (16 at most).',
            'that query has too many words (16 at most).'
        ],
    );
    for (@refused) {
        my ($query, $said, $log) = @$_;
        my $page = $kind{refused} = search($query);
        is_sound($page, $query);
        is $page->{status}, 400, 'status';
        ok scalar(grep { $_ eq $said } texts($page->{html})), $said;
        is $page->{err}, 'whois2html: 400 for "q=' . escaped($query) . qq{": $log\n}, 'log';
    }
};

subtest 'D13 every byte in the query, D14, D20' => sub {
    for my $byte (0 .. 255) {
        my $page  = serve({}, asking($whoisd), QUERY_STRING => sprintf 'q=zork%%%02Xb', $byte);
        my $right = $byte < 0x20 || $byte >= 0x7f ? 400 : 200;
        is_sound($page, sprintf '%02X', $byte) if $page->{status} eq $right;
        is $page->{status}, $right, sprintf 'byte %02X: status', $byte;
        next if $right != 200;
        my $query = 'zork' . chr($byte) . 'b';
        ok scalar(grep { $_ eq $query } texts($page->{html})), 'stands in the field';
    }
    for my $header ("a\r\nSet-Cookie: x=y", "a\nLocation: http://example.edu/", "a\r\n\r\n<script>")
    {
        my $name = "D14 $header" =~ s/[\r\n]/|/gr;
        is_sound(serve({}, asking($whoisd), QUERY_STRING => "q=$header"), $name);
        is_sound(my $page = serve({}, asking($whoisd), QUERY_STRING => 'q=' . escaped($header)),
            "$name, encoded");
        is $page->{status}, 400, 'status';
        is_sound($page = serve({}, asking($whoisd), QUERY_STRING => escaped($header)),
            "$name, as a name");
        is $page->{status}, 200, 'status';
        is_sound($page = serve({}, asking($whoisd), PATH_INFO => "/$header"), "$name, as a path");
        is $page->{status}, 404, 'status';
        is_sound($page = serve({ method => "GET$header" }, asking($whoisd)), "$name, as a method");
        is $page->{status}, 405, 'status';
    }
    for my $path ('../../etc/passwd', '/etc/passwd', '|cat /etc/passwd', '$(id)', '`id`', ';id') {
        my $page = search($path);
        is_sound($page, "D20 $path");
        unlike $page->{html}, qr/root:/, 'no file, no command';
    }
};

# ---- the request -------------------------------------------------------------------------

subtest 'D15 methods and lengths' => sub {
    for my $method (qw(POST PUT DELETE OPTIONS TRACE get)) {
        my $page = $kind{method} = serve({ method => $method }, %alone);
        is_sound($page, $method);
        is $page->{status}, 405,                                          'status';
        is $page->{err},    qq{whois2html: 405 for "": method $method\n}, 'log';
    }
    my @lengths = (
        # method, length, status
        ['GET',  '0',        200], ['GET', '',  200], ['GET', 5, 400], ['GET', -1, 400],
        ['GET',  4294967296, 400], ['GET', 'x', 400],
        ['POST', 5, 405], ['POST', -1, 400], ['POST', 4294967296, 400], ['POST', '9' x 40, 400],
        ['HEAD', 1, 400],
    );
    for (@lengths) {
        my ($method, $length, $status) = @$_;
        open my $body, '+>', undef or die $!;
        syswrite $body, "q=quinton\n" x 100;
        sysseek $body, 0, 0;
        my $page = serve({ method => $method, stdin => $body }, %alone, CONTENT_LENGTH => $length);
        is $page->{status},          $status, "$method with a length of '$length'";
        is sysseek($body, 0, 1) + 0, 0,       'nothing of the body is read';
    }
    is serve({ method => 'POST' }, %alone, HTTP_TRANSFER_ENCODING => 'chunked')->{status}, 400,
        'chunked';
};

subtest 'HEAD' => sub {
    for my $query ('', 'q=quinton', 'q=%21480009', 'q=%FF', 'help') {
        my ($get, $head) =
            map { serve({ method => $_ }, asking($whoisd), QUERY_STRING => $query) } qw(GET HEAD);
        is_deeply $head->{headers}, $get->{headers}, "'$query': the headers of GET";
        is $head->{html}, '', 'and no body';
    }
};

subtest 'D20 addresses below its own' => sub {
    my @paths = (
        ['/',                 200, ''],
        ['/a',                404, './'],
        ['/a/b',              404, '../'],
        ['/../../etc/passwd', 404, '../../../']
    );
    for (@paths) {
        my ($path, $status, $base) = @$_;
        my $page = $kind{"path $path"} = serve({}, %alone, PATH_INFO => $path);
        is_sound($page, "path $path");
        is $page->{status}, $status, 'status';
        like $page->{html}, qr{<a href="\Q$base\E\?help">}, 'links lead back';
        is $page->{html} =~ /<form[^>]* action="(.*?)"/ ? $1 : '', $base, 'so does the form';
        is $page->{err}, $status == 404 ? qq{whois2html: 404 for "": path $path\n} : '', 'log';
    }
};

subtest 'D12 the server is configured, never requested' => sub {
    my @with = (
        HTTP_WHOIS2HTML_SERVER => '192.0.2.1',
        HTTP_WHOIS2HTML_PORT   => 1,
        HTTP_HOST              => '192.0.2.1:1',
        HTTP_PROXY             => 'http://192.0.2.1/',
        HTTP_X_FORWARDED_HOST  => '192.0.2.1',
        SERVER_NAME            => '192.0.2.1',
        SERVER_PORT            => 1,
        REMOTE_HOST            => '192.0.2.1',
        WHOIS_SERVER           => '192.0.2.1',
    );
    for my $query ('q=quinton',
        'q=quinton&WHOIS2HTML_SERVER=192.0.2.1&server=192.0.2.1&port=1&host=192.0.2.1')
    {
        my $page = serve({}, asking($whoisd), @with, QUERY_STRING => $query);
        is $page->{status}, 200,                  $query;
        is $page->{html},   $kind{results}{html}, 'the same page';
    }
    my $page = search('quinton -h 192.0.2.1');
    is $page->{err}, '', 'D11 an option in the query is none';
    for my $option (qw(--help -V -d /etc/passwd)) {
        $page = serve({ args => [$option] }, %alone, QUERY_STRING => $option);
        is_sound($page, "D11 $option, as servers pass ISINDEX on");
        is $page->{html}, $kind{start}{html}, 'is no option';
    }
};

# ---- the configuration --------------------------------------------------------------------

subtest 'title' => sub {
    my @titles = (
        ['University of Larkmere',         'University of Larkmere'],
        ['',                               'Directory'],
        [octets("Universit\xe9 \x{263a}"), "Universit\xe9 \x{263a}"],
        ["Universit\xe9",                  "Universit\xe9"],
        ["$attack",                        $attack],
        ["a\nb\e",                         "a\x{fffd}b\x{fffd}"],
    );
    for (@titles) {
        my ($given, $shown) = @$_;
        my $page = serve({}, %alone, WHOIS2HTML_TITLE => $given);
        is_sound($page, "title '$shown'");
        is title_of($page), $shown, 'is shown';
    }
};

subtest 'tidy -e' => sub { is_tidy(%kind) };

$whoisd->finish;
done_testing;
