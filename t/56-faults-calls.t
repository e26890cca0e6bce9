# A26, and A25 as far as it is the kernel that fails: every system call that a program in Perl
# makes between tcpopen and close fails in turn, in eight ways.  There is an error or none, but
# no crash, no hang, no descriptor left, and the next connection is as good as any.
#
# strace(1) injects the error into the call of that name and number; those before the first and
# behind the second getppid() belong to Perl and to the test.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::Peer;
use Test::More;

# Through die, so that the namespaces are removed.
$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;

my @ERRORS  = qw(EINTR EAGAIN EIO ENOMEM EMFILE ENFILE EACCES EPERM);
my $WORKERS = 2;

# close frees its descriptor whatever it says, which strace does not imitate; without memory it
# is Perl that ends (t/56-faults-memory.t has NetIO's own); at futex it is the C library that
# ends; these others cannot fail.
my %left_out = map { $_ => 1 }
    qw(close brk mmap munmap mremap mprotect rt_sigaction rt_sigprocmask rt_sigreturn getppid
    restart_syscall alarm exit_group futex);

plan skip_all => 'a sanitizer is preloaded, and cannot be traced' if $ENV{LD_PRELOAD};
plan skip_all => 'no strace(1) that can inject faults here'
    if system('strace -f -e trace=none -e inject=fsync:error=EIO:when=1 true >/dev/null 2>&1') != 0;

my $PROGRAM = <<'CODE';
use strict;
use warnings;
use NetIO;

alarm 20;
my ($host, $port) = @ARGV;
sub fds { opendir my $dir, '/proc/self/fd' or die "/proc/self/fd: $!\n"; scalar(() = readdir $dir) }
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
# Perl's own files are read before it begins.
my $warm = talk();
eval { tcpopen('127.0.0.1', 'x y') };
my $text = $@->stage;
my $before = fds();
my $mark = getppid;
my $first = result();
$mark = getppid;
my $left = fds() - $before;
my $second = result();
print "$first, left $left, then $second\n";
CODE

my $folder = File::Temp->newdir;
open my $file, '>', "$folder/program" or die "program: $!\n";
print {$file} $PROGRAM or die "program: $!\n";
close $file            or die "program: $!\n";
my @perl = ($^X, (map { "-I$_" } grep { /\bblib\b/ } @INC), "$folder/program");

# A program's output and errors, and its wait status.
sub output_of {
    my (@command) = @_;
    my $pid = open(my $out, '-|') // die "fork: $!\n";

    if (!$pid) {
        open STDERR, '>&', \*STDOUT or die "dup: $!\n";
        exec(@command) or die "$command[0]: $!\n";
    }
    my $said = do { local $/; <$out> };
    close $out;
    return ($said // '', $?);
}

# [call, number] of all that a good run makes between the markers.
sub calls_of {
    my ($under, @command) = @_;
    my $log = "$folder/calls";
    my ($said) = output_of(@$under, 'strace', '-o', $log, @command);
    my ($marks, %count, @calls) = (0);

    is $said, "ok, left 0, then ok\n", 'nothing fails';
    open my $fh, '<', $log or die "$log: $!\n";
    while (my $line = readline $fh) {
        my ($call) = $line =~ /^(\w+)\(/ or next;
        $marks++ if $call eq 'getppid';
        my $number = ++$count{$call};
        push @calls, [$call, $number] if $marks == 1 && !$left_out{$call};
    }
    return @calls;
}

sub wrong_with {
    my ($under, $command, $call, $number, $error) = @_;
    my @strace = (
        'strace', '--seccomp-bpf', '-f', '-qq', '-o', '/dev/null',
        '-e',     "trace=$call",   '-e', "inject=$call:error=$error:when=$number"
    );
    my ($said, $status) = output_of(@$under, @strace, @$command);

    # A call may have another number than it had in the good run: the fault comes a little later.
    return
        if $status == 0
        && $said =~ /^(?:ok, left 0, then (?:ok|error: .+)|error: .+, left 0, then ok)\n\z/m;
    return "$call number $number, $error: status $status, $said";
}

# Shared among workers, each of which says what is wrong.
sub all_wrong {
    my ($under, $command, @faults) = @_;
    my @from;

    for my $worker (0 .. $WORKERS - 1) {
        my $pid = open(my $fh, '-|') // die "fork: $!\n";
        if (!$pid) {
            @SIG{qw(ALRM INT TERM)} = ('DEFAULT') x 3;
            alarm 200;
            for (grep { $_ % $WORKERS == $worker } 0 .. $#faults) {
                print map({ s/\n(?=.)/ | /gr } wrong_with($under, $command, @{ $faults[$_] }));
            }
            close STDOUT;
            kill 'KILL', $$;    # no destructor of the test's runs here
        }
        push @from, $fh;
    }
    return map { readline $_ } @from;
}

sub check {
    my ($name, $under, @to) = @_;
    my @command = (@perl, @to);
    my @calls   = calls_of($under, @command);
    my @faults  = map {
        my $call = $_;
        map { [@$call, $_] } @ERRORS
    } @calls;
    my %names = map { $_->[0] => 1 } @calls;
    my @wrong = all_wrong($under, \@command, @faults);

    is "@wrong[0 .. ($#wrong < 9 ? $#wrong : 9)]", '',
        "A25 A26 $name: " . @calls . ' calls fail in ' . @faults . ' ways';
    note join ' ', sort keys %names;
    return;
}

my $echo = NetIO::Test::Peer->start('echo');
check('a numeric address', [], '127.0.0.1', $echo->port);

SKIP: {
    my $missing = NetIO::Test::Netns->missing;
    skip $missing, 2 if $missing;
    my $ns    = NetIO::Test::Netns->new('faultcalls', 'resolv.conf' => "nameserver 127.0.0.1\n");
    my $there = NetIO::Test::Peer->start_in($ns, 'echo');
    my $dns   = NetIO::Test::DNS->start($ns, "both.test A 127.0.0.1\nboth.test AAAA ::1\n");
    check('a name with two addresses, the first of which refuses',
        [$ns->prefix], 'both.test', $there->port);
}

done_testing;
