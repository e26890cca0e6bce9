# timeout { ... } SECONDS: what it interrupts, what it gives back, how it is left, how it nests.
# No time is asserted but "not before": xt/deadline/timeout.t has the rest.

use strict;
use warnings;

use Fcntl qw(LOCK_EX);
use File::Temp ();
use IO::Handle;
use NetIO qw(tcpopen timeout);
use Socket qw(INADDR_LOOPBACK PF_INET PF_UNIX SOCK_STREAM sockaddr_in);
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime usleep);

alarm 300;

my $LONG = 1000;

sub now { return clock_gettime(CLOCK_MONOTONIC) }

# What is thrown, or '' for nothing.
sub thrown {
    my ($code) = @_;

    return eval { $code->(); 1 } ? '' : $@;
}

sub is_timeout {
    my ($error, $seconds, $line, $name) = @_;

    subtest $name => sub {
        is ref $error, 'NetIO::Error', 'an error' or return;
        is $error->stage, 'timeout', 'its stage';
        is $error->code_name, 'ETIMEDOUT', 'its code';
        is $error->message, "timeout: not finished after $seconds seconds", 'its text';
        is $error->file, __FILE__, 'the file';
        is $error->line, $line, 'the line of the call';
        cmp_ok $error->elapsed, '>=', $seconds, 'not before';
    };
}

pipe my $silent, my $writer or die "pipe: $!\n";
socketpair my $deaf, my $other, PF_UNIX, SOCK_STREAM, 0 or die "socketpair: $!\n";
socket my $listener, PF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
bind $listener, sockaddr_in(0, INADDR_LOOPBACK) or die "bind: $!\n";
listen $listener, 5 or die "listen: $!\n";
my ($port) = sockaddr_in(getsockname $listener);
my $locked = File::Temp->new;
my $child  = fork // die "fork: $!\n";
if (!$child) {
    alarm 300;
    flock $locked, LOCK_EX;
    syswrite $writer, 'x';
    sleep $LONG;
    exit;
}
sysread $silent, my $byte, 1;

{
    package Overloaded;
    use overload '""' => sub { Time::HiRes::usleep(20_000) for 1 .. 1000; 'x' };

    package Tied;
    sub TIESCALAR { return bless [], $_[0] }
    sub FETCH     { sleep $LONG for 1 .. 1000; return 1 }
}
tie my $tied, 'Tied';

my %blocking = (
    'sleep'           => sub { sleep $LONG },
    'usleep'          => sub { usleep(1e6 * $LONG) },
    'select'          => sub { select undef, undef, undef, $LONG },    ## no critic (ProhibitSleepViaSelect)
    'sysread'         => sub { sysread $silent, my $text, 1 },
    'read'            => sub { read $silent, my $text, 1 },
    'readline'        => sub { my $line = <$silent> },
    'readline, a list' => sub { my @lines = <$silent> },
    'eof'             => sub { eof $silent },
    'syswrite'        => sub { syswrite $deaf, 'x' x 1e6 for 1 .. 1000 },
    'print'           => sub { $deaf->autoflush(1); print {$deaf} 'x' x 1e6 for 1 .. 1000 },
    'accept'          => sub { accept my $socket, $listener },
    'recv'            => sub { recv $deaf, my $text, 1, 0 },
    'flock'           => sub { open my $fh, '<', "$locked" or die; flock $fh, LOCK_EX },
    'waitpid'         => sub { waitpid $child, 0 },
    'wait'            => sub { wait },
    'a loop'          => sub { 1 while 1 },
    'another loop'    => sub { for (;;) { } },
    'a C-like loop'   => sub { for (my $i = 0 ; $i >= 0 ; $i++) { } },
    'goto'            => sub { AGAIN: goto AGAIN },
    'recursion'       => sub { no warnings; my $f; $f = sub { usleep(1000); $f->() }; $f->() },
    'map'             => sub { my @x = map { usleep(10_000); $_ } 1 .. 1e6 },
    'sort'            => sub { my @x = sort { usleep(10_000); $a <=> $b } reverse 1 .. 1000 },
    'overloading'     => sub { my $text = '' . bless [], 'Overloaded' },
    'a tied variable' => sub { my $value = $tied },
    'eval of a text'  => sub { eval 'sleep $LONG; 1' or die },
    'regex callbacks' => sub { ('x' x 1000) =~ /^(?:x(?{ usleep(10_000) }))*$/ },
    'tcpopen, then <>' => sub { my $fh = tcpopen('127.0.0.1', $port); my $line = <$fh> },
);

