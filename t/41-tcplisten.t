# tcplisten: listening handles, and accept within a time; B28: an error says which address and why.

use strict;
use warnings;

use lib 't/lib';

use Errno qw(EACCES EADDRINUSE EADDRNOTAVAIL EINVAL ETIMEDOUT);
use Fcntl qw(F_GETFD FD_CLOEXEC);
use NetIO qw(:all);
use NetIO::Test::Process;
use POSIX ();
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 300;

my $here = '127.0.0.1';

# What it throws, and $!.
sub thrown {
    my (@arguments) = @_;
    my $listener = eval { tcplisten(@arguments) };

    return $listener ? 'nothing' : $@;
}

subtest 'it listens' => sub {
    local $! = 42;
    my $listener = tcplisten("$here:0");
    is $! + 0, 42, '$! is left alone';
    isa_ok $listener, 'NetIO::Socket';
    isa_ok $listener, 'IO::Socket';
    is $listener->sockhost, $here, 'its address';
    my $port = $listener->sockport;
    cmp_ok $port, '>', 0, 'and port';
    ok fcntl($listener, F_GETFD, 0) & FD_CLOEXEC, 'close-on-exec';
    my $fh = tcpopen($here, $port, timeout => 30);
    print {$fh} "question\n";
    my $client = $listener->accept;
    isa_ok $client, 'NetIO::Socket';
    is $client->peerport, $fh->sockport, 'the client';
    is <$client>,         "question\n",  'reads';
    print {$client} "answer\n";
    is <$fh>, "answer\n", 'and writes';
    my ($other, $peer);
    my $second = tcpopen($here, $port, timeout => 30);
    ($other, $peer) = $listener->accept;
    is $peer, $second->sockname, 'in a list also who it is';
    close $listener;
    like eval { tcpopen($here, $port, timeout => 30); 'opened' } || $@, qr/refused/, 'closed';
    is join(' ', map { ref } tcplisten("tcp:$here:0", backlog => 5)), 'NetIO::Socket',
        'one in a list';
};

subtest 'every address' => sub {
    my @listeners = tcplisten('0');
    plan skip_all => 'needs IPv6 and IPv4' if @listeners != 2;
    my $port = $listeners[0]->sockport;
    is join(' ', map { $_->sockhost } @listeners), ':: 0.0.0.0', 'two sockets';
    is $listeners[1]->sockport,                    $port,        'with the same port';
    for my $pair (['::1', $listeners[0]], [$here, $listeners[1]]) {
        my $fh     = tcpopen($pair->[0], $port, timeout => 30);
        my $client = $pair->[1]->accept;
        is $client->peerhost, $pair->[0], "R25 $pair->[0] comes as what it is";
    }
    @listeners = ();
    my $before = fds();
    like thrown("*:$port"), qr/^tcplisten \*:$port: two sockets, of IPv6 and IPv4: /,
        'in scalar context that is an error';
    is fds(),                                    $before, '... which leaves nothing';
    is scalar(my @again = tcplisten("*:$port")), 2,       '... nor takes the port';
};

subtest 'accept in time' => sub {
    my $listener = tcplisten("$here:0", timeout => 0.05);
    is $listener->accept,  undef,     'nobody comes';
    is $! + 0,             ETIMEDOUT, 'says so';
    is $listener->timeout, 0.05,      'the time is the handle\'s';
    my $fh     = tcpopen($here, $listener->sockport, timeout => 30);
    my $client = $listener->accept;
    is $client->timeout,  0.05,  'and that of who comes';
    is $client->deadline, undef, 'without a deadline';

    $listener = tcplisten("$here:0", deadline => 0.05);
    is $listener->accept, undef,     'all of it has a deadline';
    is $! + 0,            ETIMEDOUT, 'says so';
    $listener->deadline(undef);
    my $rang = 0;
    {
        local $SIG{ALRM} = sub {
            $rang++;
            $fh = tcpopen($here, $listener->sockport, timeout => 30);
        };
        setitimer(ITIMER_REAL, 0.05);
        ok $listener->accept, 'F3 a signal handler runs, and accept goes on';
    }
    is $rang, 1, 'once';
    local $SIG{ALRM} = sub { die "enough\n" };
    is eval { setitimer(ITIMER_REAL, 0.05); $listener->accept; 'accepted' } || $@, "enough\n",
        'F3 one that dies ends it';
    alarm 300;
};

