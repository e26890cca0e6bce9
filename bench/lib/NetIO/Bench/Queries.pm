package NetIO::Bench::Queries;

# Queries drawn from a registry, all of them different, the same at every run: half one word of
# a name, 30 % two of them, 10 % the beginning of one, 10 % words that are nowhere.  Single words
# are drawn from where they stand, so that frequent ones come more often; for the others every
# word has the same chance.  Over the registry they find 13 rows on average, and two in a hundred
# find more than whoisd lists.
#
#     my $queries = NetIO::Bench::Queries->drawn($registry, 10_000);
#     my $file    = $queries->file($folder);            # all kinds, mixed
#     my $file    = $queries->file($folder, 'prefix');  # or of one kind
#
# Called by the parts that ask whoisd.

use strict;
use warnings;

use List::Util qw(shuffle);

use constant SEED => 3;

my %draw     = (word => \&_word, two => \&_two, prefix => \&_prefix, miss => \&_miss);
my %share_of = (word => 0.5, two => 0.3, prefix => 0.1, miss => 0.1);

sub kinds { return (qw(handle word two prefix miss mixed)) }

sub drawn {
    my ($class, $registry, $count) = @_;
    my $self = bless {}, $class;

    srand SEED;
    for my $name ($registry->names) {
        my @words = _words($name);
        push @{ $self->{names} },        \@words if @words;
        push @{ $self->{names_of}{$_} }, \@words for @words;
    }
    $self->{words} = [sort keys %{ $self->{names_of} }];
    for my $kind (sort keys %draw) {
        $self->{kind}{$kind} = $self->_draw($draw{$kind}, $share_of{$kind} * $count);
    }
    $self->{kind}{mixed} = [shuffle(map { @$_ } @{ $self->{kind} }{ sort keys %draw })];
    my @handles = shuffle($registry->handles);
    $self->{kind}{handle} = [map { "!$_" } @handles[0 .. $count / 10 - 1]];
    return $self;
}

# Letters and digits, in small letters; words of one letter are nobody's question.
sub _words {
    my ($name) = @_;

    utf8::decode($name);
    return grep { length > 1 } lc($name) =~ /[\p{L}\p{N}]+/g;
}

sub _draw {
    my ($self, $one, $count) = @_;
    my %seen;
    my @drawn;

    while (@drawn < $count) {
        my $query = $one->($self, $self->{words}[rand @{ $self->{words} }]);
        push @drawn, $query if defined $query && !$seen{$query}++;
    }
    return \@drawn;
}

sub _word {
    my ($self) = @_;
    my $name = $self->{names}[rand @{ $self->{names} }];

    return $name->[rand @$name];
}

# Another word of a name that has the first.
sub _two {
    my ($self, $word) = @_;
    my $names  = $self->{names_of}{$word};
    my $name   = $names->[rand @$names];
    my $second = $name->[rand @$name];

    return $second eq $word ? undef : "$word $second";
}

# Three letters to all but one.
sub _prefix {
    my ($self, $word) = @_;

    return if length $word < 4;
    return substr($word, 0, 3 + int rand(length($word) - 3)) . '*';
}

sub _miss {
    my ($self, $word) = @_;
    my $miss = reverse($word) . 'q';

    return length $miss < 5 || $self->{names_of}{$miss} ? undef : $miss;
}

# A file of them, a line each.
sub file {
    my ($self, $folder, $kind) = @_;
    my $path = "$folder/queries-" . ($kind // 'mixed');

    open my $file, '>:encoding(UTF-8)', $path or die "$path: $!\n";
    print {$file} map { "$_\n" } $self->list($kind);
    close $file or die "$path: $!\n";
    return $path;
}

sub list {
    my ($self, $kind) = @_;

    return @{ $self->{kind}{ $kind // 'mixed' } };
}

1;
