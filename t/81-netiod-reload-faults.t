# Reloads of netiod (HUP) while something is missing: whichever system call fails, and when no
# descriptor is left, all of the new configuration is served or all of the old one; nothing is lost
# of who is served, and nothing is left open.  R6, R13, R15, R16.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Inetd;
use NetIO::Test::Talk qw(talk);
use Test::More;

plan skip_all => 'needs root' if $> != 0;
alarm 300;
$SIG{PIPE} = 'IGNORE';

my $cat = "127.0.0.1:{cat} stream tcp nowait root /bin/cat cat\n";
my $old = $cat . "127.0.0.1:{who} stream tcp nowait root /bin/echo echo old\n";
my $new = $cat . <<'CONF';
127.0.0.1:{who}   stream tcp  nowait root /bin/echo echo new
127.0.0.1:{exec}  stream tcp  nowait root /bin/echo echo exec
127.0.0.1:{echo}  stream tcp  nowait root internal  echo
127.0.0.1:{wait}  dgram  udp  wait   root /bin/true true
{DIR}/unix        stream unix nowait root /bin/echo echo unix
127.0.0.1:{back}  stream tcp  nowait root /bin/cat  cat
CONF

# What is served, in a word.
sub served {
    my ($d) = @_;
    my @names = map { $_->[0] } grep {
        eval { $d->ask(@$_[1, 2]) }
    } [exec => 'exec', ''], [echo => 'echo', 'x'], [unix => $d->dir . '/unix', ''],
        [back => 'back', 'x'];

    return join ' ', $d->ask(who => '') =~ /(\w+)/, @names;
}

my %whole = (0 => 'old', 1 => 'new exec echo unix back');

# Its own, once its programs are gone but for the two that talk; a connection that has just been
# served may take a moment to be closed.
sub descriptors {
    my ($d, $expected) = @_;

    $d->{workers} = 2;
    $d->children;
    return $d->descriptors_as($expected);
}

# "back", which only the new one has, has a program that runs: it comes back each time.
sub start {
    my $d      = NetIO::Test::Inetd->start(config => $old);
    my $client = $d->connect('cat');

    talk($client, 'first');
    my $self = { d => $d, client => $client };
    for my $is_new (1, 0) {
        $d->reload($is_new ? $new : $old) or die $d->log_text;
        # What leaves is closed behind the log; and one of the program of "back".
        $self->{files}{$is_new} = $d->descriptors_idle + $is_new;
        is served($d), $whole{$is_new}, 'a reload';
        talk($self->{back} = $d->connect('back'), 'first') if $is_new;
        descriptors($d, $self->{files}{$is_new});
    }
    return $self;
}

# After a reload that went so, from the old one; back to that.
sub is_whole {
    my ($self, $taken, $name) = @_;
    my $d    = $self->{d};
    my @seen = (
        served($d),
        talk($self->{client}, $name),
        talk($self->{back},   $name),
        descriptors($d, $self->{files}{$taken})
    );

    is_deeply \@seen, [$whole{$taken}, "$name\n", "$name\n", $self->{files}{$taken}],
        "R13, R15, R16: $name: " . ($taken ? 'the new one' : 'the old one') . ' is served'
        or diag $d->log_text;
    $d->reload($old) or die $d->log_text if $taken;
    return;
}

# ---- every call that can fail ------------------------------------------------------------------

SKIP: {
    skip 'needs strace',                          1 if system('strace -V >/dev/null 2>&1') != 0;
    skip 'strace and a leak detector both trace', 1 if $ENV{NETIO_TEST_SANITIZED};
    my $self  = start();
    my $d     = $self->{d};
    my %error = (
        bind        => 'EADDRINUSE',
        chmod       => 'EPERM',
        epoll_ctl   => 'ENOMEM',
        fcntl       => 'EMFILE',
        getsockname => 'ENOBUFS',
        listen      => 'EADDRINUSE',
        newfstatat  => 'EIO',
        openat      => 'EMFILE',
        read        => 'EIO',
        setsockopt  => 'ENOMEM',
        socket      => 'EMFILE',
    );
    for my $call (sort keys %error) {
        my $met = 0;
        while (1) {
            my $end   = $d->failing($call, $error{$call}, $met + 1);
            my $taken = $d->reload($new) ? 1 : 0;
            last if $end->() !~ /\(INJECTED\)/;
            $met++;
            is_whole($self, $taken, "$call $met");
        }
        $d->reload($old) or die $d->log_text;
        cmp_ok $met, '>', 0, "$call: a reload has $met of them";
    }
    close $_ for @$self{qw(client back)};
    is $d->stop, 0, 'TERM';
    ok !-e $d->dir . '/unix', 'no path is left';
}

# ---- no descriptor is left ---------------------------------------------------------------------

{
    my $self  = start();
    my $d     = $self->{d};
    my $limit = sub { system('prlimit', '--pid', $d->pid, "--nofile=$_[0]:") == 0 };
    for my $more (0 .. 12) {
        ok $limit->($self->{files}{0} + $more), "R6: $more descriptors more than it has";
        my $taken = $d->reload($new) ? 1 : 0;
        ok $limit->(4096), 'then as many as it likes';
        is_whole($self, $taken, "$more more");
        last if $taken;
    }
    close $_ for @$self{qw(client back)};
    is $d->stop, 0, 'TERM';
}

done_testing;
