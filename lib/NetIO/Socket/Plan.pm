package NetIO::Socket::Plan;

# What the arguments of NetIO::Socket's constructor ask for: the sockets to try, in order, with
# their addresses and options.  Called by NetIO::Socket; it looks names up.
#
# A plan is a hash.  What it asks for:
#     blocking, listen, finish (the deadline), until (the deadline of the handle)
#     options     [LEVEL, NAME, VALUE, FAMILY], FAMILY 0 for any
#     dial        true where all addresses can be raced: xs/dial.h has the fields for that
#     candidates  else the sockets to try one after the other, as getaddrinfo describes them,
#                 with localaddr and peeraddr
# What went wrong: code (an errno; 0: nothing), message, details.

use strict;

use NetIO ();

our @CARP_NOT = ('NetIO::Socket');

my %number = NetIO::Socket::_constants();

sub _croak {
    require Carp;
    return Carp::croak(@_);
}

# arg: of the constructor, and changed as IO::Socket::IP changes it.
sub new {
    my ($class, $arg, $timeout) = @_;
    my $self = bless { code => 0, family => 0 }, $class;

    _check($arg);
    $self->_read_times($timeout, $arg->{Deadline});
    $self->{blocking} = !defined $arg->{Blocking} || $arg->{Blocking};
    $self->{listen}   = $arg->{Listen};
    $self->{options}  = _options($arg);
    my $hints = $self->{hints} = _hints($arg);
    $self->{family} = $hints->{family} || 0;
    $self->_read_locals($arg) if !$self->{code};
    $self->_read_peers($arg)  if !$self->{code};
    $self->_combine           if !$self->{code} && !$self->{dial};
    return $self;
}

# PeerAddr, PeerPort and the like under their other names; HOST:PORT taken apart.
sub normalize {
    my ($arg) = @_;

    for (['PeerHost', 'PeerAddr'], ['PeerService', 'PeerPort'],
        ['LocalHost', 'LocalAddr'], ['LocalService', 'LocalPort'])
    {
        my ($name, $other) = @$_;
        $arg->{$name} = delete $arg->{$other} if exists $arg->{$other} && !exists $arg->{$name};
    }
    for my $end ('Peer', 'Local') {
        next if !defined $arg->{"${end}Host"};
        my ($host, $service) = split_address($arg->{"${end}Host"});
        $arg->{"${end}Host"} = $host;
        $arg->{"${end}Service"} = $service if defined $service;
    }
    return;
}

