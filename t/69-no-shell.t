# What strangers write is no command and no path (D10, D11, D12, D20): strace(1) shows which
# programs the programs of NetIO start, which is none, and which files whoisd touches for a query,
# which is its directory.

use strict;
use warnings;

use Fcntl      qw(F_SETFD);
use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);
use NetIO::Test::Load      qw(has_strace ieee program run_load slurp spew);

alarm 300;
plan skip_all => 'no strace(1) here' if !has_strace();

my $dir   = File::Temp->newdir;
my $db    = build_directory("$dir/a.db", [map { { handle => "A$_", name => "Owner $_" } } 1, 2]);
my $trace = "$dir/trace";

# What a shell would make something of, each leaving a file behind; and arguments that are none.
#<<< the table as it is
my @hostile = (
    "x; touch $dir/ran1",     "x | touch $dir/ran2", "| touch $dir/ran3", "touch $dir/ran4 |",
    "`touch $dir/ran5`",      "\$(touch $dir/ran6)", "x && touch $dir/ran7", "> $dir/ran8",
    "x\ntouch $dir/ran9\n",   "'; touch $dir/ran10; '", '${IFS}', '-f root', '--', '-e',
    "() { :; }; touch $dir/ran11"
);
#>>>

# Programs started while that command runs, the command itself aside.  Its input comes first.
sub started {
    my ($input, @command) = @_;
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        open STDIN,  '<', spew("$dir/input", $input);
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        no warnings 'exec';
        exec 'strace', '-f', '-qq', '-o', $trace, '-e', 'trace=execve,execveat', @command;
        require POSIX;
        POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my ($itself, @others) = grep { / = 0$/ } split /\n/, slurp($trace);
    $itself =~ /exec/ or push @others, "no trace of $command[0]";
    return @others;
}

sub starts_nothing {
    my ($name, @commands) = @_;
    my @started = map { started(@$_) } @commands;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply \@started, [], "$name starts no shell and nothing else (D10)";
}

my $one    = spew("$dir/one", ieee(['02-00-01', 'One']));
my $whoisd = NetIO::Test::Daemon::program();
my @perl   = ($^X, map { "-I$_" } grep { !ref } @INC);
my $d      = NetIO::Test::Daemon->whoisd($db);
my $port   = $d->port;

# ---- no shell --------------------------------------------------------------------------------

starts_nothing('whoisd --stdio',
    map { [$_, $whoisd, '--stdio', '--directory', "sqlite:$db"] } @hostile);
starts_nothing('whoisd with such a directory',
    map { ['', $whoisd, '-t', '--directory', "sqlite:$_"] } @hostile);
starts_nothing('netio-whois',
    map { ['', 'csrc/build/netio-whois', '-h', '127.0.0.1', '-p', $port, '--', $_] } @hostile);
starts_nothing('whois-load with such a FILE',
    map { ['', @perl, program(), '--directory', "sqlite:$dir/b.db", $_] } @hostile);
starts_nothing('whois-load with such a directory',
    map { ['', @perl, program(), '--directory', "sqlite:$dir/$_", $one] } grep { !m{/} } @hostile);
{
    my $records = join '', map { s/\n/ /gr . "\r\n" } ieee(map { ['02-00-01', $_] } @hostile);
    starts_nothing('whois-load with such records',
        ['', @perl, program(), '--directory', "sqlite:$dir/c.db", spew("$dir/records", $records)]);
}
{
    my $gateway = program() =~ s/whois-load\z/whois2html/r;
    -e $gateway or die "$gateway is not there: run make first\n";
    my $encoded = sub { return $_[0] =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger };
    local @ENV{qw(WHOIS2HTML_SERVER WHOIS2HTML_PORT)} = ('127.0.0.1', $port);
    local @ENV{qw(REQUEST_METHOD GATEWAY_INTERFACE)}  = ('GET',       'CGI/1.1');
    my @started = map {
        local $ENV{QUERY_STRING} = 'q=' . $encoded->($_);
        started('', @perl, $gateway, $_);
    } @hostile;
    is_deeply \@started, [], 'whois2html starts no shell and nothing else (D10)';
}
is join(' ', map { s{.*/}{}r } glob "$dir/ran*"), '', 'no command of theirs was run (D10)';

