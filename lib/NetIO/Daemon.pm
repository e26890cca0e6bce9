package NetIO::Daemon;

# Most methods are native.  Loaded by the first call of daemonize, and without strict: it is to cost
# a daemon that starts no more than it must.
## no critic (RequireUseStrict)

use NetIO ();

# What stands for the process has no meaning in a thread.
sub CLONE_SKIP { return 1 }

sub ready {
    my ($self) = @_;

    my $lost = _ready($self);
    tie *STDERR, 'NetIO::Daemon::Output' if $lost && !tied *STDERR;
    return 1;
}

# The same in a worker, which has begun before that.
sub _worker {
    my ($self) = @_;

    my $lost = _let_go($self);
    tie *STDERR, 'NetIO::Daemon::Output' if $lost && !tied *STDERR;
    return;
}

# exit goes through END blocks and destructors; the starter knows before that.
sub fail {
    my ($self, $text, $status) = @_;

    $status = ($status || 0) & 255 || 1;
    {
        local ($,, $\);
        print {*STDERR} $self->name, ": $text\n";
    }
    _fail($self, $status);
    exit $status;
}

# Of an object: this process is a daemon no more.  Of the class: some other one is to end.
sub stop {
    my ($self, $pidfile, %option) = @_;

    return _end($self) if ref $self;
    my ($seconds, $kill) = delete @option{qw(timeout kill)};
    for my $name (sort keys %option) {
        require NetIO::Error;
        NetIO::Error->throw(
            message => "stop: unknown option '$name'",
            what    => 'stop',
            stage   => 'option',
            code    => NetIO::Error::BADOPTION(),
        );
    }
    _stop($pidfile, defined $seconds ? $seconds : 10, $kill);
    return 1;
}

# STDERR after ready: lines go to the log, once they are whole, what warn and die say among them.
package NetIO::Daemon::Output;

sub TIEHANDLE { return bless { line => '', pid => $$ }, $_[0] }

# A line that was begun before a fork is the parent's to end.
sub PRINT {
    my ($self, @text) = @_;

    @$self{qw(line pid)} = ('', $$) if $self->{pid} != $$;
    $self->{line} .= join(defined $, ? $, : '', @text) . (defined $\ ? $\ : '');
    my $end = 1 + rindex $self->{line}, "\n";
    return !$end || NetIO::Daemon::_say(substr $self->{line}, 0, $end, '');
}

sub PRINTF {
    my ($self, $format, @values) = @_;

    local ($,, $\);
    return $self->PRINT(sprintf $format, @values);
}

sub WRITE {
    my ($self, $text, $length, $offset) = @_;

    local ($,, $\);
    $self->PRINT(substr $text, $offset || 0, $length);
    return $length;
}

sub FILENO  { return 2 }
sub BINMODE { return 1 }

# Nothing can be read there.
sub READ     { return }
sub READLINE { return }
sub GETC     { return }
sub EOF      { return 1 }
sub TELL     { return -1 }
sub SEEK     { return 0 }

sub UNTIE {
    my ($self) = @_;

    local ($,, $\);
    $self->PRINT("\n") if length $self->{line} && $self->{pid} == $$;
    return;
}

# Last words may have no end.
sub DESTROY { return $_[0]->UNTIE }

# Opened or closed by the program, it is a handle like any other.
sub CLOSE {
    untie *STDERR;
    return close STDERR;
}

sub OPEN {
    my ($self, $mode, @what) = @_;

    untie *STDERR;
    return open STDERR, $mode, @what if @what;
    return open STDERR, $mode;    ## no critic (ProhibitTwoArgOpen)
}

1;
__END__

=head1 NAME

NetIO::Daemon - a Perl program that becomes a daemon, and tells its starter the truth

=head1 SYNOPSIS

    use NetIO qw(daemonize);

    my $daemon = daemonize(pidfile => "$folder/hourglass.pid", log => "$folder/hourglass.log");
    open my $data, '<', "$folder/grains" or $daemon->fail("grains: $!", 66);
    my $over = 0;
    local $SIG{TERM} = sub { $over = 1 };
    $daemon->ready;                         # the shell has its prompt back
    $daemon->log(info => 'counting');
    while (!$over && defined(my $grain = <$data>)) {
        warn "not a grain: $grain" if $grain !~ /^\d+$/;     # goes to the log
    }

=head1 DESCRIPTION

L<NetIO/daemonize> makes a daemon of the program that calls it, and returns an object of this class
in it.  The process that was started waits meanwhile.  When the daemon calls L</ready> it exits with
0.  When the daemon ends before that, it exits as the daemon did: with its exit code, so that the
shell sees what C<die> and C<exit> say; with 128 and the number of the signal that killed it; with
70 if it has left with 0 all the same; with 75 if it was not ready in time, and has been killed.
Until then standard input, output and error are those of the starter, so what C<die> and C<warn> say
appears there.

