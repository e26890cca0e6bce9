use strict;
use warnings;
use utf8;

use lib 't/lib';
use MIME::Base64 'encode_base64';
use NetIO::Load::LDIF;
use NetIO::Load::Lines;
use NetIO::Test::Load;
use Test::More;

alarm 300;
binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $folder = folder();

sub reader_of {
    my ($bytes) = @_;

    utf8::encode($bytes) if utf8::is_utf8($bytes);
    open my $handle, '<:raw', spew("$folder/in", $bytes) or die "$folder/in: $!\n";
    return NetIO::Load::LDIF->new(NetIO::Load::Lines->new($handle, 'in'));
}

# A record on one line: "line: error", or "line name=value ..." without its dn; a value that cannot
# be had stands in brackets.
sub short {
    my ($record) = @_;

    return "$record->{line}: $record->{error}" if exists $record->{error};
    my ($dn, @pairs) = @{ $record->{pairs} };
    return join ' ', $record->{line}, map {
        "$_->[0]=" . (defined $_->[1] ? $_->[1] =~ s/(x{9,})/'x*' . length $1/er : "[$_->[2]]")
    } @pairs;
}

sub records_of {
    my ($bytes) = @_;
    my $reader = reader_of($bytes);
    my @got;

    while (my $record = $reader->next) {
        push @got, short($record);
    }
    return join ' | ', @got;
}

my $too_long = 'its line is longer than 65536 bytes';
my $unended  = 'the file ends in the middle of this line';
my $b64      = sub { encode_base64($_[0], '') };
my $dn       = "dn: uid=a\n";

