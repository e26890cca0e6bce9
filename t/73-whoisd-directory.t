# whoisd: a directory file that is not what it should be, at the start and while it serves.

use strict;
use warnings;

use Compress::Zlib ();
use DBI            ();
use File::Temp     ();
use IO::Socket::UNIX;
use POSIX ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory finish_directory put_directory);

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $dir  = File::Temp->newdir;
my $path = "$dir/directory.db";
my @one  = ({ handle => 'A1', name => 'One' });

chmod 0755, $dir;

sub slurp { return NetIO::Test::Daemon::slurp($_[0]) }

sub spew {
    my ($file, $data) = @_;

    unlink $file;
    open my $to, '>:raw', $file or die "$file: $!\n";
    print {$to} $data;
    close $to;
    return $file;
}

my $good = slurp(build_directory("$dir/good.db", \@one));
my $size = length($good) - 64;
my $crc  = Compress::Zlib::crc32(substr $good, 0, $size);

# The good file with some of its bytes replaced.
sub patched {
    my ($at, $bytes) = @_;
    my $data = $good;

    substr $data, $at, length $bytes, $bytes;
    return $data;
}

sub other_database {
    my ($file) = @_;
    my $dbh = DBI->connect("dbi:SQLite:dbname=$file", '', '', { RaiseError => 1 });

    $dbh->do('CREATE TABLE entry(id)');
    $dbh->disconnect;
    return;
}

# A directory with the result of that SQL in it.
sub with_sql {
    my ($sql) = @_;

    return sub { build_directory($_[0], \@one, sql => $sql) };
}

# An expression that keeps SQLite busy for many seconds, and gives it nothing to stop at.
my $busy    = q{printf('%.*c', 900000000, 'x')};
my $foreign = 'its tables are not those of a directory';

