package NetIO::Bench::Registry;

# Directories to measure with: the IEEE's registry, and copies of it that are larger
# (bench/grow), each loaded by whois-load.  Called by the parts that ask whoisd.
#
#     my $registry = NetIO::Bench::Registry->copies(10);
#     $registry->serve($folder);      # a whoisd that answers from it
#     $registry->size;                # "460k"
#     $registry->rate;                # entries loaded a second; ->day says when
#
# A load of 4.6 million entries takes minutes, so directories are kept, in $NETIO_BENCH_DIR or
# bench/build, with a file beside each that says what it was made of.  They are made again when
# that has changed: the registry, bench/grow, or what whois-load makes of a sample.

use strict;
use warnings;

use DBI;
use Digest::SHA ();
use File::Temp  ();
use POSIX       ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use NetIO::Bench::Process qw(run_piped);

use constant {
    THOUSANDS   => 46,        # of entries in the registry
    SAMPLE_SIZE => 20_000,    # bytes
};

my @sources = map { "/usr/share/ieee-data/$_.txt" } qw(oui mam oui36 iab);
my @loader  = ($^X, '-Mblib', 'blib/script/whois-load', '--quiet');

# For $bench->have.
sub needs { return [$sources[0], 'ieee-data'] }

sub copies {
    my ($class, $copies) = @_;
    my $folder = $ENV{NETIO_BENCH_DIR} || 'bench/build';
    my $size   = $copies * THOUSANDS . 'k';
    my $self   = bless { copies => $copies, size => $size, path => "$folder/registry-$size.db" },
        $class;

    $self->_make if !$self->_is_current;
    return $self;
}

sub size { return $_[0]{size} }
sub rate { return $_[0]{entries} / $_[0]{seconds} }
sub day  { return $_[0]{day} }

sub serve {
    my ($self, $folder) = @_;

    return NetIO::Bench::Process->serve($folder, 'blib/script/whoisd', '-f', '--listen',
        '127.0.0.1:0', '--directory', "sqlite:$self->{path}");
}

# The file beside it: "NAME VALUE" lines.
sub _is_current {
    my ($self) = @_;

    return 0 if !-e $self->{path} || !open my $file, '<', "$self->{path}.made";
    my %made = map { /^(\S+) (.*)$/ ? ($1 => $2) : () } <$file>;
    return 0 if ($made{of} // '') ne $self->_made_of;
    @$self{qw(entries seconds day)} = @made{qw(entries seconds day)};
    return 1;
}

sub _make {
    my ($self) = @_;
    my $began = clock_gettime(CLOCK_MONOTONIC);

    unlink "$self->{path}.made";
    printf {*STDERR} "loading %s, which will be kept\n", $self->{path};
    _load($self->{path}, 'bench/grow', $self->{copies}, @sources);
    $self->{seconds} = clock_gettime(CLOCK_MONOTONIC) - $began;
    $self->{day}     = POSIX::strftime('%Y-%m-%d', gmtime);
    my $dbh = _connect($self->{path});
    ($self->{entries}) = $dbh->selectrow_array(q{SELECT value FROM meta WHERE name = 'entries'});

    open my $file, '>', "$self->{path}.made" or die "$self->{path}.made: $!\n";
    print {$file} map { "$_->[0] $_->[1]\n" } ['of', $self->_made_of],
        map { [$_, $self->{$_}] } qw(entries seconds day);
    close $file or die "$self->{path}.made: $!\n";
    return;
}

# whois-load, with the output of a command as its input.
sub _load {
    my ($path, @input) = @_;

    run_piped([@input], [@loader, '--directory', "sqlite:$path", '--format', 'ieee', '/dev/stdin']);
    return;
}

my $sample;

sub _made_of {
    my ($self) = @_;
    my $digest = Digest::SHA->new(256);

    $digest->add(map { "$_ " . -s . ' ' } @sources);
    $digest->addfile('bench/grow');
    $digest->add($self->{copies}, $sample ||= _sample());
    return $digest->hexdigest;
}

# What whois-load makes of the beginning of a registry: its schema and all its rows but meta's,
# which hold the time.
sub _sample {
    my $folder = File::Temp->newdir;
    my $path   = "$folder/sample.db";

    _load($path, 'head', '-c', SAMPLE_SIZE, $sources[0]);
    my $dbh    = _connect($path);
    my $tables = $dbh->selectall_arrayref('SELECT name, sql FROM sqlite_master ORDER BY name');
    my $text   = _text($tables);
    for (@$tables) {
        my ($name, $sql) = @$_;
        next if $name eq 'meta' || ($sql // '') !~ /^CREATE TABLE/;
        $text .= _text($dbh->selectall_arrayref(qq{SELECT * FROM "$name"}));
    }
    return Digest::SHA::sha256_hex($text);
}

sub _text {
    my ($rows) = @_;

    return join "\n", map { $_ // '' } map { @$_ } @$rows;
}

sub _connect {
    my ($path) = @_;

    return DBI->connect("dbi:SQLite:dbname=$path", '', '',
        { RaiseError => 1, PrintError => 0, ReadOnly => 1 });
}

# Names of organisations, as they are in the registry itself, in its order.
sub names {
    my ($self) = @_;

    return @{ _connect($self->{path})->selectcol_arrayref('SELECT name FROM entry ORDER BY id') };
}

# Handles, likewise.
sub handles {
    my ($self) = @_;

    return @{ _connect($self->{path})->selectcol_arrayref('SELECT handle FROM entry ORDER BY id') };
}

1;
