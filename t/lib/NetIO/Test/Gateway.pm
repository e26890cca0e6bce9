package NetIO::Test::Gateway;

# Runs a gateway as a web server does, and looks at its pages with other means than its own.
#
#     my $page = serve({}, QUERY_STRING => 'q=quinton', WHOIS2HTML_PORT => 4343);
#     is $page->{status}, 200;          # also: exit, headers (lines), html (characters), err
#     is_sound($page, 'a search');      # headers and HTML are as they always have to be
#     is skeleton($page->{html}), ...;  # its tags and the names of their attributes
#     is_deeply [texts($page->{html})], ...;
#     is_tidy(search => $page);
#
# The first argument of serve() may have: perl, options of perl; wrap, a command to run it under;
# args; stdin, a handle; stdout, a path; method.

use strict;
use warnings;

use Digest::SHA ();
use Exporter 'import';
use File::Temp          ();
use NetIO::Test::Daemon ();
use POSIX               ();
use Test::More          ();

our @EXPORT = qw(serve by_hand asking octets escaped is_sound skeleton texts title_of is_tidy);

my $program =
    grep({ /blib/ } @INC) && -e 'blib/script/whois2html'
    ? 'blib/script/whois2html'
    : 'bin/whois2html';

# UTF-8.
sub octets {
    my ($text) = @_;

    utf8::encode($text);
    return $text;
}

# In an address, with more signs escaped than have to be.
sub escaped {
    my ($text) = @_;

    return octets($text) =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger;
}

# The environment that makes it ask a peer, or a whoisd.
sub asking {
    my ($peer) = @_;

    return (
        WHOIS2HTML_SERVER  => '127.0.0.1',
        WHOIS2HTML_PORT    => $peer->port,
        WHOIS2HTML_SECONDS => 60,
    );
}

# Exit code (or "signal N"), standard output, standard error.  Of our environment the program gets
# what sanitizers need.
sub by_hand {
    my ($how, %env) = @_;
    my $dir     = File::Temp->newdir;
    my @command = (
        @{ $how->{wrap} || [] },
        $^X,
        @{ $how->{perl} || [] },
        (map { "-I$_" } grep { !ref } @INC),
        $program, @{ $how->{args} || [] }
    );
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        delete @ENV{ grep { !/^(?:PATH|LD_PRELOAD|[AU]BSAN_OPTIONS)$/ } keys %ENV };
        @ENV{ keys %env } = values %env;
        alarm 60;
        POSIX::dup2(fileno $how->{stdin}, 0) if $how->{stdin};
        open STDIN,  '<', '/dev/null' if !$how->{stdin};
        open STDOUT, '>', $how->{stdout} || "$dir/out";
        open STDERR, '>', "$dir/err";
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my $exit = $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
    my $out  = -f "$dir/out" ? NetIO::Test::Daemon::slurp("$dir/out") : '';
    return ($exit, $out, NetIO::Test::Daemon::slurp("$dir/err"));
}

