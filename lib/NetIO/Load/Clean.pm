package NetIO::Load::Clean;

# What has to happen to the words of a source before they may stand in a directory.  Called by
# the line reader and by the builder of a directory; knows neither files nor records.

use strict;
use warnings;

use Encode ();
use Exporter 'import';
use Unicode::Normalize ();

our @EXPORT_OK = qw(text_of clean_value fold_name fold_handle quote);

# Found once: to look for them takes longer than to decode a value.
my ($utf_8, $windows) = map { Encode::find_encoding($_) } 'UTF-8', 'cp1252';

# Bytes to characters.  Old registries mix encodings line by line, so what is not UTF-8 is taken
# as Latin-1, in the way of Windows: that has quotes and dashes where Latin-1 has controls, which
# nobody means.  The five bytes that have no meaning there either become U+FFFD.
sub text_of {
    my ($bytes) = @_;

    return $bytes if !($bytes =~ tr/\x00-\x7f//c);
    my $text = eval { $utf_8->decode($bytes, Encode::FB_CROAK | Encode::LEAVE_SRC) };
    return defined $text ? $text : $windows->decode($bytes);
}

# Controls, separators of lines and paragraphs, and the marks that turn the direction of writing
# would let a value draw over what stands beside it.  What has no face at all (the list is that of
# netio_utf8_printable, so whoisd would not show it) parts the words of the index as it parts those
# of a query, and at the start of a name it would spoil the order.
my $blank = qr/
      [\s\p{Z}\x00-\x1f\x7f-\xa0]
    | [\p{NChar}\x{ad}\x{34f}\x{61c}\x{115f}\x{1160}\x{17b4}\x{17b5}\x{180e}]
    | [\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{3164}\x{feff}\x{ffa0}\x{fff0}-\x{fffb}]
    | [\x{1bca0}-\x{1bca3}\x{1d173}-\x{1d17a}\x{e0000}-\x{e0fff}]
/x;

# One line of text in NFC: no control character, single blanks, none at the ends.  Nearly all text
# is ASCII, and for that tr is several times as fast as a pattern.
sub clean_value {
    my ($text) = @_;

    if ($text =~ tr/\x00-\x7f//c) {
        $text = Unicode::Normalize::NFC($text);
        $text =~ s/$blank+/ /g;
    } else {
        $text =~ tr/\x00-\x20\x7f/ /s;
    }
    $text =~ s/^ //;
    chop $text if substr($text, -1) eq ' ';
    return $text;
}

# The name as listings are sorted by it: blind to case and to accents.
sub fold_name {
    my ($name) = @_;

    if ($name =~ tr/\x00-\x7f//c) {
        $name = Unicode::Normalize::NFKD($name);
        $name =~ s/\p{Mn}+//g;
    }
    return lc $name;
}

# The handle as it is looked up: whoisd folds what follows '!' in the same way.
sub fold_handle {
    my ($handle) = @_;

    $handle =~ tr/A-Z/a-z/;
    $handle =~ tr/\-:._ //d;
    return $handle;
}

# What a file says, for a message: printable ASCII, at most 40 characters of it.
sub quote {
    my ($text) = @_;

    $text = clean_value($text);
    $text = substr($text, 0, 37) . '...' if length $text > 40;
    $text =~ s/([^ -~])/sprintf ord $1 < 256 ? '\\x%02X' : '\\x{%X}', ord $1/ge;
    return "'$text'";
}

1;

__END__

=head1 NAME

NetIO::Load::Clean - make text from outside fit for a directory

=head1 SYNOPSIS

    use NetIO::Load::Clean qw(text_of clean_value fold_name fold_handle quote);

    my $name = clean_value(text_of("Malm\xc3\xb6 \t AB\r"));    # "Malm\x{f6} AB"
    fold_name($name);                                           # "malmo ab"
    fold_handle('74-1A-E0-9');                                  # "741ae09"

=head1 DESCRIPTION

A directory holds text in UTF-8, one line a value, without control characters.  These functions
turn what a source holds into that.

=head1 FUNCTIONS

=over

=item text_of(BYTES)

Decodes UTF-8.  Bytes that are not UTF-8 are taken as Windows-1252, which is Latin-1 and a few signs
more; those that have no meaning there become U+FFFD, so this never fails.

=item clean_value(TEXT)

Makes one line of it: control characters, separators of every kind and the characters that turn
the direction of writing become blanks, runs of blanks become one, those at the ends go; the
result is in Unicode's form NFC.

=item fold_name(TEXT)

The name in lower case and without its accents, for sorting.

=item fold_handle(TEXT)

The handle with its ASCII letters in lower case and without C<->, C<:>, C<.>, C<_> and blanks.

=item quote(TEXT)

The text in quotes, for a message: cleaned, cut to 40 characters, with all but printable ASCII
escaped.

=back

=head1 SEE ALSO

L<NetIO::Load>

=cut
