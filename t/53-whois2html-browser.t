# whois2html as a person meets it: in Chromium, with keyboard and mouse, in a wide window and on a
# phone, in the light and in the dark, and with records that were made to hurt.

use strict;
use warnings;
use utf8;

use lib 't/lib';

use File::Temp ();
use NetIO::Test::Browser;
use NetIO::Test::Daemon;
use NetIO::Test::Peer;
use NetIO::Test::Web;
use Test::More;

plan skip_all => $_ for grep { defined } NetIO::Test::Web->missing, NetIO::Test::Browser->missing;
plan skip_all => 'no DBD::SQLite' if !eval { require DBD::SQLite };
require NetIO::Test::Directory;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;
binmode $_, ':utf8' for map { Test::More->builder->$_ } qw(output failure_output);

my $TITLE = 'Larkmere Directory';
my $dir   = File::Temp->newdir;

# ---- the directory -----------------------------------------------------------------------------

my @hostile = (
    '<script>owned=1</script>',             '"><img src=x onerror="owned=1">',
    q{' autofocus onfocus='owned=1},        '</title></style></h1><svg onload=owned=1>',
    '&lt;script&gt;owned=1&lt;/script&gt;', 'javascript:owned=1',
);
my $long = 'Wolfeschlegelsteinhausenbergerdorff' x 6;

sub person {
    my ($handle, $name, $summary, @fields) = @_;
    return {
        handle  => $handle,
        name    => $name,
        summary => $summary,
        fields  => [['Full Name', $name], ['Department', $summary], @fields, ['Index Key', $handle]]
    };
}

NetIO::Test::Directory::build_directory(
    "$dir/directory",
    [
        person(
            '481800',
            'Quinton, Philippa',
            'Office of the President, Alder Hall 307',
            ['Title',  'Chief of Staff'],
            ['Phone',  '555-0102 ext. 7788'],
            ['E-mail', 'philippa.quinton@example.edu'],
            ['E-mail', 'pquinton@example.edu']
        ),
        person('416812', 'Quinton, Anaïs',  'Physics, Tern Laboratory 12', ['Phone', '555-0120']),
        person('500000', "$long, Longword", "longword $long", ['Remark', $long], ["${long}x", 'y']),
        person('500001', "$long, Longword Second", '',        ['Remark', join ' ', ($long) x 20]),
        (
            map {
                person(600_000 + $_, $hostile[$_], "Hostile $hostile[$_]", ["L$hostile[$_]", 'x'])
            } 0 .. $#hostile
        ),
        (map { person(700_000 + $_, "Many, Person $_", 'Statistics') } 1 .. 260),
    ]
);
my $whoisd = NetIO::Test::Daemon->whoisd("$dir/directory");

sub page_asking {
    my ($port, %how) = @_;

    return NetIO::Test::Web->whois2html($port, { TITLE => $TITLE }, %how);
}

my $web     = page_asking($whoisd->port);
my $away    = page_asking(NetIO::Test::Peer->refusing->port);
my $browser = NetIO::Test::Browser->start;
$browser->viewport(1280, 800);

# Of a page whose status is an error, the browser says so itself.
sub is_quiet {
    my ($name) = @_;
    my $status = $browser->status;
    my @said   = grep { $status < 400 || !/^network: .*responded with a status of $status / }
        $browser->trouble;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply \@said, [], "$name: no error, nothing forbidden was tried";
    return;
}

# Opens an address of the page; nothing but that is fetched.
sub visit {
    my ($path, $name, $server) = @_;
    my $url = ($server || $web)->url . $path;

    $browser->requests;
    $browser->open($url);
    my @foreign = grep { $_ ne $url && $_ ne 'data:,' } $browser->requests;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply \@foreign, [], "$name: nothing else is fetched";
    is_quiet($name);
    return;
}

sub focus { return $browser->eval('document.activeElement.id || document.activeElement.tagName') }

# ---- somebody is looked for ----------------------------------------------------------------------

