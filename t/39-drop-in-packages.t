# NetIO::Socket in the place of IO::Socket::IP: what is built on it does what it did.

use strict;
use warnings;

use lib 't/lib';

use NetIO::Test::DropIn;
use Test::More;

alarm 300;

# A server in a process of its own, gone with the program: serve(CLASS, CODE) gives its port.
my $serve = <<'PERL';
$| = 1;
my @children;
END { kill 'KILL', @children if @children }
sub serve {
    my ($server, $code) = @_;
    my $port = $server->sockport;
    my $pid = fork;
    die "fork: $!" if !defined $pid;
    if (!$pid) {
        @children = ();
        alarm 300;
        eval { $code->($server); 1 } or print STDERR $@;
        require POSIX;
        POSIX::_exit(0);
    }
    push @children, $pid;
    close $server;
    return $port;
}
# A server that says what its table has for the first word of a line.
sub talk {
    my ($greeting, %answer) = @_;
    require IO::Socket::IP;
    return serve(IO::Socket::IP->new(Listen => 5, LocalHost => '127.0.0.1'), sub {
        my ($server) = @_;
        while (my $client = $server->accept) {
            print {$client} $greeting;
            while (my $line = <$client>) {
                my ($word) = $line =~ /^(\S*)/;
                my $answer = $answer{uc $word};
                $answer = $answer->($client, $line) if ref $answer;
                print {$client} $answer // "500 what is $word?\r\n";
                last if uc $word eq 'QUIT';
            }
        }
    });
}
PERL

my $http = $serve . <<'PERL';
use HTTP::Daemon;
use HTTP::Response;
my $daemon = HTTP::Daemon->new(LocalAddr => '127.0.0.1', Listen => 20, Timeout => 50) or die $@;
print ref $daemon, ' ', $daemon->isa('IO::Socket::IP') ? 1 : 0, "\n";
my $port = serve($daemon, sub {
    my ($daemon) = @_;
    while (my $client = $daemon->accept) {
        while (my $request = $client->get_request) {
            my $text = join ' ', $request->method, $request->uri->path, $request->content,
                $client->peerhost, $client->isa('HTTP::Daemon::ClientConn') ? 1 : 0;
            $request->uri->path eq '/big'
                ? $client->send_response(HTTP::Response->new(200, 'OK', [], 'x' x 300_000))
                : $request->uri->path eq '/silent' ? sleep 30
                : $client->send_response(HTTP::Response->new(200, 'OK', ['X-Is' => 'here'], $text));
        }
        $client->close;
    }
});
my $url = "http://127.0.0.1:$port";
PERL

SKIP: {
    my $why = missing('HTTP::Daemon', 'LWP::UserAgent');
    skip $why, 2 if $why;

    same('LWP and HTTP::Daemon', $http . <<'PERL', qr{GET /a  127\.0\.0\.1 1 here});
use LWP::UserAgent;
my $agent = LWP::UserAgent->new(timeout => 20, keep_alive => 2);
for ('/a', '/b', '/big') {
    my $answer = $agent->get("$url$_");
    print $answer->code, ' ', length $answer->content, ' ', substr($answer->content, 0, 40), ' ',
        $answer->header('X-Is') || 'none', "\n";
}
print $agent->post("$url/form", [a => 1, b => 'zwei'])->content, "\n";
print $agent->put("$url/put", Content => 'x' x 100_000)->code, "\n";
my $refused = $agent->get('http://127.0.0.1:1/');
print $refused->status_line, "\n", $refused->content =~ s/ at \S+ line \d+\.//r;
my $late = LWP::UserAgent->new(timeout => 0.5)->get("$url/silent");
print $late->status_line, "\n";
PERL

    same('Net::HTTP and HTTP::Tiny', $http . <<'PERL', qr{^200 GET /tiny}m);
use Net::HTTP;
use Net::HTTP::NB;
use HTTP::Tiny;
my $s = Net::HTTP->new(Host => "127.0.0.1:$port", Timeout => 20) or die $@;
print ref $s, ' ', $s->peerhost, ' ', $s->timeout, "\n";
$s->write_request(GET => '/net');
my ($code, $message, %header) = $s->read_response_headers;
print "$code $message $header{'X-Is'}\n";
$s->read_entity_body(my $body, 1000);
print "$body\n";
close $s;
$s = Net::HTTP::NB->new(Host => "127.0.0.1:$port", Blocking => 1) or die $@;
$s->write_request(GET => '/nb');
use IO::Select;
my $select = IO::Select->new($s);
while ($select->can_read(10)) {
    ($code) = $s->read_response_headers;
    last if $code;
}
print "$code\n";
close $s;
my $tiny = HTTP::Tiny->new(timeout => 20);
for ('/tiny', '/again', '/big') {
    my $answer = $tiny->get("$url$_");
    print "$answer->{status} ", substr($answer->{content}, 0, 30), ' ', length $answer->{content}, "\n";
}
my $failed = HTTP::Tiny->new(timeout => 2)->get('http://127.0.0.1:1/');
print "$failed->{status} $failed->{content}\n";
print HTTP::Tiny->new(timeout => 0.5)->get("$url/silent")->{content};
PERL
}

