# NetIO::Server finds out how it was started, and hears of signals: sockets of a service manager,
# inetd's descriptor 0, its own list; TERM, QUIT, INT, HUP, USR1, and what a program does with
# them itself.

use strict;
use warnings;

use Fcntl qw(F_DUPFD);
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX  ();
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM);
use Test::More;

use lib 't/lib';
use NetIO::Test::PerlServer;

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $echo = q{on_open => sub { report('open ' . $_[0]->peer) },
    on_line => sub { $_[0]->reply("$_[1] of $$\r\n") },};

sub listening {
    return IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') || die "listen: $@\n";
}

sub connected {
    my ($listener) = @_;
    my $client = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $listener->sockport
    ) or die "connect: $@\n";

    return ($client, scalar $listener->accept);
}

# What inetd and a service manager do in the child just before exec.
sub as_input {
    my ($socket) = @_;

    return sub { POSIX::dup2(fileno $socket, $_) for 0 .. 1 };
}

sub as_passed {
    my (@socket) = @_;

    return sub {
        my @copies = map { 0 + (fcntl($_, F_DUPFD, 100) || die "fcntl: $!\n") } @socket;
        POSIX::dup2($copies[$_], 3 + $_) for 0 .. $#copies;
        @ENV{qw(LISTEN_FDS LISTEN_PID)} = (scalar @copies, $$);
    };
}

sub ended {
    my ($server, $name) = @_;

    $server->signal('TERM');
    is $server->status, 0,  "$name: ends";
    is $server->err,    '', "$name: in silence";
    return;
}

subtest 'its own list' => sub {
    my $server = serving("serve($echo)");

    is ask($server->client, "a\n"), 'a of ' . $server->pid . "\r\n", 'serves';
    ended($server, 'own');
    $server = serving("serve(listen => ['127.0.0.1:0', '[::1]:0', \"unix:\$dir/s\"], $echo)");
    is ask($server->client, "a\n"), 'a of ' . $server->pid . "\r\n", 'the first of three';
    my $client = IO::Socket::UNIX->new(Peer => $server->dir . '/s') or die "s: $!\n";
    is ask($client, "a\n"), 'a of ' . $server->pid . "\r\n", 'the third';
    ended($server, 'three');
};

subtest 'LISTEN_FDS' => sub {
    for my $workers (0, 2) {
        my @socket = map { listening() } 1 .. 2;
        my $server = serving(
            "report('variables', join ' ', grep { /^LISTEN/ } keys %ENV); serve($echo workers => $workers);",
            before => as_passed(@socket)
        );
        is join(' ', $server->addresses), join(' ', map { '127.0.0.1:' . $_->sockport } @socket),
            'in the place of its own';
        like ask($server->client($_), "a\n"), qr/\Aa of \d+\r\n\z/, "serves $_" for 0 .. 1;
        ended($server, "$workers workers");
    }
    my $socket = listening();
    my ($client, $peer) = connected($socket);
    my $server = serving("serve($echo)", before => as_passed($peer));
    is ask($client, "a\n"), 'a of ' . $server->pid . "\r\n", 'a connection';
    close $_ for $client, $peer;
    is $server->status, 0, 'and ends behind it';
};

subtest 'inetd' => sub {
    my $socket = listening();
    my ($client, $peer) = connected($socket);
    my $server = serving("serve($echo workers => 3); print 'to nobody'", before => as_input($peer));
    close $peer;
    is ask($client, "a\n"), 'a of ' . $server->pid . "\r\n", 'nowait: serves that one';
    is $server->status,     0,                               'and ends';
    like $server->report, qr/^open 127\.0\.0\.1:\d+$/m, 'the peer is known';

    ($client, $peer) = connected($socket);
    $server = serving(<<'PROGRAM', before => as_input($peer));
        package Talker;
        our @ISA = 'NetIO::Server';
        sub process_request { print "you said $_" while <STDIN> }
        package main;
        serve_as('Talker');
PROGRAM
    close $peer;
    is ask($client, "a\nb\n"), "you said a\nyou said b\n", 'nowait: process_request';
    is $server->status,        0,                          'and ends';

    ($client, $peer) = connected($socket);
    $server = serving("serve($echo deny => '127.0.0.1')", before => as_input($peer));
    close $peer;
    is heard($client),  '', 'nowait: who is refused is closed';
    is $server->status, 0,  'and it ends';
    is $server->err,    '', 'in silence';

    $server = serving("serve($echo)", before => as_input($socket));
    is join(' ', $server->addresses), '127.0.0.1:' . $socket->sockport, 'wait: its listener';
    is ask($server->client, "a\n"),   'a of ' . $server->pid . "\r\n",  'serves';
    ended($server, 'wait');
};

