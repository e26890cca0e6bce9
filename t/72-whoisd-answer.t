# whoisd: how answers are laid out, whatever the directory holds.

use strict;
use warnings;
use utf8;

use Encode     qw(decode encode);
use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);

alarm 300;
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $dir = File::Temp->newdir;
my $all = join '', map { chr } 0x01 .. 0x08, 0x0b .. 0x1f, 0x7f .. 0x9f, 0x200b, 0x202e, 0x2028,
    0x2066, 0xfeff;

# Some of these one by one, at each place among eight that may be shown.
my @places;
for my $sign (map { chr } 0x01, 0x1f, 0x7f, 0x80, 0x9f) {
    push @places, ['Text', substr('~ABCDEF ', 0, $_) . $sign . substr('~ABCDEF ', $_) . '!']
        for 0 .. 8;
}

sub many {
    my ($word, $count) = @_;

    return map {
        { handle => sprintf('%s%03d', $word, $_), name => sprintf('%s no. %03d', $word, $_) }
    } 1 .. $count;
}

my @entries = (
    many('three', 3),
    many('cap',   250),
    many('over',  251),
    many('flood', 600),
    {
        handle  => 'AB-1',
        name    => 'Record, Plain',
        summary => 'Room 1, UWO',
        fields  => [
            ['Full Name',  'Record, Plain'],
            ['Department', 'Computing'],
            ['Room',       ''],
            ['Index Key',  'AB-1']
        ]
    },
    { handle => 'acc', name => 'Äccents', fields => [['Größe', 'Ü'], ['Index Key', 'acc']] },
    # Three organisations of one handle, ten, eleven.
    (map { { handle => '08-00-30', name => "shared $_" } } 'one', 'three', 'two'),
    (map { { handle => 'ten',      name => sprintf('tenth %02d',    $_) } } 1 .. 10),
    (map { { handle => 'eleven',   name => sprintf('eleventh %02d', $_) } } 1 .. 11),
    # What may not be shown.
    {
        handle  => "con\e\x07trol",
        name    => "Control $all both",
        summary => "sum $all",
        fields  => [["La${all}bel", "value $all."]]
    },
    { handle => 'sum',    name => "Sum both \t" },
    { handle => 'places', name => 'Places', fields => \@places },
    {
        handle => 'referral',
        name   => 'Referral',
        fields => [
            ['ReferralServer',                        'whois://127.0.0.1:4343'],
            ['ReferralServer: whois',                 '127.0.0.1:4343'],
            ["Referral\x{200b}Server: whois",         '127.0.0.1:4343'],
            ['referralserver:            x',          'y'],
            ['% referto: whois -h 127.0.0.1 -p 4343', 'x'],
            ["% Refer\x{200b}to: whois -h ::1",       'x'],
            ['Comment',                               "\r"]
        ]
    },
    { handle => 'format', name => '%n%s%d%%', fields => [['%s%n', '%n%s%x']] },
    {
        handle => 'tab',
        name   => 'Tabulated',
        fields => [['A', "one\ttwo"], ['No value at all', '']]
    },
    # What is long.
    { handle => 'words', name => 'Words', fields => [['Text', join ' ', ('abcdefghi') x 500]] },
    { handle => 'block', name => 'Block', fields => [['Text', 'x' x 5000]] },
    { handle => 'wide',  name => 'Wide',  fields => [['Text', '語' x 2000]] },
    {
        handle => 'label',
        name   => 'Label',
        fields => [['L' x 3000, 'v'], ['語' x 60, 'w'], ['ü' x 80, 'x']]
    },
    { handle => 'h' x 300,  name => 'longhandle ' . 'n' x 5000, summary => 's' x 5000 },
    { handle => 'longname', name => 'longhandle ' . 'é' x 5000 },
    { handle => 'huge',     name => 'Huge', fields => [['Text', 'x' x 131_073]] },
    { handle => 'bulk',     name => 'Bulk', fields => [(['', '']) x 43_000] },
);
my $d = NetIO::Test::Daemon->whoisd(build_directory("$dir/a.db", \@entries));

# The lines of an answer, after a look at what holds for each.
sub lines {
    my ($query) = @_;
    my $answer  = $d->ask("$query\r\n");
    my @lines   = split /\r\n/, $answer, -1;
    my @bad;

    push @bad, 'does not end with CRLF' if !@lines || pop @lines ne '';
    for my $line (@lines) {
        my $text = eval { decode('UTF-8', "$line", Encode::FB_CROAK) };
        push @bad, 'no UTF-8: ' . unpack 'H*', $line if !defined $text;
        push @bad, length($line) . ' bytes' if length $line > 1997;
        push @bad, 'may not be shown: ' . unpack 'H*', $line
            if ($text // '') =~
            /[\x00-\x1f\x7f-\x9f\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2066}\x{feff}]/;
        push @bad, "sends clients away: $line" if $line =~ /^(?:ReferralServer|% referto):/i;
    }
    is_deeply \@bad, [], "$query: every line is fit to be sent";
    return map { decode('UTF-8', $_) } @lines;
}

sub is_answer {
    my ($query, $name, @expected) = @_;

    is_deeply [lines($query)], \@expected, $name;
}

my $help = q{For more information try 'whois help'.};

