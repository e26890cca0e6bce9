# A pool that cannot be started: who comes is let go, and the status and the log say so, until one is
# ready.  Nobody is let go who comes to one that has not failed yet.

use strict;
use warnings;

use File::Temp ();
use POSIX      ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Inetd;
use NetIO::Test::Run qw(spew spew_whole);

alarm 300;

plan skip_all => 'services have users of their own: only root can say so' if $>;

# netiod passes on no LD_PRELOAD, without which perl cannot load what has ASan in it: then there is
# never a pool.
my $serves = !$ENV{NETIO_TEST_SANITIZED};

my $POOL = "127.0.0.1:{a} on exec = {DIR}/pool.pl, pool = 1, user = nobody;\n";
my $GOOD = qq{print "served\\n";\n};
my $DOWN = qr/: the pool, pid \d+, ended before it was ready/;

sub folder { return File::Temp->newdir('netiod-XXXXXX', TMPDIR => 1) }

# With what is in the folder.
sub started {
    my ($dir, $config) = @_;

    return NetIO::Test::Inetd->start(
        config  => $config // $POOL,
        args    => ['--status', 'unix:{DIR}/status'],
        workers => 0,
        dir     => $dir
    );
}

# Of the first service: the values of these words.
sub status {
    my ($d, @words) = @_;
    my ($line) = split /\n/, $d->status;
    my %status = map { split /=/, $_, 2 } split ' ', $line;

    return "@status{@words}";
}

# Its pool is ready, and stays.
sub is_ready {
    my ($d) = @_;

    $d->{workers} = 1;
    $d->grows(2);
    return $d->wait_log(qr/: the pool is ready, pid (\d+)\n/);
}

# A program that is compiled when somebody opens the gate, and then does that.
sub gated {
    my ($dir, $does) = @_;

    if (!-e "$dir/gate") {
        POSIX::mkfifo("$dir/gate", 0600) or die "$dir/gate: $!\n";
        chown scalar getpwnam('nobody'), -1, "$dir/gate";
    }
    spew_whole("$dir/pool.pl",
        "BEGIN { warn qq{is there\\n}; open my \$gate, '<', '$dir/gate'; $does }\n$GOOD");
    return;
}

sub at_the_gate { return $_[0]->wait_log(qr/: says: is there\n/) }

sub open_gate {
    my ($dir) = @_;

    open my $gate, '>', "$dir/gate" or die "gate: $!\n";
    return;
}

for my $row (
    ['is not there'],
    ['does not compile'       => "\$| = ;\n"],
    ['is not Perl'            => "#!/bin/sh\necho served\n"],
    ['ends as it is compiled' => "BEGIN { exit 0 }\n"],
    )
{
    my ($name, $program) = @$row;
    subtest "a program that $name" => sub {
        my $dir = folder();
        spew("$dir/pool.pl", $program) if defined $program;
        my $d = started($dir);

        ok $d->wait_log(qr/$DOWN: clients are let go until one is ready\n/), 'the log says so';
        is $d->answer('a'), '', 'who comes is let go' for 1 .. 2;
        ok $d->wait_log(qr/cannot start for 127\.0\.0\.1:\d+$DOWN\n/), '... and is in the log';
        is status($d, qw(state failed)),                  'failing 2', '... and in the status';
        is scalar(() = $d->log =~ /clients are let go/g), 1, 'that it begins is said once';
        if ($serves) {
            spew_whole("$dir/pool.pl", $GOOD);
            ok is_ready($d), 'mended, it is started';
            is $d->answer('a'),              "served\n",  '... and serves';
            is status($d, qw(state failed)), 'serving 2', '... and nobody more is let go';
        }
        $d->finish;
    };
}

subtest 'on a unix socket' => sub {
    my $dir = folder();
    my $d   = started($dir, $POOL =~ s/^\S+ on/a on listen = unix:{DIR}\/a,/r);

    $d->wait_log($DOWN);
    is $d->answer("$dir/a"), '', 'who comes is let go';
    ok $d->wait_log(qr/cannot start for unix: uid $>$DOWN\n/), '... and the log knows who';
    $d->finish;
};

subtest 'a reload' => sub {
    my $dir  = folder();
    my $d    = started($dir);
    my $echo = "127.0.0.1:{a} stream tcp nowait nobody /bin/echo echo served\n";

    $d->wait_log($DOWN);
    ok $d->reload($POOL . $POOL =~ s/\{a\}/{b}/r), 'another such service';
    $d->wait_log(qr/@{[$d->port('b')]}$DOWN/);
    is $d->answer($_), '', "who comes to $_ is let go" for qw(a b);
    ok $d->reload($POOL =~ s/^(\S+) on/both on listen = $1 127.0.0.1:{b},/r),
        'both sockets are one service';
    $d->wait_log(qr/$DOWN/);
    is $d->answer($_), '', "who comes to $_ is let go" for qw(a b);
    ok $d->reload($echo), 'a service of another kind has the socket';
    is $d->answer('a'),     "served\n", '... and serves';
    is status($d, 'state'), 'serving',  '... as the status says';
    ok $d->reload($POOL), 'the pool again';
    $d->wait_log($DOWN);
    is $d->answer('a'), '', '... has it to let clients go';
    $d->finish;
};

