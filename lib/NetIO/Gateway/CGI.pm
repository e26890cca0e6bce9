package NetIO::Gateway::CGI;

# The request and the response of a CGI program (RFC 3875): what the web server has put into the
# environment becomes a query or a trouble, and a page becomes bytes.  Called by whois2html and by
# the fuzzer; all of it is pure but deliver(), which writes.
#
# No warnings here: loading them takes longer than all that this file does, and every request would
# pay for it.  The programs have -w on their first line.

use strict;

my $QUERY_MAX = 1022;       # bytes, as in NetIO::Whois
my $BODY_MAX  = 1 << 20;    # more than any form has
my $DEPTH_MAX = 32;         # folders to climb from an address that is none of ours

my %reason = (
    200 => 'OK',
    400 => 'Bad Request',
    404 => 'Not Found',
    405 => 'Method Not Allowed',
    500 => 'Internal Server Error',
    502 => 'Bad Gateway',
    503 => 'Service Unavailable',
    504 => 'Gateway Timeout',
);

sub request {
    my ($class, $env) = @_;
    my $self = bless { head => '', help => '', base => '' }, $class;

    for my $read (qw(_read_length _read_method _read_path _read_query)) {
        my ($trouble, $detail) = $self->$read($env) or next;
        @$self{qw(trouble detail)} = ($trouble, $detail);
        last;
    }
    return $self;
}

sub query   { return $_[0]{query} }
sub help    { return $_[0]{help} }
sub head    { return $_[0]{head} }
sub base    { return $_[0]{base} }
sub trouble { return $_[0]{trouble} }
sub detail  { return $_[0]{detail} }

# A variable that is not there is an empty one (RFC 3875, section 4.1).
sub _of {
    my ($env, $name) = @_;
    return defined $env->{$name} ? $env->{$name} : '';
}

# Nobody reads the body.  A length is looked at because one that makes no sense, or one of a GET,
# is how a request is smuggled past a proxy that counts in another way.
sub _read_length {
    my ($self, $env) = @_;
    my $length = _of($env, 'CONTENT_LENGTH');
    my $coding = _of($env, 'HTTP_TRANSFER_ENCODING');
    my $read   = _of($env, 'REQUEST_METHOD') =~ /\A(?:GET|HEAD)\z/;

    return (length => "transfer coding $coding") if $coding ne '';
    return                                       if $length eq '';
    return (length => "content length $length")
        if $length !~ /\A[0-9]{1,9}\z/ || $length > $BODY_MAX || $read && $length > 0;
    return;
}

sub _read_method {
    my ($self, $env) = @_;
    my $method = _of($env, 'REQUEST_METHOD');

    $self->{head} = $method eq 'HEAD';
    return $method =~ /\A(?:GET|HEAD)\z/ ? () : (method => "method $method");
}

# There is one page.  From an address below it, links have to climb.
sub _read_path {
    my ($self, $env) = @_;
    my $path = _of($env, 'PATH_INFO');

    return if $path eq '' || $path eq '/';
    my $depth = $path =~ tr{/}{} - 1;
    $self->{base} = $depth > 0 ? '../' x ($depth < $DEPTH_MAX ? $depth : $DEPTH_MAX) : './';
    return (path => "path $path");
}

# Two names mean something, all others nothing.
sub _read_query {
    my ($self, $env) = @_;
    my $query;

    for my $pair (split /&/, _of($env, 'QUERY_STRING')) {
        my ($name, $value) = map { _octets($_) } split /=/, $pair, 2;
        next if !defined $name;
        $self->{help} = 1 if $name eq 'help';
        next if $name ne 'q';
        return (repeated => 'q is given twice') if defined $query;
        $query = $value;
        return (encoding => 'not percent-encoded') if !defined $query && $pair =~ /=/;
        $query = '' if !defined $query;
    }
    return defined $query ? $self->_take($query) : ();
}

# A name or a value of a form as the bytes it stands for; nothing if it stands for none.
sub _octets {
    my ($text) = @_;

    return undef if $text =~ /%(?![0-9A-Fa-f]{2})/;
    $text =~ tr/+/ /;
    $text =~ s/%(..)/chr hex $1/ge;
    return $text;
}

# The bytes become the query.  Perl decodes surrogates and numbers beyond Unicode, too, which are
# no UTF-8.
sub _take {
    my ($self, $query) = @_;

    return (long => length($query) . ' bytes') if length $query > $QUERY_MAX;
    return (encoding => 'not UTF-8')
        if !utf8::decode($query) || $query =~ /[^\x{0}-\x{d7ff}\x{e000}-\x{10ffff}]/;
    return (control => 'a control character') if $query =~ /[\x00-\x1f\x7f-\x9f]/;

    # Copied along from other pages; nobody sees or means them.
    $query =~ s/[\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}\x{feff}]+//g;
    $query =~ s/\A +//;
    $query =~ s/ +\z//;
    $self->{query} = $query;
    return;
}

