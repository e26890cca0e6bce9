package NetIO::Test::Talk;

# What a client says, and hears, over a stream:
#
#     is talk($socket, 'a'), "a\n";            # a line, and the one that is the answer
#     is ask($socket, "a\nb\n"), "a\nb\n";     # that and no more; all that comes
#     heard($socket, qr/ready/);               # all that comes, or until it matches
#
# '' is a client that has been let go.  When nothing comes at all for a minute each of them dies.

use strict;
use warnings;

use Exporter 'import';
use IO::Select;

our @EXPORT_OK = qw(ask heard talk);

use constant PATIENCE => 60;

# All that comes until the end of file, or until it matches.
sub heard {
    my ($client, $regex) = @_;
    my $text = '';

    until (defined $regex && $text =~ $regex) {
        IO::Select->new($client)->can_read(PATIENCE) or die "nothing comes after '$text'\n";
        sysread $client, $text, 65536, length $text or last;
    }
    return $text;
}

sub ask {
    my ($client, $text) = @_;

    local $SIG{PIPE} = 'IGNORE';
    syswrite $client, $text;
    shutdown $client, 1;
    return heard($client);
}

sub talk {
    my ($client, $line) = @_;

    local $SIG{PIPE} = 'IGNORE';
    syswrite $client, "$line\n";
    return heard($client, qr/\n/);
}

1;
