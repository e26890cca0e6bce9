package NetIO::Test::Run;

# Runs a program to its end and says how that was, or starts it and lets the test go on:
#
#     my ($status, $out, $err) = run(@command);
#     my ($status, $out, $err) = run({ input => "text\n" }, @command);
#     my $child = start({ stdin => $handle, stdout => $other }, @command);
#     my ($status, $out, $err) = finish($child);
#
# $status is the exit code, or "signal 15".  What may be in the hash:
#
#     input  => TEXT            is a file on standard input (otherwise that is /dev/null)
#     stdin  => HANDLE or PATH  is standard input
#     stdout => HANDLE or PATH  is standard output; then $out is ''
#     closed => [0, 1, 2]       descriptors that it starts without
#     setup  => CODE            called in the child before the program

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use POSIX      ();

our @EXPORT    = qw(run start finish slurp spew);
our @EXPORT_OK = qw(end_of spew_whole);

my $folder;
my $serial = 0;

# What a background job or nohup ignores would be ignored by all that is started here.
for my $name (grep { ($SIG{$_} // '') eq 'IGNORE' } qw(HUP INT QUIT)) {
    $SIG{$name} = 'DEFAULT'; ## no critic (RequireLocalizedPunctuationVars)
}

sub slurp {
    my ($path) = @_;

    open my $fh, '<:raw', $path or die "$path: $!\n";
    local $/;
    return readline($fh) // '';
}

sub spew {
    my ($path, $text) = @_;

    open my $fh, '>:raw', $path or die "$path: $!\n";
    print {$fh} $text or die "$path: $!\n";
    close $fh         or die "$path: $!\n";
    return $path;
}

# Nobody sees a part of it.
sub spew_whole {
    my ($path, $text) = @_;

    rename spew("$path.new", $text), $path or die "$path: $!\n";
    return $path;
}

sub start {
    my $how = ref $_[0] ? shift : {};
    my (@command) = @_;

    $folder ||= File::Temp->newdir;
    my $base  = "$folder/" . ++$serial;
    my $in    = $how->{stdin} // (defined $how->{input} ? spew("$base.in", $how->{input}) : undef);
    my %child = (out => defined $how->{stdout} ? undef : "$base.out", err => "$base.err");
    $child{pid} = fork // die "fork: $!\n";
    become($how, \%child, $in // '/dev/null', @command) if !$child{pid};
    return \%child;
}

sub become {
    my ($how, $child, $in, @command) = @_;

    eval {
        put(0, '<', $in);
        put(1, '>', $how->{stdout} // $child->{out});
        put(2, '>', $child->{err});
        POSIX::close($_) for @{ $how->{closed} || [] };
        $how->{setup}->() if $how->{setup};
        no warnings 'exec';
        exec { $command[0] } @command;
    };
    print STDERR $@;
    POSIX::_exit(127);
}

# The number itself, whatever Perl thinks of its handles.
sub put {
    my ($number, $mode, $what) = @_;
    my $file = ref $what ? $what : undef;

    if (!$file) {
        open $file, $mode, $what or die "$what: $!\n";
    }
    POSIX::dup2(fileno $file, $number) // die "dup2: $!\n";
    return;
}

# Waits for a child: its exit code, or "signal 15".
sub end_of {
    my ($pid) = @_;

    waitpid $pid, 0;
    return $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
}

sub finish {
    my ($child) = @_;

    my $status = end_of($child->{pid});

    return (
        $status,
        defined $child->{out} && -f $child->{out} ? slurp($child->{out}) : '',
        slurp($child->{err})
    );
}

sub run { return finish(start(@_)) }

1;
