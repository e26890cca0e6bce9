# read_line and read_octets: what they are called with, and on.

use strict;
use warnings;

use lib 't/lib';

use Errno qw(EBADF);
use NetIO;
use NetIO::Test::Reading;
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM);
use Test::More;

alarm 300;

my $CLOSED = 'errno ' . EBADF;
my $echo   = peer('echo');

{
    package Tied;
    sub TIESCALAR { my ($class, @pair) = @_; return bless [@pair], $class }
    sub FETCH { my ($self) = @_; $self->[1]++; return $self->[0] }
    sub STORE { die 'arguments are not changed' }
    sub TIEHANDLE { return bless [], $_[0] }

    package Overloaded;
    use overload '""' => sub { $_[0][0] }, '0+' => sub { $_[0][0] }, fallback => 1;
}

subtest 'wrong calls' => sub {
    my $fh = saying("text\n");
    my @wrong = (
        # method and arguments, message
        [[read_line => 'max'],           'read_line: an option has no value'],
        [[read_line => limit => 5],      q{read_line: unknown option 'limit'}],
        [[read_line => "max\0" => 5],    q{read_line: unknown option 'max\x00'}],
        [[read_line => "\e[m" => 5],     q{read_line: unknown option '\x1b[m'}],
        [[read_octets => 5, max => 5],   q{read_octets: unknown option 'max'}],
        [[read_octets => 5, 'timeout'],  'read_octets: an option has no value'],
        [[read_octets => undef],         q{read_octets: '' is not a number of octets}],
        (map { [[read_line => max => $_], qq{read_line: max: '$_' is not a number of octets}] }
            0, -1, 1.5, 'x', '', 'nan', 9**9**9, 1e30),
        (map { [[read_octets => $_], qq{read_octets: '$_' is not a number of octets}] }
            -1, 1.5, 'x', '', 'nan', 9**9**9, 1e30),
        (map { [[read_line => timeout => $_],
            qq{read_line: timeout: '$_' is not a number of seconds}] } -1, 'soon', '', 'nan'),
    );
    for (@wrong) {
        my ($call, $message) = @$_;
        my ($method, @arguments) = @$call;
        my $line = __LINE__ + 1;
        eval { $fh->$method(@arguments) };
        is $@, "$message at $0 line $line.\n", $message;
    }
    eval { $fh->read_octets };
    like $@, qr/^Usage: NetIO::Socket::read_octets\(self, count, \.\.\.\) at /, 'no count';
    eval { $fh->read_line(timeout => []) };
    like $@, qr/^read_line: timeout: 'ARRAY\(0x\w+\)' is not a number of seconds at /,
        'a reference';
    is $fh->read_line, 'text', 'nothing is lost by any of it';
};

subtest 'F13 arguments' => sub {
    my $fh = saying("text\nmore\nabc");
    tie my $max, 'Tied', 100;
    tie my $timeout, 'Tied', 5;
    tie my $count, 'Tied', 2;
    is $fh->read_line(max => $max, timeout => $timeout), 'text', 'tied';
    is $fh->read_octets($count), 'mo', 'tied';
    is join(' ', map { $_->[1] } tied $max, tied $timeout, tied $count), '1 1 1', 'each read once';
    is $fh->read_line(max => bless(['100'], 'Overloaded')), 're', 'overloaded';
    is $fh->read_octets('3'), 'abc', 'a text';
};

subtest 'F14, F15 what is no handle for it' => sub {
    my $fh   = saying("text\n");
    my $line = sub { return NetIO::Socket::read_line(@_) };
    open my $file, '<', $0 or die "$0: $!";
    socketpair my $left, my $right, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!";

    for my $self (undef, '', 'STDIN', 7, {}, [], bless({}, 'NetIO::Socket')) {
        eval { $line->($self) };
        like $@, qr/^not a handle at /, 'not a handle';
    }
    for my $foreign ($file, $left, \*STDIN) {
        eval { $line->($foreign) };
        like $@, qr/^read_line: not a handle that NetIO opened at /, 'another handle';
    }
    for my $layer (':utf8', ':encoding(UTF-8)') {
        my $text = saying("text\n");
        binmode $text, $layer;
        eval { $line->($text) };
        like $@, qr/^read_line: it reads octets, and the handle has characters/, $layer;
        eval { $text->read_octets(1) };
        like $@, qr/^read_octets: it reads octets, and the handle has characters/, $layer;
        is scalar <$text>, "text\n", 'and loses nothing';
    }
    {
        my $tied = saying("text\n");
        tie *$tied, 'Tied';
        eval { $line->($tied) };
        like $@, qr/^read_line: not on a tied handle at /, 'a tied handle';
    }
    binmode $fh, ':crlf';
    is $fh->read_line, 'text', ':crlf';
    my $bare = open_to($echo);
    binmode $bare, ':pop';
    eval { $line->($bare) };
    like $@, qr/^read_line: the handle has no buffer at /, 'without a buffer';
    close $fh;
    is got(scalar $fh->read_line), $CLOSED, 'closed';
    is got($fh->read_octets(1)), $CLOSED, 'closed';
    is got($fh->read_octets(0)), $CLOSED, 'closed';
    $fh = open_to($echo, fatal => 1);
    close $fh;
    is got(scalar $fh->read_line), $CLOSED, 'closed and fatal';
};

done_testing;
