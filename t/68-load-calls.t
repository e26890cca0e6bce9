use strict;
use warnings;

use lib 't/lib';
use Config;
use NetIO::Test::Load;
use Test::More;

alarm 300;

# E2, besides what t/60-load-faults.t has: reads that fail, writes that take a part of what they
# are given, and a disk that says a write is done and forgets it.  Exit code 0 means the new
# directory, whole; anything else leaves the old one.

my $folder = folder();
my $path   = "$folder/a.db";
my @to     = ('-q', '--directory', "sqlite:$path");
my $one    = spew("$folder/one.txt", ieee(['02-00-01', 'One']));
my $two    = spew("$folder/two.txt",
    ieee(map { [sprintf('02-01-%02X', $_), "Two $_", "$_ Street"] } 1 .. 100));

is run_load(@to, $two)->{code}, 0, 'a new directory';
my $names = names_in($path);
is run_load(@to, $one)->{code}, 0, 'the old directory';
my $old = slurp($path);

sub is_old_or_new {
    my ($got, $name) = @_;
    my $state    = state_of($path, $old);
    my $promised = $got->{signal} ? 'an end' : $got->{code} == 0 ? $names : 'old';
    my $left     = join ' ', grep { !/\.(?:txt|so|c)$/ } map { s{.*/}{}r } glob "$folder/*";

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok $state eq $promised && $left eq 'a.db a.db.lock', $name
        or diag "exit $got->{code}, signal $got->{signal}, $left, ", substr($state, 0, 100),
        "\n$got->{err}";
    spew($path, $old);
    unlink "$path.new";
    return $got;
}

# ---- writes that take a part -----------------------------------------------------------------

SKIP: {
    # The odd number of bytes is no page, and no part of one.
    my $source = spew("$folder/short.c", <<'C');
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
#define PART(fd, size) ((fd) > 2 && (size) > 2 ? ((size) / 2 | 1) : (size))
ssize_t write(int fd, const void *data, size_t size)
{
    return syscall(SYS_write, fd, data, PART(fd, size));
}
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at)
{
    return syscall(SYS_pwrite64, fd, data, PART(fd, size), at);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    return pwrite64(fd, data, size, at);
}
ssize_t read(int fd, void *data, size_t size)
{
    return syscall(SYS_read, fd, data, PART(fd, size));
}
C
    skip 'no C compiler', 2
        if system "$Config{cc} -shared -fPIC -o $folder/short.so $source 2>/dev/null";
    my @under = ('env', "LD_PRELOAD=$folder/short.so");
    is is_old_or_new(run_load({ under => \@under }, @to, $two),
        'each read and write takes half of what it is given (E2)')->{code}, 0, 'all is loaded';
}

# ---- calls that fail, calls that lie ---------------------------------------------------------

my $strace = has_strace();
note 'no strace(1) that can inject faults here' if !$strace;

# The load's calls of that name, from the lock on.
sub numbers_of {
    my ($call) = @_;
    my ($count, @numbers) = (0);

    my @under = ('strace', '-f', '-o', "$folder/calls.txt", '-e', "trace=openat,$call");
    my $begun;

    run_load({ under => \@under }, @to, $two);
    spew($path, $old);
    for (split /\n/, slurp("$folder/calls.txt")) {
        $begun ||= /\.lock"/;
        next if !/^\d+\s+$call\(/;
        $count++;
        push @numbers, $count if $begun;
    }
    return @numbers;
}

# Each of them; of many, some from the beginning, the middle and the end.
sub some {
    my (@numbers) = @_;
    my $step = @numbers / 8;

    return @numbers if @numbers <= 8;
    return map { $numbers[$_ * $step] } 0 .. 7;
}

#<<< the table as it is
my @table = $strace ? (
    ['read',       'error=EIO'],
    ['read',       'error=EINTR'],
    ['pread64',    'error=EIO'],
    ['pread64',    'error=EINTR'],
    ['newfstatat', 'error=EIO'],
    ['lseek',      'error=EIO'],
    ['fcntl',      'error=EINVAL'],
    ['close',      'error=EIO'],
    ['mmap',       'error=ENOMEM'],
    ['write',      'retval=64'],      # the trailer's, which is lost
    ['pwrite64',   'retval=4096'],    # a page's
) : ();
#>>>
for (@table) {
    my ($call, $what) = @$_;
    for my $nth (some(numbers_of($call))) {
        is_old_or_new(run_load({ under => inject($call, $what, $nth) }, @to, $two),
            "$call number $nth: $what (E2)");
    }
}

done_testing;
