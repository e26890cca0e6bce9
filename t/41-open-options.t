# The options of tcpopen that say what this end is: what they do, what they refuse, and what is
# said when there is nothing left to do it with.

use strict;
use warnings;

use lib 't/lib';

use Cwd ();
use Errno qw(EACCES EADDRINUSE EADDRNOTAVAIL EINVAL);
use IO::Socket::INET ();
use NetIO;
use NetIO::Test::Netns;
use NetIO::Test::Peer;
use NetIO::Test::Port qw(free_port);
use NetIO::Test::Process;
use Socket qw(INADDR_LOOPBACK IPPROTO_TCP SOL_SOCKET SO_KEEPALIVE TCP_NODELAY sockaddr_in
    PF_INET SOCK_STREAM);
use Test::More;

alarm 300;

my $echo  = NetIO::Test::Peer->start('echo');
my $here  = '127.0.0.1';
my $root  = $> == 0;
my @where = ($here, $echo->port, timeout => 30);

sub open_with { return tcpopen(@where, @_) }

sub option { return unpack 'i', getsockopt $_[0], $_[1], $_[2] }

subtest 'keepalive and nodelay' => sub {
    my @options = ([keepalive => SOL_SOCKET, SO_KEEPALIVE], [nodelay => IPPROTO_TCP, TCP_NODELAY]);
    for (@options) {
        my ($name, $level, $option) = @$_;
        ok option(open_with($name => 1), $level, $option), "$name is on";
        ok !option(open_with($name => $_), $level, $option), "$name => " . ($_ // 'undef')
            for 0, '', undef;
        ok !option(open_with(), $level, $option), 'and off where it is not asked for';
    }
};

subtest 'source and source_port' => sub {
    is open_with(source => '127.0.0.5')->sockhost, '127.0.0.5', 'source';
    is open_with(source => $_)->sockhost, $here, 'no source: ' . ($_ // 'undef') for undef, '';
    my $port = free_port();
    my $fh = open_with(source => '127.0.0.6', source_port => $port);
    is join(':', $fh->sockhost, $fh->sockport), "127.0.0.6:$port", 'source_port';
    for my $any (0, undef) {
        cmp_ok open_with(source_port => $any)->sockport, '>', 0, 'source_port ' . ($any // 'undef');
    }
    ok !eval { open_with(source => '127.0.0.6', source_port => $port) }, 'one that is in use';
    is $@->message, "tcpopen $here @{[$echo->port]}: "
        . ($@->stage eq 'bind' ? "bind 127.0.0.6:$port: Address already in use"
            : "connect $here:@{[$echo->port]}: Cannot assign requested address"), 'text';
    my $taken = IO::Socket::INET->new(LocalAddr => $here, Listen => 1) or die "$@\n";
    ok !eval { tcpopen('localhost', 9, source_port => $taken->sockport) }, 'one that listens';
    like $@->message, qr/\bbind 127\.0\.0\.1:\d+: Address already in use/,
        'of several addresses, each is told with the stage at which it failed';
    ok !eval { open_with(source => '192.0.2.77') }, 'a source that is not ours';
    is join(' ', $@->stage, $@->code_name, $@->address), 'bind EADDRNOTAVAIL 192.0.2.77:0',
        'stage, code and address';
    is 0 + $!, EADDRNOTAVAIL, '$!';
    ok !eval { open_with(source => '::1') }, 'a source of the other family';
    is $@->code_name, 'NETIO_ENOADDRESS', 'code';
};

subtest 'wrong values' => sub {
    my $before = fds();
    my @wrong = (
        # options, message
        (map { [[source => $_], qq{source: '$_' is not a numeric address}] }
            'localhost', '127.1', '127.0.0.1:80', '/tmp/x', 'x' x 200),
        [[source => "127.0.0.1\n"], q{source: '127.0.0.1\x0a' is not a numeric address}],
        [[source => "127.0.0.1\0"], q{source: '127.0.0.1\x00' is not a numeric address}],
        (map { [[source_port => $_], qq{source_port: '$_' is not a port}] }
            -1, 65536, 1e12, 1.5, '80x', '', 'whois', 'nan', 9**9**9),
        [[reserved => 1, source_port => 80], 'reserved and source_port exclude each other'],
        [[source_port => 80, reserved => 1], 'reserved and source_port exclude each other'],
        (map { [[$_ => 1], "unknown option '$_'"] } qw(Source SOURCE_PORT valid local)),
    );
    for (@wrong) {
        my ($options, $message) = @$_;
        my $line = __LINE__ + 1;
        ok !eval { tcpopen($here, 1, @$options); 1 }, 'dies';
        $message =~ s/'x{200}'/"'" . 'x' x 159 . "'"/e;
        is "$@", "tcpopen: $message at $0 line $line.\n", $message;
        is join(' ', 0 + $!, $@->stage, $@->code_name), EINVAL . ' option NETIO_EBADOPTION', 'code';
    }
    is fds(), $before, 'no descriptor leaked';
};

subtest 'a reserved port' => sub {
    plan skip_all => 'not root' if !$root;
    my $first  = open_with(reserved => 1);
    my $second = open_with(reserved => 1);
    for ($first, $second) {
        cmp_ok $_->sockport, '<=', 1023, 'at most 1023';
        cmp_ok $_->sockport, '>=', 512,  'at least 512';
    }
    isnt $first->sockport, $second->sockport, 'each has its own';

    my $program = <<'CODE';
        eval { tcpopen('127.0.0.1', $ARGV[0], reserved => 1, timeout => 30) };
        print join "\n", $@->message, $@->code_name, 0 + $!;
CODE
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        ($(, $)) = (65534, '65534 65534');
        ($<, $>) = (65534, 65534);
        exec $^X, (map {"-I$_"} @INC), '-MNetIO', '-e', $program, $echo->port;
    }
    like join('', <$out>), qr/^tcpopen\ 127\.0\.0\.1\ \d+:\ reserved\ ports\ need\ the
        \ privilege\ CAP_NET_BIND_SERVICE\nNETIO_EPRIVILEGE\n@{[EACCES]}$/x, 'without the privilege'
        or diag "\$! is $!";
    close $out;
};

# In a namespace all 512 can be taken without harm.
subtest 'A3 no route; all reserved ports taken' => sub {
    my $missing = NetIO::Test::Netns->missing;
    plan skip_all => $missing if $missing;
    my $ns = NetIO::Test::Netns->new('d1');
    my $program = <<'CODE';
        use Socket;
        sub say_why {
            my ($name, @call) = @_;
            eval { tcpopen(@call); 1 } and return print "$name: opened\n";
            print join(' ', "$name:", $@->stage, $@->code_name, 0 + $!), "\n$@";
        }
        say_why('no route', '192.0.2.1', 80, timeout => 5);
        say_why('no route', '2001:db8::1', 80, timeout => 5);
        my $peer = sub {
            socket my $listener, PF_INET, SOCK_STREAM, 0 or die;
            bind $listener, sockaddr_in(0, INADDR_LOOPBACK) or die;
            listen $listener, 5 or die;
            return $listener;
        }->();
        my ($port) = sockaddr_in(getsockname $peer);
        my @taken = map {
            socket my $socket, PF_INET, SOCK_STREAM, 0 or die;
            bind $socket, sockaddr_in($_, INADDR_ANY) or die "$_: $!";
            listen $socket, 1 or die;
            $socket;
        } 512 .. 1023;
        say_why('taken', '127.0.0.1', $port, reserved => 1, timeout => 5);
        undef $taken[7];
        print tcpopen('127.0.0.1', $port, reserved => 1, timeout => 5)->sockport, "\n";
CODE
    my ($status, $said) = $ns->run($^X, (map { "-I" . Cwd::abs_path($_) } grep { -d } @INC),
        '-MNetIO', '-e', $program);
    is $status, 0, 'exit code';
    my $place = qr/ at -e line \d+\.\n/;
    like $said, qr/^no\ route:\ connect\ ENETUNREACH\ \d+\n
        tcpopen\ 192\.0\.2\.1\ 80:\ connect\ 192\.0\.2\.1:80:\ Network\ is\ unreachable$place
        no\ route:\ connect\ E\w+\ \d+\n
        tcpopen\ 2001:db8::1\ 80:\ connect\ \[2001:db8::1\]:80:\ [\w\ ]+$place
        taken:\ bind\ NETIO_ERESERVED\ @{[EADDRINUSE]}\n
        tcpopen\ 127\.0\.0\.1\ \d+:
        \ all\ reserved\ ports,\ 1023\ down\ to\ 512,\ are\ taken$place
        519\n\z/x, 'what is said';
};

done_testing;
