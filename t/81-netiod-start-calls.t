# Every system call of one start, of netiod and of the child that becomes the program, fails once, up to
# the program's end: for who is root, and who is not, in memory shared with netiod and by fork; for
# programs that get the listener, or a datagram; for pools.  The client is served or let go, and never
# by a program in another world than it should have; the next one is served; nothing is left or counted
# that is not there, and the log has it.  t/37-child-lies.t has all that a child can be told.

use strict;
use warnings;
use lib 't/lib';

use File::Temp            ();
use NetIO::Test::Datagram qw(answer_udp udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Patience;
use NetIO::Test::Run;
use Test::More;
use Time::HiRes ();

alarm 500;

plan skip_all => 'who is not root starts nothing as somebody else' if $> != 0;
plan skip_all => 'strace and a leak detector both trace'           if $ENV{NETIO_TEST_SANITIZED};
plan skip_all => 'no strace(1)' if system('strace -o /dev/null true 2>/dev/null') != 0;

my @ERRORS   = qw(EPERM ENOMEM EAGAIN EMFILE EINTR EIO);
my $PATIENCE = 60;
my $folder   = File::Temp->newdir;
chmod 0755, $folder or die "$folder: $!\n";

# Of those that matter most there is no way to fail that is not tried, of the programs of a connection
# and of one that gets the listener.
my %in_all_ways = map { $_ => 1 }
    qw(accept4 capset chdir clone close_range dup2 execve prctl setgroups setresgid setresuid);

# close frees its descriptor whatever it says, and waitid reaps, which strace does not imitate; when it
# is told to end between the two halves of a call that is to fail, that says ENOSYS, which is the end
# of a loop that waits (epoll_wait); others cannot fail, or not just once.
my %only     = map { $_ => 'EINTR' } qw(futex waitid);
my %left_out = map { $_ => 1 }
    qw(brk close epoll_wait exit exit_group geteuid getpid gettid getpgrp munmap pidfd_send_signal
    restart_syscall rt_sigprocmask rt_sigreturn umask);

my $STREAM = spew("$folder/stream", <<'PERL');
accept my $client, STDIN;
open my $world, '<', '/proc/self/status';
print {$client} <$world>;
PERL
my $DATAGRAM = spew("$folder/datagram", <<'PERL');
my $from = recv STDIN, my $said, 100, 0;
open my $world, '<', '/proc/self/status';
send STDOUT, join('', <$world>), 0, $from;
PERL
my $POOLED = spew("$folder/pooled", <<'PERL');
open my $world, '<', '/proc/self/status';
print <$world>, "Arguments:\t@ARGV\n";
PERL
chmod 0755, $POOLED;

sub config {
    my ($argument) = @_;

    return <<"CONF";
root on listen = 127.0.0.1:{root}, user = root, exec = /bin/cat, args = cat /proc/self/status;
nobody on listen = 127.0.0.1:{nobody}, user = nobody, exec = /bin/cat, args = cat /proc/self/status;
127.0.0.1:{stream} stream tcp wait nobody /usr/bin/perl perl $STREAM
127.0.0.1:{datagram} dgram udp wait nobody /usr/bin/perl perl $DATAGRAM
pool on listen = 127.0.0.1:{pool}, user = nobody, pool = 1, exec = $POOLED, args = pooled $argument;
CONF
}

my $d = NetIO::Test::Inetd->start(
    config  => config('first'),
    args    => ['--status', 'unix:{DIR}/status'],
    workers => 1,
);

# ---- a client

sub client {
    my ($name) = @_;

    return eval { $d->connect($name) } // die $@, substr $d->log, -1000 if $name ne 'datagram';
    my $socket = udp_client($d->port($name));
    send $socket, 'question', 0;
    return $socket;
}

# What is the same in every run of a program, or all that came: '' for nothing.
sub world_in {
    my ($said) = @_;
    my @lines =
        $said =~ /^((?:Umask|[UG]id|Groups|NoNewPrivs|Seccomp|Cap\w+|Sig(?:Blk|Ign|Cgt)):.*)/gm;

    return @lines ? join "\n", @lines : $said;
}

sub answer {
    my ($socket) = @_;

    return world_in(
          $socket->socktype == Socket::SOCK_STREAM
        ? $d->read_all($socket) // 'reset'
        : answer_udp($socket)
    );
}

# Until there is something to read, or condition holds.
sub comes {
    my ($socket, $condition) = @_;
    my $until = Time::HiRes::time() + $PATIENCE;

    while (Time::HiRes::time() < $until && !($condition && $condition->())) {
        vec(my $bits = '', fileno $socket, 1) = 1;
        return 1 if select $bits, undef, undef, $condition ? 0.01 : 1;
    }
    return 0;
}

sub ask {
    my ($name) = @_;
    my $socket = client($name);

    return comes($socket) ? answer($socket) : 'silence';
}

# Somebody is served in the world that is given; '' or what came instead.
sub next_wrong {
    my ($name, $world) = @_;
    my $said = eventually { ask($name) };

    return $said eq $world ? '' : "the next client got <$said>";
}

# ---- netiod

sub field {
    my ($name, $field) = @_;
    my ($line) = $d->status =~ /^service=(?:$name|\S*\b@{[$d->port($name)]}) (.*)/m;

    return ($line // '') =~ /\b$field=(\d+)/ ? $1 : 0;
}

sub until_is {
    my ($wanted, $what) = @_;
    my $is;

    eventually { ($is = $what->()) == $wanted };
    return $is;
}

# What it has when nothing runs.  Who has just asked for the status may still be there.
my ($descriptors, $children);

sub at_rest {
    my ($name) = @_;
    my $runs = $name eq 'pool' ? 1 : 0;

    ask($name);
    until_is($runs, sub { field($name, 'running') });
    $descriptors = $d->descriptors_idle;
    $children    = () = $d->children_now;
    return;
}

# What is there that was not, as soon as nothing runs: '' for nothing.
sub left {
    my ($name) = @_;
    my $runs = $name eq 'pool' ? 1 : 0;
    my @wrong;

    push @wrong, 'it runs'          if until_is($runs, sub { field($name, 'running') }) != $runs;
    push @wrong, 'a place is taken' if until_is(0,     sub { field($name, 'connections') }) != 0;
    my $has = until_is($descriptors, sub { $d->descriptors });
    push @wrong, "$has descriptors, not $descriptors" if $has != $descriptors;
    my @children = $d->children_now;
    push @wrong, "children: @children" if @children != $children;
    return @wrong;
}

# Lines of the log that speak of what could not be started, and how many times that was.
sub cannot_start {
    my ($from, $name) = @_;
    my $port  = $d->port($name);
    my @lines = substr($d->log, $from) =~ /(?:$name|$port): (cannot start[^\n]*)\n/g;
    my $times = @lines;

    $times += /, and (\d+) before$/ ? $1 : 0 for @lines;
    return ($times, @lines);
}

# ---- strace(1), of netiod and of a child up to its execve

sub trace {
    my (@how) = @_;

    return $d->traced("$folder/trace", qw(-f -b execve), @how);
}

# [call, number] of those in a trace behind a line that matches, the child's first of each name alone
# when few is true.
sub calls_in {
    my ($trace, $behind, $few) = @_;
    my (%count, %seen, @calls);
    my $begun = !$behind;

    for (split /\n/, $trace) {
        my ($pid, $call) = /^(\d+) +(\w+)\(/ or next;
        my $number = ++$count{"$pid $call"};
        $begun ||= /$behind/ if $behind;
        next                 if !$begun || $left_out{$call} || $seen{"$call $number"}++;
        next                 if $pid != $d->pid && $number > 1 && ($few || $call eq 'rt_sigaction');
        push @calls, [$call, $number];
    }
    return @calls;
}

# Of these, [call, number, error].
sub faults {
    my (@calls) = @_;
    my $turn = 0;

    return map { [@$_, $only{ $_->[0] } || $ERRORS[$turn++ % @ERRORS]] } @calls;
}

sub many_faults {
    my (@calls) = @_;
    my $turn = 0;

    return map {
        my ($call, $number) = @$_;
        my @errors = $only{$call} || ($in_all_ways{$call} ? @ERRORS : $ERRORS[$turn++ % @ERRORS]);
        map { [$call, $number, $_] } @errors;
    } @calls;
}

sub inject {
    my ($fault, @more) = @_;
    my ($call, $number, $error) = @$fault;
    my %calls = map { $_ => 1 } $call, @more ? 'clone' : ();

    return trace('-e', 'trace=' . join(',', keys %calls),
        '-e', "inject=$call:error=$error:when=$number", @more);
}

# ---- a program for each connection

# One that is found to run, but cannot be watched, or not be heard of, is killed; by then it may have
# served its client.
sub may_count {
    my ($fault, $got, $counted, $by_fork) = @_;

    return $got eq '' if $counted == 1 && !$by_fork;
    return $counted == 1 || $counted == 0 && ($got ne '' || $fault->[0] eq 'epoll_ctl');
}

sub without_one {
    my ($name, $way, @more) = @_;
    my $world = ask($name);
    at_rest($name);
    my ($from, $failed) = (length $d->log, field($name, 'failed'));
    my $end = trace(@more);
    is ask($name),              $world, "$way: nothing fails";
    is join(', ', left($name)), '',     '... nor is left';
    my @faults = many_faults(calls_in($end->(), undef, scalar @more));
    # The first clone fails already.
    @faults = grep { "@$_[0, 1]" ne 'clone 1' } @faults if @more;
    my ($refused, @wrong) = (0);

    for my $fault (@faults) {
        $end = inject($fault, @more);
        my $got = ask($name);
        left($name);
        $end->();
        my @trouble = grep { $_ ne '' } next_wrong($name, $world), left($name);
        push @trouble, "got <$got>" if $got ne '' && $got ne $world;
        my $counted = field($name, 'failed') - $failed - $refused;
        push @trouble, "counted $counted times" if !may_count($fault, $got, $counted, @more);
        push @wrong,   "@$fault: @trouble"      if @trouble;
        $refused += $counted;
    }
    is join("\n", @wrong), '', '... nor otherwise: ' . @faults . " faults, $refused clients let go";
    cmp_ok $refused, '>', 10, '... some of them must be';

    # What a stranger could repeat is said once a second.
    my $until = Time::HiRes::time() + $PATIENCE;
    while ((cannot_start($from, $name))[0] < $refused && Time::HiRes::time() < $until) {
        $end = inject(['execve', 1, 'EPERM']);
        $refused++ if ask($name) eq '';
        $end->();
        Time::HiRes::sleep(0.2);
    }
    my ($said, @lines) = cannot_start($from, $name);
    is $said, $refused, '... and in the log';
    is join("\n", grep { !/^cannot start for 127\S+: \w+ [^:]+: \S/ } @lines), '',
        '... which says what has failed, and why';
    return;
}

# The pool has one process already.
ok $d->wait_log(qr/pool: the pool is ready/), 'a pool is ready';
# ---- a program that gets the socket

# Once something has failed nothing fails any more: it is tried again.
sub with_the_socket {
    my ($name, $choose) = @_;
    my $world = ask($name);
    at_rest($name);
    my ($from, $failed) = (length $d->log, field($name, 'failed'));
    my $end = trace();
    is ask($name),              $world, "$name: nothing fails";
    is join(', ', left($name)), '',     '... nor is left';
    my @faults = $choose->(calls_in($end->(), undef, 1));
    my @wrong;

    for my $fault (@faults) {
        $end = inject($fault);
        my $socket = client($name);
        comes($socket, sub { slurp("$folder/trace") =~ /\(INJECTED\)/ });
        # Who has answered may end just as strace does: ENOSYS, with which it is never reaped.
        left($name) if $fault->[0] eq 'waitid';
        $end->();
        my $got     = comes($socket) ? answer($socket) : 'silence';
        my @trouble = grep { $_ ne '' } next_wrong($name, $world), left($name);
        # One that runs and cannot be watched is killed; by then it may have taken what came.
        push @trouble, "got <$got>"
            if $got ne $world && !($fault->[0] eq 'epoll_ctl' && $got =~ /^(?:silence)?\z/);
        push @wrong, "@$fault: @trouble" if @trouble;
    }
    my ($said, @lines) = cannot_start($from, $name);
    my $times = field($name, 'failed') - $failed;
    is join("\n", @wrong), '', '... nor otherwise: ' . @faults . " faults, $times starts again";
    cmp_ok $times, '>', 10, '... some of them must be';
    cmp_ok $said,  '>', 0,  '... the log has it';
    is join("\n", grep { !/^cannot start: \w+ [^:]+: \S/ } @lines), '',
        '... and says what has failed, and why';
    return;
}

# ---- a pool, of which a reload starts another one

my $argument = 'first';

# A reload that fails is told again.
sub change_pool {
    my ($before) = @_;
    my $since = length $d->log;

    $argument = $argument eq 'first' ? 'second' : 'first';
    $d->configure(config($argument));
    $d->kill('HUP');
    my ($end, $until, $got) = ($before, Time::HiRes::time() + $PATIENCE, '');
    while (Time::HiRes::time() < $until) {
        my $socket = client('pool');
        return 'silence' if !comes($socket);
        my $said = $d->read_all($socket) // 'reset';
        my $log  = substr $d->log, $since;
        # The second try may be in vain, too, before strace has let go: then it says so.
        return "got <$said>"
            if $said !~ /^Arguments:\t(?:first|second)$/m
            && !($said eq '' && $end && $log =~ /: no pool could be started: clients are let go/);
        if ($said =~ /^Arguments:\t$argument$/m) {
            $end->() if $end;
            return world_in($said);
        }
        if ($end && $log =~ /cannot start|no pool could be|not ready|RELOAD FAILED/) {
            $end->();
            $end = undef;
            $d->kill('HUP') if $log =~ /RELOAD FAILED/;
        }
        Time::HiRes::sleep(0.02);
    }
    $end->() if $end;
    return 'another one is not started: ' . substr $d->log, $since;
}

sub of_a_pool {
    my $world = world_in($d->read_all(client('pool')));
    at_rest('pool');
    my $from = length $d->log;
    my $trace;
    my $end = trace();
    is change_pool(sub { left('pool'); $trace = $end->() }), $world, 'pool: nothing fails';
    is join(', ', left('pool')),                             '',     '... nor is left';
    # The earlier pool may end just as strace does: ENOSYS, with which it is never reaped.
    my @calls  = grep { $_->[0] ne 'waitid' } calls_in($trace, qr/configuration: rea/, 1);
    my @faults = faults(@calls);
    my @wrong;

    for my $fault (@faults) {
        my $got     = change_pool(inject($fault));
        my @trouble = left('pool');
        push @trouble, $got                if $got ne $world;
        push @wrong,   "@$fault: @trouble" if @trouble;
    }
    my ($times, @lines) = cannot_start($from, 'pool');
    is join("\n", @wrong), '', '... nor otherwise: ' . @faults . " faults, $times starts again";
    is join("\n", grep { !/^cannot start(?:: \w+ [^:]+: \S| for \S+: no pool could be)/ } @lines),
        '', '... the log says what has failed, and why';

    $end = inject(['pidfd_send_signal', 1, 'EPERM']);
    change_pool();
    my $told = $d->wait_log(qr/pool: pid (\d+) serves on, [^\n]*: Operation not permitted\n/);
    ok $told, '... and which process serves on, because it cannot be told to end';
    $end->();
    kill 'TERM', $told->[0] if $told;
    is join(', ', left('pool')), '', '... until it is told';
    return;
}

without_one('root',   'as root');
without_one('nobody', 'as nobody');
without_one('nobody', 'as nobody, by fork', '-e', 'inject=clone:error=EPERM:when=1');
with_the_socket('stream',   \&many_faults);
with_the_socket('datagram', \&faults);
of_a_pool();

$d->finish;
done_testing;
