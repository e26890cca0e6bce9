# tcpopen: what it opens, what it refuses, what it says, and what signals do to it.

use strict;
use warnings;

use lib 't/lib';

use Errno qw(ECONNREFUSED EHOSTUNREACH EINVAL ETIMEDOUT);
use Fcntl qw(F_GETFD F_GETFL FD_CLOEXEC O_NONBLOCK);
use NetIO;
use NetIO::Test::Peer;
use NetIO::Test::Process;
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 300;

my $echo     = NetIO::Test::Peer->start('echo');
my $refusing = NetIO::Test::Peer->refusing;
my $full     = NetIO::Test::Peer->full;

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
            timeout => 5, deadline => 60, family => 'inet', fatal => 1, source => '127.0.0.1',
            source_port => 0, reserved => 0, keepalive => 1, nodelay => 1],
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

# A call like these dies with the code under which it stands.
my $port   = $echo->port;
my $here   = '127.0.0.1';
my $bad    = "$port: not a valid host name";
my %option = map { $_ => ["tcpopen: $_:", 'is not a number of seconds'] } qw(timeout deadline);
my %wrong  = (
    'resolve NETIO_EBADHOST' => [
        # name, arguments, message
        ['undef',             [undef, $port],            'tcpopen: no host given'],
        ['empty',             ['', $port],               'tcpopen: no host given'],
        ['NUL',               ["127.0.0.1\0", $port],    "tcpopen 127.0.0.1\\x00 $bad"],
        ['newline',           ["a\nb", $port],           "tcpopen a\\x0ab $bad"],
        ['format',            ['%s%n', $port],           "tcpopen %s%n $bad"],
        ['10,000 characters', ['x' x 10_000, $port],     'tcpopen ' . 'x' x 159 . " $bad"],
        ['octal',             ['127.0.0.01', $port],     "tcpopen 127.0.0.01 $bad"],
        ['a glob',            [*STDIN, $port],           "tcpopen *main::STDIN $bad"],
    ],
    'resolve NETIO_ENOADDRESS' => [
        ['IPv6 of an IPv4 address', [$here, $port, family => 'inet6'],
            "tcpopen $here $port: host has no address of the wanted family"],
    ],
    'service NETIO_EBADSERVICE' => [
        ['undef',            [$here, undef],    'tcpopen: no service given'],
        ['empty',            [$here, ''],       'tcpopen: no service given'],
        ['NUL',              [$here, "80\0"],   "tcpopen $here 80\\x00: unknown service"],
        ['1,000 characters', [$here, 'x' x 1000],
            "tcpopen $here " . 'x' x 159 . ': unknown service'],
        map { [$_, [$here, $_], "tcpopen $here $_: unknown service"] }
            0, 65536, -1, '80x', ' 80', '+80', '0x50', '80.5',
    ],
    'option NETIO_EBADOPTION' => [
        ['unknown',         [$here, $port, foo => 1],     q{tcpopen: unknown option 'foo'}],
        ['NUL',             [$here, $port, "timeout\0" => 1],
            q{tcpopen: unknown option 'timeout\x00'}],
        ['another case',    [$here, $port, Timeout => 1], q{tcpopen: unknown option 'Timeout'}],
        ['terminal codes',  [$here, $port, "\e[1m" => 1], q{tcpopen: unknown option '\x1b[1m'}],
        ['without a value', [$here, $port, 'timeout'],    'tcpopen: an option has no value'],
        ['family',          [$here, $port, family => 'unix'],
            q{tcpopen: family: 'unix' is neither inet nor inet6}],
        map {
            my $name = $_;
            map { ["$name $_", [$here, $port, $name => $_], join " '$_' ", @{ $option{$name} }] }
                'abc', '', '5s', -1, -1e-9, 'nan', '-inf';
        } qw(timeout deadline),
    ],
);

sub is_refused {
    my ($name, $arguments, $message, $code) = @_;
    my $line = __LINE__ + 2;

    ok !eval { tcpopen(@$arguments); 1 }, "$name: dies";
    is 0 + $!, $code =~ /NOADDRESS/ ? EHOSTUNREACH : EINVAL, '$!';
    is ref $@, 'NetIO::Error', 'NetIO::Error';
    is "$@", "$message at $0 line $line.\n", 'text';
    is $@->message, $message, 'message';
    is join(' ', $@->stage, $@->code_name), $code, 'stage and code';
}

