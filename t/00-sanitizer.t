# What counts as a sanitizer's report (F11 of the catalogue of faults): a leak does; that a program
# was killed while its leaks were looked for does not.
use strict;
use warnings;

use lib 't/lib';

use File::Temp             ();
use NetIO::Test::Run       qw(spew);
use NetIO::Test::Sanitizer qw(sanitizer_reports);
use POSIX                  ();
use Test::More;
use Time::HiRes ();

my $dir = File::Temp->newdir;

# Programs with AddressSanitizer: blocks of memory, kept or lost.
sub built {
    my ($name, $lose) = @_;
    my $source = spew("$dir/$name.c", <<"C");
#include <stdlib.h>
void *kept[20000];
int main(void)
{
    for (int i = 0; i < 20000; i++)
        kept[i] = malloc(100);
    kept[0] = $lose;
    return 0;
}
C
    system("cc -fsanitize=address -o $dir/$name $source 2>$dir/cc") == 0
        or plan skip_all => 'no compiler with AddressSanitizer';
    return "$dir/$name";
}

sub started {
    my ($program) = @_;
    my $pid = fork // die "fork: $!\n";

    return $pid if $pid;
    $ENV{ASAN_OPTIONS} = "log_path=$dir/report";
    exec $program or POSIX::_exit(1);
}

my ($keeps, $loses) = (built('keeps', 'kept[0]'), built('loses', '(void *)0'));

waitpid started($keeps), 0;
is $?, 0, 'a program that keeps its memory';
is_deeply [sanitizer_reports(glob "$dir/report*")], [], '... is not reported';

waitpid started($loses), 0;
isnt $?, 0, 'one that loses some';
my @reports = sanitizer_reports(glob "$dir/report*");
is scalar @reports, 1, '... is';
like $reports[0], qr/\A\Q$dir\E\S+:\n.*detected memory leaks.*100 byte/s,
    '... with the file and all it says';
unlink glob "$dir/report*";

my $began = Time::HiRes::time();
waitpid started($keeps), 0;
my $takes = Time::HiRes::time() - $began;
my @files;
for (1 .. 1000) {
    my $pid = started($keeps);
    Time::HiRes::sleep($takes * rand);
    kill 'KILL', $pid;
    waitpid $pid, 0;
    last if (@files = glob "$dir/report*") >= 3;
}
SKIP: {
    skip 'no program was killed just then', 1 if !@files;
    is_deeply [sanitizer_reports(@files)], [], 'killed while their leaks are looked for: no report';
}
is_deeply [sanitizer_reports(spew("$dir/empty", ''))], [], 'nor does an empty one';
like join('',
    sanitizer_reports(spew("$dir/more", "==1==Unable to get registers from thread 1.\nmore\n"))),
    qr/more/, 'one that says more does';

done_testing;
