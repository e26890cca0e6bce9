# netiod: HUP.  All of a configuration or nothing; what both have goes on.

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::More;

use lib 't/lib';
use NetIO::Test::Inetd;
use NetIO::Test::Run  qw(slurp);
use NetIO::Test::Talk qw(talk);

alarm 300;

my $cat  = "127.0.0.1:{cat} stream tcp nowait root /bin/cat cat\n";
my $echo = "127.0.0.1:{echo} stream tcp nowait root /bin/echo echo one\n";

# The inode of the socket that listens on a port, as /proc/net/tcp knows it.
sub inode {
    my ($port) = @_;
    my $local  = sprintf '0100007F:%04X', $port;

    for (split /\n/, slurp('/proc/net/tcp')) {
        my @field = split;
        return $field[9] if $field[1] eq $local && $field[3] eq '0A';
    }
    return 'none';
}

sub refused {
    my ($d, $name) = @_;

    return !eval { $d->connect($name); 1 };
}

# ---- what a program finds is of the configuration in use ----------------------------------------

{
    my $of = sub {
        my ($user, @env) = @_;
        return
            "env on listen = 127.0.0.1:{env}, user = $user, exec = /usr/bin/env, env = "
            . join(q( ), map { qq("$_") } @env) . ";\n";
    };
    my $d    = NetIO::Test::Inetd->start(config => $of->('nobody', 'A=1', 'REMOTE_ADDR=x'));
    my %seen = map { split /=/, $_, 2 } split /\n/, $d->ask('env', '');
    is "@seen{qw(A USER REMOTE_ADDR)}", '1 nobody 127.0.0.1',
        'what is set, the user, and the peer, whom nothing can replace';
    ok $d->reload($of->('root', 'A=2', 'B=3')), 'another user and other variables';
    %seen = map { split /=/, $_, 2 } split /\n/, $d->ask('env', '');
    is "@seen{qw(A B USER REMOTE_ADDR)}", '2 3 root 127.0.0.1', '... are there at once';
    ok !$d->reload($of->('nobody-at-all', 'A=4')), 'a reload that fails';
    %seen = map { split /=/, $_, 2 } split /\n/, $d->ask('env', '');
    is "@seen{qw(A B USER)}", '2 3 root', '... changes nothing';
    $d->finish;
}

# ---- what is the same stays (R14, R15) -----------------------------------------------------------

{
    my $d      = NetIO::Test::Inetd->start(config => $cat . $echo);
    my $client = $d->connect('cat');
    my $inode  = inode($d->port('cat'));

    is talk($client, 'a'), "a\n", 'a program runs';
    my ($child) = $d->children_now;
    ok $d->reload("# moved\n$echo$cat"), 'the same configuration in another order';
    is inode($d->port('cat')), $inode, 'R14: keeps its socket';
    is talk($client, 'b'),     "b\n",  'R15: and the program that runs';

    ok $d->reload($echo), 'without that service';
    like $d->log_text, qr/\d+: no longer served\n/, 'which the log tells';
    ok refused($d, 'cat'), 'nobody listens there any more';
    is talk($client, 'c'), "c\n", 'R15: what runs goes on';
    ok $d->reload($echo) && $d->reload($echo), 'through further reloads';
    is talk($client, 'd'), "d\n", 'R15: all the same';
    is_deeply [$d->children_now], [$child], 'R15: as the same process';

    ok $d->reload($cat . $echo), 'it is there again';
    is $d->ask(cat => 'again'), 'again', 'and serves';
    is talk($client, 'e'),      "e\n",   'beside who came before';
    close $client;
    ok $d->wait_log(qr/pid $child, [\d.]+ seconds, exit 0\n/), 'whose end is logged';
    $d->finish;
}

# ---- another program, user, port ----------------------------------------------------------------

{
    my $d      = NetIO::Test::Inetd->start(config => $cat);
    my $client = $d->connect('cat');
    my $inode  = inode($d->port('cat'));

    is talk($client, 'a'), "a\n", 'a program runs';
    ok $d->reload("127.0.0.1:{cat} stream tcp nowait root /bin/echo echo two\n"), 'another program';
    is $d->ask(cat => ''),     "two\n", 'is what the next client gets';
    is inode($d->port('cat')), $inode,  'R14: at the same socket';
    is talk($client, 'b'),     "b\n",   'R15: who came before has the one of before';
    ok $d->reload("127.0.0.1:{cat} stream tcp nowait nobody /usr/bin/id id -u\n"), 'another user';
    is $d->ask(cat => ''), (getpwnam 'nobody')[2] . "\n", 'becomes that one';
    close $client;
    $d->finish;
}

