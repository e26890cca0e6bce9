# F8, F10: a program in Perl that uses all of NetIO, succeeds and fails with it, dies in handlers
# and leaves handles and errors to the end of the program, under valgrind: nothing of ours reads
# or writes what it may not, and nothing of ours is lost.  Perl frees all it has at the end, as
# with PERL_DESTRUCT_LEVEL=2, when Perl::Destruct::Level is there.
#
# Perl itself keeps memory on purpose and reads words beyond the end of strings: what is reported
# counts when a function of NetIO.so stands in its list of callers.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use NetIO::Test::Peer;
use Test::More;

alarm 300;

plan skip_all => 'a sanitizer is at work already' if $ENV{LD_PRELOAD};
plan skip_all => 'no valgrind here'               if system 'valgrind --version >/dev/null 2>&1';

my $PROGRAM = <<'CODE';
use strict;
use warnings;
BEGIN { eval { require Perl::Destruct::Level; Perl::Destruct::Level->import(level => 2); 1 }
    and print "destruct level 2\n" }
use NetIO;
use Time::HiRes qw(ITIMER_REAL setitimer);

alarm 200;
my ($echo, $refusing, $silent, $reset) = @ARGV;
my @at_end;
our $global = tcpopen('127.0.0.1', $echo);

sub opened { return tcpopen('127.0.0.1', $_[0], timeout => 20, deadline => 60, @_[1 .. $#_]) }

for (1 .. 3) {
    my $fh = opened($echo);
    print {$fh} "one\ntwo\n", 'x' x 20_000, "\n";
    my @lines = (scalar <$fh>, scalar <$fh>, scalar <$fh>);
    print {$fh} "more\n";
    read $fh, my $text, 3;
    my @values = map { $fh->$_ } qw(fileno opened deadline timeout error peerhost peerport
        sockhost sockport connected);
    $fh->deadline(30), $fh->timeout(3), $fh->timeout(undef);
    open my $dup, '>&', $fh or die "dup: $!\n";
    close $dup;
    $fh->shutdown(1);
    $_ % 2 ? close $fh : push @at_end, $fh;
}
{
    my $fh = opened($silent, fatal => 1);
    $fh->deadline(0);
    eval { my $line = <$fh> };
    eval { print {$fh} 'x' };
    my $other = opened($silent);
    $other->deadline(0.05);
    my $line = <$other>;
    local $SIG{ALRM} = sub { die { enough => 1 } };
    $other->deadline(60);
    eval { setitimer(ITIMER_REAL, 0.05); my $more = <$other> };
    push @at_end, $@, $other->error;
    eval { setitimer(ITIMER_REAL, 0.05); tcpopen('localhost', $silent, timeout => 0); };
    setitimer(ITIMER_REAL, 0);
    alarm 200;
}
{
    my $fh = opened($reset);
    print {$fh} "line\n";
    my @lines = <$fh>;
    print {$fh} "x\n";
    close $fh;
}
for (['127.0.0.1', $refusing], ['localhost', $refusing], ['', 1], ["a\nb", 1], ['127.0.0.1', 'x y'],
    ['127.0.0.1', 1, nosuch => 1], ['127.0.0.1', 1, timeout => 'x'], ['nosuch.invalid', 1],
    ['127.0.0.1', 1, 'odd'], ["\x{263a}.invalid", 1], [undef, undef])
{
    my ($host, $service, @options) = @$_;
    eval { tcpopen($host, $service, @options == 1 || @options ? @options : (timeout => 0.5)) };
    push @at_end, $@;
    my $text = "$@" . (0 + $@) . join ' ', map { $_ // '' } map { $@->$_ } qw(message file line
        host service stage code errno address elapsed code_name text);
    my @attempts = $@->attempts;
}
NetIO::Error->import;
if (NetIO->can('udpopen')) {
    my $fh = NetIO::udpopen('127.0.0.1', $refusing, timeout => 5);
    eval { NetIO::unixopen('/nonexistent', timeout => 1) };
    push @at_end, $fh, $@;
}
if (NetIO->can('udp_ask')) {
    eval { NetIO::udp_ask('x', ["127.0.0.1:$refusing"], timeout => 0.1) };
    push @at_end, $@;
}
if (NetIO::Socket->can('read_line')) {
    my $fh = opened($echo);
    print {$fh} "line\nfour";
    my $line = $fh->read_line(max => 100, timeout => 20);
    my $four = $fh->read_octets(4);
    my $none = $fh->read_line(timeout => 0.05);
    push @at_end, $fh;
}
if (defined &NetIO::Socket::new) {
    my $fh = NetIO::Socket->new(PeerAddr => '127.0.0.1', PeerPort => $echo, Timeout => 20);
    print {$fh} "line\n";
    my $line = <$fh>;
    push @at_end, $fh, NetIO::Socket->new(Listen => 1, LocalAddr => '127.0.0.1');
    my $not = NetIO::Socket->new(PeerAddr => "127.0.0.1:$refusing", Timeout => 20);
}
if (NetIO->can('timeout')) {
    eval { NetIO::timeout(sub { sleep 5 }, 0.05) };
    push @at_end, $@;
    NetIO::timeout(sub { return 1 }, 5);
}
$SIG{__DIE__} = sub { push @at_end, $_[0] };
eval { tcpopen('127.0.0.1', $refusing) };
print "done\n";
CODE

my $folder = File::Temp->newdir;
open my $file, '>', "$folder/program" or die "program: $!\n";
print {$file} $PROGRAM or die "program: $!\n";
close $file            or die "program: $!\n";

my %peer = (
    echo   => NetIO::Test::Peer->start('echo'),
    refuse => NetIO::Test::Peer->refusing,
    silent => NetIO::Test::Peer->start('silent'),
    reset  => NetIO::Test::Peer->start(reset => "line\n"),
);
my @command = (
    $^X, (map { "-I$_" } grep { /\bblib\b/ } @INC),
    "$folder/program", map { $_->port } @peer{qw(echo refuse silent reset)}
);

sub run_under {
    my (@under) = @_;
    my $pid = open(my $out, '-|') // die "fork: $!\n";

    if (!$pid) {
        open STDERR, '>&', \*STDOUT or die "dup: $!\n";
        exec(@under, @command) or die "exec: $!\n";
    }
    my $said = do { local $/; <$out> };
    close $out;
    return ($said // '', $?);
}

# Blocks of valgrind's report, each an error or a loss, in which a function of ours is named.
sub ours_in {
    my ($log) = @_;
    open my $fh, '<', $log or die "$log: $!\n";
    local $/;
    my @blocks = split /^==\d+== \n/m, <$fh> =~ s/^--.*\n//gmr;

    return grep { /NetIO\.so|netio_|xs_/i && /\bat 0x/ } @blocks;
}

my ($said, $status) = run_under();
like $said, qr/^done\n\z/m, 'the program by itself';
is $status, 0, 'ends as it should';
my $level = $said =~ /^destruct level 2\n/ ? '' : ', without Perl::Destruct::Level';

my $log = "$folder/valgrind";
($said, $status) = run_under(
    'valgrind',          "--log-file=$log",
    '--leak-check=full', '--show-leak-kinds=definite,indirect',
    '--num-callers=30',  '--track-fds=no'
);
like $said, qr/^done\n\z/m, 'the program under valgrind';
is $status, 0, 'ends as it should';
my @ours   = ours_in($log);
my @losses = grep { /(?:definitely|indirectly) lost/ } @ours;
my @errors = grep { !/(?:possibly|definitely|indirectly) lost|still reachable/ } @ours;
is "@losses", '', 'F10 nothing of ours is lost, definitely or indirectly';
is "@errors", '', "F8 F10 nothing of ours does what it may not, global destruction included$level";

done_testing;
