# Peers that do what hardly any does, and the ends of handles whose peer has failed: A23 urgent
# data; F1 nothing is left of a handle whose scope ends by an error that it throws.

use strict;
use warnings;

use lib 't/lib';

use Errno qw(ETIMEDOUT);
use NetIO;
use NetIO::Test::Peer;
use NetIO::Test::Process;
use Socket qw(MSG_OOB SOL_SOCKET SO_OOBINLINE);
use Test::More;
use Time::HiRes qw(ITIMER_REAL setitimer sleep);

alarm 300;

# Urgent bytes before, between and after lines, many of them.
sub urgent {
    my ($socket) = @_;
    for my $number (1 .. 200) {
        send $socket, '!',              MSG_OOB;
        send $socket, "line $number\n", 0;
        send $socket, '?',              MSG_OOB;
    }
    return;
}

subtest 'A23 urgent data' => sub {
    my $peer  = NetIO::Test::Peer->start(run => \&urgent);
    my $fh    = tcpopen($peer->host, $peer->port, timeout => 30, deadline => 60);
    my @lines = <$fh>;
    # Of several urgent bytes that have not been read the kernel leaves all but one in the stream.
    my $wrong = grep { $lines[$_ - 1] !~ /^[!?]*line $_\n\z/ } 1 .. @lines;

    ok !$fh->error, 'no error';
    is scalar @lines, 200, 'each line comes';
    is $wrong,        0,   'and is whole';

    # Those that the program wants in the stream are bytes like the others.
    $fh = tcpopen($peer->host, $peer->port, timeout => 30, deadline => 60);
    setsockopt $fh, SOL_SOCKET, SO_OOBINLINE, 1;
    my $text = do { local $/; <$fh> };
    ok !$fh->error, 'in the stream: no error';
    is $text =~ tr/!?//dr, join('', map { "line $_\n" } 1 .. 200), 'and the lines are whole';
};

subtest 'A23 urgent data alone does not extend a deadline' => sub {
    my $peer = NetIO::Test::Peer->start(
        run => sub {
            my ($socket) = @_;
            1 while send($socket, '!', MSG_OOB) && sleep 0.01;
        }
    );
    my $fh = tcpopen($peer->host, $peer->port, timeout => 30, deadline => 0.2);
    is scalar <$fh>, undef,     'no line';
    is 0 + $!,       ETIMEDOUT, 'a time-out';
    my $other = tcpopen($peer->host, $peer->port, timeout => 30, deadline => 0.2);
    is read($other, my $text, 100) // 'undef', 'undef', 'no octets';
};

my $silent = NetIO::Test::Peer->start('silent');
my $deaf   = NetIO::Test::Peer->start('deaf');

sub opened {
    my ($peer) = @_;
    return tcpopen($peer->host, $peer->port, timeout => 30, deadline => 60, fatal => 1);
}

# What a program prints that has a minute for it.
sub output_of {
    my ($program, @arguments) = @_;
    my @perl = ($^X, qw(-Mblib -MNetIO -MSocket -MTime::HiRes -e), $program, @arguments);

    open my $output, '-|', qw(timeout 60), @perl or die "timeout: $!\n";
    return join '', <$output>;
}

# Throws out of an operator, whose handle goes with the scope.
my %throws = (
    print   => sub { my $fh = opened($silent); $fh->deadline(0); print {$fh} 'x' },
    say     => sub { use feature 'say'; my $fh = opened($silent); $fh->deadline(0); say {$fh} 'x' },
    printf  => sub { my $fh = opened($silent); $fh->deadline(0); printf {$fh} '%s', 'x' },
    pending => sub {
        my $fh = opened($silent);
        $fh->autoflush(0);
        print {$fh} 'pending';
        $fh->deadline(0);
        print {$fh} 'x' x 20_000;
    },
    crlf => sub {
        my $fh = opened($silent);
        binmode $fh, ':crlf';
        $fh->deadline(0);
        print {$fh} "x\n";
    },
    encoding => sub {
        my $fh = opened($silent);
        binmode $fh, ':encoding(UTF-8)';
        $fh->deadline(0);
        print {$fh} "\x{263a}";
    },
    'much to a deaf peer' =>
        sub { my $fh = opened($deaf); $fh->deadline(0.05); print {$fh} 'x' x 2e7 },
    readline => sub { my $fh = opened($silent); $fh->deadline(0); my $line = <$fh> },
    read     => sub { my $fh = opened($silent); $fh->deadline(0); read $fh, my $text, 1 },
    getc     => sub { my $fh = opened($silent); $fh->deadline(0); getc $fh },
    eof      => sub { my $fh = opened($silent); $fh->deadline(0); eof $fh },
);
for my $name (sort keys %throws) {
    eval { $throws{$name}->() };
    my $before = fds();
    for (1 .. 3) {
        ok !eval { $throws{$name}->(); 1 }, "F1 $name: throws";
        like ref $@, qr/^NetIO::Error$/, "F1 $name: an error of ours";
    }
    is fds(), $before, "F1 $name: the descriptor is closed with the scope";
}

# A handler that dies in the middle of it, and what is pending then.
{
    local $SIG{ALRM} = sub { die "enough\n" };
    my $before = fds();
    for (1 .. 5) {
        eval {
            my $fh = opened($deaf);
            setitimer(ITIMER_REAL, 0.1);
            print {$fh} 'x' x 2e7;
        };
        is $@, "enough\n", 'F1 a handler ends a print';
    }
    is fds(), $before, 'F1 and the descriptor is closed';

    alarm 300;
}

# A buffer of a set size does not grow: the end of the scope, or of the program, finds it full, and
# has no deadline.
for my $leaves ('die qq(enough\n)', 'print(qq(enough\n)), exit') {
    my $program = <<'PROGRAM' . "local \$SIG{ALRM} = sub { $leaves };" . <<'PROGRAM';
        my ($host, $port) = @ARGV;
        sub fds { opendir my $folder, '/proc/self/fd'; return scalar(() = readdir $folder) }
PROGRAM
        my $before = fds();
        eval {
            my $fh = tcpopen($host, $port, timeout => 30, fatal => 1);
            setsockopt $fh, Socket::SOL_SOCKET, Socket::SO_SNDBUF, 1;
            Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL, 0.1);
            print {$fh} 'x' x 2e7;
        };
        print $@, fds() == $before ? () : "a descriptor is left\n";
PROGRAM
    is output_of($program, $deaf->host, $deaf->port), "enough\n",
        "F1 $leaves: what goes with it waits for nobody";
}

done_testing;
