# whoisd's sandbox: what somebody who has taken it over still can do, tried from inside; what the log
# says of it; and kernels that have none (C25).

use strict;
use warnings;

use Config;
use File::Temp ();
use IO::Socket::INET;
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory put_directory);

plan skip_all => 'sanitizers and the sandbox exclude each other' if $ENV{NETIO_TEST_SANITIZED};

alarm 300;

my $dir      = File::Temp->newdir;
my $db       = build_directory("$dir/a.db", [{ handle => 'A1', name => 'One' }]);
my $one      = qr/Full Name: One\r\n/;
my $intruder = "$dir/intruder.so";
my $goal     = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1');
my @tries    = qw(shadow passwd make write unlink connect exec);

chmod 0755, "$dir";
is system($Config{cc}, qw(-D_GNU_SOURCE -shared -fPIC -o), $intruder, 't/data/intruder.c'), 0,
    'the intruder'
    or BAIL_OUT('no compiler?');

sub begin {
    my ($args, %how) = @_;

    return NetIO::Test::Daemon->start(
        args  => ['--listen', '127.0.0.1:0', '--directory', "sqlite:$db", @$args],
        ready => qr/listening on 127\.0\.0\.1:(\d+), 1 entries\n/,
        %how
    );
}

# What came of each try, in the words of the intruder.
sub tried {
    my ($args, %how) = @_;
    my $d = begin(
        $args, %how,
        env => {
            LD_PRELOAD      => $intruder,
            INTRUDER_PORT   => $goal->sockport,
            INTRUDER_FOLDER => "$dir"
        }
    );

    # Without a sandbox it may be another program before connect(2) returns.
    my $answer = eval { $d->ask("one\r\n") } // 'nothing';
    $d->wait_log(qr/intruder: exec (?:\w+)\n/);
    my %came = $d->log_text =~ /^intruder: (\w+) (\w+)$/mg;
    return ($d, $answer, %came);
}

my $all = 0;
{
    my $d = begin([]);
    my ($in_force) = $d->log_text =~ /^whoisd: sandbox: (.*)$/m;

    ok $in_force, 'the log says what is in force';
    $all = $in_force eq 'files, network, system calls';
    put_directory($db, [{ handle => 'A1', name => 'One' }]);
    $d->ask("one\r\n");
    ok $d->wait_log(qr/directory \Q$db\E: in use now, 1 entries\n/),
        'a directory that is renamed into its place is read';
    like $d->ask("one\r\n"), $one, 'and answers';
    $d->finish;
}
SKIP: {
    skip 'this kernel has not all of it', 1 if !$all;

    for (['try'], ['require'], $> == 0 ? ['require', '--user', 'nobody'] : ()) {
        my ($d, $answer, %came) = tried(['--sandbox', @$_]);

        like $answer, $one, "@$_: it serves";
        my %refused = map { $_ => 'EACCES' } @tries;
        @refused{qw(connect exec)} = ('EPERM') x 2;
        is_deeply \%came, \%refused, "@$_: nothing else can be done";
        $d->finish;
    }

    # What a process by itself has to remove in the end is its supervisor's.
    my ($d, $answer, %came) = tried(
        [
            '--sandbox', 'require', '--workers', 1, '--listen', "unix:$dir/s", '--pidfile',
            "$dir/pid"
        ],
        ready   => qr/listening on 127\.0\.0\.1:(\d+), 1 worker\n/,
        workers => 1
    );
    is $came{make}, 'EACCES', 'a worker makes no file where sockets and the pid file are';
    $d->finish;
}
SKIP: {
    skip 'only root may do all of it without', 1 if $> != 0;
    my ($d, $answer, %came) = tried(['--sandbox', 'off']);

    # exec tells of itself only when it fails.
    delete $came{exec};
    is_deeply \%came, { map { $_ => 0 } grep { $_ ne 'exec' } @tries },
        'without it all of that can be done';
    is $d->wait_end, 0, 'and it is another program';
    like $d->log_text, qr/^whoisd: sandbox: none$/m, 'which the log has said';
    $d->finish;
    put_directory($db, [{ handle => 'A1', name => 'One' }]);
}

# C25: the call that a kernel does not have, or a container forbids, and what is left.
SKIP: {
    skip 'no strace here',                1 if system('strace -V >/dev/null 2>&1') != 0;
    skip 'this kernel has not all of it', 1 if !$all;

    for (
        ['landlock_create_ruleset', 'ENOSYS', 'system calls'],
        ['landlock_restrict_self',  'EPERM',  'system calls'],
        ['seccomp',                 'ENOSYS', 'files, network'],
        ['seccomp',                 'EPERM',  'files, network']
        )
    {
        my ($call, $error, $left) = @$_;
        my @wrap = (
            qw(strace -f -qq --seccomp-bpf -o /dev/null -e), "trace=$call",
            '-e',                                            "inject=$call:error=$error"
        );
        my $d = begin([], wrap => ['strace', '-D', @wrap[1 .. $#wrap]]);

        like $d->log_text, qr/^whoisd: sandbox: \Q$left\E$/m, "$call $error: try says what is left";
        like $d->ask("one\r\n"), $one,                        "$call $error: and serves";
        $d->finish;
        my ($exit, $out, $err) = NetIO::Test::Daemon->run(
            args => [
                '-f',         '--listen',  '127.0.0.1:0', '--directory',
                "sqlite:$db", '--sandbox', 'require'
            ],
            wrap => \@wrap
        );
        is $exit, 71, "$call $error: require ends it";
        like $err, qr/\Awhoisd: sandbox [^\n]+\n\z/, "$call $error: and says why";
    }
}

done_testing;