Call it early: before there are threads, child processes, event loops, database handles, locks of
C<fcntl>, alarms, temporary files that are removed at the end: of these a daemon, being another
process, has none.  Then check what can be wrong, listen, open files, and call L</ready>.

There is one daemon in a process.  It lasts until L</stop>, or until the program ends, whatever
becomes of the object.

=head2 What the daemon finds

Its world is built from nothing, whatever the starter was:

=over

=item *

A session of its own, which it does not lead, no controlling terminal, and no way to get one.

=item *

The folder F</>, umask 022, no core files: see L</OPTIONS>.

=item *

C<%ENV>, and the environment of the programs it executes with it, has PATH, set to the folders of
the system, LANG, LANGUAGE, LC_* and TZ, and with the option C<user> USER, LOGNAME, HOME and SHELL
of that user.  Nothing else: no PERL5LIB, no LD_PRELOAD.

=item *

No signal is blocked.  What the program has in C<%SIG> stays as it is.  Of the others HUP, PIPE,
USR1, USR2, TSTP, TTIN, TTOU and XFSZ are ignored, as C<%SIG> says, until the program handles them; the
rest, among them what the starter had ignored, have their default.  A program that it executes
inherits what is ignored: C<local $SIG{PIPE} = 'DEFAULT'> before C<system> if it should not.

=back

The program goes on as if it had been one process all the time.  C<$$> is the daemon's number; END
blocks and destructors run once, at its end, and never in the starter; what was printed before and
not yet written is written once; DATA and all other handles are where they were.

=head2 Handles

No handle is closed, but all descriptors above 2 are made close-on-exec, and so no program that the
daemon executes has them.  C<keep> names those that such programs are to have.

L</ready> puts F</dev/null> in the place of STDIN, STDOUT and STDERR.  A standard handle that the
program has opened on something else since C<daemonize> stays there, and so does one that C<keep>
names.  A descriptor below 3 that belongs to another handle, because STDOUT was closed or in
memory when that was opened, say, stays with it.  Tied handles stay tied.

From then on what is printed to STDERR, by C<warn> and C<die>, too, goes to the log, line by line,
with the priority C<warning>: STDERR is tied for that, if it is not tied already, until it is opened
on something else.  Programs that the daemon executes write to F</dev/null>; what a thread prints
there is lost, and C<print> says so.

A child that is forked before L</ready>, a worker of a server, say, still has those of the starter:
it opens them on something else itself.  Until it ends, the starter has all handles, too: the peer of a connection that the daemon closes
before L</ready> learns of it then.

=head2 Under a service manager

With NOTIFY_SOCKET in the environment, sockets passed by LISTEN_FDS, or the option C<foreground>,
there is no second process and no new session, STDOUT and STDERR stay, and STDIN becomes
F</dev/null> at L</ready>.  All else is the same: units say C<Type=notify>, and programs need not
know.

=head1 METHODS

All throw a L<NetIO::Error> when they fail.

=head2 ready

Gives up privileges, if the options ask for it and L</drop> has not, writes the pid file, tells
starter or service manager, and lets go of the terminal.  When the starter is gone, because
somebody has interrupted it, that is an error with the code of EPIPE: nobody knows of this
daemon, and it should end.

=head2 drop

Gives up privileges now, for programs that open files as the user that they become.

=head2 fail

    $daemon->fail('no such directory: /srv', 66);

Says so on STDERR, after the program's name, and ends the program with this exit code, 1 without.
The starter exits with it, too.  After L</ready> it goes to the log.

=head2 detached

False under a service manager and in the foreground.

=head2 name

The program's name, as messages and the log have it.

=head2 log

    $daemon->log(info => "served $peer");

Writes a line to the log; the priority is C<emerg>, C<alert>, C<crit>, C<err>, C<warning>,
C<notice>, C<info> or C<debug>.  A text of several lines is as many in the log; control characters,
and what is not ASCII, become C<\xHH>.  It never waits: what the log does not take at the moment is
lost, and the next line that it takes says how many were.  It may be called after L</stop>, and in
children.

=head2 reopen

Opens a log file again by its name, after it has been rotated.  If it cannot, the old one stays.  It
is opened as the user that the daemon has become.

=head2 notify

    $daemon->notify(status => "$count clients");
    $daemon->notify('reloading'); ...; $daemon->notify('ready');

Tells the service manager, in the words of L<sd_notify(3)>: C<status>, C<reloading>, C<ready>
again, C<stopping>.  True also where there is none; false, with C<$!>, if it could not be told.

=head2 alive

    while (1) {
        wait_for_work($daemon->alive);    # that many seconds at most; undef: for ever
        ...
    }

For a manager that watches (C<WatchdogSec> of a unit): to be called in the main loop of the program
at least as often as it says.  Tells the manager, when that is due, that the program is alive, and
returns the seconds until it is due again; undef if nobody watches.

