# netio-daemon: what the program writes, in the log.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::Run;
use NetIO::Test::Supervisor;
use Test::More;

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

# What the log has of a program that writes this.
sub logged {
    my ($code, @options) = @_;
    my $place = NetIO::Test::Supervisor->new;
    my $run   = $place->run(\@options, perl_program($code));

    $run->wait_end;
    return join '', grep { !/^netio-daemon: / } map { "$_\n" } split /\n/, $run->log_text;
}

# ---- lines -------------------------------------------------------------------------------

is(
    logged('print "a\nb\r\n\nc"'),
    "x: a\nx: b\nx: \nx: c\n",
    'lines, CRLF, empty ones, the last torn'
);
is(
    logged('print "1\n"; print STDERR "2\n"; print "3\n"'),
    "x: 1\nx: 2\nx: 3\n",
    'both in their order'
);
is(logged(''), '', 'nothing');
is(
    logged('print map { chr } 0 .. 9, 11 .. 255; print "\n"'),
    'x: '
        . join('', map { $_ < 32 || $_ > 126 ? sprintf '\\x%02x', $_ : chr } 0 .. 9, 11 .. 255)
        . "\n",
    'D4 every byte'
);
is(logged('print "\e]0;x\a\x9b2J\n"'), "x: \\x1b]0;x\\x07\\x9b2J\n", 'D4 escape sequences');
is(logged('print "%s%n%100000d\n"'),   "x: %s%n%100000d\n",          'no format');
is(
    logged('print "netio-daemon: x: pid 1 ended\n"'),
    "x: netio-daemon: x: pid 1 ended\n",
    "the supervisor's own lines cannot be forged"
);
is(
    logged('print "<3>bad\n<8>x\n<12>x\n<3\n<>\n"'),
    "x: bad\nx: <8>x\nx: <12>x\nx: <3\nx: <>\n",
    'a priority in front'
);

# Under a service manager: the levels of lines for journald, whose socket stderr is.
{
    my $place   = NetIO::Test::Supervisor->new;
    my $journal = sub {
        my ($dev, $inode) = stat STDERR;
        $ENV{JOURNAL_STREAM} = "$dev:$inode";
    };
    my (undef, undef, $err) = $place->call({ setup => $journal },
        'run', '--',
        perl_program('print "<3>bad\n<7>fine\nas ever\n$ENV{JOURNAL_STREAM}\n"; exit 1'));
    is(
        $err =~ s/pid \d+/pid N/gr,
        "<6>netio-daemon: x: pid N started\n<3>x: bad\n<7>x: fine\n<6>x: as ever\n<6>x: \n"
            . "<4>netio-daemon: x: pid N ended with exit code 1\n",
        'levels for journald, which is not the program\'s'
    );
}

