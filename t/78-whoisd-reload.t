# B21: 200 mutated configurations, each with a SIGHUP, under a load of new connections: not one of
# them is lost or refused; what is broken is named in the log and changes nothing.

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);
use NetIO::Test::Run       qw(spew_whole);

use constant { MUTATIONS => $ENV{NETIO_TEST_SANITIZED} ? 50 : 200, CLIENTS => 2 };

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 300;
srand 20261122;

my $dir  = File::Temp->newdir;
my $db   = build_directory("$dir/a.db", [{ handle => 'A1', name => 'One' }]);
my $good = <<"END";
# the configuration of a test
directory sqlite:$db
workers 2
deny 192.0.2.66
allow 127.0.0.0/8
listen unix:$dir/s
query-seconds 30
answer-seconds 60
refused-text % no
access $dir/rules
stop-seconds 5
END

sub write_file {
    my ($name, $text) = @_;

    return spew_whole("$dir/$name", $text);
}

# Cut, byte changed, bytes put in, line twice, line gone.
sub mutate {
    my ($text) = @_;
    my $at     = int rand length $text;
    my @lines  = split /^/, $text;
    my $line   = int rand @lines;

    return (
        sub { substr $text, 0, $at },
        sub { substr($text, $at, 1) = chr int rand 256; $text },
        sub {
            substr($text, $at, 0) = join '', map { chr int rand 256 } 1 .. 5;
            $text;
        },
        sub { join '', @lines[0 .. $line], @lines[$line .. $#lines] },
        sub { splice @lines, $line, 1; join '', @lines }
    )[rand 5]->();
}

# One query after the other until the pipe is closed; how many, and how many were lost.
sub client {
    my ($port, $until, $out) = @_;
    my ($asked, $lost) = (0, 0);

    alarm 290;
    until (
        do { vec(my $bits = '', fileno $until, 1) = 1; select $bits, undef, undef, 0 }
        )
    {
        my $socket = IO::Socket::INET->new("127.0.0.1:$port");
        my $answer = '';
        print {$socket} "one\r\n" if $socket;
        1 while $socket && sysread $socket, $answer, 4096, length $answer;
        $asked++;
        $lost++ if $answer !~ /Full Name: One\r\n/;
    }
    syswrite $out, "$asked $lost\n";
    require POSIX;
    POSIX::_exit(0);
}

write_file('rules',  "allow 127.0.0.1\n");
write_file('w.conf', $good);
my $d = NetIO::Test::Daemon->start(
    args    => ['--listen', '127.0.0.1:0', '-c', "$dir/w.conf"],
    ready   => qr/listening on 127\.0\.0\.1:(\d+), 2 workers\n/,
    workers => 2,
);

pipe my $until, my $end   or die "pipe: $!\n";
pipe my $in,    my $count or die "pipe: $!\n";
my @clients = map {
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        close $end;
        client($d->port, $until, $count);
    }
    $pid;
} 1 .. CLIENTS;
close $count;

my ($taken, $kept, $silent) = (0, 0, 0);
for (1 .. MUTATIONS) {
    my $text = mutate($good);

    # One that lets nobody ask, or asks for thirty workers, is no mutation but a wish.
    redo if $text =~ /^deny (?!192)|^workers (?!2$)|^(?:query|answer|stop)-seconds [\d.]{0,1}$/m;
    redo if $text =~ /^allow/m && $text !~ m{^allow 127\.0\.0\.0/8$}m && $text !~ /^access/m;
    write_file('w.conf', $text);
    $d->kill('HUP');
    my $told = $d->wait_log(qr/configuration: (read again|[^\n]*; the one before stays in use)/);
    $silent++ if !$told;
    $told && $told->[0] eq 'read again' ? $taken++ : $kept++;
}
write_file('w.conf', $good);
$d->kill('HUP');
ok $d->wait_log(qr/configuration: read again/), 'B21: the last one, which is sound, is used';
close $end;
my ($asked, $lost) = (0, 0);
while (my $line = <$in>) {
    my ($more, $of_them) = split ' ', $line;
    $asked += $more;
    $lost  += $of_them;
}
waitpid $_, 0 for @clients;

is $silent, 0, 'B21: the log has a line on each of ' . MUTATIONS;
cmp_ok $kept,  '>', MUTATIONS / 4, "B21: $kept were broken, and the one before was kept";
cmp_ok $taken, '>', 0,             "and $taken were sound";
is $lost, 0, "B21: of $asked connections none was lost or refused";
$d->finish;

done_testing;
