# Names asked of a name server that answers, lies, fails or says nothing, in a namespace of its
# own.  What the driver (t/c/drive-resolve.c) was told, and what the server was asked.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::C;
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use Test::More;

my $DRIVER = c_program('drive-resolve');
needs_netns(300);

my $ns = NetIO::Test::Netns->new(
    'resolve',
    'resolv.conf' =>
        "nameserver 127.0.0.1\nsearch one.test two.test\noptions timeout:3 attempts:2\n",
    'hosts' => "127.0.0.3 listed onlyfour.test\n::1 kinds\nfd00:db8::1 kinds\n"
        . "127.0.0.1 kinds\n127.0.0.2 kinds\n127.0.0.10 xn--bcher-kva.test\n"
);
$ns->ip('addr add fd00:db8::1/128 dev lo');
my $dns = NetIO::Test::DNS->start($ns, <<'ZONE');
both.test           A       127.0.0.1 127.0.0.2
both.test           AAAA    ::1
four.test           A       127.0.0.1
six.test            AAAA    ::1
many.test           A       many 1000
many.test           AAAA    many 1000
twice.test          A       127.0.0.1 127.0.0.1 127.0.0.1
silent.test         *       silent
servfail.test       *       servfail
refused.test        *       refused
garbage.test        *       garbage
empty.test          *       empty
loop.test           *       cname loop.test
nodata.test         *       nodata
half.test           A       127.0.0.1
half.test           AAAA    silent
otherhalf.test      A       silent
otherhalf.test      AAAA    ::1
halfbad.test        A       127.0.0.1
halfbad.test        AAAA    servfail
lost.test           A       lost 1
lost.test           A       127.0.0.1
late.test           A       127.0.0.1
late.test           AAAA    late 10 ::1
laterthan.test      A       late 500 127.0.0.1
laterthan.test      AAAA    ::1
toolate.test        A       127.0.0.1
toolate.test        AAAA    late 500 ::1
latenone.test       A       127.0.0.1
latenone.test       AAAA    late 500 nodata
laterefuse.test     A       127.0.0.1
laterefuse.test     AAAA    late 500 refused
alias.test          A       cname other.test 127.0.0.11
chain.test          A       chain 20 127.0.0.12
odd.test            A       odd 127.0.0.13
unasked.test        A       unasked 127.0.0.14 2001:db8::14
tc.test             *       tc
forgedid.test       A       forged id 192.0.2.66 127.0.0.15
forgedquestion.test A       forged question 192.0.2.66 127.0.0.16
forgedsource.test   A       forged source 192.0.2.66 127.0.0.17
cut11.test          *       cut 11
cut12.test          *       cut 12
cut40.test          *       cut 40
longchain.test      *       chain 1000
pair.test           A       cname pair.test 127.0.0.18
server.one.test     A       127.0.0.4
server.two.test     AAAA    ::1
second.one.test     *       servfail
second.two.test     A       127.0.0.5
dotted.second       A       127.0.0.6
onlyfour.test       AAAA    ::1
xn--caf-dma.test    A       127.0.0.7
under_score.test    A       127.0.0.8
slow.test           A       late 300 127.0.0.19
slow.test           AAAA    nodata
ZONE

# What the driver says: the answers one after the other, each longer than the one before it,
# and how it ended: "done" or the error.
sub drive_all {
    my (@args) = @_;
    my ($status, $said) = $ns->run($DRIVER, @args);

    is($status, 0, "the driver ran: @args") or diag $said;
    like($said, qr/^left 0$/m, 'and left nothing open');
    my @answers = $said =~ /^answer (.*)$/mg;
    my ($end) = $said =~ /^(?:answer .*\n)*(.*)\n/;
    return ($end, @answers);
}

# The whole answer, or the error.
sub drive {
    my ($end, @answers) = drive_all(@_);

    return $end eq 'done' ? $answers[-1] : $end;
}

