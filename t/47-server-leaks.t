# F9: nothing is left of a server, its connections, timers and datagrams, nor of calls that fail: no
# value, no descriptor.  F7: threads that are born beside one.

use strict;
use warnings;

use Config;
use Test::More;

use lib 't/lib';
use NetIO ':all';
use NetIO::Test::Process;
use NetIO::Test::Steps;

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $code = sub { };

sub ended {
    my ($server) = @_;

    return until_true($server, sub { !$server->status->{connections} });
}

my %case = (
    'a server that never starts' => sub { NetIO::Server->new(on_line => $code, listen => 'x') },
    'rules and limits'           => sub {
        my $server = serve(
            on_line      => $code,
            deny         => ['10.0.0.0/8', '::1'],
            per_source   => 3,
            source_rate  => [3, 4],
            refused_text => 'no'
        );
        $server->set_access(allow => '127.0.0.1');
        eval { $server->set_access(allow => '127.0.0.1', deny => 'x') };
    },
    'wrong options' => sub {
        eval { NetIO::Server->new(@$_) }
            for ['x'], [x => 1], [on_line => 1], [deny => '10.0.0.0/8', deny => 'x'],
            [full_text => 'x', rate => [1, 'x']], [on_line => $code, on_data => $code],
            [access => '/no/such'];
    },
    'an address that is none' => sub {
        eval { NetIO::Server->new(on_line => $code, listen => ['127.0.0.1:0', 'x:y:z'])->start };
    },
    'lines, data and a reply' => sub {
        my $server = serve(
            on_open => sub { $_[0]->data([1]) },
            on_line => sub {
                my ($connection, $line) = @_;
                $connection->$_ for qw(peer peerport local line server fd age credentials);
                $connection->reply(@{ $connection->data }, $line);
            },
            on_close => $code,
        );
        tell($server, connected($server), "a\n") for 1 .. 3;
        ended($server);
    },
    'one that is kept, and one that is open at the end' => sub {
        my $kept;
        my $server = serve(on_line => sub { ($kept) = @_; $kept->data({}); $kept->reply('x') });
        tell($server, connected($server), "a\n");
        ended($server);
        my $client = connected($server);
        $server->step(0.1) for 1 .. 2;
        undef $server;
        $kept->write('x');
    },
    'octets that come again' => sub {
        my $server = serve(
            on_data => sub { length $_[1] < 3 ? $_[0]->unread(length $_[1]) : $_[0]->reply($_[1]) }
        );
        my $client = connected($server);
        syswrite $client, 'ab';
        $server->step(0.1) for 1 .. 3;
        tell($server, $client, 'c');
        close $client;
        ended($server);
    },
    'arguments that are kept and changed' => sub {
        my @kept;
        my $server = serve(
            on_line => sub {
                push @kept, \$_[1];
                $_[1] =~ /./g;
                $_[1] = [];
                $_[0]->reply('x');
            }
        );
        tell($server, connected($server), "a\n") for 1 .. 2;
        ended($server);
    },
    'handlers that die' => sub {
        my $server = serve(on_line => sub { die [1] }, on_error => sub { die 'x' });
        local $SIG{__WARN__} = sub { die $_[0] };
        tell($server, connected($server), "a\n");
        ended($server);
    },
    'timers' => sub {
        my $server = serve(on_open => sub { $_[0]->timer($_, $code) for 0, 60 }, on_line => $code);
        my $fired  = 0;
        my $timer  = $server->timer(60, $code);
        $server->timer(0, sub { $fired++ });
        my $client = connected($server);
        until_true($server, sub { $fired && $server->status->{connections} });
        $timer->stop;
        eval { $server->timer('x', $code) };
        eval { $server->timer(1,   'x') };
    },
    'datagrams' => sub {
        my ($kept, @seen);
        my $server = NetIO::Server->new(
            listen      => 'udp:127.0.0.1:0',
            on_datagram =>
                sub { ($kept) = @_; push @seen, $_[0]->peer; $_[0]->server; $_[0]->reply('x') }
        );
        my ($port) = ($server->addresses)[0] =~ /:(\d+)$/;
        my $client = udpopen('127.0.0.1', $port);
        print {$client} 'ping';
        until_true($server, sub { @seen });
        $kept->reply('x');
    },
    'somebody refused, and idle' => sub {
        my $refused = 0;
        my $server  = serve(
            on_line    => $code,
            deny       => 'all',
            on_refused => sub { $refused++ },
            on_idle    => sub { $_[0]->stop(0) if $refused; return 0 },
        );
        my $client = connected($server);
        $server->run;
    },
);

SKIP: {
    eval { require Test::LeakTrace; 1 } or skip 'no Test::LeakTrace here', scalar keys %case;
    for my $name (sort keys %case) {
        $case{$name}->() for 1 .. 3;    # what Perl allocates once, and keeps
        Test::LeakTrace::no_leaks_ok($case{$name}, "F9 $name");
    }
}
{
    my $before = fds();
    $_->() for values %case;
    is fds(), $before, 'nor a descriptor';
}

SKIP: {
    skip 'this perl has no threads', 4 if !$Config{useithreads};
    require threads;
    my ($connection, $timer);
    my $server = serve(
        on_open => sub { ($connection) = @_; $timer = $connection->timer(60, $code) },
        on_line => sub { $_[0]->reply("$_[1]\n") },
    );
    my $client = connected($server);
    until_true($server, sub { $connection });
    my $said = threads->create(
        sub {
            my $mine = serve(on_line => sub { $_[0]->reply("mine $_[1]") });
            my $text = tell($mine, connected($mine), "x\n");
            eval { $server->step };
            return join '|', ref $server, ref $connection, ref $timer, $text, defined $@;
        }
    )->join;
    is $said, 'SCALAR|SCALAR|SCALAR|mine x|1', 'F7: a thread has none of it, and one of its own';
    is tell($server, $client, "here\n"), "here\n", 'the server goes on';
    my @threads = map {
        threads->create(
            sub {
                my $mine = serve(on_line => sub { $_[0]->reply($_[1]) });
                return scalar grep { tell($mine, connected($mine), "$_\n") eq $_ } 1 .. 100;
            }
        )
    } 1 .. 4;
    is join(' ', map { $_->join } @threads), '100 100 100 100', 'four at once';
}

done_testing;