# "*" and one address: no two sockets have them at the same time (Debian #242392).
{
    my $any = $cat =~ s/127\.0\.0\.1://r =~ s/tcp/tcp4/r;
    my $d   = NetIO::Test::Inetd->start(config => $any);

    ok $d->reload($cat), 'R14: from all addresses to one';
    is $d->ask(cat => 'one'), 'one', 'R14: which serves';
    ok $d->reload($any), 'R14: and back';
    is $d->ask(cat => 'all'), 'all', 'R14: which serves';
    $d->finish;
}

# Who waits in the backlog is served by who listens then.
{
    my $d = NetIO::Test::Inetd->start(config => $cat);
    $d->kill('STOP');
    my $client = $d->connect('cat');
    syswrite $client, "queued\n";
    shutdown $client, 1;
    $d->configure("127.0.0.1:{cat} stream tcp nowait root /bin/sed sed s/^/new:/\n");
    $d->kill('HUP');
    $d->kill('CONT');
    ok $d->wait_log(qr/read again/), 'a reload with somebody in the queue';
    like $d->read_all($client), qr/\A(?:new:)?queued\n\z/, 'R14: who is served';
    $d->finish;
}

# ---- all or nothing (R13) --------------------------------------------------------------------------

{
    my $d     = NetIO::Test::Inetd->start(config => $cat);
    my $inode = inode($d->port('cat'));
    my $fds   = $d->descriptors;
    my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
    my $port  = $taken->sockport;
    my $file  = $d->dir . '/inetd.conf';
#<<< the table as it is
    for my $row (
        ['a broken line',    "broken line\n$echo",                  qr/inetd\.conf:1: /],
        ['a broken line behind good ones', "$echo${cat}broken line\n", qr/inetd\.conf:3: /],
        ['an unknown user',  "${cat}127.0.0.1:{echo} stream tcp nowait nobody-here /bin/echo echo\n",
            qr/inetd\.conf:2: .*nobody-here/],
        ['an unknown group', "${cat}127.0.0.1:{echo} stream tcp nowait root:nogroup-here /bin/echo echo\n",
            qr/inetd\.conf:2: .*nogroup-here/],
        ['an unknown service', "${cat}no-such-service stream tcp nowait root /bin/echo echo\n",
            qr/inetd\.conf:2: .*no-such-service/],
        ['a port that is taken', "$echo${cat}127.0.0.1:$port stream tcp nowait root /bin/cat cat\n",
            qr/inetd\.conf:3: .*Address already in use/],
        ['two lines for one address', $cat . $cat,                  qr/inetd\.conf:2: /],
        ['a file without a line', '',                               qr/no service/],
        ['NULs',             "$cat$echo\0\n",                       qr/inetd\.conf/],
        ['a long line',      $cat . 'x' x 1_000_000 . "\n",         qr/inetd\.conf:2: /],
        ['no file',          undef,                                 qr/inetd\.conf: No such file/],
        ['a folder that is none', \'fifo',                          qr/inetd\.conf: /],
    ) {
#>>>
        my ($name, $text, $said) = @$row;

        $d->log_text;
        $d->{seen} = length $d->{log};
        unlink $file;
        defined $text && !ref $text ? $d->configure($text) : ref $text && system 'mkfifo', $file;
        ok !$d->reload, "R13: $name";
        like substr($d->log_text, -3000),
            qr/$said.*\n.*RELOAD FAILED, the one before stays in use\n/,
            "R13: $name: is said";
        is $d->ask(cat => 'x'), 'x', "R13: $name: harms nobody";
        ok refused($d, 'echo'), "R13: $name: nothing of it is taken" if $name ne 'no file';
        $d->children;
        is $d->descriptors_as($fds), $fds, "R16: $name: nothing is left open"
            or diag explain { $d->open_files };
    }
    unlink $file;
    is inode($d->port('cat')), $inode, 'R14: through all of it the socket is the same';
    ok $d->reload($cat . $echo), 'then a good one';
    is $d->ask(echo => ''), "one\n", 'is taken';
    $d->grows(2);
    $d->finish;
}

# ---- unix sockets -----------------------------------------------------------------------------------

