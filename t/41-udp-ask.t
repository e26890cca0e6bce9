# udp_ask: one answer of several servers, or the reason of each.

use strict;
use warnings;

use lib 't/lib';

use Errno qw(EBADMSG ECONNREFUSED EINVAL EMSGSIZE ETIMEDOUT);
use NetIO ':all';
use NetIO::Test::Datagram;
use NetIO::Test::Process;
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 300;

sub peer { return NetIO::Test::Datagram->start(@_) }

my $echo = peer(sub {
    my ($socket, $from, $text) = @_;
    send $socket, "re: $text", 0, $from;
});
my $double = peer(sub {    # junk first
    my ($socket, $from, $text) = @_;
    send $socket, $_, 0, $from for 'junk', "re: $text";
});
my $silent   = peer(sub { });
my $refusing = NetIO::Test::Datagram->refusing;
my @options  = (timeout => 30);

subtest 'one server, or several' => sub {
    my ($host, $port) = ($echo->host, $echo->port);
    my @calls = (
        ['a host',       $host, $port],
        ['a list',       [$host], $port],
        ['HOST:SERVICE', $echo->server, undef],
        ['without need of a service', [$echo->server], 9],
        ['after a silent one', [$silent->server, $echo->server], '', first_wait => 0.02],
        ['after one that refuses', [$refusing->server, $echo->server], undef],
        ['after those that are none', ['a b', 'nosuch.invalid', '127.0.0.1:80x', $echo->server],
            undef],
        ['localhost',    "localhost:$port", undef, family => 'inet'],
        ['source',       $host, $port, source => '127.0.0.5'],
        ['no options',   $host, $port, valid => undef, first_wait => undef, timeout => undef],
    );
    for (@calls) {
        my ($name, $servers, $service, @more) = @$_;
        is scalar udp_ask($servers, $service, 'hi', @options, @more), 're: hi', $name;
    }
    is_deeply [udp_ask($host, $port, 'hi', @options)], ['re: hi', "$host:$port"],
        'in list context, who it was, too';
    for my $request ('', "\0", join('', map { chr } 0 .. 255), 'x' x 60_000) {
        is scalar udp_ask($host, $port, $request, @options), "re: $request",
            length($request) . ' octets';
    }
};

subtest 'valid' => sub {
    my @seen;
    my $answer = udp_ask($double->server, undef, 'hi', @options,
        valid => sub { push @seen, [@_]; return $_[0] =~ /^re/ });
    is $answer, 're: hi', 'the first good one';
    is_deeply \@seen, [map { [$_, $double->server] } 'junk', 're: hi'], 'what it was asked';
    is scalar udp_ask($double->server, undef, 'hi', @options), 'junk', 'without it, the first one';
    is scalar udp_ask($double->server, undef, 'hi', @options, valid => sub { $_[0] = 'x'; 1 }),
        'junk', 'it cannot change the answer';
    is scalar udp_ask($double->server, undef, 'hi', @options, valid => sub { return [] }), 'junk',
        'a reference is true';
    my $count = 0;
    my $never = sub { $count++; return };
    ok !eval { udp_ask($double->server, undef, 'hi', timeout => 2, valid => $never); 1 },
        'nothing is good enough';
    is $@->code_name, 'ETIMEDOUT', 'code';
    my ($attempt) = $@->attempts;
    is join(' ', map { $attempt->{$_} } qw(code invalid)), join(' ', -EBADMSG, $count),
        'and that of the attempt';

    # F1, F2, F6: whatever it does.
    my $before = fds();
    my $dies = sub {
        my ($code) = @_;
        local $@ = 'before';
        my $lived = eval { udp_ask($echo->server, undef, 'hi', @options, valid => $code); 1 };
        return $lived ? 'lived' : $@;
    };
    is $dies->(sub { die "no\n" }), "no\n", 'F1 a text';
    is $dies->(sub { die { why => 'no' } })->{why}, 'no', 'an object';
    is $dies->(sub { eval { die 'x' }; 1 }), 'lived', 'one that it has caught itself';
    is $dies->(sub { udp_ask($double->server, undef, 'in', @options) eq 'junk' }), 'lived',
        'udp_ask inside of it';
    is ref $dies->(sub { tcpopen('', 1) }), 'NetIO::Error', 'an error of NetIO';
    {
        no warnings 'exiting';
        like $dies->(sub { last }), qr/^Can't "last" outside a loop block at /, "F2 $_" for 1;
        like $dies->(sub { goto OUT }), qr/^Can't find label OUT at /, 'F2 goto';
    OUT:
    }
    my $message = 'none';
    {
        local $SIG{__DIE__} = sub { $message = $_[0] };
        $dies->(sub { die "seen\n" });
    }
    is $message, "seen\n", 'F2 $SIG{__DIE__}';
    {
        package Grave;
        sub DESTROY { eval { die "in DESTROY\n" } }
    }
    is $dies->(sub { my $grave = bless [], 'Grave'; die "no\n" }), "no\n", 'F2 die in DESTROY';
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        require POSIX;
        $SIG{__DIE__} = sub { POSIX::_exit(1) };
        udp_ask($echo->server, undef, 'hi', @options, valid => sub { exit 3 });
        POSIX::_exit(2);
    }
    waitpid $pid, 0;
    is $? >> 8, 3, 'F2 exit';
    $pid = undef;
    is scalar udp_ask($echo->server, undef, 'hi', @options, valid => sub {
        $pid = fork // die "fork: $!";
        if (!$pid) { require POSIX; POSIX::_exit(4) }
        waitpid $pid, 0;
        return 1;
    }), 're: hi', 'F6 fork';

    local ($@, $?) = ('mine', 77);
    $! = 7;
    udp_ask($echo->server, undef, 'hi', @options, valid => sub { eval { die 'x' }; $! = 9; 1 });
    is join(' ', 0 + $!, $@, $?), '7 mine 77', 'F5 $!, $@ and $? stay';
    is fds(), $before, 'no descriptor leaked';
};