subtest 'B28: it cannot' => sub {
    my $listener = tcplisten("$here:0");
    my $address  = "$here:" . $listener->sockport;
    my $line     = __LINE__ + 1;
    my $error    = eval { tcplisten($address); 0 } || $@;

    is "$error", "tcplisten $address: bind $address: Address already in use at $0 line $line.\n",
        'in use';
    is $! + 0,          EADDRINUSE, '$!';
    is $error->errno,   EADDRINUSE, 'errno';
    is $error->stage,   'bind',     'stage';
    is $error->address, $address,   'address';
    is $error->host,    $address,   'host';
    like thrown('192.0.2.1:0'), qr/^tcplisten 192.0.2.1:0: bind 192.0.2.1:0: Cannot assign /,
        'not an address of this machine';
    is $! + 0, EADDRNOTAVAIL, '$!';
    like thrown('nosuchservice'), qr/^tcplisten nosuchservice: unknown service at /, 'no service';
};

subtest 'B28: a reserved port' => sub {
    open my $start, '<', '/proc/sys/net/ipv4/ip_unprivileged_port_start'
        or plan skip_all => 'the kernel does not say which ports are reserved';
    plan skip_all => 'every port may be bound here' if readline($start) <= 7;
    my $pid = open(my $said, '-|') // die "fork: $!\n";
    if (!$pid) {
        POSIX::setuid(65534) if $> == 0;
        print thrown("$here:7");
        close STDOUT;
        POSIX::_exit($! == EACCES ? 0 : 1);
    }
    like join('', <$said>), qr/^tcplisten $here:7: bind $here:7: Permission denied at /, 'says so';
    close $said;
};

my @wrong = (
    [[''],                           'tcplisten: no address given'],
    [[undef],                        'tcplisten: no address given'],
    [['127.1:43'],                   'tcplisten 127.1:43: not a valid address'],
    [["$here:43\0"],                 "tcplisten $here:43\\x00: not a valid address"],
    [["$here:43\n"],                 "tcplisten $here:43\\x0a: unknown service"],
    [['localhost:43'],               'tcplisten localhost:43: not a valid address'],
    [['unix:/tmp/x'],                'tcplisten unix:/tmp/x: not an address of TCP'],
    [['unix-dgram:/tmp/x'],          'tcplisten unix-dgram:/tmp/x: not an address of TCP'],
    [['udp:43'],                     'tcplisten udp:43: not an address of TCP'],
    [["$here:0", 'timeout'],         'tcplisten: an option has no value'],
    [["$here:0", family => 'inet'],  q{tcplisten: unknown option 'family'}],
    [["$here:0", fatal => 1],        q{tcplisten: unknown option 'fatal'}],
    [["$here:0", timeout => 'soon'], q{tcplisten: timeout: 'soon' is not a number of seconds}],
    [["$here:0", deadline => -1],    q{tcplisten: deadline: '-1' is not a number of seconds}],
    map {
        [
            ["$here:0", backlog => $_],
            "tcplisten: backlog: '$_' is not a length of a queue, 1 to 65535"
        ]
    } 0,
    -1, 65536, 'long', '1e9', 'NaN',
);

subtest 'wrong arguments' => sub {
    my $before = fds();
    for my $row (@wrong) {
        my ($arguments, $want) = @$row;
        my $text = thrown(@$arguments);
        like $text, qr/^\Q$want\E at \Q$0\E line \d+\.$/, $want;
        is $! + 0, EINVAL, 'EINVAL' if $want !~ /unknown service/;
    }
    is fds(), $before, 'no descriptor is left';
};

subtest 'F13: strange arguments' => sub {
    my $text = "$here:0";
    {

        package Tied;
        sub TIESCALAR { my ($class, $value) = @_; return bless \$value, $class }
        sub FETCH     { return ${ $_[0] } }

        package Overloaded;
        use overload '""' => sub { "127.0.0.1:0" }, fallback => 1;
    }
    tie my $tied, 'Tied', $text;
    is ref tcplisten($tied),                                     'NetIO::Socket', 'tied';
    is ref tcplisten(bless [], 'Overloaded'),                    'NetIO::Socket', 'overloaded';
    is ref tcplisten($text, backlog => undef, timeout => undef), 'NetIO::Socket', 'undef';
    is $text,                                                    "$here:0",       'left alone';
};

subtest 'F9: no leaks' => sub {
    eval { require Test::LeakTrace; 1 } or plan skip_all => 'no Test::LeakTrace here';
    my $listener = tcplisten("$here:0");
    my $port     = $listener->sockport;
    my %case     = (
        'tcplisten' => sub { my $fh  = tcplisten("$here:0", timeout => 5, backlog => 3) },
        'in a list' => sub { my @all = tcplisten('0') },
        'accept'    => sub {
            my $fh     = tcpopen($here, $port, timeout => 30);
            my $client = $listener->accept;
        },
        'that fails' => sub {
            eval { tcplisten(@{ $_->[0] }) } for @wrong;
            eval { tcplisten("$here:$port") };
            eval { my $one = tcplisten('0') };
        },
    );
    for my $name (sort keys %case) {
        $case{$name}->() for 1 .. 3;
        Test::LeakTrace::no_leaks_ok($case{$name}, "F9 $name");
    }
};

done_testing;
