# The world of netio/world.h, field by field, from inside: whatever the parent was like.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::World;
use Test::More;

plan skip_all => 'needs root' if $> != 0;
private_mounts();

alarm 300;

my $DRIVER = "$ENV{PWD}/csrc/build/t/drive-enter";
my $folder = File::Temp->newdir;
my $jail   = "$folder/jail";
chmod 0755, $folder;
mkdir $jail;
jail($jail, $PROBE);
install_users($folder);

# What it prints.  Before the program: Perl code that spoils the process, in %option also "by",
# programs to go through.
sub run {
    my ($spoil, $option, @args) = @_;
    my @by = @{ $option->{by} || [] };

    open my $out, '-|', $^X, '-MPOSIX', '-e', "$spoil; exec \@ARGV or die", @by, $DRIVER, @args
        or die "fork: $!\n";
    my $said = do { local $/; <$out> };
    close $out;
    return $said // '';
}

sub enter {
    my ($spoil, @args) = @_;
    my $said = run($spoil, {}, @args, $PROBE, '-');

    return $said =~ /^error/ ? $said : read_world($said);
}

my @PATH  = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
my $NONE  = '0' x 16;
my $SPOIL = <<'SPOIL';
%ENV = (LD_DEBUG_OUTPUT => '/x', PERL5OPT => '', HOME => '/root', IFS => 'x', TZ => 'UTC');
umask 0; chdir '/tmp'; $( = $) = '0 4 24 27'; setpriority 0, 0, 5;
my ($stack, $ignore, $all) = (pack('QQ', 12e6, ~0), pack('Q4', 1), pack 'Q', ~0);
syscall 160, 3, $stack;
$SIG{$_} = 'IGNORE' for grep { !/KILL|STOP|NUM|CLD|RTM/ } keys %SIG;
syscall 13, $_, $ignore, 0, 8 for 32 .. 64;
syscall 14, 2, $all, 0, 8;
open $keep[$_], '<', '/dev/zero' for 1 .. 500;
fcntl $_, 2, 0 for @keep[1 .. 500]; fcntl $keep[1], 0, 1000;
SPOIL
my %person = (
    uid    => '4201 4201 4201 4201',
    gid    => '4201 4201 4201 4201',
    groups => '4201 4301 4302 4303',
    (map { ("try.$_" => 'EPERM') } qw(setuid seteuid setreuid setresuid setfsuid)),
    (map { ("try.$_" => 'EPERM') } qw(setgid setegid setresgid setfsgid setgroups)),
    (map { ("cap_$_" => $NONE) } qw(eff prm inh amb bnd)),
    no_new_privs => 1,
    umask        => '0022',
    cwd          => '/',
    root         => '/',
    fds          => '0 1 2',
    blocked      => '-',
    ignored      => '-',
    caught       => '-',
    pending      => '-',
    env          => [
        sort @PATH,        'TZ=UTC', 'USER=netio-test', 'LOGNAME=netio-test',
        'HOME=/var/empty', 'SHELL=/bin/netio-shell'
    ],
);

SKIP: {
    skip 'numbers of system calls are those of x86-64', 1 if `uname -m` ne "x86_64\n";
    my $world = enter($SPOIL, '-u', 'netio-test');
    is_deeply({ map { ($_ => $world->{$_}) } keys %person },
        \%person, 'C8 C9 C10 C12 C16 C17: nothing of what the parent was');
    is($world->{nice}, 5, 'C10: but how nice it is');
    like($world->{'rlimit.stack'}, qr/^12000000 /, 'C10: and the limits');
    is($world->{'rlimit.core'} =~ /^(\d+)/ && $1, 0, 'C21: without a core file');
}

subtest 'C9: ten thousand descriptors' => sub {
    my $many = 'open $keep[$_], "<", "/dev/null" or die for 0 .. 9999; fcntl $_, 2, 0 for @keep';

    is(enter($many)->{fds},           '0 1 2',    'all closed');
    is(enter($many, '-k', 77)->{fds}, '0 1 2 77', 'but one');
    is(
        enter($many, map { ('-k', $_) } 9000, 3, 4, 5000, 5001)->{fds},
        '0 1 2 3 4 5000 5001 9000',
        'but several, in any order'
    );
    is(enter('', '-k', 77)->{fds}, '0 1 2', 'one to be kept that is not there');
    my $lower = q{my $few = pack 'QQ', 64, 64; syscall 160, 7, $few; close $_ for @keep[0 .. 9]};
    is(enter("$many; $lower")->{fds}, '0 1 2', 'and above the limit');
};

