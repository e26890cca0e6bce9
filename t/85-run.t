# What ./run and ./test say, and with which exit code they end, when they cannot go on; what an
# installation leaves behind; and what ./run serves, until it is told to stop.

use strict;
use warnings;

use lib 't/lib';

use Cwd        ();
use File::Copy ();
use File::Temp ();
use IO::Socket::INET;
use NetIO::Test::Daemon;
use NetIO::Test::Web;
use POSIX 'mkfifo';
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $fakes = File::Temp->newdir;

# A command of ours in place of the machine's: PATH has the folder of fakes in front.
sub fake {
    my ($name, $script) = @_;

    open my $file, '>', "$fakes/$name" or die "$fakes/$name: $!\n";
    print $file "#!/bin/sh\n$script\n";
    close $file or die "$fakes/$name: $!\n";
    chmod 0755, "$fakes/$name" or die "$fakes/$name: $!\n";
}

sub write_file {
    my ($path, $text) = @_;

    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    return;
}

sub unfake { unlink glob "$fakes/*" }

sub is_refused {
    my ($command, $code, $text, $name) = @_;
    local $ENV{PATH} = "$fakes:$ENV{PATH}";
    my $output = `$command 2>&1 </dev/null`;

    is $output, $text, "$name: text";
    is $? >> 8, $code, "$name: exit code";
}

# A port in use, and one that stays free: nobody gets it by chance while it is bound here, but
# who asks for it may listen on it, because both sides set SO_REUSEADDR.
my @local = (LocalAddr => '127.0.0.1', Proto => 'tcp', ReuseAddr => 1);
my $taken = IO::Socket::INET->new(@local, Listen => 1) or die "listen: $@\n";
my @free  = map { IO::Socket::INET->new(@local) or die "bind: $@\n" } 1, 2;
my ($taken_port, $port, $web_port) = map { $_->sockport } $taken, @free;
my $ports = "--port $port --web-port $web_port";

my $usage = "usage: ./run [--check] [--port N] [--web-port N]\n";
is_refused("./run $_", 64, $usage, "run $_") for '--chekc', 'x';
for my $option ('--port', '--web-port') {
    is_refused("./run $option$_", 64, $usage, "run $option$_")
        for '', ' x', ' 0', ' 65536', ' ""', ' 1e3', ' -1', ' 99999999999999999999';
    for my $first ('', '--check ') {
        my $other = $option eq '--port' ? '' : "--port $port ";
        is_refused(
            "./run $first$other$option $taken_port",
            69,
            "run: port $taken_port is in use: end what listens there, or ./run $option N\n",
            "run $first$option on a port in use"
        );
    }
}
is_refused(
    "./run --port $port --web-port $port",
    64,
    "run: --port and --web-port are both $port\n",
    'run on one port twice'
);

SKIP: {
    my $reserved = NetIO::Test::Daemon::slurp('/proc/sys/net/ipv4/ip_unprivileged_port_start');
    skip 'no reserved ports', 2 if $reserved < 2;
    my $without = $> ? '' : 'setpriv --bounding-set=-net_bind_service ';
    is_refused(
        "$without./run --port 1",
        77,
        "run: port 1 is not for this user: ./run --port N, with N from 1024 up\n",
        'run on a reserved port'
    );
}

# One package is missing, and nobody here may install it.
my $all_but_one = 'case "$*" in *libc-ares-dev) exit 1 ;; esac; echo installed';
fake('dpkg-query', $all_but_one);
fake('id',         'echo 1000');
fake('sudo',       'exit 1');
fake('apt-get',    'echo "apt-get was called: $*" >&2');
is_refused(
    "./$_", 77,
    (split ' ')[0] . ": cannot install libc-ares-dev: not root and no sudo\n",
    "$_: not root and no sudo"
) for 'test', "run $ports", "run --check $ports";

# Root, but the archive cannot be reached.
fake('id',      'echo 0');
fake('apt-get', <<'SH');
case "$*" in
    *update) echo 'E: The repository could not be reached.' >&2 ;;
    *) echo 'E: Unable to locate package libc-ares-dev' >&2 ;;
