package NetIO::Server;

# What handlers do all day is native (xs/server.c, xs/connection.c); here is what is done once.
use strict;
use warnings;

use NetIO ();

# How to start this program again, for an upgrade: $0 and %ENV may be others by then, and a daemon
# is in another folder.
our %started = (
    command     => [NetIO::Server::Supervisor::command()],
    directory   => scalar readlink '/proc/self/cwd',
    environment =>
        { map { $_ => $ENV{$_} } grep { defined $ENV{$_} } qw(PERL5LIB PERLLIB PERL5OPT) },
);

# An engine is one thread's.
sub CLONE_SKIP { return 1 }

# A class with process_request has that for a handler, in a model that lets it wait.
sub new {
    my ($class, @option) = @_;
    my %given = @option % 2 ? () : @option;

    if ($class->can('process_request') && !grep { $given{$_} } qw(on_line on_data on_serve)) {
        push @option, on_serve => \&_request;
        push @option, model    => $given{workers} ? 'prefork' : 'fork' if !$given{model};
    }
    return $class->_new(@option);
}

# Opens what it listens on.  Called by itself by whatever needs it.
sub start {
    my ($self) = @_;

    require NetIO::Server::Processes;
    NetIO::Server::Processes::start($self) if !$self->_is_open && !$self->{supervisor};
    return $self;
}

# Of a class: a new one.
sub run {
    my ($self, @option) = @_;

    $self = $self->new(@option) if !ref $self;
    $self->start;
    return NetIO::Server::Processes::run($self);
}

sub stop {
    my ($self, $seconds) = @_;

    return $self->{supervisor}->stop(defined $seconds && $seconds == 0) if $self->{supervisor};
    return $self->_stop(defined $seconds ? $seconds : 30);
}

sub addresses {
    my ($self) = @_;

    $self->start;
    return $self->{supervisor} ? $self->{supervisor}->addresses : $self->_addresses;
}

sub status {
    my ($self) = @_;

    return $self->{supervisor} ? $self->_status_of_workers : $self->_status;
}

# The sum of what they say, and what each of them says.
sub _status_of_workers {
    my ($self)  = @_;
    my @workers = $self->{supervisor}->status;
    my %sum     = (workers => \@workers, refused => {});

    for my $worker (@workers) {
        $sum{$_} += $worker->{$_} for qw(connections accepted datagrams);
        $sum{refused}{$_} += $worker->{refused}{$_} for keys %{ $worker->{refused} };
    }
    return \%sum;
}

# What a handler dies of, where there is no on_error.
sub _report {
    my ($error, $connection, $where) = @_;
    my $peer = $connection && $connection->peer;

    warn join ': ', (defined $peer ? $peer : ()), $where, $error;
    return;
}

sub NetIO::Connection::CLONE_SKIP       { return 1 }
sub NetIO::Server::Timer::CLONE_SKIP    { return 1 }
sub NetIO::Server::Datagram::CLONE_SKIP { return 1 }

1;
