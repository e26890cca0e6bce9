package NetIO::Load;

# A load: files of some formats go in, a directory comes out.  Called by whois-load.

use strict;
use warnings;

use NetIO::Load::Check 'check_directory';
use NetIO::Load::Clean qw(quote text_of);
use NetIO::Load::Directory;
use NetIO::Load::Failure ':exit';
use NetIO::Load::Map;
use NetIO::Load::Replacement;
use NetIO::Load::Source;
use NetIO::Load::Stage;

our $VERSION = '0.01';

use constant SAMPLES => 3;    # entries of a file that a rehearsal shows

our $signal;                  # that asks to stop

# Loads the files into the directory; returns the number of entries.  Any exception leaves the
# directory as it was, and nothing beside it but the lock.
sub load {
    my (%job) = @_;

    return _until_stopped(
        sub {
            my @sources     = _open($job{sources});
            my $replacement = NetIO::Load::Replacement->new($job{path});
            my $entries     = eval { _replace($replacement, \@sources, $job{report}) };
            return $entries if defined $entries;

            my $error = $@;
            local @SIG{qw(INT TERM HUP)} = ('IGNORE') x 3;
            $replacement->discard;
            die $error;
        }
    );
}

# The work ends by an exception when a signal comes; what is ignored, as under nohup, stays so.
# Code in between may make another one of it ("require" makes a text) or lose it: the signal counts.
sub _until_stopped {
    my ($work) = @_;
    my $stop = sub { $signal = $_[0]; _go_on() };

    local $signal;
    local @SIG{qw(INT TERM HUP)} =
        map { ($SIG{$_} || '') eq 'IGNORE' ? 'IGNORE' : $stop } qw(INT TERM HUP);
    my $entries = eval { $work->() };
    return $entries if defined $entries;

    my $error = $@;
    _go_on();
    die $error;
}

sub _go_on {
    NetIO::Load::Failure->throw_signal($signal) if $signal;
    return;
}

# All that a load finds wrong with the files, and nothing is written.  Returns the number of
# entries that there would be.
sub rehearse {
    my (%job) = @_;

    return _until_stopped(sub { _rehearse(%job) });
}

sub _rehearse {
    my (%job) = @_;
    my ($report, $on_sample) = @job{qw(report on_sample)};
    my @sources = _open($job{sources});
    my $stage   = NetIO::Load::Stage->new_alone;

    my $sample = sub {
        my ($place, $number) = @_;
        $on_sample->($place, $stage->last_fields) if $number <= SAMPLES;
    };
    _read_all(\@sources, $stage, $report, $sample);
    $stage->each_sorted(
        on_duplicate => _on_duplicate($report),
        on_entry     => sub { },
        on_progress  => sub { $report->progress('sorting', $_[0]) },
    );
    $stage->each_shared(_on_shared($report));
    return $stage->kept;
}

# A map that is given for several files is read once: it may be a pipe.
sub _open {
    my ($sources) = @_;
    my %map;

    return map {
        my %source = %$_;
        my $path   = $source{map};
        $source{map} = $map{$path} ||= NetIO::Load::Map->new($path) if defined $path;
        NetIO::Load::Source->new(%source);
    } @$sources;
}

sub _replace {
    my ($replacement, $sources, $report) = @_;

    $replacement->create;
    my $directory = NetIO::Load::Directory->new($replacement->path);
    _read_all($sources, $directory->stage, $report, sub { });
    my $entries = $directory->finish(
        on_duplicate => _on_duplicate($report),
        sources      => join(', ', map { text_of($_->name) } @$sources),
        on_progress  => sub { $report->progress('indexing', $_[0]) },
        on_shared    => _on_shared($report),
    );
    $report->progress('checking', 1);
    $directory->seal($replacement->handle);
    check_directory($replacement->path, $replacement->handle, $entries);
    _go_on();
    $replacement->publish;
    return $entries;
}

sub _on_duplicate {
    my ($report) = @_;

    return sub {
        my ($handle, $place, $first) = @_;
        $report->skip($place, quote($handle) . " is the same entry as at $first");
    };
}

sub _on_shared {
    my ($report) = @_;

    return sub {
        my ($handle, $place, $first) = @_;
        $report->note($place, 'handle ' . quote($handle) . " is also at $first");
    };
}

