package NetIO::Test::Chromium;

# A Chromium without a window, as a process that takes commands: the part of a NetIO::Test::Browser
# that is below its page, and its parent class.
#
# It speaks the DevTools protocol over a pair of pipes (JSON, a NUL after each message), so that
# no port is open.  Home, profile and temporary files are in a temporary directory; no name but
# 127.0.0.1 is looked up.  Every command has a deadline, and dies with the browser's words.
#
# An event of the protocol calls the child's method of its name, if there is one: for
# Page.loadEventFired, on_Page_loadEventFired.
#
# finish() checks, as one test, that the browser and all its processes have ended.

use strict;
use warnings;

use Errno       qw(EINTR);
use File::Path  ();
use File::Temp  ();
use JSON::PP    ();
use POSIX       ();
use Test::More  ();
use Time::HiRes ();

use constant {
    PATIENCE        => 60,      # seconds that a command or a page may take
    FROM_US         => 3,       # the browser's descriptors
    TO_US           => 4,
    F_DUPFD_CLOEXEC => 1030,    # of fcntl(2) on Linux
};

# Nothing that goes out, nothing that asks the user, nothing that stays.
my @OPTIONS = (
    qw(--headless --remote-debugging-pipe --disable-gpu --disable-dev-shm-usage --hide-scrollbars
        --no-first-run --no-default-browser-check --no-pings --disable-breakpad
        --disable-background-networking --disable-component-update --disable-domain-reliability
        --disable-default-apps --disable-extensions --disable-sync --disable-translate
        --metrics-recording-only --password-store=basic --use-mock-keychain --mute-audio
        --force-color-profile=srgb --lang=en-US),
    '--disable-features=MediaRouter,OptimizationHints,Translate,InterestFeedContentSuggestions',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    '--proxy-server=direct://',
);

sub chromium {
    my ($path) = grep { -x } map { "$_/chromium" } split /:/, $ENV{PATH} // '';
    return $path;
}

# Why there is nothing to start, or nothing.
sub missing { return chromium() ? undef : 'no chromium' }

# The child's own fields come along, since events come before this returns.
sub start {
    my ($class, %fields) = @_;
    my $self = bless {
        %fields,
        dir   => File::Temp->newdir('netio-browser-XXXXXX', TMPDIR => 1),
        json  => JSON::PP->new->utf8,
        owner => $$,
        bytes => '',
        log   => '',
        id    => 0,
    }, $class;

    $self->{path} = "$self->{dir}";
    $self->spawn;
    $self->attach;
    return $self;
}

# Three pipes: commands, what comes back, and stderr.  All its processes hold the last one.
sub spawn {
    my ($self) = @_;

    pipe(my $commands, my $to)   or die "pipe: $!\n";
    pipe(my $from,     my $said) or die "pipe: $!\n";
    pipe(my $errors,   my $err)  or die "pipe: $!\n";
    $self->{pid} = fork // die "fork: $!\n";
    if (!$self->{pid}) {
        eval { $self->become($commands, $said, $err) };
        print STDERR $@;
        POSIX::_exit(127);
    }
    setpgrp $self->{pid}, $self->{pid};    # both do it: then neither has to wait for the other
    @$self{qw(to from errors)} = ($to, $from, $errors);
    return;
}

sub become {
    my ($self, $commands, $said, $err) = @_;
    my @options = (@OPTIONS, "--user-data-dir=$self->{dir}/profile", $> ? () : '--no-sandbox');

    setpgrp;
    alarm 0;
    # First out of the way of the numbers they shall have.
    my ($from, $to) = map { fcntl $_, F_DUPFD_CLOEXEC, 10 } $commands, $said;
    open STDIN,  '<',  '/dev/null' or die "/dev/null: $!\n";
    open STDOUT, '>&', $err        or die "dup: $!\n";
    open STDERR, '>&', $err        or die "dup: $!\n";
    POSIX::dup2($from, FROM_US) // die "dup2: $!\n";
    POSIX::dup2($to,   TO_US)   // die "dup2: $!\n";
    delete @ENV{ grep { /^(?:XDG_|DBUS_|LD_PRELOAD$|DISPLAY$|.*_proxy$)/i } keys %ENV };
    @ENV{qw(HOME TMPDIR)} = ("$self->{dir}") x 2;
    exec { chromium() } 'chromium', @options, 'about:blank' or die "chromium: $!\n";
}

