package part::connect;

# What opening a connection costs the program: tcpopen against what else Perl has, to a server on
# the loopback, by its number and by name, with a timeout and without; and a thousand at once, by
# the form that does not block, against the least that can be.  Instructions are callgrind's, which
# counts the same each time, so there is one round of them.  Loading cancels out: of two runs that
# differ by a number of connections only, the difference counts.
#
# Whoever closes first keeps the port for a while, and there are some 28,000 of them to each server,
# of which half are cheap to find: so each turn has a server of its own, and is 10,000 connections.

use strict;
use warnings;

use NetIO::Bench::Process qw(run);
use NetIO::Bench::Tree;

use constant {
    MOST_COST => 1.5,       # times the instructions of raw Socket
    TURN      => 10_000,    # connections of a side, before the next one has its turn
    AT_ONCE   => 1000,
    ROUNDS    => 9,
};

my @valgrind = qw(valgrind --tool=callgrind --callgrind-out-file=/dev/null);

# $host, $port, $times and $timeout (0: none) are there; each drops what it has opened.
my @sides = ('tcpopen', 'raw Socket', 'IO::Socket::INET', 'IO::Socket::IP', 'AnyEvent::Socket');
my %needed_for  = ('AnyEvent::Socket' => [['AnyEvent', 'libanyevent-perl'], ['EV', 'libev-perl']]);
my %program_for = (
    'tcpopen' => [
        'NetIO',
        'my @in = $timeout ? (timeout => $timeout) : ();'
            . ' tcpopen($host, $port, @in) for 1 .. $times'
    ],
    'raw Socket' => [
        'Socket',
        'for (1 .. $times) { socket(my $fh, PF_INET, SOCK_STREAM, 0);'
            . ' connect($fh, pack_sockaddr_in($port, inet_aton($host))) or die }'
    ],
    'AnyEvent::Socket' => [
        'AnyEvent::Socket',
        'for (1 .. $times) { my $there = AE::cv;'
            . ' tcp_connect $host, $port, sub { $there->send($_[0]) }, sub { $timeout };'
            . ' $there->recv or die }'
    ],
    (
        map {
            $_ => [
                $_,
                'my @in = $timeout ? (Timeout => $timeout) : (); for (1 .. $times) {'
                    . " $_->new(PeerHost => \$host, PeerPort => \$port, \@in) or die }"
            ]
        } 'IO::Socket::INET',
        'IO::Socket::IP'
    ),
);
# What is put around it: microseconds on the clock, of CPU, and of CPU for the program itself, of
# which the system knows hundredths of a second.
my @clock = (
    'use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC CLOCK_PROCESS_CPUTIME_ID);'
        . ' sub now { return (clock_gettime(CLOCK_MONOTONIC),'
        . ' clock_gettime(CLOCK_PROCESS_CPUTIME_ID), (times)[0]) } my @began = now();',
    'my @ended = now(); printf "%.0f %.0f %.0f\n", map { 1e6 * ($ended[$_] - $began[$_]) } 0 .. 2',
);

sub measure {
    my ($class, $bench) = @_;

    $bench->heading('connect: what opening a connection costs the program');
    my $self = bless {
        bench => $bench,
        lib   => NetIO::Bench::Tree->installed($bench)->lib,
        sides => [grep { $bench->have(@{ $needed_for{$_} || [] }) } @sides],
    }, $class;

    $self->_instructions if $bench->have(['valgrind', 'valgrind']);
    $self->_one_by_one;
    $self->_at_once;
    return;
}

# Perl that does so many connects; before and behind them, other code.  PORT stands for that of a
# server.
sub _command {
    my ($self, $side, $host, $timeout, $times, $before, $behind) = @_;
    my ($module, $program) = @{ $program_for{$side} };

    return ($^X, "-I$self->{lib}", "-M$module", '-e',
        "my (\$host, \$port, \$timeout, \$times) = \@ARGV; $before; $program; $behind",
        $host, 'PORT', $timeout, $times);
}

