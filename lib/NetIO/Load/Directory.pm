package NetIO::Load::Directory;

# Builder of a directory: the SQLite file that whoisd answers from, written once and in order.
# Called by NetIO::Load; touches the one file it is given, and SQLite's temporary files.
#
# Entries are staged and sorted by NetIO::Load::Stage.  The word index is built first and merged
# into one segment: the table of entries then fills the pages the merging left free.

use strict;
use warnings;

use Compress::Raw::Zlib ();
use POSIX               ();

use NetIO::Load::Failure ':exit';
use NetIO::Load::SQLite qw(connect_sqlite patiently);
use NetIO::Load::Stage;

use constant TRAILER_FORMAT => "NetIO directory 1 crc32 %08x size %025d\n";
use constant {
    APPLICATION_ID => 0x4E744944,    # "NtID"
    SCHEMA_VERSION => 1,
    CACHE_KIB      => 32_768,
    MERGE_PAGES    => 2000,          # one step takes milliseconds
    INDEX_PAGE     => 1000,          # bytes; a search reads through half a one for each word
    SLICE          => 262_144,       # bytes of one read(2)
};

my @schema = (
    q{CREATE TABLE entry(id INTEGER PRIMARY KEY, key TEXT NOT NULL, handle TEXT NOT NULL,
        name TEXT NOT NULL, summary TEXT NOT NULL, fields TEXT NOT NULL)},
    q{CREATE VIRTUAL TABLE word USING fts5(name, other, content='', columnsize=0,
        prefix='1 2 3 4 5 6 7 8', tokenize="unicode61 remove_diacritics 2")},
    q{CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID},
    q{INSERT INTO word(word, rank) VALUES('automerge', 0)},
    q{INSERT INTO word(word, rank) VALUES('pgsz', } . INDEX_PAGE . ')',
);

# A file that is thrown away when anything fails, and synced as a whole before anybody sees it,
# needs neither a journal nor SQLite's own syncs.
my @pragmas = (
    'journal_mode = OFF',
    'synchronous = OFF',
    'locking_mode = EXCLUSIVE',
    'temp_store = FILE',
    'cache_size = -' . CACHE_KIB,
    'application_id = ' . APPLICATION_ID,
    'user_version = ' . SCHEMA_VERSION,
);

sub new {
    my ($class, $path) = @_;
    my $dbh  = connect_sqlite($path, 'mode=rw', "cannot write $path");
    my $self = bless { path => $path, dbh => $dbh }, $class;

    $dbh->do("PRAGMA $_") for @pragmas;
    $dbh->do('BEGIN');
    $self->{stage} = NetIO::Load::Stage->new($dbh);
    return $self;
}

sub stage { return $_[0]{stage} }

sub finish {
    my ($self, %call)  = @_;
    my ($dbh,  $stage) = @$self{qw(dbh stage)};

    $dbh->do($_) for @schema;
    $self->_index(\%call);
    $self->_merge;
    patiently($dbh, sub { $dbh->do('INSERT INTO entry SELECT * FROM temp.sorted') });
    patiently($dbh, sub { $dbh->do('CREATE INDEX entry_key ON entry(key)') });
    my $entries = $stage->kept;
    my $meta    = $dbh->prepare('INSERT INTO meta VALUES(?,?)');
    $meta->execute('entries', $entries);
    $meta->execute('built',   POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
    $meta->execute('sources', $call{sources});
    $stage->each_shared($call{on_shared});
    patiently($dbh, sub { $dbh->do('COMMIT') });
    $stage->end;
    $dbh->disconnect;
    return $entries;
}

# The entries, numbered in their order, into the index and, to be copied when that is merged, into
# a temporary table.
sub _index {
    my ($self, $call) = @_;
    my $dbh = $self->{dbh};

    $dbh->do(
        q{CREATE TEMP TABLE sorted(id INTEGER PRIMARY KEY, key, handle, name, summary, fields)});
    my $entry = $dbh->prepare('INSERT INTO sorted VALUES(?,?,?,?,?,?)');
    my $word  = $dbh->prepare('INSERT INTO word(rowid, name, other) VALUES(?,?,?)');
    my $id    = 0;
    my $put   = sub {
        my ($row) = @_;
        my ($key, $handle, $name, $summary, $fields, $other) = @$row;
        $entry->execute(++$id, $key, $handle, $name, $summary, $fields);
        $word->execute($id, $name, $other);
    };
    $self->{stage}->each_sorted(%$call, on_entry => $put);
    return;
}

# Merges the index into one segment, in steps between which a signal is heard.  The commit hands
# over what the index still holds in memory; a merge that changes fewer than two rows found
# nothing to do, and 'optimize' has then nothing left but to make sure.
sub _merge {
    my ($self) = @_;
    my $dbh    = $self->{dbh};
    my $merge  = $dbh->prepare(q{INSERT INTO word(word, rank) VALUES('merge', ?)});
    my $count  = $dbh->prepare('SELECT total_changes()');
    my $pages  = -(MERGE_PAGES);    # below zero: begin with all segments, whatever their size
    my ($before, $after);

    $dbh->do($_) for 'COMMIT', 'BEGIN';
    do {
        ($before) = $dbh->selectrow_array($count);
        $merge->execute($pages);
        ($after) = $dbh->selectrow_array($count);
        $pages = MERGE_PAGES;
    } while $after - $before >= 2;
    $dbh->do(q{INSERT INTO word(word) VALUES('optimize')});
    return;
}

# The handle stands at the beginning of the finished file, open for reading and writing.
sub seal {
    my ($self, $handle) = @_;
    my $crc   = Compress::Raw::Zlib::crc32('');
    my $size  = 0;
    my $slice = '';

    while (my $got = $self->_insist('read', sub { sysread $handle, $slice, SLICE })) {
        $crc = Compress::Raw::Zlib::crc32($slice, $crc);
        $size += $got;
    }
    my $trailer = sprintf TRAILER_FORMAT, $crc, $size;
    while ($trailer ne '') {
        my $put = $self->_insist('write', sub { syswrite $handle, $trailer });
        substr($trailer, 0, $put) = '';
    }
    return;
}

sub _insist {
    my ($self, $what, $call) = @_;
    my $bytes;

    until (defined($bytes = $call->())) {
        next if $!{EINTR};
        NetIO::Load::Failure->throw(EX_IOERR, "cannot $what $self->{path}: $!");
    }
    return $bytes;
}

1;

__END__

=head1 NAME

NetIO::Load::Directory - builder of a directory file

=head1 SYNOPSIS

    my $directory = NetIO::Load::Directory->new('staff.db.new');    # exists, is empty

    my $error = $directory->stage->add($entry, 'people.ldif:17');
    my $count = $directory->finish(
        sources      => 'people.ldif',
        on_progress  => sub { my ($fraction) = @_; },
        on_duplicate => sub { my ($handle, $place, $first_place) = @_; },
        on_shared    => sub { my ($handle, $place, $first_place) = @_; },
    );
    $directory->seal($handle);

=head1 DESCRIPTION

Writes the file that L<whoisd(8)> answers from: a SQLite database, then a trailer of 64 bytes
with the size and the CRC-32 of all that stands before it.

=over

=item C<entry>

One row an entry, in the order of listings: by name, blind to case and accents, then by handle.
C<key> is the handle as it is looked up, C<summary> what a listing adds in parentheses, C<fields>
the record, a line each with the label, a tab and the value.

=item C<word>

The index of words (FTS5, without a copy of the text).  C<rowid> is C<entry.id>.  Beginnings of
up to eight letters have an index of their own: a search by a longer one has to merge the lists of
all the words it stands for.

=item C<meta>

C<entries>, the number of them; C<built>, the time in UTC; C<sources>.

=back

=head1 METHODS

=over

=item new(PATH)

Begins a directory in that empty file.

=item stage

A L<NetIO::Load::Stage>, which takes the entries.

=item finish(OPTIONS)

Sorts, indexes and closes the database; returns the number of entries.  Of entries that are equal
in everything the first is kept; C<on_duplicate> hears of the others, and C<on_shared> of different
entries that have their handle in common.

=item seal(HANDLE)

Adds the trailer to the finished database, through a handle that stands at its beginning.

=back

=head1 ERRORS

All methods throw a L<NetIO::Load::Failure> when the file cannot be written or read.

=head1 SEE ALSO

L<NetIO::Load>, L<NetIO::Load::Stage>, L<NetIO::Load::Check>

=cut
