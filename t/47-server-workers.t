# NetIO::Server with workers: they are replaced, reloaded, stopped; what handlers do to them; and what
# programs do around them.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use NetIO::Test::Idle;
use NetIO::Test::Patience;
use NetIO::Test::PerlServer;
use NetIO::Test::Process qw(is_gone);

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $line = q{on_line => sub { $_[0]->reply("$_[1] of $$\n") },};

sub who {
    my ($server) = @_;

    return ask($server->client, "a\n") =~ /\Aa of (\d+)\n\z/ ? $1 : 'nobody';
}

# The workers, by what they have reported when they began.
sub begun {
    my @pids = $_[0]->report =~ /^worker (\d+)$/mg;
    return @pids;
}

sub with {
    my ($text, %how) = @_;

    return serving("serve(workers => 2, on_start => sub { report('worker', \$\$) }, $text)", %how)
        ->settled('2 serving');
}

sub ended {
    my ($server, $name) = @_;

    $server->signal('TERM');
    is $server->status, 0, "$name: TERM ends it";
    return;
}

subtest 'they serve' => sub {
    my $server = with(<<"PROGRAM");
        $line
        on_data => undef);
        report('after', "\$\$"); print "printed\\n"; END { report('end', \$\$) } my \@unused = (1
PROGRAM
    $server->wait_report(qr/^worker .*^worker /ms);
    my %worker = map { $_ => 1 } begun($server);
    is keys %worker, 2, 'two';
    ok !$worker{ $server->pid }, 'which the supervisor is not';
    ok $worker{ who($server) },  'one of them serves' for 1 .. 3;
    ended($server, 'serving');
    is $server->said('after'), $server->pid, 'the supervisor alone goes on after run';
    is join(',', $server->report =~ /^end (\d+)$/mg), $server->pid, 'and runs END blocks';
    is $server->out, "printed\n", 'what is printed is printed once';
    is $server->err, '',          'nothing is said';
};

subtest 'before they serve' => sub {
    my $server = serving(<<'PROGRAM');
        my $s = serve(workers => 1,
            on_start => sub {
                my ($server) = @_;
                report('there', $server->addresses);
                $server->timer(0.05, sub { report('timer') });
            },
            on_line => sub { });
PROGRAM
    $server->wait_report(qr/^timer$/m);
    is $server->said('there'), ($server->addresses)[0], 'on_start has addresses, and timers';
    ended($server, 'timers');
    $server = serving(<<'PROGRAM');
        $SIG{CONT} = sub {
            for my $method (qw(step fileno timer safepoint)) {
                report($method, $@) if !eval { $main::server->$method; 1 };
            }
        };
        $main::server = NetIO::Server->new(listen => '127.0.0.1:0', workers => 1, on_line => sub { },
            on_start => sub { report('started') });
        report('listens', $main::server->addresses);
        kill CONT => $$;
        $main::server->run;
PROGRAM
    $server->wait_report(qr/^safepoint /m);
    like $server->said($_), qr/^not with workers/, "$_ is not for the supervisor"
        for qw(step fileno safepoint);
    $server->wait_report(qr/^started$/m);    # there is a supervisor, which hears of TERM
    ended($server, 'no steps');
};

subtest 'what on_reload may do' => sub {
    my $server = with(
        $line . 'on_reload => sub {
        report("run", $@) if !eval { $_[0]->run; 1 };
        report("read", "again");
        return 1 }, on_kept => sub { report("kept", $_[1]) }'
    );
    my $n = () = begun($server);
    $server->signal('HUP');
    $server->wait_report(qr/(?:^worker .*){@{[$n + 2]}}/ms);
    $server->settled('2 serving');
    is $server->said('run'), 'run: from within a handler', 'it does not run the server';
    unlike $server->report, qr/^kept/m, 'what it returns may be anything';
    ended($server, 'on_reload');
};

