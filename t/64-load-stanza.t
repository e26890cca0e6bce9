use strict;
use warnings;
use utf8;

use lib 't/lib';
use NetIO::Load::Lines;
use NetIO::Load::Stanza;
use NetIO::Test::Load;
use Test::More;

alarm 300;
binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $folder = folder();

# Every record on one line: "line: error", or "line name=value ...", newlines as /, what cannot be
# had in brackets.
sub records_of {
    my ($text) = @_;
    utf8::encode($text) if utf8::is_utf8($text);
    open my $handle, '<:raw', spew("$folder/in", $text) or die "$folder/in: $!\n";
    my $reader = NetIO::Load::Stanza->new(NetIO::Load::Lines->new($handle, 'in'));
    my @got;

    while (my $record = $reader->next) {
        my @pairs = map { "$_->[0]=" . (defined $_->[1] ? $_->[1] : "[$_->[2]]") }
            @{ $record->{pairs} || [] };
        my $short = exists $record->{error} ? ": $record->{error}" : join ' ', '', @pairs;
        push @got, $record->{line} . $short =~ tr{\n}{/}r =~ s/(x{9,})/'x*' . length $1/egr;
    }
    return join ' | ', @got;
}

my $rubbish  = 'is neither a key with its value nor the rest of one';
my $too_long = 'its value is longer than 65536 characters';
my $unended  = 'the file ends in the middle of this line';

# name, text, records
my @cases = (
    ['nothing (E11)',              '',                             ''],
    ['comments and empty lines',   "# a\n\n% b\n\n \t\n",          ''],
    ['a record',                   "Package: a\nVersion: 1\n",     '1 Package=a Version=1'],
    ['two records',                "a: 1\n\n\n \t \nb: 2\n",       '1 a=1 | 5 b=2'],
    ['CRLF (A19)',                 "a: 1\r\n\r\nb: 2\r\n",         '1 a=1 | 3 b=2'],
    ['a mark of byte order',       "\x{feff}a: 1\n",               '1 a=1'],
    ['UTF-8 and Latin-1',          "a: M\xc3\xb6\nb: M\xf6\n",     '1 a=Mö b=Mö'],
    ['several values',             "a: 1\na: 2\n",                 '1 a=1 a=2'],
    ['no blank, many, a tab',      "a:1\nb:    2\nc:\t3\nd : 4\n", '1 a=1 b=2 c=3 d=4'],
    ['an empty value',             "a:\nb: 1\n",                   '1 a= b=1'],
    ['colons in a value',          "a: b: c::\n",                  '1 a=b: c::'],
    ['keys of both kinds',         "X-Y_z.1+2: 1\nnic-hdl: A\n",   '1 X-Y_z.1+2=1 nic-hdl=A'],
    ['Debian: continued',          "a: 1\n 2\n\t3\n",              '1 a=1/2/3'],
    ['Debian: an empty line',      "a: 1\n .\n 2\n",               '1 a=1//2'],
    ['Debian: a first empty line', "a:\n 1\n 2\n",                 '1 a=/1/2'],
    ['RPSL: continued',            "a: 1\n+2\n+ 3\n+\n",           '1 a=1/2/3/'],
    ['RPSL: comments',       "% whole\na: 1\n# one\nb: 2 # no comment\n", '2 a=1 b=2 # no comment'],
    ['a comment in a value', "a: 1\n# b\n 2\n",                           '1 a=1/2'],
    ['a # in an address',    "Homepage: http://h/#x\n",                   '1 Homepage=http://h/#x'],

    # What is wrong.
    ['a line without a colon',   "a: 1\nrubbish\n\nb: 2\n", "2: 'rubbish' $rubbish | 4 b=2"],
    ['a key with a blank',       "a b: 1\n",                "1: 'a b: 1' $rubbish"],
    ['a key beyond ASCII',       "ö: 1\n",                  "1: '\\xF6: 1' $rubbish"],
    ['a key of nothing',         ": 1\n",                   "1: ': 1' $rubbish"],
    ['a key that begins with -', "-a: 1\n",                 "1: '-a: 1' $rubbish"],
    ['a key of 257 bytes (E11)', 'a' x 257 . ": 1\n",       "1: '" . 'a' x 37 . "...' $rubbish"],
    ['controls in a line (D4)',  "\e[2J\n",                 "1: '[2J' $rubbish"],
    [
        'a continuation of nothing',
        "\n a\nb: 1\n\nc: 1\n",
        '2: the first line of a record continues nothing | 5 c=1'
    ],
    ['one report a record',      "a\nb\n c\nd: 1\n",         "1: 'a' $rubbish"],
    ['a cut file',               "a: 1\n\nb: 1\nc: 2",       "1 a=1 | 4: $unended"],
    ['cut in a continuation',    "a: 1\n b",                 "2: $unended"],
    ['cut in a comment',         "a: 1\n# b",                '1 a=1'],
    ['cut in a long line (E11)', "a: 1\nb: " . 'x' x 70_000, "2: $unended"],

    # What is long (E11).
    ['a line of 65536 bytes', 'a: ' . 'x' x 65_533 . "\n",       '1 a=x*65533'],
    ['a line of 65537 bytes', 'a: ' . 'x' x 65_534 . "\nb: 1\n", "1 a=[$too_long] b=1"],
    [
        'a value of many lines',
        'a: ' . ('x' x 1000 . "\n ") x 70 . "x\nb: 1\n",
        "1 a=[$too_long] b=1"
    ],
    ['a long continuation', "a: 1\n " . 'x' x 70_000 . "\n 2\nb: 1\n", "1 a=[$too_long] b=1"],
    ['a long comment',      '#' . 'x' x 200_000 . "\na: 1\n",          '2 a=1'],
    [
        'a record of 5 MiB',
        ('a: ' . 'x' x 60_000 . "\n") x 88 . "\nb: 1\n",
        '70: the record is longer than 4194304 characters | 90 b=1'
    ],
    [
        '100,001 values',
        "a: 1\n" x 100_001 . "\nb: 1\n",
        '100001: the record has more than 100000 values | 100003 b=1'
    ],
);
is records_of($_->[1]), $_->[2], $_->[0] for @cases;

