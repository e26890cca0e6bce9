# use NetIO: what it exports, and what it costs to load.

use strict;
use warnings;

use Config;
use Cwd ();
use File::Temp ();
use Test::More;

alarm 300;

# Runs a one-liner with this perl and this @INC; its output, errors included.
sub perl {
    my (@arguments) = @_;

    open my $out, '-|', $^X, '-w', (map {"-I$_"} @INC), @arguments or die "$^X: $!\n";
    local $/;
    return join '', <$out>;
}

my @imports = (
    # name                what follows "use NetIO"        exported?
    ['nothing asked for', '',            1],
    ['by name',           q{'tcpopen'},  1],
    [':all',              q{':all'},     1],
    ['an empty list',     '()',          0],
    ['a version',         '0.01',        1],
    ['version and name',  '0.01 "tcpopen"', 1],
);

for (@imports) {
    my ($name, $list, $expected) = @$_;
    is perl('-e', "use NetIO $list; print defined &tcpopen ? 1 : 0"), $expected, $name;
}

my @all = qw(daemonize timeout tcplisten tcpopen udp_ask udpopen unixopen);
is perl('-e', "use NetIO ':all'; print join ' ', grep { defined &\$_ } qw(@all)"), "@all",
    ':all exports all functions';
is perl('-e', "use NetIO; print join ' ', grep { defined &\$_ } qw(@all)"), 'tcpopen',
    'and nothing exports but tcpopen';

for my $name ('tcpclose', ':none', '$VERSION', 'import') {
    is perl('-e', "eval { require NetIO; NetIO->import(q($name)) } or print \$@"),
        qq{"$name" is not exported by the NetIO module at -e line 1.\n}, "import of $name";
}
is perl('-MNetIO', '-e', 'package Face; @ISA = "NetIO"; print eval { Face->import("x") } || $@'),
    qq{"x" is not exported by the Face module at -e line 1.\n}, 'import through a subclass';

# As installed: from blib, where lib and arch are apart, XSLoader falls back on DynaLoader.
my $installed = File::Temp->newdir;
my @places    = map { Cwd::abs_path($_) } grep { -d } @INC;

for (['NetIO.pm', ''], ['NetIO', '/Error.pm'], ['auto', "/NetIO/NetIO.$Config{dlext}"]) {
    my ($name, $within) = @$_;
    my ($place) = grep { -e "$_/$name$within" } @places;
    symlink "$place/$name", "$installed/$name" or die "symlink: $!\n";
}

sub loaded {
    my ($module, $code) = @_;
    local @INC = "$installed";
    return perl("-M$module", '-e', "$code; print join ' ', sort keys %INC");
}

my $loader = loaded('XSLoader', '');
is loaded('NetIO', ''), "NetIO.pm $loader", 'it loads XSLoader and nothing else';
like loaded('NetIO', 'eval { tcpopen("", 1) }'), qr{^NetIO\.pm NetIO/Error\.pm XSLoader\.pm },
    'NetIO::Error is loaded at the first error';
is loaded('NetIO=daemonize', ''), "NetIO.pm $loader", 'daemonize adds no module until it is called';
is loaded('NetIO::Daemon', ''), "NetIO.pm NetIO/Daemon.pm $loader", 'nor NetIO::Daemon any other';
is perl('-MNetIO', '-e', 'NetIO::Socket->can("getline") and print $INC{"IO/Socket.pm"} ? 1 : 0'), 1,
    'IO::Socket is loaded when a method that is not native is asked for';

my $kept = '$! = 2; $@ = "mine\n"; my $fh = bless *STDOUT{IO}, "NetIO::Socket"; ';
for my $call ('NetIO::Socket->can("getline"); print 0 + $!, " $@"', '$fh->print($! + 0, " ", $@)') {
    is perl('-MNetIO', '-e', $kept . $call), "2 mine\n",
        "$call: it loads without touching \$! and \$@";
}

for my $module (qw(NetIO::Error NetIO::Whois)) {
    is perl("-M$module", '-e', 'print defined &tcpopen || defined &inet_aton ? 1 : 0'), 0,
        "$module loads alone, without a warning, and exports nothing";
}

# What IO::Socket::IP exports, its drop-in exports; but it does not load IO::Socket for that.
is perl('-MNetIO::Socket', '-e', 'print SOCK_STREAM + AF_INET, $INC{"IO/Socket.pm"} ? 1 : 0'), 30,
    'NetIO::Socket exports what Socket does';
is perl('-e', 'use NetIO::Socket (); print defined &SOCK_STREAM ? 1 : 0'), 0, '(): nothing';

done_testing;