subtest 'C6: standard descriptors that are closed' => sub {
    for my $closed (1 .. 7) {
        my @closed = grep { $closed & 1 << $_ } 0 .. 2;
        my $code   = join ';', "unlink '$folder/out'", map { "POSIX::close($_)" } @closed;
        system $^X, '-MPOSIX', '-e', "$code; exec \@ARGV", $DRIVER, $PROBE, "$folder/out";
        open my $file, '<', "$folder/out" or fail("closed: @closed") && next;
        my $world = read_world(do { local $/; <$file> });
        is(
            join(', ', $world->{fds}, map { $world->{"fd.$_"} } @closed),
            join(', ', '0 1 2',       map { 'chr 1:3 rdwr' } @closed),
            "closed: @closed"
        );
    }
};

subtest 'C7: /dev/null that is none' => sub {
    my @by    = ('unshare', '-m', 'sh', '-c');
    my $mount = 'mount -t tmpfs none /dev; ';

    is(run('', { by => [@by, $mount . 'exec "$0" "$@"'] }, $PROBE, '-'),
        "error standard: No such file or directory\n", 'missing');
    is(
        run('', { by => [@by, $mount . 'echo x >/dev/null; exec "$0" "$@"'] }, $PROBE, '-'),
        "error standard: No such device\n",
        'a file'
    );
    is(
        run('', { by => [@by, $mount . 'mknod /dev/null c 1 5; exec "$0" "$@"'] }, $PROBE, '-'),
        "error standard: No such device\n",
        'another device'
    );
};

subtest 'C22: no /proc' => sub {
    my @by    = ('unshare', '-m', 'sh', '-c', 'umount -l /proc && exec "$0" "$@"');
    my $open  = 'open $keep[$_], "<", "/dev/null" for 0 .. 99; fcntl $_, 2, 0 for @keep';
    my @deny  = ('strace', '-qq', '-o', '/dev/null', '-b', 'execve', '-e', 'trace=close_range');
    my $nosys = 'inject=close_range:error=ENOSYS';

    is(read_world(run($open, { by => \@by }, '-u', 'netio-test', $PROBE, '-'))->{fds},
        '0 1 2', 'closes all the same');
    is(read_world(run($open, { by => [@deny, '-e', $nosys] }, '-k', 9, $PROBE, '-'))->{fds},
        '0 1 2 9', 'so without close_range(2)');
    is(
        read_world(run($open, { by => [@deny, '-e', 'inject=close_range:retval=0'] }, $PROBE, '-'))
            ->{fds},
        '0 1 2',
        'so with one that lies'
    );
    is(
        run($open, { by => [@by, @deny, '-e', $nosys] }, $PROBE, '-'),
        "error others: No such file or directory\n",
        'without either it says so'
    );
};

subtest 'umask, folder, core, environment as told' => sub {
    is(enter('umask 0777', '-n', '0')->{umask},  '0000', 'C12: a umask of 0');
    is(enter('umask 0',    '-n', '77')->{umask}, '0077', 'C12: and of 077');
    is(enter('umask 0777')->{umask}, '0022', 'C12: else 022');
    mkdir "$folder/mine", 0700;
    chown 4201, 4201, "$folder/mine";
    mkdir "$folder/roots", 0700;
    is(enter('', '-d', "$folder/mine", '-u', 'netio-test')->{cwd}, "$folder/mine", 'a folder');
    is(enter("chdir '$folder'", '-d', 'mine')->{cwd}, "$folder/mine", 'a relative one');
    is(
        enter('', '-d', "$folder/roots", '-u', 'netio-test'),
        "error child chdir $folder/roots: Permission denied\n",
        'one that the user may not enter'
    );
    my $private = "$folder/private";
    mkdir $private, 0700;
    mkdir "$private/inside";
    chown 4201, 4201, $private, "$private/inside";
    my $bound = { by => ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] };
    is(
        read_world(run('', $bound, '-u', 'netio-test', '-d', "$private/inside", $PROBE, '-'))
            ->{cwd},
        "$private/inside",
        'one that only the user may enter'
    );
    is(
        enter('', '-d', '/nonexistent'),
        "error child chdir /nonexistent: No such file or directory\n",
        'one that is not there'
    );
    is(
        enter("mkdir '$folder/gone'; chdir '$folder/gone'; rmdir '$folder/gone'", '-d', 'x'),
        "error child folder: No such file or directory\n",
        'a relative one, of none'
    );
    like(enter('', '-l', '1000')->{'rlimit.core'}, qr/^1000 /, 'C21: a core file when asked');
    is_deeply(
        enter('$ENV{HOME} = "/root"', '-u', 'netio-test', map { ('-e', $_) } qw(A=1 HOME USER=me))
            ->{env},
        ['A=1', 'HOME=/var/empty', 'LOGNAME=netio-test', 'SHELL=/bin/netio-shell', 'USER=me'],
        'what is set wins over the user, who wins over what is passed on'
    );
    is(enter('', '-e', '=x'), "error child environment: not a valid option\n", 'no such entry');
    is(enter('', '-l', '-1', '-u', 'netio-test')->{'rlimit.core'}, '-1 -1', 'no limit');
};

