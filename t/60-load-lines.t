use strict;
use warnings;

use lib 't/lib';
use NetIO::Load::Lines;
use NetIO::Test::Load;
use Test::More;

alarm 300;

my $folder = folder();
my $long   = 'x' x 65_536;

sub lines_of {
    my ($bytes) = @_;

    open my $handle, '<:raw', spew("$folder/in", $bytes) or die "$folder/in: $!\n";
    my $lines = NetIO::Load::Lines->new($handle, 'in');
    my @got;
    while (my ($line, $flaw) = $lines->next) {
        $line =~ s/(x{9,})/'x*' . length $1/e;
        push @got, join '|', $lines->number, $line, $flaw || ();
    }
    return join ' ', @got;
}

my $unended  = 'the file ends in the middle of this line';
my $overlong = 'the line is longer than 65536 bytes';

# name, bytes, lines as number|text|flaw
my @cases = (
    ['empty file (E11)',               '',                   ''],
    ['LF',                             "a\nb\n",             '1|a 2|b'],
    ['CRLF (A19)',                     "a\r\nb\r\n",         '1|a 2|b'],
    ['CR alone is no end',             "a\rb\r\r\n",         "1|a\rb\r"],
    ['empty lines',                    "\n\r\na\n",          '1| 2| 3|a'],
    ['no end of the last line',        "a\nb",               "1|a 2|b|$unended"],
    ['mark of byte order',             "\xef\xbb\xbfa\n",    '1|a'],
    ['such a mark in the second line', "a\n\xef\xbb\xbfb\n", "1|a 2|\x{feff}b"],
    ['NUL (A18)',                      "a\0b\n",             "1|a\0b"],
    ['a line of 65536 bytes',          "$long\nb\n",         '1|x*65536 2|b'],
    ['a line of 65537 bytes (E11)',    "${long}x\nb\n",      "1|x*65536|$overlong 2|b"],
    ['a line of many slices (E11)',    $long x 5 . "\nb\n",  "1|x*65536|$overlong 2|b"],
    ['overlong and without an end',    $long x 5,            "1|x*65536|$overlong"],
    [
        'overlong after another line',
        "a\n" . $long x 3 . "\nb",
        "1|a 2|x*65536|$overlong 3|b|$unended"
    ],
);

is lines_of($_->[1]), $_->[2], $_->[0] for @cases;

# A19: wherever a read ends, the lines are the same.
my $text = "ab\r\n\r\ncd\n\nef\r\n";
my @odd  = grep { lines_of('x' x $_ . "\n" . $text) !~ /\A1\|\S* 2\|ab 3\| 4\|cd 5\| 6\|ef\z/ }
    65_536 - length($text) - 1 .. 65_536;
is "@odd", '', 'a line end may fall on every place of a slice (A19)';

open my $handle, '<:raw', spew("$folder/in", "first\nsecond\n") or die "$folder/in: $!\n";
my $lines = NetIO::Load::Lines->new($handle, 'in');
is $lines->start, "first\nsecond\n", 'start shows the beginning';
is(($lines->next)[0], 'first', 'and takes nothing away');
is $lines->size,  13,   'size of a file';
is $lines->taken, 13,   'bytes read so far';
is $lines->name,  'in', 'name';

open $handle, '<:raw', spew("$folder/in", "a\xc3\nb\xe4") or die "$folder/in: $!\n";
$lines = NetIO::Load::Lines->new($handle, 'in');
$lines->as_bytes;
is_deeply [map { [$lines->next] } 1 .. 2], [["a\xc3", undef], ["b\xe4", $lines->UNENDED]],
    'bytes where they are asked for';

pipe my $from, my $to or die "pipe: $!\n";
is(NetIO::Load::Lines->new($from, 'pipe')->size, undef, 'a pipe has no size');

open my $folder_handle, '<', "$folder" or die "$folder: $!\n";
eval { NetIO::Load::Lines->new($folder_handle, 'here')->next };
is $@->text, 'cannot read here: Is a directory', 'an error of the read ends it';
is $@->code, 74,                                 'with the code for I/O';

done_testing;
