# The world of a child, field by field, whatever that of its parent is: C8, C9, C10, C12, C21, C22.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::Run;
use NetIO::Test::World;
use POSIX ();
use Test::More;

alarm 300;

my $DRIVER = "$ENV{PWD}/csrc/build/t/drive-child";
my $folder = File::Temp->newdir;
my $serial = 0;
-x $_ or BAIL_OUT("$_ is not there: run make first") for $DRIVER, $PROBE;
plan skip_all => 'who is not root can become nobody' if $> != 0;
chmod 01777, $folder or die "$folder: $!\n";    # nobody writes there, too
delete @ENV{ grep { /^(?:LANG|LC_|LANGUAGE$|TZ$)/ } keys %ENV };

# The world that the driver's options make, and what it said.
sub world_of {
    my ($how, @options) = @_;
    my $file = "$folder/" . ++$serial;
    my ($status, $out, $err) =
        run($how, @{ $how->{under} || [] }, $DRIVER, @options, $PROBE, $file);

    # Without /proc a sanitizer has something to say about itself.
    $err =~ s/^(?:==\d+==WARNING: |False positive error reports|For details see).*\n//mg
        if $ENV{NETIO_TEST_SANITIZED};
    is("$status $err", '0 ', "@options: the driver")                                  or diag($out);
    like($out, qr/\Acode 0\npid \d+\n(?:status 0|wait -10)\n\z/, "... and the child") or return {};
    my $world = read_world($file);
    is($world->{pid}, ($out =~ /^pid (\d+)/m)[0], '... is ours');
    is_deeply($world->{argv}, [$PROBE, $file], '... with its arguments');
    return $world;
}

# All that a parent can do wrong.
sub be_hostile {
    $SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM CHLD PIPE USR1 TSTP TTOU);
    my $all = POSIX::SigSet->new;
    $all->fillset;
    POSIX::sigprocmask(POSIX::SIG_BLOCK(), $all) or die "sigprocmask: $!\n";
    kill $_, $$ for qw(ALRM USR2 WINCH);    # pending
    umask 0777;
    chdir $folder or die "$folder: $!\n";
    $) = '0 0 1 2 3 4 27 1000 65533';
    @ENV{qw(LD_LIBRARY_PATH IFS PERL5OPT CREDENTIALS_DIRECTORY HOME USER PATH BASH_ENV)} =
        ('/nowhere') x 8;
    return;
}

my $ours = world_of({});
is_world($ours, { documented() }, 'as who we are');
is_world(
    world_of({}, '-u', 'nobody'),
    { documented('nobody'), gains_tty => 'yes', dumpable => 1 },
    'as nobody'
);
is_world(
    world_of({ setup => \&be_hostile }, '-n', 500, '-u', 'nobody'),
    { documented('nobody') },
    'C8 C9 C10 C12 of a parent with signals ignored, blocked and pending, 500 descriptors, '
        . 'foreign groups, umask 0777, a hostile environment'
);
is_world(
    world_of({ setup => \&be_hostile }, '-n', 10_000),
    { documented(), groups => '0 1 2 3 4 27 1000 65533' },
    'C9 one with 10,000 descriptors, of the same user'
);

is_world(world_of({}, '-x', '-u', 'nobody'), { documented('nobody') }, 'C6 with 0 to 2 closed');

is_world(
    world_of({}, '-m', '077', '-d', '/usr/bin', '-c', 4096, '-e', 'A=1', '-e', 'HOME', '-e', 'X*'),
    {
        documented(),
        umask         => '0077',
        cwd           => '/usr/bin',
        'rlimit.core' => '4096 4096',
        env => ['A=1', "HOME=$ENV{HOME}", map { "$_=$ENV{$_}" } sort grep { /^X/ } keys %ENV],
    },
    'what is asked for'
);
is_world(world_of({}, '-m', '01000'), { documented(), umask => '0000' }, 'C12 an umask of 0');
is_world(
    world_of({}, '-p', '-u', 'nobody'),
    { documented('nobody'), no_new_privs => 0, cap_bnd => $ours->{cap_bnd} },
    'one that may gain privileges'
);

my $bind = sprintf '%016x', 1 << 10;
is_world(
    world_of({}, '-u', 'nobody', '-k', 1 << 10),
    { documented('nobody'), map { ("cap_$_" => $bind) } qw(eff prm inh amb bnd) },
    'C16 with one capability'
);

# Its own process group in the session that the driver is in.
my $same = world_of({ setup => sub { POSIX::setsid() } }, '-s');
is_world($same, { documented(), session_leader => 'no' }, 'in the same session');
isnt($same->{sid}, $same->{pid}, 'which is another than its own');

my $names = "$folder/names";
spew($names, "text\n");
open my $text, '<', $names or die "$names: $!\n";
is_world(
    world_of(
        { setup => sub { POSIX::dup2(fileno $text, 9) } },
        '-f', '9:3', '-f', '9:1', '-u', 'nobody'
    ),
    {
        documented('nobody'),
        fds    => '0 1 2 3',
        'fd.1' => "reg $names rdonly",
        'fd.3' => "reg $names rdonly",
    },
    'with descriptors'
);

# Other mounts, in a namespace that ends with the driver.
SKIP: {
    my @unshare = ('unshare', '-m', 'sh', '-ec');
    skip 'no mount namespaces here', 2 if system('unshare -m true 2>/dev/null') != 0;
    my $no_proc = { under => [@unshare, 'umount -l /proc; exec "$@"', 'sh'] };
    my %wanted  = documented('nobody');
    delete @wanted{qw(root tpgid)};    # where the probe reads those
    is_world(world_of($no_proc, '-n', 100, '-u', 'nobody'), \%wanted, 'C22 without /proc');

    for my $dev ('true', 'echo wrong >/dev/null', 'mknod /dev/null c 1 5') {
        my ($status, $out) = run(@unshare, "mount -t tmpfs none /dev; $dev; exec \"\$\@\"",
            'sh', $DRIVER, $PROBE, "$folder/none");
        like($out, qr{^code (?:ENOENT|ENODEV)\nchild /dev/null: }, "C7 $dev: refused");
        ok(!-e "$folder/none", '... and nothing was executed');
    }
}

done_testing;
