# A26: each system call on the way to a connection fails, as strace(1) makes it, in eight ways: its
# second time only, and from the first time on.  The way is a race of a silent address and one that
# is well.  Each run opens, or says why not, by its deadline; no descriptor is left.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::C;
use NetIO::Test::Netns;
use Test::More;

my $DRIVER   = c_program('drive-open');
my $folder   = File::Temp->newdir;
my $TOGETHER = 4;                         # most of the time is waiting
needs_netns(240, system('strace -o /dev/null true 2>/dev/null') ? 'no strace here' : '');

my $ns  = NetIO::Test::Netns->new('traced', hosts => "198.51.100.1 pair\n198.51.100.2 pair\n");
my $far = NetIO::Test::Netns->new('far');
$ns->join($far, ['192.0.2.1/24'], ['192.0.2.2/24']);
$ns->ip('route add default via 192.0.2.2');
$far->sysctl('net.ipv4.ip_forward', 1);
$far->ip('route add blackhole 198.51.100.0/24');
$far->ip('addr add 198.51.100.2/32 dev lo');
my $listener_pid = open my $listener, '-|', $far->prefix, $^X, '-MIO::Socket::INET', '-e',
    <<'SERVER' or die "$!\n";
my $fh = IO::Socket::INET->new(LocalAddr => '198.51.100.2:4343', Listen => 1024) or die "$@\n";
syswrite STDOUT, "listening\n";
sleep 240;
SERVER
is(readline $listener, "listening\n", 'a listener');

# What is wrong with what the driver said; '' for nothing.
sub trouble {
    my ($call, $said, $status) = @_;

    return "status $status: $said"         if $status != 0;
    return "descriptors are left: $said"   if $said !~ /^left 0$/m;
    return "neither opened nor not: $said" if $said !~ /^code (?:0|E[A-Z0-9]+|NETIO_E[A-Z]+)$/m;
    # Which is what says "wait" in C; poll(2) may give it as an error of its own.
    return "no error: $said" if $said =~ /^code EAGAIN$/m && $call ne 'poll';
    return '';
}

# Starts the driver under strace, which writes down what it did.
sub start {
    my ($call, $fault) = @_;
    my @strace = ('strace', '-qq', '-o', "$folder/$fault", '-e', "trace=$call");

    open my $out, '-|', $ns->prefix, @strace, '-e', "inject=$call:error=$fault", $DRIVER, '-t', 0.2,
        'pair', 4343
        or die "fork: $!\n";
    return [$fault, $out];
}

sub is_injected {
    my ($fault) = @_;

    open my $file, '<', "$folder/$fault" or die "$folder/$fault: $!\n";
    return scalar grep { /INJECTED/ } <$file>;
}

for my $call (qw(socket connect getsockopt getpeername getsockname poll epoll_create1 epoll_ctl)) {
    my @plan = map {
        my $error = $_;
        map { "$error:when=$_" } '2', '1+'
    } qw(EINTR EAGAIN EIO ENOMEM EMFILE ENFILE EACCES EPERM);
    my ($ways, @trouble) = (0);
    while (my @now = splice @plan, 0, $TOGETHER) {
        for (map { start($call, $_) } @now) {
            my ($fault, $out) = @$_;
            my $said = do { local $/; <$out> };
            close $out;
            my $trouble = trouble($call, $said // '', $?);
            push @trouble, "$fault: $trouble" if $trouble;
            $ways += is_injected($fault) ? 1 : 0;
        }
    }
    is(join("\n", @trouble), '', "A26 $call fails in $ways ways");
    cmp_ok($ways, '>=', 8, "A26 $call did fail");
}

kill 'TERM', $listener_pid;
close $listener;

done_testing;
