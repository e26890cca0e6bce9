# whoisd: a directory file that is damaged in every way there is (E4, E5, E13).  When its checksum
# does not fit, it is refused.  When it does, as after a bug of whoever made it, whoisd refuses it
# or gives an answer that is fit to be sent: no crash, no hang, no memory without end.

use strict;
use warnings;

use DBI        ();
use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory finish_directory);
use NetIO::Test::Load      qw(ieee run_load spew);

alarm 300;

my $DRIVER = 'daemon/build/t/drive-directory';
-x $DRIVER or BAIL_OUT("$DRIVER is not there: run make first");

my $dir  = File::Temp->newdir;
my $path = "$dir/directory.db";

sub slurp { return NetIO::Test::Daemon::slurp($_[0]) }

sub entries {
    my ($word, $count) = @_;

    return [
        (map { { handle => sprintf('A%04d', $_), name => "$word Owner $_" } } 1 .. $count),
        (map { { handle => 'same',               name => "Zo\x{eb} $_ Owner" } } 1 .. 3)
    ];
}

# With the smallest pages there are, so that many kinds of page fit a small file.
sub small {
    my ($file, @entries) = @_;

    build_directory(
        $file, entries(@entries),
        trailer => 0,
        sql     => 'PRAGMA page_size = 512; VACUUM'
    );
    return finish_directory($file);
}

sub test_config {
    return [NetIO::Test::Daemon->run(args => ['-t', '--directory', "sqlite:$path"])];
}

# ---- all bytes, all cuts, in one process -----------------------------------------------------

{
    my @call = (
        $DRIVER,
        small("$dir/good.db",  'Plain', 20),
        small("$dir/other.db", 'Other', 30),
        "$dir/scratch.db"
    );
    my $size = -s "$dir/good.db";
    open my $driver, '-|', @call or die "$DRIVER: $!\n";
    my %count = map { /\A([^:]+): ([^:]+): (.*)\n/ ? ("$1, $2" => $3) : (wrong => $_) } <$driver>;
    ok close($driver), 'no damage makes whoisd\'s reader fall' or diag "status $?";
    is delete $count{'as it is, good'}, '2 tried, 2 opened',     'the undamaged file opens';
    is $count{'as it is, bytes'},       "$size tried, 0 opened", 'every byte changed: refused (E4)';
    is $count{'as it is, cuts'},        $size - 64 . ' tried, 0 opened', 'every cut: refused (E4)';
    is $count{'resealed, bytes'} =~ /\A(\d+) tried/ ? $1 : 0, $size - 64,
        'every byte changed, with a checksum that fits';

    for my $kind (sort grep { /^as it is/ } keys %count) {
        like $count{$kind}, qr/\A[1-9]\d* tried, 0 opened\z/, "$kind: all refused (E4, E5)";
    }
    for my $kind (sort grep { /^resealed/ } keys %count) {
        like $count{$kind}, qr/\A[1-9]\d* tried, \d+ opened, \d+ answers, 0 unfit\z/,
            "$kind: refused or fit answers (E4, E5)";
    }
    is scalar keys %count, 11, 'all kinds of damage were tried';
}

# ---- a directory as whois-load makes it ------------------------------------------------------

{
    my @made = map {
        my $word = $_;
        my $from = spew("$dir/$word.txt",
            ieee(map { [sprintf('02-00-%02X', $_), "$word $_", 'Street'] } 1 .. 200));
        is run_load('-q', '--directory', "sqlite:$dir/$word.db", $from)->{code}, 0, 'a load';
        slurp("$dir/$word.db");
    } 'Here', 'There';
    my ($good, $other) = @made;
    my @opened;
    for (my $at = 0; $at + 4096 < length $good; $at += 4096) {
        for (["\0" x 4096, 'zeros'], [substr($other, $at, 4096), 'another file']) {
            my ($block, $name) = @$_;
            my $bytes = $good;
            next if length $block < 4096 || substr($good, $at, 4096) eq $block;
            substr $bytes, $at, 4096, $block;
            spew($path, $bytes);
            my ($exit, undef, $said) = @{ test_config() };
            push @opened, "block at $at from $name: $exit $said"
                if $exit ne '78' || $said !~ /: (?:damaged: checksum|not a SQLite file)/;
        }
    }
    is_deeply \@opened, [], 'each block of zeros, or of another file, is refused (E5)';
}

# ---- beginnings of another kind --------------------------------------------------------------

# Name, offset and bytes in the header, what is wrong with it.  The checksum fits.
my $undamaged = slurp("$dir/good.db");
substr $undamaged, -64, 64, '';
#<<< the table as it is
my @headers = (
    ['the other byte order: application', 68, 'DItN',
        'a SQLite file, but not a directory made by whois-load'],
    ['the other byte order: version', 60, "\1\0\0\0",
        'schema version 16777216, but this whoisd reads version 1'],
    ['SQLite 2',                 0,  '** This file contains an SQLite 2.1 database **',
        'not a SQLite file'],
    ['a format to come',         18, "\3\3", 'damaged: file is not a database'],
    ['a page size of nothing',   16, "\0\0", 'damaged: file is not a database'],
    ['a page size of 3',         16, "\0\3", 'damaged: file is not a database'],
    ['text in UTF-16',           56, "\0\0\0\2", 'its text is not in UTF-8'],
    ['an encoding to come',      56, "\0\0\0\4", 'its text is not in UTF-8'],
    ['a schema format to come',  44, "\0\0\0\5", 'damaged: unsupported file format'],
);
#>>>
for (@headers) {
    my ($name, $at, $bytes, $fault) = @$_;
    my $data = $undamaged;

    substr $data, $at, length $bytes, $bytes;
    finish_directory(spew($path, $data));
    is_deeply test_config(), [78, '', "whoisd: directory sqlite:$path: $fault\n"], "$name (E13)";
}

# ---- a file that means harm ------------------------------------------------------------------

# No answer shows an entry of ten megabytes, and whoisd has no memory for it.
{
    my @fields = (['Text', 'x' x 10_000_000]);

    build_directory($path,
        [{ handle => 'A1', name => 'One', fields => \@fields }, { handle => 'A2', name => 'One' }]);
    my $d = NetIO::Test::Daemon->whoisd($path);
    is $d->ask("!a1\r\n"), "Sorry, that entry is too long to be shown.\r\n", 'a row of 10 MB';
    like $d->ask("one\r\n"), qr/\AThere were 2 matches/, 'which a listing has';
    my ($most) = slurp('/proc/' . $d->pid . '/status') =~ /^VmHWM:\s+(\d+)/m;
    cmp_ok $most, '<', 256 * 1024, 'and little memory';
    $d->finish;
}

done_testing;
