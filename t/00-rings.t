# Imports point one way only: base <- net <- proc <- server inside the library; daemons, the C
# programs and the XS see its public headers and nothing else of it; lib/ sees the XS and what
# comes with Perl, bin/ sees lib/.  Loaders and gateways do not know of each other.  What measures
# NetIO sees it from outside; what fuzzes it, all of it.

use strict;
use warnings;

use File::Find ();
use Module::CoreList ();
use Test::More;

alarm 300;

my %ring = (base => 0, net => 1, proc => 2, server => 3);
# What is neither a part of Perl nor ours, and which files may use it.
my %guest = (
    'CGI'          => qr{^bench/peer/},
    'DBI'          => qr{^(?:lib/NetIO/Load/|bench/lib/)},
    'Text::CSV_XS' => qr{^lib/NetIO/Load/},
    map { $_ => qr{^bench/peer/} } 'AnyEvent', 'AnyEvent::Handle', 'AnyEvent::Socket', 'EV',
    'Mojo::IOLoop', (map { "IO::Async::$_" } qw(Listener Loop Stream)),
    (map { "Net::Server::$_" } qw(Fork Multiplex PreFork)),
);
# Where, and which modules of ours; of Perl's, too, where every request or every program pays for
# each (Errno is loaded when a write has failed, Carp for what is to die).
my @own = (
    [qr{^lib/NetIO\.pm$},     qr{^NetIO\b},                    qr{^XSLoader$}],
    [qr{^lib/NetIO/Load\b},   qr{^NetIO::Load\b}],
    [qr{^lib/NetIO/Gateway/}, qr{^NetIO::(?:Gateway::|Whois$)}, qr{^(?:strict|Errno)$}],
    [qr{^lib/NetIO/Socket/},  qr{^NetIO$},                      qr{^(?:strict|Carp|Socket)$}],
    [qr{^lib/},               qr{^NetIO(?:$|::(?!Load\b|Gateway\b))}],
    [qr{^bench/[^/]+\.pl$},   qr{^NetIO\b(?!::Bench)}],
    [qr{^bench/},             qr{^NetIO::Bench\b}],
    [qr{^bin/},               qr{^NetIO\b}],
    [qr{^fuzz/},              qr{^(?:NetIO|Fuzz)\b}],
);

sub slurp {
    my ($path) = @_;

    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}

sub files {
    my ($pattern, @folders) = @_;
    my @found;

    File::Find::find({ wanted => sub { push @found, $_ if -f && m{$pattern} }, no_chdir => 1 },
        grep { -d } @folders);
    return sort grep { !m{/build(?:-[^/]+)?/} && $_ ne 'xs/NetIO.c' } @found;
}

