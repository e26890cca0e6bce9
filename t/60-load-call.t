use strict;
use warnings;

use lib 't/lib';
use NetIO::Test::Load;
use Test::More;

alarm 120;

my $folder = folder();
my $usage  = "usage: whois-load --directory sqlite:PATH [--format ieee] [--quiet] FILE...\n";
my $good   = 't/data/ieee-tabs.txt';
my $to     = "sqlite:$folder/a.db";

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
        "unknown format 'xml'; there is: ieee"
    ],
    ['controls in an option', ["--a\e[2Jb"], 'unknown option: a\x1B[2Jb'],
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
is_outcome(
    run_load('--directory', $to, '/dev/null'),
    65,
    "whois-load: /dev/null: not of a known format (ieee)\n",
    'a format nobody knows'
);
ok !-e "$folder/a.db" && !-e "$folder/a.db.new", 'none of them leaves a directory';

is_outcome(
    run_load('--directory', $to, $good),
    0,
    "whois-load: 8 entries from 1 file in TIME, 0 skipped\n",
    'the format is recognised'
);
is_outcome(run_load('-q', '--directory', $to, $good), 0, '', '-q: no summary');
is_outcome(run_load('--quiet', '--directory', $to, '--', $good), 0, '', '--quiet, --');

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
    like slurp($said), qr/\r\w+ +\[#*\.*\] +\d+%.*\r +\rwhois-load: 8 entries from 1 file/s,
        'a bar is drawn there, and goes before the summary';
}

done_testing;