{
    my $own    = "{DIR}/s stream unix nowait root /bin/echo echo one\n";
    my $d      = NetIO::Test::Inetd->start(config => $cat . $own);
    my $path   = $d->dir . '/s';
    my $mode   = sub { sprintf '%o %s', (stat $path)[2] & 07777, join ':', (stat _)[4, 5] };
    my $file   = sub { (stat $path)[1] };
    my $same   = $file->();
    my $user   = getpwnam 'nobody';
    my $daemon = getgrnam 'daemon';

    is $d->ask($path, ''), "one\n",   'a unix socket';
    is $mode->(),          '666 0:0', 'that everybody may connect to';
    ok $d->reload($own =~ s/one/two/r . $cat), 'another program';
    is $d->ask($path, ''), "two\n", 'R14: serves';
    is $file->(),          $same,   'R14: at the same path';
    ok !$d->reload("broken\n"), 'a reload that fails';
    is $file->(), $same, 'R13: leaves it alone';
    ok $d->reload($cat), 'without it';
    ok !-e $path,        'R30: the path is gone';
    ok $d->reload($cat . $own =~ s/\{DIR\}/:nobody:daemon:0600:$d->{dir}/r),
        'there again, with mode and owner as FreeBSD writes them';
    is $mode->(),          "600 $user:$daemon", 'it is whose it is to be';
    is $d->ask($path, ''), "one\n",             'and serves';
    ok $d->reload($cat . $own), 'without them';
    is $mode->(), '666 0:0', 'it is as a start would make it';
    ok $d->reload(qq{${cat}s on listen = "unix:$path,mode=0600", exec = /bin/date, user = root;}),
        'as a key, with a mode';
    is $mode->(), '600 0:0', 'which it has';
    ok $d->reload(qq{${cat}s on listen = "unix:$path", exec = /bin/date, user = root;}), 'without';
    is $mode->(), '666 0:0', 'it has the same as that of a line';
    ok $d->reload($cat . $own), 'as before';

    # Whoever has put his own there in the meantime keeps it.
    unlink $path;
    my $other = IO::Socket::UNIX->new(Listen => 1, Local => $path) or die "$path: $!\n";
    ok $d->reload($cat),         'without it, while another one has its path';
    ok -e $path,                 'R30: which is not ours to remove';
    ok !$d->reload($cat . $own), 'nor to take: one that is listened on';
    like $d->log_text, qr{inetd\.conf:2: \Q$path\E: [^\n]*in use\n.*RELOAD FAILED}s, 'is in use';
    close $other;
    ok $d->reload($cat . $own), 'one that nobody listens on any more is';
    is $d->ask($path, ''), "one\n", 'taken over';

    # A path that was removed comes back; one that is another's by then is his.
    my $told   = sub { scalar(() = $d->log_text =~ /listening on unix:\Q$path\E\n/g) };
    my $before = $told->();
    unlink $path;
    ok !$d->reload($cat . $own . "broken\n"), 'a path is removed, a reload fails';
    ok !-e $path,                             'R13: nothing has changed';
    ok $d->reload($cat . $own),               'the next one does not';
    is $told->(),          $before + 1, 'the log says what is so: it listens';
    is $d->ask($path, ''), "one\n",     'and is reached';
    unlink $path;
    $other = IO::Socket::UNIX->new(Listen => 1, Local => $path) or die "$path: $!\n";
    ok !$d->reload, 'a path that is listened on by another one';
    like $d->log_text, qr{in use\n\N*RELOAD FAILED\N*\n(?:\N*: end for \N*\n)*\z}, '... is in use';
    close $other;
    ok $d->reload, 'and not any more';
    is $d->ask($path, ''), "one\n", '... is served again';
    $d->grows(1);
    is $d->stop, 0, 'TERM';
    ok !-e $path, 'no path is left';
    $d->finish;
}

# ---- again and again (R16) --------------------------------------------------------------------------

SKIP: {
    my $d       = NetIO::Test::Inetd->start(config => $cat . $echo);
    my @configs = ($cat, $echo . $cat, $cat . $echo, $echo);
    my $rounds  = $ENV{NETIO_TEST_SANITIZED} ? 100 : 1000;
    my ($fds, $memory);

    $d->reload($configs[$_ % 4]) || BAIL_OUT($d->log_text) for 1 .. 100;
    ($fds, $memory) = ($d->descriptors_idle, memory($d->pid));
    $d->{log} = '', $d->{seen} = 0, $d->reload($configs[$_ % 4]) for 101 .. $rounds;
    is $d->descriptors_as($fds), $fds, "R16: $rounds reloads: no descriptor more";
    skip 'memory under a sanitizer', 1 if $ENV{NETIO_TEST_SANITIZED};
    cmp_ok memory($d->pid) - $memory, '<=', 64, 'R16: nor memory, kB';
    $d->finish;
}

sub memory {
    my ($pid) = @_;
    my ($kb)  = slurp("/proc/$pid/smaps_rollup") =~ /^Private_Dirty:\s+(\d+)/m;

    return $kb;
}

done_testing;
