# The measurements (make bench), each in its smallest size: what is printed, that nothing is left
# running or lying about, how it ends when it is stopped, when a name is wrong and when a peer is
# missing; and the parts that everybody trusts, the frame and the load generator.  No figure is
# judged here.

use strict;
use warnings;

use lib qw(bench/lib t/lib);

use File::Temp ();
use NetIO::Bench;
use NetIO::Bench::Process qw(catch_signals run);
use NetIO::Test::Patience;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 1200;

plan skip_all => 'under sanitizers there is nothing to measure' if $ENV{ASAN_OPTIONS};
plan skip_all => 'no DBD::SQLite'                               if !eval { require DBD::SQLite };

my $folder = File::Temp->newdir;
mkdir "$folder/$_" or die "mkdir: $!\n" for qw(kept tmp bin);
@ENV{qw(BENCH_QUICK NETIO_BENCH_DIR TMPDIR)} = (1, "$folder/kept", "$folder/tmp");

my $running;    # its group, for the end

END { kill 'TERM', -$running if $running }

# Starts it in a process group of its own; the pipe has its standard output.
sub start {
    my (@names) = @_;
    my $pid = open(my $output, '-|') // die "fork: $!\n";

    if (!$pid) {
        setpgrp;
        open STDERR, '>', "$folder/stderr" or die "stderr: $!\n";
        exec 'bench/run', @names or die "bench/run: $!\n";
    }
    $running = $pid;
    return ($pid, $output);
}

sub stderr {
    open my $file, '<', "$folder/stderr" or die "stderr: $!\n";
    return join '', <$file>;
}

# Exit code and the rest of the output; nothing may be left.
sub finish {
    my ($pid, $output) = @_;
    my $text = join '', <$output>;

    close $output;
    undef $running;
    my $code = $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
    # One that was killed may need a moment.
    ok eventually { !kill 0, -$pid }, 'no process is left';
    is_deeply [glob "$folder/tmp/*"], [], 'no temporary file is left';
    return ($code, $text);
}

subtest 'the frame' => sub {
    my $bench = NetIO::Bench->new;
    my @turns;
    my $series = $bench->rounds(
        3,
        ours  => sub { push @turns, 'ours';  return (cpu => 10 * @turns) },
        peers => sub { push @turns, 'peers'; return (cpu => 5) },
    );
    my $text = '';

    is "@turns", 'ours peers peers ours ours peers', 'sides take turns from either end';
    is NetIO::Bench::median(1, 10, 2, 3), 2.5,       'the median of an even number';
    open my $real, '>&', \*STDOUT or die "stdout: $!\n";
    close STDOUT;
    open STDOUT, '>', \$text or die "stdout: $!\n";
    $bench->compare($series, 'cpu', 'CPU, us', most => 4);
    $bench->figure('memory, MiB', [29.96], most => 30);
    my $all_hold = $bench->finish;
    close STDOUT;
    open STDOUT, '>&', $real or die "stdout: $!\n";
    my @line = split /\n/, $text =~ s/ +/ /gr;
    is $line[0], ' CPU, us 40.0 (10.0, 25.0..45.0) | 5.00 (5.00, 5.00..5.00) peers 8.00 x'
        . ' at most 4 x: DOES NOT HOLD', 'a comparison';
    is $line[1], ' memory, MiB 30.0 at most 30 MiB: holds', 'a figure';
    is $line[3], 'limits: 1 hold, 1 not',                   'the last line';
    ok !$all_hold, 'which the exit code says, too';
};

# What the load generator says of an answer.
my $cisco  = '           !00-00-0C: Cisco Systems, Inc';
my $see    = "To see one of them, ask for its handle: whois '!00-00-0C'";
my $more   = "For more information try 'whois help'.";
my @answer = (
    ['a list',        ['There were 2 matches on your request.',  '', $cisco, $cisco, '', $see], 2],
    ['one too few',   ['There were 2 matches on your request.',  '', $cisco, '',     $see]],
    ['a list cut',    ['There were 2 matches on your request.',  '', $cisco, $cisco, '']],
    ['a record',      ['There were 1 matches on your request.',  '', 'A: b', '',     $more], 1],
    ['a record cut',  ['There were 1 matches on your request.',  '', 'A: b']],
    ['nothing found', ['There were no matches on your request.', '', $more], 0],
    [
        'more than listed',
        ['There were more than 3 matches on your request.', ($cisco) x 3, $see], 3
    ],
    ['no more listed', ['There were more than 3 matches on your request.', $cisco, $see]],
    ['trouble',        ['Sorry, the directory is not available at the moment.']],
    ['given up',       ['Sorry, the search took too long; please ask for longer words.'], 0, 2],
);