# What is recognised: name, text, whether
my @starts = (
    ['a record',                     "a: 1\n",                                                 1],
    ['Debian',                       "Package: a\nDescription: b\n c\n .\n d\n\nPackage: b\n", 1],
    ['RPSL',                         "% This\n%\n\nperson:  A\n+ B\n",                         1],
    ['a mark of byte order, CRLF',   "\xef\xbb\xbfa: 1\r\n\r\nb: 2\r\n",                       1],
    ['a line that is cut off',       "a: 1\nrubb",                                             1],
    ['a line that is none, later',   "a: 1\n\nrubbish\n",                                      1],
    ['a line that is none',          "a: 1\nrubbish\n",                                        ''],
    ['such a line and a record',     "a: 1\nrubbish\n\nb: 1\n",                                ''],
    ['a line that is cut off alone', "a: 1",                                                   ''],
    ['a program',                    slurp($0),                                                ''],
    ['a table',                      "a,b\n1,2\n",                                             ''],
    ['comments',                     "# a\n",                                                  ''],
    ['blanks',                       " a: 1\n",                                                ''],
    ['nothing',                      '',                                                       ''],
);
is !!NetIO::Load::Stanza->recognizes($_->[1]), $_->[2], "recognised: $_->[0]" for @starts;
is_deeply [NetIO::Load::Stanza->new(NetIO::Load::Lines->new(\*STDIN, 'in'))->names], [],
    'no names beforehand';

# A real file: what this machine has installed.
my $map = spew("$folder/p.map", "handle: Package\nname: Description|Package\nshow *:\n");
SKIP: {
    my $file = '/var/lib/dpkg/status';
    skip 'no list of packages here', 3 if !-s $file;
    my $text    = slurp($file);
    my $records = () = $text =~ /^Package:/mg;
    my $got     = run_load('--directory', "sqlite:$folder/a.db", '--map', $map, $file);
    is $got->{code}, 0, "$file is loaded";
    like $got->{err}, qr/^whois-load: $records entries from 1 file in \S+ s, 0 skipped$/m,
        'every package of it';
    my ($package, $synopsis) = $text =~ /^Package: (\S+)\n(?:\S.*\n| .*\n)*?Description: (.*)/m;
    is join('',
        grep { $_ eq $synopsis } map { $_->{name} }
        grep { $_->{handle} eq $package } @{ entries_of("$folder/a.db") }) =~
        s/^(\Q$synopsis\E)+\z/$1/r,
        $synopsis, 'the name is the first line of a description';
}

# 1 GiB in one line, in less memory than that by far (E11).
my $giant = spew("$folder/giant.txt", "id: 1\nname: One\n\nid: 2\nname: ");
truncate $giant, 1 << 30 or die "truncate: $!\n";
is_outcome(
    run_load(
        { under => ['sh', '-c', 'ulimit -v 200000; exec "$@"', 'sh'] }, '--directory',
        "sqlite:$folder/a.db",                                          $giant
    ),
    65,
    "whois-load: $giant:5: $unended\n" . "whois-load: 1 entry from 1 file in TIME, 1 skipped\n",
    'a line of 1 GiB in 200 MB (E11)'
);

done_testing;
