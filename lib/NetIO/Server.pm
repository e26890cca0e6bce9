package NetIO::Server;

# What handlers do all day is native (xs/server.c, xs/connection.c); here is what is done once.
use strict;
use warnings;

use NetIO ();

# An engine is one thread's.
sub CLONE_SKIP { return 1 }

sub new {
    my ($class, @option) = @_;

    return $class->_new(@option);
}

# Opens what it listens on.  Called by itself by whatever needs it.
sub start {
    my ($self) = @_;

    $self->_open;
    my $listen = $self->{listen};
    $self->_listen($_) for ref $listen ? @$listen : defined $listen ? $listen : ();
    return $self;
}

sub run {
    my ($self) = @_;

    return $self->_run;
}

sub stop {
    my ($self, $seconds) = @_;

    return $self->_stop(defined $seconds ? $seconds : 30);
}

# What a handler dies of, where there is no on_error.
sub _report {
    my ($error, $connection, $where) = @_;
    my $peer = $connection && $connection->peer;

    warn join ': ', (defined $peer ? $peer : ()), $where, $error;
    return;
}

package NetIO::Connection;

sub CLONE_SKIP { return 1 }

1;
