use strict;
use warnings;

use lib 't/lib';
use NetIO::Test::Load;
use Test::More;

alarm 300;

my $folder = folder();
my $usage  = 'usage: whois-load --directory sqlite:PATH [--dry-run] [--quiet]'
    . " {[--format FORMAT] [--map MAP] FILE...}...\n";
my $good = 't/data/ieee-tabs.txt';
my $to   = "sqlite:$folder/a.db";
my $note = "whois-load: $good:17: handle '02-00-10' is also at $good:11\n";

# Wrong calls: name, arguments, message
my @wrong = (
    ['nothing',              [],                         'no --directory is given'],
    ['no directory',         [$good],                    'no --directory is given'],
    ['no file',              ['--directory', $to],       'no FILE is given'],
    ['no value',             ['--directory'],            'option directory requires an argument'],
    ['an unknown option',    ['--dirctory', $to, $good], 'unknown option: dirctory'],
    ['an unknown short one', ['-z', $good],              'unknown option: z'],
    ['an abbreviation',      ['--dir', $to, $good],      'unknown option: dir'],
    ['a value too many',     ['--quiet=1', $good],       'option quiet does not take an argument'],
    ['no path',   ['--directory', 'sqlite:', $good],     "directory 'sqlite:' is not sqlite:PATH"],
    ['no scheme', ['--directory', 'a.db', $good],        "directory 'a.db' is not sqlite:PATH"],
    [
        'another scheme',
        ['--directory', 'ldap://h', $good],
        "directory 'ldap://h' is not sqlite:PATH"
    ],
    [
        'an unknown format',
        ['--directory', $to, '--format', 'xml', $good],
        "unknown format 'xml'; there are: ieee ldif stanza csv"
    ],
    [
        'an unknown format of the second file',
        ['--directory', $to, $good, '--format', 'XML', $good],
        "unknown format 'XML'; there are: ieee ldif stanza csv"
    ],
    [
        'a format after the last file',
        ['--directory', $to, $good, '--format', 'ieee'],
        'no FILE comes after the last --format'
    ],
    [
        'a map after the last file',
        ['--directory', $to, $good, '--map', 'a.map'],
        'no FILE comes after the last --map'
    ],
    [
        'a map and a format after the last file',
        ['--directory', $to, $good, '--map', 'a.map', '--format', 'ldif'],
        'no FILE comes after the last --format'
    ],
    [
        'a map for the registries',
        ['--directory', $to, '--map', 'a.map', '--format', 'ieee', $good],
        'the format ieee takes no --map'
    ],
    [
        'a map for the registries, later on',
        ['--directory', $to, '--format', 'ieee', $good, '--map', 'a.map', $good],
        'the format ieee takes no --map'
    ],
    ['no file for a format', ['--dry-run', '--format', 'ldif'], 'no FILE is given'],
    ['a dry run of nothing', ['--dry-run'],                     'no FILE is given'],
    [
        'a dry run to nowhere',
        ['--dry-run', '--directory', 'a.db', $good],
        "directory 'a.db' is not sqlite:PATH"
    ],
    ['a dry run with a value', ['--dry-run=1', $good], 'option dry-run does not take an argument'],
    ['no map', ['--directory', $to, $good, '--map'],   'option map requires an argument'],
    ['controls in an option', ["--a\e[2Jb"],           'unknown option: a\x1B[2Jb'],
);

for (@wrong) {
    my ($name, $arguments, $text) = @$_;
    is_outcome(run_load(@$arguments), 64, "whois-load: $text\n$usage", "wrong call: $name");
}
is join(' ', glob "$folder/*"), '', 'a wrong call creates nothing';

my ($version) = slurp('csrc/include/netio/version.h') =~ /^#define NETIO_VERSION "(.*)"/m;
for my $option ('-V', '--version') {
    my $got = run_load($option, '--directory', 'whatever');
    is_outcome($got, 0, '', $option);
    is $got->{out}, "whois-load (NetIO) $version\n", "$option prints the version";
}