subtest 'rules in a file' => sub {
    for my $how ('', 'workers => 1,') {
        my $server = serving(<<"PROGRAM");
            open my \$file, '>', "\$dir/rules" or die;
            print \$file "allow all\n";
            close \$file;
            serve($how deny => '192.0.2.1', access => "\$dir/rules",
                on_refused => sub { report('refused') },
                on_line => sub { \$_[0]->reply("\$_[1]\n") });
PROGRAM
        my $rules = sub {
            open my $file, '>', $server->dir . '/rules' or die "rules: $!\n";
            print {$file} "$_[0]\n";
            close $file;
            $server->signal('HUP');
        };
        is ask($server->client, "a\n"), "a\n", "${how} all may";
        $rules->("\nforbid all");
        ok eventually { $server->err =~ m{^reload: .*/rules:2: forbid}m }, 'a wrong rule is told';
        is ask($server->client, "b\n"), "b\n", 'and the old ones stay';
        $rules->('deny all');
        ok eventually { ask($server->client, "c\n") eq '' }, 'SIGHUP has them read again';
        $rules->('allow 127.0.0.1');
        ok eventually { ask($server->client, "d\n") eq "d\n" }, 'and again';
        ended($server, 'rules');
    }
};

subtest 'TERM' => sub {
    my $server = serving(<<'PROGRAM');
        serve(workers => 2, write_seconds => 60,
            on_line => sub { $_[0]->reply('x' x 900_000 x 20); report('replied') }, write_max => 2e7);
PROGRAM
    my $client = $server->client;
    print {$client} "a\n";
    $server->wait_report(qr/^replied/m);
    $server->signal('TERM');
    my ($address) = $server->addresses;
    ok eventually { !IO::Socket::INET->new(PeerAddr => $address, Timeout => 5) },
        'who comes while they drain is not left waiting';
    is length(heard($client)), 18_000_000, 'who was there gets all of it';
    is $server->status,        0,          'then it ends';
};

subtest 'nothing to do' => sub {
    my $server = with("$line heartbeat_seconds => 0.4");
    silent_for(1, sub { who($server) }, $server->pid, begun($server));
    ended($server, 'idle');
};

# A worker that has no processor for as long as that is killed, too.
subtest 'killed, and stuck' => sub {
    my $server = with(
        'on_line => sub {
        1 while $_[1] eq "loop";
        $_[0]->reply("$_[1] of $$\n") }, heartbeat_seconds => 4, read_seconds => 20'
    );
    my $one  = who($server);
    my $held = $server->client;
    kill 'KILL', $one;
    is_gone($one);    # on another core it may let in one client more
    isnt who($server), 'nobody', "kill -9: the next query is answered" for 1 .. 20;
    close $held;

    my $stuck = $server->client;
    print {$stuck} "loop\n";
    is heard($stuck),  '',       'an endless loop is ended';
    isnt who($server), 'nobody', 'others are served';
    ok $server->wait_report(qr/(?:^worker .*){4}/ms), 'both were replaced';
    ended($server, 'killed');
    like $server->err, qr/worker \d \(generation 1, pid $one\) .*signal 9/, 'the log says what of';
    like $server->err, qr/worker \d .* does not go on: killed/, 'and that one was stuck'
        or diag $server->err;
};

# A handler that waits for its peer is not stuck; one that never waits is.
subtest 'stuck with its peer alone' => sub {
    my $server = serving(<<'PROGRAM');
        package Serves;
        our @ISA = 'NetIO::Server';
        sub process_request {
            my $line = <STDIN> // '';
            1 while $line eq "loop\n";
            print "$$ $line";
        }
        package main;
        serve_as('Serves', model => 'prefork', workers => 2, heartbeat_seconds => 4,
            on_start => sub { report('worker', $$) });
PROGRAM
    $server->settled('2 serving');
    my ($patient, $stuck) = map { $server->client } 1 .. 2;
    print {$stuck} "loop\n";
    is heard($stuck), '', 'process_request in an endless loop is ended';
    ok $server->wait_report(qr/(?:^worker .*){3}/ms), 'and its worker replaced';
    print {$patient} "waited\n";
    like heard($patient), qr/\A\d+ waited\n\z/, 'one that waited all the time goes on';
    ended($server, 'stuck');
    is scalar(my @said = $server->err =~ /does not go on: killed/g), 1, 'so the log says, once';
};

subtest 'a handler that throws at every request' => sub {
    my $server = with('on_line => sub { die "no $_[1]\n" }');
    for my $i (1 .. 200) {
        my $client = $server->client;
        is heard(do { print {$client} "$i\n"; $client }), '', "request $i" if $i % 50 == 0;
    }
    ended($server, 'throwing');
    is scalar(begun($server)), 2, 'costs no worker';
    like $server->err, qr/^127\.0\.0\.1:\d+: on_line: no 50$/m, 'and is said';
};

