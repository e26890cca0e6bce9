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
# trouble() returns what was collected since it was last asked, one line each:
#     exception: ...    a script failed           console: ...    a script complained
#     security: ...     the Content-Security-Policy forbade something
#     network: ...      the server's status was an error, or there was no answer
#     dialog: ...       a script opened one (it is closed at once)
# requests() returns the addresses asked for since it was last asked.
#
# How it is started, spoken to and ended is in NetIO::Test::Chromium.

use strict;
use warnings;

use parent 'NetIO::Test::Chromium';

use JSON::PP     ();
use MIME::Base64 ();

# name => [code, virtual key code, text]
my %KEY = (
    Enter  => ['Enter',  13, "\r"],
    Tab    => ['Tab',    9,  undef],
    Escape => ['Escape', 27, undef],
);

sub start {
    my ($class) = @_;
    return $class->SUPER::start(loads => 0, mark => 0, trouble => [], requests => []);
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

1;
