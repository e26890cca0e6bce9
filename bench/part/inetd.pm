package part::inetd;

# What a start costs a super-server, netiod and the others, over a small static program that answers
# one line: against the least that one can be, which is accept, vfork and execve.  Then a Perl program
# by exec and in a pool, and the same as a NetIO::Server; then a thousand services: memory, reloads.

use strict;
use warnings;

use Cwd ();
use IO::Socket::INET;
use List::Util          qw(max);
use NetIO::Bench::Inetd qw(sides);
use NetIO::Bench::Load  qw(load);
use NetIO::Bench::Process;
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

use constant {
    LINE        => 'hello',
    CLIENTS     => 8,
    ROUNDS      => 15,
    CLOSE       => 45,        # rounds of two that are a tenth apart
    STARTS      => 1000,      # of a turn
    MOST_BARE   => 1.1,       # times the bare loop
    MOST_PEER   => 1,         # times any other
    REQUESTS    => 5000,      # of a turn, in a pool
    MOST_POOL   => 2,         # times NetIO::Server
    LEAST_POOL  => 20,        # times less than by exec
    SERVICES    => 1000,
    MOST_BYTES  => 4096,      # of a service
    RELOADS     => 1000,
    MOST_RELOAD => 200,       # ms
    MOST_GROWTH => 256,       # KiB, over all reloads
    PATIENCE    => 30,        # seconds for one reload
};

sub measure {
    my ($class, $bench) = @_;
    my $self = bless { bench => $bench, folder => $bench->folder }, $class;

    $self->{lines} = $self->_write('lines', LINE . "\n");
    chmod 0755, $self->{folder};    # for services of nobody
    $self->_starts($_) for $> == 0 ? qw(root nobody) : getpwuid $>;
    $self->_pool;
    $self->_services;
    return;
}

sub _write {
    my ($self, $name, $text) = @_;
    my $path = "$self->{folder}/$name";

    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    return $path;
}

sub _load {
    my ($self, $server, $count) = @_;

    return load(
        $server,
        mode    => 'ask',
        clients => CLIENTS,
        count   => $count,
        file    => $self->{lines}
    );
}

# --- Starts.  The bare loop and systemd's start what is theirs: as nobody the loop is there for
# comparison, and systemd's is not.  inetutils' has no foreground but that for debugging, which sleeps.
# What the machine does besides changes by more than a tenth within a round of them all: netiod and the
# loop have their own, shorter ones.

sub _starts {
    my ($self, $user) = @_;
    my $bench   = $self->{bench};
    my $count   = $bench->pick(STARTS, 20);
    my $program = Cwd::abs_path('bench/build/brief');
    my $is_root = $user eq 'root' || $> != 0;
    my @sides =
        grep { $_->name ne 'inetutils' && ($is_root || $_->name ne 'systemd') } sides($bench);
    my @turns =
        map { ($_->name => $_->start($self->{folder}, program => $program, user => $user)) } @sides;

    my $bare = NetIO::Bench::Process->serve($self->{folder}, 'bench/build/spawner', $program);
    splice @turns, 2, 0, 'bare loop' => $bare;
    my @called;
    while (my ($name, $server) = splice @turns, 0, 2) {
        $self->_load($server, $bench->pick(CLIENTS * 4, CLIENTS));
        push @called, $name => sub { $self->_load($server, $count) };
    }
    $bench->heading("inetd: starts of a small static program as $user, " . CLIENTS . ' clients');
    my $near = $bench->rounds($bench->pick($is_root ? CLOSE : ROUNDS, 1), @called[0 .. 3]);
    splice @called, 2, 2;
    my $far = $bench->rounds($bench->pick(ROUNDS, 1), @called);
    $bench->compare($near, 'cpu', 'CPU a start, us', most => $is_root ? MOST_BARE : undef);
    $self->_print_peers($far);
    $bench->compare($_, 'rate', 'starts a second') for $near, $far;
    return;
}

