# whoisd and the stock client: a real directory, asked the way people ask.

use strict;
use warnings;

use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;

alarm 300;

my @files = map { "/usr/share/ieee-data/$_.txt" } qw(oui mam oui36 iab);
my $whois = '/usr/bin/whois';

plan skip_all => 'the package ieee-data is not installed' if grep { !-r } @files;
plan skip_all => 'the package whois is not installed'     if !-x $whois;
plan skip_all => 'the package libdbd-sqlite3-perl is not installed'
    if !eval { require DBD::SQLite };

my $dir = File::Temp->newdir;
my $db  = "$dir/directory.db";

open my $load, '-|', '/bin/sh', '-c', 'exec "$@" 2>&1', 'sh', $^X, '-Iblib/lib', '-Iblib/arch',
    '-Ilib', 'bin/whois-load', '--directory', "sqlite:$db", '--format', 'ieee', @files
    or die "whois-load: $!\n";
my $said = join '', <$load>;
ok close $load, 'the registry is loaded' or BAIL_OUT("whois-load said: $said");

my $d = NetIO::Test::Daemon->whoisd($db);
my ($count) = $d->log_text =~ /, (\d+) entries\n/;
cmp_ok $count, '>', 40_000, "it has $count entries";

# The client's output for some words.
sub whois {
    my (@words) = @_;

    local $ENV{LC_ALL} = 'C.UTF-8';
    open my $client, '-|', $whois, '-h', '127.0.0.1', '-p', $d->port, @words
        or die "whois: $!\n";
    my $text = join '', <$client>;
    ok close $client, "whois @words";
    $text =~ s/\r\n/\n/g;
    return $text;
}

my $record = whois('!00-00-0C');
like $record, qr/\AThere were 1 matches on your request\.\n\n/,    'a handle';
like $record, qr/^ {8}Organisation: Cisco Systems, Inc$/m,         'its name';
like $record, qr/^ {11}Index Key: 00-00-0C\n/m,                    'its key';
like $record, qr/\n\nFor more information try 'whois help'\.\n\z/, 'and more';
is whois('!00000c'),         $record, 'the same without punctuation';
is whois('whois !00-00-0c'), $record, 'with whois before it';
like whois('-r', '-T', 'person', '!00-00-0c'), qr/\Q$record\E\z/,
    'and with flags, of which the client warns';

like whois('cisco*'),
    qr/\AThere were more than 250 matches on your request\.\n\n(?: +!\S+: \S.*\n){250}\nTo see one/,
    'a prefix';
like whois('.cisco', 'systems'), qr/\n {11}!00-00-0C: Cisco Systems, Inc \(/, 'names';
my $list = whois('systems cisco west tasman');
is whois('tasman West systems CISCO'), $list, 'words in any order and case';
like whois('!08-00-30'), qr/There were 3 matches.*(?:Organisation:.*){3}/s,
    'three organisations of one handle';
is whois("Malm\xc3\xb6"), whois('malmo'), 'an accent, which the client sends in punycode';
is whois('.nosuchorganisation'),
    "There were no matches on your request.\n\nFor more information try 'whois help'.\n", 'nothing';
like whois('help'),     qr/\AThis server looks things up/, 'help';
like whois("' OR 1=1"), qr/\AThere were /,                 'SQL is words (D21)';
ok $d->wait_log(qr/127\.0\.0\.1:\d+ "cisco\*" more than 250 matches \d+\.\d{3} ms\n/),
    'the log has it all';

$d->finish;
done_testing;
