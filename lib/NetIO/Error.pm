package NetIO::Error;

use strict;
use warnings;

use NetIO ();

# Accessors and overloads are native; this file adds the codes by name.
my %code = _codes();
for my $name (keys %code) {
    my $value = $code{$name};
    no strict 'refs';
    *$name = sub () { $value };
}

1;
__END__

=head1 NAME

NetIO::Error - what failed, where, and after how long

=head1 SYNOPSIS

    use NetIO;
    use NetIO::Error;

    my $fh = eval { tcpopen('whois.example.org', 'whois', timeout => 5) };
    if (my $error = $@) {
        die $error if !ref $error;                 # not ours
        print 'cannot connect: ', $error->message, "\n";
        print "$_->{address} after $_->{elapsed} seconds\n" for $error->attempts;
        print "no such host\n" if $error->code == NetIO::Error::NONAME;
        print "try again later\n" if $!{ETIMEDOUT};
    }

=head1 DESCRIPTION

NetIO throws objects of this class.  As a text, one is its message with the place in the program,
C<MESSAGE at FILE line N.> and a newline; as a number, it is the errno; and it is always true.
The place is that of the innermost caller that does not belong to NetIO.

When one is thrown, C<$!> is its errno.

The class is loaded at the first error.  Say C<use NetIO::Error> where the program names its
constants.

=head1 METHODS

=head2 message

What the error says, without the place.

=head2 file, line

The place.

=head2 what

The call that failed: C<tcpopen>, C<udp_ask>, C<ask>.  undef for a read or write of a handle with
C<fatal>.

=head2 host, service

What the call was given; undef if it did not come so far as to look at them.  For C<unixopen> the
host is the path, for C<udp_ask> all servers, C<a, b>.

=head2 stage

What was being done: C<option> (an argument is wrong), C<resolve>, C<service>, C<socket>,
C<bind>, C<connect>, C<read>, C<write>; of a daemon C<user>, C<group>, C<privileges>, C<sandbox>,
C<pid file>, C<daemonize>, C<notify>, C<child>, C<exec>.

=head2 code

The code: a negative errno, or one of the L</CODES>.

=head2 code_name, text

The name of the code, C<ECONNREFUSED> or C<NETIO_ENONAME>, and what it means in English.

=head2 errno

The errno nearest to the code.

=head2 address

The numeric address and port it was done to, C<192.0.2.1:43> or C<[2001:db8::1]:43>; undef for
none.

=head2 elapsed

Seconds from the call to the failure; undef for what methods of a handle throw.

=head2 attempts

A list of what was tried, in that order; in scalar context, how many.  Each is a hash with
C<stage>, C<address>, C<code>, C<errno> and C<elapsed>; from C<udp_ask> also with C<server>, as it
was given, C<asked>, how many requests it was sent, and C<invalid>, how many of its datagrams
were no answer.

=head2 reply

    print $client $error->reply, "\r\n";

The same as a reply of the Ph protocol, in the words of the first C<tcpopen>, for gateways to pass
on:

    550:Cannot connect(SERVICE://HOST)
    550:Cannot getservbyname(SERVICE)
    550:Cannot gethostbyname(HOST)
    550:Cannot read(SERVICE://HOST)

One line without an end, in printable ASCII: whatever else a host or service holds is shown as
C<\xHH>, and each is cut at 160 characters.

=head2 throw

    NetIO::Error->throw(
        message => "ask $host: nonsense",
        stage   => 'read',
        code    => NetIO::Error::TOOLONG,
    );

Throws one with these fields, for modules that build on NetIO; called on a class that inherits from
this one, an object of that class.  C<errno> comes from C<code>, and
C<message> from its text, where they are not given.

=head1 CODES

Functions without arguments, to compare L</code> with.

=over

=item NetIO::Error::EOF

Closed by the other end.

=item NetIO::Error::TOOLONG

Longer than the limit.

=item NetIO::Error::NONAME

The host was not found.

=item NetIO::Error::NOADDRESS

The host has no address of the wanted family.

=item NetIO::Error::RESOLVER

The name service failed.

=item NetIO::Error::BADHOST, BADSERVICE, BADADDRESS, BADNETWORK, BADOPTION

Not a valid host name, an unknown service, not a valid address, network or option.

=item NetIO::Error::SELFCONNECT

The kernel had connected the socket to itself.

=item NetIO::Error::PRIVILEGE

A reserved port was asked for without the privilege for it.

=item NetIO::Error::RESERVED

All reserved ports are taken.

=item NetIO::Error::FULL

No room left.

=item NetIO::Error::NOIDN

A host name beyond ASCII needs libidn2, which is not installed.

=item NetIO::Error::RUNNING, NOTRUNNING, STARTING

The daemon of a pid file runs already, does not run, or is not ready yet.

=item NetIO::Error::LEFT

The daemon of a pid file has ended (or cannot be seen from here), but a process that it forked still
has the file open.

=item NetIO::Error::BADPIDFILE, UNSAFE

Not a pid file, or one that others may change.

=item NetIO::Error::DIED

The daemon ended before it was ready.

=item NetIO::Error::NOUSER, NOGROUP

No such user or group.

=item NetIO::Error::NOTFILE, NORULE

What should be a file of rules is no regular file, or has no rule in it.

=item NetIO::Error::LIED

A system call reported success without effect.

=item NetIO::Error::REGAIN

Privileges that were given up could be regained.

=item NetIO::Error::NOSANDBOX

This kernel does not offer what the sandbox needs.

=back

=head1 ERRORS

A method that is called on something else dies with C<not a NetIO::Error>.

=head1 SEE ALSO

L<NetIO>; F<netio/error.h> has the same codes for C.

=cut
