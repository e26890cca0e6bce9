# tcpopen on a terminal: what is shown of what a stranger sends, typed lines and their end, keys
# that send signals, a screen that stands still.

use strict;
use warnings;
use lib 't/lib';

use Fcntl qw(F_GETFL O_NONBLOCK);
use NetIO::Test::Patience;
use NetIO::Test::Peer;
use NetIO::Test::Run;
use NetIO::Test::Tcpopen;
use POSIX ();
use Test::More;

plan skip_all => 'no IO::Pty (libio-pty-perl)' if !eval { require IO::Pty };
$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

# A terminal of its own, on which tcpopen is started: [terminal, child].
sub on_terminal {
    my ($how, $peer, @options) = @_;
    my $terminal = IO::Pty->new;
    my $child    = start(
        {
            stdin  => $terminal->slave,
            stdout => $terminal->slave,
            %$how,
            setup => sub { $terminal->make_slave_controlling_terminal },
        },
        $TCPOPEN, @options,
        $peer->host,
        $peer->port
    );
    $child->{peer} = $peer;    # it lives as long
    return ($terminal, $child);
}

# What the screen shows until it has matched.
sub screen {
    my ($terminal, $pattern) = @_;
    my $shown = '';

    while ($shown !~ $pattern) {
        sysread $terminal, $shown, 65536, length $shown or die "no more than '$shown'\n";
    }
    return $shown =~ s/\r\n/\n/gr;
}

sub type {
    my ($terminal, $text) = @_;

    syswrite($terminal, $text) == length $text or die "the keyboard: $!\n";
    return;
}

# ---- what is shown ---------------------------------------------------------------------

