use strict;
use warnings;
use utf8;

use lib 't/lib';
use NetIO::Load::CSV;
use NetIO::Load::Lines;
use NetIO::Test::Load;
use Test::More;

alarm 300;
binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

ok(NetIO::Load::CSV->recognizes("id,name\n1,One\n"), 'recognizes a table');
ok !$INC{'Text/CSV_XS.pm'}, 'without loading what reads it';
plan skip_all => 'the package libtext-csv-xs-perl is not installed'
    if !eval { require Text::CSV_XS };

my $folder = folder();

sub reader_of {
    my ($bytes) = @_;

    utf8::encode($bytes) if utf8::is_utf8($bytes);
    open my $handle, '<:raw', spew("$folder/in.csv", $bytes) or die "$folder/in.csv: $!\n";
    return NetIO::Load::CSV->new(NetIO::Load::Lines->new($handle, 'in.csv'));
}

# Everything there is, a record on one line: "2 id=1 name=One" or "2: error"; a refusal as it is.
sub read_all {
    my ($bytes) = @_;
    my $reader = eval { reader_of($bytes) };
    my @got;

    return ref $@ ? $@->text : $@ if !$reader;
    while (my $record = $reader->next) {
        push @got, join ' ', exists $record->{error}
            ? "$record->{line}: $record->{error}"
            : ($record->{line}, map { "$_->[0]=$_->[1]" } @{ $record->{pairs} });
    }
    return join "\n", @got;
}

# Tables that are right: name, bytes, records.
my @right = (
    ['commas',                    "id,name\n1,One\n2,Two\n",    "2 id=1 name=One\n3 id=2 name=Two"],
    ['CRLF (A19)',                "id,name\r\n1,One\r\n",       '2 id=1 name=One'],
    ['semicolons',                "id;name\n1;One, Ann\n",      '2 id=1 name=One, Ann'],
    ['tabs',                      "id\tname\troom\n1\tOne\t\n", '2 id=1 name=One'],
    ['a column between tabs',     "id\tname\troom\n1\t\tR1\n",  '2 id=1 room=R1'],
    ['bars',                      "id|name\n1|One;1\n",         '2 id=1 name=One;1'],
    ['commas in a quoted header', "\"a,b,c\";d\n1;2\n",         '2 a,b,c=1 d=2'],
    ['one column',                "name\nOne\n\nTwo\n",         "2 name=One\n4 name=Two"],
    ['blanks around values',       "id , name\n 1 ,\t\"One\" \n",   '2 id=1 name=One'],
    ['blanks within quotes',       "id,name\n1,\" One \"\n",        '2 id=1 name= One '],
    ['no end of the last line',    "id,name\n1,One",                '2 id=1 name=One'],
    ['blank lines',                "\n \r\nid,name\n\n1,One\n\n\n", '5 id=1 name=One'],
    ['rows of nothing but commas', "id,name\n,\n1,One\n , \n,,,\n", '3 id=1 name=One'],
    ['a column that is empty',     "id,name,room\n1,One,\n",        '2 id=1 name=One'],
    ['a comma in quotes',          "id,name\n1,\"One, Ann\"\n",     '2 id=1 name=One, Ann'],
    ['quotes in quotes',           "id,name\n1,\"\"\"One\"\"\"\n",  '2 id=1 name="One"'],
    [
        'a line in quotes',
        "id,name\n1,\"One\nAnn\"\n2,Two\n",
        "2 id=1 name=One\nAnn\n4 id=2 name=Two"
    ],
    ['a blank line in quotes', "id,name\n1,\"One\r\n\r\nAnn\"\r\n", "2 id=1 name=One\n\nAnn"],
    [
        'quotes at the end of lines',
        "id,name\n1,\"\"\"One\"\"\n\"\"Ann\"\"\"\n",
        "2 id=1 name=\"One\"\n\"Ann\""
    ],
    ['a value of two quotes',  "id,name\n1,\"\"\n2,\"\"\"\"\n",    "2 id=1\n3 id=2 name=\""],
    ['a line in the header',   "id,\"the\nname\"\n1,One\n",        '3 id=1 the name=One'],
    ['a backslash is nothing', "id,name\n1,\"O\\\"\n",             '2 id=1 name=O\\'],
    ['a mark of byte order',   "\x{feff}id,name\n1,Åsa\n",         '2 id=1 name=Åsa'],
    ['such a mark and quotes', "\x{feff}\"id\",\"name\"\n1,Åsa\n", '2 id=1 name=Åsa'],
    ['UTF-8 in several lines', "id,name\n1,\"Åsa\nAnn\nÖ\"\n",     "2 id=1 name=Åsa\nAnn\nÖ"],
    ['no markup',              "id,name\n1,<b>=1+1\n",             '2 id=1 name=<b>=1+1'],
    ['NUL (E11)', "id,name\n1,O\0ne\n2,\"T\0\"\n",       "2 id=1 name=O\0ne\n3 id=2 name=T\0"],
    ['CR alone',  "id,name\n1,\"O\rne\"\r\r\n2,\rTwo\n", "2 id=1 name=O ne\n3 id=2 name=Two"],
    ['an empty file (E11)',     '',                                    ''],
    ['a header and no more',    "id,name\n",                           ''],
    ['blank lines only',        "\n\n",                                ''],
    ['a line for spreadsheets', "sep=;\r\nid;a,b,c\r\n1;2\r\n",        '3 id=1 a,b,c=2'],
    ['such a line in quotes',   "\x{feff}\"SEP=\t\"\n\nid\ta\n1\t2\n", '4 id=1 a=2'],
    ['such a line and no more', "sep=;\n",                             ''],
    ['what only looks so',      "sep=x,b\n1,2\n",                      '2 sep=x=1 b=2'],
);
is read_all($_->[1]), $_->[2], $_->[0] for @right;
is read_all("id,name\n1,\xc5sa\n2,\xc3\x85sa\n"), "2 id=1 name=Åsa\n3 id=2 name=Åsa",
    'Latin-1, line by line';
