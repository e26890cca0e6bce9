package NetIO::Test::SoakWhoisd;

# whoisd with workers under a full load of new connections (NetIO::Test::Soak), of which it must not
# lose one: its configuration is read again, well and broken, and it is upgraded.  Short in t/,
# whole in xt/soak.
#
#     soak_whoisd(reloads => 100, mutations => 200, upgrades => 20, idle => 60, least => 100_000);
#     soak_hours(seconds => 3600, least => 20_000);             # nothing but load

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);
use NetIO::Test::Idle;
use NetIO::Test::Run  qw(slurp spew);
use NetIO::Test::Soak qw(as_reaper family_memory is_flat successor);
use Test::More;
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

our @EXPORT = qw(soak_hours soak_whoisd);

# What may be mutated without refusing the clients: each value may be nearly any.  (A list that names
# who may would refuse all others.)
my @lines = (
    'access FOLDER/rules',
    'deny 192.0.2.0/24',
    'max-clients 5000',
    'source-bits 32/64',
    'first-seconds 30',
    'query-seconds 30',
    'answer-seconds 60',
    'refused-text Not for you.',
    '# a comment',
    'workers 2',
);

sub soak_whoisd {
    my (%times) = @_;
    my $least = $times{least};

    as_reaper();
    subtest 'whoisd: reloads'             => sub { reloads($times{reloads}, $least) };
    subtest 'B21: whoisd: configurations' => sub { mutations($times{mutations}, $least) };
    subtest 'whoisd: upgrades'            => sub { upgrades($times{upgrades}, $least) };
    subtest 'B30: whoisd: nothing to do'  => sub { idle($times{idle}) };
    return;
}

# The daemon, its configuration file, and the load upon it.
sub loaded {
    my ($least) = @_;
    my ($daemon, $folder) = configured();

    return ($daemon, $folder, load_of($daemon, $least));
}

sub load_of {
    my ($daemon, $least) = @_;

    return NetIO::Test::Soak->load(
        $daemon->port,
        mode  => 'whois',
        lines => ['cisco', 'nothing'],
        least => $least
    );
}

sub configured {
    my $folder = File::Temp->newdir('netio-XXXXXX', TMPDIR => 1);

    build_directory("$folder/directory",
        [map { { handle => "A-$_", name => "Cisco Systems $_", summary => 'San Jose' } } 1 .. 3]);
    spew("$folder/rules", "deny 192.0.2.66\n");
    spew("$folder/conf",  sound($folder));
    my $daemon = NetIO::Test::Daemon->start(
        args  => ['-c', "$folder/conf", '--sandbox', 'off'],
        ready => qr/listening on 127\.0\.0\.1:(\d+)/,
    );
    return ($daemon, $folder);
}

# Its heart is looked at for a while after a query.
sub idle {
    my ($seconds) = @_;
    my ($daemon, $folder) = configured();

    silent_for($seconds, sub { $daemon->ask("cisco\r\n") }, $daemon->pid, $daemon->children_now);
    is $daemon->kill('TERM')->wait_end, '0', 'and it ends';
    return;
}

# Load upon load of so many connections, for as long as it says; after each of them the processes
# are what they were after the first.
sub soak_hours {
    my (%how) = @_;

    subtest 'B31: whoisd: for hours' => sub { hours(@how{qw(seconds least)}) };
    return;
}

