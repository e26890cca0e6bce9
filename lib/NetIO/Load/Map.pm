package NetIO::Load::Map;

# Makes an entry of a record by a map of names.  Called by NetIO::Load::Source.

use strict;
use warnings;

use NetIO::Load::Clean qw(clean_value fold_handle quote);
use NetIO::Load::MapFile;

use constant {
    LONGEST_HANDLE => 159,       # bytes that whoisd shows of one behind its !
    MOST_KEYS      => 10_000,    # names that are remembered
};

sub new {
    my ($class, $path) = @_;

    return bless { map => NetIO::Load::MapFile::read_file($path) }, $class;
}

sub builtin {
    my ($class, $format) = @_;

    return bless { map => NetIO::Load::MapFile::read_builtin($format) }, $class;
}

# For one file: what a map learns there it does not know of the next.
sub for_file {
    my ($self, %option) = @_;
    my $map    = $self->{map};
    my @shows  = @{ $map->{show} } ? @{ $map->{show} } : ['*'];
    my %wanted = map { $_ => 1 } map { @{ $_->{names} } } @{ $map->{parts} };

    return bless {
        map     => $map,
        shows   => \@shows,
        all     => !@{ $map->{show} },
        options => $option{options},
        wanted  => \%wanted,
        key     => {},                   # of a name as it stands in the file
        plain   => {},                   # that name without its attribute options
        seen    => [],                   # parts that found something
        },
        ref $self;
}

sub file { return $_[0]{map}{file} }

sub entry {
    my ($self, $record) = @_;
    my $map   = $self->{map};
    my $found = $self->_collect($record->{pairs});
    my @value = $self->_resolve($found);             # of each part: a list of values, or undef

    for my $only (@{ $map->{only} }) {
        return if !_holds($only, $value[$only->{part}{number}]);
    }
    my $handle = clean_value(_joined($map->{handle}, \@value));
    my $name   = clean_value(_joined($map->{name},   \@value));
    my $error  = $self->{trouble} || $self->_wrong_head($handle, $name);
    return { line => $record->{line}, error => $error } if $error;

    my @fields = map { $self->_field($_, \@value, $record) } @{ $self->{shows} };
    return {
        line    => $record->{line},
        handle  => $handle,
        name    => $name,
        summary => $map->{summary} ? _joined($map->{summary}, \@value) : '',
        fields  => [@fields, ['Index Key', $handle]],
        words   => [
            (grep { $_ ne $name } map { $_->[1] } @fields),
            (map { @{ $value[$_->{number}] || [] } } @{ $map->{words} }),
            $self->{variants} ? $self->_variants($found) : (),
        ],
    };
}

# The values that the map asks for, by their names.  A name with an attribute option also stands
# under the name without, followed by a semicolon.  What is blank is not there.
sub _collect {
    my ($self,   $pairs)    = @_;
    my ($key_of, $plain_of) = @$self{qw(key plain)};
    my %found;

    $self->{absent} = undef;
    for my $pair (@$pairs) {
        my ($name, $value) = @$pair;
        my $key = $key_of->{$name};
        $key = $self->_learn($name) if !defined $key;
        next if $key eq '';
        if (!defined $value) {
            push @{ $self->{absent} }, $pair;
        } elsif (_is_blank($value)) {
            next;
        }
        push @{ $found{$key} },                  $value;
        push @{ $found{"$plain_of->{$name};"} }, $value if $plain_of->{$name};
    }
    return \%found;
}

# The key of a name that is new: '' when the map does not ask for it.  Not for ever, as a file may
# name everything otherwise.
sub _learn {
    my ($self, $name) = @_;
    my ($key_of, $plain_of, $wanted) = @$self{qw(key plain wanted)};
    my $key = lc clean_value($name);

    %$key_of = %$plain_of = () if keys %$key_of > MOST_KEYS;
    if ($self->{options} && $key =~ /^([^;]+);/ && $wanted->{$1}) {
        $plain_of->{$name} = $1;
        $self->{variants} = 1;
        return $key_of->{$name} = $key;
    }
    return $key_of->{$name} = $wanted->{$key} ? $key : '';
}

# Of each part, the values of the first of its names that is there.
sub _resolve {
    my ($self,   $found) = @_;
    my ($absent, $seen, $variants) = @$self{qw(absent seen variants)};
    my (@value,  %taken);

    $self->{trouble} = undef;
    for my $part (@{ $self->{map}{parts} }) {
        for my $name (@{ $part->{names} }) {
            my $values = $found->{$name} || $variants && $found->{"$name;"} or next;
            push @value, $values;
            $taken{$name} = $seen->[$part->{number}] = 1;
            last;
        }
        push @value, undef if @value == $part->{number};
    }
    $self->{taken} = \%taken;
    $self->_find_trouble if $absent;
    return @value;
}

