# timeout beside what the program around it does: alarms, handlers, masks, forks, threads,
# destructors; and what it leaves behind.

use strict;
use warnings;

use Config;
use NetIO qw(timeout);
use POSIX ();
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC ITIMER_REAL clock_gettime getitimer setitimer usleep);

alarm 300;

my $LONG = 1000;

sub expired {
    my ($code) = @_;

    return eval { $code->(); 1 } ? 0 : ref $@ eq 'NetIO::Error' && $@->stage eq 'timeout';
}

sub spin {
    my ($seconds) = @_;
    my $until = clock_gettime(CLOCK_MONOTONIC) + $seconds;

    1 while clock_gettime(CLOCK_MONOTONIC) < $until;
    return;
}

my %set = (
    alarm     => sub { alarm 100 },
    hires     => sub { Time::HiRes::alarm(100) },
    setitimer => sub { setitimer(ITIMER_REAL, 100) },
);
for my $how (sort keys %set) {
    local $SIG{ALRM} = sub { fail 'not due' };
    $set{$how}->();
    ok expired(sub { timeout { sleep $LONG } 0.01 }), "F4 under an $how of the program's";
    my $left = getitimer(ITIMER_REAL);
    ok $left > 50 && $left <= 100, 'F4 which goes on';
    alarm 300;
}

# when the program's is due, the block's seconds, what the block does, how often each fires
for (
    ['in the block',            0.01, $LONG, sub { usleep(50_000) for 1 .. 2 }, 1, 0],
    ['after the block',         0.05, $LONG, sub { 1 },                         1, 0],
    ['before it expires',       0.01, 0.3,   sub { sleep $LONG for 1, 2 },      1, 1],
    ['after it has expired',    0.05, 0.01,  sub { sleep $LONG },               1, 1],
    ['at the same time',        0.02, 0.02,  sub { spin(0.03) },                1, 1],
) {
    my ($name, $alarm, $seconds, $code, $alarms, $errors) = @$_;
    my $handled = 0;

    local $SIG{ALRM} = sub { $handled++ };
    setitimer(ITIMER_REAL, $alarm);
    is expired(sub { timeout { $code->() } $seconds }) + 0, $errors, "F4 an alarm $name";
    spin(0.001) while getitimer(ITIMER_REAL);
    spin(0.001);
    is $handled, $alarms, 'F4 runs its handler';
    alarm 300;
}

# What the block does with SIGALRM.
for (
    ['a handler',          sub { local $SIG{ALRM} = sub { }; alarm 100; sleep $LONG }],
    ['a handler gone',     sub { { local $SIG{ALRM} = sub { } } sleep $LONG }],
    ['IGNORE',             sub { local $SIG{ALRM} = 'IGNORE'; sleep $LONG }],
    ['DEFAULT',            sub { local $SIG{ALRM} = 'DEFAULT'; sleep $LONG }],
    ['a dying handler',    sub {
        eval {
            local $SIG{ALRM} = sub { die "mine\n" };
            setitimer(ITIMER_REAL, 0.005);
            sleep $LONG;
        };
        is $@, "mine\n", 'F4 the block has its own timeout';
        sleep $LONG;
    }],
    ['POSIX::sigaction',   sub {
        POSIX::sigaction(POSIX::SIGALRM(), POSIX::SigAction->new(sub { })); sleep $LONG
    }],
    ['all blocked', sub {
        my $old = POSIX::SigSet->new;
        POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(POSIX::SIGALRM()), $old);
        my $in = eval { sleep $LONG; 1 };
        POSIX::sigprocmask(POSIX::SIG_SETMASK(), $old);
        die $@ if !$in;
    }],
) {
    my ($name, $code) = @$_;

    ok expired(sub { timeout { $code->() } 0.3 }), "F4 in the block: $name";
    local $SIG{ALRM} = 'DEFAULT';
    alarm 300;
}

$SIG{ALRM} = 'DEFAULT';    # POSIX::sigaction has left its own
alarm 300;

