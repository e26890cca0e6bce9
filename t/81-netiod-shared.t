# netiod and who shares what is netiod's: a listener with the programs that it was given to ("wait"),
# and the time of all with a user who stops his own programs.  R26 of the faults that super-servers
# have had.  Whatever they do, others are served.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use IO::Socket::INET;
use NetIO::Test::Inetd;
use NetIO::Test::Manager qw(passing);
use NetIO::Test::Patience;
use NetIO::Test::Run;
use Test::More;
use Time::HiRes ();

alarm 300;

plan skip_all => 'who is not root starts nothing as somebody else' if $> != 0;
plan skip_all => 'strace and a leak detector both trace'           if $ENV{NETIO_TEST_SANITIZED};
plan skip_all => 'no strace(1)' if system('strace -o /dev/null true 2>/dev/null') != 0;

my $folder = File::Temp->newdir;
chmod 01777, $folder or die "$folder: $!\n";

# ---- who has the listener, too, and makes it block

# Takes what comes, and never leaves O_NONBLOCK alone; with an argument a child of it does so.
my $GREEDY = spew("$folder/greedy", <<'PERL');
use Fcntl;
exit if $ARGV[0] && fork;
$| = 1;
my $end = time + 200;
while (getppid && time < $end && -e $ARGV[-1]) {
    fcntl STDIN, F_SETFL, 0;
    vec(my $bits = '', 0, 1) = 1;
    select($bits, undef, undef, 0.001) or next;
    fcntl STDIN, F_SETFL, O_NONBLOCK;
    accept my $client, STDIN or next;
    fcntl STDIN, F_SETFL, 0;
    syswrite $client, "program\n";
}
PERL

for my $address ('127.0.0.1:{taken}', '{DIR}/taken') {
    for my $forks ('', 'forks ') {
        my $proto = $address =~ /DIR/ ? 'unix' : 'tcp';
        my $rest  = "127.0.0.1:{echo} stream tcp nowait nobody /bin/echo echo ok\n";
        my $stay  = spew("$folder/stay", '');
        my $name  = "R26 a program that " . ($forks ? 'has forked on' : 'runs on') . ", $proto";
        my $d     = NetIO::Test::Inetd->start(config => <<"CONF");
$address stream $proto wait nobody /usr/bin/perl perl $GREEDY $forks$stay
$rest
CONF
        my $at = $proto eq 'unix' ? $d->dir . '/taken' : 'taken';
        is $d->answer($at), "program\n", "$name: has the listener";
        ok $d->reload(<<"CONF"), '... which is a nowait one from now on';
$address stream $proto nowait nobody /bin/echo echo ok
$rest
CONF
        my $end   = $d->injecting(accept4 => 'delay_enter=50000');
        my $busy  = qr/: a program that has the socket, too, keeps netiod waiting there: /;
        my $tries = 0;
        my @clients;
        while ($d->log !~ /$busy/ && ++$tries < 300) {
            push @clients, $d->connect($at);
            Time::HiRes::sleep(0.05);
        }
        cmp_ok $tries, '<', 300, '... nobody hangs there';
        is $d->answer('echo'), "ok\n", '... others are served';
        $end->();
        unlink $stay;
        ok eventually { $d->answer($at) eq "ok\n" }, '... and once it has gone, its clients, too';
        $d->finish;
    }
}

# What that costs is for those listeners that somebody else has, or has had.
sub has_deadline {
    my ($d, $name) = @_;
    my $end = $d->injecting(timer_settime => 'delay_enter=1');

    $d->answer($name) eq "ok\n" or die "no answer\n";
    return $end->() =~ /timer_settime/ ? 1 : 0;
}

{
    my $passed = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $@\n";
    my $port   = $passed->sockport;
    my $line   = "127.0.0.1:%s stream tcp nowait nobody /bin/echo echo ok\n";
    my @lines  = map { sprintf $line, "{$_}" } qw(own had passed);
    my $d      = NetIO::Test::Inetd->start(
        config => "$lines[0]127.0.0.1:{had} stream tcp wait nobody /bin/true true\n$lines[2]",
        before => passing([$passed]),
        ports  => { passed => $port },
    );
    close $passed;

    is has_deadline($d, 'own'), 0, 'accept has no deadline where nobody else has the listener';
    ok $d->reload(join '', @lines), 'a listener that was for programs is for clients now';
    is has_deadline($d, 'had'), 1, '... who are accepted under a deadline';
    ok $d->reload(join '', "# again\n", @lines), '... and still are after another reload';
    is has_deadline($d, 'had'), 1, '...';
    ok $d->reload(join '', @lines[0, 2]), 'it is closed';
    ok $d->reload(join '', @lines),       '... and opened anew';
    is has_deadline($d, 'had'),    0, '... so that nobody else has it';
    is has_deadline($d, 'passed'), 1, 'nor is a service manager relied on';
    ok $d->upgrade, 'an upgrade';
    is has_deadline($d, 'own'), 1, '... nor is who had it before, whose programs may run still';
    $d->finish;
}

# ---- who stops his programs before they have begun

my $USER = 'games';    # who has no other processes here

# Stops all that are the user's, until its standard input ends; then ends them.
my $STOPPER = spew("$folder/stopper", <<'PERL');
use POSIX; use IO::Handle;
my $uid = getpwnam $ARGV[0];
POSIX::setuid($uid); $> == $uid or die;
STDIN->blocking(0);
1 until kill('STOP', -1) && defined sysread STDIN, my $end, 1;
kill 'KILL', -1;
PERL

for (['in shared memory'], ['by fork', clone => 'error=EPERM:when=1+2']) {
    my ($name, @inject) = @$_;
    my $d = NetIO::Test::Inetd->start(config => <<"CONF", args => ['--stop-seconds', 1]);
127.0.0.1:{stopped} stream tcp nowait $USER /bin/echo echo ok
127.0.0.1:{echo}    stream tcp nowait nobody /bin/echo echo ok
CONF
    my $end = @inject ? $d->injecting(@inject) : sub { };
    open my $stopper, '|-', $^X, $STOPPER, $USER or die "perl: $!\n";
    my $tries = 0;
    my @clients;
    while ($d->log !~ m{cannot start for \S+: child /bin/echo \(stopped\): ended before it was rea}
        && $d->log !~ /timed out/
        && ++$tries < 1000)
    {
        push @clients, $d->connect('stopped');
        Time::HiRes::sleep(0.005);
    }
    unlike $d->log, qr/timed out/, "a user stops what is to become his program, $name";
    cmp_ok $tries, '<', 1000, '... which is given up at once';
    is $d->answer('echo'), "ok\n", '... and others are served';
    $end->();
    @clients = ();
    close $stopper;
    $d->finish;
}

# ---- whose program lies where nobody answers: what a start says that has had its time

my $d = NetIO::Test::Inetd->start(
    config => <<'CONF',
127.0.0.1:{wait} stream tcp wait nobody /bin/echo echo
daytime on listen = 127.0.0.1:{day}, user = root, exec = internal;
CONF
    wrap => [qw(strace -DDD -qq -f -o /dev/null -e inject=setgroups:error=ETIMEDOUT)],
);
my $waits = $d->connect('wait');
ok $d->wait_log(qr{cannot start: \w+ \w+: Connection timed out\n}), 'a start that hangs, wait';
is grep({ $d->answer('day') =~ /\d/ } 1 .. 50), 50, '... others are served';
Time::HiRes::sleep(0.5);
$d->answer('day');
is scalar(() = $d->log =~ /timed out/g), 1, '... and need not wait for another one';
$d->finish;

done_testing;