# Long lines go on in the next; nothing is lost (as long as all of it fits into the pipe to here).
for my $case ([3000, 'a'], [10_000, 'b'], [100_000, 'c'], [20_000, "\xff"], [500_000, 'd']) {
    my ($n, $letter) = @$case;
    my $text  = logged(sprintf 'print "\\x%02x" x %d, "\n", "end\n"', ord $letter, $n);
    my $shown = $letter lt "\x7f" ? $letter : sprintf '\\x%02x', ord $letter;
    my @lines = split /\n/, $text;
    is(pop @lines, 'x: end', "$n of $shown: what follows is a line of its own");
    is(join('', map { s/^x: //r } @lines) eq $shown x $n, 1, 'nothing of it is lost');
    is((grep { length > 4000 } @lines),                   0, 'no line is too long');
}
my @pieces = split /\n/, logged('print "y" x 16384, "\n", "z" x 32768, "\n", "end\n"');
is(join('', map { s/^x: //r } @pieces) eq 'y' x 16384 . 'z' x 32768 . 'end',
    1, 'at the very limits');
is((grep { /^x: $|yz/ } @pieces), 0, 'no line is made up, and no two become one');

my $last = logged('print "x" x 60_000, "\n"; kill "KILL", $$');
is($last =~ s/^x: |\n//gmr eq 'x' x 60_000, 1, 'the last words of one that is killed');

# ---- programs and their standard output ---------------------------------------------------

is(logged('open my $fh, ">>", "/dev/stdout" or die "$!\n"; print $fh "again\n"'),
    "x: again\n", '/dev/stdout can be opened');
SKIP: {
    skip 'only root can become nobody', 1 if $> != 0;
    is(
        logged(
            'open my $fh, ">>", "/dev/stderr" or die "$!\n"; print $fh "again\n"',
            '--user', 'nobody'
        ),
        "x: again\n",
        'by another user as well'
    );
}

# ---- logs that take nothing ------------------------------------------------------------------

# The program writes a megabyte and then says so somewhere else: it is not held up.
sub goes_on {
    my ($name, $place, @log) = @_;
    my ($fifo, $path) = $place->fifo('done');
    my ($status) = $place->call(
        'start', @log, '--',
        perl_program(
            'print "x" x 999, "\n" for 1 .. 1000; open my $fh, ">", shift; print $fh "done\n"; '
                . 'close $fh; sleep 1000',
            $path
        )
    );

    is($status, 0, "$name: started");
    ok(wait_line($fifo, qr/done\n/), "$name: the program is not held up");
    is($place->exits('stop'), 0, "$name: stopped");
    return;
}
{
    my $place = NetIO::Test::Supervisor->new;
    my ($log, $path) = $place->fifo('log');
    goes_on('a log that nobody reads', $place, '--log', $path);
}
goes_on('a full disk', NetIO::Test::Supervisor->new, '--log', '/dev/full');
{
    # SIGXFSZ ends who does not ignore it.
    my $place = NetIO::Test::Supervisor->new;
    my ($fifo, $path) = $place->fifo('done');
    my @program = perl_program(
        'print "x" x 99_999; open my $fh, ">", shift; print $fh "done\n"; close $fh; sleep 1000',
        $path);
    my @limited = ('sh', '-c', 'ulimit -f 1; exec "$@"', 'sh');
    my ($status) =
        $place->call({ wrap => \@limited }, 'start', '--log', $place->dir . '/log', '--', @program);

    is($status, 0, 'a log that may not become longer: started');
    ok(wait_line($fifo, qr/done\n/), 'the program is not held up');
    is($place->exits('status'), 0, 'nor has the supervisor died of it');
    is($place->exits('stop'),   0, 'stopped');
}
SKIP: {
    skip 'needs root', 6 if $> != 0;
    # Nothing but what is needed: no /dev/log.
    my $no_log = 'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && exec "$@"';
    my $place  = NetIO::Test::Supervisor->new;
    my ($fifo, $path) = $place->fifo('done');
    my @in = ('unshare', '-m', '--propagation', 'private', 'sh', '-c', $no_log, 'sh');
    my ($status, $out, $err) = $place->call(
        { wrap => \@in },
        'start', '--',
        perl_program(
            'print "up\n"; open my $fh, ">", shift; print $fh "done\n"; close $fh; sleep 1000',
            $path
        )
    );
    is_deeply([$status, $err], [0, "netio-daemon: x: pid N started\n"], 'no /dev/log: started')
        if $err =~ s/pid \d+/pid N/;
    ok(wait_line($fifo, qr/done\n/), 'no /dev/log: runs');
    is($place->exits('stop'), 0, 'no /dev/log: stopped');

    # C22.
    my @bare = (
        'unshare', '-m', '--propagation', 'private', 'sh', '-c', 'umount -l /proc && exec "$@"',
        'sh'
    );
    ($status) = $place->call(
        { wrap => \@bare },
        'start', '--log', $place->dir . '/log',
        '--',    perl_program('$SIG{HUP} = sub { print "hup\n" }; print "up\n"; sleep 1000 while 1')
    );
    is($status,               0, 'C22 no /proc: started');
    is($place->exits('stop'), 0, 'C22 no /proc: stopped');

    # C7.
    my @file = (
        'unshare', '-m', '--propagation', 'private', 'sh', '-c',
        'mount -t tmpfs none /dev && : >/dev/null && exec "$@" </ 2>/dev/stderr-of-nobody', 'sh'
    );
    ($status) =
        $place->call({ wrap => \@file }, 'start', '--log', $place->dir . '/log', '--', 'true');
    is($status, 71, 'C7 /dev/null is a plain file: refused');
}

done_testing;
