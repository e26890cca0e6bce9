# whoisd: what can be asked, and what it finds.

use strict;
use warnings;
use utf8;

use Encode     qw(encode);
use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);

alarm 300;
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $dir = File::Temp->newdir;

# Handles are one letter, so that a row below can say which entries it finds.
my %entry = (
    a           => 'Quinton, Reg',
    b           => "O'Brien, Jean",
    c           => 'Müller, Jean',
    d           => 'Smith, John',
    e           => 'Smithers, Waylon',
    f           => 'Malmö Stad',
    g           => 'Help Desk',
    h           => 'Whois Person',
    i           => '中文 公司',
    j           => 'Ærø Ωmega',
    k           => "' OR 1=1",
    l           => 'NEAR AND OR NOT',
    m           => 'Straße',
    'N-1.2:3_4' => 'Handle, Odd',
    "d'Ab,c*"   => 'Handle, Odder',
);
my @entries = map {
    {
        handle => $_,
        name   => $entry{$_},
        fields =>
            [['Mail', lc "$_\@example.org"], ['Place', $_ eq 'a' ? 'Smithville' : 'Elsewhere']]
    }
} sort keys %entry;
my $d = NetIO::Test::Daemon->whoisd(build_directory("$dir/a.db", \@entries));

# Which handles an answer has: all of them for a list, the one that the mail tells for a record.
sub found {
    my ($answer) = @_;
    my @handles = $answer =~ /^ +!(\S+?): /mg;

    push @handles, $1 if !@handles && $answer =~ /^ +Mail: (\S+)\@/m;
    return @handles ? join ' ', sort @handles : $answer;
}

my $none =
    "There were no matches on your request.\r\n\r\nFor more information try 'whois help'.\r\n";
my $no_word   = "Sorry, please ask for a name or another word; try 'whois help'.\r\n";
my $no_handle = "Sorry, please give a handle after the '!'; try 'whois help'.\r\n";
my $too_many  = "Sorry, that query has too many words (16 at most).\r\n";
my $too_long  = "Sorry, that query is too long (1024 bytes at most).\r\n";

