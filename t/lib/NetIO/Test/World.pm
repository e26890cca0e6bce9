package NetIO::Test::World;

# The world that a program was started into, as the probe (t/c/drive-world.c) tells of it, and the
# documented one (netio/world.h):
#
#     my $world = read_world($file);                     or read_world(`$PROBE -`)
#     is_world($world, { documented('nobody'), umask => '0077' }, 'a child');
#
# is_world is a subtest that compares field by field, each by its name; wrong_fields(...) says what
# differs, in a word.  Then places to try it in.  A test that needs users of its own, or mounts, begins
# with
#
#     private_mounts();                                  the test again, in a mount namespace
#     install_users($folder);                            the users below
#
# so that whatever happens nothing of it is left.  to_the_last(@command) is a command that ends as that
# does, but only when all that it has started has ended, too.

use strict;
use warnings;

use Exporter 'import';
use File::Copy ();
use File::Path ();
use NetIO::Test::C;
use NetIO::Test::Run qw(slurp);
use Test::More;

our @EXPORT = qw($PROBE documented is_world wrong_fields read_world
    private_mounts install_users jail to_the_last);

our $PROBE = c_program('drive-world');

my $PATH   = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
my @RETURN = qw(setuid seteuid setreuid setresuid setfsuid
    setgid setegid setresgid setfsgid setgroups);

# field => value; env and argv are lists.  Of a file that the probe has written, or of its output,
# and then without what differs from run to run.
sub read_world {
    my ($from)  = @_;
    my $is_text = $from =~ /\n/;
    my %world   = (env => [], argv => []);

    for (split /\n/, $is_text ? $from : slurp($from)) {
        my ($field, $value) = /^(\S+) (.*)/ or die "not a line of the probe: $_\n";
        if    ($field eq 'env')      { push @{ $world{env} }, $value }
        elsif ($field =~ /^argv[.]/) { push @{ $world{argv} }, $value }
        else                         { $world{$field} = $value }
    }
    delete @world{qw(pid sid pgrp tpgid)} if $is_text;
    return \%world;
}

# As groups(1) would say: numbers, sorted.
sub groups_of {
    my ($name, $gid) = @_;
    my %groups = ($gid => 1);

    setgrent;
    while (my (undef, undef, $number, $members) = getgrent) {
        $groups{$number} = 1 if grep { $_ eq $name } split / /, $members;
    }
    endgrent;
    return join ' ', sort { $a <=> $b } keys %groups;
}

# Who it is, and that there is no way back.
sub person {
    my ($name) = @_;
    my ($uid, $gid, $home, $shell) = (getpwnam $name)[2, 3, 7, 8];

    defined $uid or die "no user $name\n";
    return (
        uid    => "$uid $uid $uid $uid",
        gid    => "$gid $gid $gid $gid",
        groups => groups_of($name, $gid),
        (map { ("try.$_" => 'EPERM') } @RETURN),
        (map { ("cap_$_" => '0' x 16) } qw(eff prm inh amb bnd)),
        env => [
            "HOME=$home", "LOGNAME=$name",
            "PATH=$PATH", "SHELL=" . ($shell || '/bin/sh'),
            "USER=$name"
        ],
    );
}

# What a process has by default: of a user, or of who starts it (whose groups and capabilities are
# left to the caller to compare).  The environment is that of a starter without LANG and TZ.
sub documented {
    my ($user) = @_;

    return (
        fds => '0 1 2',
        (map { ("fd.$_" => 'chr 1:3 rdwr') } 0 .. 2),
        (map { ($_      => '-') } qw(blocked pending ignored caught)),
        session_leader => 'yes',
        group_leader   => 'yes',
        tty            => 'no',
        tpgid          => -1,
        umask          => '0022',
        cwd            => '/',
        root           => '/',
        no_new_privs   => 1,
        'rlimit.core'  => qr/\A0 /,         # the upper limit stays as it was
        env            => ["PATH=$PATH"],
        $user ? person($user) : (),
    );
}

sub differs {
    my ($is, $shall) = @_;

    $is = ref $is ? join ' | ', @$is : $is // '';
    return 0
        if ref $shall eq 'Regexp'
        ? $is =~ $shall
        : $is eq (ref $shall ? join ' | ', @$shall : $shall);
    return 1;
}

sub wrong_fields {
    my ($world, $wanted) = @_;

    return join ', ', grep { differs($world->{$_}, $wanted->{$_}) } sort keys %$wanted;
}

sub is_world {
    my ($world, $wanted, $name) = @_;

    return subtest $name => sub {
        for my $field (sort keys %$wanted) {
            my ($is, $shall) = ($world->{$field}, $wanted->{$field});
            ref $shall eq 'Regexp' ? like($is, $shall, $field) : is_deeply($is, $shall, $field);
        }
    };
}

# netio-test is in three groups besides its own.
my $PASSWD = <<'PASSWD';
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
netio-test:x:4201:4201::/var/empty:/bin/netio-shell
PASSWD
my $GROUP = <<'GROUP';
root:x:0:
nogroup:x:65534:
netio-test:x:4201:
netio-one:x:4301:netio-test
netio-two:x:4302:nobody,netio-test
netio-three:x:4303:netio-test
GROUP

# Modules of other name services have calls and troubles of their own.
my $NSSWITCH = "passwd: files\ngroup: files\n";

# Runs the program that calls it again, in a mount namespace of its own; returns there.
sub private_mounts {
    return if $ENV{NETIO_TEST_MOUNTS};
    local $ENV{NETIO_TEST_MOUNTS} = 1;
    exec 'unshare', '--mount', '--propagation', 'private', $^X, (map { "-I$_" } @INC), $0
        or die "unshare: $!\n";
}

sub _write {
    my ($path, $text) = @_;

    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    return $path;
}

# Over /etc/passwd, /etc/group and /etc/nsswitch.conf, in this mount namespace.  Text to add to the
# first two may follow.
sub install_users {
    my ($folder, $passwd, $group) = @_;
    my %file = (
        'passwd'        => $PASSWD . ($passwd // ''),
        'group'         => $GROUP .  ($group  // ''),
        'nsswitch.conf' => $NSSWITCH,
    );

    for my $name (sort keys %file) {
        _write("$folder/$name", $file{$name});
        system('mount', '--bind', "$folder/$name", "/etc/$name") == 0
            or die "cannot mount over /etc/$name\n";
    }
    return;
}

# The first process of a pid namespace: whatever detaches becomes its child again, so that it knows
# when the last has ended.
my $INIT = <<'PERL';
my $pid = fork // die;
exec { $ARGV[0] } @ARGV or die if !$pid;
waitpid $pid, 0;
my $status = $?;
1 while wait != -1;
exit($status >> 8 || $status);
PERL

sub to_the_last {
    my (@command) = @_;

    return ('unshare', '-pf', '--mount-proc', $^X, '-e', $INIT, @command);
}

# A folder for chroot(2) with a program and the libraries that it needs, and nothing else.
sub jail {
    my ($folder, $program) = @_;

    for my $file ($program, grep { m{^/} } split ' ', `ldd $program`) {
        my $there = $file eq $program ? "$folder/probe" : "$folder$file";
        File::Path::make_path($there =~ m{(.*)/});
        File::Copy::copy($file, $there) or die "$there: $!\n";
        chmod 0755, $there;
    }
    mkdir "$folder/inside" or die "$folder/inside: $!\n";
    chmod 0755, $folder;
    return;
}

1;
