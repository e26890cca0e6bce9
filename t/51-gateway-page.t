# NetIO::Gateway: what text becomes on a page, and which answers are shown.  All of it in this
# process; t/51-whois2html.t has the program.

use strict;
use warnings;
use utf8;

use lib 't/lib';

use NetIO::Gateway::HTML;
use NetIO::Gateway::Inquiry;
use NetIO::Gateway::Page;
use NetIO::Gateway::Trouble;
use NetIO::Test::Gateway;
use Test::More;

alarm 300;
binmode $_, ':utf8' for map { Test::More->builder->$_ } qw(output failure_output);
my @warnings;
$SIG{__WARN__} = sub { push @warnings, @_ };

subtest 'escape' => sub {
    my $fffd  = "\x{fffd}";
    my @texts = (
        [q{a & b < c > "d" 'e'}, 'a &amp; b &lt; c &gt; &quot;d&quot; &#39;e&#39;'],
        ['&amp;',                '&amp;amp;'],
        ['Malmö ☺',              'Malmö ☺'],
        ["\x{10fffd}",           "\x{10fffd}"],
    );
    no warnings;
    push @texts, map { [chr, $fffd] } 0 .. 0x1f, 0x7f .. 0x9f, 0xd800, 0xdfff, 0xfdd0, 0xfdef,
        0xfffe, 0xffff, 0x1fffe, 0x10ffff, 0x110000, 0x7fffffff;
    for (@texts) {
        my ($text, $html) = @$_;
        is NetIO::Gateway::HTML::escape($text), $html, 'D13 ' . join ' ',
            map { sprintf '%X', ord } split //, $text;
    }
    is NetIO::Gateway::HTML::percent("a-z.A_9~ !/?&#%\"'<>\x{e4}"),
        'a-z.A_9~%20%21%2F%3F%26%23%25%22%27%3C%3E%C3%A4', 'percent';
};

my $help = "For more information try 'whois help'.";

sub answer {
    return NetIO::Whois::Answer->new(join '', map { "$_\r\n" } @_);
}

sub nothing { return answer('There were no matches on your request.', '', $help) }

# Records, each a line.
sub records {
    return answer(sprintf('There were %d matches on your request.', scalar @_),
        (map { ('', $_) } @_), '', $help);
}

sub listing {
    my @more = ('', q{To see one of them, ask for its handle: whois '!1'});
    return answer(sprintf('There were %d matches on your request.', scalar @_), '', @_, @more);
}

# The page of an answer to a query.
sub document {
    my ($answer, $query) = @_;
    return framed(NetIO::Gateway::Page::found($answer, $query), $query);
}

sub framed {
    my ($page, $query) = @_;
    return NetIO::Gateway::HTML::document(%$page, title => 'T', query => $query, base => '');
}

# Where a text may stand: from it (as octets, as characters) to an answer and a query.
my %context = (
    'label'     => sub { records(sprintf '%20s: v', "$_[0]Label"), 'q' },
    'value'     => sub { records("               Label: a$_[0]b"), 'q' },
    'name'      => sub { listing("     !1: a$_[0]b (c)", '     !2: d'), 'q' },
    'summary'   => sub { listing("     !1: a (b$_[0]c)", '     !2: d'), 'q' },
    'handle'    => sub { listing("     !1$_[0]2: a", '     !2: d'), 'q' },
    'none'      => sub { nothing(), "a$_[1]b" },
    'no handle' => sub { nothing(), "!a$_[1]b" },
    'query'     => sub { listing('     !1: a', '     !2: d'), "a$_[1]b" },
    'several'   => sub { records(map { ' ' x 19 . "A: $_" } 1, 2), "!a$_[1]b" },
    'only'      => sub { records('                   A: b'), "a$_[1]b" },
);

sub skeleton_with {
    my ($name, $text) = @_;
    return skeleton(document($context{$name}->(octets($text), $text)));
}

