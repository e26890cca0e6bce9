package NetIO::Test::Browser;

# A real browser, Chromium without a window, for a test: it is driven by keys and the mouse, and
# everything that goes wrong in a page is collected.
#
#     plan skip_all => $_ for grep { defined } NetIO::Test::Browser->missing;
#     my $browser = NetIO::Test::Browser->start;
#     $browser->open('http://127.0.0.1:8043/');
#     $browser->click('#q');
#     $browser->type('quinton');
#     $browser->press('Enter');
#     $browser->wait_load;              # of the page that the last action led to
#     is $browser->eval('document.title'), ...;
#     is_deeply [$browser->trouble], [];
#     $browser->finish;                 # or let the object go
#
# It speaks the DevTools protocol over a pair of pipes (JSON, a NUL after each message), so that
# no port is open.  Home, profile and temporary files are in a temporary directory; no name but
# 127.0.0.1 is looked up.  Every command has a deadline, and dies with the browser's words.
#
# trouble() returns what was collected since it was last asked, one line each:
#     exception: ...    a script failed           console: ...    a script complained
#     security: ...     the Content-Security-Policy forbade something
#     network: ...      the server's status was an error, or there was no answer
#     dialog: ...       a script opened one (it is closed at once)
# requests() returns the addresses asked for since it was last asked.
#
# finish() checks, as one test, that the browser and all its processes have ended.

use strict;
use warnings;

use Errno        qw(EINTR);
use Fcntl        ();
use File::Path   ();
use File::Temp   ();
use JSON::PP     ();
use MIME::Base64 ();
use POSIX        ();
use Test::More   ();
use Time::HiRes  ();

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

# name => [code, virtual key code, text]
my %KEY = (
    Enter  => ['Enter',  13, "\r"],
    Tab    => ['Tab',    9,  undef],
    Escape => ['Escape', 27, undef],
);

sub chromium {
    my ($path) = grep { -x } map { "$_/chromium" } split /:/, $ENV{PATH} // '';
    return $path;
}

# Why there is nothing to start, or nothing.
sub missing { return chromium() ? undef : 'no chromium' }