subtest 'exit and fork in a handler' => sub {
    my $server = with(
        q{on_line => sub {
        my ($connection, $line) = @_;
        exit 3 if $line eq 'exit';
        if ($line eq 'fork') {
            my $pid = fork;
            exit 0 if !$pid;
            waitpid $pid, 0;
            return $connection->reply("child $?\n");
        }
        local $SIG{TERM} = 'IGNORE';
        $connection->reply("$line\n");
    }}
    );
    is ask($server->client, "exit\n"), '',          'exit';
    is ask($server->client, "fork\n"), "child 0\n", 'fork, and exit in the child';
    is ask($server->client, "a\n"),    "a\n",       'goes on';
    ended($server, 'exit');
    like $server->err, qr/worker \d .* exit status 3/, 'the log says how it ended';
};

subtest 'reload' => sub {
    my $server = with(<<'PROGRAM');
        on_line => sub { $_[0]->reply("$main::text $$\n") },
        on_open => sub { report('open', $_[0]->peerport) },
        on_kept => sub { my ($server, $why) = @_; report('kept', $why); $main::text = 'one' },
        on_reload => sub {
            my ($server) = @_;
            report('reload');
            open my $file, '<', "$dir/config" or die "config: $!\n";
            my $word = <$file>;
            chomp $word;
            die "config:1: bad word\n" if $word eq 'bad';
            return { listen => '127.0.0.1:none' } if $word eq 'nowhere';
            $main::text = $word;
            return { workers => 3 } if $word eq 'three';
            return;
        });
        BEGIN { $main::text = 'one' } my @unused = (1
PROGRAM
    my $set = sub {
        open my $file, '>', $server->dir . '/config' or die "config: $!\n";
        print {$file} "$_[0]\n";
        close $file;
        $server->signal('HUP');
    };
    my $text = sub { ask($server->client, "a\n") =~ /\A(\w+) / ? $1 : 'nothing' };
    my $n    = () = begun($server);
    is $text->(), 'one', 'before';
    my $held = $server->client;
    print {$held} 'half a question';
    ok $server->wait_report(qr/^open @{[$held->sockport]}$/m), 'somebody has begun to ask';
    $set->('two');
    ok $server->wait_report(qr/(?:^worker .*){4}/ms), 'new workers';
    my $seen;
    eventually { ($seen = $text->()) eq 'two' };
    is $seen, 'two', 'with the new configuration, without one client lost';
    print {$held} "\n";
    like heard($held), qr/\Aone \d+\n\z/, 'the old ones finish what they have begun';

    $set->('bad');
    ok $server->wait_report(qr/^kept config:1: bad word/m), 'a bad one is refused';
    is $text->(),              'two', 'and the workers there are go on';
    is scalar(begun($server)), 4,     'no other began';
    $set->('nowhere');
    ok $server->wait_report(qr/^kept .*none/m), 'an address that is none';
    is $text->(), 'two', 'costs nothing';
    $set->('three');
    ok $server->wait_report(qr/(?:^worker .*){7}/ms), 'another number of workers';
    ended($server, 'reload');
    like $server->err, qr/^reload: config:1: bad word$/m, 'the log says why';
};

subtest 'B10: workers that do not get ready' => sub {
    my $server = eval {
        serving(<<'PROGRAM');
        report('listens', '127.0.0.1:1');
        NetIO::Server->new(listen => '127.0.0.1:0', workers => 2, on_line => sub { },
            on_start => sub { die "no database\n" })->run;
        report('not here');
PROGRAM
    };
    isnt $server->status, 0, 'the first ones: run dies';
    like $server->err, qr/^run: no database: [\w ]+ at \S+program\.pl line \d+\.$/m, 'and says why';
    unlike $server->report, qr/not here/,                                            'indeed';

    $server = serving(<<'PROGRAM');
        my $n = 0;
        serve(workers => 2, on_line => sub { $_[0]->reply("$_[1] $$\n") },
            on_start => sub {
                my $file = "$dir/broken";
                report('worker', $$);
                die "no database\n" if -e $file;
            });
PROGRAM
    $server->settled('2 serving');
    open my $file, '>', $server->dir . '/broken' or die "broken: $!\n";
    close $file;
    kill 'KILL', (begun($server))[0];
    ok $server->wait_report(qr/(?:^worker .*){5}/ms), 'later ones: tried again and again';
    like ask($server->client, "a\n"), qr/\Aa \d+\n/, 'while the other one serves';
    unlink $server->dir . '/broken';
    $server->settled('2 serving');
    pass 'until it works';
    ended($server, 'B10');
    like $server->err, qr/worker \d .*no database/, 'the log says why';

    $server = serving(<<'PROGRAM');
        serve(workers => 2, on_line => sub { $_[0]->reply("$_[1] $$\n") }, ready_seconds => 20,
            on_reload => sub { $main::broken = 1; return },
            on_kept => sub { $main::broken = 0; report('kept', $_[1]) },
            on_start => sub { report('worker', $$); die "no database\n" if $main::broken });
PROGRAM
    $server->settled('2 serving');
    $server->signal('HUP');
    ok $server->wait_report(qr/^kept .*no database/m), 'a reload: the old ones stay';
    kill 'KILL', (begun($server))[0];
    ok $server->wait_report(qr/^kept .*^worker/ms), 'and are replaced by their like';
    like ask($server->client, "a\n"), qr/\Aa \d+\n/, 'that serve';
    ended($server, 'kept');
};

