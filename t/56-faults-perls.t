# F17: nothing here needs a newer Perl than 5.14.  There is one Perl on a machine, and no matrix of
# them for these tests; what is checked is that the modules and programs use no newer syntax
# (Perl::MinimumVersion), and the XS no function of Perl's that came later (Devel::PPPort's list).
# That a Perl without threads gives the same results nothing here shows.

use strict;
use warnings;

use Config;
use File::Find ();
use File::Temp ();
use Test::More;

alarm 300;

my $FLOOR = 5.014;

sub files {
    my ($wanted, @folders) = @_;
    my @files;

    File::Find::find({ no_chdir => 1, wanted => sub { push @files, $_ if -f && /$wanted/ } },
        @folders);
    return sort @files;
}

sub text_of {
    my ($file) = @_;

    open my $fh, '<', $file or die "$file: $!\n";
    local $/;
    return scalar readline $fh;
}

SKIP: {
    eval { require Perl::MinimumVersion; 1 } or skip 'no Perl::MinimumVersion here', 1;
    my @files =
        (files(qr/\.pm\z/, 'lib'), grep { text_of($_) =~ /\A#!.*perl/ } files(qr/./, 'bin'));
    my @newer;
    for my $file (@files) {
        my $version = Perl::MinimumVersion->new($file)->minimum_version;
        push @newer, "$file: $version" if $version > $FLOOR;
    }
    is "@newer", '', 'F17 the syntax of ' . @files . " files is that of $FLOOR";
}

# What NetIO.c was made into by xsubpp belongs to the Perl that made it.
SKIP: {
    eval { require Devel::PPPort; 1 } or skip 'no Devel::PPPort here', 2;
    my @files = grep { !m{/NetIO\.c\z} } files(qr/\.(?:[ch]|xsi?)\z/, 'xs');
    my @words = map  { text_of($_) =~ s{/\*.*?\*/}{}gsr =~ /\b[A-Za-z_]\w\w+\b/g } @files;
    my %word  = map  { $_ => 1 } @words;
    delete @word{ text_of('xs/older.h') =~ /^#define (\w+)/mg };    # there for older ones, too
    my $names = join '|', sort keys %word;

    my $folder = File::Temp->newdir;
    Devel::PPPort::WriteFile("$folder/ppport.h");
    open my $from, '-|', $^X, "$folder/ppport.h", "--api-info=/^(?:$names)\$/"
        or die "ppport.h: $!\n";
    my $said = do { local $/; readline $from };
    close $from;
    my %since;
    for my $entry (split /^(?==== )/m, $said) {
        my ($name)  = $entry =~ /^=== (\w+) ===/ or next;
        my ($minor) = $entry =~ /^Supported at least .*?since perl-5\.0*(\d+)\S*, .*without/m
            or next;
        $since{$name} = $minor;
    }
    cmp_ok keys %since, '>', 30, 'F17 the XS uses ' . keys(%since) . ' names of Perl';
    my @newer = map { "$_: 5.$since{$_}" } grep { $since{$_} > 14 } sort keys %since;
    is "@newer", '', "F17 none of which came after $FLOOR";
}

done_testing;
