use strict;
use warnings;
use utf8;

use lib 't/lib';
use NetIO::Load;
use NetIO::Load::Report;
use NetIO::Test::BadPlace;
use NetIO::Test::Load;
use Test::More;

alarm 300;

# A report that is kept instead of printed.
package Heard {
    our @ISA = 'NetIO::Load::Report';
    sub line { push @{ $_[0]{heard} }, "$_[1]\n"; return }
    sub heard { return join '', @{ $_[0]{heard} || [] } }
}

# E11: input that means harm, in every format.  Each outcome is compared to the letter: records that
# are right are loaded, the others are named by file and line.

my $folder = place();
my $path   = directory();
my @to     = ('--directory', "sqlite:$path");
my $csv    = eval { require Text::CSV_XS };

# Most of them are loaded right here, which is faster.
sub is_harmless {
    my ($how, $bytes, $expected, $test) = @_;
    my $report = Heard->new(quiet => 0);

    unlink $path;
    put($how, sub { $_[0]->print($bytes) });
    my $done = eval {
        my $source = { file => file_of($how), format => $how };
        NetIO::Load::load(path => $path, sources => [$source], report => $report);
        1;
    };
    my $code = $done ? $report->skipped && 65 : ref $@ ? $@->code : $@;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is outcome($how, $code, $report->heard), $expected, "$how: $test (E11)";
}

for my $how (qw(csv ieee ldif stanza)) {
    next if $how eq 'csv' && !$csv;
    is_harmless($how, '', "exit 0\nOne; Two", 'two good records');
    is run_watched($how), "exit 0\nOne; Two", 'by the program, too';
}

