package NetIO::Test::Netns;

# A network namespace of a test's own: nothing in it can reach the outside, its routes and
# files in /etc are what the test says, and it is gone with the object.
#
#     my $why = NetIO::Test::Netns->missing;          # '' or why there can be none
#     my $ns  = NetIO::Test::Netns->new(
#         'a', 'hosts' => "192.0.2.1 here\n", 'resolv.conf' => "nameserver 127.0.0.1\n");
#     $ns->ip('addr add 192.0.2.1/24 dev lo');
#     my ($status, $out) = $ns->run('cat', '/etc/hosts');
#
# A test that is nothing without them begins with
#
#     needs_netns(120);                               # or 120, and another reason to skip
#
# which skips it where there can be none, and lets it end after 120 seconds, or at a signal, through
# die, so that its namespaces are removed.

use strict;
use warnings;

use Exporter   qw(import);
use File::Path ();
use Test::More ();

our @EXPORT = qw(needs_netns);

my $ETC = '/etc/netns';

sub missing {
    return 'network namespaces need root'  if $> != 0;
    return 'network namespaces need Linux' if $^O ne 'linux';
    my $probe = "netio-probe-$$";
    # Entering one takes more than making it: in a plain chroot, / is no mount of its own.
    my $failed = system("ip netns add $probe >/dev/null 2>&1")
        || system("ip netns exec $probe true >/dev/null 2>&1");
    system("ip netns del $probe >/dev/null 2>&1");
    return $failed ? 'ip(8) cannot make a network namespace here' : '';
}

sub needs_netns {
    my ($seconds, $other) = @_;
    my $missing = missing() || $other;

    $SIG{$_} = sub { die "stopped by a signal\n" }
        for qw(ALRM INT TERM);
    alarm $seconds;
    Test::More::plan(skip_all => $missing) if $missing;
    return;
}

sub new {
    my ($class, $word, %files) = @_;
    my $self = bless { name => "netio-$word-$$", pid => $$ }, $class;

    $self->_must("ip netns add $self->{name}");
    File::Path::make_path("$ETC/$self->{name}");
    for my $file (sort keys %files) {
        open my $fh, '>', "$ETC/$self->{name}/$file" or die "$ETC/$self->{name}/$file: $!\n";
        print {$fh} $files{$file} or die "$file: $!\n";
        close $fh                 or die "$file: $!\n";
    }
    $self->ip('link set lo up');
    return $self;
}

sub name { return $_[0]{name} }

sub _must {
    my ($self, $command) = @_;
    my $said = `$command 2>&1`;

    die "$command: $said" if $? != 0;
    return $said;
}

# ip(8) inside the namespace; dies when it fails.
sub ip {
    my ($self, $words) = @_;

    return $self->_must("ip -n $self->{name} $words");
}

# A sysctl of the namespace.
sub sysctl {
    my ($self, $name, $value) = @_;

    return $self->_must("ip netns exec $self->{name} sysctl -q -w $name='$value'");
}

# What to put before a command that is to run inside.
sub prefix {
    my ($self) = @_;

    return ('ip', 'netns', 'exec', $self->{name});
}

# Runs a command inside; its wait status, and its output and errors as they came.
sub run {
    my ($self, @command) = @_;
    my $pid = open(my $out, '-|') // die "fork: $!\n";

    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec($self->prefix, @command) or die "ip: $!\n";
    }
    my $said = do { local $/; <$out> };
    close $out;
    return ($?, $said // '');
}

# This process itself, and what it starts from now on, goes inside; not its mounts.
sub enter {
    my ($self) = @_;

    open my $file, '<', "/run/netns/$self->{name}" or die "$self->{name}: $!\n";
    syscall(308, fileno $file, 0) == 0 or die "setns: $!\n";    # x86-64
    return;
}

# Joins two namespaces by a pair of devices, each named after the other's word, which come up
# with these addresses ("192.0.2.1/24").
sub join {
    my ($self, $peer, $mine, $theirs) = @_;

    $self->ip("link add nio0 type veth peer name nio0 netns $peer->{name}");
    for ([$self, $mine], [$peer, $theirs]) {
        my ($ns, $addresses) = @$_;
        $ns->ip("addr add $_ dev nio0" . (/:/ ? ' nodad' : '')) for @$addresses;
        $ns->ip('link set nio0 up');
    }
    return;
}

sub DESTROY {
    my ($self) = @_;
    local ($@, $!, $?);

    return if $self->{pid} != $$;
    system("ip netns del $self->{name} >/dev/null 2>&1");
    File::Path::remove_tree("$ETC/$self->{name}");
    rmdir $ETC;    # stays when others are in it
    return;
}

1;
