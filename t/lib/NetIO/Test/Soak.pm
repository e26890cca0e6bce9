package NetIO::Test::Soak;

# A server under a full load of new connections, which must not lose one whatever is done to it.
# Short in t/, whole in xt/soak.
#
#     soak_workers(reloads => 1000, upgrades => 100, ...);      # t/c/drive-supervisor.c
#    (seconds => 3600, least => 2000);               # the same, and nothing but load
#
#     my $load = NetIO::Test::Soak->load($port, mode => 'whois', lines => ['cisco'], least => 1000);
#     ...                                                       # what the server has to stand
#     $load->none_lost('reloads');                              # a test; or
#     my %count = $load->finish;                                # answered, refused, lost
#
# The load is bench/load.c: so many clients, each of which asks again as soon as it is answered, on a
# new connection, until finish, and until there were least connections.  It counts those that are
# refused and those that end without a complete answer, and says so with the first few of them.

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use NetIO::Test::Idle;
use NetIO::Test::Patience;
use NetIO::Test::Run     qw(slurp spew);
use NetIO::Test::Process qw(as_reaper is_gone);
use NetIO::Test::Workers;
use POSIX ();
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

our @EXPORT_OK = qw(as_reaper family_memory is_flat soak_workers successor);

use constant {
    CLIENTS  => 16,
    PATIENCE => 0.1,    # seconds after a kill
    GROWTH   => 256,    # KiB that are no leak
};

# --- The load.

sub load {
    my ($class, $port, %how) = @_;
    my $file  = File::Temp->new;
    my $lines = join '', map { "$_\n" } @{ $how{lines} };

    if (system('make', '-s', '-C', 'bench', 'build/load') != 0) {
        die "make -C bench: $?\n";
    }
    spew($file->filename, $lines);
    my $pid = open(my $output, '-|') // die "fork: $!\n";
    if (!$pid) {
        exec 'bench/build/load', '--count-losses', $how{mode}, CLIENTS, $how{least}, $port,
            $file->filename
            or die "load: $!\n";
    }
    return bless { pid => $pid, output => $output, file => $file }, $class;
}

# Whether it handles SIGTERM by now, which would end it before: itself, not what it was when it was
# forked; or has ended.
sub has_begun {
    my ($self)   = @_;
    my $status   = slurp("/proc/$self->{pid}/status");
    my ($caught) = $status =~ /^SigCgt:\s*([0-9a-f]+)$/m or return 1;

    return $status =~ /^Name:\s*load$/m && hex($caught) & 1 << POSIX::SIGTERM() - 1;
}

sub finish {
    my ($self) = @_;
    my %count;

    eventually { has_begun($self) };
    kill 'TERM', $self->{pid};
    @count{qw(answered refused lost seconds)} = split ' ', readline($self->{output}) // '';
    close $self->{output};
    delete $self->{pid};
    return %count;
}

sub none_lost {
    my ($self, $name) = @_;
    my %count = $self->finish;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok defined $count{lost}, "$name: the load went on to its end" or return;
    is $count{refused}, 0, "$name: none refused";
    is $count{lost},    0, "$name: none lost";
    note sprintf '%s: %d connections in %.1f s', $name, @count{qw(answered seconds)};
    return;
}

sub DESTROY {
    my ($self) = @_;

    return if !$self->{pid};
    local ($?, $!, $@);
    kill 'KILL', $self->{pid};
    close $self->{output};
    return;
}

# --- What the server must not become.

