# F7 threads: handles live on in both, deadlines are each thread's own, nothing is freed twice.

use strict;
use warnings;

use Config;
use Test::More;

BEGIN {
    plan skip_all => 'this perl has no threads' if !$Config{useithreads};
}

use lib 't/lib';
use threads;

use NetIO;
use NetIO::Test::Peer;
use NetIO::Test::Process;

alarm 300;

my $echo   = NetIO::Test::Peer->start('echo');
my $silent = NetIO::Test::Peer->start('silent');
my ($host, $port) = ($echo->host, $echo->port);

sub call {
    my ($text) = @_;
    my $fh = tcpopen($host, $port, timeout => 60, deadline => 60);

    print {$fh} "$text\n";
    my $line = <$fh>;
    return defined $line && $line eq "$text\n";
}

my $before = fds();
my @threads = map {
    my $number = $_;
    threads->create(sub { return scalar grep { call("$number $_") } 1 .. 100 })
} 1 .. 4;
is $_->join, 100, 'a thread with 100 calls' for @threads;
is fds(), $before, 'no descriptor leaked';

my $fh    = tcpopen($host, $port, timeout => 60, deadline => 60);
my $error = do { eval { tcpopen('', 1) }; $@ };
my $said  = threads->create(
    sub {
        my $class = ref $fh;
        print {$fh} "from the thread\n";
        my $line = <$fh>;
        my $left = $fh->deadline;
        $fh->deadline(0);
        my $later = <$fh>;
        my $new = tcpopen($host, $port);
        return join '|', $class, $line =~ s/\n//r, $left > 30 ? 'left' : $left, $later // "$!",
            ref $new, "$error" =~ s/ at .*//sr;
    }
)->join;
is $said,
    'NetIO::Socket|from the thread|left|Connection timed out|NetIO::Socket|tcpopen: no host given',
    'a thread that is born with an open handle, and with an error';
print {$fh} "still here\n";
is scalar <$fh>, "still here\n", 'the end of the thread does not close it';
cmp_ok $fh->deadline, '>', 30, "the deadline is each thread's own";
ok(threads->create(sub { close $fh })->join, 'a thread closes its handle');
print {$fh} "and on\n";
is scalar <$fh>, "and on\n", 'ours is open';

# Both directions of a clone share one deadline.
my $deadline = threads->create(
    sub {
        $fh->deadline(0);
        my $line = <$fh>;
        my $read = 0 + $!;
        my $sent = print {$fh} "x\n";
        return join ' ', $read == $!{ETIMEDOUT} || $read, $sent ? 'sent' : 'not sent';
    }
)->join;
like $deadline, qr/^\d+ not sent$/, 'both directions';

my $waiting = tcpopen($silent->host, $silent->port, timeout => 60, deadline => 0.3);
my $ended = threads->create(sub { my $line = <$waiting>; return "$!" })->join;
is $ended, 'Connection timed out', 'a deadline in a thread';
is scalar <$waiting>, undef, 'and in ours';

my $inner = threads->create(
    sub {
        my $own = tcpopen($host, $port, timeout => 60);
        return threads->create(sub { print {$own} "nested\n"; scalar <$own> })->join;
    }
)->join;
is $inner, "nested\n", 'a thread of a thread';

undef $fh;
undef $waiting;
is fds(), $before, 'no descriptor leaked';

done_testing;
