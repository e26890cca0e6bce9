# NetIO::Server and handlers that misbehave: die, exit, fork, signals, servers within servers.

use strict;
use warnings;

use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use NetIO 'timeout';
use NetIO::Test::Process qw(kilobytes is_asleep);
use NetIO::Test::Run;
use NetIO::Test::Steps;

alarm 300;
$SIG{PIPE} = 'IGNORE';

# --- die (F1, F2)

{

    package Dies;    ## no critic (RequireFilenameMatchesPackage)
    sub new     { return bless {}, $_[0] }
    sub DESTROY { die "in DESTROY\n" }

    package Object;
    use overload 'bool' => sub { die "asked\n" }, '""' => sub { 'an object' }, fallback => 0;
}

my @reports;
my %handler = (
    text   => sub { die "oops\n" },
    object => sub { die bless {}, 'Object' },
    empty  => sub { die '' },
    nested => sub {
        eval { die "inner\n" };
        die "outer: $@";
    },
    local => sub {
        local $@ = 'before';
        eval { die "x\n" };
        die "behind local\n";
    },
    'DIE' => sub {
        local $SIG{__DIE__} = sub { die "from __DIE__: $_[0]" };
        die "x\n";
    },
    next  => sub { no warnings 'exiting'; next },
    last  => sub { no warnings 'exiting'; last OUTSIDE },
    goto  => sub { goto OUTSIDE },
    undef => sub { my $none; $none->method },
    deep  => sub {
        my $sub = sub {
            sort { die "in sort\n" } 1, 2;
        };
        my @x = $sub->();
    },
);
my %says = (
    text   => qr/^oops$/,
    object => qr/^an object$/,
    empty  => qr/^Died at/,
    nested => qr/^outer: inner$/,
    local  => qr/^behind local$/,
    'DIE'  => qr/^from __DIE__: x$/,
    next   => qr/^Can't "next" outside a loop block/,
    last   => qr/^Label not found for "last OUTSIDE"/,
    goto   => qr/^Can't find label OUTSIDE/,
    undef  => qr/^Can't call method "method" on an undefined value/,
    deep   => qr/^in sort$/,
);
{
    my @closed;
    my $server = serve(
        on_line => sub {
            my ($connection, $line) = @_;
            $connection->write('half of it');
            return $handler{$line}->() if $handler{$line};
            $connection->reply('well');
        },
        on_close => sub { push @closed,  $_[1] },
        on_error => sub { push @reports, ["$_[0]", $_[1]->peer, $_[2]] },
    );
    OUTSIDE: for my $name (sort keys %handler) {
        my $client = connected($server);
        @reports = ();
        is tell($server, $client, "$name\nmore\n"), undef, "F2 $name: a reset, no half answer";
        is scalar @reports,                         1,     'told once';
        like $reports[0][0], $says{$name}, 'what it died of';
        is_deeply [@{ $reports[0] }[1, 2]], ['127.0.0.1:' . $client->sockport, 'on_line'],
            'with peer and handler';
    }
    is tell($server, connected($server), "x\n"), 'half of itwell', 'the server goes on';
    until_true($server, sub { @closed > keys %handler });
    is_deeply [grep { $_ ne 'abort' } @closed], ['done'], 'each was closed';
}
{
    my %heard;
    my @handlers = qw(on_open on_line on_eof on_close on_toolong on_writable on_idle);
    my @warned;
    local $SIG{__WARN__} = sub { push @warned, @_ };
    my $server = serve(
        line_max   => 5,
        high_water => 1000,
        write_max  => 8_000_000,
        map {
            my $name = $_;
            $name => sub { $heard{$name}++; die "$name\n" if $heard{$name} == 2 }
        } @handlers
    );
    my $go   = 1;
    my $mine = $server->timer(0, sub { die "timer\n" });
    for (1 .. 3) {
        my $client = connected($server);
        syswrite $client, "a\nb\nc\ntoo long\n";
        received($server, $client);
    }
    until_true($server, sub { ($heard{on_close} || 0) >= 3 });
    my %warned = map { s/^127\.0\.0\.1:\d+: //r => 1 } @warned;
    ok $warned{"timer: timer\n"}, 'a timer that dies is warned of';
    ok $warned{"$_: $_\n"}, "F2 $_ dies: warned of, with the peer" for qw(on_open on_line on_close);
}
{
    my @warned;
    local $SIG{__WARN__} = sub { push @warned, @_; die "even this\n" };
    my $server = serve(
        on_line  => sub { die "first\n" },
        on_error => sub { die "second\n" },
    );
    is tell($server, connected($server), "x\n"), undef, 'on_error dies, and __WARN__';
    is scalar @warned,                           1,     'warned once';
    like $warned[0], qr/on_line: second$/, 'of that';
    my $later = 0;
    $server->timer(0.01, sub { $later = 1 });
    until_true($server, sub { $later });
    pass 'it goes on';
}
SKIP: {
    skip 'a sanitizer keeps what is freed', 2 if $ENV{NETIO_TEST_SANITIZED};
    my ($died, $bytes) = (0);
    my $server = serve(on_line => sub { $died++; die "again\n" }, on_error => sub { });
    my $round  = sub {
        my $client = connected($server);
        setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        tell($server, $client, "x\n");
    };
    $round->() for 1 .. 500;
    my $before = kilobytes();
    $round->() for 1 .. 5000;
    cmp_ok kilobytes() - $before, '<=', 256, 'F1: dies 5,000 times, and the memory is what it was';
    my $server2 = serve(on_line => sub { $bytes++; $_[0]->data([$_[0]->peer]) });
    my $client  = connected($server2);
    my $lines   = "x\n" x 1000;
    my $some    = sub {
        syswrite $client, $lines;
        my $want = $bytes + 1000;
        until_true($server2, sub { $bytes >= $want });
    };
    $bytes = 0;
    $some->() for 1 .. 3;
    $before = kilobytes();
    $some->() for 1 .. 20;
    cmp_ok kilobytes() - $before, '<=', 256, 'and with 20,000 lines';
}

# --- what the caller sees (F5)

{
    my $server = serve(
        on_line => sub {
            eval { die "x\n" };
            $! = 5;
            $? = 3;
            $_[0]->reply('y');
        }
    );
    my $client = connected($server);
    syswrite $client, "x\n";
    local ($@, $!, $?) = ('mine', 7, 0);
    $server->step(1) for 1 .. 3;
    is_deeply [$@, $! + 0], ['mine', 7], 'F5: $@ and $! are as before a step';
    $SIG{USR1} = sub { };
    my $code = $SIG{USR1};
    $server->step;
    is $SIG{USR1}, $code, '%SIG, too';
    $SIG{USR1} = 'DEFAULT';
    $@         = 'mine';
    $!         = 7;
    undef $server;
    is_deeply [$@, $! + 0], ['mine', 7], 'and after its end';
}

# --- objects that go

{
    my $gone = 0;
    {

        package Gone;
        sub new     { return bless [], $_[0] }
        sub DESTROY { $gone++ }
    }
    my @kept;
    my $server = serve(
        on_line => sub {
            my ($connection, $line) = @_;
            $connection->data(Gone->new);
            push @kept, $connection if $line eq 'keep';
            $connection->timer(
                60,
                do {
                    my $object = Gone->new;
                    sub { $object }
                }
            );
            $connection->reply('x');
        }
    );
    my $client = connected($server);
    tell($server, $client, "keep\n");
    close $client;
    until_true($server, sub { !$server->status->{connections} });
    is $gone, 2, 'data and timers go with the connection, though the object is kept';
    my $server_gone;
    {
        my $alive = connected($server);
        syswrite $alive, "x\n";
        $server->step(1) for 1 .. 2;
        my $guard = Gone->new;
        $server->timer(60, sub { $guard });
    }
    $gone = 0;
    undef $server;
    is $gone, 3, 'and with the server';
}
{
    my (@closed, $none);
    my $server;
    $server = serve(
        on_line  => sub { undef $server; $_[0]->write("still\n"); $none = !$_[0]->server },
        on_close => sub { push @closed, $_[1] },
    );
    my $client = connected($server);
    syswrite $client, "x\n";
    $server->step(1) for 1 .. 2;
    is_deeply [$none, @closed], [!!1, 'stop'], 'a handler drops the server that steps: it ends';
}
{
    my ($other, $client, $said);
    my $server = serve(
        on_line => sub {
            my ($connection) = @_;
            $other = serve(
                on_line  => sub { $_[0]->reply("inner $_[1]"); die "inner\n" if $_[1] eq 'die' },
                on_error => sub { }
            );
            $said = tell($other, connected($other), "one\n");
            is eval { $connection->server->step; 1 }, undef,
                'a server is not stepped by its handler';
            like $@, qr/^step: from within a handler/, 'it is told';
            is eval { $connection->server->run; 1 }, undef, 'nor run';
            $connection->reply('outer');
        }
    );
    is tell($server, connected($server), "x\n"), 'outer',     'a server in a handler of another';
    is $said,                                    'inner one', 'serves';
}

# --- signals (F3, B18)

# This process, once it waits.
sub signalled {
    my ($signal) = @_;
    my $test     = $$;
    my $child    = fork // die "fork: $!\n";

    return $child if $child;
    is_asleep($test);
    kill $signal => $test;
    POSIX::_exit(0);
}

{
    my $server = serve(on_line => sub { sleep 5; $_[0]->reply('slept') });
    my $client = connected($server);
    my $heard  = 0;
    {
        local $SIG{USR1} = sub { $heard++; $server->stop(0) };
        my $child = signalled('USR1');
        my $began = time;
        $server->run;
        waitpid $child, 0;
        is $heard, 1, 'F3: a signal while run waits';
        cmp_ok time - $began, '<', 4, 'is heard then';
    }
    $server = serve(
        on_line => sub {
            local $SIG{ALRM} = sub { die "late\n" };
            Time::HiRes::alarm(0.05);
            sleep 60;
        },
        on_error => sub { push @reports, $_[0] }
    );
    @reports = ();
    is tell($server, connected($server), "x\n"), undef, 'local $SIG{ALRM} in a handler';
    is_deeply \@reports, ["late\n"], 'is of the handler';
    is eval {
        timeout { $server->run } 0.05;
        1;
    }, undef, 'timeout ends a run';
    is $@->stage, 'timeout', 'by its error';
    local $SIG{USR2} = sub { die "enough\n" };
    is eval {
        signalled('USR2');
        $server->run;
        1;
    }, undef, 'so does a handler of %SIG that dies while it waits';
    is $@, "enough\n", 'by what it died of';
    wait;
}

# --- idle

{
    my ($idle, @order) = (0);
    my $server = serve(
        on_idle => sub { $idle++; $_[0]->stop(0) if $idle == 5; return $idle < 5 },
        on_line => sub { },
    );
    $server->run;
    is $idle, 5, 'on_idle goes on as long as it is true';
}

# --- exit and fork (F6)

sub perl {
    my ($program) = @_;
    my $prelude = <<'PERL';
        use strict; use warnings; use lib 't/lib'; use NetIO::Test::Steps; use POSIX ();
        alarm 300;
        sub child_asks {
            my ($server, @lines) = @_;
            my ($address) = $server->addresses;
            my $pid = fork // die;
            return $pid if $pid;
            for my $line (@lines) {
                my $socket = IO::Socket::INET->new(PeerAddr => $address) or last;
                syswrite $socket, "$line\n";
                my $text = do { local $/; <$socket> };
                syswrite STDERR, "<$text>" if length $text;
            }
            POSIX::_exit(0);
        }
PERL
    my ($status, $out, $err) = run($^X, '-Mblib', '-e', $prelude . $program);
    $err =~ s/^Using .*\n//mg;
    return join '|', $status, $out, $err;
}

is perl(<<'PERL'), '3|end 3|<one>', 'exit in a handler: END blocks run';
    END { print "end $?" }
    my $server = serve(on_line => sub { exit 3 if $_[1] eq 'exit'; $_[0]->reply($_[1]) },
        on_close => sub { die if $_[1] eq 'abort' });
    child_asks($server, 'one', 'exit');
    $server->run;
    print 'not here';
PERL
is perl(<<'PERL'), '4|end 4|', 'exit in a handler of a server in a handler';
    END { print "end $?" }
    my $inner = serve(on_line => sub { exit 4 });
    my $server = serve(on_line => sub { child_asks($inner, 'x'); $inner->run; print 'not here' });
    child_asks($server, 'x');
    $server->run;
PERL
is perl(<<'PERL'), '5|end 5|', 'exit in on_close, of a server that goes';
    END { print "end $?" }
    my $server = serve(on_open => sub { }, on_line => sub { }, on_close => sub { exit 5 });
    my $client = connected($server);
    $server->step(1) for 1 .. 3;
    undef $server;
    print 'not here';
PERL
is perl(<<'PERL'), '6|end 6|', 'exit in on_error';
    END { print "end $?" }
    my $server = serve(on_line => sub { die }, on_error => sub { exit 6 });
    child_asks($server, 'x');
    $server->run;
PERL
is perl(<<'PERL'), '7|end 7|', 'exit in a signal handler while run waits';
    END { print "end $?" }
    my $server = serve(on_line => sub { });
    $SIG{ALRM} = sub { exit 7 };
    Time::HiRes::alarm(0.1);
    $server->run;
PERL
is perl(
    <<'PERL'), '0|child parent|<two>', 'F6: a child that a handler forks exits, the parent serves';
    my $server = serve(on_line => sub {
        my ($connection, $line) = @_;
        if ($line eq 'one') {
            my $pid = fork // die;
            if (!$pid) { print 'child '; exit 0 }
            waitpid $pid, 0;
            $connection->abort;
            return;
        }
        $connection->reply($line);
        $connection->server->stop;
    });
    $| = 1;
    my $pid = child_asks($server, 'one', 'two');
    $server->run;
    waitpid $pid, 0;
    print 'parent';
PERL
for my $way (['return', 'a child that a handler has forked must not return from it'],
    ['die "dead"', 'dead'])
{
    my ($how, $why) = @$way;
    my $program = <<'PERL';
        my $server = serve(on_error => sub { print 'reported' }, on_line => sub {
            my ($connection, $line) = @_;
            my $pid = $line == 1 ? fork // die : 1;
            if (!$pid) { $connection->write('twice'); HOW }
            waitpid $pid, 0;
            $connection->reply($line);
            $connection->server->stop if $line == 3;
        });
        $| = 1;
        my $pid = child_asks($server, 1, 2, 3);
        if (!eval { $server->run; 1 }) { print $@ =~ s/ at .*//sr; POSIX::_exit(0) }
        waitpid $pid, 0;
PERL
    is perl($program =~ s/HOW/$how/r), "0|$why|<1><2><3>", "F6: a child does not serve: $how";
}
is perl(<<'PERL'), "0|not this process's NetIO::Server|", 'a child has nothing of it';
    my $server = serve(on_line => sub { });
    $| = 1;
    if (!fork) { eval { $server->run }; print $@ =~ s/ at .*//sr; exit 0 }
    wait;
PERL
is perl(<<'PERL'), '0|done|', 'what is open when the program ends is closed in silence';
    our $server = serve(on_open => sub { $_[0]->data(bless [], 'Last') }, on_line => sub { },
        on_close => sub { print 'closed' });
    sub Last::DESTROY { }
    our $client = connected($server);
    our $timer = $server->timer(60, sub { });
    $server->step(1) for 1 .. 3;
    print 'done';
PERL

done_testing;
