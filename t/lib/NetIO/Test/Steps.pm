package NetIO::Test::Steps;

# A NetIO::Server and its clients in one process, step by step: nothing happens but while somebody
# waits for it here.
#
#     my $server = serve(on_line => sub { $_[0]->reply("$_[1]\n") });   # on a port of its own
#     my $client = connected($server);                  # a socket
#     is tell($server, $client, "x\n"), "x\n";          # all that comes until its end of file
#     until_true($server, sub { $seen });
#     my $text = received($server, $client, 2);         # two octets

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use NetIO::Server;
use Time::HiRes qw(time);

our @EXPORT = qw(serve connected tell received until_true);

use constant PATIENCE => 30;

sub serve {
    my (%option) = @_;

    return NetIO::Server->new(listen => '127.0.0.1:0', %option)->start;
}

sub connected {
    my ($server)  = @_;
    my ($address) = $server->addresses;

    return IO::Socket::INET->new(PeerAddr => $address) || die "$address: $!\n";
}

sub until_true {
    my ($server, $seen) = @_;
    my $end = time + PATIENCE;

    while (!$seen->()) {
        $server->step(0.01);
        die "it did not happen\n" if time > $end;
    }
    return 1;
}

# What comes until there is so much of it, or its end; undef in the place of a reset.
sub received {
    my ($server, $client, $enough) = @_;
    my $text = '';

    $client->blocking(0);
    until_true(
        $server,
        sub {
            my $n;
            do { $n = sysread $client, $text, 65536, length $text } while $n;
            return $enough && length $text >= $enough if !defined $n && $!{EAGAIN};
            undef $text                               if !defined $n;
            return 1;
        }
    );
    return $text;
}

sub tell {
    my ($server, $client, $text) = @_;

    syswrite $client, $text;
    return received($server, $client);
}

1;
