# What the objects offer and ask for: the library exports what csrc/netio.sym lists, which is
# what its public headers declare; nobody outside it uses anything else of it, though libnetio.a, which
# all link, would have it.

use strict;
use warnings;

use Config;
use Test::More;

alarm 300;

sub symbols {
    my ($options, @files) = @_;
    my %seen;

    open my $nm, '-|', 'nm', '--format=posix', @$options, @files or die "nm: $!\n";
    while (<$nm>) {
        $seen{$1} = 1 if /^(\w\S*) [A-Za-z]/;
    }
    close $nm or die "nm @files failed\n";
    return sort keys %seen;
}

sub slurp {
    my ($path) = @_;

    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}

# Every function that the public headers declare.
sub declared {
    my %name;

    for my $path (glob 'csrc/include/netio/*.h') {
        my $text = slurp($path);
        $text =~ s{/\*.*?\*/}{}gs;
        $text =~ s{^#(?:.*\\\n)*.*$}{}gm;
        $name{$_} = 1 for $text =~ /^[a-z][\w \t*]*?\b(netio_\w+)\(/gm;
    }
    return sort keys %name;
}

my @exported = symbols(['-D', '--defined-only'], 'csrc/libnetio.so.0');

is_deeply \@exported, [split /\n/, slurp('csrc/netio.sym')],
    'libnetio.so exports what csrc/netio.sym lists (make -C csrc netio.sym)';
is_deeply \@exported, [declared()], 'and that is what the public headers declare';
is_deeply [grep { !/^netio_/ } symbols(['-g', '--defined-only'], 'csrc/libnetio.a')], [],
    'every global symbol of libnetio.a begins with netio_';

my $object = "blib/arch/auto/NetIO/NetIO.$Config{dlext}";
is_deeply [symbols(['-D', '--defined-only'], $object)], ['boot_NetIO'],
    'NetIO.so exports nothing but its boot function';

my %public = map { $_ => 1 } @exported;
for my $users ('xs/*.o', 'daemon/build/obj/*/*.o', 'csrc/build/cmd/*.o csrc/build/cmd/*/*.o') {
    my @used = grep { /^netio_/ } symbols(['-u'], glob $users);
    ok @used, "$users: they use the library";
    is_deeply [grep { !$public{$_} } @used], [], "$users: nothing but what it exports";
}

done_testing;
