# Sources that nsswitch.conf(5) names and only the C library knows: what getent(1) finds through
# them is found, in a helper process that the program does not notice and that ends in time.  In a
# namespace with an nsswitch.conf of its own and a source that the test builds (t/data/nss.c).

use strict;
use warnings;
use lib 't/lib';

use File::Temp ();
use NetIO::Test::C;
use NetIO::Test::DNS;
use NetIO::Test::Netns;
use NetIO::Test::Patience;
use Test::More;

my $DRIVER = c_program('drive-resolve');
needs_netns(300);
plan skip_all => 'there is no getent(1) here'       if !-x '/usr/bin/getent';
plan skip_all => 'ldconfig(8) is not that of glibc' if system('ldconfig -p >/dev/null 2>&1') != 0;

# The C library finds the source by /etc/ld.so.cache, of which a namespace can have its own.
my $dir = File::Temp->newdir;
system('cc', '-shared', '-fPIC', '-Wl,-soname,libnss_netiotest.so.2',
    '-o', "$dir/libnss_netiotest.so.2", 't/data/nss.c') == 0
    or BAIL_OUT('t/data/nss.c does not compile');
open my $conf, '>', "$dir/ld.so.conf" or die "ld.so.conf: $!\n";
print {$conf} "$dir\ninclude /etc/ld.so.conf\n"                         or die "ld.so.conf: $!\n";
close $conf                                                             or die "ld.so.conf: $!\n";
system("ldconfig -X -C $dir/cache -f $dir/ld.so.conf 2>/dev/null") == 0 or die "ldconfig failed\n";

sub slurp {
    my ($path) = @_;

    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}

sub namespace {
    my ($word, $sources, @servers) = @_;
    my $ns = NetIO::Test::Netns->new(
        $word,
        'resolv.conf' => join('', map { "nameserver $_\n" } @servers ? @servers : '127.0.0.1')
            . "options timeout:1 attempts:1\n",
        'nsswitch.conf' => "hosts: $sources\n",
        'ld.so.cache'   => slurp("$dir/cache"),
        'hosts'         => "127.0.0.1 localhost\n192.0.2.3 listed\n",
    );
    # getent(1) leaves out a family of which the machine has no address.
    $ns->ip($_) for 'addr add 192.0.2.1/24 dev lo', 'addr add 2001:db8::1/64 dev lo';
    return $ns;
}

my $ZONE = <<'ZONE';
dns.test        A       192.0.2.5
silent.test     *       silent
hang.nss        *       nxdomain
four.nss        AAAA    2001:db8::4
inside.nss      *       servfail
ZONE

my $ns  = namespace('nss', 'files netiotest [NOTFOUND=continue] dns # and a remark');
my $dns = NetIO::Test::DNS->start($ns, $ZONE);

# What the driver says: the answer or the error.  Whatever it is, nothing is left of a helper.
sub drive {
    my ($in,     @args) = @_;
    my ($status, $said) = $in->run($DRIVER, @args);

    is($status, 0, "the driver ran: @args") or diag $said;
    like(
        $said,
        qr/^left 0\nchildren 0\nSIGCHLD 0\nmask 0$/m,
        'no descriptor, no process, no signal, no mask is left of it'
    ) or diag $said;
    my @answers = $said =~ /^answer (.*)$/mg;
    my ($end) = $said =~ /^(?:answer .*\n)*(.*)\n/;
    return $end eq 'done' ? $answers[-1] : $end;
}

sub running {
    my ($in) = @_;
    my $pids = `ip netns pids $in->{name}`;

    return grep { defined && /getent|drive-resolve/ }
        map {
        local $@;
        eval { slurp("/proc/$_/cmdline") }
        } split ' ', $pids;
}

# Who is killed needs a moment to end.
sub none_runs {
    my ($in, $name) = @_;

    eventually { !running($in) };
    return is(join(' ', running($in)), '', $name);
}

sub children_of {
    my ($in, $parent) = @_;

    return grep {
        local $@;
        eval { slurp("/proc/$_/status") =~ /^PPid:\t$parent$/m }
    } split ' ', `ip netns pids $in->{name}`;
}

