package NetIO::Bench::Inetd;

# Super-servers over one service, each with its own way to say so: with no limits and no rates, or
# with those that each has by itself.
# Called by part/inetd.pm and bench/faults.
#
#     for my $side (sides($bench)) {                      # those that are installed
#         my $server = $side->start($folder, program => '/path', user => 'root');
#         $server->port; $server->cpu; ...                # a NetIO::Bench::Process
#     }

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use IO::Socket::INET;
use NetIO::Bench::Process;

our @EXPORT_OK = qw(sides);

use constant MANY => 100_000;

my $peers  = Cwd::abs_path('bench/build') . '/peers/usr';
my $serial = 0;

# Name; program; its package; a function that writes what it reads and gives its arguments.
my @sides = (
    ['netiod',    'blib/script/netiod',      undef,             \&_netiod],
    ['inetd',     'inetd',                   'openbsd-inetd',   \&_openbsd],
    ['inetutils', 'inetutils-inetd',         'inetutils-inetd', \&_inetutils],
    ['xinetd',    'xinetd',                  'xinetd',          \&_xinetd],
    ['tcpserver', 'tcpserver',               'ucspi-tcp',       \&_tcpserver],
    ['tcpsvd',    'tcpsvd',                  'ipsvd',           \&_tcpsvd],
    ['systemd',   'systemd-socket-activate', 'systemd',         \&_systemd],
);

# What bench/peers has unpacked comes first; after this it is on the path.
sub sides {
    my ($bench) = @_;

    if (-d $peers && $ENV{PATH} !~ /^\Q$peers\E/) {
        my ($libraries) = glob "$peers/lib/*-linux-gnu";
        $ENV{PATH}            = "$peers/sbin:$peers/bin:$ENV{PATH}";
        $ENV{LD_LIBRARY_PATH} = $libraries if defined $libraries;
    }
    return map { bless { name => $_->[0], program => $_->[1], arguments => $_->[3] }, __PACKAGE__ }
        grep { !$_->[2] || $bench->have([@$_[1, 2]]) } @sides;
}

sub name { return $_[0]{name} }

# How: program (absolute), user; usual: with its own limits; before: a command that runs it.
sub start {
    my ($self, $folder, %how) = @_;
    my $port      = _free_port();
    my $file      = "$folder/" . $self->{name} . ++$serial;
    my @arguments = $self->{arguments}->($file, $port, \%how);

    my $server = NetIO::Bench::Process->serve_at($folder, $port, @{ $how{before} || [] },
        $self->{program}, @arguments);
    $server->{configuration} = $file;
    return $server;
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

# A configuration of one line.
sub _line {
    my ($file, $port, $how, $nowait) = @_;
    my ($argv0) = $how->{program} =~ m{([^/]+)\z};

    $nowait = 'nowait' if $how->{usual};
    return _write($file,
        "127.0.0.1:$port stream tcp $nowait $how->{user} $how->{program} $argv0\n");
}

sub _netiod {
    my ($file, $port, $how) = @_;
    return ('-f', _line($file, $port, $how, 'nowait.0'));
}

sub _openbsd {
    my ($file, $port, $how) = @_;

    return ('-i', ($how->{usual} ? () : ('-R', MANY)), _line($file, $port, $how, 'nowait.' . MANY));
}

# Its foreground is for debugging.
sub _inetutils {
    my ($file, $port, $how) = @_;

    return ('-d', ($how->{usual} ? () : ('-R', MANY)), _line($file, $port, $how, 'nowait.' . MANY));
}

sub _xinetd {
    my ($file, $port, $how) = @_;
    my $limits = $how->{usual} ? '' : <<"END";
    instances   = UNLIMITED
    per_source  = UNLIMITED
    cps         = @{[MANY]} 1
END

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
$limits}
END
    return ('-dontfork', '-f', $file, '-filelog', "$file.log", '-pidfile', "$file.pid");
}

sub _tcpserver {
    my ($file, $port, $how) = @_;
    my @user = $how->{user} eq 'root' ? () : map { ('-u', $_->[0], '-g', $_->[1]) }
        [(getpwnam $how->{user})[2, 3]];

    return ('-HRl0', ($how->{usual} ? () : ('-c', 1000)),
        @user, '127.0.0.1', $port, $how->{program});
}

sub _tcpsvd {
    my ($file, $port, $how) = @_;
    my @user = $how->{user} eq 'root' ? () : ('-u', $how->{user});

    return ('-l', 'localhost', ($how->{usual} ? () : ('-c', 1000)),
        @user, '127.0.0.1', $port, $how->{program});
}

sub _systemd {
    my ($file, $port, $how) = @_;

    return ('--accept', '--inetd', '-l', "127.0.0.1:$port", $how->{program});
}

1;
