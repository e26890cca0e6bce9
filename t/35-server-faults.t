# A server seen from outside: what it does when nothing happens, when the system refuses it
# something, when signals come at the worst moment.  The server is t/c/drive-server.c; strace
# watches it, and puts the faults in.

use strict;
use warnings;
use lib 't/lib';

use Fcntl qw(F_SETFD);
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
use NetIO::Test::C;
use Test::More;

# Through die, so that END ends what was started.
$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $DRIVER = c_program('drive-server');

my %running;
END { kill 'KILL', keys %running if %running }

# Starts the server: a hash of pid (of what was started), port, and what can be read of it:
# err, its stderr, and with strace options trace, what strace writes.
sub start {
    my (@strace) = @_;
    my %server = (said => { err => '', trace => '' });

    pipe my $out,        my $out_end   or die "pipe: $!\n";
    pipe $server{err},   my $err_end   or die "pipe: $!\n";
    pipe $server{trace}, my $trace_end or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        fcntl $trace_end, F_SETFD, 0;
        my @command = ($DRIVER, '127.0.0.1:0');
        unshift @command, 'strace', '-I', 'never', '-o', '/dev/fd/' . fileno $trace_end, @strace
            if @strace;
        open STDOUT, '>&', $out_end or die "stdout: $!\n";
        open STDERR, '>&', $err_end or die "stderr: $!\n";
        exec @command or die "$command[0]: $!\n";
    }
    $running{$pid} = 1;
    my $line = do { close $out_end; <$out> }
        // '';
    ($server{port}) = $line =~ /\A127\.0\.0\.1:(\d+)\n\z/ or die "the server did not start\n";
    ($server{pid}, $server{strace}) = ($pid, scalar @strace);
    $server{server} = $pid if !@strace;
    return \%server;
}

# The server itself: strace is the parent of what it traces.  Asked for only where it must be
# alive, for a signal may have ended it as soon as it had said its port.
sub server_of {
    my ($server) = @_;

    return $server->{server} //= child_of($server->{pid});
}

sub child_of {
    my ($pid) = @_;

    open my $file, '<', "/proc/$pid/task/$pid/children" or die "children of $pid: $!\n";
    my ($child) = (<$file> // '') =~ /\A(\d+)/ or die "$pid has no child\n";
    return $child;
}

# Reads err or trace until it matches so many times; whether it did, with never more than ten
# seconds of silence.
sub wait_for {
    my ($server, $what, $match, $times) = @_;
    my $said   = \$server->{said}{$what};
    my $select = IO::Select->new($server->{$what});

    while ((() = $$said =~ /$match/g) < ($times || 1)) {
        $select->can_read(10) && sysread $server->{$what}, $$said, 65536, length $$said
            or return 0;
    }
    return 1;
}

sub client {
    my ($server) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->{port})
        || die "connecting: $@\n";
}

# Everything that comes for a question, to the end of file.
sub ask {
    my ($server, $question) = @_;
    my $client = client($server);

    syswrite $client, $question;
    local $/;
    return scalar <$client>;
}

# TERM; the exit code, as wait has it.
sub stop {
    my ($server) = @_;

    kill 'TERM', server_of($server);
    waitpid $server->{pid}, 0;
    delete $running{ $server->{pid} };
    return $?;
}

sub descriptors {
    my ($server) = @_;
    my @fds = glob '/proc/' . server_of($server) . '/fd/*';

    return scalar @fds;
}

