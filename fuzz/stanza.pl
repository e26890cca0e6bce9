# fuzz/stanza.pl: the reader of stanzas over any bytes, and the entries that a map makes of what it
# reads.

use strict;
use warnings;

use Fuzz;
use NetIO::Load::Stanza;

sub one_input {
    my ($bytes) = @_;

    walk_pairs('NetIO::Load::Stanza', 'stanza', $bytes);
    return;
}

1;
