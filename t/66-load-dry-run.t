use strict;
use warnings;
use utf8;

use lib 't/lib';
use NetIO::Load;
use NetIO::Load::Layout 'lay_out';
use NetIO::Load::Report;
use NetIO::Test::Load;
use Test::More;

alarm 300;
binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $folder = folder();
my $here   = "$folder/here";
mkdir $here;

sub person {
    my ($id, $name, @more) = @_;

    my $text = join "\n", "id: $id", "name: $name", @more, '', '';
    utf8::encode($text);
    return $text;
}

sub is_empty {
    my ($name) = @_;

    is join(' ', glob "$here/* $here/.*"), "$here/. $here/..", $name;
}

# What a dry run says and shows.
my $people = spew("$folder/p.txt",
          person(4, 'Four')
        . person(1, 'Ä')
        . "rubbish\n\n"
        . person(3, 'Three', 'x: 1')
        . person(2, 'Two'));
my $others = spew("$folder/q.txt", person(1, 'Ä') . person('2.', 'Other'));
my $shown  = <<"TEXT";
$folder/p.txt:1:
           Full Name: Four
           Index Key: 4

$folder/p.txt:4:
           Full Name: \xc3\x84
           Index Key: 1

$folder/p.txt:9:
           Full Name: Three
                   x: 1
           Index Key: 3

$folder/q.txt:1:
           Full Name: \xc3\x84
           Index Key: 1

$folder/q.txt:4:
           Full Name: Other
           Index Key: 2.

TEXT
my $found =
      "whois-load: $people:7: 'rubbish' is neither a key with its value nor the rest of one\n"
    . "whois-load: $others:1: '1' is the same entry as at $people:4\n"
    . "whois-load: $others:4: handle '2.' is also at $people:13\n";
my @run = ('--dry-run', $people, $others);
my $got = run_load(@run);
is_outcome(
    $got, 65,
    "${found}whois-load: dry run: 5 entries from 2 files in TIME, 2 skipped\n",
    'a dry run says what is wrong'
);
is $got->{out}, $shown, 'and shows three entries of each file';
is_outcome(
    run_load(@run, '--directory', "sqlite:$here/a.db"),
    65,
    "${found}whois-load: dry run: 5 entries from 2 files in TIME, 2 skipped\n",
    'the same with a directory'
);
is_empty('of which nothing is written');
is_outcome(
    run_load('--directory', "sqlite:$here/a.db", $people, $others),
    65,
    "${found}whois-load: 5 entries from 2 files in TIME, 2 skipped\n",
    'a load says the same'
);
my $old = slurp("$here/a.db");
unlink "$here/a.db.lock";
run_load(@run, '--directory', "sqlite:$here/a.db");
is state_of("$here/a.db", $old) . ' ' . join(' ', glob "$here/*"), "old $here/a.db",
    'a directory that is there stays, and no lock is made';
unlink "$here/a.db";

is_outcome(run_load('--dry-run', '-q', $others), 0, '', '--quiet: nothing else');
is run_load('--dry-run', '-q', $others)->{out} =~ tr/\n//, 8, 'but the entries';
is_outcome(
    run_load('--dry-run', spew("$folder/one.txt", person(1, 'One'))),
    0,
    "whois-load: dry run: 1 entry from 1 file in TIME, 0 skipped\n",
    'nothing wrong'
);
is_outcome(
    run_load('--dry-run', spew("$folder/none.txt", "id: 1\n\n")),
    65,
    "whois-load: $folder/none.txt:1: no value for the name ('name|full name|fullname|displayName|c...')\n"
        . "whois-load: $folder/none.txt: not one record could be read\n",
    'a file that cannot be loaded'
);
is_outcome(
    run_load('--dry-run', "$folder/nowhere"),
    66,
    "whois-load: cannot read $folder/nowhere: No such file or directory\n",
    'a file that is missing'
);

# It goes together with a load (E8): a lock that is held does not concern it.
open my $lock, '>', "$here/a.db.lock" or die "a.db.lock: $!\n";
flock $lock, 2;
is run_load('--dry-run', '-q', '--directory', "sqlite:$here/a.db", $others)->{code}, 0,
    'a dry run beside a load (E8)';
close $lock;
unlink "$here/a.db.lock";

# A signal ends it as it ends a load, so that the program can take its bar away.
{
    local $SIG{INT} = sub { die "not heard\n" };
    eval {
        NetIO::Load::rehearse(
            sources   => [{ file => $others }],
            report    => NetIO::Load::Report->new(quiet => 1),
            on_sample => sub { kill INT => $$ },
        );
    };
    is ref $@ ? $@->signal : $@, 'INT', 'a signal';
}

