# The units of netiod for systemd in share/systemd: systemd finds nothing wrong with them, their
# command is right, and what they say of stopping fits what netiod does.

use strict;
use warnings;

use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Inetd;
use NetIO::Test::Manager;
use NetIO::Test::Run qw(slurp spew);

alarm 300;

my $ACTIVATE = '/usr/bin/systemd-socket-activate';

plan skip_all => 'no systemd-analyze here' if system('systemd-analyze --version >/dev/null 2>&1');

my $dir    = File::Temp->newdir;
my $netiod = NetIO::Test::Inetd::program();
my %unit   = map { $_ => slurp("share/systemd/$_") } qw(netiod.service netiod.socket);

sub setting {
    my ($unit, $name) = @_;

    return $unit{$unit} =~ /^\Q$name\E=(.*)$/mg;
}

for my $name (sort keys %unit) {
    spew("$dir/$name", $unit{$name} =~ s{^ExecStart=netiod\b}{ExecStart=$netiod}mr);
}
for my $name (sort keys %unit) {
    is scalar `systemd-analyze --man=no verify $dir/$name 2>&1`, '', "$name: verified";
    is $?,                                                       0,  "$name: without fault";
    like $unit{$name}, qr/\A# \S.*\n(?:# .*\n)+\n\[Unit\]/, "$name: says what it is";
}
is join(' ', setting('netiod.service', 'Type')), 'notify', 'READY counts';
cmp_ok((setting('netiod.service', 'TimeoutStopSec'))[0],
    '>', 30 + 5, 'the manager waits longer than programs have');
is join(' ', setting('netiod.service', 'OOMPolicy')), 'continue',
    'a program without memory takes no other service with it';
like + (setting('netiod.service', $_))[0], qr/\bnetwork-online\.target\b/,
    "$_: its addresses are there"
    for qw(Wants After);
cmp_ok 5 * (setting('netiod.service', 'RestartSec'))[0], '>', 10,
    'no limit of starts is ever reached';

my ($command) = setting('netiod.service', 'ExecStart');
my ($program, @args) = split ' ', $command;
is_deeply [NetIO::Test::Inetd->look("2000 stream tcp nowait root /bin/cat cat\n", '-t', @args)],
    [0, '', ''], 'options that it has';

SKIP: {
    skip "no $ACTIVATE here", 1 if !-x $ACTIVATE;
    my $manager = NetIO::Test::Manager->new("$dir/notify");
    my ($name)  = setting('netiod.socket', 'FileDescriptorName');
    my $conf    = spew("$dir/conf", "$name stream tcp nowait root /bin/cat cat\n");
    my $d       = NetIO::Test::Daemon->start(
        program => $ACTIVATE,
        args    => ['-l', "$dir/s", "--fdname=$name", '-E', 'NOTIFY_SOCKET', $netiod, @args, $conf],
        env     => { NOTIFY_SOCKET => $manager->address },
    );

    ok $d->wait_log(qr/Listening on \Q$dir\E\/s as 3\b/), 'the manager listens';
    my $early = $d->connect(path => "$dir/s");
    syswrite $early, "early\n";
    ok $d->wait_log(qr/$name: listening on unix:\Q$dir\E\/s\n/), 'netiod starts';
    is $early->getline, "early\n", 'who came before it was there is served';
    close $early;
    ok $d->wait_log(qr/$name: end for/), 'to the end';
    is $manager->hear, 'READY=1', 'the manager hears that it is ready';
    $d->finish;
    ok -e "$dir/s", 'the socket is not its own';
}

done_testing;
