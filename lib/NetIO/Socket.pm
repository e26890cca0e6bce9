package NetIO::Socket;

use strict;
use warnings;

use IO::Socket ();
use NetIO      ();

# Nothing: the one of IO::Socket would export all of Socket.
sub import { }

# IO::Handle has none, although what is documented for handles has it.
sub binmode {
    my ($self, $layer) = @_;
    return @_ > 1 ? CORE::binmode($self, $layer) : CORE::binmode($self);
}

1;
__END__

=head1 NAME

NetIO::Socket - a handle that keeps a deadline

=head1 SYNOPSIS

    use NetIO;

    my $fh = tcpopen('whois.example.org', 'whois', timeout => 5, deadline => 30);
    print $fh "quinton\r\n";
    my @lines = <$fh>;
    die 'no whole answer: ', $fh->error, "\n" if $fh->error;

    printf "%d lines from %s, %.1f seconds left\n", scalar @lines, $fh->peerhost, $fh->deadline;

=head1 DESCRIPTION

What L<NetIO/tcpopen> returns: a Perl handle on a connected socket.  All of Perl's operators for
handles work on it, in Perl and in other people's modules, and all that wait (C<< <$fh> >>,
C<read>, C<getc>, C<eof>, C<print>, C<printf>, C<say>, C<write>, C<close> with output pending)
keep to the handle's one deadline, in both directions.

=head2 At the deadline

What has been read by then can still be had: C<read> returns the bytes that came, and
C<< <$fh> >> the line as far as it came.  The next call returns undef (an empty list, or false for
C<print>) with C<$!> set to ETIMEDOUT, and from then on L</error> is true.  The end of the
file is something else: undef, C<$!> 0, and no error.  So a loop ends with a question:

    while (my $line = <$fh>) { ... }
    die 'no whole answer: ', $fh->error, "\n" if $fh->error;

C<eof> is true at the deadline as it is at the end; C<getc> sets C<$!> to EBADF at both, as Perl
has it; L</error> knows.  With the option C<fatal> there is no question: a failure is thrown as
a L<NetIO::Error>.

L</deadline> gives a handle more time, and reading goes on where it was.  Writing does not: of a
C<print> that failed, some part may have been sent and the rest is lost, and so that the peer
never gets a text with a hole in it, every further C<print> fails as well.

=head2 Signals

A signal does not disturb a read or write, except that its handler in C<%SIG> runs at once.  The
handler may die out of it, close the handle, or change its deadline; after a C<die> the handle
can be used as if the read or write had not been begun, and what had been sent is not sent
again; an C<:encoding> layer, though, may lose track of what it was writing.  A handler must not
read from the very handle that is being read.  A peer that is gone makes C<print> fail with
EPIPE; no SIGPIPE is raised.

=head2 Foreign code

The socket is in blocking mode, and C<sysread>, C<syswrite>, L<IO::Socket::SSL> or C code that
takes C<fileno> have it as they expect; they do not know of the deadline.  If it is set to
non-blocking, by them or by C<< $fh->blocking(0) >>, reads and writes that would wait fail with
EAGAIN: the read may be tried again, the C<print> has lost what it could not send.

A copy by C<< open my $copy, '+<&', $fh >> shares the deadline as a reader.  For its output Perl
makes a layer of its own, which knows of no deadline: print to the original.

A thread that is born, and a
child after C<fork>, have one of their own from then on.  The socket is closed with the last of
them.

=head1 METHODS

Native methods, in the order of their use.  All others of L<IO::Handle> and L<IO::Socket> are there
as well (C<getline>, C<printf>, C<sockopt>, ...); the first call of one loads IO::Socket.

=head2 deadline

    $fh->deadline(10);          # ten seconds from now
    $fh->deadline(undef);       # no deadline
    my $left = $fh->deadline;   # undef: none

Sets the deadline for all that follows, and returns the seconds that are left: 0 when it has
passed, undef when there is none.  Another one makes a handle that has met its deadline good
again for reading.  Dies when the argument is not a number of seconds.

=head2 error

    die 'reading: ', $fh->error, "\n" if $fh->error;

What failed first: a text and an error number in one value, as C<$!> is; 0 if nothing has.

=head2 clearerr

Forgets what failed, a failed C<print> included.  Returns 0, or -1 for a closed handle.

=head2 timeout

    my $seconds = $fh->timeout;
    my $before  = $fh->timeout(5);

