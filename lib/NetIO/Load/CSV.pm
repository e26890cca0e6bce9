package NetIO::Load::CSV;

# Reader of CSV (RFC 4180) and its kin with semicolons, tabs or bars.  Called by
# NetIO::Load::Source, stands on NetIO::Load::Lines and on Text::CSV_XS.
#
# A quote that somebody forgot would swallow the records that follow it.  So the lines of the
# record at hand are kept: when it turns out to be none, the line in which its last quote begins
# is reported, and reading goes on with the line after that one.  Whatever the file holds, a line
# is gathered twice at most: only one with an odd number of quotes begins or ends a record of
# several lines.
#
# Text::CSV_XS could ask for the lines itself, but its getline (1.49) loses some 180 bytes of
# memory with every record that is none, and a file may be full of them.  Its parse does not.

use strict;
use warnings;

use NetIO::Load::Clean qw(clean_value quote);
use NetIO::Load::Failure ':exit';
use NetIO::Load::Lines ();

use constant {
    MOST_LINES     => 1_000,      # of a record
    LONGEST_RECORD => 262_144,    # characters, give or take a line
    LONGEST_NAME   => 64,         # bytes of a column's name in a file that is recognised
};

# Text::CSV_XS's diagnoses.  With the attributes below there is one more, 2023: something other
# than the end of the value follows its closing quote.
use constant {
    QUOTE_WITHOUT_END => 2027,
    QUOTE_IN_VALUE    => 2034,
};

my $utf_16 = qr/\A(?:\xff\xfe|\xfe\xff)/;

# A first line that tells spreadsheets what parts the columns, and is none of the table.
my $separator_line = qr/\A"?sep=([,;\t|])"?\r?(?:\n|\z)/i;

# The first line has to name columns, two at least, and the second to have the same separator.  A
# file in UTF-16 is taken for CSV, too: new tells what is wrong with it.
sub recognizes {
    my ($class, $start) = @_;

    return 1 if $start =~ $utf_16;
    $start             =~ s/\A\xef\xbb\xbf//;
    return 1 if $start =~ $separator_line;
    my ($header, $next) = grep { /\S/ } split /\r?\n/, $start;
    return '' if !defined $header || $header =~ /\A[^"]*:(?:\s|:|\z)|\A[#<]|[\x00-\x08\x0e-\x1f]/;
    my $separator = _separator($header);
    my @names     = map { _bare($_) } split /\Q$separator/, $header, -1;
    return
           @names > 1
        && !grep({ !_is_name($_) } @names)
        && (!defined $next || $next =~ /\Q$separator/);
}

# Bytes: what is not ASCII may be a letter.
sub _is_name {
    my ($name) = @_;

    return length $name <= LONGEST_NAME && $name =~ /[A-Za-z\x80-\xff]/;
}

sub _bare {
    my ($name) = @_;

    $name =~ s/\A\s*"?\s*//;
    $name =~ s/\s*"?\s*\z//;
    return $name;
}

# What parts the columns: the one of the four that stands most often outside of quotes.
sub _separator {
    my ($header) = @_;
    my ($most, $separator) = (0, ',');

    $header =~ s/"[^"]*"//g;
    for (',', ';', "\t", '|') {
        my $count = () = $header =~ /\Q$_/g;
        ($most, $separator) = ($count, $_) if $count > $most;
    }
    return $separator;
}

sub new {
    my ($class, $lines) = @_;
    my $name = $lines->name;

    NetIO::Load::Failure->throw(EX_DATAERR, "$name: it is UTF-16; save it as UTF-8")
        if $lines->start =~ $utf_16;
    _load_parser($name);
    my $self = bless {
        lines  => $lines,
        ahead  => [],       # lines to read before those of the file: [number, text, flaw]
        record => [],       # lines of the record at hand
        names  => [],
    }, $class;
    $self->_read_header;
    return $self;
}

sub _load_parser {
    my ($name) = @_;

    return if eval { require Text::CSV_XS };
    die $@ if ref $@;                          # a signal that came meanwhile
    NetIO::Load::Failure->throw(EX_SOFTWARE,
        "cannot read $name: CSV needs Text::CSV_XS, of Debian's package libtext-csv-xs-perl");
}

sub names { return @{ $_[0]{names} } }

