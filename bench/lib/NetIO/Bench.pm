package NetIO::Bench;

# The frame of all measurements: rounds in which ours and the peers take turns, medians with
# their spread, ratios, limits, and how all of it is printed.  bench/run makes one and gives it
# to the parts (bench/part/NAME.pm), which say what is compared:
#
#     my $series = $bench->rounds($bench->pick(9, 2), whoisd => sub {...}, 'bare loop' => sub {...});
#     $bench->heading('connect per query, 16 clients');
#     $bench->compare($series, 'cpu', 'server CPU a query, us', most => 4);
#
# A round calls each side once; a side returns a hash of figures.  The first side is ours.

use strict;
use warnings;

use File::Temp ();
use List::Util qw(first);

use NetIO::Bench::Process qw(go_on);

use constant WIDTH => 6;    # of a column in a table

# quick: the smallest size of everything, to see that it works; its figures mean nothing.
sub new {
    my ($class, %how) = @_;
    my $folder = File::Temp->newdir('netio-bench-XXXXXX', TMPDIR => 1);

    return bless { quick => $how{quick}, folder => $folder, held => 0, broken => 0 }, $class;
}

# For what is thrown away at the end.
sub folder { return "$_[0]{folder}" }

# A size: in earnest, or quick.
sub pick {
    my ($self, $earnest, $quick) = @_;

    return $self->{quick} ? $quick : $earnest;
}

# Whether all of these are here: [module or program, its package], ...  What is not is named, and
# the caller leaves out what stands on it.
sub have {
    my ($self, @needs) = @_;
    my @missing = grep { !_is_here($_->[0]) } @needs;

    $self->note("left out: $_->[0] is missing: apt-get install $_->[1]") for @missing;
    return !@missing;
}

# A file by its path, a module by its name, or a program on the path.
sub _is_here {
    my ($name) = @_;

    return -e $name if $name =~ m{^/};
    if ($name =~ /^[A-Z]/) {
        my $file = $name =~ s{::}{/}gr . '.pm';
        return defined first { !ref && -e "$_/$file" } @INC;
    }
    return defined first { -x "$_/$name" } split /:/, $ENV{PATH};
}

# --- Measuring.

# Sides take turns, and every other round begins at the other end: what slows the machine down
# for a while hits all of them.
sub rounds {
    my ($self, $count, @sides) = @_;
    my (@names, %turn, %figures);

    while (my ($name, $code) = splice @sides, 0, 2) {
        push @names, $name;
        $turn{$name} = $code;
    }
    for my $round (1 .. $count) {
        for my $name ($round % 2 ? @names : reverse @names) {
            go_on();
            my %got = $turn{$name}->();
            push @{ $figures{$name}{$_} }, $got{$_} for keys %got;
        }
    }
    return { names => \@names, figures => \%figures };
}

sub median { return _quantile(0.5, @_) }

# Between the two values that stand next to it.
sub _quantile {
    my ($part, @values) = @_;
    my @sorted = sort { $a <=> $b } @values;
    my $at     = $part * $#sorted;
    my $low    = $sorted[$at];

    return $low + ($at - int $at) * (($sorted[$at + 1] // $low) - $low);
}

# --- Printing: one line a figure.
#
# what                                   ours    (least  quartiles)    peer ...   ratio  limit

sub heading {
    my ($self, $text) = @_;

    go_on();
    print "\n$text\n";
    return;
}

sub note {
    my ($self, $text) = @_;

    go_on();
    print "  $text\n";
    return;
}

# Ours against every peer.  most: the contract's limit of the ratio, against the first of them.
sub compare {
    my ($self, $series, $figure, $what, %limit) = @_;
    my ($own, @peers) = @{ $series->{names} };
    my @ours = @{ $series->{figures}{$own}{$figure} };

    go_on();
    for my $peer (@peers) {
        my @theirs = @{ $series->{figures}{$peer}{$figure} };
        my $ratio  = median(@ours) / (median(@theirs) || 1e-9);
        printf "  %-34s %s | %s  %-18s %7s x%s\n", $what, _spread(@ours), _spread(@theirs), $peer,
            _short($ratio), $self->_verdict($ratio, 'x', %limit);
        %limit = ();
    }
    return;
}

# A figure without a peer.  most: the contract's limit of its median.
sub figure {
    my ($self, $what, $values, %limit) = @_;
    my ($unit) = $what =~ /, (\S+)$/;

    go_on();
    printf "  %-34s %s%s\n", $what, _spread(@$values),
        $self->_verdict(median(@$values), $unit, %limit);
    return;
}

# "    120 (118, 119..124)": median, least, quartiles.
sub _spread {
    my (@values) = @_;

    return sprintf '%7s %-24s', _short($values[0]), '' if @values == 1;
    return sprintf '%7s %-24s', _short(median(@values)), sprintf '(%s, %s..%s)',
        map { _short(_quantile($_, @values)) } 0, 0.25, 0.75;
}

# Three digits, or all that stand before the point.
sub _short {
    my ($value) = @_;
    my $size = abs $value or return 0;

    return sprintf $size >= 100 ? '%.0f' : $size >= 10 ? '%.1f' : $size >= 1 ? '%.2f' : '%.3f',
        $value;
}

sub _verdict {
    my ($self, $value, $unit, %limit) = @_;

    return '' if !defined $limit{most};
    my $holds = $value <= $limit{most};
    $self->{ $holds ? 'held' : 'broken' }++;
    return "  at most $limit{most} $unit: " . ($holds ? 'holds' : 'DOES NOT HOLD');
}

# One table of ratios, each against the first of the names: a group of columns for each series,
# with its title above, and a column for each of the figures.  What a series has not got stays
# empty.
sub table {
    my ($self, $figures, $titles, @series) = @_;
    my ($first, @names) = @{ $series[0]{names} };
    my $width = WIDTH * keys %$figures;
    my @order = sort { $figures->{$a} cmp $figures->{$b} } keys %$figures;

    printf '  %-22s' . " %-${width}s" x @series . "\n", "$first = 1", @$titles;
    printf '  %-22s' . (' ' . ('%' . WIDTH . 's') x @order) x @series . "\n", '',
        (map { $figures->{$_} } @order) x @series;
    for my $name (@names) {
        printf '  %-22s', $name;
        for my $series (@series) {
            my ($base, $own) = @{ $series->{figures} }{ $first, $name };
            print ' ', map { sprintf '%' . WIDTH . 's', $_ }
                map { $own ? _short(median(@{ $own->{$_} }) / median(@{ $base->{$_} })) : '' }
                @order;
        }
        print "\n";
    }
    return;
}

# The last line; whether all limits hold.
sub finish {
    my ($self) = @_;

    print "\nlimits: $self->{held} hold, $self->{broken} not",
        $self->{quick} ? ' (a quick run, of no meaning)' : '', "\n";
    return !$self->{broken};
}

1;
