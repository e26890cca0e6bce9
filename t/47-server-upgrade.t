# NetIO::Server with workers: an upgrade (USR2) starts the program anew, as it was started; and a
# daemon, which is ready when its workers are.

use strict;
use warnings;

use IO::Socket::INET;
use NetIO::Daemon;
use Test::More;

use lib 't/lib';
use NetIO::Test::Patience;
use NetIO::Test::PerlServer 'ask';
use NetIO::Test::PerlDaemon;

plan skip_all => 'a daemon starts again without LD_PRELOAD, and so without libasan'
    if $ENV{NETIO_TEST_SANITIZED};

alarm 300;
$SIG{PIPE} = 'IGNORE';

# A program that is a daemon: its folder, its environment and its name are others by then.
my $program = <<'PROGRAM';
    use strict; use warnings;
    use NetIO qw(daemonize);
    use NetIO::Server;
    my $dir = shift;
    sub report {
        open my $file, '>>', "$dir/report" or die "report: $!\n";
        print $file "@_\n";
        close $file;
    }
    my $daemon = daemonize(pidfile => "$dir/pid", log => "$dir/log");
    report("pid $$");
    report('args', "@ARGV");
    open my $file, '<', "$dir/version" or $daemon->fail("version: $!");
    my $version = <$file>;
    chomp $version;
    die "version 3 does not start\n" if $version eq '3';
    $0 = 'renamed';
    my $server = NetIO::Server->new(
        listen => "unix:$dir/s", daemon => $daemon, workers => 2, ready_seconds => 20,
        on_start => sub {
            report('worker', $$);
            report('left', $_) for grep { /UPGRADE/ } %ENV;
            die "version 4 has no workers\n" if $version eq '4';
        },
        on_reopen => sub { report('reopen') },
        on_line => sub {
            my ($connection, $line) = @_;
            warn "a warning of $$\n" if $line eq 'warn';
            print "to nobody\n";
            $connection->reply("$version $$\n");
        });
    $server->run;
    report('over', $$);
PROGRAM

sub version {
    my ($dir, $version) = @_;

    open my $file, '>', "$dir/version" or die "version: $!\n";
    print {$file} "$version\n";
    return close $file;
}

sub ask_unix {
    my ($run, $text) = @_;

    require IO::Socket::UNIX;
    my $client = IO::Socket::UNIX->new(Peer => $run->dir . '/s') or return "s: $!";
    return ask($client, $text // "a\n");
}

my $dir = File::Temp->newdir;
chmod 0755, "$dir";
version($dir, 1);
my $run = daemonized(
    $program,
    raw     => 1,
    dir     => "$dir",
    pidfile => "$dir/pid",
    args    => ["$dir", 'x', 'y z']
);
# What an upgrade starts has no pipe to this process: there is only what it has written.
my $reported = sub {
    my ($regex) = @_;
    return eventually { $run->report =~ $regex };
};
is $run->status, 0, 'a daemon with workers is ready' or BAIL_OUT($run->err);
like ask_unix($run),           qr/\A1 \d+\n\z/,        'they serve';
like ask_unix($run, "warn\n"), qr/\A1 /,               'what they warn of';
like slurp("$dir/log"),        qr/a warning of \d+$/m, 'is in the log';
is $run->out, '', 'what they print is lost';

my $pid = NetIO::Daemon->running("$dir/pid");
rename "$dir/log", "$dir/log.1";
kill 'USR1', $pid;
ok $reported->(qr/^reopen/m), 'USR1';
# The supervisor tells its workers when it has told the program.
ok eventually {
    ask_unix($run, "warn\n");
    -e "$dir/log" && slurp("$dir/log") =~ /a warning of \d+$/m;
}, 'workers have the new log';

for my $try ([3, 1, qr/version 3 does not start/], [4, 2, qr/version 4 has no workers/]) {
    my ($version, $failed, $why) = @$try;
    version($dir, $version);
    my $n = () = $run->report =~ /^args /mg;
    kill 'USR2', $pid;
    ok $reported->(qr/(?:^args .*){@{[$n + 1]}}/ms), "version $version is tried";
    ok eventually { (() = slurp("$dir/log") =~ /upgrade failed/g) == $failed }, 'and given up';
    like slurp("$dir/log"), $why, 'the log says why';
    like ask_unix($run), qr/\A1 \d+\n\z/, 'but cannot serve: nothing changes';
    is(NetIO::Daemon->running("$dir/pid"), $pid, 'nor does the pid file');
}

version($dir, 2);
kill 'USR2', $pid;
my ($lost, $asked) = (0, 0);
eventually {
    my $answer = ask_unix($run);
    $asked++;
    $lost++ if $answer !~ /\A[12] \d+\n\z/;
    $answer =~ /\A2 /;
};
is $lost, 0, "an upgrade loses nobody of $asked";
like ask_unix($run), qr/\A2 \d+\n\z/, 'the new one serves';
ok $reported->(qr/^over $pid$/m), 'the old one ends';
my $new = NetIO::Daemon->running("$dir/pid");
isnt $new, $pid, 'the pid file is the new one\'s';
my %args = map { $_ => 1 } $run->report =~ /^args (.*)$/mg;
is join('|', keys %args), 'x y z', 'each had the same arguments';

kill 'TERM', $new;
ok eventually { !kill 0, $new }, 'TERM ends it';
like $run->report,   qr/^over $new$/m, 'in order';
unlike $run->report, qr/^left/m,       'what an upgrade says in the environment is not left there';
$run->finish;
ok !-e "$dir/$_", "$_ is gone" for qw(pid s);

done_testing;
