# NetIO::Server with process_request: a handler written for STDIN and STDOUT, in every model in
# which it may wait for its peer.

use strict;
use warnings;

use IO::Select;
use Test::More;
use Time::HiRes ();

use lib 't/lib';
use NetIO::Test::PerlServer;

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $class = <<'PROGRAM';
    package Talker;
    our @ISA = 'NetIO::Server';
    sub process_request {
        my ($self, $connection) = @_;
        $self->{served}++;
        print "hello\n";
        while (my $line = <STDIN>) {
            chomp $line;
            return if $line eq 'bye';
            exit 7 if $line eq 'exit';
            die "dead\n" if $line eq 'die';
            system 'read line; echo "sh: $line"' if $line eq 'sh';
            print "peer ", $connection->peerhost, "\n" if $line eq 'peer';
            print join(' ', map { -S $_ ? 'socket' : 'other' } \*STDIN, \*STDOUT), "\n"
                if $line eq 'what';
            printf "%d %d\n", fileno STDIN, fileno STDOUT if $line eq 'numbers';
            syswrite STDOUT, "sys\n" if $line eq 'sys';
            print STDIN->peerport == $connection->peerport ? "same\n" : "other\n"
                if $line eq 'method';
            if ($line eq 'dup') { open my $out, '>&', \*STDOUT or die; print $out "dup\n" }
            if ($line eq 'select') { select STDERR }
            if ($line eq 'local') { local *STDOUT; print "nowhere\n" }
            if ($line eq 'close') { close STDIN; close STDOUT; return }
            if ($line eq 'reopen') {
                open STDIN, '<', '/dev/null' or die "STDIN: $!\n";
                open STDOUT, '>', '/dev/null' or die "STDOUT: $!\n";
            }
            if ($line eq 'alarm') {
                local $SIG{ALRM} = sub { print "alarm\n" };
                alarm 1;
                sysread STDIN, my $more, 10;
                alarm 0;
            }
            print "again\n" if $line eq 'again';
            if ($line eq 'fork') {
                my $pid = fork;
                if (!$pid) { print "child\n"; require POSIX; POSIX::_exit(0) }
                waitpid $pid, 0;
                print "parent\n";
            }
            print "state ", $self->{served}, "\n" if $line eq 'state';
            print "process $$\n" if $line eq 'process';
        }
    }
    package main;
PROGRAM

my @inside = (
    ['speaks first',     '',                "hello\n"],
    ['returns',          "bye\nagain\n",    "hello\n"],
    ['end of file',      "again\nagain",    "hello\nagain\nagain\n"],
    ['a program',        "sh\nwork\n",      "hello\nsh: \n"],
    ['the peer',         "peer\n",          "hello\npeer 127.0.0.1\n"],
    ['a socket',         "what\n",          "hello\nsocket socket\n"],
    ['descriptors',      "numbers\n",       "hello\n0 1\n"],
    ['syswrite',         "sys\n",           "hello\nsys\n"],
    ['methods',          "method\n",        "hello\nsame\n"],
    ['a duplicate',      "dup\nagain\n",    "hello\ndup\nagain\n"],
    ['selects another',  "select\nagain\n", "hello\n"],
    ['localizes STDOUT', "local\nagain\n",  "hello\nagain\n"],
    ['closes both',      "close\n",         "hello\n"],
    ['opens both anew',  "reopen\nagain\n", "hello\n"],
    ['forks',            "fork\nagain\n",   "hello\nchild\nparent\nagain\n"],
    ['and is as before', "what\nnumbers\n", "hello\nsocket socket\n0 1\n"],
);

# The program reads from the socket what Perl has not read: here, line by line.
sub talk {
    my ($server, @lines) = @_;
    my $client = $server->client;
    my $text   = heard($client, qr/hello\n/);

    for my $line (@lines) {
        print {$client} "$line->[0]\n";
        $text = heard($client, $line->[1]);
    }
    return $client;
}

