use strict;
use warnings;

use lib 't/lib';
use IO::Handle;
use NetIO::Test::Load;
use POSIX ();
use Test::More;

alarm 300;

# What others do beside a load, at the worst moment: other loads, hands that tidy up, hands that
# mean no good.  Exit code 0 means that PATH is what was loaded, and nothing else is harmed.

my $folder = folder();
my $place  = "$folder/place";
my $path   = "$place/a.db";
my @to     = ('--directory', "sqlite:$path");
my $one    = spew("$folder/one.txt",   ieee(['02-00-01', 'One']));
my $other  = spew("$folder/other.txt", ieee(['02-00-02', 'Other']));

# More entries than a pipe holds: who writes them all knows that the load has begun to read.
my @many = map { [sprintf('06-%02X-%02X', $_ >> 8, $_ & 255), "Owner $_", "$_ Street"] } 1 .. 2000;

mkdir $place;
is run_load(@to, $one)->{code}, 0, 'the old directory';
my $old = slurp($path);
spew("$folder/same.txt", ieee(@many, ['02-00-04', 'Same count']));
is run_load('-q', '--directory', "sqlite:$folder/other.db", "$folder/same.txt")->{code}, 0,
    'another one';
my $another = slurp("$folder/other.db");

sub left_over {
    return join ' ', map { s{.*/}{}r } glob "$place/*";
}

sub state {
    return state_of($path, $old) =~ s/Owner \d+; //gr;
}