# name, text, records
my @cases = (
    ['nothing (E11)',                   '',                           ''],
    ['a version and nothing',           "version: 1\n",               ''],
    ['comments and empty lines alone',  "# a\n\n#b\n c\n\n\n",        ''],
    ['a record',                        "${dn}cn: A\nsn: B\n",        '1 cn=A sn=B'],
    ['a version before it',             "version: 1\n${dn}cn: A\n",   '2 cn=A'],
    ['an empty line after the version', "version: 1\n\n${dn}cn: A\n", '3 cn=A'],
    [
        'versions of files in a row',
        "version: 1\n${dn}a: 1\n\nversion: 1\n\n${dn}a: 2\n",
        '2 a=1 | 7 a=2'
    ],
    ['a version as an attribute', "${dn}version: 7\n",                      '1 version=7'],
    ['two records',               "${dn}a: 1\n\n\n\n${dn}a: 2\n",           '1 a=1 | 6 a=2'],
    ['CRLF (A19)',                "dn: x\r\na: 1\r\n\r\ndn: y\r\na: 2\r\n", '1 a=1 | 4 a=2'],
    ['a mark of byte order',      "\x{feff}${dn}a: 1\n",                    '1 a=1'],
    ['several values', "${dn}mail: a\nmail: b\nMAIL: c\n",      '1 mail=a mail=b MAIL=c'],
    ['options',        "${dn}cn;lang-de: A\ncn;lang-ja;x: B\n", '1 cn;lang-de=A cn;lang-ja;x=B'],
    ['an OID, an underscore',     "${dn}2.5.4.3: A\nx_y: B\n",  '1 2.5.4.3=A x_y=B'],
    ['no blank after the colon',  "dn:x\ncn:A\nsn:\n",          '1 cn=A sn='],
    ['blanks around a value',     "${dn}a:    1  \na:  \n",     '1 a=1   a='],
    ['a colon in the value',      "${dn}a: b: c\na: :\n",       '1 a=b: c a=:'],
    ['a folded line',             "${dn}a: on\n e tw\n  o\n",   '1 a=one tw o'],
    ['a fold of every kind',      "dn: u\n id=a\na:\n  1\nb\n : 2\nc:\n : Mw==\n", '1 a=1 b=2 c=3'],
    ['a fold within a character', "dn: x\na: M\xc3\n \xb6\n",                      '1 a=Mö'],
    ['a line of a blank alone',   "${dn}a: 1\n \n",                                '1 a=1'],
    ['comments in a record',      "${dn}# b: 2\n c: 3\na: 1\n#\n",                 '1 a=1'],
    ['UTF-8 and Latin-1',         "dn: x\na: M\xc3\xb6\na: M\xf6\n",               '1 a=Mö a=Mö'],
    ['base64',            "${dn}a:: w5ZydA==\na::TWV5ZXI=\na:: QUJD\n", '1 a=Ört a=Meyer a=ABC'],
    ['base64 of nothing', "${dn}a::\na:: \n",                           '1 a= a='],
    ['base64 of Latin-1', "${dn}a:: " . $b64->("\xd6rt") . "\n",        '1 a=Ört'],
    ['base64 of lines',   "${dn}a:: " . $b64->("1\n2") . "\n",          "1 a=1\n2"],
    ['base64 and blanks at its end', "${dn}a:: QUJD  \n",               '1 a=ABC'],
    ['base64 that is folded',        "${dn}a:: QU\n JD\n",              '1 a=ABC'],
    ['base64 of a dn',               "dn:: dWlkPWE=\na: 1\n",           '1 a=1'],
    [
        'base64 of a picture',
        "${dn}a:: " . $b64->("\xff\xd8\0\x10JFIF") . "\nb: 1\n",
        '1 a=[its value is not text] b=1'
    ],
    ['a NUL in text', "${dn}a:: " . $b64->("a\0\xc3\xb6") . "\n", "1 a=a\0ö"],
    [
        'a file is not opened (D20)',
        "${dn}a:< file:///etc/passwd\nb: 1\n",
        '1 a=[its value is in another file] b=1'
    ],
    ['an entry that is added', "${dn}control: 1.2.3 true\nchangetype: add\na: 1\n", '1 a=1'],
    ['and in other letters',   "${dn}ChangeType: ADD \na: 1\n",                     '1 a=1'],

    # What is wrong.
    ['a change record', "${dn}changetype: delete\n", '2: a change record (delete), not an entry'],
    [
        'a change record with a control',
        "${dn}control: 1.2\nchangetype: modify\nreplace: a\na: 1\n-\n",
        '3: a change record (modify), not an entry'
    ],
    [
        'a change of a name',
        "${dn}changetype: modrdn\nnewrdn: a\n",
        '2: a change record (modrdn), not an entry'
    ],
    [
        'a change of another kind (D4)',
        "${dn}changetype: \e[2J\n",
        "2: a change record ('[2J'), not an entry"
    ],
    ['no dn', "cn: A\nsn: B\n", '1: the record does not begin with a dn'],
    [
        'no dn, and a name seen before',
        "${dn}cn: A\n\ncn: A\n",
        '1 cn=A | 4: the record does not begin with a dn'
    ],
    [
        'what ldapsearch says at its end',
        "${dn}cn: A\n\n# search result\nsearch: 2\nresult: 0 Success\n\n# numEntries: 1\n",
        '1 cn=A | 5: the end of what ldapsearch says, not an entry; call it with -LLL'
    ],
    ['a dn later on', "cn: A\n$dn",       '1: the record does not begin with a dn'],
    ['two dns', "${dn}a: 1\n${dn}a: 2\n", '3: a second dn in one record: no empty line before it'],
    [
        'a line without a colon',
        "${dn}a: 1\nrubbish\n",
        "3: 'rubbish' is neither an attribute nor the rest of one"
    ],
    [
        'nearly a name seen before',
        "${dn}ab: 1\n\n${dn}abc\n",
        "1 ab=1 | 5: 'abc' is neither an attribute nor the rest of one"
    ],
    [
        'a line that begins with a tab',
        "${dn}a: 1\n\tb\n",
        "3: 'b' is neither an attribute nor the rest of one"
    ],
    ['the end of a change', "${dn}a: 1\n-\n", "3: '-' is neither an attribute nor the rest of one"],
    [
        'a name with a blank',
        "${dn}a b: 1\n",
        "2: 'a b: 1' is neither an attribute nor the rest of one"
    ],
    [
        'a name of 256 bytes (E11)',
        $dn . 'a' x 256 . ": 1\n",
        "2: '" . 'a' x 37 . "...' is neither an attribute nor the rest of one"
    ],
    ['a name of 255 bytes', $dn . 'a' x 255 . ": 1\n", '1 ' . 'a' x 255 . '=1'],
    [
        'a name beyond ASCII',
        "${dn}ö: 1\n", "2: '\\xF6: 1' is neither an attribute nor the rest of one"
    ],
    [
        'controls in a line (D4)',
        "${dn}\e[2J\a\n",
        "2: '[2J' is neither an attribute nor the rest of one"
    ],
    ['a continuation of nothing', "\n a\n", '2: the first line of a record continues nothing'],
    [
        'base64: a sign that is none',
        "${dn}a:: QU%D\n",
        "2: the value of a is not base64: it holds '%'"
    ],
    [
        'base64: a character',
        "${dn}a:: QUöD\n",
        "2: the value of a is not base64: its length, 5, is no multiple of 4"
    ],
    ['base64: a byte', "dn: x\na:: QU\xf6D\n", "2: the value of a is not base64: it holds '\\xF6'"],
    ['base64: a blank', "${dn}a:: QU D\n",     "2: the value of a is not base64: it holds ''"],
    [
        'base64: cut',
        "${dn}a:: QUJ\n",
        '2: the value of a is not base64: its length, 3, is no multiple of 4'
    ],
    [
        'base64: no padding',
        "${dn}a:: QQ\n",
        '2: the value of a is not base64: its length, 2, is no multiple of 4'
    ],
    [
        'base64: too much padding',
        "${dn}a:: Q===\n",
        '2: the value of a is not base64: its padding is wrong'
    ],
    [
        'base64: padding within',
        "${dn}a:: QQ==QUJD\n",
        '2: the value of a is not base64: its padding is wrong'
    ],
    [
        'base64: padding alone',
        "${dn}a:: ====\n",
        '2: the value of a is not base64: its padding is wrong'
    ],
    [
        'base64: of a dn',
        "dn:: *\na: 1\n",
        '1: the value of dn is not base64: its length, 1, is no multiple of 4'
    ],
    ['a cut file',               "${dn}a: 1\n\n${dn}a: 2",       "1 a=1 | 5: $unended"],
    ['cut within a dn',          "${dn}a: 1\n\ndn: ui",          "1 a=1 | 4: $unended"],
    ['cut within a fold',        "${dn}a: 1\n 2",                "2: $unended"],
    ['cut within a photo (E11)', "${dn}photo:: " . 'A' x 70_000, "2: $unended"],
    ['cut within a comment',     "${dn}a: 1\n# the en",          '1 a=1'],
    [
        'the line of the error',
        "${dn}a: 1\n 2\n# c\n c\nb:: *\nc: 3\n",
        '6: the value of b is not base64: its length, 1, is no multiple of 4'
    ],
    [
        'one report a record',
        "${dn}a:: *\nb\nc\n$dn\n${dn}a: 1\n",
        '2: the value of a is not base64: its length, 1, is no multiple of 4 | 7 a=1'
    ],

    # What is long (E11).
    ['a line of 65536 bytes', "${dn}a: " . 'x' x 65_533 . "\n",       '1 a=x*65533'],
    ['a line of 65537 bytes', "${dn}a: " . 'x' x 65_534 . "\nb: 1\n", "1 a=[$too_long] b=1"],
    [
        'a line of 65536 bytes, folded',
        "${dn}a: " . 'x' x 65_500 . "\n " . 'x' x 33 . "\nb: 1\n",
        '1 a=x*65533 b=1'
    ],
    [
        'a line of 65537 bytes, folded',
        "${dn}a: " . 'x' x 65_500 . "\n " . 'x' x 34 . "\nb: 1\n",
        "1 a=[$too_long] b=1"
    ],
    [
        'a long line of a name seen before',
        "${dn}a: 1\na: " . 'x' x 70_000 . "\na:   2\n",
        "1 a=1 a=[$too_long] a=2"
    ],
    [
        'a photo, folded',
        "${dn}jpegPhoto:: " . ('A' x 76 . "\n ") x 5000 . "AAAA\nb: 1\n",
        "1 jpegPhoto=[$too_long] b=1"
    ],
    [
        'a photo in one line',
        "${dn}jpegPhoto:: " . 'A' x 400_000 . "\nb: 1\n",
        "1 jpegPhoto=[$too_long] b=1"
    ],
    [
        'a long line that is no attribute',
        $dn . 'x' x 70_000 . "\n\n${dn}a: 1\n",
        "2: '" . 'x' x 37 . "...' is neither an attribute nor the rest of one | 4 a=1"
    ],
    [
        'a long dn',
        'dn: ' . 'x' x 70_000 . "\na: 1\n",
        '1: the line of the dn is longer than 65536 bytes'
    ],
    ['a long comment', '# ' . 'x' x 200_000 . "\n${dn}a: 1\n", '2 a=1'],
    [
        'a record of 5 MiB',
        $dn . ('a: ' . 'x' x 60_000 . "\n") x 88 . "\n${dn}a: 1\n",
        '71: the record is longer than 4194304 bytes | 91 a=1'
    ],
    [
        'a record of 5 MiB in base64',
        $dn . ('a:: ' . 'QUJD' x 15_000 . "\n") x 88 . "\n${dn}a: 1\n",
        '71: the record is longer than 4194304 bytes | 91 a=1'
    ],
    [
        '100,000 values',
        $dn . "a: 1\n" x 100_000 . "\n${dn}a: 1\n",
        '100001: the record has more than 100000 values | 100003 a=1'
    ],
);
for (@cases) {
    my ($name, $text, $records) = @$_;
    $text = Encode::encode('UTF-8', $text)
        if $text =~ /[^\x00-\xff]/
        || $name !~ /within a char|Latin|a byte/ && $text =~ /[^\x00-\x7f]/;
    is records_of($text), $records, $name;
}

