# The build, from the distribution's tarball in a folder with a blank in its name: what
# perl Makefile.PL says when something is missing; make -j2, make test; a touched header is
# noticed by all who include it; what make install puts where, and that it can be used from
# there; make clean leaves what was in the tarball.

use strict;
use warnings;

use Config;
use Cwd qw(getcwd);
use ExtUtils::MakeMaker ();
use File::Find ();
use File::Temp ();
use Test::More;
use Time::HiRes qw(stat);

$SIG{$_} = sub { die "stopped by a signal\n" }
    for qw(ALRM INT TERM);
alarm 1200;

my $top  = getcwd();
my $work = File::Temp->newdir;
my $tree = "$work/net io";

# What the caller's make says is not for ours.
delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS PERL5LIB PERL_MM_OPT)};

sub run {
    my ($command) = @_;
    my $output = `$command 2>&1 </dev/null`;

    return ($? >> 8, $output);
}

sub runs {
    my ($command, $name) = @_;
    my ($code, $output) = run($command);

    return ok($code == 0, $name) || diag("$command: $code\n$output");
}

sub spew {
    my ($path, $text) = @_;

    open my $file, '>', $path or die "$path: $!\n";
    print $file $text;
    close $file or die "$path: $!\n";
}

# Every file below a folder, with the time of its last change.
sub files {
    my ($folder) = @_;
    my %found;

    File::Find::find({
        no_chdir => 1,
        wanted   => sub { $found{ substr $_, length "$folder/" } = (stat)[9] if -f || -l },
    }, $folder);
    return \%found;
}

sub make_tarball {
    runs(qq{$^X inc/copy.pl "$work/copy"}, 'a copy of the tree');
    chdir "$work/copy" or die "$work/copy: $!\n";
    runs("$^X Makefile.PL && make dist", 'make dist');
    my ($tarball) = glob "$work/copy/NetIO-*.tar.gz";
    ok $tarball, 'the tarball is there' or return;
    mkdir $tree or die "$tree: $!\n";
    runs(qq{tar -xzf "$tarball" -C "$tree" --strip-components=1}, 'it can be unpacked');
    chdir $tree or die "$tree: $!\n";
}

