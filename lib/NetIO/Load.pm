package NetIO::Load;

# A load: files of some format go in, a directory comes out.  Called by whois-load.

use strict;
use warnings;

use NetIO::Load::Check 'check_directory';
use NetIO::Load::Clean qw(quote text_of);
use NetIO::Load::Directory;
use NetIO::Load::Failure ':exit';
use NetIO::Load::IEEE;
use NetIO::Load::Lines;
use NetIO::Load::Replacement;

our $VERSION = '0.01';

my %reader_of = (ieee => 'NetIO::Load::IEEE');

sub formats { return sort keys %reader_of }

# Loads the files into the directory; returns the number of entries.  Any exception leaves the
# directory as it was, and nothing beside it but the lock.
sub load {
    my (%job) = @_;
    my $stop = sub { NetIO::Load::Failure->throw_signal($_[0]) };

    local @SIG{qw(INT TERM HUP)} = map { _is_ignored($_) ? 'IGNORE' : $stop } qw(INT TERM HUP);

    my @readers     = map { _open_reader($_, $job{format}) } @{ $job{files} };
    my $replacement = NetIO::Load::Replacement->new($job{path});
    my $entries     = eval { _replace($replacement, \@readers, $job{report}) };
    return $entries if defined $entries;

    my $error = $@;
    local @SIG{qw(INT TERM HUP)} = ('IGNORE') x 3;
    $replacement->discard;
    die $error;
}

# As under nohup.
sub _is_ignored {
    my ($signal) = @_;

    return ($SIG{$signal} || '') eq 'IGNORE';
}

sub _open_reader {
    my ($file, $format) = @_;

    open my $handle, '<:raw', $file
        or NetIO::Load::Failure->throw(EX_NOINPUT, "cannot read $file: $!");
    NetIO::Load::Failure->throw(EX_NOINPUT, "cannot read $file: it is a folder") if -d $handle;
    my $lines  = NetIO::Load::Lines->new($handle, $file);
    my $reader = defined $format ? $reader_of{$format} : _recognize($lines);
    return [$lines, $reader->new($lines)];
}

sub _recognize {
    my ($lines) = @_;
    my $start = $lines->start;

    for my $reader (map { $reader_of{$_} } formats()) {
        return $reader if $reader->recognizes($start);
    }
    NetIO::Load::Failure->throw(EX_DATAERR,
        $lines->name . ': not of a known format (' . join(', ', formats()) . ')');
}

sub _replace {
    my ($replacement, $readers, $report) = @_;

    $replacement->create;
    my $directory = NetIO::Load::Directory->new($replacement->path);
    _read_all($readers, $directory, $report);
    my $entries = $directory->finish(
        sources      => join(', ', map { text_of($_->[0]->name) } @$readers),
        on_progress  => sub { $report->progress('indexing', $_[0]) },
        on_duplicate => sub {
            my ($handle, $place, $first) = @_;
            $report->skip($place, quote($handle) . " is the same entry as at $first");
        },
    );
    $report->progress('checking', 1);
    $directory->seal($replacement->handle);
    check_directory($replacement->path, $replacement->handle, $entries);
    $replacement->publish;
    return $entries;
}

sub _read_all {
    my ($readers, $directory, $report) = @_;
    my $size  = 0;
    my $taken = 0;

    $size += $_->[0]->size || 0 for @$readers;
    for (@$readers) {
        my ($lines, $reader) = @$_;
        my $before = $directory->staged;
        my $seen   = 0;
        while (my $record = $reader->next) {
            my $place = $lines->name . ':' . $record->{line};
            my $error = $record->{error} || $directory->add($record, $place);
            $report->skip($place, $error) if $error;
            $report->progress('reading', ($taken + $lines->taken) / $size)
                if $size && $seen++ % 256 == 0;
        }
        NetIO::Load::Failure->throw(EX_DATAERR, $lines->name . ': not one record could be read')
            if $directory->staged == $before;
        $taken += $lines->taken;
    }
    return;
}

1;

__END__

=head1 NAME

NetIO::Load - load files into a directory

=head1 SYNOPSIS

    use NetIO::Load;
    use NetIO::Load::Report;

    my $entries = NetIO::Load::load(
        path   => '/var/lib/whoisd/ieee.db',
        format => 'ieee',
        files  => ['/usr/share/ieee-data/oui.txt'],
        report => NetIO::Load::Report->new,
    );

=head1 DESCRIPTION

The part of L<whois-load(1)> that does the work.  A load opens its inputs, locks the directory,
reads every record into F<PATH.new>, checks the result and puts it in the place of PATH.  Records
that cannot be read are told to the report and left out.

=head1 FUNCTIONS

=over

=item load(OPTIONS)

Returns the number of entries.  C<path> is the directory, C<files> are the inputs, C<format> is
theirs; without it each input is recognised by its beginning.  C<report> is a
L<NetIO::Load::Report>.  While it runs, SIGINT, SIGTERM and SIGHUP (unless ignored) end it.

=item formats

The names of the formats there are.

=back

=head1 READERS

A format is a class that gives one entry after another.

=over

=item recognizes(TEXT)

A class method: whether an input that begins with that text is of this format.

=item new(LINES)

A reader of a L<NetIO::Load::Lines>.

=item next

The next record, a hash, or nothing at the end.  One that could not be read has C<error>, a text,
and C<line>, a number.  Any other is an entry: C<handle>, C<name>, C<summary> (what a listing adds
in parentheses, may be empty), C<fields> (a list of pairs of label and value, the record as it is
shown), C<words> (a list of texts by whose words it is found, besides name and handle) and
C<line>.  Text is in characters and need not be clean.  A C<name> is never empty.

=back

=head1 ERRORS

C<load> throws a L<NetIO::Load::Failure>.  PATH is as it was then, unless the text says that it is
new; F<PATH.new> is gone.

=head1 SEE ALSO

L<whois-load(1)>, L<NetIO::Load::Directory>, L<NetIO::Load::Replacement>

=cut
