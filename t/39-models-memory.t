# B13: a server that gets no more memory refuses work, but does not end, in any model.  The server is
# t/c/drive-models.c.

use strict;
use warnings;
use lib 't/lib';

use NetIO::Test::C;
use NetIO::Test::Engine;
use Test::More;

plan skip_all => 'a sanitizer needs all of the address space' if $ENV{NETIO_TEST_SANITIZED};
alarm 300;
$SIG{PIPE} = 'IGNORE';

my $DRIVER = c_program('drive-models');

sub address_space {
    my ($pid, $bytes) = @_;

    return system('prlimit', '--pid', $pid, "--as=$bytes:") == 0;
}

sub bytes_of {
    my ($pid) = @_;

    open my $file, '<', "/proc/$pid/statm" or die "$pid: $!\n";
    my ($pages) = split ' ', readline $file;
    return $pages * 4096;
}

# Clients at once, and whether memory runs out.
for my $case (['event', 1000, 1], ['fork', 50, 0], ['iterative', 50, 0]) {
    my ($model, $count, $scarce) = @$case;
    my $server = NetIO::Test::Engine->start($DRIVER, $model, 'line', '127.0.0.1:0');
    my $first  = $server->client;

    is $server->says($first, 'hello'), '<hello>', "$model: one is served";
    ok address_space($server->pid, bytes_of($server->pid)), 'there is no more memory';
    is $server->says($first, 'again'), '<again>', 'who is there is served';
    my @clients = map { $server->client } 1 .. $count;
    syswrite $_, "hello\n" for @clients;
    ok $server->wait_for(qr/^trouble: ENOMEM\n/m), 'B13: some cannot be let in, which is told'
        if $scarce;
    is $server->says($first, 'still'), '<still>', 'B13: who is there is served still';
    ok address_space($server->pid, 'unlimited'), 'there is memory again';
    close $first;
    my $heard = 0;
    while (my $client = shift @clients) {
        my $line = $server->line_of($client) // '';
        $heard++ if $line eq "<hello>\n";
        close $client;
    }
    is $heard, $count, 'B13: everybody is served now' if !$scarce;
    ok $heard >= $count / 10, "B13: $heard of $count were let in, before or after" if $scarce;
    is $server->ask("hello\n"), "<hello>\n", 'B13: and so is the next one';
    is $server->stop,           0,           'TERM';
}

done_testing;