sub _read_header {
    my ($self)      = @_;
    my $first       = $self->_first_line or return;
    my ($separator) = $first->[1] =~ $separator_line;

    $first = $self->_first_line or return if defined $separator;
    unshift @{ $self->{ahead} }, $first;
    $separator = _separator($first->[1]) if !defined $separator;
    my %how = (sep_char => $separator, binary => 1, allow_whitespace => 1);
    $self->{csv} = Text::CSV_XS->new(\%how);
    my $row = $self->_read;
    $self->_refuse(@$row{qw(line error)}) if exists $row->{error};
    my @names = map { clean_value($_) } @{ $row->{values} };
    my %column;
    for my $number (1 .. @names) {
        my $name = $names[$number - 1];
        $self->_refuse($row->{line}, "column $number of the header has no name") if $name eq '';
        my $other = $column{ lc $name };
        $self->_refuse($row->{line},
            "columns $other and $number of the header have the same name, " . quote($name))
            if $other;
        $column{ lc $name } = $number;
    }
    $self->{names} = \@names;
    return;
}

sub _refuse {
    my ($self, $line, $text) = @_;

    NetIO::Load::Failure->throw(EX_DATAERR, $self->{lines}->name . ":$line: $text");
}

sub next {
    my ($self) = @_;
    my $names = $self->{names};

    while (my $row = $self->_read) {
        return $row if exists $row->{error};
        my $values = $row->{values};
        my @filled = grep { $values->[$_] =~ /\S/ } 0 .. $#$values;
        next if !@filled;    # a row of nothing but commas, as spreadsheets write them
        return $self->_ragged($row) if @$values != @$names;
        return { line => $row->{line}, pairs => [map { [$names->[$_], $values->[$_]] } @filled] };
    }
    return;
}

# Too few columns may come from a quote that stands astray and is closed by another such.
sub _ragged {
    my ($self, $row)     = @_;
    my ($found, $wanted) = (scalar @{ $row->{values} }, scalar @{ $self->{names} });
    my $flaw = $self->{record}[-1][2];
    my $text = "$found " . ($found == 1 ? 'column' : 'columns') . " where the header has $wanted";

    $text .= "; $flaw" if defined $flaw;
    $self->_give_back(0);
    return { line => $row->{line}, error => $text };
}

# The next record as columns, or what is wrong with it; nothing at the end of the file.
sub _read {
    my ($self) = @_;
    my $csv    = $self->{csv};
    my $first  = $self->_first_line or return;

    return { line => $first->[0], error => $first->[2] } if _is_cut($first);
    $self->{record} = [$first];
    my $text   = _text($first);
    my $parsed = $csv->parse($text);
    if (!$parsed && $csv->error_diag + 0 == QUOTE_WITHOUT_END) {
        $text   = $self->_gather($text);
        $parsed = $csv->parse($text);
    }
    return $parsed ? { line => $first->[0], values => [$csv->fields] } : $self->_broken($text);
}

