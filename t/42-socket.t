# The handle: what Perl does with handles works.  Its deadline is 42-socket-deadline.t's.

use strict;
use warnings;

use lib 't/lib';

use Errno qw(EAGAIN EBADF ECONNRESET EINVAL EPIPE ESPIPE ETIMEDOUT);
use NetIO;
use NetIO::Test::Peer;
use NetIO::Test::Process;
use Test::More;

alarm 300;

my $echo = NetIO::Test::Peer->start('echo');

sub open_to { return shift->handle(@_) }
sub peer    { return NetIO::Test::Peer->start(@_) }

my $baseline = fds();

subtest 'reading' => sub {
    my $text = "one\ntwo\n\nthree";
    my $fh   = open_to(peer(say => $text));
    is_deeply [<$fh>], ["one\n", "two\n", "\n", 'three'], 'list of lines';
    ok eof $fh,     'eof';
    ok !$fh->error, 'is no error';

    $fh = open_to(peer(say => $text));
    is do { local $/; scalar <$fh> }, $text, 'all of it';
    $fh = open_to(peer(say => $text));
    is do { local $/ = ''; scalar <$fh> }, "one\ntwo\n\n", 'a paragraph';
    $fh = open_to(peer(say => $text));
    is do { local $/ = \5; scalar <$fh> }, "one\nt",      'a record';
    is read($fh, my $buffer, 3),           3,             'read';
    is $buffer,                            "wo\n",        'goes on from there';
    is read($fh, $buffer, 2, 5),           2,             'read with an offset';
    is $buffer,                            "wo\n\0\0\nt", 'pads';
    is getc $fh,                           'h',           'getc';
    is $fh->ungetc(ord 'H'),               ord 'H',       'ungetc';
    is scalar <$fh>,                       'Hree',        'gives it back';
    is scalar <$fh>,                       undef,         'the end';
    is 0 + $!,                             0,             'is no errno';
    is read($fh, $buffer, 1),              0,             'nor for read';
    $! = EBADF;
    is scalar <$fh>, undef, 'the end once more';
    is 0 + $!,       0,     'is no errno of before';

    $fh = open_to(peer(say => $text));
    my $all = '';
    $all .= $_ while <$fh>;
    is $all, $text, 'while (<$fh>)';
    is $.,   4,     '$.';
    my $line = 'x';
    $fh = open_to(peer(say => $text));
    $line .= <$fh>;
    is $line, "xone\n", '.= <$fh>';
};

subtest 'writing' => sub {
    my $fh = open_to($echo);
    ok print({$fh} "print\n"), 'print';
    is scalar <$fh>, "print\n", 'is sent at once';
    ok printf({$fh} "%s %03d\n", 'printf', 7), 'printf';
    is scalar <$fh>, "printf 007\n", 'is sent';
    { local ($,, $\) = ('-', "!\n"); print {$fh} 1, 2 }
    is scalar <$fh>, "1-2!\n", '$, and $\\';
    { use feature 'say'; ok say({$fh} 'say'), 'say' }
    is scalar <$fh>,                  "say\n", 'is sent';
    is syswrite($fh, "syswrite\n"),   9,       'syswrite';
    is sysread($fh, my $buffer, 100), 9,       'sysread';
    my $before = select $fh;
    print "selected\n";
    select $before;
    is scalar <$fh>,      "selected\n", 'select';
    is $fh->autoflush(0), 1,            'autoflush(0)';
    print {$fh} 'later, ';
    is $fh->autoflush, !1, 'autoflush()';
    print {$fh} "now\n";
    is scalar <$fh>, "later, now\n", 'is sent';
    {
        my @warnings;
        local $SIG{__WARN__} = sub { push @warnings, @_ };
        print {$fh} "\x{263a}\n";
        like "@warnings", qr/^Wide character in print at /, 'wide character: a warning';
    }
    is scalar <$fh>, "\xe2\x98\xba\n", 'and UTF-8';
    is -S $fh,       1,                '-S';
    ok !defined sysseek($fh, 0, 0), 'sysseek fails';
    ok !seek($fh, 0, 0),            'seek fails';
    is 0 + $!, ESPIPE, 'with ESPIPE';
    ok close $fh,  'close';
    ok !close $fh, 'close again';
    is 0 + $!, EBADF, 'EBADF';
};

