use strict;
use warnings;
use utf8;

use lib 't/lib';
use NetIO::Load::IEEE;
use NetIO::Load::Lines;
use NetIO::Test::Load;
use Test::More;

alarm 300;
binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $folder = folder();

# All that a reader gives for the bytes.
sub read_all {
    my ($bytes) = @_;

    utf8::encode($bytes) if utf8::is_utf8($bytes);
    open my $handle, '<:raw', spew("$folder/in.txt", $bytes) or die "$folder/in.txt: $!\n";
    my $reader = NetIO::Load::IEEE->new(NetIO::Load::Lines->new($handle, 'in.txt'));
    my @got;
    while (my $record = $reader->next) {
        push @got, $record;
    }
    return @got;
}

# A record on one line: "line handle name (summary)" or "line: error".
sub short {
    my ($record) = @_;

    return "$record->{line}: $record->{error}" if exists $record->{error};
    return "$record->{line} $record->{handle} $record->{name} ($record->{summary})";
}

# A whole entry, with all there is to it.
my ($entry) = read_all(
    ieee(['02-00-0C', 'Harbour Systems, Inc', '170 West Quay Dr.', 'Port Elm  CA  94568', 'US']));
is_deeply $entry,
    {
    line    => 5,
    handle  => '02-00-0C',
    name    => 'Harbour Systems, Inc',
    summary => 'Port Elm CA, US',
    fields  => [
        ['Organisation', 'Harbour Systems, Inc'],
        ['Address',      "\t\t\t\t170 West Quay Dr."],
        ['Address',      "\t\t\t\tPort Elm  CA  94568"],
        ['Country',      'US'],
        ['Assignment',   'MA-L'],
        ['Range',        '02-00-0C-00-00-00 to 02-00-0C-FF-FF-FF'],
        ['Index Key',    '02-00-0C'],
    ],
    words => ["\t\t\t\t170 West Quay Dr.", "\t\t\t\tPort Elm  CA  94568", 'US'],
    },
    'an entry';

# The kinds of block: file, lines "handle kind range".
my %kinds = (
    't/data/ieee-tabs.txt' => [
        '02-00-0C MA-L 02-00-0C-00-00-00 to 02-00-0C-FF-FF-FF',
        '02-00-10 MA-L 02-00-10-00-00-00 to 02-00-10-FF-FF-FF',
        '02-00-10 MA-L 02-00-10-00-00-00 to 02-00-10-FF-FF-FF',
        '02-00-11 MA-L 02-00-11-00-00-00 to 02-00-11-FF-FF-FF',
        '02-00-12 MA-L 02-00-12-00-00-00 to 02-00-12-FF-FF-FF',
        '02-00-13 MA-L 02-00-13-00-00-00 to 02-00-13-FF-FF-FF',
        '02-00-14 MA-L 02-00-14-00-00-00 to 02-00-14-FF-FF-FF',
        '02-00-15 MA-L 02-00-15-00-00-00 to 02-00-15-FF-FF-FF',
    ],
    't/data/ieee-blanks.txt' => [
        '00-50-C2-7D-5 IAB 00-50-C2-7D-50-00 to 00-50-C2-7D-5F-FF',
        '40-D8-55-11-C IAB 40-D8-55-11-C0-00 to 40-D8-55-11-CF-FF',
        '02-B3-D5-F2-F MA-S 02-B3-D5-F2-F0-00 to 02-B3-D5-F2-FF-FF',
        '02-1A-E0-9 MA-M 02-1A-E0-90-00-00 to 02-1A-E0-9F-FF-FF',
        '02-1A-E0-0 MA-M 02-1A-E0-00-00-00 to 02-1A-E0-0F-FF-FF',
    ],
);
for my $file (sort keys %kinds) {
    my @got = map {
        my %value = map { @$_ } @{ $_->{fields} };
        "$value{'Index Key'} $value{Assignment} $value{Range}"
    } read_all(slurp($file));
    is_deeply \@got, $kinds{$file}, "$file: handles, kinds and ranges";
}

