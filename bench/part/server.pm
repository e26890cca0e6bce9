package part::server;

# What a query costs a server, ours in C and in Perl, with rules and limits, against the least
# that a server can be, against event loops in C, and against what else serves in Perl: with a
# connection a query, and with connections that are kept open; from 64 and from 1,000 clients.
# Then what an idle connection costs in memory, and whether those that are idle slow down those that
# are not.

use strict;
use warnings;

use NetIO::Bench::Hold;
use NetIO::Bench::Load qw(load);
use NetIO::Bench::Process;

use constant {
    LINE         => 'cisco systems',
    ROUNDS       => 9,
    IDLE         => 10_000,
    MOST_IDLE    => 100_000,
    WORKERS      => 6,                 # for 100,000: a process may open 20,000 descriptors
    MOST_GROWTH  => 1.3,               # times the figure without idle connections
    BUSY_CLIENTS => 16,
};

# Of ours, against the bare loop, and bytes of an idle connection.
my %limit = (
    'NetIO in C'    => { once => 1.3, kept => 1.15, idle => 1024 },
    'NetIO::Server' => { once => 1.4, kept => 1.35, idle => 2048 },
);
my %mode = (
    once => { load => 'ask',  title => 'a connection a query', short => 'connect' },
    kept => { load => 'echo', title => 'kept open',            short => 'kept open' },
);

