use strict;
use warnings;
use utf8;

use lib 't/lib';
use IO::Handle;
use NetIO::Load;
use NetIO::Load::Report;
use NetIO::Test::Load;
use POSIX ();
use Test::More;

alarm 300;

# A report that is kept instead of printed.
package Heard {
    our @ISA = 'NetIO::Load::Report';
    sub line { push @{ $_[0]{heard} }, "$_[1]\n"; return }
    sub heard { return join '', @{ $_[0]{heard} || [] } }
}

# E11: input that means harm, in every format.  Each outcome is compared to the letter: records that
# are right are loaded, the others are named by file and line, and memory stays bounded.

my $folder = folder();
my $path   = "$folder/a.db";
my @to     = ('--directory', "sqlite:$path");
my $csv    = eval { require Text::CSV_XS };

# The peak of a load's memory in KiB; it is written down at its end by this module.
spew("$folder/Peak.pm", <<'PERL');
package Peak;
END {
    my $code = $?;
    open my $status, '<', '/proc/self/status';
    open my $peak,   '>', $ENV{PEAK};
    print {$peak} map { /^VmHWM:\s+(\d+)/ } <$status>;
    close $peak;
    $? = $code;
}
1;
PERL
my @watched = ('env', "PERL5OPT=-I$folder -MPeak", "PEAK=$folder/peak");

sub peak { return slurp("$folder/peak") }

# What a format needs to hold two good records around a bad place, and how many lines come before it.
my %format = (
    ieee => {
        name   => 'in.txt',
        before =>
            "\nOUI\t\tOrganization\n\n02-00-01   (hex)\t\tOne\n020001     (base 16)\t\tOne\n\n",
        after => "02-00-02   (hex)\t\tTwo\n020002     (base 16)\t\tTwo\n\n",
        lines => 6,
    },
    ldif => {
        name   => 'in.ldif',
        before => "version: 1\n\ndn: uid=1\nobjectClass: person\nuid: 1\nsn: One\n\n",
        after  => "\ndn: uid=2\nobjectClass: person\nuid: 2\nsn: Two\n",
        lines  => 7,
    },
    csv    => { name => 'in.csv', before => "id,name\n1,One\n", after => "2,Two\n", lines => 2 },
    stanza => {
        name   => 'in.stanza',
        before => "Id: 1\nName: One\n\n",
        after  => "\nId: 2\nName: Two\n",
        lines  => 3,
    },
);

sub bytes_of {
    my ($text) = @_;

    utf8::encode($text) if utf8::is_utf8($text);
    return $text;
}

# The outcome of a load in one text: exit code, messages, and the names in the directory.  Numbers
# of lines are those of the bad place, from 1.
sub outcome {
    my ($how, $code, $said) = @_;
    my $file = "$folder/$format{$how}{name}";

    $said =~ s{(?:\Q$file\E:|in line \K)(\d+)}{$1 - $format{$how}{lines}}ge;
    $said =~ s/\A(.*\n)(?:.*\n){19}(\d+) more records skipped$/"$1and " . ($2 + 19) . ' like it'/e;
    return "exit $code\n$said" . (-e $path ? names_in($path) : 'nothing');
}

# Most of them are loaded right here, which is faster.
sub is_harmless {
    my ($how, $bytes, $expected, $test) = @_;
    my $format = $format{$how};
    my $file   = "$folder/$format->{name}";
    my $report = Heard->new(quiet => 0);

    unlink $path;
    spew($file, bytes_of($format->{before}) . $bytes . bytes_of($format->{after}));
    my $done = eval {
        my $source = { file => $file, format => $how };
        NetIO::Load::load(path => $path, sources => [$source], report => $report);
        1;
    };
    my $code = $done ? $report->skipped && 65 : ref $@ ? $@->code : $@;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is outcome($how, $code, $report->heard), $expected, "$how: $test (E11)";
}

# The others by the program, whose memory is measured.
sub run_watched {
    my ($how) = @_;
    my $file  = "$folder/$format{$how}{name}";
    my $got   = run_load({ under => \@watched }, @to, '--format', $how, $file);
    my $said  = $got->{err};

    $said =~ s/^whois-load: \d+ entr(?:y|ies) from .*\n//m;
    $said =~ s/^whois-load: //mg;
    return outcome($how, $got->{signal} ? "by signal $got->{signal}" : $got->{code}, $said);
}

