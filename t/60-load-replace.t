use strict;
use warnings;

use lib 't/lib';
use Fcntl      qw(:flock :mode);
use File::Path qw(make_path);
use IO::Handle;
use NetIO::Test::Load;
use POSIX ();
use Test::More;

alarm 300;

my $folder = folder();
my $path   = "$folder/a.db";
my @to     = ('--directory', "sqlite:$path");
my $one    = spew("$folder/one.txt", ieee(['02-00-01', 'One']));
my $two    = spew("$folder/two.txt", ieee(['02-00-02', 'Two']));
my $loaded = "whois-load: 1 entry from 1 file in TIME, 0 skipped\n";

sub mode_of {
    my ($file) = @_;

    return sprintf '%04o', S_IMODE((stat $file)[2]);
}

# All that is beside the directory and its inputs.
sub left_over {
    return join ' ', grep { !/\.txt$/ } map { s{.*/}{}r } glob "$folder/*";
}

# New, again, and over what a load may replace.
is_outcome(run_load(@to, $one), 0, $loaded, 'a new directory');
is left_over(),           'a.db a.db.lock', 'the directory and its lock';
is mode_of("$path.lock"), '0600',           'nobody else can hold the lock';
is -s "$path.lock",       0,                'it is empty';

my $inode = (stat $path)[1];
open my $reader, '<:raw', $path or die "$path: $!\n";
my $old = slurp($path);
is_outcome(run_load(@to, $two), 0, $loaded, 'another load');
is names_in($path), 'Two', 'replaces what was there';
isnt((stat $path)[1], $inode, 'it is another file');
is do { local $/; <$reader> }, $old, 'who reads the old one reads on (E7)';

for ([022 => '0644'], [077 => '0600'], [0 => '0644']) {
    my ($mask, $mode) = @$_;
    my $before = umask $mask;
    run_load(@to, $one);
    umask $before;
    is mode_of($path), $mode, sprintf 'mode under umask %03o (C12)', $mask;
}

for (['empty', ''], ['cut', substr $old, 0, 9000], ['damaged', $old =~ s/.{512}\z/x/rs]) {
    my ($name, $bytes) = @$_;
    spew($path, $bytes);
    is_outcome(run_load(@to, $one), 0, $loaded, "a directory that is $name is replaced");
    is names_in($path), 'One', 'and whole again';
}

# What is not replaced: name, how to make it, message.
my $foreign = do {
    my $dbh = DBI->connect("dbi:SQLite:dbname=$folder/foreign.txt", '', '', { RaiseError => 1 });
    $dbh->do('CREATE TABLE own(work)');
    $dbh->disconnect;
    slurp("$folder/foreign.txt");
};
my @kept = (
    ['a folder',             sub { mkdir $path }, 'it is a folder'],
    ['a text',               sub { spew($path, 'my only copy') }, 'it is not a directory of NetIO'],
    ['somebody\'s database', sub { spew($path, $foreign) },       'it is not a directory of NetIO'],
    [
        'a symbolic link',
        sub { symlink 'target.txt', $path },
        'it is a symbolic link; name the file it leads to'
    ],
    ['a pipe', sub { POSIX::mkfifo($path, 0600) }, 'it is not a regular file'],
);
for (@kept) {
    my ($name, $make, $text) = @$_;
    unlink $path, "$path.lock";
    $make->();
    my @before = (lstat $path)[0 .. 5, 7, 9];
    is_outcome(
        run_load(@to, $one),
        73,
        "whois-load: cannot replace $path: $text\n",
        "$name is not replaced (C4, E10)"
    );
    is_deeply [(lstat $path)[0 .. 5, 7, 9]], \@before, 'and is as it was';
    is left_over(), 'a.db', 'nothing is created beside it';
    -d $path ? rmdir $path : unlink $path;
}
ok !-e "$folder/target.txt", 'nothing is written through a symbolic link';

# Places where nothing can be made: path, message.
my @nowhere = (
    ["$folder/none/a.db",    "cannot create $folder/none/a.db.lock: No such file or directory"],
    ["$folder/none/",        "cannot replace $folder/none/: it is a folder"],
    ["$one/a.db",            "cannot replace $one/a.db: Not a directory"],
    ["$folder/" . 'x' x 300, "cannot replace $folder/" . 'x' x 300 . ': File name too long'],
    ["$folder/" . 'x' x 251, "cannot create $folder/" . 'x' x 251 . '.lock: File name too long'],
);
for (@nowhere) {
    my ($where, $text) = @$_;
    is_outcome(
        run_load('--directory', "sqlite:$where", $one),
        73,
        "whois-load: $text\n",
        'no place for a directory: ' . substr $where,
        length $folder, 20
    );
}
SKIP: {
    mkdir "$folder/closed.txt", 0555;
    chmod 0755, $folder;
    my $under = as_nobody($one) or skip 'nobody may not read these files', 1;
    is_outcome(
        run_load({ under => $under }, '--directory', "sqlite:$folder/closed.txt/a.db", $one),
        73,
        "whois-load: cannot create $folder/closed.txt/a.db.lock: Permission denied\n",
        'a folder that may not be written (E10)'
    );
}

# What a killed load may have left, and what others may have put there.
run_load(@to, $one);
$old = slurp($path);
spew("$path.new", "SQLite format 3\0half a direc");
is_outcome(run_load(@to, $two), 0, $loaded, 'a PATH.new that was left is removed (E1)');
is names_in($path) . ', ' . left_over(), 'Two, a.db a.db.lock', 'and does not matter';

