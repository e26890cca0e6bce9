# whoisd: what happens to the place of its directory while it serves: things put there that are
# no file, rights that come and go, sizes that are out of all proportion.

use strict;
use warnings;

use File::Temp ();
use POSIX      ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory put_directory);

alarm 300;

my $dir    = File::Temp->newdir;
my $place  = "$dir/place";
my $path   = "$place/directory.db";
my $stays  = 'the one before stays in use';
my $absent = "Sorry, the directory is not available; please try again later.\r\n";

chmod 0755, "$dir";
mkdir $place;

sub entries {
    my ($name, $count) = @_;

    return [map { { handle => "H$_", name => "$name $_" } } 1 .. ($count || 1)];
}

# A file beside the directory, as for the next rename.
sub make {
    my ($name, @how) = @_;

    return build_directory("$path.new", entries($name), @how);
}

sub answers {
    my ($d, $name, $test) = @_;
    my $word = lc $name;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return like $d->ask("$word 1\r\n"), qr/Full Name: $name 1\r\n/, $test;
}

# Loads come and go; what is served must not depend on who looks when.
sub refused_then_mended {
    my ($d, $name, $spoil, $mend, $fault) = @_;

    make($name);
    $spoil->("$path.new");
    rename "$path.new", $path or die "rename: $!\n";
    ok $d->wait_log(qr/directory \Q$path\E: \Q$fault\E; $stays\n/), "$name: refused (E10)";
    $mend->($path);
    ok $d->wait_log(qr/directory \Q$path\E: in use now, 1 entries\n/), 'mended where it stands';
    answers($d, $name, 'and used');
    return;
}

my $nobody = $> == 0 ? sub { POSIX::setgid(65534); POSIX::setuid(65534) } : sub { };

# Without the sandbox, since its folder will be another one; see the end for that.
put_directory($path, entries('First'));
my $d = NetIO::Test::Daemon->start(
    args   => ['--listen', '127.0.0.1:0', '--directory', "sqlite:$path", '--sandbox', 'off'],
    before => $nobody,
    dir    => '/',
    ready  => qr/listening on 127\.0\.0\.1:(\d+), \d+ entries\n/,
);
answers($d, 'First', 'it serves');

# ---- rights --------------------------------------------------------------------------------

