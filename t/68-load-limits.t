use strict;
use warnings;

use lib 't/lib';
use NetIO::Test::Load;
use Test::More;

alarm 300;

# A load that is not given what it needs: descriptors, memory, room, rights, standard input and
# output.  Exit code 0 means the new directory; anything else leaves the old one.

my $folder = folder();
chmod 0755, $folder;    # what nobody is to read is in it
my $path = "$folder/a.db";
my @to   = ('--directory', "sqlite:$path");
my $one  = spew("$folder/one.txt", ieee(['02-00-01', 'One']));
my $two  = spew("$folder/two.txt", ieee(['02-00-02', 'Two']) . "what is this?\r\n");

is run_load(@to, $one)->{code}, 0, 'the old directory';
my $old = slurp($path);

sub left_over {
    return join ' ', grep { !/\.txt$/ } map { s{.*/}{}r } glob "$folder/*";
}

# Old or new, as the exit code says; $killed: PATH.new may be left, as after any sudden end.
sub is_old_or_new {
    my ($got, $name, $killed) = @_;
    my $state    = state_of($path, $old);
    my $promised = !$got->{signal} && $got->{code} == 65 ? 'Two' : 'old';
    my $left     = left_over();

    $left =~ s/ a\.db\.new\z// if $killed;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is "$state, $left", "$promised, a.db a.db.lock", $name or diag "exit $got->{code}\n$got->{err}";
    spew($path, $old);
    unlink "$path.new";
    return $promised;
}

sub limited {
    my ($limit, @call) = @_;

    return run_load({ under => ['prlimit', "--$limit", '--'] }, @to, @call);
}

# ---- limits ----------------------------------------------------------------------------------

SKIP: {
    skip 'no prlimit(1)', 1 if system 'prlimit --version >/dev/null 2>&1';

    # The size of a file, around what fits: the database without its trailer, half a trailer.
    run_load(@to, $two);
    my $size = -s $path;
    spew($path, $old);
    for my $bytes (1, 511, 4097, $size - 4097, $size - 65, $size - 64, $size - 30, $size - 1) {
        my $got = limited("fsize=$bytes:", '-q', $two);
        is "signal $got->{signal}, exit $got->{code}", 'signal 0, exit 74',
            "no file over $bytes (E9)";
        is_old_or_new($got, 'the old one stays');
    }
    is_old_or_new(limited("fsize=$size:", '-q', $two), 'a file just as large') eq 'Two'
        or fail 'which is enough';

    # Perl itself gives up below some limit, in ways of its own.
    my %outcome;
    for my $most (3 .. 20) {
        $outcome{ is_old_or_new(limited("nofile=$most:", $two), "$most descriptors (E2)", 1) } = 1;
    }
    for my $mebi (map { 2 * $_ } 4 .. 20) {
        my $got = limited('as=' . ($mebi << 20) . ':', $two);
        $outcome{ is_old_or_new($got, "$mebi MiB of memory (E2)", 1) } = 1;
    }
    is join(' ', sort keys %outcome), 'Two old', 'some are enough, some are not';
}

# ---- standard input and output ---------------------------------------------------------------

# Closed: the first file that is opened gets the number, and must not get the messages.
for my $closed (1 .. 7) {
    my $shell = join ' ', map { $closed & 1 << $_ ? ('<&-', '>&-', '2>&-')[$_] : () } 0 .. 2;
    my $input = slurp($two);
    my $got   = run_load({ under => ['sh', '-c', qq{exec "\$@" $shell}, 'sh'] }, @to, $two);
    is_old_or_new($got, "started with $shell (C6)") eq 'Two' or fail 'it is loaded';
    is slurp($two) . slurp("$path.lock"), $input, 'no message goes into a file';
}

# ---- rights ----------------------------------------------------------------------------------

