# NetIO::Server with handlers: what they get, what a connection can do, and how it ends.

use strict;
use warnings;

use Socket qw(MSG_DONTWAIT SOL_SOCKET SO_LINGER);
use Test::More;

use lib 't/lib';
use NetIO ':all';
use NetIO::Test::Steps;

alarm 300;
$SIG{PIPE} = 'IGNORE';

sub ask {
    my ($server, $text) = @_;

    return tell($server, connected($server), $text);
}

# --- lines

{
    my (@seen, $kept);
    my $server = serve(
        on_open => sub { push @seen, 'open ' . @_ },
        on_line => sub {
            my ($connection, $line) = @_;
            push @seen, "line $line", $connection->line;
            $_[1] = 'changed';
            $kept = \$_[1] if $line eq 'one';
            $connection->reply("bye\r\n") if $line eq 'end';
            is_deeply [$connection->write('more')], [!!0], 'nothing can be written behind a reply'
                if $line eq 'end';
        },
        on_close => sub { push @seen, "close $_[1]"; is $_[0]->line, undef, 'no line any more' },
    );
    is ask($server, "one\r\ntwo\n\nend\nnever\n"), "bye\r\n", 'lines, and a reply';
    until_true($server, sub { $seen[-1] =~ /close/ });
    is_deeply \@seen,
        [
        'open 1',
        'line one',
        'one',
        'line two',
        'two',
        'line ',
        '',
        'line end',
        'end',
        'close done'
        ],
        'handlers, in order';
    is $$kept, 'changed', 'a line that was kept by reference stays';
    my $client = connected($server);
    syswrite $client, "x\nend";
    shutdown $client, 1;
    is received($server, $client), "bye\r\n", 'a last line without its end';
    my $status = $server->status;
    is_deeply [@$status{qw(accepted connections datagrams)}], [2, 0, 0], 'status';
    ok $status->{uptime} > 0, 'uptime';
    is_deeply [sort keys %{ $status->{refused} }], [qw(access fork full proxy rate source)],
        'and reasons';
}

# --- octets

{
    my @seen;
    my $server = serve(
        on_data => sub {
            my ($connection, $data) = @_;
            push @seen, $data;
            return $connection->unread(length $data) if length $data < 4;
            $connection->unread(2);
            $connection->write(substr $data, 0, -2);
            return;
        },
        on_eof => sub { $_[0]->write('.'); $_[0]->close },
    );
    my $client = connected($server);
    syswrite $client, 'ab';
    until_true($server, sub { @seen });
    syswrite $client, 'cdef';
    is received($server, $client, 4), 'abcd', 'octets, those that were not taken with more';
    shutdown $client, 1;
    is received($server, $client), '.', 'on_eof has the last word';
    is_deeply \@seen, ['ab', 'abcdef'], 'unread';
}
{
    my (@seen, $quiet);
    my $server = serve(
        on_open => sub { $quiet ||= $_[0] },
        on_data => sub {
            my ($connection, $data) = @_;
            $quiet->unread(length $data);
            push @seen, $data, $connection->line;
            $connection->write($data);
        }
    );
    my $one = connected($server);
    until_true($server, sub { $quiet });
    my $two = connected($server);
    for my $octet ('x', 'y') {
        syswrite $two, $octet;
        is received($server, $two, 1), $octet, "octets, $octet";
    }
    is_deeply \@seen, ['x', undef, 'y', undef], 'unread is of the connection whose octets they are';
    undef $server;
    is eval { $quiet->unread(1); 1 }, 1, 'and of none when the server has gone';
}

# --- methods

