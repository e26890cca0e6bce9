# fuzz/clean.pl: any bytes made fit for a directory.  What comes out may be shown, is in one form
# only, and making it fit again changes nothing.

use strict;
use warnings;

use Fuzz;
use NetIO::Load::Clean qw(text_of clean_value fold_name fold_handle quote);
use Unicode::Normalize ();

sub one_input {
    my ($bytes) = @_;
    my $text    = text_of($bytes);
    my $value   = clean_value($text);
    my $name    = fold_name($value);
    my $key     = fold_handle($value);
    my $quoted  = quote($text);

    must(length $text <= length $bytes,             'more characters than bytes');
    must(is_shown($value),                          'a value that may not be shown');
    must($value !~ /\A | \z|  |[^\S ]/,             'blanks that are too many');
    must(Unicode::Normalize::NFC($value) eq $value, 'a value that is not in NFC');
    must(clean_value($value) eq $value,             'a value that can be cleaned again');
    must(is_shown($name),                           'a folded name that may not be shown');
    must($key    !~ /[-:._ A-Z]/   && fold_handle($key) eq $key, "the key '$key'");
    must($quoted =~ /\A'[ -~]*'\z/ && length $quoted <= 402,     "the quote $quoted");
    return;
}

1;
