package NetIO::Bench::Load;

# Runs bench/load.c against a server and gives what it and the server's clock say:
#
#     my %figures = load($server, mode => 'whois', clients => 16, count => 10_000, file => $path);
#
# rate (a second), cpu (the server's, microseconds an answer), rows and bytes (of an answer on
# average), slow (answers in a thousand that the server's own deadline has cut short), median,
# p99, longest (microseconds an answer).  Dies of an answer that is not complete.  Called by the
# parts.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(load);

sub load {
    my ($server, %how) = @_;
    my $count  = $how{count};
    my $before = $server->cpu;

    open my $load, '-|', 'bench/build/load', $how{mode}, $how{clients}, $count, $server->port,
        $how{file}
        or die "load: $!\n";
    my ($seconds, $rows, $bytes, $slow, $median, $p99, $longest) = split ' ', <$load> // '';
    close $load or die "load: $how{mode} failed\n";
    return (
        rate    => $count / $seconds,
        cpu     => 1e6 * ($server->cpu - $before) / $count,
        rows    => $rows / $count,
        bytes   => $bytes / $count,
        slow    => 1000 * $slow / $count,
        median  => $median,
        p99     => $p99,
        longest => $longest,
    );
}

1;
