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
