package part::scale;

# What ten and a hundred times as many entries cost: how fast whois-load takes them, and how long
# a look-up takes of whoisd, seen by a single client, kind by kind.  The queries are drawn from
# the registry itself, which is a part of each of the directories.

use strict;
use warnings;

use List::Util qw(max);

use NetIO::Bench::Load qw(load);
use NetIO::Bench::Queries;
use NetIO::Bench::Registry;

use constant {
    MOST_GROWTH  => 2,     # times the median over the registry itself
    MOST_LONGEST => 50,    # ms
};

sub measure {
    my ($class, $bench) = @_;

    $bench->heading('scale: larger directories, against the registry itself; one client');
    return if !$bench->have(NetIO::Bench::Registry->needs);
    my (@sizes, %whoisd, $queries, %series);
    for my $copies (@{ $bench->pick([1, 10, 100], [1]) }) {
        my $registry = NetIO::Bench::Registry->copies($copies);
        my $size     = $registry->size;
        push @sizes, $size;
        $bench->figure("loaded @{[$registry->day]}, $size, entries/s", [$registry->rate]);
        $whoisd{$size} = $registry->serve($bench->folder);
        $queries ||= NetIO::Bench::Queries->drawn($registry, $bench->pick(10_000, 200));
    }
    for my $kind (NetIO::Bench::Queries->kinds) {
        $series{$kind} = _series($bench, $queries, $kind, \%whoisd, @sizes);
    }
    _print($bench, \%series, @sizes);
    return;
}

sub _series {
    my ($bench, $queries, $kind, $whoisd, @sizes) = @_;
    my $count = $queries->list($kind);
    my $file  = $queries->file($bench->folder, $kind);

    return $bench->rounds(
        $bench->pick(5, 1),
        map {
            my $server = $whoisd->{$_};
            $_ => sub {
                load($server, mode => 'whois', clients => 1, count => $count, file => $file);
            }
        } @sizes
    );
}

sub _print {
    my ($bench, $series, @sizes) = @_;
    my ($least, @larger) = @sizes;

    for my $kind (NetIO::Bench::Queries->kinds) {
        $bench->figure("$least, $kind: median, us", $series->{$kind}{figures}{$least}{median});
    }
    for my $size (@larger) {
        for my $kind (NetIO::Bench::Queries->kinds) {
            my $two   = { %{ $series->{$kind} }, names => [$size, $least] };
            my @limit = $kind eq 'mixed' && $size eq $larger[-1] ? (most => MOST_GROWTH) : ();
            $bench->compare($two, 'median', "$size, $kind: median, us", @limit);
            $bench->compare($two, 'p99',    "$size, $kind: 99th, us");
            $bench->compare($two, 'cpu',    "$size, $kind: server CPU, us");
            _tell_slow($bench, "$size, $kind", $series->{$kind}{figures}{$size}{slow});
        }
    }
    for my $size (@sizes) {
        my @kinds   = map { $_->{figures}{$size}{longest} } values %$series;
        my @longest = map { _longest($_, @kinds) / 1000 } 0 .. $#{ $kinds[0] };
        $bench->figure("$size: longest of a round, ms", \@longest, most => MOST_LONGEST);
    }
    return;
}

sub _longest {
    my ($round, @kinds) = @_;

    return max(map { $_->[$round] } @kinds);
}

# Searches that whoisd itself gives up, and says so, are worth a line.
sub _tell_slow {
    my ($bench, $what, $slow) = @_;

    $bench->figure("$what: given up, /1000", $slow) if grep { $_ } @$slow;
    return;
}

1;
