# C14, C15: whatever call on the way into a world fails, or claims to have worked and has not, the
# program is not executed; or it is, and its world is right all the same.  strace(1) makes each call
# fail or lie by itself, each time that it is made: once, and from then on.  It lets go at exec, so
# that what the probe says is true.

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::World;
use Test::More;

plan skip_all => 'needs root'     if $> != 0;
plan skip_all => 'no strace here' if system('strace -o /dev/null true 2>/dev/null') != 0;
private_mounts();

alarm 900;    # 35 seconds where nothing else runs

my $DRIVER   = "$ENV{PWD}/csrc/build/t/drive-enter";
my $TOGETHER = 4;
my $MANY     = 10;                   # of a call that is made more often, some are left out
my $folder   = File::Temp->newdir;
my $jail     = "$folder/jail";
chmod 0755, $folder;
mkdir $jail;
jail($jail, $PROBE);
install_users($folder);

# What a parent may have done to a program; and what is asked for.
my @spoil = ($^X, '-MPOSIX', '-e', <<'SPOIL');
open $keep[$_], '<', '/dev/zero' or die for 0 .. 3;
fcntl $keep[0], 2, 0; fcntl $keep[3], 2, 0;
umask 077;
$SIG{$_} = 'IGNORE' for qw(HUP TERM CHLD);
sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGINT, SIGUSR1));
$( = $) = '0 4 24 27';
exec @ARGV or die;
SPOIL
my %way = (
    jail => [qw(-u netio-test -d inside -c 10 -r), $jail, '/probe'],
    more => [qw(-u netio-test -m -e A=B -l 1000),  $PROBE],
    root => [qw(-u root -d /tmp),                  $PROBE],
);
my @drop  = qw(setgroups getgroups setresgid getresgid setresuid getresuid capget capset prctl);
my @calls = (
    @drop,
    qw(setuid setreuid setgid setregid setfsuid setfsgid chroot chdir getcwd newfstatat umask),
    qw(prlimit64 close_range fcntl rt_sigaction rt_sigprocmask)
);

sub start {
    my ($way, $call, $fault) = @_;
    my $trace = "$folder/$fault";
    my @strace =
        $call
        ? (
        'strace', '-qq', '-b', 'execve', '-o', $trace, '-e', "trace=$call",
        $fault ne 'none' ? ('-e', "inject=$call:$fault") : ()
        )
        : ();

    open my $out, '-|', @spoil, @strace, $DRIVER, @{ $way{$way} }, '-' or die "fork: $!\n";
    return [$fault, $out, $trace];
}

sub finish {
    my ($run) = @_;
    my (undef, $out) = @$run;
    my $said = do { local $/; <$out> };

    close $out;
    return ($said // '', $?);
}

# The lines of a trace that match.
sub traced {
    my ($file, $pattern) = @_;

    open my $trace, '<', $file or return 0;
    return scalar grep { $_ =~ $pattern } <$trace>;
}

# How often a call is made before main() has begun: the loader's are not ours.
sub before_main {
    my ($call) = @_;

    system "strace -qq -o $folder/loader -e trace=$call $DRIVER >/dev/null";
    return traced("$folder/loader", qr/^\w+\(/);
}

# '' for a run that did nothing, or all of it.
sub trouble {
    my ($said, $status, $right) = @_;

    return ''                      if $status == 1 << 8 && $said =~ /\Aerror [^\n]+\n\z/;
    return "status $status: $said" if $status != 0 || $said      =~ /^error/m;
    my $world = read_world($said);
    my @wrong = grep {
        my $got  = $world->{$_} // 'nothing';
        my $want = $right->{$_} // 'nothing';
        join("\n", ref $got ? @$got : $got) ne join "\n", ref $want ? @$want : $want;
    } sort keys %{ { %$world, %$right } };
    return join '; ', map { "$_ is " . ($world->{$_} // 'nothing') } @wrong;
}

sub some {
    my ($first, $last) = @_;

    return $first .. $last if $last - $first < $MANY;
    my @between = grep { $_ % 12 == 0 } $first + 3 .. $last - 6;
    return ($first .. $first + 2, @between, $last - 5 .. $last);
}

my %kind = (C14 => [qw(error=EPERM error=EAGAIN error=EINVAL)], C15 => [qw(retval=0 retval=1)]);

for my $way (sort keys %way) {
    my ($said, $status) = finish(start($way, undef, 'none'));
    my $right = read_world($said);
    is($status, 0, "$way: nothing fails") or BAIL_OUT($said);
    is(
        $right->{groups},
        $way eq 'root' ? '0' : '4201 4301 4302 4303',
        "C17 $way: the groups of the user, whatever the parent was in"
    );
    is(
        "$right->{fds}, $right->{blocked}, $right->{ignored}",
        '0 1 2, -, -',
        "C8 C9 $way: nothing of the parent's signals and descriptors"
    );
    for my $call ($way eq 'jail' ? @calls : (@drop, 'prlimit64')) {
        my $first = before_main($call) + 1;
        my $run   = start($way, $call, 'none');
        finish($run);
        my $last = traced($run->[2], qr/^\w+\(/);
        next if $last < $first;
        for my $test (sort keys %kind) {
            my @plan = map {
                my $n = $_;
                map { ("$_:when=$n", "$_:when=$n+") } @{ $kind{$test} }
            } some($first, $last);
            my ($ways, $refused, @trouble) = (0, 0);
            while (my @now = splice @plan, 0, $TOGETHER) {
                for my $run (map { start($way, $call, $_) } @now) {
                    my @result  = finish($run);
                    my $trouble = trouble(@result, $right);
                    push @trouble, "$run->[0]: $trouble" if $trouble;
                    $refused++ if $result[1];
                    $ways++    if traced($run->[2], qr/INJECTED/);
                    unlink $run->[2];
                }
            }
            my $what = $test eq 'C14' ? 'fails' : 'lies';
            is(join("\n", @trouble), '', "$test $way: $call $what in $ways ways, refused $refused");
            cmp_ok($ways, '>', 0, "$test $way: it did");
        }
    }
}

done_testing;
