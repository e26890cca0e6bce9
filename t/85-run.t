# What ./run and ./test say, and with which exit code they end, when they cannot go on.

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use Test::More;

alarm 120;

my $fakes = File::Temp->newdir;

# A command of ours in place of the machine's: PATH has the folder of fakes in front.
sub fake {
    my ($name, $script) = @_;

    open my $file, '>', "$fakes/$name" or die "$fakes/$name: $!\n";
    print $file "#!/bin/sh\n$script\n";
    close $file or die "$fakes/$name: $!\n";
    chmod 0755, "$fakes/$name" or die "$fakes/$name: $!\n";
}

sub unfake { unlink glob "$fakes/*" }

sub is_refused {
    my ($command, $code, $text, $name) = @_;
    local $ENV{PATH} = "$fakes:$ENV{PATH}";
    my $output = `$command 2>&1 </dev/null`;

    is $output, $text, "$name: text";
    is $? >> 8, $code, "$name: exit code";
}

# A port in use, and one that stays free: nobody gets it by chance while it is bound here, but
# who asks for it may listen on it, because both sides set SO_REUSEADDR.
my @local = (LocalAddr => '127.0.0.1', Proto => 'tcp', ReuseAddr => 1);
my $taken = IO::Socket::INET->new(@local, Listen => 1) or die "listen: $@\n";
my $free  = IO::Socket::INET->new(@local) or die "bind: $@\n";
my ($taken_port, $port) = ($taken->sockport, $free->sockport);

my $usage = "usage: ./run [--check] [--port N]\n";
is_refused("./run $_", 64, $usage, "run $_")
    for '--chekc', '--port', '--port x', '--port 0', '--port 65536', '--port ""', 'x';

for my $options ("--port $taken_port", "--check --port $taken_port") {
    is_refused("./run $options", 69,
        "run: port $taken_port is in use: end what listens there, or ./run --port N\n",
        "run on a port in use");
}

# One package is missing, and nobody here may install it.
my $all_but_one = 'case "$*" in *libc-ares-dev) exit 1 ;; esac; echo installed';
fake('dpkg-query', $all_but_one);
fake('id',         'echo 1000');
fake('sudo',       'exit 1');
fake('apt-get',    'echo "apt-get was called: $*" >&2');
is_refused("./$_", 77, (split ' ')[0] . ": cannot install libc-ares-dev: not root and no sudo\n",
    "$_: not root and no sudo")
    for 'test', "run --port $port", "run --check --port $port";

# Root, but the archive cannot be reached.
fake('id', 'echo 0');
fake('apt-get', <<'SH');
case "$*" in
    *update) echo 'E: The repository could not be reached.' >&2 ;;
    *) echo 'E: Unable to locate package libc-ares-dev' >&2 ;;
esac
exit 100
SH
is_refused("./$_", 69, (split ' ')[0] . ": installing libc-ares-dev\n"
        . (split ' ')[0] . ': cannot install libc-ares-dev: apt-get failed: '
        . "The repository could not be reached.\n",
    "$_: no network for apt-get")
    for 'test', "run --port $port";

# Several are named in one line.
fake('dpkg-query', 'case "$*" in *libc-ares-dev|*libidn2-dev) exit 1 ;; esac; echo installed');
fake('id', 'echo 1000');
is_refused('./test', 77,
    "test: cannot install libc-ares-dev libidn2-dev: not root and no sudo\n", 'two are missing');
unfake();

done_testing;
