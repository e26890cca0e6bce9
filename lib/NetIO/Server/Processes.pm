package NetIO::Server::Processes;

# How a server gets its sockets, hears of signals and has workers: all that run does around the
# engine.  Called by NetIO::Server; it touches %SIG as long as run lasts, and forks.
use strict;
use warnings;

# --- sockets

# What whoever started the program has passed; a daemon has taken it already.
sub _passed {
    my ($server) = @_;
    my $daemon = $server->{daemon};

    my @fds = $daemon ? map { NetIO::Server::_copy(fileno $_) } $daemon->listeners : ();
    @fds = NetIO::Server::_passed() if !@fds;
    delete @ENV{qw(LISTEN_FDS LISTEN_PID LISTEN_FDNAMES)};
    return @fds;
}

sub _list {
    my ($value) = @_;

    return ref $value ? @$value : defined $value ? $value : ();
}

# Somebody whom the rules refuse has been told so: there is nothing to do.
sub _serve_passed {
    my ($server, $fd) = @_;

    return 1 if eval { $server->_serve_take($fd); 1 };
    my $error = $@;
    require Errno;
    die $error if !ref $error || $error->errno != Errno::EACCES();
    return 0;
}

# Opens the server: its engine, or, where it is to have workers, its supervisor.
sub start {
    my ($server) = @_;
    my @passed   = _passed($server);
    my @listen   = @passed ? () : _list($server->{listen});

    if (_workers($server) && (!@passed || grep { NetIO::Server::_listens($_) } @passed)) {
        my $supervisor = $server->{supervisor} = _supervisor($server);
        $supervisor->listen_take($_) for @passed;
        $supervisor->listen(\@listen);
        return;
    }
    $server->_open;
    for my $fd (@passed) {
        if   (NetIO::Server::_listens($fd)) { $server->_listen_take($fd) }
        else                                { _serve_passed($server, $fd) }
    }
    $server->_listen($_) for @listen;
    _hear_sigio($server) if $server->_model eq 'signal';
    return;
}

# The signal comes to the engine first, which passes it on to Perl's handler; that runs between two
# operations.
sub _hear_sigio {
    my ($server) = @_;

    require Scalar::Util;
    Scalar::Util::weaken($server);
    $SIG{IO} = sub { $server->safepoint if $server }; ## no critic (RequireLocalizedPunctuationVars)
    $server->safepoint;
    return;
}

# --- one process

sub run {
    my ($server) = @_;

    return _supervise($server)                         if $server->{supervisor};
    NetIO::Server::Supervisor::become($server->{user}) if defined $server->{user};
    my %handler = _handlers($server);
    local @SIG{ keys %handler } = values %handler;
    _call($server, 'on_start');
    $server->{daemon}->ready if $server->{daemon};
    $server->_run;
    return;
}

sub _call {
    my ($server, $event, @argument) = @_;
    my $code = $server->{$event};

    return $code ? $code->($server, @argument) : ();
}

# What goes wrong with the server itself; a daemon's standard error is its log.
sub _complain {
    my ($what, $why) = @_;

    $why =~ s/\n?\z/\n/;
    warn "$what: $why";
    return;
}

# A signal that the program handles itself, or that it was started to ignore, stays as it is; but
# whoever has something to do at a reload wants HUP, whatever nohup(1) says.
sub _is_free {
    my ($signal) = @_;
    my $now = $SIG{$signal};

    return 1 if !defined $now || $now eq '' || $now eq 'DEFAULT';
    return $now eq 'IGNORE' && ($signal eq 'HUP' || $signal eq 'USR1');
}

sub _handlers {
    my ($server) = @_;
    my $asked    = 0;
    my $daemon   = $server->{daemon};
    my $stop     = sub {
        $daemon->notify('stopping') if $daemon && !$asked;
        $server->stop($asked++ ? 0 : $server->{stop_seconds});
    };
    my %handler = (TERM => $stop, QUIT => $stop, INT => sub { $asked++; $server->stop(0) });
    $handler{HUP} = sub { _reload_alone($server) }
        if $server->{on_reload} || $server->{access};
    $handler{USR1} = sub { _reopen($server) }
        if $server->{on_reopen} || $daemon;
    delete @handler{ grep { !_is_free($_) } keys %handler };
    return %handler;
}

# What is in files, and what the program makes of its own.
sub _renew {
    my ($server) = @_;

    $server->_set_access(@{ $server->{access} }) if $server->{access};
    return _call($server, 'on_reload');
}

sub _reload_alone {
    my ($server) = @_;
    my $daemon = $server->{daemon};

    $daemon->notify('reloading') if $daemon;
    my $before = $server->{access};
    $server->_access_begin;
    my $done = eval { _renew($server); 1 } or _complain('reload', $@);
    $server->_access_end($done);
    $server->{access} = $before if !$done;
    $daemon->notify('ready')    if $daemon;
    return;
}

