package NetIO::Bench::Tree;

# NetIO as it is installed: "make install" into a temporary folder.  From blib, where lib and
# arch stand apart, XSLoader falls back on DynaLoader, which costs milliseconds; so whatever pays
# for loading is measured here.  Called by the parts that start Perl.
#
#     my $tree = NetIO::Bench::Tree->installed($bench);    # once for all parts
#     system $^X, "-I" . $tree->lib, '-MNetIO', '-e1';

use strict;
use warnings;

use File::Find ();

use NetIO::Bench::Process qw(timed);

my $tree;

sub installed {
    my ($class, $bench) = @_;

    return $tree ||= $class->_install($bench->folder . '/tree');
}

sub _install {
    my ($class, $folder) = @_;
    my $self = bless {}, $class;

    timed("$folder.log", 'make', '-s', 'install', "DESTDIR=$folder");
    File::Find::find(
        sub {
            $self->{lib} = $File::Find::dir if $File::Find::name =~ m{/auto/NetIO/NetIO\.\w+$};
            $self->{bin} = $File::Find::dir if $_ eq 'whois-load';
        },
        $folder
    );
    $self->{lib} =~ s{/auto/NetIO$}{};
    -e "$self->{lib}/NetIO.pm" or die "make install: no NetIO.pm in $self->{lib}\n";
    return $self;
}

# Where NetIO.pm is, and auto/NetIO/NetIO.so.
sub lib { return $_[0]{lib} }

# Where its programs are.
sub bin { return $_[0]{bin} }

1;
