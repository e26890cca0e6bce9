package NetIO::Load::Layout;

# A record as whoisd answers it, for a dry run: what daemon/whoisd/layout.c does to clean text.
# Called by whois-load.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(lay_out);

use constant {
    COLUMN       => 20,       # labels end here
    LONGEST_LINE => 1_990,    # bytes
};

# The fields are lines of a label, a tab and a value; bytes come back.
sub lay_out {
    my ($fields) = @_;
    my $text = '';

    for (split /\n/, $fields) {
        my ($label, $value) = split /\t/, $_, 2;
        my $head = _label($label) . ': ';
        utf8::encode($_) for $head, $value;
        $text .= $head . _take_line(\$value, LONGEST_LINE - length $head) . "\n";
        $head = ' ' x COLUMN . ': ';
        $text .= $head . _take_line(\$value, LONGEST_LINE - length $head) . "\n" while $value ne '';
    }
    return $text;
}

# A label that Debian's whois would take for the address of another server has a blank before it.
sub _label {
    my ($label) = @_;

    $label = " $label" if $label =~ /\A(?:ReferralServer|% referto)/i;
    return sprintf '%*s', COLUMN, $label;
}

# Takes at most that many bytes away: up to a blank when there is one, and whole characters.
sub _take_line {
    my ($value, $room) = @_;
    my $line = substr $$value, 0, $room;

    if (length $$value > $room) {
        $line =~ s/[\xc0-\xff][\x80-\xbf]*\z// if substr($$value, $room, 1) =~ /[\x80-\xbf]/;
        $line =~ s/[^ ]*\z//                   if $line                     =~ / /;
    }
    substr($$value, 0, length $line) = '';
    $line =~ s/ +\z//;
    return $line;
}

1;

__END__

=head1 NAME

NetIO::Load::Layout - a record as whoisd answers it

=head1 SYNOPSIS

    use NetIO::Load::Layout 'lay_out';

    print lay_out("Full Name\tExample, Ann\nIndex Key\t481800\n");

=head1 FUNCTIONS

=over

=item lay_out(FIELDS)

Lines with the labels right-justified to column 20 and the values after a colon, in UTF-8; a value
too long for a line goes on in the next.  The fields are lines of a label, a tab and a value, in
characters, as a directory holds them.

=back

=head1 SEE ALSO

L<whois-load(1)>, L<whoisd(8)>

=cut