my $help = run_load('--help');
is_outcome($help, 0, '', '--help');
like $help->{out}, qr/^Usage:\n\s+whois-load --directory sqlite:PATH/, '--help shows the call';
like $help->{out}, qr/^\s+--format FORMAT$/m,                          '--help shows the options';

# Inputs that cannot be: name, file, exit code, message
my $nowhere = "$folder/nowhere.txt";
my @inputs  = (
    ['missing',        $nowhere,    66, "cannot read $nowhere: No such file or directory"],
    ['a folder',       "$folder",   66, "cannot read $folder: it is a folder"],
    ['below a file',   "$good/x",   66, "cannot read $good/x: Not a directory"],
    ['empty',          '/dev/null', 65, '/dev/null: not one record could be read'],
    ['not a registry', $0,          65, "$0: not of the ieee format"],
);

for (@inputs) {
    my ($name, $file, $code, $text) = @$_;
    is_outcome(
        run_load('--directory', $to, '--format', 'ieee', $good, $file),
        $code,
        "whois-load: $text\n",
        "an input that is $name"
    );
}
my $unknown = 'not of a known format (ieee, ldif, stanza, csv); --format says which it is';
my $mac     = 'its lines end with CR alone; save it with the line ends of Windows or Unix';
for (
    ['a format nobody knows',     '%!PS\n',                      $unknown],
    ['a lone CR and a line end',  "%!PS\r\n\r",                  $unknown],
    ['a format that it may be',   "id,name,\n1,One,\n",          $unknown],
    ['nothing in it',             '',                            'it is empty'],
    ['a table of an old Mac',     "id,name\r1,One\r",            $mac],
    ['people of an old Mac',      "dn: uid=1\robjectClass: x\r", $mac],
    ['an old Mac, and no format', '%!PS' . "\r%\r" x 3000,       $mac],
    )
{
    my ($name, $bytes, $text) = @$_;
    my $file = spew("$folder/odd", $bytes);
    is_outcome(run_load('--directory', $to, $file), 65, "whois-load: $file: $text\n", $name);
}
my $map = spew("$folder/one.map", "handle: a\nname: b\n");
is_outcome(
    run_load('--directory', $to, '--map', $map, $good),
    64,
    "whois-load: $good is of the format ieee, which takes no map; name it before $map\n",
    'a map for what turns out to be a registry'
);
is_outcome(
    run_load('--directory', $to, '--map', $nowhere, $good),
    66,
    "whois-load: cannot read $nowhere: No such file or directory\n",
    'a map that is missing'
);
ok !-e "$folder/a.db" && !-e "$folder/a.db.new", 'none of them leaves a directory';

is_outcome(
    run_load('--directory', $to, $good),
    0,
    "${note}whois-load: 8 entries from 1 file in TIME, 0 skipped\n",
    'the format is recognised'
);
is_outcome(run_load('-q', '--directory', $to, $good), 0, '', '-q: no summary');
is_outcome(run_load('--quiet', '--directory', $to, '--', $good), 0, '', '--quiet, --');

# Formats and maps hold for the files after them.
my $ldif   = spew("$folder/a.ldif",   "dn: x\nid: 1\nn: Ldif\n\n");
my $stanza = spew("$folder/a.stanza", "id: 2\nn: Stanza\n");
my $other  = spew("$folder/b.stanza", "nr: 3\nn: Other\n");
my $csv    = spew("$folder/a.csv",    "id,n\n4,Table\n");
spew("$folder/n.map",  "handle: id\nname: n\n");
spew("$folder/nr.map", "handle: nr\nname: n\n");
my @mixed = (
    $good,   '--map', "$folder/n.map",  $ldif, '--format', 'stanza',
    $stanza, '--map', "$folder/nr.map", $other
);
is_outcome(
    run_load('--directory', $to, @mixed),
    0,
    "${note}whois-load: 11 entries from 4 files in TIME, 0 skipped\n",
    'four files, three formats, two maps'
);
is_deeply [grep { /^[123]:/ } map { "$_->{handle}:$_->{name}" } @{ entries_of("$folder/a.db") }],
    ['1:Ldif', '3:Other', '2:Stanza'], 'one directory of them all';
