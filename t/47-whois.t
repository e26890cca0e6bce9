#!perl -w
# NetIO::Whois: asks whoisd, and other servers, and takes their answers apart.  (-w: for its sake
# it has no warnings of its own.)

use strict;
use warnings;
use utf8;

use lib 't/lib';

use Errno qw(ECONNREFUSED EINVAL ETIMEDOUT);
use File::Temp ();
use NetIO::Test::Peer;
use NetIO::Whois;
use Test::More;

alarm 300;
binmode $_, ':utf8' for map { Test::More->builder->$_ } qw(output failure_output);

sub whois {
    my ($peer, @options) = @_;
    return NetIO::Whois->new(server => $peer->host, port => $peer->port, deadline => 30, @options);
}

sub octets { my ($text) = @_; utf8::encode($text); return $text }

sub answer { return NetIO::Whois::Answer->new(join '', map { "$_\r\n" } @_) }

subtest 'what goes over the wire' => sub {
    my $peer = NetIO::Test::Peer->start(run => sub {
        my ($socket) = @_;
        my $line = NetIO::Test::Peer::read_line($socket);
        NetIO::Test::Peer::send_all($socket, unpack 'H*', $line);
    });
    my @queries = (
        ['cisco',      "cisco\r\n"],
        ['',           "\r\n"],
        ["Malm\xf6",   "Malm\xc3\xb6\r\n"],
        ["\x{263a}",   "\xe2\x98\xba\r\n"],
        ["a\tb\e",     "a\tb\e\r\n"],
        ['x' x 1022,   'x' x 1022 . "\r\n"],
        [7,            "7\r\n"],
    );
    for (@queries) {
        my ($query, $wire) = @$_;
        my $copy = $query;
        is whois($peer)->ask($query)->text, unpack('H*', $wire) . "\n", 'query ' . substr $query, 0, 9;
        is $query, $copy, 'is not changed';
    }
    local ($\, $,, $/) = ('!', '-', \1);
    is whois($peer)->ask('x')->text, "780d0a\n", 'whatever $\\, $, and $/ are';
};

subtest 'wrong queries' => sub {
    my $whois = whois(NetIO::Test::Peer->refusing);
    my $long  = "\xe4" x 512;
    my @wrong = (
        ['undef',    undef,   'there is none',                       'NETIO_EBADOPTION'],
        ['LF',       "a\nb",  'it is not one line',                  'NETIO_EBADOPTION'],
        ['CR',       "a\r",   'it is not one line',                  'NETIO_EBADOPTION'],
        ['NUL',      "a\0b",  'it is not one line',                  'NETIO_EBADOPTION'],
        ['too long', $long,   'it has 1024 bytes, more than 1022',   'NETIO_ETOOLONG'],
    );
    for (@wrong) {
        my ($name, $query, $why, $code) = @$_;
        my $line = __LINE__ + 1;
        ok !eval { $whois->ask($query); 1 }, "$name: dies";
        is "$@", "ask: not a query: $why at $0 line $line.\n", 'text';
        is join(' ', $@->stage, $@->code_name), "option $code", 'stage and code';
    }
};

subtest 'options' => sub {
    my @wrong = (
        ['unknown option', host => 'h', q{unknown option 'host'}],
        map { ["limit $_", limit => $_, qq{limit: '$_' is not a number of bytes}] } '', '1M', -1,
            1.5, "1\n",
    );
    for (@wrong) {
        my ($name, $option, $value, $why) = @$_;
        my $line = __LINE__ + 1;
        ok !eval { NetIO::Whois->new($option => $value); 1 }, "$name: dies";
        is "$@", "NetIO::Whois: $why at $0 line $line.\n", 'text';
        is join(' ', $@->what, $@->stage, $@->code_name), 'new option NETIO_EBADOPTION', 'code';
    }
    my $peer = NetIO::Test::Peer->start(answer => 'x' x 100);
    is whois($peer, limit => undef, timeout => undef)->ask('x')->text, 'x' x 100 . "\n",
        'undef is the default';
};

