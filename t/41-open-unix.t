# unixopen: a stream to the socket at a path.

use strict;
use warnings;

use lib 't/lib';

use Errno qw(ECONNREFUSED EINVAL ENAMETOOLONG ENOENT EPROTOTYPE ETIMEDOUT);
use File::Temp ();
use NetIO ':all';
use NetIO::Test::Process;
use POSIX ();
use Socket qw(PF_UNIX SOCK_DGRAM SOCK_STREAM pack_sockaddr_un);
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 300;

my $folder = File::Temp->newdir;

sub listener {
    my ($path, $type) = @_;
    socket my $socket, PF_UNIX, $type // SOCK_STREAM, 0 or die "socket: $!";
    bind $socket, pack_sockaddr_un($path) or die "bind $path: $!";
    listen $socket, 5 or die "listen: $!" if !$type;
    return $socket;
}

# The connection goes there and back.
sub works {
    my ($listener, @arguments) = @_;
    my $fh = unixopen(@arguments);
    accept my $socket, $listener or die "accept: $!";
    print {$fh} "there\n";
    sysread $socket, my $text, 100;
    syswrite $socket, "${text}back\n";
    return join '', $fh->read_line, $fh->read_line;
}

my $path = "$folder/socket";
my $listener = listener($path);

subtest 'it opens' => sub {
    is works($listener, $path), 'thereback', 'a path';
    is works($listener, $path, timeout => 5, deadline => 60, fatal => 1), 'thereback', 'options';
    is works($listener, $path, timeout => undef), 'thereback', 'timeout undef';
    my $abstract = "netio-test-$$";
    is works(listener("\0$abstract"), "\@$abstract"), 'thereback', 'an abstract name';
    my $longest = 'x' x (107 - length "$folder/");
    for my $name ("caf\xe9", "\xe2\x98\xba", '-', ' with blanks ', $longest) {
        is works(listener("$folder/$name"), "$folder/$name"), 'thereback', 'bytes as they are';
    }
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        chdir $folder;
        my $fh = eval { unixopen('socket', timeout => 30) };
        print $fh ? 'opened' : $@;
        close STDOUT;
        POSIX::_exit(0);
    }
    accept my $socket, $listener or die "accept: $!";
    is join('', <$out>), 'opened', 'a relative path';

    my $fh = unixopen($path, timeout => 7);
    is ref $fh, 'NetIO::Socket', 'class';
    is $fh->timeout, 7, 'timeout';
    is join(' ', PerlIO::get_layers($fh)), 'netio perlio', 'layers';
};

subtest 'wrong calls' => sub {
    my $before = fds();
    my $datagrams = listener("$folder/datagrams", SOCK_DGRAM);
    my $dead = "$folder/dead";
    listener($dead);
    my $long = "$folder/" . 'x' x 200;
    my $shown = substr $long, 0, 159;
    my @wrong = (
        # arguments, message, errno, code
        [[undef],            'unixopen: no path given', EINVAL, 'connect NETIO_EBADADDRESS'],
        [[''],               'unixopen: no path given', EINVAL, 'connect NETIO_EBADADDRESS'],
        [["$path\0"],        "unixopen $path\\x00: not a valid address", EINVAL,
            'connect NETIO_EBADADDRESS'],
        [["/nosuch\n/x"],    'unixopen /nosuch\x0a/x: connect unix:/nosuch\x0a/x: '
            . 'No such file or directory', ENOENT, 'connect ENOENT'],
        [[$dead],            "unixopen $dead: connect unix:$dead: Connection refused",
            ECONNREFUSED, 'connect ECONNREFUSED'],
        [[$0],               undef, ECONNREFUSED, 'connect ECONNREFUSED'],
        [["$folder/datagrams"], undef, EPROTOTYPE, 'connect EPROTOTYPE'],
        [[$long],            "unixopen $shown: connect: File name too long", ENAMETOOLONG,
            'connect ENAMETOOLONG'],
        [['x' x 10_000],     undef, ENAMETOOLONG, 'connect ENAMETOOLONG'],
        [[$path, 'timeout'], 'unixopen: an option has no value', EINVAL,
            'option NETIO_EBADOPTION'],
        (map { [[$path, $_ => 1], "unixopen: unknown option '$_'", EINVAL,
            'option NETIO_EBADOPTION'] }
            qw(family source source_port reserved keepalive nodelay valid Timeout)),
        (map { [[$path, timeout => $_], "unixopen: timeout: '$_' is not a number of seconds",
            EINVAL, 'option NETIO_EBADOPTION'] } -1, 'nan', 'soon'),
    );
    for (@wrong) {
        my ($arguments, $message, $errno, $code) = @$_;
        my $line = __LINE__ + 1;
        ok !eval { unixopen(@$arguments); 1 }, 'dies';
        is 0 + $!, $errno, '$!';
        is join(' ', $@->stage, $@->code_name), $code, 'stage and code';
        is $@->what, 'unixopen', 'what';
        is "$@", "$message at $0 line $line.\n", 'text' if defined $message;
    }
    is fds(), $before + 1, 'no descriptor leaked';
    eval { unixopen() };
    like $@, qr/^Usage: NetIO::unixopen\(path, \.\.\.\) at /, 'no argument';
};

subtest 'A5 nobody accepts' => sub {
    my $full = listener("$folder/full");
    listen $full, 0;
    my @waiting = map { unixopen("$folder/full") } 1;
    for my $timeout (0, 1e-9, 0.05) {
        ok !eval { unixopen("$folder/full", timeout => $timeout); 1 }, "timeout $timeout: dies";
        is $@->errno, ETIMEDOUT, 'errno';
    }
    my $before = fds();
    local $SIG{ALRM} = sub { die "enough\n" };
    ok !eval { setitimer(ITIMER_REAL, 0.05); unixopen("$folder/full"); 1 }, 'F2 a handler dies';
    is $@, "enough\n", 'the exception';
    local $SIG{ALRM} = sub { accept my $socket, $full };
    ok eval { setitimer(ITIMER_REAL, 0.05); unixopen("$folder/full", timeout => 60) },
        'it waits until there is room';
    is fds(), $before, 'no descriptor leaked';
    alarm 300;
};

done_testing;