#<<< the table as it is
my @table = (
    # Name, query, handles or the whole answer.
    ['a word',                            'quinton',                  'a'],
    ['case is folded',                    'QUINTON',                  'a'],
    ['two words',                         'reg quinton',              'a'],
    ['in any order',                      'quinton reg',              'a'],
    ['Last, First',                       'Quinton, reg',             'a'],
    ['Last,First',                        'Quinton,Reg',              'a'],
    ['First,Last',                        'Reg,Quinton',              'a'],
    ['all words must be there',           'quinton jean',             $none],
    ['whole words only',                  'smit',                     $none],
    ['a prefix',                          'smith*',                   'a d e'],
    ['a prefix as RFC 954 has it',        'smith...',                 'a d e'],
    ['both signs of a prefix',            'smith...*',                'a d e'],
    ['a prefix among words',              'smith* john',              'd'],
    ['a prefix of one letter',            'q*',                       'a'],
    ['a leading star means nothing',      '*quinton',                 'a'],
    ['First.',                            'Reg.',                     'a'],
    ['a name',                            '.smith',                   'd'],
    ['a name, by prefix',                 '.smith*',                  'd e'],
    ['a name in words',                   '.Smith, John',             'd'],
    ['a name is not a place',             '.smithville',              $none],
    ['a word is anything',                'smithville',               'a'],
    ['blanks around',                     "  \t quinton \t ",         'a'],
    ['a mail address',                    'a@example.org',            'a'],
    ['half a mail address',               '@example.org john',        'd'],
    ['an apostrophe',                     "o'brien",                  'b'],
    ['an apostrophe, left out',           'brien o',                  'b'],
    # Handles.
    ['a handle',                          '!a',                       'a'],
    ['a handle in capitals',              '!A',                       'a'],
    ['a handle with punctuation',         '!N-1.2:3_4',               'n-1.2:3_4'],
    ['a handle without its punctuation',  '!n1234',                   'n-1.2:3_4'],
    ['a handle with blanks',              '! n 12 34',                'n-1.2:3_4'],
    ['a handle is exact',                 '!n123',                    $none],
    ['a handle knows no prefix',          '!n*',                      $none],
    ['a handle is no word',               '!quinton',                 $none],
    ['both signs: the handle wins',       '.!a',                      'a'],
    ['a handle with other signs',         "!D'AB,c*",                  "d'ab,c*"],
    ['a handle as a word',                'n-1.2:3_4',                'n-1.2:3_4'],
    ['no handle',                         '!',                        $no_handle],
    ['no handle but a point',             '!.',                       $no_handle],
    ['no handle but punctuation',         '! - : . _ ',               $no_handle],
    # What clients add.
    ['whois',                             'whois quinton',            'a'],
    ['whois, and again',                  'whois WHOIS whois quinton', 'a'],
    ['whois and nothing',                 'whois',                    $no_word],
    ['whois among words',                 'person whois',             'h'],
    ['whois as a prefix',                 'whois*',                   'h'],
    ['RIPE flags',                        '-B -r -T person quinton',  'a'],
    ['RIPE flags in one',                 '-BrT person quinton',      'a'],
    ['a flag with its word joined',       '-Tperson quinton',         'a'],
    ['charset flags',                     '-C UTF-8 -Z latin-1 quinton', 'a'],
    ['long flags',                        '--no-filtering quinton',   'a'],
    ['flags behind whois, and again',     'whois -B whois quinton',   'a'],
    ['the end of flags',                  '-- quinton',               'a'],
    ['the end of flags, once',            '-- -quinton',              'a'],
    ['flags and nothing',                 '-B -r',                    $no_word],
    ['a flag without its word',           '-T',                       $no_word],
    ['a flag later on is a word',         'quinton -T',               $none],
    ['a handle behind flags',             '-r !a',                    'a'],
    # Nothing to look for.
    ['nothing',                           '',                         $no_word],
    ['blanks',                            '   ',                      $no_word],
    ['a star',                            '*',                        $no_word],
    ['three points',                      '...',                      $no_word],
    ['a point',                           '.',                        $no_word],
    ['punctuation',                       '- ; : ( ) { } ^ + "',      $no_word],
    ['punctuation beyond ASCII',          '— « » … €',                $no_word],
    ['punctuation among words is ignored', '- quinton ; reg "',       'a'],
    # Characters.
    ['UTF-8',                             'müller',                   'c'],
    ['accents are folded',                'muller',                   'c'],
    ['capitals with accents',             'MÜLLER',                   'c'],
    ['accents where there are none',      'réğ',                      'a'],
    ['decomposed',                        "mu\x{308}ller",            'c'],
    ['Latin-1',                           \"m\xfcller",               'c'],
    ['Latin-1 in capitals',               \"MALM\xd6",                'f'],
    ['other scripts',                     '公司 中文',                'i'],
    ['a prefix in another script',        '公*',                      'i'],
    ['an ideographic space',              "公司\x{3000}中文",         'i'],
    ['no-break space',                    "quinton\x{a0}reg",         'a'],
    ['Greek',                             'ωμega ærø',                $none],
    ['Greek and Danish',                  'ωmega ærø',                'j'],
    ['punycode, as Debian has it',        'jean xn--mller-kva',       'c'],
    ['punycode in capitals',              'XN--MLLER-KVA',            'c'],
    ['punycode of one letter',            'xn--strae-oqa',            'm'],
    ['punycode behind a point',           '.xn--mller-kva',           'c'],
    ['no punycode',                       'xn--99999999',             $none],
    ['punycode of nothing',               'xn--',                     $none],
    # D6: overlong forms and surrogates are no UTF-8, so they are Latin-1.
    ['overlong (D6)',                     \"\xc0\xafquinton",         $none],
    ['a surrogate (D6)',                  \"\xed\xa0\x80 quinton",    $none],
    ['bidirectional signs part words (D6)', "\x{202e}quinton\x{2066}reg", 'a'],
    ['zero-width signs part words (D6)',  "quinton\x{200b}reg",       'a'],
    # Octets.
    ['NUL',                               \"quinton\0reg",            'a'],
    ['ESC',                               \"\e[2Jquinton",            $none],
    ['controls part words',               \"\x01quinton\x7f\x08reg\x0b", 'a'],
    ['C1 controls as Latin-1',            \"\x9bquinton",             'a'],
    ['a lone CR',                         \"quinton\rreg",            'a'],
    # D2, D21, D23: formats, SQL, FTS5.
    ['a format (D2)',                     '%n%s%s%s%s',               $none],
    ['SQL (D21)',                         "' OR 1=1",                 'k'],
    ['SQL with an end (D21)',             "quinton'; DROP TABLE entry; --", $none],
    ['a quote (D21)',                     'quin"ton',                 $none],
    ['quotes around (D21)',               '"quinton"',                'a'],
    ['an FTS5 phrase is words (D21)',     '"reg quinton"',            'a'],
    ['FTS5 operators are words (D21)',    'near and or not',          'l'],
    ['NEAR( (D21)',                       'NEAR(quinton reg, 2)',     $none],
    ['NEAR( alone (D21)',                 'NEAR(',                    'l'],
    ['an FTS5 column (D21)',              'name:quinton',             $none],
    ['FTS5 columns (D21)',                '{name other}: quinton',    $none],
    ['FTS5 first token (D21)',            '^quinton',                 'a'],
    ['FTS5 minus (D21)',                  '- quinton + reg',          'a'],
    ['LDAP (D21)',                        '*)(quinton',               'a'],
    ['a regular expression (D21)',        '(a+)+$',                   'a'],
    # Limits.
    ['16 words',                          join(' ', ('quinton') x 16), 'a'],
    ['17 words',                          join(' ', ('quinton') x 17), $too_many],
    ['17 words, one of them punctuation', join(' ', ('quinton') x 16, '-'), 'a'],
    ['32 parts',                          join('-', ('q') x 32),      $none],
    ['33 parts',                          join('-', ('q') x 33),      $too_many],
    ['1024 bytes',                        'quinton' . ' ' x 1017,     'a'],
    ['1025 bytes',                        'quinton' . ' ' x 1018,     $too_long],
    ['1024 bytes of Latin-1',             \("\xe9" x 1024),           $none],
    ['1024 bytes of punycode', 'xn--mller-kva ' x 73,                 $too_many],
);
#>>>

