# A server and the clock on the wall: set back and forth by hours it changes nothing, neither for
# who is idle nor for limits (B15 of the fault catalogue).  libfaketime shows the server another
# time, which a file says; the monotonic clock it leaves alone, as setting the date does.

use strict;
use warnings;
use lib 't/lib';

use File::Temp qw(tempdir);
use NetIO::Test::C;
use NetIO::Test::Engine;
use Test::More;

alarm 300;

my ($library) = glob '/usr/lib/*/faketime/libfaketime.so.1';
plan skip_all => 'libfaketime is not here'                 if !$library;
plan skip_all => 'libfaketime and ASan want to come first' if $ENV{NETIO_TEST_SANITIZED};

my $folder = tempdir(CLEANUP => 1);
my $file   = "$folder/now";

sub set_clock {
    my ($offset) = @_;

    open my $new, '>', "$file.new" or die "$file.new: $!\n";
    print {$new} $offset;
    close $new or die "$file.new: $!\n";
    rename "$file.new", $file or die "$file: $!\n";
    return;
}

# What date(1) sees, in hours from now.
sub hours_off {
    return sprintf '%.0f', (`date +%s` - time) / 3600;
}

set_clock('+0');
my $server = do {
    local @ENV{
        qw(LD_PRELOAD FAKETIME_TIMESTAMP_FILE FAKETIME_NO_CACHE FAKETIME_DONT_FAKE_MONOTONIC)} =
        ($library, $file, 1, 1);
    NetIO::Test::Engine->start(c_program('drive-models'),
        'event', 'line', 'read=3', 'open=50', '127.0.0.1:0');
};

for my $jump ([forth => '+26h', 26], [back => '-1h', -1]) {
    my ($name, $offset, $hours) = @$jump;
    my @clients = map { $server->client } 1 .. 20;

    is($server->says($_, 'before'), '<before>', "B15: $name: served before") for $clients[0];
    set_clock($offset);
    {
        local @ENV{qw(LD_PRELOAD FAKETIME_TIMESTAMP_FILE FAKETIME_NO_CACHE)} = ($library, $file, 1);
        is(hours_off(), $hours, "B15: $name: the clock is set") or diag(`date`);
    }
    is(scalar(grep { $server->says($_, 'after') eq '<after>' } @clients),
        20, "B15: $name: nobody was cut");
    ok(defined $server->all_of($_), "B15: $name: who is idle is, in its time") for @clients[0, 19];
    set_clock('+0');
}
is($server->stop('TERM'), 0, 'and TERM ends it');

done_testing;
