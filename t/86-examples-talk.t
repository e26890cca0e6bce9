# The examples of eg/ that are the listings of the source texts, in C and in Perl, which do the same:
# each server is asked by a client of eg/, on the ports that both use when nobody says another, in a
# network namespace where those are free.

use strict;
use warnings;
use lib 't/lib';

use Config;
use File::Temp ();
use IO::Select;
use NetIO::Test::Netns;
use NetIO::Test::Patience;
use NetIO::Test::Run qw(run start finish slurp);
use Test::More;
use Time::HiRes qw(sleep);

needs_netns(300);

my $dir  = File::Temp->newdir;
my $ns   = NetIO::Test::Netns->new('eg');
my @libs = (split(' ', `pkg-config --libs libcares`), '-lm');
my @with = $ENV{NETIO_TEST_SANITIZED} ? '-fsanitize=address,undefined' : ();
my @own;    # pids, for the end

END { kill 'KILL', @own if @own }

# What differs: how TERM ends a server, with what a client fails, how many primes are looked for.
my %in = (
    C => { term => 'signal 15', failed => 69, wrong => 64, primes => 100_000, last => 1_299_709 },
    Perl => { term => '0', failed => 111, wrong => 255, primes => 10_000, last => 104_729 },
);
my $language;

# An example as a command.
sub built {
    my ($name) = @_;

    return ($^X, '-Mblib', "eg/$name.pl") if $language eq 'Perl';
    -x "$dir/$name"
        or system($Config{cc}, qw(-Wall -Wextra -Werror -Icsrc/include),
        @with, '-o', "$dir/$name", "eg/$name.c", 'csrc/libnetio.a', @libs) == 0
        or BAIL_OUT("eg/$name.c does not compile");
    return "$dir/$name";
}

# Whether somebody in the namespace listens on the port; tcp, udp.
sub listens {
    my ($pid, $kind, $port) = @_;
    my $hex = sprintf ':%04X ', $port;

    for my $file ($kind, "${kind}6") {
        open my $fh, '<', "/proc/$pid/net/$file" or next;
        return 1 if grep { /$hex.* (?:0A|07) / } readline $fh;
    }
    return 0;
}

# Starts an example and waits until it listens on these ports: "tcp" or "udp", numbers.
sub serve {
    my ($name, $arguments, $kind, @ports) = @_;
    my $server = start($ns->prefix, built($name), @$arguments);

    push @own, $server->{pid};
    for my $port (@ports) {
        ok eventually { listens($server->{pid}, $kind, $port) }, "$name listens on port $port";
    }
    return $server;
}

# It goes on until somebody ends it; then what it has printed.
sub ended {
    my ($server) = @_;

    kill 'TERM', $server->{pid};
    my ($status, $out, $err) = finish($server);
    @own = grep { $_ != $server->{pid} } @own;
    is "$status$err", $in{$language}{term}, 'it goes on until it is told to end';
    return $out;
}

# An example that ends by itself, with this on its standard input: what it prints, and its errors.
sub ask {
    my ($input,  $name, @arguments) = @_;
    my ($status, $out,  $err) = run({ input => $input }, $ns->prefix, built($name), @arguments);

    $err =~ s/\A(.*) at eg\S+ line \d+\.\n\z/$name: $1\n/;
    $err =~ s/\.pl\b//;
    return $out . $err . ($status ? "status $status" : '');
}

# Somebody who connects, says a line if it is not empty, and stays until the other end closes,
# printing what comes.  Returns when the server has him.
sub guest {
    my ($line) = @_;
    my $program = 'my $s = IO::Socket::INET->new(q{127.0.0.1:2907}) or die; $| = 1;'
        . ' print STDERR q{here}; print {$s} "$ARGV[0]\n" if $ARGV[0]; print while <$s>';
    my $guest = start($ns->prefix, $^X, '-MIO::Socket::INET', '-e', $program, $line);

    push @own, $guest->{pid};
    eventually { -s $guest->{err} };
    return $guest;
}

