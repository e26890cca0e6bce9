# netiod, R2 and R21: uid, gid and all groups of a program, for each kind of service, since there is
# one way only in which one is started; and what it says of users whom it may not become.

use strict;
use warnings;
use lib 't/lib';

use File::Copy            qw(copy);
use File::Temp            ();
use NetIO::Test::Datagram qw(udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Run;
use NetIO::Test::World;
use Test::More;

alarm 300;

plan skip_all => 'who is not root starts nothing as somebody else' if $> != 0;
private_mounts();

my $users = File::Temp->newdir;
install_users($users);
my $folder = File::Temp->newdir;
chmod 01777, $folder or die "$folder: $!\n";

# A pooled program has no world of its own: it tells of its worker's.
my $POOLED = spew("$folder/pooled", <<'PERL');
use strict; use warnings;
my %seen;
print join('|', $<, $>, $( =~ s/ .*//r, join ' ', sort { $a <=> $b } grep { !$seen{$_}++ } split ' ', $)), "\n";
PERL

sub on {
    my ($name, @keys) = @_;

    my $udp = $name =~ /^datagram/ ? 'udp:' : '';

    return "$name on listen = ${udp}127.0.0.1:{$name}, " . join(', ', @keys) . ";\n";
}

# By name, number, and with another group in the place of its own.
my %user = (
    named  => ['user = netio-test',                  '4201', '4201',  '4201 4301 4302 4303'],
    both   => ['user = netio-test, group = nogroup', '4201', '65534', '4301 4302 4303 65534'],
    number => ['user = 4777, group = 4778',          '4777', '4778',  '4778'],
);
# Perl loads no library with a sanitizer that is not preloaded, as nothing is for a program of netiod's.
my $pools  = !$ENV{NETIO_TEST_SANITIZED};
my $config = '';
for my $who (sort keys %user) {
    my @probe = ($user{$who}[0], "exec = $PROBE");
    my $file  = "args = drive-world $folder";
    $config .=
          on("exec-$who", @probe, 'args = drive-world -')
        . on("mux-$who",      @probe, 'args = drive-world -', 'tcpmux = yes')
        . on("wait-$who",     @probe, "$file/wait-$who",      'wait = yes')
        . on("datagram-$who", @probe, "$file/datagram-$who",  'wait = yes');
    $config .= on("pool-$who", $user{$who}[0], "exec = $folder/pooled", 'pool = 1') if $pools;
}
$config =~ s/\{(\w+)-(\w+)\}/{$1_$2}/g;
my $d = NetIO::Test::Inetd->start(
    config => $config . "127.0.0.1:{tcpmux} stream tcp nowait root internal tcpmux\n");

sub is_user {
    my ($world, $who, $name) = @_;
    my (undef, $uid, $gid, $groups) = @{ $user{$who} };

    is_world(
        $world,
        {
            uid          => join(' ', ($uid) x 4),
            gid          => join(' ', ($gid) x 4),
            groups       => $groups,
            'try.setuid' => 'EPERM',
            cap_prm      => '0' x 16,
            no_new_privs => 1,
        },
        "R2 R21 $name as $who"
    );
    return;
}

for my $who (sort keys %user) {
    is_user(read_world($d->ask("exec_$who", '')), $who, 'a connection');

    my $mux = $d->connect('tcpmux');
    syswrite $mux, "mux-$who\r\n";
    my $said = $d->read_all($mux);
    is_user(read_world($said =~ s/\A\+.*\r\n//r), $who, 'a connection that came through tcpmux');

    my $client = $d->connect("wait_$who");
    $d->wait_log(qr/wait-$who: end/);
    is_user(read_world("$folder/wait-$who"), $who, 'who has a listening socket');

    send udp_client($d->port("datagram_$who")), 'x', 0;
    $d->wait_log(qr/datagram-$who: end/);
    is_user(read_world("$folder/datagram-$who"), $who, 'who has a socket of datagrams');

    my (undef, $uid, $gid, $groups) = @{ $user{$who} };
    is $d->ask("pool_$who", ''), "$uid|$uid|$gid|$groups\n", "R2 a pooled program as $who"
        if $pools;
}
# A process and what it says that it is ready by, of each pool; and programs that wait in vain.
$d->{workers} = $pools ? keys %user : 0;
$d->grows(3 * keys %user);
$d->finish;

# ---- who is not root -----------------------------------------------------------------------------

copy(NetIO::Test::Inetd::program(), "$folder/netiod") or die "$folder/netiod: $!\n";
chmod 0755, "$folder/netiod";
my @self = qw(setpriv --reuid 4201 --regid 4201 --init-groups);
my @caps = map { ("--$_-caps", '+setgid') } qw(inh ambient);
my $mine = join '', map { on(split /:/) } 'own:user = netio-test:exec = /bin/cat',
    'group:user = netio-test:group = nogroup:exec = /bin/cat', 'root:user = root:exec = /bin/cat',
    'number:user = 4777:group = 4778:exec = /bin/cat';
for my $row (
    ['one who is not root', [@self],        { map { $_ => 'setgroups' } qw(group root number) }],
    ['one with CAP_SETGID', [@self, @caps], { map { $_ => 'setresuid' } qw(root number) }],
    ['root',                [],             {}],
    )
{
    my ($who, $wrap, $steps) = @$row;
    my %how = (program => "$folder/netiod", wrap => $wrap, config => $mine);
    my ($exit, $out, $err) = NetIO::Test::Inetd->run(%how, args => ['-t']);
    my $warning =
        qr/^netiod: \S+:(\d+): warning: user \S+: uid 4201, who runs netiod, may not become it \((\w+)\): no program can be started$/m;
    my %warned = $err =~ /$warning/g;
    my %line   = (own => 1, group => 2, root => 3, number => 4);

    is "$exit$out", 0, "-t by $who: no error";
    is_deeply \%warned, { map { $line{$_} => $steps->{$_} } keys %$steps }, 'a warning of each';
    is $err =~ s/$warning\n//gr, '', 'and not a word else';
    my $e = NetIO::Test::Inetd->start(%how);
    is_deeply { $e->log =~ /$warning/g }, \%warned, 'a start says the same';
    for my $name (sort keys %line) {
        my $step = $steps->{$name};
        is $e->ask($name, 'x') // '', $step ? '' : 'x',
            "$name: " . ($step ? 'is let go' : 'is served');
        ok $e->wait_log(
            qr/$name: cannot start for \S+ privileges $step: Operation not permitted\n/),
            'for the reason that was said'
            if $step;
    }
    $e->finish;
}

# ---- what is out of reach of a user --------------------------------------------------------------

mkdir "$folder/closed" or die "$folder/closed: $!\n";
for my $row (['all', 0755], ['mine', 0700], ['group', 0750], ['closed/all', 0755],
    ['secret.pl', 0711])
{
    my ($name, $mode) = @$row;
    copy('/bin/cat', "$folder/$name") or die "$folder/$name: $!\n";
    chown 0, scalar getgrnam('nogroup'), "$folder/$name" or die "$folder/$name: $!\n";
    chmod $mode, "$folder/$name";
}
chmod 0700, "$folder/closed";
symlink 'closed/all', "$folder/link" or die "$folder/link: $!\n";
my $never = 'no program can be started';
my @rows  = (
    ['all'],
    ['group'],
    ['all:rlimit = nofile:64 core:0'],
    ['mine:user = root'],
    ['closed/all:user = root'],
    ['mine',                          "program $folder/mine: user nobody may not execute it"],
    ['closed/all',                    "program $folder/closed/all: user nobody may not execute it"],
    ['link',                          "program $folder/link: user nobody may not execute it"],
    ['secret.pl:pool = 1',            "program $folder/secret.pl: user nobody may not read it"],
    ['all:rlimit = nofile:unlimited', 'rlimit nofile: more than who runs netiod may allow'],
);
$config = '';
for my $i (0 .. $#rows) {
    my ($program, @keys) = split /:(?=\w+ =)/, $rows[$i][0];
    unshift @keys, 'user = nobody' if "@keys" !~ /user/;
    $config .= "127.0.0.1:{s$i} on exec = $folder/$program, " . join(', ', @keys) . ";\n";
}
my ($exit, $out, $err) = NetIO::Test::Inetd->run(config => $config, args => ['-t']);
my %warned = $err =~ /^netiod: \S+:(\d+): warning: (.*): $never$/gm;
is "$exit$out", 0, '-t: no error';
is_deeply \%warned, { map { $rows[$_][1] ? ($_ + 1 => $rows[$_][1]) : () } 0 .. $#rows },
    'a warning of each program that its user may not execute, and of limits that are too much';
# A pool that is tried again and again has now this descriptor, now that.
$d = NetIO::Test::Inetd->start(config => $config =~ s/^.*pool = 1;\n//mr);
is $d->ask("s$_", 'x') // '', $rows[$_][1] ? '' : 'x', "$rows[$_][0]: as was said"
    for grep { $rows[$_][0] !~ /pool/ } 0 .. $#rows;
$d->finish;

done_testing;
