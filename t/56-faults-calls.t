# A26, and A25 as far as it is the kernel that fails: every system call that a program in Perl
# makes between tcpopen and close fails in turn, in eight ways.  There is an error or none, but
# no crash, no hang, no descriptor left, and the next connection is as good as any.

use strict;
use warnings;

use lib 't/lib';

use NetIO::Test::DNS;
use NetIO::Test::Faults qw(faults_missing faults_ok);
use NetIO::Test::Netns;
use NetIO::Test::Peer;
use Test::More;

# Through die, so that the namespaces are removed.
$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my @ERRORS = qw(EINTR EAGAIN EIO ENOMEM EMFILE ENFILE EACCES EPERM);

my $missing = faults_missing();
plan skip_all => $missing if $missing;

my $PROGRAM = <<'CODE';
use strict;
use warnings;
use NetIO;

alarm 20;
my ($host, $port) = @ARGV;
sub talk {
    my $fh = tcpopen($host, $port, timeout => 5, deadline => 5, fatal => 1);
    print {$fh} "hello\n";
    $fh->flush;
    my $line = <$fh>;
    # The one that is not thrown: the socket could not be made blocking.
    return "error: $!" if !defined $line && $!{EAGAIN};
    close $fh;
    return defined $line && $line eq "hello\n" ? 'ok' : 'wrong';
}
sub result { return eval { talk() } // 'error: ' . (ref $@ ? $@->message : $@) }
# Perl reads the files of NetIO::Error now, and not when the first call fails.
eval { tcpopen('127.0.0.1', 'x y') };
my $text = $@->stage;
CODE

my $echo = NetIO::Test::Peer->start('echo');
faults_ok('a numeric address', [], $PROGRAM, ['127.0.0.1', $echo->port], @ERRORS);

SKIP: {
    my $why = NetIO::Test::Netns->missing;
    skip $why, 2 if $why;
    my $ns    = NetIO::Test::Netns->new('faultcalls', 'resolv.conf' => "nameserver 127.0.0.1\n");
    my $there = NetIO::Test::Peer->start_in($ns, 'echo');
    my $dns   = NetIO::Test::DNS->start($ns, "both.test A 127.0.0.1\nboth.test AAAA ::1\n");
    faults_ok('a name with two addresses, the first of which refuses',
        [$ns->prefix], $PROGRAM, ['both.test', $there->port], @ERRORS);
}

done_testing;
