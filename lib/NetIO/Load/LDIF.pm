package NetIO::Load::LDIF;

# Reader of LDIF (RFC 2849).  Called by NetIO::Load::Source, stands on NetIO::Load::Lines.
#
# It is our own because a load promises bounded memory and a line number with every complaint.
# Net::LDAP::LDIF 0.27 takes a line whole, however long (one of 256 MiB made it 1.6 GB), and tells
# the text of a bad line but not where it stands; it decodes whatever calls itself base64.
# t/62-load-ldif.t compares the two where they agree.

use strict;
use warnings;

use MIME::Base64 ();

use NetIO::Load::Clean qw(quote text_of);
use NetIO::Load::Failure ':exit';
use NetIO::Load::Lines ();

use constant {
    LONGEST_LINE   => 65_536,       # bytes, unfolded
    LONGEST_RECORD => 4_194_304,    # bytes of all its lines
    MOST_VALUES    => 100_000,      # of a record
    MOST_NAMES     => 1_000,        # of attributes that are remembered
};
use constant TOO_LONG => 'its line is longer than ' . LONGEST_LINE . ' bytes';

# Comments and blank lines; then a dn, before which a version may stand.
my $gap = qr/(?:\r?\n|\#[^\n]*\n(?:[ ][^\n]*\n)*+)*+/;

# What is no value of an entry: how it is taken, see below.
my %special = (
    dn         => \&_take_dn,
    version    => \&_take_version,
    changetype => \&_take_changetype,
    control    => sub { },
);

sub recognizes {
    my ($class, $start) = @_;

    return $start =~ /\A(?:\xef\xbb\xbf)?$gap(?:version:[ ]*[0-9]+[ ]*\r?\n$gap)?dn:/i;
}

sub new {
    my ($class, $lines) = @_;

    # A fold may part the bytes of a character.
    $lines->as_bytes;
    return bless { lines => $lines, plain => {} }, $class;
}

sub names { return }

sub next {
    my ($self) = @_;

    while (my ($line, $number, $flaw) = $self->_first_line) {
        my $record = $self->_read($line, $number, $flaw);
        return { line => $record->{error}[0], error => $record->{error}[1] } if $record->{error};
        return { line => $record->{line}, pairs => $record->{pairs} } if @{ $record->{pairs} };
    }
    return;
}

# The next line that is not empty, with its number and its flaw.
sub _first_line {
    my ($self) = @_;
    my $lines = $self->{lines};

    while (my ($line, $flaw) = $lines->next) {
        return ($line, $lines->number, $flaw) if $line ne '';
    }
    return;
}

# Up to the next empty line, which is the record's end.  A record without pairs and without an
# error was none: comments, or a version.  Nearly every line is an attribute whose name was seen
# before, so that one is dealt with right here.
sub _read {
    my ($self, $line, $number, $flaw) = @_;
    my ($lines, $plain) = @$self{qw(lines plain)};
    my $pairs  = [];
    my $record = { pairs => $pairs, left => LONGEST_RECORD };
    my $here   = $number;

    while (1) {
        my ($next, $next_flaw) = $lines->next;
        $next = '' if !defined $next;
        $here++;
        if (ord $next == 32) {
            $flaw ||= $next_flaw;
            $flaw ||= TOO_LONG if length($line) + length($next) > LONGEST_LINE + 1;
            $line .= substr $next, 1 if !$flaw;
            next;
        }
        my $colon = index $line, ': ';
        my $name  = $colon > 0 ? substr $line, 0, $colon : '';
        $record->{left} -= length $line;
        if ($plain->{$name} && !$flaw && @$pairs && @$pairs < MOST_VALUES && $record->{left} >= 0) {
            my $value = substr $line, $colon + 2;
            $value =~ s/^ +// if ord $value == 32;
            push @$pairs, [$name, $value =~ tr/\x00-\x7f//c ? text_of($value) : $value];
        } else {
            $self->_take($record, $line, $number, $flaw);
        }
        last if $next eq '';
        ($line, $number, $flaw) = ($next, $here, $next_flaw);
    }
    $record->{error} ||= [$number, NetIO::Load::Lines::UNENDED]
        if !$lines->is_ended && ord $line != 35;
    return $record;
}

# One unfolded line into the record.  After an error the rest of the record is passed over.
sub _take {
    my ($self, $record, $line, $number, $flaw) = @_;
    my $error;

    return if $record->{error} || ord $line == 35;
    if (defined $flaw && $flaw eq NetIO::Load::Lines::UNENDED) {
        $error = $flaw;
    } elsif ($line =~ /^([A-Za-z0-9][A-Za-z0-9_.;-]{0,254}+):([:<]?) */) {
        my ($name, $kind, $value) = ($1, $2, substr $line, $+[0]);
        my $special = $special{ lc $name };
        $error = _take_first($record, $name, $number) if !@{ $record->{pairs} };
        $error ||= ($special || \&_add)->($self, $record, $name, $kind, $value, $flaw);
        $self->_remember($name) if !$special;
    } elsif (ord $line == 32) {
        $error = 'the first line of a record continues nothing';
    } else {
        $error = quote(text_of($line)) . ' is neither an attribute nor the rest of one';
    }
    return if !defined $error;
    $record->{error} = [$number, $error];
    @{ $record->{pairs} } = ();
    return;
}

# The name of an attribute; not for ever, as a file may name everything otherwise.
sub _remember {
    my ($self, $name) = @_;
    my $plain = $self->{plain};

    %$plain = () if keys %$plain > MOST_NAMES;
    $plain->{$name} = 1;
    return;
}

# These return what is wrong, or nothing.

sub _add {
    my ($self, $record, $name, $kind, $value, $flaw) = @_;
    my ($pairs, $reason) = ($record->{pairs}, undef);

    return 'the record is longer than ' . LONGEST_RECORD . ' bytes' if $record->{left} < 0;
    return 'the record has more than ' . MOST_VALUES . ' values'    if @$pairs == MOST_VALUES;
    if ($flaw) {
        ($value, $reason) = (undef, TOO_LONG);
    } elsif ($kind eq ':') {
        my $wrong = _wrong_base64($value);
        return "the value of $name is not base64: $wrong" if defined $wrong;
        ($value, $reason) = _decoded($value);
    } elsif ($kind eq '<') {
        ($value, $reason) = (undef, 'its value is in another file');
    } elsif ($value =~ tr/\x00-\x7f//c) {
        $value = text_of($value);
    }
    push @$pairs, [$name, $value, defined $reason ? $reason : ()];
    return;
}

# A record begins here, unless a version does.
sub _take_first {
    my ($record, $name, $number) = @_;

    $record->{line} = $number;
    return if lc $name eq 'dn' || lc $name eq 'version';
    return 'the end of what ldapsearch says, not an entry; call it with -LLL' if $name eq 'search';
    return 'the record does not begin with a dn';
}

sub _take_dn {
    my ($self, $record, @line) = @_;

    return 'a second dn in one record: no empty line before it'           if @{ $record->{pairs} };
    return 'the line of the dn is longer than ' . LONGEST_LINE . ' bytes' if $line[3];
    return $self->_add($record, @line);
}

# Of the file, which may be several in a row; within a record it is an attribute like any other.
sub _take_version {
    my ($self, $record, $name, $kind, $value, $flaw) = @_;

    return $self->_add($record, $name, $kind, $value, $flaw) if @{ $record->{pairs} };
    NetIO::Load::Failure->throw(EX_DATAERR,
              $self->{lines}->name
            . ":$record->{line}: "
            . quote(text_of($value))
            . ' is no version of LDIF that is known; 1 is')
        if $value !~ /^0*1 *\z/;
    return;
}

sub _take_changetype {
    my ($self, $record, $name, $kind, $value) = @_;

    $value =~ s/ +\z//;
    return                          if lc $value eq 'add';
    $value = quote(text_of($value)) if $value !~ /^(?:delete|modify|modr?dn)\z/i;
    return "a change record ($value), not an entry";
}

# MIME::Base64 decodes anything.
sub _wrong_base64 {
    my ($text) = @_;

    $text =~ s/ +\z//;
    return 'its length, ' . length($text) . ', is no multiple of 4' if length($text) % 4;
    $text =~ s/={1,2}\z//;
    return if !($text =~ tr{A-Za-z0-9+/}{}c);
    my ($first) = $text =~ m{([^A-Za-z0-9+/])};
    return $first eq '=' ? 'its padding is wrong' : 'it holds ' . quote(text_of($first));
}

# The text of it.  What is no UTF-8 and holds controls is a picture or a certificate.
sub _decoded {
    my ($text) = @_;
    my $bytes = MIME::Base64::decode($text);

    return (undef, 'its value is not text')
        if $bytes =~ /[\x00-\x08\x0e-\x1f]/ && !utf8::decode(my $copy = $bytes);
    return text_of($bytes);
}

1;

__END__

=head1 NAME

NetIO::Load::LDIF - reader of LDIF, the text form of LDAP directories

=head1 SYNOPSIS

    my $reader = NetIO::Load::LDIF->new(NetIO::Load::Lines->new($handle, 'people.ldif'));

    while (my $record = $reader->next) {
        my $pairs = $record->{pairs} or next;
        print "$_->[0]: ", defined $_->[1] ? $_->[1] : "($_->[2])", "\n" for @$pairs;
    }

=head1 DESCRIPTION

Reads the entries of an LDIF file (RFC 2849): folded lines, comments, values in base64, several
values of an attribute, attribute options such as C<cn;lang-de>.  A change record is an error
unless it adds an entry; a C<version> may stand before any record, as in files that were
concatenated.

A record ends at an empty line.  One with an error is passed over up to there, and the next is
read.  Values are UTF-8, or Latin-1 when they are not UTF-8.

Memory is bounded.  An attribute whose line is longer than 65536 bytes, unfolded, comes without
its value, say a photo; a record of more than 4 MiB or 100,000 values is an error.

=head1 METHODS

=over

=item recognizes(TEXT)

Whether a file that starts with that text is LDIF.

=item new(LINES)

Reads from a L<NetIO::Load::Lines>, which gives bytes from then on.

=item names

An empty list: LDIF does not say beforehand what its records hold.

=item next

The next record, or nothing after the last one: C<line>, the number of its first line, and
C<pairs>, a list of C<[NAME, VALUE]> in the order of the file, the first of them the C<dn>.  A
value that cannot be had is C<[NAME, undef, REASON]>: it is in another file (C<< attr:< >>, which
is never opened), it is not text, or its line is too long.  A record that could not be read has
C<line>, that of the error, and C<error>.

=back

=head1 ERRORS

C<next> throws a L<NetIO::Load::Failure> when the file cannot be read or is of another version
than 1.

=head1 SEE ALSO

L<NetIO::Load>, L<NetIO::Load::Map>

=cut
