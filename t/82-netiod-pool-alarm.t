# netiod-pool and alarm(2): its supervisor looks at the program's file by an alarm of its own, of
# which workers see nothing, not even one that is started later; and a program has its alarm, in
# %SIG, eval and local, as in a process of its own.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use NetIO::Test::Pool;
use NetIO::Test::Process qw(is_gone);
use NetIO::Test::Talk    qw(heard);

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $program = <<'PERL';
use Time::HiRes ();
$| = 1;
my $line = <STDIN> // ''; chomp $line;
print defined $SIG{ALRM} ? ref $SIG{ALRM} || $SIG{ALRM} : 'none', exists $SIG{ALRM} ? ' is there' : '', "\n";
sub soon { Time::HiRes::alarm(0.3); return }
if ($line eq 'sleep') { $SIG{ALRM} = sub { print "slept\n" }; soon; sleep 100 }
if ($line eq 'select') { $SIG{ALRM} = sub { print "selected\n" }; soon; select undef, undef, undef, 100 }
if ($line eq 'local') {
    for (1 .. 2) {
        eval { local $SIG{ALRM} = sub { die "in time\n" }; soon; select undef, undef, undef, 100; alarm 0 };
        print $@, defined $SIG{ALRM} ? 'some' : 'none', "\n";
    }
}
if ($line eq 'compute') { eval { local $SIG{ALRM} = sub { die "computed\n" }; soon; 1 while 1 }; print $@ }
if ($line eq 'child') { $SIG{ALRM} = sub { kill TERM => our $pid }; $pid = open my $cat, '-|', 'sleep 100' or die; soon; print <$cat>, "killed\n" }
if ($line eq 'kept') { $SIG{ALRM} = sub { print "kept\n" }; alarm 100 }
if ($line eq 'left') { print 'left ', alarm 0, "\n" }
if ($line eq 'late') { $SIG{ALRM} = sub { print "late\n" }; Time::HiRes::ualarm(1); }
PERL

my @ways = qw(sleep select local compute child kept left none);

# By the first worker, then by one that takes the place of another.
sub served {
    my ($name, $text) = @_;

    return subtest $name => sub {
        my $pool = NetIO::Test::Pool->start($text);
        for my $worker ('the first worker', 'one that was started later') {
            is $pool->ask("$_\n"), scalar alone($pool, "$_\n"), "$worker: $_" for @ways;
            my @workers = $pool->workers;
            kill 'KILL', @workers;
            is_gone($_) for @workers;
        }
        is $pool->stop, 0, 'stops';
    };
}

served 'no handler', $program;
served 'ignored',    "BEGIN { \$SIG{ALRM} = 'IGNORE' }\n$program";
served 'a handler',  "BEGIN { \$SIG{ALRM} = sub { print qq{begun\\n} } }\n$program";
served 'a name',     "sub named { print qq{named\\n} } BEGIN { \$SIG{ALRM} = 'named' }\n$program";

subtest 'while a read waits' => sub {
    my $pool = NetIO::Test::Pool->start(<<'PERL');
$| = 1;
eval { local $SIG{ALRM} = sub { die "no line\n" }; alarm 1; my $line = <STDIN>; alarm 0; print "line $line" };
print "$@", defined $SIG{ALRM} ? 'some' : 'none', "\n";
PERL
    for (1 .. 2) {
        my $client = $pool->client;
        is heard($client), "no line\nnone\n", 'it is broken off';
        close $client;
        is $pool->ask("x\n"), "line x\nnone\n", 'or is in time';
    }
    is $pool->stop, 0, 'stops';
};

subtest 'of a BEGIN block' => sub {
    my $pool = NetIO::Test::Pool->start(<<'PERL');
BEGIN { $SIG{ALRM} = sub { print "rang\n"; exit }; alarm 1 }
$| = 1; select undef, undef, undef, 100; print "over\n";
PERL
    is $pool->ask(''), "rang\n", 'it is that of each connection' for 1 .. 3;
    is $pool->stop,    0,        'and not of the supervisor';
};

subtest 'a signal that is late' => sub {
    my $pool = NetIO::Test::Pool->start($program);
    for (1 .. 20) {
        like $pool->ask("late\n"), qr/\Anone is there\n(?:late\n)?\z/,
            'is not for a handler of the next';
        is $pool->ask("none\n"), "none is there\n", 'which hears nothing of it';
    }
    is $pool->err,  '', 'and nothing is said of it';
    is $pool->stop, 0,  'stops';
};

done_testing;