sub test_missing {
    my $bin   = "$work/bin";
    my $empty = "$work/empty";
    my %package = (
        libcares => 'c-ares is missing: apt-get install libc-ares-dev',
        sqlite3  => 'SQLite is missing: apt-get install libsqlite3-dev',
        zlib     => 'zlib is missing: apt-get install zlib1g-dev',
        libidn2  => 'libidn2 is missing: apt-get install libidn2-dev',
    );
    my @cases = (
        ["PATH=$empty",                'make is missing: apt-get install make'],
        ["PATH=$bin",                  "the C compiler $Config{cc} is missing: apt-get install gcc"],
        ['PKG_CONFIG=/nonexistent',    'pkg-config is missing: apt-get install pkgconf'],
        ["PKG_CONFIG_LIBDIR=$empty",   $package{libcares}],
        ["PERL5LIB=$work/lib",         'DBD::SQLite is missing: apt-get install libdbd-sqlite3-perl'],
    );

    mkdir $_ or die "$_: $!\n" for $bin, $empty, "$work/lib", "$work/lib/DBD";
    my ($make) = grep { -x } map { "$_/make" } split /:/, $ENV{PATH};
    symlink $make, "$bin/make" or die "$bin/make: $!\n";
    spew("$work/lib/DBD/SQLite.pm", "die 'hidden by the test'\n");
    for my $name (sort keys %package) {
        my $fake = "$bin/without-$name";
        spew($fake, qq{#!/bin/sh\ncase "\$*" in *$name) exit 1 ;; esac\nexec pkg-config "\$@"\n});
        chmod 0755, $fake or die "$fake: $!\n";
        push @cases, ["PKG_CONFIG=$fake", $package{$name}];
    }
    for (@cases) {
        my ($environment, $text) = @$_;
        my ($code, $output) = run("env $environment $^X Makefile.PL");

        is $output, "Makefile.PL: $text\n", $text;
        is $code, 1, 'with exit code 1';
    }
    is((run("env AUTOMATED_TESTING=1 PKG_CONFIG_LIBDIR=$empty $^X Makefile.PL"))[0], 0,
        'CPAN Testers are told that it is not for them');
    ok !-e 'Makefile', 'no Makefile was written';
}

# What changed in the tree while a command ran, that make had compiled or linked or copied.
sub rebuilt {
    my ($command) = @_;
    my $before = files('.');

    runs($command, $command);
    my $after = files('.');
    return grep { m{\.(?:o|a|so|so\.0)$|^blib/script/} && $after->{$_} != $before->{$_} }
        sort keys %$after;
}

sub test_rebuild {
    is_deeply [rebuilt('make -j2')], [], 'nothing is built twice';

    utime undef, undef, 'csrc/include/netio/error.h' or die "error.h: $!\n";
    my %rebuilt = map { $_ => 1 } rebuilt('make -j2');
    ok $rebuilt{$_}, "a touched public header: $_"
        for 'csrc/build/src/base/error.o', 'csrc/libnetio.a', 'csrc/libnetio.so.0',
        'xs/NetIO.o', "blib/arch/auto/NetIO/NetIO.$Config{dlext}", 'blib/script/netio-whois',
        'blib/script/whoisd';
    ok !$rebuilt{'csrc/build/src/base/clock.o'}, 'and not what does not include it';
}

# A C program against the installed library; $how picks the archive or the shared object.
sub test_c_program {
    my ($dest, $name, $how) = @_;
    my ($pc) = grep { m{/netio\.pc$} } keys %{ files($dest) };
    my ($libdir) = "$dest/$pc" =~ m{(.*)/pkgconfig/};

    spew("$work/user.c", <<'C');
#include <netio/addr.h>
#include <netio/version.h>
#include <stdio.h>

int main(void)
{
    struct netio_addr addr;
    char text[NETIO_ADDR_STRLEN];

    if (netio_addr_parse_port(&addr, "[::1]:43") == 0)
        printf("%s %s\n", NETIO_VERSION, netio_addr_str(&addr, text, sizeof text));
    return 0;
}
C
    local $ENV{PKG_CONFIG_PATH}        = "$libdir/pkgconfig";
    local $ENV{PKG_CONFIG_SYSROOT_DIR} = $dest;
    local $ENV{LD_LIBRARY_PATH}        = $libdir;
    runs("eval cc -o $work/user $work/user.c $how", "$name: compiles");
    my (undef, $version) = run('pkg-config --modversion netio');
    my (undef, $output)  = run("$work/user");
    is $output, $version =~ s/\n/ [::1]:43\n/r, "$name: runs";
}

sub test_install {
    my $dest = "$work/dest";

    runs(qq{make install DESTDIR="$dest"}, 'make install DESTDIR');
    my %installed = map { $_ => "$dest/$_" } keys %{ files($dest) };
    my $one = sub {
        my ($pattern) = @_;
        my ($found) = grep { $_ =~ $pattern } sort keys %installed;

        ok defined $found, "installed: $pattern";
        return defined $found ? $installed{$found} : "$dest/nothing";
    };

    my ($perl_lib) = $one->(qr{/NetIO\.pm$}) =~ m{(.*)/};
    my ($code, $output) = run(qq{cd / && $^X "-I$perl_lib" -MNetIO -e 'print NetIO->VERSION'});
    is "$code $output", '0 ' . MM->parse_version('lib/NetIO.pm'), 'perl -MNetIO from there';
    for my $program (qw(netio-whois whoisd whois-load whois2html)) {
        my $path = $one->(qr{/bin/$program$});
        local $ENV{PERL5LIB} = $perl_lib;
        runs(qq{cd / && "$path" --help}, "$program --help from there");
    }
    $one->($_)
        for qr{/man1/netio-whois\.1$}, qr{/man8/whoisd\.8$}, qr{/man3/NetIO\.3\w*$},
        qr{/man\d/whois-load\.\d$}, qr{/man\d/whois2html\.\d$}, qr{/share/netio/maps/people\.map$},
        qr{/share/netio/people\.ldif$};
    test_c_program($dest, 'libnetio.so', '$(pkg-config --cflags --libs netio)');
    test_c_program($dest, 'libnetio.a',
        '$(pkg-config --static --cflags --libs netio | sed s/-lnetio/-l:libnetio.a/)');
}

make_tarball();
test_missing();
my $sources = files('.');
runs("$^X Makefile.PL", 'perl Makefile.PL');
runs('make -j2', 'make -j2');
runs('make test TEST_FILES="t/00-*.t t/1*.t"', 'make test');
test_rebuild();
test_install();
runs('make clean', 'make clean');
is_deeply [sort keys %{ files('.') }], [sort keys %$sources], 'and nothing but the sources is left';
chdir $top or die "$top: $!\n";

done_testing;
