package NetIO::Test::Load;

# Runs whois-load for the tests t/60-load-*.t, and looks at what it made with other means than
# its own.

use strict;
use warnings;

use Compress::Zlib ();
use DBI;
use Exporter 'import';
use File::Temp ();
use POSIX      ();

our @EXPORT = qw(folder spew slurp run_load start_load wait_for_load ieee entries_of state_of
    names_in is_outcome program as_nobody has_strace inject calls_of);

my $program =
    grep({ /blib/ } @INC) && -e 'blib/script/whois-load'
    ? 'blib/script/whois-load'
    : 'bin/whois-load';

sub program { return $program }

sub folder { return File::Temp->newdir(TEMPLATE => 'netio-load-XXXXXX', TMPDIR => 1) }

sub spew {
    my ($path, $bytes) = @_;

    open my $handle, '>:raw', $path or die "$path: $!\n";
    print {$handle} $bytes;
    close $handle or die "$path: $!\n";
    return $path;
}

sub slurp {
    my ($path) = @_;

    open my $handle, '<:raw', $path or die "$path: $!\n";
    local $/;
    my $bytes = <$handle>;
    return defined $bytes ? $bytes : '';
}

# Starts whois-load; a hash before its arguments may give a command to run it under, and where
# its standard error goes.
sub start_load {
    my $how  = ref $_[0] ? shift : {};
    my $said = folder();
    my @call = (@{ $how->{under} || [] }, $^X, map({ "-I$_" } grep { !ref } @INC), $program, @_);

    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        delete @ENV{ grep { /^(?:LD_PRELOAD|PERL5OPT|HARNESS_.*)$/ } keys %ENV };
        @ENV{qw(LC_ALL PERL_HASH_SEED)} = ('C', 0);
        alarm 0;
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', "$said/out";
        open STDERR, '>', $how->{err} || "$said/err";
        exec { $call[0] } @call or POSIX::_exit(127);
    }
    return { pid => $pid, said => $said, err => $how->{err} || "$said/err" };
}

# Exit code, signal, and what it said.
sub wait_for_load {
    my ($load) = @_;

    waitpid $load->{pid}, 0;
    return {
        code   => $? >> 8,
        signal => $? & 127,
        out    => slurp("$load->{said}/out"),
        err    => -f $load->{err} ? slurp($load->{err}) : '',
    };
}

sub run_load { return wait_for_load(start_load(@_)) }

# A registry with a record for each [prefix, name, address lines...].
sub ieee {
    my $text = "OUI/MA-L\t\tOrganization\r\ncompany_id\t\tOrganization\r\n\t\tAddress\r\n\r\n";

    for (@_) {
        my ($prefix, $name, @address) = @$_;
        (my $block = $prefix) =~ tr/-//d;
        $text .= "$prefix   (hex)\t\t$name\r\n$block     (base 16)\t\t$name\r\n";
        $text .= "\t\t\t\t$_\r\n" for @address;
        $text .= "\r\n";
    }
    return $text;
}

# Rows of the directory in their order, as hashes of characters.  Dies when the file is not a
# whole directory.
sub entries_of {
    my ($path)  = @_;
    my $bytes   = slurp($path);
    my $trailer = substr $bytes, -64, 64, '';
    my $wanted  = sprintf "NetIO directory 1 crc32 %08x size %025d\n",
        Compress::Zlib::crc32($bytes), length $bytes;
    die "$path: trailer is $trailer instead of $wanted\n" if $trailer ne $wanted;

    (my $literal = $path) =~ s{([^\w/.])}{sprintf '%%%02X', ord $1}ge;
    my $dbh = DBI->connect("dbi:SQLite:uri=file:$literal?mode=ro&immutable=1",
        '', '', { RaiseError => 1, PrintError => 0, sqlite_unicode => 1 });
    my $sound = $dbh->selectrow_array('PRAGMA integrity_check');
    die "$path: $sound\n" if $sound ne 'ok';
    my $rows = $dbh->selectall_arrayref('SELECT * FROM entry ORDER BY id', { Slice => {} });
    $dbh->disconnect;
    return $rows;
}

sub names_in {
    my ($path) = @_;

    return join '; ', map { $_->{name} } @{ entries_of($path) };
}

# "old" for the very bytes that were there before, the names of the entries for another whole
# directory, the trouble for anything else.
sub state_of {
    my ($path, $old) = @_;

    return 'missing' if !-e $path;
    return 'old'     if slurp($path) eq $old;
    my $names = eval { names_in($path) };
    return defined $names ? $names : "damaged: $@";
}

# One test: exit code, signal and messages are those, the time a load took aside.
sub is_outcome {
    my ($got, $code, $err, $name) = @_;

    (my $said = $got->{err}) =~ s/ in \d+\.\d s, / in TIME, /;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::is("signal $got->{signal}, exit $got->{code}\n$said",
        "signal 0, exit $code\n$err", $name);
}

# The command to run it under as somebody who has no more rights than files give: root becomes
# nobody.  undef where nobody may not read the program and these files.
sub as_nobody {
    my (@files) = @_;
    my @nobody = qw(setpriv --reuid=65534 --regid=65534 --clear-groups);

    return [] if $> != 0;
    for ($program, @files) {
        return undef if system @nobody, 'test', '-r', $_;
    }
    return \@nobody;
}

# Faults by strace(1).  Only what follows the lock can hurt; before it Perl loads its modules.

sub has_strace {
    return
        system('strace -f -e trace=none -e inject=fsync:error=EIO:when=1 ' . 'true >/dev/null 2>&1')
        == 0;
}

# The command that makes the nth such call fail, or kills the program at it.  (Not with
# --seccomp-bpf: strace 6.1 sends no signal then.)
sub inject {
    my ($call, $what, $nth) = @_;

    return [
        'strace', '-f', '-o', '/dev/null', '-e', "trace=$call", '-e',
        "inject=$call:$what:when=$nth"
    ];
}

# A load's calls that change files, from the lock on, each as [name, how many before and with it].
sub calls_of {
    my (@arguments) = @_;
    my $folder      = folder();
    my @names       = qw(openat flock pwrite64 write ftruncate fsync rename unlink);
    my ($begun, %count, @calls);

    run_load(
        { under => ['strace', '-f', '-o', "$folder/calls", '-e', 'trace=' . join ',', @names] },
        @arguments);
    for (split /\n/, slurp("$folder/calls")) {
        my ($name, $rest) = /^\d+\s+(\w+)\((.*)/ or next;
        $begun ||= $rest =~ /\.lock"/;
        $count{$name}++;
        push @calls, [$name, $count{$name}]
            if $begun && ($name ne 'openat' || $rest =~ /netio-load-/);
    }
    return @calls;
}

1;