=head2 listeners

    my @all   = $daemon->listeners;
    my ($web) = $daemon->listeners('web');

The sockets that a manager has passed (LISTEN_FDS), or those that it calls by this name
(LISTEN_FDNAMES), as L<NetIO::Socket> handles, each once.

=head2 stop

    $daemon->stop;

The daemon is over: tells the manager, and removes the pid file.  The end of the program does the
same.  In a child, which fork has made, it lets go of the pid file: whoever is to outlive the daemon
calls it, or there will be no other daemon as long as he lives.

=head1 OTHER DAEMONS

Class methods, for whatever daemon has made a pid file with NetIO, in C or Perl.  They go by the
locks of a pid file, not by its number, and reach that process or none.

=head2 running

    my $pid = NetIO::Daemon->running('/run/my.pid');

The pid of the daemon, or undef when none runs.  One that is not ready yet is an error with the code
C<NetIO::Error::STARTING>.

=head2 signal

    NetIO::Daemon->signal('/run/my.pid', 'HUP');

Sends it a signal, by name or number.  It is an error when none runs.

=head2 stop

    NetIO::Daemon->stop('/run/my.pid', timeout => 10, kill => 1);

Sends it SIGTERM and waits until it has ended; true as well when none was running.  If that takes
longer than C<timeout>, 10 seconds unless told, it is an error with the code of ETIMEDOUT; with
C<kill> the daemon gets SIGKILL then.

=head1 OPTIONS

Of L<NetIO/daemonize>.  undef is as good as nothing.

=over

=item pidfile => PATH

A file for the pid, locked as long as the daemon runs.  A second start ends with C<already running>.
A file of a daemon that is dead is taken over.  The daemon itself must not open it: with that handle
it would close its lock, and nobody could find it again.

=item user => 'NAME' | 'NAME:GROUP'

Whom to become, with L</ready> or L</drop>: with all groups of that user and no others.  Numbers
will do.  That it has worked, and that there is no way back, is checked; otherwise the daemon does
not become ready.

=item log => 'syslog' | 'stderr' | PATH

Where L</log> writes; a path is opened at once.  Without it: C<syslog>, in the foreground
C<stderr>.

=item name => TEXT

The name for messages and the log, if not that of the program.

=item foreground => BOOLEAN

No second process: for C<-f>.

=item ready_seconds => SECONDS

How long the starter waits before it kills the daemon: 60, unless told.

=item keep => HANDLE | [HANDLES]

Handles, or descriptors, that stay open in programs which the daemon executes.  See L</Handles>.

=item environment => [ENTRIES]

Instead of the usual: C<NAME> keeps a variable, C<NAME*> all that begin so, C<NAME=VALUE> sets one.

=item directory => PATH

The folder to go to; inside the one of C<chroot>.

=item umask => NUMBER

As for L<perlfunc/umask>; a text that begins with 0 is octal.

=item limits => { NAME => NUMBER | [SOFT, HARD] }

Limits of L<setrlimit(2)>: C<as>, C<core>, C<cpu>, C<data>, C<fsize>, C<memlock>, C<msgqueue>,
C<nice>, C<nofile>, C<nproc>, C<rtprio>, C<rttime>, C<sigpending>, C<stack>; a number, or
C<unlimited>.  C<core> is 0 unless told.

=item chroot => PATH

The folder to be the root of the file system, from L</ready> or L</drop> on.

=item capabilities => NAME | [NAMES]

Of root's privileges, to keep, as L<capabilities(7)> calls them, with C<CAP_> or without:
C<net_bind_service>, say, to listen on other ports later.

=item setuid_programs => BOOLEAN

Programs that it executes may gain privileges, as sudo or sendmail does; otherwise the kernel denies
it.

=back

=head1 ERRORS

What is wrong with an option, a pid file that is in use, a user that does not exist, a log that
cannot be opened: C<daemonize> throws in the process that has called it, and nothing has been
started:

    daemonize: pid file /run/my.pid: already running at my.pl line 7.
    daemonize: user nosuch: no such user at my.pl line 7.
    daemonize: unknown option 'Pidfile' at my.pl line 7.

It may be called again then.  A program with other threads is refused.

With taint checks (C<perl -T>), an option that is tainted ends the program with C<Insecure
dependency in daemonize>.

=head1 EXAMPLES

F<eg/daemon.pl> is the smallest daemon that serves.  Reload and rotation are two handlers:

    local $SIG{HUP}  = sub { $reload = 1 };
    local $SIG{USR1} = sub { $daemon->reopen };

Perl itself may sleep over a signal that comes just before C<sleep> or C<select>; what waits in NetIO,
C<accept> of a L<NetIO::Socket>, say, does not.

=head1 SEE ALSO

L<NetIO>; L<netio-daemon(8)>, which makes a daemon of any program; F<netio/daemonize.h> has the same
for C.

=cut
