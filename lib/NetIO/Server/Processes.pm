package NetIO::Server::Processes;

# How a server gets its sockets, hears of signals and has workers: all that run does around the
# engine.  Called by NetIO::Server; it touches %SIG as long as run lasts, and forks.
use strict;
use warnings;

# How to start this program again, for an upgrade: $0 and %ENV may be others by then, and a daemon
# is in another folder.
my @command     = NetIO::Server::Supervisor::command();
my $directory   = readlink '/proc/self/cwd';
my %environment = map { $_ => $ENV{$_} } grep { defined $ENV{$_} } qw(PERL5LIB PERLLIB PERL5OPT);

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
        if $server->{on_reload};
    $handler{USR1} = sub { _reopen($server) }
        if $server->{on_reopen} || $daemon;
    delete @handler{ grep { !_is_free($_) } keys %handler };
    return %handler;
}

sub _reload_alone {
    my ($server) = @_;
    my $daemon = $server->{daemon};

    $daemon->notify('reloading') if $daemon;
    eval { _call($server, 'on_reload'); 1 } or _complain('reload', $@);
    $daemon->notify('ready') if $daemon;
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
    my %again = (%ENV, %environment);

    return NetIO::Server::Supervisor->new(
        $server,
        workers           => _workers($server),
        user              => $server->{user},
        daemon            => $server->{daemon},
        status            => $server->{status},
        ready_seconds     => $server->{ready_seconds},
        stop_seconds      => $server->{stop_seconds},
        heartbeat_seconds => $server->{heartbeat_seconds},
        program           => $^X,
        command           => \@command,
        directory         => $directory,
        environment       => [map { "$_=$again{$_}" } sort keys %again],
    );
}

my %on = (
    worker   => \&_work,
    ready    => sub { $_[0]{daemon}->ready if $_[0]{daemon} },
    reload   => \&_reload,
    reloaded => sub { delete $_[0]{before} },
    kept     => \&_keep,
    reopen   => \&_reopen,
);

sub _supervise {
    my ($server) = @_;
    my $supervisor = $server->{supervisor};

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

    return if eval {
        my $new  = _call($server, 'on_reload') || {};
        my %next = (listen => $server->{listen}, workers => $server->{workers}, %$new);
        my ($supervisor, @listen) = ($server->{supervisor}, _list($next{listen}));
        $supervisor->reload(\@listen, $next{workers} || 0);
        $server->{before} = [@$server{qw(listen workers)}];
        @$server{qw(listen workers)} = @next{qw(listen workers)};
        1;
    };
    _complain('reload', $@);
    _call_safely($server, 'on_kept', $@);
    return;
}

sub _keep {
    my ($server, $why) = @_;
    my $before = delete $server->{before};

    @$server{qw(listen workers)} = @$before if $before;
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
    my $supervisor = delete $server->{supervisor};
    my $begun      = eval {
        $server->{generation} = $supervisor->generation;
        _call($server, 'on_start');
        $server->_open;
        $supervisor->serve($server);
        1;
    };
    if (!$begun) {
        _complain('worker', $@);
        $supervisor->worker_fail("$@");
        NetIO::Server::Supervisor::end_process();
    }
    delete $server->{on_reload};
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
