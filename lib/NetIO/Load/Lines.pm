package NetIO::Load::Lines;

# One input, line by line, in bounded memory.  Every reader of a format stands on it.

use strict;
use warnings;

use NetIO::Load::Clean 'text_of';
use NetIO::Load::Failure ':exit';

use constant UNENDED => 'the file ends in the middle of this line';
use constant {
    LONGEST => 65_536,    # bytes of a line
    SLICE   => 65_536,    # bytes of one read(2)
    START   => 4_096,     # bytes by which a format is recognised
};

sub new {
    my ($class, $handle, $name) = @_;

    return bless {
        handle  => $handle,
        name    => $name,
        buffer  => '',
        at      => 0,         # where in the buffer the next line begins
        taken   => 0,
        number  => 0,
        bytes   => 0,
        unended => 0,
    }, $class;
}

sub of_file {
    my ($class, $path) = @_;

    open my $handle, '<:raw', $path
        or NetIO::Load::Failure->throw(EX_NOINPUT, "cannot read $path: $!");
    NetIO::Load::Failure->throw(EX_NOINPUT, "cannot read $path: it is a folder") if -d $handle;
    return $class->new($handle, $path);
}

sub as_bytes {
    my ($self) = @_;

    $self->{bytes} = 1;
    return;
}

sub name     { return $_[0]{name} }
sub number   { return $_[0]{number} }
sub taken    { return $_[0]{taken} }
sub is_ended { return !$_[0]{unended} }

sub size {
    my ($self) = @_;

    return -f $self->{handle} ? -s _ : undef;
}

sub start {
    my ($self) = @_;

    1 while length $self->{buffer} < START && $self->_fill;
    return substr $self->{buffer}, 0, START;
}

# Called for every line there is, so the ordinary line is dealt with right here.
sub next {
    my ($self) = @_;
    my $end    = index $self->{buffer}, "\n", $self->{at};
    my $length = $end - $self->{at};

    return $self->_odd_line if $end < 0 || $length > LONGEST || !$self->{number};
    my $line = substr $self->{buffer}, $self->{at}, $length;
    $self->{at} = $end + 1;
    $self->{number}++;
    chop $line if substr($line, -1) eq "\r";
    return $line =~ tr/\x00-\x7f//c && !$self->{bytes} ? text_of($line) : $line;
}

# The first line, one whose end is not in the buffer yet, or one with a flaw.
sub _odd_line {
    my ($self) = @_;
    my $head;    # of a line that is too long, whose rest is read and dropped
    my $end;

    while (($end = index $self->{buffer}, "\n", $self->{at}) < 0) {
        if (length($self->{buffer}) - $self->{at} > LONGEST) {
            $head       = substr $self->{buffer}, $self->{at}, LONGEST if !defined $head;
            $self->{at} = length $self->{buffer};
        }
        last if !$self->_fill;
    }
    my $stop = $end < 0 ? length $self->{buffer} : $end;
    my $line = substr $self->{buffer}, $self->{at}, $stop - $self->{at};
    my $flaw = $end < 0 ? UNENDED : undef;
    return if $end < 0 && $line eq '' && !defined $head;
    $self->{unended} = $end < 0;
    $self->{at}      = $end < 0 ? $stop : $stop + 1;
    $head            = substr $line, 0, LONGEST if !defined $head && length $line > LONGEST;
    ($line, $flaw) = ($head, 'the line is longer than ' . LONGEST . ' bytes') if defined $head;
    $line =~ s/^\xef\xbb\xbf// if $self->{number}++ == 0;
    $line =~ s/\r\z//;
    return ($self->{bytes} ? $line : text_of($line), $flaw);
}

# Reads on; false at the end of the file.  A handler of a signal that wants to end the load dies,
# and does so right here when the read is what it interrupts.
sub _fill {
    my ($self) = @_;
    my $got;

    substr($self->{buffer}, 0, $self->{at}) = '';
    $self->{at} = 0;
    until (defined($got = sysread $self->{handle}, $self->{buffer}, SLICE, length $self->{buffer}))
    {
        next if $!{EINTR};
        NetIO::Load::Failure->throw(EX_IOERR, "cannot read $self->{name}: $!");
    }
    $self->{taken} += $got;
    return $got;
}

1;

__END__

=head1 NAME

NetIO::Load::Lines - an input file, line by line, in bounded memory

=head1 SYNOPSIS

    my $lines = NetIO::Load::Lines->of_file('oui.txt');

    while (my ($line, $flaw) = $lines->next) {
        warn $lines->name . ':' . $lines->number . ": $flaw\n" if defined $flaw;
    }

=head1 DESCRIPTION

Lines end with LF or CRLF.  They come as characters: UTF-8 or, line by line, Latin-1 where the
bytes are not UTF-8.  A mark of byte order at the start of the file is dropped.  Whatever the
input holds, no more than two slices of 64 KiB of it are in memory.

=head1 METHODS

=over

=item new(HANDLE, NAME)

Reads from the handle with sysread.  The name is for messages.

=item of_file(PATH)

Reads from that file.  Throws a L<NetIO::Load::Failure> when it cannot be opened or is a folder.

=item next

A list: the next line without its end, and what is wrong with it, or undef; nothing after the last
line.  A line of more than 65536 bytes comes cut and with a flaw; a last line without an end, since
that is what a file that was cut off looks like, has the flaw C<UNENDED>.  Throws a
L<NetIO::Load::Failure> when the file cannot be read.

=item as_bytes

From now on C<next> gives bytes, for formats where a character may begin in one line and end in
the next.

=item is_ended

False once C<next> has given a last line without an end, even one whose flaw is its length.

=item number

Of the line that C<next> gave last, from 1.

=item start

The first bytes of the file, at least 4096 where there are as many.  Takes nothing away: call it
before the first C<next>.

=item name, size, taken

The name; the bytes of the file, undef when it is not a file but, say, a pipe; the bytes read so
far.

=back

=head1 SEE ALSO

L<NetIO::Load>

=cut
