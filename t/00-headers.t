# Each public header compiles alone, twice in a row, without _GNU_SOURCE.

use strict;
use warnings;

use Test::More;

alarm 300;

my $compiler = $ENV{CC} || 'cc';

for my $path (sort glob 'csrc/include/netio/*.h') {
    my ($name) = $path =~ m{^csrc/include/(.*)};
    my $command = "$compiler -std=c11 -Wall -Wextra -Werror -fsyntax-only -Icsrc/include -x c -";

    open my $cc, '|-', $command or die "$compiler: $!\n";
    print $cc "#include <$name>\n#include <$name>\nint main(void) { return 0; }\n";
    ok close($cc), "<$name> compiles alone";
}

done_testing;
