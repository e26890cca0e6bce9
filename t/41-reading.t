# read_line and read_octets: whole or nothing, in their own time, out of PerlIO's buffer.  What they
# are called with, and on: 41-reading-calls.t.

use strict;
use warnings;

use lib 't/lib';

use Errno qw(EAGAIN EBADF ECONNRESET EMSGSIZE ETIMEDOUT);
use NetIO;
use NetIO::Test::Process;
use NetIO::Test::Reading;
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 300;

my %errno = (timeout => 'errno ' . ETIMEDOUT, long => 'errno ' . EMSGSIZE,
    reset => 'errno ' . ECONNRESET, closed => 'errno ' . EBADF, again => 'errno ' . EAGAIN);
my $echo   = peer('echo');
my $silent = peer('silent');

subtest 'lines' => sub {
    my @texts = (
        # name, text, lines
        ['LF',            "a\nb\n",           qw(<a> <b>)],
        ['CRLF',          "a\r\nb\r\n",       qw(<a> <b>)],
        ['both',          "a\nb\r\nc\n",      qw(<a> <b> <c>)],
        ['empty ones',    "\n\r\n\n",         qw(<> <> <>)],
        ['a lone CR',     "a\rb\n\r\r\n",     "<a\rb>", "<\r>"],
        ['no last end',   "a\nb",             qw(<a> <b>)],
        ['CR at the end', "a\nb\r",           '<a>', "<b\r>"],
        ['A18 NUL',       "a\0b\n\0\n",       "<a\0b>", "<\0>"],
        ['A18 all octets', join('', grep { $_ ne "\n" } map { chr } 0 .. 255) . "\n",
            '<' . join('', grep { $_ ne "\n" } map { chr } 0 .. 255) . '>'],
        ['nothing',       ''],
    );
    for (@texts) {
        my ($name, $text, @lines) = @$_;
        my $fh = saying($text);
        is_deeply [map { got(scalar $fh->read_line) } 1 .. @lines + 2], [@lines, 'end', 'end'],
            $name;
        ok !$fh->error, 'no error';
    }
    my @list = saying('')->read_line;
    is_deeply \@list, [undef], 'one value in list context';
};

subtest 'A19 every split point' => sub {
    my $text = "a\r\nbc\n\r\n\rd\r\r\ne\0\r\nlast\n";
    my @lines = ('a', 'bc', '', "\rd\r", "e\0", 'last');
    for my $size (1 .. 6) {
        my $fh = open_to(peer(trickle => $text, $size));
        is_deeply [map { $fh->read_line } 0 .. @lines], [@lines, undef], "$size octets at a time";
    }
};