subtest 'a name is typed, the result read and followed' => sub {
    visit('', 'start');
    is $browser->eval('document.title'), $TITLE, 'the title';
    is focus(),                          'q',    'the field has the focus';
    $browser->type('quinton');
    is $browser->eval('document.querySelector("#q").value'), 'quinton', 'the keys arrive';
    $browser->press('Enter')->wait_load;
    is_quiet('results');
    is $browser->status,     200,                       'results: status';
    is $browser->text('h1'), '2 matches for “quinton”', 'results: heading';
    is_deeply $browser->eval(<<'JS'),
[...document.querySelectorAll('#results tbody tr')].map(r => [...r.cells].map(c => c.innerText))
JS
        [
        ['Quinton, Anaïs',    'Physics, Tern Laboratory 12',             '416812'],
        ['Quinton, Philippa', 'Office of the President, Alder Hall 307', '481800']
        ],
        'results: table';
    $browser->click('#results tbody tr:nth-child(2) a')->wait_load;
    is_quiet('card');
    is $browser->text('h1'), 'Quinton, Philippa', 'card: heading';
    is_deeply $browser->eval('[...document.querySelectorAll("#card > *")].map(e => e.innerText)'),
        [
        'Full Name',            'Quinton, Philippa',
        'Department',           'Office of the President, Alder Hall 307',
        'Title',                'Chief of Staff',
        'Phone',                '555-0102 ext. 7788',
        'E-mail',               'philippa.quinton@example.edu',
        'pquinton@example.edu', 'Index Key',
        '481800'
        ],
        'card: labels and values';
    is $browser->eval('document.querySelector("#card a").href'),
        'mailto:philippa.quinton@example.edu', 'card: a link for mail';
};

subtest 'the same with the mouse, from page to page' => sub {
    visit('?help', 'help');
    $browser->click('#q')->type('anaïs physics');
    $browser->click('#search button')->wait_load;
    is $browser->text('h1'), 'Quinton, Anaïs', 'one match is shown at once';
    is $browser->eval('document.querySelector("#q").value'), 'anaïs physics', 'the query stays';
    $browser->click('header a')->wait_load;
    is $browser->text('h1'), $TITLE, 'back at the start';
    $browser->click('footer a')->wait_load;
    is $browser->text('h1'), 'Help', 'the help';
    is_quiet('on the way');
};

subtest 'nobody is found' => sub {
    visit('?q=quintn', 'none');
    is $browser->text('h1'), 'Nothing found for “quintn”', 'heading';
    $browser->click('#none a')->wait_load;
    is $browser->eval('document.querySelector("#q").value'), 'quintn*', 'a wider search';
    visit('?q=%21999999', 'no such handle');
    is $browser->status, 404, 'no such handle: status';
};

subtest 'more than can be listed' => sub {
    visit('?q=many', 'many');
    is $browser->text('h1'), 'More than 250 matches for “many”',                     'heading';
    is $browser->eval('document.querySelectorAll("#results tbody tr").length'), 250, 'rows';
};

# From an address that is none of ours, the form leads home.
subtest 'a wrong address' => sub {
    my $below = page_asking($whoisd->port, at => '/staff/directory');
    visit('staff/directory/a/b?q=x', 'wrong address', $below);
    is $browser->status, 404, 'status';
    $browser->click('#q');
    $browser->eval('document.querySelector("#q").select()');
    $browser->type('philippa')->press('Enter')->wait_load;
    is $browser->text('h1'), 'Quinton, Philippa', 'the form works';
    $below->finish;
};

# ---- somebody wants to hurt ----------------------------------------------------------------------

