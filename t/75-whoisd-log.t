# whoisd: the log has one line for each transaction, and nothing a client sends can change that.

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);

alarm 300;

my $dir = File::Temp->newdir;
my $db  = build_directory(
    "$dir/a.db",
    [
        (map { { handle => "C$_", name => "Cisco no. $_" } } 1 .. 13),
        map { { handle => "M$_", name => "Many $_" } } 1 .. 300
    ]
);
my $d    = NetIO::Test::Daemon->whoisd($db);
my $peer = qr/127\.0\.0\.1:\d+/;
my $ms   = qr/\d+\.\d{3} ms/;

# Octets of a query, and the rest of its line in the log.
#<<< the table as it is
my @table = (
    ['cisco*',              qr/"cisco\*" 13 matches $ms/],
    ['!C1',                 qr/"!C1" 1 matches $ms/],
    ['nobody',              qr/"nobody" 0 matches $ms/],
    ['m*',                  qr/"m\*" more than 250 matches $ms/],
    ['help',                qr/"help" help $ms/],
    ['',                    qr/"" no word $ms/],
    ['!',                   qr/"!" no handle $ms/],
    [join(' ', 'a' .. 'z'), qr/"a b c [a-z ]+ z" too many words $ms/],
    ['x' x 1025,            qr/- query too long $ms/],
    ['x' x 1024,            qr/"x{900}"\.\.\. 0 matches $ms/],
    ["\xff" x 1024,         qr/"(?:\\xff){900}"\.\.\. 0 matches $ms/],
    # D2, D3, D4.
    ['%n%s%d',              qr/"%n%s%d" 0 matches $ms/],
    ["a\rb",                qr/"a\\x0db" 0 matches $ms/],
    ["a\0b",                qr/"a\\x00b" 0 matches $ms/],
    ["\e[2J\e]52;c;x\a",    qr/"\\x1b\[2J\\x1b\]52;c;x\\x07" 0 matches $ms/],
    ["\x80\x9b\x7f",        qr/"\\x80\\x9b\\x7f" no word $ms/],
    ["\xe2\x80\xa8x",       qr/"\\xe2\\x80\\xa8x" 0 matches $ms/],
    ['" 0 matches',         qr/"\\" 0 matches" 0 matches $ms/],
    ['\\',                  qr/"\\\\" no word $ms/],
    [join('', map { chr } 1 .. 9, 11 .. 255), qr/"[\x20-\x7e]+" 0 matches $ms/],
);
#>>>

for my $row (@table) {
    my ($query, $line) = @$row;
    (my $name = substr $query, 0, 40) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;

    $d->ask("$query\r\n");
    ok $d->wait_log(qr/\Awhoisd: $peer $line\n/), "one line: $name";
}
is_deeply [grep { /[^\x20-\x7e]/ } split /\n/, $d->log_text], [],
    'all of the log is ASCII (D3, D4)';

{
    my $before = () = $d->log_text =~ /\n/g;
    $d->ask("cisco\r\nmany\r\nwhoisd: 192.0.2.1:1 \"forged\" 1 matches\r\n");
    ok $d->wait_log(qr/\Awhoisd: $peer "cisco" 13 matches $ms\n/), 'the first line is the query';
    my $after = () = $d->log_text =~ /\n/g;
    is $after, $before + 1, 'the lines behind it are nothing (D3)';
}
{
    my $client = $d->connect;
    my $port   = $client->sockport;
    print {$client} "cisco\r\n";
    $d->read_all($client);
    close $client;
    ok $d->wait_log(qr/\Awhoisd: 127\.0\.0\.1:$port "cisco" 13 matches $ms\n/),
        'with the port of the client';
}

# Clients who ask nothing.
close $d->connect;
ok $d->wait_log(qr/\Awhoisd: $peer - no query\n/), 'a client that asks nothing';
{
    my $client = $d->connect;
    syswrite $client, 'half a qu';
    setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0;
    close $client;
    ok $d->wait_log(qr/\Awhoisd: $peer - reset\n/), 'a client that breaks off';
}
$d->finish;

{
    my $hurry  = NetIO::Test::Daemon->whoisd($db, '--query-seconds', 2);
    my $client = $hurry->connect;
    syswrite $client, 'half a qu';
    ok $hurry->wait_log(qr/\Awhoisd: $peer - no query in time\n/), 'a client that does not finish';
    is $hurry->read_all($client), '', 'hears nothing';
    $hurry->finish;
}

# Logs that are no pipe to here.  A socket that listens already needs no waiting: clients queue.
sub log_to {
    my ($log) = @_;
    my $socket = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', LocalPort => 0);

    my $file = NetIO::Test::Daemon->start(
        args  => ['--directory', "sqlite:$db", '--log', $log],
        stdin => $socket
    );
    return ($file, $socket->sockport);
}

{
    my $log = "$dir/log";
    my ($file, $port) = log_to($log);

    like $file->ask("cisco\r\n", port => $port), qr/\AThere were 13 matches/, 'it serves';
    rename $log, "$log.1";
    $file->kill('USR1');
    $file->ask("many\r\n", port => $port);
    $file->kill('TERM');
    is $file->wait_end, 0, 'it ends';
    my ($old, $new) = map { NetIO::Test::Daemon::slurp($_) } "$log.1", $log;
    my $head = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d{4} whoisd\[@{[ $file->pid ]}\]: /;

    like $old,
        qr/\A${head}sandbox: [a-z, ]+\n${head}listening on \S+:$port, 313 entries\n${head}$peer "cisco" 13 matches $ms\n/,
        'lines in a file have a date';
    like $new, qr/^${head}$peer "many" more than 250 matches $ms\n\z/m, 'USR1 opens the file again';
    $file->finish;
}
{
    my $log = "$dir/sub/log";
    mkdir "$dir/sub";
    my ($file, $port) = log_to($log);

    $file->ask("cisco\r\n", port => $port);
    rename "$dir/sub", "$dir/gone";
    $file->kill('USR1');
    $file->ask("many\r\n", port => $port);
    $file->kill('TERM');
    is $file->wait_end, 0, 'it ends';
    like NetIO::Test::Daemon::slurp("$dir/gone/log"),
        qr/log \Q$log\E: No such file or directory; the one before stays in use\n.*"many"/s,
        'a log that cannot be opened again goes on';
    $file->finish;
}

SKIP: {
    -e '/dev/full' or skip 'no /dev/full', 2;
    my ($full, $port) = log_to('/dev/full');

    like $full->ask("cisco\r\n", port => $port), qr/\AThere were 13 matches/,
        'a full log keeps nobody from his answer (D25)';
    $full->finish;
}

done_testing;
