use strict;
use warnings;
use utf8;

use lib 't/lib';
use NetIO::Load::Map;
use NetIO::Test::Load;
use Test::More;

alarm 300;
binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $folder = folder();

sub map_of {
    my ($text, %option) = @_;

    utf8::encode($text);
    return NetIO::Load::Map->new(spew("$folder/a.map", $text))->for_file(%option);
}

# What a map makes of pairs: "handle: name (summary) [Label: value; ...] +words", the error, or
# 'passed over'.
sub entry_of {
    my ($map, @pairs) = @_;
    my $entry = $map->entry({ line => 7, pairs => \@pairs });

    return 'passed over'                     if !$entry;
    return "$entry->{line}: $entry->{error}" if exists $entry->{error};
    my @fields = map { "$_->[0]: $_->[1]" } @{ $entry->{fields} };
    my $key    = pop @fields;
    return "no key: $key" if $key ne "Index Key: $entry->{handle}";
    return
          "$entry->{handle}: $entry->{name} ($entry->{summary}) ["
        . join('; ', @fields) . '] +'
        . join ' ', sort @{ $entry->{words} };
}

my $base = "handle: id\nname: n\n";
my @id   = (['id', 1], ['n', 'Name']);

# name, map, pairs, entry
my @cases = (
    ['nothing shown: all is', $base, [@id, ['x', 'y']], '1: Name () [id: 1; n: Name; x: y] +1 y'],
    ['a show line',           "${base}show N: n", [@id, ['x', 'y']], '1: Name () [N: Name] +'],
    [
        'names blind to case',
        "handle: ID\nname: \"n\"\nshow X: xY",
        [@id, ['Xy', 'y']],
        '1: Name () [X: y] +y'
    ],
    [
        'blanks and tabs',
        "\thandle\t: id \n  name:n\nshow  A \t B : n  ",
        [@id], '1: Name () [A B: Name] +'
    ],
    [
        'comments', "# a\n  # b\n\nhandle: id # c\nname: n #\nshow #1: n#x|n",
        [@id],      '1: Name () [#1: Name] +'
    ],
    [
        'a name in quotes',
        "${base}show X: \"a, b|c # d\"",
        [@id, ['a, b|c # d', 'y']],
        '1: Name () [X: y] +y'
    ],
    ['blanks in it', "${base}show X: \"a  b\"", [@id, ['a b ', 'y']], '1: Name () [X: y] +y'],
    [
        'names beyond ASCII',
        "${base}show Büro: RÄUME",
        [@id, ['räume', 'y']],
        '1: Name () [Büro: y] +y'
    ],
    [
        'the first that is there',
        "handle: nr|id\nname: x|n|id\nshow A: y|x",
        [@id], '1: Name () [] +'
    ],
    [
        'one that is blank is not',
        "handle: nr | id\nname: n\nshow A: x|n",
        [@id, ['nr', ' '], ['x', '']],
        '1: Name () [A: Name] +'
    ],
    [
        'nor one that shows nothing',
        "handle: nr | id\nname: n\nshow A: x|n\nshow B: y\nshow *:",
        [
            @id,
            ['nr', "\x{200b}"],
            ['x',  "\0\1"],
            ['y',  "a\n\x{ad}\nb"],
            ['z',  "\x{a0}"],
            ['z',  "\x{2122}"]
        ],
        "1: Name () [A: Name; B: a; B: b; z: \x{2122}] +a b \x{2122}"
    ],
    [
        'joined',
        "handle: id\nname: a, b\nshow X: c, a b, d",
        [@id, ['a', 1], ['b', 2], ['c', 3], ['d', 4]],
        '1: 1, 2 () [X: 3, 1 2, 4] +3, 1 2, 4'
    ],
    [
        'what is missing goes',
        "handle: id\nname: a, n\nsummary: a b, c\nshow X: c, a b, d\nshow Y: a, b",
        [@id, ['d', 4]],
        '1: Name () [X: 4] +4'
    ],
    [
        'the first of several',
        "handle: id\nname: n, x\nsummary: x",
        [@id, ['x', 1], ['x', 2]],
        '1: Name, 1 (1) [id: 1; n: Name; x: 1; x: 2] +1 1 2 Name'
    ],
    [
        'a name in two lines is the name',
        "handle: id\nname: n\nshow A: n\nshow B: n x",
        [@id],
        '1: Name () [A: Name; B: Name] +'
    ],
    [
        'every value shown',
        "${base}show X: x",
        [@id, ['x', 1], ['y', 2], ['x', 3]],
        '1: Name () [X: 1; X: 3] +1 3'
    ],
    [
        'labels may repeat',
        "${base}show X: x\nshow X: y",
        [@id, ['x', 1], ['y', 2]],
        '1: Name () [X: 1; X: 2] +1 2'
    ],
    [
        'lines of a value',
        "handle: id\nname: x\nsummary: x n\nshow X: x\nshow Y: n x",
        [@id, ['x', "\n 1\r\n\n2\n"]],
        '1: 1 ( 1 Name) [X:  1; X: 2; Y: Name  1] + 1 2 Name  1'
    ],
    [
        'words',
        "${base}words: x y|z\nwords: y\nshow A: n",
        [@id, ['x', 1], ['x', 2], ['z', 3]],
        '1: Name () [A: Name] +1 2 3'
    ],
    [
        'the rest',
        "${base}show A: a|b\nshow *:\nshow C: c",
        [@id, ['b', 2], ['c', 3], ['d', 4], ['c', 5], ['e', "6\n7"]],
        '1: Name () [A: 2; d: 4; e: 6; e: 7; C: 3; C: 5] +2 3 4 5 6 7'
    ],
    [
        'the rest is what no line took',
        "handle: nr|id\nname: n\nwords: w\nsummary: s\nonly: o=1\nshow * : # all",
        [@id, ['w', 1], ['s', 2], ['O', 1], ['a', 3], ['nr', 4]],
        '4: Name (2) [id: 1; a: 3] +1 1 3'
    ],
    [
        'only',
        "${base}only: kind=Person\nshow A: n",
        [@id, ['KIND', 'top'], ['kind', ' person ']],
        '1: Name () [A: Name] +'
    ],
    ['only: not',     "${base}only: kind=person", [@id, ['kind', 'persons']], 'passed over'],
    ['only: missing', "${base}only: kind=person", [@id],                      'passed over'],
    [
        'only: of several',
        "${base}only: kind=a|\"b c\" | d\nshow A: n",
        [@id, ['kind', 'B C']],
        '1: Name () [A: Name] +'
    ],
    [
        'only: names',
        "${base}only: \"a b\"|kind = d\nshow A: n",
        [@id, ['kind', 'D']],
        '1: Name () [A: Name] +'
    ],
    ['only: all of them', "${base}only: a=1\nonly: b=2", [@id, ['a', 1]], 'passed over'],

    # What cannot be had.
    [
        'a value that cannot be had',
        "${base}show X: x",
        [@id, ['x', undef, 'its reason']],
        "7: 'x': its reason"
    ],
    [
        'the second of two',
        "${base}words: x",
        [@id, ['x', 1], ['X', undef, 'its reason']],
        "7: 'X': its reason"
    ],
    [
        'the first of them',
        "${base}show X: x\nshow Y: y",
        [@id, ['y', undef, 'one'], ['x', undef, 'two']],
        "7: 'y': one"
    ],
    [
        'it is not asked for',
        "${base}show X: x",
        [@id, ['y', undef, 'its reason']],
        '1: Name () [] +'
    ],
    [
        'it is not needed',
        "${base}show X: n|y",
        [@id, ['y', undef, 'its reason']],
        '1: Name () [X: Name] +'
    ],
    [
        'it is left out of the rest',
        "${base}show *:",
        [@id, ['y', undef, 'its reason'], ['z', 1]],
        '1: Name () [z: 1] +1'
    ],

    # Handle and name.
    [
        'no handle', "handle: nr|nic-hdl\nname: n", [@id],
        "7: no value for the handle ('nr|nic-hdl')"
    ],
    ['a handle of NUL', $base, [['id', "\0"], ['n', 'x']], "7: no value for the handle ('id')"],
    ['no name',         "handle: id\nname: a, b c", [@id], "7: no value for the name ('a, b c')"],
    [
        'a name of nothing that is seen',
        $base,
        [['id', 1], ['n', "\x{200b}\x{ad}"]],
        "7: no value for the name ('n')"
    ],
    [
        'a handle of signs',
        $base,
        [['id', '-:._ '], ['n', 'x']],
        "7: the handle '-:._' has no letter and no digit"
    ],
    [
        'a handle that cannot be asked for',
        $base,
        [['id', '!x'], ['n', 'x']],
        "7: the handle '!x' begins with '!', which stands before every handle"
    ],
    [
        'a handle that a listing would cut',
        $base,
        [['id', 'a: b'], ['n', 'x']],
        "7: the handle 'a: b' holds ': ', which ends a handle in a listing"
    ],
    [
        'a handle with a colon', "${base}show A: n", [['id', 'a:b'], ['n', 'x']],
        'a:b: x () [A: x] +'
    ],
    [
        'a handle of 159 bytes',
        "${base}show A: n",
        [['id', 'x' x 159], ['n', 'x']],
        'x' x 159 . ': x () [A: x] +'
    ],
    [
        'one of 160', $base,
        [['id', 'x' x 160], ['n', 'x']],
        "7: the handle '" . 'x' x 37 . "...' is longer than 159 bytes"
    ],
    [
        'one of 80 characters',
        $base,
        [['id', 'ö' x 80], ['n', 'x']],
        "7: the handle '" . '\\xF6' x 37 . "...' is longer than 159 bytes"
    ],
    [
        'controls are cleaned (D4)',
        "handle: id\nname: a b",
        [['id', "\e1\n2"], ['a', "x\0"], ['b', "\x{202e}y"]],
        '1: x y () [id: ' . "\e1; id: 2; a: x\0; b: \x{202e}y] +" . join ' ',
        "\e1",
        2,
        "x\0",
        "\x{202e}y"
    ],
);
for (@cases) {
    my ($name, $text, $pairs, $entry) = @$_;
    is entry_of(map_of("$text\n"), @$pairs), $entry, $name;
}

