package NetIO::Load::Failure;

# What ends a load.  Thrown by every module of NetIO::Load, caught by the program.

use strict;
use warnings;

use Exporter 'import';

# The exit codes of sysexits.h that whois-load ends with.
use constant {
    EX_USAGE     => 64,
    EX_DATAERR   => 65,
    EX_NOINPUT   => 66,
    EX_SOFTWARE  => 70,
    EX_CANTCREAT => 73,
    EX_IOERR     => 74,
    EX_TEMPFAIL  => 75,
};

our @EXPORT_OK   = qw(EX_USAGE EX_DATAERR EX_NOINPUT EX_SOFTWARE EX_CANTCREAT EX_IOERR EX_TEMPFAIL);
our %EXPORT_TAGS = (exit => [@EXPORT_OK]);

sub throw {
    my ($class, $code, $text) = @_;

    die bless { code => $code, text => $text }, $class;
}

sub throw_signal {
    my ($class, $signal) = @_;

    die bless { signal => $signal }, $class;
}

sub code   { return $_[0]{code} }
sub text   { return $_[0]{text} }
sub signal { return $_[0]{signal} }

1;

__END__

=head1 NAME

NetIO::Load::Failure - what ends a load of a directory

=head1 SYNOPSIS

    use NetIO::Load::Failure ':exit';

    open my $handle, '<', $name
        or NetIO::Load::Failure->throw(EX_NOINPUT, "cannot read $name: $!");

=head1 DESCRIPTION

An exception that carries what L<whois-load(1)> has to do at the end: print a text and exit
with a code of F<sysexits.h>, or end by the signal that interrupted it.

The constants C<EX_USAGE>, C<EX_DATAERR>, C<EX_NOINPUT>, C<EX_SOFTWARE>, C<EX_CANTCREAT>,
C<EX_IOERR> and C<EX_TEMPFAIL> are exported under C<:exit>.

=head1 METHODS

=over

=item throw(CODE, TEXT)

Dies with a failure of that exit code and text.

=item throw_signal(NAME)

Dies with a failure that says "a signal asked to stop": C<INT>, C<TERM> or C<HUP>.

=item code, text, signal

What it was thrown with.

=back

=head1 SEE ALSO

L<NetIO::Load>, L<whois-load(1)>

=cut