is reader_of("\x{feff}" . $dn)->next->{pairs}[0][1], 'uid=a', 'the dn is the first pair';
is_deeply [reader_of($dn)->names], [], 'no names beforehand';

eval { reader_of("# c\nversion: 2\n$dn")->next };
is $@->text, "in:2: '2' is no version of LDIF that is known; 1 is", 'another version';
is $@->code, 65,                                                    'ends the load';

# Names that are all different are not kept.
my $names = reader_of(join "\n", map { "dn: x\nname$_: 1\n" } 1 .. 3000);
1 while $names->next;
cmp_ok scalar keys %{ $names->{plain} }, '<=', 1001, 'names are not remembered for ever';

# What is recognised: name, text, whether
my @starts = (
    ['a dn',                   "dn: x\n",                     1],
    ['a dn in base64',         "dn:: eA==\n",                 1],
    ['a dn in capitals, bare', "DN:x\n",                      1],
    ['a version',              "version: 1\ndn: x\n",         1],
    ['a version, CRLF',        "version: 1\r\n\r\ndn: x\r\n", 1],
    ['comments',               "# a\n b\n\n# c\n#\ndn: x\n",  1],
    ['a mark of byte order',   "\xef\xbb\xbfdn: x\n",         1],
    ['a version of something', "version: 1\nPackage: x\n",    ''],
    ['a stanza',               "Package: dn:\n",              ''],
    ['a dn in the middle',     "x\ndn: x\n",                  ''],
    ['a table',                "dn,cn\nx,y\n",                ''],
    ['nothing',                '',                            ''],
    ['comments without end',   "# a\n" x 1000,                ''],
);
is !!NetIO::Load::LDIF->recognizes($_->[1]), $_->[2], "recognised: $_->[0]" for @starts;

