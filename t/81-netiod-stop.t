# netiod: how it ends.  TERM, QUIT and INT: who is served may finish, for a while.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use NetIO::Test::Datagram qw(ask_udp udp_client);
use NetIO::Test::Inetd;
use NetIO::Test::Process qw(is_gone);
use NetIO::Test::Run     qw(spew);
use NetIO::Test::Talk    qw(talk);

alarm 300;

my $CONF = <<'CONF';
127.0.0.1:{cat}     stream tcp nowait root /bin/cat cat
127.0.0.1:{deaf}    stream tcp nowait root {DIR}/deaf deaf
127.0.0.1:{family}  stream tcp nowait root {DIR}/family family
127.0.0.1:{wait}    stream tcp wait   root {DIR}/wait wait
CONF

# What TERM does not reach, and what has children; each says its pid first.
my %PROGRAM = (
    deaf   => "#!/bin/sh\ntrap '' TERM\necho \$\$\nwhile :; do read line || sleep 1000; done\n",
    family => "#!/bin/sh\nsleep 1000 &\necho \$! \$\$\nwait\n",
    wait   =>
        "#!$^X\nuse Socket; accept C, STDIN or die; syswrite C, \"\$\$\\n\"; sysread C, \$_, 1\n",
);

sub start {
    my (@args) = @_;
    my $d = NetIO::Test::Inetd->start(config => $CONF, args => \@args);

    for my $name (keys %PROGRAM) {
        spew($d->dir . "/$name", $PROGRAM{$name});
        chmod 0755, $d->dir . "/$name";
    }
    return $d;
}

# ---- a client may finish -------------------------------------------------------------------------

for my $signal (qw(TERM QUIT)) {
    my $d      = start();
    my $client = $d->connect('cat');

    is talk($client, 'a'), "a\n", "$signal: somebody is served";
    $d->kill($signal);
    ok $d->wait_log(qr/ends: no new clients\n/), "$signal: it ends";
    ok $d->refuses('cat'),                       "$signal: nobody else is served";
    is talk($client, 'b'), "b\n", "$signal: who was goes on";
    shutdown $client, 1;
    is $d->read_all($client), '', "$signal: to the end";
    is $d->wait_end,          0,  "$signal: then it has ended";
    like $d->log_text, qr/end for .*exit 0\n\z/, "$signal: the last thing that it says is how";
    $d->finish;
}

# ---- but not for ever ----------------------------------------------------------------------------

{
    my ($d, @got);
    # Where cat has no processor for a second, SIGKILL comes, too: then once more.
    for my $time (1 .. 5) {
        $d = start('--stop-seconds', 0.5);
        my $client = $d->connect('cat');
        @got = (talk($client, 'a'), $d->stop, $d->read_all($client));
        last if $time == 5 || $d->log_text !~ /signal 9\n/;
        $d->finish;
    }
    is $got[0], "a\n", 'time is up: somebody is served';
    is $got[1], 0,     'time is up: it ends';
    is $got[2], '',    'time is up: the client is let go';
    like $d->log_text, qr/end for .*signal 15\n/, 'time is up: its program was told by TERM';
    $d->finish;
}
{
    my $d      = start('--stop-seconds', 0.2);
    my $client = $d->connect('deaf');
    my ($pid)  = $client->getline =~ /(\d+)/;

    is $d->stop, 0, 'one that ignores TERM: it ends';
    like $d->log_text, qr/end for .*pid $pid, .*signal 9\n/, 'one that ignores TERM: is killed';
    ok is_gone($pid), 'one that ignores TERM: is gone';
    $d->finish;
}
{
    my $d      = start('--stop-seconds', 0.2);
    my $client = $d->connect('family');
    my @pids   = $client->getline =~ /(\d+)/g;

    is $d->stop, 0, 'one that has forked: it ends';
    $client->getline;
    ok !(grep { !is_gone($_) } @pids), 'one that has forked: with all of its group';
    $d->finish;
}
{
    my $d      = start('--stop-seconds', 0.2);
    my $client = $d->connect('wait');
    my ($pid)  = $client->getline =~ /(\d+)/;

    is $d->stop, 0, 'one that has the listener: it ends';
    ok is_gone($pid), 'one that has the listener: is gone';
    $d->finish;
}

# ---- at once --------------------------------------------------------------------------------------

for my $row (['INT', 'INT'], ['a second TERM', 'TERM', 'TERM'], ['INT after TERM', 'TERM', 'INT']) {
    my ($name, @signals) = @$row;
    my $d      = start('--stop-seconds', 1000);
    my $client = $d->connect('cat');

    is talk($client, 'a'), "a\n", "$name: somebody is served";
    $d->kill(shift @signals);
    ok $d->wait_log(qr/ends(?:: no new clients| at once)\n/), "$name: it ends";
    $d->kill($_) for @signals;
    is $d->wait_end, 0, "$name: at once";
    like $d->log_text, qr/end for .*signal 15\n/, "$name: and so does the program";
    $d->finish;
}

# ---- killed ---------------------------------------------------------------------------------------

# Its programs are nobody's then; the next netiod gets its port all the same.
{
    my $d      = start();
    my $client = $d->connect('cat');

    is talk($client, 'a'), "a\n", 'killed: somebody is served';
    $d->kill('KILL');
    is $d->wait_end // 'held', 'signal 9',
        'killed: it has ended, and its programs hold nothing of it';
    is talk($client, 'b'), "b\n", 'killed: they go on';
    my $next = NetIO::Test::Inetd->start(config => $CONF, ports => $d->{ports});
    is $next->ask(cat => 'c'), 'c', 'killed: another one listens there';
    close $client;
    $next->finish;
}

# Programs that have a socket of its would keep the next netiod from that (R14): they go with it.
{
    my $wait = <<'CONF';
127.0.0.1:{stream} stream tcp wait root /usr/bin/perl perl -e "syswrite $c, $$ and close $c while accept $c, STDIN"
127.0.0.1:{datagram} dgram udp wait root /usr/bin/perl perl -e "send STDOUT, $$, 0, $f while $f = recv STDIN, $x, 9, 0"
CONF
    my $answer = sub {
        my ($d) = @_;

        return ask_udp(udp_client($d->port('datagram')), 'x');
    };
    my $d    = NetIO::Test::Inetd->start(config => $wait);
    my @wait = ($d->ask(stream => ''), $answer->($d));

    $d->kill('KILL');
    is $d->wait_end, 'signal 9', 'killed: it has ended';
    ok is_gone($_), 'killed: a program that has a socket of its has, too' for @wait;
    my $next = NetIO::Test::Inetd->start(config => $wait, ports => $d->{ports});
    like $next->ask(stream => ''), qr/^\d+\z/, 'killed: the next one listens there';
    like $answer->($next),         qr/^\d+\z/, 'killed: ... for datagrams';
    $next->kill('INT');
    is $next->wait_end, 0, 'killed: and ends';
    $next->finish;
}

done_testing;
