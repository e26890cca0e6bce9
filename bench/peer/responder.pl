#!/usr/bin/perl

# responder.pl MODULE once|kept: what responder.c does, with one of Perl's modules, as its users
# write it:
#
#     once    each connection: a line comes, it goes back, the connection is closed
#     kept    each line is answered with itself, for as long as the peer likes
#
# It prints "listening on 127.0.0.1:PORT" and ends by a signal.  EV frames no lines: it has to get
# them in one piece, which is how load.c sends them.  The others frame them, and keep no deadlines
# and no limits.

use strict;
use warnings;

use IO::Socket::INET;

use constant {
    BACKLOG   => 4096,
    PROCESSES => 64,        # of PreFork: as many as the fewest clients
    MOST      => 1100,      # processes of Fork: more than the most clients
    MANY      => 100_000,
    PIECE     => 65_536,
};

my %serve = (
    'AnyEvent::Handle'  => \&anyevent,
    'EV'                => \&ev,
    'IO::Async'         => \&io_async,
    'Mojo::IOLoop'      => \&mojo,
    'Net::Server::Fork' => sub {
        require Net::Server::Fork;
        net_server('Fork', max_servers => MOST);
    },
    'Net::Server::Multiplex' => sub {
        require Net::Server::Multiplex;
        net_server('Multiplex');
    },
    'Net::Server::PreFork' => sub {
        require Net::Server::PreFork;
        net_server(
            'PreFork',
            min_servers       => PROCESSES,
            max_servers       => PROCESSES,
            min_spare_servers => 1,
            max_spare_servers => PROCESSES - 1,
        );
    },
);

my ($module, $mode) = @ARGV;
if (@ARGV != 2 || !$serve{$module} || $mode !~ /^(?:once|kept)\z/) {
    print STDERR "usage: responder.pl MODULE once|kept\n";
    exit 64;
}
my $once = $mode eq 'once';
$| = 1;
$serve{$module}->();

sub listening {
    my ($port) = @_;

    print "listening on 127.0.0.1:$port\n";
    return;
}

sub listener {
    my $socket = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1',
        Listen    => BACKLOG,
        Blocking  => 0
    ) or die "listen: $!\n";

    listening($socket->sockport);
    return $socket;
}

# Raw reads: the least that an event loop in Perl can do.
sub ev {
    require EV;
    my $listener = listener();
    my %watcher;
    my $accepting = EV::io(
        $listener,
        EV::READ(),
        sub {
            while (accept my $peer, $listener) {
                my $fd = fileno $peer;
                $watcher{$fd} = EV::io(
                    $peer,
                    EV::READ(),
                    sub {
                        my $read = sysread $peer, my $line, PIECE;
                        syswrite $peer, $line if $read;
                        delete $watcher{$fd} if !$read || $once;
                    }
                );
            }
        }
    );
    EV::run();
    return;
}

sub anyevent {
    require AnyEvent::Socket;
    require AnyEvent::Handle;
    my %handle;
    my $guard = AnyEvent::Socket::tcp_server(
        '127.0.0.1',
        undef,
        sub {
            my ($peer) = @_;
            my $handle = AnyEvent::Handle->new(
                fh       => $peer,
                on_eof   => sub { delete $handle{ $_[0] } },
                on_error => sub { delete $handle{ $_[0] } },
                on_read  => sub {
                    $_[0]->push_read(
                        line => sub {
                            $_[0]->push_write("$_[1]\n");
                            $_[0]->on_drain(sub { delete $handle{ $_[0] } }) if $once;
                        }
                    );
                },
            );
            $handle{$handle} = $handle;
        },
        sub { listening($_[2]); return BACKLOG }
    );
    AnyEvent->condvar->recv;
    return;
}

sub mojo {
    require Mojo::IOLoop;
    Mojo::IOLoop->singleton->max_connections(MANY);
    my $id = Mojo::IOLoop->server(
        { address => '127.0.0.1', port => 0, backlog => BACKLOG },
        sub {
            my ($loop, $stream) = @_;
            my $input = '';
            $stream->timeout(0);
            $stream->on(
                read => sub {
                    $input .= $_[1];
                    while ($input =~ s/^(.*\n)//) {
                        $once ? $_[0]->write($1 => sub { $_[0]->close }) : $_[0]->write($1);
                    }
                }
            );
        }
    );
    listening(Mojo::IOLoop->acceptor($id)->port);
    Mojo::IOLoop->start;
    return;
}

sub io_async {
    require IO::Async::Listener;
    require IO::Async::Loop;
    require IO::Async::Stream;
    my $loop     = IO::Async::Loop->new;
    my $listener = IO::Async::Listener->new(
        handle    => listener(),
        on_stream => sub {
            my (undef, $stream) = @_;
            $stream->configure(
                on_read => sub {
                    my ($self, $buffer) = @_;
                    while ($$buffer =~ s/^(.*\n)//) {
                        $self->write($1);
                        $self->close_when_empty if $once;
                    }
                    return 0;
                }
            );
            $loop->add($stream);
        }
    );

    $loop->add($listener);
    $loop->run;
    return;
}

sub net_server {
    my ($personality, @options) = @_;

    @Responder::ISA = ("Net::Server::$personality");
    Responder->run(
        host      => '127.0.0.1',
        port      => 0,
        listen    => BACKLOG,
        log_level => 0,
        ipv       => 4,
        @options
    );
    return;
}

package Responder;

sub pre_loop_hook {
    my ($self) = @_;

    return main::listening($self->{server}{sock}[0]->sockport);
}

# Fork and PreFork.
sub process_request {
    while (defined(my $line = readline *STDIN)) {
        print $line;
        last if $once;
    }
    return;
}

sub mux_input {
    my ($self, $mux, $handle, $input) = @_;

    while ($$input =~ s/^(.*\n)//) {
        print $1;
        return $mux->shutdown($handle, 2) if $once;
    }
    return;
}
