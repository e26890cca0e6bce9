package NetIO::Gateway::HTML;

# HTML of the gateways: text made fit for a page, and the frame that every page has.  Called by
# NetIO::Gateway::Page and whois2html; pure.
#
# No warnings here, as in NetIO::Gateway::CGI.

use strict;

# A style sheet that a policy allows by its hash; t/51-whois2html.t has it computed again.
my $STYLE_HASH = 'sha256-FObDxyrfmgQOUK/UokDzDRViBPwjRMwK2bJfvZBThxQ=';
my $STYLE      = <<'CSS';
:root {
  color-scheme: light dark;
  --ground: #f3f5f7; --paper: #fff; --ink: #1b2127; --soft: #56616c; --line: #d8dee4;
  --link: #0b5394; --button: #0b5394; --button-ink: #fff; --hover: #eef4fa;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161a; --paper: #1b2025; --ink: #e3e8ed; --soft: #a2adb8; --line: #353e47;
    --link: #8cc2f5; --button: #8cc2f5; --button-ink: #0c1a27; --hover: #232b33;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 54rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: anywhere;
}
a { color: var(--link); text-underline-offset: .15em; }
a:hover { text-decoration-thickness: .15em; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; font-weight: 650; }
h2 { margin: 1.75rem 0 .5rem; font-size: 1.15rem; line-height: 1.3; font-weight: 650; }
p, ul { margin: 0 0 .75rem; }
ul { padding-left: 1.25rem; }
.site { margin: 0 0 .75rem; font-weight: 650; }
.site a { color: inherit; text-decoration: none; }
.site a:hover { text-decoration: underline; }
label { display: block; margin-bottom: .3rem; color: var(--soft); }
#search { margin: 0; }
#search p { display: flex; gap: .5rem; margin: 0; }
#q, button { min-height: 2.75rem; border-radius: 6px; font: inherit; }
#q {
  flex: 1; min-width: 0; padding: .4rem .75rem;
  border: 1px solid var(--soft); background: var(--paper); color: inherit;
}
button {
  padding: .4rem 1.1rem; border: 1px solid var(--button); cursor: pointer;
  background: var(--button); color: var(--button-ink); font-weight: 600;
}
button:hover { filter: brightness(1.12); }
main {
  margin: 1.25rem 0; padding: 1.5rem; border: 1px solid var(--line); border-radius: 10px;
  background: var(--paper);
}
main > :last-child, main > :last-child > :last-child { margin-bottom: 0; }
.hint { margin-top: 1rem; color: var(--soft); }
footer { color: var(--soft); }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
caption { padding-bottom: .5rem; text-align: left; color: var(--soft); }
th, td { padding: .5rem .75rem .5rem 0; text-align: left; vertical-align: top; font-weight: 400; }
thead th { color: var(--soft); font-weight: 600; }
tbody tr { border-top: 1px solid var(--line); }
tbody tr:hover { background: var(--hover); }
tbody th a { font-weight: 600; text-decoration: none; }
tbody th a:hover, tbody th a:focus { text-decoration: underline; }
thead th:nth-child(1) { width: 42%; }
thead th:nth-child(3) { width: 18%; }
.handle, dd, td { font-variant-numeric: tabular-nums; }
.card { display: grid; grid-template-columns: minmax(6rem, 12rem) 1fr; margin: 0 0 1rem; }
dt, dd { margin: 0; padding: .45rem 0; }
dt { grid-column: 1; padding-right: 1rem; color: var(--soft); }
dd { grid-column: 2; }
dt, dt + dd { border-top: 1px solid var(--line); }
dd + dd { margin-top: -.45rem; padding-top: 0; }
kbd {
  padding: .1em .35em; border: 1px solid var(--line); border-radius: 4px;
  background: var(--ground); font: .95em ui-monospace, "DejaVu Sans Mono", monospace;
}
@media (max-width: 34rem) {
  body { padding: 1rem .75rem 2rem; }
  main { padding: 1.1rem 1rem; }
  .card { display: block; }
  dt { padding-bottom: 0; }
  dt + dd { padding-top: 0; border-top: 0; }
  #results thead {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
  #results, #results caption, #results tbody, #results tr, #results tbody th, #results td {
    display: block; width: auto; padding: 0;
  }
  #results caption { padding-bottom: .75rem; }
  #results tbody tr { padding: .6rem 0; }
  #results td { color: var(--soft); }
}
@media print {
  body { background: none; }
  header, footer, .hint { display: none; }
  main { padding: 0; border: 0; }
}
CSS