subtest 'an upgrade' => sub {
    my $d = started(folder());

    $d->wait_log($DOWN);
    ok $d->upgrade, 'of a netiod whose pool is down';
    $d->since_upgrade;
    $d->wait_log($DOWN);
    is $d->answer('a'),       '',        'who comes is let go';
    is status($d, qw(state)), 'failing', '... as the status says';
    is $d->left,              0,         'the predecessor ends';
    $d->finish;
};

SKIP: {
    skip 'no pool with ASan', 2 if !$serves;

    my $named = "p on listen = 127.0.0.1:{a}, exec = {DIR}/pool.pl, pool = 1, user = nobody;\n";
    for my $row (
        ['that refuses',      sub { $_[0] =~ s/;$/, deny = 127.0.0.1;/r },    'a'],
        ['of another user',   sub { $_[0] =~ s/nobody/daemon/r },             'a'],
        ['elsewhere',         sub { $_[0] =~ s/\{a\}/{b}/r },                 'b'],
        ['elsewhere, too',    sub { $_[0] =~ s/,/ 127.0.0.1:{b},/r },         'a', 'b'],
        ['of another script', sub { $_[0] =~ s/pool\.pl/other.pl, args=x/r }, 'a'],
        )
    {
        my ($name, $changed, @ports) = @$row;
        subtest "a reload to one $name, which fails" => sub {
            my $dir = folder();
            spew("$dir/pool.pl", $GOOD);
            my $d   = started($dir, $named);
            my $pid = is_ready($d)->[0];

            spew_whole("$dir/pool.pl", "\$| = ;\n");
            ok $d->reload($changed->($named)), 'is a reload';
            $d->{workers} = 0;
            $d->grows(-2);
            ok $d->wait_log(qr/: end, pid $pid, .* exit 0\n/), 'the old one ends';
            is $d->answer($_),      '',        "who comes to $_ is let go" for @ports;
            is status($d, 'state'), 'failing', '... as the status says';
            spew_whole("$dir/$_", $GOOD) for 'pool.pl', 'other.pl';
            ok is_ready($d), 'mended, it is started';
            is $d->answer($_), $name =~ /refuses/ ? '' : "served\n", "... and has $_" for @ports;
            is status($d, 'state'), 'serving',                       '... as the status says';
            $d->finish;
        };
    }

    subtest 'a script that cannot be started any more' => sub {
        my $dir = folder();
        spew("$dir/pool.pl", $GOOD);
        my $d   = started($dir);
        my $pid = is_ready($d)->[0];

        spew_whole("$dir/pool.pl", "\$| = ;\n");
        ok $d->wait_log(qr/the new pool is not ready; the one that serves goes on\n/), $_
            for 'the pool goes on', 'it is tried again';
        ok $d->reload($POOL), 'a reload of the same';
        is $d->answer('a'),     "served\n", '... leaves it';
        is status($d, 'state'), 'serving',  '... as the status says';
        spew_whole("$dir/pool.pl", $GOOD =~ s/served/mended/r);
        ok $d->wait_log(qr/: end, pid $pid, .* exit 0\n/), 'mended, another one is ready';
        is $d->answer('a'), "mended\n", '... and serves';
        $d->finish;
    };

    subtest 'who waits for a start' => sub {
        my $dir = folder();
        gated($dir, 'exit 1');
        my $d      = started($dir);
        my $client = $d->connect('a');

        at_the_gate($d);
        is status($d, qw(state running failed)), 'serving 1 0', 'of the first one';
        gated($dir, '');
        open_gate($dir);
        is $d->read_all($client), '', '... is let go when it has failed';
        at_the_gate($d);
        $client = $d->connect('a');
        is status($d, qw(state running failed)), 'failing 1 1', 'of the next one';
        open_gate($dir);
        is_ready($d);
        is $d->read_all($client),        "served\n",  '... is served when it is ready';
        is status($d, qw(state failed)), 'serving 1', '... as the status says';
        $d->finish;
    };

    subtest 'a pool that has served and dies' => sub {
        my $dir = folder();
        spew("$dir/pool.pl", $GOOD);
        my $d   = started($dir);
        my $pid = is_ready($d)->[0];

        gated($dir, 'exit 1');
        at_the_gate($d);
        is $d->answer('a'), "served\n", 'serves while there is another one';
        kill 'KILL', $pid;
        $d->wait_log(qr/: end, pid $pid, /);
        my $client = $d->connect('a');
        is status($d, 'state'), 'serving', 'is to be replaced by that';
        spew_whole("$dir/pool.pl", $GOOD);
        open_gate($dir);
        is $d->read_all($client), '', 'which fails';
        $d->wait_log($DOWN);
        $d->grows(-2);
        is_ready($d);
        is $d->answer('a'), "served\n", 'and by the next';
        $d->finish;
    };
}

done_testing;
