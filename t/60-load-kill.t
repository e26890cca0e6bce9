use strict;
use warnings;

use lib 't/lib';
use NetIO::Test::Load;
use Test::More;

alarm 300;

# E1: kill -9 at every system call that changes a file.  The directory is then the old one, byte
# for byte, or the whole new one; and the next load works, with no hand cleaning.

plan skip_all => 'no strace(1) that can inject faults here' if !has_strace();

my $folder = folder();
my $path   = "$folder/a.db";
my @to     = ('-q', '--directory', "sqlite:$path");
my $one    = spew("$folder/one.txt", ieee(['02-00-01', 'One']));
my $many   = spew("$folder/many.txt",
    ieee(map { [sprintf('02-%02X-%02X', $_ >> 8, $_ & 255), "Owner $_", "$_ Street"] } 1 .. 300));
my $names = join '; ', map { "Owner $_" } sort 1 .. 300;

is run_load(@to, $one)->{code}, 0, 'the old directory';
my $old = slurp($path);

# As it is when a load follows one that was killed: PATH.new is there.
sub before {
    spew($path,       $old);
    spew("$path.new", "SQLite format 3\0half a direc");
    return;
}

before();
my @calls = calls_of(@to, $many);
my %seen  = map { $_->[0] => 1 } @calls;
is_deeply [grep { !$seen{$_} } qw(openat flock unlink pwrite64 write fsync rename)], [],
    scalar(@calls) . ' calls to be killed at';

my %outcome;
for (@calls) {
    my ($call, $nth) = @$_;
    before();
    my $got   = run_load({ under => inject($call, 'signal=KILL', $nth) }, @to, $many);
    my $state = state_of($path, $old);
    $state = 'new' if $state eq $names;
    $outcome{$state}++;
    my $next = run_load(@to, $many);
    my $left = join ' ', grep { !/\.txt$/ } map { s{.*/}{}r } glob "$folder/*";
    ok $got->{signal} == 9
        && $state =~ /^(?:old|new)\z/
        && $next->{code} == 0
        && $next->{err} eq ''
        && names_in($path) eq $names
        && $left eq 'a.db a.db.lock', "kill -9 at $call number $nth (E1)"
        or diag "signal $got->{signal}, $state; next load: exit $next->{code}, $left\n$next->{err}";
}
is join(' ', sort keys %outcome), 'new old', 'some left the old directory, some the new one';

done_testing;