my $same = map_of("${base}show X: x\n");
entry_of($same, @id, ['x', undef, 'its reason']);
is entry_of($same, @id), '1: Name () [] +', 'what one record lacks does not concern the next';

# Attribute options, as LDIF has them.
my @german  = (['cn;lang-de', 'Jürgen'], ['cn;lang-ja;x', 'J']);
my @options = (
    [
        'plain before variants',
        'show A: cn',
        [@id, @german, ['cn', 'Juergen']],
        '1: Name () [A: Juergen] +J Juergen Jürgen'
    ],
    [
        'variants without plain',
        'show A: cn',
        [@id, @german],
        '1: Name () [A: Jürgen; A: J] +J J Jürgen Jürgen'
    ],
    [
        'just that one',
        'show A: CN;lang-DE',
        [@id, @german, ['cn', 'x']],
        '1: Name () [A: Jürgen] +Jürgen'
    ],
    [
        'of an alternative',
        'show A: x|cn',
        [@id, @german],
        '1: Name () [A: Jürgen; A: J] +J J Jürgen Jürgen'
    ],
    ['joined', 'show A: n cn', [@id, @german], '1: Name () [A: Name Jürgen] +J Jürgen Name Jürgen'],
    ['none asked for', 'show A: n', [@id, @german], '1: Name () [A: Name] +'],
    [
        'the rest has no variants of what is shown',
        "show A: cn\nshow *:",
        [@id, @german, ['cn', 'x'], ['o;x', 'y']],
        '1: Name () [A: x; o;x: y] +J Jürgen x y'
    ],
    [
        'a variant that cannot be had',
        'show A: cn',
        [@id, ['cn;x', undef, 'its reason']],
        "7: 'cn;x': its reason"
    ],
);
for (@options) {
    my ($name, $text, $pairs, $entry) = @$_;
    is entry_of(map_of("$base$text\n", options => 1), @$pairs), $entry, "options: $name";
}
is entry_of(map_of("${base}show A: cn\nshow B: cn;lang-de\n"), @id, @german),
    '1: Name () [B: Jürgen] +Jürgen',
    'elsewhere a semicolon has no meaning';