subtest 'wrong calls' => sub {
    my $before = fds();

    for my $code (sort keys %wrong) {
        subtest $code => sub { is_refused(@$_, $code) for @{ $wrong{$code} } };
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
    my $text = "tcpopen 127.0.0.1 $port: connect 127.0.0.1:$port: Connection refused";
    is "$error", "$text at $0 line $line.\n", 'text';
    is 0 + $error, ECONNREFUSED, 'as a number';
    my %field = (
        what    => 'tcpopen',
        host    => '127.0.0.1',
        service => $port,
        stage   => 'connect',
        code    => -ECONNREFUSED,
        errno   => ECONNREFUSED,
        address => "127.0.0.1:$port",
        file    => $0,
        line    => $line,
    );
    is $error->$_, $field{$_}, $_ for sort keys %field;
    cmp_ok $error->elapsed, '>', 0, 'elapsed';
    my @attempts = $error->attempts;
    cmp_ok delete $attempts[0]{elapsed}, '>', 0, 'elapsed of the attempt';
    is_deeply \@attempts, [{ map { $_ => $field{$_} } qw(stage address code errno) }],
        'attempts';
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

    # A machine that has no time for them runs fewer handlers: then once more.
    for my $try (1 .. 20) {
        $seen = 0;
        setitimer(ITIMER_REAL, 0.0002, 0.0002);
        ok !eval { tcpopen('127.0.0.1', $full->port, timeout => 0.5); 1 }, 'a storm: dies';
        setitimer(ITIMER_REAL, 0);
        is $@->errno, ETIMEDOUT, 'at the timeout';
        last if $seen > 50;
    }
    cmp_ok $seen, '>', 50, 'handlers run meanwhile';

    setitimer(ITIMER_REAL, 0.0002, 0.0002);
    is works(tcpopen('127.0.0.1', $echo->port, timeout => 60)), "hello\n", 'a storm: it opens'
        for 1 .. 20;
    setitimer(ITIMER_REAL, 0);

    # F1, F2: whatever a handler does, nothing is left.
    my $hung = sub {
        my ($handler) = @_;
        eval {
            local $SIG{ALRM} = $handler;
            setitimer(ITIMER_REAL, 0.002);
            tcpopen('127.0.0.1', $full->port, timeout => 60);
            1;
        } and return 'it opened';
        return $@;
    };
    my @why = map { $hung->(sub { die { why => 'enough' } })->{why} } 1 .. 50;
    is "@why", join(' ', ('enough') x 50), 'F1 the exception of a handler reaches the caller';
    no warnings 'exiting';
    like $hung->(sub { last }), qr/^Can't "last" outside a loop block at /, 'F2 last out of it';
    my $inner = $hung->(sub { eval { tcpopen('127.0.0.1', $refusing->port) }; die $@ });
    is $inner->errno, ECONNREFUSED, 'F2 tcpopen inside of a handler';
    is fds(), $before, 'no descriptor leaked';
    alarm 300;
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
    package Tied;    ## no critic (RequireFilenameMatchesPackage)
    our %fetched;
    sub TIESCALAR { my ($class, @pair) = @_; return bless [@pair], $class }
    sub FETCH { my ($self) = @_; $fetched{ $self->[0] }++; return $self->[1] }
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
    is_deeply \%Tied::fetched, { map { $_ => 1 } qw(host service timeout option) },
        'each is read once';
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
    my $bytes = "m\xfcnchen";
    eval { tcpopen($bytes, 80) };
    ok !utf8::is_utf8($bytes), 'nor is a text of Latin-1 upgraded';
    is $@->host, $bytes, 'and the error has the same characters';
    eval { tcpopen("\x{263a}", 80) };
    is $@->host, "\x{263a}", 'wide characters';
    ok !eval { tcpopen('127.0.0.1', $echo->port, timeout => []); 1 }, 'a reference is not a number';
    like $@->message, qr/^tcpopen: timeout: 'ARRAY\(0x\w+\)' is not a number of seconds$/, 'text';
};

# Runs code under a limit of descriptors, in a process of its own.
sub limited {
    my ($limit, $code) = @_;
    my @include = map {"-I$_"} @INC;

    open my $out, '-|', 'sh', '-c', "ulimit -n $limit && exec \"\$@\"", 'sh', $^X, @include,
        '-MNetIO', '-e', $code, $echo->port or die "sh: $!\n";
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