for my $name (sort keys %blocking) {
    my $line = __LINE__ + 1;
    my $error = thrown(sub { timeout { $blocking{$name}->() } 0.02 });
    is_timeout($error, 0.02, $line, "interrupts $name");
}

# What could not be printed would be flushed at every fork.
{
    local $SIG{PIPE} = 'IGNORE';
    shutdown $other, 2;    # the child has it, too
    close $deaf;
}

# Children are not killed, and not waited for.
for (['system', sub { system 'exec sleep 1000' }], ['backticks', sub { my $x = `exec sleep 1000` }],
    ['a pipe', sub { open my $fh, '-|', 'exec sleep 1000' or die; my $line = <$fh> }])
{
    my ($name, $code) = @$_;
    local $SIG{INT} = sub { };
    my $mask = mask();
    my $line = __LINE__ + 1;
    my $error = thrown(sub { timeout { $code->(); kill_children(); } 0.05 });
    if ($name eq 'a pipe') {    # close, at the end of its scope, waits for the child
        kill_children();
    }
    is_timeout($error, 0.05, $line, "interrupts $name");
    kill_children();
    is mask(), $mask, "F5 $name: signals are ignored and blocked as before";
}

sub mask {
    open my $status, '<', "/proc/$$/status" or return '';
    return join '', grep { /^Sig(?:Blk|Ign)/ } <$status>;
}

sub kill_children {
    open my $list, '<', "/proc/$$/task/$$/children" or return;
    my @pids = grep { $_ != $child } split ' ', <$list> // '';
    kill KILL => @pids;
    waitpid $_, 0 for @pids;
    return;
}

subtest 'in time: context and values are those of the block' => sub {
    my @list = timeout { (1, 2, 3) } 60;
    is_deeply \@list, [1, 2, 3], 'a list';
    my $count = () = timeout { () } 60;
    is $count, 0, 'an empty list';
    my $scalar = timeout { my @x = (4, 5, 6); @x } 60;
    is $scalar, 3, 'a scalar';
    my ($first) = timeout { return (7, 8); } 60;
    is $first, 7, 'return leaves the block';
    my %context = ('' => 'scalar', 1 => 'list');
    my $seen;
    timeout { $seen = wantarray } 60;
    is $seen, undef, 'void';
    $seen = timeout { $context{ wantarray() } } 60;
    is $seen, 'scalar', 'scalar';
    ($seen) = timeout { $context{ wantarray() } } 60;
    is $seen, 'list', 'list';
    is scalar(timeout { undef } 60), undef, 'undef';
    is &timeout(sub { 9 }, 60), 9, 'a code reference';
    is scalar(timeout(sub { 10 }, 60)), 10, 'sub and a comma';
    is_deeply [timeout { @_ } 60], [], 'no arguments';
};

subtest 'F5 in time: $@ $! $? $_ are left alone' => sub {
    local $_ = 'topic';
    $@ = "before\n";
    $! = 7;
    $? = 512;
    my $value = timeout { 1 } 60;
    is $@, "before\n", '$@';
    is $! + 0, 7, '$!';
    is $?, 512, '$?';
    is $_, 'topic', '$_';
    timeout { $! = 8; $? = 256 } 60;
    is $! + 0, 8, 'what the block sets stays: $!';
    is $?, 256, '$?';
};