my $mail = $serve . <<'PERL';
my $port = talk("220 here\r\n",
    EHLO => "250-here\r\n250 SIZE\r\n", MAIL => "250 ok\r\n", RCPT => "250 ok\r\n", QUIT => "221 bye\r\n",
    DATA => sub {
        my ($client) = @_;
        print {$client} "354 go on\r\n";
        my $lines = 0;
        while (<$client>) { last if /^\.\r?$/; $lines++ }
        return "250 $lines lines\r\n";
    },
    USER => "+OK\r\n", PASS => "+OK 1 message\r\n", STAT => "+OK 1 20\r\n", LIST => "+OK\r\n1 20\r\n.\r\n",
    RETR => "+OK\r\nSubject: hi\r\n\r\n..dot\r\n.\r\n",
    MODE => "200 ok\r\n", GROUP => "211 2 1 2 a.b\r\n", ARTICLE => "220 1 <x>\r\ntext\r\n.\r\n");
PERL

same('Net::SMTP', $mail . <<'PERL', qr/250 1002 lines/);
use Net::SMTP;
my $smtp = Net::SMTP->new('127.0.0.1', Port => $port, Hello => 'me', Timeout => 20) or die $@;
print join(' ', ref $smtp, $smtp->isa('IO::Socket::IP') ? 1 : 0, $smtp->domain, $smtp->peerhost), "\n";
print $smtp->mail('a@b'), $smtp->to('c@d'), $smtp->data, "\n";
$smtp->datasend(["Subject: x\n", "\n"]);
$smtp->datasend("line\n" x 1000);
print $smtp->dataend, ' ', $smtp->code, ' ', $smtp->message;
print $smtp->quit, "\n";
print defined Net::SMTP->new('127.0.0.1', Port => 1, Timeout => 5) ? 1 : "undef $@", "\n";
PERL

same('Net::POP3', $mail =~ s/220 here/+OK here/r . <<'PERL', qr/Subject: hi/);
use Net::POP3;
my $pop = Net::POP3->new('127.0.0.1', Port => $port, Timeout => 20) or die $@;
print $pop->login('me', 'secret'), ' ', join(' ', %{ $pop->list }), "\n";
print @{ $pop->get(1) };
print $pop->quit ? 1 : 0, "\n";
PERL

same('Net::NNTP', $mail . <<'PERL', qr/^text$/m);
use Net::NNTP;
my $news = Net::NNTP->new('127.0.0.1', Port => $port, Timeout => 20) or die $@;
print join(' ', $news->group('a.b')), "\n", @{ $news->article(1) };
print $news->quit ? 1 : 0, "\n";
PERL

same('Net::FTP', $serve . <<'PERL', qr/^fetched 100000 bytes, sent 50000$/m);
my $data;
my $port = talk("220 here\r\n",
    USER => "331 and?\r\n", PASS => "230 in\r\n", TYPE => "200 ok\r\n", QUIT => "221 bye\r\n",
    PASV => sub {
        my ($client) = @_;
        $data = IO::Socket::IP->new(Listen => 1, LocalHost => '127.0.0.1');
        my $port = $data->sockport;
        return '227 (127,0,0,1,' . join(',', $port >> 8, $port & 255) . ")\r\n";
    },
    RETR => sub {
        my ($client) = @_;
        print {$client} "150 comes\r\n";
        my $out = $data->accept;
        print {$out} 'y' x 100_000;
        close $out;
        return "226 done\r\n";
    },
    STOR => sub {
        my ($client) = @_;
        print {$client} "150 go\r\n";
        my $in = $data->accept;
        my $text = do { local $/; <$in> };
        return '226 ' . length($text) . "\r\n";
    });
use Net::FTP;
my $ftp = Net::FTP->new('127.0.0.1', Port => $port, Timeout => 20, Passive => 1) or die $@;
print $ftp->login('me', 'x'), $ftp->binary ? 1 : 0, "\n";
open my $file, '>', \my $got;
$ftp->get('x', $file) or print $ftp->message;
open my $source, '<', \('z' x 50_000);
$ftp->put($source, 'z') or print $ftp->message;
print 'fetched ', length $got, ' bytes, sent ', $ftp->message;
print $ftp->quit, "\n";
PERL

