package part::connect;

# What opening a connection costs the program, in instructions: tcpopen against raw Socket and
# IO::Socket::IP, to a numeric address of the loopback.  Callgrind counts the same each time, so
# there is one round; loading cancels out, since two runs differ by a number of connections only.

use strict;
use warnings;

use NetIO::Bench::Process qw(run);
use NetIO::Bench::Tree;

# Connections in the shorter run.
use constant FEW => 10;

my @valgrind = qw(valgrind --tool=callgrind --callgrind-out-file=/dev/null);

my %program_for = (
    'tcpopen'    => 'use NetIO; tcpopen("127.0.0.1", $port) for 1 .. $times',
    'raw Socket' => 'use Socket; for (1 .. $times) { socket(my $fh, PF_INET, SOCK_STREAM, 0);'
        . ' connect($fh, pack_sockaddr_in($port, inet_aton("127.0.0.1"))) or die }',
    'IO::Socket::IP' => 'use IO::Socket::IP; for (1 .. $times) {'
        . ' IO::Socket::IP->new(PeerHost => "127.0.0.1", PeerPort => $port) or die }',
);

sub measure {
    my ($class, $bench) = @_;

    $bench->heading('connect: tcpopen(ADDRESS, PORT), and away with it');
    return if !$bench->have(['valgrind', 'valgrind']);
    my $server = NetIO::Bench::Process->serve($bench->folder, 'bench/build/responder');
    my $lib    = NetIO::Bench::Tree->installed($bench)->lib;
    my $more   = $bench->pick(200, 20);
    my $series = $bench->rounds(
        1,
        map {
            my $program = $program_for{$_};
            $_ => sub {
                my @count  = ($bench, $lib, $program, $server->port);
                my $loaded = _instructions(@count, FEW);
                return (instructions => (_instructions(@count, FEW + $more) - $loaded) / $more);
            }
        } 'tcpopen',
        'raw Socket',
        'IO::Socket::IP'
    );
    $bench->compare($series, 'instructions', 'instructions a connect');
    return;
}

sub _instructions {
    my ($bench, $lib, $program, $port, $times) = @_;
    my $said = $bench->folder . '/callgrind';

    # Hashes that are shuffled otherwise at each start would count differently.
    local $ENV{PERL_HASH_SEED} = 0;
    run(@valgrind, "--log-file=$said", $^X, "-I$lib", '-e',
        "my (\$port, \$times) = \@ARGV; $program",
        $port, $times);
    open my $file, '<', $said or die "$said: $!\n";
    my ($count) = join('', <$file>) =~ /Collected : (\d+)/ or die "$said: no count\n";
    return $count;
}

1;