my @shown = (
    # name, sent, shown
    ['text',             "one\r\ntwo\r\n",              "one\ntwo\n"],
    ['UTF-8 and a tab',  "caf\xc3\xa9\t\xe2\x82\xac\n", "caf\xc3\xa9\t\xe2\x82\xac\n"],
    ['D5 ESC and CSI',   "\e[31mred\e]0;title\a\n",     "\\x1b[31mred\\x1b]0;title\\x07\n"],
    ['D5 OSC 52',        "\e]52;c;cm0gLXJm\a\n",        "\\x1b]52;c;cm0gLXJm\\x07\n"],
    ['D5 C1',            "\xc2\x9b31m \x9b\n",          "\\xc2\\x9b31m \\x9b\n"],
    ['D5 overwriting',   "good\rbad\n",                 "good\\x0dbad\n"],
    ['D5 right to left', "a\xe2\x80\xaeb\n",            "a\\xe2\\x80\\xaeb\n"],
    ['D5 DEL and NUL',   "a\x7fb\0c\n",                 "a\\x7fb\\x00c\n"],
    ['an unfinished character at the end', "caf\xc3",   "caf\\xc3"],
    ['an unfinished line end at the end',  "x\r",       "x\\x0d"],
);
for my $case (@shown) {
    my ($name, $text, $shown) = @$case;
    my ($terminal, $child) = on_terminal({}, NetIO::Test::Peer->start(say => $text));
    my $line_ends = $shown =~ s/\n/\r\n/gr;    # the terminal's
    is(screen($terminal, qr/\Q$line_ends\E\z/), $shown, "shown: $name");
    is_deeply([finish($child)], [0, '', ''], 'the peer has ended: so has it');
}
{
    my $trickle = NetIO::Test::Peer->start(trickle => "\xe2\x82\xac\r\n\xc3\xa9\e\r\n" x 20, 1);
    my ($terminal, $child) = on_terminal({}, $trickle);
    is(
        screen($terminal, qr/(?:.*\n){40}\z/),
        "\xe2\x82\xac\n\xc3\xa9\\x1b\n" x 20,
        'D5 byte by byte: characters stay whole'
    );
    finish($child);
}
{
    # Every C0 and C1 byte, nine times as much as the terminal takes at once.
    my $bytes = join '', map { chr } 0 .. 31, 127 .. 159;
    my $wild  = NetIO::Test::Peer->start(say => $bytes x 2000 . "end\n");
    my ($terminal, $child) = on_terminal({}, $wild);
    my $shown = screen($terminal, qr/end\r\n\z/);
    is($shown =~ tr/\n\t -~//c, 0, 'D5 no byte of a flood could do anything to it');
    is_deeply([finish($child)], [0, '', ''], 'and it ends');
}

# ---- what is typed ---------------------------------------------------------------------

{
    my ($terminal, $child) = on_terminal({}, NetIO::Test::Peer->start('echo'), '--crlf');
    type($terminal, "hello\n");
    like(screen($terminal, qr/hello\r\nhello\r\n/), qr/\Ahello\nhello\n\z/,
        'a line goes and comes');
    is(fcntl($terminal->slave, F_GETFL, 0) & O_NONBLOCK,
        0, 'others who have the terminal find it blocking');
    type($terminal, "again\n");
    screen($terminal, qr/again\r\nagain\r\n/);
    type($terminal, "\cD");
    is_deeply([finish($child)], [0, '', ''], '^D: the peer sees the end, and ends');
    is(fcntl($terminal->slave, F_GETFL, 0) & O_NONBLOCK, 0, 'it is left as it was');
}
{
    my ($terminal, $child) = on_terminal({}, NetIO::Test::Peer->start('count'));
    type($terminal, "1234\n\cD");
    like(screen($terminal, qr/5 \d+\r\n/), qr/^5 212$/m, '^D: half-close, and the answer comes');
    finish($child);
}
for (['INT', "\cC", 2], ['QUIT', "\c\\", 3]) {
    my ($name, $key, $number) = @$_;
    my ($terminal, $child) = on_terminal({}, NetIO::Test::Peer->start('echo'));
    type($terminal, "up\n");
    screen($terminal, qr/up\r\nup\r\n/);
    type($terminal, $key);
    like((finish($child))[0], qr/\Asignal $number\z/, "the key of SIG$name");
}
{
    # As a job of a shell: a group of its own in our session.
    my ($read, $write);
    pipe $read, $write or die "pipe: $!\n";
    my $echo = NetIO::Test::Peer->start('echo');
    my $child =
        start({ stdin => $read, setup => sub { setpgrp } }, $TCPOPEN, '127.0.0.1', $echo->port);
    syswrite $write, 'before ';
    eventually { -s $child->{out} };
    kill 'TSTP', $child->{pid};
    waitpid $child->{pid}, POSIX::WUNTRACED();
    like(slurp("/proc/$child->{pid}/stat"), qr/\) T /, 'SIGTSTP stops it');
    syswrite $write, 'meanwhile ';
    kill 'CONT', $child->{pid};
    syswrite $write, 'after';
    close $write;
    close $read;
    is_deeply([finish($child)], [0, 'before meanwhile after', ''], 'SIGCONT: nothing is lost');
}
{
    my ($terminal, $child) = on_terminal({ stdout => undef }, NetIO::Test::Peer->start('echo'));
    type($terminal, "up\n");
    eventually { -s $child->{out} };
    close $terminal->slave;
    close $terminal;
    is((finish($child))[0], 'signal 1', 'a terminal that is hung up ends it');
}

# ---- a screen that stands still ----------------------------------------------------------

{
    my $flood = NetIO::Test::Peer->start(flood => "x\n" x 2048);
    my ($terminal, $child) = on_terminal({}, $flood, '--deadline', 0.5);
    my ($code, undef, $said) = finish($child);
    is($code, 75, 'nobody reads the terminal: the deadline holds');
    like($said, qr/\Atcpopen: [^\n]+: Connection timed out\n\z/, 'and says so');
}
{
    # What is typed goes all the same.
    my $told  = File::Temp->new;
    my $flood = NetIO::Test::Peer->start(
        run => sub {
            my ($socket) = @_;
            my $pid = fork // die "fork: $!\n";
            if (!$pid) { 1 while NetIO::Test::Peer::send_all($socket, "x\n" x 2048) }
            my $line = NetIO::Test::Peer::read_line($socket);
            spew("$told", $line);
            POSIX::pause();
        }
    );
    my $keyboard = IO::Pty->new;
    my ($terminal, $child) = on_terminal({ stdin => $keyboard->slave }, $flood);
    type($keyboard, "typed\n");
    eventually { -s "$told" };
    is(slurp("$told"), "typed\n", 'nobody reads the terminal: what is typed goes all the same');
    kill 'TERM', $child->{pid};
    is((finish($child))[0], 'signal 15', 'SIGTERM ends it');
}

done_testing;
