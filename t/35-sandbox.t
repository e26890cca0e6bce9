# C25: a kernel without Landlock or seccomp, one that refuses them, one that lies; and a machine
# without libseccomp.  What is said to be in force is; all that is wanted is, or there is an error.
# The process in the sandbox is t/c/drive-sandbox.c; strace(1) is the kernel.

use strict;
use warnings;

use DBI;
use File::Temp ();
use Test::More;

alarm 300;

my $DRIVER = "$ENV{PWD}/csrc/build/t/drive-sandbox";
-x $DRIVER or BAIL_OUT("$DRIVER is not there: run make first");
plan skip_all => 'no strace here' if system('strace -o /dev/null true 2>/dev/null') != 0;

my $dir = File::Temp->newdir;
mkdir "$dir/$_" or die "$dir/$_: $!\n" for qw(readable writable lib);
for my $name ('readable/file', 'lib/libseccomp.so.2') {
    open my $file, '>', "$dir/$name" or die "$dir/$name: $!\n";
    close $file or die "$dir/$name: $!\n";
}
{
    my $db = DBI->connect("dbi:SQLite:$dir/readable/db", '', '', { RaiseError => 1 });
    $db->do('CREATE TABLE t (a)');
    $db->do('INSERT INTO t VALUES (?)', undef, $_) for 1 .. 3;
}

# What the driver says, as a hash; under strace with faults.
sub enter {
    my ($mode, @faults) = @_;
    my @command = ($DRIVER, $mode, "$dir/readable", "$dir/writable", "$dir/readable/db");

    unshift @command, 'strace', '-qq', '-o', "$dir/trace", map { ('-e', $_) } @faults if @faults;
    open my $out, '-|', @command or die "fork: $!\n";
    return read_said($out);
}

sub read_said {
    my ($out) = @_;
    my %said;

    while (<$out>) {
        $said{$1} = $2 if /\A(code|in force|\w+) (.*)/;
    }
    close $out;
    $said{status} = $?;
    return \%said;
}

sub injected {
    open my $file, '<', "$dir/trace" or die "$dir/trace: $!\n";
    return scalar grep { /INJECTED/ } <$file>;
}

my %everything = (
    files          => [shadow  => 'Permission denied'],
    'system calls' => [execve  => 'Operation not permitted'],
    network        => [connect => qr/\A(?:Permission denied|Operation not permitted)\z/],
);

# What is wrong with that, '' for nothing.
sub trouble {
    my ($mode, $said) = @_;
    my %claimed = map { $_ => 1 } grep { $everything{$_} } split /, /, $said->{'in force'} // '';

    return "status $said->{status}" if $said->{status} != 0;
    return "left $said->{left}"     if $said->{left} ne '0';
    for my $part (sort keys %claimed) {
        my ($try, $wanted) = @{ $everything{$part} };
        return "$part is said to be in force, but $try: $said->{$try}"
            if $said->{$try} !~ /\A$wanted\z/;
    }
    return "an error: $said->{code}" if $mode eq 'try' && $said->{code} ne '0';
    return "in force only $said->{'in force'}, without an error"
        if $mode eq 'require' && $said->{code} eq '0' && keys %claimed < 3;
    return "no error of the sandbox: $said->{code}"
        if $said->{code} !~ /\A(?:0|sandbox \S.*: .*)\z/;
    return '';
}

my $here = enter('try');
is_deeply enter('off'),
    {
    code       => 0,
    'in force' => 'none',
    execve     => 'done',
    shadow     => $> ? 'Permission denied' : 'done',
    connect    => 'done',
    read       => 'done',
    write      => 'done',
    sqlite     => 3,
    left       => 0,
    status     => 0,
    },
    'off: everything can be done';
is trouble('try', $here), '', "try: $here->{'in force'}";
is "@$here{qw(read write sqlite)}", 'done done 3',
    'what it is to read and write, it can, by SQLite too';
my $complete = $here->{'in force'} eq 'files, network, system calls';
SKIP: {
    skip "this kernel offers only $here->{'in force'}", 1 if !$complete;
    is_deeply enter('require'), $here, 'require: the same';
}

# Needs no privilege.
SKIP: {
    skip 'not root, or no setpriv here', 3
        if $> || system('setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null') != 0;
    chmod 0755, $dir or die "$dir: $!\n";
    chmod 0644, "$dir/readable/$_" for qw(file db);
    mkdir "$dir/nobody" or die "$dir/nobody: $!\n";
    chown 65534, 65534, "$dir/nobody" or die "$dir/nobody: $!\n";
    open my $out, '-|', qw(setpriv --reuid=65534 --regid=65534 --clear-groups), $DRIVER, 'try',
        "$dir/readable", "$dir/nobody", "$dir/readable/db"
        or die "fork: $!\n";
    my $said = read_said($out);
    is trouble('try', $said),           '',                  'as nobody';
    is $said->{'in force'},             $here->{'in force'}, 'as nobody: the same is in force';
    is "@$said{qw(read write sqlite)}", 'done done 3',       'as nobody: it reads and writes';
}

