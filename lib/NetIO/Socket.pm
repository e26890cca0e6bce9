package NetIO::Socket;

# Methods that are not native.  Loaded when somebody asks for one; IO::Socket and Socket only
# for those that need them.

use strict;

use NetIO                ();
use NetIO::Socket::Plan  ();
use NetIO::Socket::Setup ();

my %number = _constants();

# As IO::Socket::IP: -register, and all that Socket exports.
sub import {
    my ($class, @names) = @_;
    my $into    = caller;
    my @symbols = grep { $_ ne '-register' } @names;

    # Who uses IO::Socket::IP has IO::Socket, its other classes and Errno.
    require IO::Socket if $class ne __PACKAGE__;
    _register($class)  if @symbols < @names;
    require Socket;
    if (@symbols && $symbols[0] eq 'sockatmark') {
        require IO::Socket;
        return IO::Socket->export_to_level(1, $class, 'sockatmark');
    }
    if (@symbols) {
        @_ = ('Socket', $into, @symbols);
        goto &Exporter::export;
    }
    no strict 'refs';
    *{"$into\::$_"} = \&{"Socket::$_"} for @Socket::EXPORT;
    return;
}

# IO::Socket->new(Domain => ...) takes Domain out of the arguments before it calls configure.
sub _register {
    my ($class) = @_;
    require IO::Socket;

    for my $family (@number{qw(AF_INET AF_INET6)}) {
        my $helper = "${class}::_Family$family";
        no strict 'refs';
        @{"$helper\::ISA"}       = ($class);
        *{"$helper\::configure"} = sub {
            my ($self, $arg) = @_;
            return bless($self, $class)->configure({ %$arg, Family => $family });
        };
        $helper->register_domain($family);
    }
    return;
}

sub new {
    my $class = shift;
    my %arg   = @_ == 1 ? (PeerHost => $_[0]) : @_;
    my $self  = _empty(ref $class || $class);

    ${*$self}{io_socket_timeout} = delete $arg{Timeout};
    return %arg ? scalar $self->configure(\%arg) : $self;
}

sub configure {
    my ($self, $arg) = @_;

    NetIO::Socket::Plan::normalize($arg);
    my $plan = NetIO::Socket::Plan->new($arg, ${*$self}{io_socket_timeout});
    return NetIO::Socket::Setup::fail($plan) if $plan->{code};
    ${*$self}{netio_plan} = $plan;
    my $done = $self->setup;
    delete ${*$self}{netio_plan} if $done;
    return $done || !$plan->{blocking} ? $self : undef;
}

# True; 0 with EINPROGRESS, or where a subclass has failed for a reason of its own; undef.
sub setup {
    my ($self) = @_;
    my $plan = ${*$self}{netio_plan} or return undef;

    return $plan->{dial}
        ? NetIO::Socket::Setup::dial($self, $plan)
        : NetIO::Socket::Setup::one_by_one($self, $plan);
}

sub connect {
    my ($self, @address) = @_;
    my $plan = ${*$self}{netio_plan} || {};

    return NetIO::Socket::Setup::go_on($self, $plan) if !@address;
    return 1 if defined $plan->{connected} && $plan->{connected} eq $address[0];
    my $finish = $plan->{connecting}
        ? NetIO::Socket::Setup::sooner($plan->{finish}, _until($self))
        : NetIO::Socket::Setup::finish_of($self);
    return _connect($self, $address[0], $finish) ? 1 : undef;
}

sub bind {
    my ($self, $address) = @_;

    return CORE::bind($self, $address) ? $self : undef;
}

sub listen {
    my ($self, $queue) = @_;

    return CORE::listen($self, $queue && $queue > 0 ? $queue : 5) ? $self : undef;
}

sub accept {
    my ($self, $class) = @_;
    my $fresh = ($class || $self)->new(Timeout => ${*$self}{io_socket_timeout});
    my $peer  = _accept($self, $fresh, NetIO::Socket::Setup::finish_of($self));

    if (!defined $peer) {
        my $code = 0 + $!;
        $@ = $IO::Socket::errstr = 'accept: timeout' if $code == $number{ETIMEDOUT};
        $! = $code;
        return;
    }
    ${*$fresh}{$_} = ${*$self}{$_} for qw(io_socket_domain io_socket_type io_socket_proto);
    return wantarray ? ($fresh, $peer) : $fresh;
}

sub socketpair {
    my ($class, $domain, $type, $protocol) = @_;
    my @pair = map { $class->new } 1, 2;

    return _pair(@pair, $domain, $type, $protocol) ? @pair : ();
}

