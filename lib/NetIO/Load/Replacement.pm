package NetIO::Load::Replacement;

# A file that takes the place of another one in a single step.  Called by NetIO::Load; touches
# PATH, PATH.new and PATH.lock.
#
#   new      nothing is created for a PATH that cannot be replaced; then the lock
#   create   PATH.new, empty                          \ killed here: the old file stays, and the
#   publish  fsync, rename over PATH, fsync folder    / next load removes PATH.new
#   discard  PATH.new goes
#
# PATH.lock stays: were it removed, one load could hold the removed file and another a new one.

use strict;
use warnings;

use Fcntl qw(:DEFAULT :flock :mode);
use IO::Handle;

use NetIO::Load::Check 'holds_directory';
use NetIO::Load::Failure ':exit';

sub new {
    my ($class, $path) = @_;
    my $self = bless { path => $path, new => "$path.new", lock => "$path.lock" }, $class;

    $self->_check_old;
    $self->_take_lock;
    return $self;
}

sub path   { return $_[0]{new} }
sub handle { return $_[0]{handle} }

# What is no directory is not overwritten: a slip of the pen must not cost somebody a file.
sub _check_old {
    my ($self) = @_;
    my $path   = $self->{path};
    my $refuse = sub {
        NetIO::Load::Failure->throw(EX_CANTCREAT, "cannot replace $path: $_[0]");
    };

    no warnings 'newline';    # a path is a path, even one that ends with a line
    my $mode = (lstat $path)[2];
    return                      if !defined $mode && $!{ENOENT} && $path !~ m{/\z};
    $refuse->($!)               if !defined $mode && $path !~ m{/\z};
    $refuse->('it is a folder') if !defined $mode || S_ISDIR($mode);
    $refuse->('it is a symbolic link; name the file it leads to') if S_ISLNK($mode);
    $refuse->('it is not a regular file')                         if !S_ISREG($mode);
    return                                                        if -z _;
    sysopen my $old, $path, O_RDONLY | O_NOFOLLOW or $refuse->($!);
    $refuse->('it is not a directory of NetIO') if !holds_directory($old);
    return;
}

# Nobody but the owner may open the lock: who can open it can hold it.
sub _take_lock {
    my ($self) = @_;

    sysopen $self->{locked}, $self->{lock}, O_RDWR | O_CREAT | O_NOFOLLOW, 0600
        or NetIO::Load::Failure->throw(EX_CANTCREAT, "cannot create $self->{lock}: $!");
    return if flock $self->{locked}, LOCK_EX | LOCK_NB;
    NetIO::Load::Failure->throw(EX_TEMPFAIL, "another load of $self->{path} is running")
        if $!{EWOULDBLOCK};
    NetIO::Load::Failure->throw(EX_IOERR, "cannot lock $self->{lock}: $!");
}

# The lock is ours, so a PATH.new that is there was left by a load that was killed.
sub create {
    my ($self) = @_;

    if (!unlink($self->{new}) && !$!{ENOENT}) {
        NetIO::Load::Failure->throw(EX_CANTCREAT, "cannot remove $self->{new}: $!");
    }
    $self->{created} = 1;
    sysopen $self->{handle}, $self->{new}, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0644
        or NetIO::Load::Failure->throw(EX_CANTCREAT, "cannot create $self->{new}: $!");
    return;
}

# An fsync that failed is not tried again: the second one would report success over lost pages.
sub publish {
    my ($self) = @_;
    my $folder = $self->{path} =~ m{^(.*/)}s ? $1 : '.';

    $self->_sync($self->{handle})
        or NetIO::Load::Failure->throw(EX_IOERR, "cannot sync $self->{new}: $!");
    rename $self->{new}, $self->{path}
        or NetIO::Load::Failure->throw(EX_IOERR, "cannot rename $self->{new}: $!");
    $self->{created} = 0;
    my $handle;
    open($handle, '<', $folder) && $self->_sync($handle)
        or NetIO::Load::Failure->throw(EX_IOERR,
        "$self->{path} is new, but might not outlast a power cut: cannot sync $folder: $!");
    return;
}

sub _sync {
    my ($self, $handle) = @_;
    my $done;

    1 until ($done = $handle->sync) || !$!{EINTR};
    return $done;
}

sub discard {
    my ($self) = @_;

    unlink $self->{new} if $self->{created};
    $self->{created} = 0;
    return;
}

1;

__END__

=head1 NAME

NetIO::Load::Replacement - a file that takes the place of another in one step

=head1 SYNOPSIS

    my $replacement = NetIO::Load::Replacement->new('staff.db');

    eval {
        $replacement->create;
        syswrite $replacement->handle, $everything;
        $replacement->publish;
        1;
    } or $replacement->discard;

=head1 DESCRIPTION

Readers see the old file or the new one, whole, and so does who looks after a crash at any
moment.  Two replacements of one file exclude each other.

=head1 METHODS

=over

=item new(PATH)

Checks that PATH is free, empty or a directory of NetIO, and takes the lock F<PATH.lock>, which
lasts as long as the object.

=item create

Makes F<PATH.new>, empty, mode 0644 less the umask; one that an earlier load left is removed.

=item path, handle

Of F<PATH.new>; the handle is open for reading and writing.

=item publish

Syncs F<PATH.new>, renames it to PATH and syncs the folder.

=item discard

Removes F<PATH.new> unless it was published.

=back

=head1 ERRORS

All methods throw a L<NetIO::Load::Failure>.  When it is the folder that cannot be synced, PATH
is the new file already.

=head1 SEE ALSO

L<NetIO::Load>

=cut