sub talk {
    {
        my $server = serve('datagram-server', [], 'udp', 2907);
        is ask('', 'datagram-client', '127.0.0.1', 'hello'), "127.0.0.1:2907: 5 bytes: hello\n",
            'datagram-client is answered';
        is ask('', 'datagram-client', '::1', ''), "[::1]:2907: 0 bytes: \n", 'over IPv6, and empty';
        like ended($server), qr/\A5 bytes from 127\.0\.0\.1:\d+\n0 bytes from \[::1\]:\d+\n\z/,
            'datagram-server tells of them';
        like ask('', 'datagram-client', '127.0.0.1', 'hello'),
            qr/\Adatagram-client: .*read 127\.0\.0\.1:2907: Connection refused\nstatus $in{$language}{failed}\z/,
            'nobody there: it is said';
    }
    {
        my $server = serve('stream-server', ['4000'], 'tcp', 4000);
        is ask('', 'stream-client', 'localhost', 'hello', '4000'), "5 bytes: hello\n",
            'stream-client is answered, on another port';
        like ended($server), qr/\A5 bytes from \S+:\d+\n\z/, 'stream-server tells of it';
        like ask('', 'stream-client', '127.0.0.1', 'hello'),
            qr/\Astream-client: .*connect 127\.0\.0\.1:2907: Connection refused\nstatus $in{$language}{failed}\z/,
            'nobody there: it is said';
        is ask('', 'stream-client'),
            "usage: stream-client HOST TEXT [PORT]\nstatus $in{$language}{wrong}", 'usage';
        is ask('', 'stream-server', '127.0.0.1:http2'),
            $language eq 'C'
            ? "stream-server: service http2: unknown service\nstatus 69"
            : "stream-server: listen: service http2: unknown service\nstatus 22",
            'a wrong address: it is said';
    }
    {
        my $server = serve('two-ports', [], 'tcp', 2907, 2908);
        like ask('', 'hello-client', '127.0.0.1', '2907'), qr/\A\d+ primes so far\r\n\z/,
            'two-ports: the one tells how many';
        like ask('', 'hello-client', '127.0.0.1', '2908'), qr/\Athe last one is \d+\r\n\z/,
            'the other which, while it looks for more';
        my $last = '';
        for (1 .. 1000) {
            $last = ask('', 'hello-client', '::1', '2907');
            last if $last eq "$in{$language}{primes} primes so far\r\n";
            sleep 0.02;
        }
        is $last, "$in{$language}{primes} primes so far\r\n",
            'it has done something else meanwhile';
        is ask('', 'hello-client', '::1', '2908'), "the last one is $in{$language}{last}\r\n",
            'and rightly';
        ended($server);
    }
    {
        my $server = serve('hello-server', [], 'tcp', 2907);
        is ask("how are you\nfine\n", 'hello-client', '127.0.0.1'),
            "hello, world\r\nhow are you\nfine\n", 'hello-client and hello-server';
        is ask('', 'hello-client', '::1'), "hello, world\r\n", 'with nothing to say';
        ended($server);
    }
    {
        my $server = serve('sigio-server', [], 'tcp', 2907);
        my $first  = ask('', 'stream-client', '127.0.0.1', 'how far');
        like $first, qr/\A\d+ primes up to \d+\n\z/, 'sigio-server answers while it computes';
        isnt ask('', 'stream-client', '127.0.0.1', 'how far'), $first, 'and goes on';
        SKIP: {
            my $probe = `strace -o /dev/null -e trace=none true 2>&1 && echo works`;
            skip 'strace is not here, or may not trace', 2
                if $probe !~ /works/ || $ENV{NETIO_TEST_SANITIZED};
            my $trace = start('strace', '-o', "$dir/trace", '-p', $server->{pid});
            eventually { -s $trace->{err} };
            ask('', 'stream-client', '127.0.0.1', 'once');
            eventually { slurp("$dir/trace") =~ /^close/m };
            my ($before, $after) = (0, -s "$dir/trace");
            for (1 .. 20) {
                last if $before == $after;
                sleep 0.2;    # time passes, to see that nothing happens in it
                ($before, $after) = ($after, -s "$dir/trace");
            }
            is $after, $before, 'B30: it computes without a system call while nobody asks';
            like slurp("$dir/trace"), qr/SIGIO/, 'a signal tells it that somebody does';
            kill 'TERM', $trace->{pid};
            finish($trace);
        }
        like ask('', 'stream-client', '127.0.0.1', 'quit'), qr/primes/, 'it is told to end';
        is join('', finish($server)), '0', 'and does';
    }
    {
        my $server = serve('iterative-server', [], 'tcp', 2907);
        for my $host ('127.0.0.1', '::1') {
            like ask('', 'hello-client', $host), qr/\Ait is \d\d:\d\d:\d\d\r\n\z/,
                "iterative-server, $host";
        }
        ended($server);
    }
    {
        my $server  = serve('forking-server', [], 'tcp', 2907);
        my $serving = sub { ask($_[0], 'hello-client', '127.0.0.1') };
        my ($one)   = $serving->("a\nb\n") =~ /\A1 of process (\d+): a\n2 of process \1: b\n\z/;
        my ($two)   = $serving->("c\n")    =~ /\A1 of process (\d+): c\n\z/;
        ok $one && $two && $one != $two, 'forking-server: a process for each';
        guest('hello') for 1 .. 10;
        is $serving->(''), "all lines are busy\r\n", 'ten at most';
        ended($server);
    }
    {
        my $server = serve('select-server', [], 'tcp', 2907);
        is ask('', 'hello-client', '127.0.0.1'), '',
            'select-server: alone there is nothing to hear';
        my @guests = map { guest('') } 1 .. 2;
        like ask("is anybody there?\n", 'hello-client', '127.0.0.1'), qr/\A\z/, 'one talks';
        for my $guest (@guests) {
            eventually { -s $guest->{out} };
            kill 'TERM', $guest->{pid};
            is((finish($guest))[1], "is anybody there?\r\n", 'another hears it');
        }
        eventually { slurp($server->{out}) =~ /(?:.*\n){4}/ };
        @own = ($server->{pid});
        is ended($server), "one has left: done\n" x 4, 'and is seen to leave';
    }
    {
        my $server = serve('select-server', ['2907', '0.5'], 'tcp', 2907);
        is((finish(guest('')))[1], '', 'who says nothing');
        eventually { slurp($server->{out}) =~ /\n/ };
        @own = ($server->{pid});
        is ended($server), "one has left: idle\n", 'has to go';
    }
    {
        my $server = serve('select-server', [], 'tcp', 2907);
        guest('hello') for 1 .. 3;
        is ask('', 'hello-client', '127.0.0.1'), "the house is full\r\n", 'three at most';
        ended($server);
    }
    return;
}

for my $each (sort keys %in) {
    $language = $each;
    subtest $language => \&talk;
}

done_testing;