# Net::LDAP::LDIF reads the same, where it reads.
SKIP: {
    skip 'no Net::LDAP::LDIF here', 2 if !eval { require Net::LDAP::LDIF };
    my $tricky = join '', "version: 1\n\n# one\n${dn}cn: A  b\nsn:: w5ZydA==\nmail: a\nmail: b\n",
        "cn;lang-de: C\ndescription: on\n e,\n  two\n# no\n  more\nou:x\nl:: TfY=\n\n",
        "dn:: dWlkPW8=\ncn: colon: here\nx: =\ny: <z>\nst:: QUJD\n RA==\n\n\n",
        "dn: uid=c,\n dc=x\nchangetype: add\ncn: added\n\n";
    is_deeply [ours($tricky)], [theirs($tricky)], 'as Net::LDAP::LDIF reads it: tricky records';
    skip 'no share/people.ldif here', 1 if !-e 'share/people.ldif';
    my $people = slurp('share/people.ldif');
    is_deeply [ours($people)], [theirs($people)], 'as Net::LDAP::LDIF reads it: share/people.ldif';
}

# Each a string of the dn and the values, by name.

sub ours {
    my ($text) = @_;
    my $reader = reader_of($text);
    my @got;

    while (my $record = $reader->next) {
        my ($dn, @pairs) = @{ $record->{pairs} };
        my %value;
        push @{ $value{ $_->[0] } }, $_->[1] for @pairs;
        push @got, join "\n", $dn->[1], map { "$_: @{ $value{$_} }" } sort keys %value;
    }
    return @got;
}

