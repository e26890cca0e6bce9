# NetIO::Gateway::CGI: what the environment of a CGI program becomes, and what a page becomes.
# All of it in this process; t/51-whois2html.t has the program.

use strict;
use warnings;
use utf8;

use lib 't/lib';

use IO::Handle;
use NetIO::Gateway::CGI;
use NetIO::Test::Gateway;
use POSIX ();
use Test::More;

alarm 300;
binmode $_, ':utf8' for map { Test::More->builder->$_ } qw(output failure_output);
my @warnings;
$SIG{__WARN__} = sub { push @warnings, @_ };

sub request {
    my ($query, %env) = @_;
    return NetIO::Gateway::CGI->request({ REQUEST_METHOD => 'GET', QUERY_STRING => $query, %env });
}

subtest 'a query' => sub {
    my @queries = (
        # name, query string, query
        ['none',                     '',                         undef],
        ['a word',                   'q=quinton',                'quinton'],
        ['plus is a blank',          'q=a+b',                    'a b'],
        ['%20 is, too',              'q=a%20b',                  'a b'],
        ['%2B is a plus',            'q=a%2Bb',                  'a+b'],
        ['a handle',                 'q=%2100-00-0c',            '!00-00-0c'],
        ['small and large digits',   'q=%2f%2F',                 '//'],
        ['UTF-8',                    'q=Malm%C3%B6',             'Malmö'],
        ['UTF-8 as it is',           octets('q=Malmö'),          'Malmö'],
        ['four bytes',               'q=%F0%9F%98%80',           "\x{1f600}"],
        ['the last number',          'q=%F4%8F%BF%BF',           "\x{10ffff}"],
        ['empty',                    'q=',                       ''],
        ['no value',                 'q',                        ''],
        ['blanks',                   'q=++',                     ''],
        ['blanks around it',         'q=+a++b+',                 'a  b'],
        ['an equals sign',           'q=a=b',                    'a=b'],
        ['a semicolon',              'q=a;q=b',                  'a;q=b'],
        ['decoded once',             'q=%2541',                  '%41'],
        ['its name encoded',         '%71=a',                    'a'],
        ['others are ignored',       'x=1&q=a&server=h&Q=b&=c&', 'a'],
        ['others, wrong in any way', 'x=%zz&%ff=%00&q=a',        'a'],
        ['ISINDEX',                  'smith+jones',              undef],
        ['D20 a path',               'q=../../etc/passwd',       '../../etc/passwd'],
        ['D20 a path, encoded',      'q=%2e%2e%2fetc%2fpasswd',  '../etc/passwd'],
        ['direction, U+2028, BOM',   'q=%E2%80%AEa%E2%80%A8b%EF%BB%BF%E2%81%A9', 'ab'],
        ['nothing but such',         'q=%E2%80%8F',                              ''],
        ['1022 bytes',               'q=' . 'x' x 1022,                          'x' x 1022],
        ['1022 bytes of UTF-8',      'q=' . '%C3%B6' x 511,                      'ö' x 511],
        ['D2 formats',               'q=%25n%25s',                               '%n%s'],
    );
    for (@queries) {
        my ($name, $string, $query) = @$_;
        my $copy    = $string;
        my $request = request($string);
        is $request->trouble, undef,  "$name: no trouble";
        is $request->query,   $query, "$name: query";
        is $string,           $copy,  "$name: the environment stays";
    }
    my @help = (
        ['help',     1],
        ['help=',    1],
        ['help=x',   1],
        ['q=a&help', 1],
        ['helpless', ''],
        ['q=help',   '']
    );
    is request($_->[0])->help, $_->[1], "help: $_->[0]" for @help;
};

subtest 'trouble with a query' => sub {
    my @wrong = (
        ['%',                      'q=%',                  encoding => 'not percent-encoded'],
        ['% and one digit',        'q=a%4',                encoding => 'not percent-encoded'],
        ['% and no digits',        'q=%zz',                encoding => 'not percent-encoded'],
        ['IIS escapes',            'q=%u0041',             encoding => 'not percent-encoded'],
        ['Latin-1',                'q=Malm%F6',            encoding => 'not UTF-8'],
        ['Latin-1 as it is',       "q=Malm\xf6",           encoding => 'not UTF-8'],
        ['UTF-8 cut off',          'q=a%C3',               encoding => 'not UTF-8'],
        ['a lone rest',            'q=%80',                encoding => 'not UTF-8'],
        ['D6 overlong, two bytes', 'q=%C0%AF',             encoding => 'not UTF-8'],
        ['D6 overlong, three',     'q=%E0%80%AF',          encoding => 'not UTF-8'],
        ['D6 overlong NUL',        'q=%C0%80',             encoding => 'not UTF-8'],
        ['D6 a surrogate',         'q=%ED%A0%80',          encoding => 'not UTF-8'],
        ['D6 a pair of them',      'q=%ED%A0%BD%ED%B8%80', encoding => 'not UTF-8'],
        ['beyond Unicode',         'q=%F4%90%80%80',       encoding => 'not UTF-8'],
        ['far beyond',             'q=%FD%BF%BF%BF%BF%BF', encoding => 'not UTF-8'],
        ['Perl\'s own', 'q=%FF%80%87%BF%BF%BF%BF%BF%BF%BF%BF%BF%BF', encoding => 'not UTF-8'],
        ['D20 NUL',                'q=a%00b',              control  => 'a control character'],
        ['D14 CR LF',              'q=a%0d%0ab',           control  => 'a control character'],
        ['D14 LF as it is',        "q=a\nb",               control  => 'a control character'],
        ['a tab',                  'q=a%09b',              control  => 'a control character'],
        ['DEL',                    'q=%7F',                control  => 'a control character'],
        ['C1',                     'q=%C2%9B',             control  => 'a control character'],
        ['1023 bytes',             'q=' . 'x' x 1023,      long     => '1023 bytes'],
        ['1023 bytes as 2044',     'q=x' . '%C3%B6' x 511, long     => '1023 bytes'],
        ['two',                    'q=a&q=b',              repeated => 'q is given twice'],
        ['two, one of them empty', 'q=&q',                 repeated => 'q is given twice'],
    );
    for (@wrong) {
        my ($name, $string, @trouble) = @$_;
        my $request = request($string);
        is_deeply [$request->trouble, $request->detail], \@trouble, $name;
        is $request->query, undef, "$name: no query";
    }
    for my $byte (0 .. 255) {
        my $request = request(sprintf 'q=a%%%02Xb', $byte);
        my $trouble = $byte < 0x20 || $byte == 0x7f ? 'control' : $byte > 0x7f ? 'encoding' : undef;
        is $request->trouble, $trouble, sprintf 'D13 byte %02X', $byte;
        is $request->query, 'a' . chr($byte) . 'b', 'is what it stands for' if !$trouble;
    }
};

