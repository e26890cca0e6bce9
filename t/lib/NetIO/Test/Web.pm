package NetIO::Test::Web;

# A real lighttpd that serves one program as plain CGI, for a test.
#
#     my $web = NetIO::Test::Web->whois2html($whoisd->port, { TITLE => 'Larkmere' });
#     my $answer = $web->get('/?q=quinton');
#     is $answer->{status}, 200;
#     my $other = $web->request("POST / HTTP/1.1\r\nHost: a\r\n\r\n");
#     $web->finish;                     # or let the object go
#
# It is a NetIO::Test::Daemon: a process of this user, in a temporary directory of its own, ended
# by its process id.  The test listens and hands the socket over (socket activation), so that the
# port is known and nobody else's, and a connection is never refused.  What lighttpd and the
# programs write to stderr, and a line for each request, is the log: wait_log() waits for it.
#
# whois2html() serves that, set up to ask a port of 127.0.0.1; what else its configuration says
# (WHOIS2HTML_TITLE ...) comes next, then options of start.  start() serves any program, with the
# options: program; env, its environment; at, the path it has, all paths by default; config, more
# lines of lighttpd.conf.
#
# finish() notices a program that goes on after its answer.

use strict;
use warnings;

use parent -norequire, 'NetIO::Test::Daemon';

use Cwd        ();
use Fcntl      qw(F_SETFD);
use File::Temp ();
use IO::Socket::INET;
use NetIO::Test::Daemon    ();
use NetIO::Test::Sanitizer qw(sanitizer_reports);
use POSIX                  ();
use Test::More             ();

use constant {
    LISTEN_FD => 3,     # the first of sd_listen_fds(3)
    BACKLOG   => 128,
};

# Where Debian keeps it; a plain user's PATH has no sbin.
sub lighttpd {
    my ($path) = grep { -x } map { "$_/lighttpd" } split(/:/, $ENV{PATH} // ''), '/usr/sbin';
    return $path;
}

# Why there is nothing to start, or nothing.
sub missing { return lighttpd() ? undef : 'no lighttpd' }

# Strings of the configuration come from the environment: there is nothing to quote.
my $CONFIG = <<'CONF';
server.modules = ("mod_alias", "mod_accesslog", "mod_cgi", "mod_setenv")
server.systemd-socket-activation = "enable"
server.bind = "127.0.0.1"
server.port = env.WEB_PORT
server.document-root = env.WEB_FOLDER
server.upload-dirs = (env.WEB_FOLDER)
server.stream-request-body = 2
accesslog.filename = "/dev/fd/2"
alias.url = (env.WEB_AT => env.WEB_PROGRAM)
cgi.assign = ("" => "")
cgi.execute-x-only = "enable"
CONF

sub whois2html {
    my ($class, $port, $setup, %how) = @_;
    my $program = 'blib/script/whois2html';
    my %setup   = (SERVER => '127.0.0.1', PORT => $port, %$setup);

    -x $program or Test::More::BAIL_OUT("$program is not there: run make first");
    return $class->start(
        program => $program,
        env     => { map { ("WHOIS2HTML_$_" => $setup{$_}) } keys %setup },
        %how
    );
}

sub start {
    my ($class, %how) = @_;
    my $dir    = File::Temp->newdir('netio-web-XXXXXX', TMPDIR => 1);
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => BACKLOG)
        or die "listen: $@\n";
    my %given = (surroundings("$dir"), %{ $how{env} || {} });

    write_config("$dir/lighttpd.conf", $how{config} // '', sort keys %given);
    my $self = $class->SUPER::start(
        dir     => $dir,
        program => lighttpd(),
        args    => ['-D', '-f', "$dir/lighttpd.conf"],
        env     => {
            WEB_PORT    => $socket->sockport,
            WEB_FOLDER  => "$dir",
            WEB_PROGRAM => Cwd::abs_path($how{program}),
            WEB_AT      => $how{at} // '',
            map { ("WEB_GIVES_$_" => $given{$_}) } keys %given,
        },
        before => sub { hand_over($socket) },
    );
    $self->{port} = $socket->sockport;
    close $socket;
    $self->wait_log(qr/server started/) or die "lighttpd did not start:\n$self->{log}";
    return $self;
}

# What every program of ours needs: the build, and with sanitizers in it their library, which
# lighttpd itself does without.
sub surroundings {
    my ($dir) = @_;
    local %ENV = %ENV;

    $ENV{PERL5LIB} = join ':', map { Cwd::abs_path($_) } qw(blib/lib blib/arch);
    NetIO::Test::Daemon::environment($dir, {});
    return map { ($_ => $ENV{$_}) }
        grep { defined $ENV{$_} } qw(PERL5LIB LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS);
}

sub write_config {
    my ($path, $more, @names) = @_;
    my $environment = join ', ', map { qq("$_" => env.WEB_GIVES_$_) } @names;

    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $CONFIG, "setenv.set-environment = ($environment)\n", $more;
    close $file or die "$path: $!\n";
    return;
}

# In the child, before it becomes lighttpd.
sub hand_over {
    my ($socket) = @_;

    delete $ENV{LD_PRELOAD};
    @ENV{qw(LISTEN_FDS LISTEN_PID)} = (1, $$);
    # dup2 to itself would leave it close-on-exec.
    fcntl $socket, F_SETFD, 0 or die "fcntl: $!\n";
    POSIX::dup2(fileno $socket, LISTEN_FD) // die "dup2: $!\n";
    return;
}

sub url { return "http://127.0.0.1:$_[0]{port}/" }

# What lighttpd answers to these octets, up to the end of the connection: status, headers (by
# lower-cased name, values in order), body and all of it as text; undef if there is no answer.
sub request {
    my ($self, $octets) = @_;
    my $socket = $self->connect;

    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, $octets;
    my $text = $self->read_all($socket);
    return defined $text ? parse($text) : undef;
}

sub get {
    my ($self, $path) = @_;

    return $self->request("GET $path HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
}

sub parse {
    my ($text) = @_;
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($first, @lines) = split /\r\n/, $head // '';
    my %header;

    $first =~ m{^HTTP/1\.[01] ([0-9]{3}) (.*)$} or return { text => $text };
    my ($status, $reason) = ($1, $2);
    /^([^:]+):\s*(.*)$/ && push @{ $header{ lc $1 } }, $2 for @lines;
    return {
        status  => $status,
        reason  => $reason,
        headers => \%header,
        body    => $body,
        text    => $text
    };
}

# A program may have answered and not have ended yet.  It holds the pipe of the log, and so the end
# of that is waited for.  lighttpd ends with 1 while a browser keeps a connection.
sub complaints {
    my ($self) = @_;
    my @bad;

    if (!defined $self->{end}) {
        $self->kill('TERM');
        my $end = $self->wait_end // 'goes on';
        push @bad, "TERM: $end" if $end !~ /^[01]$/;
    }
    push @bad, sanitizer_reports(glob "$self->{dir}/sanitizer*");
    return @bad;
}

1;