# A load that stands before its last entry; the pipe that it reads, and that entry.
sub start_slow_load {
    unlink "$folder/pipe";
    POSIX::mkfifo("$folder/pipe", 0600) or die "mkfifo: $!\n";
    my $load = start_load(@to, '-q', '--format', 'ieee', "$folder/pipe");
    open my $pipe, '>:raw', "$folder/pipe" or die "pipe: $!\n";
    $pipe->print(ieee(@many));
    $pipe->flush;
    -e "$path.new" or die "the load has not begun\n";
    return ($load, $pipe, ieee(['02-00-03', 'Zero']) =~ s/\A.*?\r\n\r\n//sr);
}

# In the middle of a load somebody does something: name, what, exit code, message, what PATH is
# then, what is left beside it.
#<<< the table as it is
my @table = (
    ['nothing', sub { }, 0, '', 'Zero',
        'a.db a.db.lock'],
    ['PATH.new is replaced by another directory',
        sub { spew("$place/x", $another); rename "$place/x", "$path.new" },
        74, "whois-load: cannot rename $path.new: somebody has replaced it", 'old',
        'a.db a.db.lock a.db.new'],
    ['PATH.new is replaced by a link to another directory',
        sub { unlink "$path.new"; symlink "$folder/other.db", "$path.new" },
        74, "whois-load: cannot rename $path.new: somebody has replaced it", 'old',
        'a.db a.db.lock a.db.new'],
    ['PATH.new is replaced by a text',
        sub { spew("$place/x", 'mine'); rename "$place/x", "$path.new" },
        74, "whois-load: $path.new failed its check: file is not a database", 'old',
        'a.db a.db.lock a.db.new'],
    ['PATH.new is removed', sub { unlink "$path.new" },
        74, "whois-load: $path.new failed its check: unable to open database file", 'old',
        'a.db a.db.lock'],
    ['PATH is removed', sub { unlink $path },
        0, '', 'Zero', 'a.db a.db.lock'],
    ['PATH becomes a folder', sub { unlink $path; mkdir $path },
        74, "whois-load: cannot rename $path.new: Is a directory", 'a folder', 'a.db a.db.lock'],
    ['PATH becomes a link', sub { unlink $path; symlink "$folder/other.db", $path },
        0, '', 'Zero', 'a.db a.db.lock'],
    ['the folder is removed', sub { system 'rm', '-r', $place },
        74, "whois-load: $path.new failed its check: unable to open database file", 'missing', ''],
    ['the folder is swapped for a link to another',
        sub {
            rename $place, "$folder/moved";
            mkdir "$folder/trap";
            spew("$folder/trap/a.db.new", $another);
            symlink "$folder/trap", $place;
        },
        74, "whois-load: cannot rename $path.new: somebody has replaced it", 'missing',
        'a.db.new'],
);
#>>>
for (@table) {
    my ($name, $what, $code, $text, $state, $left) = @$_;
    -l $place ? unlink $place : system 'rm', '-rf', $place;
    mkdir $place;
    spew($path, $old);
    my ($load, $pipe, $entry) = start_slow_load();
    $what->();
    print {$pipe} $entry;
    close $pipe;
    is_outcome(wait_for_load($load), $code, $text && "$text\n", "$name (E1)");
    is -d $path ? 'a folder' : state(), $state, 'what the directory is then';
    is left_over(),                     $left,  'what is beside it';
}
unlink $place;
is slurp("$folder/trap/a.db.new"), $another, "what is somebody else's is not touched";
is slurp("$folder/other.db"),      $another, 'nor written to through a link';
system 'rm', '-rf', $place, "$folder/moved", "$folder/trap";
mkdir $place;

# What has the name of PATH.new is removed when a load may have left it, and only then: name,
# bytes, whether it goes.
for (
    ['an empty file',              '',                               1],
    ['half a directory',           substr($old, 0, 9000),            1],
    ['one without its first page', "\0" x 4096 . substr($old, 4096), 1],
    ['the first bytes',            'SQLite for',                     1],
    ["somebody's text",            "my only copy\n",                 0],
    ['the input',                  slurp($other),                    0],
    )
{
    my ($name, $bytes, $goes) = @$_;
    spew($path,       $old);
    spew("$path.new", $bytes);
    my $got = run_load(@to, '-q', $name eq 'the input' ? "$path.new" : $other);
    is "exit $got->{code} $got->{err}",
        $goes ? 'exit 0 ' : "exit 73 whois-load: cannot remove $path.new: no load has left it\n",
        "PATH.new is $name (E1)";
    is $goes ? names_in($path) : slurp("$path.new"), $goes ? 'Other' : $bytes, 'nothing is lost';
}
unlink "$path.new";

# E8: the lock is tidied away, and a second load does not know of the first.
{
    spew($path, $old);
    my ($load, $pipe, $entry) = start_slow_load();
    unlink "$path.lock";
    is run_load(@to, $other)->{code}, 0, 'two loads, as PATH.lock was removed: the second (E8)';
    print {$pipe} $entry;
    close $pipe;
    is wait_for_load($load)->{code},         74,                      'the first one fails';
    is names_in($path) . ', ' . left_over(), 'Other, a.db a.db.lock', 'and changes nothing';
}

# E8: eight at once, again and again.  One wins, or one after the other; the rest is told.
for my $round (1 .. 3) {
    my @loads = map {
        my $file = spew("$folder/$_.txt", ieee(["02-01-0$_", "Load $_"]));
        start_load(@to, '-q', $file);
    } 1 .. 8;
    my @got  = map  { wait_for_load($_) } @loads;
    my @won  = grep { $got[$_]{code} == 0 } 0 .. $#got;
    my @told = grep {
               $got[$_]{code} == 75
            && $got[$_]{err} eq "whois-load: another load of $path is running\n"
    } 0 .. $#got;
    my ($last) = names_in($path) =~ /\ALoad (\d)\z/;
    ok @won > 0 && @won + @told == 8 && grep({ $_ == $last - 1 } @won),
        "eight loads at once, round $round (E8)"
        or diag map { "exit $_->{code}: $_->{err}\n" } @got;
    is left_over(), 'a.db a.db.lock', 'nothing is left';
}

# Readers who look at PATH all the time see a whole directory, whichever.
{
    my %whole;
    for my $file ($one, $other) {
        is run_load(@to, '-q', $file)->{code}, 0, 'a load';
        $whole{ names_in($path) } = 1;
    }
    pipe my $stop, my $going or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        close $going;
        my ($looks, $torn, $bits) = (0, 0, '');
        do {
            $torn += !$whole{ eval { names_in($path) } || $@ };
            $looks++;
            vec($bits = '', fileno $stop, 1) = 1;
        } until select $bits, undef, undef, 0;
        POSIX::_exit($torn ? 1 : $looks < 10 ? 2 : 0);
    }
    run_load(@to, '-q', $_) for ($one, $other) x 5;
    close $going;
    waitpid $pid, 0;
    is $?, 0, 'who looks at any moment sees a whole directory (E6)';
}

done_testing;
