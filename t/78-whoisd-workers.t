# whoisd with workers: who they are, their state, their ends, SIGHUP, SIGUSR1, SIGUSR2.

use strict;
use warnings;

use File::Temp ();
use IO::Socket::UNIX;
use List::Util qw(sum);
use Test::More;
use Time::HiRes ();

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory put_directory);
use NetIO::Test::Patience;
use NetIO::Test::Process qw(is_gone);
use NetIO::Test::Run     qw(spew_whole);

alarm 300;

my $dir = File::Temp->newdir;
my $db  = build_directory("$dir/a.db", [{ handle => 'A1', name => 'One' }]);
my $ok  = qr/Full Name: One\r\n/;

chmod 0755, "$dir";

sub config {
    my ($text) = @_;

    return spew_whole("$dir/w.conf", $text);
}

sub begin {
    my (%how) = @_;
    my $text = delete $how{text} // "directory sqlite:$db\n";

    config("listen 127.0.0.1:0\nworkers 2\n$text");
    return NetIO::Test::Daemon->start(
        args    => ['-c', "$dir/w.conf", @{ $how{args} || [] }],
        ready   => qr/listening on 127\.0\.0\.1:(\d+), 2 workers\n/,
        workers => $how{workers} // 2,
    );
}

sub status {
    my $socket = IO::Socket::UNIX->new(Peer => "$dir/status") or die "$dir/status: $!\n";

    return map {
        { /(\S+)=(\S+)/g }
    } <$socket>;
}

# One worker may have taken a client that it has not counted yet when another takes the next.
sub counted {
    my ($wanted) = @_;

    return eventually {
        sum(0, map { $_->{connections} } status()) == $wanted
    };
}

sub uid {
    my ($pid) = @_;

    return (NetIO::Test::Daemon::slurp("/proc/$pid/status") =~ /^Uid:\s+(\d+)/m)[0];
}

# Who they are and what they say.
{
    my @user = $> == 0 ? ('--user', 'nobody') : ();
    my $d    = begin(args => [@user, '--status', "unix:$dir/status"]);

    like $d->ask("one\r\n"), $ok, 'a worker answers';
    ok $d->wait_log(qr/^whoisd: 127\.0\.0\.1:\d+ "one" 1 matches/m), 'its line is in the log';
    is uid($d->pid), $>, 'the supervisor stays who it is';
    is_deeply [map { uid($_) } $d->children], [((getpwnam 'nobody')[2]) x 2],
        'the workers become the user'
        if @user;
    unlike $d->log_text, qr/sandbox: (?!files, network, system calls)/, 'in the sandbox'
        if !$ENV{NETIO_TEST_SANITIZED};
    my @workers = status();
    is_deeply [map { "$_->{worker} $_->{generation} $_->{state}" } @workers],
        ['1 1 serving', '2 1 serving'], 'a line for each';
    is_deeply [sort map { $_->{pid} } @workers], [sort $d->children], 'with its process';
    is $workers[0]{accepted} + $workers[1]{accepted}, 1, 'and what it has done';
    $d->finish;
    ok !-e "$dir/status", 'the path of the status is gone';
}

# B8: kill -9 costs only those inside.
{
    my $d = begin();
    my ($victim) = $d->children;

    CORE::kill('KILL', $victim);
    is_gone($victim);    # on another core it may let in one client more
    like $d->ask("one\r\n"), $ok, 'B8: the next query is answered';
    ok $d->wait_log(qr/worker \d+ \(generation 1, pid $victim\)[^\n]*signal 9/i),
        'B8: the log says so';
    $d->finish;
}

# Limits are about all workers together, and survive the death of one.  Who is refused asks nothing:
# behind a question that nobody reads the text may end in a reset.
{
    my $d = begin(
        text => "directory sqlite:$db\nmax-per-source 3\nrefused-text % no\n",
        args => ['--status', "unix:$dir/status"]
    );
    my @held = map { $d->connect } 1 .. 3;

    counted(3);
    is $d->ask(''), "% no\r\n", 'R9: three at once, whoever serves them';
    CORE::kill('KILL', $_) for $d->children;
    $d->wait_log(qr/signal 9.*signal 9/is);    # until then it counts who was with the other one
    my $answer;
    $answer = $d->ask("one\r\n") // q{} until ($answer // q{}) =~ $ok;
    counted(0);
    @held = map { $d->connect } 1 .. 3;
    counted(3);
    is $d->ask(''), "% no\r\n", 'R11: exactly three, after all of them were killed';
    @held = ();
    $d->finish;
}

