# fuzz/cgi.pl: a request to whois2html, and what the directory answers it.  An input is lines
# NAME=VALUE, the environment of the request, then an empty line and the answer.  Whatever they are,
# the response has the headers it always has, and a page of the tags and attributes that pages have.

use strict;
use warnings;

use Fuzz;
use NetIO::Gateway::CGI;
use NetIO::Gateway::HTML;
use NetIO::Gateway::Inquiry;
use NetIO::Gateway::Page;
use NetIO::Gateway::Trouble;
use NetIO::Whois;

my %is_status = map { $_ => 1 } 200, 400, 404, 405, 500, 502, 503, 504;

# All there is in a page; what comes from outside is text, or the value of one of these.
my %is_void = map { $_ => 1 } qw(meta link input);
my $tag     = qr{
    <(?:!DOCTYPE\ html|
      (/?)(html|head|meta|title|link|style|body|header|main|footer|h1|h2|p|a|form|label|input|button
        |table|caption|thead|tbody|tr|th|td|dl|dt|dd|ul|li|kbd|div)
      ((?:\ (?:lang|charset|name|content|rel|href|id|class|role|action|for|type|value|scope
        |spellcheck)="[^"<>]*"|\ autofocus)*))>
}x;
my $text    = qr/(?:[^<>&"]|&(?:amp|lt|gt|quot|\#39|ldquo|rdquo|ndash);)*+/;
my $address = qr{(?:(?:\.{1,2}/)*+(?:\?|\z)|mailto:|data:,\z)};

# Called as whois2html calls it.
sub page_for {
    my ($request, $answer) = @_;
    my $query = $request->query;

    return trouble($request->trouble)    if $request->trouble;
    return NetIO::Gateway::Page::help()  if $request->help;
    return NetIO::Gateway::Page::start() if !defined $query || $query eq '';
    check_query($query);
    my ($word, undef, $say) = NetIO::Gateway::Inquiry::_verdict($answer);
    return defined $word ? trouble($word, $say) : NetIO::Gateway::Page::found($answer, $query);
}

sub trouble {
    my ($word, $say) = @_;

    mark('trouble', $word, defined $say);
    return NetIO::Gateway::Page::trouble(NetIO::Gateway::Trouble::page($word, $say));
}

# What goes to the directory is one line that it takes.
sub check_query {
    my ($query) = @_;
    my $line = NetIO::Whois->new->_line($query);

    must($line =~ /\A[^\x00-\x1f\x7f]{1,1022}\r\n\z/, 'a query that is no line');
    return;
}

my %value = (
    'Status'                  => qr/[2345][0-9]{2} [A-Z][A-Za-z ]+/,
    'Content-Type'            => qr{text/html; charset=utf-8},
    'Content-Length'          => qr/[0-9]+/,
    'Content-Security-Policy' => qr/default-src 'none'; [ -~]+/,
    'X-Content-Type-Options'  => qr/nosniff/,
    'Referrer-Policy'         => qr/no-referrer/,
    'Cache-Control'           => qr/[a-z, -]+/,
    'Allow'                   => qr/GET, HEAD/,
);

sub check_head {
    my ($head, $status) = @_;
    my %header = map { /\A([A-Za-z-]+): (.*)\z/s ? ($1, $2) : ($_, '') } split /\n/, $head;

    for my $name (keys %header) {
        must($value{$name} && $header{$name} =~ /\A$value{$name}\z/, "the header '$name'");
    }
    must(keys %header == ($status == 405 ? 8 : 7), 'more or fewer headers than always');
    must($is_status{$status} && $header{Status} =~ /^$status /, "the status $status");
    return $header{'Content-Length'};
}

# Tags of the kinds that pages have, each closed by its own; text without a < of its own.
sub check_page {
    my ($html) = @_;
    my @open;

    $html =~ s{<style>[^<]*</style>}{} or die "no style sheet\n";
    while ($html =~ /\G$text$tag/gco) {
        my ($closes, $name, $attributes) = ($1, $2, $3);
        next if !defined $name || $is_void{$name};
        must(!$closes || @open && pop @open eq $name, "</$name> closes what it has not opened");
        push @open, $name if !$closes;
        my ($link) = $attributes =~ / (?:href|action)="([^"]*)"/;
        must($link =~ /\A$address/, "a link to '$link'") if defined $link;
    }
    must($html =~ /\G\n\z/gc && !@open, 'HTML that is none, at ' . substr $html, pos $html, 40);
    return;
}

sub one_input {
    my ($bytes) = @_;
    my ($lines, $octets) = split /\n\n/, $bytes, 2;
    my %env     = map { /\A([^=]*)=(.*)\z/s ? ($1, $2) : () } split /\n/, $lines // '';
    my $answer  = NetIO::Whois::Answer->new($octets // '');
    my $request = NetIO::Gateway::CGI->request(\%env);
    my $title   = $env{WHOIS2HTML_TITLE} // 'Directory';
    my $page    = page_for($request, $answer);

    utf8::decode($title);
    my $response = NetIO::Gateway::CGI->response(
        status => $page->{status},
        head   => $request->head,
        policy => NetIO::Gateway::HTML::policy(),
        html   => NetIO::Gateway::HTML::document(
            %$page,
            title => $title,
            query => $request->query,
            base  => $request->base,
        ),
    );
    my ($head, $body) = split /\n\n/, $response, 2;
    my $length = check_head($head, $page->{status});
    return must($body eq '', 'a body for HEAD') if $request->head;
    must(length $body == $length, 'another length than said');
    must(utf8::decode($body) && $body !~ /[\x00-\x09\x0b-\x1f\x7f-\x9f]/, 'a page with controls');
    check_page($body);
    return;
}

1;
