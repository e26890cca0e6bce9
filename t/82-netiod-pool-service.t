# Services of netiod that are pools: started as the service's user, with its rules and limits,
# replaced when the program or the configuration is another, and gone when netiod is.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use NetIO::Test::Inetd;
use NetIO::Test::Run qw(spew spew_whole);

alarm 300;
$SIG{PIPE} = 'IGNORE';

plan skip_all => 'services have users of their own: only root can say so' if $>;

my $program = <<'PERL';
#!/usr/bin/perl
use strict; use warnings;
my $word = 'first';
$| = 1;
warn "compiled\n" if !$ENV{PROTO};
while (my $line = <STDIN>) {
    chomp $line;
    if    ($line eq 'who')    { print "$$ $< $> ", getppid, "\n" }
    elsif ($line eq 'word')   { print "$word @ARGV\n" }
    elsif ($line eq 'env')    { print join(' ', map { "$_=$ENV{$_}" } sort keys %ENV), "\n" }
    elsif ($line eq 'groups') { print "$(\n" }
    elsif ($line eq 'fds')    { print join(' ', sort { $a <=> $b } map { m{(\d+)$} } glob '/proc/self/fd/*'), "\n" }
    elsif ($line eq 'warn')   { warn "a warning\n" }
    elsif ($line eq 'die')    { die "dead\n" }
    elsif ($line eq 'kill')   { kill 'KILL', $$ }
    elsif ($line eq 'spin')   { 1 while 1 }
}
PERL


sub started {
    my ($config, %how) = @_;
    my $dir = File::Temp->newdir('netiod-XXXXXX', TMPDIR => 1);

    spew("$dir/pool.pl", $program);
    return NetIO::Test::Inetd->start(config => $config, dir => $dir, %how);
}

# Waits until the pool of that pid, or any, is ready, and says which.
sub ready {
    my ($daemon, $name) = @_;

    return $daemon->wait_log(qr/$name: the pool is ready, pid (\d+)\n/)->[0];
}

my $daemon = started(<<'CONF');
127.0.0.1:{classic} stream tcp nowait nobody pool:{DIR}/pool.pl pool.pl one two
127.0.0.1:{keys} on exec = {DIR}/pool.pl, pool = 2, user = daemon, allow = 127.0.0.0/8,
    refused_text = "not you";
CONF
my $first = ready($daemon, '\d+');
my $second = ready($daemon, '\d+');
is $daemon->ask(classic => "word\n"), "first one two\n", 'a classic line, with arguments';
my ($pid, @ids) = split ' ', $daemon->ask(classic => "who\n");
is "@ids[0, 1]", join(' ', (scalar getpwnam 'nobody') x 2), 'R2: its user';
print $daemon->ask(keys => "who\nenv\nfds\ngroups\n");
print $daemon->log;
is $daemon->stop, 0, 'stops';
print $daemon->log;
done_testing;