# The end of an address, and what a listing shows of it.
my @towns = (
    ['town, state, post code', ['1 Street', 'Ferndale  WA  98248', 'US'],   'Ferndale WA, US'],
    ['a long state',           ['Gumi  Gyeongbuk  730-350', 'KR'],          'Gumi, KR'],
    ['no state',               ['Hansestr. 1', 'Warszawa    02-238', 'PL'], 'Warszawa, PL'],
    ['no post code',                  ["Ra'anana    ",          'IL'],   "Ra'anana, IL"],
    ['the state is the town',         ['SEOUL  SEOUL  153-801', 'KR'],   'SEOUL, KR'],
    ['a state that is not available', ['Minsk  NA  220012',     'BY'],   'Minsk, BY'],
    ['a state that is the country',   ['Malmö  SE  211 20',     'SE'],   'Malmö, SE'],
    ['a short town as its state',     ['ROM  ROM  00100',       'IT'],   'ROM, IT'],
    ['a number in the town',          ['Dublin 17    ',         'IE'],   'Dublin, IE'],
    ['post code first',          ['40013 CASTEL MAGGIORE BO    ', 'IT'], 'CASTEL MAGGIORE BO, IT'],
    ['a street before the town', ['In der Au 22  Walluf  65396',  'DE'], 'Walluf, DE'],
    ['a comma at the end', ['Longhua District,  Guangdong  518000', 'CN'], 'Longhua District, CN'],
    ['accents',            ['Malmö  Skåne  211 20',                 'SE'], 'Malmö, SE'],
    ['trailing blanks at the country', ['Malmö  Skåne  211 20',      'SE  '], 'Malmö, SE'],
    ['only a street',                  ['Güterstraße 5',             'DE'],   'DE'],
    ['only a post code',               ['999077    ',                'HK'],   'HK'],
    ['a country in two words',         ['UNITED  KINGDOM',           'GB'],   'GB'],
    ['a state and no post code',       ['Warabi  Saitama  ',         'JP'],   'Warabi, JP'],
    ['one gap before the post code',   ['HAIFA  31021',              'IL'],   'HAIFA, IL'],
    ['gaps of three blanks',           ['Shanghai   Pudong  201206', 'CN'],   'Shanghai, CN'],
    ['only a country',        ['US'],                                          'US'],
    ['a country in full',     ['1 Street', 'Fulda  Hessen  36043', 'GERMANY'], ''],
    ['no country',            ['1 Street', 'Fulda  Hessen  36043'],            'Fulda'],
    ['blank lines around it', ['', 'Bilbao    ', ' ', 'ES', ''],               'Bilbao, ES'],
    ['nothing',               [],                                              ''],
);
for (@towns) {
    my ($name, $address, $summary) = @$_;
    is((read_all(ieee(['02-00-01', 'One', @$address])))[0]{summary}, $summary, "town: $name");
}

# Records that lie or are damaged.  Each stands between two good ones, which are read.
my $before = ieee(['02-00-01', 'One', '1 Street', 'US']);    # lines 1 to 9
my $after  = "02-00-02   (hex)\t\tTwo\r\n020002     (base 16)\t\tTwo\r\n\t\t\t\tUS\r\n\r\n";
my $hex    = "02-00-0C   (hex)\t\tHarbour\r\n";
my $base   = "02000C     (base 16)\t\tHarbour\r\n";

