package NetIO::Load::IEEE;

# Reader of the IEEE's registries of MAC address blocks: oui.txt, mam.txt, oui36.txt, iab.txt.
# Called by NetIO::Load, stands on NetIO::Load::Lines.
#
#   00-00-0C   (hex)            Cisco Systems, Inc              the prefix of the block
#   00000C     (base 16)        Cisco Systems, Inc              again, or the range within it
#                               170 West Tasman Dr.
#                               San Jose  CA  94568             town, state, post code
#                               US                              country
#
# Blocks of 2^20 and 2^12 addresses have the same three bytes in the first line and a range such
# as 900000-9FFFFF in the second.  The lines of an address may be blank (not empty: that ends the
# record), and "Private" has none.

use strict;
use warnings;

use NetIO::Load::Clean qw(clean_value quote);
use NetIO::Load::Failure ':exit';

use constant {
    MOST_HEADER_LINES  => 64,
    MOST_ADDRESS_LINES => 64,
};

sub recognizes {
    my ($class, $start) = @_;

    return $start =~ /^[0-9A-F]{2}(?:-[0-9A-F]{2}){2}[ \t]+\(hex\)/im;
}

sub new {
    my ($class, $lines) = @_;

    return bless { lines => $lines, head => undef, begun => 0 }, $class;
}

sub next {
    my ($self)  = @_;
    my $lines   = $self->{lines};
    my $record  = $self->_begin or return;
    my $address = $record->{address};

    while (my ($text, $flaw) = $lines->next) {
        last if $text eq '';
        if ($text =~ /^[ \t]/ && !$flaw && @$address < MOST_ADDRESS_LINES) {
            push @$address, $text;
            next;
        }
        if ($text =~ /^\S+\s+\(hex\)/) {
            $self->{head} = [$lines->number, $text, $flaw];
            last;
        }
        my $error = $flaw || _take_block($record, $text);
        $record->{error} ||= [$lines->number, $error] if $error;
    }
    my $error = $record->{error} || _contradiction($record);
    return $error ? { line => $error->[0], error => $error->[1] } : _entry($record);
}

# The record that begins with the line that ended the one before, or with the next that is not
# blank.
sub _begin {
    my ($self) = @_;

    $self->_skip_header if !$self->{begun}++;
    my ($number, $text, $flaw) = @{ delete $self->{head} || [] };
    until (defined $text && $text =~ /\S/) {
        ($text, $flaw) = $self->{lines}->next or return;
        $number = $self->{lines}->number;
    }
    my $record = { line => $number, address => [] };
    my $error  = $flaw || _take_prefix($record, $text);
    $record->{error} = [$number, $error] if $error;
    return $record;
}

sub _skip_header {
    my ($self) = @_;
    my $lines = $self->{lines};

    while (my ($text, $flaw) = $lines->next) {
        if ($text =~ /^\S+\s+\((?:hex|base 16)\)/) {
            $self->{head} = [$lines->number, $text, $flaw];
            return;
        }
        NetIO::Load::Failure->throw(EX_DATAERR, $lines->name . ': not of the ieee format')
            if $lines->number == MOST_HEADER_LINES;
    }
    return;
}

# These put a line where it belongs in the record, and return what is wrong with it.

sub _take_prefix {
    my ($record, $text) = @_;

    return quote($text) . ' is not part of any record' if $text !~ /^(\S+)\s+\(hex\)(.*)/s;
    $record->{prefix} = uc $1;
    $record->{name}   = clean_value($2);
    return quote($record->{prefix}) . ' is not a prefix of three bytes'
        if $record->{prefix} !~ /^[0-9A-F]{2}-[0-9A-F]{2}-[0-9A-F]{2}\z/;
    return 'the (hex) line names no organisation' if $record->{name} eq '';
    return;
}

sub _take_block {
    my ($record, $text) = @_;

    return 'more than ' . MOST_ADDRESS_LINES . ' lines of address' if $text =~ /^\s/;
    return quote($text) . ' is neither an address nor a (base 16) line'
        if $text !~ /^(\S+)\s+\(base 16\)(.*)/s;
    return 'a second (base 16) line in one record' if $record->{block};
    $record->{block}      = uc $1;
    $record->{block_name} = clean_value($2);
    return quote($record->{block}) . ' is neither six hexadecimal digits nor a range of them'
        if $record->{block} !~ /^[0-9A-F]{6}(?:-[0-9A-F]{6})?\z/;
    return;
}

# The two lines at the head of a record have to tell the same story.
sub _contradiction {
    my ($record) = @_;
    my ($line, $prefix, $block, $name) = @$record{qw(line prefix block name)};

    return [$line, 'no (base 16) line follows the (hex) line'] if !$block;
    if ($name ne $record->{block_name}) {
        my ($hex, $base) = map { quote($_) } $name, $record->{block_name};
        return [$line, "(hex) names $hex, (base 16) names $base"];
    }
    if ($block =~ /-/) {
        my ($size, $first) = _range($block);
        return if ($size == 1 << 20 || $size == 1 << 12) && $first % $size == 0;
        return [$line, "$block is not an aligned block of 2^20 or 2^12 addresses"];
    }
    return if $prefix =~ tr/-//dr eq $block;
    return [$line, "(hex) says $prefix, (base 16) says $block"];
}

