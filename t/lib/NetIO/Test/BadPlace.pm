package NetIO::Test::BadPlace;

# A file of each format, of two good records around a bad place: what a load makes of it, told in
# one text, and how much memory that took.  For t/67-load-hostile.t and t/67-load-endless.t.
#
#     put($format, sub { my ($file) = @_; $file->print("\0" x 70_000) });
#     is run_watched($format), "exit 65\n1: the line is longer than 65536 bytes\nOne; Two";
#     cmp_ok peak(), '<', 40_960;

use strict;
use warnings;

use Exporter 'import';
use IO::Handle;
use NetIO::Test::Load;

our @EXPORT = qw(place directory file_of put outcome run_watched peak);

my $folder = folder();
my $path   = "$folder/a.db";

# What a format needs to hold two good records around a bad place, and how many lines come before it.
my %format = (
    ieee => {
        name   => 'in.txt',
        before =>
            "\nOUI\t\tOrganization\n\n02-00-01   (hex)\t\tOne\n020001     (base 16)\t\tOne\n\n",
        after => "02-00-02   (hex)\t\tTwo\n020002     (base 16)\t\tTwo\n\n",
        lines => 6,
    },
    ldif => {
        name   => 'in.ldif',
        before => "version: 1\n\ndn: uid=1\nobjectClass: person\nuid: 1\nsn: One\n\n",
        after  => "\ndn: uid=2\nobjectClass: person\nuid: 2\nsn: Two\n",
        lines  => 7,
    },
    csv    => { name => 'in.csv', before => "id,name\n1,One\n", after => "2,Two\n", lines => 2 },
    stanza => {
        name   => 'in.stanza',
        before => "Id: 1\nName: One\n\n",
        after  => "\nId: 2\nName: Two\n",
        lines  => 3,
    },
);

sub place { return $folder }

sub directory { return $path }

sub file_of {
    my ($how) = @_;

    return "$folder/$format{$how}{name}";
}

# The file of that format, with what the code writes in the bad place.
sub put {
    my ($how,    $write) = @_;
    my ($before, $after) = @{ $format{$how} }{qw(before after)};

    open my $file, '>:raw', file_of($how) or die "$format{$how}{name}: $!\n";
    $file->print($before);
    $write->($file);
    $file->print($after);
    close $file or die "$format{$how}{name}: $!\n";
    return;
}

# The outcome of a load in one text: exit code, messages, and the names in the directory.  Numbers
# of lines are those of the bad place, from 1.
sub outcome {
    my ($how, $code, $said) = @_;
    my $file = file_of($how);

    $said =~ s{(?:\Q$file\E:|in line \K)(\d+)}{$1 - $format{$how}{lines}}ge;
    $said =~ s/\A(.*\n)(?:.*\n){19}(\d+) more records skipped$/"$1and " . ($2 + 19) . ' like it'/e;
    return "exit $code\n$said" . (-e $path ? names_in($path) : 'nothing');
}

# The peak of a load's memory in KiB; it is written down at its end by this module.
spew("$folder/Peak.pm", <<'PERL');
package Peak;
END {
    my $code = $?;
    open my $status, '<', '/proc/self/status';
    open my $peak,   '>', $ENV{PEAK};
    print {$peak} map { /^VmHWM:\s+(\d+)/ } <$status>;
    close $peak;
    $? = $code;
}
1;
PERL
my @watched = ('env', "PERL5OPT=-I$folder -MPeak", "PEAK=$folder/peak");

# The peak that the last one had.
sub peak { return slurp("$folder/peak") }

# What a load of the file of that format comes to, by the program, whose memory is measured.
sub run_watched {
    my ($how) = @_;
    my @call  = ('--directory', "sqlite:$path", '--format', $how, file_of($how));
    my $got   = run_load({ under => \@watched }, @call);
    my $said  = $got->{err};

    $said =~ s/^whois-load: \d+ entr(?:y|ies) from .*\n//m;
    $said =~ s/^whois-load: //mg;
    return outcome($how, $got->{signal} ? "by signal $got->{signal}" : $got->{code}, $said);
}

1;
