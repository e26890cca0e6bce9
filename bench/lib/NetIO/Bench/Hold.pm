package NetIO::Bench::Hold;

# Idle connections to a server, as long as the object lives:
#
#     my $held = NetIO::Bench::Hold->new($server, 10_000);                  # none ever asks
#     my $held = NetIO::Bench::Hold->new($server, 10_000, 'cisco systems'); # each has asked once
#
# The server has accepted all of them by then, give or take as many as it has descriptors of its
# own.  Called by part/server.pm; see bench/hold.c.

use strict;
use warnings;

use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

use constant {
    PATIENCE => 120,     # seconds for all to be there
    PULSE    => 0.05,    # seconds between two looks
};

sub new {
    my ($class, $server, $count, @line) = @_;
    my $pid = open(my $output, '-|') // die "fork: $!\n";
    if (!$pid) {
        exec 'bench/build/hold', $server->port, $count, @line or die "hold: $!\n";
    }
    my $self = bless { owner => $$, pid => $pid, output => $output }, $class;
    (readline($output) // '') =~ /^holding/ or die "hold: it failed\n";
    my $until = clock_gettime(CLOCK_MONOTONIC) + PATIENCE;
    while ($server->descriptors < $count) {
        die "hold: the server has not accepted all of $count\n"
            if clock_gettime(CLOCK_MONOTONIC) > $until;
        sleep PULSE;
    }
    return $self;
}

sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$;
    local ($?, $!);
    kill 'KILL', $self->{pid};
    close $self->{output};
    return;
}

1;
