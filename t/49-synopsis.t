# The SYNOPSIS of each module does what it says, word by word, but for the server's address.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use NetIO::Test::Peer;
use Test::More;

alarm 300;

my $listing = <<'TEXT' =~ s/\n/\r\n/gr;
There were 2 matches on your request.

          !quinton-1: Reg Quinton (London, CA)
          !quinton-2: Ann Quinton

To see one of them, ask for its handle: whois '!quinton-1'
TEXT

my $record = <<'TEXT' =~ s/\n/\r\n/gr;
There were 1 matches on your request.

           Full Name: Reg Quinton
           Index Key: quinton-1

For more information try 'whois help'.
TEXT

my $refusing = NetIO::Test::Peer->refusing;

# module, peer, output
my @synopses = (
    ['NetIO', NetIO::Test::Peer->start(answer => $record), qr/\A\Q$record\E\z/],
    ['NetIO::Socket', NetIO::Test::Peer->start(answer => $record),
        qr/\A6 lines from 127\.0\.0\.1, (?:2\d|30)\.\d seconds left\n\z/],
    ['NetIO::Error', $refusing,
        qr{\Acannot\ connect:\ tcpopen\ 127\.0\.0\.1\ (\d+):
           \ connect\ 127\.0\.0\.1:\1:\ Connection\ refused\n
           127\.0\.0\.1:\1\ after\ [\d.e-]+\ seconds\n\z}x],
    ['NetIO::Whois', NetIO::Test::Peer->start(answer => $listing),
        qr/\Aquinton-1: Reg Quinton\nquinton-2: Ann Quinton\n\z/],
    ['NetIO::Whois', NetIO::Test::Peer->start(answer => $record),
        qr/\AFull Name = Reg Quinton\nIndex Key = quinton-1\n\z/],
    ['NetIO::Gateway::CGI', $refusing, qr/\AStatus: 400 Bad Request\n(?:[\w-]+: .*\n)+\n<!DOC.*No/],
    ['NetIO::Gateway::HTML', $refusing, qr{<h1>AT&amp;T</h1>\n<p>1 &lt; 2</p>\n}],
    ['NetIO::Gateway::Inquiry', NetIO::Test::Peer->start(answer => $listing), qr/\A2\n\z/],
    ['NetIO::Gateway::Inquiry', $refusing, qr/\Aunreachable: tcpopen 127\.0\.0\.1 /],
    ['NetIO::Gateway::Page', NetIO::Test::Peer->start(answer => $record),
        qr{<h1>Reg Quinton</h1>\n.*<dl id="card"}s],
    ['NetIO::Gateway::Trouble', $refusing, qr/\A504 The directory takes too long\n\z/],
);

sub synopsis {
    my ($module) = @_;
    my $path = 'lib/' . $module =~ s{::}{/}gr . '.pm';

    open my $file, '<', $path or die "$path: $!\n";
    my ($text) = do { local $/; <$file> } =~ /^=head1 SYNOPSIS\n(.*?)^=head1/ms;
    return $text // die "$path: no SYNOPSIS\n";
}

for (@synopses) {
    my ($module, $peer, $expected) = @$_;
    my ($host, $port) = ($peer->host, $peer->port);
    my $script = File::Temp->new;

    print {$script} "use strict;\nuse warnings;\n",
        synopsis($module) =~ s/'whois\.example\.org'/'$host'/gr =~ s/'whois'/'$port'/gr;
    close $script;
    open my $out, '-|', $^X, (map {"-I$_"} @INC), "$script" or die "$^X: $!\n";
    like join('', <$out>), $expected, $module;
    close $out;
    is $?, 0, 'exit code';
}

done_testing;
