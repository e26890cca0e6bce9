package part::page;

# One request of the directory's page, whois2html, against the same page with CGI.pm and
# IO::Socket::IP (peer/page.cgi): the CGI program from fork to exit, and requests through
# lighttpd.  whoisd, with the real registry, answers both.

use strict;
use warnings;

use Cwd ();
use IO::Socket::INET;

use NetIO::Bench::Load    qw(load);
use NetIO::Bench::Process qw(timed);
use NetIO::Bench::Registry;
use NetIO::Bench::Tree;

use constant {
    QUERY     => 'rockwell',
    EXPECTED  => 'Rockwell Automation',    # in its answer
    MOST_TIME => 0.25,                     # of the peer's
    CLIENTS   => 2,
    BACKLOG   => 128,
    PEER      => 'bench/peer/page.cgi',
};

# What a web server says of the request.
my %request = (
    GATEWAY_INTERFACE => 'CGI/1.1',
    QUERY_STRING      => 'q=' . QUERY,
    REMOTE_ADDR       => '127.0.0.1',
    REQUEST_METHOD    => 'GET',
    SCRIPT_NAME       => '/page',
    SERVER_NAME       => '127.0.0.1',
    SERVER_PORT       => 80,
    SERVER_PROTOCOL   => 'HTTP/1.1',
);

# Where both find whoisd.
use constant ENVIRONMENT => qw(WHOIS2HTML_SERVER WHOIS2HTML_PORT PAGE_PORT);

sub measure {
    my ($class, $bench) = @_;

    $bench->heading('page: the matches of "' . QUERY . '" as HTML, from whoisd');
    return if !$bench->have(['CGI', 'libcgi-pm-perl'], NetIO::Bench::Registry->needs);
    my $whoisd = NetIO::Bench::Registry->copies(1)->serve($bench->folder);
    my $tree   = NetIO::Bench::Tree->installed($bench);
    local @ENV{ (ENVIRONMENT) } = ('127.0.0.1', $whoisd->port, $whoisd->port);

    _alone(
        $bench,
        whois2html => [$^X, '-I' . $tree->lib, $tree->bin . '/whois2html'],
        'CGI.pm'   => [$^X, PEER],
    );
    _served($bench, $tree) if $bench->have(['lighttpd', 'lighttpd']);
    return;
}

# As a web server would call them.
sub _alone {
    my ($bench, %command) = @_;
    my $output = $bench->folder . '/page.html';

    local @ENV{ keys %request } = values %request;
    my $series = $bench->rounds(
        $bench->pick(60, 3),
        map {
            my $command = $command{$_};
            $_ => sub {
                my %figures = timed($output, @$command);
                _check($output);
                return %figures;
            }
        } 'whois2html',
        'CGI.pm'
    );
    $bench->compare($series, 'ms', 'from fork to exit, ms', most => MOST_TIME);
    $bench->compare($series, 'cpu', 'CPU, ms');
    return;
}

sub _check {
    my ($path) = @_;

    open my $file, '<', $path or die "$path: $!\n";
    my $page = join '', <$file>;
    die "no page: $page\n" if index($page, EXPECTED) < 0 || $page !~ m{</html>\s*\z};
    return;
}

sub _served {
    my ($bench, $tree) = @_;
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => BACKLOG)
        or die "listen: $@\n";
    my $lighttpd = NetIO::Bench::Process->serve_socket($bench->folder, $socket, 'lighttpd', '-D',
        '-f', _configuration($bench, $tree, $socket->sockport));
    my @load = (mode => 'http', clients => CLIENTS, count => $bench->pick(100, 4));

    close $socket;
    my $series = $bench->rounds(
        $bench->pick(5, 1),
        map {
            my $path = _path($bench, "/$_?q=" . QUERY);
            $_ => sub { load($lighttpd, @load, file => $path) }
        } 'whois2html',
        'CGI.pm'
    );
    $bench->compare($series, 'rate',   'through lighttpd, a second');
    $bench->compare($series, 'median', 'median, us');
    return;
}

# A file with the one path that is asked for.
sub _path {
    my ($bench, $path) = @_;
    my $name = $bench->folder . '/path-' . ($path =~ /(\w+)/)[0];

    return _write($name, "$path\n");
}

sub _configuration {
    my ($bench, $tree, $port) = @_;
    my $folder = $bench->folder;
    my %page   = ('/whois2html' => $tree->bin . '/whois2html', '/CGI.pm' => Cwd::abs_path(PEER));
    my %given  = (PERL5LIB => $tree->lib, map { ($_ => $ENV{$_}) } ENVIRONMENT);

    return _write("$folder/lighttpd.conf", <<"END");
server.modules = ("mod_alias", "mod_cgi", "mod_setenv")
server.systemd-socket-activation = "enable"
server.bind = "127.0.0.1"
server.port = $port
server.document-root = "$folder"
server.upload-dirs = ("$folder")
alias.url = (${\_pairs(%page)})
cgi.assign = ("" => "")
setenv.set-environment = (${\_pairs(%given)})
END
}

sub _pairs {
    my (%value) = @_;

    return join ', ', map { qq("$_" => "$value{$_}") } sort keys %value;
}

sub _write {
    my ($path, $text) = @_;

    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    return $path;
}

1;
