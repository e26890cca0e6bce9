# Upgrades while clients come without a pause, good and failed ones in turn: not one connection is
# lost or refused (B23; the whole is in make soak).

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Upgrade;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $CLIENTS = 2;
my $ROUNDS  = 10;
my @FAILS   = qw(exit crash stop late);

my $u = NetIO::Test::Upgrade->start;
$u->heard('ready');

# Each asks again and again until it is told to end, and says how it went.
pipe my $told, my $tell or die "pipe: $!\n";
my @clients = map {
    my $pid = open my $said, '-|';
    defined $pid or die "fork: $!\n";
    if (!$pid) {
        close $tell;
        my ($asked, $lost, %who) = (0, 0);
        my $wanted = '';
        vec($wanted, fileno $told, 1) = 1;
        while (!select my $ended = $wanted, undef, undef, 0) {
            my $answer = $u->ask;
            $asked++;
            $answer =~ /\A\d+\z/ ? $who{$answer}++ : $lost++;
        }
        print "$asked $lost ", scalar keys %who, "\n";
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    $said;
} 1 .. $CLIENTS;

for my $round (1 .. $ROUNDS) {
    $u->behave($FAILS[$round % @FAILS]);
    $u->usr2;
    $u->heard('starting');
    $u->heard('kept');
    $u->behave('');
    $u->usr2;
    $u->heard('starting');
    $u->heard('ready');
    $u->heard('upgraded');
    $u->reap if $round == 1;
}
close $tell;
for my $client (@clients) {
    my ($asked, $lost, $who) = split ' ', readline $client;
    is $lost, 0, "B23 of $asked connections none was lost in $ROUNDS upgrades and as many failed";
    cmp_ok $who, '>', 1, "$who processes have answered";
    close $client;
}
$u->stop;

done_testing;