my @full = ('-t', 20);
for my $case (
    ['known.nss',                         [],     '2001:db8::77 192.0.2.77'],
    ['known.nss, IPv4',                   ['-4'], '192.0.2.77'],
    ['known.nss, IPv6',                   ['-6'], '2001:db8::77'],
    ['four.nss, IPv4: DNS has IPv6 only', ['-4'], '192.0.2.4'],
    ['four.nss: what DNS has is enough',  [],     '2001:db8::4'],
    ['noisy.nss',                         ['-4'], '192.0.2.78'],
    [
        'inside.nss, DNS failed: no variable, signal, descriptor, terminal too many', ['-4'],
        '192.0.2.0'
    ],
    ['unknown.nss', [], 'resolve unknown.nss: host not found'],
    ['dns.test',    [], '192.0.2.5'],
    ['listed',      [], '192.0.2.3'],
    )
{
    my ($name, $args, $want) = @$case;
    my ($host) = $name =~ /^([\w.]+)/;
    is(drive($ns, @full, @$args, $host), $want, $name);
    next if $want =~ /^resolve|not found/ || $name =~ /enough/;
    my (undef, $heard) =
        $ns->run('getent', @$args ? "ahostsv" . substr($args->[0], 1) : 'ahosts', $host);
    is(
        join(' ', sort split / /, $want),
        join(' ', sort grep { /^[\da-f.:]+$/ && !/^::ffff/ } $heard =~ /^(\S+) +STREAM/mg),
        "$name: as getent has it"
    ) if $name !~ /noisy|inside/;
}
is(scalar(split / /, drive($ns, @full, '-4', 'many.nss')), 32, 'A12 many addresses from a source');

# What IPv6 there is only in the guise of IPv4 is none.
is(
    drive($ns, @full, '-6', 'noisy.nss'),
    'resolve noisy.nss: host not found',
    'IPv4 in the guise of IPv6 is not IPv6'
);

# A source that hangs: the deadline, freeing the machine, and the end of the program end it.
is(drive($ns, '-t', 0.5, 'hang.nss'), 'resolve hang.nss: Connection timed out', 'the deadline');
none_runs($ns, 'and no process is left');
is(drive($ns, '-t', 2, '-4', 'half.nss'), '192.0.2.79', 'the deadline, with an address there');
like(drive($ns, '-c', 0.3, 'hang.nss'), qr/canceled/, 'freed early');
none_runs($ns, 'and no process is left');

# The program ends, by a signal and perhaps as another user, while a source hangs.
sub ends_with_program {
    my ($in, $signal, @args) = @_;
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        open STDOUT, '>', '/dev/null' or die;
        exec($in->prefix, $DRIVER, '-t', 60, @args, 'hang.nss') or die "exec: $!\n";
    }
    eventually {
        grep { /getent/ } running($in)
    };
    kill $signal => $pid;
    waitpid $pid, 0;
    return none_runs($in, "SIG$signal to the program ends getent, too: @args");
}
ends_with_program($ns, $_) for qw(KILL TERM);

# A signal to the go-between: killed, it takes getent with it; stopped, it stops nothing else.
for my $case (['KILL', 'name service failed'], ['STOP', 'Connection timed out']) {
    my ($signal, $error) = @$case;
    my $seconds = $signal eq 'KILL' ? 60 : 5;
    my $pid     = open(my $out, '-|', $ns->prefix, $DRIVER, '-t', $seconds, 'hang.nss')
        or die "open: $!\n";
    my @helper;
    eventually { @helper = children_of($ns, $pid) };
    eventually {
        grep { /getent/ } running($ns)
    };
    kill $signal => @helper;
    like(
        do { local $/; <$out> },
        qr/\Aresolve hang\.nss: \Q$error\E\n/,
        "SIG$signal to the go-between"
    );
    close $out;
    none_runs($ns, 'and getent with it');
}

