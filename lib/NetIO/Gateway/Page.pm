package NetIO::Gateway::Page;

# The pages of a directory: start, results, entries, nothing found, help, trouble.  Called by
# whois2html with what NetIO::Whois has read; pure.  A page is a hash: status; name, its heading,
# as characters; main, the HTML below that.  Whatever comes from outside goes through escape().
#
# No warnings here, as in NetIO::Gateway::CGI.

use strict;

use NetIO::Gateway::HTML;

*escape  = \&NetIO::Gateway::HTML::escape;
*percent = \&NetIO::Gateway::HTML::percent;

sub start {
    return { status => 200, main => <<'HTML' };
<p class="hint">Any word will do: a name, a department, a town, a phone number. Several words find
what has all of them. Capitals and accents make no difference.</p>
HTML
}

# What whoisd has found for a query.
sub found {
    my ($answer, $query) = @_;
    my @matches = $answer->matches;
    my @records = $answer->records;

    return help()       if $answer->help;
    return none($query) if $answer->none;
    return @matches ? results($answer, $query, @matches) : entries($query, @records);
}

sub results {
    my ($answer, $query, @matches) = @_;
    my $more = $answer->truncated;
    my $name = ($more ? 'More than ' : '') . $answer->count . " matches for \x{201c}$query\x{201d}";
    my $main = $more ? <<'HTML' : '';
<p role="status">Only the first of them are listed. Add another word, such as a first name or a
department, to find fewer.</p>
HTML

    $main .= <<'HTML';
<table id="results">
<caption>Sorted by name</caption>
<thead>
<tr><th scope="col">Name</th><th scope="col">Details</th><th scope="col">Handle</th></tr>
</thead>
<tbody>
HTML
    $main .= _row($_) for @matches;
    return { status => 200, name => $name, main => "$main</tbody>\n</table>\n" };
}

sub _row {
    my ($match) = @_;
    my ($handle, $name, $summary) = map { escape($_) } @$match{qw(handle name summary)};
    my $address = '?q=' . percent("!$match->{handle}");

    $name = $handle if $name eq '';
    return qq{<tr><th scope="row"><a href="$address">$name</a></th>}
        . qq{<td>$summary</td><td class="handle">$handle</td></tr>\n};
}

# Entries in full.  There are several only if they share a handle.
sub entries {
    my ($query, @records) = @_;
    my $name =
        @records == 1
        ? _name_of($records[0])
        : @records . " entries for \x{201c}$query\x{201d}";
    my $main =
        _is_handle($query) || @records > 1
        ? ''
        : '<p role="status">The only match for &ldquo;' . escape($query) . "&rdquo;.</p>\n";

    for my $n (1 .. @records) {
        my $record = $records[$n - 1];
        my $id     = $n == 1 ? 'card' : "card-$n";
        $main .= '<h2>' . escape(_name_of($record)) . "</h2>\n" if @records > 1;
        $main .= qq{<dl id="$id" class="card">\n} . _card($record) . "</dl>\n";
    }
    return { status => 200, name => $name, main => $main };
}

# What a record is the record of: fields of that meaning, else the first there is.
sub _name_of {
    my ($record) = @_;

    for my $label ('Full Name', 'Organisation', 'Name') {
        my $name = $record->get($label);
        return $name if defined $name && $name ne '';
    }
    my ($first) = grep { $_ ne '' } map { $_->[1] } $record->fields;
    return defined $first ? $first : 'Entry';
}

# Values of a label that follow each other stand below one label.
sub _card {
    my ($record) = @_;
    my $above    = '';
    my $html     = '';

    for my $field ($record->fields) {
        my ($label, $value) = @$field;
        $html .= '<dt>' . escape($label) . "</dt>\n" if $label ne $above;
        $html .= '<dd>' . _value($value) . "</dd>\n";
        $above = $label;
    }
    return $html;
}

