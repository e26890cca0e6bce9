# whoisd: its command line, what it checks before it serves, and its exit codes.

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);

alarm 300;

my $dir  = File::Temp->newdir;
my $db   = build_directory("$dir/a.db", [{ handle => 'A1', name => 'One' }]);
my $good = "sqlite:$db";
my $usage =
      'usage: whoisd [-c FILE] [--listen ADDR]... [--directory URI] [--log syslog|stderr|FILE] '
    . '[--pidfile FILE] [--user NAME[:GROUP]] [--sandbox off|try|require] [--workers N] '
    . '[--access FILE] [-f] [-t] [-V] [--stdio]'
    . "\n";
my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0);
my $port  = $taken->sockport;
my ($version) =
    `sed -n 's/.*NETIO_VERSION "\\(.*\\)"/\\1/p' csrc/include/netio/version.h` =~ /(\S+)/;

# Name, arguments, exit code, stdout, stderr.
#<<< the table as it is
my @table = (
    ['version',        ['-V'],        0, "whoisd (NetIO) $version\n", ''],
    ['long version',   ['--version'], 0, "whoisd (NetIO) $version\n", ''],
    ['a good start is silent', ['-t', '--directory', $good], 0, '', ''],
    ['all options', ['-t', '-f', '--listen', '127.0.0.1:0', '--listen', '[::1]:whois',
            '--listen', '*:4343', '--listen', "unix:$dir/s", '--directory', $good,
            '--log', 'syslog', '--pidfile', "$dir/pid", '--sandbox', 'require',
            '--query-seconds', '0.5', '--answer-seconds', 5], 0, '', ''],
    ['an address in use is no fault of the configuration',
        ['--test', '--listen', "127.0.0.1:$port", '--directory', $good], 0, '', ''],
    ['unknown option', ['--bogus'], 64, '', "whoisd: unrecognized option '--bogus'\n$usage"],
    ['unknown letter', ['-x'],      64, '', "whoisd: invalid option -- 'x'\n$usage"],
    (map { ["workers: $_", ['--workers', $_], 64, '',
            "whoisd: --workers $_: not a number from 0 to 32\n$usage"] } '', '00', 33, -1, '2x', ' 2'),
    (map { ["count: $_", ['--max-per-source', $_], 64, '',
            "whoisd: --max-per-source $_: not a number from 1 to 1000000\n$usage"] }
        '', 0, 1_000_001, '99999999999', '0x1'),
    ['count: of all', ['--max-clients', 'all'], 64, '',
        "whoisd: --max-clients all: not a number from 1 to 1000000\n$usage"],
    (map { ["rate: $_->[0]", ['--source-rate', $_->[0]], 64, '',
            "whoisd: --source-rate $_->[0]: $_->[1]\n$usage"] }
        ['',     'not a number of clients, as 10 or 100/60'],
        ['0/1',  'not a number of clients, as 10 or 100/60'],
        ['5x',   'not a number of clients, as 10 or 100/60'],
        ['5/',   'not a number of seconds up to 86400'],
        ['5/-1', 'not a number of seconds up to 86400']),
    ['rate: of all', ['--rate', '1:1'], 64, '',
        "whoisd: --rate 1:1: not a number of clients, as 10 or 100/60\n$usage"],
    (map { ["bits: $_", ['--source-bits', $_], 64, '',
            "whoisd: --source-bits $_: not two lengths of prefixes, as 32/64\n$usage"] }
        '', '32', '0/64', '33/64', '32/129', '32/64/1'),
    ['rule: no network', ['--allow', '192.0.2.1/24'], 64, '',
        "whoisd: --allow 192.0.2.1/24: not a valid network\n$usage"],
    ['rule: no user', ['--deny', 'uid nosuch'], 64, '',
        "whoisd: --deny uid nosuch: no such user\n$usage"],
    ['rule: too long', ['--exempt', 'x' x 300], 64, '',
        'whoisd: --exempt ' . 'x' x 300 . ": longer than the limit\n$usage"],
    ['rules: no file', ['--access', "$dir/none"], 64, '',
        "whoisd: --access $dir/none: No such file or directory\n$usage"],
    ['status: no address', ['--status', 'unix:x', '--workers', 1], 64, '',
        "whoisd: --status unix:x: not a valid address\n$usage"],
    ['status: of no workers', ['--status', "unix:$dir/x"], 64, '',
        "whoisd: --status: not with --workers 0\n$usage"],
    ['workers: of nothing', ['--stdio', '--workers', 2], 64, '',
        "whoisd: --stdio and --workers exclude each other\n$usage"],
    ['all of the policy', ['-t', '--directory', $good, '--workers', 32, '--status', "unix:$dir/st",
            '--allow', 'all', '--deny', '192.0.2.0/24', '--exempt', 'uid root', '--proxy', '::1',
            '--max-clients', 1000, '--max-per-source', 5, '--rate', '100/0.5', '--source-rate', 3,
            '--source-bits', '24/48', '--refused-text', '%', '--full-text', '%',
            '--first-seconds', 1, '--total-seconds', 60, '--stop-seconds', 9], 0, '', ''],
    ['value missing', ['--listen'], 64, '',
        "whoisd: option '--listen' requires an argument\n$usage"],
    ['argument', ['cisco'], 64, '', "whoisd: unexpected argument 'cisco'\n$usage"],
    ['address: no such service', ['--listen', '127.0.0.1:nosuch'], 64, '',
        "whoisd: --listen 127.0.0.1:nosuch: unknown service\n$usage"],
    ['address: port too high', ['--listen', '65536'], 64, '',
        "whoisd: --listen 65536: unknown service\n$usage"],
    ['address: octal', ['--listen', '010.0.0.1:43'], 64, '',
        "whoisd: --listen 010.0.0.1:43: not a valid address\n$usage"],
    (map { ["address: $_", ['--listen', $_], 64, '',
            "whoisd: --listen $_: datagrams, which this is not spoken over\n$usage"] }
        'udp:4343', "unix-dgram:$dir/s"),
    ['address: too many', [map { ('--listen', $_) } 1 .. 9], 64, '',
        "whoisd: --listen 9: too many addresses (8 at most)\n$usage"],
    ['log: a word', ['--log', 'file'], 64, '',
        "whoisd: --log file: neither syslog, nor stderr, nor a path\n$usage"],
    ['log: nothing', ['--log', ''], 64, '',
        "whoisd: --log : neither syslog, nor stderr, nor a path\n$usage"],
    ['pid file: nothing', ['--pidfile', ''], 64, '',
        "whoisd: --pidfile : not a path\n$usage"],
    ['pid file: of no daemon', ['--stdio', '--pidfile', "$dir/pid"], 64, '',
        "whoisd: --stdio and --pidfile exclude each other\n$usage"],
    (map { ["sandbox: $_", ['--sandbox', $_], 64, '',
            "whoisd: --sandbox $_: neither off, nor try, nor require\n$usage"] } '', 'yes', 'Try'),
    (map { [$_->[0], ['--user', $_->[1], '--listen', '127.0.0.1:0', '--directory', $good], 67, '',
            "whoisd: $_->[2]\n"] }
        ['user: of no such name',  'nosuch',        'user nosuch: no such user'],
        ['user: nothing',          '',              'user: no such user'],
        ['user: of no such group', 'nobody:nosuch', 'group nosuch: no such group']),
    (map { ["seconds: $_", ['--query-seconds', $_], 64, '',
            "whoisd: --query-seconds $_: not a number of seconds up to 86400\n$usage"] }
            '', '0', '-1', '1x', ' 1', 'inf', 'nan', '0x10', '1e3', '86401', '1.2.3'),
    ['seconds: of the answer', ['--answer-seconds', 'ten'], 64, '',
        "whoisd: --answer-seconds ten: not a number of seconds up to 86400\n$usage"],
    ['two ways to serve', ['--stdio', '--listen', '127.0.0.1:0'], 64, '',
        "whoisd: --stdio and --listen exclude each other\n$usage"],
    ['directory: unknown kind', ['-t', '--directory', 'ldap://127.0.0.1/'], 64, '',
        "whoisd: --directory ldap://127.0.0.1/: not a directory URI (sqlite:PATH)\n"],
    ['directory: no path', ['-t', '--directory', 'sqlite:'], 64, '',
        "whoisd: --directory sqlite:: not a directory URI (sqlite:PATH)\n"],
    ['directory: missing', ['-t', '--directory', "sqlite:$dir/none"], 66, '',
        "whoisd: directory sqlite:$dir/none: No such file or directory\n"],
    ['port in use (B28)', ['--listen', "127.0.0.1:$port", '--directory', $good], 69, '',
        "whoisd: listen 127.0.0.1:$port: Address already in use\n"],
    ['the second port in use',
        ['--listen', '127.0.0.1:0', '--listen', "127.0.0.1:$port", '--directory', $good], 69, '',
        "whoisd: listen 127.0.0.1:$port: Address already in use\n"],
    ['an address of another machine', ['--listen', '192.0.2.1:0', '--directory', $good], 69, '',
        "whoisd: listen 192.0.2.1:0: Cannot assign requested address\n"],
    ['log in no folder', ['--log', "$dir/none/log", '--directory', $good], 73, '',
        "whoisd: log $dir/none/log: No such file or directory\n"],
);
#>>>

