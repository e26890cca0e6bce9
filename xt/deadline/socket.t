# The Timeout of NetIO::Socket is the time it takes: new, connect and accept return within 20 ms
# after it, 95 times of 100, signals or not.  Each call takes turns with a bare select() for the
# same time: on a machine too busy for that, as many trials are excused.

use strict;
use warnings;

use lib 't/lib';
use NetIO::Test::Measured;

use NetIO::Socket;
use NetIO::Test::OnTime;
use NetIO::Test::Peer;
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

alarm 300;

my $TRIALS  = 100;
my $TIMEOUT = 0.02;

my $full     = NetIO::Test::Peer->full;
my $listener = NetIO::Socket->new(Listen => 1, LocalHost => '127.0.0.1', Timeout => $TIMEOUT);
my ($info)   = (Socket::getaddrinfo($full->host, $full->port, { socktype => SOCK_STREAM }))[1];
my @silent   = ($info) x 4;
my @timeout  = (Timeout => $TIMEOUT);

my %call = (
    'new' => sub {
        NetIO::Socket->new(PeerHost => $full->host, PeerPort => $full->port, @timeout);
    },
    'new, four addresses' => sub { NetIO::Socket->new(PeerAddrInfo => \@silent, @timeout) },
    'connect'             => sub {
        NetIO::Socket->new(Family => AF_INET, @timeout)->connect($info->{addr});
    },
    'accept' => sub { scalar $listener->accept },
);

sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub bare {
    my $until = now() + $TIMEOUT;

    while ((my $left = $until - now()) > 0) {
        my $bits = '';
        vec($bits, fileno $listener, 1) = 1;
        select $bits, undef, undef, $left;
    }
    return now() - $until;
}

sub check_all {
    my ($how) = @_;

    for my $name (sort keys %call) {
        my (@late, @bare);
        for (1 .. $TRIALS) {
            my $began = now();
            my $got   = $call{$name}->();
            push @late, now() - $began - $TIMEOUT;
            die "$name: it worked\n" if $got;
            push @bare, bare();
        }
        is_on_time("$name$how", \@late, \@bare);
    }
    return;
}

check_all('');

under_signals(sub { check_all(', A15 signals') });

done_testing;
