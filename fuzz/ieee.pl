# fuzz/ieee.pl: the reader of the IEEE's registries over any bytes.  What it takes for an entry has
# the handle of a block, and is fit for a directory.

use strict;
use warnings;

use Fuzz;
use NetIO::Load::IEEE;

my %form = (
    'MA-L' => qr/\A[0-9A-F]{2}(?:-[0-9A-F]{2}){2}\z/,
    'MA-M' => qr/\A[0-9A-F]{2}(?:-[0-9A-F]{2}){2}-[0-9A-F]\z/,
    'MA-S' => qr/\A[0-9A-F]{2}(?:-[0-9A-F]{2}){3}-[0-9A-F]\z/,
);
$form{IAB} = $form{'MA-S'};

sub check {
    my ($entry) = @_;
    my %value   = map { @$_ } @{ $entry->{fields} };
    my $form    = $form{ $value{Assignment} };

    must($form,                     "an assignment of the kind '$value{Assignment}'");
    must($entry->{handle} =~ $form, "the handle '$entry->{handle}' of $value{Assignment}");
    must($value{'Index Key'} eq $entry->{handle},           'two handles');
    must($value{Organisation} eq $entry->{name},            'two names');
    must(!(grep { $_->[1] !~ /\S/ } @{ $entry->{fields} }), 'an empty field');
    must($value{Range} =~ /\A(\Q$entry->{handle}\E[-0]+) to (\Q$entry->{handle}\E[-F]+)\z/,
        "the range '$value{Range}' of $entry->{handle}");
    must(length $1 == 17 && length $2 == 17, "the range '$value{Range}'");
    check_entry($entry);
    return;
}

sub one_input {
    my ($bytes) = @_;

    walk('NetIO::Load::IEEE', $bytes, \&check);
    return;
}

1;
