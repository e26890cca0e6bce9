package NetIO::Socket::Setup;

# A plan carried out on a handle: sockets made, bound, connected.  Called by the methods setup and
# connect of NetIO::Socket.  What subclasses may have their own of (socket, bind, listen,
# connect, blocking) is called as a method.

use strict;

use NetIO ();

my %number = NetIO::Socket::_constants();

# $!, $@ and $IO::Socket::errstr; undef.
sub fail {
    my ($plan, $code) = @_;

    $! = $plan->{code} = defined $code ? 0 + $code : $plan->{code};
    @$plan{qw(message details)} = ("$!", "$!") if defined $code;
    ($@, $IO::Socket::errstr) = @$plan{qw(message details)};
    $! = $plan->{code};
    return undef;
}

# All addresses at once.  connect() then is for subclasses, which do more there.
sub dial {
    my ($self, $plan) = @_;

    while (defined(my $peer = NetIO::Socket::_dial($self, $plan))) {
        @{ *$self }{qw(io_socket_domain io_socket_type io_socket_proto)}
            = (unpack('S', $peer), @number{qw(SOCK_STREAM IPPROTO_TCP)});
        NetIO::Socket::_until($self, $plan->{until}) if defined $plan->{until};
        $plan->{connected} = $peer;
        my $done = $self->connect($peer);
        my $code = 0 + $!;
        delete $plan->{connected};
        $! = $done ? 0 : $code;
        return $done ? 1 : 0 if $done || !$code || _goes_on($code);
        $plan->drop($peer) or return fail($plan, $code);
    }
    $plan->{code} = 0 + $!;
    return fail($plan);
}

# One address after the other; what is not in blocking mode comes here again by connect().
sub one_by_one {
    my ($self, $plan) = @_;

    while (my $try = shift @{ $plan->{candidates} }) {
        if (!$self->socket(@$try{qw(family socktype)}, $try->{protocol} || 0)) {
            $plan->{failed}{socket} = 0 + $!;
            next;
        }
        NetIO::Socket::_until($self, $plan->{until}) if defined $plan->{until};
        if (!$plan->{blocking} && !defined $self->blocking(0)) {
            return fail($plan, $!);
        }
        for (@{ $plan->{options} }) {
            my ($level, $name, $value, $family) = @$_;
            next if $family && $family != $try->{family};
            CORE::setsockopt($self, $level, $name, $value) or return fail($plan, $!);
        }
        if (defined $try->{localaddr} && !$self->bind($try->{localaddr})) {
            $plan->{failed}{bind} = 0 + $!;
            next;
        }
        defined $plan->{listen} && !$self->listen($plan->{listen}) and return fail($plan, $!);
        my $peer = $try->{peeraddr};
        return 1 if !defined $peer || _connect_to($self, $plan, $peer);
        $plan->{in_progress} = $peer if _goes_on($!);
        return 0                     if !$! || _goes_on($!);
        $plan->{failed}{connect} = 0 + $!;
    }
    my ($code) = grep { defined } @{ $plan->{failed} }{qw(connect bind socket)};
    return fail($plan, $code);
}

# EAGAIN is what the connect of IO::Socket::SSL says.
sub _goes_on {
    my ($code) = @_;

    return $code == $number{EINPROGRESS} || $code == $number{EAGAIN};
}

sub _connect_to {
    my ($self, $plan, $peer) = @_;

    local $plan->{connecting} = 1;
    $! = 0 if my $done = $self->connect($peer);
    return $done;
}

# When accept or connect has to be over: by the handle's Timeout from now, or its deadline.  A
# Timeout that is no number of seconds any more, say less than none, is over at once.
sub finish_of {
    my ($self) = @_;
    my $finish = NetIO::Socket::_finish(${*$self}{io_socket_timeout});

    $finish = NetIO::Socket::_finish(0) if !defined $finish;
    return sooner($finish, NetIO::Socket::_until($self));
}

# The sooner of two deadlines, as _finish and _until have them.
sub sooner {
    my ($one, $other) = @_;

    return $one && $other ? ($one < $other ? $one : $other) : $one || $other || 0;
}

# The rest of a connect in non-blocking mode.
sub go_on {
    my ($self, $plan) = @_;

    if (!defined $plan->{in_progress}) {
        $! = $plan->{code} || 0;
        return $plan->{code} ? undef : 1;
    }
    my $error = CORE::getsockopt($self, $number{SOL_SOCKET}, $number{SO_ERROR});
    my $code  = defined $error ? unpack 'i', $error : 0 + $!;
    if (!$code && defined getpeername $self) {
        delete ${*$self}{netio_plan};
        $! = 0;
        return 1;
    }
    if ($code) {
        delete $plan->{in_progress};
        $! = $plan->{failed}{connect} = $code;
        return $self->setup;
    }
    $! = $number{EINPROGRESS};
    return 0;
}

1;
