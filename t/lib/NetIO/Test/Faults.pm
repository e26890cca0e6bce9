package NetIO::Test::Faults;

# Every system call of a program fails in turn: strace(1) injects an error into the call of that
# name and number.  Used by t/56-faults-*.t, from which the programs come.  A program has a function
# result, which returns "ok" or what begins with "error: "; it is called here, twice.

use strict;
use warnings;

use Exporter   qw(import);
use File::Temp ();
use Test::More;

our @EXPORT_OK = qw(faults_missing faults_ok);

my $WORKERS = 2;

# close frees its descriptor whatever it says, which strace does not imitate; without memory it
# is Perl that ends (t/56-faults-memory.t has NetIO's own); at futex it is the C library that
# ends; these others cannot fail.
my %left_out = map { $_ => 1 }
    qw(close brk mmap munmap mremap mprotect rt_sigaction rt_sigprocmask rt_sigreturn getppid
    restart_syscall alarm exit_group futex);

my $folder = File::Temp->newdir;

# The first call reads Perl's own files.  Two of getppid show in the trace where the one begins and
# ends in which something is to fail.
my $MEASURE = <<'CODE';
sub fds { opendir my $dir, '/proc/self/fd' or die "/proc/self/fd: $!\n"; scalar(() = readdir $dir) }
my $warm = result();
my $before = fds();
my $mark = getppid;
my $first = result();
$mark = getppid;
my $left = fds() - $before;
my $second = result();
print "$first, left $left, then $second\n";
CODE

# Why there can be no such test here, or ''.
sub faults_missing {
    return 'a sanitizer is preloaded, and cannot be traced' if $ENV{LD_PRELOAD};
    return 'no strace(1) that can inject faults here'
        if system('strace -f -e trace=none -e inject=fsync:error=EIO:when=1 true >/dev/null 2>&1')
        != 0;
    return '';
}

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
            alarm 300;
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

my %failed;    # calls so far, by name

# Each call fails in all ways when it is the first of its name, and in one after the other when it
# is one more.
#
# name of the test; what goes before the command (the namespace to be in, say); the program's text
# and arguments; names of errors.
sub faults_ok {
    my ($name, $under, $program, $arguments, @errors) = @_;
    open my $file, '>', "$folder/program" or die "program: $!\n";
    print {$file} $program, $MEASURE or die "program: $!\n";
    close $file or die "program: $!\n";
    my @command = ($^X, (map { "-I$_" } grep { /\bblib\b/ } @INC), "$folder/program", @$arguments);
    my @calls   = calls_of($under, @command);
    my @faults  = map {
        my $call  = $_;
        my $times = $failed{ $call->[0] }++;
        map { [@$call, $_] } $times ? $errors[$times % @errors] : @errors
    } @calls;
    my %names = map { $_->[0] => 1 } @calls;
    my @wrong = all_wrong($under, \@command, @faults);

    is "@wrong[0 .. ($#wrong < 9 ? $#wrong : 9)]", '',
        "A25 A26 $name: " . @calls . ' calls fail in ' . @faults . ' ways';
    note join ' ', sort keys %names;
    return;
}

1;
