package NetIO::Test::PerlServer;

# Runs a server in Perl, in a process of its own, and talks to it:
#
#     my $server = serving(<<'PROGRAM');
#         serve(on_line => sub { $_[0]->reply("$_[1]\r\n") });
#     PROGRAM
#     my $client = $server->client;         # of the first address; client(1): of the second
#     is ask($client, "a\n"), "a\r\n";      # says that, and nothing more; all that comes
#     $server->signal('TERM');
#     is $server->status, 0;                # waits for the end: exit code, or "signal N"
#     is $server->err, '';
#
# serve() in the program makes the server on a free port of 127.0.0.1, reports its addresses, and
# runs it.  report(), wait_go() and the rest are those of NetIO::Test::PerlDaemon.

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use NetIO::Test::PerlDaemon;
use NetIO::Test::Run  qw(end_of);
use NetIO::Test::Talk qw(ask heard);

our @EXPORT = qw(serving ask heard);

use constant PATIENCE => 60;

my $prelude = <<'PERL';
use NetIO::Server;
report("pid $$");
# Reported when signals are heard: a supervisor hears them as soon as there is one.
sub serve_as {
    my ($class, %option) = @_;
    my $start = delete $option{on_start} || sub { };
    my $told;
    my $tell = sub { $told++ || report('listens', join ' ', $_[0]->addresses) };
    my $server = $class->new(listen => '127.0.0.1:0', %option,
        on_start => sub { $tell->(@_); $start->(@_) });
    $server->start;
    local $SIG{WINCH} = sub {
        my %state;
        $state{ $_->{state} }++ for @{ $server->status->{workers} || [] };
        report('states', join ', ', map { "$state{$_} $_" } sort keys %state);
    };
    $tell->($server) if $server->{supervisor};
    $server->run;
    return $server;
}
sub serve { return serve_as('NetIO::Server', @_) }
PERL

sub serving {
    my ($program, %how) = @_;
    my $run  = daemonized($prelude . $program, %how, wait => 0);
    my $self = bless { run => $run, owner => $$ }, __PACKAGE__;

    $run->wait_report(qr/^listens /m) or die 'no server: ', $run->err;
    return $self;
}

sub addresses { return split ' ', $_[0]{run}->said('listens') }

sub client {
    my ($self, $i) = @_;
    my $address = ($self->addresses)[$i || 0];
    my $client  = IO::Socket::INET->new(PeerAddr => $address, Timeout => PATIENCE)
        or die "$address: $@\n";

    return $client;
}

sub pid    { return $_[0]{run}->pid }
sub dir    { return $_[0]{run}->dir }
sub err    { return $_[0]{run}->err }
sub out    { return $_[0]{run}->out }
sub report { return $_[0]{run}->report }
sub said   { return $_[0]{run}->said($_[1]) }

sub wait_report { return $_[0]{run}->wait_report($_[1]) }

sub signal {
    my ($self, @names) = @_;

    kill $_, $self->pid for @names;
    return;
}

# Waits until there are just these workers: "2 serving", "1 draining, 2 starting".
sub settled {
    my ($self, $states) = @_;
    my $n    = () = $self->report =~ /^states /mg;
    my $last = '';

    until ($last eq $states) {
        $self->signal('WINCH');
        $n++;
        $self->wait_report(qr/(?:^states .*\n.*?){$n}/ms) or die 'no states: ', $self->err;
        $last = ($self->report =~ /^states (.*)$/mg)[-1];
    }
    return $self;
}

# Waits for the end of the process that was started, and of all others.
sub status {
    my ($self) = @_;

    if (!exists $self->{status}) {
        $self->{status} = $self->{run}->wait_starter;
        $self->{run}->finish;
    }
    return $self->{status};
}

sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$ || exists $self->{status};
    local ($?, $!, $@);
    kill 'KILL', $self->pid;
    $self->{run}->wait_starter;
    return;
}

1;
