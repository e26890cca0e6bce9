# The deadline is the deadline of a whole call of netio_stream, whatever the peer does meanwhile:
# nothing, a byte a millisecond, bytes without a pause, reading without one.

use strict;
use warnings;
use lib 't/lib';
use NetIO::Test::Measured;

use NetIO::Test::C;
use NetIO::Test::OnTime;
use Test::More;

alarm 300;

my $DRIVER = c_program('drive-stream');
my @timed  = ($DRIVER, '-t', 0.01, '-r', on_time_trials);

on_time("A6 $_, a peer that never speaks", @timed, $_, 'mute') for qw(line octets finish);
on_time("A7 $_, a peer that drips", @timed, $_, 'drip') for qw(line until rest octets finish);
on_time("A7 $_, a peer that sends without a pause", @timed, $_, 'flood') for qw(line until finish);
on_time('a peer that never reads',                  @timed, 'write', 'mute');
on_time("A15 $_, 5,000 signals a second",    @timed, '-s', $_,      'drip') for qw(line octets);
on_time('A15 write, 5,000 signals a second', @timed, '-s', 'write', 'mute');

done_testing;
