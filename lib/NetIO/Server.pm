package NetIO::Server;

# What handlers do all day is native (xs/server.c, xs/event.c, xs/connection.c); here is what is done once.
use strict;
use warnings;

use NetIO ();

# How to start this program again, for an upgrade: $0 and %ENV may be others by then, and a daemon
# is in another folder.
our %started = (
    command     => [NetIO::Server::Supervisor::command()],
    directory   => scalar readlink '/proc/self/cwd',
    environment =>
        { map { $_ => $ENV{$_} } grep { defined $ENV{$_} } qw(PERL5LIB PERLLIB PERL5OPT) },
);

# An engine is one thread's.
sub CLONE_SKIP { return 1 }

# A class with process_request has that for a handler, in a model that lets it wait.
sub new {
    my ($class, @option) = @_;
    my %given = @option % 2 ? () : @option;

    if ($class->can('process_request') && !grep { $given{$_} } qw(on_line on_data on_serve)) {
        push @option, on_serve => \&_request;
        push @option, model    => $given{workers} ? 'prefork' : 'fork' if !$given{model};
    }
    my $self = $class->_new(@option);
    _remember($self, @option);
    return $self;
}

# Rules that are in a file are read again at a reload; then all of them, for their order.
sub _remember {
    my ($self, @option) = @_;
    my @rules;

    while (my ($name, $value) = splice @option, 0, 2) {
        push @rules, $name, $value if $name =~ /\A(?:access|allow|deny|exempt|proxy)\z/;
    }
    $self->{access} = \@rules;
    delete $self->{access} if !{@rules}->{access};
    return;
}

sub set_access {
    my ($self, @rules) = @_;

    $self->_set_access(@rules);
    _remember($self, @rules);
    return;
}

# Opens what it listens on.  Called by itself by whatever needs it.
sub start {
    my ($self) = @_;

    require NetIO::Server::Processes;
    NetIO::Server::Processes::start($self) if !$self->_is_open && !$self->{supervisor};
    return $self;
}

# Of a class: a new one.
sub run {
    my ($self, @option) = @_;

    $self = $self->new(@option) if !ref $self;
    $self->start;
    return NetIO::Server::Processes::run($self);
}

sub stop {
    my ($self, $seconds) = @_;

    return $self->{supervisor}->stop(defined $seconds && $seconds == 0) if $self->{supervisor};
    return $self->_stop(defined $seconds ? $seconds : 30);
}

# All of its workers are.
sub _is_ready {
    my ($self) = @_;

    $self->{daemon}->ready if $self->{daemon};
    return;
}

sub addresses {
    my ($self) = @_;

    $self->start;
    return $self->{supervisor} ? $self->{supervisor}->addresses : $self->_addresses;
}

sub status {
    my ($self) = @_;

    return $self->{supervisor} ? $self->_status_of_workers : $self->_status;
}

# The sum of what they say, and what each of them says.
sub _status_of_workers {
    my ($self)  = @_;
    my @workers = $self->{supervisor}->status;
    my %sum     = (workers => \@workers, refused => {});

    for my $worker (@workers) {
        $sum{$_} += $worker->{$_} for qw(connections accepted datagrams);
        $sum{refused}{$_} += $worker->{refused}{$_} for keys %{ $worker->{refused} };
    }
    return \%sum;
}

# What a handler dies of, where there is no on_error.
sub _report {
    my ($error, $connection, $where) = @_;
    my $peer = $connection && $connection->peer;

    warn join ': ', (defined $peer ? $peer : ()), $where, $error;
    return;
}

sub NetIO::Connection::CLONE_SKIP       { return 1 }
sub NetIO::Server::Timer::CLONE_SKIP    { return 1 }
sub NetIO::Server::Datagram::CLONE_SKIP { return 1 }

1;

__END__

=head1 NAME

NetIO::Server - a server whose handlers are Perl, and all else C

=head1 SYNOPSIS

    use NetIO::Server;

    my $server = NetIO::Server->new(
        listen       => 2907,
        allow        => ['127.0.0.0/8', '::1'],
        per_source   => 20,
        read_seconds => 60,
        on_line      => sub {
            my ($connection, $line) = @_;
            return $connection->reply("goodbye\r\n") if $line eq 'bye';
            $connection->write($connection->peerhost, " says: $line\r\n");
        },
    );
    $server->run;

=head1 DESCRIPTION

A server listens on any number of addresses and calls code when something comes.  Accepting, the
rules of who may, framing of lines, deadlines, buffers and clean closing are C; Perl code runs only
when there is a whole line for it, and never waits for a peer.