subtest 'failures' => sub {
    my $refusing = NetIO::Test::Peer->refusing;
    my $port     = $refusing->port;
    my $line     = __LINE__ + 1;
    ok !eval { whois($refusing)->ask('x'); 1 }, 'A1 refused';
    my $text = "tcpopen 127.0.0.1 $port: connect 127.0.0.1:$port: Connection refused";
    is "$@", "$text at $0 line $line.\n", 'text';
    is $@->errno, ECONNREFUSED, 'errno';

    my %peer = (
        'A6 silent' => ['silent'],
        'A7 a drip' => [drip => "line\n", 0.01],
    );
    for my $name (sort keys %peer) {
        my $peer = NetIO::Test::Peer->start(@{ $peer{$name} });
        ok !eval { whois($peer, deadline => 2)->ask('x'); 1 }, "$name: dies";
        is 0 + $!, ETIMEDOUT, '$!';
        is $@->message, 'ask 127.0.0.1 ' . $peer->port . ': read: Connection timed out', 'text';
        is join(' ', $@->stage, $@->code_name, $@->host, $@->service),
            'read ETIMEDOUT 127.0.0.1 ' . $peer->port, 'stage, code, host, service';
    }
    my $reset = NetIO::Test::Peer->start(reset => "There were 1 matches on your request.\r\n");
    ok !eval { whois($reset)->ask('x'); 1 }, 'A8 a reset: dies';
    is $@->message, 'ask 127.0.0.1 ' . $reset->port . ': read: Connection reset by peer', 'text';

    my $flood = NetIO::Test::Peer->start(flood => 'x' x 1000);
    ok !eval { whois($flood)->ask('x'); 1 }, 'A17 no end: dies';
    is $@->message, 'ask 127.0.0.1 ' . $flood->port . ': answer longer than 1048576 bytes', 'text';
    is join(' ', $@->stage, $@->code_name), 'read NETIO_ETOOLONG', 'stage and code';
    my $peer = NetIO::Test::Peer->start(answer => 'x' x 100);
    is whois($peer, limit => 100)->ask('x')->text, 'x' x 100 . "\n", 'just within the limit';
    ok !eval { whois($peer, limit => 99)->ask('x'); 1 }, 'just beyond: dies';
    is $@->message, 'ask 127.0.0.1 ' . $peer->port . ': answer longer than 99 bytes', 'text';

    # It says why and closes, without having read the query.
    my $busy = NetIO::Test::Peer->start(say => "Sorry, too busy.\r\n");
    for (1 .. 20) {
        my $sorry = eval { whois($busy)->ask('x' x 1000)->sorry } // $@->code_name;
        like $sorry, qr/^(?:too busy\.|ECONNRESET)$/, 'a server that closes at once' or last;
    }

    # The same with its RST here before the query goes out.
    my $open = \&NetIO::tcpopen;
    my $mute = NetIO::Test::Peer->start(say => '');
    no warnings 'redefine';
    local $SIG{PIPE} = 'IGNORE';
    local *NetIO::tcpopen = sub { my $fh = $open->(@_); 1 while syswrite $fh, 'x'; return $fh };
    is whois($busy)->ask('x')->sorry, 'too busy.', 'its word counts for more than its RST';
    ok !eval { whois($mute)->ask('x'); 1 }, 'without a word: dies';
    is $@->message, 'ask 127.0.0.1 ' . $mute->port . ': write: Broken pipe', 'text';
};

subtest 'text' => sub {
    my @lines = (
        # name, bytes, lines
        ['CRLF, LF, no end',  "a\r\nb\nc",              'a', 'b', 'c'],
        ['empty lines',       "\r\n\r\na\r\n\r\n",      '', '', 'a', ''],
        ['nothing',           ''],
        ['one empty line',    "\r\n",                   ''],
        ['surrogates',        "\xed\xa0\x81\r\n",       "\xed\xa0"],
        ['beyond Unicode',    "\xf4\x90\x80\x80\r\n",   "\xf4"],
        ['UTF-8',             "Malm\xc3\xb6 \xe2\x98\xba\r\n", 'Malmö ☺'],
        ['Latin-1',           "Malm\xf6\r\n",           'Malmö'],
        ['both',              "Malm\xf6\r\nMalm\xc3\xb6\r\n", 'Malmö', 'Malmö'],
        ['overlong UTF-8',    "\xc0\xaf\r\n",           "\xc0\xaf"],
        ['a lone CR',         "a\rb\r\n",               'ab'],
        ['terminal sequences', "\e[31mred\e]52;c;aGk=\a\r\n", '[31mred]52;c;aGk='],
        ['NUL, DEL, C1',      "a\0b\x7fc\xc2\x9bd\r\n", 'abcd'],
        ['C1 in Latin-1',     "a\x9bb\xe4\r\n",         'abä'],
        ['a tab',             "a\tb\r\n",               'a b'],
        ['direction',         "a\xe2\x80\xaeb\xe2\x81\xa6c\xe2\x80\xa8d\r\n", 'abcd'],
        map { [sprintf('U+%04X', $_), octets('a' . chr($_) . "b\r\n"), 'ab'] } 0x061c,
            0x200e, 0x200f, 0x2028 .. 0x202e, 0x2066 .. 0x2069, 0xfeff,
    );
    for (@lines) {
        my ($name, $bytes, @expected) = @$_;
        is_deeply [NetIO::Whois::Answer->new($bytes)->lines], \@expected, $name;
    }
    is answer('a', 'b')->text, "a\nb\n", 'text';
};