subtest 'only complete answers count' => sub {
    system('make', '-s', '-C', 'bench') == 0 or die "make -C bench: $?\n";
    for (@answer) {
        my ($name, $lines, $rows, $slow) = @$_;
        write_file('answer', join '', map { "$_\r\n" } @$lines);
        write_file('query', "cisco\n");
        my $server =
            NetIO::Bench::Process->serve("$folder", 'bench/build/responder', "$folder/answer");
        my $load = "bench/build/load whois 1 2 @{[$server->port]} $folder/query";
        my $said = qx($load 2>&1);
        if (defined $rows) {
            like $said, qr/^\S+ ${\(2 * $rows)} \d+ ${\($slow || 0)} \S+ \S+ \S+$/, $name;
        } else {
            like $said, qr/^load: 'cisco' got no complete answer, but \d+ bytes: '/,
                "$name: refused";
        }
    }
};

sub write_file {
    my ($name, $text) = @_;

    open my $file, '>:raw', "$folder/$name" or die "$name: $!\n";
    print {$file} $text;
    close $file or die "$name: $!\n";
    return;
}

subtest 'a wrong name' => sub {
    my ($code, $text) = finish(start('page', 'pages'));

    is $code, 64, 'is a wrong call';
    is $text, '', 'nothing is measured';
    is stderr(), "bench: there is no part 'pages'\n"
        . "usage: bench/run [NAME...] of whoisd server inetd start connect daemon page scale\n",
        'which says why';
};

subtest 'a missing peer' => sub {
    local $ENV{PATH} = "$folder/bin";
    for my $path (grep { !m{/valgrind$} } glob '/usr/bin/* /bin/*') {
        my ($name) = $path =~ m{([^/]+)$};
        symlink $path, "$folder/bin/$name";
    }
    my ($code, $text) = finish(start('connect'));

    is $code, 0, 'is no failure';
    like $text,   qr/^  left out: valgrind is missing: apt-get install valgrind$/m, 'but named';
    unlike $text, qr/instructions a connect/, 'and nothing is counted';
};

# A line of the table: what, median with or without its spread, the peer's, ratio, limit.
my $number = qr/\d+(?:\.\d+)?/;
my $spread = qr/$number(?: \($number, $number\.\.$number\))?/;
my $limit  = qr/(?:  at most $number \S+: (?:holds|DOES NOT HOLD))?/;

sub lines_of {
    my ($text, $part) = @_;

    return map { /^  (\S.*)/ } grep { /^$part:/ .. /^$/ } split /\n/, "$text\n";
}

sub is_line {
    my ($part, $lines, $what, $peer) = @_;
    my $pattern = defined $peer ? qr/\| +$spread +\Q$peer\E +$number x/ : qr//;

    ok scalar(grep { /^\Q$what\E +$spread *$pattern$limit$/ } @$lines),
        "$part: $what" . (defined $peer ? ", $peer" : '');
}

# Of one of our servers: against all like it, against the first, and against itself.
sub served {
    my ($ours, @peers) = @_;

    return (
        (map { ["$ours: CPU a query, us", $_] } @peers),
        (map { ["$ours: $_", $peers[0]] } 'queries a second', 'median, us', '99th, us'),
        ["$ours: one of them, bytes"],
        (map { ["$ours: $_", 'none'] } '99th of one, us', 'CPU a connection, us'),
    );
}