sub theirs {
    my ($text) = @_;
    my $file   = spew("$folder/theirs", $text);
    my $ldif   = Net::LDAP::LDIF->new($file, 'r', onerror => 'die');
    my @got;

    # What it gives is bytes.
    my $text_of = sub { NetIO::Load::Clean::text_of("$_[0]") };
    while (!$ldif->eof) {
        my $entry = $ldif->read_entry or next;
        push @got, join "\n", $text_of->($entry->dn), map {
            "$_: " . join ' ',
                map { $text_of->($_) }
                $entry->get_value($_)
            }
            sort $entry->attributes;
    }
    return @got;
}

# A load of it.
my $path = "$folder/a.db";
my $good = "dn: x\nobjectClass: person\nuid: %d\nsn: Owner%d\n\n";
is_outcome(
    run_load(
        '--directory',
        "sqlite:$path",
        spew(
            "$folder/p.ldif", join '',
            sprintf($good, 1, 1),
            "dn: x\nmail:: *\n\n",
            "dn: x\nchangetype: delete\n\ndn: x\nou: y\n\n",
            sprintf($good, 2, 2)
        )
    ),
    65,
    "whois-load: $folder/p.ldif:7: the value of mail is not base64: its length, 1, is no multiple of 4\n"
        . "whois-load: $folder/p.ldif:10: a change record (delete), not an entry\n"
        . "whois-load: 2 entries from 1 file in TIME, 2 skipped, 1 passed over\n",
    'a load: what is wrong is skipped, what is wanted is loaded'
);
is names_in($path), 'Owner1; Owner2', 'and is there';

# 1 GiB in one line and in one record, in less memory than that by far (E11).
my $giant =
    spew("$folder/giant.ldif", sprintf($good, 1, 1) . "dn: x\nobjectClass: person\nphoto:: ");
truncate $giant, 1 << 30 or die "truncate: $!\n";
is_outcome(
    run_load(
        { under => ['sh', '-c', 'ulimit -v 200000; exec "$@"', 'sh'] }, '--directory',
        "sqlite:$path",                                                 $giant
    ),
    65,
    "whois-load: $giant:8: $unended\n" . "whois-load: 1 entry from 1 file in TIME, 1 skipped\n",
    'a line of 1 GiB in 200 MB (E11)'
);

done_testing;
