# Nothing runs as root: each way that leads to a program of another user's (those of t/59-worlds.t),
# while a call of the privilege drop fails, or claims to have worked and has not, every time (C14,
# C15).  Either the probe is executed as that user, for good, or not at all; and then that is said.
# Call by call, and each time that it is made: t/36-world-lies.t, t/37-child-lies.t.

use strict;
use warnings;
use lib 't/lib';

use Cwd                 ();
use File::Temp          ();
use NetIO::Test::Faults qw(faults_missing);
use NetIO::Test::Run;
use NetIO::Test::World;
use Test::More;

alarm 300;

plan skip_all => 'who is not root can become nobody' if $> != 0;
my $missing = faults_missing();
plan skip_all => $missing if $missing;
plan skip_all => 'no pid namespaces here'
    if system('unshare -pf --mount-proc true 2>/dev/null') != 0;

my $top    = Cwd::getcwd();
my $folder = File::Temp->newdir;
my $file   = "$folder/world";
my $driver = "$top/csrc/build/t/drive-daemonize";
-x $_ or BAIL_OUT("$_ is not there: run make first") for $driver, $PROBE;
chmod 01777, $folder or die "$folder: $!\n";    # nobody writes there, too
delete @ENV{qw(NOTIFY_SOCKET LISTEN_FDS LISTEN_PID)};

# What is of privileges.
my %documented = documented('nobody');
my %wanted =
    map { $_ => $documented{$_} } grep { /^(?:uid|gid|groups|cap_.*|try[.].*|no_new_privs)\z/ }
    keys %documented;

my @perl   = ($^X, "-I$top/blib/lib", "-I$top/blib/arch", '-MNetIO=daemonize', '-e');
my $become = '$d->ready; exec { $ARGV[0] } @ARGV or die;';
my @front  = ('probe', '--user', 'nobody', '--pidfile', "$folder/pid", '--', $PROBE, $file);

#<<< the table as it is
my @ways = (
    ['a child of netio_child', "$top/csrc/build/t/drive-child", '-u', 'nobody', $PROBE, $file],
    ['a daemon in C', $driver, '-u', 'nobody', '--', 'ready', "exec:$PROBE", $file],
    ['one that drops first', $driver, '-u', 'nobody', '--', 'drop', 'ready', "exec:$PROBE", $file],
    ['one in the foreground', $driver, '-f', '-u', 'nobody', '--', 'ready', "exec:$PROBE", $file],
    ['a daemon in Perl', @perl, "my \$d = daemonize(user => 'nobody'); $become", $PROBE, $file],
    ['one in Perl that drops, and does not look', @perl,
        "my \$d = daemonize(user => 'nobody'); eval { \$d->drop }; $become", $PROBE, $file],
    ['one in Perl, in the foreground', @perl,
        "my \$d = daemonize(user => 'nobody', foreground => 1); $become", $PROBE, $file],
    ['netio-daemon start', "$top/csrc/build/netio-daemon", 'start', @front],
    ['netio-daemon run', "$top/csrc/build/netio-daemon", 'run', @front],
);
#>>>

# What is wrong with one start; '' for nothing.  Up to its end, or to the probe's, which is not traced.
sub trouble {
    my ($call, $how, undef, @command) = @_;
    my @strace =
        ('strace', '-f', '-qq', '-b', 'execve', '-o', "$folder/trace", '-e', "trace=$call,setsid");
    my ($status, $out, $err) =
        run(to_the_last(@strace, $how ? ('-e', "inject=$call:$how") : (), @command));
    my $world = -e $file ? read_world($file) : undef;

    unlink $file;
    return "it was never called" if $how && slurp("$folder/trace") !~ /INJECTED/;
    return
          $world                                      ? wrong_fields($world, \%wanted)
        : "$out$err" =~ /\b(?:privileges|daemonize) / ? ''
        :                                               "not executed, and said: $status $out$err";
}

for my $way (@ways) {
    my $name = $way->[0];
    my @wrong;

    is(trouble('getppid', '', @$way), '', "$name: nothing fails") or next;
    for my $call (
        qw(setgroups getgroups setresgid getresgid setresuid getresuid capset capget prctl))
    {
        for my $how ('error=EPERM', 'error=EAGAIN', 'retval=0') {
            my $wrong = trouble($call, $how, @$way);
            push @wrong, "$call $how: $wrong" if $wrong ne '';
        }
    }
    is(join("\n", @wrong), '', "C14 C15 $name: nothing runs as root");
}

done_testing;
