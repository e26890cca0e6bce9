# No strict, no warnings, no Exporter: what this file loads, every CGI request pays for.
## no critic (RequireUseStrict)
package NetIO;

our $VERSION = '0.01';

require XSLoader;
XSLoader::load('NetIO', $VERSION);

my %export = map { $_ => 1 } my @all = qw(tcpopen udpopen unixopen udp_ask tcplisten timeout daemonize);

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

# The guard bounds the scope of this sub: whatever way the block is left, it is gone.  What was
# interrupted may have been the last thing the block did; then _in_time dies.
sub timeout (&$) {    ## no critic (ProhibitSubroutinePrototypes)
    my $code  = $_[0];
    my $guard = _timeout($_[1], $code);

    if (wantarray) {
        my @values = &$code();
        _in_time();
        return @values;
    }
    my $value;
    if   (defined wantarray) { $value = &$code() }
    else                     { &$code() }
    _in_time();
    return $value;
}

sub daemonize {
    { local ($!, $@); require NetIO::Daemon }
    goto &NetIO::Daemon::_start;
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

C<use NetIO> exports L</tcpopen>; the other functions are exported by name, or all by
C<use NetIO ':all'>.
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

A name beyond ASCII is one of characters, C<"b\x{fc}cher.example">, and is looked up as IDNA2008 has
it; what comes from the command line or a file is octets until it is decoded (L<Encode>).

If the host has several addresses they race, IPv6 and IPv4 by turns (RFC 8305): the next one is
tried 250 milliseconds after the last, or as soon as that has failed, and the first that answers
serves.

The connection is close-on-exec, buffered for reading, and sends what is printed at once
(C<autoflush> is on).  It transfers bytes; see L<perlfunc/binmode> for characters.

=head2 udpopen

    my $fh = udpopen($host, $service, timeout => 5, deadline => 30);
    print $fh $request;                              # one datagram
    my $reply = $fh->read_datagram(timeout => 1);    # another one

Opens a UDP socket that is connected to the first address of the host that this machine has a way
to: nobody else is heard.  Nothing is sent, so that it fails only for want of an address.

One C<print> (C<say>, C<printf>) is one datagram, however long.  One that is too long for UDP,
65,507 octets over IPv4, fails with EMSGSIZE, and no part of it is sent.  After
C<< $fh->autoflush(0) >> all that is printed until the next C<flush> is one.  An empty datagram
takes C<send> or C<syswrite>.

L<NetIO::Socket/read_datagram> takes one datagram.  C<< <$fh> >>, C<read_line>, C<read_octets> and
C<read> have what comes as one stream of octets: a line may go through several datagrams, and empty
ones are passed over; they are never the end of the file.  All of these keep to the deadline.
C<sysread> and C<recv> work, too, but know of no deadline.

A peer that refuses shows with the next read or C<print> after the one that was refused:
ECONNREFUSED.  Here a failure is over with it, and the next C<print> may well succeed;
L<NetIO::Socket/error> remembers the first until C<clearerr>.

=head2 unixopen

    my $fh = unixopen('/run/whois.sock', timeout => 5);

Opens a stream to the unix socket at a path, absolute or relative, of at most 107 bytes; C<@name>
is an abstract one, C<./@name> a file of that name.

=head2 udp_ask

    my $answer         = udp_ask($server, 'domain', $request, timeout => 5);
    my ($answer, $who) = udp_ask(\@servers, 4000, $request, timeout => 5,
        valid => sub { my ($answer, $who) = @_; substr($answer, 0, 2) eq $id });

Sends a request over UDP to one server after another, and returns the first good answer; in
list context also the address that gave it, C<192.0.2.1:53>.

The servers are one host or a reference to an array of up to 64: C<HOST>, C<HOST:SERVICE>,
C<192.0.2.1>, C<[2001:db8::1]:53>.  The service serves those that name none; it may be undef when
all do.  The next server is asked after a wait of a second, or as soon as the last one has refused;
those that were asked may still answer.  When all have been asked the round begins again, with
waits twice as long, until the time is over; without a timeout there are four rounds, 15 seconds a
server.  Each server is heard on a socket of its own, and nobody else is.

The request is octets; it may be empty.  An answer is any datagram of a server that is not empty, or
what the code of the option C<valid> says yes to.

=head2 tcplisten

    use NetIO qw(tcplisten);

    my $listener  = tcplisten('127.0.0.1:2907', timeout => 60);
    my @listeners = tcplisten('finger');
    while (my $client = $listener->accept) {
        $client->deadline(10);
        print $client "You are ", $client->peerhost, "\r\n";
    }

Listens on an address of this machine: C<2907> or C<finger>, which mean every address, as C<*:2907>
does; C<127.0.0.1:2907>; C<[::1]:finger>.  Port 0 leaves it to the kernel, and
C<< $listener->sockport >> tells.  Every address is two sockets, one of IPv6 and one of IPv4, on a
machine that has both: they come in a list, and in scalar context that is an error.

A listener is a L<NetIO::Socket>.  Its L<accept|NetIO::Socket/accept> waits as long as the
C<timeout> and the C<deadline> let it, and returns nothing then, with C<$!> ETIMEDOUT; signal
handlers run meanwhile.  A new connection has the same C<timeout>, and no deadline.

=head2 timeout

    use NetIO qw(timeout);

    my @rows = timeout { $dbh->selectall_array($query) } 5;

Runs the block, in the context of the call, and returns what it returns.  If it has not ended
after that many seconds (fractions count), a L<NetIO::Error> with the stage C<timeout> and the
code of ETIMEDOUT is thrown in it: C<timeout: not finished after 5 seconds>, at the line of the
call.  The block is a sub of its own: C<return> leaves only the block, and C<@_> is empty in it.
C<die>, C<next>, C<last>, C<redo>, C<goto> and C<exit> leave it as they leave any sub.

The deadline holds in the block and whatever it calls, and nowhere else.  An C<eval> in the block
that catches the error has a moment for it: 10 ms later it is thrown again, and it is thrown at
the end of a block that ends too late.  Once the block has been left, nothing happens any more.
Calls nest: that of the outer one comes at its time, however long the inner one has, and is its
own error.

It interrupts Perl code, C<sleep>, C<select>, reading, writing, C<flock>, C<waitpid>, C<system>,
and whatever else a C<%SIG> handler would interrupt.  A command that C<system>, backticks or a
pipe have started is not killed, and after C<system> and backticks nobody waits for it; C<wait>
does.  Of what Perl leaves behind when a handler dies out of C<system> or backticks, one open
descriptor stays, that of a pipe from the command; signals that were ignored or blocked meanwhile
do not stay so.

It cannot interrupt a regex match, a sort of numbers or one long call into C, before that has
come to its end; nor C code that repeats what a signal has interrupted, such as the look-up of
a name (L</tcpopen> does without it), or that catches errors and goes on, such as C<EV::run>: the
time limits of an event loop are its own timers.  A C<DESTROY> is not died in: the error comes
after it.

In a C<require> or a C<BEGIN> the error becomes a text, as Perl makes one of every error there, and
the module counts as one that cannot be loaded: load what the block needs before it.

No alarm is used.  C<alarm>, C<setitimer> and C<$SIG{ALRM}> are the program's, before, in and
after the block.  What is used, from the first call on, is a timer of the thread's and the
highest real-time signal that nobody handles; in a block, do not set that to its default, as
C<$SIG{$_} = 'DEFAULT' for keys %SIG> does: it ends the process.

A process that is forked in the block, and a thread that is made in it, go on without the
deadline.  In a thread, C<timeout> interrupts that thread.

0 seconds are over before the block is entered; undef and infinity mean no limit.  What is no
number of seconds is an error with the stage C<option>:

    timeout: 'soon' is not a number of seconds at lookup.pl line 7.

To pass on a code reference, write C<&timeout($code, 5)>.  In a list of other things it wants
parentheses: C<print((timeout { ask() } 5), "\n")>.

=head2 daemonize

    use NetIO qw(daemonize);

    my $daemon = daemonize(pidfile => '/run/my.pid', user => 'nobody');
    ...                     # listen, open files; what die says the shell sees
    $daemon->ready;

Makes a daemon of the program.  Whoever has started it waits until it is ready, and learns it if it
fails.  L<NetIO::Daemon> has it all, its options, too.

=head1 OPTIONS

=over

=item timeout => SECONDS

The time to open the connection: the name, every address, every handshake.  For C<udp_ask> the
time for all of it.  Fractions count; 0 is no time at all; without the option, or with undef, it
takes as long as the kernel lets it.  For C<tcplisten> the time that each C<accept> waits.

=item deadline => SECONDS

The time for the whole conversation, from the call to the last byte.  Each read and write of the
handle keeps to it, and opening the connection does, too.  What has not come by then is not
waited for: a peer that sends a byte now and then does not extend it.
L<NetIO::Socket/deadline> sets another one at any time.  Not for C<udp_ask>; for C<tcplisten> the
time for all C<accept> together.

=item fatal => BOOLEAN

A read or write that fails throws a L<NetIO::Error>, where otherwise it returns false or undef
as Perl's operators do.  C<close> and the end of the handle's scope never throw.  Not for
C<udp_ask>, which always throws, and C<tcplisten>.

=item family => 'inet' | 'inet6'

Only IPv4, or only IPv6.  Like the next three, not for C<unixopen> and C<tcplisten>.

=item source => ADDRESS

The address of this end, as numbers.  Addresses of the other family are passed over.

=item source_port => PORT

The port of this end, a number; 0 leaves it to the kernel.

=item reserved => BOOLEAN

The port of this end is the first that is free from 1023 down to 512.  It needs root's privilege,
and says so.  Not together with C<source_port>.

=item keepalive => BOOLEAN

Has the kernel find out when a silent peer is gone (SO_KEEPALIVE).  C<tcpopen> only, as is

=item nodelay => BOOLEAN

Sends small pieces at once (TCP_NODELAY).

=item valid => CODE

C<udp_ask>: called with a datagram and the address it came from; true takes it as the answer, false
goes on as if it had not come.  What it dies of ends C<udp_ask>.

=item first_wait => SECONDS

C<udp_ask>: the wait of the first round, from 0.001 to 3600; 1 unless told.

=item backlog => COUNT

C<tcplisten>: how many clients may wait, 1 to 65535; 1024 unless told, and never more than the
kernel's F</proc/sys/net/core/somaxconn>.

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

Of C<udpopen>, C<unixopen> and C<udp_ask> they read alike:

    unixopen /run/whois.sock: connect unix:/run/whois.sock: Connection refused at ...
    udp_ask 192.0.2.1, ns.example.org domain: read 192.0.2.1:53: Connection timed out;
        ns.example.org: host not found at ...
    tcplisten finger: bind [::]:79: Address already in use at ...

Signal handlers in C<%SIG> run while NetIO waits.  They may C<die>: the exception ends the
call, and nothing is left open.  A handler that returns changes nothing about the time that is
left.

With taint checks (C<perl -T>), a host, service, path or option that is tainted ends the program
with C<Insecure dependency in tcpopen>.  What a handle reads is tainted, and so is the answer of
C<udp_ask>; its request may be.

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

Ask two servers, and take an answer only if it is to this question:

    my $id     = pack 'n', rand 65_536;
    my $answer = udp_ask(['192.0.2.1', '192.0.2.2'], 'domain', $id . $query, timeout => 4,
        valid => sub { substr($_[0], 0, 2) eq $id });

=head1 SEE ALSO

L<NetIO::Socket>, the handle; L<NetIO::Error>; L<NetIO::Daemon>; L<NetIO::Whois>, which asks
directory servers.

F<netio/open.h> and F<netio/udp.h> have the same for C.

=cut