subtest 'no answer' => sub {
    my $line = __LINE__ + 1;
    ok !eval { udp_ask([$silent->server, $refusing->server], 7, 'hi', timeout => 1); 1 }, 'dies';
    is 0 + $!, ETIMEDOUT, '$!';
    my ($quiet, $no) = map { $_->server } $silent, $refusing;
    is "$@", "udp_ask $quiet, $no 7: read $quiet: Connection timed out; "
        . "read $no: Connection refused at $0 line $line.\n", 'text';
    is join(' ', map { $_ // 'undef' } $@->what, $@->host, $@->service, $@->stage),
        "udp_ask $quiet, $no 7 read", 'fields';
    my @attempts = $@->attempts;
    cmp_ok delete $attempts[$_]{elapsed}, '>', 0, 'elapsed' for 0, 1;
    cmp_ok delete $attempts[0]{asked}, '>', 1, 'asked more than once';
    is_deeply \@attempts, [
        { server => $quiet, address => $quiet, stage => 'read', invalid => 0,
            code => -ETIMEDOUT, errno => ETIMEDOUT },
        { server => $no, address => $no, stage => 'read', invalid => 0, asked => 1,
            code => -ECONNREFUSED, errno => ECONNREFUSED },
    ], 'attempts';

    for (['127.0.0.1:80x', 'service', 'unknown service'],
        map { [$_, 'resolve', 'not a valid host name'] } "a\nb", 'x' x 10_000) {
        my ($server, $stage, $why) = @$_;
        ok !eval { udp_ask($server, 7, 'hi', @options); 1 }, 'dies';
        my $shown = substr $server =~ s/\n/\\x0a/r, 0, 159;
        is $@->message, "udp_ask $shown 7: "
            . substr([$@->attempts]->[0]{server} =~ s/\n/\\x0a/r, 0, 159) . ": $why", 'message';
        is [$@->attempts]->[0]{stage}, $stage, 'stage';
    }
    for my $timeout (0, 1e-9) {
        ok !eval { udp_ask($silent->server, undef, 'hi', timeout => $timeout); 1 },
            "timeout $timeout";
        is $@->errno, ETIMEDOUT, 'errno';
    }
};

subtest 'A15, F1 signals' => sub {
    my $seen = 0;
    local $SIG{ALRM} = sub { $seen++ };
    # A machine that has no time for them runs fewer handlers: then once more.
    for my $try (1 .. 20) {
        $seen = 0;
        setitimer(ITIMER_REAL, 0.0002, 0.0002);
        ok !eval { udp_ask($silent->server, undef, 'hi', timeout => 0.5); 1 }, 'a storm: dies';
        setitimer(ITIMER_REAL, 0);
        is $@->errno, ETIMEDOUT, 'in time';
        last if $seen > 50;
    }
    cmp_ok $seen, '>', 50, 'handlers run meanwhile';
    my $before = fds();
    local $SIG{ALRM} = sub { die "enough\n" };
    for (1 .. 20) {
        eval { setitimer(ITIMER_REAL, 0.005); udp_ask($silent->server, undef, 'hi', @options) };
        is $@, "enough\n", 'a handler that dies' if $@ ne "enough\n" || $_ == 20;
    }
    is fds(), $before, 'no descriptor leaked';
    alarm 300;
};

{
    package Tied;
    sub TIESCALAR { my ($class, @pair) = @_; return bless [@pair], $class }
    sub TIEARRAY { my ($class, @list) = @_; return bless [@list], $class }
    sub FETCH { my ($self, $i) = @_; return $self->[$i // 0] }
    sub FETCHSIZE { return scalar @{ $_[0] } }
    sub STORE { die 'arguments are not changed' }

    package Shrinking;
    use overload '""' => sub { @{ $_[0][1] } = (); $_[0][0] }, fallback => 1;
}

subtest 'F13 arguments' => sub {
    tie my @servers, 'Tied', $silent->server, $echo->server;
    tie my $request, 'Tied', 'hi';
    is scalar udp_ask(\@servers, undef, $request, @options, first_wait => 0.02), 're: hi', 'tied';
    my @list;
    @list = map { bless [$echo->server, \@list], 'Shrinking' } 1 .. 3;
    is scalar udp_ask(\@list, undef, 'hi', @options), 're: hi',
        'a list that shrinks while it is read';
    my $text = "\xfc";
    utf8::upgrade($text);
    is scalar udp_ask($echo->server, undef, $text, @options), "re: \xfc",
        'octets, however Perl has them';
    ok utf8::is_utf8($text), 'nor is the argument changed';
};

subtest 'wrong calls' => sub {
    my $before = fds();
    my $server = $silent->server;
    my @wrong = (
        # arguments, message, code
        (map { [[$_, 7, 'x'], 'udp_ask: no server given', 'resolve NETIO_EBADHOST'] }
            undef, '', [], [''], ['127.0.0.1', undef]),
        [["a\0b", 7, 'x'], 'udp_ask a\x00b: not a valid host name', 'resolve NETIO_EBADHOST'],
        [['a', "7\0", 'x'], 'udp_ask: 7\x00: unknown service', 'service NETIO_EBADSERVICE'],
        [[[('127.0.0.1') x 65], 7, 'x'], 'udp_ask: more than 64 servers',
            'option NETIO_EBADOPTION'],
        [[$server, undef, undef], 'udp_ask: no request given', 'option NETIO_EBADOPTION'],
        [[$server, undef, "\x{263a}"], 'udp_ask: the request has characters that are no octets',
            'option NETIO_EBADOPTION'],
        [[$server, undef, 'x' x 65_508], 'udp_ask: the request is longer than 65507 octets',
            'option EMSGSIZE'],
        [[$server, undef, 'x', 'timeout'], 'udp_ask: an option has no value',
            'option NETIO_EBADOPTION'],
        (map { [[$server, undef, 'x', $_ => 1], "udp_ask: unknown option '$_'",
            'option NETIO_EBADOPTION'] } qw(deadline fatal keepalive Timeout)),
        (map { [[$server, undef, 'x', valid => $_], "udp_ask: valid: '$_' is not a code reference",
            'option NETIO_EBADOPTION'] } 1, 'main::code'),
        (map { [[$server, undef, 'x', first_wait => $_],
            "udp_ask: first_wait: '$_' is not between 0.001 and 3600 seconds",
            'option NETIO_EBADOPTION'] } 0, -1, 1e-9, 3601, 'nan', 9**9**9, 'x'),
        [[$server, undef, 'x', source => 'x'], q{udp_ask: source: 'x' is not a numeric address},
            'option NETIO_EBADOPTION'],
    );
    for (@wrong) {
        my ($arguments, $message, $code) = @$_;
        my $line = __LINE__ + 1;
        ok !eval { udp_ask(@$arguments); 1 }, 'dies';
        is "$@", "$message at $0 line $line.\n", $message;
        is join(' ', $@->stage, $@->code_name), $code, 'stage and code';
    }
    is fds(), $before, 'no descriptor leaked';
    eval { udp_ask('127.0.0.1', 7) };
    like $@, qr/^Usage: NetIO::udp_ask\(servers, service, request, \.\.\.\) at /, 'too few';
};

subtest 'A16 no descriptor left' => sub {
    my @include = map {"-I$_"} @INC;
    my $program = <<'CODE';
        my @kept;
        while (open my $file, '<', '/dev/null') { push @kept, $file }
        eval { NetIO::udp_ask($ARGV[0], undef, 'hi', timeout => 5) };
        print ref $@, ' ', $@->code_name, "\n";
        eval { NetIO::udpopen('127.0.0.1', 7) };
        print ref $@, ' ', $@->code_name, "\n";
        splice @kept, -4;
        print NetIO::udp_ask($ARGV[0], undef, 'hi', timeout => 5) . "\n";
CODE
    open my $out, '-|', 'sh', '-c', 'ulimit -n 64 && exec "$@"', 'sh', $^X, @include, '-MNetIO',
        '-e', $program, $echo->server or die "sh: $!";
    is join('', <$out>), "NetIO::Error EMFILE\nNetIO::Error EMFILE\nre: hi\n", 'says so';
};

done_testing;