sub start {
    my ($class) = @_;
    my $self = bless {
        dir      => File::Temp->newdir('netio-browser-XXXXXX', TMPDIR => 1),
        json     => JSON::PP->new->utf8,
        owner    => $$,
        bytes    => '',
        log      => '',
        id       => 0,
        loads    => 0,
        mark     => 0,
        trouble  => [],
        requests => [],
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

# ---- events ------------------------------------------------------------------------------

sub note {
    my ($self, $kind, $text) = @_;

    push @{ $self->{trouble} }, "$kind: $text";
    return;
}

sub on_Page_loadEventFired { $_[0]{loads}++; return }

sub on_Page_javascriptDialogOpening {
    my ($self, $event) = @_;
    my %message = (
        id        => ++$self->{id},
        method    => 'Page.handleJavaScriptDialog',
        sessionId => $self->{session},
        params    => { accept => JSON::PP::true },
    );

    # Nobody waits for the result: this is called while a result is waited for.
    syswrite $self->{to}, $self->{json}->encode(\%message) . "\0";
    $self->note(dialog => $event->{message});
    return;
}

sub on_Runtime_exceptionThrown {
    my ($self, $event) = @_;
    my $details = $event->{exceptionDetails};

    $self->note(exception => $details->{exception}{description} // $details->{text});
    return;
}

sub on_Runtime_consoleAPICalled {
    my ($self, $event) = @_;
    my @words = map { $_->{value} // $_->{description} // $_->{type} } @{ $event->{args} };

    $self->note(console => "$event->{type} @words");
    return;
}

sub on_Log_entryAdded {
    my ($self,   $event) = @_;
    my ($source, $text)  = @{ $event->{entry} }{qw(source text)};

    $self->note($source, $text);
    return;
}

sub on_Network_requestWillBeSent {
    my ($self, $event) = @_;

    push @{ $self->{requests} }, $event->{request}{url};
    return;
}

sub on_Network_responseReceived {
    my ($self, $event) = @_;

    $self->{response} = $event->{response} if $event->{type} eq 'Document';
    return;
}

sub on_Network_loadingFailed {
    my ($self, $event) = @_;

    $self->note(network => $event->{errorText}) if !$event->{canceled};
    return;
}

sub trouble { return splice @{ $_[0]{trouble} } }

sub requests { return splice @{ $_[0]{requests} } }

# HTTP status of the last page, and its headers with lower-cased names.
sub status { return $_[0]{response}{status} }

sub headers {
    my ($self) = @_;
    my $headers = $self->{response}{headers};

    return { map { lc($_) => $headers->{$_} } keys %$headers };
}

# ---- what a person does ------------------------------------------------------------------

# Opens an address, and waits until the page is there.
sub open {
    my ($self, $url) = @_;

    $self->{mark} = $self->{loads};
    my $result = $self->command('Page.navigate', { url => $url });
    $self->give_up("$url: $result->{errorText}") if $result->{errorText};
    return $self->wait_load;
}

# Waits until the page is there that the last action led to.
sub wait_load {
    my ($self) = @_;

    $self->wait_for('load', sub { $self->{loads} > $self->{mark} });
    return $self;
}

# A text, key by key, into what has the focus.
sub type {
    my ($self, $text) = @_;

    for my $character (split //, $text) {
        $self->key({ text => $character, key => $character, unmodifiedText => $character });
    }
    return $self;
}

# One key of the table above, perhaps with Shift held: 'Tab', 'Shift+Tab'.
sub press {
    my ($self, $name) = @_;
    my $shift = $name =~ s/^Shift\+//;
    my ($code, $number, $text) = @{ $KEY{$name} || die "no such key: $name\n" };

    $self->{mark} = $self->{loads};
    $self->key(
        {
            key                   => $name,
            code                  => $code,
            windowsVirtualKeyCode => $number,
            modifiers             => $shift ? 8 : 0,
            defined $text ? (text => $text) : (),
        }
    );
    return $self;
}

sub key {
    my ($self, $key) = @_;
    my $down = defined $key->{text} ? 'keyDown' : 'rawKeyDown';
    my %up   = %$key;

    delete @up{qw(text unmodifiedText)};
    $self->command('Input.dispatchKeyEvent', { %$key, type => $down });
    $self->command('Input.dispatchKeyEvent', { %up,   type => 'keyUp' });
    return;
}

# The mouse, in the middle of the first line of the element.
sub click {
    my ($self, $selector) = @_;
    my $place =
        $self->eval(sprintf <<'JS', $self->quote($selector)) or $self->give_up("no $selector");
(() => {
    const element = document.querySelector(%s);
    if (!element) return null;
    element.scrollIntoView({block: 'center'});
    const box = element.getClientRects()[0];
    return [box.left + box.width / 2, box.top + box.height / 2];
})()
JS
    my %mouse = (x => $place->[0], y => $place->[1], button => 'left', clickCount => 1);

    $self->{mark} = $self->{loads};
    $self->command('Input.dispatchMouseEvent', { %mouse, type => $_ })
        for qw(mouseMoved mousePressed mouseReleased);
    return $self;
}

# ---- how the page looks ------------------------------------------------------------------

# The value of an expression in the page.
sub eval {
    my ($self, $expression) = @_;
    my $result = $self->command('Runtime.evaluate',
        { expression => $expression, returnByValue => JSON::PP::true });

    $self->give_up("eval: $result->{exceptionDetails}{exception}{description}")
        if $result->{exceptionDetails};
    return $result->{result}{value};
}

# A string as JavaScript writes it.
sub quote {
    my ($self, $text) = @_;
    return JSON::PP->new->ascii->allow_nonref->encode("$text");
}

# The text of the first such element, blanks joined; undef if there is none.
sub text {
    my ($self, $selector) = @_;
    my $quoted = $self->quote($selector);
    my $text   = $self->eval("(e => e && e.textContent)(document.querySelector($quoted))");

    return if !defined $text;
    $text =~ s/\s+/ /g;
    $text =~ s/^ | $//g;
    return $text;
}

# Width and height of the window; a phone's when it is narrow.
sub viewport {
    my ($self, $width, $height) = @_;
    my $phone = $width < 600 ? JSON::PP::true : JSON::PP::false;

    $self->command('Emulation.setDeviceMetricsOverride',
        { width => $width, height => $height, deviceScaleFactor => 1, mobile => $phone });
    return $self;
}

# light or dark.
sub color_scheme {
    my ($self, $scheme) = @_;

    $self->command('Emulation.setEmulatedMedia',
        { features => [{ name => 'prefers-color-scheme', value => $scheme }] });
    return $self;
}

# Ignores the policy of the pages opened from now on.
sub without_policy {
    my ($self) = @_;

    $self->command('Page.setBypassCSP', { enabled => JSON::PP::true });
    return $self;
}

# What a screen reader is told, in its order: [role, name] of everything that is not ignored.
sub accessible {
    my ($self) = @_;
    my $nodes  = $self->command('Accessibility.getFullAXTree')->{nodes};
    my %node   = map { $_->{nodeId} => $_ } @$nodes;
    my @next   = $nodes->[0];
    my @told;

    while (my $node = shift @next) {
        push @told, [$node->{role}{value}, $node->{name}{value} // ''] if !$node->{ignored};
        unshift @next, grep { defined } @node{ @{ $node->{childIds} || [] } };
    }
    return @told;
}

# All of the page, as PNG.
sub screenshot {
    my ($self, $path) = @_;
    my $picture = $self->command('Page.captureScreenshot',
        { format => 'png', captureBeyondViewport => JSON::PP::true });

    CORE::open(my $file, '>:raw', $path) or die "$path: $!\n";
    print {$file} MIME::Base64::decode_base64($picture->{data});
    close $file or die "$path: $!\n";
    return $self;
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
