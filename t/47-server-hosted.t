# A server in somebody else's loop: the examples eg/*-host.pl, and what fileno and step promise.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use NetIO::Test::Steps;

alarm 300;
$SIG{PIPE} = 'IGNORE';

# Whatever the program prints until it has said that.
sub heard {
    my ($from, $expected) = @_;
    my $all = '';

    while ($all !~ $expected) {
        sysread $from, $all, 4096, length $all or last;
    }
    return $all;
}

sub start {
    my ($program) = @_;

    pipe my $input, my $to or die "pipe: $!\n";
    my $pid = open my $from, '-|';
    die "fork: $!\n" if !defined $pid;
    if (!$pid) {
        close $to;
        open STDIN, '<&', $input or die "dup: $!\n";
        exec $^X, '-Iblib/lib', '-Iblib/arch', $program, '127.0.0.1:0' or die "exec: $!\n";
    }
    my ($port) = heard($from, qr/\n/) =~ /^listening on 127\.0\.0\.1:(\d+)$/m;
    return ($pid, $to, $from, $port);
}

for my $name (qw(select ev io-async)) {
    my %module = (ev => 'EV', 'io-async' => 'IO::Async::Loop');
    SKIP: {
        skip "no $module{$name} here", 4 if $module{$name} && !eval "require $module{$name}";
        my ($pid, $to, $from, $port) = start("eg/$name-host.pl");
        my @clients = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") } 1 .. 3;
        ok $clients[2], "eg/$name-host.pl listens" or last;
        syswrite $_, "one\ntwo\n" for @clients;
        is join('', map { heard($_, qr/two/) } @clients), "one\r\ntwo\r\n" x 3, 'it serves';
        syswrite $to, "hello\n";
        my $said = $name eq 'select' ? qr/^you said hello$/m : qr/^\d+ lines$/m;
        like heard($from, $said), $said, 'and does its own work';
        close $to;
        kill TERM => $pid if $name ne 'select';
        close $from;
        is $?, 0, 'until it ends';
    }
}

# Timers make the descriptor readable; and while nothing happens it is not.
{
    my ($fired, @closed) = (0);
    my $server = serve(
        on_line      => sub { },
        read_seconds => 0.2,
        on_close     => sub { push @closed, $_[1] }
    );
    my $select = IO::Select->new($server->fileno);
    is $server->step, 0, 'nothing to do' while $select->can_read(0);
    my $client = connected($server);
    my $began  = time;
    while (!@closed && time - $began < 30) {
        $server->step if $select->can_read(30);
    }
    is_deeply \@closed, ['idle'], 'a deadline makes it readable';
    $server->timer(0.05, sub { $fired++ });
    while (!$fired && time - $began < 30) {
        $server->step if $select->can_read(30);
    }
    is $fired, 1, 'and so does a timer';
    ok !$select->can_read(0.1), 'then there is nothing';
    is $server->step(0),    0, 'step with a number of seconds';
    is fileno($client) > 0, 1, 'the client is there';
}

done_testing;
