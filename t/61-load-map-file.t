use strict;
use warnings;

use lib 't/lib';
use NetIO::Load::Map;
use NetIO::Test::Load;
use Test::More;

alarm 300;

# Files that are no maps: what is said of them.

my $folder = folder();
my $base   = "handle: id\nname: n\n";

# Name, text, message after "a.map"
my @wrong = (
    ['empty (E11)', '', ": the map does not say what the handle is; it needs a line 'handle: ...'"],
    [
        'no name', "handle: id\n",
        ": the map does not say what the name is; it needs a line 'name: ...'"
    ],
    [
        'no handle',
        "name: id\nshow *:\n",
        ": the map does not say what the handle is; it needs a line 'handle: ...'"
    ],
    ['a handle that names nothing', "handle:\n", ':1: a name is missing after the colon'],
    [
        'a show line that names nothing',
        "${base}show A: # b\n",
        ':3: a name is missing after the colon'
    ],
    ['a line without a colon', "${base}show *\n", ":3: 'show *' has no colon"],
    [
        'an unknown directive',
        "${base}shwo A: b\n",
        ":3: 'shwo' is no directive; there are: only, handle, name, summary, words, show"
    ],
    [
        'one in capitals',
        "Handle: id\n",
        ":1: 'Handle' is no directive; there are: only, handle, name, summary, words, show"
    ],
    [
        'an LDIF file', "dn: x\n",
        ":1: 'dn' is no directive; there are: only, handle, name, summary, words, show"
    ],
    [
        'controls (D4)',
        "\e[2J: x\n",
        ":1: '[2J' is no directive; there are: only, handle, name, summary, words, show"
    ],
    [
        'a label where none is',
        "handle x: id\n",
        ":1: 'handle x' is no directive; 'handle' takes no label"
    ],
    ['no label', "show: id\n", ":1: 'show' has no label"],
    [
        'a long label',
        'show ' . 'x' x 41 . ": id\n",
        ":1: '" . 'x' x 37 . "...' is longer than 40 characters"
    ],
    ['two handles',   "${base}\nhandle: a\n",     ":4: a second 'handle'; the first is in line 1"],
    ['two names',     "${base}name: a\n",         ":3: a second 'name'; the first is in line 2"],
    ['two summaries', "summary: a\nsummary: a\n", ":2: a second 'summary'; the first is in line 1"],
    ['the rest twice',          "show *:\nshow *:\n", ":2: a second 'show *'"],
    ['names for the rest',      "show *: id\n",       ":1: 'show *' takes no names"],
    ['a quote that never ends', "handle: \"id\n",     ':1: a quote does not end'],
    ['an empty quote',          "handle: \" \"\n",    ':1: a name is empty'],
    ['a comma at the end',      "handle: a,\n",       ":1: a name is missing after ','"],
    ['a comma before',    "handle: , a\n",    ":1: a name is missing between the colon and ','"],
    ['a bar and a comma', "handle: a |, b\n", ":1: a name is missing between '|' and ','"],
    ['two bars',          "handle: a||b\n",   ":1: a name is missing between '|' and '|'"],
    ['words of nothing',  "words: a,,b\n",    ":1: a name is missing between ',' and ','"],
    (
        map { ["only: $_", "only: $_\n", ":1: 'only' wants NAME=VALUE"] } '',
        'a', 'a=', '=a', 'a=b=c', 'a=b c', 'a=|b', 'a=b|', 'a=b,c', 'a b=c', 'a,b=c', '=', 'a=b||c'
    ),
    ['only: a quote',        "only: a=\"b\n",  ':1: a quote does not end'],
    ['only: a bar too many', "only: a||b=c\n", ":1: a name is missing between '|' and '|'"],
    [
        'a long line (E11)',
        "${base}# " . 'x' x 70_000 . "\n",
        ':3: the line is longer than 65536 bytes'
    ],
    ['UTF-16', "\xff\xfe#\0\n\0", ': it is not text in UTF-8'],
);
for (@wrong) {
    my ($name, $text, $message) = @$_;
    my $path = spew("$folder/a.map", $text);
    eval { NetIO::Load::Map->new($path) };
    is ref $@ ? $@->code . ' ' . $@->text : $@, "65 $path$message", "a map: $name";
}

for (["$folder/none", 'No such file or directory'], ["$folder", 'it is a folder']) {
    my ($path, $reason) = @$_;
    eval { NetIO::Load::Map->new($path) };
    is $@->code . ' ' . $@->text, "66 cannot read $path: $reason", "a map: $reason";
}

SKIP: {
    skip 'no /dev/zero here', 1 if !-c '/dev/zero';
    eval { NetIO::Load::Map->new('/dev/zero') };
    is $@->code . ' ' . $@->text, '65 /dev/zero: it is not text in UTF-8', 'a map without an end';
}

done_testing;