# A number is shared with whoever has it open; a handle is copied.
sub fdopen {
    my ($self, $fd) = @_;
    my $is_number = !ref $fd && $fd =~ /\A[0-9]+\z/;
    my $number    = $is_number ? $fd : CORE::fileno $fd;

    return defined $number && _adopt($self, $number, !$is_number) ? $self : undef;
}

sub new_from_fd {
    my ($class, $fd) = @_;

    return _empty(ref $class || $class)->fdopen($fd);
}

# IO::Handle has none, although what is documented for handles has it.
sub binmode {
    my ($self, $layer) = @_;
    return @_ > 1 ? CORE::binmode($self, $layer) : CORE::binmode($self);
}

sub as_inet {
    my ($self) = @_;
    require IO::Socket;

    Carp::croak('Cannot downgrade a non-PF_INET socket to IO::Socket::INET')
        if $self->sockdomain != $number{AF_INET};
    return IO::Socket::INET->new_from_fd($self->fileno, 'r+');
}

sub split_addr { return NetIO::Socket::Plan::split_address($_[1]) }

sub join_addr {
    my (undef, $host, $port) = @_;

    $host = "[$host]" if $host =~ /:/;
    return defined $port ? "$host:$port" : $host;
}

sub CAN_DISABLE_V6ONLY { return 1 }

# What getnameinfo says of a packed address.
sub _names {
    my ($self, $packed, $numeric) = @_;
    require Socket;

    if (!defined $packed) {
        $! = $number{ENOTCONN};
        return;
    }
    my $flags = $numeric ? Socket::NI_NUMERICHOST() | Socket::NI_NUMERICSERV() : 0;
    $flags |= Socket::NI_DGRAM() if $self->socktype == $number{SOCK_DGRAM};
    my ($error, @names) = Socket::getnameinfo($packed, $flags);
    if ($error) {
        require Carp;
        Carp::croak("getnameinfo - $error");
    }
    return @names;
}

sub sockhost_service { return $_[0]->_names($_[0]->sockname, $_[1]) }
sub peerhost_service { return $_[0]->_names($_[0]->peername, $_[1]) }
sub sockhostname { return scalar +($_[0]->sockhost_service)[0] }
sub peerhostname { return scalar +($_[0]->peerhost_service)[0] }
sub sockservice  { return scalar +($_[0]->sockhost_service)[1] }
sub peerservice  { return scalar +($_[0]->peerhost_service)[1] }

1;
__END__

=head1 NAME

NetIO::Socket - a handle that keeps a deadline, and a drop-in for IO::Socket::IP

=head1 SYNOPSIS

    use NetIO;

    my $fh = tcpopen('whois.example.org', 'whois', timeout => 5, deadline => 30);
    print $fh "quinton\r\n";
    my @lines = <$fh>;
    die 'no whole answer: ', $fh->error, "\n" if $fh->error;

    printf "%d lines from %s, %.1f seconds left\n", scalar @lines, $fh->peerhost, $fh->deadline;

    # The same in the words of IO::Socket::IP:
    my $socket = NetIO::Socket->new(
        PeerHost => 'whois.example.org',
        PeerPort => 'whois',
        Timeout  => 5,
    ) or die "cannot connect: $@\n";

=head1 DESCRIPTION

What L<NetIO/tcpopen> returns: a Perl handle on a connected socket.  All of Perl's operators for
handles work on it, in Perl and in other people's modules, and all that wait (C<< <$fh> >>,
C<read>, C<getc>, C<eof>, C<print>, C<printf>, C<say>, C<write>, C<close> with output pending)
keep to the handle's one deadline, in both directions.

It is also a class that takes the place of L<IO::Socket::IP>: the same constructor, the same
methods, the same results.  A program that changes one name, or an F<IO/Socket/IP.pm> that is an
empty subclass of this one, gets connections that cannot hang.

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
again; an C<:encoding> layer, though, may lose track of what it was writing.  A handle whose
C<print> was ended so, and whose scope ends with it, waits for nobody: what its peer does not take
at once is not sent.  A handler must not
read from the very handle that is being read.  A peer that is gone makes C<print> fail with
EPIPE; no SIGPIPE is raised.

=head2 Foreign code

The socket is in blocking mode, and C<sysread>, C<syswrite>, L<IO::Socket::SSL> or C code that
takes C<fileno> have it as they expect; they do not know of the deadline.  If it is set to
non-blocking, by them or by C<< $fh->blocking(0) >>, reads and writes that would wait fail with
EAGAIN: the read may be tried again, the C<print> has lost what it could not send.

