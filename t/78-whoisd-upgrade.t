# whoisd upgraded (SIGUSR2) where it listens on what nobody has named: the sockets of a service
# manager, twice, and the default address.

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use POSIX ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);
use NetIO::Test::Netns;

needs_netns(300);

my $dir = File::Temp->newdir;
my $db  = build_directory("$dir/a.db", [{ handle => 'A1', name => 'One' }]);
my $ok  = qr/Full Name: One\r\n/;
my @run = ('--workers', 2, '--directory', "sqlite:$db", '--log', 'stderr');

# The next of its kind serves; its pid.
sub upgrade {
    my ($d, $pid) = @_;

    kill 'USR2', $pid;
    my $next = $d->wait_log(qr/upgrade: \S+ starts \(pid (\d+)\)/);
    ok $d->wait_log(qr/upgrade: the successor serves\n/), 'USR2: another takes over';
    return $next->[0];
}

{
    my $socket = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "socket: $!\n";
    my $d      = NetIO::Test::Daemon->start(
        args   => \@run,
        before => sub {
            POSIX::dup2(POSIX::dup(fileno $socket), 3) // die "dup2: $!\n";
            @ENV{qw(LISTEN_FDS LISTEN_PID)} = (1, $$);
        },
        ready   => qr/listening on 127\.0\.0\.1:(\d+), 2 workers\n/,
        workers => 2,
    );
    close $socket;
    like $d->ask("one\r\n"), $ok, 'a socket that was passed';
    my $pid = upgrade($d, $d->pid);
    like $d->ask("one\r\n"), $ok, 'USR2: is passed on';
    kill 'HUP', $pid;
    ok $d->wait_log(qr/configuration: read again/), 'HUP after that';
    like $d->ask("one\r\n"), $ok, 'leaves it where it is';
    $pid = upgrade($d, $pid);
    like $d->ask("one\r\n"), $ok, 'USR2: and on';
    is scalar(() = $d->log_text =~ /listening on (?!127)/g), 0, 'nobody listens anywhere else';
    kill 'TERM', $pid;
    is $d->wait_end, 0, 'and TERM ends it';
}

my $ns = NetIO::Test::Netns->new('whois');
$ns->ip('link set lo up');
$ns->enter;
{
    my $d = NetIO::Test::Daemon->start(
        args    => \@run,
        ready   => qr/listening on 0\.0\.0\.0:(\d+), 2 workers\n/,
        workers => 2,
    );
    is $d->port, 43, 'the default address';
    my $pid = upgrade($d, $d->pid);
    like $d->ask("one\r\n"), $ok, 'USR2: is the successor\'s';
    kill 'TERM', $pid;
    is $d->wait_end, 0, 'and TERM ends it';
}

done_testing;