{
    my ($got, $closed);
    my $server = serve(
        on_line => sub {
            my ($connection) = @_;
            $got = {
                map { $_ => $connection->$_ } qw(peer peerhost peerport local sockhost sockport fd),
                qw(data waiting age server credentials)
            };
            $connection->data({ some => 'data' });
            is $connection->data->{some}, 'data', 'data';
            $connection->write('a', 1, undef, "\x{e9}");
            $connection->shutdown;
        },
        on_close => sub { ($closed) = @_; is $closed->data->{some}, 'data', 'data, at the end' },
    );
    my $client = connected($server);
    my ($here, $there) = ($client->sockport, $client->peerport);
    is tell($server, $client, "x\n"), "a1\xe9", 'write takes a list of octets; shutdown ends it';
    shutdown $client, 1;
    until_true($server, sub { $closed });
    is_deeply [@$got{qw(peer peerhost peerport local sockhost sockport)}],
        ["127.0.0.1:$here", '127.0.0.1', $here, "127.0.0.1:$there", '127.0.0.1', $there],
        'addresses';
    ok $got->{fd} > 2 && $got->{age} >= 0 && $got->{age} < 100, 'descriptor and age';
    is_deeply [@$got{qw(data waiting credentials)}], [undef, 0, undef], 'nothing yet';
    is $got->{server}, $server, 'the server';

    $! = 0;
    ok !$closed->write('x') && $!{EPIPE}, 'nothing can be written to one that has ended';
    ok !$closed->reply('x'),              'nor replied';
    is $closed->$_, undef, "no $_" for qw(peer peerhost peerport local fd data line server);
    is $closed->$_, 0,     "no $_" for qw(waiting age);
    $closed->$_ for qw(close abort shutdown pause resume);
    $closed->unread(1);
    is $closed->timer(1, sub { }), undef, 'no timer';
    is $closed->data(1),           undef, 'data is not taken';
}
{
    my @heard;
    my $server = serve(
        on_line => sub {
            my ($connection, $line) = @_;
            push @heard, $line;
            return $connection->abort if $line eq 'abort';
            return                    if $line ne 'pause';
            $connection->pause;
            $connection->timer(0.02, sub { push @heard, 'resume'; $_[0]->resume });
        }
    );
    is ask($server, "pause\nnow\nabort\n"), undef, 'abort is a reset';
    is_deeply \@heard, [qw(pause resume now abort)], 'pause and resume';
}
{
    my ($writable, $open) = (0);
    my $server = serve(
        write_max   => 8_000_000,
        high_water  => 100_000,
        on_line     => sub { $open = $_[0]; $open->write('x' x 7_000_000) },
        on_writable => sub { $writable++;   $_[0]->close },
    );
    my $client = connected($server);
    syswrite $client, "x\n";
    until_true($server, sub { $open });
    ok $open->waiting > 100_000, 'waiting';
    is length received($server, $client), 7_000_000, 'all of it arrives';
    is $writable,                         1,         'on_writable';
}
{
    my @why;
    my $server = serve(
        line_max   => 10,
        on_line    => sub { },
        on_toolong => sub { $_[0]->write('too long') },
        on_close   => sub { push @why, $_[1] },
    );
    is ask($server, 'x' x 11), 'too long', 'on_toolong';
    until_true($server, sub { @why });
    $server = serve(line_max => 10, on_line => sub { }, on_close => sub { push @why, $_[1] });
    ask($server, 'x' x 11);
    until_true($server, sub { @why == 2 });
    is_deeply \@why, [qw(done toolong)], 'a line too long';
}

# --- timers

{
    my @fired;
    my $server = serve(
        on_open => sub {
            my ($connection) = @_;
            $connection->timer(0.01, sub { push @fired, 'one'; $_[0]->write("one\n") });
            my $never = $connection->timer(0.02, sub { push @fired, 'stopped' });
            $connection->timer(60, sub { push @fired, 'later' });
            $never->stop;
            $never->stop;
        },
        on_line => sub { $_[0]->reply("two\n") },
    );
    is ref $server->timer(0.03, sub { push @fired, "server $_[0]" }), 'NetIO::Server::Timer',
        'a timer';
    my $client = connected($server);
    is received($server, $client, 4), "one\n", 'a timer of a connection';
    until_true($server, sub { @fired == 2 });
    is_deeply [sort @fired], ['one', "server $server"],
        'and one of the server; none that was stopped';
    is tell($server, $client, "\n"), "two\n", 'the connection goes on, and ends with a timer';
    my $timer = $server->timer(60, sub { });
    undef $server;
    $timer->stop;
    pass 'a timer that outlives its server';
}

# --- datagrams

