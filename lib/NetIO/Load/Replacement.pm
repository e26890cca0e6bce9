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

use NetIO::Load::Check qw(holds_directory holds_unfinished);
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

# The lock is ours, so a PATH.new that is there was left by a load that was killed; or it is a
# file of somebody's who did not know of loads, which may even be read by this one.
sub _remove_left {
    my ($self) = @_;
    my $refuse = sub {
        NetIO::Load::Failure->throw(EX_CANTCREAT, "cannot remove $self->{new}: $_[0]");
    };

    no warnings 'newline';
    if (lstat $self->{new} and -f _) {
        sysopen my $left, $self->{new}, O_RDONLY | O_NOFOLLOW or $refuse->($!);
        $refuse->('no load has left it') if !holds_unfinished($left);
    }
    unlink $self->{new} or $!{ENOENT} or $refuse->($!);
    return;
}

sub create {
    my ($self) = @_;

    $self->_remove_left;
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
    $self->_is_ours
        or NetIO::Load::Failure->throw(EX_IOERR,
        "cannot rename $self->{new}: somebody has replaced it");
    rename $self->{new}, $self->{path}
        or NetIO::Load::Failure->throw(EX_IOERR, "cannot rename $self->{new}: $!");
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

# Whether PATH.new is still the file that was created, and none that another hand, or a load that
# does not know of this one since PATH.lock was removed, has put there.
sub _is_ours {
    my ($self) = @_;

    return if !$self->{handle} || !defined fileno $self->{handle};
    my @ours  = stat $self->{handle};
    my @there = lstat $self->{new};
    return @ours && @there && $ours[0] == $there[0] && $ours[1] == $there[1];
}

sub discard {
    my ($self) = @_;

    unlink $self->{new} if $self->_is_ours;
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

Makes F<PATH.new>, empty, mode 0644 less the umask; one that an earlier load left is removed.  A
file of that name that cannot be such a one is not.

=item path, handle

Of F<PATH.new>; the handle is open for reading and writing.

=item publish

Syncs F<PATH.new>, renames it to PATH and syncs the folder.  Fails when it is not the file that
was created.

=item discard

Removes F<PATH.new> unless it was published, or is somebody else's.

=back

=head1 ERRORS

All methods throw a L<NetIO::Load::Failure>.  When it is the folder that cannot be synced, PATH
is the new file already.

=head1 SEE ALSO

L<NetIO::Load>

=cut
