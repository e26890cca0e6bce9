use strict;
use warnings;
use utf8;

use Test::More;

use NetIO::Load::Clean qw(text_of clean_value fold_name fold_handle quote);

alarm 300;
binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

# name, function, input, expected
my @cases = (
    ['UTF-8',                     \&text_of, "Malm\xc3\xb6",     'Malmö'],
    ['Latin-1',                   \&text_of, "Malm\xf6",         'Malmö'],
    ['UTF-8 cut in a character',  \&text_of, "Malm\xc3",         "Malm\x{c3}"],
    ['overlong UTF-8 (D6)',       \&text_of, "\xc0\xaf",         "\x{c0}\x{af}"],
    ['a surrogate in UTF-8 (D6)', \&text_of, "\xed\xa0\x80",     "\x{ed}\x{a0}\x{20ac}"],
    ['beyond Unicode',            \&text_of, "\xf4\x90\x80\x80", "\x{f4}\x{fffd}\x{20ac}\x{20ac}"],
    ['quotes and dashes of Windows', \&text_of, "O\x92Hara \x96 \x93\xfc\x94", 'O’Hara – “ü”'],
    ['no byte of anything', \&text_of, "a\x81\x8d\x8f\x90\x9db", 'a' . "\x{fffd}" x 5 . 'b'],

    ['clean already',               \&clean_value, 'Port Elm',                     'Port Elm'],
    ['empty',                       \&clean_value, '',                             ''],
    ['blanks and tabs',             \&clean_value, "\t Port \t  Elm  ",            'Port Elm'],
    ['blanks only',                 \&clean_value, "  \t ",                        ''],
    ['NUL, ESC, DEL (D4)',          \&clean_value, "a\0b\e[31mc\x7fd",             'a b [31mc d'],
    ['line ends (D3)',              \&clean_value, "a\r\nb\nc",                    'a b c'],
    ['line ends of Unicode (D3)',   \&clean_value, "a\x{2028}b\x{85}c",            'a b c'],
    ['C1 controls (D4)',            \&clean_value, "a\x{9b}31mö",                  'a 31mö'],
    ['direction of writing (D6)',   \&clean_value, "a\x{202e}b\x{2066}c\x{feff}d", 'a b c d'],
    ['no face (D6)',                \&clean_value, "\x{200b}a\x{ad}b\x{2060}c\x{e0041}", 'a b c'],
    ['wide and unbreakable blanks', \&clean_value, "ö\x{3000}\x{a0} ö\x{a0}",            'ö ö'],
    ['NFC',                         \&clean_value, "Malmo\x{308}",                       'Malmö'],

    ['case',                       \&fold_name, 'Port ELM',          'port elm'],
    ['accents',                    \&fold_name, 'Škoda ÉÈ Ångström', 'skoda ee angstrom'],
    ['ligatures and wide letters', \&fold_name, 'ﬁn ＡＢ',             'fin ab'],
    ['other scripts',              \&fold_name, 'Άλφα ЁЖ',           'αλφα еж'],

    ['prefix',                    \&fold_handle, '74-1A-E0-9',  '741ae09'],
    ['all that is dropped',       \&fold_handle, 'A:b.C_d e-F', 'abcdef'],
    ['letters beyond ASCII stay', \&fold_handle, 'ÄB-1',        'Äb1'],

    ['plain',         \&quote, 'foo bar',     "'foo bar'"],
    ['40 characters', \&quote, 'x' x 40,      "'" . 'x' x 40 . "'"],
    ['41 characters', \&quote, 'x' x 41,      "'" . 'x' x 37 . "...'"],
    ['escapes',       \&quote, "ö\e\x{20ac}", q{'\xF6 \x{20AC}'}],
);

is $_->[1]->($_->[2]), $_->[3], $_->[0] for @cases;

# D4: whatever the byte, alone or in company, nothing that moves a cursor is left.
my @left = grep { clean_value(text_of(chr)) =~ /[\x00-\x1f\x7f-\x9f]/ } 0 .. 255;
push @left, grep { clean_value(text_of(chr($_) . "\xc3\xb6")) =~ /[\x00-\x1f\x7f-\x9f]/ } 0 .. 255;
is "@left", '', 'no byte comes through as a control character (D4)';

# Nothing that whoisd would leave out of an answer gets into a directory: its list, point by point.
sub slurp {
    my ($path) = @_;

    open my $handle, '<', $path or die "$path: $!\n";
    local $/;
    return scalar <$handle>;
}

my ($list) = slurp('csrc/src/base/text.c') =~
    /^int netio_utf8_printable\(.*?\} hidden\[\] = \{(.*?)^    \};/ms;
my @hidden = map { hex } defined $list ? $list =~ /\b0x([0-9a-f]+)/g : ();
my @shown;
while (my ($first, $last) = splice @hidden, 0, 2) {
    push @shown, map { sprintf 'U+%04X', $_ }
        grep { clean_value('a' . chr($_) . 'b') ne 'a b' }
        grep { $_ < 0xd800 || $_ > 0xdfff } $first .. $last;
}
ok $list, 'the list of what whoisd does not show';
is "@shown", '', 'none of it is left';

done_testing;
