# Models ITERATIVE and PREFORK: one connection after the other, and the handler that has the socket
# to itself.  The server is t/c/drive-models.c.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::C;
use NetIO::Test::Engine;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(sleep);

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $DRIVER = c_program('drive-models');

sub start { return NetIO::Test::Engine->start($DRIVER, @_) }

for my $model (qw(iterative prefork)) {
    for my $handler (qw(line serve)) {
        my $server = start($model, $handler, 'full=busy', '127.0.0.1:0', 'udp:127.0.0.1:0');
        my $before = $server->descriptors;
        my $ready  = $handler eq 'serve' ? "ready\n" : '';
        my ($one, $two) = map { $server->client } 1 .. 2;
        is $server->line_of($one),     $ready, "$model, $handler: it may speak first" if $ready;
        is $server->says($one, 'pid'), $server->pid, 'served by the server itself';
        syswrite $two, "hello\n";
        is $server->says($one, 'again'), '<again>', 'for as long as it likes';
        close $one;
        is $server->line_of($two), $_, 'then the one who has waited'
            for grep { $_ } $ready, "<hello>\n";
        syswrite $two, "bye\n";
        is $server->all_of($two), '', 'until it ends';
        close $two;
        ok $server->until_is(open => 0), 'nobody is there any more';
        is $server->numbers->{accepted}, 2,       'two were served';
        is $server->descriptors,         $before, 'no descriptor is left';
        unlike $server->said, qr/trouble|refused/, 'that somebody waits is no trouble';

        my $udp = $server->client(1, Proto => 'udp');
        send $udp, 'hello', 0;
        recv $udp, my $answer, 100, 0;
        is $answer, '<hello>', 'datagrams are served in between';
        my @waiting = map { $server->client } 1 .. 20;
        syswrite $_, "hello\nbye\n" for @waiting;
        is $server->all_of($_), "$ready<hello>\n", 'one after the other' for splice @waiting;
        is $server->stop, 0, 'TERM ends it';
    }
}

# A peer who says nothing must not hold the only place there is.
{
    my $server = start('iterative', 'serve', 'read=0.2', '127.0.0.1:0');
    my $silent = $server->client;
    is $server->line_of($silent), "ready\n",          'one says nothing';
    is $server->ask("hello\n"),   "ready\n<hello>\n", 'the next is served all the same';
    ok $server->wait_for(qr/^read: EAGAIN\n/m), 'the read was broken off';
    is $server->all_of($silent), '', 'and it is closed';
    close $silent;
    is $server->stop, 0, 'TERM';
}

# The engine's part is over, but for the clean end: bytes that nobody has read cost nobody the answer.
{
    my $server = start('iterative', 'serve', 'total=0.1', '127.0.0.1:0');
    my $client = $server->client;
    is $server->line_of($client), "ready\n", 'one takes longer than the total deadline';
    sleep 0.2;
    syswrite $client, "hello\nbye\n" . 'more that nobody reads' x 1000;
    is $server->all_of($client), "<hello>\n",
        'the deadline is no business of on_serve, nor what was unread';
    close $client;
    ok $server->wait_for(qr/^closed: done\n/m), 'a clean end';

    $client = $server->client;
    setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    close $client;
    is $server->ask("hello\n"), "ready\n<hello>\n", 'who resets costs nobody anything';
    is $server->stop,           0,                  'TERM';
}
{
    my $server =
        start('iterative', 'serve', 'rule=proxy 127.0.0.1', 'rule=allow all', '127.0.0.1:0');
    my $client = $server->client;
    syswrite $client, "PROXY TCP4 192.0.2.7 192.0.2.1 4000 43\r\npeer\n";
    is $server->line_of($client), "ready\n",          'behind a proxy';
    is $server->line_of($client), "192.0.2.7:4000\n", 'the socket begins behind the header';
    close $client;
    is $server->stop, 0, 'TERM';
}
{
    my $server = start('iterative', 'serve', '127.0.0.1:0');
    my $client = $server->client;
    is $server->line_of($client), "ready\n", 'one is being served';
    kill 'TERM', $server->pid;
    is $server->says($client, 'hello'), '<hello>', 'B26: TERM waits for its handler';
    close $client;
    is $server->ended, 0, 'and ends the server then';
}

done_testing;
