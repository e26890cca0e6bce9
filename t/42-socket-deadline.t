# The handle: every read and write keeps the deadline, whatever the peer does, and signals come.

use strict;
use warnings;

use lib 't/lib';

use Errno qw(ECONNRESET EPIPE ETIMEDOUT);
use NetIO;
use NetIO::Test::Peer;
use NetIO::Test::Process qw(fds is_asleep);
use POSIX                ();
use Socket               qw(SOL_SOCKET SO_SNDBUF);
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 300;

my $echo = NetIO::Test::Peer->start('echo');

sub open_to { return shift->handle(@_) }
sub peer    { return NetIO::Test::Peer->start(@_) }

# Seconds between two signals of a storm.  perl dies of 120 that wait while it is in one place,
# and a realloc of libasan can take that long.
my $STORM = $ENV{ASAN_OPTIONS} ? 0.002 : 0.0002;

# A process that sees whether this one sleeps, for once_asleep.
pipe my $told, my $tell or die "pipe: $!\n";
my $test    = $$;
my $watcher = fork // die "fork: $!\n";
if (!$watcher) {
    close $tell;
    while (sysread $told, my $go, 1) {
        is_asleep($test);
        kill 'ALRM', $test;
    }
    POSIX::_exit(0);
}
close $told;

my $baseline = fds();

subtest 'A6 a silent peer' => sub {
    my $fh = open_to(peer('silent'), deadline => 0.1);

    is scalar <$fh>,    undef,                  'readline';
    is 0 + $!,          ETIMEDOUT,              '$!';
    is $fh->error . '', 'Connection timed out', 'error';
    is 0 + $fh->error,  ETIMEDOUT,              'error, as a number';
    is_deeply [<$fh>], [], 'readline, a list';
    is 0 + $!,                    ETIMEDOUT, '$!';
    is read($fh, my $buffer, 10), undef,     'read';
    is 0 + $!,                    ETIMEDOUT, '$!';
    is getc $fh,                  undef,     'getc';
    ok eof $fh, 'eof cannot tell';
    is 0 + $fh->error, ETIMEDOUT, 'error can';
    ok !print({$fh} 'x'), 'print fails as well';
    is 0 + $!, ETIMEDOUT, '$!';
    ok !close $fh, 'close says that something failed';
    is 0 + $!, ETIMEDOUT, '$!';

    $fh = open_to($echo, deadline => 0.05);
    is scalar <$fh>, undef, 'past the deadline';
    ok $fh->deadline(30), 'a new one';
    ok !$fh->error,       'the error is gone';
    print {$fh} "and on\n";
    is scalar <$fh>, "and on\n", 'the handle goes on';
    ok close $fh, 'close';
};

# The deadline begins when the first byte is there, however long a busy peer takes for it.
sub begun {
    my ($fh) = @_;

    $fh->ungetc(ord getc $fh);
    $fh->deadline(0.2);
    return $fh;
}

subtest 'A7 a drip of bytes does not extend the deadline' => sub {
    my $fh   = begun(open_to(peer(drip => 'x', 0.01)));
    my $line = <$fh>;
    like $line, qr/^x+$/, 'what came is there';
    is 0 + $!, ETIMEDOUT, '$!';
    ok $fh->error, 'error';
    is scalar <$fh>, undef,     'and nothing more';
    is 0 + $!,       ETIMEDOUT, '$!';

    $fh = begun(open_to(peer(drip => "line\n", 0.01)));
    my $lines = 0;
    while (<$fh>) { $lines++ }
    cmp_ok $lines, '>', 0, 'lines: some';
    ok $fh->error, 'and an end that is none';
    $fh = begun(open_to(peer(drip => 'x', 0.01)));
    my $got = read $fh, my $text, 10_000;
    cmp_ok $got, '>', 0, 'read: what came';
    is read($fh, $text, 10_000), undef,     'then undef';
    is 0 + $!,                   ETIMEDOUT, '$!';

    $fh    = begun(open_to(peer(flood => "x\n" x 1000)));
    $lines = 0;
    while (<$fh>) { $lines++ }
    cmp_ok $lines, '>=', 1000, 'a flood: many lines';
    is 0 + $!, ETIMEDOUT, 'and yet an end';
    $fh = begun(open_to(peer(flood => 'x' x 1000)));
    like scalar <$fh>, qr/^x+$/, 'a flood without a line end';
    is 0 + $fh->error, ETIMEDOUT, 'ends, too';
};

