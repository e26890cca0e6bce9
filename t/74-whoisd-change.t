# whoisd: the change from one directory to the next, under its clients' feet.

use strict;
use warnings;

use File::Copy ();
use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory put_directory);

alarm 300;

use constant CHANGES => 50;
use constant CLIENTS => 4;

my $dir  = File::Temp->newdir;
my $path = "$dir/directory.db";

# A hundred entries that all say which directory they are from.
sub entries {
    my ($mark, $count) = @_;

    return [
        map {
            {
                handle => sprintf('%s%03d',         $mark, $_),
                name   => sprintf('Common %03d %s', $_,    $mark)
            }
        } 1 .. $count
    ];
}

sub copy_to {
    my ($from) = @_;

    File::Copy::copy($from, "$path.new") or die "copy: $!\n";
    rename "$path.new", $path or die "rename: $!\n";
    return;
}

build_directory("$dir/a.db", entries('aa', 100));
build_directory("$dir/b.db", entries('bb', 120));
copy_to("$dir/a.db");
my $d     = NetIO::Test::Daemon->whoisd($path);
my %whole = (aa => $d->ask("common\r\n"));

copy_to("$dir/b.db");
ok $d->wait_log(qr/^whoisd: directory \Q$path\E: in use now, 120 entries\n/m),
    'a new file is seen without a query';
$whole{bb} = $d->ask("common\r\n");
like $whole{aa}, qr/\AThere were 100 matches/, 'all of the first';
like $whole{bb}, qr/\AThere were 120 matches/, 'all of the second';

# ---- E6: under load ----------------------------------------------------------------------

# Whether there is something to read, or the end.
sub is_readable {
    my ($handle) = @_;

    vec(my $bits = '', fileno $handle, 1) = 1;
    return select $bits, undef, undef, 0;
}

# A client asks as fast as it can until the pipe is closed; its exit code says what it got.  It says
# when it has seen both.
sub client {
    my ($stop, $both) = @_;
    my %seen;

    while (!is_readable($stop)) {
        my $answer = $d->ask("common\r\n") // '';
        my ($which) = grep { $whole{$_} eq $answer } keys %whole;
        return 1    if !$which;
        close $both if !$seen{$which}++ && keys %seen == 2;
    }
    return keys %seen == 2 ? 0 : 2;
}

# As many changes as there are to be, and until each client has seen both directories or has ended:
# on a slow machine it may begin late.
sub under_load {
    my ($name, $change) = @_;
    my $done = 0;

    pipe(my $stop, my $going) or die "pipe: $!\n";
    pipe(my $seen, my $both)  or die "pipe: $!\n";
    my @clients = map {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            close $going;
            require POSIX;
            POSIX::_exit(eval { client($stop, $both) } // 3);
        }
        $pid;
    } 1 .. CLIENTS;
    close $both;
    $change->(++$done) while $done < CHANGES || !is_readable($seen);
    close $going;
    my @wrong = grep { waitpid($_, 0), $? } @clients;
    is scalar @wrong, 0, "$name: every answer is wholly of one directory (E6)";
    return;
}

# Clients fill the log, so it is read all the time.
my $missing = 0;
under_load(
    'one change after another',
    sub {
        my ($i) = @_;

        copy_to($i % 2 ? "$dir/a.db" : "$dir/b.db");
        $missing +=
            !$d->wait_log($i % 2 ? qr/in use now, 100 entries\n/ : qr/in use now, 120 entries\n/);
    }
);
is $missing, 0, 'each change was made';
under_load(
    'changes that overtake each other',
    sub {
        my ($i) = @_;

        copy_to($i % 2 ? "$dir/a.db" : "$dir/b.db");
        $d->log_text;
        $d->ask("help\r\n");
    }
);

put_directory($path, [{ handle => 'c', name => 'Last' }]);
ok $d->wait_log(qr/in use now, 1 entries\n/), 'the last file is used in the end';
like $d->ask("last\r\n"), qr/Full Name: Last\r\n/, 'and answers';

# ---- the file that comes back, HUP, a bigger file ------------------------------------------

{
    link $path, "$dir/kept";
    put_directory($path, entries('aa', 100));
    $d->wait_log(qr/in use now, 100 entries\n/);
    rename "$dir/kept", $path;
    ok $d->wait_log(qr/in use now, 1 entries\n/), 'the same file again is a change, too';

    $d->kill('HUP');
    ok $d->wait_log(qr/in use now, 1 entries\n/), 'HUP reads it again';
    chmod 0600, $path;
    utime 1, 1, $path;
    ok $d->wait_log(qr/in use now, 1 entries\n/), 'so does another date';
    my $lines = () = $d->log_text =~ /in use now/g;
    chmod 0644, $path;
    open my $other, '>', "$dir/other" or die "$dir/other: $!\n";
    close $other;
    $d->ask("last\r\n");
    is scalar(() = $d->log_text =~ /in use now/g), $lines,
        'another mode and another file are nothing';
}
{
    # More than one slice: queries are answered while it is being checked.
    put_directory(
        $path,
        [
            map {
                {
                    handle => "big$_",
                    name   => "Big $_",
                    fields =>
                        [['Text', join ' ', map { $_ * 7919 % 65_521 } $_ * 100 .. $_ * 100 + 400]]
                }
            } 1 .. 3000
        ]
    );
    ok -s $path > 4 << 20, 'a file of several slices';
    my $asked = 0;
    my $answer;
    do { $answer = $d->ask("last\r\n"); $asked++ } while $answer =~ /Full Name: Last/;
    like $answer, qr/\AThere were no matches/, "it is used after $asked queries";
    ok $d->wait_log(qr/in use now, 3000 entries\n/), 'which is in the log';
}

# ---- no descriptors left ------------------------------------------------------------------

# The daemon's soft limit from now on; without a number, the one before.
sub limit_descriptors {
    my ($soft) = @_;

    return system('prlimit', '--pid', $d->pid, "--nofile=$soft:") == 0;
}

SKIP: {
    my ($before) = `prlimit --pid @{[$d->pid]} --nofile --output SOFT --noheadings` =~ /(\d+)/;
    skip 'no prlimit', 9 if !$before;

    my @waiting = map { $d->connect } 1 .. 2;
    like $d->ask("nobody\r\n"), qr/no matches/, 'two clients are in, and have not asked';
    ok limit_descriptors(0), 'no descriptor is left';

    $d->kill('HUP');
    ok $d->wait_log(qr/Too many open files; the one before stays in use\n/),
        'B1: HUP cannot look at the directory';
    print { $waiting[0] } "big1\r\n";
    like $d->read_all($waiting[0]), qr/Index Key|Text: /, 'and goes on answering from it';

    put_directory($path, [{ handle => 'e', name => 'After' }]);
    ok $d->wait_log(qr/Too many open files; the one before stays in use\n/),
        'nor can a new one be opened';
    print { $waiting[1] } "big1\r\n";
    like $d->read_all($waiting[1]), qr/Text: /, 'so the old one answers';

    ok limit_descriptors($before), 'there are descriptors again';
    $d->ask("after\r\n");
    ok $d->wait_log(qr/in use now, 1 entries\n/), 'the next search finds the new one';
    like $d->ask("after\r\n"), qr/Full Name: After\r\n/, 'and it answers';
}

$d->finish;
done_testing;
