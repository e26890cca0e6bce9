package NetIO::Test::C;

# Runs a test that is written in C, as part of the one prove:
#
#     use lib 't/lib';
#     use NetIO::Test::C;
#     run_c_test('addr');
#
# The program was built by make from t/c/addr.c and speaks TAP by itself.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(run_c_test);

sub run_c_test {
    my ($name) = @_;
    my $program = "csrc/build/t/$name";

    -x $program or die "$program is not there: run make first\n";
    exec { $program } $program or die "$program: $!\n";
}

1;
