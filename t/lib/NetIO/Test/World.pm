package NetIO::Test::World;

# The world that a program was started into, as t/c/drive-world.c has printed it, and the documented
# one (netio/world.h):
#
#     my $world = read_world($file);
#     is_world($world, { documented($passwd_name), umask => '0077' }, 'a child');
#
# is_world is a subtest that compares field by field, each by its name; wrong_fields(...) says what
# differs, in a word.

use strict;
use warnings;

use Exporter 'import';
use Test::More;

our @EXPORT = qw($PROBE documented is_world read_world wrong_fields);

our $PROBE = "$ENV{PWD}/csrc/build/t/drive-world";

my $PATH   = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
my @RETURN = qw(setuid seteuid setreuid setresuid setfsuid
    setgid setegid setresgid setfsgid setgroups);

# field => value; env and argv are lists.
sub read_world {
    my ($file) = @_;
    my %world = (env => [], argv => []);

    open my $fh, '<', $file or die "$file: $!\n";
    while (my $line = readline $fh) {
        chomp $line;
        my ($field, $value) = split / /, $line, 2;
        if    ($field eq 'env')       { push @{ $world{env} },  $value }
        elsif ($field =~ /^argv[.]/) { push @{ $world{argv} }, $value }
        else                          { $world{$field} = $value }
    }
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
            "HOME=$home", "LOGNAME=$name", "PATH=$PATH", "SHELL=" . ($shell || '/bin/sh'),
            "USER=$name"
        ],
    );
}

# What a process has by default: of a user, or of who starts it (whose groups and capabilities are
# left to the caller to compare).  The environment is that of a starter without LANG and TZ.
sub documented {
    my ($user) = @_;

    return (
        fds            => '0 1 2',
        (map { ("fd.$_" => 'chr 1:3 rdwr') } 0 .. 2),
        (map { ($_ => '-') } qw(blocked pending ignored caught)),
        session_leader => 'yes',
        group_leader   => 'yes',
        tty            => 'no',
        tpgid          => -1,
        umask          => '0022',
        cwd            => '/',
        root           => '/',
        no_new_privs   => 1,
        'rlimit.core'  => qr/\A0 /,      # the upper limit stays as it was
        env            => ["PATH=$PATH"],
        $user ? person($user) : (),
    );
}

sub differs {
    my ($is, $shall) = @_;

    $is = ref $is ? join ' | ', @$is : $is // '';
    return 0 if ref $shall eq 'Regexp' ? $is =~ $shall : $is eq (ref $shall ? join ' | ', @$shall : $shall);
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

1;
