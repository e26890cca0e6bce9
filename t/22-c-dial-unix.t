use strict;
use warnings;
use lib 't/lib';
use NetIO::Test::C;

run_c_test('dial-unix');