subtest 'trouble with method, length and path' => sub {
    my @lengths = (
        # length, trouble of a GET, of a POST
        (map { [$_, undef,    'method'] } '', 0, '000'),
        (map { [$_, 'length', 'method'] } 1, 5, 65536, 1048576),
        (
            map { [$_, 'length', 'length'] } 1048577, 4294967296,
            4294967295,                               '18446744073709551616',
            '9' x 400,                                '-1',
            '-0',                                     '+5',
            '1.0',                                    '1e3',
            '0x10',                                   ' 5',
            '5 ',                                     "5\n",
            '5, 5',                                   '5;',
            'five',                                   "\xd9\xa3",
            "5\0"
        ),
    );
    for (@lengths) {
        my ($length, $get, $post) = @$_;
        my $name = 'D15 length ' . substr $length, 0, 20;
        is request('q=a', CONTENT_LENGTH => $length)->trouble, $get, "$name, GET";
        is request('q=a', CONTENT_LENGTH => $length, REQUEST_METHOD => 'POST')->trouble, $post,
            "$name, POST";
    }
    is request('q=a', HTTP_TRANSFER_ENCODING => $_)->trouble, 'length', "D15 transfer coding $_"
        for 'chunked', 'gzip, chunked';
    for my $method ('POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'get', 'Head', '', "GET\n",
        "GET HEAD")
    {
        my $request = request('q=a', REQUEST_METHOD => $method);
        is_deeply [$request->trouble, $request->detail], [method => "method $method"],
            "method '$method'";
    }
    is(NetIO::Gateway::CGI->request({})->trouble, 'method', 'nothing at all');
    ok request('', REQUEST_METHOD => 'HEAD')->head, 'HEAD';
    ok !request('')->head,                          'GET is not HEAD';

    my @paths = (
        # path, base, trouble
        ['',                  '',          undef],  ['/',   '',    undef],
        ['/a',                './',        'path'], ['/a/', '../', 'path'], ['/a/b', '../', 'path'],
        ['//',                '../',       'path'],
        ['/../../etc/passwd', '../../../', 'path'], ['a', './', 'path'], ["/\n", './', 'path'],
        ['/' x 1000,          '../' x 32,  'path'],
    );
    for (@paths) {
        my ($path, $base, $trouble) = @$_;
        my $request = request('q=a', PATH_INFO => $path);
        is_deeply [$request->trouble, $request->base], [$trouble, $base],
            'D20 path ' . substr $path, 0, 20;
    }
};

subtest 'response' => sub {
    my %page = (status => 404, policy => 'p', html => "ä\x{263a}");
    my $head = join '', map { "$_\n" } 'Status: 404 Not Found',
        'Content-Type: text/html; charset=utf-8',
        'Content-Length: 5', 'Content-Security-Policy: p', 'X-Content-Type-Options: nosniff',
        'Referrer-Policy: no-referrer', 'Cache-Control: private, no-cache', '';
    is(NetIO::Gateway::CGI->response(%page),            $head . octets("ä\x{263a}"), 'GET');
    is(NetIO::Gateway::CGI->response(%page, head => 1), $head,                       'HEAD');
    is $page{html}, "ä\x{263a}", 'the page stays';
    like(
        NetIO::Gateway::CGI->response(%page, status => 405),
        qr/\nAllow: GET, HEAD\n\n/,
        'status 405'
    );

    pipe my $read, my $write or die "pipe: $!\n";
    ok(NetIO::Gateway::CGI->deliver($write, 'abc'), 'deliver');
    close $write;
    is scalar <$read>, 'abc', 'delivered';
    close $read;
    pipe $read, $write or die "pipe: $!\n";
    close $read;
    local $SIG{PIPE} = 'IGNORE';
    ok !NetIO::Gateway::CGI->deliver($write, 'abc'), 'nobody takes it';

    # More than it has room for, at once.
    pipe $read, $write or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        close $read;
        $write->blocking(0);
        POSIX::_exit(NetIO::Gateway::CGI->deliver($write, 'a' x 1_000_000) ? 0 : 1);
    }
    close $write;
    is length do { local $/; <$read> }, 1_000_000, 'a pipe that is non-blocking: all of it';
    waitpid $pid, 0;
    is $?, 0, 'and it is said';
};

is "@warnings", '', 'no warnings';
done_testing;