# The environment of whoever calls (D12).
{
    local @ENV{qw(PATH IFS ENV BASH_ENV)} = ($dir, '/', "$dir/evil", "$dir/evil");
    spew("$dir/evil", "touch $dir/ran12\n");
    my ($exit) = NetIO::Test::Daemon->run(
        args  => ['--stdio', '--directory', "sqlite:$db"],
        input => "owner 1\n"
    );
    is "$exit " . join(' ', glob "$dir/ran*"), '0 ', 'nor by way of the environment (D12)';
}
$d->finish;

# ---- no path ---------------------------------------------------------------------------------

{
    pipe my $read, my $write or die "pipe: $!\n";
    my $watched = NetIO::Test::Daemon->start(
        args   => ['--listen', '127.0.0.1:0', '--directory', "sqlite:$db"],
        before => sub { fcntl $write, F_SETFD, 0 },
        wrap   => ['strace', '-D', '-qq', '-o', '/dev/fd/' . fileno $write, '-e', 'trace=%file'],
        ready  => qr/listening on 127\.0\.0\.1:(\d+), \d+ entries\n/,
    );
    close $write;
    symlink '/etc/passwd', "$dir/link";
    my @paths = (
        '/etc/passwd',            '../../../../etc/passwd',
        "$dir/link",              "$db",
        "$db.new",                'file:///etc/passwd',
        '..%2f..%2fetc%2fpasswd', '%2e%2e/%2e%2e/etc/passwd',
        "/etc/passwd\0.db",       '/dev/zero',
        '/proc/self/environ',     '~root/.profile',
        'sqlite:/etc/passwd',     "x' UNION ATTACH '$dir/link"
    );
    my @wrong = grep { $_ !~ /\A(?:There were no|There were \d+ matches|Sorry)/ || /root:|PATH=/ }
        map { $watched->ask("$_\r\n") // 'a reset' } map { $_, "!$_", ".$_", "$_*" } @paths;
    is_deeply \@wrong, [], 'a path is words, and finds no file (D20)';
    $watched->finish;
    my @touched = do { local $/; split /\n/, <$read> // '' };
    @touched = grep { !/\A\w+\(\d+, "",.*AT_EMPTY_PATH/ } @touched;    # of a descriptor, no path
    my $look    = qr/\A\w*stat\w*\([^"]*"\Q$db\E"/;
    my ($first) = grep { $touched[$_] =~ $look } 0 .. $#touched;
    my @others  = grep { $_ !~ $look } @touched[($first // 0) .. $#touched];
    cmp_ok scalar(grep { $_ =~ $look } @touched), '>=', 2 * @paths, 'queries look at the directory';
    is_deeply \@others, [], 'and at no other file (D20)';
}

# Nor does a record of an LDIF name a file to read.
{
    my $secret = spew("$dir/secret",  "Secret Word\n");
    my $ldif   = spew("$dir/records", <<"LDIF");
dn: cn=One
objectClass: inetOrgPerson
employeeNumber: 1
cn: One Person
sn: Person

dn: cn=Two
objectClass: inetOrgPerson
employeeNumber: 2
cn: Two Person
sn: Person
description:< file://$secret
LDIF
    my $got = run_load({ under => ['strace', '-f', '-qq', '-o', $trace, '-e', 'trace=%file'] },
        '-q', '--directory', "sqlite:$dir/l.db", '--format', 'ldif', $ldif);
    is "exit $got->{code} $got->{err}",
        "exit 65 whois-load: $ldif:7: 'description': its value is in another file\n",
        'a record that names a file is told of';
    my @calls = split /\n/, slurp($trace);
    ok scalar(grep { /\Q"$ldif"\E/ } @calls), 'its own file is read';
    is_deeply [grep { /secret/ } @calls], [], 'the file they name is not touched (D20)';
}

# A symbolic link, put where the directory was, leads nowhere.
{
    my $served = NetIO::Test::Daemon->whoisd($db);
    build_directory("$dir/other.db", [{ handle => 'B1', name => 'Stranger' }]);
    symlink "$dir/other.db", "$dir/swap";
    rename "$dir/swap", $db;
    unlike $served->ask("stranger\r\n"), qr/Full Name: Stranger/, 'a symbolic link (D20, E10)';
    ok $served->wait_log(qr/a symbolic link, not a file; the one before stays in use\n/),
        'is not followed';
    $served->finish;
}

done_testing;
