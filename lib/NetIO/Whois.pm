package NetIO::Whois;

# No warnings, and NetIO::Error only when there is an error: a CGI request would pay 2 ms for them.

use strict;

use NetIO ();

my $QUERY_MAX = 1022;       # with CR and LF, the 1024 bytes that servers take
my $CHUNK     = 64 * 1024;

my %default = (
    server   => 'localhost',
    port     => 'whois',
    timeout  => undef,
    deadline => undef,
    limit    => 1024 * 1024,
);

sub new {
    my ($class, %option) = @_;
    my %self = %default;

    for my $name (sort keys %option) {
        _refuse("unknown option '$name'") if !exists $default{$name};
        $self{$name} = $option{$name} if defined $option{$name};
    }
    _refuse("limit: '$self{limit}' is not a number of bytes") if $self{limit} !~ /^[0-9]+\z/;
    return bless \%self, $class;
}

sub _refuse {
    my ($problem) = @_;

    require NetIO::Error;
    NetIO::Error->throw(
        what    => 'new',
        stage   => 'option',
        code    => NetIO::Error::BADOPTION(),
        message => "NetIO::Whois: $problem",
    );
}

sub ask {
    my ($self, $query) = @_;
    my $line = $self->_line($query);
    my $fh   = NetIO::tcpopen(
        @$self{qw(server port)},
        timeout  => $self->{timeout},
        deadline => $self->{deadline},
    );

    local $\;

    # A server that is too busy may answer and close without reading: what it says counts
    # for more than that the query could not be sent.
    my $trouble = print({$fh} $line) ? 0 : $fh->error;
    $fh->clearerr;
    my $text = $self->_slurp($fh);
    $self->_throw('write', $trouble) if $trouble && !length $text;
    return NetIO::Whois::Answer->new($text);
}

# The query as it goes over the wire.
sub _line {
    my ($self, $query) = @_;
    my $problem =
        !defined $query ? 'there is none' : $query =~ /[\r\n\0]/ ? 'it is not one line' : '';

    utf8::encode($query) if !$problem;
    return "$query\r\n" if !$problem && length $query <= $QUERY_MAX;

    require NetIO::Error;
    my $code = $problem ? NetIO::Error::BADOPTION() : NetIO::Error::TOOLONG();
    $problem ||= sprintf 'it has %d bytes, more than %d', length $query, $QUERY_MAX;
    NetIO::Error->throw(
        what    => 'ask',
        stage   => 'option',
        code    => $code,
        message => "ask: not a query: $problem",
    );
}

# Everything until the server closes.
sub _slurp {
    my ($self, $fh) = @_;
    my $text = '';

    while (1) {
        my $got = read $fh, $text, $CHUNK, length $text;
        $self->_throw('read', $fh->error) if $fh->error;
        return $text if !$got;
        next if length $text <= $self->{limit};
        require NetIO::Error;
        $self->_throw('read', NetIO::Error::TOOLONG(), "answer longer than $self->{limit} bytes");
    }
}

# code: an errno, or one of NetIO's own codes.
sub _throw {
    my ($self, $stage, $code, $text) = @_;
    my ($server, $port) = @$self{qw(server port)};

    $text ||= "$stage: $code";
    $code = 0 + $code;
    NetIO::Error->throw(
        what    => 'ask',
        host    => $server,
        service => $port,
        stage   => $stage,
        code    => $code > 0 ? -$code : $code,
        message => "ask $server $port: $text",
    );
}

package NetIO::Whois::Answer;

sub new {
    my ($class, $octets) = @_;
    my @lines = split /\r?\n/, $octets, -1;

    # Without an end it is no line, but what was left of one when the connection was cut.
    my $ended = @lines && $lines[-1] eq '';
    pop @lines if $ended;
    return bless { lines => [map { _characters($_) } @lines], ended => $ended }, $class;
}

