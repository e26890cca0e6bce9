# netiod: its command line, how it starts and what it says when it cannot, its pid file and log, what
# it does about descriptors.

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use Test::More;

use lib 't/lib';
use NetIO::Test::Detached;
use NetIO::Test::Inetd;
use NetIO::Test::Port qw(free_port);
use NetIO::Test::Run  qw(slurp spew);

alarm 300;

my $dir = File::Temp->newdir;
my $pid = "$dir/pid";
my $cat = "127.0.0.1:{cat} stream tcp nowait root /bin/cat cat\n";

sub look { return [NetIO::Test::Inetd->look(@_)] }

# ---- the command line --------------------------------------------------------------------------

{
    my ($exit, $out, $err) = @{ look($cat, '--help') };

    is "$exit$err", '0', '--help';
    like $out,                  qr/\Ausage: netiod .+--stop-seconds/s, 'is help';
    like look($cat, '-V')->[1], qr/\Anetiod \(NetIO\) [\d.]+\n\z/,     '-V';
}
#<<< the table as it is
for my $row (
    [['--stop-seconds', 'x'], '--stop-seconds x: not a number of seconds up to 86400'],
    [['--stop-seconds', '0'], '--stop-seconds 0: not a number of seconds up to 86400'],
    [['-R', '-1'],            '--rate -1: not a number from 0 to 1000000'],
    [['-R', '1000001'],       '--rate 1000001: not a number from 0 to 1000000'],
    [['--log', 'nowhere'],    '--log nowhere: neither syslog, nor stderr, nor a path'],
    [['--status', '1:2:3'],   '--status 1:2:3: not a valid address'],
    [['--status', 'udp:9'],   '--status udp:9: datagrams, which this is not spoken over'],
    [['--pidfile', ''],       '--pidfile : not a path'],
    [['-a', ''],              '--bind : not an address'],
    [['-t', ''],              'conf "": not a path'],
) {
#>>>
    my ($args, $text) = @$row;
    my ($exit, $out, $err) = @{ look($cat, @$args) };

    is "$exit$out", 64, "@$args: is refused";
    like $err, qr/\Anetiod: \Q$text\E\nusage: netiod /, "@$args: and said why";
}
like look($cat, '--no-such')->[2], qr/\Anetiod: unrecognized option.*\nusage: /, 'no such option';

# ---- -t and --show -----------------------------------------------------------------------------

is_deeply look($cat, '-t'), [0, '', ''], '-t: not a word when nothing is wrong';
{
    my $bad =
        "$cat# a comment\nbroken line\n127.0.0.1:79 stream tcp nowait nobody-here /bin/cat cat\n";
    my ($exit, $out, $err) = @{ look($bad, '-t') };
    my @lines = $err =~ m{^netiod: /\S+/inetd\.conf:(\d+): }mg;

    is "$exit$out", 78,    '-t: what is wrong';
    is "@lines",    '3 4', 'all of it is said, each with file and line';
}
{
    my ($exit, $out, $err) = @{ look($cat, '--show') };

    is "$exit$err", '0', '--show';
    my $again = look($out, '--show');
    s/^#.*\n//mg for $out, $again->[1];
    is_deeply $again, [0, $out, ''], 'prints what it reads as the same';
}

# ---- nowhere to print to -------------------------------------------------------------------------

{
    my $many = join '', map { "127.0.0.1:$_ stream tcp nowait root /bin/cat cat\n" } 7001 .. 7040;
    my $full = [74, '', "netiod: standard output: No space left on device\n"];
    pipe my $read, my $write or die "pipe: $!\n";
    close $read;
    my $print = sub {
        return [NetIO::Test::Inetd->run(config => $many, @_)];
    };

    for my $option ('--help', '-V', '--show') {
        is_deeply $print->(args => [$option], stdout => $write), [74, '', ''],
            "$option to who has gone: an exit code";
        SKIP: {
            open my $disk, '>', '/dev/full' or skip 'no /dev/full here', 1;
            is_deeply $print->(args => [$option], stdout => $disk), $full,
                "$option to a full disk: and why";
        }
    }
    SKIP: {
        my @once = qw(strace -o /dev/null -e inject=write:error=ENOSPC:when=1);
        skip 'no strace(1) that can inject faults here', 1
            if $ENV{NETIO_TEST_SANITIZED} || system("@once true 2>/dev/null") != 0;
        my ($exit, undef, $err) = @{ $print->(wrap => [@once], args => ['--show']) };
        is_deeply [$exit, $err], [74, "netiod: standard output: Input/output error\n"],
            '--show to a disk that was full for a moment';
    }
}

# ---- what there is to read (R13) -----------------------------------------------------------------

my $start = sub {
    my ($config, @args) = @_;

    return [NetIO::Test::Inetd->run(config => $config, args => ['-f', @args])];
};
like $start->($cat, "$dir/none")->[2], qr{\Anetiod: \Q$dir\E/none: No such file or directory\n\z},
    'a file that is missing';
for my $text ('', "# only a comment\n") {
    my ($exit, $out, $err) = @{ $start->($text) };

    is $exit, 78, 'a configuration without a service';
    like $err, qr/^netiod: no service is configured\n\z/m, 'is an error';
}
{
    my $d = NetIO::Test::Inetd->start(config => '', args => ['--allow-empty']);

    is_deeply [$d->children], [], 'unless it is asked for';
    is $d->stop, 0, 'and it runs';
    $d->finish;
}
{
    my $d = NetIO::Test::Inetd->start(
        config => {
            'a.conf' => $cat,
            'b.conf' => "127.0.0.1:{date} stream tcp nowait root /bin/date date\n"
        }
    );

    is $d->ask(cat => 'x'), 'x', 'several files: the first';
    like $d->ask(date => ''), qr/\d\d:\d\d:\d\d/, 'and the second';
    $d->finish;
}

