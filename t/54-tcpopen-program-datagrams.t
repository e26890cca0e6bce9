# tcpopen --udp: what becomes of what is read and of what comes, and how it ends.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Datagram;
use NetIO::Test::Run;
use NetIO::Test::Tcpopen;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

# Says how long each datagram is, and before that sends an empty one.
sub counter {
    return NetIO::Test::Datagram->start(
        sub {
            my ($socket, $from, $text) = @_;
            send $socket, '',                   0, $from;
            send $socket, length($text) . "\n", 0, $from;
        }
    );
}

# Runs side by side, each against a server of its own, for each lasts until there was silence; that
# is long enough for a server that has to wait for its turn.
my @SILENCE = ('--udp', '--wait', 2);
my @cases   = (
    # what is read, options, result, name
    ["one\ntwo\n",  [],         "8\n",            'a file is one datagram; an empty one is no end'],
    ["a\nb",        ['-C'],     "4\n",            '--crlf'],
    ['x' x 70000,   [],         "65507\n4493\n",  'a large file becomes several'],
    ["\n" x 40_000, ['--crlf'], "65507\n14493\n", 'so does one that --crlf makes large'],
);
my @started = map { begin(counter(), { input => $_->[0] }, @SILENCE, @{ $_->[1] }) } @cases;
my $hurried = begin(counter(), { input => 'x' }, '--udp', '--wait', 60, '--deadline', 2);

sub begin {
    my ($server, $how, @options) = @_;
    my $child = start($how, $TCPOPEN, @options, $server->host, $server->port);

    $child->{server} = $server;
    return $child;
}
{
    my $server = counter();    # before the pipes, which would be its own, too
    my ($to, $in)     = (pipe_ends())[1, 0];
    my ($from, $into) = pipe_ends();
    my $child = begin($server, { stdin => $in, stdout => $into }, @SILENCE);
    close $in;
    close $into;
    my @said = map { syswrite $to, $_; scalar readline $from } "line\n", "a longer line\n";
    close $to;
    is("@said", "5\n 14\n", 'each write is a datagram');
    is_deeply([finish($child)], [0, '', ''], 'silence ends it');
}
for my $case (@cases) {
    my (undef, undef, $said, $name) = @$case;
    is_deeply([finish(shift @started)], [0, $said, ''], $name);
}
{
    my $server = $hurried->{server}->server;
    is_deeply(
        [finish($hurried)],
        [75, "1\n", "tcpopen: $server: read $server: Connection timed out\n"],
        '--deadline before the silence is long enough'
    );
}
{
    my $nobody = NetIO::Test::Datagram->refusing;
    my $server = $nobody->server;
    is_deeply(
        [tcpopen({ input => 'x' }, '--udp', '--wait', 60, $nobody->host, $nobody->port)],
        [69, '', "tcpopen: $server: read $server: Connection refused\n"],
        'nobody there: the ICMP error is said'
    );
}

done_testing;
