# netiod upgraded twenty times (SIGUSR2) while clients come without a pause: not one of them is lost,
# nor is a datagram, and in the end there is one netiod.  R14, R15, R30.

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Datagram qw(answer_udp udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Run qw(spew);

plan skip_all => 'needs root' if $> != 0;
alarm 300;

use constant { ROUNDS => 20, CLIENTS => 3 };

my $d = NetIO::Test::Inetd->start(config => <<'CONF');
127.0.0.1:{cat}  stream tcp nowait/0 root /bin/cat cat
127.0.0.1:{echo} stream tcp nowait root internal echo
127.0.0.1:{udp}  dgram  udp wait   root /usr/bin/perl perl {DIR}/udp
CONF

# It ends by itself, again and again, but never with a datagram in its hands.
spew($d->dir . '/udp', <<'PERL');
my $end = time + 2;
while (time < $end) {
    vec(my $bits = '', 0, 1) = 1;
    select($bits, undef, undef, 0.2) or next;
    my $from = recv STDIN, my $text, 1500, 0;
    send STDOUT, $text, 0, $from;
}
PERL

# One after the other until it is told to stop: how many it has asked, and why the first was lost.
sub ask_on {
    my ($port) = @_;
    my $asked  = 0;
    my $lost   = '';

    my $stop;
    local $SIG{TERM} = sub { $stop = 1 };
    while (!$stop && !$lost) {
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
        if (!$socket) {
            $lost = "connect: $!" if !$stop;    # which interrupts it
            last;
        }
        print {$socket} "client $asked\n";
        shutdown $socket, 1;
        my $answer = join '', <$socket>;
        $lost = "answer '$answer': $!" if $answer ne "client $asked\n";
        $asked++;
    }
    return ($asked, $lost);
}

# A process that asks, and the pipe to hear from it.
sub client {
    my ($port) = @_;

    pipe(my $read, my $write) or die "pipe: $!\n";
    defined(my $pid = fork)   or die "fork: $!\n";
    if (!$pid) {
        alarm 230;
        syswrite $write, join ' ', ask_on($port);
        POSIX::_exit(0);
    }
    return { pid => $pid, read => $read };
}

my @clients = map {
    my $port = $d->port($_);
    map { client($port) } 1 .. CLIENTS
} qw(cat echo);
my $udp  = udp_client($d->port('udp'));
my $lost = 0;
for my $round (1 .. ROUNDS) {
    send $udp, "datagram $round", 0;
    ok $d->upgrade, "upgrade $round";
    $lost++ if answer_udp($udp) ne "datagram $round";
}
is $lost, 0, 'R30: every datagram is answered';

my $asked = 0;
my @lost;
for my $client (@clients) {
    kill 'TERM', $client->{pid};
    my ($count, $why) = readline($client->{read}) =~ /^(\d+) (.*)/;
    waitpid $client->{pid}, 0;
    $asked += $count;
    push @lost, $why if length $why;
}
is_deeply \@lost, [], "R14, R15: of $asked clients none was lost in ${\ROUNDS} upgrades";
cmp_ok $asked, '>', ROUNDS * CLIENTS, 'they did come';
is $d->left, 0, 'predecessors have left' for 1 .. ROUNDS;
unlike $d->log_text, qr/upgrade failed|cannot start|Sanitizer/, 'not a word of trouble';
is $d->stop, 0, 'TERM ends the last one';
undef $d;

done_testing;
