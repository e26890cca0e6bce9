package Fuzz;

# What the fuzz targets written in Perl share: a target says what must hold, and dies of what does
# not.  Loaded by NAME.pl, under fuzz/perl.c or replay.pl.

use strict;
use warnings;

use Exporter 'import';
use File::Spec;

use NetIO::Load::Lines;
use NetIO::Load::Map;
use NetIO::Load::Stage;

our @EXPORT = qw(must mark is_shown walk walk_pairs path_of check_failure check_mapped check_entry);

# Bytes from outside must not make a parser stumble over an undefined value.
$SIG{__WARN__} = sub { die "warning: $_[0]" };

# A hint to the fuzzer, which defines it: an input that gives a new text is worth keeping.
*mark = sub { }
    if !defined &mark;

# The prototype gives a match that fails its place in the list, as a false value.
sub must ($$) {
    my ($holds, $what) = @_;

    die "$what\n" if !$holds;
    return;
}

# What may be shown, in the words of netio/text.h.
my $hidden = qr/
      [\x00-\x1f\x7f-\x9f\x{ad}\x{34f}\x{61c}\x{115f}\x{1160}\x{17b4}\x{17b5}\x{180e}]
    | [\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{206f}\x{3164}\x{d800}-\x{dfff}]
    | [\x{fdd0}-\x{fdef}\x{feff}\x{ffa0}\x{fff0}-\x{fffb}\x{1bca0}-\x{1bca3}]
    | [\x{1d173}-\x{1d17a}\x{e0000}-\x{e0fff}]
    | \p{NChar}
/x;