my $none = 'There were no matches on your request.';
my $help = "For more information try 'whois help'.";

subtest 'no match' => sub {
    my $answer = answer($none, '', $help);
    is $answer->count, 0, 'count';
    ok $answer->none, 'none';
    ok !$answer->truncated, 'not truncated';
    is $answer->sorry, undef, 'not sorry';
    is_deeply [$answer->matches, $answer->records], [], 'no matches, no records';
};

subtest 'one match' => sub {
    my $answer = answer(
        'There were 1 matches on your request.',
        '',
        '           Full Name: Reg Quinton',
        '             Address: 1 First St: rear',
        '             Address: London',
        '               Notes: a very long value',
        '                    : that goes on',
        '               Empty: ',
        '           Index Key: quinton-1',
        'A very long label that sticks out: value',
        '         Phone: work: 555-0102',
        '             !Handle: no list',
        '',
        $help,
    );
    is $answer->count, 1, 'count';
    ok !$answer->none, 'not none';
    is_deeply [$answer->matches], [], 'no matches';
    my ($record, @more) = $answer->records;
    is scalar @more, 0, 'one record';
    is_deeply [$record->fields],
        [
            ['Full Name' => 'Reg Quinton'],
            [Address     => '1 First St: rear'],
            [Address     => 'London'],
            [Notes       => 'a very long value that goes on'],
            [Empty       => ''],
            ['Index Key' => 'quinton-1'],
            ['A very long label that sticks out' => 'value'],
            ['Phone: work'                       => '555-0102'],
            ['!Handle'                           => 'no list'],
        ],
        'fields, in order';
    is join(', ', $record->labels),
        'Full Name, Address, Notes, Empty, Index Key, '
        . 'A very long label that sticks out, Phone: work, !Handle',
        'labels';
    is $record->get('Full Name'), 'Reg Quinton', 'get';
    is scalar $record->get('Address'), '1 First St: rear', 'get: the first';
    is_deeply [$record->get('Address')], ['1 First St: rear', 'London'], 'get: all';
    is_deeply [$record->get('address')], [], 'get: labels are exact';
    ($record->fields)[0][1] = 'changed';
    is $record->get('Full Name'), 'Reg Quinton', 'fields are copies';
};

subtest 'parentheses without end' => sub {
    my @warnings;
    local $SIG{__WARN__} = sub { push @warnings, @_ };
    my $name   = 'a (' . '(b)' x 100_000 . ')';
    my $answer = answer('There were 1 matches on your request.', "!X: $name");
    is_deeply [$answer->matches], [{ handle => 'X', name => $name, summary => '' }], 'are the name';
    is_deeply \@warnings, [], 'no warning';
};

subtest 'several records of one handle' => sub {
    my $answer = answer(
        'There were 2 matches on your request.', '',
        '        Organisation: One', '           Index Key: 08-00-30', '',
        '        Organisation: Two', '           Index Key: 08-00-30', '',
        '                    : after no value',
        $help,
    );
    is $answer->count, 2, 'count';
    is_deeply [map { [$_->fields] } $answer->records],
        [map { [[Organisation => $_], ['Index Key' => '08-00-30']] } qw(One Two)], 'records';
    is_deeply [$answer->matches], [], 'no matches';
};

subtest 'a listing' => sub {
    my $answer = answer(
        'There were 6 matches on your request.',
        '',
        '           !00-00-0C: Cisco Systems, Inc (San Jose, US)',
        '           !00-01-42: Cisco: Systems',
        '!A-HANDLE-OF-MORE-THAN-20-CHARACTERS: Long',
        '                  !X: Something (Limited) (Paris (FR), EU)',
        '                  !Y: A name that goes',
        '                    : on (Here)',
        '           !A B 00:0C: Blanks: and colons',
        '',
        "To see one of them, ask for its handle: whois '!00-00-0C'",
    );
    is $answer->count, 6, 'count';
    is_deeply [$answer->matches],
        [
            { handle => '00-00-0C', name => 'Cisco Systems, Inc', summary => 'San Jose, US' },
            { handle => '00-01-42', name => 'Cisco: Systems', summary => '' },
            { handle => 'A-HANDLE-OF-MORE-THAN-20-CHARACTERS', name => 'Long', summary => '' },
            { handle => 'X', name => 'Something (Limited)', summary => 'Paris (FR), EU' },
            { handle => 'Y', name => 'A name that goes on', summary => 'Here' },
            { handle => 'A B 00:0C', name => 'Blanks: and colons', summary => '' },
        ],
        'matches';
    is_deeply [$answer->records], [], 'no records';
    ok !$answer->truncated, 'not truncated';
};