# Name servers that say nothing leave half of the time to the other source.
is(
    drive($ns, '-t', 2, 'silent.test'),
    'resolve silent.test: Connection timed out',
    'A11 silence of servers, and the source does not know'
);
undef $dns;
is(drive($ns, '-t', 4, '-4', 'known.nss'), '192.0.2.77', 'no name server at all');
$dns = NetIO::Test::DNS->start($ns, "known.nss * silent\n");
is(drive($ns, '-t', 4, '-4', 'known.nss'),
    '192.0.2.77', 'A11 silent name servers, and the source knows');
is(drive($ns, '-4', 'known.nss'), '192.0.2.77', 'A11 the same without a deadline');

undef $dns;
$dns = NetIO::Test::DNS->start($ns, $ZONE);

# A16: too few descriptors are told apart from a name that is not there.
my %outcome;
$outcome{ drive($ns, '-n', $_, '-t', 2, '-4', 'four.nss') }++ for 3 .. 12;
delete $outcome{'resolve four.nss: Too many open files'};
is_deeply([keys %outcome], ['192.0.2.4'], 'A16 enough descriptors or an error that says so');

# A25, A26: each call of a look-up fails, those in the new processes, too.
my ($walk, $walked) =
    $ns->run('env', 'NETIO_TEST_HOST=known.nss', c_program('fault-resolve'));
is($walk, 0, 'A25 A26 whatever fails in a look-up, nothing leaks or hangs');
diag($walked) if $walk != 0;
none_runs($ns, 'and no process is left');

# A program in Perl, which would notice more.
my $PERL = <<'PERL';
my $children = 0;
$SIG{CHLD} = sub { $children++ };
for my $host (qw(unknown.nss hang.nss)) {
    eval { tcpopen($host, 43, timeout => $host eq 'hang.nss' ? 1 : 20) };
    print $@->stage, ' ', $@->message, "\n";
}
print wait, " $children ", scalar(() = glob '/proc/self/task/*'), "\n";
PERL
my ($ended, $told) = $ns->run($^X, '-Mblib', '-MNetIO', '-e', $PERL);
like(
    $told,
    qr/^resolve .*host not found\nresolve .*timed out\n-1 0 1\n\z/m,
    'Perl: no SIGCHLD, no child to wait for, no thread'
) or diag $told;

# Without dns on the list nobody asks name servers.
$dns->asked;
undef $dns;
my $alone = namespace('nss2', 'files netiotest');
$dns = NetIO::Test::DNS->start($alone, $ZONE);
is(drive($alone, @full, '-4', 'known.nss'),       '192.0.2.77',          'a source without dns');
is(drive($alone, @full, '-f', '-4', 'known.nss'), '192.0.2.77',          'a child frees its copy');
is(drive($alone, @full, 'dns.test'), 'resolve dns.test: host not found', 'dns is not asked');
is(join(', ', $dns->asked),          '',                                 'indeed not');

# A program that has given its rights away cannot signal what it has started with them.
is(
    drive($alone, '-u', 65_534, '-t', 0.5, 'hang.nss'),
    'resolve hang.nss: Connection timed out',
    'the deadline, as another user'
);
none_runs($alone, 'and no process is left');
ends_with_program($alone, 'KILL', '-u', 65_534);

my $files = namespace('nss3', 'files');
is(drive($files, @full, 'known.nss'), 'resolve known.nss: host not found', 'files alone');
is(drive($files, @full, 'listed'),    '192.0.2.3',                         'files alone: listed');

# Name servers on a link are known to the C library, not to every c-ares.  Nobody answers there; what
# matters is that others are not asked instead, and that it is asked.
for my $case (
    ['alone', 'host not found', '', 'fe80::53%lo'],
    ['beside others', '192.0.2.5', 'AAAA dns.test, A dns', '127.0.0.1', 'fe80::53%lo'],
    )
{
    my ($name, $answer, $asked, @servers) = @$case;
    undef $dns;
    my $link = namespace('nss4', 'files dns', @servers);
    $dns = NetIO::Test::DNS->start($link, $ZONE);
    like(drive($link, '-t', 1, 'dns.test'), qr/\Q$answer\E\z/, "a name server on a link, $name");
    like(join(', ', $dns->asked),           qr/\A\Q$asked\E/,  "who was asked, $name");
}

done_testing;
