# netiod when something is missing: descriptors, processes, memory, the program, the right to become
# its user; and when any system call of a start fails.  R6, R21 of the faults that super-servers have
# had.  Whatever it is, the log has it, others are served, and when it is over all are.

use strict;
use warnings;
use lib 't/lib';

use File::Temp            ();
use NetIO::Test::Datagram qw(udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Patience;
use NetIO::Test::Run;
use Test::More;
use Time::HiRes ();

alarm 300;

plan skip_all => 'who is not root starts nothing as somebody else' if $> != 0;

my $traced = !$ENV{NETIO_TEST_SANITIZED} && system('strace -o /dev/null true 2>/dev/null') == 0;
my $folder = File::Temp->newdir;
chmod 01777, $folder or die "$folder: $!\n";

my $DATAGRAM = spew("$folder/datagram", <<'PERL');
my $from = recv STDIN, my $said, 1000, 0;
send STDOUT, "ok\n", 0, $from;
PERL
my $ECHO = "127.0.0.1:{echo} stream tcp nowait nobody /bin/echo echo ok\n";

sub netiod {
    my ($config, @how) = @_;

    return NetIO::Test::Inetd->start(config => $config, @how);
}

sub is_served {
    my ($d, $name) = @_;

    return eventually { $d->answer($name) eq "ok\n" };
}

# What the log says of clients that could not be served: lines, and how many these speak of.
sub cannot_start {
    my ($d, $name) = @_;
    my $port   = $d->port($name);
    my @before = $d->log =~ /$port: cannot start for \S+: [^\n]*?(?:, and (\d+) before)?\n/g;
    my $sum    = @before;

    $sum += $_ // 0 for @before;
    return (scalar(@before), $sum);
}

# As the status has it.
sub failed {
    my ($d)      = @_;
    my ($failed) = $d->status =~ /failed=(\d+)/;

    return $failed;
}

sub is_heard {
    my ($d, $name) = @_;
    my $socket = udp_client($d->port($name));

    for my $try (1 .. 50) {
        send $socket, "question $try", 0;
        vec(my $bits = '', fileno $socket, 1) = 1;
        return $try if select $bits, undef, undef, 0.5;
    }
    return 0;
}

# Hundredths of a second of the processor.
sub ticks {
    my ($d)    = @_;
    my @fields = split ' ', slurp('/proc/' . $d->pid . '/stat') =~ s/.*\)//sr;

    return $fields[11] + $fields[12];
}

# ---- descriptors

my $d = netiod(<<"CONF" . $ECHO, wrap => ['prlimit', '--nofile=48:48']);
127.0.0.1:{cat}  stream tcp nowait nobody /bin/cat cat
127.0.0.1:{wait} dgram udp wait nobody /usr/bin/perl perl $DATAGRAM
CONF
my $CAT     = $d->port('cat');
my $SCARCE  = qr/\b$CAT: accept 127\S+: Too many open files: clients wait\n/;
my $FUTILE  = $d->port('wait') . ': cannot start: [^\n]*: Too many open files';
my @clients = map { $d->connect('cat') } 1 .. 70;
ok $d->wait_log($SCARCE), 'R6 no descriptors: the log has it';
my ($before, $since) = (ticks($d), Time::HiRes::time());
send udp_client($d->port('wait')), 'question', 0;
ok $d->wait_log(qr/$FUTILE\n/),               'R6 a program that gets the socket: the same';
ok $d->wait_log(qr/$FUTILE, and \d+ before/), '... once a second, with the number of tries';
SKIP: {
    skip 'sanitizers cost what they cost', 1 if $ENV{NETIO_TEST_SANITIZED};
    my $share = (ticks($d) - $before) / 100 / (Time::HiRes::time() - $since);
    cmp_ok $share, '<', 0.2, '... and nothing spins';
}
my @scarce = $d->log =~ /$SCARCE/g;
is scalar(@scarce), 1, '... and clients are spoken of once';
@clients = ();
ok is_served($d, 'echo'), '... when there are some again all are served';
ok $d->wait_log(qr/\b$CAT: clients wait no more \(descriptors or memory are missing\), after \d/),
    '... and the log has the end';
@clients = map { $d->connect('cat') } 1 .. 70;
ok $d->wait_log($SCARCE), '... and the next beginning';
$d->kill('TERM');
ok $d->wait_log(qr/ends: no new clients\n/), 'R6 SIGTERM works without descriptors';
@clients = ();
is $d->wait_end, 0, '... to the end';
$d->finish;

# ---- the program

my $program = "$folder/program";
spew("$folder/text", "neither a script\n");
chmod 0755, "$folder/text";
$d = netiod(<<"CONF" . $ECHO, args => ['--status', 'unix:{DIR}/status']);
127.0.0.1:{gone}   stream tcp nowait nobody $program program
127.0.0.1:{folder} stream tcp nowait nobody /tmp tmp
127.0.0.1:{plain}  stream tcp nowait nobody /etc/passwd passwd
127.0.0.1:{text}   stream tcp nowait nobody $folder/text text
127.0.0.1:{closed} stream tcp nowait nobody $folder/closed/program program
CONF
mkdir "$folder/closed", 0700;
symlink '/bin/echo', "$folder/closed/program";
my %why = (
    gone   => qr{exec $program: No such file or directory},
    folder => qr{/tmp is a folder},
    plain  => qr{/etc/passwd is not executable},
    text   => qr{exec $folder/text: Exec format error},
    closed => qr{exec $folder/closed/program: Permission denied},
);
my $began = Time::HiRes::time();
for my $name (sort keys %why) {
    is $d->answer($name), '', "$name: the client is let go";
    my $port = $d->port($name);
    ok $d->wait_log(qr/$port: cannot start for 127\S+: $why{$name}\n/), '... and the log knows why';
}
is $d->answer('echo'), "ok\n", '... others are served';