my @full  = ('-t', 10);
my @table = (
    # name, arguments, addresses or error, questions
    ['A and AAAA',       ['both.test'], '::1 127.0.0.1 127.0.0.2',   'AAAA both.test, A both.test'],
    ['only A wanted',    ['-4', 'both.test'], '127.0.0.1 127.0.0.2', 'A both.test'],
    ['only AAAA wanted', ['-6', 'both.test'], '::1',                 'AAAA both.test'],
    ['only A there',     ['four.test'],       '127.0.0.1',           'AAAA four.test, A four.test'],
    ['only AAAA there',  ['six.test'],        '::1',                 'AAAA six.test, A six.test'],
    ['a final dot',      ['four.test.'],      '127.0.0.1',           'AAAA four.test, A four.test'],
    ['upper case',       ['FOUR.Test'],       '127.0.0.1',           'AAAA four.test, A four.test'],
    ['doubles',          ['twice.test'],       '127.0.0.1', 'AAAA twice.test, A twice.test'],
    ['punycode',         ['xn--caf-dma.test'], '127.0.0.7', undef],
    ['IDN',              ["caf\xc3\xa9.test"], '127.0.0.7', undef],
    ['IDN in upper case, not composed', ["CAFE\xcc\x81.Test."], '127.0.0.7',  undef],
    ['IDN in hosts(5), as punycode',    ["b\xc3\xbccher.test"], '127.0.0.10', ''],
    [
        'IDN that does not exist',
        ["\xc3\xbc.test."],
        'resolve \xc3\xbc.test.: host not found',
        'AAAA xn--tda.test, A xn--tda.test'
    ],
    ['an underscore', ['under_score.test'], '127.0.0.8', undef],
    [
        'a child of the program frees its copy: the answer is still seen',
        ['-f', 'slow.test'],
        '127.0.0.19', 'AAAA slow.test, A slow.test'
    ],
    ['/etc/hosts first, and nobody is asked', ['listed'], '127.0.0.3', ''],
    [
        '/etc/hosts has one family only: the other is not asked for', ['onlyfour.test'],
        '127.0.0.3',                                                  ''
    ],
    [
        '/etc/hosts lacks the wanted family: asked for',
        ['-6', 'onlyfour.test'],
        '::1', 'AAAA onlyfour.test'
    ],
    [
        'an address of its own kind for each, whatever the one before it was', ['kinds'],
        '::1 127.0.0.1 fd00:db8::1 127.0.0.2',                                 ''
    ],
    ['localhost is not asked for', ['localhost'],           '::1 127.0.0.1', ''],
    ['nor what is below it',       ['-4', 'any.localhost'], '127.0.0.1',     ''],
    ['a number is not asked for',  ['127.0.0.9'],           '127.0.0.9',     ''],
    [
        'a number gone wrong is not asked for',       ['127.0.0.256'],
        'resolve 127.0.0.256: not a valid host name', ''
    ],

    [
        'A11 silence, with a deadline',
        ['-t', 0.5, 'silent.test'],
        'resolve silent.test: Connection timed out',
        undef
    ],
    ['A11 one family silent: the other serves', ['half.test'],               '127.0.0.1', undef],
    ['A11 the other way round',                 ['-t', 2, 'otherhalf.test'], '::1',       undef],
    [
        'A11 a lost packet is asked again within the deadline',
        ['-t', 20, 'lost.test'],
        '127.0.0.1',
        'AAAA lost.test, A lost.test, A lost.test'
    ],
    ['A11 AAAA a little later than A', ['late.test'],      '::1 127.0.0.1', undef],
    ['A11 A later than AAAA',          ['laterthan.test'], '::1 127.0.0.1', undef],

    ['A12 NXDOMAIN', ['nothere.test.'], 'resolve nothere.test.: host not found', undef],
    [
        'A12 no records',                                                 ['nodata.test.'],
        'resolve nodata.test.: host has no address of the wanted family', undef
    ],
    [
        'A12 SERVFAIL, asked twice each',
        ['servfail.test.'],
        'resolve servfail.test.: name service failed',
        'AAAA servfail.test, A servfail.test, AAAA servfail.test, A servfail.test'
    ],
    ['A12 SERVFAIL for one family', ['halfbad.test'], '127.0.0.1',                   undef],
    ['A12 REFUSED', ['refused.test.'], 'resolve refused.test.: name service failed', undef],
    [
        'A12 noise for an answer',                    ['garbage.test.'],
        'resolve garbage.test.: name service failed', undef
    ],
    [
        'A12 a datagram without a byte',
        ['-t', 0.5, 'empty.test.'],
        'resolve empty.test.: Connection timed out',
        undef
    ],
    [
        'A12 an alias of itself',                                       ['loop.test.'],
        'resolve loop.test.: host has no address of the wanted family', undef
    ],

    ['A12 an alias with its addresses', ['alias.test'], '127.0.0.11', undef],
    ['A12 a chain of twenty aliases',   ['chain.test'], '127.0.0.12', undef],
    [
        'A12 a thousand aliases that lead nowhere',                          ['longchain.test.'],
        'resolve longchain.test.: host has no address of the wanted family', undef
    ],
    ['A12 an alias of itself, with an address', ['pair.test'], '127.0.0.18', undef],
    [
        'A12 a line end, a NUL and a dot in a label', ['odd.test.'],
        'resolve odd.test.: name service failed',     undef
    ],
    ['A12 records that were not asked for', ['-4', 'unasked.test'], '127.0.0.14', undef],
    [
        'A12 truncated, over TCP too',
        ['-t', 20, 'tc.test.'],
        'resolve tc.test.: host has no address of the wanted family', undef
    ],
    [
        'A12 half a header',
        ['-t', 0.5, 'cut11.test'],
        'resolve cut11.test: Connection timed out', undef
    ],
    [
        'A12 nothing but a header',
        ['-t', 0.5, 'cut12.test.'],
        'resolve cut12.test.: Connection timed out',
        undef
    ],
    ['A12 half a record', ['cut40.test.'], 'resolve cut40.test.: name service failed', undef],
    ['A12 forged: another id',          ['forgedid.test'],       '127.0.0.15',         undef],
    ['A12 forged: another question',    ['forgedquestion.test'], '127.0.0.16',         undef],
    ['A12 forged: from another source', ['forgedsource.test'],   '127.0.0.17',         undef],
    [
        'the search list, and no mixture of two hosts', ['server'],
        '127.0.0.4',                                    'AAAA server.one.test, A server.one.test'
    ],
    ['a domain that fails does not end the search', ['second'], '127.0.0.5', undef],
    [
        'a name with a dot is asked as it is first', ['dotted.second'],
        '127.0.0.6',                                 'AAAA dotted.second, A dotted.second'
    ],
    [
        'nowhere on the search list',
        ['nowhere'],
        'resolve nowhere: host not found',
        'AAAA nowhere.one.test, A nowhere.one.test, AAAA nowhere.two.test, A nowhere.two.test, '
            . 'AAAA nowhere, A nowhere'
    ],
    [
        'with a final dot, not on the search list',
        ['server.'],
        'resolve server.: host not found',
        'AAAA server, A server'
    ],
);