sub split_address {
    my ($text) = @_;

    local ($1, $2);
    return ($1, defined $2 && length $2 ? $2 : undef)
        if $text =~ /\A\[([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\](?::([^\s:]*))?\z/
        || $text =~ /\A([^\s:]*):([^\s:]*)\z/;
    return ($text, undef);
}

sub _check {
    my ($arg) = @_;

    _croak('Cannot Listen with a peer address')
        if defined $arg->{Listen} && grep { defined $arg->{"Peer$_"} } qw(Host Service AddrInfo);
    _croak('Cannot disable the MultiHomed parameter')
        if defined $arg->{MultiHomed} && !$arg->{MultiHomed};
    for my $name (qw(LocalAddrInfo PeerAddrInfo Sockopts)) {
        _croak("Expected '$name' to be an ARRAY ref")
            if $arg->{$name} && ref $arg->{$name} ne 'ARRAY';
    }
    return if $arg->{PeerAddrInfo} || !grep { defined $arg->{"Peer$_"} } qw(Host Service);
    for my $name (qw(PeerHost PeerService)) {
        _croak("Expected '$name'") if !defined $arg->{$name};
    }
    return;
}

sub _fail {
    my ($self, $code, $message) = @_;

    $self->{code} = 0 + $code;
    $self->{message} = $self->{details} = $message;
    return;
}

# Timeout bounds this call; Deadline that, too, and all reads and writes.
sub _read_times {
    my ($self, $timeout, $deadline) = @_;

    for (['Timeout', $timeout], ['Deadline', $deadline]) {
        my ($name, $value) = @$_;
        next if defined NetIO::Socket::_finish($value);
        $self->_fail($number{EINVAL}, "$name: '$value' is not a number of seconds");
    }
    return if $self->{code};
    $self->{finish} = NetIO::Socket::_finish($timeout, $deadline);
    $self->{until}  = NetIO::Socket::_finish($deadline) if defined $deadline;
    return;
}

sub _options {
    my ($arg) = @_;
    my $on = pack 'i', 1;
    my @options;

    for (['ReuseAddr', 'SO_REUSEADDR'], ['ReusePort', 'SO_REUSEPORT'],
        ['Broadcast', 'SO_BROADCAST'])
    {
        my ($key, $name) = @$_;
        push @options, [$number{SOL_SOCKET}, $number{$name}, $on, 0] if $arg->{$key};
    }
    for my $row (@{ $arg->{Sockopts} || [] }) {
        _croak('Bad Sockopts item - expected ARRAYref') if ref $row ne 'ARRAY';
        _croak('Bad Sockopts item - expected 2 or 3 elements') if @$row < 2 || @$row > 3;
        push @options, [@$row[0, 1], defined $row->[2] ? $row->[2] : $on, 0];
    }
    push @options, [@number{qw(IPPROTO_IPV6 IPV6_V6ONLY)}, pack('i', $arg->{V6Only} ? 1 : 0),
        $number{AF_INET6}] if defined $arg->{V6Only};
    return \@options;
}

sub _hints {
    my ($arg) = @_;
    my %hints;
    my $family = defined $arg->{Family} ? $arg->{Family} : $arg->{Domain};

    $hints{family}   = $family      if defined $family;
    $hints{socktype} = $arg->{Type} if defined $arg->{Type};
    $hints{protocol} = _protocol($arg->{Proto}) if defined $arg->{Proto};
    @hints{qw(socktype protocol)} = @number{qw(SOCK_STREAM IPPROTO_TCP)}
        if !defined $hints{socktype} && !defined $hints{protocol};
    if (!defined $hints{socktype}) {
        $hints{socktype} = $number{SOCK_STREAM} if $hints{protocol} == $number{IPPROTO_TCP};
        $hints{socktype} = $number{SOCK_DGRAM}  if $hints{protocol} == $number{IPPROTO_UDP};
    }
    return \%hints;
}

sub _protocol {
    my ($name) = @_;

    return $name if $name =~ /\A[0-9]+\z/;
    return $number{IPPROTO_TCP} if $name eq 'tcp';
    return $number{IPPROTO_UDP} if $name eq 'udp';
    my $found = getprotobyname $name;
    return defined $found ? $found : _croak("Unrecognised protocol $name");
}

sub _read_locals {
    my ($self, $arg) = @_;

    if ($arg->{LocalAddrInfo}) {
        $self->{local_infos} = $arg->{LocalAddrInfo};
    } elsif (grep { defined $arg->{"Local$_"} } qw(Host Service)) {
        my $flags = defined $arg->{GetAddrInfoFlags} ? $arg->{GetAddrInfoFlags}
            : $number{AI_ADDRCONFIG};
        $self->{local_infos} = $self->_look_up(@$arg{qw(LocalHost LocalService)},
            $flags | $number{AI_PASSIVE});
    }
    $self->{locals} = [map { $_->{addr} } @{ $self->{local_infos} || [] }];
    return;
}

# A name is left to the machine that connects: it begins as soon as one address is known.
sub _read_peers {
    my ($self, $arg) = @_;
    my ($host, $service) = @$arg{qw(PeerHost PeerService)};

    if ($arg->{PeerAddrInfo}) {
        $self->{peer_infos} = $arg->{PeerAddrInfo};
        $self->{dial}       = $self->{blocking} && !grep { !_is_tcp($_) } @{ $arg->{PeerAddrInfo} };
    } elsif (defined $host) {
        my $flags = defined $arg->{GetAddrInfoFlags} ? $arg->{GetAddrInfoFlags} : 0;
        $self->{dial} = $self->{blocking} && _is_tcp($self->{hints});
        if ($self->{dial} && !_is_local_matter($host, $flags)) {
            @$self{qw(host service)} = ($host, $service);
            return;
        }
        $self->{peer_infos} = $self->_look_up($host, $service, $flags);
    }
    $self->{peers} = [map { $_->{addr} } @{ $self->{peer_infos} || [] }];
    return;
}

sub _is_tcp {
    my ($info) = @_;

    return defined $info->{socktype}
        && $info->{socktype} == $number{SOCK_STREAM}
        && (!$info->{protocol} || $info->{protocol} == $number{IPPROTO_TCP});
}

# What getaddrinfo answers without asking anybody: "", 127.1, 0x7f000001, and by its flags.
sub _is_local_matter {
    my ($host, $flags) = @_;

    return !defined $host || $host eq '' || $flags & $number{AI_NUMERICHOST}
        || $host =~ /\A[0-9][0-9a-fx.]*\z/i && $host !~ /\A[0-9]+(?:\.[0-9]+){3}\z/;
}

# As getaddrinfo does, but that names are looked up under the deadline.  HOST or SERVICE may be
# undef; SERVICE may be NAME(NUMBER).  A reference to a list, which is empty on failure.
sub _look_up {
    my ($self, $host, $service, $flags) = @_;
    my %hints = (%{ $self->{hints} }, flags => $flags);

    $service = 0 if !defined $host && !defined $service;
    return $self->_fail($number{EINVAL}, 'Servname not supported for ai_socktype') || []
        if defined $service && $service =~ /\A-?[0-9]+\z/ && ($service < 0 || $service > 65535);
    return $self->_ask_service($host, $service, %hints)
        if !defined $host || $host =~ /:/ || $host =~ /\A[0-9]+(?:\.[0-9]+){3}\z/
        || _is_local_matter($host, $flags);
    $self->{host} = $host;
    my @found = NetIO::Socket::_resolve($self);
    my $code  = 0 + $!;
    delete $self->{host};
    return $self->_fail($code, $self->{message}) || [] if !@found;
    return [map { @{ $self->_with_service($_, $service, %hints) } } @found];
}

# getaddrinfo, asked for nothing but a number and a name of services(5).
sub _ask_service {
    my ($self, $host, $service, %hints) = @_;
    require Socket;

    my $fallback;
    $fallback = $1 if defined $service && $service =~ s/\(([0-9]+)\)\z//;
    $hints{flags} |= $number{AI_NUMERICHOST} if defined $host && length $host;
    my ($error, @infos) = Socket::getaddrinfo($host, $service, \%hints);
    ($error, @infos) = Socket::getaddrinfo($host, $fallback, \%hints)
        if $error && defined $fallback;
    return $error ? $self->_fail_lookup($error) : \@infos;
}

sub _fail_lookup {
    my ($self, $error) = @_;
    my @about_names = (Socket::EAI_NONAME(), Socket::EAI_NODATA(), Socket::EAI_ADDRFAMILY(),
        Socket::EAI_AGAIN(), Socket::EAI_FAIL());
    my $code = (grep { $error == $_ } @about_names) ? 'EHOSTUNREACH' : 'EINVAL';

    return $self->_fail($number{$code}, "$error") || [];
}

# The port, type and protocol of a service, at an address that was found.
sub _with_service {
    my ($self, $address, $service, %hints) = @_;
    my $family = unpack 'S', $address;
    my $here   = $family == $number{AF_INET6} ? '::1' : '127.0.0.1';

    my $infos = $self->_ask_service($here, $service, %hints, family => $family);
    for my $info (@$infos) {
        substr $address, 2, 2, substr $info->{addr}, 2, 2;
        $info->{addr} = $address;
    }
    return $infos;
}

sub _agree {
    my ($one, $other, @names) = @_;

    return !grep { defined $one->{$_} && defined $other->{$_} && $one->{$_} != $other->{$_} } @names;
}

# Each local address with each of the peer's that it can reach.
sub _combine {
    my ($self) = @_;
    my @names  = qw(family socktype protocol);
    my @locals = @{ $self->{local_infos} || [{}] };
    my @all;

    for my $local (@locals) {
        for my $peer (@{ $self->{peer_infos} || [{}] }) {
            next if !_agree($local, $peer, @names);
            my %info = map { $_ => $local->{$_} || $peer->{$_} } @names;
            push @all, { %info, localaddr => $local->{addr}, peeraddr => $peer->{addr} }
                if $info{family} && $info{socktype};
        }
    }
    @all = $self->_unbound if !$self->{local_infos} && !$self->{peer_infos};
    $self->{candidates} = \@all;
    if (!@all && !$self->{code}) {
        local $! = $number{EAFNOSUPPORT};
        $self->_fail($!, "$!");
    }
    return;
}

# A socket on no address, of a family that this machine has.
sub _unbound {
    my ($self) = @_;
    my $hints = $self->{hints};

    return $hints if defined $hints->{family};
    my $infos = $self->_ask_service('', 0, %$hints, flags => $number{AI_ADDRCONFIG});
    return map { +{ %$_, addr => undef } } @$infos;
}

# After a subclass has refused the peer that had answered: false when there is no other.
sub drop {
    my ($self, $peer) = @_;

    if (defined $self->{host}) {
        $self->{peers} = [map { $_->{addr} }
                @{ $self->_look_up(delete $self->{host}, $self->{service}, 0) }];
    }
    $self->{peers} = [grep { $_ ne $peer } @{ $self->{peers} }];
    return scalar @{ $self->{peers} };
}

1;