subtest 'how long a line may be' => sub {
    my @cases = (
        # text, options, results; the end of a line does not count
        ["12345\n67\n",     [max => 5],  '<12345>', '<67>'],
        ["12345\r\n67\n",   [max => 5],  '<12345>', '<67>'],
        ["12345",           [max => 5],  '<12345>', 'end'],
        ["123456\n67\n",    [max => 5],  $errno{long}, $errno{long}],
        ["123456",          [max => 5],  $errno{long}],
        ["12345\r",         [max => 5],  $errno{long}],
        ["12345\rx\n",      [max => 5],  $errno{long}],
        ["1\n2\n",          [max => 1],  '<1>', '<2>'],
        ['x' x 8192 . "\n", [],          '<' . 'x' x 8192 . '>'],
        ['x' x 8193 . "\n", [],          $errno{long}],
        ['x' x 8193 . "\n", [max => 1e6], '<' . 'x' x 8193 . '>'],
        ['x' x 8193 . "\n", [max => undef], $errno{long}],
        ['x' x 500_000 . "\n", [max => 499_999], $errno{long}],
        ['x' x 500_000 . "\n", [max => 500_000], '<' . 'x' x 500_000 . '>'],
    );
    for (@cases) {
        my ($text, $options, @results) = @$_;
        my $fh = saying($text);
        is_deeply [map { got(scalar $fh->read_line(@$options)) } @results], \@results,
            length($text) . ' octets, ' . join ' ', map { $_ // 'undef' } @$options;
        ok !$fh->error, 'no error of the handle';
        next if $results[0] ne $errno{long};
        is join('', <$fh>), $text, 'and all of it can be read';
    }
    my $fh = saying('x' x 20_000 . "\nnext\n");
    for my $max (10, 100, 10_000, 19_999) {
        is got(scalar $fh->read_line(max => $max)), $errno{long}, "longer than $max";
    }
    is length $fh->read_line(max => 20_000), 20_000, 'and now';
    is got(scalar $fh->read_line), '<next>', 'the next one';

    $fh = saying('x' x 20_000 . "\nnext\n");
    is got(scalar $fh->read_line), $errno{long}, 'one can be skipped';
    my $skipped = <$fh>;
    is got(scalar $fh->read_line), '<next>', 'with readline';
};

subtest 'octets' => sub {
    my $fh = saying("ab\r\nc\0d" . 'x' x 100_000);
    is got($fh->read_octets(0)), '<>', 'none';
    is got($fh->read_octets(4)), "<ab\r\n>", 'some';
    is got($fh->read_octets(3)), "<c\0d>", 'with a NUL';
    is got($fh->read_octets(100_000)), '<' . 'x' x 100_000 . '>', 'many';
    is got($fh->read_octets(0)), '<>', 'none';
    is got($fh->read_octets(1)), 'end', 'the end';
    ok !$fh->error, 'is no error';

    $fh = saying('abc');
    is got($fh->read_octets(4)), $errno{reset}, 'an end too early';
    ok !$fh->error, 'is no error of the handle';
    is got($fh->read_octets(1e15)), $errno{reset}, 'whatever was asked for';
    is got($fh->read_octets(3)), '<abc>', 'and what came is there';
    is got($fh->read_octets(1)), 'end', 'and then the end';
};

subtest 'mixed with the operators of Perl' => sub {
    my $fh = saying("one\ntwo\nthree\nfour\nfive\nsix\nseven\n");
    is scalar <$fh>, "one\n", 'readline';
    is $fh->read_line, 'two', 'read_line';
    is getc $fh, 't', 'getc';
    is $fh->read_octets(3), 'hre', 'read_octets';
    is read($fh, my $text, 2), 2, 'read';
    is $text, "e\n", 'its text';
    $fh->ungetc(ord 'F');
    is $fh->read_line, 'Ffour', 'read_line after ungetc';
    ok !eof $fh, 'eof';
    is $fh->read_line, 'five', 'read_line after eof';
    is got(scalar $fh->read_line(max => 1)), $errno{long}, 'too long';
    is scalar <$fh>, "six\n", 'readline has it';
    is $fh->getline, "seven\n", 'getline';
    ok eof $fh, 'eof';
    is got(scalar $fh->read_line), 'end', 'read_line';

    $fh = saying("one\ntwo\n");
    local $/ = undef;
    is $fh->read_line, 'one', '$/ does not matter';
    open my $copy, '<&', $fh or die "open: $!";
    is NetIO::Socket::read_line($copy), undef, 'a copy has a buffer of its own';
};

subtest 'the time of one call' => sub {
    my $fh = open_to($echo);
    is got(scalar $fh->read_line(timeout => 0.02)), $errno{timeout}, 'read_line';
    is got($fh->read_octets(1, timeout => 0.02)), $errno{timeout}, 'read_octets';
    is got(scalar $fh->read_line(timeout => $_)), $errno{timeout}, "timeout $_" for 0, 1e-9;
    ok !$fh->error, 'is no error of the handle';
    cmp_ok $fh->deadline, '>', 30, 'nor its deadline';
    print {$fh} 'par';
    is got($fh->read_octets(10, timeout => 0.02)), $errno{timeout}, 'a part' for 1 .. 3;
    print {$fh} "tial\nnext\n";
    is got(scalar $fh->read_line(timeout => 1e12)), '<partial>', 'and later the whole';
    is got(scalar $fh->read_line(timeout => undef)), '<next>', 'timeout undef';
    print {$fh} "x\n";
    require IO::Select;
    IO::Select->new($fh)->can_read(30);
    is got(scalar $fh->read_line(timeout => 0)), '<x>', 'timeout 0 takes what is there';
    ok close $fh, 'close does not complain';

    $fh = open_to(peer(drip => 'x', 0.01));
    is got(scalar $fh->read_line(timeout => 0.1)), $errno{timeout}, 'A7 a drip';
    is got($fh->read_octets(1e6, timeout => 0.1)), $errno{timeout}, 'of octets';
    like got($fh->read_octets(2)), qr/^<xx>$/, 'what came is there';
    for my $flood (peer(flood => 'x' x 1000)) {
        $fh = open_to($flood);
        is got(scalar $fh->read_line(timeout => 0.05, max => 1e12)), $errno{timeout}, 'a flood';
        like got($fh->read_octets(100)), qr/^<x{100}>$/, 'what came is there';
        is got($fh->read_octets(1e12, timeout => 0)), $errno{timeout}, 'and no time at all';
    }
};

subtest 'the deadline of the handle' => sub {
    for my $timeout ([], [timeout => 60], [timeout => undef]) {
        my $fh = open_to($silent, deadline => 0.05);
        is got(scalar $fh->read_line(@$timeout)), $errno{timeout}, 'it holds';
        is 0 + $fh->error, ETIMEDOUT, 'and is an error of the handle';
        is got($fh->read_octets(1, @$timeout)), $errno{timeout}, 'from then on';
    }
    my $fh = open_to($echo);
    print {$fh} "one\ntwo\npart";
    is $fh->read_line, 'one', 'a line';
    $fh->deadline(0);
    is $fh->read_line, 'two', 'what is in the buffer is there';
    is got(scalar $fh->read_line), $errno{timeout}, 'and no more';
    $fh->deadline(60);
    ok !$fh->error, 'another deadline';
    print {$fh} "ial\n";
    is $fh->read_line, 'partial', 'makes it good again';

    # Longer than the handle has is no more than the handle has.
    $fh = open_to(peer(drip => 'x', 0.01));
    $fh->ungetc(ord getc $fh);    # a busy peer takes its time for the first one
    $fh->deadline(0.2);
    is got(scalar $fh->read_line(timeout => 60)), $errno{timeout}, 'A7 a drip';
    like scalar <$fh>, qr/^x+$/, 'what came is there';
};

subtest 'A8 a reset' => sub {
    my $fh = open_to(peer(reset => "one\npart"));
    is $fh->read_line, 'one', 'what came before';
    print {$fh} "\n";
    is got(scalar $fh->read_line), $errno{reset}, 'a line that is cut';
    is got($fh->read_octets(5)), $errno{reset}, 'octets that are cut';
    is 0 + $fh->error, ECONNRESET, 'error';
    is $fh->read_octets(4), 'part', 'what came is there';
    is got(scalar $fh->read_line), $errno{reset}, 'and never an end';
};

subtest 'fatal' => sub {
    my $thrown = sub {
        my ($fh, $method, @arguments) = @_;
        my $value = eval { $fh->$method(@arguments) };
        return defined $value ? "<$value>" : ref $@ ? $@->code_name : 'undef' . $@;
    };
    my $fh = saying("long line\nx\n", fatal => 1);
    my $end = 'at ' . __FILE__ . ' line ' . (__LINE__ + 1) . ".\n";
    eval { $fh->read_line(max => 4) };
    is "$@", 'read 127.0.0.1:' . $fh->peerport . ": longer than the limit $end", 'text';
    is join(' ', $@->stage, $@->code_name, $@->address), 'read NETIO_ETOOLONG 127.0.0.1:'
        . $fh->peerport, 'fields';
    is 0 + $!, EMSGSIZE, '$!';
    is $thrown->($fh, 'read_line'), '<long line>', 'which is still there';
    is $thrown->($fh, 'read_octets', 3), 'NETIO_EEOF', 'an end too early';
    is $thrown->($fh, 'read_octets', 2), "<x\n>", 'and what came';
    is $thrown->($fh, $_ eq 'read_line' ? $_ : ($_, 1)), 'undef', "$_: the end is not thrown"
        for qw(read_line read_octets);

    $fh = open_to($silent, fatal => 1);
    is $thrown->($fh, 'read_line', timeout => 0.01), 'ETIMEDOUT', 'the time of the call';
    ok !$fh->error, 'which is no error of the handle';
    $fh->deadline(0);
    is $thrown->($fh, 'read_line'), 'ETIMEDOUT', 'the deadline';
    is 0 + $fh->error, ETIMEDOUT, 'which is';
    $fh = open_to(peer(reset => 'x'), fatal => 1);
    print {$fh} "\n";
    is $thrown->($fh, 'read_line'), 'ECONNRESET', 'a reset';
};

subtest 'a socket in non-blocking mode' => sub {
    my $fh = open_to($echo);
    $fh->blocking(0);
    is got(scalar $fh->read_line), $errno{again}, 'does not wait';
    is got(scalar $fh->read_line(timeout => 60)), $errno{again}, 'even if it may';
    print {$fh} "x\n";
    IO::Select->new($fh)->can_read(30);
    is got(scalar $fh->read_line), '<x>', 'and takes what is there';
};

subtest 'A15, F1, F2, F5 signals' => sub {
    my $seen = 0;
    local $SIG{ALRM} = sub { $seen++ };
    my $fh = open_to($silent);
    # A machine that has no time for them runs fewer handlers: then once more.
    for my $try (1 .. 20) {
        $seen = 0;
        setitimer(ITIMER_REAL, 0.0002, 0.0002);
        is got(scalar $fh->read_line(timeout => 0.5)), $errno{timeout}, 'a storm ends in time';
        setitimer(ITIMER_REAL, 0);
        last if $seen > 50;
    }
    cmp_ok $seen, '>', 50, 'handlers run meanwhile';
    $fh = open_to(peer(say => join '', map {"$_\n"} 1 .. 100_000));
    setitimer(ITIMER_REAL, 0.0002, 0.0002);
    my ($line, $sum) = (0, 0);
    while (defined($line = $fh->read_line)) { $sum += $line }
    setitimer(ITIMER_REAL, 0);
    is $sum, 5_000_050_000, 'and loses nothing';

    $fh = open_to($echo);
    local $SIG{ALRM} = sub { die { why => 'enough' } };
    print {$fh} 'part';
    for my $call (qw(read_line read_octets)) {
        ok !eval { setitimer(ITIMER_REAL, 0.02); $fh->$call($call eq 'read_line' ? () : 10); 1 },
            "a handler dies out of $call";
        is $@->{why}, 'enough', 'the exception';
        ok !$fh->error, 'is no error of the handle';
    }
    print {$fh} "ial\n";
    is $fh->read_line, 'partial', 'and nothing is lost';

    my $result;
    my $during = sub {
        my ($code) = @_;
        $fh = open_to($echo);
        print {$fh} 'part';
        local $SIG{ALRM} = $code;
        setitimer(ITIMER_REAL, 0.02);
        return got(scalar $fh->read_line(timeout => 0.2));
    };
    is $during->(sub { close $fh }), $errno{closed}, 'a handler closes the handle';
    is $during->(sub { undef $fh }), $errno{timeout}, 'or lets it go: that waits';
    is $during->(sub { $fh->deadline(60) }), $errno{timeout}, 'it sets a deadline';
    cmp_ok $fh->deadline, '>', 30, 'which holds later';
    is $during->(sub { $result = $fh->deadline }), $errno{timeout}, 'it asks for the deadline';
    cmp_ok $result, '>', 30, 'and is told that of the handle';
    is $during->(sub { $fh->deadline(0) }), $errno{timeout}, 'a deadline that is over';
    is 0 + $fh->error, ETIMEDOUT, 'ends it';
    is $during->(sub { eval { tcpopen('', 1) } }), $errno{timeout}, 'and any other code';
    alarm 300;

    local ($@, $?) = ('mine', 77);
    $fh = saying("x\nyz");
    $! = 7;
    is join('', $fh->read_line, $fh->read_octets(2)), 'xyz', 'F5 success';
    is join(' ', 0 + $!, $@, $?), '7 mine 77', 'leaves $!, $@ and $? alone';
};

# Between the wait and the read, somebody who shares the socket may be faster.
subtest 'two that read one socket' => sub {
    my $fh  = open_to(peer(drip => "x\n", 0.001));
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        alarm 300;
        1 while sysread $fh, my $text, 100;
        require POSIX;
        POSIX::_exit(0);
    }
    my @got = map { got(scalar $fh->read_line(timeout => 0.02)) } 1 .. 50;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    is_deeply [grep { $_ ne '<x>' && $_ ne '<>' && $_ ne $errno{timeout} } @got], [],
        'lines and time-outs';
    ok !$fh->error, 'and no error of the handle';
};

