package NetIO::Load::Source;

# One FILE of a load: opened, its format known, its records made into entries.  Called by
# NetIO::Load; loads the reader of a format when there is a file of it.

use strict;
use warnings;

use NetIO::Load::Clean 'quote';
use NetIO::Load::Failure ':exit';
use NetIO::Load::Lines;
use NetIO::Load::Map;

use constant MOST_NAMES => 20;    # in a message

# In the order in which a beginning is tried on them: what looks like none of the others may still
# be a table.
my @formats   = qw(ieee ldif stanza csv);
my %reader_of = (
    ieee   => 'NetIO::Load::IEEE',
    ldif   => 'NetIO::Load::LDIF',
    stanza => 'NetIO::Load::Stanza',
    csv    => 'NetIO::Load::CSV',
);

sub formats { return @formats }

# What the reader gives is an entry already.
sub takes_map {
    my ($class, $format) = @_;

    return $format ne 'ieee';
}

sub new {
    my ($class, %source) = @_;
    my ($file, $format, $map) = @source{qw(file format map)};
    my $lines = NetIO::Load::Lines->of_file($file);

    _refuse_lone_cr($lines);
    $format = _recognize($lines) if !defined $format;
    $map    = _map_for($file, $format, $map);
    my $reader = _reader_class($format)->new($lines);
    my $self   = bless { lines => $lines, reader => $reader, map => $map, passed => 0 }, $class;
    $self->_check_names if $self->{map};
    return $self;
}

sub name   { return $_[0]{lines}->name }
sub size   { return $_[0]{lines}->size }
sub taken  { return $_[0]{lines}->taken }
sub passed { return $_[0]{passed} }

# Spreadsheets still offer to save for the Macintosh of old, whose lines end so; it would all be one.
sub _refuse_lone_cr {
    my ($lines) = @_;
    my $start = $lines->start;

    return if $start =~ /\n/ || $start !~ /\r[^\r]/;
    NetIO::Load::Failure->throw(EX_DATAERR,
        $lines->name
            . ': its lines end with CR alone; save it with the line ends of Windows or Unix');
}

sub _recognize {
    my ($lines) = @_;
    my $start = $lines->start;

    NetIO::Load::Failure->throw(EX_DATAERR, $lines->name . ': it is empty') if $start eq '';
    for my $format (@formats) {
        return $format if _reader_class($format)->recognizes($start);
    }
    NetIO::Load::Failure->throw(EX_DATAERR,
              $lines->name
            . ': not of a known format ('
            . join(', ', @formats)
            . '); --format says which it is');
}

sub _reader_class {
    my ($format) = @_;
    my $class    = $reader_of{$format};
    my $path     = "$class.pm" =~ s{::}{/}gr;

    require $path;
    return $class;
}

sub _map_for {
    my ($file, $format, $map) = @_;

    if (!__PACKAGE__->takes_map($format)) {
        return undef if !$map;
        NetIO::Load::Failure->throw(EX_USAGE,
            "$file is of the format $format, which takes no map; name it before " . $map->file);
    }
    $map ||= NetIO::Load::Map->builtin($format);
    return $map->for_file(options => $format eq 'ldif');
}

# A table says beforehand what it holds: what a map asks in vain for is known before a record is
# read.
sub _check_names {
    my ($self)  = @_;
    my $map     = $self->{map};
    my @names   = $self->{reader}->names or return;
    my $missing = $map->missing(@names)  or return;
    my $more    = @names - MOST_NAMES;
    my $known   = join ', ', map { quote($_) } @names[0 .. ($more > 0 ? MOST_NAMES : @names) - 1];

    $known .= " and $more more"                      if $more > 0;
    $known .= '; --map can say which of these it is' if !defined $map->file;
    NetIO::Load::Failure->throw(EX_DATAERR,
              _place_of($map, $missing)
            . $self->name
            . ' has no column '
            . _any_of($missing)
            . "; it has: $known");
}

sub _place_of {
    my ($map, $part) = @_;
    my $file = $map->file;

    return defined $file ? "$file:$part->{line}: " : '';
}

# "'mail'", or "'employeeNumber' or 'uid'".
sub _any_of {
    my ($part) = @_;

    return join ' or ', map { quote($_) } @{ $part->{said} };
}

# The next entry, or what is wrong with the next record; nothing at the end.
sub next {
    my ($self) = @_;
    my ($reader, $map) = @$self{qw(reader map)};

    return $reader->next if !$map;
    while (my $record = $reader->next) {
        return $record if exists $record->{error};
        my $entry = $map->entry($record);
        return $entry if $entry;
        $self->{passed}++;
    }
    return;
}

# At the end: what the map asked for and no record had, as [place, text].  What is built in is
# meant for many kinds of file.
sub asked_in_vain {
    my ($self) = @_;
    my $map = $self->{map};

    return if !$map || !defined $map->file || $self->{reader}->names;
    return
        map { [$map->file . ":$_->{line}", 'no record of ' . $self->name . ' has ' . _any_of($_)] }
        $map->unseen;
}

1;

__END__

=head1 NAME

NetIO::Load::Source - one file of a load, entry by entry

=head1 SYNOPSIS

    my $source = NetIO::Load::Source->new(file => 'people.ldif', format => 'ldif');

    while (my $entry = $source->next) {
        print $source->name, ":$entry->{line}: ", $entry->{error} || $entry->{name}, "\n";
    }

=head1 METHODS

=over

=item formats

The names of the formats there are, in the order in which they are recognised.

=item takes_map(FORMAT)

Whether there can be a map for files of that format.

=item new(OPTIONS)

Opens the C<file>.  Without a C<format> it is recognised by its beginning; without a C<map>, a
L<NetIO::Load::Map>, the one for the format is taken.

=item next

The next entry (see L<NetIO::Load/ENTRIES>), a hash with C<line> and C<error> for a record of which
there is none, or nothing at the end.  Records that the map does not want are passed over.

=item passed

How many were.

=item asked_in_vain

After the last record: what the map that was given asks for and no record has, a list of pairs of
place and text.

=item name, size, taken

See L<NetIO::Load::Lines>.

=back

=head1 ERRORS

C<new> and C<next> throw a L<NetIO::Load::Failure>.

=head1 SEE ALSO

L<NetIO::Load>, L<NetIO::Load::Map>

=cut