# What a file name and a record hold does not move the cursor (D4).
$got = run_load('--dry-run', spew("$folder/\e[2J", person("1\e[2J", "O\x{9b}ne\x{202e}")));
is $got->{out}, "$folder/\\x1B[2J:1:\n           Full Name: O ne\n           Index Key: 1 [2J\n\n",
    'controls are shown or gone (D4)';

SKIP: {
    skip 'no /dev/full here', 1 if !-c '/dev/full';
    is_outcome(
        run_load(
            { under => ['sh', '-c', 'exec "$@" >/dev/full', 'sh'] },
            '--dry-run', '-q', $others
        ),
        74,
        "whois-load: cannot write: No space left on device\n",
        'the entries do not fit their disk (E9)'
    );
}
SKIP: {
    chmod 0555, $here;
    chmod 0755, $folder;
    my $under = as_nobody($others) or skip 'nobody may not read these files', 1;
    my @to    = ('--directory', "sqlite:$here/a.db");
    is run_load({ under => $under }, '--dry-run', @to, $others)->{code}, 0,
        'a folder that may not be written is no matter';
}

# As whoisd lays it out: name, fields, text
my $words = join ' ', ('word') x 500;
my @cases = (
    ['nothing',                     '',                          ''],
    ['an empty value',              "A\t\n",                     ' ' x 19 . "A: \n"],
    ['a label of 20',               'L' x 20 . "\tv\n",          'L' x 20 . ": v\n"],
    ['a label of 40',               'L' x 40 . "\tv\n",          'L' x 40 . ": v\n"],
    ['a label that sends away',     "referralserver XXXXX\tv\n", " referralserver XXXXX: v\n"],
    ['a short one',                 "ReferralServer\tv\n",       ' ' x 6 . "ReferralServer: v\n"],
    ['a label in which another is', "No ReferralServer XX\tv\n", "No ReferralServer XX: v\n"],
    ['characters count',            "\x{e4}\x{f6}\tv\n", ' ' x 18 . "\xc3\xa4\xc3\xb6: v\n"],
    [
        'a long value',
        "A\t$words\n",
        ' ' x 19 . 'A: '
            . join(' ', ('word') x 393) . "\n"
            . ' ' x 20 . ': '
            . join(' ', ('word') x 107) . "\n"
    ],
    [
        'a long word',
        "A\t" . 'x' x 2000 . "\n",
        ' ' x 19 . 'A: ' . 'x' x 1968 . "\n" . ' ' x 20 . ': ' . 'x' x 32 . "\n"
    ],
    [
        'a long word that parts between characters',
        "A\t" . "\x{e4}" x 1000 . "\n",
        ' ' x 19 . 'A: ' . "\xc3\xa4" x 984 . "\n" . ' ' x 20 . ': ' . "\xc3\xa4" x 16 . "\n"
    ],
    [
        'a long word of characters',
        "A\tx" . "\x{e4}" x 1000 . "\n",
        ' ' x 19 . 'A: x' . "\xc3\xa4" x 983 . "\n" . ' ' x 20 . ': ' . "\xc3\xa4" x 17 . "\n"
    ],
);
is lay_out($_->[1]), $_->[2], "layout: $_->[0]" for @cases;

# And whoisd itself.
SKIP: {
    my ($whoisd) = grep { -x } 'blib/script/whoisd';
    skip 'no whoisd here', 1 if !$whoisd;
    my $record =
        person(1, "N\xe4me", map { "x$_: " . ('w' x $_ . ' ') x (9000 / ($_ + 1)) } 1, 7, 900,
        3000);
    substr($record, -1, 0) = "ReferralServerOfOurs: x\n" . "\xc3\xa4" x 40 . ": x\n";
    my $file = spew("$folder/long.txt", $record . person(2, 'Two'));
    run_load('-q', '--directory', "sqlite:$here/a.db", $file);
    my $answer = `printf '!1\\r\\n' | $whoisd --stdio --directory sqlite:$here/a.db`;
    $answer =~ tr/\r//d;
    my ($laid_out) = $answer                                   =~ /\n\n(.*?\n)\n/s;
    my ($ours)     = run_load('--dry-run', '-q', $file)->{out} =~ /:1:\n(.*?\n)\n/s;
    is $ours, $laid_out, 'whoisd says the same';
}

done_testing;
