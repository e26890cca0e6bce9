package NetIO::Load::Directory;

# Builder of a directory: the SQLite file that whoisd answers from, written once and in order.
# Called by NetIO::Load; touches the one file it is given, and SQLite's temporary files.
#
# Entries are staged in a temporary table, which SQLite sorts (in files, once memory does not
# suffice), so that the disk and not the memory bounds a load.  The word index is built first
# and merged into one segment: the table of entries then fills the pages the merging left free.

use strict;
use warnings;

use Compress::Raw::Zlib ();
use POSIX               ();

use NetIO::Load::Clean qw(clean_value fold_name fold_handle);
use NetIO::Load::Failure ':exit';
use NetIO::Load::SQLite qw(connect_sqlite patiently);

use constant TRAILER_FORMAT => "NetIO directory 1 crc32 %08x size %025d\n";
use constant {
    APPLICATION_ID => 0x4E744944,    # "NtID"
    SCHEMA_VERSION => 1,
    LONGEST_LABEL  => 40,            # characters
    LONGEST_VALUE  => 65_536,        # bytes
    CACHE_KIB      => 32_768,
    MERGE_PAGES    => 500,           # one step takes milliseconds
    SLICE          => 262_144,       # bytes of one read(2)
};

my @staging = (
    q{CREATE TEMP TABLE staged(folded, key, handle, name, summary, fields, other, place)},
    q{CREATE TEMP TABLE sorted(id INTEGER PRIMARY KEY, key, handle, name, summary, fields)},
);

my @schema = (
    q{CREATE TABLE entry(id INTEGER PRIMARY KEY, key TEXT NOT NULL, handle TEXT NOT NULL,
        name TEXT NOT NULL, summary TEXT NOT NULL, fields TEXT NOT NULL)},
    q{CREATE VIRTUAL TABLE word USING fts5(name, other, content='', columnsize=0,
        prefix='1 2 3', tokenize="unicode61 remove_diacritics 2")},
    q{CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID},
    q{INSERT INTO word(word, rank) VALUES('automerge', 0)},
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
    my $self = bless { path => $path, dbh => $dbh, staged => 0, entries => 0 }, $class;

    $dbh->do("PRAGMA $_") for @pragmas;
    $dbh->do('BEGIN');
    $dbh->do($_) for @staging;
    $self->{stage} = $dbh->prepare('INSERT INTO staged VALUES(?,?,?,?,?,?,?,?)');
    return $self;
}

sub staged { return $_[0]{staged} }

sub add {
    my ($self, $entry, $place)    = @_;
    my ($handle, $name, $summary) = map { clean_value($_) } @$entry{qw(handle name summary)};
    my $key    = fold_handle($handle);
    my $fields = '';

    for my $field (@{ $entry->{fields} }) {
        my $label = $self->{label}{ $field->[0] } ||= _label($field->[0]);
        my $value = clean_value($field->[1]);
        return "the value of $label is longer than " . LONGEST_VALUE . ' bytes'
            if length $value > LONGEST_VALUE / 4 && _is_too_long($value);
        $fields .= "$label\t$value\n";
    }
    my $other = join ' ', $handle, $key, @{ $entry->{words} };
    $other =~ tr/\x00-\x1f/ /;
    $self->{stage}
        ->execute(fold_name($name), $key, $handle, $name, $summary, $fields, $other, $place);
    $self->{staged}++;
    return;
}

sub _label {
    my ($label) = @_;

    return substr clean_value($label), 0, LONGEST_LABEL;
}

# Asked for long ones only: a character takes at most four bytes.
sub _is_too_long {
    my ($text) = @_;

    utf8::encode($text);
    return length $text > LONGEST_VALUE;
}

sub finish {
    my ($self, %call) = @_;
    my $dbh = $self->{dbh};

    $dbh->do($_) for @schema;
    $self->_index(\%call);
    $self->_merge;
    patiently($dbh, sub { $dbh->do('INSERT INTO entry SELECT * FROM temp.sorted') });
    patiently($dbh, sub { $dbh->do('CREATE INDEX entry_key ON entry(key)') });
    my $meta = $dbh->prepare('INSERT INTO meta VALUES(?,?)');
    $meta->execute('entries', $self->{entries});
    $meta->execute('built',   POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
    $meta->execute('sources', $call{sources});
    patiently($dbh, sub { $dbh->do('COMMIT') });
    delete $self->{stage};
    $dbh->disconnect;
    return $self->{entries};
}

# Walks the staged entries in order; equal ones stand side by side then.
sub _index {
    my ($self, $call) = @_;
    my $dbh   = $self->{dbh};
    my $entry = $dbh->prepare('INSERT INTO sorted VALUES(?,?,?,?,?,?)');
    my $word  = $dbh->prepare('INSERT INTO word(rowid, name, other) VALUES(?,?,?)');
    my $walk  = $dbh->prepare(
        q{SELECT key, handle, name, summary, fields, other, place FROM staged
          ORDER BY folded, handle, name, summary, fields, rowid}
    );
    my ($last, $last_place, $done) = ('', '', 0);

    patiently($dbh, sub { $walk->execute });
    while (my $row = $walk->fetchrow_arrayref) {
        my ($key, $handle, $name, $summary, $fields, $other, $place) = @$row;
        my $whole = join "\n", $handle, $name, $summary, $fields;
        $call->{on_progress}->($done / $self->{staged}) if $done++ % 256 == 0;
        if ($whole eq $last) {
            $call->{on_duplicate}->($handle, $place, $last_place);
            next;
        }
        ($last, $last_place) = ($whole, $place);
        my $id = ++$self->{entries};
        $entry->execute($id, $key, $handle, $name, $summary, $fields);
        $word->execute($id, $name, $other);
    }
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

    my $error = $directory->add($entry, 'people.ldif:17');
    my $count = $directory->finish(
        sources      => 'people.ldif',
        on_progress  => sub { my ($fraction) = @_; },
        on_duplicate => sub { my ($handle, $place, $first_place) = @_; },
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

The index of words (FTS5, without a copy of the text).  C<rowid> is C<entry.id>.

=item C<meta>

C<entries>, the number of them; C<built>, the time in UTC; C<sources>.

=back

=head1 METHODS

=over

=item new(PATH)

Begins a directory in that empty file.

=item add(ENTRY, PLACE)

Takes an entry as the readers give it (see L<NetIO::Load/READERS>).  All text is cleaned
(L<NetIO::Load::Clean>), labels are cut at 40 characters.  Returns nothing, or what is wrong: a
value of more than 65536 bytes.  The place, such as C<people.ldif:17>, is for messages.

=item staged

How many entries were taken.

=item finish(OPTIONS)

Sorts, indexes and closes the database; returns the number of entries.  Of entries that are equal
in everything the first is kept; C<on_duplicate> hears of the others.

=item seal(HANDLE)

Adds the trailer to the finished database, through a handle that stands at its beginning.

=back

=head1 ERRORS

All methods throw a L<NetIO::Load::Failure> when the file cannot be written or read.

=head1 SEE ALSO

L<NetIO::Load>, L<NetIO::Load::Check>

=cut
