package part::start;

# What loading costs, from fork to exit: use NetIO, installed, against perl alone and against
# what else opens connections.

use strict;
use warnings;

use NetIO::Bench::Process qw(timed);
use NetIO::Bench::Tree;

sub measure {
    my ($class, $bench) = @_;
    my $lib   = NetIO::Bench::Tree->installed($bench)->lib;
    my @sides = (NetIO => ["-I$lib", '-MNetIO'], 'perl -e1' => []);

    $bench->heading('start: perl -MNetIO -e1, installed');
    push @sides, 'IO::Socket::IP' => ['-MIO::Socket::IP'];
    push @sides, EV               => ['-MEV'] if $bench->have(['EV', 'libev-perl']);
    for (grep { ref } @sides) {
        my @options = @$_;
        $_ = sub { timed('/dev/null', $^X, @options, '-e1') };
    }
    my $series = $bench->rounds($bench->pick(200, 5), @sides);
    $bench->compare($series, 'ms',  'from fork to exit, ms');
    $bench->compare($series, 'cpu', 'CPU, ms');
    return;
}

1;
