# netiod --show: what it prints is the whole configuration. Each key is there, or at a default that
# netiod.conf(5) states; and netiod, when it reads that, has the same services.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use NetIO::Test::Inetd;
use NetIO::Test::InetdConfig;
use NetIO::Test::Run;

alarm 300;

my $rules = config_file('rules', "deny 192.0.2.1\n");
my $where = 'listen = 127.0.0.1:7001';
my $cat   = "$where, user = nobody, exec = /bin/cat";

# What has no value to be shown: nothing is said, and the page says what that means.
my %unsaid = (
    allow         => qr/Who is matched by no rule may/,
    deny          => qr/Who is matched by no rule may/,
    exempt        => qr/Who is matched by no rule may/,
    proxy         => qr/Who is matched by no rule may/,
    access        => qr/The rules of a file/,
    acceptfilter  => qr/Are read, and warned of/,
    ipsec         => qr/Are read, and warned of/,
    recvbuf       => qr/the system's/,
    sndbuf        => qr/the system's/,
    env           => qr/Instead of the default list/,
    rlimit        => qr/Without it, those that .* started with/,
    pool          => qr/Without either, there is no pool/,
    refused_text  => qr/Without it, nothing is said/,
    full_text     => qr/Without it, nothing is said/,
    total_seconds => qr/no end/,
    udp           => qr/they stay off/,
);
my %another = (bind => 'listen', service_max => 'rate', ip_max => 'source_rate');

# A value of each that is not the default; in a definition of its own where $cat is none for it.
my %value = (
    bind            => '127.0.0.1',
    socktype        => 'stream',
    accept_max      => 5,
    acceptfilter    => 'x',
    protocol        => 'tcp',
    sndbuf          => '65536',
    recvbuf         => '65536',
    wait            => 'yes',
    service_max     => '7',
    ip_max          => '7',
    user            => 'nobody',
    group           => 'adm',
    exec            => '/bin/cat',
    args            => '"a b" "c;d#" "\\\\e\"\'\\x09"',
    ipsec           => 'x',
    listen          => '127.0.0.1:7001',
    backlog         => 3,
    tcpmux          => 'plus',
    udp             => 'yes',
    pool            => 3,
    env             => 'PATH LC_* "A=b c"',
    directory       => '/tmp',
    umask           => '000',
    rlimit          => 'nofile:64 core:unlimited',
    setuid_programs => 'yes',
    stderr          => 'socket',
    names           => 'yes',
    allow           => '192.0.2.1',
    deny            => '"uid 0"',
    exempt          => 'unix',
    proxy           => '192.0.2.1',
    access          => $rules,
    max_clients     => 3,
    max_per_source  => 3,
    rate            => '7/2.5',
    source_rate     => '7/60',
    source_bits     => '24/64',
    refused_text    => '"No; \"not\" you"',
    full_text       => 'x',
    first_seconds   => 1.5,
    idle_seconds    => 2,
    total_seconds   => 3,
);
my %whole = (
    bind => '7001 on user = nobody, exec = /bin/cat, bind = 127.0.0.1',
    udp  => 'echo on socktype = dgram, udp = yes',
    map { $_ => "x on $cat" } qw(listen user exec)
);
my %shown = (
    bind         => '127.0.0.1:7001',
    service_max  => '7/60',
    ip_max       => '7/60',
    deny         => 'uid 0',
    args         => 'a b c;d# \\e"\'\x09',
    env          => 'PATH LC_* A=b c',
    refused_text => 'No; "not" you',
);

