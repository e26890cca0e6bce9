package NetIO::Load::Stage;

# Where entries wait until all are read, and are put in order.  Called by NetIO::Load::Directory,
# which writes them, and by NetIO::Load for a dry run; touches temporary tables of SQLite alone.
#
# SQLite sorts in files once memory does not suffice, so that the disk and not the memory bounds
# a load.

use strict;
use warnings;

use NetIO::Load::Clean  qw(clean_value fold_name fold_handle);
use NetIO::Load::SQLite qw(connect_sqlite patiently);

use constant {
    LONGEST_LABEL  => 40,         # characters
    LONGEST_VALUE  => 65_536,     # bytes
    LONGEST_RECORD => 131_072,    # bytes of all its lines: what whoisd shows
};

my @tables = (
    q{CREATE TEMP TABLE staged(folded, key, handle, name, summary, fields, other, place)},
    q{CREATE TEMP TABLE dropped(id INTEGER PRIMARY KEY)},
);

# Handles that several of the entries have.
my $shared = <<'SQL';
SELECT key, handle, place FROM staged
WHERE key IN (SELECT key FROM staged GROUP BY key HAVING count(*) > 1)
    AND rowid NOT IN (SELECT id FROM dropped)
ORDER BY key, rowid
SQL

sub new {
    my ($class, $dbh) = @_;

    $dbh->do($_) for @tables;
    return bless {
        dbh   => $dbh,
        count => 0,
        kept  => 0,
        put   => $dbh->prepare('INSERT INTO staged VALUES(?,?,?,?,?,?,?,?)'),
    }, $class;
}

# One of its own, in a database that has no name and goes with it.
sub new_alone {
    my ($class) = @_;
    my $dbh = connect_sqlite('', 'mode=rwc', 'cannot write a temporary file');

    $dbh->do("PRAGMA $_") for 'journal_mode = OFF', 'temp_store = FILE';
    $dbh->do('BEGIN');
    return $class->new($dbh);
}

sub count { return $_[0]{count} }
sub kept  { return $_[0]{kept} }

sub add {
    my ($self, $entry, $place)    = @_;
    my ($handle, $name, $summary) = map { clean_value($_) } @$entry{qw(handle name summary)};
    my $key    = fold_handle($handle);
    my $fields = '';

    for my $field (@{ $entry->{fields} }) {
        my $label = $self->_label($field->[0]);
        my $value = clean_value($field->[1]);
        return "the value of $label is longer than " . LONGEST_VALUE . ' bytes'
            if length $value > LONGEST_VALUE / 4 && _is_longer($value, LONGEST_VALUE);
        $fields .= "$label\t$value\n";
    }
    return 'the record is longer than ' . LONGEST_RECORD . ' bytes'
        if length $fields > LONGEST_RECORD / 4 && _is_longer($fields, LONGEST_RECORD);

    # Of pieces that are joined; whoisd reads no value of more than a megabyte.
    return 'the name is longer than ' . LONGEST_VALUE . ' bytes'
        if length $name > LONGEST_VALUE / 4 && _is_longer($name, LONGEST_VALUE);
    return 'the summary is longer than ' . LONGEST_VALUE . ' bytes'
        if length $summary > LONGEST_VALUE / 4 && _is_longer($summary, LONGEST_VALUE);
    my $other = join ' ', $handle, $key, @{ $entry->{words} };
    $other =~ tr/\x00-\x1f/ /;
    $self->{put}
        ->execute(fold_name($name), $key, $handle, $name, $summary, $fields, $other, $place);
    $self->{count}++;
    return;
}

# Labels are few, but a file may also name everything otherwise.
sub _label {
    my ($self, $name) = @_;
    my $labels = $self->{labels} ||= {};

    %$labels = () if keys %$labels > 1000;
    return $labels->{$name} ||= substr clean_value($name), 0, LONGEST_LABEL;
}

# Asked for long ones only: a character takes at most four bytes.
sub _is_longer {
    my ($text, $limit) = @_;

    utf8::encode($text);
    return length $text > $limit;
}

