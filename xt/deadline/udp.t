# One deadline covers all of netio_udp_ask: names, every server, every round.

use strict;
use warnings;
use lib 't/lib';
use NetIO::Test::Measured;

use IO::Socket::INET;
use NetIO::Test::C;
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::OnTime;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $DRIVER = c_program('drive-udp');
my @timed  = ($DRIVER, '-t', 0.01, '-r', on_time_trials);

# They never read what they are sent.
my @silent = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1:0', Proto => 'udp') } 1 .. 8;
my @names  = map { '127.0.0.1:' . $_->sockport } @silent;

on_time('a silent server',                   @timed, $names[0]);
on_time('eight silent servers',              @timed, @names);
on_time('eight silent servers, asked often', @timed, '-w', 1, @names);
on_time('A15 eight, 5,000 signals a second', @timed, '-s', @names);

SKIP: {
    my $missing = NetIO::Test::Netns->missing;
    skip $missing, 6 if $missing;
    my $ns  = NetIO::Test::Netns->new('lateudp', 'resolv.conf' => "nameserver 127.0.0.1\n");
    my $dns = NetIO::Test::DNS->start($ns, "silent.test * silent\nother.test * silent\n");
    on_time('A11 a silent name server', $ns->prefix, @timed, 'silent.test');
    on_time('A11 for two names', $ns->prefix, @timed, 'silent.test', 'other.test');
}

done_testing;