for my $row (@table) {
    my ($name, $args, @expected) = @$row;

    is_deeply [NetIO::Test::Daemon->run(args => $args)], \@expected, $name;
}

{
    my ($exit, $out, $err) = NetIO::Test::Daemon->run(args => ['--help']);

    is "$exit$err",                    '0',    '--help ends well';
    is substr($out, 0, length $usage), $usage, '--help begins with the usage';
    for my $option (
        qw(--config --listen --directory --log --pidfile --user --sandbox --workers --status --access
        --allow --deny --exempt --proxy --max-clients --max-per-source --rate --source-rate
        --source-bits --refused-text --full-text --first-seconds --query-seconds --answer-seconds
        --total-seconds --stop-seconds --stdio --foreground --test --version --help)
        )
    {
        like $out, qr/^  .*\Q$option\E\b/m, "--help has $option";
    }
    is_deeply [grep { length > 79 } grep { !/^usage/ } split /\n/, $out], [],
        '--help fits 79 columns';
    is_deeply [NetIO::Test::Daemon->run(args => ['-h'])], [$exit, $out, $err], '-h is the same';
}

SKIP: {
    open my $full, '>', '/dev/full' or skip 'no /dev/full', 1;
    is_deeply [NetIO::Test::Daemon->run(args => ['-V'], stdout => $full)],
        [74, '', "whoisd: standard output: No space left on device\n"],
        'a version that cannot be printed is an error';
}

{
    my ($exit, $out, $err) = NetIO::Test::Daemon->run(
        args => ['--log', "$dir/log", '--listen', "127.0.0.1:$port", '--directory', $good]);

    is $err, "whoisd: listen 127.0.0.1:$port: Address already in use\n", 'said on stderr';
    like NetIO::Test::Daemon::slurp("$dir/log"),
        qr/^\S+ whoisd\[\d+\]: listen 127\.0\.0\.1:$port: Address already in use\n\z/,
        'and in the log';
    is((stat "$dir/log")[2] & 0777, 0640, 'the log is for owner and group (C12)');
}

{
    my ($exit, $out, $err) =
        NetIO::Test::Daemon->run(args => ['-t', '--directory', "sqlite:$dir/a\n\e[2Jb"]);

    is $err, "whoisd: directory sqlite:$dir/a\\x0a\\x1b[2Jb: No such file or directory\n",
        'a path is no way to the terminal (D4)';
}

done_testing;