The time to open that L<NetIO/tcpopen> was given, undef if none.  Setting it, as with
L<IO::Socket>, is for modules that look here for the time they may take; it changes nothing
in this one.

=head2 close

True, or false with C<$!> set if the output could not be sent, or something that was printed
before could not.

=head2 shutdown

    $fh->shutdown(1);   # no more output: the peer reads the end of the file

0 ends reading, 1 writing, 2 both; where writing ends, output that is pending goes first.  True,
or false with C<$!> set.

=head2 peerhost, peerport, sockhost, sockport

The peer's address and port, and one's own, as numbers.  undef with C<$!> set when there are
none, as after a reset.

=head2 connected

The packed address of the peer, or undef.

=head2 fileno, opened, blocking, autoflush

As in L<IO::Handle>.

=head2 read_line

    my $line = $fh->read_line;
    my $line = $fh->read_line(max => 512, timeout => 5);

One line, without its LF or CRLF; the last one may lack it.  What it takes is octets, NULs and lone
CRs included, and C<$/> does not matter.

C<max> is the longest line, its end not counted; 8192 unless told.  C<timeout> is the time, in
seconds, for this one call: it begins with the call, no drip of bytes extends it, and 0 is "what
is there".  The handle's L</deadline> holds as well, whichever is the sooner.

It takes a whole line or nothing.  Otherwise it returns undef, with C<$!> telling why:

=over

=item 0

The end of the file.

=item EMSGSIZE

The line is longer than C<max>.

=item ETIMEDOUT

The time of the call was over, and L</error> is 0; or the handle's deadline has passed, and
L</error> tells.

=item others

What befell the connection: ECONNRESET, say, as with C<< <$fh> >>.

=back

In each of these cases, and after a handler of a signal has died out of the call, everything
that has come is still there for the next one: for C<read_line> with another C<max> or more
time, for C<read>, or for C<< <$fh> >>, which skips a line that is too long.  With C<fatal>
all but the end of the file is thrown.

It mixes with C<< <$fh> >>, C<read>, C<getc>, C<eof> and C<ungetc>; not with C<sysread>, which goes
past the buffer.

=head2 read_octets

    my $head = $fh->read_octets(4);
    my $body = $fh->read_octets($length, timeout => 5);

So many octets, in the same way: all of them or nothing.  The end of the file is the end before
the first of them; in the middle it is ECONNRESET (L<NetIO::Error> calls it EOF, "closed by the
other end"), and what has come is still there.

=head2 read_datagram

    my $reply = $fh->read_datagram(timeout => 1);

For handles of L<NetIO/udpopen>: the next datagram, '' if it is an empty one; or, after a read of
another kind, what is left of the last one.  C<timeout> and failures are those of L</read_line>.

=head1 ERRORS

A method that is called on what is no handle dies with C<not a handle>; C<deadline> on a handle
that is not from NetIO, with C<deadline: not a handle that NetIO opened>.  On a closed handle
methods return false or undef, with C<$!> set to EBADF.

So do C<read_line> and C<read_octets>, with their own names (and C<read_datagram>, of what
C<udpopen> has not opened).  They die as well of a tied handle, of
one that C<binmode> has left without a buffer, of one that has characters (C<:utf8>,
C<:encoding>), since they read octets, and of wrong arguments:

    read_line: max: '0' is not a number of octets at lookup.pl line 7.
    read_line: unknown option 'limit' at lookup.pl line 7.

=head1 EXAMPLES

Lines of a stranger, none longer than a mail may have, none later than a minute:

    while (defined(my $line = $fh->read_line(max => 998, timeout => 60))) {
        ...
    }
    die "no further: $!\n" if $!;

Take what comes within ten seconds, and no more:

    $fh->deadline(10);
    read $fh, my $text, 1_000_000;
    warn 'cut: ', $fh->error, "\n" if $fh->error;

A request on a connection that is kept, whoever else may have used up its time:

    sub request {
        my ($fh, $line) = @_;
        $fh->deadline(5);
        print {$fh} "$line\r\n" and defined(my $reply = <$fh>)
            or die 'no reply: ', $fh->error, "\n";
        return $reply;
    }

=head1 SEE ALSO

L<NetIO>, L<NetIO::Error>, L<IO::Socket>, L<IO::Handle>, L<PerlIO>.

=cut
