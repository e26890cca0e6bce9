# The examples of eg/: those in C compile without a warning, those in Perl load; and the smallest daemon
# in C does what its first lines say (t/57-daemon.t has the one in Perl).

use strict;
use warnings;

use Config;
use File::Temp ();
use IO::Socket::UNIX;
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Detached;

alarm 300;

my $dir  = File::Temp->newdir;
my @libs = (split(' ', `pkg-config --libs libcares`), '-lm');
my @with = $ENV{NETIO_TEST_SANITIZED} ? '-fsanitize=address,undefined' : ();

for my $source (glob 'eg/*.c') {
    my ($name) = $source =~ m{([^/]+)\.c$};

    is system($Config{cc}, qw(-Wall -Wextra -Werror -Icsrc/include),
        @with, '-o', "$dir/$name", $source, 'csrc/libnetio.a', @libs),
        0, "$source compiles"
        or BAIL_OUT('no compiler?');
}
for my $source (glob 'eg/*.pl') {
    is system("$^X -Mblib -c $source 2>$dir/err"), 0, "$source compiles"
        or diag NetIO::Test::Daemon::slurp("$dir/err");
}

# The smallest daemon: an address, a pid file.
sub start {
    my ($address) = @_;

    return NetIO::Test::Daemon->run(
        program => "$dir/daemon",
        args    => [$address, "$dir/pid"],
        dir     => "$dir"
    );
}

{
    my @told = start("unix:$dir/s");
    my $d    = NetIO::Test::Detached->new("$dir/pid");

    is_deeply \@told, [0, '', ''], 'the daemon is ready' or BAIL_OUT('no daemon');
    my $client = IO::Socket::UNIX->new(Peer => "$dir/s");
    like scalar <$client>, qr/ \d\d:\d\d:\d\d /, 'it tells the time';
    is_deeply [start("unix:$dir/s")], [69, '', "daemon: pid file $dir/pid: already running\n"],
        'a second one is told why not';
    $d->kill('TERM');
    ok $d->wait_end,   'TERM ends it';
    ok !-e "$dir/pid", 'with its pid file';
}
{
    is_deeply [start("unix:$dir/none/s")],
        [69, '', "daemon: bind unix:$dir/none/s: No such file or directory\n"],
        'an address that cannot be is said at start';
    ok !-e "$dir/pid", 'and nothing is left';
}

done_testing;
