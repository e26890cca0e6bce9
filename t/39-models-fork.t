# Model FORK: a child for each connection, seen from outside.  The server is t/c/drive-models.c.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::C;
use NetIO::Test::Engine;
use NetIO::Test::Patience;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $DRIVER = c_program('drive-models');
my $strace = `strace -o /dev/null -e trace=none true 2>&1 && echo works` =~ /works/
    && !$ENV{NETIO_TEST_SANITIZED};

sub start { return NetIO::Test::Engine->start(ref $_[0] ? shift : (), $DRIVER, 'fork', @_) }

sub hard_close {
    my ($client) = @_;

    setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    return close $client;
}

for my $handler (qw(line serve)) {
    my $server = start($handler, '127.0.0.1:0', 'udp:127.0.0.1:0');
    my $before = $server->descriptors;
    my ($one, $two) = map { $server->client } 1 .. 2;
    if ($handler eq 'serve') {
        is $server->line_of($_), "ready\n", 'on_serve may speak first' for $one, $two;
    }
    my ($pid, $other) = map { $server->says($_, 'pid') } $one, $two;
    isnt $pid, $server->pid, "$handler: a connection is a child's";
    isnt $pid, $other,       'each has its own';
    is_deeply [sort $server->workers], [sort $pid, $other], 'they are children of the server';
    is $server->says($one, 'hello'), '<hello>', 'a child answers, and again';

    my @fds = split ' ', $server->says($two, 'fds');
    is scalar(grep { /socket:/ } @fds), 1, 'B24: of sockets a child has its connection alone'
        or diag "@fds";
    is scalar(grep { /pidfd/ } @fds),     0, 'and no descriptor of its siblings';
    is scalar(grep { /eventpoll/ } @fds), 1, 'and one loop, its own';
    is $server->numbers->{open},          2, 'the server counts them';
    is $server->numbers->{held},          2, 'and holds their share of the limits';

    syswrite $one, "exit\n";
    is $server->line_of($one), '', 'one exits in a handler: its connection ends';
    kill 'KILL', $other;
    is $server->line_of($two), '', 'one is killed: so does its';
    ok $server->until_is(open => 0), 'the server knows';
    my $numbers = $server->numbers;
    is $numbers->{held},     0, 'and has given their share back';
    is $numbers->{accepted}, 2, 'two were served';
    is_deeply [$server->workers], [], 'B17: no zombie is left';
    is $server->descriptors, $before, 'nor a descriptor';

    is $server->ask("hello\n"), ($handler eq 'serve' ? "ready\n" : '') . "<hello>\n",
        'a whole connection';
    ok $server->until_is(open => 0), 'whose child ends by itself';
    my $udp = $server->client(1, Proto => 'udp');
    send $udp, 'hello', 0;
    recv $udp, my $answer, 100, 0;
    is $answer,                       '<hello>', 'datagrams are served by the server itself';
    is $server->numbers->{datagrams}, 1,         'which counts them';
    is $server->stop,                 0,         'TERM ends it';
}

# A hundred come and go, politely or not.
{
    my $server = start('line', '127.0.0.1:0');
    my $before = $server->descriptors;
    for my $i (1 .. 100) {
        my $client = $server->client;
        syswrite $client, "hello\n" if $i % 3;
        hard_close($client) if $i % 2;
    }
    ok $server->until_is(open => 0), 'a hundred come and go';
    is $server->numbers->{accepted}, 100,     'all were served';
    is $server->descriptors,         $before, 'no descriptor is left';
    is_deeply [$server->workers], [], 'B17: and no zombie';
    is $server->stop, 0, 'TERM';
}

# B17: many end while the server cannot look.
{
    my $server  = start('line', '127.0.0.1:0');
    my @clients = map { $server->client } 1 .. 500;
    ok $server->until_is(open => 500), '500 are connected';
    my @workers = $server->workers;
    is scalar @workers, 500, 'each has its process';
    kill 'STOP', $server->pid;
    kill 'KILL', @workers;
    for my $client (@clients) { $server->line_of($client) }
    # A process has closed what it had a moment before it has ended.
    eventually { 500 == $server->zombies };
    is scalar(@{ [$server->zombies] }), 500, 'all of them have ended while the server stands still';
    kill 'CONT', $server->pid;
    ok $server->until_is(open => 0), 'B17: it goes on and knows';
    is_deeply [$server->workers], [], 'B17: no zombie is left';
    is $server->ask("hello\n"), "<hello>\n", 'and the next is served';
    is $server->stop,           0,           'TERM';
}

# Places: those who wait, those who are told.
{
    my $server = start('line', 'max=2', '127.0.0.1:0');
    my ($one, $two, $three) = map { $server->client } 1 .. 3;
    ok $server->wait_for(qr/trouble: NETIO_EFULL/), 'a full house is told of';
    is $server->says($two, 'hello'), '<hello>', 'two are served';
    syswrite $three, "waiting\n";
    is $server->numbers->{open}, 2, 'the third waits';
    hard_close($one);
    is $server->line_of($three), "<waiting>\n", 'until a child has ended';
    close $_ for $two, $three;
    is $server->stop, 0, 'TERM';
}
{
    my $server = start('line', 'max=1', 'full=all lines are busy', '127.0.0.1:0');
    my $one    = $server->client;
    is $server->says($one, 'hello'), '<hello>',                'one is served';
    is $server->ask(''),             "all lines are busy\r\n", 'the other is told why not';
    is $server->numbers->{full},     1,                        'and counted';
    kill 'KILL', $server->workers;
    ok $server->until_is(open => 0), 'a killed child gives its place back';
    is $server->ask("hello\n"), "<hello>\n", 'to the next';
    is $server->stop,           0,           'TERM';
}
{
    my $server = start('line', 'source=1', '127.0.0.1:0');
    my $one    = $server->client;
    is $server->says($one, 'hello'), '<hello>', 'R11: one of a source is served';
    is $server->ask(''),             '',        'R11: a second one of it is not';
    is $server->numbers->{source},   1,         'for this reason';
    kill 'KILL', $server->workers;
    ok $server->until_is(held => 0), 'R11: the limit is free again when the child was killed';
    is $server->ask("hello\n"), "<hello>\n", 'R11: for the next';
    is $server->stop,           0,           'TERM';
}