subtest 'A18 every byte, and much of it' => sub {
    my $bytes = join '', map { chr } 0 .. 255;
    my $fh    = open_to($echo);

    print {$fh} $bytes;
    read $fh, my $back, 256;
    is $back, $bytes, '256 bytes there and back';

    my $much = $bytes x 40_000;
    $fh = open_to(peer('count'));
    ok print({$fh} $much), 'ten million there';
    ok $fh->shutdown(1),   'shutdown(1)';
    is scalar <$fh>, sprintf("%d %d\n", length $much, unpack('%32C*', $bytes) * 40_000), 'arrived';
    is scalar <$fh>, undef, 'A9 and its end is seen';
    ok !$fh->error, 'A9 is no error';

    $fh = open_to(peer(say => $much));
    is do { local $/; scalar <$fh> }, $much, 'ten million back';
};

subtest 'A19 line ends at every split point' => sub {
    my $text = "lf\ncrlf\r\nlone\rcr\n\r\n";

    for my $size (1 .. length $text) {
        my $fh = open_to(peer(trickle => $text, $size));
        is_deeply [<$fh>], ["lf\n", "crlf\r\n", "lone\rcr\n", "\r\n"], "in pieces of $size";
    }
};

subtest 'layers' => sub {
    my $fh = open_to($echo);

    ok binmode($fh), 'binmode';
    is join(' ', PerlIO::get_layers($fh)), 'netio perlio', 'changes nothing';
    ok binmode($fh, ':utf8'), ':utf8';    ## no critic (RequireEncodingWithUTF8Layer)
    print {$fh} "\x{263a}\n";
    is scalar <$fh>, "\x{263a}\n", 'characters there and back';
    ok binmode($fh, ':raw'), ':raw';
    print {$fh} "\xe4\n";
    is scalar <$fh>, "\xe4\n", 'bytes there and back';
    ok binmode($fh, ':crlf'), ':crlf';
    print {$fh} "a\nb\n";
    is sysread($fh, my $wire, 100), 6,            'on the wire';
    is $wire,                       "a\r\nb\r\n", 'CRLF';
    print {$fh} "c\n";
    is scalar <$fh>, "c\n", 'back';
    ok binmode($fh, ':raw:encoding(UTF-8)'), ':encoding';
    print {$fh} "\x{20ac}\n";
    is scalar <$fh>, "\x{20ac}\n", 'there and back';
    ok binmode($fh), 'binmode again';
    is join(' ', PerlIO::get_layers($fh)), 'netio perlio', 'is as at the beginning';
};

subtest 'copies' => sub {
    my $fh = open_to($echo, deadline => 60);

    ok open(my $copy, '+<&', $fh), 'open +<&';
    ok fileno $copy != fileno $fh, 'another descriptor';
    $copy->autoflush;
    print {$copy} "copy\n";
    is scalar <$copy>, "copy\n", 'works';
    ok close $copy, 'close the copy';
    print {$fh} "original\n";
    is scalar <$fh>, "original\n", 'leaves the original';
    ok open($copy, '+<&=', fileno $fh), 'open +<&=';
    is fileno $copy, fileno $fh, 'the same descriptor';
    ok close $copy, 'close it';
    print {$fh} "original\n";
    is scalar <$fh>, "original\n", 'leaves the original';
    {
        local *STDIN;
        open STDIN, '<&', $fh or die "open: $!";
        print {$fh} "stdin\n";
        is scalar <STDIN>, "stdin\n", 'as STDIN';
    }
    my $deadline = open_to(peer('silent'), deadline => 0.1);
    open $copy, '+<&', $deadline or die "open: $!";
    is scalar <$copy>, undef,     'a copy that reads keeps the deadline';
    is 0 + $!,         ETIMEDOUT, 'ETIMEDOUT';
    require IO::Select;
    $fh = open_to($echo);
    print {$fh} "x\n";
    is_deeply [IO::Select->new($fh)->can_read(30)], [$fh], 'IO::Select';
    require IO::Handle;
    my $wrapped = IO::Handle->new_from_fd(fileno $fh, 'r');
    is scalar <$wrapped>, "x\n", 'new_from_fd';
};