my %entity = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;', q{'} => '&#39;');

# Fit for text and for an attribute in quotes.  What no page may hold, not even as a number, is
# shown as U+FFFD: control characters, surrogates, noncharacters, numbers beyond Unicode.
sub escape {
    my ($text) = @_;

    $text =~ s/([&<>"'])/$entity{$1}/g;
    if ($text =~ tr/ -~//c) {
        $text =~ s/[\x00-\x1f\x7f-\x9f\x{d800}-\x{dfff}\x{fdd0}-\x{fdef}]/\x{fffd}/g;
        $text =~ s/([^\x00-\x{fffd}])/_may_stand($1) ? $1 : "\x{fffd}"/ge;
    }
    return $text;
}

# The last two numbers of every plane are noncharacters.
sub _may_stand {
    my ($number) = map { ord } @_;

    return ($number & 0xfffe) != 0xfffe && $number <= 0x10ffff;
}

# Fit for a part of an address: every byte but letters, digits and four signs as %XX.
sub percent {
    my ($text) = @_;

    utf8::encode($text);
    $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

sub policy {
    return "default-src 'none'; style-src '$STYLE_HASH'; img-src data:; "
        . "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
}

# The page of a name and of the HTML that it has below its heading; without a name it is the
# start.  title: of all pages; query: what stands in the field; base: what links begin with.
sub document {
    my (%page) = @_;
    my $site  = escape($page{title});
    my $name  = defined $page{name} ? escape($page{name}) : undef;
    my $start = escape($page{base}) . '?';
    my $form  = _form(\%page);
    my $title = defined $name ? "$name &ndash; $site" : $site;
    my $body  = defined $name ? <<"NAMED" : <<"START";
<header>
<p class="site"><a href="$start">$site</a></p>
$form</header>
<main>
<h1>$name</h1>
$page{main}</main>
NAMED
<main>
<h1>$site</h1>
$form$page{main}</main>
START

    return <<"HTML";
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<style>$STYLE</style>
</head>
<body>
$body<footer>
<p><a href="${start}help">Help</a></p>
</footer>
</body>
</html>
HTML
}

# Without an action a form goes where its page came from.
sub _form {
    my ($page) = @_;
    my $action = $page->{base} eq ''     ? '' : ' action="' . escape($page->{base}) . '"';
    my $focus  = defined $page->{name} ? '' : ' autofocus';
    my $query  = escape(defined $page->{query} ? $page->{query} : '');

    return <<"HTML";
<form id="search" role="search"$action>
<label for="q">Name, or any other word of an entry</label>
<p><input type="search" id="q" name="q" value="$query" spellcheck="false"$focus>
<button type="submit">Search</button></p>
</form>
HTML
}

1;
__END__

=head1 NAME

NetIO::Gateway::HTML - text made fit for a page, and the frame of a page

=head1 SYNOPSIS

    use NetIO::Gateway::HTML;

    print NetIO::Gateway::HTML::document(
        title => 'Staff',
        name  => 'AT&T',
        main  => '<p>' . NetIO::Gateway::HTML::escape('1 < 2') . "</p>\n",
        query => 'at&t',
        base  => '',
    );

=head1 DESCRIPTION

Pages of HTML with one style sheet, and without scripts.  They can be read from a width of 360
pixels up, and are dark where the reader's system is.

=head1 FUNCTIONS

Texts and pages are characters.

=head2 escape

    my $html = escape($text);

The text for HTML: as text, and as an attribute in quotes.  C<< & < > " ' >> become entities, and
characters that no page may hold U+FFFD.

=head2 percent

    my $address = '?q=' . percent($text);

The text for a part of an address: UTF-8, with all but letters, digits, C<.>, C<_>, C<~> and C<->
percent-encoded.

=head2 policy

The Content-Security-Policy for the pages: nothing but the style sheet, and the form, back to where
it came from.

=head2 document

A page.  C<title> is that of all pages, C<name> what is on this one (undef: it is the start),
C<query> what stands in the field to search with, C<base> what links begin with: these are texts.
C<main> is HTML, what stands below the heading.

=head1 SEE ALSO

L<NetIO::Gateway::Page>, L<NetIO::Gateway::CGI>

=cut