A copy by C<< open my $copy, '+<&', $fh >> shares the deadline as a reader.  For its output Perl
makes a layer of its own, which knows of no deadline: print to the original.

A thread that is born, and a child after C<fork>, have one of their own from then on.  The socket
is closed with the last of them.

=head2 In the place of IO::Socket::IP

C<use NetIO::Socket> exports what L<Socket> does, as IO::Socket::IP has it, unless it says
C<use NetIO::Socket ()>; with C<-register>, C<< IO::Socket->new(Domain => AF_INET) >> makes sockets
of this class.  A subclass is given the arguments in C<configure>, and its own C<connect> is called
with the address that has answered; C<SUPER::connect> then returns at once.

This is different:

=over

=item *

C<Timeout> is the time for everything: the name, all addresses, every handshake.  IO::Socket::IP
gives it to each address, and the name takes what it takes.

=item *

The addresses of a host are raced, as by L<NetIO/tcpopen>: a dead one costs a quarter of a second.
Where C<Blocking> is 0, they are tried one after the other, as there; the name is still looked up
before C<new> returns, within C<Timeout>.

=item *

A signal breaks neither C<new>, nor C<connect>, nor C<accept>: its handler runs, and the call goes
on.  To leave C<accept>, a handler dies or closes the listener (C<$!> is EBADF then).

=item *

A host that is not found sets C<$!> to EHOSTUNREACH, not to EINVAL.  C<$@> is what it was;
C<$IO::Socket::errstr> has every address that was tried, and what it said.

=item *

A connect in non-blocking mode that has failed stays failed: C<< $fh->connect >> says so again,
and is not true.

=item *

A C<LocalHost> of another family than the peer is an error (EAFNOSUPPORT), not a socket that is
not connected.

=item *

A C<LocalPort> may be used for several addresses at a time, so C<SO_REUSEADDR> is set for it.

=item *

A port of a peer is a number from 1 to 65535, in plain digits; a C<Timeout> that is no number, or
negative, makes C<new> fail with EINVAL.

=item *

An empty C<PeerAddrInfo> is a failure (EHOSTUNREACH), not a socket that is not connected.

=item *

On a UDP socket, C<< <$fh> >>, C<read> and C<print> take and send a datagram whole, however long it
is, and an empty one is not the end of the file.

=item *

C<GetAddrInfoFlags> counts where nothing is to be looked up, and for C<AI_NUMERICHOST>; names are
the business of NetIO's resolver, which needs no C<AI_ADDRCONFIG>.

=item *

C<connected> is the packed address of the peer, not 1.

=item *

C<fdopen> and C<new_from_fd> take sockets only (ENOTSOCK), and always for both directions.

=item *

IO::Socket itself is loaded when one of its methods is called.

=back

=head1 METHODS

Native methods, in the order of their use, then those of IO::Socket::IP.  All others of
L<IO::Handle> and L<IO::Socket> are there as well (C<getline>, C<printf>, C<sockopt>, C<send>,
C<recv>, ...); the first call of one loads IO::Socket.

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

For handles of L<NetIO/udpopen>, and on UDP sockets that C<new> has made: the next datagram, '' if
it is an empty one; or, after a read of another kind, what is left of the last one.  C<timeout> and
failures are those of L</read_line>.

=head2 new

    my $fh       = NetIO::Socket->new(PeerHost => $host, PeerPort => 'smtp', Timeout => 10);
    my $fh       = NetIO::Socket->new('www.example.org:http');
    my $listener = NetIO::Socket->new(LocalPort => 4343, Listen => 128, ReuseAddr => 1);
    my $udp      = NetIO::Socket->new(Proto => 'udp', LocalPort => 4343);

Makes a socket, as the L</OPTIONS> say; one lone argument is the C<PeerHost>.  Without arguments it
is a handle on nothing yet.  On failure, undef with C<$!>, C<$@> and C<$IO::Socket::errstr> set.

=head2 configure, setup

What C<new> calls.  C<configure> takes the options in a hash, on any glob that is blessed into
this class: C<Symbol::gensym> makes one.

=head2 accept

    my $client          = $listener->accept;
    my ($client, $peer) = $listener->accept('My::Client');

A new handle on the next connection, of the listener's class or the one given; in a list, with the
packed address of the peer.  It waits as long as the listener's C<Timeout> and L</deadline> let
it, and returns nothing then, with C<$!> ETIMEDOUT.  The new handle has the same C<Timeout>, and
no deadline.

