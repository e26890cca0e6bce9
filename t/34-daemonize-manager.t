# Under a service manager there is no fork: READY, RELOADING, STOPPING, STATUS, the watchdog, sockets
# passed; and a manager's socket that is absent, abstract, too long, gone or full.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use IO::Socket::INET;
use NetIO::Test::Daemonize;
use NetIO::Test::Manager qw(passing);
use Socket               qw(AF_UNIX SOCK_DGRAM pack_sockaddr_un);
use Test::More;

alarm 300;

my $folder = File::Temp->newdir;
my $class  = 'NetIO::Test::Daemonize';
-x $class->driver or BAIL_OUT('csrc/build/t/drive-daemonize is not there: run make first');
delete @ENV{qw(NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID LISTEN_FDS LISTEN_PID LISTEN_FDNAMES)};

sub start {
    my ($env, @args) = @_;

    return $class->start(args => \@args, before => sub { @ENV{ keys %$env } = values %$env });
}

for my $name ("$folder/notify", "\@netio-test-$$") {
    my $manager = NetIO::Test::Manager->new($name);
    my $d       = start(
        { NOTIFY_SOCKET => $name, WATCHDOG_USEC => 1e6 },
        'tell:9',    'ready', 'status:3 clients',
        'reloading', 'take',  'wait:8', 'free', 'exit:5'
    );
    my ($pid) = $d->told;

    is($pid,           $d->pid,            "$name: no fork");
    is($manager->hear, 'READY=1',          'READY');
    is($manager->hear, 'STATUS=3 clients', 'STATUS');
    like($manager->hear, qr/\ARELOADING=1\nMONOTONIC_USEC=\d+\z/, 'RELOADING, and when');
    $d->go;
    is($manager->hear, 'STOPPING=1', 'STOPPING');
    my ($status, $said) = $d->starter;
    is($status, 5,               'it exits as it likes');
    is($said,   "0 gone gone\n", 'and what it starts is not told of the manager');
    $d->gone;
}

subtest 'a manager that is not there' => sub {
    my @rows = (
        ["$folder/none",    0,  "drive: notify ready: No such file or directory\n"],
        ["\@netio-none-$$", 0,  "drive: notify ready: Connection refused\n"],
        ["$folder/notify",  0,  "drive: notify ready: Connection refused\n"],
        ['run/notify',      99, "drive: notify run/notify: not a valid address\n"],
        ['/' . 'x' x 108,   99, qr/^drive: notify .*: not a valid address\n/],
        ['@' . 'x' x 108,   99, qr/^drive: notify .*: not a valid address\n/],
    );

    for (@rows) {
        my ($name, $status, $said) = @$_;
        my $d   = start({ NOTIFY_SOCKET => $name }, 'ready', 'tell:9');
        my @end = $d->starter;
        is($end[0], $status,
            substr($name, 0, 40) . ($status ? ': refused' : ': no reason to fail'));
        ref $said ? like($end[1], $said, 'but it is said') : is($end[1], $said, 'but it is said');
        is(($d->told)[1], $status ? undef : 0, 'and it is as ready as can be');
        $d->gone;
    }
};

subtest 'a manager that does not read' => sub {
    my $manager = NetIO::Test::Manager->new("$folder/full");
    socket(my $filler, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!\n";
    $filler->blocking(0);
    1 while defined send $filler, 'STATUS=x', 0, pack_sockaddr_un("$folder/full");
    my $d = start({ NOTIFY_SOCKET => "$folder/full" }, 'ready', 'tell:9', 'status:x', 'tell:9');
    my ($status, $said) = $d->starter;

    is($status, 0,                                                         'does not hold it up');
    is($said,   "drive: notify ready: Resource temporarily unavailable\n", 'but it is said');
    is(($d->told)[1], 0,                                                   'it is ready');
    is(($d->told)[1], 'EAGAIN',                                            'a status is lost');
    $d->gone;
};

subtest 'a watchdog' => sub {
    my $manager = NetIO::Test::Manager->new("$folder/watch");
    my $d =
        start({ NOTIFY_SOCKET => "$folder/watch", WATCHDOG_USEC => 20_000 }, 'ready', 'watchdog');

    is($manager->hear, 'READY=1',    'READY');
    is($manager->hear, 'WATCHDOG=1', "sign of life $_") for 1 .. 3;
    kill 'TERM', $d->pid;
    is(($d->starter)[0], 'signal 15', 'a loop without end has one');
    $d->gone;
};

# Sockets at 3 and 4, and what must not be at 5.
my @sockets = map { IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') } 1 .. 3;

sub passing_two {
    my (%variable) = @_;

    return passing(\@sockets, LISTEN_FDS => 2, LISTEN_FDNAMES => 'http:https', %variable);
}

subtest 'sockets of a manager' => sub {
    my $d = $class->start(
        args   => ['take', 'tell:9', 'ready', 'wait:8'],
        before => passing_two()
    );
    my ($pid, $code) = $d->told;

    is($pid,  $d->pid, 'no fork');
    is($code, 0,       'they are taken');
    my %fds = map { m{/(\d+)$} ? ($1 => readlink) : () } glob "/proc/$pid/fd/*";
    like($fds{$_}, qr/^socket:/, "$_ is there") for 3, 4;
    unlike($fds{5} // '', qr/^socket:/, '5 is not');
    $d->go;
    my ($status, $said) = $d->starter;
    is($status, 0,                          'the end');
    is($said,   "2 http https gone gone\n", 'with their names, and nothing of it for children');
    $d->gone;

    $d = $class->start(
        args   => ['take', 'tell:9', 'ready'],
        before => passing_two(LISTEN_PID => 1)
    );
    ($pid) = $d->told;
    isnt($pid, $d->pid, 'sockets for another process: a daemon as any other');
    is(($d->starter)[1], "0 gone gone\n", 'that has none');
    $d->gone;

    $d = $class->start(
        args   => ['take'],
        before => passing_two(LISTEN_FDS => 'two')
    );
    is(
        ($d->starter)[1],
        "drive: option LISTEN_FDS: not a valid option\n0 gone gone\n",
        'C24: no number'
    );
    $d->gone;
};

done_testing;