# UTF-8, or else Latin-1; without what would move the cursor, end the line, or turn the
# direction of writing.  Perl decodes surrogates and numbers beyond Unicode, too, which are
# no UTF-8.
sub _characters {
    my ($octets) = @_;
    my $line = $octets;

    utf8::decode($line);
    $line = $octets if $line =~ /[^\x{0}-\x{d7ff}\x{e000}-\x{10ffff}]/;
    $line =~ tr/\t/ /;
    $line =~ s/[\x00-\x1f\x7f-\x9f]+//g;
    $line =~ s/[\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}\x{feff}]+//g;
    return $line;
}

sub lines { return @{ $_[0]{lines} } }

sub text {
    my ($self) = @_;
    return join '', map { "$_\n" } $self->lines;
}

# "There were N matches on your request.": how the other servers' answers are told apart.
sub _found {
    my ($self) = @_;

    return if !@{ $self->{lines} };
    return $self->{lines}[0] =~ /^There were (no|(?:more than )?[0-9]+) matches on your request\.$/;
}

sub count {
    my ($self) = @_;
    my ($found) = $self->_found or return;

    return $found eq 'no' ? 0 : $found =~ /([0-9]+)/ ? $1 : undef;
}

sub none { my $count = $_[0]->count; return defined $count && $count == 0 }

sub truncated { my ($found) = $_[0]->_found; return defined $found && $found =~ /^more/ }

sub sorry {
    my ($self) = @_;

    return @{ $self->{lines} } && $self->{lines}[0] =~ /^Sorry, (.+)$/ ? $1 : undef;
}

sub help {
    my ($self) = @_;

    return @{ $self->{lines} } && $self->{lines}[0] =~ /^This server looks things up /;
}

# What whoisd found ends in a line that says how to go on, and its apology is one line.
sub complete {
    my ($self) = @_;

    return 0 if !$self->{ended};
    return $self->{lines}[-1] =~ /^(?:For more information try |To see one of them, )/
        || defined $self->sorry;
}

sub matches { return @{ $_[0]->_parsed->{matches} } }

sub records { return @{ $_[0]->_parsed->{records} } }

