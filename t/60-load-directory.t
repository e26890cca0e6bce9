use strict;
use warnings;
use utf8;

use lib 't/lib';
use NetIO::Load::Stage;
use NetIO::Test::Load;
use Test::More;

alarm 300;
binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $folder = folder();
my $path   = "$folder/a.db";
my @files  = qw(t/data/ieee-tabs.txt t/data/ieee-blanks.txt);

is_outcome(
    run_load('--directory', "sqlite:$path", '--format', 'ieee', @files),
    0,
    "whois-load: $files[0]:17: handle '02-00-10' is also at $files[0]:11\n"
        . "whois-load: 13 entries from 2 files in TIME, 0 skipped\n",
    'a load of two files'
);

# The file is what whoisd expects.
my $dbh = DBI->connect("dbi:SQLite:uri=file:$path?mode=ro&immutable=1",
    '', '', { RaiseError => 1, sqlite_unicode => 1 });
my %pragma = (
    application_id => 0x4E744944,
    user_version   => 1,
    encoding       => 'UTF-8',
    journal_mode   => 'delete',
    freelist_count => 0,
);
is $dbh->selectrow_array("PRAGMA $_"), $pragma{$_}, "PRAGMA $_" for sort keys %pragma;

my $schema = join "\n", map { s/\s+/ /gr } @{
    $dbh->selectcol_arrayref(
        q{SELECT sql FROM sqlite_master WHERE name IN ('entry', 'entry_key', 'word', 'meta')
      ORDER BY name}
    )
};
is $schema, <<'SQL' =~ s/\n\z//r, 'schema';
CREATE TABLE entry(id INTEGER PRIMARY KEY, key TEXT NOT NULL, handle TEXT NOT NULL, name TEXT NOT NULL, summary TEXT NOT NULL, fields TEXT NOT NULL)
CREATE INDEX entry_key ON entry(key)
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID
CREATE VIRTUAL TABLE word USING fts5(name, other, content='', columnsize=0, prefix='1 2 3 4 5 6 7 8', tokenize="unicode61 remove_diacritics 2")
SQL
is $dbh->selectrow_array('SELECT count(DISTINCT segid) FROM word_idx'), 1,
    'the index is one segment';

my %meta = map { @$_ } @{ $dbh->selectall_arrayref('SELECT name, value FROM meta') };
like delete $meta{built}, qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/, 'meta: built';
is_deeply \%meta, { entries => 13, sources => join ', ', @files }, 'meta: entries and sources';

# Listings are sorted by name, blind to case and accents, then by handle.
is_deeply [map { "$_->{id} $_->{key} $_->{handle} $_->{name} ($_->{summary})" }
        @{ entries_of($path) }],
    [
    '1 020010 02-00-10 Å & Ö Mätteknik AB (Malmö, SE)',
    '2 020013 02-00-13 Ábaco de Ejemplo, S.A. (Bilbao, ES)',
    '3 020012 02-00-12 abacus Rechner GmbH ()',
    '4 0050c27d5 00-50-C2-7D-5 Feinwerk Übersee GmbH (Bremen HB, DE)',
    '5 40d85511c 40-D8-55-11-C Feinwerk Übersee GmbH (Bremen HB, DE)',
    '6 02000c 02-00-0C Harbour Systems, Inc (Port Elm CA, US)',
    '7 020015 02-00-15 Harbour Systems, Inc (Port Elm CA, US)',
    '8 021ae00 02-1A-E0-0 IOG Example LLC (CHATSWORTH CA, US)',
    '9 020014 02-00-14 Norwood & Vale Ltd (Dublin, IE)',
    '10 020011 02-00-11 Private ()',
    '11 021ae09 02-1A-E0-9 Private ()',
    '12 02b3d5f2f 02-B3-D5-F2-F Teleform (Moscow, RU)',
    '13 020010 02-00-10 Zürcher Messtechnik (Zürich, CH)',
    ],
    'entries in their order';

is entries_of($path)->[8]{fields}, <<'FIELDS', 'fields of a record';
Organisation	Norwood & Vale Ltd
Address	Unit 4, The Old Mill
Address	Dublin 17
Country	IE
Assignment	MA-L
Range	02-00-14-00-00-00 to 02-00-14-FF-FF-FF
Index Key	02-00-14
FIELDS

