package NetIO::Test::Places;

# What tests of privileges need besides NetIO::Test::World: the probe's text,
#
#     my $world = read_world(`csrc/build/t/drive-world -`);
#     is $world->{umask}, '0022', '...';
#     is_deeply $world->{env}, [...], '...';             env is a list, what else there is a text
#
# and places to try it in.  A test that needs users of its own, or mounts, begins with
#
#     private_mounts();                                  the test again, in a mount namespace
#     install_users($folder);                            the users below
#
# so that whatever happens nothing of it is left.

use strict;
use warnings;

use Exporter 'import';
use File::Copy ();
use File::Path ();

our @EXPORT = qw(probe read_world private_mounts install_users jail);

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

sub probe {
    my $program = "$ENV{PWD}/csrc/build/t/drive-world";

    -x $program or die "$program is not there: run make first\n";
    return $program;
}

# What differs from run to run is left out.
sub read_world {
    my ($text) = @_;
    my %world;

    for (split /\n/, $text) {
        my ($field, $value) = /^(\S+) (.*)/ or die "not a line of the probe: $_\n";
        if ($field eq 'env') { push @{ $world{env} }, $value }
        else                 { $world{$field} = $value }
    }
    delete @world{qw(pid sid pgrp tpgid)};
    return \%world;
}

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

# Over /etc/passwd, /etc/group and /etc/nsswitch.conf, in this mount namespace.  Text to add to either may follow.
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
