# fuzz/answer.pl: what NetIO::Whois makes of whatever a server answers.  Lines hold nothing that
# moves the cursor; the parts agree with each other; the text, sent again, is the same answer.

use strict;
use warnings;

use Fuzz;
use NetIO::Whois;

my $unseen = qr/[\x00-\x1f\x7f-\x9f\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]/;

sub check_count {
    my ($answer) = @_;
    my $count = $answer->count;

    must(!defined $count     || $count =~ /^[0-9]+\z/,   'a count that is no number');
    must(!$answer->none      || $count == 0,             'none, and yet some');
    must(!$answer->truncated || defined $count,          'truncated at no number');
    must(!defined $count     || !defined $answer->sorry, 'an excuse and a count');
    must(defined $count      || !($answer->matches || $answer->records), 'found without a count');
    return;
}

sub check_parts {
    my ($answer) = @_;
    my $parts = 0;

    for ($answer->matches) {
        must($_->{handle} =~ /\A\S/,                           "the handle '$_->{handle}'");
        must(defined $_->{name} && defined $_->{summary},      'a match without a name');
        must("$_->{handle}$_->{name}$_->{summary}" !~ $unseen, 'a match with controls');
        mark('match', $_->{name} eq '', $_->{summary} eq '');
        $parts++;
    }
    for my $record ($answer->records) {
        my @fields = $record->fields;
        must(@fields > 0,                   'a record without fields');
        must($_->[0] =~ /\A\S/,             "the label '$_->[0]'") for @fields;
        must(scalar(() = $record->get($_)), "no value of '$_'")    for $record->labels;
        mark('record', scalar @fields, scalar $record->labels);
        $parts += @fields;
    }
    must($parts < $answer->lines || !$parts, 'more parts than lines');
    return;
}

sub one_input {
    my ($bytes) = @_;
    my $answer  = NetIO::Whois::Answer->new($bytes);
    my $text    = $answer->text;

    must($text eq join('', map { "$_\n" } $answer->lines), 'the text is not its lines');
    must(($text =~ tr/\n//) == $answer->lines,             'a line with an end in it');
    must($text =~ tr/\n//dr !~ $unseen,                    'a line with controls');
    check_count($answer);
    check_parts($answer);
    utf8::encode($text);
    must(join("\n", NetIO::Whois::Answer->new($text)->lines) eq join("\n", $answer->lines),
        'the same text gives another answer');
    return;
}

1;
