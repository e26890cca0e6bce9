package NetIO::Load::Stanza;

# Reader of stanzas, blocks of "Key: value" lines: the objects of RPSL (RFC 2622) and Debian's
# control files.  Called by NetIO::Load::Source, stands on NetIO::Load::Lines.
#
#   Package: whois                    person:   Ann Example
#   Description: a client             address:  1 Example Street
#    It asks for what                 +
#    .                                          Exampletown
#    you want to know.                nic-hdl:  AE1-TEST
#
# A line that begins with a blank, a tab or a + goes on with the value; one that holds nothing
# else, or a lone dot, is an empty line of it.  A # within a line begins a comment in RPSL and is
# text in Debian's lists, where it stands in addresses of pages: it is text here.

use strict;
use warnings;

use NetIO::Load::Clean 'quote';
use NetIO::Load::Lines ();

use constant {
    LONGEST_VALUE  => 65_536,       # characters, all its lines together
    LONGEST_RECORD => 4_194_304,    # characters of all that is kept of it
    MOST_VALUES    => 100_000,      # of a record
};
use constant TOO_LONG => 'its value is longer than ' . LONGEST_VALUE . ' characters';

# Debian's policy, section 5.1; the keys of RPSL are a part of these.
my $key = qr/[!-"\$&-*,.-9;-~][!-9;-~]{0,254}+/;

# The first record: every line of it, and among them a key.
sub recognizes {
    my ($class, $start) = @_;

    $start =~ s/\A\xef\xbb\xbf//;
    $start =~ s/\A(?:[#%][^\n]*\n|[ \t\r]*\n)+//;
    $start =~ s/\n[ \t\r]*\n.*//s or $start =~ s/[^\n]*\z//;
    return $start =~ /\A$key[ \t]*:/ && $start !~ /^(?!$key[ \t]*:|[ \t+#%]|\z)/m;
}

sub new {
    my ($class, $lines) = @_;

    return bless { lines => $lines }, $class;
}

sub names { return }

sub next {
    my ($self) = @_;
    my $lines = $self->{lines};
    my $record;

    while (my ($text, $flaw) = $lines->next) {
        if ($text !~ /[^ \t]/) {
            return _finished($record) if $record;
            next;
        }
        next if $text =~ /^[#%]/;
        $record ||= { line => $lines->number, pairs => [], size => 0 };
        next if $record->{error};
        my $error = $lines->is_ended ? _take($record, $text, $flaw) : NetIO::Load::Lines::UNENDED;
        $record->{error} = [$lines->number, $error] if defined $error;
    }
    return $record ? _finished($record) : ();
}

sub _finished {
    my ($record) = @_;
    my $error = $record->{error};

    return { line => $error->[0], error => $error->[1] } if $error;
    return { line => $record->{line}, pairs => $record->{pairs} };
}

# One line into the record; returns what is wrong, or nothing.
sub _take {
    my ($record, $text, $flaw) = @_;
    my $pairs = $record->{pairs};

    if ($text =~ /^[ \t+]/) {
        return 'the first line of a record continues nothing' if !@$pairs;
        _continue($pairs->[-1], $text, $flaw);
    } elsif ($text =~ /^($key)[ \t]*:[ \t]*/) {
        push @$pairs, [$1, $flaw ? (undef, TOO_LONG) : substr $text, $+[0]];
    } else {
        return quote($text) . ' is neither a key with its value nor the rest of one';
    }
    $record->{size} += length $text;
    return 'the record is longer than ' . LONGEST_RECORD . ' characters'
        if $record->{size} > LONGEST_RECORD;
    return 'the record has more than ' . MOST_VALUES . ' values' if @$pairs > MOST_VALUES;
    return;
}

sub _continue {
    my ($pair, $text, $flaw) = @_;

    return if !defined $pair->[1];
    $text =~ s/^[ \t+][ \t]*//;
    $text = '' if $text eq '.';
    $pair->[1] .= "\n$text";
    @$pair[1, 2] = (undef, TOO_LONG) if $flaw || length $pair->[1] > LONGEST_VALUE;
    return;
}

1;

__END__

=head1 NAME

NetIO::Load::Stanza - reader of blocks of "Key: value" lines

=head1 SYNOPSIS

    my $reader = NetIO::Load::Stanza->new(NetIO::Load::Lines->new($handle, 'status'));

    while (my $record = $reader->next) {
        my $pairs = $record->{pairs} or next;
        print "$_->[0]: $_->[1]\n" for grep { defined $_->[1] } @$pairs;
    }

=head1 DESCRIPTION

Reads records that are parted by empty lines, or lines of blanks and tabs.  A record has a key, a
colon and a value in each line; it may have several values of one key.  A line that begins with a
blank, a tab or a C<+> goes on with the value before; within it a lone C<.> is an empty line.
Lines that begin with C<#> or C<%> are comments.  Nothing else is: a C<#> within a line belongs to
the value, although RPSL has it begin a comment.

A record with an error is passed over to its end, and the next is read.  Memory is bounded: a
value longer than 65536 characters comes without it, and a record of more than 4 Mi characters or
100,000 values is an error.

=head1 METHODS

=over

=item recognizes(TEXT)

Whether a file that starts with that text may be of this format: all lines of its first record are
such as are read.

=item new(LINES)

Reads from a L<NetIO::Load::Lines>.

=item names

An empty list: the format does not say beforehand what its records hold.

=item next

The next record, or nothing after the last one: C<line>, the number of its first line, and
C<pairs>, a list of C<[NAME, VALUE]> in the order of the file.  A value of several lines has
newlines within.  One that is too long is C<[NAME, undef, REASON]>.  A record that could not be
read has C<line>, that of the error, and C<error>.

=back

=head1 SEE ALSO

L<NetIO::Load>, L<NetIO::Load::Map>

=cut
