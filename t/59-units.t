# The units for systemd in share/systemd: systemd finds nothing wrong with them, they are as tight as
# is said here, their commands are right, and whoisd needs no system call that they forbid.  And whoisd
# started by systemd-socket-activate, as whoisd.socket does it.

use strict;
use warnings;

use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);
use NetIO::Test::Manager;

alarm 300;

my $ACTIVATE = '/usr/bin/systemd-socket-activate';

plan skip_all => 'no systemd-analyze here' if system('systemd-analyze --version >/dev/null 2>&1');

my $dir    = File::Temp->newdir;
my $whoisd = NetIO::Test::Daemon::program();
my $db     = build_directory("$dir/a.db", [{ handle => 'A1', name => 'One' }]);
my $one    = qr/Full Name: One\r\n/;

# The most that "systemd-analyze security" may say (0 safe, 10 unsafe; openssh's unit has 9.6).  The
# plain one leaves it to whoisd, of which systemd knows nothing.
my %exposure = ('whoisd-activated.service' => 1.0, 'whoisd.service' => 2.0);

# Copies whose program is the one built here.
sub copy {
    my ($name) = @_;
    my $text = NetIO::Test::Daemon::slurp("share/systemd/$name");

    $text =~ s{^ExecStart=whoisd\b}{ExecStart=$whoisd}m;
    open my $file, '>', "$dir/$name" or die "$dir/$name: $!\n";
    print {$file} $text;
    close $file or die "$dir/$name: $!\n";
    return $text;
}

my %unit = map { $_ => copy($_) } map { m{([^/]+)$} } glob 'share/systemd/whoisd*';

is_deeply [sort keys %unit],
    [qw(whoisd-activated.service whoisd-plain.service whoisd.service whoisd.socket)],
    'a hardened, an activated and a plain one';

sub setting {
    my ($unit, $name) = @_;

    return $unit{$unit} =~ /^\Q$name\E=(.*)$/mg;
}

# ---- what systemd says of them ---------------------------------------------------------------

for my $name (sort keys %unit) {
    is scalar `systemd-analyze --man=no verify $dir/$name 2>&1`, '', "$name: verified";
    is $?,                                                       0,  "$name: without fault";
    like $unit{$name}, qr/\A# \S.*\n(?:# .*\n)+\n\[Unit\]/, "$name: says what it is";
}
for my $name (sort keys %exposure) {
    my $threshold = 10 * $exposure{$name};
    my $said =
        `systemd-analyze --no-pager --offline=yes --threshold=$threshold security $dir/$name 2>&1`;

    is $?, 0, "$name: exposed $exposure{$name} at most" or diag $said =~ s/^.*\x{2713}.*\n//gmr;
}

# ---- their commands --------------------------------------------------------------------------

for my $name (grep { /service$/ } sort keys %unit) {
    is join(' ', setting($name, 'Type')), 'notify',
        "$name: READY counts (systemd 252 has no other)";
    my ($command) = setting($name, 'ExecStart');
    my ($program, @args) = split ' ', $command;
    is $program, $whoisd, "$name: starts whoisd";

    # What stands there, but with a directory that is here, and as who we are.
    my @mine = map { s{sqlite:/.*}{sqlite:$db}r } @args;
    @mine = grep { $_ ne '--user' && $_ ne 'nobody' } @mine if $> != 0;
    push @mine, '--directory', "sqlite:$db" if !grep { $_ eq '--directory' } @mine;
    chmod 0755, "$dir";
    is_deeply [NetIO::Test::Daemon->run(args => ['-t', @mine])], [0, '', ''],
        "$name: with options that it has";
}
is join(' ', setting('whoisd.socket', 'Service')), 'whoisd-activated.service',
    'the socket starts the activated one';

# ---- under systemd-socket-activate -----------------------------------------------------------