esac
exit 100
SH
is_refused(
    "./$_",
    69,
    (split ' ')[0]
        . ": installing libc-ares-dev\n"
        . (split ' ')[0]
        . ': cannot install libc-ares-dev: apt-get failed: '
        . "The repository could not be reached.\n",
    "$_: no network for apt-get"
) for 'test', "run $ports";

# Several are named in one line.
fake('dpkg-query', 'case "$*" in *libc-ares-dev|*libidn2-dev) exit 1 ;; esac; echo installed');
fake('id',         'echo 1000');
is_refused(
    './test', 77,
    "test: cannot install libc-ares-dev libidn2-dev: not root and no sudo\n",
    'two are missing'
);
unfake();

# ---- what an installation leaves behind ----------------------------------------------------------

my $POLICY = '/usr/sbin/policy-rc.d';

# A lighttpd to install, whose package has an init script.
sub fake_lighttpd {
    my ($apt_get) = @_;

    fake('dpkg-query', <<'SH');
case "$*" in
    *-L*) printf '%s\n' /etc/init.d /etc/init.d/lighttpd /usr/sbin/lighttpd ;;
    *lighttpd) exit 1 ;;
    *) echo installed ;;
esac
SH
    fake('id',          'echo 0');
    fake('update-rc.d', qq(echo "\$*" >>"$fakes/disabled"));
    fake('apt-get',
        qq([ -e $POLICY ] && $POLICY lighttpd start; echo \$? >"$fakes/policy"\n$apt_get));
    return;
}

SKIP: {
    skip 'not root',                 13 if $>;
    skip "there is $POLICY already", 13 if -e $POLICY;

    for (
        ['goes well', 'exit 0'],
        ['fails',     "echo 'E: No space.' >&2; exit 100"],
        ['is ended',  'kill -s TERM $PPID; exit 0']
        )
    {
        my ($name, $apt_get) = @$_;
        fake_lighttpd($apt_get);
        local $ENV{PATH} = "$fakes:$ENV{PATH}";
        system "sh inc/install.sh lighttpd >/dev/null 2>&1 </dev/null";
        is NetIO::Test::Daemon::slurp("$fakes/policy"), "101\n",
            "an installation that $name starts no server";
        ok !-e $POLICY && !glob("$POLICY.*"), "and leaves nothing behind";
        is NetIO::Test::Daemon::slurp("$fakes/disabled"), "lighttpd disable\n",
            'its server does not start at boot';
        unfake();
    }

    # Nobody can clean up after KILL, but the next one.
    local $ENV{PATH} = "$fakes:$ENV{PATH}";
    fake_lighttpd('kill -s KILL $PPID; exit 0');
    system "sh inc/install.sh lighttpd >/dev/null 2>&1 </dev/null";
    system 'flock', '/run/netio-install.lock', 'true';    # apt-get has ended, too
    is system($POLICY, 'cron', 'start'), 0, 'an installation that was killed forbids nothing';
    fake_lighttpd('exit 0');
    system "sh inc/install.sh lighttpd >/dev/null 2>&1 </dev/null";
    is NetIO::Test::Daemon::slurp("$fakes/policy"), "101\n", 'but the next one does';
    ok !-e $POLICY, 'and cleans up';

    my $own = "#!/bin/sh\nexit 104\n";
    write_file($POLICY, $own);
    system "sh inc/install.sh lighttpd >/dev/null 2>&1 </dev/null";
    is NetIO::Test::Daemon::slurp($POLICY), $own, "the machine's own policy stays";
    unlink $POLICY;
    unfake();
}
{
    fake_lighttpd('exit 0');
    local $ENV{PATH} = "$fakes:$ENV{PATH}";
    is system("sh inc/install.sh lighttpd >/dev/null 2>&1 </dev/null"), 0, 'an installation';
    is NetIO::Test::Daemon::slurp("$fakes/disabled"), "lighttpd disable\n",
        'its server does not start at boot';
    unfake();
}

# ---- what it serves ------------------------------------------------------------------------------

my $why = !eval { require DBD::SQLite } ? 'no DBD::SQLite' : NetIO::Test::Web->missing;
$why //= 'no whois' if !-x '/usr/bin/whois';
if ($why) {
    diag "not all of ./run is tested: $why";
    done_testing;
    exit 0;
}
require NetIO::Test::Directory;

