# netio-daemon: how a program is stopped, and when it is started again.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Run;
use NetIO::Test::Supervisor;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $up   = 'print "up\n"; sleep 1000 while 1';
my $deaf = '$SIG{TERM} = "IGNORE"; ';

# Runs the program, waits for a line, sends signals, and waits for the end: how it exits, and the log
# from there on without its pids.
sub after {
    my ($signals, $options, @program) = @_;
    my $place = NetIO::Test::Supervisor->new;
    my $run   = $place->run($options, @program);

    $run->wait_log(qr/x: up\n/) or die $run->log_text;
    my $from = length $run->log_text;
    for (@$signals) {
        my ($signal, $line) = ref $_ ? @$_ : ($_);
        $run->kill($signal);
        $run->wait_log($line) or die $run->log_text if $line;
    }
    my $status = $run->wait_end;
    my $text   = substr($run->log_text, $from) =~ s/\bpid \d+/pid N/gr;
    ok(!-e $place->pidfile, "@$options: no pid file is left");
    return [$status, $text =~ s/^netio-daemon: x: //gmr];
}

# ---- stopping --------------------------------------------------------------------------

is_deeply(
    after([$_], [], perl_program($up)),
    [0, "stopping pid N\npid N was ended by signal 15 (SIGTERM)\n"],
    "$_ ends it"
) for qw(TERM QUIT);
is_deeply(
    after(['TERM'], [], perl_program('$SIG{TERM} = sub { print "bye\n"; exit 7 }; ' . $up)),
    [0, "stopping pid N\nx: bye\npid N ended with exit code 7\n"],
    'what it says and exits with then is its own affair'
);
is_deeply(
    after(['TERM'], [qw(--stop-seconds 0.2)], perl_program($deaf . $up)),
    [0, "stopping pid N\nkilling pid N\npid N was ended by signal 9 (SIGKILL)\n"],
    'it is killed when it does not end'
);
is_deeply(
    after([['TERM', qr/stopping/], 'INT'], [qw(--stop-seconds 1000)], perl_program($deaf . $up)),
    [0, "stopping pid N\nkilling pid N\npid N was ended by signal 9 (SIGKILL)\n"],
    'or when INT follows'
);
is_deeply(
    after(['INT'], [qw(--stop-seconds 1000)], perl_program($deaf . $up)),
    [0, "killing pid N\npid N was ended by signal 9 (SIGKILL)\n"],
    'INT does not ask'
);
is_deeply(
    after(
        ['TERM'], [qw(--stop-seconds 1000)],
        perl_program('$SIG{TERM} = "DEFAULT"; print "up\n"; kill "STOP", $$; sleep 60')
    ),
    [0, "stopping pid N\npid N was ended by signal 15 (SIGTERM)\n"],
    'one that is halted, too'
);

# Two stops at once: the second does not shorten the time of the first.
{
    my $place = NetIO::Test::Supervisor->new;
    my ($fifo, $path) = $place->fifo('fifo');
    my $run = $place->run(
        [qw(--stop-seconds 1000)],
        perl_program(
            '$SIG{TERM} = sub { print "waits\n"; readline $go; exit }; open $go, "<", shift; '
                . $up,
            $path
        )
    );
    $run->wait_log(qr/x: up\n/);
    my $stop = $place->begin('stop', '--stop-seconds', 1000);
    $run->wait_log(qr/x: waits\n/);
    $run->kill($_) for qw(TERM QUIT);
    is($place->exits('status'), 0, 'it goes on until it has ended');
    syswrite $fifo, "go\n";
    is((finish($stop))[0], 0, 'then stop returns');
    is($run->wait_end,     0, 'as the supervisor does');
    like(
        $run->log_text,
        qr/x: waits\n\S+ x: pid \d+ ended with exit code 0\n\z/,
        'who has not killed it for being asked again'
    );
}

# Everybody who has the FIFO open for writing is gone when it is at its end.
sub is_left_by_all {
    my ($name, $options, $code) = @_;
    my $place = NetIO::Test::Supervisor->new;
    my ($fifo, $path) = $place->fifo('fifo');
    my $run = $place->run($options, perl_program("open my \$fh, '>', shift; $code", $path));

    $run->wait_log(qr/x: up\n/) or die $run->log_text;
    open my $end, '<', $path or die "$path: $!\n";
    close $fifo;
    $place->end($run);
    vec(my $bits = '', fileno $end, 1) = 1;
    is(select($bits, undef, undef, 30) && sysread($end, my $text, 1), 0, $name);
    return;
}
is_left_by_all('TERM is for the whole process group',
    [], 'if (!fork) { sleep 1000 } print "up\n"; wait');
is_left_by_all('what the program leaves behind is killed',
    [],
    'if (!fork) { $SIG{TERM} = "IGNORE"; print "up\n"; sleep 1000 while 1 } sleep 1000 while 1');

# ---- when it ends by itself ----------------------------------------------------------------

# Ends as it is told, a line a time; then it stays.
my $obeys = <<'PERL';
open my $fh, '<', shift;
my $n = -s "$ENV{COUNT}";
open my $count, '>>', $ENV{COUNT};
print $count 'x';
close $count;
my @ends = readline $fh;
print "start $n\n";
eval($ends[$n] // 'print "stays\n"; sleep 1000 while 1');
PERL

sub obeying {
    my ($place, @ends) = @_;

    spew($place->dir . '/ends', join '', map { "$_\n" } @ends);
    spew($place->dir . '/count', '');
    return (
        ['--env', 'COUNT=' . $place->dir . '/count'],
        perl_program($obeys, $place->dir . '/ends')
    );
}

for my $case (
    [['exit 0'],          0],
    [['exit 3'],          3],
    [['kill "TERM", $$'], 143],
    [['exit 0'],          0, qw(--restart on-failure)],
    )
{
    my ($ends, $want, @options) = @$case;
    my $place = NetIO::Test::Supervisor->new;
    my ($env, @program) = obeying($place, @$ends);
    my $run = $place->run([@$env, @options], @program);
    is($run->wait_end, $want, "@$ends, @options: ends as it does");
    is(
        $run->log_text =~ s/.*start 0\n//sr =~ s/pid \d+/pid N/r,
        $want == 143
        ? "netio-daemon: x: pid N was ended by signal 15 (SIGTERM)\n"
        : "netio-daemon: x: pid N ended with exit code $want\n",
        'and says so'
    );
}

for my $case (
    ['on-failure', ['exit 3',          'kill "KILL", $$']],
    ['always',     ['exit 0',          'exit 1']],
    ['on-failure', ['kill "SEGV", $$', 'exit 255']],
    )
{
    my ($restart, $ends) = @$case;
    my $place = NetIO::Test::Supervisor->new;
    my ($env, @program) = obeying($place, @$ends);
    my $run = $place->run([@$env, '--restart', $restart], @program);
    ok($run->wait_log(qr/starts again in 0\.5 seconds\n/), "$restart: it is started again");
    ok($run->wait_log(qr/x: start 1\n/),                   "$restart: it is");
    ok(
        $run->wait_log(qr/starts again in 1 seconds\n/),
        "$restart: after twice as long the next time"
    );
    ok($run->wait_log(qr/x: start 2\n.*x: stays\n/s), "$restart: and stays");
    is($place->exits('status'), 0, "$restart: the daemon is the same all the time");
    is($place->end($run),       0, "$restart: stopped");
}

# A program that is gone when it is to be started again may come back.
{
    my $place = NetIO::Test::Supervisor->new;
    my ($fifo, $path) = $place->fifo('fifo');
    my $program = spew($place->dir . '/program', "#!/bin/sh\necho up\nread x <$path\nexit 1\n");
    chmod 0755, $program;
    my $run = $place->run([qw(--restart always)], $program);
    $run->wait_log(qr/x: up\n/);
    rename $program, "$program.away" or die "$!\n";
    syswrite $fifo, "end\n";
    ok($run->wait_log(qr{\Q$program\E: exec \Q$program\E: No such file or directory\n}),
        'it is gone');
    rename "$program.away", $program or die "$!\n";
    ok($run->wait_log(qr/x: up\n/), 'and started when it is there again');
    is($place->end($run), 0, 'stopped');
}

# While it waits to be started again.
for my $signal (qw(TERM INT)) {
    my $place = NetIO::Test::Supervisor->new;
    my ($env, @program) = obeying($place, ('exit 1') x 6);
    my $run = $place->run([@$env, qw(--restart always)], @program);
    $run->wait_log(qr/starts again in 8 seconds\n/);
    is($place->end($run, $signal), 0, "$signal while nothing runs ends the supervisor");
    unlike($run->log_text, qr/start 5/, 'without another start');
}
{
    my $place = NetIO::Test::Supervisor->new;
    my ($env, @program) = obeying($place, ('exit 1') x 6);
    my $run = $place->run([@$env, qw(--restart always)], @program);
    for my $n (1 .. 6) {
        $run->wait_log(qr/starts again in [\d.]+ seconds\n/);
        $run->kill('HUP');
        ok($run->wait_log(qr/start $n\n/), "HUP $n while nothing runs starts it at once");
    }
    is($place->end($run), 0, 'stopped');
}

done_testing;
