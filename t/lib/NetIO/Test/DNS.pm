package NetIO::Test::DNS;

# A name server for tests: it says what its zone tells it to say, lies and silence included.
#
#     my $dns = NetIO::Test::DNS->start($ns, <<'ZONE');      # in a NetIO::Test::Netns
#     both.test     A     192.0.2.1 192.0.2.2
#     both.test     AAAA  2001:db8::1
#     dead.test     *     silent
#     ZONE
#     my @asked = $dns->asked;                                # "A both.test", in order
#
# A line is a name, a type (A, AAAA, or * for both) and what is answered:
#     ADDRESS...   those, over TCP when they are more than a datagram holds
#     many N       N addresses
#     silent       nothing            lost N     nothing N times, then the next line's answer
#     servfail, refused, nxdomain     these codes
#     nodata       no records         cname X    an alias, and nothing about X
#     cname X ADDRESS...    an alias, and the addresses of X
#     chain N ADDRESS...    N aliases, the addresses those of the last
#     odd ADDRESS...        an alias with a line end, a NUL and a dot in a label
#     unasked ADDRESS...    those, of whatever family, whatever was asked
#     garbage      the question, and noise for an answer
#     empty        a datagram without a byte
#     cut N        the first N bytes of an answer
#     tc           truncated, over TCP too
#     forged HOW BAD ADDRESS...    BAD, with another id, to another question or from another source
#                  (HOW: id, question, source), and a little later the addresses
#     late MS ...  the rest of the line, after MS milliseconds
# A name that is not there does not exist; a type that is not there is nodata.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Socket qw(AF_INET AF_INET6 inet_pton);

my %TYPE  = (1 => 'A', 28 => 'AAAA');
my %RCODE = (servfail => 2, nxdomain => 3, refused => 5);

# ---- the test's side -------------------------------------------------------------------

sub start {
    my ($class, $ns, $zone) = @_;

    pipe(my $from_test,   my $to_server) or die "pipe: $!\n";
    pipe(my $from_server, my $to_test)   or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDIN,  '<&', $from_test or die "dup: $!\n";
        open STDOUT, '>&', $to_test   or die "dup: $!\n";
        exec($ns->prefix, $^X, __FILE__) or die "exec: $!\n";
    }
    my $self = bless { pid => $pid, owner => $$, in => $to_server, out => $from_server }, $class;
    my $old  = select $to_server;
    $| = 1;
    select $old;
    print {$to_server} $zone, ".\n";
    my $ready = readline $from_server;
    die "the name server did not start\n" if !defined $ready || $ready ne "ready\n";
    return $self;
}

# What was asked since the last call.
sub asked {
    my ($self) = @_;
    my @asked;

    print { $self->{in} } "asked\n";
    while (defined(my $line = readline $self->{out})) {
        chomp $line;
        return @asked if $line eq '.';
        push @asked, $line;
    }
    die "the name server is gone\n";
}

sub DESTROY {
    my ($self) = @_;
    local ($@, $!, $?);

    return if $self->{owner} != $$;
    close $self->{in};    # end of file ends it
    waitpid $self->{pid}, 0;
    return;
}

# ---- the server's side -----------------------------------------------------------------

sub read_zone {
    my %zone;

    while (defined(my $line = readline STDIN)) {
        chomp $line;
        last if $line eq '.';
        my ($name, $type, @answer) = split ' ', $line;
        next if !defined $type;
        push @{ $zone{ lc $name }{$_} }, [@answer] for $type eq '*' ? qw(A AAAA) : $type;
    }
    return \%zone;
}

sub read_name {
    my ($packet, $at) = @_;
    my @labels;

    while (my $len = ord substr $packet, $at, 1) {
        push @labels, substr $packet, $at + 1, $len;
        $at += $len + 1;
    }
    return (lc join('.', @labels), $at + 1);
}

sub wire_name {
    my ($name) = @_;

    return join '', (map { pack 'C/a', $_ } ref $name ? @$name : split /\./, $name), "\0";
}

sub record {
    my ($type, $data, $owner) = @_;

    $owner = "\xc0\x0c" if !defined $owner;    # the name is that of the question
    return $owner . pack 'nnNn/a', $type, 1, 60, $data;
}

sub many {
    my ($type, $count) = @_;
    my $data =
        $type == 1
        ? sub { pack 'N', 0xc6120000 + shift }
        : sub { pack 'N4', 0x20010db8, 1, 0, shift };

    return map { record($type, $data->($_)) } 1 .. $count;
}

sub address_record {
    my ($type, $text, $name) = @_;

    return record($type, inet_pton($type == 1 ? AF_INET : AF_INET6, $text) // die("$text\n"),
        $name);
}

# An alias, or several one after the other, and the addresses of the last.
sub aliases {
    my ($type, $names, @addresses) = @_;
    my ($owner, @records);

    for my $name (map { wire_name($_) } @$names) {
        push @records, record(5, $name, $owner);
        $owner = $name;
    }
    return @records, map { address_record($type, $_, $owner) } @addresses;
}