sub hours {
    my ($seconds, $least)                = @_;
    my ($daemon, $folder)                = configured();
    my ($until, $rounds, $lost, $before) = (clock_gettime(CLOCK_MONOTONIC) + $seconds, 0, 0);
    my @pids = ($daemon->pid, sort $daemon->children_now);
    while ($rounds < 2 || clock_gettime(CLOCK_MONOTONIC) < $until) {
        my %count = load_of($daemon, $least)->finish;
        $lost += ($count{lost} // 1) + ($count{refused} // 1);
        $before = measured(@pids) if !$rounds++;
    }
    is $lost, 0, "$rounds times $least connections: none is lost";
    is_deeply [$daemon->pid, sort $daemon->children_now], \@pids, 'the workers are the same';
    is_flat('B31', $before, measured(@pids));
    is $daemon->kill('TERM')->wait_end, '0', 'and it ends';
    return;
}

# When the last connection has gone, so that they have as many descriptors twice.
sub measured {
    my (@pids) = @_;
    my $until = clock_gettime(CLOCK_MONOTONIC) + 10;
    my ($count, $descriptors) = (0, -1);

    while ($count != $descriptors && clock_gettime(CLOCK_MONOTONIC) < $until) {
        sleep 0.2;
        ($descriptors, $count) = ($count, scalar map { glob "/proc/$_/fd/*" } @pids);
    }
    return { descriptors => $count, memory => family_memory(@pids) };
}

# It has children as long as it lives.
sub ended {
    my ($daemon, $load, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $load->none_lost($name);
    is $daemon->kill('TERM')->wait_end, '0', 'and it ends';
    return;
}

sub sound {
    my ($folder) = @_;

    return join '', map { s/FOLDER/$folder/r . "\n" } fixed($folder), @lines;
}

sub fixed {
    my ($folder) = @_;

    return ('listen 127.0.0.1:0', "directory sqlite:$folder/directory", 'log stderr');
}

# What the log says of it.
sub reload {
    my ($daemon) = @_;

    $daemon->kill('HUP');
    my $told = $daemon->wait_log(qr/configuration: (.*)\n/);
    return $told ? $told->[0] : 'nothing';
}

sub reloads {
    my ($count, $least) = @_;
    my ($daemon, $folder, $load) = loaded($least);
    my $good = 0;

    $good += reload($daemon) =~ /^read again/ for 1 .. $count;
    is $good, $count, "$count times read again";
    ended($daemon, $load, 'reloads');
    return;
}

# A line that is gone, twice there, cut, or has other octets in it.
sub mutated {
    my ($folder) = @_;
    my @text     = map { s/FOLDER/$folder/r } @lines;
    my $line     = \$text[rand @text];
    my @how      = (
        sub { $$line = '' },
        sub { $$line .= "\n$$line" },
        sub { $$line = substr $$line, 0, rand length $$line },
        sub { substr $$line, rand length $$line, 1, chr rand 256     for 0 .. rand 3 },
        sub { substr $$line, rand length $$line, 0, chr 33 + rand 90 for 0 .. rand 3 },
    );

    $how[rand @how]->();
    return join '', map { "$_\n" } fixed($folder), @text;
}

# Those that are sound all the same are taken; of the others it says where they are wrong, and goes
# on as before.
sub mutations {
    my ($count, $least)          = @_;
    my ($daemon, $folder, $load) = loaded($least);
    my ($taken, $kept)           = (0, 0);

    srand 21;
    for (1 .. $count) {
        spew("$folder/conf.new", mutated($folder));
        rename "$folder/conf.new", "$folder/conf" or die "conf: $!\n";
        my $told = reload($daemon);
        if ($told =~ /^read again/) {
            $taken++;
        } elsif ($told =~ m{^\S+/(?:conf|rules):\d+: .*; the one before stays in use$}
            || $told =~ /a NUL in it/)
        {
            $kept++;
        } else {
            diag $told;
        }
    }
    is $taken + $kept, $count, "$count configurations: $taken are taken, $kept refused with a line";
    ended($daemon, $load, 'configurations');
    return;
}

sub upgrades {
    my ($count, $least) = @_;
    my ($daemon, $folder, $load) = loaded($least);
    my $good = 0;

    for (1 .. $count) {
        my $before = $daemon->pid;
        $daemon->kill('USR2');
        last if waitpid($before, 0) != $before || $?;
        $daemon->{pid} = successor($before, $load) or last;
        $good++;
    }
    is $good, $count, "$count upgrades";
    ended($daemon, $load, 'upgrades');
    return;
}

1;