sub _print_peers {
    my ($self, $series) = @_;

    for my $peer (@{ $series->{names} }[1 .. $#{ $series->{names} }]) {
        $self->{bench}->compare(
            { %$series, names => ['netiod', $peer] },
            'cpu',
            'CPU a start, us',
            most => $peer eq 'tcpsvd' ? undef : MOST_PEER
        );
    }
    return;
}

# --- A Perl program.

sub _pool {
    my ($self) = @_;
    my $bench  = $self->{bench};
    my $script = Cwd::abs_path('bench/peer/brief.pl');
    my $perl   = $^X;
    my ($exec, $pool) = map { $self->_netiod("conf-perl$_->[0]", $_->[1]) }
        [exec => "nowait.0 root $perl perl $script"], [pool => "nowait.0 root pool:$script"];
    my $server =
        NetIO::Bench::Process->serve($self->{folder}, $^X, '-Mblib', 'bench/brief-server.pl', 4);
    my %count = (exec => $bench->pick(200, 10));
    my @called;

    for my $side (['pool', $pool], ['NetIO::Server', $server], ['exec', $exec]) {
        my ($name, $process) = @$side;
        $self->_load($process, $bench->pick(100, 10));
        my $count = $count{$name} // $bench->pick(REQUESTS, 20);
        push @called, $name => sub { $self->_load($process, $count) };
    }
    $bench->heading('inetd: a Perl program, line by line, ' . CLIENTS . ' clients');
    my $series = $bench->rounds($bench->pick(ROUNDS, 1), @called);
    $bench->compare(
        { %$series, names => ['pool', $_->[0]] },
        'cpu',
        'CPU a connection, us',
        most => $_->[1]
    ) for ['NetIO::Server', MOST_POOL], ['exec', 1 / LEAST_POOL];
    return;
}

# A netiod with one TCP service.
sub _netiod {
    my ($self, $name, $words) = @_;
    my $port = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)->sockport;
    my $file = $self->_write($name, "127.0.0.1:$port stream tcp $words\n");

    return NetIO::Bench::Process->serve_at($self->{folder}, $port, 'blib/script/netiod', '-f',
        $file);
}

# --- A thousand services.

# Each its own unix socket, so that no port is in somebody's way; one has a port, for serve_at.
sub _configuration {
    my ($self, $count, $port, $round) = @_;
    my $program = Cwd::abs_path('bench/build/brief');
    my $user    = getpwuid $>;
    my $text    = "127.0.0.1:$port stream tcp nowait $user $program brief\n";

    $text .= "$self->{folder}/s$_ stream unix nowait $user $program brief\n" for 2 .. $count - 1;
    # The last one is another at each reload.
    $text .= "$self->{folder}/s$count stream unix nowait $user $program brief $round\n"
        if $count > 1;
    return $text;
}

sub _services {
    my ($self) = @_;
    my $bench  = $self->{bench};
    my $count  = $bench->pick(SERVICES, 20);
    my %server;

    for my $n (1, $count) {
        my $port = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)->sockport;
        my $file = $self->_write("conf-$n", $self->_configuration($n, $port, 0));
        $server{$n} = NetIO::Bench::Process->serve_at($self->{folder}, $port,
            'blib/script/netiod', '-f', $file);
        $server{$n}{configuration} = [$file, $n, $port];
    }
    my $many = $server{$count};
    $bench->heading("inetd: $count services");
    $bench->figure(
        'memory of one, bytes',
        [($many->memory - $server{1}->memory) / ($count - 1)],
        most => MOST_BYTES
    );
    my @first = map { $self->_reload($many) } 1 .. $bench->pick(50, 2);
    my ($memory, $descriptors) = ($many->memory, $many->descriptors);
    my @ms = map { $self->_reload($many) } 1 .. $bench->pick(RELOADS, 3);
    $bench->figure('a reload, ms', \@ms, most => MOST_RELOAD);
    $bench->figure('the longest of ' . @ms . ', ms', [max @ms]);
    $bench->figure(
        'memory gained by them, KiB',
        [($many->memory - $memory) / 1024],
        most => MOST_GROWTH
    );
    $bench->figure('descriptors gained by them, 1', [$many->descriptors - $descriptors], most => 0);
    return;
}

# Milliseconds from the signal until the log says that it is done.
sub _reload {
    my ($self, $server) = @_;
    my ($file, $count, $port) = @{ $server->{configuration} };
    my $done  = qr/configuration: read again/;
    my $round = ++$self->{round};

    $self->_write($file =~ s{.*/}{}r, $self->_configuration($count, $port, $round));
    my $before = -s $server->log_file;
    my $began  = clock_gettime(CLOCK_MONOTONIC);
    kill 'HUP', $server->pid;
    until ($server->said_since($before) =~ $done) {
        die "a reload is not done: " . $server->said_since($before) . "\n"
            if clock_gettime(CLOCK_MONOTONIC) > $began + PATIENCE;
        sleep 0.001;
    }
    return 1000 * (clock_gettime(CLOCK_MONOTONIC) - $began);
}

1;