for my $model (qw(iterative fork prefork)) {
    subtest $model => sub {
        my $server =
            serving($class
                . "serve_as('Talker', model => '$model', read_seconds => 20);"
                . 'report("after", join " ", map { -S $_ ? "socket" : "other" } *STDIN, *STDOUT);'
                . 'print "at the end\n";');
        for my $row (@inside) {
            my ($name, $text, $answer) = @$row;
            is ask($server->client, $text), $answer, $name;
        }
        my $client = talk($server, ['alarm', qr/alarm\n/]);
        pass 'a handler of %SIG prints while it waits';
        close $client;
        like ask($server->client, "again\ndie\nagain\n"), qr/\A(?:hello\n)?(?:again\n)?\z/,
            'die: no more comes';
        is ask($server->client, "again\n"), "hello\nagain\n", 'and the next one is served';
        if ($model ne 'iterative') {
            is ask($server->client, "again\nexit\nagain\n"), "hello\nagain\n",
                'exit: what was printed has been sent';
            is ask($server->client, "again\n"), "hello\nagain\n", 'and the next one is served';
        }
        $server->signal('TERM');
        is $server->status, 0,              'TERM ends it';
        is $server->out,    "at the end\n", 'nothing of a peer\'s went to the program\'s output';
        is $server->said('after'), 'other other', 'STDIN and STDOUT are what they were';
        like $server->err, qr/^127\.0\.0\.1:\d+: on_serve: dead\n/m, 'the log names the peer';
    };
}

subtest 'who is who' => sub {
    my $server = serving($class . "serve_as('Talker', model => 'iterative');");
    ask($server->client, '') for 1 .. 2;
    is ask($server->client, "state\nprocess\n"),
        "hello\nstate 3\nprocess " . $server->pid . "\n", 'iterative: one process, one object';
    $server->signal('TERM');
    $server->status;

    $server = serving($class . "serve_as('Talker');");
    ask($server->client, '') for 1 .. 2;
    like ask($server->client, "state\n"), qr/state 1\n/, 'fork is the default: each begins anew';
    unlike ask($server->client, "process\n"), qr/process @{[$server->pid]}\n/, 'in its own process';
    $server->signal('TERM');
    $server->status;

    $server = serving($class . "serve_as('Talker', workers => 2);");
    unlike ask($server->client, "process\n"), qr/process @{[$server->pid]}\n/,
        'with workers: prefork';
    $server->signal('TERM');
    is $server->status, 0, 'TERM';
};

subtest 'exit ends an iterative server' => sub {
    my $server =
        serving($class . "END { report('end', \$\$) } serve_as('Talker', model => 'iterative');");

    is ask($server->client, "again\nexit\n"), "hello\nagain\n", 'its last words are heard';
    is $server->status,                       7,                'with its status';
    is $server->said('end'),                  $server->pid,     'and its END blocks';
};

subtest 'F9: nothing is left of a request' => sub {
    my $server = serving(<<'PROGRAM');
        use lib 't/lib';
        use NetIO::Test::Process;
        package Holder;
        our @ISA = 'NetIO::Server';
        sub process_request {
            while (my $line = <STDIN>) {
                die "dead\n" if $line eq "die\n";
                # The one before may still have to hear of its peer's end.
                my $fds = main::fds() - $_[0]->status->{connections};
                print join(' ', $fds, main::kilobytes()), "\n" if $line eq "held\n";
            }
        }
        package main;
        serve_as('Holder', model => 'iterative', on_error => sub { });
PROGRAM
    my $some = sub { ask($server->client, $_ % 2 ? "die\n" : "line\n") for 1 .. 400 };
    my $held = sub { split ' ', ask($server->client, "held\n") };
    $some->();
    my ($fds, $kilobytes) = $held->();
    $some->();
    my ($fds_after, $kilobytes_after) = $held->();
    is $fds_after, $fds, 'no descriptor';
    SKIP: {
        skip 'sanitizers hold on to memory', 1 if $ENV{NETIO_TEST_SANITIZED};
        cmp_ok $kilobytes_after - $kilobytes, '<=', 128, 'and no memory';
    }
    $server->signal('TERM');
    is $server->status, 0, 'ends';
};