sub _read_all {
    my ($sources, $stage, $report, $on_taken) = @_;
    my ($size, $taken) = (0, 0);

    $size += $_->size || 0 for @$sources;
    for my $source (@$sources) {
        my $progress = sub {
            $report->progress('reading', ($taken + $source->taken) / $size) if $size;
        };
        _read($source, $stage, $report, $progress, $on_taken);
        $taken += $source->taken;
    }
    return;
}

sub _read {
    my ($source, $stage, $report, $progress, $on_taken) = @_;
    my ($seen, $count) = (0, 0);

    while (my $entry = $source->next) {
        my $place = $source->name . ':' . $entry->{line};
        my $error = $entry->{error} || $stage->add($entry, $place);
        $error ? $report->skip($place, $error) : $on_taken->($place, ++$count);
        next if $seen++ % 256;
        _go_on();
        $progress->();
    }
    $report->pass($source->passed);
    NetIO::Load::Failure->throw(EX_DATAERR, $source->name . ': ' . _reason_for_none($source, $seen))
        if !$count;
    $report->note(@$_) for $source->asked_in_vain;
    return;
}

sub _reason_for_none {
    my ($source, $seen) = @_;

    return 'not one record could be read' if $seen || !$source->passed;
    return 'the map wants none of its ' . $source->passed . ' records';
}

1;

__END__

=head1 NAME

NetIO::Load - load files into a directory

=head1 SYNOPSIS

    use NetIO::Load;
    use NetIO::Load::Report;

    my $entries = NetIO::Load::load(
        path    => '/var/lib/whoisd/staff.db',
        sources => [
            { file => '/usr/share/ieee-data/oui.txt', format => 'ieee' },
            { file => 'people.ldif', map => 'people.map' },
        ],
        report => NetIO::Load::Report->new,
    );

=head1 DESCRIPTION

The part of L<whois-load(1)> that does the work.  A load opens its inputs, locks the directory,
reads every record into F<PATH.new>, checks the result and puts it in the place of PATH.  Records
that cannot be read are told to the report and left out.

=head1 FUNCTIONS

=over

=item load(OPTIONS)

Returns the number of entries.  C<path> is the directory.  C<sources> is a list of hashes: C<file>,
its C<format>, without which it is recognised by its beginning, and the path of a C<map>, without
which the built-in one for the format is used.  C<report> is a L<NetIO::Load::Report>.  While it
runs, SIGINT, SIGTERM and SIGHUP (unless ignored) end it.

=item rehearse(OPTIONS)

Reads C<sources> in the same way, tells C<report> the same, ends at the same signals and writes
nothing.  C<on_sample> is called with place and fields of the first three entries of each file.
Returns the number of entries.

=back

=head1 READERS

A format is a class that gives one record after another; F<lib/NetIO/Load/Source.pm> has the table
of them.

=over

=item recognizes(TEXT)

A class method: whether an input that begins with that text is of this format.

=item new(LINES)

A reader of a L<NetIO::Load::Lines>.

=item names

The names that the records have, where the format says so beforehand; otherwise an empty list.

=item next

The next record, a hash, or nothing at the end.  One that could not be read has C<error>, a text,
and C<line>, a number.  Any other has C<line> and C<pairs>, a list of C<[NAME, VALUE]> in the order
of the file, in characters that need not be clean; a value that cannot be had is
C<[NAME, undef, REASON]>.

=back

A L<NetIO::Load::Map> makes entries of such records.  The reader of the format C<ieee> gives entries
itself.

=head1 ENTRIES

An entry has C<handle>, C<name>, C<summary> (what a listing adds in parentheses, may be empty),
C<fields> (a list of pairs of label and value, the record as it is shown), C<words> (a list of texts
by whose words it is found, besides name and handle) and C<line>.  Text is in characters and need
not be clean.  Handle and name are never empty.

=head1 ERRORS

C<load> throws a L<NetIO::Load::Failure>.  PATH is as it was then, unless the text says that it is
new; F<PATH.new> is gone.

=head1 SEE ALSO

L<whois-load(1)>, L<NetIO::Load::Source>, L<NetIO::Load::Directory>, L<NetIO::Load::Replacement>

=cut