subtest 'F2 ways out of the block' => sub {
    no warnings 'exiting';
    is thrown(sub { timeout { die "mine\n" } 60 }), "mine\n", 'die';
    is_deeply thrown(sub { timeout { die { a => 1 } } 60 }), { a => 1 }, 'die with a reference';
    my @seen;
    for my $i (1 .. 4) {
        timeout { next if $i == 2; last if $i == 4; push @seen, $i } 60;
    }
    is "@seen", '1 3', 'next and last';
    my $times = 0;
    for (1) {
        $times++;
        timeout { redo if $times < 3 } 60;
    }
    is $times, 3, 'redo';
    OUTER: for (1) {
        for (1) {
            timeout { last OUTER } 60;
        }
        fail 'last with a label';
    }
    $times = 0;
    timeout { goto OUT if !$times++ } 60;
    fail 'goto went out';
    OUT: pass 'goto';
    is sub { timeout { return 5 } 60; return 6 }
        ->(), 6, 'return does not leave the sub around it';
    is thrown(sub { usleep(1000) for 1 .. 20 }), '', 'nothing fires afterwards';
    my $status = system $^X, (map {"-I$_"} @INC), '-MNetIO=timeout', '-e',
        'END { print STDERR "" } timeout { exit 3 } 60';
    is $status >> 8, 3, 'exit';
};

subtest 'F2 nothing fires once the block has been left' => sub {
    no warnings 'exiting';
    my %way = (
        'its end' => sub { timeout { 1 } 0.005 },
        'return'  => sub { timeout { return 1 } 0.005 },
        'die'     => sub { eval { timeout { die "x\n" } 0.005 } },
        'last'    => sub { for (1) { timeout { last } 0.005 } },
        'time'    => sub { eval { timeout { sleep $LONG } 0.005 } },
    );
    for my $way (sort keys %way) {
        is thrown(sub {
            eval { $way{$way}->() };    # on a busy machine it may come too late
            my $end = now() + 0.03;
            1 while now() < $end;
        }), '', $way;
    }
};

subtest 'F4 nesting' => sub {
    my $outer = __LINE__ + 2;
    my $error = thrown(sub {
        timeout { timeout { sleep $LONG } $LONG; fail 'on' } 0.02;
    });
    is_timeout($error, 0.02, $outer, 'the outer one is sooner');
    my $line = __LINE__ + 2;
    $error = thrown(sub { timeout {
        timeout { sleep $LONG } 0.02;
    } $LONG });
    is_timeout($error, 0.02, $line, 'the inner one is sooner');
    my @caught;
    $error = thrown(sub {
        timeout {
            for my $seconds (0.01, $LONG, $LONG) {
                eval { timeout { sleep $LONG } $seconds; 1 } or push @caught, $@->line == __LINE__;
            }
            sleep $LONG;
        } 0.3;
    });
    is $error->message, 'timeout: not finished after 0.3 seconds', 'both, one by one';
    is "@caught[0, 1]", '1 ', 'the inner error is its own, the outer error not its';
    $error = thrown(sub { timeout { timeout { timeout { 1 while 1 } $LONG } 0.02 } $LONG });
    is $error->message, 'timeout: not finished after 0.02 seconds', 'three, the middle one first';
    is scalar(timeout { timeout { timeout { 'in' } 60 } 50 } 70), 'in', 'three in time';
    my $deep = 0;
    my $descend;
    $descend = sub { timeout { $deep++ < 40 ? $descend->() : sleep $LONG } $LONG + $deep };
    $error = thrown(sub { timeout { $descend->() } 0.02 });
    is $error->message, 'timeout: not finished after 0.02 seconds', '40 within one';
};