# Fault, what is in force of all then, and what require says.
#<<< the table as it is
my @table = (
    ['landlock_create_ruleset:error=ENOSYS',         'system calls',        'landlock: not offered by this kernel'],
    ['landlock_create_ruleset:error=EOPNOTSUPP',     'system calls',        'landlock: not offered by this kernel'],
    ['landlock_create_ruleset:error=EPERM',          'system calls',        'landlock: Operation not permitted'],
    ['landlock_create_ruleset:retval=0',             'system calls',        'landlock: not offered by this kernel'],
    ['landlock_create_ruleset:retval=1:when=1',      'files, system calls', 'landlock on TCP: not offered by this kernel'],
    ['landlock_create_ruleset:retval=3:when=1',      'files, system calls', 'landlock on TCP: not offered by this kernel'],
    ['landlock_create_ruleset:retval=4:when=1',      'files, network, system calls', ''],
    ['landlock_create_ruleset:retval=99:when=1',     'files, network, system calls', ''],
    ['landlock_create_ruleset:error=ENOMEM:when=2',  'system calls',        'landlock: Cannot allocate memory'],
    ['landlock_create_ruleset:retval=1000:when=2',   'system calls',        'landlock: Bad file descriptor'],
    ['landlock_add_rule:error=EINVAL:when=1',        'system calls',        'landlock: Invalid argument'],
    ['landlock_add_rule:error=ENOMEM:when=2',        'system calls',        'landlock: Cannot allocate memory'],
    ['landlock_restrict_self:error=EPERM',           'system calls',        'landlock: Operation not permitted'],
    ['landlock_restrict_self:error=E2BIG',           'system calls',        'landlock: Argument list too long'],
    ['landlock_restrict_self:retval=0',              'system calls',        'landlock: reported success without effect'],
    ['seccomp:error=ENOSYS',                         'files, network',      'seccomp: not offered by this kernel'],
    ['seccomp:error=EPERM',                          'files, network',      'seccomp: not offered by this kernel'],
    ['prctl:error=EINVAL',                           'none',                'no_new_privs: Invalid argument'],
    ['prctl:retval=0',                               'none',                'no_new_privs: reported success without effect'],
);
#>>>

SKIP: {
    skip "this kernel offers only $here->{'in force'}", 1 if !$complete;
    for my $row (@table) {
        my ($fault, $in_force, $error) = @$row;
        my ($call) = $fault =~ /\A(\w+)/;
        my @faults = ("trace=$call", "inject=$fault");

        my $said = enter('try', @faults);
        is trouble('try', $said), '',        "C25: $fault: try";
        is $said->{'in force'},   $in_force, "C25: $fault: in force: $in_force";
        cmp_ok injected(), '>', 0, "C25: $fault: it was so";
        $said = enter('require', @faults);
        is trouble('require', $said), '',                              "C25: $fault: require";
        is $said->{code},             $error ? "sandbox $error" : '0', "C25: $fault: what it says";
    }

    # Each call by itself, refused or a lie.
    for my $call (
        qw(landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp prctl))
    {
        # A call that makes a descriptor cannot lie but by one that is not there.
        my @lies = $call eq 'landlock_create_ruleset' ? 'retval=1000' : ('retval=0', 'retval=1');
        for my $how ('error=ENOSYS', 'error=EPERM', @lies) {
            my @trouble;
            my $when = 0;
            while ($when++ < 30) {
                my @faults = ("trace=$call", "inject=$call:$how:when=$when");
                for my $mode (qw(try require)) {
                    my $trouble = trouble($mode, enter($mode, @faults));
                    push @trouble, "when=$when $mode: $trouble" if $trouble;
                }
                last if !injected();
            }
            is join("\n", @trouble), '', "C25: $call:$how, one at a time, $when times";
        }
    }

    # A libseccomp that is none.
    local $ENV{LD_LIBRARY_PATH} = "$dir/lib";
    my $said = enter('try');
    is $said->{'in force'},   'files, network', 'no libseccomp: try goes on without';
    is trouble('try', $said), '',               'no libseccomp: and it is so';
    $said = enter('require');
    is $said->{code}, 'sandbox libseccomp.so.2: Can not access a needed shared library',
        'no libseccomp: require says so';
    is "@$said{'in force', 'execve', 'shadow'}",
        $> ? 'none done Permission denied' : 'none done done',
        'no libseccomp: and nothing has been done';
}

done_testing;
