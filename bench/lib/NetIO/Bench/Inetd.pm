package NetIO::Bench::Inetd;

# Super-servers over one service, each with its own way to say so, with no limits and no rates.
# Called by part/inetd.pm and bench/faults.
#
#     for my $side (sides($bench)) {                      # those that are installed
#         my $server = $side->start($folder, program => '/path', user => 'root');
#         $server->port; $server->cpu; ...                # a NetIO::Bench::Process
#     }

use strict;
use warnings;

use Cwd      ();
use Exporter 'import';
use IO::Socket::INET;
use NetIO::Bench::Process;

our @EXPORT_OK = qw(sides);

my $peers = Cwd::abs_path('bench/build') . '/peers/usr';
my $serial = 0;

# Name; program; its package; a function that writes what it reads and gives its arguments.
my @sides = (
    ['netiod',    'blib/script/netiod', undef,           \&_netiod],
    ['inetd',     'inetd',              'openbsd-inetd', \&_openbsd],
    ['inetutils', 'inetutils-inetd',    'inetutils-inetd', \&_inetutils],
    ['xinetd',    'xinetd',             'xinetd',        \&_xinetd],
    ['tcpserver', 'tcpserver',          'ucspi-tcp',     \&_tcpserver],
    ['tcpsvd',    'tcpsvd',             'ipsvd',         \&_tcpsvd],
    ['systemd',   'systemd-socket-activate', 'systemd',  \&_systemd],
);

# What bench/peers has unpacked comes first; after this it is on the path.
sub sides {
    my ($bench) = @_;

    if (-d $peers && $ENV{PATH} !~ /^\Q$peers\E/) {
        my ($libraries) = glob "$peers/lib/*-linux-gnu";
        $ENV{PATH}            = "$peers/sbin:$peers/bin:$ENV{PATH}";
        $ENV{LD_LIBRARY_PATH} = $libraries if defined $libraries;
    }
    return map { bless { name => $_->[0], program => $_->[1], arguments => $_->[3] } }
        grep { !$_->[2] || $bench->have([@$_[1, 2]]) } @sides;
}

sub name { return $_[0]{name} }

# One that answers: folder, and how: program (absolute), user.  conf: further text of netiod's.
sub start {
    my ($self, $folder, %how) = @_;
    my $port      = _free_port();
    my $file      = "$folder/" . $self->{name} . ++$serial;
    my @arguments = $self->{arguments}->($file, $port, \%how);

    return NetIO::Bench::Process->serve_at($folder, $port, @{ $how{before} || [] },
        $self->{program}, @arguments);
}

sub _free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "port: $@\n";
    return $socket->sockport;
}

sub _write {
    my ($path, $text) = @_;

    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    return $path;
}

# The name of a program without its folder, as argv[0].
sub _argv0 { return $_[0]{program} =~ s{.*/}{}r }

sub _netiod {
    my ($file, $port, $how) = @_;
    my $line = "127.0.0.1:$port stream tcp nowait.0 $how->{user} $how->{program} " . _argv0($how);

    return ('-f', _write($file, "$line\n"));
}

sub _openbsd {
    my ($file, $port, $how) = @_;
    my $line = "127.0.0.1:$port stream tcp nowait.100000 $how->{user} $how->{program} ";

    return ('-i', '-R', 100_000, _write($file, $line . _argv0($how) . "\n"));
}

sub _inetutils {
    my ($file, $port, $how) = @_;
    my $line = "127.0.0.1:$port stream tcp nowait.100000 $how->{user} $how->{program} ";

    return ('-d', '-R', 100_000, _write($file, $line . _argv0($how) . "\n"));
}

sub _xinetd {
    my ($file, $port, $how) = @_;

    _write($file, <<"END");
service brief
{
    type        = UNLISTED
    socket_type = stream
    protocol    = tcp
    wait        = no
    user        = $how->{user}
    bind        = 127.0.0.1
    port        = $port
    server      = $how->{program}
    instances   = UNLIMITED
    per_source  = UNLIMITED
    cps         = 100000 1
}
END
    return ('-dontfork', '-f', $file, '-filelog', "$file.log", '-pidfile', "$file.pid");
}

sub _tcpserver {
    my ($file, $port, $how) = @_;
    my @user = $how->{user} eq 'root' ? () : map { ('-u', $_->[0], '-g', $_->[1]) }
        [(getpwnam $how->{user})[2, 3]];

    return ('-HRl0', '-c', 1000, @user, '127.0.0.1', $port, $how->{program});
}

sub _tcpsvd {
    my ($file, $port, $how) = @_;
    my @user = $how->{user} eq 'root' ? () : ('-u', $how->{user});

    return ('-l', 'localhost', '-c', 1000, @user, '127.0.0.1', $port, $how->{program});
}

sub _systemd {
    my ($file, $port, $how) = @_;

    return ('--accept', '--inetd', '-l', "127.0.0.1:$port", $how->{program});
}

1;
