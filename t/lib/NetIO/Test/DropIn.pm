package NetIO::Test::DropIn;

# A program run twice: with IO::Socket::IP, and with an empty subclass of NetIO::Socket of that
# name, which other people's modules then take for it.
#
#     same('LWP', <<'PERL', qr/200 OK/);      # same output, same exit code, and like that
#     use LWP::UserAgent;
#     ...
#     PERL
#
# Programs see warnings as errors on STDERR, which counts as output; an alarm ends them.

use strict;
use warnings;

use Exporter 'import';
use File::Path ();
use File::Temp ();
use Test::More;

our @EXPORT = qw(same missing);

my $folder = File::Temp->newdir;
File::Path::make_path("$folder/IO/Socket");
open my $file, '>', "$folder/IO/Socket/IP.pm" or die "IP.pm: $!\n";
print {$file} <<'PERL';
package IO::Socket::IP;
use NetIO::Socket ();
our @ISA = 'NetIO::Socket';
our $VERSION = '0.41';
1;
PERL
close $file or die "IP.pm: $!\n";

# Why a test of these modules must be skipped; '' when all are there.
sub missing {
    my (@modules) = @_;
    my @missing = grep { !eval "require $_; 1" } @modules;

    return @missing ? "no @missing here" : '';
}

sub output {
    my ($program, @inc) = @_;
    my $script = File::Temp->new;

    print {$script} "use strict;\nuse warnings;\nalarm 300;\n", $program;
    close $script;
    open my $out, '-|', $^X, '-I', 't/lib', (map { ('-I', $_) } @inc, @INC), '-e',
        'open STDERR, ">&", \*STDOUT; do $ARGV[0]; die $@ if $@', "$script" or die "$^X: $!\n";
    my $text = do { local $/; <$out> };
    close $out;
    return ($text =~ s/\Q$script\E/PROGRAM/gr) . "status $?\n";
}

sub same {
    my ($name, $program, $expected) = @_;
    my ($real, $ours) = (output($program), output($program, $folder));

    subtest $name => sub {
        like $real, $expected,     'IO::Socket::IP';
        like $real, qr/status 0$/, 'comes to its end';
        is $ours, $real, 'NetIO::Socket in its place';
    };
    return;
}

1;
