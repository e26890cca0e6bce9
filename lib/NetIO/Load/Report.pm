package NetIO::Load::Report;

# What a load says on standard error.  Used by whois-load and handed to NetIO::Load.

use strict;
use warnings;

use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use constant {
    MOST_REPORTS => 20,
    BAR          => 20,     # columns
    WIDTH        => 38,     # of all that progress draws: half a terminal
    REDRAW       => 0.1,    # seconds
};

sub new {
    my ($class, %option) = @_;
    my $now = clock_gettime(CLOCK_MONOTONIC);

    return bless {
        quiet   => $option{quiet},
        dry_run => $option{dry_run},
        bar     => !$option{quiet} && -t STDERR,
        drawn   => 0,
        redraw  => 0,
        started => $now,
        skipped => 0,
        passed  => 0,
        notes   => 0,
    }, $class;
}

sub skipped { return $_[0]{skipped} }

# One line.
sub line {
    my ($self, $text) = @_;

    $self->_erase;
    print STDERR 'whois-load: ', printable($text), "\n";
    return;
}

# File names are bytes, so messages are; what a name holds must not move the cursor, as the
# controls from U+0080 on do, which are two bytes of UTF-8.
sub printable {
    my ($text) = @_;

    utf8::downgrade($text, 1) or utf8::encode($text);
    $text =~
        s/([\x00-\x1f\x7f]|\xc2[\x80-\x9f])/join '', map { sprintf '\\x%02X', $_ } unpack 'C*', $1/ge;
    return $text;
}

sub skip {
    my ($self, $place, $text) = @_;

    $self->line("$place: $text") if ++$self->{skipped} <= MOST_REPORTS;
    return;
}

# What is worth knowing and no fault.
sub note {
    my ($self, $place, $text) = @_;

    return                       if $self->{quiet};
    $self->line("$place: $text") if ++$self->{notes} <= MOST_REPORTS;
    return;
}

sub pass {
    my ($self, $records) = @_;

    $self->{passed} += $records;
    return;
}

sub progress {
    my ($self, $phase, $fraction) = @_;

    return if !$self->{bar};
    my $now = clock_gettime(CLOCK_MONOTONIC);
    return if $now < $self->{redraw} && $phase eq $self->{drawn};
    $fraction = 1 if $fraction > 1;
    my $done = int BAR * $fraction;
    printf STDERR "\r%-10s [%s%s] %3d%%", $phase, '#' x $done, '.' x (BAR - $done), 100 * $fraction;
    $self->{drawn}  = $phase;
    $self->{redraw} = $now + REDRAW;
    return;
}

sub _erase {
    my ($self) = @_;

    print STDERR "\r", ' ' x WIDTH, "\r" if $self->{drawn};    # on any kind of terminal
    $self->{drawn} = 0;
    return;
}

# After the last record, whether the load went well or not.
sub finish {
    my ($self) = @_;
    my ($skipped, $notes) = map { $_ - MOST_REPORTS } @$self{qw(skipped notes)};

    $self->_erase;
    $self->line("$skipped more " . ($skipped == 1 ? 'record' : 'records') . ' skipped')
        if $skipped > 0;
    $self->line("$notes more " . ($notes == 1 ? 'note' : 'notes')) if $notes > 0;
    return;
}

sub summary {
    my ($self, $entries, $files) = @_;

    return if $self->{quiet};
    $self->line(
        sprintf '%s%d %s from %d %s in %.1f s, %d skipped%s',
        $self->{dry_run} ? 'dry run: ' : '',
        $entries,
        $entries == 1 ? 'entry' : 'entries',
        $files,
        $files == 1 ? 'file' : 'files',
        clock_gettime(CLOCK_MONOTONIC) - $self->{started},
        $self->{skipped},
        $self->{passed} ? ", $self->{passed} passed over" : ''
    );
    return;
}

1;

__END__

=head1 NAME

NetIO::Load::Report - what a load says on standard error

=head1 SYNOPSIS

    my $report = NetIO::Load::Report->new(quiet => 0);

    $report->progress('reading', 0.5);
    $report->skip('oui.txt:31313', 'the (hex) line names no organisation');
    $report->finish;
    $report->summary(46523, 4);

=head1 METHODS

=over

=item new(quiet => FLAG, dry_run => FLAG)

The clock of the summary starts here; it says when it is that of a dry run.

=item line(TEXT)

One line, after C<whois-load: >, its control characters escaped.

=item printable(TEXT)

A function: the text as bytes, its control characters escaped.

=item skip(PLACE, TEXT)

A record that could not be read.  The first 20 are printed, the rest counted.

=item skipped

How many there were.

=item note(PLACE, TEXT)

What is worth knowing and no fault, unless the report is quiet.  The first 20 are printed, the rest
counted.

=item pass(NUMBER)

So many records were passed over, because a map does not want them.

=item progress(PHASE, FRACTION)

A bar, when standard error is a terminal and the report is not quiet.

=item finish

Takes the bar away and prints how many more records were skipped, and notes made, than were
printed.

=item summary(ENTRIES, FILES)

The line at the end, unless the report is quiet.

=back

=head1 SEE ALSO

L<NetIO::Load>, L<whois-load(1)>

=cut
