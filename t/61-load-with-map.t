use strict;
use warnings;

use lib 't/lib';
use NetIO::Test::Load;
use Test::More;

alarm 300;

# Maps in a load: what is said of names that are not there, of records that a map does not want,
# and what becomes of the directory.

my $folder = folder();
my $path   = "$folder/a.db";
my @to     = ('--directory', "sqlite:$path");
my $ldif   = spew("$folder/p.ldif",
    "dn: x\nid: 1\nsn: One\nroomNumber: 5\n\ndn: x\nid: 2\nsn: Two\n\ndn: x\nsn: ou\n\n");
my $slip = spew("$folder/slip.map",
    "only: id=1|2\nhandle: id\nname: sn, givenName\nshow Room: roomNumbre|\"the room\"\n");
my $notes = "whois-load: $slip:3: no record of $ldif has 'givenName'\n"
    . "whois-load: $slip:4: no record of $ldif has 'roomNumbre' or 'the room'\n";
is_outcome(
    run_load(@to, '--map', $slip, $ldif),
    0,
    "${notes}whois-load: 2 entries from 1 file in TIME, 0 skipped, 1 passed over\n",
    'a slip in a map is a note'
);
is_outcome(
    run_load(
        @to, '--map', $slip, $ldif,
        spew(
            "$folder/q.ldif",
            "dn: x\nid: 1\nsn: Three\ngivenName: 3\nthe room: 1\nroomNumbre: 2\n\n"
        )
    ),
    65,
    $notes
        . "whois-load: $folder/q.ldif:5: 'the room: 1' is neither an attribute nor the rest of one\n"
        . "whois-load: $folder/q.ldif: not one record could be read\n",
    'of which the next file knows nothing'
);
is_outcome(
    run_load(@to, '--map', spew("$folder/b.map", "only: id=3\nhandle: id\nname: sn\n"), $ldif),
    65,
    "whois-load: $ldif: the map wants none of its 3 records\n",
    'a map that wants nothing'
);
is_outcome(
    run_load(@to, $ldif),
    65,
    "whois-load: $ldif: the map wants none of its 3 records\n",
    'the one that is built in, too'
);
is_outcome(
    run_load(@to, '--map', spew("$folder/b.map", "handle: id\n"), $ldif),
    65,
    "whois-load: $folder/b.map: the map does not say what the name is; it needs a line 'name: ...'\n",
    'a map that names no name'
);
is names_in($path), 'One; Two', 'the old directory stays';

is_outcome(
    run_load(
        '-q', @to, '--map',
        spew("$folder/b.map",  "handle: id\nname: cn\nshow Name: cn\n"),
        spew("$folder/q.ldif", "dn: x\nid: 1\ncn;lang-de: Eins\ncn;lang-en: One\n\n")
    ),
    0, '',
    'attribute options in a load'
);
is entries_of($path)->[0]{fields}, "Name\tEins\nName\tOne\nIndex Key\t1\n", 'are options of LDIF';

SKIP: {
    skip 'no Text::CSV_XS here', 5 if !eval { require Text::CSV_XS };
    my $table = spew("$folder/p.csv", "id,sn,\"room, no\"\n1,One,5\n2,,6\n");
    is_outcome(
        run_load(@to, '--map', $slip, $table),
        65,
        "whois-load: $slip:3: $table has no column 'givenName'; it has: 'id', 'sn', 'room, no'\n",
        'a column that is missing is refused before anything is read'
    );
    is_outcome(
        run_load(
            @to, spew("$folder/q.csv", join(',', map { "c$_" } 1 .. 22) . "\n" . ',' x 21 . "\n")
        ),
        65,
        "whois-load: $folder/q.csv has no column "
            . join(' or ',
            map { "'$_'" } 'handle',
            'id',    'uid', 'nic-hdl', 'employeeNumber', 'employee number',
            'login', 'username', 'package')
            . '; it has: '
            . join(', ', map { "'c$_'" } 1 .. 20)
            . " and 2 more; --map can say which of these it is\n",
        'and so is a table that the built-in map cannot serve'
    );
    is_outcome(
        run_load(
            @to, '--map', spew("$folder/c.map", "handle: id\nname: sn|\"room, no\"\nshow *:\n"),
            $table
        ),
        0,
        "whois-load: 2 entries from 1 file in TIME, 0 skipped\n",
        'a table with a map'
    );
    is join('', map { $_->{fields} } @{ entries_of($path) }),
        "Index Key\t2\nroom, no\t5\nIndex Key\t1\n",
        'its entries';
    is_outcome(
        run_load(
            @to, '--map',
            spew("$folder/d.map", "handle: id\nname: sn\nshow Room: \"room, no\"\n"),
            spew("$folder/q.csv", "id,sn,\"room, no\"\n1,One,\n")
        ),
        0,
        "whois-load: 1 entry from 1 file in TIME, 0 skipped\n",
        'a column of nothing is a column'
    );
}

done_testing;
