# tcpopen: what it opens, what it refuses, what it says, and what signals do to it.

use strict;
use warnings;

use lib 't/lib';

use Errno qw(ECONNREFUSED EINVAL EMFILE ETIMEDOUT);
use Fcntl qw(F_GETFD F_GETFL FD_CLOEXEC O_NONBLOCK);
use NetIO;
use NetIO::Test::Peer;
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 120;

my $echo     = NetIO::Test::Peer->start('echo');
my $refusing = NetIO::Test::Peer->refusing;
my $full     = NetIO::Test::Peer->full;

sub fds { opendir my $dir, '/proc/self/fd' or die "/proc/self/fd: $!\n"; return scalar(() = readdir $dir) }

# Opens, and says a word through it.
sub works {
    my ($fh) = @_;
    print {$fh} "hello\n" or return "print: $!";
    return scalar <$fh>;
}

subtest 'it opens' => sub {
    my @calls = (
        ['a number',      '127.0.0.1', $echo->port],
        ['localhost',     'localhost', $echo->port],
        ['a name and a number', '127.0.0.1', 'nosuch(' . $echo->port . ')'],
        ['family inet',   'localhost', $echo->port, family => 'inet'],
        ['family undef',  'localhost', $echo->port, family => undef],
        ['timeout',       '127.0.0.1', $echo->port, timeout => 5],
        ['timeout undef', '127.0.0.1', $echo->port, timeout => undef],
        ['timeout 1e12',  '127.0.0.1', $echo->port, timeout => 1e12],
        ['timeout inf',   '127.0.0.1', $echo->port, timeout => 9**9**9],
        ['timeout text',  '127.0.0.1', $echo->port, timeout => '5.5'],
        ['deadline',      '127.0.0.1', $echo->port, deadline => 60],
        ['all options',   '127.0.0.1', $echo->port,
            timeout => 5, deadline => 60, family => 'inet', fatal => 1],
    );
    for (@calls) {
        my ($name, @arguments) = @$_;
        is works(tcpopen(@arguments)), "hello\n", $name;
    }

    my $fh = tcpopen('127.0.0.1', $echo->port);
    is ref $fh, 'NetIO::Socket', 'class';
    ok $fh->isa($_), "isa $_" for qw(NetIO::Socket IO::Socket IO::Handle);
    ok fcntl($fh, F_GETFD, 0) & FD_CLOEXEC, 'close-on-exec';
    ok !(fcntl($fh, F_GETFL, 0) & O_NONBLOCK), 'blocking, for foreign code';
    is join(' ', PerlIO::get_layers($fh)), 'netio perlio', 'layers';
    is join(' ', PerlIO::get_layers($fh, output => 1)), 'netio perlio', 'layers for output';
};

subtest 'over IPv6' => sub {
    plan skip_all => 'no IPv6 here' if !NetIO::Test::Peer->has_ipv6;
    my $echo6 = NetIO::Test::Peer->start(host => '::1', 'echo');

    is works(tcpopen('::1',       $echo6->port)), "hello\n", '::1';
    is works(tcpopen('localhost', $echo6->port)), "hello\n", 'localhost';
    is works(tcpopen('localhost', $echo6->port, family => 'inet6')), "hello\n", 'family inet6';
    is works(tcpopen('localhost', $echo->port)), "hello\n", 'localhost that serves IPv4 only';
};

