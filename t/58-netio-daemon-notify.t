# netio-daemon and sd_notify(3): the program tells it, and it tells a service manager.

use strict;
use warnings;
use lib 't/lib';

use IO::Handle ();
use NetIO::Test::Manager;
use NetIO::Test::Patience;
use NetIO::Test::Run;
use NetIO::Test::Supervisor;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

# ---- the program tells -------------------------------------------------------------------

{
    my $place = NetIO::Test::Supervisor->new;
    my ($fifo, $path) = $place->fifo('fifo');
    my $run = $place->run(
        [qw(--ready notify)],
        perl_program(
            $SAY
                . 'open my $go, "<", shift; print "at $ENV{NOTIFY_SOCKET}\n"; readline $go; '
                . '&say("STATUS=its own"); readline $go; &say("READY=1\nSTATUS=so far\e[m so good"); sleep 1000',
            $path
        )
    );
    my $name = $run->wait_log(qr/x: at (\S+)\n/)->[0];
    like($name, qr/^\@./, 'the socket has an abstract address');

    NetIO::Test::Manager::say_to($name, $_)
        for "READY=1\nSTATUS=a stranger's", '', "\0", "READY=1\0", 'x' x 5000, "READY", "=1",
        "STATUS=", "\n\n\n", "FDSTORE=1";
    syswrite $fifo, "status\n";
    ok($run->wait_log(qr/status: its own\n/), 'a status is logged');
    unlike($run->log_text, qr/stranger|is ready/, 'what strangers say is not heard');
    is(
        () = $run->log_text =~ /a message of pid $$, which is not of the program.*is not heard\n/g,
        1,
        'which is said once'
    );
    is($place->exits('status'), 4, 'it is just starting');
    syswrite $fifo, "ready\n";
    ok($run->wait_log(qr/pid \d+ is ready\n/),        'ready when it says so');
    ok($run->wait_log(qr/status: so far.*so good\n/), 'and how it is');
    unlike($run->log_text, qr/\e/, 'without escape sequences');
    is($place->exits('status'), 0, 'it runs');
    is($place->end($run),       0, 'stopped');
}
{
    my $place = NetIO::Test::Supervisor->new;
    my $run   = $place->run([qw(--ready notify)],
        perl_program($SAY . 'if (!fork) { &say("READY=1") } wait; sleep 1000'));
    ok($run->wait_log(qr/is ready\n/), 'a child of the program may say it');
    is($place->end($run), 0, 'stopped');
}
{
    my $place = NetIO::Test::Supervisor->new;
    my $run   = $place->run([], perl_program('print $ENV{NOTIFY_SOCKET} // "none", "\n"'));
    ok($run->wait_log(qr/x: none\n/), 'without --ready notify there is no socket');
    is($run->wait_end, 0, 'and it ends as it does');
}
{
    my $place = NetIO::Test::Supervisor->new;
    my ($fifo, $path) = $place->fifo('fifo');
    my $run = $place->run(
        [qw(--ready notify --restart on-failure --ready-seconds 10)],
        perl_program(
            $SAY
                . '&say("READY=1") if !-e $ARGV[1]; print "up\n"; '
                . 'open my $go, "<", shift; readline $go; exit 1',
            $path,
            $place->dir . '/silent'
        )
    );
    ok($run->wait_log(qr/is ready\n/), 'ready');
    spew($place->dir . '/silent', '');
    syswrite $fifo, "end\n";
    ok($run->wait_log(qr/not ready within 10 seconds\n.*SIGTERM.*starts again in 1 seconds\n/s),
        'a restart that does not get ready is ended, and started again');
    is($place->end($run), 0, 'stopped');
}

# ---- 1,000 HUPs during start ---------------------------------------------------------------

{
    my $place = NetIO::Test::Supervisor->new;
    my ($fifo, $path) = $place->fifo('fifo');
    my $run = $place->run(
        [qw(--ready notify)],
        perl_program(
            $SAY
                . 'open my $go, "<", shift; print "up\n"; readline $go; '
                . '$SIG{HUP} = sub { print "hup\n" }; &say("READY=1"); '
                . '1 until defined readline $go; print "end\n"; exit',
            $path
        )
    );
    $run->wait_log(qr/x: up\n/);
    $run->kill('HUP') for 1 .. 1000;
    syswrite $fifo, "ready\n";
    ok(
        $run->wait_log(qr/is ready\n.*x: hup\n/s),
        '1,000 HUPs during start are one, once it is ready'
    );
    syswrite $fifo, "end\n";
    is($run->wait_end,                     0, 'and none has killed it');
    is(() = $run->log_text =~ /x: hup\n/g, 1, 'nor come twice');
}

