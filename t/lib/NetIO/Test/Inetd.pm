package NetIO::Test::Inetd;

# netiod for a test, a NetIO::Test::Daemon:
#
#     my $d = NetIO::Test::Inetd->start(config => <<'CONF', args => ['--stop-seconds', 1]);
#     127.0.0.1:{cat}  stream tcp nowait root /bin/cat cat
#     127.0.0.1:{date} dgram  udp wait   root /usr/bin/thing thing
#     CONF
#     is $d->ask(cat => "hello\n"), "hello\n";       # all of it, until the end of file
#     is $d->answer('fortune'), "...\n";           # the same of who says nothing
#     my $socket = $d->connect('cat');
#     ok $d->reload($other_config);                  # whether it has been taken
#     is $d->stop, 0;                                # TERM; the exit code
#
# {NAME} in a configuration is a port that is free, TCP and UDP: the same for the same name as long
# as the object lives, and no two tests have the same one.  port('NAME') says which; it is the name
# of the service, too, unless the configuration says another.  {DIR} is the folder of the daemon,
# $d->dir, which everybody may read.  Arguments may have them, too.
#
#     my $pid = $d->upgrade;             # USR2: of the successor that serves, now $d->pid; undef
#     is $d->left, 0;                    # the exit code of the predecessor that left first
#     is $d->left_of($old), 0;          # ... of that one
#     $d->since_upgrade;                 # wait_log begins anew, behind the start of the successor
#
#     like $d->status, qr/^service=.../;  # of --status unix:{DIR}/status; status('NAME'): at {NAME}
#
#     my $end = $d->failing(bind => 'EADDRINUSE', 3);   # its third bind from now on fails
#     my $trace = $end->();              # all such calls up to now; nothing fails any more
#     my $end = $d->injecting(accept4 => 'delay_enter=30000');   # the same, as strace(1) has it
#     my $end = $d->traced("$dir/trace", '-f');                  # all calls, in that file
#
#     on('cat', '/bin/cat', 'accept_max = 2')     # as a line of a configuration: nobody's, on {cat}
#
# start() waits until netiod is ready, or dies with its log; with ready => 0 it waits for nothing.
# config may be a list of files, as a hash NAME => TEXT: all of them are arguments then, in the order
# of their names.  All else is NetIO::Test::Daemon's: wait_log, log_text, finish, env, before, wrap.
#
#     my ($exit, $out, $err) = NetIO::Test::Inetd->look($config, '-t', ...);

use strict;
use warnings;

use parent 'NetIO::Test::Daemon';

use Cwd ();
use Exporter 'import';
use File::Temp           ();
use NetIO::Test::Port    qw(free_port);
use NetIO::Test::Process qw(as_reaper);
use NetIO::Test::Run     qw(slurp spew);
use POSIX                qw(WNOHANG);
use Time::HiRes          ();

our @EXPORT_OK = qw(on);

use constant SILENCE => 20;    # seconds

sub program { return Cwd::abs_path($ENV{NETIO_NETIOD} || 'blib/script/netiod') }

sub on {
    my ($name, $program, @keys) = @_;

    return
        "$name on listen = 127.0.0.1:{$name}, user = nobody, exec = "
        . join(', ', $program, @keys) . ";\n";
}

# A configuration with its ports.
sub fill {
    my ($self, $text) = @_;

    $text =~ s/\{DIR\}/$self->{dir}/g;
    $text =~ s/\{(\w+)\}/$self->{ports}{$1} ||= free_port()/ge;
    return $text;
}

# Writes it; the paths for the command line.
sub configure {
    my ($self, $config) = @_;
    my %files = ref $config ? %$config : ('inetd.conf' => $config);

    spew("$self->{dir}/$_", $self->fill($files{$_})) for keys %files;
    return map { "$self->{dir}/$_" } sort keys %files;
}

sub prepare {
    my ($class, %how) = @_;
    my $dir  = $how{dir} || File::Temp->newdir('netiod-XXXXXX', TMPDIR => 1);
    my $self = $class->SUPER::prepare(%how, program => $how{program} || program(), dir => $dir);

    chmod 0755, "$dir";
    $self->{ports} = $how{ports} || {};
    $self->{grows} = 0;
    $_             = $self->fill($_) for @{ $self->{args} };
    push @{ $self->{args} }, $self->configure($how{config}) if defined $how{config};
    return $self;
}

sub start {
    my ($class, %how) = @_;
    my $ready = delete $how{ready} // 1;

    return $class->SUPER::start(
        program => program(),
        %how,
        args  => ['-f', @{ $how{args} || [] }],
        ready => $ready ? qr/netiod: ready, (\d+) services\n/ : undef,
    );
}

# Runs netiod to its end over this configuration: exit code, stdout, stderr.
sub look {
    my ($class, $config, @args) = @_;

    return $class->run(config => $config, args => [@args]);
}

sub port {
    my ($self, $name) = @_;

    return $self->{ports}{$name} || die "no port $name\n";
}

# A port by its name, or PATH => a unix socket's.
sub connect {
    my ($self, $name) = @_;

    return $self->SUPER::connect($name =~ m{^/} ? (path => $name) : (port => $self->port($name)));
}