# The ring of a public header is what its first lines say.
sub header_ring {
    my ($name) = @_;
    my $path = "csrc/include/$name";

    return unless -e $path;
    return slurp($path) =~ m{\A/\*[^;]*?\(ring (\d)} ? $1 : undef;
}

# Every #include as [spelling, quote, name, path if it is there]: quotes are looked up beside the
# file, then below the roots.
sub includes {
    my ($path, @roots) = @_;
    my ($folder) = $path =~ m{(.*)/};
    my @found;

    for my $line (split /\n/, slurp($path)) {
        $line =~ /^\s*#\s*include\s*([<"])([^>"]+)[>"]/ or next;
        my ($quote, $name) = ($1, $2);
        my ($there) = $quote eq '"' ? grep { -e } map { "$_/$name" } $folder, @roots : ();
        push @found, [$line, $quote, $name, $there];
    }
    return @found;
}

sub is_clean {
    my ($path, @wrong) = @_;

    ok !@wrong, $path or diag map { "$_\n" } @wrong;
}

subtest 'public headers say their ring and include no higher one' => sub {
    for my $path (files(qr/\.h$/, 'csrc/include')) {
        my ($name) = $path =~ m{^csrc/include/(.*)};
        my $own = header_ring($name);
        my @wrong = defined $own ? () : 'does not say its ring';

        for (includes($path)) {
            my ($line, undef, $included) = @$_;
            my $other = $included =~ m{^netio/} ? header_ring($included) : 0;
            push @wrong, $line if defined $own && (!defined $other || $other > $own);
        }
        is_clean($path, @wrong);
    }
};

subtest 'the library: no ring includes a higher one' => sub {
    for my $path (files(qr/\.[ch]$/, 'csrc/src')) {
        my ($folder) = $path =~ m{^csrc/src/([^/]+)/};
        my @wrong = exists $ring{$folder} ? () : "no such ring: $folder";

        for (includes($path, 'csrc/src')) {
            my ($line, $quote, $name, $there) = @$_;
            my $other = $name =~ m{^netio/} ? header_ring($name) : 0;
            $other = $there && $there =~ m{^csrc/src/([^/]+)/} ? $ring{$1} : undef if $quote eq '"';
            $other = undef if $quote eq '<' && -e "csrc/src/$name";    # one spelling for our own
            push @wrong, $line if !defined $other || $other > ($ring{$folder} // -1);
        }
        is_clean($path, @wrong);
    }
};

subtest 'daemons, programs and XS use public headers only' => sub {
    my @users = (files(qr/\.[ch]$/, 'csrc/cmd', 'daemon'), files(qr/\.(?:[ch]|xsi?)$/, 'xs'));

    for my $path (@users) {
        my ($room) = $path =~ m{^(daemon|xs|csrc/cmd)/};
        my ($own)  = $path =~ m{^(?:daemon/|csrc/cmd/)([^/]+?)(?:/|\.c$)};
        my @wrong;

        for (includes($path, $room)) {
            my ($line, $quote, $name, $there) = @$_;
            push @wrong, $line if $name =~ m{\bsrc/} || $name =~ m{^netio/} && !-e "csrc/include/$name";
            next unless $quote eq '"' && $name !~ m{^(?:EXTERN|perl|XSUB|ppport)\.h$};
            push @wrong, $line if !$there || $name =~ m{\.\./(?!common/)};
            # A daemon or program knows its own folder and common/, not its neighbours.
            push @wrong, $line if $own && ($there // '') =~ m{^(?:daemon|csrc/cmd)/([^/.]+)/}
                && $1 ne $own && $1 ne 'common';
        }
        is_clean($path, @wrong);
    }
};

subtest 'measurements use public headers, and only where libnetio is what they measure' => sub {
    for my $path (files(qr/\.[ch]$/, 'bench')) {
        my @ours = grep { $_->[1] eq '"' && ($_->[3] // '..') =~ /\.\./ || $_->[2] =~ m{^netio/} }
            includes($path);

        @ours = grep { $_->[1] eq '"' } @ours if $path =~ m{^bench/(?:daemon|echo|opener)\.c$};
        is_clean($path, map { $_->[0] } @ours);
    }
};

subtest 'fuzz targets use what they feed' => sub {
    for my $path (files(qr/\.[ch]$/, 'fuzz')) {
        my @quoted = grep { $_->[1] eq '"' } includes($path, 'csrc/src', 'daemon');

        is_clean($path, map { $_->[0] } grep { !$_->[3] } @quoted);
    }
};

sub modules {
    my ($path) = @_;
    my $source = slurp($path);

    $source =~ s/^__(?:END|DATA)__.*//ms;
    $source =~ s/^=[a-z].*?^=cut$//gms;
    $source =~ s/^\s*#.*//gm;
    my $name = qr/[A-Za-z]\w*+(?:::\w++)*+(?!::)/;
    return grep { defined } $source =~ /^\s*use\s+($name)|\brequire\s+($name)/gm;
}

sub may_use {
    my ($path, $module) = @_;
    my ($room) = grep { $path =~ $_->[0] } @own or return 0;
    my (undef, $ours, $perls) = @$room;

    return $module =~ $ours if $module =~ /^(?:NetIO|Fuzz)\b/;
    return $path =~ $guest{$module} if $guest{$module};
    return $perls ? $module =~ $perls : Module::CoreList::is_core($module);
}

subtest 'Perl uses its own room and what comes with Perl' => sub {
    my @sources = (files(qr/\.p[lm]$/, 'lib', 'bench', 'fuzz'), files(qr{/(?:run|grow)$}, 'bench'));

    for my $path (@sources, files(qr/\.cgi$/, 'bench'), grep { -T } files(qr/./, 'bin')) {
        is_clean($path, map { "uses $_" } grep { !may_use($path, $_) } modules($path));
    }
};

done_testing;
