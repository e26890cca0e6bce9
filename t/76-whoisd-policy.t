# whoisd: who may ask, and how often; in one process, whose rules are read again at SIGHUP.

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);
use NetIO::Test::Run       qw(spew_whole);

alarm 300;

my $dir = File::Temp->newdir;
my $db  = build_directory("$dir/a.db", [{ handle => 'A1', name => 'One' }]);
my $ok  = qr/Full Name: One\r\n/;

chmod 0755, "$dir";

sub rules {
    my ($text) = @_;

    return spew_whole("$dir/rules", $text);
}

{
    my $d = NetIO::Test::Daemon->whoisd($db, '--deny', '127.0.0.1', '--refused-text', '% no');

    is $d->ask(''), "% no\r\n", 'refused, with a text';
    ok $d->wait_log(qr/^whoisd: 127\.0\.0\.1:\d+ - refused, access\n/m), 'and a line in the log';
    $d->ask("one\r\n") until $d->log_text =~ /- refused, access: the last of (\d+)\n/;
    cmp_ok $1, '>', 1, 'and then one a second, which says how many there were';
    $d->finish;
}
{
    my $d = NetIO::Test::Daemon->whoisd($db, '--max-per-source', 2, '--refused-text', '% no',
        '--query-seconds', 60);
    my @held = map { $d->connect } 1 .. 2;

    is $d->ask(''), "% no\r\n", 'two at once of one source';
    close shift @held;
    ok $d->wait_log(qr/- no query\n/), 'one goes';
    like $d->ask("one\r\n"), $ok, 'the next is served';
    @held = ();
    $d->finish;
}
{
    my $d    = NetIO::Test::Daemon->whoisd($db, '--max-clients', 1, '--full-text', '% later');
    my $held = $d->connect;

    syswrite $held, 'o';
    is $d->ask(''), "% later\r\n", 'a full house';
    close $held;
    $d->finish;
}
{
    my $d    = NetIO::Test::Daemon->whoisd($db, '--max-clients', 1, '--total-seconds', 6);
    my $held = $d->connect;

    syswrite $held, 'o';
    ok $d->wait_log(qr/- total\n/), 'who takes too long in all is cut';
    like $d->ask("one\r\n"), $ok, 'and there is a place';
    $d->finish;
}
{
    my $d = NetIO::Test::Daemon->whoisd($db, '--proxy', '127.0.0.1', '--deny', '192.0.2.66');

    like $d->ask("PROXY TCP4 192.0.2.1 192.0.2.2 1234 43\r\none\r\n"), $ok, 'behind a proxy';
    ok $d->wait_log(qr/^whoisd: 192\.0\.2\.1:1234 "one" 1 matches/m), 'the log has the source';
    is $d->ask("PROXY TCP4 192.0.2.66 192.0.2.2 1234 43\r\none\r\n"), undef, 'which is judged';
    is $d->ask("one\r\n"), undef, 'without a header there is no answer';
    $d->finish;
}

# D19: a client that inetd has accepted meets the same rules.
for my $case (['127.0.0.0/8', "% no\r\n", qr/- refused, access/], ['::1', $ok, qr/"one" 1 matches/])
{
    my $listener = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
        or die "listen: $!\n";
    my $client = IO::Socket::INET->new('127.0.0.1:' . $listener->sockport) or die "connect: $!\n";
    my $end    = $listener->accept;

    syswrite $client, "one\r\n";
    my ($exit) = NetIO::Test::Daemon->run(
        args => [
            '--directory',    "sqlite:$db", '--deny', $case->[0],
            '--refused-text', '% no',       '--log',  "$dir/log"
        ],
        stdin => $end
    );
    close $end;
    is $exit, 0, "D19: inetd, --deny $case->[0]";
    my $answer = do { local $/; <$client> };
    ref $case->[1] ? like $answer, $case->[1], 'the answer' : is $answer, $case->[1], 'the text';
    like NetIO::Test::Daemon::slurp("$dir/log"), $case->[2], 'the log';
    unlink "$dir/log";
}

# SIGHUP, as another user and in the sandbox.
{
    rules("allow 127.0.0.1\n");
    my $d = NetIO::Test::Daemon->whoisd($db, '--access', "$dir/rules", '--refused-text', '% no',
        $> == 0 ? ('--user', 'nobody') : ());

    like $d->ask("one\r\n"), $ok, 'the rules of a file';
    rules("deny all\n");
    $d->kill_taken('HUP');
    is $d->ask(''), "% no\r\n", 'HUP: other rules';
    rules("deny all\nalow all\n");
    $d->kill('HUP');
    ok $d->wait_log(
        qr{whoisd: --access $dir/rules: $dir/rules:2: alow: not a valid option; rules and limits stay as they were\n}
        ),
        'HUP: broken ones are named';
    is $d->ask(''), "% no\r\n", 'and change nothing';
    rules("allow all\n");
    $d->kill_taken('HUP');
    like $d->ask("one\r\n"), $ok, 'HUP: right again';
    $d->finish;
}

done_testing;