{
    my (@seen, $kept);
    my $server = NetIO::Server->new(
        listen      => 'udp:127.0.0.1:0',
        on_datagram => sub {
            my ($from, $data) = @_;
            push @seen, $data, map { $from->$_ } qw(peer peerhost peerport local server);
            $kept = $from;
            die "bad datagram\n" if $data eq 'die';
            $from->reply("<$data>");
        },
        on_error => sub { push @seen, "$_[2]: $_[0]", $_[1]->peerhost },
    );
    my ($address) = map { s/^udp://r } $server->addresses;
    my ($port)    = $address =~ /:(\d+)$/;
    my $client    = udpopen('127.0.0.1', $port, deadline => 30);
    print {$client} 'ping';
    until_true($server, sub { @seen });
    is $client->read_datagram, '<ping>', 'a datagram and its reply';
    is_deeply \@seen,
        [
        'ping',            '127.0.0.1:' . $client->sockport,
        '127.0.0.1',       $client->sockport,
        "127.0.0.1:$port", $server
        ],
        'where it comes from';
    ok !$kept->reply('x') && $!{EPIPE}, 'later there is no way back';
    is $kept->peer, undef, 'and no peer';
    @seen = ();
    print {$client} 'die';
    until_true($server, sub { @seen > 6 });
    is_deeply [@seen[-2, -1]], ["on_datagram: bad datagram\n", '127.0.0.1'], 'one that dies';
    is $server->status->{datagrams}, 2, 'they are counted';
}

# --- unix sockets

{
    require File::Temp;
    require IO::Socket::UNIX;
    my $dir = File::Temp->newdir;
    my $who;
    my $server = NetIO::Server->new(
        listen  => ["unix:$dir/s,mode=0600", '127.0.0.1:0'],
        on_line => sub { $who = $_[0]->credentials; $_[0]->reply($_[0]->peer) },
    );
    is_deeply [($server->addresses)[0]], ["unix:$dir/s"], 'several addresses';
    is scalar @{ [$server->addresses] },                              2,       'two';
    is tell($server, IO::Socket::UNIX->new(Peer => "$dir/s"), "x\n"), 'unix:', 'a nameless peer';
    is_deeply [@$who{qw(pid uid gid)}], [$$, $>, $) + 0], 'credentials';
    is ref $who->{groups}, 'ARRAY', 'and groups';
}

# --- rules and limits

{
    my @refused;
    my $server = serve(
        deny         => '127.0.0.1',
        refused_text => 'no',
        on_line      => sub { $_[0]->reply('served') },
        on_refused   => sub { push @refused, [@_] },
    );
    my $client = connected($server);
    is received($server, $client), "no\r\n", 'who is denied is told';
    is_deeply \@refused, [[$server, '127.0.0.1:' . $client->sockport, 'access', 1]], 'on_refused';
    is $server->status->{refused}{access}, 1, 'counted';
    $server->set_access(exempt => ['127.0.0.0/8', '10.0.0.0/8'], deny => 'all');
    is ask($server, "x\n"), 'served', 'other rules';
    eval { $server->set_access(deny => 'nobody') };
    like $@, qr/^NetIO::Server: option nobody: not a valid network/, 'a rule that is none';
    is ask($server, "x\n"), 'served', 'leaves those that are';
    eval { $server->set_access(listen => 'x') };
    like $@, qr/listen: no rule/, 'nor is an address one';
    $server->set_access;
    is ask($server, "x\n"), 'served', 'no rules';
}
{
    my $server = serve(
        per_source   => 1,
        refused_text => 'one at a time',
        on_open      => sub { $_[0]->write('hello') },
        on_data      => sub { },
    );
    my $first = connected($server);
    is received($server, $first, 5), 'hello', 'one';
    is received($server, connected($server)), "one at a time\r\n", 'a second one is refused';
    close $first;
    until_true($server, sub { !$server->status->{connections} });
    is received($server, connected($server), 5), 'hello', 'and now';
}

# --- stop

{
    my @why;
    my $server =
        serve(on_line => sub { $_[0]->server->stop }, on_close => sub { push @why, $_[1] });
    my $client = connected($server);
    syswrite $client, "x\n";
    $server->run;
    is_deeply \@why,                ['stop'], 'run ends after a stop';
    is_deeply [$server->addresses], [],       'with its listeners';
    eval { $server->_listen('127.0.0.1:0') };
    like $@, qr/^listen: .*canceled/i, 'for good';
}

# --- the manual

# The SYNOPSIS of a module, with another address, and stepped instead of run.
sub synopsis {
    my ($path) = @_;

    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    my ($code) = readline($file) =~ /^=head1 SYNOPSIS\n(.*?)^=head1/ms
        or die "$path: no SYNOPSIS\n";
    $code =~ s/2907/'127.0.0.1:0'/;
    $code =~ s/\$server->run;/\$server;/;
    $code =~ s/->run;/->start;/;
    return eval "{ $code }" || die $@;    ## no critic (ProhibitStringyEval)
}

is ask(synopsis('lib/NetIO/Server.pm'), "hello\nbye\n"), "127.0.0.1 says: hello\r\ngoodbye\r\n",
    'the SYNOPSIS of NetIO::Server';
is ask(synopsis('lib/NetIO/Connection.pm'), "a\n.\n"), "2 lines\r\n", 'that of NetIO::Connection';

done_testing;
