use strict;
use warnings;
use utf8;

use lib 't/lib';
use NetIO::Load::Clean 'fold_name';
use NetIO::Test::Daemon;
use NetIO::Test::Load;
use Test::More;

alarm 300;
binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

# share/people.ldif, the people of ./run: the file itself, its way into a directory, and what
# whoisd says of them.  Then the maps beside it that are for other files.

my $people = 'share/people.ldif';
my $folder = folder();
my $path   = "$folder/people.db";
my @to     = ('--directory', "sqlite:$path");
my $loaded = "whois-load: 150 entries from 1 file in TIME, 0 skipped, 20 passed over\n";

# What Net::LDAP makes of the file, to compare with: handle to a hash of lists.
my %person;
SKIP: {
    skip 'the package libnet-ldap-perl is not installed', 6
        if !eval { require Net::LDAP::LDIF };
    my $ldif   = Net::LDAP::LDIF->new($people, 'r', onerror => 'die');
    my $others = 0;
    while (my $entry = $ldif->read_entry) {
        my %value = map {
            $_ => [map { text($_) } $entry->get_value($_)]
        } $entry->attributes;
        if (!grep { $_ eq 'inetOrgPerson' } @{ $value{objectClass} }) {
            $others++;
            next;
        }
        $person{ $value{employeeNumber}[0] } = \%value;
    }
    is $others,             20,  'a root, its two branches and 17 departments';
    is scalar keys %person, 150, '150 people, each with a number';
    is join(' ', grep { !/^\d{6}\z/ } sort keys %person), '', 'of six digits';
    my %login = map { $_->{uid}[0] => 1 } values %person;
    is scalar keys %login, 150, 'each with a login';
    my %size;
    $size{ $_->{ou}[0] }++ for values %person;
    is scalar(grep { $_ >= 10 } values %size),           9, 'departments of ten and more';
    is scalar(grep { !$_->{givenName} } values %person), 2, 'people of one name';
}

sub text {
    my ($bytes) = @_;

    utf8::decode($bytes);
    return $bytes;
}

