#!/usr/bin/perl

# page.cgi: what whois2html does, written with CGI.pm and IO::Socket::IP as one would write it
# without NetIO: a form, the matches as a table, an entry as a card, everything escaped.  A peer
# of bench/part/page.pm; not meant for use.  PAGE_PORT is the port of whoisd on 127.0.0.1.

use strict;
use warnings;

use CGI    qw(-utf8);
use Encode ();
use IO::Socket::IP;

use constant PATIENCE => 10;    # seconds until the server has connected

my $cgi = CGI->new;
binmode STDOUT, ':encoding(UTF-8)';
my $query  = $cgi->param('q') // '';
my $answer = $query eq '' ? [] : ask($query);
print $cgi->header(-type => 'text/html', -charset => 'utf-8'),
    $cgi->start_html(-title => 'Directory', -lang => 'en', -style => style()),
    $cgi->h1('Directory'), form(), $answer ? result(@$answer) : $cgi->p('The directory is away.'),
    $cgi->end_html;

sub style {
    return { -code => 'body { font-family: sans-serif } td, th { text-align: left }' };
}

sub form {
    return $cgi->start_form(-method => 'get', -action => $cgi->url(-absolute => 1)),
        $cgi->label({ -for => 'q' }, 'Search'), $cgi->textfield(-name => 'q', -id => 'q'),
        $cgi->submit(-name => 'go', -value => 'Search'), $cgi->end_form;
}

# The lines of the answer, as characters.
sub ask {
    my ($text) = @_;
    my $socket = IO::Socket::IP->new(
        PeerHost => '127.0.0.1',
        PeerPort => $ENV{PAGE_PORT},
        Timeout  => PATIENCE,
    ) or return;

    print {$socket} Encode::encode_utf8($text), "\r\n";
    my @lines = map { Encode::decode_utf8($_) } <$socket>;
    s/\r?\n\z// for @lines;
    return \@lines;
}

sub result {
    my ($count, @lines) = @_;
    my (@matches, @fields);

    return '' if !defined $count;
    for my $line (@lines) {
        if ($line =~ /^ {20}: (.*)/) {
            my $last = @matches ? $matches[-1] : $fields[-1];
            $last->[1] .= " $1" if $last;
        } elsif ($line =~ /^ *!(\S+): (.*)/) {
            push @matches, [$1, $2];
        } elsif ($line =~ /^ +([^:]+): (.*)/) {
            push @fields, [$1, $2];
        }
    }
    my @rows = @matches ? map { match($_) } @matches : map { field($_) } @fields;
    return $cgi->h2($cgi->escapeHTML($count)), $cgi->table(@rows);
}

sub match {
    my ($handle, $name) = @{ $_[0] };
    my $link = $cgi->url(-absolute => 1) . '?q=' . $cgi->escape("!$handle");

    return $cgi->Tr($cgi->td($cgi->a({ -href => $link }, $cgi->escapeHTML($handle))),
        $cgi->td($cgi->escapeHTML($name)));
}

sub field {
    my ($label, $value) = @{ $_[0] };

    return $cgi->Tr($cgi->th($cgi->escapeHTML($label)), $cgi->td($cgi->escapeHTML($value)));
}