# The one page there is, and what shall be told of it.
sub attach {
    my ($self)  = @_;
    my $targets = $self->command('Target.getTargets')->{targetInfos};
    my ($page)  = grep { $_->{type} eq 'page' } @$targets;
    my $target  = $page ? $page->{targetId} : $self->new_target;
    my $attached =
        $self->command('Target.attachToTarget', { targetId => $target, flatten => JSON::PP::true });

    $self->{session} = $attached->{sessionId};
    $self->command("$_.enable") for qw(Page Runtime Log Network DOM Accessibility);
    return;
}

sub new_target {
    my ($self) = @_;

    return $self->command('Target.createTarget', { url => 'about:blank' })->{targetId};
}

# ---- the protocol ------------------------------------------------------------------------

# Sends a command and waits for its result.
sub command {
    my ($self, $method, $params) = @_;
    my $id      = ++$self->{id};
    my %message = (id => $id, method => $method, params => $params || {});

    $message{sessionId} = $self->{session} if $self->{session};
    local $SIG{PIPE} = 'IGNORE';
    my $bytes = $self->{json}->encode(\%message) . "\0";
    while (length $bytes) {
        my $n = syswrite $self->{to}, $bytes;
        defined $n or $! == EINTR or $self->give_up("$method: $!");
        substr $bytes, 0, $n || 0, '';
    }
    $self->wait_for($method, sub { exists $self->{result}{$id} });
    my $answer = delete $self->{result}{$id};
    $self->give_up("$method: $answer->{error}{message}") if $answer->{error};
    return $answer->{result};
}

# Reads what comes until the code returns true.
sub wait_for {
    my ($self, $what, $code) = @_;
    my $until = Time::HiRes::time() + PATIENCE;

    while (!$code->()) {
        my $left = $until - Time::HiRes::time();
        $self->give_up("$what: not within the deadline") if $left <= 0;
        $self->pump($left) or $self->give_up("$what: the browser ended");
    }
    return;
}

sub give_up {
    my ($self, $problem) = @_;
    die "browser: $problem\n", length $self->{log} ? "it said:\n$self->{log}" : '';
}

# Reads once from either pipe; false when both are at their end.
sub pump {
    my ($self, $seconds) = @_;
    my @pipes = grep { $self->{$_} } qw(from errors) or return 0;
    my $bits  = '';

    vec($bits, fileno $self->{$_}, 1) = 1 for @pipes;
    select $bits, undef, undef, $seconds or return 1;
    for my $pipe (grep { vec $bits, fileno $self->{$_}, 1 } @pipes) {
        my $text = $pipe eq 'from' ? \$self->{bytes} : \$self->{log};
        my $n    = sysread $self->{$pipe}, $$text, 1 << 18, length $$text;
        close delete $self->{$pipe} if defined $n && !$n;
    }
    while ((my $end = index $self->{bytes}, "\0") >= 0) {
        my $message = substr $self->{bytes}, 0, $end + 1, '';
        chop $message;
        $self->take($self->{json}->decode($message));
    }
    return $self->{from} ? 1 : 0;
}

# A result, or an event.
sub take {
    my ($self, $message) = @_;

    if (defined $message->{id}) {
        $self->{result}{ $message->{id} } = $message;
    } elsif (my $code = $self->can('on_' . ($message->{method} =~ s/\./_/r))) {
        $self->$code($message->{params});
    }
    return;
}

# ---- the end -----------------------------------------------------------------------------

# The pipe of stderr ends with the last of its processes.
sub finish {
    my ($self) = @_;

    return if $self->{finished}++;
    delete $self->{session};
    eval { $self->command('Browser.close') };
    my $until = Time::HiRes::time() + PATIENCE;
    $self->pump(1) while $self->{errors} && Time::HiRes::time() < $until;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok(!$self->{errors}, 'the browser leaves no process behind');
    $self->reap;
    return;
}

sub reap {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    kill 'KILL', -$pid, $pid;
    waitpid $pid, 0;
    return;
}

sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$ || !$self->{pid};
    local ($?, $!, $@);
    $self->reap;
    # Its processes write to their folder to the last, and at the end of the test that may have been
    # removed before them.
    my $until = Time::HiRes::time() + PATIENCE;
    $self->pump(1) while $self->{errors} && Time::HiRes::time() < $until;
    File::Path::remove_tree($self->{path});
    return;
}

1;