# Sends it, says that no more comes, and returns the answer; undef after a reset.
sub ask {
    my ($self, $name, $question) = @_;
    my $socket = $self->connect($name);

    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, $question if length $question;
    shutdown $socket, 1;
    return $self->read_all($socket);
}

# What is said to who says nothing: '' when nobody can connect or nothing is said, 'reset', or
# 'silence' of a netiod that has hung for long.
sub answer {
    my ($self, $name) = @_;
    my $socket = eval { $self->connect($name) } or return '';

    vec(my $bits = '', fileno $socket, 1) = 1;
    select($bits, undef, undef, SILENCE) or return 'silence';
    return $self->read_all($socket) // 'reset';
}

# A reload has given it more sockets, or less: two descriptors a service.
sub grows { return $_[0]{grows} += $_[1] }

sub log { return $_[0]->log_text }

# What is said to who asks for the status.  Whoever has it has it of a netiod that has come to the end
# of what it did before.
sub status {
    my ($self, $name) = @_;

    return $self->read_all($self->connect($name // "$self->{dir}/status"));
}

# HUP, with another configuration if there is one; whether netiod goes by it.
sub reload {
    my ($self, $config) = @_;

    $self->configure($config) if defined $config;
    $self->kill('HUP');
    my $caught = $self->wait_log(qr/configuration: (read again|RELOAD FAILED)/)
        or die "no reload:\n" . $self->log_text;
    return $caught->[0] eq 'read again';
}

# strace counts the calls of one process by name; what goes wrong is the Nth.
sub failing {
    my ($self, $call, $error, $n) = @_;

    return $self->injecting($call, "error=$error:when=$n");
}

# As strace's inject= has it: from now on, until what is returned is called.
sub injecting {
    my ($self, $call, $what) = @_;
    my $said = "$self->{dir}/strace-$call-" . ++$self->{traces};

    return $self->traced($said, '-e', "trace=$call", '-e', "inject=$call:$what");
}

# By strace with these options, from now on, until what is returned is called.
sub traced {
    my ($self, $said, @how) = @_;

    pipe my $errors, my $to or die "pipe: $!\n";
    defined(my $strace = fork) or die "fork: $!\n";
    if (!$strace) {
        open STDERR, '>&', $to or POSIX::_exit(126);
        exec 'strace', '-o', $said, @how, '-p', $self->pid or POSIX::_exit(127);
    }
    close $to;
    my $says = '';
    $says .= readline($errors) // die "not traced: $says" until $says =~ /attached/;
    return sub {
        CORE::kill('INT', $strace);
        1 while defined readline $errors;
        waitpid $strace, 0;
        return slurp($said);
    };
}

# undef: it has failed, and the log says why.
sub upgrade {
    my ($self) = @_;

    as_reaper();
    $self->kill('USR2');
    my $started = $self->wait_log(qr/upgrade(?:: \S+ starts \(pid (\d+)\)| failed: .*)\n/)
        or die "no upgrade:\n" . $self->log_text;
    $self->{upgraded} = $self->{seen};
    my $next  = $started->[0] or return;
    my $ended = $self->wait_log(qr/(upgrade: the successor serves|netiod: upgrade failed: .*)\n/)
        or die "no end of the upgrade:\n" . $self->log_text;
    return if $ended->[0] =~ /failed/;
    push @{ $self->{before_it} }, $self->{pid};
    return $self->{pid} = $next;
}

# Waits for that one, or the first of them.  As long as its own predecessor is there, it is that one's
# to reap, and nobody here knows the exit code.
sub left_of {
    my ($self, $pid) = @_;

    @{ $self->{before_it} } = grep { $_ != $pid } @{ $self->{before_it} };
    while (waitpid($pid, WNOHANG) != $pid) {
        return 0 if !CORE::kill(0, $pid);
        Time::HiRes::sleep(0.01);
    }
    return $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
}

sub left {
    my ($self) = @_;
    my ($pid)  = @{ $self->{before_it} };

    return $self->left_of($pid || die "nobody has left\n");
}

# What the log has from the start of the last successor on is waited for again: that says what it says
# whether or not its predecessor has said yet that it serves.
sub since_upgrade {
    my ($self) = @_;

    $self->{seen} = $self->{upgraded};
    return;
}

# Predecessors hold the log open, too; each must have ended well.
sub wait_end {
    my ($self, @seconds) = @_;
    my $end = $self->SUPER::wait_end(@seconds);

    return $end if !defined $end;
    # No child of this process: its predecessor was still there, and has reaped it.
    $end = 0 if $end eq 'signal 127' && @{ $self->{before_it} || [] };
    while (@{ $self->{before_it} || [] }) {
        my $earlier = $self->left;
        $end ||= $earlier;
    }
    return $self->{end} = $end;
}

# The pipes of its programs' standard errors, of which it has both ends, stay as long as it does.
sub extra_descriptors {
    my ($self) = @_;
    my %open = $self->open_files;
    my %ends;

    $ends{$_}++ for grep { /^pipe/ } values %open;
    my $pipes = 2 * grep { $_ == 2 } values %ends;
    return $self->SUPER::extra_descriptors(($self->{grows} || 0) + $pipes);
}

# TERM, and its end: the exit code, or "signal N".
sub stop {
    my ($self) = @_;

    $self->kill('TERM');
    return $self->wait_end;
}

1;
