use strict;
use warnings;

use lib 't/lib';
use IO::Handle;
use NetIO::Test::Load;
use POSIX ();
use Test::More;

alarm 300;

# A load that is disturbed in the middle of its file: by another one, in every format that a map
# serves, and by a disk that is full.

my $folder = folder();
my $path   = "$folder/a.db";
my @to     = ('--directory', "sqlite:$path");
my $csv    = eval { require Text::CSV_XS };

# E8: two loads at once, the first of which stands in the middle of its file: more is written to the
# pipe than it holds, so the load has begun to read.
my %record_of = (
    ldif   => [6_000,  "dn: uid=%1\$d\nobjectClass: person\nuid: %1\$d\nsn: B\n\n"],
    csv    => [30_000, "%d,B\n"],
    stanza => [12_000, "Id: %d\nName: B\n\n"],
);
run_load(@to, spew("$folder/old.txt", ieee(['02-00-01', 'Old'])));
my $old = slurp($path);
for my $how (sort keys %record_of) {
    my ($count, $record) = @{ $record_of{$how} };
    my $fifo = "$folder/fifo.$how";
    next if $how eq 'csv' && !$csv;
    POSIX::mkfifo($fifo, 0600) or die "mkfifo: $!\n";
    my $load = start_load(@to, '--format', $how, $fifo);
    local $SIG{PIPE} = 'IGNORE';
    open my $pipe, '>:raw', $fifo or die "$fifo: $!\n";
    $pipe->print("id,name\n") if $how eq 'csv';
    $pipe->print(map { sprintf $record, $_ } 1 .. $count);
    $pipe->flush;
    is_outcome(
        run_load(@to, "$folder/old.txt"),
        75,
        "whois-load: another load of $path is running\n",
        "$how: a second load is told so (E8)"
    );
    is state_of($path, $old), 'old', 'the old directory is there meanwhile';
    close $pipe;
    is_outcome(
        wait_for_load($load), 0,
        "whois-load: $count entries from 1 file in TIME, 0 skipped\n",
        'the first one ends well'
    );
    is scalar @{ entries_of($path) }, $count, 'its directory is in place';
    spew($path, $old);
}

# E9: a disk that is full in the middle of a load, and has room again later.
SKIP: {
    my $disk = "$folder/disk";
    mkdir $disk;
    skip 'mounting a small disk needs root', 9
        if $> != 0 || system "mount -t tmpfs -o size=400k netio-test $disk 2>/dev/null";
    my @there  = ('--directory', "sqlite:$disk/a.db", 'share/people.ldif');
    my $listed = sub {
        join ' ', map { s{.*/}{}r } glob "$disk/*";
    };
    run_load('--directory', "sqlite:$disk/a.db", "$folder/old.txt");
    my $before = slurp("$disk/a.db");
    for my $left (8, 60, 100) {
        my ($room) = `df -k --output=avail $disk` =~ /(\d+)/;
        spew("$disk/filler", "\0" x (1024 * ($room - $left)));
        is_outcome(
            run_load(@there), 74,
            "whois-load: cannot write $disk/a.db.new: database or disk is full\n",
            "a disk with $left KiB left (E9)"
        );
        is state_of("$disk/a.db", $before) . ': ' . $listed->(), 'old: a.db a.db.lock filler',
            'the old directory stays, and nothing else';
        unlink "$disk/filler";
    }
    is run_load(@there)->{code},             0,                'once there is room again, it works';
    is scalar @{ entries_of("$disk/a.db") }, 150,              'and the new directory is there';
    is $listed->(),                          'a.db a.db.lock', 'and nothing else';
    system "umount $disk";
}

done_testing;