subtest 'methods' => sub {
    my $fh   = open_to($echo, deadline => 60);
    my $none = tcpopen($echo->host, $echo->port);

    is $fh->fileno,                                              fileno $fh,  'fileno';
    is $fh->opened,                                              1,           'opened';
    is $fh->peerhost,                                            '127.0.0.1', 'peerhost';
    is $fh->peerport,                                            $echo->port, 'peerport';
    is $fh->sockhost,                                            '127.0.0.1', 'sockhost';
    is $fh->sockport, (Socket::sockaddr_in(getsockname $fh))[0], 'sockport';
    is $fh->connected,             getpeername $fh, 'connected';
    is $fh->timeout,               30,              'timeout';
    is $fh->timeout(7),            30,              'timeout(7) returns the one before';
    is $fh->timeout,               7,               'and sets it';
    is ${*$fh}{io_socket_timeout}, 7,               'where IO::Socket keeps it';
    is $none->timeout,             undef,           'timeout: none';
    my $left = $fh->deadline;
    ok $left > 30 && $left <= 60, 'deadline: what is left';
    is $none->deadline, undef, 'deadline: none';
    $left = $fh->deadline(1000);
    ok $left > 900 && $left <= 1000, 'deadline(1000)';
    is $fh->deadline(undef),   undef, 'deadline(undef)';
    is $fh->deadline,          undef, 'removes it';
    is $fh->deadline(0),       0,     'deadline(0)';
    is scalar <$fh>,           undef, 'is past at once';
    is $fh->deadline(9**9**9), undef, 'deadline(inf) is none';
    for my $wrong ('abc', '', -1, 'nan', []) {
        ok !eval { $fh->deadline($wrong); 1 }, "deadline($wrong): dies";
        is $@, "deadline: '$wrong' is not a number of seconds at $0 line " . (__LINE__ - 1) . ".\n",
            'text';
    }
    is $fh->blocking,    1,      'blocking';
    is $fh->blocking(0), 1,      'blocking(0)';
    is $fh->blocking,    0,      'is off';
    is scalar <$fh>,     undef,  'a read that would block';
    is 0 + $!,           EAGAIN, 'says EAGAIN';
    is $fh->blocking(1), 0,      'blocking(1)';
    print {$fh} "still here\n";
    is scalar <$fh>,     "still here\n", 'and the handle goes on';
    is $fh->clearerr,    0,              'clearerr';
    is $fh->shutdown(1), 1,              'shutdown';
    is $fh->close,       1,              'close';
    is $fh->close,       !1,             'close again';

    my @asking = qw(fileno deadline timeout peerhost peerport sockhost sockport connected blocking);
    for my $method (@asking) {
        $! = 0;
        is $fh->$method, $method eq 'timeout' ? 7 : undef, "closed: $method";
        is 0 + $!,       EBADF,                            'EBADF' if $method ne 'timeout';
    }
    is $fh->opened,      !1,    'closed: opened';
    is 0 + $fh->error,   EBADF, 'closed: error';
    is $fh->clearerr,    -1,    'closed: clearerr';
    is $fh->shutdown(2), !1,    'closed: shutdown';
    is $fh->deadline(5), undef, 'closed: deadline(5)';
    is $fh->autoflush,   1,     'closed: autoflush';
};