# What a word finds: FTS5 query, ids
my %found = (
    'harbour'             => '6 7',
    'HARBOUR'             => '6 7',
    'malmo'               => '1',
    'malmö'               => '1',
    'harb*'               => '6 7',
    'h*'                  => '4 5 6 7',
    'quay'                => '6 7',
    'name: quay'          => '',
    'other: harbour'      => '',
    '"00-50-C2-7D-5"'     => '4',
    '0050c27d5'           => '4',
    '02000c'              => '6',
    'ch'                  => '13',
    'ma'                  => '',
    'ff'                  => '',
    'private'             => '10 11',
    'feinwerk AND bremen' => '4 5',
);
for (sort keys %found) {
    my $rows = $dbh->selectcol_arrayref('SELECT rowid FROM word WHERE word MATCH ? ORDER BY rowid',
        undef, $_);
    is "@$rows", $found{$_}, "the index finds $_";
}
$dbh->disconnect;

# What a record may hold.
sub load_text {
    my ($text) = @_;

    utf8::encode($text) if utf8::is_utf8($text);
    return run_load('--directory', "sqlite:$path", spew("$folder/in.txt", $text));
}

my $hostile = join '', map { chr } 0 .. 9, 11, 12, 14 .. 31, 127 .. 255, 0x2028, 0x202e;
is_outcome(
    load_text(ieee(["02-00-01", "A${hostile}Z", "1$hostile Street", 'US'])),
    0,
    "whois-load: 1 entry from 1 file in TIME, 0 skipped\n",
    'all controls there are (D4, E11)'
);
my ($row) = @{ entries_of($path) };
unlike $row->{name},   qr/[\x00-\x1f\x7f-\x9f\x{2028}\x{202e}]|  /, 'none is left in the name';
unlike $row->{fields}, qr/[\x00-\x08\x0b-\x1f\x7f-\x9f\x{2028}\x{202e}]/, 'none in the fields';
is scalar(() = $row->{fields} =~ /^[^\t\n]+\t[^\t\n]*$/mg), 6, 'six lines of label and value';

my $e = "\xe9";    # 60,000 bytes of Latin-1 are 120,000 of UTF-8
is_outcome(
    load_text(ieee(['02-00-01', 'One'], ['02-00-02', 'Two', $e x 60_000])),
    65,
    "whois-load: $folder/in.txt:8: the value of Address is longer than 65536 bytes\n"
        . "whois-load: 1 entry from 1 file in TIME, 1 skipped\n",
    'a value that grows too long (E11)'
);
is_outcome(
    load_text(ieee(['02-00-01', 'One', 'x' x 65_500, 'US'])),
    0,
    "whois-load: 1 entry from 1 file in TIME, 0 skipped\n",
    'one that is nearly too long'
);

my $word = "\x{fdfa}" x 20_000;    # FTS5 cuts its words at 32 KiB
is_outcome(
    load_text(ieee(['02-00-01', 'One', $word, 'US'], ['02-00-02', $word])),
    0,
    "whois-load: 2 entries from 1 file in TIME, 0 skipped\n",
    'a word of 60,000 bytes (E11)'
);

# Handles and entries that occur twice (E11).
is_outcome(
    load_text(ieee(map { ['02-00-01', $_, '1 Street', 'US'] } qw(Uno One Ein))),
    0,
    "whois-load: $folder/in.txt:10: handle '02-00-01' is also at $folder/in.txt:5\n"
        . "whois-load: $folder/in.txt:15: handle '02-00-01' is also at $folder/in.txt:5\n"
        . "whois-load: 3 entries from 1 file in TIME, 0 skipped\n",
    'one handle, three owners (E11)'
);
is names_in($path), 'Ein; One; Uno', 'all three are there';

is_outcome(
    load_text(
        ieee(
            (map { ['02-00-01', $_, '1 Street', 'US'] } qw(One Two One)),
            ['02-00-01', 'One', '2 Street', 'US']
        )
    ),
    65,
    "whois-load: $folder/in.txt:15: '02-00-01' is the same entry as at $folder/in.txt:5\n"
        . "whois-load: $folder/in.txt:10: handle '02-00-01' is also at $folder/in.txt:5\n"
        . "whois-load: $folder/in.txt:20: handle '02-00-01' is also at $folder/in.txt:5\n"
        . "whois-load: 3 entries from 1 file in TIME, 1 skipped\n",
    'the same entry twice'
);
is names_in($path), 'One; One; Two', 'it is there once';

