package NetIO::Gateway::Trouble;

# All that can go wrong between a browser and the directory, in words that people understand.
# Called by whois2html, and loaded only then; pure.
#
# No warnings here, as in NetIO::Gateway::CGI.

use strict;

my $again = 'Try again in a few minutes. If it stays like this, please tell the people who run '
    . 'this page.';
my $retype = 'Type the words again into the field above.';

# word => [status, heading, what happened, what to do]
my %trouble = (
    length => [
        400,
        'That request makes no sense here',
        'It came with a body, or with a length that cannot be.',
        'Search with the field above.'
    ],
    encoding => [
        400,
        'Those characters cannot be read',
        'The words in the address are not in UTF-8, as the text of web pages is.', $retype
    ],
    control => [
        400,
        'That query has invisible characters',
        'It holds control characters, which nothing in the directory has.', $retype
    ],
    long => [
        400,
        'That query is too long',
        'The directory takes at most 1022 bytes; most letters are one.',
        'A few words will do.'
    ],
    repeated => [400, 'That address asks twice', 'It has more than one query in it.', $retype],
    refused  => [400, 'That cannot be asked', undef, 'See the help below for what can be asked.'],
    path     => [
        404,
        'There is no such page',
        'The address is longer than that of the directory.',
        'Search with the field above.'
    ],
    method => [
        405,
        'That cannot be done here',
        'This page answers searches and takes nothing else.',
        'Search with the field above.'
    ],
    setup => [
        500,
        'This page is not set up correctly',
        'It does not know which directory to ask.',
        'Please tell the people who run this page.'
    ],
    internal    => [500, 'Something is wrong with this page', 'It is not your fault.', $again],
    unreachable => [
        502,
        'The directory cannot be reached',
        'This page asks a directory server, and that does not answer.', $again
    ],
    garbage => [
        502,
        'The directory gave no sensible answer',
        'What this page got is not what a directory server says.', $again
    ],
    cut => [
        502,
        'The answer came only in part',
        'The connection to the directory was cut before its answer was complete.', $again
    ],
    sorry => [
        503,   'The directory cannot answer',
        undef, 'If it stays like this, please tell the people who run this page.'
    ],
    slow => [
        504,
        'The directory takes too long',
        'This page asked the directory, and has not got the whole answer in time.', $again
    ],
);

# What a page shows; say, if the directory had a sentence for it.
sub page {
    my ($word, $say) = @_;
    my ($status, $name, $what, $advice) = @{ $trouble{$word} };

    $what = ucfirst $say if defined $say;
    return { status => $status, name => $name, what => $what, advice => $advice };
}

1;
__END__

=head1 NAME

NetIO::Gateway::Trouble - what can go wrong, in words that people understand

=head1 SYNOPSIS

    use NetIO::Gateway::Trouble;

    my $trouble = NetIO::Gateway::Trouble::page('slow');
    print "$trouble->{status} $trouble->{name}\n";

=head1 DESCRIPTION

The one table of all trouble between a browser and the directory: the HTTP status, a heading, what
happened, what to do about it.

=head1 FUNCTIONS

=head2 page

    my $trouble = page($word, $sentence);

A hash with C<status>, C<name>, C<what> and C<advice>.  C<$sentence>, if given, is what the
directory says itself about what happened; of C<refused> and C<sorry> it is always given.

=head1 ERRORS

The words: those of L<NetIO::Gateway::CGI/trouble>, those of L<NetIO::Gateway::Inquiry/ask>, and
C<internal>, a fault of the gateway.

=head1 SEE ALSO

L<NetIO::Gateway::CGI>, L<NetIO::Gateway::Inquiry>

=cut