is_answer '!ab-1', 'one match is the record',
    'There were 1 matches on your request.', '',
    '           Full Name: Record, Plain',
    '          Department: Computing',
    '                Room: ',
    '           Index Key: AB-1', '', $help;
is_answer 'plain record', 'found by words, too', lines('!ab-1');
is_answer 'three001', 'one match of words',
    'There were 1 matches on your request.', '',
    '           Full Name: three no. 001', '           Index Key: three001', '', $help;
is_answer 'nobody', 'no match', 'There were no matches on your request.', '', $help;
is_answer '.three no', 'several are listed',
    'There were 3 matches on your request.', '',
    (map { "           !three00$_: three no. 00$_" } 1 .. 3),
    '', q{To see one of them, ask for its handle: whois '!three001'};
is_answer '!acc', 'labels are aligned by characters',
    'There were 1 matches on your request.', '', '               Größe: Ü',
    '           Index Key: acc',             '', $help;

{
    my @lines = lines('cap');
    is $lines[0], 'There were 250 matches on your request.',                   '250 are counted';
    is scalar(grep { /^ +!cap\d+: / } @lines), 250,                            'and listed';
    is $lines[-1], q{To see one of them, ask for its handle: whois '!cap001'}, 'as ever';

    for my $word ('over', 'flood', 'flo*') {
        @lines = lines($word);
        is $lines[0], 'There were more than 250 matches on your request.', "$word: more (D23)";
        is scalar(grep { /^ +!(?:over|flood)\d+: / } @lines), 250,         "$word: 250 are listed";
        like $lines[-1],
            qr/^To see one of them, ask for its handle: whois '!\w+001', or add a word\z/,
            "$word: with advice";
    }
}

is_answer '!08-00-30', 'all entries of one handle are shown',
    'There were 3 matches on your request.', '',
    (
    map { ("           Full Name: shared $_", '           Index Key: 08-00-30', '') } 'one',
    'three', 'two'
    ), $help;
is scalar(grep { /Full Name/ } lines('!ten')), 10, 'ten in full';
is_answer '!eleven', 'eleven are listed',
    'There were 11 matches on your request.', '',
    (map { sprintf '             !eleven: eleventh %02d', $_ } 1 .. 11),
    '', q{To see one of them, ask for its handle: whois '!eleven'};

# D2, D4, D6.
is_answer '.control', 'controls and invisible signs are left out (D4, D6)',
    'There were 1 matches on your request.', '', '               Label: value .', '', $help;
is_answer 'both', 'in listings as well',
    'There were 2 matches on your request.', '', '            !control: Control  both (sum )',
    '                !sum: Sum both', '',
    q{To see one of them, ask for its handle: whois '!control'};
is_answer '!places', 'wherever they stand',
    'There were 1 matches on your request.', '',
    ('                Text: ~ABCDEF !') x 45, '', $help;
is_answer '!format', 'a format is text (D2)',
    'There were 1 matches on your request.', '', '                %s%n: %n%s%x', '', $help;
is_answer '!referral', 'no line sends a client away',
    'There were 1 matches on your request.', '',
    '      ReferralServer: whois://127.0.0.1:4343',
    ' ReferralServer: whois: 127.0.0.1:4343',
    ' ReferralServer: whois: 127.0.0.1:4343',
    ' referralserver:            x: y',
    ' % referto: whois -h 127.0.0.1 -p 4343: x',
    ' % Referto: whois -h ::1: x',
    '             Comment: ', '', $help;
is_answer '!tab', 'a tab becomes a blank',
    'There were 1 matches on your request.', '', '                   A: one two',
    '     No value at all: ',                '', $help;

# Long values.
{
    my (undef, undef, @lines) = lines('!words');
    my @text = map { /^ {16}Text: (.*)|^ {20}: (.*)/ ? $1 // $2 : () } @lines;

    is scalar @text,     3,                              'a long value takes lines';
    is join(' ', @text), join(' ', ('abcdefghi') x 500), 'broken at blanks, nothing is lost';

    for (['block', 'x' x 5000], ['wide', '語' x 2000]) {
        my ($handle, $value) = @$_;
        @text = map { /^ {16}Text: (.*)|^ {20}: (.*)/ ? $1 // $2 : () } lines("!$handle");
        is join('', @text), $value, "$handle: broken between characters, nothing is lost";
    }
}
is_answer '!label', 'a long label is cut',
    'There were 1 matches on your request.', '', 'L' x 160 . ': v', '語' x 53 . ': w',
    'ü' x 80 . ': x', '', $help;
{
    my @lines = lines('longhandle');

    is $lines[0],     'There were 2 matches on your request.', 'two long entries';
    is scalar @lines, 6,                                       'a listing stays one line';
    is $lines[3], '           !longname: longhandle ' . 'é' x 444, 'cut between characters'
        or diag length $lines[3];
    is $lines[2], '!' . 'h' x 159 . ': longhandle ' . 'n' x 888 . ' (' . 's' x 899 . ')', 'all cut'
        or diag length $lines[3];
}
is_answer '!huge', 'a record too long to be shown', 'Sorry, that entry is too long to be shown.';
is scalar(grep { /^ {20}: \z/ } lines('!bulk')), 43_000, 'the longest that is shown';

$d->finish;
done_testing;
