# fuzz/ldif.pl: the reader of LDIF over any bytes, and the entries that maps make of them.

use strict;
use warnings;

use Fuzz;
use NetIO::Load::LDIF;

sub one_input {
    my ($bytes) = @_;

    walk_pairs('NetIO::Load::LDIF', 'ldif', $bytes);
    return;
}

1;