is join('|', reader_of(" a ; \"b \"\"c\"\"\" ;d\n")->names), 'a|b "c"|d', 'names';
is join('|', reader_of('')->names),                          '',          'names of nothing';

# Records that cannot be read; the others are.  A record stands before and one after.
my $end = 'the quote that begins in column 2 does not end';
my @bad = (
    ['too few columns',       "2,Two\n",       '3: 2 columns where the header has 3'],
    ['one column',            "2\n",           '3: 1 column where the header has 3'],
    ['too many columns',      "2,Two,R,S\n",   '3: 4 columns where the header has 3'],
    ['a quote in a value',    "2,T\"wo,R\n",   '3: a quote stands in the middle of column 2'],
    ['a quote after a value', "2,Two\",R\n",   '3: a quote stands in the middle of column 2'],
    ['a value after a quote', "2,\"T\"wo,R\n", '3: more follows the closing quote of column 2'],
    [
        'more after a quote at the end',
        "2,Two,\"R\"x\n",
        '3: more follows the closing quote of column 3'
    ],
    [
        'a line too long (E11)',
        '2,' . 'x' x 65_536 . ",R\n",
        '3: the line is longer than 65536 bytes'
    ],
);
for (@bad) {
    my ($name, $text, $error) = @$_;
    is read_all("id,name,room\n1,One,R\n${text}9,Nine,R\n"),
        "2 id=1 name=One room=R\n$error\n4 id=9 name=Nine room=R", "not read: $name";
}

# Quotes that never end, and what is found after them: name, text from line 3 on, records.
my @endless = (
    ['to the end of the file', "2,\"Two\n3,Three\n", "3: $end\n4 id=3 name=Three"],
    ['in the last line',       "2,\"Two",            "3: $end"],
    [
        'up to the next quote',
        "2,\"Two\n3,Three\n4,\"Four\"\n",
        "3: the quote that begins in column 2 ends in line 5, where more follows it\n"
            . "4 id=3 name=Three\n5 id=4 name=Four"
    ],
    [
        'up to one at the end of a line',
        "2,\"Two\n3,Three\n4,Four\",V\n5,Five\n",
        "3: 3 columns where the header has 2\n4 id=3 name=Three\n"
            . "5: a quote stands in the middle of column 2\n6 id=5 name=Five"
    ],
    [
        'and one in the middle of a value after it',
        "2,\"Two\n3\",\"Three\"x\n4,Four\n",
        "3: the quote that begins in column 3 ends in line 4, where more follows it\n"
            . "4: a quote stands in the middle of column 1\n5 id=4 name=Four"
    ],
    [
        'after a value of two lines',
        "\"2\nb\",\"Two\n3,Three\n4,Four\n",
        "4: $end\n5 id=3 name=Three\n6 id=4 name=Four"
    ],
    [
        'after a value of two lines that says "so"',
        "\"2\n\"\"so\"\"\",\"Two\n3,Three\n",
        "4: $end\n5 id=3 name=Three"
    ],
    [
        'but one stands astray behind it',
        "\"2\nb\",T\"wo\n3,Three\n",
        "3: a quote stands in the middle of column 2, in line 4\n"
            . "4: a quote stands in the middle of column 1\n5 id=3 name=Three"
    ],
    [
        'in a value that says "so"',
        "2,\"Two\nsays \"\"so\"\"\n3,Three\n",
        "3: $end\n4: a quote stands in the middle of column 1\n5 id=3 name=Three"
    ],
    [
        'before a line too long (E11)',
        "2,\"Two\n3,Three\n" . 'x' x 70_000 . "\n4,Four\n",
        "3: $end\n4 id=3 name=Three\n5: the line is longer than 65536 bytes\n6 id=4 name=Four"
    ],
    [
        'in every line',
        "2,\"Two\n3,\"Three\n4,\"Four\n",
        "3: the quote that begins in column 2 ends in line 4, where more follows it\n"
            . "4: the quote that begins in column 2 ends in line 5, where more follows it\n5: $end"
    ],
);
is read_all("id,name\n1,One\n$_->[1]"), "2 id=1 name=One\n$_->[2]", "a quote never ends: $_->[0]"
    for @endless;