for my $case (@table) {
    my ($name, $args, $answer, $questions) = @$case;
    is(drive(@full, @$args), $answer, $name);
    my $asked = join ', ', $dns->asked;
    is($asked, $questions, "$name: what was asked") if defined $questions;
}

# RFC 8305 section 3: IPv6 addresses that come first are given out at once, IPv4 ones wait for
# IPv6 ones but not for long; what comes later joins them.
for my $case (
    ['AAAA first',           'laterthan.test',  '::1',       '::1 127.0.0.1'],
    ['A, and AAAA too late', 'toolate.test',    '127.0.0.1', '::1 127.0.0.1'],
    ['A, and no AAAA',       'latenone.test',   '127.0.0.1'],
    ['A, and AAAA refused',  'laterefuse.test', '127.0.0.1'],
    )
{
    my ($name, $host, @answers) = @$case;
    is_deeply([drive_all(@full, $host)], ['done', @answers], "partial answers: $name");
    is_deeply([drive_all(@full, '-1', $host)], ['done', $answers[0]], "$name, and no waiting");
}
my ($waited) = ($ns->run($DRIVER, @full, 'toolate.test'))[1] =~ /^first (\d+)$/m;
cmp_ok($waited, '>=', 50_000, 'partial answers: A waits 50 ms for AAAA');
is_deeply(
    [drive_all('-t', 0.5, 'half.test')],
    ['done', '127.0.0.1'],
    'partial answers: the deadline ends the waiting for the rest'
);
is_deeply(
    [drive_all('half.test')],
    ['done', '127.0.0.1'],
    'partial answers: so do as many attempts as resolv.conf says'
);
$dns->asked;

# A12: a thousand of each.
my @many = split / /, drive(@full, 'many.test');
is(scalar @many,                             64, 'A12 of 2,000 addresses 64 are used');
is(scalar(grep { /^2001:db8:0:1::/ } @many), 32, 'A12 half of them IPv6');
is(
    join(', ', $dns->asked),
    'AAAA many.test, A many.test, AAAA many.test tcp, A many.test tcp',
    'A12 asked again over TCP, for they do not fit a datagram'
);

# A11 without a deadline: as often as resolv.conf says, then it ends.
is(
    drive('silent.test.'),
    'resolve silent.test.: Connection timed out',
    'A11 silence without a deadline ends too'
);
is(
    join(', ', $dns->asked),
    'AAAA silent.test, A silent.test, AAAA silent.test, A silent.test',
    'A11 after as many attempts as resolv.conf says'
);

# A16: a name takes a few descriptors more.
my %outcome;
for my $files (3 .. 12) {
    my $got = drive('-n', $files, '-t', 2, 'four.test');
    $outcome{$got}++;
}
is(delete($outcome{'resolve four.test: Too many open files'}) // 0,
    2, 'A16 too few descriptors, and it says so');
is_deeply([keys %outcome], ['127.0.0.1'], 'A16 otherwise it works') or diag(explain(\%outcome));

# A25, A26: each call of a look-up fails, in a test of its own.
my ($walk, $walked) =
    $ns->run('env', 'NETIO_TEST_HOST=both.test', c_program('fault-resolve'));
is($walk, 0, 'A25 A26 whatever fails in a look-up, nothing leaks or hangs');
diag($walked) if $walk != 0;
$dns->asked;

# Without libidn2 other names are found as ever.
my ($libidn) = map { /=> (\S+)/ } grep { /libidn2\.so\.0 .*=>/ } `ldconfig -p`;
SKIP: {
    skip('ldconfig does not know libidn2', 2) if !$libidn;
    my @without = ('sh', '-c', "mount --bind /dev/null $libidn && exec \"\$\@\"", 'sh', $DRIVER);
    like(
        ($ns->run(@without, "caf\xc3\xa9.test"))[1],
        qr/\Aresolve caf\\xc3\\xa9\.test: host names beyond ASCII need libidn2\n/,
        'IDN without libidn2'
    );
    like(($ns->run(@without, 'four.test'))[1], qr/^answer 127\.0\.0\.1$/m,
        'other names without it');
    $dns->asked;
}

# Nobody there to ask.
undef $dns;
is(drive(@full, 'four.test'), 'resolve four.test: name service failed', 'no name server at all');

done_testing;