for my $row (@table) {
    my ($name, $query, $expected) = @$row;
    my $octets = ref $query ? $$query : encode('UTF-8', $query);

    is found($d->ask("$octets\r\n")), $expected, $name;
}

# The end of the line: CRLF, LF, none.
is found($d->ask("quinton\n")), 'a',      'LF ends a query';
is found($d->ask('quinton')),   'a',      'so does the end of file';
is $d->ask("\r\n"),             $no_word, 'an empty line with CRLF';
is $d->ask("\n"),               $no_word, 'an empty line with LF';
is $d->ask(''),                 '',       'nothing is no query';

{
    my $help  = $d->ask("help\r\n");
    my @lines = split /\r\n/, $help;

    ok @lines <= 24, 'help has 24 lines at most';
    is_deeply [grep { length > 79 } @lines], [], 'and 79 columns';
    is $help, join('', map { "$_\r\n" } @lines), 'each ended by CRLF';
    is $d->ask("$_\r\n"), $help, "the same for $_"
        for '?', 'HELP', 'help me', '? !a', 'whois help', 'whois ?', '-r help';
    is found($d->ask("help*\r\n")),     'g', 'help* is a word';
    is found($d->ask("desk help\r\n")), 'g', 'and so is help behind another';
}

$d->finish;
done_testing;
