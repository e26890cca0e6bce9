# netio_server keeps its deadlines: a hundred peers each that say nothing, drip a byte now and
# then, never read, never close; 95 of each end within 20 ms of their time, and none early.

use strict;
use warnings;
use lib 't/lib';
use NetIO::Test::Measured;

use NetIO::Test::C;
use Test::More;

alarm 120;

my $DRIVER = c_program('drive-deadlines');

open my $driver, '-|', $DRIVER, 'run' or die "$DRIVER: $!\n";
chomp(my @lines = <$driver>);
ok(close $driver, 'the driver ran');

my %late;
/\A(idle|slow|drain) (-?\d+)\z/ && push @{ $late{$1} }, $2 for @lines;
my %name = (
    idle  => 'B4: silent, or dripping',
    slow  => 'never reading',
    drain => 'never closing',
);
for my $word (sort keys %name) {
    my @late  = sort { $a <=> $b } @{ $late{$word} || [] };
    my $want  = $word eq 'idle' ? 200 : 100;
    my $close = grep { $_ <= 20_000 } @late;

    is(scalar @late, $want, "$name{$word}: all of them end");
    cmp_ok($late[0] // -1, '>=', 0,            "$name{$word}: none before its deadline");
    cmp_ok($close,         '>=', 0.95 * $want, "$name{$word}: within 20 ms");
    diag("$word: median $late[@late / 2] us late, last $late[-1] us") if @late;
}
is((grep { /\Asteady/ } @lines)[0], 'steady served', 'who keeps up is never cut off');

done_testing;
