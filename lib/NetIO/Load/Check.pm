package NetIO::Load::Check;

# Looks at a finished directory before it takes the place of the old one, as whoisd will: the
# trailer, then the database behind a read-only connection.  Called by NetIO::Load; changes
# nothing.

use strict;
use warnings;

use Exporter 'import';
use Fcntl ':seek';

use NetIO::Load::Clean 'quote';
use NetIO::Load::Directory ();
use NetIO::Load::Failure ':exit';
use NetIO::Load::SQLite qw(connect_sqlite patiently);

our @EXPORT_OK = qw(check_directory holds_directory holds_unfinished);

use constant {
    TRAILER_SIZE => 64,
    HEADER_SIZE  => 100,
};

# https://sqlite.org/fileformat.html section 1.3: the application_id stands at 68.
sub holds_directory {
    my ($handle) = @_;
    my $header = _read($handle, HEADER_SIZE);

    return
           defined $header
        && $header =~ /^SQLite format 3\0/
        && unpack('N', substr $header, 68, 4) == NetIO::Load::Directory::APPLICATION_ID();
}

# SQLite may write the first page last: until then there are zeros.
sub holds_unfinished {
    my ($handle) = @_;
    my $head = '';

    sysread $handle, $head, 16;
    return "SQLite format 3\0" =~ /^\Q$head\E/ || $head !~ /[^\0]/;
}

# That many bytes; undef when there are fewer, or they cannot be read.
sub _read {
    my ($handle, $size) = @_;
    my $bytes = '';

    while (length $bytes < $size) {
        my $got = sysread $handle, $bytes, $size - length $bytes, length $bytes;
        next   if !defined $got && $!{EINTR};
        return if !$got;
    }
    return $bytes;
}

sub check_directory {
    my ($path, $handle, $entries) = @_;
    my $trouble = "$path failed its check";
    my $dbh     = connect_sqlite($path, 'mode=ro&immutable=1', $trouble);
    my $problem = _trailer_problem($handle) || _database_problem($dbh, $entries);

    $dbh->disconnect;
    NetIO::Load::Failure->throw(EX_IOERR, "$trouble: $problem") if $problem;
    return;
}

sub _trailer_problem {
    my ($handle) = @_;
    my $size = (-s $handle) - TRAILER_SIZE;

    sysseek $handle, $size, SEEK_SET or return "cannot read it again: $!";
    my $trailer = _read($handle, TRAILER_SIZE);
    return "cannot read it again: $!" if !defined $trailer;
    return 'its trailer is damaged'
        if $trailer !~ /^NetIO directory 1 crc32 [0-9a-f]{8} size ([0-9]{25})\n\z/;
    return $1 == $size ? undef : "$size bytes, but its trailer says " . ($1 + 0);
}

sub _database_problem {
    my ($dbh, $entries) = @_;
    my ($verdict, $found);

    patiently($dbh, sub { ($verdict) = $dbh->selectrow_array('PRAGMA quick_check(1)') });
    return $verdict =~ tr/\n/ /r if $verdict ne 'ok';
    patiently($dbh, sub { ($found) = $dbh->selectrow_array('SELECT count(*) FROM entry') });
    return "$found entries instead of $entries" if $found != $entries;
    return _index_problem($dbh);
}

# Reads the whole index of words; then its first and its last word must lead to an entry.  Very long
# words do not count: FTS5 cuts one of 32 KiB, in the middle of a character if need be.
sub _index_problem {
    my ($dbh) = @_;
    my @words;

    $dbh->do(q{CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, word, row)});
    patiently(
        $dbh,
        sub {
            @words = $dbh->selectrow_array(
                'SELECT min(term), max(term) FROM vocabulary WHERE length(term) < 1000');
        }
    );
    return 'the index is empty' if !defined $words[0];
    for my $word (@words) {
        my ($found) = $dbh->selectrow_array(
            q{SELECT count(*) FROM word JOIN entry ON entry.id = word.rowid WHERE word MATCH ?},
            undef, qq{"$word"});
        return 'the index has no entry for ' . quote($word) if !$found;
    }
    return;
}

1;

__END__

=head1 NAME

NetIO::Load::Check - look at a directory file before it is used

=head1 SYNOPSIS

    use NetIO::Load::Check qw(check_directory holds_directory holds_unfinished);

    check_directory('staff.db.new', $handle, 150);

=head1 FUNCTIONS

=over

=item check_directory(PATH, HANDLE, ENTRIES)

Checks the file of that path, which is also open on the handle: the trailer fits its size,
SQLite finds the database sound, it has that many entries, and its index of words, read from end
to end, leads to them.  Throws a L<NetIO::Load::Failure> otherwise.

=item holds_directory(HANDLE)

Whether a file begins like a directory of NetIO.

=item holds_unfinished(HANDLE)

Whether a file may be what a load left that was killed.

=back

=head1 SEE ALSO

L<NetIO::Load>, L<NetIO::Load::Directory>

=cut
