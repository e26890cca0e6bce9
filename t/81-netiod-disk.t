# C5, netiod on a full disk: all kinds of services are served, also after a reload and an upgrade;
# when there is room again the log goes on and says how much it lacks; a pid file that cannot be
# written is a reason not to start.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::Inetd;
use NetIO::Test::Patience;
use NetIO::Test::Process qw(as_reaper);
use NetIO::Test::Run;
use NetIO::Test::World;
use Test::More;

alarm 300;

plan skip_all => 'who is not root mounts nothing' if $> != 0;
private_mounts();

my $disk = File::Temp->newdir;
system('mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', $disk) == 0 or die "no tmpfs\n";
my $mine = $$;
END { system 'umount', '-l', $disk if $mine && $mine == $$ }

sub fill_disk {
    open my $file, '>', "$disk/all" or die "$disk/all: $!\n";
    1 while syswrite $file, "\0" x 4096;
    return !syswrite $file, "\0";
}

my $SCRIPT = spew("$disk/script", qq{print STDERR "said\\n"; print "ok\\n";\n});
my $BEFORE = <<"CONF";
127.0.0.1:{exec} stream tcp nowait nobody /bin/echo echo ok
said on listen = 127.0.0.1:{said}, user = nobody, exec = /bin/sh, args = sh -c "echo err >&2; echo ok";
wait on listen = 127.0.0.1:{wait}, user = nobody, wait = yes, exec = /usr/bin/perl,
    args = perl -MSocket -e "accept my \$c, STDIN; syswrite \$c, qq{ok\\n}";
127.0.0.1:{daytime} stream tcp nowait root internal daytime
CONF
# Perl loads no library with a sanitizer that is not preloaded, as nothing is for a program of netiod's.
$BEFORE .= "pool on listen = 127.0.0.1:{pool}, user = nobody, exec = $SCRIPT, pool = 1;\n"
    if !$ENV{NETIO_TEST_SANITIZED};

sub unserved {
    my ($d) = @_;
    my @others = grep { $_ ne 'daytime' } sort keys %{ $d->{ports} };

    return join ' ', (grep { $d->answer($_) ne "ok\n" } @others),
        $d->answer('daytime') =~ /^\w+ \w+ .*\r\n\z/ ? () : 'daytime';
}

chmod 0755, $disk;
ok fill_disk(), 'a full disk';
my $d = NetIO::Test::Inetd->start(
    config => $BEFORE,
    ready  => 0,
    args   => ['--log', "$disk/log", '--pidfile', '{DIR}/pid']
);
# The log, on the full disk, cannot say when.
ok eventually {
    -s "$d->{dir}/pid" && eval { $d->connect('exec') }
}, 'it starts';
is unserved($d), '', 'all are served';
$d->configure($BEFORE . "127.0.0.1:{more} stream tcp nowait nobody /bin/echo echo ok\n");
$d->kill('HUP');
$d->port('more');
ok eventually {
    eval { $d->connect('more') }
}, 'a reload';
is unserved($d), '', 'all are served after it';
my $first = $d->pid;
as_reaper();
$d->kill('USR2');
ok eventually { slurp("$d->{dir}/pid") != $first }, 'an upgrade';
push @{ $d->{before_it} }, $first;
$d->{pid} = slurp("$d->{dir}/pid") + 0;
is $d->left,       0,  'the predecessor ends';
is unserved($d),   '', 'all are served after it';
is -s "$disk/log", 0,  'there was no room for a line';

unlink "$disk/all" or die "$disk/all: $!\n";
is unserved($d), '', 'with room again, too';
my $port = $d->port('exec');
ok eventually { slurp("$disk/log") =~ /$port: end for / }, 'the log goes on';
like slurp("$disk/log"), qr/\A\S+ netiod\[$d->{pid}\]: lines lost before this one: \d+\n/,
    'and says how much it lacks';
is $d->stop, 0, 'it ends';
$d->finish;

ok fill_disk(), 'a full disk again';
my ($exit, $out, $err) = NetIO::Test::Inetd->look($BEFORE, '-f', '--pidfile', "$disk/pid");
is "$exit|$out", '73|', 'C5 no pid file: it does not start';
like $err, qr{^netiod: pid file $disk/pid: No space left on device\n\z}m, 'and says why';
ok !-e "$disk/pid", 'and leaves none';

done_testing;
