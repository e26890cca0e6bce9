use strict;
use warnings;
use utf8;

use lib 't/lib';
use NetIO::Test::Load;
use Test::More;

alarm 300;
binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

# The real registry, all of it.

my @files = map { "/usr/share/ieee-data/$_.txt" } qw(oui mam oui36 iab);
plan skip_all => 'no ieee-data here' if grep { !-r } @files;

my $folder  = folder();
my $path    = "$folder/ieee.db";
my $records = 0;
$records += () = slurp($_) =~ /^\S+\s+\(hex\)/mg for @files;

# What there is to say of prefixes that several organisations have, by another way.
sub shared_handles {
    my ($file) = @_;
    my ($line, %first, %notes) = (0);

    for (split /\n/, slurp($file)) {
        $line++;
        my ($prefix) = /^(\S+)\s+\(hex\)/ or next;
        my $first    = $first{$prefix} ||= $line;
        push @{ $notes{$prefix} }, "$file:$line: handle '$prefix' is also at $file:$first"
            if $first != $line;
    }
    return map { @{ $notes{$_} } } sort keys %notes;
}

is_outcome(
    run_load('--directory', "sqlite:$path", '--format', 'ieee', @files),
    0,
    join('', map { "whois-load: $_\n" } shared_handles($files[0]))
        . "whois-load: $records entries from 4 files in TIME, 0 skipped\n",
    'every assignment is loaded'
);

my @rows = @{ entries_of($path) };
is scalar @rows,                                         $records, 'and is there';
is scalar(grep { $rows[$_]{id} != $_ + 1 } 0 .. $#rows), 0, 'numbered in the order of listing';
is scalar(
    grep { !/^(?:[0-9A-F]{2}-){2}[0-9A-F]{2}(?:-[0-9A-F]|-[0-9A-F]{2}-[0-9A-F])?\z/ }
    map  { $_->{handle} } @rows
    ),
    0, 'every handle is a prefix';
is scalar(grep { /[\x00-\x1f\x7f-\x9f\p{Cf}]/ } map { ($_->{name}, $_->{summary}) } @rows), 0,
    'no control or format character in a name or a summary';
is scalar(
    grep { !/\A(?:[A-Z][A-Za-z ]+\t[^\x00-\x1f\x7f-\x9f\p{Cf}]+\n)+\z/ }
    map  { $_->{fields} } @rows
    ),
    0, 'fields are lines of label and value';

my $dbh =
    DBI->connect("dbi:SQLite:uri=file:$path?mode=ro&immutable=1", '', '', { RaiseError => 1 });
is $dbh->selectrow_array('SELECT count(DISTINCT segid) FROM word_idx'), 1,
    'the index is one segment';
$dbh->disconnect;

# Text that only a look at the real files can show to be right.
my %by_handle;
push @{ $by_handle{ $_->{handle} } }, $_ for @rows;
is join(', ', map { $_->{name} } @{ $by_handle{'08-00-30'} }),
    'CERN, NETWORK RESEARCH CORPORATION, ROYAL MELBOURNE INST OF TECH',
    'three organisations share 08-00-30';
is $by_handle{'00-22-72'}[0]{summary},      'Ferndale WA, US', 'a town with its state';
is $by_handle{'70-B3-D5-F2-F'}[0]{summary}, 'Moscow, RU',      'a town without one';
like $by_handle{'00-50-C2-7D-5'}[0]{fields}, qr/^Assignment\tIAB$/m, 'an IAB';
is $by_handle{'74-1A-E0-9'}[0]{name} . $by_handle{'74-1A-E0-9'}[0]{summary}, 'Private',
    'a private one, of which nothing is said';
cmp_ok scalar(grep { /^Malmö/ } map { $_->{summary} } @rows), '>', 10, 'Malmö is Malmö';

is join(' ', sort map { s{.*/}{}r } glob "$folder/*"), 'ieee.db ieee.db.lock',
    'nothing else is left';

done_testing;
