package NetIO::Test::Patience;

# Waits for what has no descriptor to wait on: what the kernel says of a process, what another one has
# written, what a server answers from some moment on.
#
#     ok eventually { !-e $path }, 'the path goes';

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes ();

our @EXPORT = qw(eventually);

use constant { PATIENCE => 60, PAUSE => 0.005 };    # seconds

# What the code returns once that is true; after a long time whatever it returns, in scalar context.
sub eventually(&) {    ## no critic (ProhibitSubroutinePrototypes)
    my ($code) = @_;
    my $until = Time::HiRes::time() + PATIENCE;
    my $is;

    Time::HiRes::sleep(PAUSE) until $is = $code->() or Time::HiRes::time() > $until;
    return $is;
}

1;