# SIGHUP: directory, rules, addresses, number of workers.
{
    my $other = build_directory("$dir/b.db", [{ handle => 'B1', name => 'Other' }]);
    my $d     = begin();
    my $slow  = $d->connect;

    $d->ask("one\r\n");
    config("listen 127.0.0.1:0\nlisten unix:$dir/s\nworkers 3\ndirectory sqlite:$other\n");
    $d->{workers} = 3;
    $d->kill('HUP');
    ok $d->wait_log(qr/configuration: read again, generation 2\n/), 'HUP: read again';
    # Its worker waits for it for --stop-seconds.
    syswrite $slow, "one\r\n";
    like $d->read_all($slow), $ok, 'B25: who was there before is answered by what was there before';
    ok $d->wait_log(qr/listening on unix:$dir\/s, 3 workers\n/), 'HUP: a new address, more workers';
    # An old worker may take one more client before it hears of it.
    my $answer;
    $answer = $d->ask("other\r\n") until ($answer // q{}) =~ /Full Name: Other/;
    pass 'HUP: another directory';
    like $d->ask("other\r\n", path => "$dir/s"), qr/Full Name: Other/,
        'HUP: at the new address, too';
    config("listen 127.0.0.1:0\nworkers 2\ndirectory sqlite:$db\ndeny 192.0.2.1/24\n");
    $d->kill('HUP');
    ok $d->wait_log(
        qr{configuration: $dir/w.conf:4: deny 192.0.2.1/24: not a valid network; the one before stays in use\n}
        ),
        'HUP: a broken one is named by file and line';
    like $d->ask("other\r\n"), qr/Full Name: Other/, 'and changes nothing';
    config(   "listen 127.0.0.1:0\nlisten unix:$dir/s\nworkers 3\ndirectory sqlite:$other\n"
            . "user nobody\nstop-seconds 1\n");
    $d->kill('HUP');
    ok $d->wait_log(qr/configuration: $_ stays as it was until USR2\n/), "HUP: $_ is for a start"
        for qw(user stop-seconds);
    config("listen 127.0.0.1:0\nworkers 0\ndirectory sqlite:$db\n");
    $d->kill('HUP');
    ok $d->wait_log(qr/configuration: no workers: [^\n]*; the one before stays in use\n/),
        'HUP: workers are not given up';
    config("listen 127.0.0.1:0\nworkers 2\ndirectory sqlite:$dir/none.db\n");
    $d->kill('HUP');
    ok $d->wait_log(qr{directory sqlite:$dir/none.db: No such file}),
        'HUP: a directory that is not there';
    ok $d->wait_log(qr{configuration: [^\n]*; the one before stays in use\n}), 'stays what it was';
    like $d->ask("other\r\n", path => "$dir/s"), qr/Full Name: Other/, 'with its addresses';
    config("listen 127.0.0.1:0\nworkers 2\ndirectory sqlite:$db\n");
    $d->{workers} = 2;
    $d->kill('HUP');
    ok $d->wait_log(qr/configuration: read again/), 'HUP: well again';
    is scalar(my @two = $d->children), 2, 'those of an earlier generation are gone';
    like $d->ask("one\r\n"), $ok, 'and answers from it';
    ok !-e "$dir/s", 'HUP: what was not listed any more is gone';
    $d->finish;
}

# SIGUSR1: the supervisor opens the log again, for the workers as well.
sub wait_file {
    my ($d, $path, $match) = @_;

    $d->pump(Time::HiRes::time() + 0.02)
        until -e $path && NetIO::Test::Daemon::slurp($path) =~ $match;
    return;
}
{
    my @where = (path => "$dir/s");
    config("listen unix:$dir/s\nworkers 2\ndirectory sqlite:$db\nlog $dir/log\n");
    my $d = NetIO::Test::Daemon->start(args => ['-c', "$dir/w.conf"], workers => 2);

    wait_file($d, "$dir/log", qr/listening on/);
    $d->ask("one\r\n", @where);
    rename "$dir/log", "$dir/log.1" or die "$dir/log: $!\n";
    $d->kill('USR1');
    wait_file($d, "$dir/log", qr//);
    do { $d->ask("one\r\n", @where) }
        until NetIO::Test::Daemon::slurp("$dir/log") =~ /"one" 1 matches/;
    pass 'USR1: workers write to the new file';
    is((stat "$dir/log")[2] & 0777, 0640, 'which is for owner and group (C12)');
    $d->finish;
}

# The log of workers is opened as their user, whose folder it may be in: root follows no name of his.
SKIP: {
    skip 'only root becomes somebody else', 5 if $> != 0;
    my @nobody = (getpwnam 'nobody')[2, 3];
    my $folder = "$dir/his";
    my @user   = ('--user', 'nobody', '--log', "$folder/log");

    mkdir $folder or die "$folder: $!\n";
    chown @nobody, $folder;
    config("listen unix:$dir/s\nworkers 2\ndirectory sqlite:$db\n");
    my $d = NetIO::Test::Daemon->start(args => ['-c', "$dir/w.conf", @user], workers => 2);
    wait_file($d, "$folder/log", qr/listening on/);
    is((stat "$folder/log")[4], $nobody[0], 'the log is the user\'s');
    rename "$folder/log", "$folder/log.1" or die "$folder/log: $!\n";
    symlink "$dir/root", "$folder/log" or die "$folder/log: $!\n";
    $d->kill('USR1');
    wait_file($d, "$folder/log.1",
        qr/log $folder\/log: Permission denied; the one before stays in use/);
    ok !-e "$dir/root", 'USR1: root makes no file where the user has a link lead to';
    unlink "$folder/log" or die "$folder/log: $!\n";
    $d->kill('USR1');
    wait_file($d, "$folder/log", qr//);
    is((stat "$folder/log")[4], $nobody[0], 'USR1: the next is his, too');
    is uid($d->pid), 0, 'and the supervisor is root again';
    # The file is there before it is.
    ok eventually {
        NetIO::Test::Daemon::slurp('/proc/' . $d->pid . '/status') =~
            /^Uid:\s0\s0\s0\s0\nGid:\s0\s0\s0\s0$/m
    }, 'for files as well';
    $d->finish;
}

# SIGUSR2: another whoisd takes over, with the pid file; or does not.
{
    my $d    = begin(args => ['--pidfile', "$dir/pid"]);
    my $slow = $d->connect;

    $d->ask("one\r\n");
    config("listen nowhere\n");
    $d->kill('USR2');
    ok $d->wait_log(qr/$dir\/w\.conf:1: listen nowhere: unknown service\n/),
        'B23: a successor that cannot start says why';
    ok $d->wait_log(qr/upgrade failed: /), 'B23: it was not upgraded';
    like $d->ask("one\r\n"), $ok, 'B23: the one before serves on';
    config("listen 127.0.0.1:0\nworkers 2\ndirectory sqlite:$db\n");
    $d->kill('USR2');
    my ($pid) = @{ $d->wait_log(qr/upgrade: \S+ starts \(pid (\d+)\)/) || [] };
    ok $d->wait_log(qr/upgrade: the successor serves\n/), 'USR2: another takes over';
    syswrite $slow, "one\r\n";
    like $d->read_all($slow), $ok, 'USR2: who was there before is answered';
    like $d->ask("one\r\n"),  $ok, 'USR2: it serves';
    is NetIO::Test::Daemon::slurp("$dir/pid"), "$pid\n", 'USR2: the pid file is its own';
    CORE::kill('TERM', $pid);
    is $d->wait_end, 0, 'and TERM ends it';
    ok !-e "$dir/pid", 'with the pid file';
    $d->finish;
}

# A start that fails says why, with the exit code of one without workers.
for my $case (
    ["sqlite:$dir/none",   66, "whoisd: directory sqlite:$dir/none: No such file or directory\n"],
    ["sqlite:$dir/w.conf", 78, qr/\Awhoisd: directory sqlite:$dir\/w.conf: /],
    )
{
    my ($exit, $out, $err) = NetIO::Test::Daemon->run(
        args => ['-f', '--listen', '127.0.0.1:0', '--workers', 1, '--directory', $case->[0]]);

    is $exit, $case->[1], "$case->[0]: exit code";
    ref $case->[2] ? like $err, $case->[2], 'and text' : like $err, qr/^\Q$case->[2]\E/, 'and text';
}

is_deeply [
    NetIO::Test::Daemon->run(
        args => [
            '-f', '--listen', '127.0.0.1:0',           '--workers',
            1,    '--status', "unix:$dir/none/status", '--directory',
            "sqlite:$db"
        ]
    )
    ],
    [69, '', "whoisd: listen unix:$dir/none/status: No such file or directory\n"],
    'nor is the address of the status another than the others';

done_testing;
