# C14, C15, C16: every system call of a child on its way to the program fails, or lies: strace(1)
# has it return 0 without effect.  The child is to be nobody; the program is the probe, and it has
# the documented world, or it is not executed.  Nothing runs as root.
# Then every call is the one at which the child is killed, and some at which it is stopped.

use strict;
use warnings;
use lib 't/lib';

use File::Temp          ();
use NetIO::Test::Faults qw(faults_missing);
use NetIO::Test::Run    qw(finish start);
use NetIO::Test::World;
use POSIX ();
use Test::More;

alarm 560;

my $DRIVER = "$ENV{PWD}/csrc/build/t/drive-child";
my $folder = File::Temp->newdir;
my $file   = "$folder/world";
-x $_ or BAIL_OUT("$_ is not there: run make first") for $DRIVER, $PROBE;
plan skip_all => 'who is not root can become nobody' if $> != 0;
my $missing = faults_missing();
plan skip_all => $missing if $missing;
chmod 01777, $folder or die "$folder: $!\n";
delete @ENV{ grep { /^(?:LANG|LC_|LANGUAGE$|TZ$)/ } keys %ENV };

my %WANTED  = documented('nobody');
my @COMMAND = ('-w', '-D', '-u', 'nobody', $PROBE, $file);
my @way;    # options that say how a child is made

# Descriptors, groups and signals that it must not have.
sub be_hostile {
    $SIG{$_} = 'IGNORE' for qw(HUP CHLD);
    $) = '0 0 1 2 3';
    open my $fh, '<', '/' or die "/: $!\n";
    POSIX::dup2(fileno $fh, 20);
    open my $null, '+<', '/dev/null' or die "/dev/null: $!\n";
    POSIX::dup2(fileno $null, 21);
    return;
}