What handlers write is buffered and sent when they return.  A peer that is slow costs nobody else
anything: it has until its deadlines, and no single byte extends them.  When descriptors or memory
run out listeners rest, and clients wait, until there are some again.

Code that dies ends the connection that it was called for, by a reset, so that nobody takes half of an
answer for the whole; it is reported, with the peer's address, and the server goes on.  C<exit> ends
the program, END blocks included.  C<last> and C<next> do not lead out of a handler.  Handlers of
signals run between operations of handlers and whenever the server waits; one that dies while it waits
ends L</run>.

A connection is a L<NetIO::Connection>.

A server belongs to the process and the thread that have started it.  A child of C<fork> has nothing of
it and may exit in peace.

=head1 METHODS

=over

=item new(OPTION => VALUE, ...)

A server, which does nothing yet.  See L</OPTIONS>.

=item start

Opens the addresses.  The methods below do it by themselves where they need to.  Returns the server.

=item run

Serves, until L</stop> or, without any address, until the last connection is gone.

=item step

=item step(SECONDS)

For programs with a loop of their own: does what is to be done, and waits at most so long (none) for
something.  How many handlers and timers ran.  Neither this nor C<run> is for handlers.

=item safepoint

Of the model signal: runs the handlers of what has come since, and returns how many.  C<start> has SIGIO
do that by C<$SIG{IO}>, between two operations of Perl; who assigns another handler to it calls this.
F<eg/sigio-server.pl> shows how.

=item fileno

One descriptor that is readable while C<step> has something to do, timers and deadlines included: to
be watched by any other loop.  Never close it.  F<eg/select-host.pl>, F<eg/ev-host.pl> and
F<eg/io-async-host.pl> show how.

=item stop

=item stop(SECONDS)

Listens no more; connections that are being answered, or whose first line is still to come, may finish
for so long (30).  Then C<run> returns.  0 ends all at once.

=item addresses

A list of the addresses as they were bound, with their real ports.

=item status

A reference to a hash: C<connections> (open now), C<accepted>, C<datagrams>, C<refused> (a hash of how
many, by reason: access, full, source, rate, proxy, fork), C<uptime> in seconds.  With workers the sum of
theirs, and C<workers>, a list of each one's.

=item timer(SECONDS, CODE)

Calls CODE with the server once, so much later.  Returns an object with a method C<stop>; whether it is
kept makes no difference.

=item set_access(OPTION => VALUE, ...)

Other rules, for connections that come from now on: C<access>, C<allow>, C<deny>, C<exempt> and C<proxy>.
If one is wrong it throws, and the old ones stay.

=back

=head2 Subclasses

An object is a hash with room for what a subclass wants to keep; names that begin with a letter from C<a>
to C<z> and are those of options are the server's.  A class with a method C<process_request> has that
called for each connection, with the server and the connection, in a process that has nothing else to do
(model fork, unless it says iterative, or prefork, or how many C<workers>): C<STDIN> and C<STDOUT> are the
client.

=head2 How it was started

Started by inetd, or by a service manager with sockets (LISTEN_FDS), a server serves those instead of
what C<listen> says.

=head1 OPTIONS

=head2 Handlers

All are code references.  One of C<on_line>, C<on_data> and C<on_serve> gets what a connection sends.

=over

=item on_open(CONNECTION)

It was let in.

=item on_line(CONNECTION, LINE)

A line of octets, without its CRLF or LF; the last one may have no end.

=item on_data(CONNECTION, OCTETS)

What has come.  All of it is taken, but what L<NetIO::Connection/unread> says.

=item on_serve(CONNECTION, DESCRIPTOR)

The socket itself, which blocks.  Not in the models event and signal.

=item on_eof(CONNECTION)

The peer has sent all that it will.  Without this handler the connection closes; with it, that does.

=item on_toolong(CONNECTION)

A line longer than C<line_max>.  What it writes goes out, then the connection closes.

=item on_writable(CONNECTION)

More than C<high_water> waited to be sent; now at most half of it does.

=item on_close(CONNECTION, WHY)

The last word.  WHY is C<done>, or C<drain> (answered, but the peer did not close), C<reset>, C<idle>,
C<total>, C<slow>, C<toolong>, C<full>, C<abort>, C<stop>.

=item on_datagram(DATAGRAM, OCTETS)

DATAGRAM has the methods C<peer>, C<peerhost>, C<peerport>, C<local>, C<sockhost>, C<sockport>, C<server>, and
C<reply(OCTETS)>, which is false if it is not going to be sent.  It is of use until the handler returns.

=item on_idle(SERVER)

Of C<run>: nothing else is to be done.  Called again, as long as it is true and still nothing is; else after
something was.

