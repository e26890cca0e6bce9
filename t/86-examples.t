# The examples of eg/: those in C compile without a warning, those in Perl load, and all do what their
# first lines say.

use strict;
use warnings;

use Config;
use Cwd        qw(getcwd);
use File::Temp ();
use IO::Socket::UNIX;
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Detached;

alarm 120;

my $top  = getcwd();
my $dir  = File::Temp->newdir;
my @libs = (split(' ', `pkg-config --libs libcares`), '-lm');

# Name of an example, command that runs it.
my %example;
for my $source (glob 'eg/*.c') {
    my ($name) = $source =~ m{([^/]+)\.c$};
    my @sanitizers = $ENV{NETIO_TEST_SANITIZED} ? '-fsanitize=address,undefined' : ();

    is system($Config{cc}, qw(-Wall -Wextra -Werror -Icsrc/include),
        @sanitizers, '-o', "$dir/$name", $source, 'csrc/libnetio.a', @libs),
        0, "$source compiles"
        or BAIL_OUT('no compiler?');
    $example{$source} = ["$dir/$name"];
}
for my $source (glob 'eg/*.pl') {
    $example{$source} = [$^X, "-I$top/blib/lib", "-I$top/blib/arch", "$top/$source"];
    is system("$^X -Mblib -c $source 2>$dir/err"), 0, "$source compiles";
}

sub run {
    my (@command) = @_;

    return NetIO::Test::Daemon->run(program => shift @command, args => \@command, dir => "$dir");
}

# The smallest daemons: an address, a pid file.
for my $source (grep { m{^eg/daemon\.} } sort keys %example) {
    my @daemon = (@{ $example{$source} }, "unix:$dir/s", "$dir/pid");
    my @told   = run(@daemon);
    my $d      = NetIO::Test::Detached->new("$dir/pid");

    is_deeply \@told, [0, '', ''], "$source: it is ready" or next;
    my $client = IO::Socket::UNIX->new(Peer => "$dir/s");
    like scalar <$client>, qr/ \d\d:\d\d:\d\d /, "$source: it tells the time";
    @told = run(@daemon);
    isnt $told[0], 0, "$source: a second one";
    like $told[2], qr/\bpid file \Q$dir\E\/pid: already running\b/, "$source: is told why not";
    $d->kill('TERM');
    ok $d->wait_end,   "$source: TERM ends it";
    ok !-e "$dir/pid", "$source: with its pid file";
    unlink "$dir/pid";

    @told = run(@{ $example{$source} }, "unix:$dir/none/s", "$dir/pid");
    isnt $told[0], 0, "$source: an address that cannot be";
    like $told[2], qr{\Q$dir\E/none/s: No such file or directory}, "$source: is said at start";
    ok !NetIO::Test::Detached->new("$dir/pid"), "$source: and nothing runs";
}

done_testing;