sub is_shown {
    my ($text) = @_;

    return defined $text && !($text =~ tr/ -~//c && $text =~ $hidden);
}

# A message without what it quotes.
sub _shape {
    my ($text) = @_;

    $text =~ s/'.*'/''/;
    $text =~ tr/0-9//d;
    return $text;
}

# A reader takes a file, for it reads with sysread; a map is read from a path.  There is one file
# without a name, in memory where there is such a folder, and each input is written over the one
# before.
my $file;

sub _write {
    my ($bytes) = @_;

    if (!$file) {
        local $ENV{TMPDIR} = -w '/dev/shm' ? '/dev/shm' : File::Spec->tmpdir;
        open $file, '+>:raw', undef or die "no temporary file: $!\n";
    }
    sysseek $file, 0, 0;
    truncate $file, 0 or die "truncate: $!\n";
    syswrite $file, $bytes;
    sysseek $file, 0, 0;
    return $file;
}

sub path_of {
    my ($bytes) = @_;

    return "/proc/$$/fd/" . fileno _write($bytes);
}

sub lines_of {
    my ($bytes) = @_;

    return NetIO::Load::Lines->new(_write($bytes), 'input');
}

# In the place of SQLite's statement, takes what a directory is about to store.
{

    package Fuzz::Row;
    sub execute { my ($self, @row) = @_; @$self = @row; return 1 }
}

my $row   = bless [], 'Fuzz::Row';
my $stage = bless { put => $row, count => 0 }, 'NetIO::Load::Stage';
my %maps;    # built in, by format

# Has a reader read the bytes to their end, and hands every record without an error to the sub.  A
# reader may refuse an input as a whole, but only by an exception of its own.
sub walk {
    my ($class, $bytes, $take) = @_;

    eval { _walk($class, $bytes, $take); 1 } or check_failure(qr/\Ainput(?::[1-9][0-9]*)?: /);
    return;
}

# $@ is how a load ends by itself, and names the place.
sub check_failure {
    my ($place) = @_;
    my $failure = $@;

    die $failure if !ref $failure || !$failure->isa('NetIO::Load::Failure');
    my $text = $failure->text;
    must(is_shown($text),     'a failure that may not be shown');
    must($text =~ s/$place//, "a failure without its place: $text");
    mark('failure', _shape($text));
    return;
}

sub _walk {
    my ($class, $bytes, $take) = @_;
    my $lines  = lines_of($bytes);
    my $number = ($bytes =~ tr/\n//) + ($bytes =~ /[^\n]\z/ ? 1 : 0);
    my ($last, $count) = (1, 0);

    mark('recognized', $class->recognizes($lines->start) ? 1 : 0);
    my $reader = $class->new($lines);
    while (my $record = $reader->next) {
        my $line = $record->{line};
        must($line =~ /^[0-9]+\z/,    "line '$line' is not a number");
        must($line >= $last,          "line $line comes after line $last");
        must($line <= $lines->number, "line $line, and only " . $lines->number . ' were read');
        must(++$count <= $number,     "more records than lines, which are $number");
        exists $record->{error} ? _check_error($record) : $take->($record, $reader);
        $last = $line;
    }
    must($lines->number <= $number, 'more lines than there are');
    must(!$reader->next,            'a record behind the end');
    return;
}

sub _check_error {
    my ($record) = @_;
    my $error = $record->{error};

    must(keys %$record == 2,                                 'an error beside a record');
    must(defined $error && $error ne '' && is_shown($error), 'an error that may not be shown');
    mark('error', _shape($error));
    return;
}

# For a reader whose records are pairs: also makes entries of them, by the map of the format; those
# of CSV and stanzas show everything, and so LDIF is put through that, too.
sub walk_pairs {
    my ($class, $format, $bytes) = @_;
    my %option = (options => $format eq 'ldif');
    my @maps   = map { $maps{$_} ||= NetIO::Load::Map->builtin($_) } $format,
        $format eq 'ldif' ? 'csv' : ();

    my @text = split /\n/, $bytes;

    $_ = $_->for_file(%option) for @maps;
    walk(
        $class, $bytes,
        sub {
            my ($record, $reader) = @_;
            _check_pairs($record, $reader->names);
            _check_place($record, $text[$record->{line} - 1], $reader->names);
            for my $map (@maps) {
                check_mapped($map->entry($record));
            }
        }
    );
    return;
}

sub _check_pairs {
    my ($record, @names) = @_;
    my $pairs = $record->{pairs};
    my %known = map { $_ => 1 } @names;

    must(keys %$record == 2 && @$pairs > 0, 'a record of something else than pairs');
    for my $pair (@$pairs) {
        my ($name, $value, $reason) = @$pair;
        must(defined $name && $name =~ /\S/,      'a pair without a name');
        must(!@names || $known{$name},            'a pair of a name not told beforehand');
        must(@$pair == (defined $value ? 2 : 3),  'a value and a reason why there is none');
        must(defined $value || is_shown($reason), 'a reason that may not be shown');
        mark('value', defined $value ? length sprintf('%b', length $value) : $reason);
    }
    mark('pairs', length sprintf '%b', scalar @$pairs);
    return;
}

# A record is where its first name stands, or the beginning of one that is folded, unless the names
# stand elsewhere.
sub _check_place {
    my ($record, $text, @names) = @_;
    my $first = @names ? '' : $record->{pairs}[0][0];

    must($text =~ /\S/,             "a record in line $record->{line}, which is empty");
    must(index($text, $first) >= 0 || index($first, $text =~ s/\s+\z//r) == 0,
        "no '$first' in line $record->{line}");
    return;
}

# What a map makes of a record: an entry, an error, or nothing when the record is not wanted.
sub check_mapped {
    my ($entry) = @_;

    return mark('passed over') if !$entry;
    exists $entry->{error} ? _check_error($entry) : check_entry($entry);
    return;
}

# What a directory makes of an entry is fit to be stored and shown.
sub check_entry {
    my ($entry) = @_;

    my $error = $stage->add($entry, 'input:1');
    return must(is_shown($error), 'an error that may not be shown') if defined $error;
    my ($folded, $key, $handle, $name, $summary, $fields, $other) = @$row;
    must($handle ne '' && $name ne '',                    'an entry without handle or name');
    must(is_shown("$folded$handle$name$summary"),         'text that may not be shown');
    must(!($other =~ tr/\x00-\x1f//),                     'words that may not be shown');
    must(!($key =~ tr/-:._ A-Z//),                        "the key '$key' is not folded");
    must($fields =~ /\A(?:[^\t\n]{1,40}\t[^\t\n]*\n)*\z/, 'fields that are no lines');
    must(is_shown($fields =~ tr/\t\n//dr),                'a field that may not be shown');
    return;
}

1;