my $source = slurp($people);
like $source,   qr/\A#.*\n(?:#.*\n)*# license/m, 'says whose it is';
unlike $source, qr/[^\n\x20-\x7e]/,              'is plain ASCII';
is join("\n", grep { length > 76 && !/^#/ } split /\n/, $source), '', 'and folded';
is join(' ',
    $source =~
        /^(?:telephoneNumber|mobile|facsimileTelephoneNumber): (?!555-01\d\d(?: ext\. \d{4})?$)(.*)/mg
    ),
    '', 'no telephone number is anybody\'s';
is join(' ', $source =~ /^mail: (?![a-z-]+(?:\.[a-z-]+)?[0-9]?\@example\.edu$)(.*)/mg), '',
    'nor is a mail address';

# Into a directory.
is_outcome(run_load(@to, $people), 0, $loaded, 'the people are loaded');
my @rows    = @{ entries_of($path) };
my $listing = join "\n", map { "$_->{handle} $_->{name}" } @rows;
is scalar @rows, 150, 'all of them';
is join("\n", sort map { fold_name($_->{name}) } @rows),
    join("\n", map { fold_name($_->{name}) } @rows),
    'in order, blind to accents';

SKIP: {
    skip 'nothing to compare with', 2 if !%person;
    my %name = map {
        my $one = $person{$_};
        ($_ => join ', ', map { @{ $_ || [] } } @$one{qw(sn givenName)})
    } keys %person;
    is join("\n", map { "$_ $name{$_}" } sort keys %name),
        join("\n", sort map { "$_->{handle} $_->{name}" } @rows), 'handles and names are right';
    my @odd = grep {
        my $row = $_;
        my $one = $person{ $row->{handle} };
        grep    { index($row->{fields}, "\t$_\n") < 0 }
            map { @{ $one->{$_} || [] } }
            qw(title ou roomNumber telephoneNumber mobile mail uid)
    } @rows;
    is join(' ', map { $_->{handle} } @odd), '', 'every value is shown';
}

# What whoisd answers.
my $d = NetIO::Test::Daemon->whoisd($path);

sub ask {
    my ($query) = @_;

    utf8::encode($query);
    return text($d->ask("$query\r\n")) =~ s/\r\n/\n/gr;
}

# The names that a listing or a record shows.
sub found {
    my ($query) = @_;
    my $answer = ask($query);

    return join '; ', $answer =~ /^ +!\d{6}: (.*?) \(/mg, $answer =~ /^ +Full Name: (.*)/mg;
}

is ask('!481800'), <<'RECORD', 'a record';
There were 1 matches on your request.

           Full Name: Quinton, Philippa
               Title: Chief of Staff
          Department: Office of the President
                Room: Alder Hall 307
               Phone: 555-0102 ext. 7788
              E-mail: philippa.quinton@example.edu
              E-mail: pquinton@example.edu
               Login: pquinton
           Index Key: 481800

For more information try 'whois help'.
RECORD

is ask('quinton'), <<'LISTING', 'a surname';
There were 6 matches on your request.

             !416812: Quinton, Anaïs (Languages, Literatures & Cultures, Old Mill 154)
             !417635: Quinton, Cecily (Information Technology Services, Kestrel Building 13)
             !469980: Quinton, Imogen (Chemistry, Tern Laboratory 152)
             !455387: Quinton, Ingeborg (Computer Science, Kestrel Building 403)
             !481800: Quinton, Philippa (Office of the President, Alder Hall 307)
             !404630: Quinton, Tobias (Mathematics & Statistics, Kestrel Building 213)

To see one of them, ask for its handle: whois '!416812'
LISTING

my $garcias = 'García de la Encina, Ruy; García Oliveirense, Marta; García Valcárcel, Begoña; '
    . 'García y Solanas, Pilar';
my $oneills = "O'Neill, Aoife; O'Neill, Conall";
my @asked   = (
    ['garcia',        $garcias,                             'without its accent'],
    ['GARCÍA',        $garcias,                             'with it'],
    ['garcia begoña', 'García Valcárcel, Begoña',           'two words'],
    ['valcarcel',     'García Valcárcel, Begoña',           'the second surname'],
    ["o'neill",       $oneills,                             'an apostrophe'],
    ['o’neill',       $oneills,                             'one that is set'],
    ['oneill',        $oneills,                             'none, as in the mail address'],
    ["d'angelosante", 'D’Angelosante, Lorenzo',             'an apostrophe, in the file a set one'],
    ['dangelosante',  'D’Angelosante, Lorenzo',             'and without'],
    ['bjorkloven',    'Björklövén, Åsa',                    'umlauts'],
    ['weisshaupt',    'Weißhaupt, Jens; Weißhaupt, Jürgen', 'ss, as in the mail address'],
    ['weißhaupt',     'Weißhaupt, Jens; Weißhaupt, Jürgen', 'a sharp s'],
    ['leczynski',     'Łęczyński, Piotr',                   'a stroke'],
    ['van der linden', 'van der Linden-Oosterhuis, Wilhelmina Josephine Adelheid', 'particles'],
    ['oosterhuis',   'van der Linden-Oosterhuis, Wilhelmina Josephine Adelheid', 'behind a hyphen'],
    ['suryaningrat', 'Suryaningrat',                                             'a single name'],
    ['nora',                       "O'Dwyer, Honora Maeve",    'a second common name'],
    ['さとがわ',                       'Satogawa, Midori',         'kana'],
    ['вероника',                   'Smolnikovskaya, Veronika', 'Cyrillic'],
    ['Ελένη',                      'Papakonstantakou, Eleni',  'Greek'],
    ['außerordentlicher',          'Weißhaupt, Jürgen',        'a title in German'],
    ['asa.bjorkloven@example.edu', 'Björklövén, Åsa',          'a mail address'],
    ['tquinton',                   'Quinton, Tobias',          'a login'],
    ['organist',                   'Diapasson, Cuthbert',      'a word of a title'],
    ['manager quinton',            'Quinton, Cecily',          'title and name'],
    ['8379',                       'Björklövén, Åsa',          'an extension'],
);
is found($_->[0]), $_->[1], "found by $_->[2]: $_->[0]" for @asked;
like ask('akerlund'),      qr/\AThere were 6 matches /,  'found by a second department';
like ask('inetOrgPerson'), qr/\AThere were no matches /, 'not by what is no word of theirs';
undef $d;

# With the map that shows more.
is_outcome(run_load(@to, '--map', 'share/maps/people.map', $people),
    0, $loaded, 'with share/maps/people.map');
$d = NetIO::Test::Daemon->whoisd($path);
is ask('!415695'), <<'RECORD', 'a record shows more';
There were 1 matches on your request.

           Full Name: Satogawa, Midori
            Known As: Midori Satogawa
        Also Written: さとがわ みどり
               Title: Associate Professor
              Status: faculty
          Department: Mathematics & Statistics
                Room: Kestrel Building 211
               Phone: 555-0110 ext. 4705
              E-mail: midori.satogawa@example.edu
            Web Page: https://people.example.edu/~msatogaw/ home page
           Index Key: 415695

For more information try 'whois help'.
RECORD
is found($_->[0]), $_->[1], "found as without it: $_->[0]" for grep { !/ / } @asked;
undef $d;

# The same people as a table, and beside a registry.
SKIP: {
    skip 'no Text::CSV_XS, or nothing to write', 3
        if !%person || !eval { require Text::CSV_XS };
    my $writer = Text::CSV_XS->new({ binary => 1, eol => "\r\n" });
    my $table  = '';
    for my $row (
        ['id', 'name', 'title', 'department', 'phone', 'remarks'],
        map {
            my $one = $person{$_};
            [
                $_,
                join(', ', map { @{ $_ || [] } } @$one{qw(sn givenName)}),
                map { join "\n", @{ $one->{$_} || [] } } qw(title ou telephoneNumber description)
            ]
        } sort keys %person
        )
    {
        $writer->combine(@$row);
        $table .= $writer->string;
    }
    utf8::encode($table);
    is_outcome(
        run_load(@to, spew("$folder/people.csv", $table)),
        0,
        "whois-load: 150 entries from 1 file in TIME, 0 skipped\n",
        'the same people as a table'
    );
    is join("\n", map { "$_->{handle} $_->{name}" } @{ entries_of($path) }), $listing,
        'the same handles and names';
    like + (grep { $_->{handle} eq '401064' } @{ entries_of($path) })[0]{fields},
        qr/^phone\t555-0125 ext\. 8379\nphone\t555-0185$/m, 'several values in one column';
}

is_outcome(
    run_load(@to, 't/data/ieee-tabs.txt', $people),
    0,
    "whois-load: t/data/ieee-tabs.txt:17: handle '02-00-10' is also at t/data/ieee-tabs.txt:11\n"
        . "whois-load: 158 entries from 2 files in TIME, 0 skipped, 20 passed over\n",
    'people beside a registry'
);

# share/maps/debian-packages.map.
SKIP: {
    my $status = '/var/lib/dpkg/status';
    skip 'no packages of Debian here', 4 if !-r $status;
    my %package = map { $_ => 1 } slurp($status) =~ /^Package: (\S+)/mg;
    is run_load(@to, '--map', 'share/maps/debian-packages.map', $status)->{code}, 0,
        'with share/maps/debian-packages.map';
    my %loaded = map { $_->{handle} => $_ } @{ entries_of($path) };
    is join(' ', sort keys %loaded), join(' ', sort keys %package), 'every package is there';
    my @maintained = grep { $_->{fields} =~ /^\S*(?:Maintainer|Uploaders)\t/m } values %loaded;
    is scalar @maintained, 0, 'and nobody who looks after them';
    like "$loaded{dpkg}{name} ($loaded{dpkg}{summary})",
        qr/^dpkg \(Debian package management system\)/,
        'a package and what it is';
}

# share/maps/rpsl.map.
spew("$folder/registry.txt", <<'RPSL');
% All of it is made up.

aut-num:        AS64496
as-name:        LARKMERE
descr:          University of Larkmere
country:        ZZ
tech-c:         PR1-TEST
source:         TEST

person:         Prudence Ringwold
address:        1 Alder Walk
+
                Larkmere
phone:          +1 555 0100
nic-hdl:        PR1-TEST
source:         TEST

route:          192.0.2.0/24
descr:          The campus
origin:         AS64496
source:         TEST

mntner:         LARKMERE-MNT
source:         TEST
RPSL
is run_load(@to, '--map', 'share/maps/rpsl.map', "$folder/registry.txt")->{code}, 0,
    'with share/maps/rpsl.map';
is join("\n", map { "$_->{handle}: $_->{name} ($_->{summary})" } @{ entries_of($path) }),
    "AS64496: LARKMERE (ZZ)\nLARKMERE-MNT: LARKMERE-MNT ()\nPR1-TEST: Prudence Ringwold ()\n"
    . '192.0.2.0/24: The campus (AS64496)', 'objects of several kinds';
is entries_of($path)->[2]{fields},
    "Name\tPrudence Ringwold\naddress\t1 Alder Walk\naddress\tLarkmere\nphone\t+1 555 0100\n"
    . "source\tTEST\nIndex Key\tPR1-TEST\n", 'one of them';

done_testing;