sub _reopen {
    my ($server) = @_;
    my $daemon = $server->{daemon};

    eval {
        $daemon->reopen if $daemon;
        _call($server, 'on_reopen');
        1;
    } or _complain('reopen', $@);
    return;
}

# --- a supervisor and its workers

# Without a number there are workers only where the model asks for them.
sub _workers {
    my ($server) = @_;
    my $workers = $server->{workers};

    return $workers if $workers;
    return $server->_model eq 'prefork' ? 5 : 0;
}

sub _supervisor {
    my ($server) = @_;
    my $started  = \%NetIO::Server::started;
    my %again    = (%ENV, %{ $started->{environment} });
    delete $again{NETIO_UPGRADE};

    my $supervisor = NetIO::Server::Supervisor->new(
        $server,
        workers           => _workers($server),
        user              => $server->{user},
        daemon            => $server->{daemon},
        status            => $server->{status},
        ready_seconds     => $server->{ready_seconds},
        stop_seconds      => $server->{stop_seconds},
        heartbeat_seconds => $server->{heartbeat_seconds},
        program           => $^X,
        command           => $started->{command},
        directory         => $started->{directory},
        environment       => [map { "$_=$again{$_}" } sort keys %again],
    );
    delete $ENV{NETIO_UPGRADE};    # it has been heard
    return $supervisor;
}

my %on = (
    worker   => \&_work,
    ready    => sub { $_[0]->_is_ready },
    reload   => \&_reload,
    reloaded => \&_forget,
    kept     => \&_keep,
    reopen   => \&_reopen,
);

sub _supervise {
    my ($server) = @_;
    my $supervisor = $server->{supervisor};

    die "run: from within a handler\n" if $server->{supervises};
    local $server->{supervises} = 1;
    while (1) {
        my ($event, $why) = $supervisor->run;
        last if $event eq 'done';
        $on{$event}->($server, $why);
    }
    delete $server->{supervisor};
    return;
}

# What on_reload returns is another list of addresses, or another number of workers.  Until all new
# workers are ready the old ones serve, and so does what they were made of.
sub _reload {
    my ($server) = @_;

    $server->{before} = [@$server{qw(listen workers access)}];
    $server->_access_begin;
    return if eval {
        my $new = _renew($server);
        $new = {} if ref $new ne 'HASH';    # whatever its last statement was
        my %next = (listen => $server->{listen}, workers => $server->{workers}, %$new);
        my ($supervisor, @listen) = ($server->{supervisor}, _list($next{listen}));
        $supervisor->reload(\@listen, $next{workers} || 0);
        @$server{qw(listen workers)} = @next{qw(listen workers)};
        1;
    };
    _keep($server, $@);
    return;
}

sub _forget {
    my ($server) = @_;

    delete $server->{before};
    $server->_access_end(1);
    return;
}

sub _keep {
    my ($server, $why) = @_;
    my $before = delete $server->{before};

    @$server{qw(listen workers access)} = @$before if $before;
    $server->_access_end(0);
    _complain('reload', $why);
    _call_safely($server, 'on_kept', $why);
    return;
}

sub _call_safely {
    my ($server, $event, @argument) = @_;

    eval { _call($server, $event, @argument); 1 } or _complain($event, $@);
    return;
}

# --- a worker, which never gets back into the program