SKIP: {
    my $why = missing('IO::Socket::SSL');
    skip $why, 1 if $why;

    same('IO::Socket::SSL', $serve . <<'PERL', qr/^client: HELLO$/m);
use IO::Socket::SSL;
use IO::Socket::SSL::Utils;
print IO::Socket::SSL->isa('IO::Socket::IP') ? 1 : 0, "\n";
my ($ca, $ca_key) = CERT_create(CA => 1, subject => { commonName => 'tests' });
my ($cert, $key) = CERT_create(issuer => [$ca, $ca_key], subject => { commonName => 'localhost' },
    purpose => 'server', subjectAltNames => [['DNS', 'localhost'], ['IP', '127.0.0.1']]);
my $port = serve(IO::Socket::SSL->new(Listen => 5, LocalAddr => '127.0.0.1', SSL_cert => $cert,
    SSL_key => $key), sub {
    my ($server) = @_;
    while (1) {
        my $client = $server->accept or next;
        while (my $line = <$client>) { print {$client} uc $line }
    }
});
my $plain = serve(IO::Socket::IP->new(Listen => 5, LocalHost => '127.0.0.1'), sub {
    my ($server) = @_;
    while (my $client = $server->accept) {
        my $line = <$client>;
        print {$client} "go\n";
        IO::Socket::SSL->start_SSL($client, SSL_server => 1, SSL_cert => $cert, SSL_key => $key);
        while (my $line = <$client>) { print {$client} uc $line }
    }
});
my @ca = (SSL_ca => [$ca]);
my $client = IO::Socket::SSL->new(PeerHost => '127.0.0.1', PeerPort => $port, Timeout => 20, @ca)
    or die "$! $SSL_ERROR";
print {$client} "hello\n";
print 'client: ', scalar <$client>;
print join(' ', ref $client, $client->peerhost, $client->get_sslversion ne '' ? 1 : 0), "\n";
print $client->close ? 1 : 0, "\n";
my $upgraded = IO::Socket::IP->new("127.0.0.1:$plain");
print {$upgraded} "starttls\n";
print scalar <$upgraded>;
IO::Socket::SSL->start_SSL($upgraded, SSL_verifycn_name => 'localhost', @ca) or die $SSL_ERROR;
print {$upgraded} "again\n";
print 'upgraded: ', scalar <$upgraded>;
print ref $upgraded, ' ';
print $upgraded->stop_SSL(SSL_no_shutdown => 1) ? 1 : 0, ' ', ref $upgraded, "\n";
my $wrong = IO::Socket::SSL->new(PeerHost => '127.0.0.1', PeerPort => $port);
print defined $wrong ? 1 : "undef $SSL_ERROR", "\n";
print defined IO::Socket::SSL->new(PeerHost => '127.0.0.1', PeerPort => 1) ? 1 : "undef $!", "\n";
my $slow = IO::Socket::SSL->new(PeerHost => '127.0.0.1', PeerPort => $port, Blocking => 0, @ca);
use IO::Select;
until ($slow->connect) {
    my $select = IO::Select->new($slow);
    $SSL_ERROR == SSL_WANT_READ ? $select->can_read(10) : $select->can_write(10);
}
print 'not blocking: ', ref $slow, "\n";
PERL
}

SKIP: {
    my $why = missing('Net::Server');
    skip $why, 2 if $why;

    for my $kind ('Fork', 'PreFork') {
        same("Net::Server::$kind", $serve . "my \$kind = '$kind';\n" . <<'PERL', qr/echo over 127.0.0.1 \+ ::1/);
use IO::Socket::IP;
use NetIO::Test::Patience;
use NetIO::Test::Port qw(free_port);
my @ports = (free_port(), free_port());
my $pid = fork;
if (!$pid) {
    alarm 300;
    require "Net/Server/$kind.pm";
    our @ISA = "Net::Server::$kind";
    no warnings 'once';
    *main::process_request = sub {
        my ($self) = @_;
        while (my $line = <STDIN>) {
            print 'echo ', $self->{server}{peeraddr}, ' ', $line;
            last;
        }
    };
    open STDERR, '>', '/dev/null';
    main->run(port => ["127.0.0.1:$ports[0]", "[::1]:$ports[1]"], log_level => 0,
        min_servers => 2, max_servers => 4, min_spare_servers => 1, max_spare_servers => 2);
    exit;
}
push @children, $pid;
my @said;
for (['127.0.0.1', $ports[0]], ['::1', $ports[1]]) {
    my ($host, $port) = @$_;
    my $socket = eventually { IO::Socket::IP->new(PeerHost => $host, PeerPort => $port) };
    print {$socket} "over $host\n";
    my $line = <$socket>;
    print $line;
    push @said, $line =~ /over (\S+)/;
}
print 'echo over ', join(' + ', @said), "\n";
kill 'TERM', $pid;
waitpid $pid, 0;
@children = ();
PERL
    }
}

done_testing;
