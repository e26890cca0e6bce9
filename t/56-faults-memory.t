# F16, and A25 in Perl: every call of NetIO.so and of c-ares below it into the C library fails in
# turn, once and from then on, while Perl's own go through.  There is an error or none, but no
# crash, no hang, no descriptor and no memory left, and the next connection is as good as any.

use strict;
use warnings;

use lib 't/lib';

use Config;
use Cwd        ();
use File::Temp ();
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::Peer;
use Test::More;

plan skip_all => 'a sanitizer has these calls already' if $ENV{LD_PRELOAD};
needs_netns(300);
my $folder  = File::Temp->newdir;
my $library = "$folder/faults.so";
plan skip_all => 'no C compiler here'
    if system "$Config{cc} -shared -fPIC -O1 -o $library t/data/faults.c -ldl";

# As many as the calls in t/data/faults.c, which have these numbers.
my $PROGRAM = <<'CODE';
use strict;
use warnings;
use Errno ();
use NetIO;
use NetIO::Socket;
use NetIO::Error;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

$| = 1;
my @common = qw(EINTR EAGAIN EIO ENOMEM);
my @calls = (
    (map { [$_, 'ENOMEM'] } qw(malloc calloc realloc strdup)),
    (map { [$_, @common, 'EACCES', 'EMFILE'] } qw(socket connect bind setsockopt getsockopt
        getsockname getpeername epoll_create1 epoll_ctl epoll_wait poll ppoll recv recvfrom send
        sendmsg fopen getline gethostname)),
);
my ($file, $host, $port, @options) = @ARGV;

sub fds { opendir my $dir, '/proc/self/fd' or die "/proc/self/fd: $!\n"; scalar(() = readdir $dir) }
sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub talk {
    my ($seconds) = @_;
    my $fh = tcpopen($host, $port, timeout => $seconds, deadline => $seconds, fatal => 1, @options);
    print {$fh} "hello\n";
    my $line = <$fh>;
    # The one that is not thrown: the socket could not be made blocking.
    return "error: $!" if !defined $line && $!{EAGAIN};
    close $fh;
    return defined $line && $line eq "hello\n" ? 'ok' : 'wrong';
}
# With a fault it may have to wait for its deadline, without one it does not.
sub result { return eval { talk($_[0] // 20) } // 'error: ' . (ref $@ ? $@->message : $@) }

# The file is a struct plan of eight-byte numbers; code ranges are behind the first six.
open my $plan, '+<', $file or die "$file: $!\n";
sub number {
    my ($at, $value) = @_;
    sysseek $plan, 8 * $at, 0 or die "sysseek: $!\n";
    if (defined $value) { syswrite $plan, pack 'q', $value; return $value }
    sysread $plan, my $raw, 8;
    return unpack 'q', $raw;
}
result() eq 'ok' or die result(), "\n";
eval { tcpopen('127.0.0.1', 'x y') };
open my $maps, '<', '/proc/self/maps' or die "maps: $!\n";
my $at = 6;
while (<$maps>) {
    my ($from, $to) = /^(\w+)-(\w+) r-xp .*(?:NetIO\.so|libcares\.so\S*)$/ or next;
    no warnings 'portable';
    number($at++, hex $_) for $from, $to;
}
close $maps;
result() for 1 .. 3;

# All faults of one way until there is no call left to fail.
sub walk {
    my ($number, $error, $forever, $wrong) = @_;
    my ($runs, $slow) = (0, 0);
    while (1) {
        my ($fds, $live, $began) = (fds(), number(5), now());
        number(2, Errno->can($error)->());
        number(1, $runs), number(3, $forever), number(4, 0), number(0, $number);
        my $result = result(0.5);
        my $took = now() - $began;
        number(0, 0);
        return $runs if !number(4);
        # A machine that had no time for it: then once more.
        next if $took > 1 && ++$slow < 5;
        $slow = 0;
        my @wrong;
        push @wrong, $result if $result !~ /^ok\z|^error: [ -~]+\z/;
        push @wrong, "took $took" if $took > 1;
        push @wrong, 'descriptors: ' . (fds() - $fds) if fds() != $fds;
        push @wrong, 'allocations: ' . (number(5) - $live) if number(5) != $live;
        push @wrong, "and then: $_" for grep { $_ ne 'ok' } result();
        push @$wrong, "number $runs, $error" . ($forever ? ' for ever' : '') . ": @wrong" if @wrong;
        $runs++;
    }
}

for my $number (1 .. @calls) {
    my ($name, @errors) = @{ $calls[$number - 1] };
    my ($runs, @wrong) = (0);
    for my $error (@errors) {
        # A signal interrupts once: a call that is repeated then would never end.
        for my $forever ($error =~ /EINTR|EAGAIN/ ? 0 : (0, 1)) {
            alarm 60;
            $runs += walk($number, $error, $forever, \@wrong);
        }
    }
    print join("\t", $name, $runs, splice @wrong, 0, 5), "\n";
}
print "done\n";
CODE

open my $file, '>', "$folder/program" or die "program: $!\n";
print {$file} $PROGRAM or die "program: $!\n";
close $file            or die "program: $!\n";

# Runs it, and makes a test of each of its lines.
sub walk {
    my ($name, $ns, @arguments) = @_;
    open my $plan, '>', "$folder/plan" or die "plan: $!\n";
    print {$plan} "\0" x 512 or die "plan: $!\n";
    close $plan              or die "plan: $!\n";

    my ($status, $said) =
        $ns->run('env', "LD_PRELOAD=$library", "NETIO_FAULTS=$folder/plan",
        $^X, (map { '-I' . Cwd::abs_path($_) } grep { /\bblib\b/ } @INC),
        "$folder/program", "$folder/plan", @arguments);
    my $faults = 0;
    for my $line (split /\n/, $said) {
        my ($call, $runs, @wrong) = split /\t/, $line;
        next if $call eq 'done' || defined $runs && !$runs && !@wrong;
        $faults += $runs // 0;
        is "@wrong", '', "F16 A25 $name: $call fails in " . ($runs // 'no') . ' ways';
    }
    like $said, qr/^done\n\z/m, "F16 A25 $name: no crash, and no hang, of $faults faults";
    is $status, 0, "F16 A25 $name: it ends as it should";
    return;
}

my $ns   = NetIO::Test::Netns->new('faultmemory', 'resolv.conf' => "nameserver 127.0.0.1\n");
my $peer = NetIO::Test::Peer->start_in($ns, 'echo');
my $dns  = NetIO::Test::DNS->start($ns, "both.test A 127.0.0.1\nboth.test AAAA ::1\n");
walk('a number', $ns, '127.0.0.1', $peer->port);
walk('a name',   $ns, 'both.test', $peer->port);

done_testing;