my @lies = (
    ['no (base 16) line', $hex, '10: no (base 16) line follows the (hex) line'],
    [
        'no (base 16) line but an address',
        "$hex\t\tUS\r\n",
        '10: no (base 16) line follows the (hex) line'
    ],
    ['no (hex) line',       $base, "10: '02000C (base 16) Harbour' is not part of any record"],
    ['two (base 16) lines', "$hex$base$base", '12: a second (base 16) line in one record'],
    [
        'two prefixes',
        "${hex}02000D     (base 16)\t\tHarbour\r\n",
        '10: (hex) says 02-00-0C, (base 16) says 02000D'
    ],
    [
        'two names',
        "${hex}02000C     (base 16)\t\tHarbor\r\n",
        "10: (hex) names 'Harbour', (base 16) names 'Harbor'"
    ],
    [
        'no name in (hex)',
        "02-00-0C   (hex)\t\t\r\n02000C     (base 16)\t\tHarbour\r\n",
        '10: the (hex) line names no organisation'
    ],
    [
        'no name in (base 16)',
        "${hex}02000C     (base 16)\r\n",
        "10: (hex) names 'Harbour', (base 16) names ''"
    ],
    [
        'a name of blanks and NUL',
        "02-00-0C   (hex)\t\t \0 \r\n02000C     (base 16)\t\t \0 \r\n",
        '10: the (hex) line names no organisation'
    ],
    [
        'no hexadecimal prefix',
        "02-00-0G   (hex)\t\tHarbour\r\n$base",
        "10: '02-00-0G' is not a prefix of three bytes"
    ],
    [
        'four bytes of prefix',
        "02-00-0C-01   (hex)\t\tHarbour\r\n$base",
        "10: '02-00-0C-01' is not a prefix of three bytes"
    ],
    [
        'a prefix of digits that are not ours (D9)',
        "0\x{662}-00-0C   (hex)\t\tHarbour\r\n$base",
        "10: '0\\x{662}-00-0C' is not a prefix of three bytes"
    ],
    [
        'no hexadecimal block',
        "${hex}02000G     (base 16)\t\tHarbour\r\n",
        "11: '02000G' is neither six hexadecimal digits nor a range of them"
    ],
    [
        'half a range',
        "${hex}900000-     (base 16)\t\tHarbour\r\n",
        "11: '900000-' is neither six hexadecimal digits nor a range of them"
    ],
    [
        'a range outside its prefix',
        "${hex}1900000-19FFFFF     (base 16)\t\tHarbour\r\n",
        "11: '1900000-19FFFFF' is neither six hexadecimal digits nor a range of them"
    ],
    [
        'a range of another size',
        "${hex}900000-9FFFFE     (base 16)\t\tHarbour\r\n",
        '10: 900000-9FFFFE is not an aligned block of 2^20 or 2^12 addresses'
    ],
    [
        'a range out of line',
        "${hex}908000-A07FFF     (base 16)\t\tHarbour\r\n",
        '10: 908000-A07FFF is not an aligned block of 2^20 or 2^12 addresses'
    ],
    [
        'a range backwards',
        "${hex}9FFFFF-900000     (base 16)\t\tHarbour\r\n",
        '10: 9FFFFF-900000 is not an aligned block of 2^20 or 2^12 addresses'
    ],
    [
        'the whole prefix as a range',
        "${hex}000000-FFFFFF     (base 16)\t\tHarbour\r\n",
        '10: 000000-FFFFFF is not an aligned block of 2^20 or 2^12 addresses'
    ],
    [
        'a line out of place',
        "$hex${base}Harbour Road 1\r\n\t\tUS\r\n",
        "12: 'Harbour Road 1' is neither an address nor a (base 16) line"
    ],
    [
        'several such lines, one report',
        "$hex${base}a\r\nb\r\nc\r\n",
        "12: 'a' is neither an address nor a (base 16) line"
    ],
    [
        'stray text',
        "some text\r\nand more\r\n\t\tof it\r\n",
        "10: 'some text' is not part of any record"
    ],
    ['an escape in stray text (D4)', "\e[2J\r\n",  "10: '[2J' is not part of any record"],
    ['an address and no record',     "\t\tUS\r\n", "10: 'US' is not part of any record"],
    [
        'an address of 65 lines',
        $hex . $base . "\t\tUS\r\n" x 65,
        '76: more than 64 lines of address'
    ],
    [
        'a line too long (E11)',
        "$hex$base\t\t" . 'x' x 70_000 . "\r\n",
        '12: the line is longer than 65536 bytes'
    ],
    [
        'a first line too long (E11)',
        "02-00-0C   (hex)\t\t" . 'x' x 70_000 . "\r\n$base",
        '10: the line is longer than 65536 bytes'
    ],
);
for (@lies) {
    my ($name, $text, $error) = @$_;
    is join("\n", map { short($_) } read_all("$before$text\r\n$after")),
        join("\n",
        '5 02-00-01 One (US)',
        $error, (10 + ($text =~ tr/\n//) + 1) . ' 02-00-02 Two (US)'),
        "a registry that lies: $name";
}

# Odd, and right.
my @odd = (
    [
        'lower case',
        "02-00-0c   (hex)\t\tHarbour\n02000c     (base 16)\t\tHarbour\n\n",
        '10 02-00-0C Harbour ()'
    ],
    [
        'LF alone',
        "02-00-0C   (hex)\t\tHarbour\n02000C     (base 16)\t\tHarbour\n\t\t\t\tUS\n\n",
        '10 02-00-0C Harbour (US)'
    ],
    ['no blank line before the next', $hex . $base,                 '10 02-00-0C Harbour ()'],
    ['many blank lines before',       "\r\n \r\n\r\n$hex$base\r\n", '13 02-00-0C Harbour ()'],
    [
        'a name that says (hex)',
        "02-00-0C   (hex)\t\tThe (hex) Co\r\n02000C     (base 16)\t\tThe (hex) Co\r\n\r\n",
        '10 02-00-0C The (hex) Co ()'
    ],
    [
        'controls in a name (E11)',
        "02-00-0C   (hex)\t\tA\0B\eC\r\n02000C     (base 16)\t\tA B\tC\r\n\r\n",
        '10 02-00-0C A B C ()'
    ],
);
for (@odd) {
    my ($name, $text, $expected) = @$_;
    is short((read_all("$before$text$after"))[1]), $expected, "odd but right: $name";
}

is short((read_all("02-00-0C   (hex)\t\tMalm\xf6\r\n02000C     (base 16)\t\tMalm\xf6\r\n\r\n"))[0]),
    '1 02-00-0C Malmö ()', 'Latin-1';
is join(' ', map { short($_) } read_all("\x{feff}$hex$base")), '1 02-00-0C Harbour ()',
    'no header, a mark of byte order, no blank line at the end';

# E11: cut anywhere, the file gives the records that are whole.  A cut between two lines of an
# address cannot be seen; everywhere else the record is reported.
my $whole = ieee(['02-00-01', 'One', '1 Street', 'US'], ['02-00-02', 'Two', '2 Street', 'US']);
my $first = index $whole, '02-00-02';
my @unseen;
for my $length ($first + 1 .. length($whole) - 3) {
    my @got = map { short($_) } read_all(substr $whole, 0, $length);
    push @unseen, $length - $first
        if @got != 2 || $got[0] ne '5 02-00-01 One (US)' || $got[1] =~ /^10 /;
}
my $record = substr $whole, $first;
my @expected;
push @expected, pos $record while $record =~ /\n/g;
is "@unseen", "@expected[1, 2]", 'a file that is cut (E11)';

# Not of this format: nothing is read on for long.
my @strangers = (
    ['another text', slurp($0)],
    [
        'CSV of the same registry',
        "Registry,Assignment,Organization Name,Organization Address\r\n"
            . "MA-L,02000C,Harbour,1 Street\r\n" x 100
    ],
    ['binary', join '', map { chr($_ % 256) . "\n" } 0 .. 999],
);
for (@strangers) {
    my ($name, $text) = @$_;
    eval { read_all($text) };
    is ref $@ && $@->text, 'in.txt: not of the ieee format', "not of the format: $name";
}
is_deeply [read_all('')],                     [], 'an empty file has no records';
is_deeply [read_all("just\na few\nlines\n")], [], 'nor has a short stranger';

ok(NetIO::Load::IEEE->recognizes(ieee(['02-00-01', 'One']) . 'and so on'), 'recognizes its format');
ok(NetIO::Load::IEEE->recognizes(substr slurp($_), 0, 4096), "recognizes $_") for sort keys %kinds;
ok(!NetIO::Load::IEEE->recognizes($_->[1]), "does not recognize: $_->[0]")    for @strangers;

done_testing;