subtest 'too many' => sub {
    my $answer = answer(
        'There were more than 250 matches on your request.', '',
        (map { sprintf '%20s: Name %d', "!$_", $_ } 1 .. 250), '',
        "To see one of them, ask for its handle: whois '!1', or add a word",
    );
    is $answer->count, 250, 'count';
    ok $answer->truncated, 'truncated';
    is scalar(my @matches = $answer->matches), 250, 'matches';
};

subtest 'trouble, help, other servers' => sub {
    my $sorry = answer('Sorry, the directory is not available.');
    is $sorry->sorry, 'the directory is not available.', 'sorry';
    for my $answer (
        $sorry,
        answer('This server looks things up in a directory.', '', '  whois cisco   ...: entries'),
        answer('% WHOIS server', 'refer:        whois.example.net', '              !X: y', $none),
        answer("x$none"), answer(),
    ) {
        my ($first) = $answer->lines;
        is $answer->count, undef, 'count of: ' . ($first // 'nothing');
        is_deeply [$answer->matches, $answer->records], [], 'no matches, no records';
        ok !$answer->none && !$answer->truncated, 'neither none nor truncated';
    }
    is answer('x')->sorry, undef, 'not sorry';
};

subtest 'complete, help' => sub {
    my $one   = 'There were 1 matches on your request.';
    my $list  = q{To see one of them, ask for its handle: whois '!1'};
    my @whole = (
        ['a record', answer($one, '', ' ' x 11 . 'Full Name: x', '', $help)],
        ['none',     answer($none, '', $help)],
        ['a list',   answer($one, '', '  !1: a', '', $list)],
        ['too many', answer($one, '', "$list, or add a word")],
        ['sorry',    answer('Sorry, the directory is not available.')],
    );
    my @cut = (
        ['nothing',        NetIO::Whois::Answer->new('')],
        ['no last line',   answer($none, '')],
        ['half of it',     NetIO::Whois::Answer->new("$none\r\n\r\nFor more information")],
        ['no end of it',   NetIO::Whois::Answer->new("$none\r\n\r\n$help")],
        ['half an excuse', NetIO::Whois::Answer->new('Sorry, the directory is not')],
        ['another server', answer('% WHOIS server', 'refer: whois.example.net')],
    );
    ok $_->[1]->complete,  "complete: $_->[0]"     for @whole;
    ok !$_->[1]->complete, "not complete: $_->[0]" for @cut;
    ok !$_->[1]->help,     "no help: $_->[0]"      for @whole, @cut;
    ok answer('This server looks things up in a directory.  Ask it for')->help, 'help';
};

subtest 'whoisd' => sub {
    plan skip_all => 'no whoisd here' if !-x ($ENV{NETIO_WHOISD} || 'daemon/build/whoisd');
    require NetIO::Test::Daemon;
    require NetIO::Test::Directory;
    my $dir     = File::Temp->newdir;
    my $notes   = join ' ', ('word') x 1000;
    my @matches = map { { handle => "X-$_", name => "Name $_", summary => 'Malmö, SE' } } 1 .. 3;
    my @entries;
    for my $match (@matches) {
        my ($name, $handle) = @$match{qw(name handle)};
        my @fields = (['Full Name', $name], ['Notes', $notes], ['Index Key', $handle]);
        push @entries, { %$match, fields => \@fields };
    }
    my $directory = NetIO::Test::Directory::build_directory("$dir/directory", \@entries);
    my $daemon    = NetIO::Test::Daemon->whoisd($directory);
    my $whois     = NetIO::Whois->new(server => '127.0.0.1', port => $daemon->port, deadline => 60);

    is_deeply [$whois->ask('name')->matches], \@matches, 'a listing';
    my ($record) = $whois->ask('!X-2')->records;
    is_deeply [$record->fields], $entries[1]{fields}, 'a record';
    ok $whois->ask('nobody')->none, 'no match';
    ok $whois->ask('help')->help, 'help';
    like $whois->ask('a ' x 20)->sorry, qr/\w/, 'sorry';
    ok $whois->ask($_)->complete, "complete: $_" for 'name', '!X-2', 'nobody', 'a ' x 20;
    $daemon->finish;
};

done_testing;