spew("$folder/target.txt", 'mine');
symlink 'target.txt', "$path.new";
is_outcome(run_load(@to, $two), 0, $loaded, 'a PATH.new that is a symbolic link is removed (C4)');
is slurp("$folder/target.txt"), 'mine', 'what it leads to is not touched';

$old = slurp($path);
mkdir "$path.new";
is_outcome(
    run_load(@to, $one),
    73,
    "whois-load: cannot remove $path.new: Is a directory\n",
    'a PATH.new that is a folder'
);
rmdir "$path.new";

unlink "$path.lock";
symlink 'target.txt', "$path.lock";
is_outcome(
    run_load(@to, $one),
    73,
    "whois-load: cannot create $path.lock: Too many levels of symbolic links\n",
    'a PATH.lock that is a symbolic link (C4)'
);
unlink "$path.lock";
is state_of($path, $old), 'old', 'the old directory stays';

# A load that stands in the middle of its input: more is written to the pipe than it holds, so
# the load has begun to read.  Returns the load and the open end of the pipe.
sub start_slow_load {
    my ($how) = @_;

    unlink "$folder/pipe.txt";
    POSIX::mkfifo("$folder/pipe.txt", 0600) or die "mkfifo: $!\n";
    my $load = start_load($how, @to, '--format', 'ieee', "$folder/pipe.txt");
    open my $pipe, '>:raw', "$folder/pipe.txt" or die "pipe.txt: $!\n";
    local $SIG{PIPE} = 'IGNORE';
    $pipe->print(ieee(map { [sprintf('02-%02X-%02X', $_ >> 8, $_ & 255), "Owner $_"] } 0 .. 3999));
    $pipe->flush;
    return ($load, $pipe);
}

# E8: two loads at once.
my ($load, $pipe) = start_slow_load({});
is left_over(), 'a.db a.db.lock a.db.new', 'a load in the middle';
is_outcome(
    run_load(@to, $one),
    75,
    "whois-load: another load of $path is running\n",
    'a second one is told so (E8)'
);
is left_over(),           'a.db a.db.lock a.db.new', 'and leaves the first one alone';
is state_of($path, $old), 'old',                     'the old directory is there meanwhile';
close $pipe;
is_outcome(
    wait_for_load($load), 0,
    "whois-load: 4000 entries from 1 file in TIME, 0 skipped\n",
    'the first one ends well'
);
is scalar @{ entries_of($path) }, 4000, 'its directory is in place';

# Signals in the middle.
$old = slurp($path);
for my $signal (qw(INT TERM HUP)) {
    ($load, $pipe) = start_slow_load({});
    kill $signal, $load->{pid};
    my $got = wait_for_load($load);
    is "$got->{signal} $got->{err}", POSIX->can("SIG$signal")->() . ' ', "SIG$signal ends a load";
    is state_of($path, $old),        'old',                              'the old directory stays';
    is left_over(),                  'a.db a.db.lock',                   'PATH.new goes';
}

# One while a module is loaded, where "require" makes another exception of it, and one that other
# code catches.
my ($module) = grep { -e } map { "$_/NetIO/Load/IEEE.pm" } grep { !ref } @INC;
my %while = (
    'the module of a format is loaded' => q{kill 'TERM', $$; 1;},
    'other code catches exceptions'    => qq{eval { kill 'TERM', \$\$; 1 }; do '$module'},
);
make_path("$folder/inc.txt/NetIO/Load");
for my $while (sort keys %while) {
    spew("$folder/inc.txt/NetIO/Load/IEEE.pm", $while{$while});
    local @INC = ("$folder/inc.txt", @INC);
    my $got = run_load(@to, '--format', 'ieee', $one);
    is "$got->{signal} $got->{err}",               POSIX::SIGTERM() . ' ', "SIGTERM while $while";
    is state_of($path, $old) . ', ' . left_over(), 'old, a.db a.db.lock',  'the old one stays';
}

($load, $pipe) = start_slow_load({ under => ['sh', '-c', 'trap "" HUP; exec "$@"', 'sh'] });
kill HUP => $load->{pid};
close $pipe;
is_outcome(
    wait_for_load($load), 0,
    "whois-load: 4000 entries from 1 file in TIME, 0 skipped\n",
    'a load under nohup goes on'
);

# E1: kill -9, and the next load.
$old = slurp($path);
($load, $pipe) = start_slow_load({});
kill KILL => $load->{pid};
is wait_for_load($load)->{signal}, POSIX::SIGKILL(),          'kill -9 (E1)';
is state_of($path, $old),          'old',                     'the old directory stays';
is left_over(),                    'a.db a.db.lock a.db.new', 'PATH.new is left';
is_outcome(run_load(@to, $one), 0, $loaded, 'the next load works');
is left_over(), 'a.db a.db.lock', 'and removes it';

# Who reads the messages goes away before there are any.
POSIX::mkfifo("$folder/$_.txt", 0600) for 'said', 'late';
$load = start_load({ err => "$folder/said.txt" }, @to, '--format', 'ieee', "$folder/late.txt");
open my $listener, '<', "$folder/said.txt" or die "said.txt: $!\n";
close $listener;
spew("$folder/late.txt", ieee(['02-00-01', 'Late']) . "what is this?\r\n");
is_outcome(wait_for_load($load), 65, '', 'a load goes on when nobody listens');
is names_in($path), 'Late', 'its directory is in place';

done_testing;
