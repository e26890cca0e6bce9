# netiod: --status, a line for each service.

use strict;
use warnings;

use IO::Socket::UNIX;
use Test::More;

use lib 't/lib';
use NetIO::Test::Inetd;
use NetIO::Test::Patience;
use NetIO::Test::Run;
use NetIO::Test::Talk qw(talk);

alarm 300;

my $cat  = "127.0.0.1:{cat} stream tcp nowait root /bin/cat cat\n";
my $date = "127.0.0.1:{date} stream tcp nowait root /bin/date date\n";

# All that is said: a list of hashes, in order.
sub status {
    my ($d, $to) = @_;
    my $text = $d->status($to);

    return map {
        {
            map { split /=/, $_, 2 } split
        }
    } split /\n/, $text;
}

{
    my $d = NetIO::Test::Inetd->start(
        config => $cat . $date . "127.0.0.1:{wait} dgram udp wait root /bin/cat cat\n",
        args   => ['--status', 'unix:{DIR}/status']
    );
    my @names = map { $d->port($_) } qw(cat date wait);

    is_deeply [map { "$_->{service} $_->{protocol} $_->{kind} $_->{state}" } status($d)],
        ["$names[0] tcp exec serving", "$names[1] tcp exec serving", "$names[2] udp wait serving"],
        'a line a service, in the order of the configuration';
    my $client = $d->connect('cat');
    talk($client, 'a');
    $d->ask(date => '');
    $d->wait_log(qr/$names[1]: end for/);
    my ($first, $second) = status($d);
    is_deeply [@$first{qw(running started ended failed)}],  [1, 1, 0, 0], 'one that runs';
    is_deeply [@$second{qw(running started ended failed)}], [0, 1, 1, 0], 'one that has ended';
    is $first->{connections} . $first->{accepted} . $first->{'refused-access'}, '110',
        'and what the engine counts';

    ok $d->reload($date), 'a reload without the one that runs';
    is_deeply [map { "$_->{service} $_->{state} $_->{running}" } status($d)],
        ["$names[1] serving 0", "$names[0] leaving 1"], 'which leaves';
    is((status($d))[0]{started}, 1, 'the other one still knows what it has done');
    close $client;
    $d->wait_log(qr/$names[0]: end for/);
    is_deeply [map { $_->{service} } status($d)], [$names[1]], 'and is forgotten when it has ended';
    ok $d->reload($cat . $date), 'a reload';
    is scalar status($d), 2, 'keeps the status, too';
    unlink $d->dir . '/status';
    ok $d->reload, 'another one';
    is scalar status($d), 2, 'has it at its path again, when that was removed';
    $d->finish;
    ok !-e $d->dir . '/status', 'whose path is removed at the end';
}

# It is one of the sockets that an upgrade passes on.
{
    my $d = NetIO::Test::Inetd->start(config => $cat, args => ['--status', '127.0.0.1:{status}']);
    my $client = $d->connect('cat');

    talk($client, 'a');
    ok $d->upgrade, 'an upgrade';
    my ($line) = status($d, 'status');
    is_deeply [@$line{qw(running connections)}], [1, 1], 'knows of those who are served already';
    close $client;
    is $d->left, 0, 'the predecessor has ended';
    eventually { !(status($d, 'status'))[0]{running} };
    is((status($d, 'status'))[0]{running}, 0, 'and then of nobody');
    $d->finish;
}

# An address is the status' or a service's.
{
    my $one = "127.0.0.1:{one} stream tcp nowait root /bin/cat cat\n";
    my $config =
          $one
        . "{two} stream tcp nowait root /bin/cat cat\n"
        . "{DIR}/s stream unix nowait root /bin/cat cat\n";
    my %taken = (
        '127.0.0.1:{one}'        => '1: 127.0.0.1:{one}',
        '{one}'                  => '1: 127.0.0.1:{one}',
        'tcp:*:{one}'            => '1: 127.0.0.1:{one}',
        '127.0.0.2:{one}'        => '',
        '127.0.0.1:0'            => '',
        '127.0.0.2:{two}'        => '2: 0.0.0.0:{two}',
        '[0:0::1]:{two}'         => '2: [::]:{two}',
        'unix:{DIR}/s,mode=0600' => '3: unix:{DIR}/s,mode=0666',
        'unix:{DIR}/status'      => '',
    );
    my $plan = NetIO::Test::Inetd->prepare(config => $config);
    my $file = $plan->dir . '/inetd.conf';
    for my $status (sort keys %taken) {
        my $want = $taken{$status} && "netiod: $file:$taken{$status}: --status has it already\n";
        my @run  = (NetIO::Test::Inetd::program(), '-t', '--status', $plan->fill($status), $file);
        my ($exit, undef, $err) = run(@run);
        is "$exit $err", ($want ? 78 : 0) . ' ' . $plan->fill($want), "--status $status";
    }
    my $d = NetIO::Test::Inetd->start(config => $one, args => ['--status', '127.0.0.1:{status}']);
    ok !$d->reload($one . "127.0.0.1:{status} stream tcp nowait root /bin/cat cat\n"),
        'nor can a reload have it';
    is scalar status($d, 'status'), 1, 'which stays the status';
    $d->finish;
}

# Many services: all of the text.
{
    my $d = NetIO::Test::Inetd->start(
        config =>
            join('', map { "127.0.0.1:{n$_} stream tcp nowait root /bin/cat cat\n" } 1 .. 300),
        args => ['--status', '127.0.0.1:{status}']
    );

    is scalar(status($d, 'status')), 300, '300 services';
    $d->finish;
}

done_testing;
