package NetIO::Test::Patience;

# Waits for what has no descriptor to wait on: what the kernel says of a process, what another one has
# written, what a server answers from some moment on.
#
#     ok eventually { !-e $path }, 'the path goes';
#     my $count = least { descriptors($pid) };    # of what comes and goes

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes ();

our @EXPORT = qw(eventually least);

use constant {
    PATIENCE => 60,       # seconds
    PAUSE    => 0.005,    # seconds
    LOOKS    => 40,
};

# What the code returns once that is true; after a long time whatever it returns, in scalar context.
sub eventually(&) {    ## no critic (ProhibitSubroutinePrototypes)
    my ($code) = @_;
    my $until = Time::HiRes::time() + PATIENCE;
    my $is;

    Time::HiRes::sleep(PAUSE) until $is = $code->() or Time::HiRes::time() > $until;
    return $is;
}

# The least that the code returns for a while: at rest, when it may have had something to do at first.
sub least(&) {    ## no critic (ProhibitSubroutinePrototypes)
    my ($code) = @_;
    my $least = $code->();

    for (1 .. LOOKS) {
        Time::HiRes::sleep(PAUSE);
        my $now = $code->();
        $least = $now if $now < $least;
    }
    return $least;
}

1;