load_text(
    ieee(
        ['02-00-03', 'One', '1 Street'],
        ['02-00-02', 'one', '2 Street'],
        ['02-00-01', 'One', '3 Street']
    )
);
is join(' ', map { $_->{handle} } @{ entries_of($path) }), '02-00-01 02-00-02 02-00-03',
    'entries of one name stand in the order of their handles';

is_outcome(
    run_load(
        '-q',           '--directory',
        "sqlite:$path", spew("$folder/in.txt", ieee(map { ['02-00-01', $_] } 'One', 'Two'))
    ),
    0, '',
    '--quiet: no notes'
);
is_outcome(
    load_text(ieee(map { ['02-00-01', "Owner $_"] } 1 .. 23)),
    0,
    join(
        '',
        map {
                  "whois-load: $folder/in.txt:"
                . (5 + 3 * $_)
                . ": handle '02-00-01' is also at $folder/in.txt:5\n"
        } 1 .. 20
        )
        . "whois-load: 2 more notes\nwhois-load: 23 entries from 1 file in TIME, 0 skipped\n",
    'many owners: notes end, the count goes on'
);
is_outcome(
    load_text(ieee(map { ['02-00-01', $_] } ('One') x 3)),
    65,
    join(
        '',
        map {
            "whois-load: $folder/in.txt:$_: '02-00-01' is the same entry as at $folder/in.txt:5\n"
        } 8,
        11
        )
        . "whois-load: 1 entry from 1 file in TIME, 2 skipped\n",
    'the same entry three times is no double handle'
);

# A record that whoisd would not show.
is_outcome(
    load_text(ieee(['02-00-01', 'One'], ['02-00-02', 'Two', ('x' x 44_000) x 3, 'US'])),
    65,
    "whois-load: $folder/in.txt:8: the record is longer than 131072 bytes\n"
        . "whois-load: 1 entry from 1 file in TIME, 1 skipped\n",
    'a record of more than 128 KiB (E11)'
);

is_outcome(
    load_text(ieee(['02-00-01', 'One'], ['02-00-02', 'Two', ("\xe9" x 30_000) x 3])),
    65,
    "whois-load: $folder/in.txt:8: the record is longer than 131072 bytes\n"
        . "whois-load: 1 entry from 1 file in TIME, 1 skipped\n",
    'counted in bytes'
);

# Labels that are all different are not kept.
my $stage = NetIO::Load::Stage->new_alone;
$stage->add({ handle => $_, name => 'x', summary => '', fields => [["l$_", 'x']], words => [] },
    'in')
    for 1 .. 1100;
cmp_ok scalar keys %{ $stage->{labels} }, '<=', 1001, 'labels are not remembered for ever';

# Reports end, the count goes on.
my $bad = "02-00-0C   (hex)\t\tHarbour\r\n\r\n";
for (20, 21, 500) {
    my $more = $_ - 20;
    my $got  = load_text(ieee(['02-00-01', 'One']) . $bad x $_);
    is_outcome(
        $got, 65,
        join(
            '',
            map {
                      "whois-load: $folder/in.txt:"
                    . (8 + 2 * $_)
                    . ": no (base 16) line follows the (hex) line\n"
            } 0 .. 19
            )
            . ($more ? "whois-load: $more more record" . ($more > 1 && 's') . " skipped\n" : '')
            . "whois-load: 1 entry from 1 file in TIME, $_ skipped\n",
        "$_ records that cannot be read"
    );
}
my $old = slurp($path);
is_outcome(
    load_text($bad),
    65,
    "whois-load: $folder/in.txt:1: no (base 16) line follows the (hex) line\n"
        . "whois-load: $folder/in.txt: not one record could be read\n",
    'no record that can be read'
);
is state_of($path, $old), 'old', 'the old directory stays';

# 1 GiB without a line end, in less memory than that by far.
my $giant = spew("$folder/giant.txt", ieee(['02-00-01', 'One']) . "02-00-02   (hex)\t\t");
truncate $giant, 1 << 30 or die "truncate: $!\n";
is_outcome(
    run_load(
        { under => ['sh', '-c', 'ulimit -v 200000; exec "$@"', 'sh'] }, '--directory',
        "sqlite:$path",                                                 $giant
    ),
    65,
    "whois-load: $giant:8: the line is longer than 65536 bytes\n"
        . "whois-load: 1 entry from 1 file in TIME, 1 skipped\n",
    'a line of 1 GiB in 200 MB (E11)'
);

done_testing;