# Name, folder's mode and owner, umask, who else owns what there, exit code, message, PATH then.
my $nobody = 65534;
SKIP: {
    skip 'only root can become somebody else', 1 if $> != 0;
    my $under = as_nobody($two) or skip 'nobody may not read these files', 1;
    my $place = "$folder/place.txt";
    my $db    = "$place/a.db";
    my $fail  = 'whois-load: cannot';
    #<<< the table as it is
    my @table = (
        ['all rights', 0755, $nobody, 022, sub { }, 65, undef, 'Two'],
        ['no rights on new files', 0755, $nobody, 0777, sub { },
            74, "$fail write $db.new: unable to open database file\n", 'old'],
        ['new files for reading only', 0755, $nobody, 0277, sub { },
            74, "$fail write $db.new: attempt to write a readonly database\n", 'old'],
        ['a folder for reading only', 0555, $nobody, 022, sub { },
            73, "$fail create $db.new: Permission denied\n", 'old'],
        ['a folder that is not read', 0300, $nobody, 022, sub { },
            74, "whois-load: $db is new, but might not outlast a power cut: "
            . "cannot sync $place/: Permission denied\n", 'Two'],
        ['a folder of root', 0755, 0, 022, sub { },
            73, "$fail create $db.new: Permission denied\n", 'old'],
        ['a lock of root', 0755, $nobody, 022, sub { chown 0, 0, "$db.lock" },
            73, "$fail create $db.lock: Permission denied\n", 'old'],
        ["root's directory in a folder for all", 01777, 0, 022, sub { chown 0, 0, $db },
            74, "$fail rename $db.new: Operation not permitted\n", 'old'],
        ["root's PATH.new in a folder for all", 01777, 0, 022, sub { spew("$db.new", '') },
            73, "$fail remove $db.new: Operation not permitted\n", 'old'],
        ['a directory that is not read', 0755, $nobody, 022, sub { chmod 0, $db },
            73, "$fail replace $db: Permission denied\n", 'old'],
    );
    #>>>
    for (@table) {
        my ($name, $mode, $owner, $mask, $prepare, $code, $text, $state) = @$_;
        system 'rm', '-rf', $place;
        mkdir $place;
        spew($db,        $old);
        spew("$db.lock", '');
        chown $nobody, $nobody, $db, "$db.lock";
        chown $owner, $owner, $place;
        chmod $mode, $place;
        $prepare->();
        my $before = umask $mask;
        my $got    = run_load({ under => $under }, '-q', '--directory', "sqlite:$db", $two);
        umask $before;
        my $said = $got->{err} =~ s/^.*'what is this\?' is not part of any record\n//mr;
        is "exit $got->{code} $said", "exit $code " . ($text // ''), "$name (E10)";
        is state_of($db, $old),       $state,                        'what the directory is then';
    }
    system 'rm', '-rf', $place;
}

# ---- room for temporary files ----------------------------------------------------------------

SKIP: {
    my $disk = "$folder/disk.txt";
    mkdir $disk;
    skip 'mounting a small disk needs root', 4
        if $> != 0 || system "mount -t tmpfs -o size=64k netio-test $disk 2>/dev/null";
    my $many = spew("$folder/many.txt",
        ieee(map { [sprintf('02-%02X-%02X', $_ >> 8, $_ & 255), "Owner $_", 'x' x 500] } 1 .. 9000)
    );
    my $got = run_load({ under => ['env', "SQLITE_TMPDIR=$disk"] }, @to, '-q', $many);
    is "exit $got->{code} $got->{err}",
        "exit 74 whois-load: cannot write $path.new: database or disk is full\n",
        'no room to sort in (E9)';
    is_old_or_new($got, 'the old one stays');
    is join(' ', glob "$disk/*"), '', 'no temporary file is left';
    system "mount -o remount,size=64m $disk";
    is run_load({ under => ['env', "SQLITE_TMPDIR=$disk"] }, @to, '-q', $many)->{code}, 0,
        'with room it works';
    system "umount $disk";
}

done_testing;