# No byte of the request gets in here but through the page.
sub response {
    my ($class, %page) = @_;
    my ($status, $body) = @page{qw(status html)};

    utf8::encode($body);
    return join "\n",
        "Status: $status $reason{$status}",
        'Content-Type: text/html; charset=utf-8',
        'Content-Length: ' . length $body,
        "Content-Security-Policy: $page{policy}",
        'X-Content-Type-Options: nosniff',
        'Referrer-Policy: no-referrer',
        'Cache-Control: private, no-cache',
        $status == 405 ? 'Allow: GET, HEAD' : (),
        '', $page{head} ? '' : $body;
}

# One write, as a rule: print would cut the page into pieces of 8 KiB.
sub deliver {
    my ($class, $handle, $bytes) = @_;
    my $done = 0;

    while ($done < length $bytes) {
        my $n = syswrite $handle, $bytes, length($bytes) - $done, $done;
        return 0 if !$n && !_has_room($handle);
        $done += $n || 0;
    }
    return 1;
}

# A web server may hand over the end of a pipe or socket that it has made non-blocking for itself.
# True once there is room in it, where that was all.
sub _has_room {
    my ($handle) = @_;

    my $error = 0 + $!;

    require Errno;
    if ($error == Errno::EAGAIN()) {
        vec(my $bits = '', fileno $handle, 1) = 1;
        return select(undef, $bits, undef, undef) > 0;
    }
    $! = $error;
    return 0;
}

1;
__END__

=head1 NAME

NetIO::Gateway::CGI - the request and the response of a CGI program

=head1 SYNOPSIS

    use NetIO::Gateway::CGI;

    my $request = NetIO::Gateway::CGI->request(\%ENV);
    my $html    = $request->trouble
        ? '<!DOCTYPE html><title>No</title>'
        : '<!DOCTYPE html><title>Yes</title>';
    NetIO::Gateway::CGI->deliver(\*STDOUT, NetIO::Gateway::CGI->response(
        status => $request->trouble ? 400 : 200,
        head   => $request->head,
        policy => "default-src 'none'",
        html   => $html,
    ));

=head1 DESCRIPTION

What RFC 3875 has a web server tell a program, taken apart strictly, and the other way.  It is in
the place of the module CGI, whose loading takes several times as long as a whole request of
L<whois2html(1)>.

A gateway shows something and changes nothing: it is asked with GET or HEAD, one parameter C<q> is
the query, and C<help> asks for help.  All other parameters mean nothing.

=head1 METHODS

=head2 request

    my $request = NetIO::Gateway::CGI->request(\%ENV);

Takes the environment of a CGI program apart.  It looks at nothing else, and never fails: what is
wrong with the request is its L</trouble>.

=head2 query

What C<q> is, as characters: without blanks at the ends, and without the invisible ones that only
turn the direction of writing.  undef if there is none.

=head2 help

True if help is asked for.

=head2 head

True if the method is HEAD.

=head2 base

What the page's links have to begin with to lead to its own address: mostly nothing.

=head2 trouble

What is wrong with the request, a word for L<NetIO::Gateway::Trouble>; undef if all is well.

=head2 detail

The same for the log.

=head2 response

    my $bytes = NetIO::Gateway::CGI->response(status => 200, policy => $csp, html => $characters);

The response with its headers.  They are always the same, but for C<status>, the length, and
C<policy>, the Content-Security-Policy; a status of 405 has C<Allow>.  With C<head> they are all
there is.

=head2 deliver

    NetIO::Gateway::CGI->deliver(\*STDOUT, $bytes) or die "cannot write: $!\n";

Writes them, in one write if the system takes them so.

=head1 ERRORS

The words that L</trouble> can be:

=over

=item length

The request has a body where none belongs, or its length is no number, or more than 1 MiB, or is
not known beforehand.

=item method

It is neither GET nor HEAD.

=item path

The address goes on after the program's name.

=item encoding

The query is not percent-encoded UTF-8 as RFC 3629 has it: no surrogates, no longer forms.

=item control

The query has control characters.

=item long

It has more than 1022 bytes.

=item repeated

There are several.

=back

=head1 SEE ALSO

L<whois2html(1)>, L<NetIO::Gateway::HTML>

=cut