sub serve {
    my ($how, %env) = @_;
    my ($exit, $out, $err) = by_hand(
        $how,
        REQUEST_METHOD    => $how->{method} // 'GET',
        GATEWAY_INTERFACE => 'CGI/1.1',
        %env
    );
    my ($head, $html) = split /\n\n/, $out, 2;
    my @headers  = split /\n/, $head // '', -1;
    my ($status) = ($headers[0] // '') =~ /^Status: (\d{3}) /;

    $html //= '';
    my $bytes = length $html;
    utf8::decode($html);
    return {
        exit    => $exit,
        err     => $err,
        status  => $status // 'none',
        headers => \@headers,
        html    => $html,
        bytes   => $bytes,
        head    => ($how->{method} // '') eq 'HEAD',
    };
}

my %reason = (
    200 => 'OK',
    400 => 'Bad Request',
    404 => 'Not Found',
    405 => 'Method Not Allowed',
    500 => 'Internal Server Error',
    502 => 'Bad Gateway',
    503 => 'Service Unavailable',
    504 => 'Gateway Timeout',
);

# The headers of a page, all of them; the hash is that of its own style sheet.
sub headers_of {
    my ($page, $length) = @_;
    my ($style) = $page->{html} =~ m{<style>(.*)</style>}s;
    my $hash = Digest::SHA::sha256_base64($style // '');

    $hash .= '=' while length($hash) % 4;
    return (
        "Status: $page->{status} $reason{$page->{status}}",
        'Content-Type: text/html; charset=utf-8',
        "Content-Length: $length",
        "Content-Security-Policy: default-src 'none'; style-src 'sha256-$hash'; img-src data:; "
            . "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        'X-Content-Type-Options: nosniff',
        'Referrer-Policy: no-referrer',
        'Cache-Control: private, no-cache',
        $page->{status} == 405 ? 'Allow: GET, HEAD' : (),
    );
}

my $tag    = qr{<(/?[a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>};
my %entity = (
    amp   => '&',
    lt    => '<',
    gt    => '>',
    quot  => '"',
    '#39' => q{'},
    ldquo => "\x{201c}",
    rdquo => "\x{201d}",
    ndash => "\x{2013}"
);
my %may = map { $_ => 1 } qw(html head meta title link style body header main footer form label
    input button h1 h2 p a ul li table caption thead tbody tr th td dl dt dd div kbd);

# Takes a page apart, strictly: what is not a tag like those above is text, and has no sign of one
# in it.  Returns references to [tag, attributes] and texts.
sub parse {
    my ($html) = @_;
    my (@tags, @texts);

    $html =~ s/\A<!DOCTYPE html>\n// or die "no doctype\n";
    $html =~ s{(<style>).*(</style>)}{$1$2}s;
    die "a character that no page may hold\n" if $html =~ /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;
    while ($html =~ /\G(?:$tag|([^<>]+))/gc) {
        my ($name, $attributes, $text) = ($1, $2, $3);
        push @texts, unescape($text) if defined $text;
        next                  if !defined $name;
        die "a tag <$name>\n" if !$may{ $name =~ s{^/}{}r };
        my %attribute;
        $attribute{$1} = unescape($2 // '') while $attributes =~ /([a-z-]+)(?:="([^"]*)")?/g;
        push @tags, [$name, \%attribute];
    }
    die 'no HTML: ' . substr($html, pos($html) // 0, 60) . "\n" if (pos($html) // 0) < length $html;
    return (\@tags, \@texts);
}

sub unescape {
    my ($text) = @_;

    $text =~ s{&([^;]*;?)}{ my $name = $1 =~ s/;\z//r; $entity{$name} // die "an entity: &$1\n" }ge;
    return $text;
}

sub skeleton {
    my ($html) = @_;
    my ($tags) = parse($html);

    return join ' ', map { join ',', $_->[0], sort keys %{ $_->[1] } } @$tags;
}

# The page's texts, without blank ones, and the values of its attributes.
sub texts {
    my ($html) = @_;
    my ($tags, $texts) = parse($html);

    return (grep({ /\S/ } @$texts), map { values %{ $_->[1] } } @$tags);
}

sub title_of {
    my ($page) = @_;

    return $page->{html} =~ m{<title>(.*?)</title>} ? unescape($1) : 'none';
}

# What every page is made of.
sub complaints {
    my ($tags, $texts) = @_;
    my (%count, %id, @bad);
    my $level = 0;

    for (@$tags) {
        my ($name, $attribute) = @$_;
        $count{$name}++;
        push @bad, "id $attribute->{id} twice"
            if defined $attribute->{id} && $id{ $attribute->{id} }++;
        push @bad, "$name: $_" for grep { /^(?:on|style$)/ } keys %$attribute;
        push @bad, "href $_"
            for grep { !m{^(?:(?:\.\./|\./)*\?|mailto:[^\s?]+\z|data:,\z)} }
            grep { defined } $attribute->{href};
        if ($name =~ /^h([1-6])$/) {
            push @bad, "h$1 after h$level" if $1 > $level + 1;
            $level = $1;
        }
    }
    push @bad,
        map { "not one $_" }
        grep { ($count{$_} // 0) != 1 } qw(html title style main h1 form label);
    push @bad, map { "no id $_" } grep { !$id{$_} } qw(search q);
    my %first = map { $_->[0] => $_->[1] } reverse @$tags;
    push @bad, 'language'  if ($first{html}{lang} // '') ne 'en';
    push @bad, 'label'     if ($first{label}{for} // '') ne 'q';
    push @bad, 'icon'      if ($first{link}{href} // '') ne 'data:,';
    push @bad, 'a caption' if $count{table} && !$count{caption};
    push @bad, 'scope'     if grep { $_->[0] eq 'th' && !$_->[1]{scope} } @$tags;
    return @bad;
}

# One test: exit code, the list of headers, and the HTML.
sub is_sound {
    my ($page, $name) = @_;
    my ($tags, $texts);
    my $is_html  = eval { ($tags, $texts) = parse($page->{html}); 1 };
    my @bad      = $is_html ? complaints($tags, $texts) : $@;
    my @expected = headers_of($page, $page->{bytes});

    push @bad, "exit $page->{exit}" if $page->{exit} ne '0';
    push @bad, "not the headers:\n" . join "\n", @{ $page->{headers} }
        if "@{$page->{headers}}" ne "@expected";
    push @bad, "log: $page->{err}" if $page->{err} !~ /\A(?:whois2html: [ -~]*\n)?\z/;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::ok(!@bad, "$name: headers and HTML") || Test::More::diag(join "\n", @bad);
}

# Tests that tidy(1) finds nothing wrong with pages, given by name.
sub is_tidy {
    my (%pages) = @_;

    Test::More::plan(skip_all => 'no tidy here') if system 'tidy -v >/dev/null 2>&1';
    for my $name (sort keys %pages) {
        my $file = File::Temp->new(SUFFIX => '.html');
        binmode $file;
        print {$file} octets($pages{$name}{html});
        close $file;
        Test::More::is(scalar `tidy -e -q -utf8 $file 2>&1`, '', $name);
    }
    return;
}

1;
