# C14, C15, C16: every system call of a child on its way to the program fails, or lies: strace(1) has
# it return 0 without effect.  The child is to be nobody; the program is the probe, and it has the
# documented world, or it is not executed.  Nothing runs as root.
# Then every call is the one at which the child is killed, and some at which it is stopped.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::Faults qw(faults_missing);
use NetIO::Test::Run;
use NetIO::Test::World;
use POSIX ();
use Test::More;

alarm 280;

my $DRIVER = "$ENV{PWD}/csrc/build/t/drive-child";
my @STRACE = ('strace', '-f', '-qq');
my $folder = File::Temp->newdir;
my $file   = "$folder/world";
-x $_ or BAIL_OUT("$_ is not there: run make first") for $DRIVER, $PROBE;
plan skip_all => 'who is not root can become nobody' if $> != 0;
my $missing = faults_missing();
plan skip_all => $missing if $missing;
chmod 01777, $folder or die "$folder: $!\n";
delete @ENV{ grep { /^(?:LANG|LC_|LANGUAGE$|TZ$)/ } keys %ENV };

my %WANTED  = documented('nobody');
my @COMMAND = ($DRIVER, "-u", "nobody", $PROBE, $file);

# Descriptors, groups and signals that it must not have.
sub be_hostile {
    $SIG{$_} = 'IGNORE' for qw(HUP CHLD);
    $) = '0 0 1 2 3';
    open my $fh, '<', '/' or die "/: $!\n";
    POSIX::dup2(fileno $fh, 20);
    return;
}

# The calls of the child up to execve, those of one name counted: [name, number, arguments].
sub calls_of_child {
    my ($status, $out, $err)
        = run({ setup => \&be_hostile }, @STRACE, '-o', "$folder/trace", @COMMAND);
    my ($pid) = $out =~ /^pid (\d+)$/m or BAIL_OUT("nothing fails: $status $out $err");
    my (%count, @calls);
    open my $trace, '<', "$folder/trace" or die "$folder/trace: $!\n";
    while (my $line = readline $trace) {
        my ($call, $arguments) = $line =~ /^$pid +(\w+)\((.*)/ or next;
        push @calls, [$call, ++$count{$call}, $arguments];
        last if $call eq 'execve';
    }
    return @calls;
}

# What is wrong with a run; '' for nothing.
sub trouble {
    my ($status, $out, $err) = @_;

    return "status $status, $err" if $err ne '' || $status !~ /^[01]\z/;
    return "left: $out" if $out =~ /^left/m;
    if (-e $file) {
        my $wrong = wrong_fields(read_world($file), \%WANTED);
        return "executed with the wrong $wrong" if $wrong;
        return $out =~ /^code 0$/m ? '' : "executed, and said: $out";
    }
    return $out =~ /^code (?!0$)\w+\n\S/m ? '' : "not executed, and said: $out";
}

# Whether the program ran, and what is wrong.
sub inject {
    my ($call, $number, $what, @options) = @_;
    my @command = @COMMAND;

    unlink $file, "$file.new";
    splice @command, 1, 0, @options;
    my @said = run(
        { setup => \&be_hostile },
        @STRACE, $what =~ /signal/ ? () : '--seccomp-bpf',    # under which signals come late
        '-o', '/dev/null', '-e', "trace=$call",
        '-e', "inject=$call:$what:when=$number", @command
    );
    my $trouble = trouble(@said);
    return (-e $file, $trouble ? "$call number $number, $what: $trouble" : (), $said[1]);
}

# All of them but for loops, over all signals and all capabilities, of which some will do.
my %some = (
    rt_sigaction => { map { $_ => 1 } 1, 2, 15, 17, 64, 65 },
    prctl        => { map { $_ => 1 } 1 .. 9, 120 .. 122, 143 .. 160 },
);

sub is_worth {
    my ($call, $number) = @{ $_[0] };
    return !$some{$call} || $some{$call}{$number};
}

my @calls = grep { is_worth($_) } calls_of_child();
my %names = map  { $_->[0] => 1 } @calls;
cmp_ok(scalar @calls, '>', 20, 'the calls of a child: ' . join ' ', sort keys %names);
ok($names{$_}, "$_ among them") for qw(setgroups setresgid setresuid capset prctl execve setsid);

# These are what makes it nobody: as nobody they may do without, but none may be left out.
my %privileges = map { $_ => 1 } qw(setgroups setresgid setresuid);
for my $what ('error=EPERM', 'error=EAGAIN', 'retval=0') {
    my ($wrong, $refused, @trouble) = (0, 0);
    for my $call (@calls) {
        my ($ran, @said) = inject(@$call[0, 1], $what);
        pop @said;
        push @trouble, @said;
        push @trouble, "@$call[0, 1] $what: it ran" if $ran && $privileges{ $call->[0] };
        $refused++ if !$ran;
    }
    is(join("\n", @trouble), '', "C14 C15 C16 $what: at @{[scalar @calls]} calls, refused at $refused");
}

# Killed in execve it has said already that it would: that it has not is as if it had at once.
my @trouble;
for my $call (grep { $_->[0] ne 'execve' } @calls) {
    my (undef, @said) = inject(@$call[0, 1], 'signal=KILL');
    my $out = pop @said;
    push @trouble, @said;
    push @trouble, "@$call[0, 1]: $out" if $out !~ /^code NETIO_EDIED$/m;
}
is(join("\n", @trouble), '', "killed at @{[scalar @calls]} calls");

# The deadline is short; the child is killed, and reaped.
for my $call (qw(setsid setgroups setresuid execve)) {
    my ($ran, @said) = inject($call, 1, 'signal=STOP', '-t', 0.2);
    my $out = pop @said;
    is("@said", '', "stopped at $call");
    like($out, qr/^code ETIMEDOUT$/m, '... it is given up at the deadline');
    ok(!$ran, '... and the program is not executed');
}

done_testing;