# ---- it tells a service manager ---------------------------------------------------------------

for my $command (qw(run start)) {
    my $place   = NetIO::Test::Supervisor->new;
    my $manager = NetIO::Test::Manager->new($place->dir . '/manager');
    local $ENV{NOTIFY_SOCKET} = $manager->address;
    my $run = NetIO::Test::Daemon->start(
        program => $place->program,
        dir     => $place->dir,
        args    => [
            $command, 'x', '--pidfile', $place->pidfile, '--log', $place->dir . '/log',
            '--',
            perl_program('$SIG{HUP} = sub { print "hup\n" }; print "up\n"; sleep 1000 while 1')
        ],
    );
    is($manager->hear, 'STATUS=running', "$command: status");
    like($manager->hear, qr/^READY=1$/m, 'ready');
    is($place->exits('status'),                               0,  'the pid file is there by then');
    is((split ' ', slurp('/proc/' . $run->pid . '/stat'))[3], $$, 'it has not left the manager');
    # Ready is one that was executed; only then does it come to handle the signal.
    eventually { slurp($place->dir . '/log') =~ /: up$/m };
    $run->kill('HUP');
    like($manager->hear, qr/^RELOADING=1\nMONOTONIC_USEC=\d+$/, 'reloading');
    like($manager->hear, qr/^READY=1$/m,                        'and ready again');
    is($place->end($run),           0,                 'stopped');
    is($manager->hear,              'STATUS=stopping', 'stopping');
    is($manager->hear(qr/^STATUS/), 'STOPPING=1',      'which is over');
}

# With --ready notify the program's words go on to the manager.
{
    my $place   = NetIO::Test::Supervisor->new;
    my $manager = NetIO::Test::Manager->new($place->dir . '/manager');
    my ($fifo, $go) = $place->fifo('fifo');
    local $ENV{NOTIFY_SOCKET} = $manager->address;
    my $run = $place->run(
        [qw(--ready notify)],
        perl_program(
            $SAY
                . 'open my $go, "<", shift; readline $go; &say("STATUS=almost"); &say("READY=1"); '
                . '$SIG{HUP} = sub { &say("RELOADING=1"); &say("STATUS=new"); &say("READY=1") }; print "up\n"; sleep 1000 while 1',
            $go
        )
    );
    delete $ENV{NOTIFY_SOCKET};
    syswrite $fifo, "\n";
    is($manager->hear, 'STATUS=almost',  "the program's status");
    is($manager->hear, 'STATUS=running', 'then it runs');
    like($manager->hear, qr/^READY=1$/m, 'and is ready');
    $run->wait_log(qr/x: up\n/);
    $run->kill('HUP');
    like($manager->hear, qr/^RELOADING=1\nMONOTONIC_USEC=\d+$/, 'it says itself that it reloads');
    is($manager->hear, 'STATUS=new', 'how it is');
    like($manager->hear, qr/^READY=1$/m, 'and when that is done');
    is($place->end($run), 0, 'stopped');
}

# A watchdog of the manager is fed by the loop.
{
    my $place   = NetIO::Test::Supervisor->new;
    my $manager = NetIO::Test::Manager->new($place->dir . '/manager');
    local @ENV{qw(NOTIFY_SOCKET WATCHDOG_USEC)} = ($manager->address, 100_000);
    my $run = $place->run([], perl_program('sleep 1000 while 1'));
    is($manager->hear(qr/^(?:STATUS|READY)/), 'WATCHDOG=1', "a sign of life, $_") for 1 .. 3;
    is($place->end($run),                     0,            'stopped');
}

# A manager that is gone, or does not read.
{
    my $place = NetIO::Test::Supervisor->new;
    local $ENV{NOTIFY_SOCKET} = NetIO::Test::Manager->new($place->dir . '/manager')->address;
    my $run = $place->run([], perl_program('print "up\n"; sleep 1000 while 1'));
    ok($run->wait_log(qr/x: up\n/), 'a manager that is gone');
    is($place->end($run), 0, 'stopped');
}
{
    my $place = NetIO::Test::Supervisor->new;
    local $ENV{NOTIFY_SOCKET} = 'not an address';
    is_deeply(
        [$place->call('run', '--', 'true')],
        [71, '', "netio-daemon: x: notify not an address: not a valid address\n"],
        'a socket that is none'
    );
}

done_testing;
