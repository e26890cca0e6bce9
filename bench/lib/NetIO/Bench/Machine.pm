package NetIO::Bench::Machine;

# What the figures were measured on.  Called by bench/run.

use strict;
use warnings;

use POSIX ();

use constant BUSY => 0.3;    # load average per core beyond which others take our time

sub line {
    my ($system, undef, $release) = POSIX::uname();
    my @models = _matches('/proc/cpuinfo', qr/^model name\s*:\s*(.*)/);
    my ($load) = _matches('/proc/loadavg', qr/^(\S+)/);
    my $cores  = @models || 1;
    my $busy   = $load > BUSY * $cores ? ': BUSY, so that times, more than CPU, are too long' : '';

    return sprintf '%s, %d cores, %s %s, load %s%s', $models[0] || 'unknown CPU', $cores, $system,
        $release, $load, $busy;
}

# What is there of the peers, each asked for its version.
sub peers {
    my @versions = sprintf 'perl %vd', $^V;

    for my $module (
        qw(IO::Socket::IP AnyEvent EV CGI Net::Server Proc::Daemon Mojolicious IO::Async))
    {
        my $version = _first_line($^X, "-M$module", '-e', "print $module->VERSION");
        push @versions, "$module $version" if defined $version;
    }
    for (
        ['lighttpd',  qr{/(\S+)}, 'lighttpd',   '-v'],
        ['valgrind',  qr/-(\S+)/, 'valgrind',   '--version'],
        ['libdaemon', qr/^(\S+)/, 'pkg-config', '--modversion', 'libdaemon'],
        ['libuv',     qr/^(\S+)/, 'pkg-config', '--modversion', 'libuv'],
        )
    {
        my ($name, $pattern, @command) = @$_;
        my $line = _first_line(@command);
        push @versions, "$name $1" if defined $line && $line =~ $pattern;
    }
    return join ', ', @versions;
}

sub _first_line {
    my (@command) = @_;
    my $pid = open(my $output, '-|') // die "fork: $!\n";

    if (!$pid) {
        open STDERR, '>', '/dev/null' or POSIX::_exit(1);
        no warnings 'exec';
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    my $line = <$output>;
    close $output or return;
    chomp $line if defined $line;
    return $line;
}

sub _matches {
    my ($path, $pattern) = @_;

    open my $file, '<', $path or return;
    return map { $_ =~ $pattern ? $1 : () } <$file>;
}

1;