# As the unit has it: the socket from outside, the manager to notify.
sub activated {
    my (%how)     = @_;
    my ($command) = setting('whoisd-activated.service', 'ExecStart');
    my (undef, @args) = map { s{sqlite:/.*}{sqlite:$db}r } split ' ', $command;
    my @env = map { ('-E', $_) } sort keys %{ $how{env} };

    return NetIO::Test::Daemon->start(
        program => $how{wrap} ? 'strace' : $ACTIVATE,
        args    => [
            @{ $how{wrap} || [] },
            '-l', "$dir/s", '--fdname=whois', @env, $whoisd,
            NetIO::Test::Daemon::sandbox_off([]), @args
        ],
        env => $how{env},
    );
}

my $manager = NetIO::Test::Manager->new("$dir/notify");

SKIP: {
    skip "no $ACTIVATE here", 1 if !-x $ACTIVATE;

    subtest 'socket activation' => sub {
        my $d = activated(env => { NOTIFY_SOCKET => $manager->address });

        ok $d->wait_log(qr/Listening on \Q$dir\E\/s as 3\b/), 'the manager listens';
        my $early = $d->connect(path => "$dir/s");
        syswrite $early, "one\r\n";
        ok $d->wait_log(qr/listening on unix:\Q$dir\E\/s, 1 worker\n/), 'whoisd starts';
        like $d->read_all($early),                 $one, 'who came before it was there is served';
        like $d->ask("one\r\n", path => "$dir/s"), $one, 'and others';
        is $manager->hear, 'READY=1', 'the manager hears that it is ready';
        $d->kill('TERM');
        is $d->wait_end, 0, 'TERM ends it';
        ok -e "$dir/s", 'the socket is not its own';
        $d->finish;
        unlink "$dir/s";
    };
}

# ---- the system calls that they allow --------------------------------------------------------

# Those of a set of systemd's, or of a name.
sub members {
    my ($name) = @_;

    return $name if $name !~ /^@/;
    my @lines = grep { /^ +[^ #]/ } split /\n/, `systemd-analyze --no-pager syscall-filter $name`;
    return map { members($_) } map { split ' ' } @lines;
}

# All that the lines of a unit leave.
sub allowed {
    my ($unit) = @_;
    my %allowed = map { $_ => 1 } members('@default');

    for my $line (setting($unit, 'SystemCallFilter')) {
        my $forbid = $line =~ s/^~//;
        for my $call (map { members($_) } split ' ', $line) {
            $forbid ? delete $allowed{$call} : ($allowed{$call} = 1);
        }
    }
    return \%allowed;
}

SKIP: {
    skip 'no strace here',         1 if system('strace -V >/dev/null 2>&1') != 0;
    skip "no $ACTIVATE here",      1 if !-x $ACTIVATE;
    skip 'sanitizers need others', 1 if $ENV{NETIO_TEST_SANITIZED};

    subtest 'system calls' => sub {
        my $d       = activated(wrap => [qw(-f -qq -D -o), "$dir/trace", $ACTIVATE], env => {});
        my $allowed = allowed('whoisd-activated.service');

        $d->wait_log(qr/Listening on/);
        like $d->ask("one\r\n", path => "$dir/s"), $one, 'it serves';
        $d->kill('HUP');
        ok $d->wait_log(qr/configuration: read again/), 'reloads';
        $d->kill('USR1');
        $d->kill('TERM');
        is $d->wait_end, 0, 'and ends';
        $d->finish;

        # From the exec of whoisd on; the tries to be root again may fail as they please.
        my $trace = NetIO::Test::Daemon::slurp("$dir/trace");
        $trace =~ s/\A.*\n(?=\d+\s+execve\("\Q$whoisd\E")//s
            or return fail('whoisd is in the trace');
        my %seen = map { $_ => 1 } $trace =~ /^\d+\s+(\w+)\(/mg;
        ok $seen{accept4} && $seen{landlock_restrict_self}, 'its calls were seen';
        is_deeply [
            grep { !$allowed->{$_} && !/^set(?:res|re|fs)?[ug]id$|^setgroups$/ }
            sort keys %seen
            ],
            [], 'all are among those that the unit allows';
        ok allowed('whoisd.service')->{$_}, "the other unit allows $_, too"
            for grep { $allowed->{$_} } sort keys %seen;
        ok !$allowed->{$_}, "$_ is none of them" for qw(mount ptrace reboot init_module setuid);
    };
}

done_testing;