# A file of good records tells how much memory an ordinary load takes.
my %ordinary;
for my $how (sort keys %format) {
    next if $how eq 'csv' && !$csv;
    is_harmless($how, '', "exit 0\nOne; Two", 'two good records');
    is run_watched($how), "exit 0\nOne; Two", 'by the program, too';
    $ordinary{$how} = peak();
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
    my $utf_16 = join '', "\xff\xfe", map { "$_\0" } split //, $format{$how}{before};
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
    my $format = $format{$how};
    next if $how eq 'csv' && !$csv;
    spew("$folder/$format->{name}", substr "$format->{before}$format->{after}", 0, -$missing);
    is run_watched($how), "exit 65\n$expected", "$how: cut short (E11)";
}

# Input without an end to its line, its value, its record or its quote.  All of it goes through;
# memory does not grow with it.
sub is_bounded {
    my ($how, $test, $expected) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is run_watched($how), $expected, "$how: $test (E11)";
    cmp_ok peak(), '<', $ordinary{$how} + 40_960, 'in bounded memory';
    unlink "$folder/$format{$how}{name}";
    return;
}

# The file of that format, with what the code writes in the bad place.
sub write_file {
    my ($how, $write) = @_;
    my $format = $format{$how};

    open my $file, '>:raw', "$folder/$format->{name}" or die "$format->{name}: $!\n";
    $file->print($format->{before});
    $write->($file);
    $file->print($format->{after});
    close $file or die "$format->{name}: $!\n";
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
    write_file(
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
    write_file(
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

# E8: two loads at once, the first of which stands in the middle of its file: more is written to the
# pipe than it holds, so the load has begun to read.
my %record_of = (
    ldif   => [6_000,  "dn: uid=%1\$d\nobjectClass: person\nuid: %1\$d\nsn: B\n\n"],
    csv    => [30_000, "%d,B\n"],
    stanza => [12_000, "Id: %d\nName: B\n\n"],
);
unlink $path;
run_load(@to, spew("$folder/old.txt", ieee(['02-00-01', 'Old'])));
my $old = slurp($path);
for my $how (sort keys %record_of) {
    my ($count, $record) = @{ $record_of{$how} };
    my $fifo = "$folder/fifo.$how";
    next if $how eq 'csv' && !$csv;
    POSIX::mkfifo($fifo, 0600) or die "mkfifo: $!\n";
    my $load = start_load(@to, '--format', $how, $fifo);
    local $SIG{PIPE} = 'IGNORE';
    open my $pipe, '>:raw', $fifo or die "$fifo: $!\n";
    $pipe->print("id,name\n") if $how eq 'csv';
    $pipe->print(map { sprintf $record, $_ } 1 .. $count);
    $pipe->flush;
    is_outcome(
        run_load(@to, "$folder/old.txt"),
        75,
        "whois-load: another load of $path is running\n",
        "$how: a second load is told so (E8)"
    );
    is state_of($path, $old), 'old', 'the old directory is there meanwhile';
    close $pipe;
    is_outcome(
        wait_for_load($load), 0,
        "whois-load: $count entries from 1 file in TIME, 0 skipped\n",
        'the first one ends well'
    );
    is scalar @{ entries_of($path) }, $count, 'its directory is in place';
    spew($path, $old);
}

# E9: a disk that is full in the middle of a load, and has room again later.
SKIP: {
    my $disk = "$folder/disk";
    mkdir $disk;
    skip 'mounting a small disk needs root', 9
        if $> != 0 || system "mount -t tmpfs -o size=400k netio-test $disk 2>/dev/null";
    my @there  = ('--directory', "sqlite:$disk/a.db", 'share/people.ldif');
    my $listed = sub {
        join ' ', map { s{.*/}{}r } glob "$disk/*";
    };
    run_load('--directory', "sqlite:$disk/a.db", "$folder/old.txt");
    my $before = slurp("$disk/a.db");
    for my $left (8, 60, 100) {
        my ($room) = `df -k --output=avail $disk` =~ /(\d+)/;
        spew("$disk/filler", "\0" x (1024 * ($room - $left)));
        is_outcome(
            run_load(@there), 74,
            "whois-load: cannot write $disk/a.db.new: database or disk is full\n",
            "a disk with $left KiB left (E9)"
        );
        is state_of("$disk/a.db", $before) . ': ' . $listed->(), 'old: a.db a.db.lock filler',
            'the old directory stays, and nothing else';
        unlink "$disk/filler";
    }
    is run_load(@there)->{code},             0,                'once there is room again, it works';
    is scalar @{ entries_of("$disk/a.db") }, 150,              'and the new directory is there';
    is $listed->(),                          'a.db a.db.lock', 'and nothing else';
    system "umount $disk";
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
