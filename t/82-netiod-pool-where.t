# netiod-pool finds NetIO where the same installation has put it, without a PERL5LIB, since netiod
# passes on none: as built, and below a PREFIX, a DESTDIR, or an INSTALL_BASE of its own.

use strict;
use warnings;

use Config;
use Cwd            ();
use File::Basename qw(basename);
use File::Copy     qw(copy);
use File::Path     qw(make_path);
use File::Temp     ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Run;

alarm 300;
delete @ENV{qw(PERL5LIB PERL5OPT PERLLIB)};

my $work = File::Temp->newdir;
spew("$work/program", qq{BEGIN { print \$INC{'NetIO/Pool.pm'}, "\\n"; exit 0 }\n});

# Which NetIO::Pool the netiod-pool of that installation loads.
sub pool_of {
    my ($top) = @_;
    my (undef, $out, $err) = run($^X, "$top/bin/netiod-pool", '--sockets', 1, "$work/program");

    return $out || $err;
}

# A folder with netiod-pool, and what was built in the folders below it that are said.
sub install {
    my ($name, %folder) = @_;
    my $top = "$work/$name";

    make_path("$top/bin", map { "$top/$_" } values %folder);
    copy('blib/script/netiod-pool', "$top/bin") or die "copy: $!\n";
    for my $built (sort keys %folder) {
        for my $path (glob "blib/$built/*") {
            symlink Cwd::abs_path($path), "$top/$folder{$built}/" . basename($path)
                or die "$path: $!\n";
        }
    }
    return $top;
}

my ($lib, $arch) =
    map { $Config{$_} =~ s{^\Q$Config{siteprefixexp}\E/}{}r } qw(sitelibexp sitearchexp);
for my $row (
    ['as built',           lib => 'lib',       arch => 'arch'],
    ['PREFIX and DESTDIR', lib => $lib,        arch => $arch],
    ['INSTALL_BASE',       lib => 'lib/perl5', arch => "lib/perl5/$Config{archname}"],
    )
{
    my ($name, %folder) = @$row;
    my $top = install($name =~ tr/ /-/r, %folder);
    is pool_of($top), "$top/$folder{lib}/NetIO/Pool.pm\n", $name;
    my (undef, $out) = run('sh', '-c', "cd $top/bin && exec $^X netiod-pool --version");
    like $out, qr/^netiod-pool [\d.]+\n\z/, '... and its version';
}

done_testing;