# ---- what cannot be listened on ------------------------------------------------------------------

my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "port: $!\n";
my $port  = $taken->sockport;
{
    my ($exit, $out, $err) =
        @{ $start->("$cat\n127.0.0.1:$port stream tcp nowait root /bin/cat cat\n") };

    is "$exit$out", 69, 'a port that is taken';
    like $err,
        qr{\Anetiod: /\S+/inetd\.conf:3: $port: [^\n]*127\.0\.0\.1:$port: Address already in use by pid $$\n\z},
        'is said, with file and line';
}

# ---- who detaches ---------------------------------------------------------------------------------

sub detach {
    my ($self, @args) = @_;
    my @told = NetIO::Test::Inetd->run(args => \@args, dir => $self);

    return (\@told, NetIO::Test::Detached->new($pid));
}

{
    my $home = File::Temp->newdir;
    my $port = free_port();
    chmod 0755, "$home";
    spew("$home/inetd.conf", "127.0.0.1:$port stream tcp nowait root /bin/sh sh -c umask\n");
    my @args = (
        '--pidfile', '../' . ("$pid" =~ s{.*?([^/]+/pid)\z}{$1}r),
        '--log',     './log', 'inetd.conf'
    );
    my ($told, $d) = detach($home, @args);

    is_deeply $told, [0, '', ''], 'the command ends when netiod is ready; paths may be relative'
        or BAIL_OUT('no daemon');
    is_deeply [map { $d->link("fd/$_") } 0 .. 2], [('/dev/null') x 3], '0 to 2 are /dev/null';
    is $d->link('cwd'),      '/',    'it works in /';
    is $d->status('Umask'),  '0022', 'R32: its umask';
    isnt $d->status('PPid'), $$,     'it is nobody\'s child here';
    my $ask = sub {
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
            or return "connect: $!";
        return NetIO::Test::Daemon->read_all($socket);
    };
    is $ask->(), "0022\n", 'R32: and that of a program';
    like slurp("$home/log"), qr/ $port: listening on 127\.0\.0\.1:$port\n.*ready, 1 services\n/s,
        'the log';
    is sprintf('%04o', (stat "$home/log")[2] & 07777), '0640', 'of mode 0640';

    my $again = [NetIO::Test::Inetd->run(args => \@args, dir => $home)];
    is_deeply [@$again[0, 1]], [69, ''], 'R18: a second one';
    like $again->[2], qr/\Anetiod: pid file \S+: already running\n\z/, 'R18: says why it is not';
    is $ask->(),    "0022\n",       'R18: and leaves the first alone';
    is slurp($pid), $d->pid . "\n", 'R18: and its pid file';

    rename "$home/log", "$home/log.1";
    $d->kill('USR1');
    $ask->() until -e "$home/log";
    $ask->();
    spew("$home/inetd.conf", "broken\n");
    $d->kill('HUP');
    $d->kill('TERM');
    ok $d->wait_end, 'TERM ends it';
    ok !-e $pid,     'R18: the pid file is gone';
    like slurp("$home/log"), qr/start for/, 'USR1: there is another log';
    unlike slurp("$home/log.1"), qr/start for.*start for.*start for.*start for/s,
        'which is written to';
}
{
    my $home = File::Temp->newdir;
    spew("$home/inetd.conf", "127.0.0.1:$port stream tcp nowait root /bin/cat cat\n");
#<<< the table as it is
    for my $row (
        ['a port that is taken', [], 69, qr{inetd\.conf:1: $port: [^\n]*: Address already in use}],
        ['a log that would be gone', ['--log', 'stderr'], 64, qr/--log stderr: only in the foreground \(-f\)/],
        ['a log in no folder', ['--log', "$dir/none/log"], 73, qr{log \Q$dir\E/none/log: No such file}],
        ['a pid file in no folder', ['--pidfile', "$dir/none/pid"], 73, qr{pid file \Q$dir\E/none/pid: No such}],
    ) {
#>>>
        my ($name, $args, $exit, $text) = @$row;
        my ($told, $d) = detach($home, '--log', './log', '--pidfile', $pid, @$args, 'inetd.conf');

        is "$told->[0]$told->[1]", $exit, "$name: the starter tells";
        like $told->[2], qr/\Anetiod: [^\n]*$text[^\n]*\n\z/, "$name: and says why";
        ok !$d && !-e $pid, "$name: and nothing is left";
    }
}

# ---- descriptors ------------------------------------------------------------------------------

{
    my $d = NetIO::Test::Inetd->start(
        config => "127.0.0.1:{limit} stream tcp nowait root {DIR}/limit limit\n",
        wrap   => ['/bin/sh', '-c', 'ulimit -Sn 300; exec "$@"', 'sh'],
    );
    spew($d->dir . '/limit', "#!/bin/sh\nulimit -Sn; ulimit -Hn\n");
    chmod 0755, $d->dir . '/limit';
    my ($soft, $hard) = slurp('/proc/' . $d->pid . '/limits') =~ /^Max open files\s+(\d+)\s+(\d+)/m;

    cmp_ok $soft, '>', 300, 'it may open as many descriptors as it can get';
    is $d->ask(limit => ''), "300\n$hard\n", 'a program as many as netiod was started with';
    my %open = $d->open_files;
    my @bare = grep { $_ > 2 && !cloexec($d->pid, $_) } keys %open;
    is "@bare", '', 'R4: all of netiod\'s own are closed at exec';
    $d->finish;
}

sub cloexec {
    my ($process, $fd) = @_;
    my ($flags) = slurp("/proc/$process/fdinfo/$fd") =~ /^flags:\s+(\d+)/m;

    return oct($flags) & 02000000;
}

done_testing;
