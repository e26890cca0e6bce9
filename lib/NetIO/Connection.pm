package NetIO::Connection;

# All of it is native (xs/connection.c), and there as soon as a server is.
use strict;
use warnings;

use NetIO::Server ();

1;

__END__

=head1 NAME

NetIO::Connection - what the handlers of a server get of a connection

=head1 SYNOPSIS

    use NetIO::Server;

    NetIO::Server->new(
        listen  => 2907,
        on_open => sub { $_[0]->data({ lines => 0 }) },
        on_line => sub {
            my ($connection, $line) = @_;
            my $lines = ++$connection->data->{lines};
            $connection->timer(60, sub { $_[0]->reply("too late\r\n") }) if $lines == 1;
            $connection->reply("$lines lines\r\n")                       if $line eq '.';
        },
    )->run;

=head1 DESCRIPTION

An object is there from C<on_open> to C<on_close>; its data and its timers go with the connection.  One that
is kept longer is an empty shell: what it is asked is undef or 0, and what is to be sent is not (false, C<$!>
is EPIPE).  See L<NetIO::Server>.

=head1 METHODS

=head2 Sending

=over

=item write(OCTETS, ...)

Buffers them to be sent when the handler returns.  False, with C<$!>, when they are not going to be: behind
C<close> or C<reply> (EPIPE), or beyond C<write_max> (ENOBUFS), which ends the connection by a reset.  It dies
of characters that are no octets.

=item reply(OCTETS, ...)

That, and C<close>.

=item close

Takes nothing more; what is buffered is sent, then it ends cleanly.

=item shutdown

What is buffered is sent, then the end of file; what the peer sends is still heard.

=item abort

Ends it by a reset, without sending what is buffered.

=item waiting

How many octets wait to be sent.

=back

=head2 Receiving

=over

=item line

In C<on_line>, the line.

=item unread(COUNT)

In C<on_data>, so many of its last octets come again, with more.

=item pause, resume

In between nothing is read, and no handler is called for it.

=back

=head2 Knowing

=over

=item peer, peerhost, peerport

C<192.0.2.1:4711>, or its parts; behind a proxy, whom that has named.  Undef when it is not known.

=item local, sockhost, sockport

The address that it came to.

=item credentials

Of a peer on a unix socket: a reference to a hash with C<pid>, C<uid>, C<gid> and C<groups>, as they were when it
connected.  Else undef.

=item age

Seconds since it was accepted.

=item fd

Its descriptor, to ask things of.  It is the server's own.

=item server

The L<NetIO::Server>.

=item data

=item data(VALUE)

The program's own.

=back

=head2 Waiting

=over

=item timer(SECONDS, CODE)

Calls CODE with the connection once, so much later, if it is still there.  Returns an object with a method
C<stop>; whether it is kept makes no difference.

=back

=head1 ERRORS

C<write> and C<reply> die of characters that are no octets; C<timer> throws a L<NetIO::Error> of what is no
number of seconds or no code.  All else that can go wrong is a value: false with C<$!>, undef or 0.

=head1 SEE ALSO

L<NetIO::Server>

=cut