subtest 'deadlines' => sub {
    my $server = serving($class . "serve_as('Talker', model => 'fork', read_seconds => 0.3);");
    my $client = $server->client;
    is heard($client), "hello\n", 'no line in time';
    $client = $server->client;
    heard($client, qr/hello/);
    my $drip = 0;
    while (!IO::Select->new($client)->can_read(0.02)) { print {$client} 'x'; $drip++ }
    is heard($client), '', "a slow drip extends nothing ($drip bytes)";
    $server->signal('TERM');
    is $server->status, 0, 'ends';

    # Once more if the machine was slow.
    $server = serving($class . "serve_as('Talker', model => 'fork', read_seconds => 2);");
    my ($answered, $longest);
    do {
        $client = $server->client;
        heard($client, qr/hello\n/);
        ($answered, $longest) = (0, 0);
        for (1 .. 6) {
            my $began = Time::HiRes::time();
            Time::HiRes::sleep(0.5);
            print {$client} "again\n";
            $answered += heard($client, qr/again\n/) eq "again\n";
            my $took = Time::HiRes::time() - $began;
            $longest = $took if $took > $longest;
        }
        close $client;
    } while ($longest > 1.5);
    is $answered, 6, 'each line has its own time';
    $server->signal('TERM');
    is $server->status, 0, 'ends';

    $server = serving($class . <<'PROGRAM');
        package Shouter;
        our @ISA = 'NetIO::Server';
        sub process_request {
            my $sent = 0;
            $SIG{PIPE} = 'IGNORE';
            while (print 'x' x 8192) { $sent++ }
            main::report('stopped', $! + 0 == Errno::ETIMEDOUT() ? 'in time' : "$!");
        }
        package main;
        use Errno;
        serve_as('Shouter', model => 'iterative', write_seconds => 0.3);
PROGRAM
    $client = $server->client;
    ok $server->wait_report(qr/^stopped/m), 'a peer that never reads';
    is $server->said('stopped'), 'in time', 'fails a print in time';
    $server->signal('TERM');
    is $server->status, 0, 'ends';

    $server = serving($class . "serve_as('Talker', model => 'iterative', total_seconds => 0.5);");
    $client = $server->client;
    my $text = '';
    while (print {$client} "again\n") {
        sysread $client, $text, 100 or last;
        Time::HiRes::sleep(0.02);
    }
    pass 'the total deadline ends who keeps asking';
    $server->signal('TERM');
    is $server->status, 0, 'ends';
};

subtest 'an end while a request waits' => sub {
    my $server = serving($class . "serve_as('Talker', model => 'iterative', stop_seconds => 0.3);");
    my $client = talk($server, ['again', qr/again\n/]);

    $server->signal('TERM');
    is heard($client),  '', 'the deadline of the stop ends it';
    is $server->status, 0,  'and the server';

    $server = serving($class . "serve_as('Talker', model => 'iterative');");
    $client = talk($server, ['again', qr/again\n/]);
    $server->signal('INT');
    is heard($client),  '', 'INT ends it at once';
    is $server->status, 0,  'and the server';
};

subtest 'a class of Net::Server\'s kind' => sub {
    my $server = serving(<<'PROGRAM');
        package Old;
        use parent -norequire, 'NetIO::Server';
        sub process_request {
            my $self = shift;
            eval {
                local $SIG{ALRM} = sub { die "timed out\n" };
                alarm 1;
                while (<STDIN>) {
                    s/[\r\n]+$//;
                    print "you said '$_'\r\n";
                    last if /quit/i;
                }
                alarm 0;
            };
            print $@ if $@;
        }
        package main;
        report('listens', '127.0.0.1:1');
        Old->run(listen => ["unix:$dir/s"], on_start => sub { report('started') });
PROGRAM
    $server->wait_report(qr/^started/m);
    require IO::Socket::UNIX;
    my $client = IO::Socket::UNIX->new(Peer => $server->dir . '/s') or die "s: $!\n";
    is ask($client, "a\r\nquit\r\nb\r\n"), "you said 'a'\r\nyou said 'quit'\r\n", 'run of a class';
    $client = IO::Socket::UNIX->new(Peer => $server->dir . '/s') or die "s: $!\n";
    is heard($client), "timed out\n", 'its alarm';
    $server->signal('TERM');
    is $server->status, 0, 'ends';
};

done_testing;
