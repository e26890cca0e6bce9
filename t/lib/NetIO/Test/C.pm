package NetIO::Test::C;

# Runs a test that is written in C, as part of the one prove:
#
#     use lib 't/lib';
#     use NetIO::Test::C;
#     run_c_test('addr');
#
# The program was built by make from t/c/addr.c and speaks TAP by itself.  A driver is one that a
# test in Perl calls:
#
#     my $DRIVER = c_program('drive-open');           # its path

use strict;
use warnings;

use Cwd ();
use Exporter 'import';

our @EXPORT = qw(c_program run_c_test);

sub c_program {
    my ($name) = @_;
    my $program = Cwd::getcwd() . "/csrc/build/t/$name";

    -x $program or die "csrc/build/t/$name is not there: run make first\n";
    return $program;
}

sub run_c_test {
    my ($name) = @_;
    my $program = c_program($name);

    exec {$program} $program or die "$program: $!\n";
}

1;
