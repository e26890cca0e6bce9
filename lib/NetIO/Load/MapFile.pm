package NetIO::Load::MapFile;

# Reads a map: the text that says which names of a record become handle, name and fields.  Called
# by NetIO::Load::Map; whois-load(1) tells users how maps are written.
#
#   handle: employeeNumber|uid          an expression of one group of one part of two names
#   name:   sn, givenName               two groups of one part each
#   show Address: street, code town     two groups, the second of two parts

use strict;
use warnings;

use NetIO::Load::Clean qw(clean_value quote);
use NetIO::Load::Failure ':exit';
use NetIO::Load::Lines;

use constant LONGEST_LABEL => 40;    # characters, as in a directory

my %builtin = (
    ldif => <<'MAP',
only:             objectClass=person|inetOrgPerson
handle:           employeeNumber|uid|sAMAccountName
name:             sn, givenName
summary:          ou|department, roomNumber|physicalDeliveryOfficeName
words:            cn displayName uid|sAMAccountName mail|rfc822Mailbox
show Full Name:   sn, givenName
show Title:       title
show Department:  ou|department
show Room:        roomNumber|physicalDeliveryOfficeName
show Phone:       telephoneNumber
show Mobile:      mobile
show Fax:         facsimileTelephoneNumber
show E-mail:      mail|rfc822Mailbox
show Login:       uid|sAMAccountName
show Web Page:    labeledURI|wWWHomePage
show Description: description
MAP

    # Both: what registries, Debian and everybody's tables call it.
    csv => <<'MAP',
handle:           handle|id|uid|nic-hdl|employeeNumber|"employee number"|login|username|package
name:             name|"full name"|fullname|displayName|cn|person|role|org-name|title|package
show Full Name:   name|"full name"|fullname|displayName|cn|person|role|org-name|title|package
show *:
MAP
);
$builtin{stanza} = $builtin{csv};

my %reading = (
    only    => \&_read_only,
    handle  => \&_read_once,
    name    => \&_read_once,
    summary => \&_read_once,
    words   => \&_read_words,
    show    => \&_read_show,
);

sub read_file {
    my ($path) = @_;
    my $lines = NetIO::Load::Lines->of_file($path);

    NetIO::Load::Failure->throw(EX_DATAERR, "$path: it is not text in UTF-8")
        if $lines->start =~ /\0/;
    my $map = _new_map($path);
    while (my ($text, $flaw) = $lines->next) {
        _read_line($map, $lines->number, $text,
            defined $flaw && $flaw ne NetIO::Load::Lines::UNENDED ? $flaw : undef);
    }
    return _finished($map);
}

sub read_builtin {
    my ($format) = @_;
    my $map      = _new_map();
    my $number   = 0;

    _read_line($map, ++$number, $_) for split /\n/, $builtin{$format};
    return _finished($map);
}

sub _new_map {
    my ($path) = @_;

    return { file => $path, only => [], words => [], show => [], parts => [], known => {} };
}

sub _finished {
    my ($map) = @_;

    for my $wanted (qw(handle name)) {
        NetIO::Load::Failure->throw(EX_DATAERR,
            "$map->{file}: the map does not say what the $wanted is; it needs a line '$wanted: ...'"
        ) if !$map->{$wanted};
    }
    delete $map->{known};    # parts by their names
    return $map;
}

