package NetIO::Gateway::Inquiry;

# One question to whoisd, and a verdict on what came back.  Called by the gateways; it opens the
# one connection there is.
#
# No warnings here, as in NetIO::Gateway::CGI.

use strict;

use NetIO::Whois;

my $ANSWER_MAX = 2 << 20;    # bytes of the longest answer that whoisd gives
my $LIST_MAX   = 250;        # lines of its longest list

# Codes of NetIO::Error that are of no network, but of what the gateway was told to ask.
my $setup = qr/\ANETIO_EBAD(?:HOST|SERVICE|ADDRESS|OPTION)\z/;

# Returns the answer, or nothing and what is wrong: a word of NetIO::Gateway::Trouble, a text for
# the log, the directory's own sentence if it had one.
sub ask {
    my ($query, %server) = @_;
    my $answer = eval { NetIO::Whois->new(%server, limit => $ANSWER_MAX)->ask($query) };

    return (undef, _failure($@)) if !$answer;
    my @wrong = _verdict($answer);
    return @wrong ? (undef, @wrong) : $answer;
}

sub _failure {
    my ($error) = @_;

    die $error if !ref $error;
    my $code = $error->code_name;
    my $word =
          $code eq 'ETIMEDOUT'      ? 'slow'
        : $code =~ $setup           ? 'setup'
        : $code eq 'NETIO_ETOOLONG' ? 'garbage'
        : $error->stage eq 'read'   ? 'cut'
        :                             'unreachable';
    return ($word, $error->message);
}

sub _verdict {
    my ($answer) = @_;
    my $sorry = $answer->sorry;

    if (defined $sorry && $answer->complete) {
        (my $say = $sorry) =~ s/; try 'whois help'//;
        return ($sorry =~ /^(?:please|that query) / ? 'refused' : 'sorry', $sorry, $say);
    }
    return if $answer->help;
    my ($first) = $answer->lines;
    return (cut     => 'the answer is empty') if !defined $first;
    return (garbage => "the answer begins: $first") if !defined $answer->count && !defined $sorry;
    return (cut => 'the answer ends too early') if !$answer->complete;
    my $listed = () = $answer->matches;
    return (garbage => "the answer lists $listed entries") if $listed > $LIST_MAX;
    return (garbage => 'the answer has no entries')
        if !$answer->none && !$listed && !$answer->records;
    return;
}

1;
__END__

=head1 NAME

NetIO::Gateway::Inquiry - one question to whoisd, and a verdict on what came back

=head1 SYNOPSIS

    use NetIO::Gateway::Inquiry;

    my ($answer, $trouble, $detail) = NetIO::Gateway::Inquiry::ask('quinton',
        server => 'whois.example.org', port => 'whois', deadline => 10);
    print $answer ? $answer->count . "\n" : "$trouble: $detail\n";

=head1 DESCRIPTION

L<NetIO::Whois> takes any server's answer.  A gateway shows only those of a whoisd, and only whole
ones.

=head1 FUNCTIONS

=head2 ask

    my ($answer, $trouble, $detail, $sentence) = ask($query, %server);

Asks, with the options of L<NetIO::Whois/new>, and returns the answer.  It says how many entries
there are and has them all, or is whoisd's help.  Else it is undef, and what follows says why: a
word of L<NetIO::Gateway::Trouble>, a text for the log, and the directory's own sentence if it had
one.

=head1 ERRORS

=over

=item unreachable

There is no connection.

=item slow

The deadline passed.

=item cut

The connection ended before the answer did.

=item garbage

The answer is none of a whoisd, or is longer than any of its.

=item refused

The directory says that it cannot be asked that.

=item sorry

It says that it cannot answer now.

=item setup

The server or port is none.

=back

=head1 SEE ALSO

L<NetIO::Whois>, L<NetIO::Gateway::Trouble>

=cut
