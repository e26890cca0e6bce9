# A22: a network with a round trip of 200 ms that loses a tenth of its packets and doubles some.
# A connection comes about, or the deadline ends it; nothing else, and nothing stays behind.

use strict;
use warnings;
use lib 't/lib';

use IPC::Open2;
use NetIO::Test::C;
use NetIO::Test::Netns;
use Test::More;

my ($DRIVER, $RELAY) = map { c_program($_) } qw(drive-open drive-relay);
needs_netns(300, -e '/dev/net/tun' ? '' : 'no /dev/net/tun here');

my @ns =
    map { NetIO::Test::Netns->new($_, hosts => "192.0.2.77 pair\n192.0.2.2 pair\n") } qw(near far);

# Something that says a word when it is ready, and ends with its input.
sub start {
    my ($word, @command) = @_;
    my $pid = open2(my $out, my $in, @command);

    is(readline $out, "$word\n", $word);
    return { pid => $pid, in => $in, out => $out };
}

# What it says at the end.
sub finish {
    my ($process) = @_;

    close $process->{in};
    my $said = readline $process->{out};
    waitpid $process->{pid}, 0;
    return $said // '';
}

my $relay = start('ready', $RELAY, '-d', 100, '-l', 10, '-u', 1, '-s', 22, map { $_->name } @ns);
for my $i (0, 1) {
    $ns[$i]->ip('addr add 192.0.2.' . ($i + 1) . '/24 dev nio1');
    $ns[$i]->ip('link set nio1 up');
}
my $listener = start('listening', $ns[1]->prefix, $^X, '-MIO::Socket::INET', '-e', <<'SERVER');
my $fh = IO::Socket::INET->new(LocalAddr => '192.0.2.2:4343', Listen => 128) or die "$@\n";
syswrite STDOUT, "listening\n";
sysread STDIN, my $end, 1;
SERVER

# Many at a time: most of the time is waiting.
my %ended;
my @running = map {
    open my $out, '-|', $ns[0]->prefix, $DRIVER, '-t', 2, $_ % 2 ? '192.0.2.2' : 'pair', 4343
        or die "fork: $!\n";
    $out
} 1 .. 20;
for my $out (@running) {
    my $said   = do { local $/; <$out> };
    my ($code) = $said =~ /^code (\S+)$/m;
    my ($left) = $said =~ /^left (\d+)$/m;
    close $out;
    $ended{ ($code // 'none') . ' ' . ($left // 'none') }++;
}
my $ok   = delete $ended{'0 0'};
my $late = delete $ended{'ETIMEDOUT 0'} // 0;
is_deeply(\%ended, {}, 'A22 each opens or meets its deadline, and leaves nothing open');
cmp_ok($ok // 0, '>', 10, "A22 most of them open ($late did not)");
finish($listener);
like(finish($relay), qr/^carried \d+, lost [1-9]\d*, doubled \d+$/, 'A22 packets were lost');

done_testing;