# Number of addresses and the first of them.
sub _range {
    my ($block) = @_;
    my ($first, $last) = map { hex } split /-/, $block;

    return ($last - $first + 1, $first);
}

sub _entry {
    my ($record) = @_;
    my ($handle, $kind, $range) = _assignment($record);
    my @address = grep { /\S/ } @{ $record->{address} };
    my $country = @address && $address[-1] =~ /^\s*([A-Z]{2})\s*\z/ ? $1 : '';
    my $town    = '';

    pop @address                          if $country ne '';
    $town = _town($address[-1], $country) if @address;
    return {
        line    => $record->{line},
        handle  => $handle,
        name    => $record->{name},
        summary => join(', ', grep { $_ ne '' } $town, $country),
        fields  => [
            ['Organisation', $record->{name}],
            (map { ['Address', $_] } @address),
            ($country eq '' ? () : ['Country', $country]),
            ['Assignment', $kind],
            ['Range',      $range],
            ['Index Key',  $handle],
        ],

        # Neither kind nor range: "MA" has to find Massachusetts, "FF" not every block there is.
        words => [@address, $country],
    };
}

# Handle, kind and range.  An IAB has the size of an MA-S; it lies in one of two prefixes.
sub _assignment {
    my ($record) = @_;
    my ($prefix, $block) = @$record{qw(prefix block)};

    return ($prefix, 'MA-L', "$prefix-00-00-00 to $prefix-FF-FF-FF") if $block !~ /-/;

    my ($size) = _range($block);
    my ($first, $end) = map { join '-', $prefix, unpack '(A2)*', $_ } split /-/, $block;
    my $digits = $size == 1 << 20 ? 1 : 3;
    my $handle = join '-', $prefix, unpack '(A2)*', substr $block, 0, $digits;
    my $kind   = $digits == 1 ? 'MA-M' : $prefix =~ /^(?:00-50-C2|40-D8-55)\z/ ? 'IAB' : 'MA-S';
    return ($handle, $kind, "$first to $end");
}

# The town in "Ferndale  WA  98248", with the state where that is a short code and neither "not
# available" nor the country again.  Town, state and post code stand two blanks apart, and any of
# them may be missing.  A line without such a gap is a street; one with a single gap and no number
# is a country: "UNITED  KINGDOM".
sub _town {
    my ($line, $country) = @_;

    $line =~ s/^\s+//;
    my @parts = split /\s\s/, $line, -1;
    return '' if @parts < 2 || (@parts == 2 && $parts[1] !~ /\d/);
    my ($town, $state) = grep { /\S/ && !/\d/ } @parts;
    $town = join ' ', grep { !/\d/ } split ' ', $parts[0] if !defined $town;
    $town =~ s/[\s,;.-]{1,8}\z//;    # bounded: without, a line of commas takes seconds
    return $town if !defined $state || $state !~ /^[A-Z]{2,3}\z/;
    return $town if $state eq 'NA' || $state eq $country || $state eq $town;
    return "$town $state";
}

1;

__END__

=head1 NAME

NetIO::Load::IEEE - reader of the IEEE's registries of MAC addresses

=head1 SYNOPSIS

    my $reader = NetIO::Load::IEEE->new(NetIO::Load::Lines->new($handle, 'oui.txt'));

    while (my $entry = $reader->next) {
        print exists $entry->{error} ? "$entry->{line}: $entry->{error}\n" : "$entry->{name}\n";
    }

=head1 DESCRIPTION

Reads the four text files of Debian's package C<ieee-data>: F<oui.txt> (MA-L), F<mam.txt> (MA-M),
F<oui36.txt> (MA-S) and F<iab.txt> (IAB).  Columns may stand apart by tabs or by blanks.

The handle of an entry is its prefix: three bytes for an MA-L (C<00-00-0C>), and the digits that
follow for the smaller ones (C<74-1A-E0-9>, C<70-B3-D5-F2-F>).  One prefix may belong to several
organisations.

=head1 METHODS

=over

=item recognizes(TEXT)

Whether a file that starts with that text is of this format.

=item new(LINES)

Reads from a L<NetIO::Load::Lines>.

=item next

The next record, or nothing after the last one.  A record that was read has C<handle>, C<name>,
C<summary>, C<fields> (a list of label and value), C<words> (what it is found by besides name
and handle) and C<line>.  One that could not be read has C<error> and C<line>.  Throws a
L<NetIO::Load::Failure> when the first 64 lines hold no record: the file is something else.

=back

=head1 SEE ALSO

L<NetIO::Load>, L<NetIO::Load::Lines>

=cut