subtest 'a print that would block loses what it could not send' => sub {
    my $deaf = peer('deaf');
    my $much = 'x' x 20_000_000;
    my $fh   = open_to($deaf);

    $fh->blocking(0);
    ok !print({$fh} $much), 'print fails';
    is 0 + $!,          EAGAIN,                             'EAGAIN';
    is 0 + $fh->error,  EAGAIN,                             'error, as a number';
    is $fh->error . '', 'Resource temporarily unavailable', 'error, as a text';
    $fh->blocking(1);
    $fh->deadline(60);
    ok !print({$fh} 'more'), 'the peer gets no text with a hole in it';
    is 0 + $!, EAGAIN, 'EAGAIN';
    ok !close $fh, 'close knows';

    $fh = open_to($deaf, fatal => 1);
    $fh->blocking(0);
    ok !eval { print {$fh} $much; 1 }, 'fatal: dies';
    is $@->code_name, 'EAGAIN', 'code';
    my $silent = open_to(peer('silent'), fatal => 1);
    $silent->blocking(0);
    ok eval { my $line = <$silent>; 1 }, 'a read that would block loses nothing, and does not';
    is 0 + $silent->error, EAGAIN, 'but error tells';
    $silent->deadline(0);
    $silent->blocking(1);
    ok !eval { my $line = <$silent>; 1 }, 'what comes later';
    is 0 + $silent->error, ETIMEDOUT, 'counts for more';
};

