package NetIO::Test::Engine;

# A server that is a C program of t/c, seen from outside:
#
#     my $server = NetIO::Test::Engine->start(c_program('drive-models'), 'fork', 'line', '127.0.0.1:0');
#     my $client = $server->client;            # a socket connected to its first address
#     is $server->ask("hello\n"), "<hello>\n"; # all that comes for a question, to the end of file
#     $server->wait_for(qr/closed/) or ...;    # until it has said that on stderr
#     is $server->numbers->{open}, 0;          # what it prints when USR1 comes
#     is $server->stop('TERM'), 0;             # the exit code, or "signal 15"; ended() sends no signal
#
# It is ready when start() returns: it has printed its addresses and "listening".  With { strace =>
# [OPTIONS] } as the first argument it runs under strace(1), whose output is thrown away.  All of it
# ends with the object.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use NetIO::Test::Patience;
use POSIX ();

my $PATIENCE = 20;    # seconds

sub start {
    my ($class, @command) = @_;
    my $how  = ref $command[0] eq 'HASH' ? shift @command : {};
    my $self = bless { said => '', owner => $$, addresses => [] }, $class;

    unshift @command, 'strace', '-f', '-qq', '-I', 'never', '-o', '/dev/null', @{ $how->{strace} }
        if $how->{strace};
    pipe my $out,          my $out_end or die "pipe: $!\n";
    pipe $self->{said_by}, my $err_end or die "pipe: $!\n";
    $self->{pid} = fork // die "fork: $!\n";
    if (!$self->{pid}) {
        setpgrp;
        open STDOUT, '>&', $out_end or die "stdout: $!\n";
        open STDERR, '>&', $err_end or die "stderr: $!\n";
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    setpgrp $self->{pid}, $self->{pid};    # both do it: neither has to wait for the other
    close $_ for $out_end, $err_end;
    while (defined(my $line = readline $out)) {
        chomp $line;
        last if $line eq 'listening';
        push @{ $self->{addresses} }, $line;
    }
    $self->{server} = $how->{strace} ? (children($self->{pid}))[0] : $self->{pid};
    @{ $self->{addresses} } && $self->{server} or die "@command did not start: " . $self->rest;
    return $self;
}

# The process that listens.
sub pid { return $_[0]{server} }

sub addresses { return @{ $_[0]{addresses} } }

sub children {
    my ($pid) = @_;

    open my $file, '<', "/proc/$pid/task/$pid/children" or return;
    return split ' ', readline($file) // '';
}

# Those of the server, and which of them nobody has waited for.
sub workers { return children($_[0]{server}) }

sub zombies {
    my ($self) = @_;

    return grep {
        open my $file, '<', "/proc/$_/stat";
        $file && (readline($file) // '') =~ /\) Z/
    } $self->workers;
}

# How many descriptors it has open.
sub descriptors {
    my ($self) = @_;
    my @fds = glob "/proc/$self->{server}/fd/*";

    return scalar @fds;
}

sub client {
    my ($self, $which, @more) = @_;

    return IO::Socket::INET->new(PeerAddr => $self->{addresses}[$which || 0], @more)
        || die "connecting: $@\n";
}

sub ask {
    my ($self, $question, $which) = @_;
    my $client = $self->client($which);

    syswrite $client, $question;
    shutdown $client, 1;
    return $self->all_of($client);
}

# All that comes, to the end of file; undef when nothing does for a long time.
sub all_of {
    my ($self, $client) = @_;
    my $all    = '';
    my $select = IO::Select->new($client);

    while ($select->can_read($PATIENCE)) {
        my $n = sysread $client, $all, 65536, length $all;
        return $n ? $all : "$all($!)" if !$n && !defined $n;
        return $all                   if !$n;
    }
    return undef;    ## no critic (ProhibitExplicitReturnUndef)
}

# The next line; '' at the end, undef when none comes for a long time.  Nothing is buffered.
sub line_of {
    my ($self, $client) = @_;
    my $line   = '';
    my $select = IO::Select->new($client);

    while ($line !~ /\n\z/ && $select->can_read($PATIENCE)) {
        sysread $client, $line, 1, length $line or return $line;
    }
    return $line =~ /\n\z/ ? $line : undef;
}

# One line there, one line back.
sub says {
    my ($self, $client, $question) = @_;

    syswrite $client, "$question\n";
    my $line = $self->line_of($client) // return 'nothing';
    chomp $line;
    return $line;
}

# Reads what it says on stderr until that matches so many times; whether it did.
sub wait_for {
    my ($self, $match, $times) = @_;
    my $select = IO::Select->new($self->{said_by});

    while ((() = $self->{said} =~ /$match/g) < ($times || 1)) {
        $select->can_read($PATIENCE) && sysread $self->{said_by}, $self->{said}, 65536,
            length $self->{said}
            or return 0;
    }
    return 1;
}

# What it has said and nobody has taken; and takes it.
sub said {
    my ($self) = @_;
    my $said = $self->{said};

    $self->{said} = '';
    return $said;
}

sub rest {
    my ($self) = @_;

    1 while sysread $self->{said_by}, $self->{said}, 65536, length $self->{said};
    return $self->said;
}

# By name.
sub numbers {
    my ($self) = @_;

    $self->{said} =~ s/^numbers: .*\n//mg;
    kill 'USR1', $self->{server};
    $self->wait_for(qr/^numbers: .*\n/m) or return {};
    my ($numbers) = $self->{said} =~ /^numbers: (.*)\n/m;
    $self->{said} =~ s/^numbers: .*\n//mg;
    return { map { split /=/ } split ' ', $numbers };
}

# Asks for its numbers until one of them is this; whether it came to be.
sub until_is {
    my ($self, $name, $value) = @_;

    return eventually { ($self->numbers->{$name} // '') eq $value };
}

sub stop {
    my ($self, $signal) = @_;

    kill $signal || 'TERM', $self->{server};
    return $self->ended;
}

# The exit code, or "signal 15", once it has ended by itself.  No signal is sent, not even CONT, as a
# way of only waiting: LeakSanitizer stops the process before it ends, and CONT undoes that stop
# while LeakSanitizer waits for it, for ever.
sub ended {
    my ($self) = @_;

    waitpid delete $self->{pid}, 0;
    return $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
}

sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$ || !$self->{pid};
    local ($!, $?, $@);
    kill 'KILL', -$self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

1;