subtest 'A8 a reset in the middle' => sub {
    my $peer = peer(reset => "partial\nword");
    my $fh   = open_to($peer, deadline => 60);
    is scalar <$fh>, "partial\n", 'what came before';
    print {$fh} "\n";
    is scalar <$fh>, 'word', 'all of it';
    ok $fh->error, 'flagged';
    is scalar <$fh>,           undef,      'then undef';
    is 0 + $!,                 ECONNRESET, 'ECONNRESET';
    is read($fh, my $text, 1), undef,      'never the end of file';
    is 0 + $!,                 ECONNRESET, 'ECONNRESET';
    is 0 + $fh->error,         ECONNRESET, 'error';
};

subtest 'A10 a peer that has closed' => sub {
    my $signals = 0;
    local $SIG{PIPE} = sub { $signals++ };
    my $fh = open_to(peer(say => "bye\n"), deadline => 60);

    is scalar <$fh>, "bye\n", 'its word';
    is scalar <$fh>, undef,   'its end';
    1 while print {$fh} 'x';
    is 0 + $!, EPIPE, 'EPIPE';
    ok !print({$fh} 'x'), 'again';
    is 0 + $!, EPIPE, 'EPIPE';
    ok !close $fh, 'close knows';
    is $signals, 0, 'no SIGPIPE';
    local $SIG{PIPE} = 'DEFAULT';
    $fh = open_to(peer(say => "bye\n"), deadline => 60);
    () = <$fh>;
    1 while print {$fh} 'x';
    is $SIG{PIPE}, 'DEFAULT', 'alive without a handler';
};

subtest 'a deaf peer' => sub {
    my $deaf = peer('deaf');
    my $fh   = open_to($deaf, deadline => 0.1);
    my $much = 'x' x 20_000_000;

    ok !print({$fh} $much), 'print fails';
    is 0 + $!, ETIMEDOUT, '$!';
    ok $fh->error,           'error';
    ok $fh->deadline(30),    'a new deadline';
    ok $fh->error,           'does not bring back what was lost';
    ok !print({$fh} 'more'), 'the peer gets no text with a hole in it';
    is 0 + $!,        ETIMEDOUT, '$!';
    is $fh->clearerr, 0,         'unless clearerr says so';
    ok !$fh->error, 'error';

    $fh = open_to($deaf, deadline => 0.1);
    ok !print({$fh} $much), 'print fails again';
    ok !close $fh,          'and so does close, at once';
    is 0 + $!, ETIMEDOUT, '$!';

    $fh = open_to($deaf, deadline => 0.2);
    print {$fh} $much;
    $fh->clearerr;
    $fh->deadline(0);
    $fh->autoflush(0);
    print {$fh} 'pending';
    ok $fh->shutdown(0),  'shutdown(0) does not wait for pending output';
    ok !$fh->shutdown(1), 'shutdown(1) does';
    is 0 + $!, ETIMEDOUT, '$!';
    $fh->clearerr;
    print {$fh} 'pending';
    ok !close $fh, 'close with pending output';
    is 0 + $!, ETIMEDOUT, '$!';
    {
        my $scoped = open_to($deaf, deadline => 0.1);
        print {$scoped} $much;
        $scoped->autoflush(0);
        $scoped->clearerr;
        print {$scoped} 'pending';
    }
    pass 'the end of a scope with pending output';
};

sub storm {
    my ($code) = @_;
    setitimer(ITIMER_REAL, $STORM, $STORM);
    my @result = $code->();
    setitimer(ITIMER_REAL, 0);
    alarm 300;
    return @result;
}

subtest 'A15 a storm of signals' => sub {
    my $seen = 0;
    local $SIG{ALRM} = sub { $seen++ };

    # A machine that has no time for them runs fewer handlers: then once more.
    for my $try (1 .. 20) {
        $seen = 0;
        my $fh = begun(open_to(peer(drip => 'x', 0.01)));
        my ($line) = storm(sub { scalar <$fh> });
        like $line, qr/^x+$/, 'readline';
        is 0 + $fh->error, ETIMEDOUT, 'ends at the deadline';
        last if $seen > 50;
    }
    cmp_ok $seen, '>', 50, 'handlers run meanwhile';
    for my $try (1 .. 20) {
        $seen = 0;
        my $fh = open_to(peer('deaf'), deadline => 1);
        my ($sent) = storm(sub { print {$fh} 'x' x 20_000_000 });
        ok !$sent, 'print';
        is 0 + $fh->error, ETIMEDOUT, 'ends at the deadline';
        last if $seen > 50;
    }
    cmp_ok $seen, '>', 50, 'handlers run meanwhile';
    my $fh = open_to(peer('count'), deadline => 60);
    my ($sent) = storm(sub { print({$fh} "\1" x 5_000_000) && $fh->shutdown(1) && scalar <$fh> });
    is $sent, "5000000 5000000\n", 'A24 all bytes arrive, and arrive once';
    $fh = open_to(peer(say => 'y' x 5_000_000), deadline => 60);
    my ($all) = storm(sub { local $/; scalar <$fh> });
    is $all, 'y' x 5_000_000, 'and back';
};