# name, arguments, message, stage, code
my $port = $echo->port;
my $seconds = 'is not a number of seconds';
my @wrong = (
    ['host: undef', [undef, $port], 'tcpopen: no host given', 'resolve', 'NETIO_EBADHOST'],
    ['host: empty', ['', $port], 'tcpopen: no host given', 'resolve', 'NETIO_EBADHOST'],
    ['host: NUL', ["127.0.0.1\0", $port], "tcpopen 127.0.0.1\\x00 $port: not a valid host name",
        'resolve', 'NETIO_EBADHOST'],
    ['host: newline', ["a\nb", $port], "tcpopen a\\x0ab $port: not a valid host name",
        'resolve', 'NETIO_EBADHOST'],
    ['host: format', ['%s%n', $port], "tcpopen %s%n $port: not a valid host name",
        'resolve', 'NETIO_EBADHOST'],
    ['host: 10,000 characters', ['x' x 10_000, $port],
        'tcpopen ' . 'x' x 159 . " $port: not a valid host name", 'resolve', 'NETIO_EBADHOST'],
    ['host: octal', ['127.0.0.01', $port], "tcpopen 127.0.0.01 $port: not a valid host name",
        'resolve', 'NETIO_EBADHOST'],
    ['host: a glob', [*STDIN, $port], "tcpopen *main::STDIN $port: not a valid host name",
        'resolve', 'NETIO_EBADHOST'],
    ['service: undef', ['127.0.0.1', undef], 'tcpopen: no service given', 'service', 'NETIO_EBADSERVICE'],
    ['service: empty', ['127.0.0.1', ''], 'tcpopen: no service given', 'service', 'NETIO_EBADSERVICE'],
    ['service: NUL', ['127.0.0.1', "80\0"], 'tcpopen 127.0.0.1 80\x00: unknown service',
        'service', 'NETIO_EBADSERVICE'],
    ['service: 1,000 characters', ['127.0.0.1', 'x' x 1000],
        'tcpopen 127.0.0.1 ' . 'x' x 159 . ': unknown service', 'service', 'NETIO_EBADSERVICE'],
    (map { ["service: $_", ['127.0.0.1', $_], "tcpopen 127.0.0.1 $_: unknown service",
        'service', 'NETIO_EBADSERVICE'] } 0, 65536, -1, '80x', ' 80', '+80', '0x50', '80.5'),
    ['family without address', ['127.0.0.1', $port, family => 'inet6'],
        "tcpopen 127.0.0.1 $port: host has no address of the wanted family", 'resolve', 'NETIO_ENOADDRESS'],
    ['unknown option', ['127.0.0.1', $port, foo => 1], q{tcpopen: unknown option 'foo'},
        'option', 'NETIO_EBADOPTION'],
    ['unknown option with control characters', ['127.0.0.1', $port, "a\e[1m" => 1],
        q{tcpopen: unknown option 'a\x1b[1m'}, 'option', 'NETIO_EBADOPTION'],
    ['option in another case', ['127.0.0.1', $port, Timeout => 1], q{tcpopen: unknown option 'Timeout'},
        'option', 'NETIO_EBADOPTION'],
    ['option without value', ['127.0.0.1', $port, 'timeout'], 'tcpopen: an option has no value',
        'option', 'NETIO_EBADOPTION'],
    (map { my $name = $_; map { ["$name: $_", ['127.0.0.1', $port, $name => $_],
        "tcpopen: $name: '$_' $seconds", 'option', 'NETIO_EBADOPTION'] }
        'abc', '', '5s', -1, -1e-9, 'nan', '-inf' } qw(timeout deadline)),
    ['family', ['127.0.0.1', $port, family => 'unix'], q{tcpopen: family: 'unix' is neither inet nor inet6},
        'option', 'NETIO_EBADOPTION'],
);

subtest 'wrong calls' => sub {
    my $before = fds();

    for (@wrong) {
        my ($name, $arguments, $message, $stage, $code) = @$_;
        subtest $name => sub {
            my $line = __LINE__ + 1;
            ok !eval { tcpopen(@$arguments); 1 }, 'dies';
            is 0 + $!, $stage eq 'resolve' && $code =~ /NOADDRESS/ ? 0 + $@->errno : EINVAL, '$!';
            is ref $@, 'NetIO::Error', 'NetIO::Error';
            is "$@", "$message at $0 line $line.\n", 'text';
            is $@->message, $message, 'message';
            is join(' ', $@->stage, $@->code_name), "$stage $code", 'stage and code';
        };
    }
    is fds(), $before, 'no descriptor leaked';
    eval { tcpopen('127.0.0.1') };
    like $@, qr/^Usage: NetIO::tcpopen\(host, service, \.\.\.\) at /, 'an argument too few';
};

subtest 'A1 refused' => sub {
    my $port = $refusing->port;
    my $line = __LINE__ + 1;
    ok !eval { tcpopen('127.0.0.1', $port, timeout => 5); 1 }, 'dies';
    is 0 + $!, ECONNREFUSED, '$!';
    my $error = $@;
    is "$error",
        "tcpopen 127.0.0.1 $port: connect 127.0.0.1:$port: Connection refused at $0 line $line.\n", 'text';
    is 0 + $error, ECONNREFUSED, 'as a number';
    is $error->$_, { stage => 'connect', code => -ECONNREFUSED, errno => ECONNREFUSED, what => 'tcpopen',
        host => '127.0.0.1', service => $port, address => "127.0.0.1:$port", file => $0,
        line => $line }->{$_}, $_
        for qw(stage code errno what host service address file line);
    cmp_ok $error->elapsed, '>', 0, 'elapsed';
    my @attempts = $error->attempts;
    cmp_ok delete $attempts[0]{elapsed}, '>', 0, 'elapsed of the attempt';
    is_deeply \@attempts,
        [{ address => "127.0.0.1:$port", code => -ECONNREFUSED, errno => ECONNREFUSED }], 'attempts';
    is scalar($error->attempts), 1, 'attempts in scalar context';
};