subtest 'no such thing' => sub {
    socketpair my $one, my $other, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!\n";
    my $server = serving("serve($echo)", before => as_input($other));
    is ask($server->client, "a\n"), 'a of ' . $server->pid . "\r\n",
        'a socketpair as input is nobody';
    ended($server, 'socketpair');

    $server = serving("serve($echo)", before => sub { @ENV{qw(LISTEN_FDS LISTEN_PID)} = (1, 1) });
    is ask($server->client, "a\n"), 'a of ' . $server->pid . "\r\n",
        'LISTEN_FDS of another process';
    ended($server, 'another');

    $server = serving(<<'PROGRAM');
        package Inner;
        our @ISA = 'NetIO::Server';
        sub process_request {
            my $inner = NetIO::Server->new(listen => '127.0.0.1:0',
                on_line => sub { $_[0]->reply("inner $_[1]\n"); $_[0]->server->stop });
            print $inner->addresses, "\n";
            $inner->run;
            print "outer again\n";
        }
        package main;
        serve_as('Inner', model => 'iterative');
PROGRAM
    my $client = $server->client;
    my ($address) = heard($client, qr/\n/) =~ /(\S+)/;
    is ask(IO::Socket::INET->new(PeerAddr => $address), "a\n"), "inner a\n",
        'within a request: descriptor 0 is the peer, and no inetd';
    is heard($client), "outer again\n", 'which goes on';
    close $client;
    ended($server, 'nested');
};

subtest 'signals' => sub {
    for my $signal (qw(TERM QUIT)) {
        my $server = serving(q{serve(on_line => sub { $_[0]->write("$_[1]\n") }); report('over')});
        my $idle   = $server->client;
        print {$idle} "a\n";
        heard($idle, qr/a\n/);
        $server->signal($signal);
        is heard($idle), '', "$signal: who asks nothing more is closed";
        close $idle;
        is $server->status, 0, 'and run returns';
        like $server->report, qr/^over$/m, 'to the program';
    }
    my $server = serving(<<'PROGRAM');
        serve(on_open => sub { $_[0]->write('x' x 9_000_000); report('written') },
            on_line => sub { }, write_max => 10_000_000);
PROGRAM
    my $client = $server->client;
    $server->wait_report(qr/^written/m);
    $server->signal('TERM', 'INT');
    is $server->status, 0, 'INT ends it while it drains';

    $server = serving(<<'PROGRAM');
        my $server;
        local $SIG{TERM} = sub { report('mine'); $server->stop(0) };
        local $SIG{INT} = 'IGNORE';
        $server = NetIO::Server->new(listen => '127.0.0.1:0', on_line => sub { });
        report('listens', $server->addresses);
        report('during', $SIG{QUIT} ? 'set' : 'not set');
        $server->run;
        report('after', defined $SIG{QUIT} ? $SIG{QUIT} : 'nothing');
PROGRAM
    $server->signal('INT');
    $server->signal('TERM');
    is $server->status, 0, 'a handler of the program\'s own';
    like $server->report, qr/^mine$/m, 'has run';
    is $server->said('after'), 'nothing', 'the others are as they were';

    $server = serving(<<"PROGRAM");
        my \$n = 0;
        serve($echo on_reload => sub { report('reload', ++\$n); die "bad\\n" if \$n == 2 },
            on_reopen => sub { report('reopen') });
PROGRAM
    $server->signal('HUP');
    ok $server->wait_report(qr/^reload 1/m), 'HUP';
    $server->signal('HUP');
    ok $server->wait_report(qr/^reload 2/m), 'again';
    $server->signal('USR1');
    ok $server->wait_report(qr/^reopen/m), 'USR1';
    like ask($server->client, "a\n"), qr/a of/, 'it serves';
    $server->signal('TERM');
    is $server->status, 0,               'ends';
    is $server->err,    "reload: bad\n", 'a reload that fails is said, and no more';

    $server = serving("serve($echo)");
    $server->signal('HUP');
    is $server->status, 'signal 1', 'HUP without on_reload is what it always is';
};

subtest 'user' => sub {
    plan skip_all => 'not root' if $>;
    for my $option ('', 'workers => 1,') {
        my $server = serving(<<"PROGRAM");
            chmod 0777, \$dir, "\$dir/report";
            serve(user => 'nobody', $option on_line => sub { \$_[0]->reply("\$< \$> \$)\\n") });
PROGRAM
        my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
        is ask($server->client, "a\n"), "$uid $uid $gid $gid\n", "becomes nobody ($option)";
        $server->signal('TERM');
        is $server->status, 0, 'ends';
    }
    ok !eval { serving("serve(user => 'no such user', $echo)") }, 'no such user';
    like $@, qr/\Ano server: run: user no such user: no such user at /, 'is said';
};

done_testing;