# format, test, bad place, outcome
my $long  = 'x' x 70_000;
my @table = (
    # Lines that are too long.
    [
        'ieee',      'a long line of stray text',
        "$long\n\n", "exit 65\n1: the line is longer than 65536 bytes\nOne; Two"
    ],
    [
        'ieee',
        'a long line of an address',
        "02-00-03   (hex)\t\tB\n020003     (base 16)\t\tB\n\t$long\n\n",
        "exit 65\n3: the line is longer than 65536 bytes\nOne; Two"
    ],
    [
        'ldif', 'a long value',
        "dn: uid=3\nobjectClass: person\nuid: 3\nsn: $long\n\n",
        "exit 65\n1: 'sn': its line is longer than 65536 bytes\nOne; Two"
    ],
    [
        'ldif',
        'a long line of no use',
        "dn: uid=3\nobjectClass: person\nuid: 3\nsn: C\nx: $long\n\n",
        "exit 0\nC; One; Two"
    ],
    [
        'csv', 'a long line', "3,$long\n",
        "exit 65\n1: the line is longer than 65536 bytes\nOne; Two"
    ],
    [
        'stanza', 'a long name',
        "Id: 3\nName: $long\n",
        "exit 65\n1: 'Name': its value is longer than 65536 characters\nOne; Two"
    ],

    # NUL.
    [
        'ieee',
        'NUL in a name',
        "02-00-03   (hex)\t\tB\0C\n020003     (base 16)\t\tB\0C\n\n",
        "exit 0\nB C; One; Two"
    ],
    ['ieee', 'a line of NUL', "\0\0\0\n\n", "exit 65\n1: '' is not part of any record\nOne; Two"],
    [
        'ldif',
        'NUL in a value',
        "dn: uid=3\nobjectClass: person\nuid: 3\nsn: B\0C\n\n",
        "exit 0\nB C; One; Two"
    ],
    [
        'ldif',       'a line of NUL',
        "\0\0\0\n\n", "exit 65\n1: '' is neither an attribute nor the rest of one\nOne; Two"
    ],
    ['csv', 'NUL in a value', "3,B\0C\n", "exit 0\nB C; One; Two"],
    ['csv', 'a line of NUL',  "\0\0\0\n", "exit 65\n1: 1 column where the header has 2\nOne; Two"],
    [
        'csv',
        'NUL for a name',
        "3,\0\n",
        "exit 65\n1: no value for the name ('name|full name|fullname|displayName|c...')\nOne; Two"
    ],
    ['stanza', 'NUL in a value', "Id: 3\nName: B\0C\n\n", "exit 0\nB C; One; Two"],
    [
        'stanza',     'a line of NUL',
        "\0\0\0\n\n", "exit 65\n1: '' is neither a key with its value nor the rest of one\nOne; Two"
    ],

    # A handle that is there already, and a record.
    [
        'ieee',
        'a handle twice',
        "02-00-01   (hex)\t\tB\n020001     (base 16)\t\tB\n\n",
        "exit 0\n1: handle '02-00-01' is also at -2\nB; One; Two"
    ],
    [
        'ldif',
        'a handle twice',
        "dn: uid=1\nobjectClass: person\nuid: 1\nsn: B\n\n",
        "exit 0\n1: handle '1' is also at -4\nB; One; Two"
    ],
    ['csv', 'a handle twice', "1,B\n",   "exit 0\n1: handle '1' is also at 0\nB; One; Two"],
    ['csv', 'a record twice', "1,One\n", "exit 65\n1: '1' is the same entry as at 0\nOne; Two"],
    [
        'stanza',
        'a handle twice',
        "Id: 1\nName: B\n\n",
        "exit 0\n1: handle '1' is also at -2\nB; One; Two"
    ],
    ['stanza', 'a key twice', "Id: 3\nId: 4\nName: C\n\n", "exit 0\nC; One; Two"],
    [
        'ldif',
        'a value twice',
        "dn: uid=3\nobjectClass: person\nuid: 3\nuid: 3\nsn: C\n\n",
        "exit 0\nC; One; Two"
    ],

    # Wrong encodings.
    [
        'ieee',                                                           'Latin-1',
        "02-00-03   (hex)\t\t\xc5sa\n020003     (base 16)\t\t\xc5sa\n\n", "exit 0\nÅsa; One; Two"
    ],
    [
        'ldif',                                                   'Latin-1',
        "dn: uid=3\nobjectClass: person\nuid: 3\nsn: \xc5sa\n\n", "exit 0\nÅsa; One; Two"
    ],
    [
        'ldif',
        'base64 of Latin-1',
        "dn: uid=3\nobjectClass: person\nuid: 3\nsn:: xXNh\n\n",
        "exit 0\nÅsa; One; Two"
    ],
    ['csv',    'Latin-1',           "3,\xc5sa\n",            "exit 0\nÅsa; One; Two"],
    ['stanza', 'Latin-1',           "Id: 3\nName: \xc5sa\n", "exit 0\nÅsa; One; Two"],
    ['csv',    'half a character',  "3,\xe6\xbc\n",          "exit 0\nOne; Two; æ¼"],
    ['csv',    'a surrogate',       "3,\xed\xa0\x80\n",      "exit 0\ní €; One; Two"],
    ['csv',    'an overlong slash', "3,\xc0\xaf\n",          "exit 0\nÀ¯; One; Two"],

    # LDIF that changes, lies or points elsewhere.
    [
        'ldif',
        'a change record',
        "dn: uid=3\nchangetype: modify\nreplace: sn\nsn: B\n-\n",
        "exit 65\n2: a change record (modify), not an entry\nOne; Two"
    ],
    [
        'ldif', 'a delete',
        "dn: uid=3\nchangetype: delete\n",
        "exit 65\n2: a change record (delete), not an entry\nOne; Two"
    ],
    [
        'ldif',
        'base64 that is none',
        "dn: uid=3\nobjectClass: person\nuid: 3\nsn:: %%%%\n",
        "exit 65\n4: the value of sn is not base64: it holds '%'\nOne; Two"
    ],
    [
        'ldif',
        'base64 cut short',
        "dn: uid=3\nobjectClass: person\nuid: 3\nsn:: QmV\n",
        "exit 65\n4: the value of sn is not base64: its length, 3, is no multiple of 4\nOne; Two"
    ],
    [
        'ldif',
        'a value in another file',
        "dn: uid=3\nobjectClass: person\nuid: 3\nsn:< file:///etc/hostname\n",
        "exit 65\n1: 'sn': its value is in another file\nOne; Two"
    ],
    [
        'ldif',
        'a record without a dn',
        "uid: 3\nsn: B\n",
        "exit 65\n1: the record does not begin with a dn\nOne; Two"
    ],
    [
        'ldif',
        'two records without a gap',
        "dn: uid=3\nuid: 3\nsn: B\ndn: uid=4\nuid: 4\nsn: C\n",
        "exit 65\n4: a second dn in one record: no empty line before it\nOne; Two"
    ],
    [
        'stanza',
        'a line that says nothing',
        "Id: 3\nwhat is this\n",
        "exit 65\n2: 'what is this' is neither a key with its value nor the rest of one\nOne; Two"
    ],
    [
        'stanza',
        'a continuation of nothing',
        "  of nothing\n",
        "exit 65\n1: the first line of a record continues nothing\nOne; Two"
    ],
    [
        'stanza',
        'a record without a handle',
        "Name: B\n",
        "exit 65\n1: no value for the handle ('handle|id|uid|nic-hdl|employeeNumber|...')\nOne; Two"
    ],

    # Quotes.
    [
        'csv',          'a quote without an end',
        "3,\"B\n4,C\n", "exit 65\n1: the quote that begins in column 2 does not end\nC; One; Two"
    ],
    [
        'csv',
        'a quote in every line',
        "3,\"B\n" x 3,
        "exit 65\n1: the quote that begins in column 2 ends in line 2, where more follows it\n2: the quote that begins in column 2 ends in line 3, where more follows it\n3: the quote that begins in column 2 does not end\nOne; Two"
    ],
);
for (@table) {
    my ($how, $test, $bytes, $expected) = @$_;
    next if $how eq 'csv' && !$csv;
    is_harmless($how, $bytes, $expected, $test);
}