is read_all("id,name\n1,\"One" . "\nx" x 999 . "\"\n2,Two\n"),
    "2 id=1 name=One" . "\nx" x 999 . "\n1002 id=2 name=Two", 'a record of 1000 lines';
is(
    (split /\n/, read_all("id,name\n1,\"One" . "\nx,y" x 1000 . "\"\n2,Two\n"))[0],
    "2: $end within 1000 lines",
    'a record of 1001 lines'
);
is(
    (split /\n/, read_all("id,name\n1,\"One" . ("\n" . 'x' x 60_000) x 6 . "\"\n2,Two\n"))[0],
    "2: $end within 262144 characters",
    'a record of 360 kB (E11)'
);
like read_all("id,name\n1,\"One" . ("\n" . 'x' x 60_000) x 6 . "\"\n2,Two\n"),
    qr/\n9 id=2 name=Two\z/, 'and what follows it';

# Headers that are none.
my @refused = (
    ['UTF-16',                  "\xff\xfei\0d\0,\0", 'in.csv: it is UTF-16; save it as UTF-8'],
    ['UTF-16, the other way',   "\xfe\xff\0i\0d\0,", 'in.csv: it is UTF-16; save it as UTF-8'],
    ['a column without a name', "id,,name\n",   'in.csv:1: column 2 of the header has no name'],
    ['a comma at the end',      "\nid,name,\n", 'in.csv:2: column 3 of the header has no name'],
    [
        'a name twice', "id,name,id\n",
        'in.csv:1: columns 1 and 3 of the header have the same name, \'id\''
    ],
    [
        'a name twice but for case',
        "Na me,NA  ME\n",
        'in.csv:1: columns 1 and 2 of the header have the same name, \'NA ME\''
    ],
    [
        'an escape in a name (D4)',
        "\e[2J,\e[2J\n", 'in.csv:1: columns 1 and 2 of the header have the same name, \'[2J\''
    ],
    ['a quote that never ends', "id,\"name\n1,One\n", "in.csv:1: $end"],
    ['a quote astray', "id,na\"me\n", 'in.csv:1: a quote stands in the middle of column 2'],
    [
        'a line too long (E11)', 'x,' x 40_000 . "\n",
        'in.csv:1: the line is longer than 65536 bytes'
    ],
);
is read_all($_->[1]), $_->[2], "a header that is none: $_->[0]" for @refused;
eval { reader_of("id,,name\n") };
is $@->code, 65, 'with the code for data';