my %table = (
    whoisd => [
        ['server CPU a query, us', 'bare loop'],
        ['queries a second',       'bare loop'],
        ['median answer, us',      'bare loop'],
        ['given up, /1000'],
        ['most memory of whoisd, MiB'],
    ],
    server => [
        served('NetIO in C', 'bare loop', 'libuv', 'libev'),
        served(
            'NetIO::Server', 'bare loop', 'EV, raw reads', 'AnyEvent::Handle', 'Mojo::IOLoop',
            'IO::Async', 'Multiplex', 'PreFork', 'Fork'
        ),
    ],
    inetd => [
        ['CPU a start, us',      'bare loop'],
        ['starts a second',      'bare loop'],
        ['CPU a connection, us', 'NetIO::Server'],
        ['CPU a connection, us', 'exec'],
        ['memory of one, bytes'],
        ['a reload, ms'],
        ['memory gained by them, KiB'],
        ['descriptors gained by them, 1'],
    ],
    start => [
        (map { ['from fork to exit, ms', $_] } 'perl -e1', 'IO::Socket::IP', 'EV'),
        (map { ['CPU, ms',               $_] } 'perl -e1', 'IO::Socket::IP', 'EV'),
    ],
    connect => [
        (   map {
                my $what = $_;
                map { [$what, $_] } 'raw Socket', 'IO::Socket::INET', 'IO::Socket::IP',
                    'AnyEvent::Socket'
            } 'instructions a connect',
            map { ("$_: us", "$_: CPU, us", "$_: user CPU, us") }
                map { ($_, "$_, timeout") } '127.0.0.1',
            'localhost'
        ),
        (   map { (["at once: $_", 'bare epoll'], ["at once: $_", 'AnyEvent::Socket']) }
                'us a connect',
            'CPU a connect, us'
        ),
    ],
    daemon => [
        (map { ['C: ms', $_] } 'libdaemon', 'true'),
        (map { ['Perl: ms', $_] } 'App::Daemon', 'Daemon::Control', 'Proc::Daemon', 'perl -e1'),
    ],
    page    => [
        ['from fork to exit, ms',      'CGI.pm'],
        ['CPU, ms',                    'CGI.pm'],
        ['through lighttpd, a second', 'CGI.pm'],
        ['median, us',                 'CGI.pm'],
    ],
    scale => [
        (map { ["46k, $_: median, us"] } qw(handle word two prefix miss mixed)),
        ['46k: longest of a round, ms'],
    ],
);

subtest 'all of it' => sub {
    my ($code, $text) = finish(start());

    is $code, 0, 'a quick run judges nothing' or diag stderr();
    like $text, qr/^machine: .+, \d+ cores, Linux \S+, load $number/,               'what machine';
    like $text, qr/^peers:   perl 5\.\d+\.\d+, IO::Socket::IP \S+/m,                'what versions';
    like $text, qr/^limits: \d+ hold, \d+ not \(a quick run, of no meaning\)\n\z/m, 'limits';
    for my $part (sort keys %table) {
        my @lines = lines_of($text, $part);
        my ($why) = grep { /^left out:/ } @lines, $text =~ /^  (left out:.*ieee-data)$/m;
        SKIP: {
            skip "$part: $why", scalar @{ $table{$part} } if $why;
            is_line($part, \@lines, @$_) for @{ $table{$part} };
        }
    }
    faults($text);
};

# Each of the 14 on libdaemon, and beside it ours, which has none; and one fault of each module.
sub faults {
    my ($text) = @_;

SKIP: {
        skip 'libdaemon is not here', 3 if $text =~ /left out:.*libdaemon-dev/;
        unlike $text, qr/NOT SO/, 'daemon: no fault is ours';
        is scalar(() = $text =~ /^ +\d+  (?:libdaemon|not tried)/mg), 14,
            'daemon: those of libdaemon';
        is scalar(() = $text =~ /^      NetIO: /mg), 14, 'daemon: beside ours';
    }
    for my $module ('Net::Server', 'Proc::Daemon', 'Daemon::Control', 'App::Daemon') {
    SKIP: {
            skip "$module is not here", 1 if $text =~ /left out: \Q$module\E is missing/;
            like $text, qr/exit code +1 +\| 0 +\Q$module\E$/m, "daemon: one of $module";
        }
    }
    return;
}

# Before the larger directories, which take minutes, and in the midst of the first of them.
subtest 'stopped half-way' => sub {
    local $ENV{BENCH_QUICK} = 0;
    for my $where (qr/^scale:/, qr/^  loaded/) {
        my ($pid, $output) = start('scale');
        while (defined(my $line = <$output>)) {
            last if $line =~ $where;
        }
        kill 'TERM', $pid;
        my ($code) = finish($pid, $output);
        is $code, 1, 'it ends as not measured';
        is stderr() =~ s/^loading .*, which will be kept\n//mr, "bench: scale: interrupted\n",
            'and says so';
        is_deeply [glob "$folder/kept/*.new"], [], 'no half of a directory is left';
    }
};

subtest 'stopped where exceptions are lost' => sub {
    my @turns;
    my $ours  = sub { push @turns, 'ours'; eval { kill 'TERM', $$ }; return (cpu => 1) };
    my $peers = sub { push @turns, 'peers'; return (cpu => 1) };
    local @SIG{qw(INT TERM HUP)};
    catch_signals();

    ok !eval { NetIO::Bench->new->rounds(3, ours => $ours, peers => $peers) }, 'no more turns';
    is "$@@turns", "interrupted\nours", 'but why';
    ok !eval { run('true') }, 'nothing is started';
};

done_testing;