SKIP: {
    skip 'root may read everything, and only root can become somebody else', 14 if $> != 0;

    refused_then_mended(
        $d, 'Unreadable',
        sub { chmod 0,    $_[0] },
        sub { chmod 0644, $_[0] },
        'Permission denied'
    );
    refused_then_mended(
        $d,
        'Foreign',
        sub { chown 12345, -1, $_[0] },
        sub { chown 0,     -1, $_[0] },
        q{belongs to user 12345, who is neither root, nor whoisd's user, }
            . 'nor the owner of its folder'
    );

    # The file in use: what was opened and checked stays good, whoever may open it now.
    for ([0 => $path, 'the file'], [0 => $place, 'its folder']) {
        my ($mode, $what, $called) = @$_;
        my $before = (stat $what)[2] & 07777;
        chmod $mode, $what;
        answers($d, 'Foreign', "$called may not be read any more, and is answered from (E10)");
        $d->kill('HUP');
        ok $d->wait_log(qr/directory \Q$path\E: Permission denied; $stays\n/), 'HUP: it is said';
        answers($d, 'Foreign', 'and answered from');
        chmod $before, $what;
        $d->kill('HUP');
        ok $d->wait_log(qr/directory \Q$path\E: in use now, 1 entries\n/), 'until it may again';
    }
}
refused_then_mended(
    $d, 'Open',
    sub { chmod 0666, $_[0] },
    sub { chmod 0644, $_[0] },
    'everybody may write to it'
);
unlink $path;
$d->kill('HUP');
ok $d->wait_log(qr/directory \Q$path\E: No such file or directory; $stays\n/),
    'HUP with no file there: it is said';
answers($d, 'Open', 'and answered from the one before');

# ---- what is no file -----------------------------------------------------------------------

for (
    ['a device', sub { system("mknod $path c 1 3 2>/dev/null") == 0 }, 'a device, not a file'],
    ['a FIFO',   sub { POSIX::mkfifo($path, 0644) },                   'a FIFO, not a file'],
    ['a folder', sub { mkdir $path },                                  'a folder, not a file'],
    ['a link to itself', sub { symlink $path, $path }, 'a symbolic link, not a file'],
    )
{
    my ($name, $make, $fault) = @$_;

    SKIP: {
        $make->() or skip "$name cannot be made here: $!", 2;
        $d->ask("open\r\n");
        ok $d->wait_log(qr/directory \Q$path\E: \Q$fault\E; $stays\n/), "$name: refused (E10)";
        answers($d, 'Open', "$name: the one before answers");
    }
    -d $path && !-l $path ? rmdir $path : unlink $path;
}

# ---- sizes ---------------------------------------------------------------------------------

# A million million bytes of nothing behind a good beginning; then with an end that fits as well,
# which takes long to read, and keeps nobody waiting.
SKIP: {
    my $size = 1 << 40;
    open my $huge, '+<:raw', make('Huge') or die "$path.new: $!\n";
    truncate $huge, $size or skip "no file of a TiB here: $!", 6;
    rename "$path.new", $path;
    ok $d->wait_log(qr/directory \Q$path\E: truncated: it does not end with its trailer; $stays\n/),
        'a TiB of nothing: refused at once';
    answers($d, 'Open', 'the one before answers');

    seek $huge, $size - 64, 0;
    printf {$huge} "NetIO directory 1 crc32 %08x size %025d\n", 0, $size - 64;
    close $huge;
    answers($d, 'Open', 'a TiB with a trailer is being checked, and the one before answers')
        for 1 .. 3;
    put_directory($path, entries('Open'));
    ok $d->wait_log(qr/directory \Q$path\E: in use now, 1 entries\n/), 'the next one ends it';
}
unlink $path, "$path.new";

# A copy that comes bit by bit: refused in between, used in the end, and no line too many.
{
    my $whole = NetIO::Test::Daemon::slurp(make('Grown'));
    unlink "$path.new";
    my $before = length $d->log_text;
    open my $copy, '>:raw', $path or die "$path: $!\n";
    $copy->autoflush;
    for (my $at = 0; $at < length $whole; $at += 1000) {
        print {$copy} substr $whole, $at, 1000;
        answers($d, 'Open', 'half a copy is not used') if $at == 10_000;
        $d->ask("help\r\n");
    }
    close $copy;
    ok $d->wait_log(qr/directory \Q$path\E: in use now, 1 entries\n/), 'a file that grows is used';
    answers($d, 'Grown', 'once it is whole');
    my %times;
    $times{$_}++ for substr($d->log_text, $before) =~ /: ([^:\n]*; $stays)\n/g;
    is_deeply [grep { $times{$_} > 1 } keys %times], [],
        'and named for what it lacks, not for each look';
}

# Its folder goes, and comes back: nobody tells of a file in a folder that is new.
{
    rename $place, "$place.gone";
    answers($d, 'Grown', 'the folder goes: the one before answers');
    mkdir $place;
    chmod 0755, $place;
    put_directory($path, entries('Back'));
    $d->ask("back\r\n");
    ok $d->wait_log(qr/directory \Q$path\E: in use now, 1 entries\n/), 'it comes back: it is seen';
    answers($d, 'Back', 'and used');
    rename "$place", "$place.real";
    symlink "$place.real", $place;
    answers($d, 'Back', 'a folder swapped for a symbolic link leads to the same');
    unlink $place;
    rename "$place.real", $place;
}

# Edited in place, against all rules, over and over: any answer but a crash or half of one.
{
    my @bytes = map { NetIO::Test::Daemon::slurp(make($_)) } 'Back', 'Evil';
    open my $file, '+<:raw', $path or die "$path: $!\n";
    $file->autoflush;
    my @odd;
    for my $round (1 .. 200) {
        seek $file, 0, 0;
        my $bytes = $bytes[$round % 2];
        my $upto  = $round * 997 % length $bytes;
        print {$file} substr $bytes, 0, $upto;
        my $answer = $d->ask("!h1\r\n") // 'nothing';
        push @odd, $answer
            if $answer ne $absent
            && $answer !~
            /\AThere were (?:1|no) matches on your request\.\r\n.*whois help'\.\r\n\z/s;
    }
    close $file;
    is_deeply \@odd, [], 'a file edited in place, again and again: whole answers (E7)';
    # The others had one entry, and were whole now and then.
    put_directory($path, entries('Last', 3));
    $d->ask("last\r\n");
    ok $d->wait_log(qr/directory \Q$path\E: in use now, 3 entries\n/), 'a good file ends it';
    answers($d, 'Last', 'and answers');
}

$d->finish;

# In the sandbox it reads only the folder of its start: another one in its place is out of reach.
{
    my $confined = NetIO::Test::Daemon->whoisd($path);
    SKIP: {
        $confined->log_text =~ /sandbox: .*files/ or skip 'no sandbox for files here', 3;
        put_directory($path, entries('Renamed'));
        $confined->ask("renamed\r\n");
        ok $confined->wait_log(qr/directory \Q$path\E: in use now, 1 entries\n/),
            'the sandbox lets it read another file';
        rename $place, "$place.gone2";
        mkdir $place;
        put_directory($path, entries('Beyond'));
        $confined->ask("beyond\r\n");
        ok $confined->wait_log(qr/directory \Q$path\E: Permission denied; $stays\n/),
            'but none in another folder';
        answers($confined, 'Renamed', 'the one before answers');
    }
    $confined->finish;
}
done_testing;