# The lines up to the one that closes the quote that the text leaves open.  A line that is cut
# stays where it is: it is reported when its turn comes.
sub _gather {
    my ($self, $text) = @_;
    my $record = $self->{record};

    while (@$record < MOST_LINES && length $text <= LONGEST_RECORD) {
        my $line = $self->_line or last;
        if (_is_cut($line)) {
            unshift @{ $self->{ahead} }, $line;
            last;
        }
        push @$record, $line;
        $text .= "\n" . _text($line);
        last if ($line->[1] =~ tr/"//) % 2;
    }
    return $text;
}

# No line ends with CR any more, and elsewhere it means nothing.
sub _text {
    my ($line) = @_;

    return $line->[1] =~ tr/\r/ /r;
}

sub _first_line {
    my ($self) = @_;

    while (my $line = $self->_line) {
        return $line if $line->[2] || $line->[1] =~ /\S/;
    }
    return;
}

sub _line {
    my ($self) = @_;

    return shift @{ $self->{ahead} } if @{ $self->{ahead} };
    my ($text, $flaw) = $self->{lines}->next or return;
    return [$self->{lines}->number, $text, $flaw];
}

# A last line without an end is none: RFC 4180 leaves it to the writer.
sub _is_cut {
    my ($line) = @_;

    return defined $line->[2] && $line->[2] ne NetIO::Load::Lines::UNENDED;
}

# Says what is wrong with the record, in which Text::CSV_XS stopped at some place.
sub _broken {
    my ($self, $text) = @_;
    my ($code, undef, $stop, undef, $column) = $self->{csv}->error_diag;
    my $record  = $self->{record};
    my $at      = substr($text, 0, $stop) =~ tr/\n//;
    my $endless = $code == QUOTE_WITHOUT_END;
    my $began   = $self->_last_quote($endless ? $#$record : $at - 1);
    my ($line, $end) = map { $record->[$_][0] } $began, $at;
    my $error =
          $endless                ? $self->_endless($column, length $text)
        : $code == QUOTE_IN_VALUE ? "a quote stands in the middle of column $column"
        : $began == $at           ? "more follows the closing quote of column $column"
        :   "the quote that begins in column $column ends in line $end, where more follows it";

    $error .= ", in line $end" if $code == QUOTE_IN_VALUE && $began != $at;
    $self->_give_back($began);
    return { line => $line, error => $error };
}

sub _endless {
    my ($self, $column, $length) = @_;
    my $limit =
          @{ $self->{record} } == MOST_LINES ? ' within ' . MOST_LINES . ' lines'
        : $length > LONGEST_RECORD           ? ' within ' . LONGEST_RECORD . ' characters'
        :                                      '';

    return "the quote that begins in column $column does not end$limit";
}

# Where, in the lines of the record up to that one, the last quote begins that encloses a value.
# Quotes side by side within it stand for one, so a run of them opens or closes when it is odd.
sub _last_quote {
    my ($self, $last)  = @_;
    my ($open, $began) = (0, 0);

    for my $at (0 .. $last) {
        my $text = $self->{record}[$at][1];
        while ($text =~ /("+)/g) {
            $began = $at if !$open;
            $open ^= length($1) & 1;
        }
    }
    return $began;
}

# The lines of the record after that one are read again.
sub _give_back {
    my ($self, $at) = @_;

    unshift @{ $self->{ahead} }, splice @{ $self->{record} }, $at + 1;
    return;
}

1;

__END__

=head1 NAME

NetIO::Load::CSV - reader of tables: comma-separated values and their kin

=head1 SYNOPSIS

    my $reader = NetIO::Load::CSV->new(NetIO::Load::Lines->new($handle, 'people.csv'));

    print join(', ', $reader->names), "\n";
    while (my $record = $reader->next) {
        print "$record->{line}: ", $record->{error} || $record->{pairs}[0][1], "\n";
    }

=head1 DESCRIPTION

The first line that is not blank names the columns; every further record has as many.  Columns
stand apart by commas, semicolons, tabs or bars: by the one that the header has most of, or the one
that a line C<sep=;> before it names, as spreadsheets have it.  Blanks around them do not count.  A value in quotes may hold anything, the end of a line and doubled
quotes included.  A row in which every column is empty is passed over, like a blank line.  The
last line may lack its end.

Text is UTF-8, with or without a mark of byte order, or line by line Latin-1, as
L<NetIO::Load::Lines> has it.

A quote that does not end costs the line in which it begins, not the rest of the file: reading
goes on with the line after it.  A record may have 1000 lines and about
262144 characters.

Needs Text::CSV_XS, which is loaded by C<new>.

=head1 METHODS

=over

=item recognizes(TEXT)

Whether a file that begins with that text is of this format: its first line names two columns or
more, and the next has the same separator; or it is such a C<sep=;>.  So is, to be refused with a reason, one in UTF-16.

=item new(LINES)

Reads from a L<NetIO::Load::Lines>, the header at once.

=item names

The columns, in their order; an empty list for an empty file.

=item next

The next record, or nothing after the last one.  It has C<line>, where it begins, and C<pairs>, a
list of column and value for every column that is not empty.  One that could not be read has
C<line> and C<error>.

=back

=head1 ERRORS

C<new> throws a L<NetIO::Load::Failure> for a file in UTF-16, for a header that cannot be read,
and for one where a column has no name or two have the same, letter case aside.

=head1 SEE ALSO

L<NetIO::Load>, L<NetIO::Load::Lines>, L<Text::CSV_XS>

=cut