my $asked = 1;
$d->answer('gone') for 1 .. 30;
$asked += 30;
my ($lines) = cannot_start($d, 'gone');
cmp_ok $lines, '<=', 2 + int(Time::HiRes::time() - $began), 'R33 no stranger fills the log';
my $until = Time::HiRes::time() + 30;
while ((cannot_start($d, 'gone'))[1] != $asked && Time::HiRes::time() < $until) {
    Time::HiRes::sleep(0.1);
    $d->answer('gone');
    $asked++;
}
is + (cannot_start($d, 'gone'))[1], $asked, '... but how many there were is said';
is failed($d),                      $asked, '... and counted';
spew($program, "#!/bin/sh\necho ok\n");
chmod 0755, $program;
is $d->answer('gone'), "ok\n", 'a program that is there again is started';
$d->finish;

# ---- processes, memory, and the right to become somebody

sub inject {
    my ($what, @more) = @_;

    return (wrap => ['strace', '-DDD', '-qq', @more, '-o', '/dev/null', '-e', "inject=$what"]);
}

SKIP: {
    skip 'no strace(1), or a sanitizer in it', 1 if !$traced;

    for ([EAGAIN => 'Resource temporarily unavailable'], [ENOMEM => 'Cannot allocate memory']) {
        my ($error, $text) = @$_;
        $d = netiod($ECHO, inject("clone,clone3,fork,vfork:error=$error:when=1..4"));
        is $d->answer('echo'), '', "no process, $error: the client is let go";
        ok $d->wait_log(qr/cannot start for 127\S+: child \w+: $text\n/),
            '... and the log knows why';
        ok is_served($d, 'echo'), '... when there are some again all are served';
        $d->finish;
    }

    $d = netiod(
        $ECHO,
        inject('clone,clone3,fork,vfork:error=EMFILE:when=1'),
        args => ['--status', 'unix:{DIR}/status']
    );
    is $d->answer('echo'),              "ok\n", 'R6 without a descriptor there is one in reserve';
    is + (cannot_start($d, 'echo'))[0], 0,      '... and nothing is said to have failed';
    is failed($d),                      0,      '... nor counted';
    $d->finish;

    for my $call (qw(setgroups setresgid setresuid)) {
        for my $how ('error=EPERM', 'retval=0') {
            my $text =
                $how eq 'retval=0' ? 'reported success without effect' : 'Operation not permitted';
            $d = netiod($ECHO, inject("$call:$how", '-f'));
            is $d->answer('echo'), '', "R21 $call $how: nothing is started";
            ok $d->wait_log(qr/cannot start for 127\S+: privileges \w+: $text\n/)
                || $d->wait_log(qr/cannot start for 127\S+: privileges/, 1),
                '... and the log knows why';
            $d->finish;
        }
    }
}

# ---- any call of a start, and of an end

my $THREE = $ECHO . <<"CONF";
127.0.0.1:{wait} dgram udp wait nobody /usr/bin/perl perl $DATAGRAM
said on listen = 127.0.0.1:{said}, user = nobody, exec = /bin/sh, args = sh -c "echo err >&2; echo ok";
CONF

sub three {
    my ($d) = @_;

    return
          (is_served($d, 'echo') ? '' : 'echo ')
        . (is_served($d, 'said') ? '' : 'said ')
        . (is_heard($d, 'wait')  ? '' : 'wait ');
}

# close frees its descriptor whatever it says, and waitid reaps, which strace does not imitate; others
# cannot fail like this.
my %left_out =
    map { $_ => 1 } qw(close waitid munmap brk exit_group futex epoll_wait rt_sigprocmask getpid);
my %code = (
    accept4   => 'EMFILE',
    clone     => 'EAGAIN',
    clone3    => 'EAGAIN',
    epoll_ctl => 'ENOMEM',
    mmap      => 'ENOMEM',
    pipe2     => 'EMFILE',
    pwritev2  => 'ENOSPC',
);

# [call, number] of what netiod does between ready and SIGTERM.
sub calls_of {
    my $log = "$folder/calls";
    my $d   = netiod($THREE, wrap => ['strace', '-DDD', '-qq', '-o', $log]);
    my ($ready, %count, @calls);

    is three($d), '', 'nothing fails';
    $d->wait_log(qr/@{[$d->port('wait')]}: end/);
    $d->finish;
    for (split /\n/, slurp($log)) {
        my ($call) = /^(\w+)\(/ or next;
        my $number = ++$count{$call};
        last if /ends: no new clients/;
        push @calls, [$call, $number] if $ready && !$left_out{$call};
        $ready ||= $call eq 'epoll_wait';
    }
    return @calls;
}

SKIP: {
    skip 'no strace(1), or a sanitizer in it', 1 if !$traced;

    my @calls = calls_of();
    cmp_ok scalar(@calls), '>', 30, 'calls from ready to the end';
    my @bad;
    for (@calls) {
        my ($call, $number) = @$_;
        my $error = $code{$call} || 'EIO';
        $d = netiod($THREE, inject("$call:error=$error:when=$number"));
        my $not = eval { three($d) } // $@;
        push @bad, "$call $number: not served: $not" if $not;
        my @complaints = $d->complaints;
        $d->{finished} = 1;
        push @bad, "$call $number: @complaints" if @complaints;
    }
    is "@bad", '', 'whichever of them fails, all are served, and nothing is left';
}

done_testing;