# Lines are pairs: a label that ends at column 20 (or at the first colon, if it is longer), a
# colon, a value.  A label of nothing but blanks goes on with the value above.
sub _parsed {
    my ($self) = @_;

    return $self->{parsed} if $self->{parsed};
    my (@matches, @records, $record, $value);
    my @body = $self->_found ? @{ $self->{lines} } : ();

    # What a list does not end with: in a record, a label may begin with '!'.
    my $is_list = @body && $body[-1] !~ /^For more information try /;
    for my $line (@body[1 .. $#body]) {
        if ($line =~ /^ {20}: (.*)$/ && $value) {
            $$value .= " $1";
        } elsif ($is_list && $line =~ /^ *!(\S.*?): (.*)$/) {
            push @matches, { handle => $1, name => $2 };
            $value = \$matches[-1]{name};
        } elsif ($line =~ /^(?= {0,19}\S)(.{20}|[^:]{20,}): ?(.*)$/ && !@matches) {
            push @records, $record = bless { fields => [] }, 'NetIO::Whois::Record' if !$record;
            push @{ $record->{fields} }, [$1, $2];
            $record->{fields}[-1][0] =~ s/^ +//;
            $value = \$record->{fields}[-1][1];
        } else {
            undef $record;
            undef $value;
        }
    }
    my $summary = qr/ \(([^()]*(?:\([^()]*\)[^()]*){0,99})\)$/;
    $_->{summary} = $_->{name} =~ s/$summary// ? $1 : '' for @matches;
    return $self->{parsed} = { matches => \@matches, records => \@records };
}

package NetIO::Whois::Record;

sub fields { return map { [@$_] } @{ $_[0]{fields} } }

sub labels {
    my ($self) = @_;
    my %seen;
    return grep { !$seen{$_}++ } map { $_->[0] } @{ $self->{fields} };
}

sub get {
    my ($self, $label) = @_;
    my @values = map { $_->[1] } grep { $_->[0] eq $label } @{ $self->{fields} };

    return wantarray ? @values : $values[0];
}

1;
__END__

=head1 NAME

NetIO::Whois - asks a directory over whois

=head1 SYNOPSIS

    use NetIO::Whois;

    my $whois = NetIO::Whois->new(
        server   => 'whois.example.org',
        port     => 'whois',
        timeout  => 5,
        deadline => 30,
    );
    my $answer = $whois->ask('quinton');
    for my $match ($answer->matches) {
        print "$match->{handle}: $match->{name}\n";
    }
    for my $record ($answer->records) {
        print "$$_[0] = $$_[1]\n" for $record->fields;
    }

=head1 DESCRIPTION

The client side of whois (RFC 3912): one line to the server, and everything it sends until it
closes.  What L<whoisd(8)> answers is taken apart into matches and records; the answers of other
servers are lines.

=head1 METHODS

=head2 new

Returns an asker.  See L</OPTIONS>.  It holds no connection, and can be asked any number of times.

=head2 ask

    my $answer = $whois->ask('!00-00-0C');

Connects, asks, and returns the answer.  The query is characters; it goes out as UTF-8, may have
1022 bytes in that, and no line end or NUL.  Throws a L<NetIO::Error> if there is no whole answer.

=head2 Of an answer

=over

=item lines

A list of its lines, as characters: each is UTF-8, or else Latin-1.  Control characters are
removed (a tab becomes a blank), and so are those that turn the direction of writing.

=item text

The lines in one text, each with a newline.

=item count

How many entries matched, as the server says; when there were too many, how many it listed.
undef if the answer is not one of whoisd's, or is none to a question.

=item none

True if nothing matched.

=item truncated

True if more matched than the server lists.

=item matches

The lines of a listing: hashes with C<handle>, C<name> and C<summary>.  Ask for C<!HANDLE> to
have the record.

=item records

The records, if the answer has them in full.

=item sorry

What the server apologizes for, if it could not answer; else undef.

=item help

True if it is whoisd's help.

=item complete

True if it ends as whoisd's answers do: false where the connection was cut in the middle, which
looks like an end to TCP.  Of other servers' answers, and of L</help>, nobody can tell.

=back

=head2 Of a record

=over

=item fields

A list of pairs, each a reference to label and value, in the server's order.  A label may come
more than once.

=item labels

A list of the labels, each once.

=item get

    my $name  = $record->get('Full Name');
    my @lines = $record->get('Address');

The values of a label; in scalar context, the first.

=back

=head1 OPTIONS

=over

=item server => HOST

By default C<localhost>.

=item port => SERVICE

A number or a name; by default C<whois>.

=item timeout => SECONDS, deadline => SECONDS

The time to connect, and the time for all of it, as in L<NetIO/tcpopen>.

=item limit => BYTES

The longest answer that is taken; by default 1 MiB.

=back

=head1 ERRORS

    ask: not a query: there is none
    ask: not a query: it is not one line
    ask: not a query: it has 2000 bytes, more than 1022
    ask 192.0.2.1 whois: read: Connection timed out
    ask 192.0.2.1 whois: answer longer than 1048576 bytes
    NetIO::Whois: unknown option 'host'
    NetIO::Whois: limit: '1M' is not a number of bytes

and those of L<NetIO/tcpopen>.

=head1 EXAMPLES

The whole record, also where the question found several:

    my $answer = $whois->ask($words);
    my ($first) = $answer->matches;
    $answer = $whois->ask("!$first->{handle}") if $first;
    print $answer->text;

=head1 SEE ALSO

L<NetIO>, L<NetIO::Error>, L<netio-whois(1)>, L<whoisd(8)>.

=cut
