package part::whoisd;

# whoisd over the real registry, a connection a query, against a loop that sends one fixed
# answer of the same mean size.

use strict;
use warnings;

use IO::Socket::INET;

use NetIO::Bench::Load qw(load);
use NetIO::Bench::Process;
use NetIO::Bench::Queries;
use NetIO::Bench::Registry;

use constant {
    CLIENTS   => 16,
    MOST_COST => 3,       # times the responder's CPU
    MOST_PEAK => 30,      # MiB
    NEAR      => 0.02,    # of the mean: an answer of the mean size
};

sub measure {
    my ($class, $bench) = @_;

    _per_query($bench) if $bench->have(NetIO::Bench::Registry->needs);
    return;
}

sub _per_query {
    my ($bench)  = @_;
    my $registry = NetIO::Bench::Registry->copies(1);
    my $count    = $bench->pick(10_000, 300);
    my $queries  = NetIO::Bench::Queries->drawn($registry, $count);
    my @load     = (
        mode    => 'whois',
        clients => CLIENTS,
        count   => $count,
        file    => $queries->file($bench->folder)
    );
    my $whoisd    = $registry->serve($bench->folder);
    my %mean      = load($whoisd, @load);
    my $answer    = _answer_of($mean{bytes}, $whoisd->port, $bench->folder, $queries->list);
    my $responder = NetIO::Bench::Process->serve($bench->folder, 'bench/build/responder', $answer);
    load($responder, @load);

    my $series = $bench->rounds(
        $bench->pick(9, 2),
        whoisd      => sub { load($whoisd,    @load) },
        'bare loop' => sub { load($responder, @load) },
    );
    $bench->heading(
        sprintf 'whoisd: a connection a query, %d different ones, %d clients; '
            . 'an answer has %.1f rows, %.0f bytes',
        $count, CLIENTS, @mean{qw(rows bytes)}
    );
    $bench->compare($series, 'cpu',    'server CPU a query, us', most => MOST_COST);
    $bench->compare($series, 'rate',   'queries a second');
    $bench->compare($series, 'median', 'median answer, us');
    $bench->figure('given up, /1000',            $series->{figures}{whoisd}{slow}, most => 0);
    $bench->figure('most memory of whoisd, MiB', [$whoisd->peak], most => MOST_PEAK);
    return;
}

# A file with a real answer of about that size: the first that is near enough, else the nearest.
sub _answer_of {
    my ($size, $port, $folder, @queries) = @_;
    my ($best, $off) = ('', $size);

    for my $query (@queries) {
        my $answer = _ask($port, $query);
        my $by     = abs(length($answer) - $size);
        ($best, $off) = ($answer, $by) if $by < $off;
        last if $off < NEAR * $size;
    }
    open my $file, '>:raw', "$folder/answer" or die "$folder/answer: $!\n";
    print {$file} $best;
    close $file or die "$folder/answer: $!\n";
    return "$folder/answer";
}

sub _ask {
    my ($port, $query) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
        or die "connect: $!\n";

    utf8::encode($query);
    print {$socket} "$query\r\n";
    local $/;
    return <$socket> // '';
}

1;
