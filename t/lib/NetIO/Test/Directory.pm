package NetIO::Test::Directory;

# Small directory files for tests, in the format that whois-load writes and whoisd reads.
#
#     use NetIO::Test::Directory qw(build_directory put_directory);
#     build_directory("$dir/a.db", [
#         { handle => '00-00-0C', name => 'Cisco Systems, Inc', summary => 'San Jose, US',
#           fields => [['Organisation', 'Cisco Systems, Inc'], ['Index Key', '00-00-0C']] },
#     ]);
#     put_directory(...);     # the same, beside the file and then renamed over it
#
# Without fields an entry has Full Name and Index Key.  Options:
#     application_id, user_version   other numbers in the header
#     sql       statements to run before the file is finished
#     finish    [crc, size] of the trailer, in place of the right ones
#     trailer   0: none

use strict;
use warnings;

use Compress::Zlib ();
use DBI            ();
use Exporter 'import';

our @EXPORT_OK = qw(build_directory put_directory finish_directory);

my $SCHEMA = <<'SQL';
CREATE TABLE entry(id INTEGER PRIMARY KEY, key TEXT NOT NULL, handle TEXT NOT NULL,
    name TEXT NOT NULL, summary TEXT NOT NULL, fields TEXT NOT NULL);
CREATE INDEX entry_key ON entry(key);
CREATE VIRTUAL TABLE word USING fts5(name, other, content='', columnsize=0,
    prefix='1 2 3 4 5 6 7 8', tokenize="unicode61 remove_diacritics 2");
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
SQL

sub build_directory {
    my ($path, $entries, %option) = @_;

    unlink $path;
    my $dbh = DBI->connect("dbi:SQLite:dbname=$path", '', '',
        { RaiseError => 1, PrintError => 0, sqlite_unicode => 1 });
    run(
        $dbh,
        sprintf 'PRAGMA application_id = %d; PRAGMA user_version = %d;',
        $option{application_id} // 0x4E744944,
        $option{user_version}   // 1
    );
    run($dbh, $SCHEMA);
    $dbh->begin_work;
    my $id = 0;
    add_entry($dbh, ++$id, $_)
        for sort { lc $a->{name} cmp lc $b->{name} || $a->{handle} cmp $b->{handle} } @$entries;
    my $meta = $dbh->prepare('INSERT INTO meta VALUES(?, ?)');
    $meta->execute(@$_)
        for ['entries', $id], ['built', '2024-01-01T00:00:00Z'], ['sources', 'a test'];
    $dbh->commit;
    run($dbh, $option{sql}) if defined $option{sql};
    $dbh->disconnect;
    finish_directory($path, @{ $option{finish} || [] }) if $option{trailer} // 1;
    chmod 0644, $path;
    return $path;
}

sub put_directory {
    my ($path, @how) = @_;

    build_directory("$path.new", @how);
    rename "$path.new", $path or die "rename $path.new: $!\n";
    return $path;
}

# Appends the trailer to a file that has none.
sub finish_directory {
    my ($path, $crc, $size) = @_;

    open my $file, '+<:raw', $path or die "$path: $!\n";
    my $data = do { local $/; <$file> };
    printf {$file} "NetIO directory 1 crc32 %08x size %025d\n",
        $crc  // Compress::Zlib::crc32($data),
        $size // length $data;
    close $file or die "$path: $!\n";
    return $path;
}

sub run {
    my ($dbh, $sql) = @_;

    local $dbh->{sqlite_allow_multiple_statements} = 1;
    $dbh->do($sql);
    return;
}

sub fold {
    my ($handle) = @_;

    $handle =~ tr/A-Z/a-z/;
    $handle =~ tr/:._ -//d;
    return $handle;
}

sub add_entry {
    my ($dbh, $id, $entry) = @_;
    my ($handle, $name) = @$entry{qw(handle name)};
    my @fields = @{ $entry->{fields} || [['Full Name', $name], ['Index Key', $handle]] };

    $dbh->do(
        'INSERT INTO entry VALUES(?, ?, ?, ?, ?, ?)',
        undef,   $id, fold($handle), $handle, $name, $entry->{summary} // '',
        join '', map { "$_->[0]\t$_->[1]\n" } @fields
    );
    $dbh->do('INSERT INTO word(rowid, name, other) VALUES(?, ?, ?)',
        undef, $id, $name, join ' ', $handle, fold($handle), map { $_->[1] } @fields);
    return;
}

1;