subtest 'methods of IO::Handle and IO::Socket' => sub {
    my $fh = open_to($echo);

    is $fh->say('method'),          1,          'say';
    is $fh->getline,                "method\n", 'getline';
    is $fh->print("a\nb\n"),        1,          'print';
    is $fh->getline . $fh->getline, "a\nb\n",   'twice';
    is $fh->printf("%d\n", 5),      1,          'printf';
    is $fh->read(my $text, 2),      2,          'read';
    is $fh->syswrite('xyz'),        3,          'syswrite';
    is $fh->sysread($text, 3),      3,          'sysread';
    ok $fh->binmode, 'binmode';
    is $fh->protocol,   Socket::IPPROTO_TCP(), 'protocol';
    is $fh->socktype,   Socket::SOCK_STREAM(), 'socktype';
    is $fh->sockdomain, Socket::AF_INET(),     'sockdomain';
    ok $fh->sockopt(Socket::SO_KEEPALIVE(), 1), 'sockopt';
    is $fh->peername, getpeername $fh, 'peername';
    ok $fh->can($_),          "can $_" for qw(getline fileno deadline sockopt);
    ok !$fh->can('nonsense'), 'can nonsense';
    my $line = __LINE__ + 1;
    ok !eval { $fh->nonsense; 1 }, 'nonsense dies';
    is $@,
        qq{Can't locate object method "nonsense" via package "NetIO::Socket" at $0 line $line.\n},
        'text';
    ok !eval { NetIO::Socket->nonsense; 1 }, 'on the class, too';
};

subtest 'F15 methods of what is no handle' => sub {
    my $fake   = bless {}, 'NetIO::Socket';
    my $scalar = bless \(my $nothing), 'NetIO::Socket';
    open my $file, '<', $0 or die "$0: $!";

    my @methods = qw(fileno opened deadline timeout error clearerr autoflush blocking peerhost
        peerport sockhost sockport connected close);
    for my $method (@methods) {
        my $code = NetIO::Socket->can($method);
        for my $self (undef, '', 'STDIN', 7, {}, [], sub { }, $fake, $scalar) {
            ok !eval { $code->($self); 1 }, "$method on " . ($self // 'undef');
            is $@, "not a handle at $0 line " . (__LINE__ - 1) . ".\n", 'text';
        }
        eval { $code->() };
        like $@, qr/^Usage: NetIO::Socket::$method\(self/, "$method on nothing";
    }
    is NetIO::Socket::fileno($file),   fileno $file, 'another handle will do';
    is NetIO::Socket::peerhost($file), undef,        'as far as it goes';
    ok !eval { NetIO::Socket::deadline($file); 1 }, 'not for a deadline';
    is $@, "deadline: not a handle that NetIO opened at $0 line " . (__LINE__ - 1) . ".\n", 'text';
    is NetIO::Socket::opened(\*STDOUT), 1, 'a reference to a glob';
    is NetIO::Socket::opened(*STDOUT),  1, 'a glob';
    no warnings 'once';
    is NetIO::Socket::opened(\*NOSUCH), !1, 'a glob without a handle';
};

format LINE =
line
.

sub write_line {
    my ($fh) = @_;
    my $before = select $fh;
    $~ = 'LINE';
    select $before;
    return write $fh;
}

subtest 'fatal' => sub {
    my $silent = peer('silent');
    my %call   = (
        readline           => sub { my $line  = readline $_[0] },
        'readline, a list' => sub { my @lines = readline $_[0] },
        rcatline           => sub { my $line  = ''; $line .= readline $_[0] },
        read               => sub { read $_[0], my $text, 1 },
        getc               => sub { getc $_[0] },
        eof                => sub { my $end = eof $_[0] },
        print              => sub { print { $_[0] } 'x' },
        printf             => sub { printf { $_[0] } 'x' },
        say                => sub { use feature 'say'; say { $_[0] } 'x' },
        write              => \&write_line,
        getline            => sub { $_[0]->getline },
        getlines           => sub { my @lines = $_[0]->getlines },
    );

    for my $name (sort keys %call) {
        my $stage = $name =~ /^(?:print|say|write)/ ? 'write' : 'read';
        my $fh    = open_to($silent, fatal => 1);
        $fh->deadline(0);
        ok !eval { $call{$name}->($fh); 1 }, "$name: dies";
        is 0 + $!,      ETIMEDOUT,      '$!';
        is ref $@,      'NetIO::Error', 'with a NetIO::Error';
        is $@->message, "$stage 127.0.0.1:" . $silent->port . ': Connection timed out', 'message';
        is join(' ', $@->stage, $@->code_name), "$stage ETIMEDOUT", 'stage and code';
        is eval { close($fh); 1 },              1,                  'close never dies';
    }
    my $fh = open_to(peer(say => "line\n"), fatal => 1);
    is_deeply [<$fh>], ["line\n"], 'the end of file is not fatal';
    my $line = __LINE__ + 1;
    eval { 1 while print {$fh} 'x' };
    is $@->errno,                     EPIPE,      'EPIPE is';
    is join(' ', $@->file, $@->line), "$0 $line", 'file and line of the print';
    ok eval { undef $fh; 1 }, 'the end of the handle is not';

    # A flush that fails elsewhere does not throw; the print after it does.
    for my $layers ('', ':crlf', ':utf8', ':encoding(UTF-8)') {
        for my $flush (sub { $_[0]->autoflush(1) }, sub { $_[0]->flush }, sub { system 'true' }) {
            $fh = open_to($silent, fatal => 1);
            binmode $fh, $layers if $layers;
            $fh->autoflush(0);
            print {$fh} 'a';
            $fh->deadline(0);
            ok eval  { $flush->($fh);   1 }, "$layers a flush does not die";
            ok !eval { print {$fh} 'x'; 1 }, 'a print dies';
            is $@->code_name, 'ETIMEDOUT', 'of that' if ref $@;
            $fh->clearerr;
            $fh->deadline(60);
            ok eval { print {$fh} 'x' }, 'until clearerr';
        }
    }
};

subtest 'F14 the descriptor closed behind its back' => sub {
    require POSIX;
    my $fh = open_to($echo, deadline => 60);

    POSIX::close(fileno $fh);
    is scalar <$fh>, undef, 'readline';
    is 0 + $!,       EBADF, 'EBADF';
    ok !print({$fh} 'x'), 'print';
    is 0 + $!, EBADF, 'EBADF';
    ok !close $fh, 'close';
};

is fds(), $baseline, 'no descriptor is left';

done_testing;
