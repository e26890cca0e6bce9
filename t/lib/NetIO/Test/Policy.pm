package NetIO::Test::Policy;

# The server of t/c/drive-policy.c and clients from addresses of their own.
#
#     my $server = NetIO::Test::Policy->new('listen=127.0.0.1:0', 'per-source=3');
#     my $client = $server->connect(from => '127.0.0.5');
#     is $server->ask('hold', from => '127.0.0.6'), "...\n", ...;
#     my %count = $server->status(from => '127.0.0.7');
#
# ask sends a line and returns the first that comes, '' at the end of file and undef at a reset;
# `on => $client` asks on a connection that is there, `raw => BYTES` stands before the line.  The
# server ends with the object.

use strict;
use warnings;

use IO::Handle     ();
use IO::Select     ();
use Socket         qw(:DEFAULT :addrinfo IPPROTO_TCP SO_LINGER);
use NetIO::Test::C qw(c_program);

sub new {
    my ($class, @words) = @_;
    my $self   = bless { said => q{} }, $class;
    my @prefix = ref $words[0] ? @{ shift @words } : ();
    my $input  = ref $words[0] ? shift @words      : undef;

    pipe my $out,      my $out_end or die "pipe: $!\n";
    pipe $self->{err}, my $err_end or die "pipe: $!\n";
    $self->{pid} = fork // die "fork: $!\n";
    if (!$self->{pid}) {
        open STDIN,  '<&', $input   or die "stdin: $!\n" if $input;
        open STDOUT, '>&', $out_end or die "stdout: $!\n";
        open STDERR, '>&', $err_end or die "stderr: $!\n";
        exec @prefix, c_program('drive-policy'), @words or die "drive-policy: $!\n";
    }
    $self->{owner} = $$;
    close $out_end;
    while (defined(my $line = <$out>)) {
        last if $line eq "\n";
        chomp $line;
        push @{ $self->{at} }, $line;
    }
    return $self;
}

# What on_refused said so far, once it matches, or what there is after five silent seconds.
sub said {
    my ($self, $match) = @_;
    my $select = IO::Select->new($self->{err});

    while ($self->{said} !~ $match) {
        last
            if !$select->can_read(5) || !sysread $self->{err}, $self->{said}, 65536,
            length $self->{said};
    }
    return $self->{said};
}

# A connected socket, from an address if one is named; undef when the server took none.
sub connect {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, %how) = @_;
    my $at = $how{at} // $self->{at}[0];
    my ($host, $port) = $at =~ /\A\[?([^\]]*?)\]?:(\d+)\z/;
    my $is_unix = $at =~ m{\Aunix:(/.*)}s;
    my ($to) =
        $is_unix ? { family => AF_UNIX, addr => pack_sockaddr_un($1) } : _numeric($host, $port);

    socket my $socket, $to->{family}, SOCK_STREAM, 0 or die "socket: $!\n";
    if ($how{from}) {
        my $from = _numeric($how{from}, 0);
        bind $socket, $from->{addr} or die "bind $how{from}: $!\n";
    }
    CORE::connect($socket, $to->{addr}) or return;
    $socket->autoflush(1);
    return $socket;
}

sub _numeric {
    my ($host, $port) = @_;
    my ($failed, $found) =
        getaddrinfo($host, $port, { flags => AI_NUMERICHOST, socktype => SOCK_STREAM });

    die "$host: $failed\n" if $failed;
    return $found;
}

sub ask {
    my ($self, $line, %how) = @_;
    my $socket = $how{on} // $self->connect(%how) // return;
    local $SIG{PIPE} = 'IGNORE';

    syswrite $socket, ($how{raw} // q{}) . (defined $line ? "$line\r\n" : q{});
    my $answer = q{};
    while ($answer !~ /\n/) {
        IO::Select->new($socket)->can_read(10) or die "no answer to '$line'\n";
        my $n = sysread $socket, $answer, 4096, length $answer;
        return if !defined $n && $answer eq q{};
        last   if !$n;
    }
    return $answer;
}

sub status {
    my ($self, %how) = @_;

    return map { split /=/ } split q{ }, $self->ask('status', %how) // q{};
}

# Kilobytes that are its own.
sub memory {
    my ($self) = @_;

    open my $file, '<', "/proc/$self->{pid}/status" or die "status of $self->{pid}: $!\n";
    my ($rss) = join(q{}, <$file>) =~ /^VmRSS:\s+(\d+)/m;
    return $rss;
}

sub DESTROY {
    my ($self) = @_;

    return if !$self->{pid} || $self->{owner} != $$;
    local ($?, $!);
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

1;
