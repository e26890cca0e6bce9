package NetIO::Test::Relay;

# A wire between two network namespaces that is slow and loses packets, for kernels without
# netem: a tun device in each, and a process behind each, which keeps what comes out of it for a
# while, drops it or doubles it, and hands it to the other one.
#
#     my $relay = NetIO::Test::Relay->start($ns, $other, '192.0.2.1/24', '192.0.2.2/24',
#         delay => 0.1,          # seconds, each way
#         lose  => 10,           # every tenth packet, each way
#         first => 1,            # and so many of the first ones from $ns
#         twice => 100);         # every hundredth twice
#
# For tests; it needs root and ends with the object.

use strict;
use warnings;

use Fcntl qw(F_SETFD O_RDWR);
use IO::Select;
use Socket      qw(AF_UNIX PF_UNSPEC SOCK_DGRAM);
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

my $TUNSETIFF  = 0x400454ca;
my $TUN_NO_PI  = 0x1001;       # IFF_TUN | IFF_NO_PI: packets as they are, nothing around them
my $DEVICE     = 'relay0';
my $PACKET_MAX = 65_536;

sub missing {
    return -c '/dev/net/tun' && -w _ ? '' : '/dev/net/tun cannot be opened here';
}

sub start {
    my ($class, $ns, $other, $mine, $theirs, %how) = @_;
    my $self = bless { owner => $$, ends => [] }, $class;

    socketpair my $left, my $right, AF_UNIX, SOCK_DGRAM, PF_UNSPEC or die "socketpair: $!\n";
    my $first = delete $how{first} // 0;
    $self->_start_end($ns,    $left,  $mine,   first => $first, %how);
    $self->_start_end($other, $right, $theirs, %how);
    return $self;
}

# One end: it says "ready", and is gone when its standard input is.
sub _start_end {
    my ($self, $ns, $wire, $address, @how) = @_;

    pipe my $from_test, my $to_end  or die "pipe: $!\n";
    pipe my $from_end,  my $to_test or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDIN,  '<&', $from_test or die "dup: $!\n";
        open STDOUT, '>&', $to_test   or die "dup: $!\n";
        fcntl $wire, F_SETFD, 0 or die "fcntl: $!\n";
        exec($ns->prefix, $^X, __FILE__, fileno $wire, @how) or die "exec: $!\n";
    }
    push @{ $self->{ends} }, { pid => $pid, in => $to_end };
    close $to_test;
    (readline($from_end) // '') eq "ready\n" or die "an end of the relay did not start\n";
    $ns->ip("addr add $address dev $DEVICE" . ($address =~ /:/ ? ' nodad' : ''));
    $ns->ip("link set $DEVICE up");
    return;
}

sub DESTROY {
    my ($self) = @_;
    local ($@, $!, $?);

    return if $self->{owner} != $$;
    close $_->{in} for @{ $self->{ends} };
    waitpid $_->{pid}, 0 for @{ $self->{ends} };
    return;
}

# ---- an end ------------------------------------------------------------------------------

sub open_device {
    sysopen my $tun, '/dev/net/tun', O_RDWR or die "/dev/net/tun: $!\n";
    ioctl $tun, $TUNSETIFF, pack 'a16 S x22', $DEVICE, $TUN_NO_PI or die "TUNSETIFF: $!\n";
    return $tun;
}

# How often the packet of this number goes on.
sub copies {
    my ($number, $how) = @_;

    return 0 if $number <= $how->{first};
    return 0 if $how->{lose} && $number % $how->{lose} == 0;
    return $how->{twice} && $number % $how->{twice} == 0 ? 2 : 1;
}

sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub main {
    my ($wire_number, %how) = @_;
    %how = (first => 0, delay => 0, lose => 0, twice => 0, %how);
    open my $wire, '+<&=', $wire_number or die "the wire: $!\n";
    my $tun    = open_device();
    my $select = IO::Select->new($wire, $tun, \*STDIN);
    my ($number, @later) = (0);    # [when, packet], soonest first: the delay is always the same

    syswrite STDOUT, "ready\n";
    while (1) {
        my $wait = @later ? $later[0][0] - now() : undef;
        for my $fh ($select->can_read(defined $wait && $wait < 0 ? 0 : $wait)) {
            return if $fh == \*STDIN;
            my $n = sysread $fh, my $packet, $PACKET_MAX or next;
            if ($fh == $wire) { syswrite $tun, $packet; next }
            # Router and neighbour solicitations of IPv6 are no part of a test.
            next if ord($packet) >> 4 == 6 && ord(substr $packet, 6) == 58;
            push @later, [now() + $how{delay}, $packet] for 1 .. copies(++$number, \%how);
        }
        syswrite $wire, (shift @later)->[1] while @later && $later[0][0] <= now();
    }
    return;
}

main(@ARGV) if !caller;

1;