# Everything that /proc says of signals, and Perl of its variables.
sub state_of {
    open my $status, '<', "/proc/$$/status" or return '';
    return join '', (grep { /^Sig(?:Blk|Ign|Cgt)/ } <$status>),
        map { "$_=" . ($SIG{$_} // '') . ' ' } sort keys %SIG;
}

{
    timeout { 1 } 60;    # the handler stays from the first call on
    local $SIG{ALRM} = sub { };
    local $SIG{INT}  = 'IGNORE';
    my $old = POSIX::SigSet->new;
    POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(1 .. 31, 34 .. 64), $old);
    my $before = state_of();
    timeout { 1 } 60;
    is state_of(), $before, 'F5 signals, in time: as before';
    ok expired(sub { timeout { sleep $LONG } 0.01 }), 'a program that has blocked all signals';
    is state_of(), $before, 'F5 signals, too late: as before';
    POSIX::sigprocmask(POSIX::SIG_SETMASK(), $old);
}

{
    my ($signals, $seen) = (0, 0);
    local $SIG{ALRM} = sub { $signals++ };
    setitimer(ITIMER_REAL, 0.0002, 0.0002);
    ok expired(sub { timeout { select undef, undef, undef, $LONG while 1 } 0.1 }),    ## no critic (ProhibitSleepViaSelect)
        'A15 under a storm of signals';
    is scalar(timeout { usleep(1000); 'in time' } 60), 'in time',
        'A15 none of them is the deadline';
    alarm 300;
    ok $signals, "$signals handlers ran";
}

subtest 'F2 handlers and destructors' => sub {
    my @warnings;
    local $SIG{__WARN__} = sub { push @warnings, @_ };
    my $seen;
    {
        local $SIG{__DIE__} = sub { $seen = $_[0]; spin(0.03) };
        ok expired(sub { timeout { sleep $LONG } 0.01 }), 'a slow $SIG{__DIE__}';
    }
    is ref $seen, 'NetIO::Error', 'sees the error';
    my $destroyed = 0;
    no warnings 'once';
    local *Slow::DESTROY = sub { spin(0.03); $destroyed++ };
    ok expired(sub { timeout { my $object = bless [], 'Slow'; sleep $LONG } 0.01 }),
        'an object that goes by the error';
    is $destroyed, 1, 'is destroyed to the end';
    my $after = 0;
    ok expired(sub { timeout { { my $object = bless [], 'Slow' } $after++; sleep $LONG } 0.01 }),
        'it comes in a destructor';
    is $destroyed, 2, 'which goes on to its end';
    local *Late::DESTROY = sub { eval { timeout { sleep $LONG } 0.01; 1 } or $seen = $@ };
    $seen = '';
    { my $object = bless [], 'Late' }
    is ref $seen, 'NetIO::Error', 'a destructor with a deadline of its own';
    is "@warnings", '', 'no warning';
    local $SIG{USR1} = sub { sleep $LONG };
    ok expired(sub { timeout { kill USR1 => $$; sleep $LONG } 0.02 }), 'a handler that hangs';
    ok expired(sub { timeout { my @x = sort { spin(0.005); $a <=> $b } 1 .. 100 } 0.02 }), 'sort';
};

{
    # Perl's system() has changed them, and it is not system() that is died in.
    state_of();    # $SIG{INT} has been read: Perl remembers that, but it is no handler
    my $before = state_of();
    my $is_in = 1;    # on a busy machine the signal may come too late, even just before it is 0
    my $until = time + 20;
    $SIG{USR1} = sub { sleep 1 while $is_in && time < $until };
    my $error = expired(sub {
        timeout {
            system 'kill -USR1 $PPID; exec sleep 0.2';
            fail 'on';
        } 0.1;
    });
    $is_in = 0;
    ok $error, 'F5 a handler that hangs while system waits';
    $SIG{USR1} = 'DEFAULT';
    delete $SIG{USR1};
    is state_of() =~ s/ USR1=//r, $before =~ s/ USR1=//r, 'F5 signals: as before';
    1 while wait != -1;
}

# What it takes may be used up: an error, and the block is not entered.
my $say = 'eval { timeout { print "entered" } 60 }; print ref $@, " ", $@->code_name, " ", $@';
my $want = 'NetIO::Error EAGAIN timeout: no timer: Resource temporarily unavailable';
for (
    ['no timer',  'ulimit -i 0 && ', ''],
    ['no signal', '', '$SIG{$_} = sub { } for "RTMIN", (map { "NUM$_" } 35 .. 63), "RTMAX"; '],
) {
    my ($name, $shell, $perl) = @$_;
    local $ENV{PERL5LIB} = join ':', @INC;
    open my $out, '-|', 'bash', '-c', qq{$shell exec "\$0" -MNetIO=timeout -e "\$1"}, $^X,
        $perl . $say or die "sh: $!\n";
    like do { local $/; readline $out }, qr/\A$want at /, "F13 $name left";
    close $out;
}

is system($^X, (map {"-I$_"} @INC), '-MNetIO=timeout', '-e',
    'END { $? = eval { timeout { sleep 1000 } 0.01; 1 } ? 1 : $@->code_name eq "ETIMEDOUT" ? 9 : 2 }'
    ) >> 8, 9, 'in an END block';
is system($^X, (map {"-I$_"} @INC), '-MNetIO=timeout', '-e',
    'timeout { exec "sh", "-c", "sleep 1.2; exit 7" } 1') >> 8, 7,
    'a program that takes its place is not bound';

subtest 'F6 forks' => sub {
    my $child;
    my $late = expired(sub {
        timeout {
            $child = fork // die "fork: $!\n";
            if (!$child) {
                my $fine = eval { spin(1.1); usleep(1000); 1 };
                my $own = expired(sub { timeout { sleep $LONG } 0.01 });
                spin(0.02);
                POSIX::_exit($fine && $own ? 0 : 1);
            }
            sleep $LONG;
        } 1;    # a busy machine has forked by then
    });
    ok $late, 'the parent';
    waitpid $child, 0;
    is $?, 0, 'the child is not bound, and may have a deadline of its own';
    $child = undef;
    my $left = eval { timeout { $child = fork // die; $child } 60 };
    if (!$child) {
        POSIX::_exit(expired(sub { timeout { sleep $LONG } 0.01 }) ? 0 : 1);
    }
    waitpid $child, 0;
    is $?, 0, 'a child that leaves the block';
    ok expired(sub { timeout { sleep $LONG } 0.01 }), 'the parent again';
};

SKIP: {
    skip 'this perl has no threads', 4 if !$Config{useithreads};
    require threads;
    my @threads = map {
        threads->create(sub {
            return scalar grep {
                expired(sub { timeout { select undef, undef, undef, $LONG } 0.005 })    ## no critic (ProhibitSleepViaSelect)
            } 1 .. 20;
        })
    } 1 .. 4;
    is join(' ', map { $_->join } @threads), '20 20 20 20', 'F7 four threads, 20 times each';
    my ($unbound) = timeout {
        threads->create(sub { return eval { spin(1.1); 1 } ? 'free' : "$@" })
    } 1;
    is $unbound->join, 'free', 'F7 a thread that is made in a block is not bound';
    ok expired(sub { timeout { threads->create(sub { 1 })->join; sleep $LONG } 0.05 }),
        'F7 and the block is';
    is scalar(timeout { threads->create(sub { 7 })->join } 60), 7, 'F7 in time';
}

my %case = (
    'in time' => sub { timeout { 1 } 60; my @x = timeout { (1, 2) } 60; my $x = timeout { 3 } 60 },
    'nested'  => sub { timeout { timeout { 1 } 50 } 60 },
    'no limit' => sub { timeout { 1 } undef },
    'expired'  => sub { eval { timeout { sleep $LONG } 0.001 } },
    'nested, expired' => sub { eval { timeout { timeout { sleep $LONG } 5 } 0.001 } },
    'over'     => sub { eval { timeout { 1 } 0 } },
    'die'      => sub { eval { timeout { die "x\n" } 60 } },
    'last'     => sub { no warnings; for (1) { timeout { last } 60 } },
    'seconds'  => sub { eval { timeout { 1 } 'soon' } },
    'no code'  => sub { eval { &timeout('soon', 60) } },
);
SKIP: {
    eval { require Test::LeakTrace; 1 } or skip 'no Test::LeakTrace here', scalar keys %case;
    for my $name (sort keys %case) {
        $case{$name}->() for 1 .. 3;
        Test::LeakTrace::no_leaks_ok($case{$name}, "F9 $name");
    }
}

sub memory {
    open my $statm, '<', '/proc/self/statm' or return 0;
    return 4 * (split ' ', <$statm>)[1];
}

SKIP: for my $round (0, 1) {
    skip 'sanitizers take memory of their own', 1 if $ENV{ASAN_OPTIONS};
    my $before = memory();
    for (1 .. 20_000) {
        timeout { 1 } 60;
        eval { timeout { die "x\n" } 60 };
    }
    for (1 .. 500) {
        eval { timeout { 1 while 1 } 0.0001 };
    }
    cmp_ok memory() - $before, '<=', 256, 'F1 40,000 blocks, 500 of them late: no growth' if $round;
}

done_testing;