is entry_of(map_of("handle: id\nname: n\nshow A: n"), @id), '1: Name () [A: Name] +',
    'the last line of a map needs no end';

# Names that are all different are not kept.
my $many = map_of("${base}show *:\n");
entry_of($many, @id, [$_, 'x']) for 1 .. 10_100;
cmp_ok scalar keys %{ $many->{key} }, '<', 10_002, 'names are not remembered for ever';

# The maps that are built in: format, pairs, entry
my @builtin = (
    [
        'ldif',
        [
            ['objectClass',     'inetOrgPerson'],
            ['employeeNumber',  481800],
            ['uid',             'aexample'],
            ['sn',              'Example'],
            ['givenName',       'Ann'],
            ['cn',              'Ann Example'],
            ['ou',              'Music'],
            ['roomNumber',      'B 1'],
            ['telephoneNumber', 1],
            ['telephoneNumber', 2],
            ['mail',            'a@example.org'],
            ['title',           'Dr'],
        ],
        '481800: Example, Ann (Music, B 1) [Full Name: Example, Ann; Title: Dr; Department: Music; '
            . 'Room: B 1; Phone: 1; Phone: 2; E-mail: a@example.org; Login: aexample] '
            . '+1 2 Ann Example B 1 Dr Music a@example.org a@example.org aexample aexample'
    ],
    ['ldif', [['objectClass', 'top'], ['ou', 'Music']],    'passed over'],
    ['csv', [['ID', 1], ['Full Name', 'Ann'], ['uid', 2]], '1: Ann () [Full Name: Ann; uid: 2] +2'],
    ['stanza', [['Package', 'a'], ['Version', 2]],         'a: a () [Full Name: a; Version: 2] +2'],
    [
        'stanza',
        [['person', 'Ann'], ['nic-hdl', 'A1-X'], ['e-mail', 'a']],
        'A1-X: Ann () [Full Name: Ann; e-mail: a] +a'
    ],
);
for (@builtin) {
    my ($format, $pairs, $entry) = @$_;
    my $map = NetIO::Load::Map->builtin($format)->for_file(options => $format eq 'ldif');
    is entry_of($map, @$pairs), $entry, "built in: $format, $pairs->[0][0]";
}

# Names that are not there at all (a table), and that no record had.
my $people =
    map_of("handle: id|nr\nname: sn, givenName\nshow A: roomNumbre\nwords: sn tel|mobile\n");
is_deeply $people->missing(qw(NR sn givenname roomNumber mobile))->{said}, ['roomNumbre'],
    'a column that is missing';
is $people->missing(qw(nr sn givenName roomnumbre tel)), undef, 'none that is missing';
entry_of($people, ['id', 1], ['sn',     'x']);
entry_of($people, ['id', 1], ['mobile', 'x']);
is join(' ', map { "$_->{line}:@{ $_->{said} }" } $people->unseen), '2:givenName 3:roomNumbre',
    'names that no record had';
is scalar(() = NetIO::Load::Map->new("$folder/a.map")->for_file->unseen), 5,
    'of another file nothing is known';
my $builtin = NetIO::Load::Map->builtin('csv')->for_file;
is $builtin->missing('ID', 'Name'),     undef,  'what is built in may miss any name';
is $builtin->missing('ID')->{names}[0], 'name', 'but one for the name';

done_testing;