# A value that cannot be had matters where the map takes it.
sub _find_trouble {
    my ($self) = @_;

    for my $pair (@{ $self->{absent} }) {
        my $key = lc clean_value($pair->[0]);
        next if !$self->{taken}{$key} && !$self->{taken}{ $key =~ s/;.*//sr };
        $self->{trouble} = quote($pair->[0]) . ": $pair->[2]";
        return;
    }
    return;
}

sub _holds {
    my ($only, $values) = @_;

    for my $value (@{ $values || [] }) {
        return 1 if defined $value && $only->{value}{ lc clean_value($value) };
    }
    return 0;
}

# The first values of an expression, as one line.
sub _joined {
    my ($expression, $value) = @_;
    my @groups;

    for my $group (@{ $expression->{groups} }) {
        my @values;
        for my $part (@$group) {
            my $values = $value->[$part->{number}] or next;
            push @values, (_lines($values->[0]))[0];
        }
        push @groups, join ' ', @values if @values;
    }
    return join ', ', @groups;
}

# The lines of a value that hold something.
sub _lines {
    my ($value) = @_;

    return ''     if !defined $value;
    return $value if !($value =~ tr/\r\n//);
    return grep { !_is_blank($_) } split /[\r\n]+/, $value;
}

# Whether there would be nothing of it in a directory, as of blanks, controls and what has no face.
sub _is_blank {
    my ($value) = @_;

    return $value !~ /[!-~]/ && clean_value($value) eq '';
}

# What a show line comes to: pairs of its label and a line.
sub _field {
    my ($self, $show, $value, $record) = @_;
    my ($label, $expression) = @$show;

    return $self->_rest($record->{pairs}) if !$expression;
    if (my $part = $expression->{part}) {
        return map { [$label, $_] } map { _lines($_) } @{ $value->[$part->{number}] || [] };
    }
    my $joined = _joined($expression, $value);
    return $joined eq '' ? () : [$label, $joined];
}

# What no other line of the map has taken; a value that cannot be had is not missed here.
sub _rest {
    my ($self, $pairs) = @_;
    my $taken = $self->{all} ? {} : $self->{taken};
    my @fields;

    for my $pair (@$pairs) {
        my ($name, $value) = @$pair;
        next if !defined $value || _is_blank($value);
        my $key = $self->{key}{$name};
        $key = $self->_learn($name) if !defined $key;
        next if $taken->{$key} || $self->{options} && $taken->{ $key =~ s/;.*//sr };
        push @fields, map { [$name, $_] } _lines($value);
    }
    return @fields;
}

# The values in all languages of the names that were taken: who knows one finds by it.
sub _variants {
    my ($self, $found) = @_;

    return grep { defined } map { @{ $found->{"$_;"} || [] } } sort keys %{ $self->{taken} };
}

# What is wrong with handle and name, or nothing.
sub _wrong_head {
    my ($self, $handle, $name) = @_;
    my $map = $self->{map};

    return 'no value for the handle (' . quote($map->{handle}{text}) . ')' if $handle eq '';
    return 'no value for the name (' . quote($map->{name}{text}) . ')'     if $name eq '';
    return 'the handle ' . quote($handle) . ' has no letter and no digit'
        if fold_handle($handle) eq '';
    return 'the handle ' . quote($handle) . " begins with '!', which stands before every handle"
        if $handle =~ /^!/;
    return 'the handle ' . quote($handle) . " holds ': ', which ends a handle in a listing"
        if $handle =~ /: /;
    utf8::encode(my $bytes = $handle);
    return 'the handle ' . quote($handle) . ' is longer than ' . LONGEST_HANDLE . ' bytes'
        if length $bytes > LONGEST_HANDLE;
    return;
}

# The first part none of whose names is among those.
sub missing {
    my ($self, @names) = @_;
    my $map   = $self->{map};
    my %known = map { lc clean_value($_) => 1 } @names;

    for my $part (@{ $map->{parts} }) {
        return $part if !grep { $known{$_} } @{ $part->{names} };
    }
    return;
}

# The parts of which no record had a value.
sub unseen {
    my ($self) = @_;

    return grep { !$self->{seen}[$_->{number}] } @{ $self->{map}{parts} };
}

1;

__END__

=head1 NAME

NetIO::Load::Map - make entries of records by a map of names

=head1 SYNOPSIS

    use NetIO::Load::Map;

    my $map = NetIO::Load::Map->new('people.map')->for_file(options => 1);
    while (my $record = $reader->next) {
        my $entry = $map->entry($record) or next;    # passed over
        print $entry->{error} || "$entry->{handle}: $entry->{name}", "\n";
    }

=head1 DESCRIPTION

A map says which names of a record make the handle, the name and the rest of an entry;
L<whois-load(1)/MAP FILES> describes how one is written.

=head1 METHODS

=over

=item new(PATH)

The map in that file.

=item builtin(FORMAT)

The map for files of that format for which no other is given.

=item for_file(options => FLAG)

The map for the records of one file.  With C<options>, what follows a semicolon in a name is an
attribute option: C<cn;lang-de> is a variant of C<cn>.

=item file

The path of the map; undef when it is built in.

=item entry(RECORD)

An entry, as L<NetIO::Load/ENTRIES> describes it; or a hash with C<line> and C<error>, the reason
why there is none; or nothing when the map does not want the record.

=item missing(NAMES)

Of a file that has those names and no others: the first part of the map (a hash with C<line> and
C<said>, a list of names) that will never find anything, if any.

=item unseen

After the last record: the parts of the map that found nothing in any of them.

=back

=head1 ERRORS

C<new> throws a L<NetIO::Load::Failure> when the file is not a map.

=head1 SEE ALSO

L<NetIO::Load::MapFile>, L<whois-load(1)>

=cut