# Runs the driver, whose child, and nobody else, is traced up to its execve.  What it said.
sub run_traced {
    my ($strace, @options) = @_;

    unlink $file, "$file.new";
    pipe my $from, my $to or die "pipe: $!\n";
    pipe my $held, my $go or die "pipe: $!\n";
    my $driver = start({ setup => \&be_hostile, stdin => $held, stdout => $to },
        $DRIVER, @way, @options, @COMMAND);
    close $to;
    my ($pid) = (readline($from) // '') =~ /^born (\d+)$/ or BAIL_OUT('the driver starts no child');
    open my $tracer, '-|', join(' ', 'exec strace -b execve', @$strace, "-p $pid 2>&1")
        or die "strace: $!\n";
    my $attached = readline $tracer;
    syswrite $go, "\n";
    my $out = do { local $/; readline $from };
    my ($status, undef, $err) = finish($driver);
    close $tracer;    # waits for it
    return ($status, $out // '', $err);
}

# What is wrong with a run; '' for nothing.
sub trouble {
    my ($status, $out, $err) = @_;

    return "status $status, $err" if $err ne '' || $status !~ /^[01]\z/;
    return "left: $out"           if $out                  =~ /^left/m;
    return $out =~ /^code (?!0$)\w+\n\S/m ? '' : "not executed, and said: $out" if !-e $file;
    my $wrong = wrong_fields(read_world($file), \%WANTED);
    return "executed with the wrong $wrong" if $wrong;
    return $out =~ /^code 0$/m ? '' : "executed, and said: $out";
}

# The calls of the child up to execve, those of one name counted: [name, number].
sub calls_of_child {
    my @said = run_traced(['-o', "$folder/trace"]);
    my (%count, @calls);

    is(trouble(@said), '', 'nothing fails');
    open my $trace, '<', "$folder/trace" or die "$folder/trace: $!\n";
    while (my $line = readline $trace) {
        my ($call) = $line =~ /^(\w+)\(/ or next;
        next if $call eq 'read';    # the driver's
        push @calls, [$call, ++$count{$call}];
    }
    return @calls;
}

# Whether the program ran, what was said, and what is wrong.
sub inject {
    my ($call, $number, $what, @options) = @_;
    my @strace  = ("-e trace=$call,execve", '-o /dev/null', "-e inject=$call:$what:when=$number");
    my @said    = run_traced(\@strace, @options);
    my $trouble = trouble(@said);

    return (-e $file, $said[1], $trouble ? "$call number $number, $what: $trouble" : ());
}

# All of them but for loops, over all signals and all capabilities, of which the ends will do.
sub without_loops {
    my %last;

    $last{ $_->[0] } = $_->[1] for @_;
    return grep {
        my ($call, $number) = @$_;
        $call !~ /^(?:rt_sigaction|prctl)\z/ || $number < 10 || $number > $last{$call} - 12
    } @_;
}

for my $way ([], ['-T'], [qw(-B -f 21:0 -f 21:1 -f 21:2)]) {
    @way = @$way;
    note("@way" eq '-T' ? 'by fork: a program that had a thread' : "in shared memory @way");

    my @calls = without_loops(calls_of_child());
    my %names = map { $_->[0] => 1 } @calls;
    cmp_ok(scalar @calls, '>', 20, 'the calls of a child: ' . join ' ', sort keys %names);
    ok($names{$_}, "$_ among them")
        for qw(setgroups setresgid setresuid capset prctl execve setsid);

    # The first of these are what makes it nobody; the others try the way back.
    my %privileges = map { ("$_ 1" => 1) } qw(setgroups setresgid setresuid);
    $privileges{'setresuid 2'} = 1;
    for my $what ('error=EPERM', 'error=EAGAIN', 'retval=0') {
        my ($refused, @trouble) = 0;
        for my $call (@calls) {
            my ($ran, undef, @wrong) = inject(@$call, $what);
            push @trouble, @wrong;
            push @trouble, "@$call $what: it ran" if $ran && $privileges{"@$call"};
            $refused++ if !$ran;
        }
        is(join("\n", @trouble),
            '', "C14 C15 C16 $what: at @{[scalar @calls]} calls, refused at $refused");
    }

    # Killed in execve it has said already that it would: that it has not is as if it had at once.
    my @trouble;
    for my $call (grep { $_->[0] ne 'execve' } @calls) {
        my ($ran, $out, @wrong) = inject(@$call, 'signal=KILL');
        push @trouble, @wrong;
        push @trouble, "@$call: $out" if $ran || $out !~ /^code NETIO_EDIED$/m;
    }
    is(join("\n", @trouble), '', "killed at @{[scalar @calls]} calls");

    # Nobody waits for who has stopped it; it is killed, and reaped.
    for my $call (qw(setsid setgroups setresuid capset)) {
        my ($ran, $out, @wrong) = inject($call, 1, 'signal=STOP');
        is("@wrong", '', "stopped at $call");
        like(
            $out,
            qr/^code NETIO_EDIED\nchild \S+ \(stopped\): ended before it was ready$/m,
            '... it is given up'
        );
        ok(!$ran, '... and the program is not executed');
    }

    # It is halted on its way, so that its parent has died when it asks to die with it.
    {
        unlink $file;
        pipe my $from, my $to or die "pipe: $!\n";
        pipe my $held, my $go or die "pipe: $!\n";
        my $driver = start({ setup => \&be_hostile, stdin => $held, stdout => $to },
            $DRIVER, @way, '-W', @COMMAND[1 .. $#COMMAND]);
        close $to;
        my ($pid) = (readline($from) // '') =~ /^born (\d+)$/;
        open my $tracer, '-|',
            "exec strace -b execve -e trace=setresuid -e inject=setresuid:signal=STOP:when=1 -p $pid 2>&1"
            or die "strace: $!\n";
        readline $tracer;
        kill 'STOP', $driver->{pid};    # or it would end a child that is stopped
        syswrite $go, "\n";
        while (my $line = readline $tracer) {
            last if $line =~ /^--- stopped by SIGSTOP/;
        }
        kill 'KILL', $driver->{pid};
        finish($driver);
        kill 'CONT', $pid;
        1 while defined readline $tracer;
        close $tracer;
        ok(!-e $file, 'whose parent is gone by then executes nothing');
    }
}

# Before Linux 6.9 a pidfd did not stand for a group.
for my $strace ('', 'strace -qq -o /dev/null -e inject=pidfd_send_signal:error=EINVAL') {
    my $out = `$strace $DRIVER -g 15 /bin/sleep 100`;
    like($out, qr/^signal 0\nstatus 15$/m, "a process group is signalled: $strace");
}

done_testing;