# The sockets and the like that a child of the server would get.
sub inheritable {
    my ($server) = @_;
    my @found;

    for my $path (glob '/proc/' . server_of($server) . '/fd/*') {
        my ($number) = $path =~ m{(\d+)\z};
        (readlink $path // '') =~ /\A(?:socket|anon_inode)/ or next;
        open my $info, '<', '/proc/' . server_of($server) . "/fdinfo/$number" or next;
        my ($flags) = join('', <$info>) =~ /^flags:\s+(\d+)/m;
        push @found, $number unless oct($flags) & 02000000;
    }
    return @found;
}

{
    my $server = start();
    my $before = descriptors($server);

    is(ask($server, "hello\r\n"), "<hello>\n", 'it answers');
    my @clients = map { client($server) } 1 .. 300;
    syswrite $_, "stay\n" for @clients;
    is(scalar(grep { <$_> eq "<stay>\n" } @clients), 300,           '300 clients stay');
    is(descriptors($server),                         $before + 300, 'each has its descriptor');
    is(join(' ', inheritable($server)),              '', 'all of its own are close-on-exec');
    setsockopt $_, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 for @clients[0 .. 149];
    syswrite $_, 'in the middle of a li' for @clients[0 .. 149];
    @clients = ();
    ok(wait_for($server, 'err', qr/: reset\n/, 150), 'half of them reset in mid-line');
    ok(wait_for($server, 'err', qr/: done\n/,  151), 'the others close');
    is(descriptors($server), $before, 'and no descriptor is left');
    is(stop($server),        0,       'B26: TERM ends it with exit code 0');
}

{
    my $server = start();
    my $client = client($server);

    syswrite $client, "stay\n";
    is(scalar <$client>, "<stay>\n", 'one waits for its next question');
    is(stop($server),    0,          'B26: TERM does not wait for it');
    is(scalar <$client>, undef,      'it is closed');
    wait_for($server, 'err', qr/\n/);
    is($server->{said}{err}, "127.0.0.1: stop\n", 'for this reason');
}

SKIP: {
    my $probe = `strace -o /dev/null -e trace=none true 2>&1 && echo works`;

    skip 'strace is not here, or may not trace', 1 unless ($probe // '') =~ /works/;
    subtest 'nothing to do' => sub {
        my $server = start('-e', 'trace=all');
        is(ask($server, "hello\r\n"), "<hello>\n", 'one question');
        ok(wait_for($server, 'err',   qr/done/),                'served and gone');
        ok(wait_for($server, 'trace', qr/epoll_wait\(\d+, \z/), 'then it waits');
        # The one place where time passes: to see that nothing happens in it.
        ok(!IO::Select->new($server->{trace})->can_read(1), 'B30: without any system call');
        is(stop($server), 0, 'TERM');
        ok(wait_for($server, 'trace', qr/exited with 0/), 'all is seen');
        my ($last) = reverse $server->{said}{trace} =~ /epoll_wait.*, (-?\d+)\) = 1$/mg;
        is($last, -1, 'B30: the wait that TERM ended had no time-out');
    };
    for my $error (qw(EMFILE ENFILE ENOBUFS ENOMEM)) {
        subtest "$error for ever" => sub {
            my $server = start('-e', 'trace=accept4', '-e', "inject=accept4:error=$error:when=1+");
            my $client = client($server);
            ok(wait_for($server, 'err', qr/trouble: $error\n/), "B1: $error is told");
            ok(wait_for($server, 'trace', qr/accept4.*\n/, 3), 'B1: it looks again');
            is(stop($server), 0, 'B1: and TERM still works');
        };
    }
    for my $error (qw(ECONNABORTED EPROTO EPERM ENETDOWN EINTR EAGAIN EMFILE ENFILE)) {
        my $server = start('-e', 'trace=accept4', '-e', "inject=accept4:error=$error:when=1");
        is(ask($server, "hello\n"), "<hello>\n", "B1, B2: $error once costs nobody the answer");
        stop($server);
    }
    for my $nth (1 .. 8) {
        my $server =
            start('-e', 'trace=epoll_wait', '-e', "inject=epoll_wait:signal=TERM:when=$nth");
        # Questions until it is gone, which it may be before the first.
        eval { local $SIG{PIPE} = 'IGNORE'; ask($server, "hello\n") for 1 .. 100 };
        waitpid $server->{pid}, 0;
        delete $running{ $server->{pid} };
        is($?, 0, "B18: TERM at wait number $nth is not lost");
    }
}

done_testing;