subtest 'stop' => sub {
    my $server = with("$line on_open => sub { report('open') }, stop_seconds => 0.5");
    my $slow   = $server->client;
    $server->wait_report(qr/^open/m);
    $server->signal('TERM');
    is heard($slow),    '', 'the deadline of a stop';
    is $server->status, 0,  'ends it';

    for my $second (qw(INT TERM)) {
        $server = with("$line on_open => sub { report('open') }");
        $slow   = $server->client;
        $server->wait_report(qr/^open/m);
        $server->signal('TERM');
        $server->settled('1 draining');    # the other one had nothing to do
        $server->signal($second);
        is heard($slow),    '', "$second after TERM ends it at once";
        is $server->status, 0,  'with 0';
    }
    $server = with("$line");
    kill 'KILL', $server->pid;
    is $server->status, 'signal 9', 'B9: without supervisor';
    pass 'the workers have ended, too';
};

subtest 'the program around it' => sub {
    my $server = serving(<<'PROGRAM');
        local $SIG{CHLD} = sub { 1 while waitpid(-1, 1) > 0 };
        local $SIG{ALRM} = sub { report('alarm', $$) };
        local $SIG{USR2} = sub { report('never') };
        srand 1;
        my $server = NetIO::Server->new(listen => '127.0.0.1:0', workers => 2, per_source => 1,
            refused_text => 'too many', on_line => sub {
                my ($c, $line) = @_;
                return $c->reply(join(' ', map { ref || $_ } @SIG{qw(CHLD ALRM)}), "\n")
                    if $line eq 'handlers';
                return $c->reply(rand, "\n") if $line eq 'rand';
                $c->write("$$\n");
            });
        report('listens', $server->addresses);
        eval { $server->fileno; 1 } or report('fileno', 'dies');
        eval { $server->step; 1 } or report('step', 'dies');
        report('status', scalar @{ $server->status->{workers} });
        alarm 1;
        $server->run;
        report('done', ref $SIG{CHLD});
PROGRAM
    ok $server->wait_report(qr/^fileno dies\nstep dies$/m), 'no step for workers';
    is ask($server->client, "handlers\n"), "CODE CODE\n",
        'workers have the handlers of the program';
    # One at a time of a source: who has just gone may still be counted.
    my @random;
    while (@random < 6) {
        my $said = ask($server->client, "rand\n");
        push @random, $said if $said =~ /^0[.]/;
    }
    my %random = map { $_ => 1 } @random;
    cmp_ok scalar(keys %random), '>', 1, 'and random numbers of their own';
    ok $server->wait_report(qr/^alarm @{[$server->pid]}$/m), 'alarm of the supervisor';
    my ($held, $worker);
    eventually {
        $held = $server->client;
        print {$held} "a\n";
        ($worker = heard($held, qr/\n/)) =~ /^\d+\n/;
    };
    is heard($server->client), "too many\r\n", 'limits hold for all workers together' for 1 .. 4;
    close $held;
    kill 'KILL', $worker;
    my $answer;
    eventually { ($answer = ask($server->client, "rand\n")) =~ /\A0\.\d+\n/ };
    like $answer, qr/\A0\.\d/, 'SIGCHLD of the program takes nothing from the supervisor';
    $server->signal('TERM');
    is $server->status,       0,      'ends';
    is $server->said('done'), 'CODE', 'handlers are what they were';
};

done_testing;
