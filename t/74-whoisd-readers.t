# whoisd: a thousand readers while whois-load replaces the directory, again and again (E6).  Each
# reply is wholly of one directory: the one before the load, or the new one.

use strict;
use warnings;

use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Load qw(ieee run_load spew);

alarm 300;

use constant READERS => 1000;
use constant LOADS   => 4;

my ($limit) = NetIO::Test::Daemon::slurp('/proc/self/limits') =~ /^Max open files\s+(\d+)/m;
plan skip_all => "$limit descriptors are too few" if $limit < READERS + 50;

my $dir  = File::Temp->newdir;
my $path = "$dir/directory.db";

# Forty entries that all say which load they are of.
sub load {
    my ($load)  = @_;
    my @entries = map { [sprintf('02-00-%02X', $_), "Common $_ of load $load"] } 1 .. 40;
    my $got     = run_load('-q', '--directory', "sqlite:$path", spew("$dir/input", ieee(@entries)));

    $got->{code} == 0 or die "whois-load: $got->{err}";
    return;
}

# The load that an answer is of; undef when it is of several, or not a whole answer.
sub load_of {
    my ($answer) = @_;
    my ($count)  = $answer =~ /\AThere were (\d+) matches on your request\.\r\n/ or return;
    my %loads    = map { $_ => 1 } my @said = $answer =~ / of load (\d+)\r\n/g;

    return if keys %loads != 1 || @said != $count;
    return if $answer !~ /(?:'whois help'\.|whois '!02-00-01')\r\n\z/;
    return $said[0];
}

load(0);
my $d = NetIO::Test::Daemon->whoisd($path);
is load_of($d->ask("$_\r\n")), 0, "it serves: $_" for '!02-00-0A', 'common';

# Before a load one reader has asked already, another has sent half his query, and sends the rest
# when the load is done.
my (%replies, @odd);
for my $load (1 .. LOADS) {
    my @readers = map { [$d->connect, $_ % 3 ? '!02-00-0A' : 'common', $_ % 2] } 1 .. READERS;

    syswrite $_->[0], $_->[2] ? "$_->[1]\r\n" : substr $_->[1], 0, 4 for @readers;
    load($load);
    syswrite $_->[0], substr("$_->[1]\r\n", 4) for grep { !$_->[2] } @readers;
    for my $reader (@readers) {
        my $answer = $d->read_all($reader->[0]) // 'a reset';
        my $of     = load_of($answer)           // -1;
        push @odd, $answer if $of != $load && $of != $load - 1;
        $replies{$of}++;
    }
    ok $d->wait_log(qr/in use now, 40 entries\n/), "load $load is in use";
    is load_of($d->ask("!02-00-0A\r\n")), $load, 'and answers';
}
is scalar @odd, 0, READERS * LOADS . ' replies, each wholly of the old or the new directory (E6)'
    or diag $odd[0];
is join(' ', sort keys %replies), join(' ', 0 .. LOADS), 'and some of each';
$d->finish;
done_testing;