=head2 connect

    $fh->connect($packed);    # of a socket that is not connected
    until ($fh->connect) {    # of new(Blocking => 0)
        $!{EINPROGRESS} or die "cannot connect: $!\n";
        IO::Select->new($fh)->can_write;
    }

Connects, within the C<Timeout>.  Without an argument it goes on with what C<Blocking> 0 has begun:
1 when it is done, 0 with C<$!> EINPROGRESS when it is not, undef when all addresses have failed.
Another address gets another socket, but the same descriptor.

=head2 socket, socketpair, bind, listen

As in L<IO::Socket>.  C<socket> on an open handle keeps its descriptor.

=head2 new_from_fd, fdopen

A handle on a socket that is there: a number is shared with whoever has it, a handle is copied.

=head2 sockname, peername, sockaddr, peeraddr

Addresses, packed with family and port, or the 4 or 16 bytes alone.  The peer of a UDP socket is
who has sent the last datagram that C<recv> took.

=head2 sockdomain, socktype, protocol

C<AF_INET>, C<SOCK_STREAM>, C<IPPROTO_TCP> or the like.

=head2 sockhost_service, peerhost_service, sockhostname, sockservice, peerhostname, peerservice

    my ($host, $service) = $fh->peerhost_service;

Names of an address and its port, or numbers where the argument is true.  For a name they ask the
system's resolver, which knows no deadline.

=head2 as_inet

An L<IO::Socket::INET> on the same descriptor.

=head2 split_addr, join_addr

    my ($host, $port) = NetIO::Socket->split_addr('[2001:db8::1]:80');
    my $text          = NetIO::Socket->join_addr('2001:db8::1', 80);

=head2 CAN_DISABLE_V6ONLY

True.

=head1 OPTIONS

Of C<new>; others are ignored.

=over

=item PeerHost (PeerAddr), PeerPort (PeerService)

Where to connect to.  The host may bring the port along: C<host:port>, C<192.0.2.1:80>,
C<[2001:db8::1]:80>, which then counts.  A port is a number, a name, or both: C<http(80)>.

=item LocalHost (LocalAddr), LocalPort (LocalService)

This end, in the same form.

=item PeerAddrInfo, LocalAddrInfo

Instead of these, lists that C<Socket::getaddrinfo> has returned.

=item Listen => INTEGER

Listens, with a queue of that length.

=item Timeout => SECONDS

The time C<new> may take, and later C<accept> and C<connect>.  0 is what needs no waiting.

=item Deadline => SECONDS

The time for the whole conversation, C<new> included, as the C<deadline> of L<NetIO/tcpopen>.

=item Blocking => BOOLEAN

False: the socket is in non-blocking mode, and L</connect> goes on where C<new> has left off.

=item Family (Domain), Type, Proto

C<AF_INET6>, C<SOCK_DGRAM>, C<'udp'>: what the socket must be.  By default, TCP.

=item ReuseAddr, ReusePort, Broadcast, V6Only

Options of the socket.  V6Only is left as the system has it unless it is given.

=item Sockopts => [[LEVEL, NAME, VALUE], ...]

More of them; without VALUE, 1.

=item GetAddrInfoFlags => FLAGS

As for C<Socket::getaddrinfo>, where nothing is to be looked up.

=item MultiHomed

May be true: all addresses are tried anyway.

=back

=head1 ERRORS

Arguments that make no sense together die as in IO::Socket::IP: C<Cannot Listen with a peer
address>, C<Expected 'PeerService'>, C<Unrecognised protocol ...>, C<Expected 'Sockopts' to be an
ARRAY ref>, C<Cannot disable the MultiHomed parameter>.  All else makes C<new> return undef.

A method that is called on what is no handle dies with C<not a handle>; C<deadline> on a handle
that is not from NetIO, with C<deadline: not a handle that NetIO opened>.  On a closed handle
methods return false or undef, with C<$!> set to EBADF.

So do C<read_line> and C<read_octets>, with their own names (and C<read_datagram>, of what
is not UDP).  They die as well of a tied handle, of
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

LWP and all else that uses IO::Socket::IP, with NetIO under it: a folder, first in C<@INC>, with
this F<IO/Socket/IP.pm>:

    package IO::Socket::IP;
    use NetIO::Socket ();
    our @ISA     = 'NetIO::Socket';
    our $VERSION = '0.41';
    1;

=head1 SEE ALSO

L<NetIO>, L<NetIO::Error>, L<IO::Socket::IP>, L<IO::Socket>, L<IO::Handle>, L<PerlIO>.

=cut