subtest 'F6 fork' => sub {
    my $fh = open_to($echo);
    print {$fh} "one\npart";
    is $fh->read_line, 'one', 'a line';
    is got(scalar $fh->read_line(timeout => 0.05)), $errno{timeout}, 'and a part';
    my $pid = open(my $child, '-|') // die "fork: $!";
    if (!$pid) {
        print {$fh} "ial\n";
        print $fh->read_line;
        require POSIX;
        close STDOUT;
        POSIX::_exit(0);
    }
    is join('', <$child>), 'partial', 'the child has the part, too';
    close $child;

    # Each of them flushes every handle.
    for my $size (2, 5000, 20_000) {
        $fh = open_to($echo);
        for my $part ('a' x $size, 'b' x $size) {
            print {$fh} $part;
            is got($fh->read_octets(1e6, timeout => 0.1)), $errno{timeout}, 'a part';
        }
        system 'true';
        print {$fh} "c\n";
        is $fh->read_line(max => 1e6), 'a' x $size . 'b' x $size . 'c', "system: 2 x $size octets";
    }
};

SKIP: {
    eval { require Test::LeakTrace; 1 } or skip 'no Test::LeakTrace here', 1;
    my $reset = peer(reset => "one\npart");
    my %case = (
        lines => sub {
            my $fh = open_to($echo);
            print {$fh} "a\n" . 'b' x 5000 . "\n" . 'c' x 9000 . "\n";
            my @lines = map { $fh->read_line(max => 8000, timeout => 30) } 1 .. 4;
            @lines = map { $fh->read_octets(9000) } 1;
            eval { $fh->$_ } for qw(read_line read_octets);
        },
        'what comes to nothing' => sub {
            my $fh = open_to($echo, fatal => $_[0]);
            print {$fh} 'part';
            eval { $fh->read_line(timeout => 0.002) };
            eval { $fh->read_octets(10, timeout => 0.002) };
            eval { $fh->read_octets(10, nonsense => 1) };
            eval { $fh->read_line(max => 'x') };
            local $SIG{ALRM} = sub { die "enough\n" };
            setitimer(ITIMER_REAL, 0.002);
            eval { $fh->read_line };
            $fh->shutdown(1);
            eval { $fh->read_octets(10) };
            eval { $fh->read_line };
            eval { $fh->read_line };
        },
    );
    $case{'what is thrown'} = sub { $case{'what comes to nothing'}->(1) };
    for my $name (sort keys %case) {
        $case{$name}->() for 1 .. 3;
        Test::LeakTrace::no_leaks_ok($case{$name}, "F9 $name");
    }
    alarm 300;
}

done_testing;
