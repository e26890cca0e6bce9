# A21: the time of day steps by an hour, by a year, to 2038 and back, at each look at it; and the
# monotonic clock has counted for three years.  Deadlines come when they should all the same.

use strict;
use warnings;

use lib 't/lib';

use Config;
use Cwd        ();
use Errno      qw(ETIMEDOUT);
use File::Temp ();
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::Peer;
use Test::More;

# Through die, so that the namespaces are removed.
$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

plan skip_all => 'a sanitizer is preloaded already' if $ENV{LD_PRELOAD};
my $folder  = File::Temp->newdir;
my $library = "$folder/clock.so";
plan skip_all => 'no C compiler here'
    if system "$Config{cc} -shared -fPIC -O1 -o $library t/data/clock.c";

# Each of these ends by its deadline of 0.2 seconds, not at once and not ever; the last two come to
# something, though a step of the clock would end them before.
my $PROGRAM = <<'CODE';
use strict;
use warnings;
use NetIO;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

my ($full, $silent, $echo) = @ARGV;
alarm 300;
sub case {
    my ($what, $least, $code) = @_;
    my $began = clock_gettime(CLOCK_MONOTONIC);
    my $result = eval { $code->() } // ($@ ? 'error ' . $@->errno : 'undef ' . ($! + 0));
    my $seconds = clock_gettime(CLOCK_MONOTONIC) - $began;
    print "$what: $result, ", $seconds < $least ? 'at once' : $seconds < 20 ? 'in time' : 'never', "\n";
}
sub opened { return tcpopen('127.0.0.1', $_[0], timeout => 30, deadline => $_[1]) }
my %seen = map { time() => 1 } 1 .. 10;
print 'jumps ', keys %seen > 3 ? 'yes' : 'no', "\n";
case(open  => 0.19, sub { tcpopen('127.0.0.1', $full, timeout => 0.2) });
case(read  => 0.19, sub { my $fh = opened($silent, 0.2); scalar <$fh> });
case(print => 0.19, sub { my $fh = opened($silent, 30); $fh->deadline(0.2);
    select undef, undef, undef, 0.25; print {$fh} 'x' or undef });
case(left  => 0, sub { my $fh = opened($silent, 1000); my $left = $fh->deadline;
    $left > 990 && $left <= 1000 ? 'right' : $left });
case(talk  => 0, sub { my $fh = opened($echo, 30); print {$fh} "x\n"; <$fh> eq "x\n" ? 'said' : 'no' });
CODE

my @perl  = ($^X, map { '-I' . Cwd::abs_path($_) } grep { /\bblib\b/ } @INC);
my @peers = (NetIO::Test::Peer->full, map { NetIO::Test::Peer->start($_) } qw(silent echo));

sub check {
    my ($name, $jumps, @under) = @_;
    my @command = (@under, @perl, '-e', $PROGRAM, map { $_->port } @peers);
    my $pid     = open(my $out, '-|') // die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT or die "dup: $!\n";
        exec(@command) or die "exec: $!\n";
    }
    my $said = do { local $/; <$out> };
    close $out;
    my $timed_out = ETIMEDOUT;
    is $said,
        join('',
        map { "$_\n" } "jumps $jumps",
        "open: error $timed_out, in time",
        "read: undef $timed_out, in time",
        "print: undef $timed_out, in time",
        'left: right, in time',
        'talk: said, in time'),
        $name;
    return;
}

my @preload = ('env', "LD_PRELOAD=$library");
check('no step',                   'no');
check('A21 the time of day steps', 'yes', @preload);
check("A21 in the time zone $_",   'yes', @preload, "TZ=$_")
    for 'Europe/Berlin', 'right/UTC', 'XXX24YYY,0/0,J365/25';

SKIP: {
    my @old = qw(unshare --time --fork --monotonic 100000000 --boottime 100000000);
    skip 'no time namespaces here', 1 if system "@old true 2>/dev/null";
    check('A21 a monotonic clock of three years', 'no', @old);
}
SKIP: {
    my $missing = NetIO::Test::Netns->missing;
    skip $missing, 1 if $missing;
    my $ns  = NetIO::Test::Netns->new('faultclock', 'resolv.conf' => "nameserver 127.0.0.1\n");
    my $dns = NetIO::Test::DNS->start($ns, "silent.test * silent\n");
    my ($status, $said) = $ns->run(@preload, @perl, '-MNetIO', '-e', <<'CODE');
alarm 300;
eval { tcpopen('silent.test', 43, timeout => 0.2) };
print $@->message;
CODE
    is $said, 'tcpopen silent.test 43: resolve: Connection timed out',
        'A21 a name server that is silent while the time of day steps';
}

done_testing;
