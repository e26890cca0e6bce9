# F6 fork: a child that ends does not disturb its parent's connections.

use strict;
use warnings;

use lib 't/lib';

use NetIO;
use NetIO::Test::Peer;
use Test::More;

alarm 300;

my $echo = NetIO::Test::Peer->start('echo');

# Runs code in a child that ends as programs do, END blocks and all; its exit code.
sub child {
    my ($code) = @_;
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        Test::More->builder->no_ending(1);
        exit($code->() ? 0 : 1);
    }
    waitpid $pid, 0;
    return $? >> 8;
}

sub works {
    my ($fh, $text) = @_;
    print {$fh} "$text\n" or return "print: $!";
    my $line = <$fh>;
    return defined $line ? $line : "readline: $!";
}

my $fh = tcpopen($echo->host, $echo->port, timeout => 60, deadline => 60);

is child(sub { 1 }), 0, 'a child that does nothing';
is works($fh, 'one'), "one\n", 'the handle goes on';
is child(sub { close $fh }), 0, 'a child that closes its copy';
is works($fh, 'two'), "two\n", 'the handle goes on';
is child(sub { undef $fh; 1 }), 0, 'a child that frees it';
is works($fh, 'three'), "three\n", 'the handle goes on';
is child(sub { works($fh, 'child') eq "child\n" }), 0, 'a child that uses it';
is works($fh, 'four'), "four\n", 'the handle goes on';
is child(sub { $fh->deadline(0); !defined <$fh> && $!{ETIMEDOUT} }), 0,
    'a child that moves the deadline';
is works($fh, 'five'), "five\n", 'the handle goes on';
is child(sub { works(tcpopen($echo->host, $echo->port, timeout => 60), 'own') eq "own\n" }), 0,
    'a child that opens its own';

# What a dead handler left in PerlIO's buffer belongs to both; the child must not block on it.
my $deaf = NetIO::Test::Peer->start('deaf');
my $full = tcpopen($deaf->host, $deaf->port, timeout => 60, deadline => 0.1);
print {$full} 'x' x 20_000_000;
is child(sub { 1 }), 0, 'a child of a handle that is stuck';
ok !close $full, 'which is still stuck';

undef $fh;
my $peer = NetIO::Test::Peer->start('count');
$fh = tcpopen($peer->host, $peer->port, timeout => 60, deadline => 60);
is child(sub { print {$fh} 'xy' }), 0, 'a child that writes';
$fh->shutdown(1);
is scalar <$fh>, "2 241\n", 'what it wrote arrives once';

done_testing;