# Files that are of another kind altogether: nothing is loaded.
my $none  = "$folder/none: not one record could be read\n";
my @kinds = (['nothing', ''], ['blank lines', "\n" x 1000], ['NUL', "\0" x 100_000]);
my %says  = (
    ieee => [$none, "$folder/none: not of the ieee format\n", $none],
    ldif => [$none, $none, "$folder/none:1: '' is neither an attribute nor the rest of one\n$none"],
    csv  => [$none, $none, "$folder/none:1: the line is longer than 65536 bytes\n"],
    stanza => [$none, $none, "$folder/none:1: the file ends in the middle of this line\n$none"],
);
for my $how (sort keys %says) {
    next if $how eq 'csv' && !$csv;
    unlink $path;
    for my $kind (0 .. $#kinds) {
        my ($name, $bytes) = @{ $kinds[$kind] };
        is_outcome(
            run_load(@to, '--format', $how, spew("$folder/none", $bytes)),
            65,
            $says{$how}[$kind] =~ s/^/whois-load: /gmr,
            "$how: a file of $name (E11)"
        );
    }
    ok !-e $path, 'there is no directory then';
    put($how, sub { });
    my $utf_16 = join '', "\xff\xfe", map { "$_\0" } split //, slurp(file_of($how));
    is_outcome(
        run_load(@to, spew("$folder/none", $utf_16)),
        65,
        "whois-load: $folder/none: it is UTF-16; save it as UTF-8\n",
        "$how: UTF-16 is named (E11)"
    );
}

# Files that end too early: how many bytes are missing, what is said.
my $ended = 'the file ends in the middle of this line';
my %cut   = (
    ieee   => [26, "2: $ended\nOne"],
    ldif   => [3,  "5: $ended\nOne"],
    csv    => [5,  "1: 1 column where the header has 2; $ended\nOne"],
    stanza => [3,  "3: $ended\nOne"],
);
for my $how (sort keys %cut) {
    my ($missing, $expected) = @{ $cut{$how} };
    next if $how eq 'csv' && !$csv;
    put($how, sub { });
    truncate file_of($how), -$missing + -s file_of($how);
    is run_watched($how), "exit 65\n$expected", "$how: cut short (E11)";
}

# Pieces that are no longer than they may be, and a whole that is.
for (['name', 'name: sn cn', 'summary: l'], ['summary', 'name: l', 'summary: sn cn']) {
    my ($what, @lines) = @$_;
    my $map  = spew("$folder/whole.map", join "\n", 'handle: uid', @lines, 'show Id: uid', '');
    my $long = spew(
        "$folder/whole.ldif",
        "dn: uid=1\nuid: 1\nl: One\nsn: One\n\n" . "dn: uid=2\nuid: 2\nl: Two\n" . join '',
        map { "$_: " . 'x' x 40_000 . "\n" } 'sn', 'cn'
    );
    is_outcome(
        run_load(@to, '--map', $map, $long),
        65,
        "whois-load: $long:6: the $what is longer than 65536 bytes\n"
            . "whois-load: 1 entry from 1 file in TIME, 1 skipped\n",
        "a $what that grows too long (E11)"
    );
}

done_testing;

