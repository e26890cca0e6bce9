# netiod serves what people have it for: fingerd, tftpd, git, whoisd, each asked by its own client,
# on its own port, by the very lines of share/inetd.d; and what is built in.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use IO::Socket::INET;
use NetIO::Test::Directory qw(build_directory);
use NetIO::Test::Inetd;
use NetIO::Test::Netns;
use NetIO::Test::Run qw(run slurp spew);
use Test::More;

needs_netns(
    300,
    grep({ !-x }
        qw(/usr/bin/finger /usr/sbin/in.fingerd /usr/bin/tftp
            /usr/sbin/in.tftpd /usr/bin/git /usr/bin/whois))
        && 'a service or its client is missing'
);

my $ns = NetIO::Test::Netns->new('real');
$ns->enter;

# What the lines of share/inetd.d name is of this tree, in netiod's own mount namespace.
my $folder = File::Temp->newdir;
chmod 0755, $folder or die "$folder: $!\n";
mkdir "$folder/$_" or die "$_: $!\n" for qw(bin srv srv/tftp srv/git lib lib/netio);
build_directory("$folder/lib/netio/directory.db", [{ handle => 'A1', name => 'One' }]);
system('cp', 'blib/script/whoisd', "$folder/bin/whoisd") == 0 or die "cp: $?\n";
my $MOUNT = <<'SH';
set -e
mount --bind "$0/bin" /usr/local/bin
mount --bind "$0/srv" /srv
mount --bind "$0/lib" /var/lib
exec "$@"
SH

sub netiod {
    my (@services) = @_;

    return NetIO::Test::Inetd->start(
        wrap   => ['unshare', '-m', 'sh', '-c', $MOUNT, "$folder"],
        args   => ['--stop-seconds', 1],
        config => { map { $_ => slurp("share/inetd.d/$_") } @services },
    );
}

# A client to its end: all that it says, and its exit code.
sub client {
    my (@command) = @_;
    my ($exit, $out, $err) = run('timeout', 60, @command);

    return ($out . $err, $exit);
}

{
    my $d = netiod('finger');
    my ($said) = client('finger', 'root@127.0.0.1');
    like $said, qr{^Login: root\s}m, 'fingerd tells finger who root is';
    ($said) = client('finger', 'nosuch@127.0.0.1');
    like $said, qr/no such user/i, 'and that there is no such user';
    ok $d->wait_log(qr/finger: end for 127\.0\.0\.1:\d+, pid \d+, [\d.]+ seconds, exit 0\n/),
        'the log tells of both';
    is $d->stop, 0, 'TERM';
}

{
    my $text = join '', map { "line $_ of more than a block\n" } 1 .. 500;
    spew("$folder/srv/tftp/boot", $text);
    chmod 0644, "$folder/srv/tftp/boot";
    my $d = netiod('tftpd');
    for my $try (1 .. 2) {
        my ($said, $exit) =
            client('tftp', '127.0.0.1', '-m', 'binary', '-c', 'get', 'boot', "$folder/got");
        is $exit, 0, "R17: tftpd has its socket, $try" or diag $said;
        ok slurp("$folder/got") eq $text, 'tftp gets a file of many blocks';
        unlink "$folder/got";
    }
    my ($said) = client('tftp', '127.0.0.1', '-c', 'get', 'nosuch', "$folder/got");
    like $said, qr/not found/i, 'and hears of one that is not there';
    is scalar(() = $d->log =~ /tftp: start/g), 1, 'by one process, as long as that stays';
    is $d->stop,                               0, 'TERM ends that, too';
}

{
    local @ENV{qw(GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_CONFIG_NOSYSTEM HOME)} =
        ('/dev/null', '/dev/null', 1, "$folder");
    my @author = map { ('-c', $_) } 'user.name=t', 'user.email=t@localhost',
        'init.defaultBranch=main';
    my $bare = "$folder/srv/git/one.git";
    system('git', @author, 'init', '-q', "$folder/work") == 0 or die "git init: $?\n";
    spew("$folder/work/hello", "hello, git\n");
    system('git', '-C', "$folder/work", @author, @$_) == 0
        or die "git @$_: $?\n"
        for ['add', 'hello'], ['commit', '-q', '-m', 'one'];
    system('git', 'clone', '-q', '--bare', "$folder/work", $bare) == 0 or die "git clone: $?\n";

    my $d = netiod('git-daemon');
    my ($said, $exit) = client('git', 'clone', '-q', 'git://127.0.0.1/one.git', "$folder/no");
    isnt $exit, 0, 'git daemon shows nothing that is not to be shown';
    spew("$bare/git-daemon-export-ok", '');
    client('git', 'clone', '-q', 'git://127.0.0.1/one.git', "$folder/no");
    ok $d->wait_log(qr/git: says: .*dubious ownership/),
        '... nor what is others\', as the log says';
    system('chown', '-R', 'nobody', $bare) == 0 or die "chown: $?\n";
    ($said, $exit) = client('git', 'clone', '-q', 'git://127.0.0.1/one.git', "$folder/clone");
    is $exit,                        0,              'git clone' or diag $said, $d->log;
    is slurp("$folder/clone/hello"), "hello, git\n", 'has all of it';
    is $d->stop,                     0,              'TERM';
}

# In whoisd's sandbox LeakSanitizer cannot work, and its line is what others copy.
SKIP: {
    skip 'whoisd has sanitizers in it', 4 if $ENV{NETIO_TEST_SANITIZED};
    my $d = netiod('whoisd');
    my ($said, $exit) = client('whois', '-h', '127.0.0.1', 'one');
    is $exit, 0, 'whois asks whoisd' or diag $said;
    like $said, qr/Full Name: One\r?\n/, 'which answers, a process for the query';
    ok $d->wait_log(qr/whois: end for 127\.0\.0\.1:\d+, pid \d+, [\d.]+ seconds, exit 0\n/),
        'the log tells of it';
    is $d->stop, 0, 'TERM';
}

# All of them at once, and what is built in.
{
    my $d = NetIO::Test::Inetd->start(
        wrap   => ['unshare', '-m', 'sh', '-c', $MOUNT, "$folder"],
        args   => ['--stop-seconds', 1],
        config => {
            (map { $_ => slurp("share/inetd.d/$_") } qw(finger tftpd git-daemon whoisd)),
            internal => "echo stream tcp nowait root internal\n",
        },
    );
    my $echo = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => 7) or die "echo: $!\n";
    for my $line ("one\n", "two\n") {
        syswrite $echo, $line;
        is scalar(readline $echo), $line, 'an echo client hears what it says';
    }
    close $echo;
    like((client('finger', 'root@127.0.0.1'))[0], qr/Login: root/, 'finger beside the others');
    like((client('whois', '-h', '127.0.0.1', 'A1'))[0], qr/Full Name: One/, 'whois, too')
        if !$ENV{NETIO_TEST_SANITIZED};
    is $d->stop, 0, 'TERM';
}

done_testing;