subtest 'all addresses are named' => sub {
    plan skip_all => 'no IPv6 here' if !NetIO::Test::Peer->has_ipv6;
    my $port = $refusing->port;

    ok !eval { tcpopen('localhost', $port, timeout => 5); 1 }, 'dies';
    is $@->message, "tcpopen localhost $port: connect [::1]:$port: Connection refused; "
        . "connect 127.0.0.1:$port: Connection refused", 'message';
    is join(' ', map { $_->{address} } $@->attempts), "[::1]:$port 127.0.0.1:$port", 'attempts';
};

subtest 'A5 no answer: the timeout, and the sooner of timeout and deadline' => sub {
    my $port = $full->port;
    my $text = "tcpopen 127.0.0.1 $port: connect 127.0.0.1:$port: Connection timed out";

    for ([timeout => 0.1], [deadline => 0.1], [timeout => 60, deadline => 0.1],
        [timeout => 0.1, deadline => 60], [timeout => 0], [timeout => 1e-9]) {
        my @options = @$_;
        ok !eval { tcpopen('127.0.0.1', $port, @options); 1 }, "@options: dies";
        is 0 + $!, ETIMEDOUT, '$!';
        is $@->message, $text, 'message';
        is scalar($@->attempts), 1, 'attempts';
    }
};

subtest 'A15 signals' => sub {
    my $before = fds();
    my $seen   = 0;
    local $SIG{ALRM} = sub { $seen++ };

    setitimer(ITIMER_REAL, 0.0002, 0.0002);
    ok !eval { tcpopen('127.0.0.1', $full->port, timeout => 0.2); 1 }, 'a storm: dies';
    setitimer(ITIMER_REAL, 0);
    is $@->errno, ETIMEDOUT, 'at the timeout';
    cmp_ok $seen, '>', 50, 'handlers run meanwhile';

    setitimer(ITIMER_REAL, 0.0002, 0.0002);
    is works(tcpopen('127.0.0.1', $echo->port, timeout => 60)), "hello\n", 'a storm does not break a connect'
        for 1 .. 20;
    setitimer(ITIMER_REAL, 0);

    # F1, F2: whatever a handler does, nothing is left.
    local $SIG{ALRM} = sub { die { why => 'enough' } };
    for (1 .. 50) {
        setitimer(ITIMER_REAL, 0.002);
        eval { tcpopen('127.0.0.1', $full->port, timeout => 60); 1 } and fail 'must not open';
        ref $@ eq 'HASH' && $@->{why} eq 'enough' or fail "not my error: $@";
    }
    pass 'F1 the exception of a handler reaches the caller';
    local $SIG{ALRM} = sub { no warnings 'exiting'; last };
    setitimer(ITIMER_REAL, 0.002);
    eval { tcpopen('127.0.0.1', $full->port, timeout => 60) };
    like $@, qr/^Can't "last" outside a loop block at /, 'F2 last out of a handler, as Perl has it';
    local $SIG{ALRM} = sub { eval { tcpopen('127.0.0.1', $refusing->port) }; die $@ };
    setitimer(ITIMER_REAL, 0.002);
    eval { tcpopen('127.0.0.1', $full->port, timeout => 60) };
    is $@->errno, ECONNREFUSED, 'F2 tcpopen inside of a handler';
    is fds(), $before, 'no descriptor leaked';
    alarm 120;
};

subtest 'F5 what belongs to the caller stays' => sub {
    local ($@, $?) = ('mine', 77);
    my %handlers = %SIG;

    $! = 7;
    tcpopen('127.0.0.1', $echo->port, timeout => 5);
    is 0 + $!, 7, '$!';
    is $@, 'mine', '$@';
    is $?, 77, '$?';
    is_deeply \%SIG, \%handlers, '%SIG';
    require POSIX;
    my $mask = POSIX::SigSet->new;
    POSIX::sigprocmask(POSIX::SIG_BLOCK(), undef, $mask);
    is join(' ', grep { $mask->ismember($_) } 1 .. 31), '', 'signal mask';
};

