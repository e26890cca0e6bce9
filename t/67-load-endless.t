use strict;
use warnings;

use lib 't/lib';
use IO::Handle;
use NetIO::Test::BadPlace;
use Test::More;

alarm 300;

# E11: input without an end to its line, its value, its record or its quote.  All of it goes
# through; memory does not grow with it.

my $csv = eval { require Text::CSV_XS };

# A file of good records tells how much memory an ordinary load takes.
my %ordinary;
for my $how (qw(csv ieee ldif stanza)) {
    next if $how eq 'csv' && !$csv;
    put($how, sub { });
    run_watched($how);
    $ordinary{$how} = peak();
}

sub is_bounded {
    my ($how, $test, $expected) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is run_watched($how), $expected, "$how: $test (E11)";
    cmp_ok peak(), '<', $ordinary{$how} + 40_960, 'in bounded memory';
    unlink file_of($how);
    return;
}

# A line of 1 GiB: a hole in a file reads as NUL.
my %gigabyte = (
    ieee => [
        "02-00-03   (hex)\t\tB\n020003     (base 16)\t\tB\n\t",
        "\n\n",
        '3: the line is longer than 65536 bytes'
    ],
    ldif => [
        "dn: uid=3\nobjectClass: person\nuid: 3\nsn: ",
        "\n\n",
        '1: \'sn\': its line is longer than 65536 bytes'
    ],
    csv    => ['3,B',           "\n",   '1: the line is longer than 65536 bytes'],
    stanza => ["Id: 3\nName: ", "\n\n", '1: \'Name\': its value is longer than 65536 characters'],
);
for my $how (sort keys %gigabyte) {
    my ($begin, $end, $error) = @{ $gigabyte{$how} };
    next if $how eq 'csv' && !$csv;
    put(
        $how,
        sub {
            my ($file) = @_;
            $file->print($begin);
            $file->flush;
            seek $file, 1 << 30, 1;
            $file->print($end);
        }
    );
    is_bounded($how, 'a line of 1 GiB', "exit 65\n$error\nOne; Two");
}

# format, test, beginning, what is repeated, how often, end, outcome
my @endless = (
    [
        'ieee',
        'an address of 110,000 lines',
        "02-00-03   (hex)\t\tB\n020003     (base 16)\t\tB\n",
        "\tStreet\n", 110_000, "\n", "exit 65\n67: more than 64 lines of address\nOne; Two"
    ],
    [
        'ldif',
        'a value folded 110,000 times',
        "dn: uid=3\nobjectClass: person\nuid: 3\nsn: B\n",
        " continued\n",
        110_000,
        "\n",
        "exit 65\n1: 'sn': its line is longer than 65536 bytes\nOne; Two"
    ],
    [
        'ldif',
        'a record of 110,000 values',
        "dn: uid=3\nobjectClass: person\nuid: 3\nsn: B\n",
        "mail: b\@example.edu\n",
        110_000,
        "\n",
        "exit 65\n100001: the record has more than 100000 values\nOne; Two"
    ],
    [
        'ldif',
        'a record of 16 MiB',
        "dn: uid=3\nobjectClass: person\nuid: 3\nsn: B\n",
        'x: ' . 'x' x 65_000 . "\n",
        250,
        "\n",
        "exit 65\n69: the record is longer than 4194304 bytes\nOne; Two"
    ],
    ['ldif', 'a comment of 110,000 lines', '', "# and more\n", 110_000, "\n", "exit 0\nOne; Two"],
    [
        'stanza',
        'a value of 110,000 lines',
        "Id: 3\nName: B\n",
        " continued\n", 110_000, "\n",
        "exit 65\n1: 'Name': its value is longer than 65536 characters\nOne; Two"
    ],
    [
        'stanza',
        'a record of 110,000 keys',
        "Id: 3\nName: B\n",
        "Key: 1\n", 110_000, "\n",
        "exit 65\n100001: the record has more than 100000 values\nOne; Two"
    ],
    [
        'stanza',
        'a record of 110,000 different keys',
        "Id: 3\nName: B\n",
        'Key', 110_000, "\n", "exit 65\n100001: the record has more than 100000 values\nOne; Two"
    ],
    [
        'csv',     'a quote without an end',
        "3,\"B\n", ",\n", 20_000, '',
        "exit 65\n1: the quote that begins in column 2 does not end within 1000 lines\nOne; Two"
    ],
    [
        'csv',
        'a quote in each of 20,000 lines',
        '',
        "3,\"B\n",
        20_000,
        '',
        "exit 65\n1: the quote that begins in column 2 ends in line 2, where more follows it\n"
            . "and 19999 like it\nOne; Two"
    ],
    [
        'csv',
        'a quote in each of 200 long lines',
        '',
        '3,"' . 'x' x 65_000 . "\n",
        200,
        '',
        "exit 65\n1: the quote that begins in column 2 ends in line 2, where more follows it\n"
            . "and 199 like it\nOne; Two"
    ],
    [
        'csv', 'rows of 30,000 columns',
        '',    '3' . ',x' x 30_000 . "\n",
        25,    '', "exit 65\n1: 30001 columns where the header has 2\nand 24 like it\nOne; Two"
    ],
);
for (@endless) {
    my ($how, $test, $begin, $bit, $count, $end, $expected) = @$_;
    next if $how eq 'csv' && !$csv;
    my $different = $bit eq 'Key';
    put(
        $how,
        sub {
            my ($file) = @_;
            $file->print($begin);
            $file->print($different ? "Key$_: 1\n" : $bit) for 1 .. $count;
            $file->print($end);
        }
    );
    is_bounded($how, $test, $expected);
}

done_testing;
