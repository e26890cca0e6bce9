package NetIO::Socket;

# Methods that are not native.  Loaded when somebody asks for one; IO::Socket and Socket only
# for those that need them.

use strict;

use NetIO               ();
use NetIO::Socket::Plan ();

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
    if (@symbols) {
        require IO::Socket;
        @_ = ('Socket', $into, @symbols);
        goto &Exporter::export if $symbols[0] ne 'sockatmark';
        return IO::Socket->export_to_level(1, $class, 'sockatmark');
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
    return _fail($plan) if $plan->{code};
    ${*$self}{netio_plan} = $plan;
    return $self->setup || !$plan->{blocking} ? $self : undef;
}

# $!, $@ and $IO::Socket::errstr; undef.
sub _fail {
    my ($plan, $code) = @_;

    $! = $plan->{code} = defined $code ? 0 + $code : $plan->{code};
    @$plan{qw(message details)} = ("$!", "$!") if defined $code;
    ($@, $IO::Socket::errstr) = @$plan{qw(message details)};
    $! = $plan->{code};
    return undef;
}

# True; 0 with EINPROGRESS, or where a subclass has failed for a reason of its own; undef.
sub setup {
    my ($self) = @_;
    my $plan = ${*$self}{netio_plan} or return undef;

    return $plan->{dial} ? _setup_dial($self, $plan) : _setup_each($self, $plan);
}

# All addresses at once.  connect() then is for subclasses, which do more there.
sub _setup_dial {
    my ($self, $plan) = @_;

    while (defined(my $peer = _dial($self, $plan))) {
        @{ *$self }{qw(io_socket_domain io_socket_type io_socket_proto)}
            = (unpack('S', $peer), @number{qw(SOCK_STREAM IPPROTO_TCP)});
        _until($self, $plan->{until}) if defined $plan->{until};
        $plan->{connected} = $peer;
        my $done = $self->connect($peer);
        my $code = 0 + $!;
        delete $plan->{connected};
        $! = $done ? 0 : $code;
        return $done ? 1 : 0 if $done || !$code;
        $plan->drop($peer) or return _fail($plan, $code);
    }
    $plan->{code} = 0 + $!;
    return _fail($plan);
}

# One address after the other; what is not in blocking mode comes here again by connect().
sub _setup_each {
    my ($self, $plan) = @_;

    while (my $try = shift @{ $plan->{candidates} }) {
        if (!$self->socket(@$try{qw(family socktype)}, $try->{protocol} || 0)) {
            $plan->{failed}{socket} = 0 + $!;
            next;
        }
        _until($self, $plan->{until}) if defined $plan->{until};
        $self->blocking(0)            if !$plan->{blocking};
        for (@{ $plan->{options} }) {
            my ($level, $name, $value, $family) = @$_;
            next if $family && $family != $try->{family};
            CORE::setsockopt($self, $level, $name, $value) or return _fail($plan, $!);
        }
        if (defined $try->{localaddr} && !$self->bind($try->{localaddr})) {
            $plan->{failed}{bind} = 0 + $!;
            next;
        }
        defined $plan->{listen} && !$self->listen($plan->{listen}) and return _fail($plan, $!);
        my $peer = $try->{peeraddr};
        return 1 if !defined $peer || _connect_to($self, $plan, $peer);
        $plan->{in_progress} = $peer if $! == $number{EINPROGRESS};
        return 0                     if !$! || $! == $number{EINPROGRESS};
        $plan->{failed}{connect} = 0 + $!;
    }
    my ($code) = grep { defined } @{ $plan->{failed} }{qw(connect bind socket)};
    return _fail($plan, $code);
}

sub _connect_to {
    my ($self, $plan, $peer) = @_;

    local $plan->{connecting} = 1;
    $! = 0 if my $done = $self->connect($peer);
    return $done;
}

# The sooner of two deadlines, as _finish and _until have them.
sub _sooner {
    my ($one, $other) = @_;

    return $one && $other ? ($one < $other ? $one : $other) : $one || $other || 0;
}

sub connect {
    my ($self, @address) = @_;
    my $plan = ${*$self}{netio_plan} || {};

    return _connect_on($self, $plan) if !@address;
    return 1 if defined $plan->{connected} && $plan->{connected} eq $address[0];
    my $finish = $plan->{connecting} ? $plan->{finish} : _finish(${*$self}{io_socket_timeout});
    return _connect($self, $address[0], _sooner($finish, _until($self))) ? 1 : undef;
}

# The rest of a connect in non-blocking mode.
sub _connect_on {
    my ($self, $plan) = @_;

    if (!defined $plan->{in_progress}) {
        $! = $plan->{code} || 0;
        return $plan->{code} ? undef : 1;
    }
    my $error = CORE::getsockopt($self, $number{SOL_SOCKET}, $number{SO_ERROR});
    my $code  = defined $error ? unpack 'i', $error : 0 + $!;
    if (!$code && defined getpeername $self) {
        delete $plan->{in_progress};
        $! = 0;
        return 1;
    }
    if ($code) {
        delete $plan->{in_progress};
        $! = $plan->{failed}{connect} = $code;
        return $self->setup;
    }
    $! = $number{EINPROGRESS};
    return 0;
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
    my $timeout = ${*$self}{io_socket_timeout};
    my $fresh   = ($class || $self)->new(Timeout => $timeout);
    my $peer    = _accept($self, $fresh, _sooner(_finish($timeout), _until($self)));

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

=head1 ERRORS

A method that is called on what is no handle dies with C<not a handle>; C<deadline> on a handle
that is not from NetIO, with C<deadline: not a handle that NetIO opened>.  On a closed handle
methods return false or undef, with C<$!> set to EBADF.

=head1 EXAMPLES

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
