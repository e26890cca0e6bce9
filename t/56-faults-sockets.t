# A26, and A25 as far as it is the kernel that fails: every system call of NetIO::Socket's
# constructors, of accept and of connect fails in turn, in two ways.  There is an error or none, but
# no crash, no hang, no descriptor left, and no socket in the wrong mode.

use strict;
use warnings;

use lib 't/lib';

use NetIO::Test::Faults qw(faults_missing faults_ok);
use Test::More;

# Through die, so that what has been started ends.
$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my $missing = faults_missing();
plan skip_all => $missing if $missing;

# One that must not show, and one that must.
my @ERRORS = qw(EINTR EIO);

my $begin = <<'CODE';
use strict;
use warnings;
use IO::Socket ();
use NetIO::Socket;

alarm 20;
sub must { return $_[0] || die "$_[1]: $!\n" }
# The mode is what it has to be, or cannot be asked for.
sub mode {
    my ($name, $fh, $blocking) = @_;
    my $is = $fh->blocking;
    die "$name: mode: $!\n" if !defined $is;
    die "wrong mode\n"      if !$is != !$blocking;
}
sub result { return eval { talk(); 'ok' } // ($@ =~ /^wrong/ ? $@ : "error: $@") =~ s/\n//r }
sub listener { return must(NetIO::Socket->new(LocalHost => '127.0.0.1', Timeout => 5, @_), 'new') }
CODE

faults_ok('the constructor and accept', [], $begin . <<'CODE', [], @ERRORS);
sub talk {
    my $listener = listener(Listen => 5, ReuseAddr => 1);
    my $port = must($listener->sockport, 'sockport');
    my $fh = must(NetIO::Socket->new(PeerHost => '127.0.0.1', PeerPort => $port, Timeout => 5,
        LocalHost => '127.0.0.2', Sockopts => [[SOL_SOCKET, SO_KEEPALIVE]]), 'new');
    mode(new => $fh, 1);
    my $peer = must(scalar $listener->accept, 'accept');
    mode(accept => $peer, 1);
    print {$fh} "hello\n" or die "print: $!\n";
    my $line = <$peer>;
    die defined $line ? "wrong line\n" : "read: $!\n" if !defined $line || $line ne "hello\n";
}
CODE

faults_ok('connect, in both modes, and UDP', [], $begin . <<'CODE', [], @ERRORS);
sub talk {
    my $listener = listener(Listen => 5);
    my $name = must($listener->sockname, 'sockname');
    my $fh = must(NetIO::Socket->new(Family => AF_INET, Timeout => 5), 'new');
    must($fh->connect($name), 'connect');
    mode(connect => $fh, 1);
    my $info = { family => AF_INET, socktype => SOCK_STREAM, addr => $name };
    $fh = must(NetIO::Socket->new(PeerAddrInfo => [$info], Blocking => 0), 'new');
    until ($fh->connect) {    # and here it says why there is none
        $!{EINPROGRESS} or die "connect: $!\n";
        select undef, undef, undef, 0.001;
    }
    mode('not blocking' => $fh, 0);
    my $udp = listener(Proto => 'udp', Broadcast => 1);
    $fh = must(NetIO::Socket->new(Proto => 'udp', PeerHost => '127.0.0.1',
        PeerPort => must($udp->sockport, 'sockport')), 'new');
    print {$fh} "hello\n" or die "print: $!\n";
}
CODE

done_testing;
