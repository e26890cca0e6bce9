# whoisd as a daemon: it detaches, its starter tells the truth, its pid file, its user.

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Detached;
use NetIO::Test::Directory qw(build_directory put_directory);
use NetIO::Test::Run qw(slurp);

alarm 300;

my $dir  = File::Temp->newdir;
my $home = "$dir/home";              # nobody's, with a directory that he may read
my $pid  = "$dir/pid";
my $log  = "$home/log";
my @user = getpwnam 'nobody';
my $one  = qr/Full Name: One\r\n/;

chmod 0755, "$dir";
mkdir $home;
my $db   = build_directory("$home/a.db", [{ handle => 'A1', name => 'One' }]);
my @from = ('--directory', "sqlite:$db");
my @on   = ('--listen',    "unix:$home/s", @from, '--pidfile', $pid, '--log', $log);

# Starts one as a shell would: what that was told, and the daemon.
sub detach {
    my ($args, %how) = @_;
    my @told = NetIO::Test::Daemon->run(args => $args, dir => '/', %how);

    return (\@told, NetIO::Test::Detached->new($pid));
}

sub ask {
    my $socket = IO::Socket::UNIX->new(Peer => "$home/s") or return "connect: $!";

    print {$socket} "one\r\n";
    return NetIO::Test::Daemon->read_all($socket);
}

