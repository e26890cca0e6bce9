# IO::Socket::SSL->start_SSL on handles of tcpopen, with IO::Socket::IP as it comes.

use strict;
use warnings;

use lib 't/lib';

use NetIO;
use NetIO::Test::DropIn ();
use NetIO::Test::Peer;
use NetIO::Test::Process;
use Test::More;

my $why;

BEGIN {
    $why = NetIO::Test::DropIn::missing('IO::Socket::SSL', 'IO::Socket::SSL::Utils');
    plan skip_all => $why if $why;
}

use IO::Socket::SSL::Utils;

alarm 300;

my ($ca, $ca_key) = CERT_create(CA => 1, subject => { commonName => 'tests' });
my ($cert, $key) = CERT_create(issuer => [$ca, $ca_key], subject => { commonName => 'localhost' },
    purpose => 'server', subjectAltNames => [['DNS', 'localhost']]);
my @trust = (SSL_ca => [$ca], SSL_verifycn_name => 'localhost');

# Upgrades after a line, as STARTTLS does; what comes then goes back in capitals.
my $server = NetIO::Test::Peer->start(run => sub {
    my ($socket) = @_;
    bless $socket, 'IO::Handle';
    $socket->autoflush;
    my $line = '';
    sysread $socket, $line, 1, length $line until $line =~ /\n/;
    syswrite $socket, "go\n";
    my $tls = IO::Socket::SSL->start_SSL($socket, SSL_server => 1, SSL_cert => $cert,
        SSL_key => $key) or return;
    while (my $line = <$tls>) { print {$tls} uc $line }
    close $tls;
});

my $baseline = fds();

sub plain {
    my $fh = tcpopen($server->host, $server->port, timeout => 30, deadline => 60, @_);

    print {$fh} "starttls\n";
    is scalar <$fh>, "go\n", 'before';
    return $fh;
}

subtest 'start_SSL and back' => sub {
    my $fh = plain();
    my $fd = fileno $fh;
    my $tls = IO::Socket::SSL->start_SSL($fh, @trust);
    ok $tls, 'start_SSL' or diag $IO::Socket::SSL::SSL_ERROR;
    is ref $fh, 'IO::Socket::SSL', 'class';
    print {$fh} "hello\n";
    is scalar <$fh>, "HELLO\n", 'print and readline';
    ok $fh->print("method\n"), 'the method print';
    is $fh->getline, "METHOD\n", 'getline';
    is join(' ', $fh->fileno, $fh->peerhost, $fh->peerport), "$fd 127.0.0.1 " . $server->port,
        'fileno and the peer';
    ok $fh->get_cipher, 'get_cipher';
    is $fh->timeout, 30, 'timeout, for its handshake';
    ok $fh->stop_SSL, 'stop_SSL';
    is ref $fh, 'NetIO::Socket', 'class';
    is scalar <$fh>, undef, 'the end';
    ok $fh->deadline, 'the deadline is there again';
    ok close $fh, 'close';
};

subtest 'close, and the end of a scope' => sub {
    my $fh = plain();
    ok(IO::Socket::SSL->start_SSL($fh, @trust), 'start_SSL');
    ok $fh->close, 'close';
    $fh = plain();
    ok(IO::Socket::SSL->start_SSL($fh, @trust), 'start_SSL');
    undef $fh;
    is fds(), $baseline, 'no descriptor is left';
};

subtest 'a certificate that is not trusted' => sub {
    my $fh = plain();
    ok !IO::Socket::SSL->start_SSL($fh, SSL_verifycn_name => 'localhost'), 'start_SSL fails';
    like $IO::Socket::SSL::SSL_ERROR, qr/certificate verify failed/, 'and says so';
    is ref $fh, 'NetIO::Socket', 'class';
};

subtest 'the handshake of a silent peer' => sub {
    my $silent = NetIO::Test::Peer->start('silent');
    my $fh     = tcpopen($silent->host, $silent->port, timeout => 0.2);
    ok !IO::Socket::SSL->start_SSL($fh, @trust), "start_SSL takes tcpopen's time-out for its own";
    ok close $fh, 'close';
};

is fds(), $baseline, 'no descriptor is left';

done_testing;