{
    package Tied;
    our %fetched;
    sub TIESCALAR { my ($class, $name, $value) = @_; return bless { name => $name, value => $value }, $class }
    sub FETCH { my ($self) = @_; $fetched{ $self->{name} }++; return $self->{value} }
    sub STORE { die 'arguments are not changed' }

    package Overloaded;
    use overload '""' => sub { $_[0][0] }, '0+' => sub { $_[0][0] }, fallback => 1;
    sub new { my ($class, $value) = @_; return bless [$value], $class }

    package Mover;
    use overload '""' => sub { deep(200); $_[0][0] }, '0+' => sub { deep(300); 60 }, fallback => 1;
    sub deep { my ($n) = @_; no warnings 'recursion'; return $n ? deep($n - 1, (1) x 500) : 1 }
}

subtest 'F13 arguments' => sub {
    tie my $host, 'Tied', host => '127.0.0.1';
    tie my $service, 'Tied', service => $echo->port;
    tie my $timeout, 'Tied', timeout => 5;
    tie my $option, 'Tied', option => 'timeout';
    is works(tcpopen($host, $service, $option => $timeout)), "hello\n", 'tied';
    is_deeply \%Tied::fetched, { host => 1, service => 1, timeout => 1, option => 1 }, 'each is read once';
    tie my $wrong, 'Tied', wrong => "no host\n";
    ok !eval { tcpopen($wrong, $service); 1 } && $@->host eq "no host\n", 'tied and wrong';
    is $Tied::fetched{wrong}, 1, 'read once, too';

    my @overloaded = map { Overloaded->new($_) } '127.0.0.1', $echo->port, 'timeout', 5;
    is works(tcpopen(@overloaded)), "hello\n", 'overloaded';
    my $mover = bless [$echo->port], 'Mover';
    is works(tcpopen('127.0.0.1', $mover, timeout => $mover)), "hello\n",
        "reading an argument moves Perl's stack";
    for my $constant ('127.0.0.1') {
        is works(tcpopen($constant, $echo->port)), "hello\n", 'read-only';
    }
    my $number = $echo->port;
    tcpopen('127.0.0.1', $number);
    require B;
    ok !(B::svref_2object(\$number)->FLAGS & B::SVf_POK()) || $] >= 5.036, 'a number is not changed';
    my $bytes = "m\xfcnchen";
    eval { tcpopen($bytes, 80) };
    ok !utf8::is_utf8($bytes), 'nor is a text of Latin-1 upgraded';
    is $@->host, $bytes, 'and the error has the same characters';
    eval { tcpopen("\x{263a}", 80) };
    is $@->host, "\x{263a}", 'wide characters';
    ok !eval { tcpopen('127.0.0.1', $echo->port, timeout => []); 1 }, 'a reference is not a number';
    like $@->message, qr/^tcpopen: timeout: 'ARRAY\(0x[0-9a-f]+\)' is not a number of seconds$/, 'message';
};

# Runs code under a limit of descriptors, in a process of its own.
sub limited {
    my ($limit, $code) = @_;
    my @include = map {"-I$_"} @INC;

    open my $out, '-|', 'sh', '-c', "ulimit -n $limit && exec \"\$@\"", 'sh', $^X, @include, '-MNetIO',
        '-e', $code, $echo->port or die "sh: $!\n";
    local $/;
    return join '', <$out>;
}

is limited(64, <<'CODE'), <<"TEXT" =~ s/^\s+//gmr, 'A16 no descriptor left';
    my ($port) = @ARGV;
    my @kept;
    while (open my $file, '<', '/dev/null') { push @kept, $file }
    eval { tcpopen('127.0.0.1', $port) };
    print ref $@, " $!\n$@";
    pop @kept;
    my $fh = tcpopen('127.0.0.1', $port);
    print $fh "hello\n";
    print scalar <$fh>;
CODE
    NetIO::Error Too many open files
    tcpopen 127.0.0.1 $port: socket 127.0.0.1:$port: Too many open files at -e line 4.
    hello
TEXT

is limited(64, <<'CODE'), "0\nhello\n", 'A28 descriptor 0';
    close STDIN;
    my $fh = tcpopen('127.0.0.1', $ARGV[0], timeout => 60);
    print fileno($fh), "\n";
    print $fh "hello\n";
    print scalar <$fh>;
CODE

SKIP: {
    my $most = `sh -c 'ulimit -Hn'`;
    skip 'at most ' . $most, 1 if $most !~ /unlimited/ && $most < 1100;
    is limited(1100, <<'CODE'), "hello\n", 'A28 descriptors above 1023';
        my @kept = map { open my $file, '<', '/dev/null' or die; $file } 1 .. 1050;
        my $fh = tcpopen('127.0.0.1', $ARGV[0], timeout => 60);
        print $fh "hello\n";
        print scalar <$fh>;
CODE
}

done_testing;