my @keys = slurp('daemon/netiod/config_keyset.c') =~ /^ +\{"(\w+)", KEY_/mg;
is_deeply [sort keys %value], [sort @keys], 'all keys';

# The text of its services when it is shown, when what is shown is, and whether both are the same.
sub show {
    my ($text) = @_;
    my $file = config_file('text', $text);
    my (undef, $out, $err) = run($CONFIG, $file);
    my $again = config_file('shown', $out);
    my (undef, $twice) = run($CONFIG, $again);
    my ($status, $same) = run($CONFIG, '-c', $file, $again);

    return ($out =~ s/^#.*\n//mgr, $twice =~ s/^#.*\n//mgr, "$status $same");
}

sub is_shown {
    my ($text, $name) = @_;
    my ($out, $twice, $same) = show($text);

    is $twice, $out, "$name: show of show is equal";
    like $same, qr/\A0 (?:\S+ same\n)+\z/, "$name: and it is the same";
    return;
}

for my $key (@keys) {
    my $text = ($whole{$key} || "x on $cat, $key = $value{$key}") . ";\n";
    if ($key eq 'access') {    # which may have changed at any time
        my ($out, $twice) = show($text);
        is $twice, $out, "$key: show of show is equal";
    } else {
        is_shown($text, $key);
    }
    my ($services) = understood($text);
    my $seen = $services->[0]{ $another{$key} || $key };
    next if $key =~ /^(?:acceptfilter|ipsec)$/;
    is $seen, $shown{$key} // $value{$key}, "$key: is there";
}

# Of each kind, in which nothing is said.
my %kind = (
    nowait   => "7001 stream tcp nowait nobody /bin/cat cat\n",
    wait     => "7001 stream tcp wait nobody /bin/cat cat\n",
    datagram => "7001 dgram udp wait nobody /bin/cat cat\n",
    unix     => "/run/a=b;c stream unix nowait nobody /bin/cat cat\n",
    port     => "7001(0) stream tcp nowait nobody /bin/cat cat\n",
    pool     => "7001 stream tcp nowait nobody pool:/etc/passwd\n",
    builtin  => "echo stream tcp nowait nobody internal\n",
    tcpmux   => "tcpmux stream tcp nowait root internal\n",
    muxed    => "tcpmux/+x stream tcp nowait nobody /bin/cat cat\n",
    rpc      => "rusersd/2-3 dgram rpc/udp46 wait nobody /bin/cat cat\n",
    keys     => "x on $cat;\n",
    path     => qq{x on listen = "unix:/run/x,owner=root", user = nobody, exec = /bin/cat;\n},
    answer   => "echo on socktype = dgram, udp = yes;\n",
);
my $program = qr/stderr|names|wait|directory|umask|setuid_programs/;
my $clients = qr/max_clients|max_per_source|source_rate|ip_max|source_bits|(?:first|idle)_seconds/;
my %not_of  = (
    builtin  => qr/^$program$/,
    answer   => qr/^(?:$program|user|group)$/,
    tcpmux   => qr/^$program$/,
    pool     => qr/^wait$/,
    muxed    => qr/^(?:listen|bind|tcpmux)$/,
    rpc      => qr/^(?:listen|bind|$clients)$/,
    wait     => qr/^$clients$/,
    datagram => qr/^$clients$/,
);
my ($path) = understood($kind{path});
is $path->[0]{listen}, 'unix:/run/x,owner=root,mode=0666', 'a mode that was not said is shown';
for my $name (sort keys %kind) {
    is_shown($kind{$name}, $name);
    my ($services) = understood($kind{$name});
    my %has        = map { $_ => 1 } keys %{ $services->[0] };
    my $not_of     = $not_of{$name} || qr/^$/;
    is_deeply [grep { !$has{$_} && !$unsaid{$_} && !$has{ $another{$_} || $_ } && !/$not_of/ }
            @keys],
        [], "$name: each key is there, or nothing is to be said";
}

# Of what is not there the page says what holds, and of the others the same as is shown.
my ($page) = slurp('man/netiod.conf.5') =~ /^\.Ss Definitions with keys\n(.*?)^\.Sh TCPMUX/ms;
my %entry;
for my $text (split /^(?=\.It Cm )/m, $page) {
    my ($head, $body) = $text =~ /\A\.It Cm (\N+)\n(.*)\z/s or next;
    s/^\.Pq (?:\.?(?:Xr|Cm) )?(\N+?) ?[.;]?$/($1)/mg, s/^\.(?:Cm|Xr|Nm|Ql|Pq) ?//mg for $body;
    $entry{$_} .= $body =~ s/\n/ /gr for $head =~ s/ No .*//r =~ /(\w+)/g;
}
like $entry{$_}, $unsaid{$_}, "netiod.conf(5): without $_"
    for grep { $_ ne 'udp' } sort keys %unsaid;
my ($plain) = understood($kind{keys});
my %default = (
    backlog         => '1024',
    tcpmux          => 'no',
    directory       => '/',
    umask           => '022',
    setuid_programs => 'no',
    names           => 'no',
    source_bits     => '32/64',
    first_seconds   => '10',
    idle_seconds    => '60',
    max_clients     => '0',
    max_per_source  => '0',
    source_rate     => '0',
);
for my $key (sort keys %default) {
    is $plain->[0]{$key}, $default{$key}, "$key: $default{$key} is shown";
    like $entry{$key}, qr/\((?:\N*; )?\Q$default{$key}\E\)|\b\Q$default{$key}\E(?:,|\.)/,
        "netiod.conf(5): $key is so";
}

# What is so without it, too, is no change.
my $base = config_file('base', "x on $cat;\n");
my $said = config_file('said',
    "x on $cat, " . join(', ', map { "$_ = $default{$_}" } sort keys %default) . ";\n");
is((run($CONFIG, '-c', $base, $said))[1], "x same\n", 'a default that is said');

# By the program itself, whose options are in it.
{
    my ($exit, $out, $err) = NetIO::Test::Inetd->look("{x} stream tcp nowait root /bin/cat cat\n",
        '--show', '-R', 9, '-a', '127.0.0.1');
    is "$exit$err", '0', '--show';
    like $out, qr{listen +\N+127\.0\.0\.1:\d+"}, '-a is in it';
    like $out, qr{rate += 9/60,},                'so is -R';
    is_deeply [NetIO::Test::Inetd->look($out, '-t')], [0, '', ''], '-t has nothing against it';
    my $again = (NetIO::Test::Inetd->look($out, '--show'))[1];
    s/^#.*\n//mg for $out, $again;
    is $again, $out, 'show of show is equal';
}
done_testing;
