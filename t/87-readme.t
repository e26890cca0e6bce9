# The README's programs do what it says: they are taken from its text, pointed at a whoisd of our own,
# and run.

use strict;
use warnings;

use Config;
use Cwd        ();
use File::Temp ();
use Test::More;
use Time::HiRes ();

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Inetd;
use NetIO::Test::Run qw(spew);

plan skip_all => 'no DBD::SQLite' if !eval { require DBD::SQLite };
require NetIO::Test::Directory;

alarm 300;

my $dir = File::Temp->newdir;

NetIO::Test::Directory::build_directory(
    "$dir/directory.db",
    [
        {
            handle  => '00-00-0C',
            name    => 'Cisco Systems, Inc',
            summary => 'San Jose, US',
            fields  => [['Organisation', 'Cisco Systems, Inc'], ['Index Key', '00-00-0C']],
        },
        {
            handle  => '08-00-30',
            name    => 'CERN',
            summary => 'Geneve, CH',
            fields  => [['Organisation', 'CERN'], ['Index Key', '08-00-30']],
        },
    ]
);
my $whoisd = NetIO::Test::Daemon->whoisd("$dir/directory.db");

# The block of README.md in that language, asking our port.
sub sample {
    my ($language, $file) = @_;
    my $port = $whoisd->port;
    my ($code) = blocks($language);

    ok $code && $code =~ s/\b4343\b/$port/g, "README has a sample in $language";
    return written($code, $file);
}

sub blocks {
    my ($language) = @_;

    open my $readme, '<', 'README.md' or die "README.md: $!\n";
    return join('', <$readme>) =~ /^```\Q$language\E\n(.*?)^```$/gms;
}

sub written {
    my ($code, $file) = @_;

    open my $out, '>', "$dir/$file" or die "$file: $!\n";
    print {$out} $code;
    close $out or die "$file: $!\n";
    return "$dir/$file";
}

sub output_of {
    my @command = @_;

    open my $pipe, '-|', @command or die "$command[0]: $!\n";
    local $/;
    my $text = <$pipe>;
    ok close $pipe, "$command[0] ends well";
    $text =~ s/\r\n/\n/g;
    return $text;
}

my $record = <<'TEXT';
There were 1 matches on your request.

        Organisation: Cisco Systems, Inc
           Index Key: 00-00-0C

For more information try 'whois help'.
TEXT

my $perl = sample('perl', 'ask.pl');
is output_of($^X, '-Mblib', $perl), $record . "CERN\n", 'what the Perl sample prints';

my $c    = sample('c', 'ask.c');
my @libs = split ' ', `pkg-config --libs libcares`;
is system($Config{cc}, '-Wall', '-Wextra', '-Werror', '-Icsrc/include',
    '-o', "$dir/ask", $c, 'csrc/libnetio.a', @libs
    ),
    0, 'the C sample compiles without a warning'
    or BAIL_OUT('no compiler?');
is output_of("$dir/ask"), $record, 'what the C sample prints';

$whoisd->finish;

# The server of the second sample in Perl, in a place of its own.
{
    my (undef, $code) = blocks('perl');
    my $path = "$dir/my.sock";
    ok $code =~ s{/run/my\.sock}{$path} && $code =~ s/:2907\b/:0/, 'README has a server in Perl';
    my $server = NetIO::Test::Daemon->start(
        program => $^X,
        args    => ['-Mblib=' . Cwd::getcwd(), written($code, 'server.pl')],
        workers => 2
    );
    my $tries = 3000;
    $server->pump(Time::HiRes::time() + 0.02) while !-S $path && $tries--;
    is $server->ask("hello\r\n", path => $path), "you said hello\r\n", 'which answers';
    $server->finish;
}

# The lines for netiod, over programs that are there.
SKIP: {
    skip 'programs get users of their own: only root can say so', 6 if $> != 0;
    my ($lines) = blocks('inetd');
    my $home = File::Temp->newdir;

    for my $name (qw(answer.pl check_mk_agent)) {
        my $path = "$home/$name";
        ok $lines =~ s{/usr\S*/\Q$name\E}{$path}, "README has $name for netiod";
        spew($path, qq{#!$^X\nprint "$name, ", scalar getpwuid(\$>), "\\n";\n});
        chmod 0755, $path;
    }
    my $netiod = NetIO::Test::Inetd->start(
        config  => $lines =~ s/^7000/127.0.0.1:{answer}/mr =~ s/:6556/:{check}/r,
        dir     => $home,
        workers => 1,
        grows   => 4
    );
    ok $netiod->wait_log(qr/the pool is ready, pid \d+\n/), 'of which one is a pool';
    is $netiod->ask(answer => ''), "answer.pl, nobody\n",    'which serves a pool';
    is $netiod->ask(check  => ''), "check_mk_agent, root\n", 'and a program by keys';
    $netiod->finish;
}
done_testing;
