# Every system call of netiod's own start fails once, from its configuration to "ready": it serves all
# the same, or says in one line what has failed and why, exits as its man page has it, and leaves
# neither a path nor a pid file.

use strict;
use warnings;
use lib 't/lib';

use Errno      ();
use File::Temp ();
use NetIO::Test::Inetd;
use NetIO::Test::Run;
use Test::More;

alarm 300;

plan skip_all => 'who is not root starts nothing as somebody else' if $> != 0;
plan skip_all => 'strace and a leak detector both trace'           if $ENV{NETIO_TEST_SANITIZED};
plan skip_all => 'no strace(1)' if system('strace -o /dev/null true 2>/dev/null') != 0;

my $CONFIG = <<'CONF';
root on listen = 127.0.0.1:{root}, user = root, exec = /bin/echo, args = echo ok;
127.0.0.1:{echo} stream tcp nowait nobody /bin/echo echo ok
127.0.0.1:{datagram} dgram udp wait nobody /bin/true true
{DIR}/path stream unix nowait root /bin/echo echo ok
CONF

my @ERRORS  = qw(EIO ENOMEM EMFILE EACCES);
my %is_exit = map { $_ => 1 } 69, 71, 73, 77, 78;

# close frees its descriptor whatever it says, which strace does not imitate; the C library has words
# of its own for an lseek in /etc/passwd; others cannot fail.
my %left_out = map { $_ => 1 }
    qw(brk close exit_group futex geteuid getpid gettid getuid lseek mprotect
    munmap rt_sigprocmask);

sub text_of {
    local $! = Errno->can($_[0])->();
    return "$!";
}

# Whether it was ready, how it ended, what it said besides, and what is left.
sub run_it {
    my (@strace) = @_;
    my $d = NetIO::Test::Inetd->start(
        config => $CONFIG,
        args   => ['--status', 'unix:{DIR}/status', '--pidfile', '{DIR}/pid'],
        ready  => 0,
        wrap   => [qw(strace -DDD -qq), @strace],
    );
    my $ready  = $d->wait_log(qr/netiod: ready, 4 services\n/);
    my $serves = $ready && $d->ask(root => '') eq "ok\n" && $d->ask(echo => '') eq "ok\n";

    $d->kill('TERM') if $ready;
    my $end = $d->wait_end // 'none';
    $d->{finished} = 1;
    opendir my $folder, $d->dir or die $d->dir . ": $!\n";
    my @left = grep { !/^(?:\.\.?|inetd\.conf)$/ } readdir $folder;
    my $own  = qr/ready,|ends:|\S+ listening on|\S+ (?:start|end) for/;
    my @said = grep { !/^netiod: (?:\S+: )?$own/ } split /\n/, $d->log;
    return { ready => $ready, serves => $serves, end => $end, said => \@said, left => \@left };
}

# [call, number] of those from the configuration on.
sub calls_in {
    my (%count, @calls, $begun);

    for (split /\n/, $_[0]) {
        my ($call) = /^(\w+)\(/ or next;
        my $number = ++$count{$call};
        $begun ||= /inetd\.conf/ && $call ne 'execve';
        last if /"netiod: ready/;
        push @calls, [$call, $number] if $begun && !$left_out{$call};
    }
    return @calls;
}

sub trouble {
    my ($run, $error) = @_;
    # EACCES is how a lock may say that another one has it.
    my $why = text_of($error) . '|reported success without effect|already running';
    my @trouble;

    push @trouble, "left: @{ $run->{left} }" if @{ $run->{left} };
    if ($run->{ready}) {
        push @trouble, "exit $run->{end}"  if $run->{end} ne '0';
        push @trouble, 'it does not serve' if !$run->{serves};
    } else {
        push @trouble, "exit $run->{end}" if !$is_exit{ $run->{end} };
        push @trouble, "said: @{ $run->{said} }"
            if @{ $run->{said} } != 1 || $run->{said}[0] !~ /^netiod: \S.*: (?:$why)$/;
    }
    return @trouble;
}

my $trace = File::Temp->new;
my $good  = run_it('-o', "$trace");
is join(', ', trouble($good, 'EIO')), '', 'nothing fails';
my @calls = calls_in(slurp("$trace"));
cmp_ok scalar(@calls), '>', 80, 'calls of a start';

my ($turn, $refused, @wrong) = (0, 0);
for (@calls) {
    my ($call, $number) = @$_;
    my $error = $ERRORS[$turn++ % @ERRORS];
    my $run =
        run_it('-o', '/dev/null', '-e', "trace=$call", '-e',
        "inject=$call:error=$error:when=$number");
    my @trouble = trouble($run, $error);
    push @wrong, "$call $number $error: @trouble" if @trouble;
    $refused++ if !$run->{ready};
}
is join("\n", @wrong), '', 'whichever of them fails, it serves or says why';
cmp_ok $refused, '>', 30, "... $refused of them";

done_testing;