sub _work {
    my ($server)   = @_;
    my $supervisor = $server->{of} = delete $server->{supervisor};    # it lives as long
    my $begun      = eval {
        $server->{generation} = $supervisor->generation;
        $server->_open;
        $supervisor->serve($server);
        _call($server, 'on_start');
        1;
    };
    if (!$begun) {
        _complain('worker', $@);
        $supervisor->worker_fail($@ =~ s/\n+\z//r);
        NetIO::Server::Supervisor::end_process();
    }
    delete @$server{qw(on_reload access)};
    my %handler = _handlers($server);
    @SIG{ keys %handler } = values %handler;
    eval {
        $supervisor->worker_ready($server->{daemon});
        $server->{daemon}->_worker if $server->{daemon};
        $server->_run;
        1;
    } or _complain('worker', $@);
    NetIO::Server::Supervisor::end_process();
    return;
}

1;
__END__

=head1 NAME

NetIO::Server::Processes - how a server in Perl starts, hears of signals, and has workers

=head1 SYNOPSIS

    package Greeter;
    use parent 'NetIO::Server';

    sub process_request {
        my ($self, $connection) = @_;

        print 'hello, ', $connection->peerhost, "\r\n";
        while (my $line = <STDIN>) {
            last if $line =~ /^quit/;
            print "you said $line";
        }
        return;
    }

    Greeter->run(listen => '127.0.0.1:2907', workers => 4, read_seconds => 30);

=head1 DESCRIPTION

This is the part of L<NetIO::Server> that is about processes.  Nothing is called in this package;
C<run> and C<start> of a server load it.

=head2 How it was started

C<start>, which C<run> calls by itself, takes the first of these that there is:

=over

=item *

Sockets that a service manager has passed (C<LISTEN_FDS>, C<LISTEN_PID>).  With the option
C<daemon> they are those that L<NetIO::Daemon> has taken.

=item *

Standard input, if that is a socket with an address, as L<inetd(8)> passes it.  One that listens is
listened on.  One that is connected is served, in this one process, and then C<run> returns.
F</dev/null> is put in its place, and where it was output and error as well, so that what the
program prints does not go to the peer.  A socketpair, as a remote shell may have for its input,
is none of these.

=item *

The option C<listen>.

=back

=head2 process_request

A class with this method may wait for its peer, in the models C<fork> (without C<workers> the
default), C<prefork> (with them) and C<iterative>.  While it runs, descriptors 0 and 1 are the peer,
for programs that it executes, too; STDIN and STDOUT are handles on it, with the methods of
L<NetIO::Socket>; and STDOUT is selected and sends what is printed at once.  However the method is
left, all of that is as it was before.

A line that the method waits for must come within C<read_seconds>: single bytes extend nothing, and
the time begins when it waits.  What is printed must be taken within C<write_seconds>.  All of it
ends after C<total_seconds>.  Then reads and prints fail with ETIMEDOUT.  C<< STDIN->deadline(60) >>
puts a deadline of the method's own in the place of these.

When the method returns, what was printed is sent and the connection is closed cleanly.  When it
dies, C<on_error> hears of it, or STDERR, with the peer's address, and the peer gets a reset, so that it
does not take a part for the whole.  C<exit> sends what was printed, and ends this process: the
child of model C<fork>; a worker, which is replaced; with C<iterative> the server.

=head2 Signals

While C<run> runs in one process, TERM and QUIT stop the server within C<stop_seconds>, again TERM or
QUIT, or INT, at once; with C<on_reload> HUP calls that, after it has files of rules (C<access>) read
again, with or without; with C<on_reopen> or a C<daemon> USR1 reopens
the daemon's log and calls that.  A signal for which the program has a handler in C<%SIG>, or
which it ignores, stays the program's, which may call C<stop>; afterwards C<%SIG> is as it was.

With C<workers> the process that has called C<run> is the supervisor, which serves nobody.
Whatever is in C<%SIG>, it is the one that hears of HUP, USR1, USR2, TERM, QUIT and INT.  Handlers of
other signals run there as they do in any program; SIGCHLD may be handled or ignored.

=head2 Workers

Each is a fork of the supervisor, in a process group of its own; with the option C<user> it becomes
that user.  C<on_start> is called in each before it serves: databases are opened there.  When it
dies, the worker is not ready.  If it was one of the first, C<run> dies in the supervisor with the reason.
After them the worker is tried again, ever later, up to once a second.

C<run> returns in the supervisor alone.  A worker ends without END blocks and destructors; C<exit>
in a handler has them run.  One that ends by itself is replaced, and so is one that does not come
back from a handler for C<heartbeat_seconds>; where handlers may wait, there is no heartbeat unless
that option is given.

HUP has files of rules (C<access>) read again and calls C<on_reload> in the supervisor, where the
program reads its configuration anew; what it keeps in variables, or gives to C<set_access>, is what
new workers find.  It may return a hash with another C<listen> or
C<workers>.  If it dies, or a rule is wrong, nothing changes.  New workers start beside the old ones, which are told to
finish when all of them are ready.  When they do not get ready the old ones stay, and C<on_kept> is
called with the reason: it puts those variables back, for workers to come.

USR2 starts the program anew, as it was started: by the same perl, with the same switches and
arguments, in the same folder, with PERL5LIB, PERLLIB and PERL5OPT of then and the rest of C<%ENV>
of now.  Load NetIO::Server before any assignment to C<$0>, and before C<daemonize>.  The new
program gets the listeners and, when its workers are ready, the pid file, and the old one finishes.
If it does not start, or its workers do not, all stays as it is, and the log says why.

=head2 A daemon

    my $daemon = daemonize(pidfile => '/run/greeter.pid', log => '/var/log/greeter.log');
    Greeter->run(listen => 2907, daemon => $daemon, workers => 4);

The daemon is ready when its workers are, or, without them, when it listens.  The supervisor
tells a service manager of reloads and of its end.  What workers print to STDERR goes to the
daemon's log, also to the new one after USR1.

=head1 SEE ALSO

L<NetIO::Server>, L<NetIO::Daemon>, L<NetIO::Socket>