# Name, what it needs, the command but for its mode; slow: an eighth of the queries will do.
my @perl   = ($^X, 'bench/peer/responder.pl');
my $events = ['EV', 'libev-perl'];
my @sides  = (
    ['NetIO in C',    [],                                    ['bench/build/echo']],
    ['NetIO::Server', [],                                    [$^X, '-Mblib', 'bench/echo.pl']],
    ['libuv',         [['/usr/include/uv.h', 'libuv1-dev']], ['bench/build/responder-uv']],
    ['libev',         [['/usr/include/ev.h', 'libev-dev']],  ['bench/build/responder-ev']],
    ['EV, raw reads', [$events],                             [@perl, 'EV']],
    [
        'AnyEvent::Handle',
        [['AnyEvent::Handle', 'libanyevent-perl'], $events],
        [@perl,                                    'AnyEvent::Handle']
    ],
    ['Mojo::IOLoop', [['Mojo::IOLoop', 'libmojolicious-perl'], $events], [@perl, 'Mojo::IOLoop']],
    [
        'IO::Async', [['IO::Async::Loop::Epoll', 'libio-async-loop-epoll-perl']],
        [@perl, 'IO::Async']
    ],
    (
        map { [$_ =~ s/^Net::Server:://r, [['Net::Server', 'libnet-server-perl']], [@perl, $_]] }
        map { "Net::Server::$_" } qw(Multiplex PreFork Fork)
    ),
);
my %is_slow = map { $_ => 1 } 'IO::Async', 'Multiplex', 'PreFork', 'Fork';
my %is_c    = map { $_ => 1 } 'bare loop', 'libuv',     'libev';
# A process each; and one that looks through all of them at each answer.
my %has_no_idle = map { $_ => 1 } 'PreFork', 'Fork', 'Multiplex';

# Queries of a turn, some tenths of a second: of those that are quick, of those that are not.
my %count = (once => [10_000, 2000], kept => [100_000, 50_000]);

sub measure {
    my ($class, $bench) = @_;
    my %given;    # missing packages are named once
    my @there = grep { _is_there($bench, \%given, @{ $_->[1] }) } @sides;
    my $self  = bless { bench => $bench, sides => \@there }, $class;
    my $lines = $bench->folder . '/lines';

    open my $file, '>', $lines or die "$lines: $!\n";
    print {$file} LINE, "\n";
    close $file or die "$lines: $!\n";
    $self->{lines} = $lines;
    $self->_queries;
    $self->_idle;
    $self->_beside_idle($_) for 'NetIO in C', 'NetIO::Server';
    return;
}

sub _is_there {
    my ($bench, $given, @needs) = @_;

    return !grep { !($given->{ $_->[1] } //= $bench->have($_) ? 1 : 0) } @needs;
}

# The command of a side, in a mode.
sub _serve {
    my ($self, $side, @words) = @_;

    return NetIO::Bench::Process->serve($self->{bench}->folder, @{ $side->[2] }, @words);
}

# The bare loop has a fixed answer where it closes.
sub _serve_bare {
    my ($self, $mode) = @_;

    return NetIO::Bench::Process->serve($self->{bench}->folder,
        'bench/build/responder', $mode eq 'once' ? $self->{lines} : ());
}

sub _load {
    my ($self, $server, $mode, $clients, $count) = @_;

    return load(
        $server,
        mode    => $mode{$mode}{load},
        clients => $clients,
        count   => $count,
        file    => $self->{lines}
    );
}

# --- Queries.

sub _queries {
    my ($self) = @_;
    my $bench = $self->{bench};
    my (@titles, @series);

    for my $mode (qw(once kept)) {
        for my $clients (@{ $bench->pick([64, 1000], [8, 16]) }) {
            my $title  = "$mode{$mode}{title}, $clients clients";
            my $series = $self->_series($mode, $clients);
            push @titles, "$mode{$mode}{short}, $clients";
            push @series, $series;
            $bench->heading("server: $title");
            $self->_print($series, $mode, $_) for 'NetIO in C', 'NetIO::Server';
        }
    }
    $bench->heading('server: ratios to the bare loop');
    $bench->table({ cpu => 'CPU', median => 'p50', p99 => 'p99' }, \@titles, @series);
    return;
}

sub _series {
    my ($self, $mode, $clients) = @_;
    my $bench = $self->{bench};
    my @turns;

    for my $side (undef, @{ $self->{sides} }) {
        my $name   = $side ? $side->[0]                  : 'bare loop';
        my $server = $side ? $self->_serve($side, $mode) : $self->_serve_bare($mode);
        my $count  = $bench->pick($count{$mode}[$is_slow{$name} ? 1 : 0], 2 * $clients);
        $self->_load($server, $mode, $clients, $bench->pick(2 * $clients, $clients));
        push @turns, $name => sub { $self->_load($server, $mode, $clients, $count) };
    }
    return $bench->rounds($bench->pick(ROUNDS, 1), @turns);
}

sub _print {
    my ($self, $series, $mode, $name) = @_;
    my $bench = $self->{bench};
    my $is_c  = $name eq 'NetIO in C';
    my @peers = grep { !/^NetIO/ && ($is_c xor !$is_c{$_}) } @{ $series->{names} };
    my $bare  = { %$series, names => [$name, 'bare loop'] };
    my $like  = { %$series, names => [$name, $is_c ? () : 'bare loop', @peers] };

    $bench->compare($like, 'cpu',    "$name: CPU a query, us", most => $limit{$name}{$mode});
    $bench->compare($bare, 'rate',   "$name: queries a second");
    $bench->compare($bare, 'median', "$name: median, us");
    $bench->compare($bare, 'p99',    "$name: 99th, us");
    return;
}

# --- Idle connections.

sub _idle {
    my ($self) = @_;
    my $bench  = $self->{bench};
    my $few    = $bench->pick(IDLE, 100);

    $bench->heading("server: $few idle connections, each of which has asked once; user memory");
    for my $side (grep { !$has_no_idle{ $_->[0] } } @{ $self->{sides} }) {
        my $server = $self->_serve($side, 'kept');
        $self->_memory($side->[0], $server, $few);
    }
    return;
}

# Of one: what so many more take.
sub _memory {
    my ($self, $name, $server, $count) = @_;

    $self->_load($server, 'kept', 1, 1);
    my $before = $server->memory;
    my $held   = NetIO::Bench::Hold->new($server, $count, LINE);
    my @limit  = $limit{$name} ? (most => $limit{$name}{idle}) : ();
    $self->{bench}
        ->figure("$name: one of them, bytes", [($server->memory - $before) / $count], @limit);
    return $held;
}

# Two servers with as many workers: one of them has idle connections, the other has not.
sub _beside_idle {
    my ($self, $name) = @_;
    my $bench   = $self->{bench};
    my $count   = $bench->pick(MOST_IDLE, 200);
    my $workers = $bench->pick(WORKERS,   2);
    my ($side)  = grep { $_->[0] eq $name } @{ $self->{sides} };

    $bench->heading("server: $name, $workers workers, $count idle connections, against none");
    for my $mode (qw(kept once)) {
        my ($full, $empty) = map { $self->_serve($side, $mode, $workers) } 1, 2;
        my $held =
              $mode eq 'kept'
            ? $self->_memory($name, $full, $count)
            : NetIO::Bench::Hold->new($full, $count);
        my ($clients, $queries, $figure, $what) =
            $mode eq 'kept'
            ? (1, $bench->pick(20_000, 100), 'p99', '99th of one, us')
            : (BUSY_CLIENTS, $bench->pick(10_000, 100), 'cpu', 'CPU a connection, us');
        my $series = $bench->rounds(
            $bench->pick(ROUNDS, 1),
            $name  => sub { $self->_load($full,  $mode, $clients, $queries) },
            'none' => sub { $self->_load($empty, $mode, $clients, $queries) },
        );
        $bench->compare($series, $figure, "$name: $what", most => MOST_GROWTH);
    }
    return;
}

1;
