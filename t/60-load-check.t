use strict;
use warnings;

use lib 't/lib';
use NetIO::Load;
use NetIO::Load::Check qw(check_directory holds_directory);
use NetIO::Load::Report;
use NetIO::Test::Directory 'finish_directory';
use NetIO::Test::Load;
use Test::More;

alarm 300;

# The look at a new directory before it takes the place of the old one.

my $folder = folder();
my $path   = "$folder/a.db";
my $input  = spew("$folder/in.txt",
    ieee(map { [sprintf('02-00-%02X', $_), "Owner $_", "$_ Street", 'US'] } 1 .. 200));

is run_load('-q', '--directory', "sqlite:$path", $input)->{code}, 0, 'a directory';
my $good = slurp($path);
my $size = length($good) - 64;

# What the check says of the file, which must have so many entries; '' for nothing.
sub verdict {
    my ($bytes, $entries) = @_;

    open my $handle, '<:raw', spew("$folder/b.db", $bytes) or die "$folder/b.db: $!\n";
    return '' if eval { check_directory("$folder/b.db", $handle, $entries); 1 };
    return ref $@ ? $@->code . ' ' . $@->text : $@;
}

# The directory after the statement, with a trailer that fits.
sub edited {
    my ($statement) = @_;
    my $file        = spew("$folder/c.db", substr $good, 0, $size);
    my $dbh         = DBI->connect("dbi:SQLite:dbname=$file", '', '', { RaiseError => 1 });

    $dbh->do($statement);
    $dbh->disconnect;
    return slurp(finish_directory($file));
}

# A page of the table of entries, and a trailer that fits.
sub torn {
    my $bytes = substr $good, 0, $size;
    my $at    = index $bytes, 'Owner 100';

    substr $bytes, $at - $at % 4096, 64, "\x0d\xff" x 32;
    return slurp(finish_directory(spew("$folder/c.db", $bytes)));
}

# name, bytes, verdict
my $trouble = "74 $folder/b.db failed its check:";
my @cases   = (
    ['whole',               $good, ''],
    ['empty',               '',    "$trouble cannot read it again: Invalid argument"],
    ['without its trailer', substr($good, 0, -64), "$trouble its trailer is damaged"],
    ['cut by a byte',       substr($good, 0, -1),  "$trouble its trailer is damaged"],
    [
        'a page too many',
        substr($good, 0, $size) . "\0" x 4096 . substr($good, $size),
        "$trouble " . ($size + 4096) . " bytes, but its trailer says $size"
    ],
    [
        'an entry too few',
        edited('DELETE FROM entry WHERE id = 7'),
        "$trouble 199 entries instead of 200"
    ],
    [
        'nothing in the index',
        edited(q{INSERT INTO word(word) VALUES('delete-all')}),
        "$trouble the index is empty"
    ],
    [
        'an index that leads nowhere',
        edited('UPDATE entry SET id = id + 1000'),
        "$trouble the index has no entry for '00'"
    ],
);
is verdict($_->[1], 200), $_->[2], "a directory: $_->[0]" for @cases;
like verdict(torn(), 200), qr/\A\Q$trouble\E \*\*\* in database main \*\*\* .*\z/,
    'a directory: torn';

for (['a directory', $good, 1], ['a text', 'x' x 200, ''], ['empty', '', '']) {
    my ($name, $bytes, $holds) = @$_;
    open my $handle, '<:raw', spew("$folder/b.db", $bytes) or die "$folder/b.db: $!\n";
    is holds_directory($handle), $holds, "holds_directory: $name";
}

# A load whose new directory is bad does not publish it.
{
    no warnings 'redefine';
    local *NetIO::Load::Directory::seal = sub { };
    my $ended = eval {
        NetIO::Load::load(
            path    => $path,
            sources => [{ file => $input }],
            report  => NetIO::Load::Report->new(quiet => 1)
        );
    };
    is $ended,   undef, 'a load that goes wrong unseen';
    is $@->text, "$path.new failed its check: its trailer is damaged", 'is found out';
}
is state_of($path, $good), 'old', 'the old directory stays';
is join(' ', grep { !/[bc]\.db|txt/ } map { s{.*/}{}r } glob "$folder/*"), 'a.db a.db.lock',
    'and nothing else';

done_testing;