# A mail address is linked, and nothing else is: one of RFC 5322 in ASCII, without quotes.
my $atom    = qr/[A-Za-z0-9!#\$%&'*+\/=?^_`{|}~-]+/;
my $domain  = qr/[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?/;
my $address = qr/\A(?=.{6,254}\z)(?=.{1,64}\@)($atom(?:\.$atom)*)\@($domain(?:\.$domain)+)\z/;

sub _value {
    my ($value) = @_;
    my $text = escape($value);

    return $text if $value !~ $address;
    return '<a href="mailto:' . percent($1) . qq{\@$2">$text</a>};
}

sub none {
    my ($query) = @_;

    return _is_handle($query) ? _no_such_handle($query) : _no_such_words($query);
}

# As whoisd takes it.
sub _is_handle {
    my ($query) = @_;

    return $query =~ /^\.*!/;
}

# An entry that is not there is a page that is not there; that no entry has the words is an answer.
sub _no_such_handle {
    my ($query)  = @_;
    my ($handle) = map { escape($_) } $query =~ /^[.! ]*(.*)/s;

    return { status => 404, name => "No entry \x{201c}$query\x{201d}", main => <<"HTML" };
<p id="none" role="status">The directory has no entry with the handle <kbd>$handle</kbd>. It may have
been removed. Search for the name instead.</p>
HTML
}

sub _no_such_words {
    my ($query) = @_;
    my $try = _beginnings($query);

    return { status => 200, name => "Nothing found for \x{201c}$query\x{201d}", main => <<"HTML" };
<div id="none">
<p role="status">No entry has all of these words.</p>
<ul>
<li>Check the spelling, or leave out the words you are not sure of.</li>
$try<li>See the <a href="?help">help</a> for what can be asked.</li>
</ul>
</div>
HTML
}

# "smi jo" -> "smi* jo*", but not where there are signs, or a single letter that begins half of
# all words.
sub _beginnings {
    my ($query) = @_;

    return '' if $query =~ /[*!?.,]|(?:\A| ).(?: |\z)/;
    my $wider = join ' ', map { "$_*" } split / +/, $query;
    return '<li>Look for words that begin so: <a href="?q=' . percent($wider) . '">'
        . escape($wider) . "</a></li>\n";
}

sub help {
    return { status => 200, name => 'Help', main => <<'HTML' };
<p>Type one or more words and press Enter. You get the entries that have all of the words, in any
order, anywhere: in the name, the department, the address, the phone number. Capitals, accents and
punctuation make no difference.</p>
<h2>What you can type</h2>
<dl class="card">
<dt><kbd>smith</kbd></dt>
<dd>Entries with this word</dd>
<dt><kbd>smith physics</kbd></dt>
<dd>Entries with both words</dd>
<dt><kbd>smi*</kbd></dt>
<dd>Words that begin with smi</dd>
<dt><kbd>.smith</kbd></dt>
<dd>Entries with this word in their name</dd>
<dt><kbd>!481800</kbd></dt>
<dd>The entry with this handle</dd>
</dl>
<h2>What you get</h2>
<p>When several entries match, they are listed: follow a name to see all of its entry. When one
matches, you see it at once. At most 250 are listed; another word finds fewer. A handle is the short
sign by which the directory knows an entry. It stays the same, so you can keep the address of an
entry's page.</p>
HTML
}

# What went wrong, in words; see NetIO::Gateway::Trouble.
sub trouble {
    my ($trouble) = @_;
    my ($status, $name, $what, $advice) = @$trouble{qw(status name what advice)};

    return { status => $status, name => $name, main => <<"HTML" };
<div id="error" role="alert">
<p>@{[escape($what)]}</p>
<p>@{[escape($advice)]}</p>
</div>
HTML
}

1;
__END__

=head1 NAME

NetIO::Gateway::Page - the pages of a directory

=head1 SYNOPSIS

    use NetIO::Gateway::HTML;
    use NetIO::Gateway::Page;
    use NetIO::Whois;

    my $query  = 'quinton';
    my $answer = NetIO::Whois->new(server => 'whois.example.org', port => 'whois')->ask($query);
    my $page   = NetIO::Gateway::Page::found($answer, $query);
    print NetIO::Gateway::HTML::document(%$page, title => 'Staff', query => $query, base => '');

=head1 DESCRIPTION

From what L<NetIO::Whois> has read to what L<NetIO::Gateway::HTML> puts into its frame.

=head1 FUNCTIONS

Each returns a page, a hash: C<status>, the HTTP status; C<name>, its heading, as characters;
C<main>, the HTML below it.

=head2 start

The page to begin with.

=head2 found

    my $page = found($answer, $query);

What whoisd found: a table with the id C<results>, one or more entries (the first with the id
C<card>), C<none>, or its help.

=head2 results, entries, none

The three of them.

=head2 help

What can be asked.

=head2 trouble

    my $page = trouble(NetIO::Gateway::Trouble::page('slow'));

What went wrong, with the id C<error>.

=head1 SEE ALSO

L<NetIO::Gateway::HTML>, L<NetIO::Gateway::Trouble>, L<NetIO::Whois>

=cut