# The record of the entry that was added last, as whoisd gets it.
sub last_fields {
    my ($self) = @_;

    return $self->{dbh}
        ->selectrow_array('SELECT fields FROM staged WHERE rowid = ?', undef, $self->{count});
}

# Walks the entries in the order of a listing; equal ones stand side by side then.
sub each_sorted {
    my ($self, %call) = @_;
    my $dbh  = $self->{dbh};
    my $drop = $dbh->prepare('INSERT INTO dropped VALUES(?)');
    my $walk = $dbh->prepare(
        q{SELECT key, handle, name, summary, fields, other, place, rowid FROM staged
          ORDER BY folded, handle, name, summary, fields, rowid}
    );
    my ($last, $last_place, $done) = ('', '', 0);

    patiently($dbh, sub { $walk->execute });
    while (my $row = $walk->fetchrow_arrayref) {
        my $whole = join "\n", @$row[1 .. 4];
        my $place = $row->[6];
        $call{on_progress}->($done / $self->{count}) if $done++ % 256 == 0;
        if ($whole eq $last) {
            $call{on_duplicate}->($row->[1], $place, $last_place);
            $drop->execute($row->[7]);
            next;
        }
        ($last, $last_place) = ($whole, $place);
        $self->{kept}++;
        $call{on_entry}->($row);
    }
    return;
}

# After that walk: calls for every entry whose handle another one before it has, too.
sub each_shared {
    my ($self, $on_shared) = @_;
    my $walk = $self->{dbh}->prepare($shared);
    my ($last, $first) = ('', '');

    patiently($self->{dbh}, sub { $walk->execute });
    while (my $row = $walk->fetchrow_arrayref) {
        my ($key, $handle, $place) = @$row;
        if ($key eq $last) {
            $on_shared->($handle, $place, $first);
        } else {
            ($last, $first) = ($key, $place);
        }
    }
    return;
}

sub end {
    my ($self) = @_;

    delete $self->{put};
    return;
}

1;

__END__

=head1 NAME

NetIO::Load::Stage - entries that wait to be put in order

=head1 SYNOPSIS

    my $stage = NetIO::Load::Stage->new_alone;
    my $error = $stage->add($entry, 'people.ldif:17');

    $stage->each_sorted(
        on_entry     => sub { my ($row) = @_; },
        on_duplicate => sub { my ($handle, $place, $first_place) = @_; },
        on_progress  => sub { my ($fraction) = @_; },
    );
    $stage->each_shared(sub { my ($handle, $place, $first_place) = @_; });

=head1 DESCRIPTION

Takes any number of entries in bounded memory, and gives them back in the order of a directory:
by name, blind to case and accents, then by handle.

=head1 METHODS

=over

=item new(DBH)

Waits in temporary tables of that database, in which a transaction runs.

=item new_alone

Waits in a database of its own, which leaves nothing behind.

=item add(ENTRY, PLACE)

Takes an entry as the readers give it (see L<NetIO::Load/ENTRIES>).  All text is cleaned
(L<NetIO::Load::Clean>), labels are cut at 40 characters.  Returns nothing, or what is wrong: a
name, summary or value of more than 65536 bytes, or more than 131072 bytes altogether, which whoisd
would not show.
The place, such as C<people.ldif:17>, is for messages.

=item count

How many entries were taken.

=item last_fields

The record of the last one: lines of a label, a tab and a value.

=item each_sorted(CALLS)

Gives every entry, in order, to C<on_entry>, as a list of key, handle, name, summary, fields and
the words besides the name.  Of entries that are equal in everything it gives the first, and the
others to C<on_duplicate>.

=item kept

How many entries that were.

=item each_shared(CODE)

After C<each_sorted>: calls the code for every entry whose handle an earlier one has, too, with
the places of both.  Entries that were dropped do not count.

=item end

Closes what a database could not be closed with.

=back

=head1 ERRORS

All methods throw a L<NetIO::Load::Failure> when SQLite fails.

=head1 SEE ALSO

L<NetIO::Load::Directory>

=cut
