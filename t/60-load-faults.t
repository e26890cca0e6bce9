use strict;
use warnings;

use lib 't/lib';
use NetIO::Test::Load;
use Test::More;

alarm 300;

# System calls that fail, by strace's injection, and disks that are full.  Whatever happens, the
# directory is the old one or a whole new one, and exit code 0 means the new one.

my $folder = folder();
my $path   = "$folder/a.db";
my @to     = ('--directory', "sqlite:$path");
my $one    = spew("$folder/one.txt", ieee(['02-00-01', 'One'], ['02-00-03', 'Three']));
my $two    = spew("$folder/two.txt", ieee(['02-00-02', 'Two']));

sub left_over {
    return join ' ', grep { !/\.txt$/ } map { s{.*/}{}r } glob "$folder/*";
}

is run_load(@to, $one)->{code}, 0, 'the old directory';
my $old = slurp($path);

# A limit on the size of files acts like a disk that is full, for everybody.
for my $kib (0, 4, 8, 12) {
    my $blocks = $kib * 2;
    is_outcome(
        run_load(
            { under => ['sh', '-c', "ulimit -f $blocks; exec \"\$@\" 2>/dev/null", 'sh'] },
            @to, $two
        ),
        74, '',
        "no file over $kib KiB (E9)"
    );
    is state_of($path, $old) . ', ' . left_over(), 'old, a.db a.db.lock', 'the old one stays';
}

SKIP: {
    my $disk = "$folder/disk.txt";
    mkdir $disk;
    skip 'mounting a small disk needs root', 7
        if $> != 0 || system "mount -t tmpfs -o size=48k netio-test $disk 2>/dev/null";
    my $to = "sqlite:$disk/a.db";
    is run_load('--directory', $to, $one)->{code}, 0, 'a small disk with a directory';
    my $there = slurp("$disk/a.db");
    is_outcome(
        run_load('--directory', $to, $two),
        74,
        "whois-load: cannot write $disk/a.db.new: database or disk is full\n",
        'it has no room for another one (E9)'
    );
    is state_of("$disk/a.db", $there), 'old',                        'the old one stays';
    is join(' ', glob "$disk/*"),      "$disk/a.db $disk/a.db.lock", 'PATH.new is gone';
    system "mount -o remount,size=256k $disk";
    is run_load('--directory', $to, $two)->{code}, 0,     'with more room it works';
    is names_in("$disk/a.db"),                     'Two', 'and the new one is there';
    system "mount -o remount,ro $disk";
    is_outcome(
        run_load('--directory', $to, $two),
        73,
        "whois-load: cannot create $disk/a.db.lock: Read-only file system\n",
        'a disk that is read-only (C5)'
    );
    system "umount $disk";
}

my $strace = has_strace();
if (!$strace) {
    is left_over(), 'a.db a.db.lock', 'nothing is left';
    note 'no strace(1) that can inject faults here';
    done_testing;
    exit;
}

# The single steps that have a message of their own: call, which, error, exit code, message.
my $new   = "$path.new";
my @steps = (
    ['flock',  1, 'ENOLCK', 74, "cannot lock $path.lock: No locks available"],
    ['fsync',  1, 'EIO',    74, "cannot sync $new: Input/output error"],
    ['fsync',  1, 'ENOSPC', 74, "cannot sync $new: No space left on device"],
    ['rename', 1, 'EIO',    74, "cannot rename $new: Input/output error"],
    ['rename', 1, 'EROFS',  74, "cannot rename $new: Read-only file system"],
);
for (@steps) {
    my ($call, $nth, $error, $code, $text) = @$_;
    is_outcome(
        run_load({ under => inject($call, "error=$error", $nth) }, @to, $two),
        $code,
        "whois-load: $text\n",
        "$call fails: $error (E2, E12)"
    );
    is state_of($path, $old) . ', ' . left_over(), 'old, a.db a.db.lock', 'the old one stays';
}

# E12: the second fsync is that of the folder, after the rename.
is_outcome(
    run_load({ under => inject('fsync', 'error=EIO', 2) }, @to, $two),
    74,
    "whois-load: $path is new, but might not outlast a power cut: cannot sync $folder/: "
        . "Input/output error\n",
    'fsync of the folder fails (E12)'
);
is names_in($path) . ', ' . left_over(), 'Two, a.db a.db.lock', 'the new one is there';

# Every system call that changes a file, every time it is called.
my @calls = calls_of(@to, $one);
for (@calls) {
    my ($call, $nth) = @$_;
    for my $error (qw(EIO ENOSPC EDQUOT EINTR)) {
        spew($path, $old);
        my $got   = run_load({ under => inject($call, "error=$error", $nth) }, @to, $two);
        my $state = state_of($path, $old);
        my $fine =
            $got->{code} == 0 ? $state eq 'Two' : $state eq 'old' || $got->{err} =~ / is new, /;
        ok $fine && $got->{signal} == 0 && left_over() eq 'a.db a.db.lock',
            "$call number $nth fails: $error (E2)"
            or diag "exit $got->{code}, signal $got->{signal}, $state, ", left_over(),
            "\n$got->{err}";
    }
}

# A signal at each of them: the load ends by it and takes PATH.new along.
for (@calls) {
    my ($call, $nth) = @$_;
    spew($path, $old);
    my $got   = run_load({ under => inject($call, 'signal=TERM', $nth) }, @to, $two);
    my $state = state_of($path, $old);
    my $ended = $got->{signal} == 15 || ($got->{code} == 0 && $state eq 'Two');
    ok $ended && $state =~ /^(?:old|Two)\z/ && left_over() eq 'a.db a.db.lock',
        "SIGTERM at $call number $nth"
        or diag "exit $got->{code}, signal $got->{signal}, $state, ", left_over(), "\n$got->{err}";
}

done_testing;
