# whoisd: signals, and how it ends.

use strict;
use warnings;

use File::Temp ();
use POSIX      ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory put_directory);

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $dir = File::Temp->newdir;
my $db  = build_directory(
    "$dir/a.db",
    [
        { handle => 'A1', name => 'One' },
        { handle => 'megabyte', name => 'Megabyte', fields => [(['', '']) x 43_000] }
    ]
);
my $ms = qr/\d+\.\d{3} ms/;

sub begin {
    my (@args) = @_;

    return NetIO::Test::Daemon->start(
        args => [
            '--listen',    "unix:$dir/s", '--listen', '127.0.0.1:0',
            '--directory', "sqlite:$db",  @args
        ],
        ready => qr/listening on 127\.0\.0\.1:(\d+), 2 entries\n/
    );
}

# A client that has asked for more than the kernel takes and reads nothing; the query has been
# served once another client, who came later, has his answer.
sub deaf {
    my ($d) = @_;
    my $client = $d->connect(path => "$dir/s");

    syswrite $client, "!megabyte\r\n";
    $d->ask("one\r\n", path => "$dir/s");
    $d->ask("one\r\n", path => "$dir/s");
    return $client;
}

{
    my $d      = begin();
    my $silent = $d->connect;

    $d->ask("one\r\n");
    $d->kill('INT');
    is $d->wait_end,          0,  'INT ends it';
    is $d->read_all($silent), '', 'INT: a connection without a query ends';
    like $d->log_text, qr/127\.0\.0\.1:\d+ - stop\n/, 'INT: with a line in the log';
    ok !-e "$dir/s", 'INT: the path of the socket is gone';
    $d->finish;
}
for my $signal (qw(TERM QUIT)) {
    my $d      = begin('--stop-seconds', 60);
    my $answer = $d->ask("one\r\n");
    my $late   = $d->connect;

    $d->ask("one\r\n");
    $d->kill($signal);
    ok !defined $d->wait_end(0.1), "$signal waits for a query that is on its way (B26)";
    syswrite $late, "one\r\n";
    is $d->read_all($late), $answer, "$signal: and answers it";
    close $late;
    is $d->wait_end, 0, "$signal ends it";
    ok !-e "$dir/s", "$signal: the path of the socket is gone";
    $d->finish;
}
for my $signal (qw(TERM QUIT)) {
    my $d     = begin('--stop-seconds', 60);
    my $whole = $d->ask("!megabyte\r\n");
    my $deaf  = deaf($d);

    $d->kill($signal);
    ok !defined $d->wait_end(0.3), "$signal waits for an answer that is on its way (B26)";
    ok $d->refuses,                "$signal: nobody else is let in";
    my $answer = $d->read_all($deaf);
    close $deaf;
    ok $answer eq $whole, "$signal: all of it arrives";
    is $d->wait_end, 0, "$signal: then it ends";
    like $d->log_text, qr/unix: "!megabyte" 1 matches $ms\n/, "$signal: in the log";
    $d->finish;
}
for my $signals ([qw(TERM TERM)], [qw(QUIT TERM)], [qw(INT)], [qw(TERM INT)]) {
    my $d    = begin('--stop-seconds', 1000);
    my $deaf = deaf($d);

    $d->kill_taken($signals->[0]);
    if (@$signals > 1) {
        ok !defined $d->wait_end(0.1), "@$signals: the first waits (B26)";
        $d->kill($signals->[1]);
    }
    is $d->wait_end, 0, "@$signals: ends at once";
    like $d->log_text, qr/unix: "!megabyte" 1 matches $ms, stop\n/, "@$signals: in the log";
    $d->finish;
}
{
    my $d    = begin();
    my $deaf = deaf($d);

    $d->kill('TERM');
    is $d->wait_end(20), 0, 'TERM: who never reads is waited for, but not for ever';
    like $d->log_text, qr/unix: "!megabyte" 1 matches $ms, stop\n/, 'and is in the log';
    $d->finish;
}
{
    my $d      = begin();
    my $answer = $d->ask("one\r\n");
    my $wrong  = 0;

    for (1 .. 200) {
        $d->kill($_) for qw(HUP USR1 HUP USR1 HUP);
        $wrong++ if ($d->ask("one\r\n") // '') ne $answer;
        $d->log_text;
    }
    is $wrong, 0, 'a storm of HUP and USR1 loses no query (B16)';
    $d->kill('HUP');
    put_directory($db, [{ handle => 'B1', name => 'Last' }]);
    ok $d->wait_log(qr/in use now, 1 entries\n/), 'and the last directory is used';
    like $d->ask("last\r\n"), qr/Full Name: Last\r\n/, 'at once';
    $d->finish;
}

# Those for a daemon that runs do not end one that starts, when who started it has ignored them, as
# nohup(1) does, or has blocked them, and one is waiting.
for my $signal (qw(HUP USR1 USR2 PIPE)) {
    my $d = NetIO::Test::Daemon->start(
        args   => ['--listen', '127.0.0.1:0', '--directory', "sqlite:$db"],
        before => sub {
            my $set = POSIX::SigSet->new;
            $set->fillset;
            POSIX::sigprocmask(POSIX::SIG_BLOCK(), $set);
            kill $signal => $$;
        }
    );
    ok $d->wait_log(qr/listening on /), "$signal, which waits at birth: it starts" or next;
    $d->finish;
}
{
    my $told;
    pipe my $read, my $write or die "pipe: $!\n";
    my $d = NetIO::Test::Daemon->start(
        args   => ['--listen', '127.0.0.1:0', '--directory', "sqlite:$db"],
        before => sub { $SIG{$_} = 'IGNORE' for qw(HUP USR1 USR2); syswrite $write, 'x' }
    );
    sysread $read, $told, 1;
    do { $d->kill($_) for qw(HUP USR1 USR2) }
        until $d->log_text =~ /listening on / || $d->wait_end(0);
    like $d->log_text, qr/listening on /, 'nor does a storm of them, ignored at birth';
    $d->finish;
}
{
    # TERM while a directory is being checked.
    my $d = begin_small();
    put_directory(
        "$dir/b.db",
        [
            map { { handle => "x$_", name => "X $_", fields => [['T', join ' ', $_ .. $_ + 500]] } }
                1 .. 2000
        ]
    );
    $d->kill('HUP');
    $d->kill('TERM');
    is $d->wait_end, 0, 'TERM in the middle of a check';
    $d->finish;
}

sub begin_small {
    build_directory("$dir/b.db", [{ handle => 'A1', name => 'One' }]);
    return NetIO::Test::Daemon->whoisd("$dir/b.db");
}

done_testing;