is_outcome(run_load(@mixed[1 .. 2], '--directory', $to, '-q', '--', $ldif, $stanza),
    0, '', 'what was said holds for the files after --, too');
is names_in("$folder/a.db"), 'Ldif; Stanza', 'and they are loaded';
SKIP: {
    skip 'no Text::CSV_XS here', 2 if !eval { require Text::CSV_XS };
    is_outcome(run_load('-q', '--directory', $to, '--map', "$folder/n.map", $csv, $ldif),
        0, '', 'a table is recognised');
    is names_in("$folder/a.db"), 'Ldif; Table', 'and is there';
}
is_outcome(
    run_load(
        { under => ['sh', '-c', "cat $folder/n.map | \"\$@\" 3<&0", 'sh'] },
        '-q', '--directory', $to, '--map', '/dev/fd/3', $ldif, $stanza
    ),
    0, '',
    'a map may be a pipe, for several files'
);

# What a load needs no module for, it does not load it for.
my $used = `$^X @{[map { "-I$_" } grep { !ref } @INC]} -e 'use NetIO::Load::Source;
    NetIO::Load::Source->new(file => shift); print join " ", grep { /CSV/ } keys %INC' $ldif`;
is $used, '', 'a file that is no table does not load Text::CSV_XS';

my $alone = spew("$folder/alone.txt", ieee(['02-00-01', 'One']));
is_outcome(
    run_load('--directory', $to, $alone),
    0, "whois-load: 1 entry from 1 file in TIME, 0 skipped\n",
    'one of each'
);

# Names that mean something to a shell, to DBI or to a URI, relative and absolute.
for my $name (
    'a b.db',          'x;y=1.db', 'dbname=z', '100%25?mode=memory#f',
    "\xc3\xbc\xff.db", '-v',       "two\nlines\n"
    )
{
    is_outcome(run_load('-q', '--directory', "sqlite:$folder/$name", $good), 0, '', "PATH $name");
    is scalar @{ entries_of("$folder/$name") }, 8, "PATH $name is that very file";
}

is_outcome(run_load('-q', '--directory', "sqlite:/$folder/host", $good),
    0, '', 'PATH with two slashes');
is scalar @{ entries_of("$folder/host") }, 8, 'is no name of a host';
is_outcome(
    run_load(
        { under => ['env', 'PERL_UNICODE=A'] },
        '-q', '--directory', "sqlite:$folder/\xc3\xa4", $good
    ),
    0, '',
    'PATH under PERL_UNICODE'
);
is scalar @{ entries_of("$folder/\xc3\xa4") }, 8, 'is that very file';

is_outcome(
    run_load('--directory', $to, "$folder/\xc3\xa4\xc2\x9b2J\e\x7f"),
    66,
    "whois-load: cannot read $folder/\xc3\xa4\\xC2\\x9B2J\\x1B\\x7F: No such file or directory\n",
    'a name that would move the cursor (D4)'
);

SKIP: {
    skip 'no /dev/full here', 2 if !-c '/dev/full';
    for my $option ('--help', '--version') {
        my $got = run_load({ under => ['sh', '-c', 'exec "$@" >/dev/full', 'sh'] }, $option);
        is_outcome(
            $got, 74,
            "whois-load: cannot write: No space left on device\n",
            "$option to a disk that is full (E9)"
        );
    }
}

SKIP: {
    skip 'no script(1) here', 2 if !grep { -x "$_/script" } split /:/, $ENV{PATH};
    my $said = "$folder/terminal";
    my $call = "$^X " . join(' ', map { "-I$_" } grep { !ref } @INC) . ' ' . program();
    my $code = system "script -qec '$call --directory $to $good' $said >/dev/null </dev/null";
    is $code, 0, 'a load at a terminal';
    like slurp($said),
        qr/\r\w+ +\[#*\.*\] +\d+%.*\r +\rwhois-load: .*whois-load: 8 entries from 1 file/s,
        'a bar is drawn there, and goes before the summary';
}

done_testing;
