package NetIO::Pool;

# Loaded by netiod-pool into the perl that compiles the program; what is done for each connection is
# native (xs/pool.c).  It says nothing of its own in the program's packages.
use strict;
use warnings;

use NetIO::Server            ();
use NetIO::Server::Processes ();
use Time::HiRes              ();

our @ISA = ('NetIO::Server');

use constant { LOOK_SECONDS => 2, A_MINUTE => 60 };

my %given;
my @rules;              # files in memory, until they are read
my $told;
my ($looks, $alarm);    # the supervisor looks at the file; the program's own handler
my $supervisor;
my $waits;              # when it was said last that clients wait

# -MNetIO::Pool: what netiod-pool was told, which the program need not see.
sub import {
    # netiod's words are no data of the program's: they are not tainted.
    my ($text) = (delete $ENV{NETIO_POOL} // '') =~ /\A(.+)\z/s
        or die "NetIO::Pool is loaded by netiod-pool(8)\n";
    my @option = split /\x1f/, $text, -1;
    while (my ($name, $value) = splice @option, 0, 2) { push @{ $given{$name} }, $value }
    for (map { m{\Aaccess /proc/self/fd/(\d+)\z} } @{ $given{rule} || [] }) {
        push @rules, undef;
        open $rules[-1], '<&=', $_ or die "rules: descriptor $_: $!\n";
        _hide($_);
    }
    _watch_exit();
    # What was ignored by whoever has started this is none of the program's wishes.
    $SIG{PIPE} = 'DEFAULT'
        if ($SIG{PIPE} // '') eq 'IGNORE';    ## no critic (RequireLocalizedPunctuationVars)
    return;
}

INIT { _take_over(\&_supervise) if %given }

# Where the program would begin.
sub _supervise {
    my $server = eval { __PACKAGE__->new(_options()) };

    delete $server->{access} if $server && splice @rules;    # HUP cannot read them again
    if ($server) {
        $server->_is_served;
        $supervisor = $$;
        my $has_run = eval { _take_descriptors(); $server->run; 1 };
        _look_no_more();
        return if $has_run;
    }
    my $why      = $@;
    my $is_wrong = ref $why && $why->stage =~ /\A(?:option|service)\z/;    # one of the values given
    warn 'netiod-pool: ', $why =~ s/(?: at \S+ line \d+[.])?\n*\z/\n/r;
    exit($is_wrong ? 64 : 71);
}

sub _one {
    my ($name) = @_;

    return $given{$name} ? $given{$name}[-1] : undef;
}

# COUNT/SECONDS
sub _rate {
    my ($name) = @_;
    my $rate = _one($name);

    return defined $rate ? [split m{/}, $rate] : undef;
}

sub _options {
    my %option = (
        model       => 'prefork',
        listen      => $given{listen} || [],
        on_serve    => sub { },                # _is_served
        on_start    => \&_begin,
        on_refused  => \&_tell_refused,
        on_trouble  => \&_tell_trouble,
        rate        => _rate('rate'),
        source_rate => _rate('source_rate'),
    );

    for my $name (
        qw(workers total per_source ipv4_bits ipv6_bits refused_text full_text first_seconds
        read_seconds write_seconds total_seconds stop_seconds heartbeat_seconds)
        )
    {
        $option{$name} = _one($name);
    }
    return ((map { defined $option{$_} ? ($_ => $option{$_}) : () } sort keys %option),
        map { split ' ', $_, 2 } @{ $given{rule} || [] });
}

# What netiod has passed: sockets, from 3 on; a pipe for one octet when all workers are ready, and
# one each time that the program's file is another.
sub _take_descriptors {
    my $count = _one('sockets');
    my $ready = _one('ready');

    if (defined $ready) {
        open $told, '>&=', $ready or die "ready: descriptor $ready: $!\n";
        _hide($ready);
    }
    ## no critic (RequireLocalizedPunctuationVars)
    @ENV{qw(LISTEN_PID LISTEN_FDS)} = ($$, $count) if $count;
    return;
}

# In each worker.
sub _begin {
    _end_with($supervisor);
    close $told if $told;
    $SIG{ALRM} = $alarm if $looks;    ## no critic (RequireLocalizedPunctuationVars)
    $SIG{PIPE} = sub { exit 141 }
        if ($SIG{PIPE} // 'DEFAULT') eq 'DEFAULT';    ## no critic (RequireLocalizedPunctuationVars)
    return;
}

sub _tell {
    local $SIG{PIPE} = 'IGNORE';

    return syswrite $told, "\n";
}

# In the supervisor.  netiod itself looks at no file: a file system may not answer for ever.
sub _is_ready {
    return if !$told || !_tell();
    ($looks, $alarm) = (1, $SIG{ALRM});
    $SIG{ALRM} = \&_look;    ## no critic (RequireLocalizedPunctuationVars)
    alarm LOOK_SECONDS;
    return;
}

# While perl ends, nothing catches the signal any more.
sub _look_no_more {
    $looks = 0;
    alarm 0;
    return;
}

# One that is gone for a moment is about to be replaced.
sub _look {
    return if !$looks;
    my $now = join ' ', (Time::HiRes::stat(_one('program')))[0, 1, 7, 9];

    alarm LOOK_SECONDS;
    return if $now eq '' || $now eq _one('file');
    $given{file} = [$now];
    alarm 0 if !_tell();    # nobody listens any more
    return;
}

sub _tell_refused {
    my (undef, $address, $reason, $count) = @_;

    warn "$address refused: $reason" . ($count > 1 ? ", the last of $count" : '') . "\n";
    return;
}

sub _tell_trouble {
    my (undef, $error) = @_;

    if ($error->code_name ne 'EAGAIN') {
        warn "$error\n";
        return;
    }
    # Over the rate each worker is told every second, for as long as somebody waits.
    my $now = Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC());
    return if defined $waits && $now - $waits < A_MINUTE;
    $waits = $now;
    warn "as many as may come have come: clients wait\n";
    return;
}

1;