# Also without the policy, which is only the second fence.
for my $fence ('', ', without the policy') {
    $browser->without_policy if $fence;
    subtest "D13 records$fence" => sub {
        visit('?q=hostile', 'listing');
        my $names = $browser->eval(
            '[...document.querySelectorAll("#results tbody th a")].map(e => e.textContent)');
        is_deeply [sort @$names], [sort @hostile], 'the names are text';
        for my $n (0 .. $#hostile) {
            visit('?q=%21' . (600_000 + $n), "card $n");
            is $browser->eval('document.querySelector("h1").textContent'), $hostile[$n],
                "card $n: the name is text";
            is $browser->eval('document.querySelector("#card dd").textContent'), $hostile[$n],
                "card $n: so is the value";
        }
    };
    subtest "D13 queries$fence" => sub {
        for my $text (@hostile) {
            visit('?q=' . join('', map { sprintf '%%%02X', ord } split //, $text), 'query');
            is $browser->eval('document.querySelector("#q").value'), $text, 'it stays in the field';
            is $browser->eval('document.querySelectorAll("script, img, svg").length'), 0,
                'no element of it';
        }
    };
    subtest "D13 the server's words$fence" => sub {
        for my $text (@hostile) {
            my $peer = NetIO::Test::Peer->start(answer => "Sorry, please: $text\r\n");
            my $page = page_asking($peer->port);
            visit('?q=x', 'refusal', $page);
            like $browser->eval('document.querySelector("#error").textContent'), qr/\Q$text\E/,
                'they are text';
            $page->finish;
        }
    };
    is $browser->eval('typeof owned'), 'undefined', "no script ran$fence";
}

# ---- how it looks --------------------------------------------------------------------------------

# name, path, server: one of each kind of page, with long words
my @pages = (
    ['start',   ''],
    ['help',    '?help'],
    ['results', '?q=longword'],
    ['listing', '?q=many'],
    ['card',    '?q=%21500000'],
    ['values',  '?q=%21500001'],
    ['none',    "?q=$long"],
    ['handle',  "?q=%21$long"],
    ['refused', '?q=%c3%28'],
    ['away',    '?q=x', $away],
);

subtest 'a phone, 360 pixels wide' => sub {
    $browser->viewport(360, 640);
    for (@pages) {
        my ($name, $path, $server) = @$_;
        visit($path, $name, $server);
        my ($scroll, $client, $wide) = @{ $browser->eval(<<'JS') };
(() => {
    const page = document.scrollingElement;
    const wide = [...document.querySelectorAll('body *')]
        .filter(e => e.getBoundingClientRect().right > page.clientWidth + 0.5);
    return [page.scrollWidth, page.clientWidth, wide.map(e => e.outerHTML.slice(0, 60))];
})()
JS
        is $client, 360, "$name: the page is as wide as the phone";
        cmp_ok $scroll, '<=', $client, "$name: nothing to scroll sideways";
        is_deeply $wide,                  [], "$name: no element sticks out";
        is_deeply $browser->eval(<<'JS'), [], "$name: fields and buttons can be hit with a finger";
[...document.querySelectorAll('#q, button')].map(e => e.getBoundingClientRect().height)
    .filter(h => h < 40)
JS
    }
    $browser->viewport(1280, 800);
};

# WCAG 2.1: 4.5 to 1 for text.  Colours are those that were computed.
my $CONTRAST = <<'JS';
(() => {
    const channel = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const rgb = text => text.match(/[0-9.]+/g).map(Number);
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const ground = e => {
        for (; e; e = e.parentElement) {
            const c = rgb(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] > 0) return c;
        }
        return [255, 255, 255];
    };
    const poor = [];
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (words.nextNode()) {
        const e = words.currentNode.parentElement;
        if (!words.currentNode.data.trim()) continue;
        const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(words.currentNode.data.trim().slice(0, 40));
    }
    return poor;
})()
JS

for my $scheme (qw(light dark)) {
    subtest "colours, $scheme" => sub {
        $browser->color_scheme($scheme);
        for (
            ['start',   ''],
            ['results', '?q=quinton'],
            ['card',    '?q=!481800'],
            ['help',    '?help'],
            ['none',    '?q=nobody'],
            ['error',   '?q=x', $away]
            )
        {
            my ($name, $path, $server) = @$_;
            visit($path, $name, $server);
            is_deeply $browser->eval($CONTRAST), [], "$name: every word can be read";
        }
        my ($red) = $browser->eval('getComputedStyle(document.body).backgroundColor') =~ /(\d+)/;
        is $red < 128 ? 'dark' : 'light', $scheme, 'the ground';
    };
}
$browser->color_scheme('light');

# ---- without a mouse, without eyes ---------------------------------------------------------------

# The way of the Tab key: what gets the focus, and whether one sees that.
sub tab_order {
    my @way;

    while (@way < 20) {
        my $here = $browser->press('Tab')->eval(<<'JS');
(() => {
    const e = document.activeElement;
    if (e === document.body) return null;
    const style = getComputedStyle(e);
    const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    return (e.id || e.textContent.trim()) + (seen ? '' : ' (no outline)');
})()
JS
        last if !defined $here;
        push @way, $here;
    }
    return @way;
}

subtest 'keyboard alone' => sub {
    visit('?q=quinton', 'results');
    is_deeply [tab_order()],
        [$TITLE, 'q', 'Search', 'Quinton, Anaïs', 'Quinton, Philippa', 'Help'],
        'Tab goes through all of it, and is seen';
    visit('?q=quinton', 'results again');
    $browser->press('Tab') for 1 .. 5;
    $browser->press('Enter')->wait_load;
    is $browser->text('h1'), 'Quinton, Philippa', 'Enter follows a link';
    visit('?help', 'help');
    $browser->press('Tab') for 1 .. 3;
    $browser->press('Shift+Tab');
    is focus(), 'q', 'Shift and Tab go back';
};

# role, name (a pattern): must be told, in this order
sub is_told {
    my ($name, @expected) = @_;
    my @told    = $browser->accessible;
    my @missing = @expected;

    for my $node (@told) {
        my ($role, $pattern) = @{ $missing[0] || last };
        shift @missing if $node->[0] eq $role && $node->[1] =~ $pattern;
    }
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply \@missing, [], "$name: told in this order"
        or diag join "\n", map { "@$_" } grep { $_->[0] !~ /Inline|StaticText/ } @told;
    return;
}

subtest 'a screen reader' => sub {
    my @search =
        (['search', qr//], ['searchbox', qr/^Name, or any other word/], ['button', qr/^Search$/]);

    visit('', 'start');
    is_told(
        'start',
        ['RootWebArea', qr/^$TITLE$/],
        ['main',        qr//],
        ['heading',     qr/^$TITLE$/], @search
    );
    visit('?q=quinton', 'results');
    is_told(
        'results',
        ['RootWebArea', qr/^2 matches .* $TITLE$/],
        ['banner',      qr//],
        @search,
        ['main',         qr//],
        ['heading',      qr/^2 matches/],
        ['table',        qr/./],
        ['columnheader', qr/^Name$/],
        ['columnheader', qr/^Handle$/],
        ['rowheader',    qr/^Quinton, Anaïs$/],
        ['link',         qr/^Quinton, Anaïs$/],
        ['contentinfo',  qr//],
        ['link',         qr/^Help$/]
    );
    visit('?q=%21481800', 'card');
    is_told(
        'card',
        ['heading',    qr/^Quinton, Philippa$/],
        ['term',       qr//],
        ['definition', qr//],
        ['link',       qr/^philippa\.quinton\@example\.edu$/]
    );
    visit('?q=nobody', 'none');
    is_told('none', ['heading', qr/^Nothing found/], ['status', qr//], ['link', qr/^nobody\*$/]);
    visit('?q=x', 'away', $away);
    is_told('away', ['heading', qr/cannot be reached/], ['alert', qr//]);
    is $browser->eval('document.documentElement.lang'),          'en', 'the language';
    is $browser->eval('document.querySelectorAll("h1").length'), 1,    'one main heading';
};

subtest 'without room: text at twice its size' => sub {
    $browser->viewport(640, 800);
    visit('?q=%21500000', 'card');
    $browser->eval('document.documentElement.style.fontSize = "200%"');
    cmp_ok $browser->eval('document.scrollingElement.scrollWidth'), '<=', 640, 'nothing to scroll';
    $browser->viewport(1280, 800);
};

subtest 'a picture can be taken' => sub {
    $browser->color_scheme('dark')->viewport(360, 640);
    visit('?q=quinton', 'results');
    $browser->screenshot("$dir/page.png");
    my ($signature, $width) = unpack 'a8 x8 N', NetIO::Test::Daemon::slurp("$dir/page.png");
    is $signature, "\x89PNG\r\n\x1a\n", 'PNG';
    is $width,     360,                 'as wide as the phone';
};

$browser->finish;
$_->finish for $web, $away, $whoisd;
done_testing;