# ALRM comes when this process waits in what it does next, and not before.
sub once_asleep { return syswrite $tell, 'x' }

subtest 'F2 what a handler does' => sub {
    my $fh = open_to($echo, deadline => 60);
    local $SIG{ALRM} = sub { die "enough\n" };
    ok !eval { once_asleep(); my $line = <$fh>; 1 }, 'dies out of a read';
    is $@, "enough\n", 'the exception';
    print {$fh} "and on\n";
    is scalar <$fh>, "and on\n", 'the handle goes on';

    # The peer must not get twice what had gone out when the handler ran.
    my $test     = $$;
    my $counting = peer(
        run => sub {
            my ($socket) = @_;
            sysread $socket, my $first, 1;
            kill 'USR1', $test;
            sysread $socket, my $second, 1;
            NetIO::Test::Peer::count($socket);
        }
    );
    $fh = open_to($counting, deadline => 60);
    local $SIG{USR1} = sub { die "enough\n" };
    ok !eval { print {$fh} "\1" x 20_000_000; 1 }, 'dies out of a print';
    is $@, "enough\n", 'the exception';
    ok !$fh->error,      'is no error of the handle';
    ok $fh->shutdown(1), 'what PerlIO still has goes out';
    my ($bytes, $sum) = split ' ', <$fh>;
    is $sum,                  $bytes, 'bytes and sum';
    is + ($bytes + 2) % 8192, 0,      'whole buffers, each once';

    $fh = open_to($counting, deadline => 60);
    binmode $fh, ':pop';
    ok !eval { print {$fh} "\1" x 20_000_000; 1 }, 'dies out of a print without a buffer';
    ok print({$fh} "\2"),                          'the next print';
    ok $fh->shutdown(1),                           'shutdown';
    ($bytes, $sum) = split ' ', <$fh>;
    is $sum, $bytes + 1, 'goes out';

    $fh = open_to($counting, deadline => 60);
    local $SIG{USR1} = sub { print {$fh} "\2" x 1000 };
    ok print({$fh} "\1" x 20_000_000), 'prints to the handle that is being written';
    ok $fh->shutdown(1),               'shutdown';
    ($bytes, $sum) = split ' ', <$fh>;
    is $bytes, 20_000_000 + 1000 - 2, 'bytes';
    is $sum,   $bytes + 1000,         'sum';

    $fh = open_to($echo, deadline => 60);
    local $SIG{ALRM} = sub { close $fh };
    once_asleep();
    is scalar <$fh>, undef, 'closes the handle that is being read';
    $fh = open_to($echo, deadline => 60);
    local $SIG{ALRM} = sub { undef $fh };
    once_asleep();
    is eval { scalar <$fh> }, undef, 'frees it';
    $fh = open_to(peer('deaf'), deadline => 60);
    local $SIG{ALRM} = sub { $fh->deadline(0); close $fh };
    once_asleep();
    ok !eval { print {$fh} 'x' x 20_000_000 }, 'closes the handle that is being written';
    $fh = open_to(peer('deaf'), deadline => 0.1);
    setsockopt $fh, SOL_SOCKET, SO_SNDBUF, 1;    # or it grows, and is not full any more
    print {$fh} 'x' x 20_000_000;
    $fh->clearerr;
    $fh->deadline(60);
    $fh->autoflush(0);
    print {$fh} 'x' x 8000;
    local $SIG{ALRM} = sub { $fh->deadline(0) if $fh; undef $fh };
    once_asleep();
    is $fh->autoflush, !1, 'frees the handle whose output autoflush is sending';
    $fh = open_to($echo, deadline => 60);
    local $SIG{ALRM} = sub { $fh->deadline(0) };
    once_asleep();
    is scalar <$fh>, undef,     'moves the deadline';
    is 0 + $!,       ETIMEDOUT, 'and is obeyed';
    $fh = open_to($echo, deadline => 60);
    local $SIG{ALRM} = sub { $fh->syswrite("from the handler\n") };
    once_asleep();
    is scalar <$fh>, "from the handler\n", 'writes to it';
};

is fds(), $baseline, 'no descriptor is left';

close $tell;
waitpid $watcher, 0;

done_testing;
