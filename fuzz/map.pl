# fuzz/map.pl: any bytes as a map.  It is refused with a place and a reason, or makes of a record
# what is fit for a directory, or says what the record lacks.

use strict;
use warnings;

use Fuzz;
use NetIO::Load::Map;

my @record = (
    [dn           => 'uid=ann,ou=people,dc=example,dc=org'],
    [objectClass  => 'top'],
    [objectClass  => 'person'],
    [uid          => 'ann'],
    [cn           => 'Ann Example'],
    ['cn;lang-de' => "\x{c4}nne Beispiel"],
    [sn           => 'Example'],
    [mail         => "one\@example.org\ntwo\@example.org"],
    [photo        => undef, 'its value is not text'],
    ['Full Name'  => "\x{202e}Ann\t"],
    [a            => ' '],
);

# The map wants a path.
sub one_input {
    my ($bytes) = @_;
    my $path    = path_of($bytes);
    my $map     = eval { NetIO::Load::Map->new($path) };

    # Of the whole there is no line.
    my $whole = qr/the map does not say |it is not text in UTF-8\z/;
    return check_failure(qr/\A\Q$path\E:(?:[1-9][0-9]*: | $whole)/) if !$map;
    for my $options (0, 1) {
        my $for_file = $map->for_file(options => $options);
        check_mapped($for_file->entry({ line => 1, pairs => [map { [@$_] } @record] }));
        must(!(grep { $_->{line} < 1 } $for_file->unseen), 'a part of no line');
        $for_file->missing(map { $_->[0] } @record);
    }
    return;
}

1;