# The line that applies: "lost N" lines count down and drop out.
sub line_for {
    my ($zone, $name, $type) = @_;
    my $lines = $zone->{$name}{ $TYPE{$type} // '' } or return ['nodata'];

    while (@$lines > 1 && $lines->[0][0] eq 'lost') {
        return ['silent'] if $lines->[0][1]-- > 0;
        shift @$lines;
    }
    return $lines->[0];
}

# The packet that answers a line; undef for silence.
sub reply {
    my ($line, $packet, $end, $type, $tcp) = @_;
    my ($word, @rest) = @$line;
    my $question = substr $packet, 12, $end - 12;
    my $header   = sub { pack('a2nnnnn', $packet, 0x8180 | $_[0], 1, $_[1], 0, 0) . $question };

    return undef if $word eq 'silent';
    return ''    if $word eq 'empty';
    return $header->(0, 3) . "\xc0\xff" . join('', map { chr((37 * $_) % 256) } 1 .. 60)
        if $word eq 'garbage';
    return $header->($RCODE{$word}, 0) if $RCODE{$word};
    return $header->(0x200,         0) if $word eq 'tc';
    my @records =
          $word eq 'nodata'  ? ()
        : $word eq 'cname'   ? aliases($type, [shift @rest],                         @rest)
        : $word eq 'odd'     ? aliases($type, [["a\nb\0c.d", 'test']],               @rest)
        : $word eq 'chain'   ? aliases($type, [map { "n$_.test" } 1 .. shift @rest], @rest)
        : $word eq 'unasked' ? (map { address_record(/:/ ? 28 : 1, $_) } @rest)
        : $word eq 'many'    ? many($type, $rest[0])
        :                      map { address_record($type, $_) } @$line;
    my $whole = $header->(0, scalar @records) . join '', @records;
    return $tcp || length $whole <= 512 ? $whole : $header->(0x200, 0);    # TC
}

# [when, how to send, packet], soonest first.
my @later;

sub answer {
    my ($zone, $packet, $tcp, $send, $forge) = @_;

    return if length $packet < 17;
    my ($name, $at) = read_name($packet, 12);
    my $type  = unpack 'n', substr $packet, $at, 2;
    my @line  = @{ $zone->{$name} ? line_for($zone, $name, $type) : ['nxdomain'] };
    my $delay = 0;
    (undef, $delay, @line) = @line if $line[0] eq 'late';
    my $limit = $line[0] eq 'cut' ? $line[1] : 65_535;
    @line = ($type == 1 ? '127.0.0.1' : '::1') if $line[0] eq 'cut';
    if ($line[0] eq 'forged') {
        (undef, my $how, my $bad, @line) = @line;
        my $lie = reply([$bad], $packet, $at + 4, $type, $tcp);
        substr($lie, 0,  1) ^= "\x55" if $how eq 'id';
        substr($lie, 13, 1) = 'x'     if $how eq 'question';
        push @later, [now(), $how eq 'source' ? $forge : $send, $lie];
        $delay = 100;
    }
    my $out = reply(\@line, $packet, $at + 4, $type, $tcp);
    if (defined $out) {
        push @later, [now() + $delay / 1000, $send, substr $out, 0, $limit];
        @later = sort { $a->[0] <=> $b->[0] } @later;
    }
    return ($TYPE{$type} // $type) . " $name" . ($tcp ? ' tcp' : '');
}

sub now {
    require Time::HiRes;
    return Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC());
}

sub serve_udp {
    my ($zone, $udp, $other) = @_;
    my $peer = recv($udp, my $packet, 4096, 0);

    return if !defined $peer;
    return answer(
        $zone, $packet, 0,
        sub { send $udp,   $_[0], 0, $peer },
        sub { send $other, $_[0], 0, $peer }
    );
}

sub read_exactly {
    my ($fh, $size) = @_;
    my $data = '';

    while (length $data < $size) {
        sysread $fh, $data, $size - length $data, length $data or return undef;
    }
    return $data;
}

# One question of a connection, on which others may follow; nothing at its end.
sub serve_tcp {
    my ($zone, $client) = @_;
    my $len    = read_exactly($client, 2) // return;
    my $packet = read_exactly($client, unpack 'n', $len) // return;

    return answer($zone, $packet, 1, sub { syswrite $client, pack 'n/a', $_[0] });
}

sub main {
    local $SIG{PIPE} = 'IGNORE';
    my $zone   = read_zone();
    my @at     = (LocalAddr => '127.0.0.1', LocalPort => 53);
    my $udp    = IO::Socket::INET->new(@at, Proto => 'udp')                      or die "udp: $@\n";
    my $tcp    = IO::Socket::INET->new(@at, Listen => 5, ReuseAddr => 1)         or die "tcp: $@\n";
    my $other  = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp') or die "udp: $@\n";
    my $select = IO::Select->new(\*STDIN, $udp, $tcp);
    my @asked;

    $| = 1;
    print "ready\n";
    while (1) {
        my $wait = @later ? $later[0][0] - now() : undef;
        for my $fh ($select->can_read(defined $wait && $wait < 0 ? 0 : $wait)) {
            if    ($fh == $udp) { push @asked, serve_udp($zone, $udp, $other) }
            elsif ($fh == $tcp) { $select->add($tcp->accept // ()) }
            elsif ($fh == \*STDIN) {
                sysread STDIN, my $word, 64 or return;
                print map({ "$_\n" } splice @asked), ".\n";
            } elsif (my $question = serve_tcp($zone, $fh)) {
                push @asked, $question;
            } else {
                $select->remove($fh);
            }
        }
        while (@later && $later[0][0] <= now()) {
            my (undef, $send, $out) = @{ shift @later };
            $send->($out);
        }
    }
}

main() if !caller;

1;
