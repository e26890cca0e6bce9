package NetIO::Load::SQLite;

# How a load talks to SQLite: an error ends the load with a text that names the file, and a
# signal is heard while SQLite is busy.  Called by the builder and by the check of a directory.

use strict;
use warnings;

use DBI;
use Exporter 'import';
use POSIX ();

use NetIO::Load::Failure ':exit';

our @EXPORT_OK = qw(connect_sqlite patiently);

# Now, not at the first connection: whether it is there shows before anything is created.
DBI->install_driver('SQLite');

# Steps of SQLite's machine between two looks for a signal: some milliseconds.
use constant PULSE => 50_000;

# A path may hold what has a meaning in a data source name or in a URI; two slashes at its start
# would name a host.
sub connect_sqlite {
    my ($path, $mode, $trouble) = @_;

    $path =~ s{([^A-Za-z0-9._-])}{sprintf '%%%02X', ord $1}ge;
    my $fail = sub {
        my ($text, $handle) = @_;
        NetIO::Load::Failure->throw(EX_IOERR, "$trouble: " . $handle->errstr);
    };

    # Without Warn => 0 a load that fails would also tell of the rollback, which is meant.
    return DBI->connect(
        "dbi:SQLite:uri=file:$path?$mode",
        '', '',
        {
            AutoCommit     => 1,
            HandleError    => $fail,
            PrintError     => 0,
            Warn           => 0,
            sqlite_unicode => 1,
        }
    );
}

# A handler of a signal must not die inside SQLite, so signals are kept waiting; SQLite stops when
# it finds one, and the handler runs as soon as they are let in again, before anything else.
sub patiently {
    my ($dbh, $work) = @_;
    my @stopping = (POSIX::SIGINT(), POSIX::SIGTERM(), POSIX::SIGHUP());
    my $before   = POSIX::SigSet->new;
    my $waiting  = POSIX::SigSet->new;
    my $look     = sub {
        POSIX::sigpending($waiting);
        return scalar grep { $waiting->ismember($_) } @stopping;
    };

    POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(@stopping), $before);
    $dbh->sqlite_progress_handler(PULSE, $look);
    my $done  = eval { $work->(); 1 };
    my $error = $@;
    $dbh->sqlite_progress_handler(0, undef);
    POSIX::sigprocmask(POSIX::SIG_SETMASK(), $before);
    die $error if !$done;
    return;
}

1;

__END__

=head1 NAME

NetIO::Load::SQLite - how a load talks to SQLite

=head1 SYNOPSIS

    use NetIO::Load::SQLite qw(connect_sqlite patiently);

    my $dbh = connect_sqlite('staff.db.new', 'mode=rw', 'cannot write staff.db.new');
    patiently($dbh, sub { $dbh->do('CREATE INDEX entry_key ON entry(key)') });

=head1 FUNCTIONS

=over

=item connect_sqlite(PATH, MODE, TROUBLE)

A DBI handle on the file of that path, which is taken literally whatever it holds.  The mode is
the query part of a SQLite URI.  Text goes in and comes out as characters.  Any error throws a
L<NetIO::Load::Failure> that says the trouble and what SQLite calls it.

=item patiently(HANDLE, CODE)

Calls the code, in which SQLite may take its time.  Meanwhile SIGINT, SIGTERM and SIGHUP wait,
and make SQLite give up; then they are delivered, so that a handler may end the load by dying.

=back

=head1 SEE ALSO

L<NetIO::Load::Directory>, L<NetIO::Load::Check>

=cut