# A tree like ours, in a folder with blanks, that is built already and has little to load.
my $top  = "$fakes/a tree";
my $here = Cwd::getcwd();
mkdir $_ or die "$_: $!\n" for $top, map { "$top/$_" } qw(inc blib blib/script);
symlink "$here/$_", "$top/$_"
    or die "$_: $!\n"
    for qw(bin lib share blib/lib blib/arch),
    map { "blib/script/$_" } qw(netio-whois whois2html whoisd);
File::Copy::copy($_, "$top/$_") or die "$_: $!\n" for qw(run inc/need.sh inc/packages);
chmod 0755, "$top/run";
fake('make',       'exit 0');
fake('dpkg-query', 'echo installed');

# A load takes what lies there.
sub lay {
    my (@entries) = @_;

    NetIO::Test::Directory::build_directory("$top/small", \@entries);
    unlink "$top/.run/directory";
    return;
}

write_file("$top/Makefile.PL", q{open my $file, '>', 'Makefile'; print {$file} "all:\n"});
write_file("$top/blib/script/whois-load", <<'PERL');
use File::Copy;
open my $call, '>', 'call';
print {$call} "@ARGV\n";
close $call;
copy('small', '.run/directory') or die;
PERL

my $cisco = {
    handle  => '00-00-0C',
    name    => 'Cisco Systems, Inc',
    summary => 'San Jose, US',
    fields  => [['Organisation', 'Cisco Systems, Inc'], ['Index Key', '00-00-0C']]
};
my @quintons = (
    {
        handle => '481800',
        name   => 'Quinton, Philippa',
        fields => [
            ['Full Name', 'Quinton, Philippa'],
            ['E-mail',    'philippa.quinton@example.edu'],
            ['Index Key', '481800']
        ]
    },
    { handle => '416812', name => 'Quinton, Cecily' }
);

# ./run of that tree, as a process with a pipe for all that it and its servers say: the end of that
# is the end of all of them.  A shell cannot trap what was ignored when it began.
sub run_there {
    my (@options) = @_;

    local $ENV{PATH} = "$fakes:$ENV{PATH}";
    return NetIO::Test::Daemon->start(
        program => "$top/run",
        args    => ['--port', $port, '--web-port', $web_port, @options],
        before  => sub { setpgrp; @SIG{qw(INT TERM HUP)} = ('DEFAULT') x 3 },
    );
}

# That text comes, or the log is shown.
sub says {
    my ($run, $regex, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok $run->wait_log($regex), $name or diag $run->log_text;
    return;
}

sub is_free {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_), "$name: nobody on port $_"
        for $port, $web_port;
    return;
}

subtest 'run --check' => sub {
    lay($cisco, @quintons, map { { handle => "C$_", name => "Cisco Meraki $_" } } 1 .. 3);
    write_file("$top/Makefile", "all:\n");
    utime((1_000_000) x 2, "$top/Makefile.PL");
    utime((2_000_000) x 2, "$top/Makefile");
    my $run = run_there('--check');
    is $run->wait_end(200),         0,                    'all is well' or diag $run->log_text;
    is + (stat "$top/Makefile")[9], 2_000_000,            'the same Makefile is no newer';
    is scalar(() = $run->log_text =~ /^run: ok: /mg), 12, 'it asked twelve times';
    my $files = join ' ', map { "/usr/share/ieee-data/$_.txt" } qw(oui mam oui36 iab);
    is NetIO::Test::Daemon::slurp("$top/call"),
        "--directory sqlite:.run/directory --format ieee $files --format ldif share/people.ldif\n",
        'what it loads';
    is_free('then');
};

subtest 'run --check, and nobody reads what it says' => sub {
    local $ENV{PATH} = "$fakes:$ENV{PATH}";
    is `'$top/run' --check $ports 2>/dev/null | head -n 1`,
        "run: ok: whois -h 127.0.0.1 -p $port 'cisco*'\n", 'the first line';
    is_free('then');
};

