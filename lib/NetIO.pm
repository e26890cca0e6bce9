# No strict, no warnings, no Exporter: what this file loads, every CGI request pays for.
## no critic (RequireUseStrict)
package NetIO;

our $VERSION = '0.01';

require XSLoader;
XSLoader::load('NetIO', $VERSION);

my %export = map { $_ => 1 } my @all = qw(tcpopen);

sub import {
    my $class = shift;
    my $into  = caller;

    for my $name (map { $_ eq ':all' ? @all : $_ } @_ ? @_ : 'tcpopen') {
        if (!$export{$name}) {
            my (undef, $file, $line) = caller;
            die qq{"$name" is not exported by the $class module at $file line $line.\n};
        }
        *{"$into\::$name"} = \&$name;
    }
    return;
}

# A handle is an IO::Socket, but IO::Socket is loaded (it costs ten times as much as all of
# this) only when somebody asks for a method that is not native.
@IO::Socket::ISA    = ('IO::Handle') if !@IO::Socket::ISA;
@NetIO::Socket::ISA = ('IO::Socket');

sub NetIO::Socket::DESTROY { }

# Loads until there is that method.  The caller's $fh->print($!) passes $! itself.
sub _load_method {
    my ($class, $method) = @_;
    local ($@, $!);

    for my $file ('NetIO/Socket.pm', 'IO/Socket.pm') {
        require $file;
        my $code = UNIVERSAL::can($class, $method);
        return $code if $code;
    }
    return;
}

sub NetIO::Socket::can {
    my ($self, $method) = @_;
    return UNIVERSAL::can($self, $method) || _load_method($self, $method);
}

sub NetIO::Socket::AUTOLOAD {
    my ($self) = @_;
    my $name   = $NetIO::Socket::AUTOLOAD;
    my $method = substr $name, rindex($name, ':') + 1;

    # Not of $self: a subclass may have called its SUPER's.
    my $code = _load_method('NetIO::Socket', $method);
    goto &$code if $code;
    my $class = ref $self || $self;
    my (undef, $file, $line) = caller;
    die qq{Can't locate object method "$method" via package "$class" at $file line $line.\n};
}

1;
__END__

=head1 NAME

NetIO - connections that cannot hang

=head1 SYNOPSIS

    use NetIO;

    my $fh = tcpopen('whois.example.org', 'whois', timeout => 5, deadline => 30);
    print $fh "quinton\r\n";
    while (my $line = <$fh>) {
        print $line;
    }
    die 'no whole answer: ', $fh->error, "\n" if $fh->error;

=head1 DESCRIPTION

NetIO is a network toolkit in C, with this module as its Perl face.  What it opens, reads and
writes is bounded in time: no name server, no unreachable address, no peer that is silent,
slow or deaf, and no signal keeps a program waiting past the deadline that it has set.

A connection is a real Perl handle.  C<print>, C<< <$fh> >>, C<read>, C<eof>, C<select>,
C<fileno>, C<binmode>, L<IO::Select> and the methods of L<IO::Handle> and L<IO::Socket> work on
it; see L<NetIO::Socket> for what it adds.

C<use NetIO> exports L</tcpopen>, and C<use NetIO ':all'> whatever else there is to export.
It loads no module but L<XSLoader>.  L<NetIO::Error> is loaded at the first error, and
IO::Socket when somebody asks for one of its methods.

=head1 FUNCTIONS

=head2 tcpopen

    my $fh = tcpopen($host, $service);
    my $fh = tcpopen($host, $service, timeout => 5, deadline => 30);

Opens a TCP connection and returns the handle, a L<NetIO::Socket>.  It throws a
L<NetIO::Error> if it cannot, and when an argument is wrong.

C<$host> is a name or a numeric address: C<whois.example.org>, C<192.0.2.1>, C<2001:db8::1>,
C<fe80::1%eth0>.  C<$service> is a port from 1 to 65535, a name from F</etc/services>, or
both, C<whois(43)>: then the number serves where the name is unknown.

If the host has several addresses they are tried in turn, IPv6 and IPv4 by turns, each for its
share of the time, until one answers.

The connection is close-on-exec, buffered for reading, and sends what is printed at once
(C<autoflush> is on).  It transfers bytes; see L<perlfunc/binmode> for characters.

=head1 OPTIONS

=over

=item timeout => SECONDS

The time to open the connection: the name, every address, every handshake.  Fractions count; 0
is no time at all; without the option, or with undef, it takes as long as the kernel lets it.

=item deadline => SECONDS

The time for the whole conversation, from the call to the last byte.  Each read and write of the
handle keeps to it, and opening the connection does, too.  What has not come by then is not
waited for: a peer that sends a byte now and then does not extend it.
L<NetIO::Socket/deadline> sets another one at any time.

=item family => 'inet' | 'inet6'

Only IPv4, or only IPv6.

=item fatal => BOOLEAN

A read or write that fails throws a L<NetIO::Error>, where otherwise it returns false or undef
as Perl's operators do.  C<close> and the end of the handle's scope never throw.

=back

=head1 ERRORS

Every failure is thrown as a L<NetIO::Error>, and sets C<$!> to a network error (ETIMEDOUT,
ECONNREFUSED, EHOSTUNREACH); wrong arguments set it to EINVAL.  The text names all that was
tried:

    tcpopen whois.example.org whois: connect [2001:db8::1]:43: Connection timed out;
        connect 192.0.2.1:43: Connection refused at lookup.pl line 7.

Wrong arguments read like this:

    tcpopen: no host given at lookup.pl line 7.
    tcpopen: unknown option 'Timeout' at lookup.pl line 7.
    tcpopen: timeout: 'soon' is not a number of seconds at lookup.pl line 7.

Signal handlers in C<%SIG> run while NetIO waits.  They may C<die>: the exception ends the
call, and nothing is left open.  A handler that returns changes nothing about the time that is
left.

With taint checks (C<perl -T>), a host or service that is tainted ends the program with
C<Insecure dependency in tcpopen>.  What a handle reads is tainted.

=head1 EXAMPLES

One time limit for opening, and the reason when it fails:

    my $fh = eval { tcpopen($host, 'finger', timeout => 3) };
    if (!$fh) {
        warn $@->message, "\n";
        warn "  $_->{address}: ", $_->{elapsed}, " seconds\n" for $@->attempts;
    }

A conversation of several steps, with a new deadline for each of them:

    my $fh = tcpopen($host, 'smtp', timeout => 10, fatal => 1);
    for my $command ('EHLO client.example.org', 'QUIT') {
        $fh->deadline(30);
        print $fh "$command\r\n";
        my $reply = <$fh>;
    }

=head1 SEE ALSO

L<NetIO::Socket>, the handle; L<NetIO::Error>; L<NetIO::Whois>, which asks directory servers.

F<netio/open.h> has the same for C.

=cut