subtest 'D13 every byte, everywhere: the HTML stays what it is' => sub {
    for my $name (sort keys %context) {
        # A line end, a blank or a sign may make another entry, or no suggestion, of it.
        my %skeleton = map { skeleton_with($name, $_) => 1 } 'x', "\n", ' ', '.', ':', '!', '@';
        my @bad;
        for my $number (0 .. 255, 0x2028, 0x202e, 0xfffe, 0x1f600) {
            my $got = eval { skeleton_with($name, chr $number) } // $@;
            push @bad, sprintf '%02X: %s', $number, $got if !$skeleton{$got};
        }
        is "@bad", '', $name;
    }
};

my @attacks = (
    '<script>alert(1)</script>', q{"><script>alert(1)</script>}, q{' onmouseover='alert(1)},
    '" autofocus onfocus="alert(1)', '</title><script>', '</style><script>', '</textarea>', '-->',
    '<!--', ']]>', '&lt;script&gt;', '&#60;script&#62;', '&copy', 'javascript:alert(1)', '{{7*7}}',
    '%3Cscript%3E', '+ADw-script+AD4-',
);

subtest 'D13 attacks are text' => sub {
    for my $attack (@attacks) {
        for my $name (sort keys %context) {
            next if $name eq 'label' && $attack =~ /:/;    # it ends the label
            my $html = document($context{$name}->($attack, $attack));
            ok scalar(grep { index($_, $attack) >= 0 } texts($html)), "$name: $attack"
                or diag $html;
        }
    }
};

subtest 'D13 a title, a sentence of the directory' => sub {
    my $page = { status => 200, main => '', name => '<b>"&\'' };
    my $html =
        NetIO::Gateway::HTML::document(%$page, title => '<i>"&\'', query => undef, base => '');
    is scalar(grep { $_ eq q{<b>"&'} } texts($html)),                  1, 'heading';
    is scalar(grep { $_ eq qq{<b>"&' \x{2013} <i>"&'} } texts($html)), 1, 'title';
    $page = NetIO::Gateway::Page::trouble(NetIO::Gateway::Trouble::page('sorry', '<b>&'));
    is scalar(grep { $_ eq '<b>&' } texts(framed($page, ''))), 1, 'sentence';
    like framed($page, ''), qr{<p>&lt;b&gt;&amp;</p>}, 'escaped once';
};

subtest 'mail addresses' => sub {
    my $domain = ('b' x 62 . '.') x 3 . 'b' x 63;
    my @linked = (
        ['reg.quinton@example.edu',     'mailto:reg.quinton@example.edu'],
        [q{o'brien+x@mail.example.edu}, 'mailto:o%27brien%2Bx@mail.example.edu'],
        ['a?subject=x&b@example.edu',   'mailto:a%3Fsubject%3Dx%26b@example.edu'],
        ['a%40b@x-1.example',           'mailto:a%2540b@x-1.example'],
        ['x' x 64 . '@example.edu',     'mailto:' . 'x' x 64 . '@example.edu'],
        ["x\@$domain",                  "mailto:x\@$domain"],                        # 254 characters
    );
    my @not = (
        'a@b',                     'a@@b.c',
        '@b.c',                    'a@.c',
        'a@b.',                    'a@b..c',
        '.a@b.c',                  'a.@b.c',
        'a..b@b.c',                'a b@c.d',
        ' a@b.c',                  'a@b.c ',
        'a@-b.c',                  'a@b-.c',
        'a@b_c.d',                 '"a b"@c.d',
        '<a@b.c>',                 'a@b.c, d@e.f',
        'mailto:a@b.c',            "\x{e4}\@b.c",
        "a\@b.\x{e4}",             'a@[127.0.0.1]',
        'x' x 65 . '@example.edu', 'a@' . 'b' x 64 . '.c',
        'a@' . 'b.' x 126 . 'cc',  'http://example.edu/',
        'javascript:alert(1)@x.y', 'a"b@c.d',
        'a<b@c.d',                 "xx\@$domain"
    );
    my $value = sub {
        my $answer = records('              E-mail: ' . octets($_[0]));
        return NetIO::Gateway::Page::found($answer, 'q')->{main};
    };
    for (@linked) {
        my ($address, $href) = @$_;
        my $shown = NetIO::Gateway::HTML::escape($address);
        like $value->($address), qr{<dd><a href="\Q$href\E">\Q$shown\E</a></dd>},
            "$address is linked";
    }
    unlike $value->($_), qr{<a }, substr($_, 0, 30) . ' is not linked' for @not;
};

# ---- what counts as an answer ------------------------------------------------------------

sub verdict {
    my ($bytes) = @_;

    no warnings 'redefine';
    local *NetIO::Whois::ask = sub { NetIO::Whois::Answer->new($bytes) };
    my ($answer, $trouble) = NetIO::Gateway::Inquiry::ask('q');
    return $answer ? 'good' : $trouble;
}

subtest 'an answer cut off anywhere' => sub {
    my %whole = (
        'a record' => [
            'There were 1 matches on your request.', '', '           Full Name: Reg',
            '           Index Key: q', '', $help
        ],
        'a list' => [
            'There were 2 matches on your request.', '', '                  !1: a',
            '                  !2: b', '', q{To see one of them, ask for its handle: whois '!1'}
        ],
        'none'  => ['There were no matches on your request.', '', $help],
        'sorry' => ['Sorry, the directory is not available; please try again later.'],
    );
    for my $name (sort keys %whole) {
        my $bytes = join '', map { "$_\r\n" } @{ $whole{$name} };
        is verdict($bytes), $name eq 'sorry' ? 'sorry' : 'good', "$name, whole";
        my @taken =
            grep { verdict(substr $bytes, 0, $_) !~ /^(?:cut|garbage)$/ } 0 .. length($bytes) - 2;
        is "@taken", '', "$name, every beginning of it";
    }
};

subtest 'other answers' => sub {
    my @answers = (
        ['nothing',       '',                                                    'cut'],
        ['HTTP',          "HTTP/1.1 400 Bad Request\r\n\r\n",                    'garbage'],
        ['another whois', "% IANA WHOIS server\r\nrefer: whois.example.net\r\n", 'garbage'],
        ['binary',        join('', map { chr } 0 .. 255),                        'garbage'],
        ['no entries',    "There were 5 matches on your request.\r\n\r\n$help\r\n", 'garbage'],
        ['no number',     "There was 1 match.\r\n\r\n$help\r\n",                    'garbage'],
        ['help',          "This server looks things up in a directory.\r\n",        'good'],
        ['LF only',       "There were no matches on your request.\n\n$help\n",      'good'],
    );
    my $list = sub {
        return "There were $_[0] matches on your request.\r\n\r\n" . "   !X: y\r\n" x $_[0]
            . "\r\nTo see one of them, ask for its handle: whois '!X'\r\n";
    };
    push @answers, ['as long a list as can be', $list->(250), 'good'],
        ['a longer one', $list->(251), 'garbage'];
    my @refused = (
        q{please ask for a name or another word; try 'whois help'.},
        q{please give a handle after the '!'; try 'whois help'.},
        'that query has too many words (16 at most).',
        'that query is too long (1024 bytes at most).',
    );
    my @sorry = (
        'the search took too long; please ask for longer or fewer words.',
        'that entry is too long to be shown.',
        'the directory is not available; please try again later.',
    );
    push @answers, map { ["sorry: $_", "Sorry, $_\r\n", 'refused'] } @refused;
    push @answers, map { ["sorry: $_", "Sorry, $_\r\n", 'sorry'] } @sorry;
    for (@answers) {
        my ($name, $bytes, $word) = @$_;
        is verdict($bytes), $word, $name;
    }
};

subtest 'trouble in words' => sub {
    my %status = (
        length      => 400,
        encoding    => 400,
        control     => 400,
        long        => 400,
        repeated    => 400,
        refused     => 400,
        path        => 404,
        method      => 405,
        setup       => 500,
        internal    => 500,
        unreachable => 502,
        garbage     => 502,
        cut         => 502,
        sorry       => 503,
        slow        => 504
    );
    for my $word (sort keys %status) {
        my $page = NetIO::Gateway::Trouble::page($word,
            $word =~ /^(?:refused|sorry)$/ ? 'it is so.' : undef);
        is $page->{status}, $status{$word}, "$word: status";
        like $page->{$_},   qr/^[A-Z].*\.$/, "$word: $_ is a sentence" for qw(what advice);
        like $page->{name}, qr/^[A-Z].*\w$/, "$word: a heading";
    }
};

is "@warnings", '', 'no warnings';
done_testing;