sub log_text { return slurp($log) // '' }

sub ends {
    my ($d, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $d->kill('TERM');
    return ok $d->wait_end, "$name: TERM ends it";
}

# ---- its starter -----------------------------------------------------------------------------

{
    my ($told, $d) = detach(\@on);

    is_deeply $told, [0, '', ''], 'the command ends well, without a word' or BAIL_OUT('no daemon');
    like ask(), $one, 'then it serves';
    isnt $d->status('PPid'), $$, 'it is nobody\'s child here';
    is_deeply [map { $d->link("fd/$_") } 0 .. 2], [('/dev/null') x 3], '0 to 2 are /dev/null';
    is $d->link('cwd'),     '/',                  'it works in /';
    is $d->status('Umask'), '0027',               'its files are for owner and group';
    is $d->status('NSsid'), $d->status('NSpgid'), 'its session is that of its process group';
    unlike slurp('/proc/self/status'),
        qr/^NSsid:\s+@{[$d->status('NSsid')]}\s/m,
        'and not ours';
    like log_text(), qr/ sandbox: .+\n.* listening on unix:\Q$home\E\/s, 1 entries\n/,
        'the log is written when the command has ended';
    my $again = [NetIO::Test::Daemon->run(args => \@on, dir => '/')];
    is_deeply $again, [69, '', "whoisd: pid file $pid: already running\n"], 'a second one (C3)';
    like ask(), $one, 'leaves the first alone';

    rename $log, "$log.1";
    $d->kill('USR1');
    like ask(), $one, 'USR1: it goes on';
    ends($d, 'detached');
    like log_text(), qr/ unix: "one" 1 matches/, 'USR1: with a new log';
    ok !-e $pid,      'the pid file is gone';
    ok !-e "$home/s", 'and its socket';
}

# A table of starts that fail: arguments, exit code, what the terminal shows.
my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0);
my $port  = $taken->sockport;
#<<< the table as it is
for my $row (
    ['no directory', ['--listen', '127.0.0.1:0', '--directory', "sqlite:$dir/none"], 66,
        "directory sqlite:$dir/none: No such file or directory"],
    ['an address in use', ['--listen', "127.0.0.1:$port", @from], 69,
        "listen 127.0.0.1:$port: Address already in use"],
    ['a log that would be gone', ['--listen', '127.0.0.1:0', @from, '--log', 'stderr'], 64,
        '--log stderr: only in the foreground (-f)'],
    ['a log in no folder', ['--listen', '127.0.0.1:0', @from, '--log', "$dir/none/log"], 73,
        "log $dir/none/log: No such file or directory"],
    ['a pid file in no folder', [@from, '--pidfile', "$dir/none/pid"], 73,
        "pid file $dir/none/pid: No such file or directory"],
) {
#>>>
    my ($name, $args, $exit, $text) = @$row;
    my ($told, $d) = detach([@$args, $args->[-2] eq '--pidfile' ? () : ('--pidfile', $pid)]);

    is_deeply $told, [$exit, '', "whoisd: $text\n"], "$name: the starter tells (C13)";
    ok !$d && !-e $pid, "$name: and nothing is left";
}

# ---- paths of where it was started -----------------------------------------------------------

{
    my @told = NetIO::Test::Daemon->run(
        args => [
            '--listen',  "unix:$home/s", '--directory', 'sqlite:a.db',
            '--pidfile', '../pid',       '--log',       './log.rel'
        ],
        dir => $home
    );
    my $d = NetIO::Test::Detached->new($pid);

    is_deeply \@told, [0, '', ''], 'paths may be relative';
    like ask(), $one, 'to the directory';
    put_directory($db, [{ handle => 'A1', name => 'One' }]);
    like ask(), $one, 'also when it is another file';
    rename "$home/log.rel", "$home/log.old";
    $d->kill('USR1');
    ask();
    ends($d, 'relative');
    ok -s "$home/log.rel", 'to the log, also when it is opened again';
    ok !-e $pid,           'to the pid file';
}

{
    my $far = File::Temp->newdir;    # not in the folder of the pid file

    symlink "$far/log", "$home/log.link";
    my ($told, $d) = detach([@on, '--log', "$home/log.link"]);

    is_deeply $told, [0, '', ''], 'the log may be a symbolic link';
    rename "$far/log", "$far/log.old";
    $d->kill('USR1');
    ask();
    ends($d, 'link');
    like slurp("$far/log") // '', qr/ unix: "one" 1 matches/,
        'the sandbox lets it be opened again';
}

# ---- the user --------------------------------------------------------------------------------

SKIP: {
    skip 'only root can become somebody else', 1 if $> != 0;

    subtest 'user' => sub {
        chown @user[2, 3], $home;
        unlink glob "$home/log*";
        my ($told, $d) = detach([@on, '--user', 'nobody']);

        is_deeply $told, [0, '', ''], 'starts' or return;
        is $d->status('Uid'), join(' ', ($user[2]) x 4), 'all of its uids';
        is $d->status('Gid'), join(' ', ($user[3]) x 4), 'and gids';
        my %group = map { $_ => 1 } $user[3], split ' ', `id -G nobody`;
        is $d->status('Groups'), join(' ', sort { $a <=> $b } keys %group),
            "the user's groups (C17)";
        is $d->status($_), '0000000000000000', "$_ (C16)" for qw(CapEff CapPrm CapInh CapAmb);
        is $d->status('NoNewPrivs'), 1,        'no new ones';
        is((stat $log)[4], $user[2], 'the log is his');
        like ask(), $one, 'it serves';
        rename $log, "$log.1";
        $d->kill('USR1');
        ask();
        ends($d, 'user');
        is((stat $log)[4], $user[2], 'and so is the next');
        ok -e $pid && -z $pid, 'the pid file, which he may not remove, is empty';
        ok !-e "$home/s",      'his socket is gone';

        ($told, $d) = detach([@on, '--user', 'nobody:daemon']);
        is_deeply $told, [0, '', ''], 'another group; that pid file is taken over (C1)';
        is $d->status('Gid'), join(' ', (scalar getgrnam 'daemon') x 4), 'is his';
        ends($d, 'group');
    };

    subtest 'a directory that is not for him' => sub {
        my $own = build_directory("$dir/own.db", [{ handle => 'A1', name => 'One' }]);
        chmod 0600, $own;
        my @args = ('--directory', "sqlite:$own", '--user', 'nobody');
        my @told = (66, '', "whoisd: directory sqlite:$own: Permission denied\n");
        my ($told, $d) = detach(['--listen', "unix:$home/s", @args, '--pidfile', $pid]);

        is_deeply $told, \@told, 'is told at start';
        ok !$d, 'nothing runs';
        is_deeply [NetIO::Test::Daemon->run(args => ['-t', @args])], \@told, 'and by -t';
        is_deeply [NetIO::Test::Daemon->run(args => ['-t', '--directory', "sqlite:$own"])],
            [0, '', ''], 'which says nothing without a user';
    };

    # C14, C15: each call of the drop fails, and lies.  whoisd is started under strace, which has
    # its exit code; what it would have served it opens afterwards, as root.
    subtest 'nothing is served as root' => sub {
        plan skip_all => 'no strace here' if system('strace -V >/dev/null 2>&1') != 0;
        chown 0, 0, $home;
        for my $way (['-f'], ['--pidfile', "$dir/lies"]) {
            for my $call (qw(setgroups setresgid setresuid)) {
                for my $inject ('error=EPERM', 'error=EAGAIN', 'retval=0') {
                    my ($exit, $out, $err) = NetIO::Test::Daemon->run(
                        args => [@$way, @from, '--listen', "unix:$home/s", '--user', 'nobody'],
                        wrap => [
                            qw(strace -f -qq --seccomp-bpf -o),
                            "$dir/trace", '-e', "trace=$call,openat",
                            '-e',         "inject=$call:$inject:when=1"
                        ]
                    );
                    is $exit, 77, "@$way $call, $inject: ends";
                    like $err, qr/\Awhoisd: privileges \w+: [^\n]+\n\z/, 'says why';
                    my $trace = slurp("$dir/trace");
                    like $trace,   qr/\b$call\(/, 'was called';
                    unlike $trace, qr/\Q$db\E/,   'the directory was not opened';
                }
            }
        }
    };
}

done_testing;