# A new server, and the command with its port.
sub _with_server {
    my ($self, @command) = @_;
    my $server = NetIO::Bench::Process->serve($self->{bench}->folder, 'bench/build/responder');

    return ($server, map { $_ eq 'PORT' ? $server->port : $_ } @command);
}

# A turn of so many connects: microseconds that each took, as the command says.
sub _turn {
    my ($self, $times, @words) = @_;
    my ($server, @command) = $self->_with_server(@words);
    my %took;

    open my $output, '-|', @command or die "$command[0]: $!\n";
    @took{qw(elapsed cpu user)} = map { $_ / $times } split ' ', <$output> // '';
    close $output or die "@command: it failed\n";
    return %took;
}

sub _instructions {
    my ($self) = @_;
    my $bench = $self->{bench};
    my ($few, $many) = @{ $bench->pick([200, 1200], [10, 30]) };
    my $series = $bench->rounds(
        1,
        map {
            my $side = $_;
            $side => sub {
                my ($less, $more) = map { $self->_counted($side, $_) } $few, $many;
                return (instructions => ($more - $less) / ($many - $few));
            }
        } @{ $self->{sides} }
    );

    $bench->heading("connect: instructions to 127.0.0.1 with a timeout, $many connects less $few");
    $bench->compare($series, 'instructions', 'instructions a connect', most => MOST_COST);
    return;
}

sub _counted {
    my ($self, $side, $times) = @_;
    my $said = $self->{bench}->folder . '/callgrind';
    my ($server, @command) =
        $self->_with_server($self->_command($side, '127.0.0.1', 5, $times, '', ''));

    # Hashes that are shuffled otherwise at each start would count differently.
    local $ENV{PERL_HASH_SEED} = 0;
    run(@valgrind, "--log-file=$said", @command);
    open my $file, '<', $said or die "$said: $!\n";
    my ($count) = join('', <$file>) =~ /Collected : (\d+)/ or die "$said: no count\n";
    return $count;
}

sub _one_by_one {
    my ($self) = @_;
    my $bench  = $self->{bench};
    my $times  = $bench->pick(TURN, 20);

    $bench->heading('connect: one by one; at localhost there is a server on 127.0.0.1 alone, and'
            . ' who knows IPv6 tries ::1 first');
    for (map { [$_, 0], [$_, 5] } '127.0.0.1', 'localhost') {
        my ($host, $timeout) = @$_;
        my $series = $bench->rounds(
            $bench->pick(ROUNDS, 1),
            map {
                my @command = $self->_command($_, $host, $timeout, $times, @clock);
                $_ => sub { $self->_turn($times, @command) }
            } @{ $self->{sides} }
        );
        my $name = $host . ($timeout ? ', timeout' : '');
        $bench->compare($series, 'elapsed', "$name: us");
        $bench->compare($series, 'cpu',     "$name: CPU, us");
        $bench->compare($series, 'user',    "$name: user CPU, us");
    }
    return;
}

sub _at_once {
    my ($self) = @_;
    my $bench  = $self->{bench};
    my $again  = $bench->pick(TURN / AT_ONCE, 1);
    my @turns  = (
        'netio_tcpopen_start' => ['bench/build/opener'],
        'bare epoll'          => ['bench/build/connector'],
        'AnyEvent::Socket'    => [$^X, 'bench/peer/connector.pl'],
    );

    splice @turns, 4 if !grep { $_ eq 'AnyEvent::Socket' } @{ $self->{sides} };
    for (grep { ref } @turns) {
        my @command = (@$_, 'PORT', AT_ONCE, $again);
        $_ = sub { $self->_turn(AT_ONCE * $again, @command) };
    }
    my $series = $bench->rounds($bench->pick(ROUNDS, 1), @turns);
    $bench->heading('connect: ' . AT_ONCE . ' at once, by the form that does not block');
    $bench->compare($series, 'elapsed', 'at once: us a connect');
    $bench->compare($series, 'cpu',     'at once: CPU a connect, us');
    return;
}

1;