# The end.
{
    my $server = start('line', 'drain=30', '127.0.0.1:0');
    my $one    = $server->client;
    is $server->says($one, 'hello'), '<hello>', 'one is being served';
    kill 'TERM', $server->pid;
    is $server->says($one, 'still'), '<still>', 'B26: its child goes on';
    close $one;
    is $server->ended, 0, 'B26: and when it has ended, so does the server';
}
{
    my $server = start('serve', 'drain=30', '127.0.0.1:0');
    my $one    = $server->client;
    is $server->line_of($one), "ready\n", 'one is being served';
    my $pid = $server->says($one, 'pid');
    syswrite $one, "hang\n";
    kill 'TERM', $server->pid;
    is $server->stop('INT'),   0,  'B26: INT ends what TERM would wait for';
    is $server->line_of($one), '', 'its connection is gone';
    ok !kill(0, $pid), 'and so is its child';
}
{
    my $server = start('line', '127.0.0.1:0');
    my $one    = $server->client;
    my $pid    = $server->says($one, 'pid');
    kill 'TERM', $pid;
    is $server->line_of($one), '', 'TERM to a child ends its connection, as to any server';
    ok $server->until_is(open => 0), 'and the child';
    is $server->stop, 0, 'TERM';
}

# Hosts with ways of their own.
{
    my $server = start('line', 'ignore=1', '127.0.0.1:0');
    is $server->ask("hello\n"), "<hello>\n", 'SIGCHLD ignored: served';
    ok $server->until_is(open => 0), 'and known to have ended, though there is nobody to wait for';
    is $server->numbers->{fork}, 0, 'nobody was refused';
    is $server->stop,            0, 'TERM';
}
{
    my $server = start('line', 'hook=1', '127.0.0.1:0');
    is $server->ask("hello\n"), "<hello>\n", 'a fork of the host: served';
    ok $server->wait_for(qr/^hook: called\n/m), 'by its fork, with its data';
    is $server->stop, 0, 'TERM';
}
{
    my $server = start('line', 'read=0.1', '127.0.0.1:0');
    my $one    = $server->client;
    is $server->line_of($one), '', 'deadlines hold in a child';
    ok $server->wait_for(qr/^closed: idle\n/m), 'as everywhere';
    ok $server->until_is(open => 0),            'and it ends';
    is $server->stop, 0, 'TERM';
}
{
    my $server = start('serve', 'rule=proxy 127.0.0.1', 'rule=allow all', '127.0.0.1:0');
    my $client = $server->client;
    syswrite $client, "PROXY TCP4 192.0.2.7 192.0.2.1 4000 43\r\npeer\n";
    is $server->line_of($client), "ready\n",          'a proxy header goes before the fork';
    is $server->line_of($client), "192.0.2.7:4000\n", 'the child knows whom it speaks for';
    close $client;
    my @waiting = map { $server->client } 1 .. 3;
    my $last    = $server->client;
    syswrite $last, "PROXY TCP4 192.0.2.8 192.0.2.1 4000 43\r\nfds\n";
    $server->line_of($last);
    my @fds = split ' ', $server->line_of($last);
    is scalar(grep { /socket:/ } @fds), 1,
        'B24: a child has none of those whose header is still due'
        or diag "@fds";
    is $server->stop('INT'), 0, 'INT';
}

# B11: no process to be had.
sub no_fork {
    my ($server, $name) = @_;

    # Without a question: what is refused with one unread is reset, and that would be the end of it.
    is $server->ask(''), "busy\r\n", "B11: $name: the client is told at once";
    ok $server->wait_for(qr/^refused: fork\n/m),   'B11: so is the program';
    ok $server->wait_for(qr/^trouble: EAGAIN\n/m), 'B11: and why';
    is $server->numbers->{held}, 0, 'B11: nothing is held';
    return;
}

SKIP: {
    skip 'strace is not here, or may not trace', 5 if !$strace;
    my $server = start(
        {
            strace =>
                ['--seccomp-bpf', '-e', 'trace=clone', '-e', 'inject=clone:error=EAGAIN:when=1']
        },
        'line',
        'full=busy',
        '127.0.0.1:0'
    );
    no_fork($server, 'once');
    is $server->ask("hello\n"), "<hello>\n", 'B11: the next one is served';
    is $server->stop,           0,           'TERM';
}
SKIP: {
    skip 'only root can become the user whose processes are limited', 6 if $>;
    skip 'LeakSanitizer needs a process of its own', 6 if $ENV{NETIO_TEST_SANITIZED};
    my $server = start('line', 'full=busy', 'processes=1', '127.0.0.1:0');
    no_fork($server, 'RLIMIT_NPROC');
    is $server->ask(''), "busy\r\n", 'B11: and so is the next';
    is $server->stop,    0,          'B11: TERM works';
}

done_testing;