# KiB that are its own.
sub family_memory {
    my (@pids) = @_;
    my $sum = 0;

    for my $pid (@pids) {
        $sum += $1 if (eval { slurp("/proc/$pid/status") } // '') =~ /^RssAnon:\s+(\d+) kB/m;
    }
    return $sum;
}

# What they have now, against what they had after the first few rounds.
sub is_flat {
    my ($name, $before, $now) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    cmp_ok $now->{descriptors}, '<=', $before->{descriptors}, "$name: no descriptor more";
    SKIP: {
        skip 'a sanitizer keeps what is freed', 1 if $ENV{NETIO_TEST_SANITIZED};
        cmp_ok $now->{memory}, '<=', $before->{memory} + GROWTH, "$name: no memory more";
    }
    note "$name: $before->{memory} KiB before, $now->{memory} KiB after";
    return;
}

sub measured {
    my ($daemon) = @_;

    return { descriptors => $daemon->descriptors, memory => family_memory($daemon->pid) };
}

# --- The supervisor in C.

# How often each is done; least: connections of each part.
sub soak_workers {
    my (%times) = @_;
    my $least = $times{least};

    as_reaper();
    subtest 'B20: reloads'            => sub { reloads($times{reloads}, $least) };
    subtest 'B21: configurations'     => sub { mutations($times{mutations}, $least) };
    subtest 'upgrades'                => sub { upgrades($times{upgrades}, $least) };
    subtest 'B23: upgrades that fail' => sub { failed_upgrades($times{failed}, $least) };
    subtest 'B8: kill -9 of a worker' => sub { kills($times{kills}, $least, $times{on_time}) };
    subtest 'B30: nothing to do'      => sub { idle($times{idle}) };
    return;
}

sub idle {
    my ($seconds) = @_;
    my $daemon = NetIO::Test::Workers->start('-w', 2, '-b', 0.4);

    silent_for($seconds, sub { $daemon->ask("x\n") }, $daemon->pid, $daemon->settled);
    return;
}

sub loaded {
    my ($least, @args) = @_;
    my $daemon = NetIO::Test::Workers->start('-w', 2, '-d', 5, @args);

    return ($daemon,
        __PACKAGE__->load($daemon->port, mode => 'ask', lines => ["x\t<x>"], least => $least));
}

sub reloads {
    my ($count,  $least)  = @_;
    my ($daemon, $load)   = loaded($least);
    my ($good,   $before) = (0);

    for my $time (1 .. $count) {
        $good += $daemon->reload("workers 2") =~ /^reloaded/;
        $before = measured($daemon) if $time == int($count / 10) + 2;
    }
    is $good, $count, "$count reloads";
    $load->none_lost('reloads');
    ok $daemon->settled, 'the old workers have ended';
    is_flat('reloads', $before, measured($daemon));
    return;
}

# What is in it is broken, but for the address: so the configuration before stays.
sub mutations {
    my ($count, $least) = @_;
    my ($daemon, $load) = loaded($least);
    my @pids = $daemon->settled;
    my $kept = 0;

    srand 6;
    for (1 .. $count) {
        my $told = $daemon->reload($daemon->{address}, mutated());
        $kept += $told =~ /^(?:refused|broken|kept)/ or diag $told;
    }
    is $kept, $count, "$count broken configurations are refused";
    is_deeply [sort $daemon->settled], [sort @pids], 'the workers are the same';
    is(($daemon->who)[2], 1, 'of the first generation');
    $load->none_lost('configurations');
    return;
}

# An address that nobody can listen on.
sub mutated {
    my $text = (
        '127.0.0.1:65536', '[::1',
        '192.0.2.1:4343',  'unix:/nonexistent/folder/socket',
        'udp:127.0.0.1:x', '127.0.0.1:4343,mode=9999',
    )[rand 6];

    substr $text, rand length $text, 0, chr 33 + rand 90 for 1 .. rand 4;
    return "$text/x:";
}

sub install {
    my ($daemon, $file, $mode, @lines) = @_;

    unlink $file;
    if (@lines) {
        spew($file, join '', @lines);
        chmod $mode, $file;
    }
    return;
}

# The program is a file that can be put in place of another.
sub upgradable {
    my ($least, @args) = @_;
    my $folder  = File::Temp->newdir('netio-XXXXXX', TMPDIR => 1);
    my $program = "$folder/program";

    symlink NetIO::Test::C::c_program('drive-supervisor'), $program or die "symlink: $!\n";
    return ($folder, $program, loaded($least, '-x', $program, @args));
}

# The child that is neither the load nor the one before.
sub successor {
    my ($before, $load) = @_;
    my %known = map  { $_ => 1 } $before, $load->{pid};
    my @left  = grep { !$known{$_} } split ' ', slurp("/proc/$$/task/$$/children");

    return $left[0];
}

sub upgrades {
    my ($count, $least) = @_;
    my ($folder, $program, $daemon, $load) = upgradable($least);
    my $good = 0;

    for (1 .. $count) {
        my $before = $daemon->pid;
        $daemon->kill('USR2');
        $daemon->wait_log(qr/^ready [\d.]+:\d+\n/m) or last;
        last if waitpid($before, 0) != $before || $?;
        $daemon->{pid} = successor($before, $load) or last;
        $good++;
    }
    is $good, $count, "$count upgrades";
    $load->none_lost('upgrades');
    return;
}

my %broken = (
    'missing'         => [],
    'not executable'  => [0644, "#!/bin/sh\n"],
    'of another kind' => [0755, "\x7fELF\x02\x02\x01", "\0" x 9, "\0\x02\0\x16", "\0" x 44],
    'ends at once'    => [0755, "#!/bin/sh\nexit 3\n"],
    'crashes'         => [0755, "#!/bin/sh\nkill -SEGV \$\$\n"],
    'hangs'           => [0755, "#!/bin/sh\nexec sleep 1000\n"],
);

sub failed_upgrades {
    my ($count, $least) = @_;
    my ($folder, $program, $daemon, $load) = upgradable($least, '-r', 0.5);
    my @kinds = sort keys %broken;
    my $good  = 0;
    my @pids  = $daemon->settled;

    for my $time (1 .. $count) {
        my $kind = $kinds[$time % @kinds];
        install($daemon, $program, @{ $broken{$kind} });
        $daemon->kill('USR2');
        my $told = $daemon->wait_log(qr{upgrade failed: (.*)\n});
        $good++ if $told;
        note "$kind: ", $told ? $told->[0] : 'nothing' if $time <= @kinds;
    }
    is $good, $count, "$count upgrades fail, and it says so";
    is_deeply [sort $daemon->settled], [sort @pids], 'the workers are the same';
    $load->none_lost('upgrades that fail');
    return;
}

# Those inside it are lost, which are no more than there are clients; and whoever asks next is
# answered by another.
sub kills {
    my ($count, $least, $on_time) = @_;
    my ($daemon, $load) = loaded($least);
    my ($good,   @took) = (0);

    for my $time (1 .. $count) {
        my @workers = $daemon->settled or last;
        my $began   = clock_gettime(CLOCK_MONOTONIC);
        kill 'KILL', $workers[$time % @workers];
        is_gone($workers[$time % @workers]);    # on another core it may let in one client more
        $good += ($daemon->ask("x\n") // '') eq "<x>\n";
        push @took, clock_gettime(CLOCK_MONOTONIC) - $began;
        $daemon->settled($workers[$time % @workers]);
    }
    my %lost = $load->finish;
    is $good,          $count, "$count times the next query is answered";
    is $lost{refused}, 0,      'nobody is refused';
    cmp_ok $lost{lost}, '<=', $count * CLIENTS, 'those inside are lost at most';
    @took = sort { $a <=> $b } @took;
    note sprintf '%d answered, %d lost; next answer after a kill: median %.1f ms, longest %.1f ms',
        @lost{qw(answered lost)}, map { 1000 * $_ } @took[$#took / 2, -1];
    cmp_ok $took[-1], '<=', PATIENCE, 'within 100 ms' if $on_time;
    return;
}

1;