# E11: cut anywhere, the file gives the records that are whole, and an error for the one that is
# not.  Cut in its last column, or before it, a record may well be whole.
my $table = "id,name,room\n1,\"One,\nAnn\",R1\n2,Two,R2\n";
my @unlike;
for my $length (14 .. length $table) {
    my $text  = substr $table, 0, $length;
    my $got   = read_all($text);
    my $whole = $text !~ /^2/m    || $got =~ /\A2 id=1 name=One,\nAnn room=R1\n/;
    my $error = $got  =~ /^\d+: / || $got =~ /\n\d+: .*\z/;
    my $last  = $text =~ /(?:Ann"|Two),(?:R\d?\n?)?\z/;
    push @unlike, $length if !$whole || !$error != !!$last;
}
is "@unlike", '', 'a file that is cut (E11)';
is read_all(substr $table, 0, -4),
    "2 id=1 name=One,\nAnn room=R1\n4: 2 columns where the header has 3; "
    . 'the file ends in the middle of this line', 'the end of the file is named';

# What Text::CSV_XS writes comes back as it was.
srand 63;
my @chars = ('a', 'B', 'ß', 'Å', '漢', '"', '"', ',', ';', "\t", '|', "\n", ' x ', '\\', "'", "\0");
my @odd;
for my $round (1 .. 40) {
    my $separator = (',', ';', "\t", '|')[$round % 4];
    my $writer =
        Text::CSV_XS->new({ sep_char => $separator, binary => 1, eol => "\r\n", escape_null => 0 });
    my @rows = map {
        [
            $_,
            map {
                join '',
                    map { $chars[rand @chars] }
                    1 .. rand 12
            } 1 .. 3
        ]
    } 1 .. 50;
    my $text = '';
    for (['id', 'b', 'c', 'd'], @rows) {
        $writer->combine(@$_);
        $text .= $writer->string;
    }
    my $reader = reader_of($text);
    for my $row (@rows) {
        my $record = $reader->next;
        my %got    = map { $_->[0] => $_->[1] } @{ $record->{pairs} || [] };
        my @back   = map { defined $got{$_} ? $got{$_} : '' } qw(id b c d);
        my @meant  = map { /\S/             ? $_       : '' } @$row;
        push @odd, "$round/$row->[0]: " . ($record->{error} || '') if "@back" ne "@meant";
    }
}
is "@odd", '', 'what Text::CSV_XS writes comes back as it was';

# Whatever is wrong with some records, those that follow are read.
for my $round (1 .. 300) {
    my @bits  = ('a', '"', '"', '",', ',"', ',', ' ', "\0", 'é', "\r");
    my @lines = map {
        join '',
            map { $bits[rand @bits] }
            1 .. rand 9
    } 1 .. 12;
    my @after = map { "after,$_" } 1 .. 3;
    my $got   = read_all(join '', map { "$_\n" } 'id,name', @lines, @after);
    push @odd, $round
        if $got !~ /^14 id=after name=1\n15 id=after name=2\n16 id=after name=3\z/m;
}
is "@odd", '', 'after records that are wrong those that are right are read';

# Recognition: text, whether.
my @beginnings = (
    ['a table',                 "id,name\n1,One\n",                                             1],
    ['one cut short',           "id;na",                                                        1],
    ['with a mark',             "\xef\xbb\xbfid\tname\r\n1\tOne\r\n",                           1],
    ['in quotes',               "\"Last Name\",\"First: Name\"\n1,One\n",                       1],
    ['in UTF-8',                "номер|имя\n1|Анна\n",                                          1],
    ['in UTF-16',               "\xff\xfei\0d\0,\0",                                            1],
    ['ragged',                  "id,name,room\n1,One\n",                                        1],
    ['the registry as a table', "Registry,Assignment,Organization Name\nMA-L,02000C,Harbour\n", 1],
    ['a line for spreadsheets', "\xef\xbb\xbfsep=;\r\nid\r\n",                                  1],
    ['nothing',                 '',                                                             ''],
    ['one column',              "name\nOne\n",                                                  ''],
    ['LDIF',                    "dn: uid=a,ou=b\nuid: a\n",                                     ''],
    ['base64 of LDIF',          "dn:: dWlkPWE=,\nuid: a\n",                                     ''],
    ['a comment',               "# a, b\ndn: uid=a,ou=b\n",                                     ''],
    ['a stanza',                "Package: a, b\nVersion: 1, 2\n",                               ''],
    ['the registry',            slurp('t/data/ieee-tabs.txt'),                                  ''],
    ['a page',                  "<html>,<body>\na,b\n",                                         ''],
    ['numbers',                 "1,2,3\n4,5,6\n",                                               ''],
    ['a comment after a mark',  "\xef\xbb\xbf# id, name\nid,name\n",                            ''],
    ['prose',                   "Dear all,\nhere is the list.\n",                               ''],
    ['binary',                  join('', map { chr } 0 .. 255),                                 ''],
    ['UTF-16 without a mark',   "i\0d\0,\0n\0",                                                 ''],
    ['a column without a name', "id,,name\n1,2,3\n",                                            ''],
    ['a long sentence',         'so ' x 30 . ", and so on\na,b\n",                              ''],
);
for (@beginnings) {
    my ($name, $text, $whether) = @$_;
    utf8::encode($text) if $text =~ /[^\x00-\xff]/;
    is !!NetIO::Load::CSV->recognizes($text), !!$whether, "recognizes: $name";
}

# Through whois-load, with maps.
my $path = "$folder/a.db";
my @to   = ('--directory', "sqlite:$path");

sub table_of {
    my ($name, $text) = @_;

    utf8::encode($text);
    return spew("$folder/$name.csv", $text);
}

is_outcome(
    run_load(@to, table_of('one', "id,name,room,mail\n17,\"Åse, Ann\",R 2,a\@example.edu\n")),
    0,
    "whois-load: 1 entry from 1 file in TIME, 0 skipped\n",
    'a table without a map'
);
is entries_of($path)->[0]{fields},
    "name\tÅse, Ann\nroom\tR 2\nmail\ta\@example.edu\nIndex Key\t17\n" =~ s/^name/Full Name/r,
    'shows all of it';

my $staff = <<'CSV';
Employee No;Last Name;First Name;Position;Department;Building;Room;Phone;E-mail
400017;Weißhaupt;Jürgen;Professor;"Law; Ethics";Alder Hall;12;555-0101;j@example.edu;
400018;O'Dwyer;Ann;;Biology;Heron House;3;"555-0102
555-0103";a@example.edu
400019;García;Íñigo
CSV
$staff =~ s/;$//m;
is_outcome(
    run_load(
        @to, '--map', 'share/maps/staff-csv.map', spew("$folder/staff.csv", $staff =~ s/\n/\r\n/gr)
    ),
    65,
    "whois-load: $folder/staff.csv:5: 3 columns where the header has 9\n"
        . "whois-load: 2 entries from 1 file in TIME, 1 skipped\n",
    'Latin-1 with semicolons, as a spreadsheet writes it, and share/maps/staff-csv.map'
);
my ($ann, $jurgen) = @{ entries_of($path) };
is "$jurgen->{handle} $jurgen->{name} ($jurgen->{summary})",
    '400017 Weißhaupt, Jürgen (Law; Ethics)',
    'an entry';
is $ann->{fields},
    "Full Name\tO'Dwyer, Ann\nDepartment\tBiology\nRoom\tHeron House 3\nPhone\t555-0102\n"
    . "Phone\t555-0103\nE-mail\ta\@example.edu\nIndex Key\t400018\n", 'its fields';

my @outcomes = (
    [
        'UTF-16', "\xff\xfei\0d\0",
        65,       "whois-load: $folder/bad.csv: it is UTF-16; save it as UTF-8\n"
    ],
    [
        'a column that the map wants is not there',
        "id,Last Name\n1,One\n",
        65,
        "whois-load: share/maps/staff-csv.map:10: $folder/bad.csv has no column 'Employee No'; "
            . "it has: 'id', 'Last Name'\n"
    ],
    [
        'no record',
        "Employee No,Last Name,First Name,Position,Department,Building,Room,Phone,E-mail\n",
        65, "whois-load: $folder/bad.csv: not one record could be read\n"
    ],
);
my $old = slurp($path);
for (@outcomes) {
    my ($name, $bytes, $code, $said) = @$_;
    is_outcome(run_load(@to, '--map', 'share/maps/staff-csv.map', spew("$folder/bad.csv", $bytes)),
        $code, $said, "refused: $name");
    is state_of($path, $old), 'old', 'the old directory stays';
}

SKIP: {
    my ($csv, $txt) = map { "/usr/share/ieee-data/mam.$_" } qw(csv txt);
    skip 'the package ieee-data is not installed', 3 if !-r $csv;
    my $same = sub {
        join "\n", sort map { "$_->{key} $_->{name}" =~ tr/"//dr } @{ entries_of($path) };
    };
    is run_load(@to, $txt)->{code}, 0, 'the registry as text';
    my $text = $same->();
    is run_load(@to, '--map', 'share/maps/ieee-csv.map', $csv)->{code}, 0,
        'the registry as a table, with share/maps/ieee-csv.map';
    ok $same->() eq $text, 'the same handles and names, quotes aside';
}

# Without the module.
mkdir "$folder/none";
mkdir "$folder/none/Text";
spew("$folder/none/Text/CSV_XS.pm", "die 'not here';\n");
{
    local @INC = ("$folder/none", @INC);
    is_outcome(
        run_load(@to, "$folder/one.csv"),
        70,
        "whois-load: cannot read $folder/one.csv: CSV needs Text::CSV_XS, of Debian's package "
            . "libtext-csv-xs-perl\n",
        'without Text::CSV_XS'
    );
}

done_testing;