subtest 'run --check of a directory that has not everything' => sub {
    lay($cisco, $quintons[1], map { { handle => "C$_", name => "Cisco Meraki $_" } } 1 .. 3);
    my $run = run_there('--check');
    is $run->wait_end(200), 1, 'exit code';
    says(
        $run,
        qr/^run: not in the answer: 'philippa\.quinton\@example\.edu': page %21481800$/m,
        'what is missing'
    );
    says($run, qr/^run: the check failed\n\z/m, 'the last word');
    is_free('then');
};

lay($cisco, @quintons);
for my $signal (qw(INT TERM HUP)) {
    subtest "run, until $signal" => sub {
        my $run = run_there();
        says($run, qr{and the page on http://127\.0\.0\.1:$web_port/, until Ctrl-C}, 'it is ready');
        says($run, qr/^    whois -h 127\.0\.0\.1 -p $port quinton$/m, 'a person to ask for');
        says(
            $run,
            qr/^    blib\/script\/netio-whois -h 127\.0\.0\.1 -p $port '!00-00-0C'$/m,
            'a registry entry'
        );
        says($run, qr{^    http://127\.0\.0\.1:$web_port/\?q=cisco }m, 'the page');
        my $socket = $run->connect(port => $web_port);
        syswrite $socket, "GET /?q=quinton HTTP/1.0\r\n\r\n";
        like $run->read_all($socket), qr/Quinton, Cecily/, 'the page answers';
        # As a terminal does it: to all of them.
        kill $signal, $signal eq 'INT' ? -$run->pid : $run->pid;
        is $run->wait_end, 0, 'it ends, and all of them with it';
        is_free('then');
    };
}

# A lighttpd that wants to be asked twice.
subtest 'run, and TERM while it is ending' => sub {
    my $real = NetIO::Test::Web->lighttpd;
    fake('lighttpd', <<"SH");
$real "\$@" &
trap 'echo asked >&2; trap "kill \$!; exit" TERM' TERM
while :; do wait \$!; done
SH
    my $run = run_there();
    says($run, qr/until Ctrl-C/, 'it is ready');
    $run->kill('TERM');
    says($run, qr/^asked$/m, 'it ends');
    $run->kill('TERM');
    is $run->wait_end, 0, 'it ends all of them all the same';
    unlink "$fakes/lighttpd";
    is_free('then');
};

# The loader's last word comes when TERM has been sent.
subtest 'run, and TERM while it loads' => sub {
    my $loader = NetIO::Test::Daemon::slurp("$top/blib/script/whois-load");
    mkfifo("$top/go", 0600) or die "$top/go: $!\n";
    write_file("$top/blib/script/whois-load", <<'PERL');
$| = 1;
print "loading\n";
open my $go, '<', 'go' or die;
print "loaded\n";
PERL
    unlink "$top/.run/directory";
    my $run = run_there();
    says($run, qr/^loading$/m, 'it loads');
    $run->kill('TERM');
    write_file("$top/go", '');
    is $run->wait_end, 1, 'it ends';
    says($run, qr/^loaded\n\z/m, 'after the loader');
    write_file("$top/blib/script/whois-load", $loader);
    is_free('then');
};
lay($cisco, @quintons);

for my $name (qw(whoisd lighttpd)) {
    subtest "run, and $name ends by itself" => sub {
        my $run = run_there();
        says($run, qr/until Ctrl-C/, 'it is ready');

        # It also has a child to pass the time, which may be gone again.
        my ($pid) = grep { (eval { NetIO::Test::Daemon::slurp("/proc/$_/comm") } // '') =~ /^$name$/ }
            $run->children_now;
        kill 'KILL', $pid;
        is $run->wait_end, 69, 'it ends, too';
        says($run, qr/^run: $name ended by itself$/m, 'and says why');
        is_free('then');
    };
}

subtest 'run, and lighttpd cannot start' => sub {
    my $broken = "$fakes/lighttpd";
    fake('lighttpd', 'echo "lighttpd: out of order" >&2; exit 1');
    my $run = run_there();
    is $run->wait_end, 69, 'exit code';
    says($run, qr/lighttpd: out of order\n/,       'its words');
    says($run, qr/^run: lighttpd ended at once$/m, 'and ours');
    unlink $broken;
    is_free('then');
};

done_testing;