# Name, how to make the file, what is wrong with it, exit code.
#<<< the table as it is
my @table = (
    ['missing', sub { }, 'No such file or directory', 66],
    ['a folder', sub { mkdir $_[0] }, 'a folder, not a file', 78],
    ['a FIFO', sub { POSIX::mkfifo($_[0], 0644) }, 'a FIFO, not a file', 78],
    ['a socket', sub { IO::Socket::UNIX->new(Local => $_[0], Listen => 1) },
        'a socket, not a file', 78],
    ['a symbolic link (E10)', sub { symlink "$dir/good.db", $_[0] },
        'a symbolic link, not a file', 78],
    ['a dangling symbolic link', sub { symlink "$dir/none", $_[0] },
        'a symbolic link, not a file', 78],
    ['writable by everybody (E10)', sub { spew($_[0], $good); chmod 0666, $_[0] },
        'everybody may write to it', 78],
    ['empty', sub { spew($_[0], '') }, 'not a SQLite file', 78],
    ['a short text', sub { spew($_[0], "cisco\n") }, 'not a SQLite file', 78],
    ['a long text', sub { spew($_[0], "cisco\n" x 1000) }, 'not a SQLite file', 78],
    ['the trailer alone', sub { spew($_[0], substr $good, -64) }, 'not a SQLite file', 78],
    ['another database', sub { other_database($_[0]) },
        'a SQLite file, but not a directory made by whois-load', 78],
    ['another application (E13)', sub { build_directory($_[0], \@one, application_id => 1) },
        'a SQLite file, but not a directory made by whois-load', 78],
    ['a later schema (E13)', sub { build_directory($_[0], \@one, user_version => 2) },
        'schema version 2, but this whoisd reads version 1', 78],
    ['no schema version (E13)', sub { build_directory($_[0], \@one, user_version => 0) },
        'schema version 0, but this whoisd reads version 1', 78],
    ['no trailer', sub { build_directory($_[0], \@one, trailer => 0) },
        'truncated: it does not end with its trailer', 78],
    ['cut in the middle', sub { spew($_[0], substr $good, 0, $size / 2) },
        'truncated: it does not end with its trailer', 78],
    ['cut by one byte', sub { spew($_[0], substr $good, 0, -1) },
        'truncated: it does not end with its trailer', 78],
    ['longer by one byte', sub { spew($_[0], "$good\n") },
        'truncated: it does not end with its trailer', 78],
    ['another format of trailer (E13)', sub { spew($_[0], patched($size + 16, '2')) },
        'truncated: it does not end with its trailer', 78],
    ['another spelling of the checksum',
        sub { spew($_[0], patched($size + 24, uc sprintf '%08x', $crc)) },
        'truncated: it does not end with its trailer', 78],
    ['a page is missing', sub { spew($_[0], substr($good, 0, 4096) . substr $good, 8192) },
        'damaged: ' . ($size - 4096) . " bytes, but its trailer says $size", 78],
    ['a page too many', sub { spew($_[0], substr($good, 0, 4096) . $good) },
        'damaged: ' . ($size + 4096) . " bytes, but its trailer says $size", 78],
    ['two files in one', sub { spew($_[0], $good x 2) },
        'damaged: ' . (2 * $size + 64) . " bytes, but its trailer says $size", 78],
    ['a wrong checksum', sub { build_directory($_[0], \@one, finish => [0xdeadbeef]) },
        sprintf('damaged: checksum %08x, but its trailer says deadbeef', $crc), 78],
    ['a block of zeros (E5)', sub { spew($_[0], patched(8192, "\0" x 4096)) },
        sprintf('damaged: checksum %08x, but its trailer says %08x',
            Compress::Zlib::crc32(substr patched(8192, "\0" x 4096), 0, $size), $crc), 78],
    ['a table is missing', sub { build_directory($_[0], \@one, sql => 'DROP TABLE meta') },
        'damaged: no such table: meta', 78],
    ['a column is missing',
        sub { build_directory($_[0], \@one, sql => 'ALTER TABLE entry DROP summary') },
        'damaged: no such column: summary', 78],
    ['a view for the entries', with_sql(<<"SQL"), $foreign, 78],
DROP TABLE entry;
CREATE VIEW entry AS SELECT 1 AS id, 'a1' AS key, 'A1' AS handle, 'One' AS name, '' AS summary,
    $busy AS fields;
SQL
    ['a view for the count', with_sql(<<"SQL"), $foreign, 78],
DROP TABLE meta;
CREATE VIEW meta AS SELECT 'entries' AS name, $busy AS value;
SQL
    ['a view for the index of words', with_sql(<<"SQL"), $foreign, 78],
PRAGMA writable_schema = ON;
DELETE FROM sqlite_schema WHERE name = 'word_config';
INSERT INTO sqlite_schema VALUES('view', 'word_config', 'word_config', 0,
    'CREATE VIEW word_config AS SELECT 1 AS k, 2 AS v');
SQL
    ['a view that begins otherwise', with_sql(<<"SQL"), $foreign, 78],
PRAGMA writable_schema = ON;
DELETE FROM sqlite_schema WHERE tbl_name = 'meta';
INSERT INTO sqlite_schema VALUES('view', 'meta', 'meta', 0,
    'CREATE/**/VIEW meta AS SELECT ''entries'' AS name, 1 AS value');
SQL
    ['a column that is computed',
        with_sql("ALTER TABLE entry DROP summary; ALTER TABLE entry ADD summary AS ($busy)"),
        $foreign, 78],
    ['one that is stored', with_sql(<<"SQL"), $foreign, 78],
DROP TABLE meta;
CREATE TABLE meta(name TEXT PRIMARY KEY, value AS (1) STORED);
SQL
    ['a trigger',
        with_sql('CREATE TRIGGER t AFTER INSERT ON meta BEGIN DELETE FROM entry; END'),
        $foreign, 78],
    ['a virtual table of another kind for the words',
        with_sql('DROP TABLE word; CREATE VIRTUAL TABLE word USING fts4(name, other)'),
        $foreign, 78],
    ['a virtual table for the entries',
        with_sql('DROP TABLE entry; CREATE VIRTUAL TABLE entry USING fts5(id, key, handle, name,
            summary, fields)'), $foreign, 78],
    ['tables with a checksum and without sense', sub {
            spew($_[0], substr(patched(100, "\xff" x 3996), 0, $size));
            finish_directory($_[0]);
        }, 'damaged: database disk image is malformed', 78],
);
#>>>
if ($> == 0) {
    push @table,
        [
        'of a stranger (E10)',
        sub { spew($_[0], $good); chown 12345, -1, $_[0] },
        'belongs to user 12345, who is neither root, nor whoisd\'s user, '
            . 'nor the owner of its folder',
        78
        ];
}

sub clear {
    unlink $path;
    rmdir $path;
}

for my $row (@table) {
    my ($name, $make, $fault, $exit) = @$row;

    clear();
    $make->($path);
    is_deeply [NetIO::Test::Daemon->run(args => ['-t', '--directory', "sqlite:$path"])],
        [$exit, '', "whoisd: directory sqlite:$path: $fault\n"], "-t: $name";
}
is_deeply [NetIO::Test::Daemon->run(args => ['-t', '--directory', 'sqlite:/dev/null'])],
    [78, '', "whoisd: directory sqlite:/dev/null: a device, not a file\n"], '-t: a device';

# Every way to begin says the same.
clear();
for my $how (['--listen', '127.0.0.1:0'], ['--stdio']) {
    is_deeply [
        NetIO::Test::Daemon->run(args => [@$how, '--directory', "sqlite:$path"], input => "x\n")
        ],
        [66, '', "whoisd: directory sqlite:$path: No such file or directory\n"], "@$how: missing";
}

SKIP: {
    skip 'only root can become somebody else', 3 if $> != 0;
    my $nobody = sub { POSIX::setgid(65534); POSIX::setuid(65534); };

    spew($path, $good);
    chmod 0600, $path;
    is_deeply [
        NetIO::Test::Daemon->run(
            args   => ['-t', '--directory', "sqlite:$path"],
            before => $nobody,
            dir    => '/'
        )
        ],
        [66, '', "whoisd: directory sqlite:$path: Permission denied\n"], 'unreadable (E10)';
    chmod 0644, $path;
    is_deeply [
        NetIO::Test::Daemon->run(
            args   => ['-t', '--directory', "sqlite:$path"],
            before => $nobody,
            dir    => '/'
        )
        ],
        [0, '', ''], "root's file serves nobody";
    chown 12345, -1, $path, "$dir";
    is_deeply [
        NetIO::Test::Daemon->run(
            args   => ['-t', '--directory', "sqlite:$path"],
            before => $nobody,
            dir    => '/'
        )
        ],
        [0, '', ''], "and so does that of the folder's owner";
    chown 0, -1, "$dir";
}

# A path without a folder in it, and one with a space and a percent sign.
for my $name ('plain.db', 'a b%20?mode=rw&x=#.db') {
    my $d = File::Temp->newdir;

    spew("$d/$name", $good);
    is_deeply [NetIO::Test::Daemon->run(args => ['-t', '--directory', "sqlite:$name"], dir => "$d")
        ],
        [0, '', ''], "a path is a path: $name";
}

# E4: a byte changed anywhere, and an end anywhere.
{
    my @wrong;
    my $step = int($size / 120) | 1;

    for (my $at = 0; $at < length $good; $at += $at < 100 || $at >= $size ? 7 : $step) {
        spew($path, patched($at, substr($good, $at, 1) ^ "\x10"));
        my ($exit) = NetIO::Test::Daemon->run(args => ['-t', '--directory', "sqlite:$path"]);
        push @wrong, "byte $at: exit $exit" if $exit ne '78';
        spew($path, substr $good, 0, $at);
        ($exit) = NetIO::Test::Daemon->run(args => ['-t', '--directory', "sqlite:$path"]);
        push @wrong, "end at $at: exit $exit" if $exit ne '78';
    }
    is_deeply \@wrong, [], 'no changed byte and no cut is overlooked (E4)';
}

# While it serves: each bad file is named, and what was there before goes on.
clear();
put_directory($path, [{ handle => 'A1', name => 'First' }]);
my $d     = NetIO::Test::Daemon->whoisd($path);
my $first = $d->ask("first\r\n");

like $first, qr/Full Name: First\r\n/, 'it serves';
for my $row (@table) {
    my ($name, $make, $fault) = @$row;

    clear() if !-f $path;
    if ($name eq 'missing') {
        unlink $path;
        $d->ask("first\r\n");    # nobody tells of a file that is gone
    } else {
        rmdir "$path.new";
        unlink "$path.new";
        $make->("$path.new");
        unlink $path;
        rename "$path.new", $path or die "rename: $!\n";
    }
    ok $d->wait_log(qr/^whoisd: directory \Q$path\E: \Q$fault\E; the one before stays in use\n/m),
        "running: $name";
    is $d->ask("first\r\n"), $first, "$name: the one before answers";
}
clear();
put_directory($path, [{ handle => 'A1', name => 'Second' }]);
ok $d->wait_log(qr/^whoisd: directory \Q$path\E: in use now, 1 entries\n/m), 'a good one at last';
like $d->ask("second\r\n"), qr/Full Name: Second\r\n/, 'is used';

# Once for each bad file, however many queries come.
{
    spew("$path.new", 'rubbish');
    rename "$path.new", $path;
    $d->wait_log(qr/not a SQLite file; the one before stays in use\n/);
    my $before = () = $d->log_text =~ /not a SQLite file/g;
    $d->ask("second\r\n") for 1 .. 20;
    my $after = () = $d->log_text =~ /not a SQLite file/g;
    is $after, $before, 'a bad file is named once';
    for (1 .. 5) {
        open my $copy, '>>', $path or die "$path: $!\n";
        print {$copy} 'more';
        close $copy;
        $d->ask("second\r\n");
    }
    $after = () = $d->log_text =~ /not a SQLite file/g;
    is $after, $before, 'and so is one that grows at every look';
    $d->kill('HUP');
    ok $d->wait_log(qr/not a SQLite file; the one before stays in use\n/), 'and when HUP asks';
}

# E7: somebody edits the file that is being served, in place.
for my $row (
    ['cut to nothing (E7)', sub { truncate $path, 0 }, 'not a SQLite file'],
    [
        'cut in the middle (E7)',
        sub { truncate $path, $size / 2 },
        'truncated: it does not end with its trailer'
    ],
    [
        'overwritten',
        sub { open my $f, '+<', $path; seek $f, 8192, 0; print {$f} "\0" x 4096; close $f },
        qr/damaged: checksum [0-9a-f]{8}, but its trailer says [0-9a-f]{8}/
    ],
    )
{
    my ($name, $edit, $fault) = @$row;

    put_directory($path, [map { { handle => "B$_", name => "Third $_" } } 1 .. 500]);
    $d->wait_log(qr/in use now, 500 entries\n/);
    $edit->();
    $fault = quotemeta $fault if !ref $fault;
    is $d->ask("third 7\r\n"),
        "Sorry, the directory is not available; please try again later.\r\n",
        "$name: no answer from it"
        if $name =~ /cut/;    # of a cut nobody is told before somebody asks
    ok $d->wait_log(qr/^whoisd: directory \Q$path\E: $fault; there is none to serve\n/m), $name;
    is $d->ask("third 7\r\n"), "Sorry, the directory is not available; please try again later.\r\n",
        "$name: and whoisd says so";
    ok $d->wait_log(qr/"third 7" directory not available \d+\.\d+ ms\n/), "$name: it is in the log";
    like $d->ask("help\r\n"), qr/^This server/, "$name: help needs no directory";
}
put_directory($path, [{ handle => 'A1', name => 'Fourth' }]);
ok $d->wait_log(qr/in use now, 1 entries\n/), 'a good file ends the trouble';
like $d->ask("fourth\r\n"), qr/Full Name: Fourth\r\n/, 'at once';
$d->finish;

# A search that takes long: rows of two words in turn, and a phrase of one of them.
{
    my @fields = (['Text', 'a b ' x 10_000]);
    my $phrase = join '-', ('a') x 32;

    put_directory($path,
        [map { { handle => "d$_", name => "Dense $_", fields => \@fields } } 1 .. 100]);
    is_deeply [
        NetIO::Test::Daemon->run(
            args  => ['--stdio', '--directory', "sqlite:$path"],
            input => "$phrase\n"
        )
        ],
        [75, "Sorry, the search took too long; please ask for longer or fewer words.\r\n", ''],
        'a search has an end, and the exit code says to try again';
}

done_testing;
