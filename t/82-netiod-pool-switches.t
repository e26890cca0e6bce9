# netiod-pool with programs that have switches for perl on their first line: what perl wants to hear
# on its command line (-T, -t, -C), and what they mean for each connection.  Each is served as when it
# is executed.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use NetIO::Test::Pool;

alarm 300;
$SIG{PIPE} = 'IGNORE';

# ---- -T, -t

my $tainted = <<'PERL';
use Scalar::Util 'tainted';
sub t { return join '', map { tainted($_) ? 1 : 0 } @_ }
PERL

served_as_alone("what is tainted: $_",
    "#!perl $_\n$tainted" . <<'PERL', "a\n", "b\n") for '-T', '-t';
our ($scalar, @array, %hash, $later, $gone); my $lexical;
BEGIN { $scalar = $lexical = $ENV{PATH}; @array = ($ENV{PATH}, 1); %hash = (t => $ENV{PATH}, c => 1) }
sub lexical { return $lexical }
my $line = <STDIN>; my $data = <DATA>;
print t($ENV{PATH}), ' ', t($0, $^X, $^O, $/, @ARGV), ' ', t($line, $data), ' ', t($scalar, $lexical, @array, @hash{qw(t c)}, $later, $gone), "\n";
print eval { system 'echo runs'; 1 } ? 'ran ' : "refused: $@";
$ENV{PATH} =~ /(.*)/; $ENV{PATH} = $1; delete $ENV{BASH_ENV};
for ($0, $^X, @ARGV, $scalar, $lexical, @array, $hash{t}) { /(.*)/; $_ = $1 }
$array[1] = $hash{c} = $later = $/ = $gone = $line; $gone = (t($line), undef)[1]; DATA->untaint if DATA->can('untaint');
print t($ENV{PATH}, $0, @ARGV, $scalar, $lexical, @array, @hash{qw(t c)}, $later), "\n";
__DATA__
of the program
PERL

served_as_alone("%ENV that is lost", "#!perl -T\n$tainted" . <<'PERL', "a\n", "b\n");
print t($ENV{PATH}), "\n"; %ENV = (PATH => '/bin'); print t($ENV{PATH}), "\n"; delete $ENV{PATH};
PERL

subtest 'what netiod-pool says of a client' => sub {
    my $pool = NetIO::Test::Pool->start("#!perl -T\n$tainted" . <<'PERL');
print map { "$_ " . t($ENV{$_}) . "\n" } grep { /^(?:PROTO|TCP|REMOTE)/ } sort keys %ENV; $ENV{$_} = 'clean' for keys %ENV;
print eval { open my $file, '>', "/nowhere/$ENV{PROTO}"; 1 } ? "clean\n" : "tainted\n";
PERL
    my $all = join '', map { "$_ 1\n" } qw(PROTO REMOTE_ADDR REMOTE_PORT TCPLOCALIP TCPLOCALPORT),
        qw(TCPREMOTEIP TCPREMOTEPORT);
    is $pool->ask(''), "${all}clean\n", 'is tainted' for 1 .. 3;
    is $pool->stop,    0,               'stops';
};

subtest 'a handle that a BEGIN block has opened' => sub {
    my $pool = NetIO::Test::Pool->start("#!perl -T\n$tainted" . <<'PERL');
use IO::Handle; BEGIN { open FILE, '<', $0 } print t(scalar <FILE>), "\n"; FILE->untaint;
PERL
    is $pool->ask(''), "1\n", 'is not trusted' for 1 .. 2;
    is $pool->stop,    0,     'stops';
};

# ---- -C

my $unicode = <<'PERL';
use utf8;
print "${^UNICODE} ${^TAINT} $^W ", join(' ', map { utf8::is_utf8($_) ? 1 : 0 } @ARGV), "\n";
for my $handle (*STDIN, *STDOUT, *STDERR, *DATA) { print grep({ /utf8/ } PerlIO::get_layers($handle)) ? 1 : 0 }
open my $file, '<', $0; print grep({ /utf8/ } PerlIO::get_layers($file)) ? 1 : 0;
print length(<STDIN>), length(<DATA>), "\x{263a}\n"; print STDERR "\x{263a}\n"; close STDERR;
__DATA__
☺
PERL

served_as_alone("perl $_", "#!perl $_\n$unicode", "\xe2\x98\xba\n", "a\n")
    for qw(-CS -CSDA -CD -CI -CO -CE -C0 -C7 -wCS -tCS), '-CS -w', '-T -CSD', '-w -- -*- perl -*-';

for my $switches (qw(-C -CSw -CX -Mstrict)) {
    my $pool  = NetIO::Test::Pool->start("#!perl $switches\nprint 1;\n");
    my @alone = alone($pool, '');
    ok !$pool->ready, "perl $switches: perl does not take it";
    isnt $pool->stop, 0,         'nor in a pool';
    is $pool->err,    $alone[1], 'and says the same';
}

# ---- others

served_as_alone("perl $_",
    "#!perl $_\n" . <<'PERL', "a\n", "b\n") for qw(-w -W -X -l -s), '-w -I/odd';
no strict; our $switch; print "$^W ", $switch // 'none', ' ', defined $\ ? 1 : 0, " @ARGV", undef . 'x', "\n";
print grep({ /odd/ } @INC) ? 1 : 0, "\n";
PERL

subtest 'what is not for perl' => sub {
    my %taints = ('/usr/bin/env -S perl -I/odd -T' => 1, '/bin/sh -- # -*- perl -*- -T' => 1);
    $taints{$_} = 0
        for '/usr/bin/env perl', '/bin/sh -- # -*- perl -*-',
        '/bin/sh -- # perl -*- mode: perl -*-', "$^X -", "$^X -- -T", "$^X  ";
    for my $line (sort keys %taints) {
        my $pool = NetIO::Test::Pool->start("#!$line\nprint \${^TAINT};\n");
        is $pool->ask(''), $taints{$line}, $line;
        is $pool->stop,    0,              'stops';
    }
};

done_testing;