subtest 'an error that the block catches comes again' => sub {
    my $caught = 0;
    my $error = thrown(sub {
        timeout {
            for (1 .. 3) {
                eval { sleep $LONG while 1; 1 } or $caught++;
            }
        } 0.01;
    });
    is $caught, 3, 'each eval gets one';
    is ref $error, 'NetIO::Error', 'and the block does not end well';
    is ref thrown(sub { timeout { eval { sleep $LONG }; 1 } 0.01 }), 'NetIO::Error',
        'even if there is nothing to interrupt any more';
};

subtest 'F13 seconds' => sub {
    my %bad = (soon => "'soon'", -1 => "'-1'", '-1e-9' => "'-1e-9'", '' => "''", '5x' => "'5x'",
        nan => "'nan'", "1\n2" => q{'1\x0a2'});
    for my $seconds (sort keys %bad) {
        my $line = __LINE__ + 1;
        my $error = thrown(sub { timeout { fail 'entered' } $seconds });
        is ref $error, 'NetIO::Error', "an error: $bad{$seconds}" or next;
        is $error->stage, 'option', 'its stage';
        is $error->message, "timeout: $bad{$seconds} is not a number of seconds", 'its text';
        is $error->line, $line, 'its line';
    }
    like thrown(sub { timeout { fail 'entered' } [] }), qr/is not a number of seconds/, 'an array';
    for my $seconds (0, '0.0', 1e-9) {
        is ref thrown(sub { timeout { fail 'entered' } $seconds }), 'NetIO::Error',
            "$seconds: over before it begins";
    }
    for my $seconds (undef, 1e12, 9**9**9, '60', ' 60', 1e6) {
        is scalar(timeout { 'ran' } $seconds), 'ran', 'time enough: ' . ($seconds // 'undef');
    }
    tie my $tied, 'Counted', 60;
    is scalar(timeout { 'ran' } $tied), 'ran', 'a tied number';
    is ${ tied $tied }[1], 1, 'is read once';
    is join('-', 1, (timeout { 2 } 60), 3), '1-2-3', 'parentheses make it one of a list';
    for my $code ('Counted::FETCH', undef, '', 1) {
        my $line  = __LINE__ + 1;
        my $error = thrown(sub { &timeout($code, 60) });
        is ref $error, 'NetIO::Error', 'not code: ' . ($code // 'undef') or next;
        is $error->stage,   'option', 'its stage';
        is $error->message, 'timeout: no code reference given', 'its text';
        is $error->line,    $line, 'its line';
    }
    is scalar(&timeout(bless([], 'Callable'), 60)), 'called', 'an object that can be called';
    is eval('timeout { 1 }; 1'), undef, 'none at all is an error of the compiler';
    is eval('timeout 5; 1'), undef, 'so is a block that is missing';
};

{
    package Counted;
    sub TIESCALAR { return bless [$_[1], 0], $_[0] }
    sub FETCH     { $_[0][1]++; return $_[0][0] }
}

{
    package Callable;
    use overload '&{}' => sub {
        sub { return 'called' }
    };
}

subtest 'F2 who is to blame' => sub {
    require Carp;
    my $line = __LINE__ + 1;
    like thrown(sub { timeout { Carp::croak('complaint') } 60 }),
        qr/\Acomplaint at \Q@{[__FILE__]}\E line $line\.$/m, 'croak: the line of the block';
};

subtest 'F2 within a require' => sub {
    my $dir = File::Temp->newdir;
    open my $fh, '>', "$dir/Slow.pm" or die "$dir/Slow.pm: $!\n";
    print {$fh} 'package Slow; sleep 1000; sleep 1000 while 1; 1';
    close $fh or die "$dir/Slow.pm: $!\n";
    local @INC = ("$dir", @INC);
    like thrown(sub { timeout { require Slow } 0.02 }),
        qr/\Atimeout: not finished after 0\.02 seconds at .*^Compilation failed in require/ms,
        'the error is a text';
    like thrown(sub { require Slow }), qr/\AAttempt to reload Slow\.pm aborted/,
        'the module cannot be loaded';
};

kill KILL => $child;
waitpid $child, 0;
done_testing;