=item on_refused(SERVER, ADDRESS, REASON, COUNT)

Somebody was not let in.  At most once a second for each reason; COUNT is how many since the last time.

=item on_trouble(SERVER, ERROR)

A client was lost on its way in, or descriptors, memory, places or the rate of all ran out.  A L<NetIO::Error>;
each kind at most once a second.

=item on_error(ERROR, CONNECTION, NAME)

What a handler of that name, or a timer, has died of; of the connection, the datagram, or undef.  Without
it, a warning: C<192.0.2.1:4711: on_line: ERROR>.

=back

=head2 Addresses and models

=over

=item listen

An address or a reference to an array of them: C<2907>, C<127.0.0.1:2907>, C<[::1]:whois>, C<*:79>,
C<udp:514>, C<unix:/run/here,mode=0660,group=www-data>, C<unix-dgram:/run/there>.

=item model

C<event>, the default: all connections at once, in one process.  C<iterative>: one after another.
C<fork>: a child for each.  C<prefork>: iterative, in C<workers> [5].  C<signal>: the program computes, and
handlers run in between, as L</safepoint> says.

=item workers, user, daemon, status, ready_seconds, stop_seconds, heartbeat_seconds

So many processes serve together, started and watched by this one, as that user; of the methods only
C<start>, C<run>, C<stop>, C<addresses>, C<status> and C<set_access> are for this one then.  C<daemon> is a
L<NetIO::Daemon>, which is told when they are ready; C<status> an address at which each of them can be
read of.  A worker that is not ready in C<ready_seconds> [30] has failed; one that
runs a handler for C<heartbeat_seconds> [30], or, where that is given, never waits in a C<process_request>
for as long, or is in one a second after C<total_seconds>, is replaced.  C<stop_seconds> [30] is how long connections may take at SIGTERM and after a
reload.  There can be 32 workers.

=item on_start, on_reload, on_kept, on_reopen

Called with the server: in each process before it serves; at SIGHUP (what it returns may, with
workers, be a hash with another C<listen> or C<workers>); when that was of no effect, with why; at SIGUSR1.

=back

=head2 Rules

Given in the order in which they are looked at: the first that matches a peer decides.  Where one says
C<allow> or C<exempt>, who matches none may not.

=over

=item allow, deny

A network, C<192.0.2.0/24>, C<2001:db8::1>; C<unix>, C<uid NAME>, C<gid NAME> of peers on unix sockets; C<all>; or
a reference to an array of them.

=item exempt

May, and is not counted by source.

=item proxy

Must say with a PROXY header whom it stands for; who that is decides.

=item access

The path of a file of such rules, one a line, such as C<deny 192.0.2.66>; or a reference to an array of
them.  SIGHUP has it read again, without C<workers> by C<user>; if something is wrong in it, the old rules stay.

=item refused_text, full_text

A line for who is refused, and for who finds no place; with the latter nobody waits for one.

=back

=head2 Limits

All workers share them.  Zero: none.

=over

=item total, per_source

Connections at once, in all and from one source: an IPv4 address, or an IPv6 network of 64 bits.

=item rate, source_rate

New ones: COUNT a second, or C<[COUNT, SECONDS]>.

=item ipv4_bits, ipv6_bits, sources

What a source is, if not that; and how many can be known at once (65,536).

=item max_connections

In one process; more wait [what descriptors allow].

=item line_max, write_max, high_water

Octets: of a line [1,024], that may wait to be sent to one peer [1 MiB], and from where on C<on_writable>
tells [64 KiB].

=back

=head2 Deadlines

Seconds; infinity (C<9**9**9>) for none.

=over

=item first_seconds

From accepting to the first octet [C<read_seconds>].

=item read_seconds

From one line to the end of the next [30].

=item total_seconds

Of all [none].

=item write_seconds

Until what waits is taken [60].

=item drain_seconds

From the end of the answer to the peer's [2].

=back

=head1 ERRORS

Wrong options, and addresses that cannot be listened on, throw a L<NetIO::Error> that names them.

=head1 EXAMPLES

In F<eg>, each of twenty to forty lines: F<stream-server.pl> and F<datagram-server.pl>; F<hello-server.pl>, of
octets; F<two-ports.pl>, which does something else meanwhile; F<select-server.pl>, with an idle time-out and
a full house; F<iterative-server.pl> and F<forking-server.pl>, with C<process_request>; F<sigio-server.pl>;
F<select-host.pl>, F<ev-host.pl> and F<io-async-host.pl>, in other loops.

=head1 SEE ALSO

L<NetIO::Connection>, L<NetIO::Daemon>, L<NetIO>

=cut
