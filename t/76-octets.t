# Whatever an octet is and wherever it stands, in the directory, in a query or in what a hostile
# server says: what whoisd answers and logs, and what netio-whois puts on a terminal, is text.

use strict;
use warnings;

use Encode     qw(decode encode);
use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);
use NetIO::Test::Peer;

alarm 300;

my $dir = File::Temp->newdir;

# Every octet alone; then what is no UTF-8, and what is but must not be shown (D6).
my @octets = map { chr } 0 .. 255;
my @wrong  = map { pack 'H*', $_ } qw(c0af e080af f08080af eda080 edbfbf f4908080 f8888080 c3 e282),
    'ff' x 3;
my @hidden = map { encode('UTF-8', chr) } 0x80 .. 0x9f, 0xad, 0x61c, 0x200b .. 0x200f,
    0x2028 .. 0x202e, 0x2060 .. 0x2064, 0x2066 .. 0x206f, 0xfeff, 0xfff9 .. 0xfffb, 0xe0001,
    0xe0041;
my @odd = (@octets, @wrong, @hidden);

sub named {
    my ($octets) = @_;

    return unpack 'H*', $octets;
}

# What of a text may not stand in it; '' when all is well.
sub unfit {
    my ($text) = @_;
    my $characters = eval { decode('UTF-8', "$text", Encode::FB_CROAK) };

    return 'no UTF-8' if !defined $characters;
    $characters =~ tr/\n//d;
    return $characters =~ /([\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}])/ ? sprintf 'U+%04X', ord $1 : '';
}

# ---- in the directory ------------------------------------------------------------------------

# An entry for each, which has it in its handle, name, summary, label and value.
my @entries = map { { handle => "k$_", name => "Common $_" } } 0 .. $#odd;
my $raw     = sub { return "CAST(X'" . unpack('H*', $_[0]) . q{' AS TEXT)} };
my $sql     = join '', map {
    my ($n, $o) = ($_, $odd[$_]);
    sprintf "UPDATE entry SET handle = %s, name = %s, summary = %s, fields = %s WHERE key = 'k%d';",
        map({ $raw->($_) } "a${o}b", "c${o}d", "e${o}f", "g${o}h\ti${o}j\n"), $n;
} 0 .. $#odd;
my $d = NetIO::Test::Daemon->whoisd(build_directory("$dir/a.db", \@entries, sql => $sql));

{
    my @bad;
    for my $n (0 .. $#odd) {
        my $answer = $d->ask("!k$n\r\n") // '';
        my $text   = $answer =~ s/\r\n/\n/gr;
        my $unfit  = unfit($text);
        $unfit = 'a cut' if $answer !~ /\AThere were 1 matches.*whois help'\.\r\n\z/s;
        push @bad, named($odd[$n]) . ": $unfit" if $unfit;
    }
    is_deeply \@bad, [], scalar(@odd) . ' records with an octet or two too many (D2, D4, D6)';

    @bad = ();
    my $listed = 0;
    for my $tens (0 .. 9) {
        my $text = ($d->ask("common $tens*\r\n") // '') =~ s/\r\n/\n/gr;
        $listed += () = $text =~ /^ *!a.*: c/mg;
        push @bad, unfit($text) || ();
    }
    is_deeply \@bad, [], 'their listings (D4, D6)';
    cmp_ok $listed, '>=', scalar @octets, 'which name them';
}

# ---- in a query ------------------------------------------------------------------------------

{
    my (@bad, $asked);
    $d->log_text;
    for my $form ('%s', 'w%sw', '!%s', '!k%s1', '.%s', 'c%s*', '-T %s x', "x\e[%sm", '%%n%s%%s') {
        for my $octets (@odd) {
            my $query = sprintf $form, $octets;
            my $text  = ($d->ask("$query\r\n") // '') =~ s/\r\n/\n/gr;
            my $unfit = unfit($text);
            $unfit = 'no answer' if $text !~ /\A(?:There were|Sorry, |This server)/;
            push @bad, named($query) . ": $unfit" if $unfit;
            $asked++;
        }
    }
    is_deeply \@bad, [], "$asked queries: each has an answer that is text (D3, D4, D6)";
    $d->ask("the end\r\n");
    $d->wait_log(qr/"the end"/);
    my $log    = $d->log_text =~ s/\A.*?listening on [^\n]*\n//sr;
    my @lines  = split /\n/, $log;
    my $quoted = qr/"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]|\\x[0-9a-f]{2})*"/;
    is_deeply [grep { !/\Awhoisd: 127\.0\.0\.1:\d+ $quoted [ -~]+ ms\z/ } @lines], [],
        'and its line in the log, in ASCII (D2, D3, D4)';
    is scalar @lines, $asked + @odd + 10 + 1, 'one line each';
}
$d->finish;

# ---- from a hostile server to a terminal -----------------------------------------------------

SKIP: {
    my $whois = 'csrc/build/netio-whois';
    my $works = `script -qec 'echo works' /dev/null 2>/dev/null </dev/null`;
    skip 'script(1) gives no terminal here', 2 if ($works // '') !~ /works/;
    my $peer =
        NetIO::Test::Peer->start(answer => join '', map { "<$_>\r\n" } grep { $_ ne "\n" } @odd);
    my $call = "$whois -h 127.0.0.1 -p " . $peer->port . ' x';
    my $said = `script -qec '$call' /dev/null </dev/null`;
    $said =~ s/\r\n/\n/g;    # the terminal's
    $said =~ tr/\t//d;
    is unfit($said),                     '',       'what a server says is text on a terminal (D5)';
    is scalar(() = $said =~ /^<.*>$/mg), @odd - 1, 'all of it, line by line';
}

done_testing;
