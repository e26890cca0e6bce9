# netio_alarm_call around getaddrinfo(3), with name servers that answer and that do not.  The C
# library repeats what a signal interrupts: it ends by its own time limits, and the call says
# that it came too late.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::C;
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use Test::More;

my $DRIVER = c_program('drive-alarm');
needs_netns(300);

my $ns = NetIO::Test::Netns->new('alarm',
    'resolv.conf' => "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
my $dns = NetIO::Test::DNS->start($ns, <<'ZONE');
four.test           A       127.0.0.1
silent.test         *       silent
ZONE

my @table = (
    # name                seconds   what came of it
    ['four.test',   60,  qr/^UNKNOWN found /],
    ['silent.test', 0.1, qr/^ETIMEDOUT Temporary failure/],
    ['silent.test', 60,  qr/^UNKNOWN Temporary failure/],
);
for (@table) {
    my ($name, $seconds, $wanted) = @$_;
    my ($status, $said) = $ns->run($DRIVER, $seconds, $name);
    is $status, 0, 'the driver ran';
    like $said, $wanted, "A1 $name under $seconds seconds";
    note $said;
}

done_testing;