sub _read_line {
    my ($map, $number, $text, $flaw) = @_;

    return if !defined $flaw && $text =~ /^\s*(?:#|\z)/;
    my $error = $flaw || _read_directive($map, $number, $text);
    NetIO::Load::Failure->throw(EX_DATAERR, "$map->{file}:$number: $error") if $error;
    return;
}

# These put a line where it belongs, and return what is wrong with it, or nothing.

sub _read_directive {
    my ($map, $number, $text) = @_;

    return quote($text) . ' has no colon' if $text !~ /^\s*([^\s:]*)\s*([^:]*?)\s*:(.*)/s;
    my ($directive, $label, $rest) = ($1, $2, $3);
    my $read = $reading{$directive};
    return quote($directive)
        . ' is no directive; there are: only, handle, name, summary, words, show'
        if !$read;
    return quote("$directive $label") . " is no directive; '$directive' takes no label"
        if $label ne '' && $directive ne 'show';
    return $read->($map, $number, $directive, $rest, $label);
}

sub _read_once {
    my ($map, $number, $directive, $text) = @_;

    return "a second '$directive'; the first is in line $map->{$directive}{line}"
        if $map->{$directive};
    my ($expression, $error) = _expression($map, $number, $text);
    $map->{$directive} = $expression;
    return $error;
}

sub _read_words {
    my ($map, $number, $directive, $text) = @_;
    my ($expression, $error) = _expression($map, $number, $text);

    push @{ $map->{words} }, map { @$_ } @{ $expression->{groups} };
    return $error;
}

sub _read_show {
    my ($map, $number, $directive, $text, $label) = @_;

    $label = clean_value($label);
    return "'show' has no label" if $label eq '';
    return quote($label) . ' is longer than ' . LONGEST_LABEL . ' characters'
        if length $label > LONGEST_LABEL;
    if ($label eq '*') {
        return "'show *' takes no names" if $text !~ /^\s*(?:#|\z)/;
        return "a second 'show *'"       if grep { !$_->[1] } @{ $map->{show} };
        push @{ $map->{show} }, ['*'];
        return;
    }
    my ($expression, $error) = _expression($map, $number, $text);
    push @{ $map->{show} }, [$label, $expression];
    return $error;
}

sub _read_only {
    my ($map, $number, $directive, $text) = @_;
    my ($before, $error)  = _tokens($text, '=');
    my ($equals, @values) = (0);

    return $error if $error;
    ($equals) = grep { $before->[$_][0] eq '=' } 0 .. $#$before;
    return "'only' wants NAME=VALUE" if !$equals || $equals == $#$before;
    my @after = splice @$before, $equals;
    for (@after[1 .. $#after]) {
        my ($kind, $value) = @$_;
        return "'only' wants NAME=VALUE" if $kind ne (@values % 2 ? '|' : 'name');
        push @values, $value;
    }
    return "'only' wants NAME=VALUE" if @values % 2 == 0;
    (my $groups, $error) = _groups($map, $number, $before);
    return $error                    if $error;
    return "'only' wants NAME=VALUE" if @$groups > 1 || @{ $groups->[0] } > 1;
    my %value = map { lc clean_value($_) => 1 } grep { $_ ne '|' } @values;
    push @{ $map->{only} }, { part => $groups->[0][0], value => \%value };
    return;
}

# Returns an expression; or undef and what is wrong with it.
sub _expression {
    my ($map, $number, $text) = @_;
    my ($tokens, $error) = _tokens($text, '');

    return (undef, $error) if $error;
    (my $groups, $error) = _groups($map, $number, $tokens);
    return (undef, $error) if $error;
    my $single = @$groups == 1 && @{ $groups->[0] } == 1;
    my $said   = join ', ', map {
        join ' ',
            map { join '|', @{ $_->{said} } }
            @$_
    } @$groups;
    return {
        line   => $number,
        groups => $groups,
        part   => $single ? $groups->[0][0] : undef,
        text   => $said,
    };
}

# Returns a list of [kind, text], of which the kind is 'name' or a sign; or undef and what is wrong.
sub _tokens {
    my ($text, $sign) = @_;
    my @tokens;

    while ($text =~ /\G\s*(?=[^\s#])/gc) {
        if ($text =~ /\G"([^"]*)"/gc) {
            return (undef, 'a name is empty') if clean_value($1) eq '';
            push @tokens, ['name', $1];
        } elsif ($text =~ /\G([,|$sign])/gc) {
            push @tokens, [$1, $1];
        } elsif ($text =~ /\G([^\s",|$sign]+)/gc) {
            push @tokens, ['name', $1];
        } else {
            return (undef, 'a quote does not end');
        }
    }
    return \@tokens;
}

# Names with bars between them make a part; parts, a group; and commas stand between groups.
sub _groups {
    my ($map, $number, $tokens) = @_;
    my @groups = [];
    my $before = 'the colon';    # or the sign after which a name has to come

    for (@$tokens) {
        my ($kind, $text) = @$_;
        if ($kind eq 'name') {
            push @{ $groups[-1] },     [] if $before ne "'|'";
            push @{ $groups[-1][-1] }, $text;
            $before = '';
            next;
        }
        return (undef, "a name is missing between $before and '$kind'") if $before ne '';
        push @groups, [] if $kind eq ',';
        $before = "'$kind'";
    }
    return (undef, "a name is missing after $before") if $before ne '';
    return [
        map {
            [map { _part($map, $number, $_) } @$_]
        } @groups
    ];
}

# The part of those names; the one there is when the map has it already.
sub _part {
    my ($map, $number, $said) = @_;
    my $parts = $map->{parts};
    my @names = map { lc clean_value($_) } @$said;
    my $known = \$map->{known}{ join "\n", @names };

    return $$known if $$known;
    $$known = { line => $number, number => scalar @$parts, said => $said, names => \@names };
    push @$parts, $$known;
    return $$known;
}

1;

__END__

=head1 NAME

NetIO::Load::MapFile - the text of a map of names

=head1 SYNOPSIS

    use NetIO::Load::MapFile;

    my $map = NetIO::Load::MapFile::read_file('people.map');
    print "$_->{line}: @{ $_->{said} }\n" for @{ $map->{parts} };

=head1 DESCRIPTION

Reads a map, which L<whois-load(1)/MAP FILES> describes, into a hash:

=over

=item C<file>

Its name, undef when it is built in.

=item C<handle>, C<name>, C<summary>

Expressions; C<summary> may be missing.  An expression has the C<line> it stands in, its C<text>,
and C<groups>, a list of lists of parts.  When there is just one part, it is also in C<part>.

=item C<words>

A list of parts.

=item C<show>

A list of pairs of a label and an expression, in order; C<show *> is C<['*']>.

=item C<only>

A list of hashes: a C<part>, and C<value>, a hash with the values in lower case.

=item C<parts>

All parts there are.  A part has the C<line> it stands in, its C<number> in this list, its
C<names> in lower case, of which the first that is there counts, and how the map has C<said> them.
Where a map says the same twice it is the same part.

=back

=head1 FUNCTIONS

=over

=item read_file(PATH)

The map in that file.

=item read_builtin(FORMAT)

The map for files of that format for which none is given.

=back

=head1 ERRORS

Both throw a L<NetIO::Load::Failure> that names file and line.

=head1 SEE ALSO

L<NetIO::Load::Map>, L<whois-load(1)>

=cut
