# fuzz/csv.pl: the reader of CSV over any bytes, and the entries that a map makes of them.

use strict;
use warnings;

use Fuzz;
use NetIO::Load::CSV;

sub one_input {
    my ($bytes) = @_;

    walk_pairs('NetIO::Load::CSV', 'csv', $bytes);
    return;
}

1;