subtest 'who becomes it' => sub {
    my @exactly = (qw(setpriv --reuid 4201 --regid 4201 --groups), '4201,4301,4302,4303');
    my $world   = read_world(run('', { by => \@exactly }, '-u', 'netio-test', $PROBE, '-'));
    delete $world->{env};
    my %already = (%person, cap_bnd => $world->{cap_bnd});
    delete $already{env};

    is_deeply({ map { ($_ => $world->{$_}) } keys %already },
        \%already, 'who is that user already needs no privilege');
    $exactly[-1] .= ',4';
    is(
        run('', { by => \@exactly }, '-u', 'netio-test', $PROBE, '-'),
        "error privileges setgroups: Operation not permitted\n",
        'C17: but not one group more'
    );
    is(
        run('', { by => [qw(setpriv --reuid 65534 --clear-groups)] }, '-u', 'root', $PROBE, '-'),
        "error privileges setgroups: Operation not permitted\n",
        'nobody does not become root'
    );
    $world = enter('$( = $) = "0 4 24 27"', '-u', 'root');
    is(
        "$world->{uid}, $world->{groups}, $world->{cap_prm}",
        "0 0 0 0, 0, $NONE",
        'root as a user is root without capabilities'
    );
    is(enter('', '-u', '7777:7778')->{groups},         '7778', 'a number that no user has');
    is(enter('', '-u', 'netio-test:netio-one')->{gid}, '4301 4301 4301 4301', 'another group');
};

subtest 'C16: capabilities' => sub {
    my @all   = ('setpriv', map { ("--$_-caps", '+chown,+setuid') } qw(inh ambient));
    my $world = read_world(run('', { by => \@all }, '-u', 'netio-test', $PROBE, '-'));
    is_deeply(
        [map { $world->{"cap_$_"} } qw(eff prm inh amb bnd)],
        [($NONE) x 5],
        'none of the ambient and inheritable ones'
    );
    $world = enter('', '-u', 'netio-test', '-c', 10);
    is_deeply(
        [map { $world->{"cap_$_"} } qw(eff prm inh amb bnd)],
        [('0000000000000400') x 5],
        'the one that is asked for'
    );
    is($world->{'try.setuid'}, 'EPERM', 'with which nobody becomes root');
    $world = enter('', '-c', 10);
    is("$world->{uid} $world->{cap_bnd}", '0 0 0 0 0000000000000400', 'so without a user');
    my $may_not = { by => [qw(setpriv --bounding-set -net_bind_service)] };
    is(
        run('', $may_not, '-u', 'netio-test', '-c', 10, $PROBE, '-'),
        "error privileges capset: Operation not permitted\n",
        'one that the parent has not'
    );
    for ([6, 'CAP_SETGID'], [7, 'CAP_SETUID']) {
        is(
            enter('', '-u', 'netio-test', '-c', $_->[0]),
            "error privileges setuid: privileges given up could be regained\n",
            "$_->[1] would be a way back"
        );
    }
    $world = enter('', '-u', 'netio-test', '-m');
    is("$world->{no_new_privs} $world->{cap_prm}", "0 $NONE", 'programs that may gain more');
    isnt($world->{cap_bnd}, $NONE, 'can');
};

subtest 'C18: a user namespace in which groups cannot be set' => sub {
    my @by = qw(unshare -Ur);
    plan skip_all => 'no user namespaces here' if system("@by true 2>/dev/null") != 0;
    is(
        run('', { by => \@by }, '-u', 'netio-test', $PROBE, '-'),
        "error privileges setgroups: Operation not permitted\n",
        'is a clear refusal'
    );
    is(read_world(run('', { by => \@by }, $PROBE, '-'))->{uid}, '0 0 0 0',
        'without a user it runs');
};

subtest 'C20: chroot to where nothing is but the program' => sub {
    my $world = read_world(run('', {}, '-u', 'netio-test', '-r', $jail, '/probe', '-'));
    is(
        "$world->{cwd} $world->{groups} $world->{'try.setuid'}",
        '/ 4201 4301 4302 4303 EPERM',
        'is in it, as the user'
    );
    is(read_world(run("chdir '$folder'", {}, qw(-d inside -r jail /probe -)))->{cwd},
        '/inside', 'a folder in a relative root');
    is(
        enter('', '-r', '/nonexistent'),
        "error privileges chroot /nonexistent: No such file or directory\n",
        'no such folder'
    );
    is(
        enter('', '-r', '/etc/passwd'),
        "error privileges chroot /etc/passwd: Not a directory\n",
        'no folder'
    );
    is(
        run('', { by => [qw(setpriv --reuid 4201 --clear-groups)] }, '-r', $jail, '/probe', '-'),
        "error privileges chroot $jail: Operation not permitted\n",
        'who may not'
    );
};

done_testing;
