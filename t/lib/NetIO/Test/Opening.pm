package NetIO::Test::Opening;

# What a program in Perl sees of tcpopen inside of a network namespace of NetIO::Test::Netns:
#
#     my $got = opening($ns, ['host', 43, timeout => 2], how => 'say');
#
#     $got->{peer}      address of the peer, when it was reached
#     $got->{name}      '' or the name of the error's code
#     $got->{message}   its text
#     $got->{tried}     addresses that were tried, each with its name: '192.0.2.1:43 ECONNREFUSED'
#     $got->{seconds}   how long it took
#     $got->{said}      the first line, when how is 'say'; the number of octets, when it is 'all'
#     $got->{left}      descriptors that were left open, threads that were left running
#
# The program is a process of its own, in Perl as it is used; for tests.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(opening);

my $PROGRAM = <<'CODE';
use strict;
use warnings;
use NetIO;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

alarm 60;
my ($how, $host, $service, @options) = map { $_ eq '' ? undef : $_ } @ARGV;
sub count { opendir my $dir, $_[0] or die "$_[0]: $!\n"; return scalar(() = readdir $dir) }
sub name {
    my ($code) = @_;
    return 'ok' if !$code;
    my ($name) = grep { !/^NETIO/ && exists $!{$_} && do { local $! = -$code; $!{$_} } } keys %!;
    return $name // $code;
}

my $before = count('/proc/self/fd');
my $began  = clock_gettime(CLOCK_MONOTONIC);
my $fh     = eval { tcpopen($host, $service, @options) };
my $error  = $@;
printf "seconds %.4f\n", clock_gettime(CLOCK_MONOTONIC) - $began;
if ($fh) {
    printf "peer %s:%s\nname \n", $fh->peerhost, $fh->peerport;
    printf "said %s\n", scalar(<$fh>) =~ s/\n//r if $how eq 'say';
    if ($how eq 'all') {
        my $octets = 0;
        while (read $fh, my $text, 4096) { $octets += length $text }
        print "said $octets\n";
    }
    undef $fh;
}
else {
    printf "name %s\nmessage %s\n", $error->code_name, $error->message;
    printf "tried %s %s\n", $_->{address}, name($_->{code}) for $error->attempts;
}
printf "left %d %d\n", count('/proc/self/fd') - $before, count('/proc/self/task') - 3;
CODE

sub opening {
    my ($ns, $arguments, %how) = @_;
    my @arguments = map { $_ // '' } $how{how} // 'open', @$arguments;
    my ($status, $text) =
        $ns->run($^X, (map { "-I$_" } grep { m{\bblib\b} } @INC), q(-e), $PROGRAM, @arguments);
    my %got = (status => $status, tried => []);

    for (split /\n/, $text) {
        my ($word, $rest) = split ' ', $_, 2;
        if ($word eq 'tried') { push @{ $got{tried} }, $rest }
        else                  { $got{$word} = $rest // '' }
    }
    $got{text} = $text if $status != 0;
    return \%got;
}

1;
