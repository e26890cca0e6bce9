# B19 of the fault catalogue: no handler of a signal calls what is not async-signal-safe.  Tests
# under which signals come are run again with t/data/handlers.c preloaded, which ends a process whose
# handler does.

use strict;
use warnings;
use lib 't/lib';

use Config;
use File::Temp ();
use NetIO::Test::Run;
use Test::More;

plan skip_all => 'a sanitizer has these calls already' if $ENV{LD_PRELOAD};
alarm 300;
my $folder  = File::Temp->newdir('netio-XXXXXX', TMPDIR => 1);
my $library = "$folder/handlers.so";
plan skip_all => 'no C compiler here'
    if system "$Config{cc} -shared -fPIC -O1 -o $library t/data/handlers.c -ldl";

# There are processes of other users, too.
chmod 0755, "$folder", $library;
spew("$folder/report", "\0" x 64);
chmod 0666, "$folder/report";

# How it ends, how many signals were handled, and what a handler called.
sub under {
    my (@command) = @_;

    local @ENV{qw(LD_PRELOAD NETIO_HANDLERS)} = ($library, "$folder/report");
    my ($before) = unpack 'Q', slurp("$folder/report");
    my ($status) = run(@command);
    my ($handled, $unsafe) = unpack 'QZ*', slurp("$folder/report");
    return ($status, $handled - $before, $unsafe);
}

my @perl = ($^X, '-e', '$SIG{USR1} = sub { my @x = (1) x 1e5 }; kill USR1 => $$; sleep 0');
is_deeply [under(@perl)], [0, 1, ''], 'Perl only marks a signal';
my @programs =
    qw(safepoint alarm alarm-handler alarm-threads stream open fd child child-host loop-host udp-ask);
for my $test (@programs) {
    my ($status, $handled, $unsafe) = under("csrc/build/t/$test");

    is $status, 0, "t/c/$test.c passes";
    cmp_ok $handled, '>', 0, "B19: of $handled handlers there";
    is $unsafe, '', 'B19: none calls what it should not';
}
for my $test (qw(55-timeout 47-server-process 86-examples-talk)) {
    my ($status, $handled, $unsafe) = under($^X, '-Mblib', "t/$test.t");

    is $status, 0, "t/$test.t passes";
    cmp_ok $handled, '>', 0, "B19: of $handled handlers there";
    is $unsafe, '', 'B19: none calls what it should not';
}
{
    local $ENV{PERL_SIGNALS} = 'unsafe';
    my ($status, $handled, $unsafe) = under(@perl);
    is $status, 99, 'and one that does is noticed';
    like $unsafe, qr/^(?:malloc|calloc|realloc|free)$/, 'with what it called';
}

done_testing;
