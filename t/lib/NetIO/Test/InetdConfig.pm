package NetIO::Test::InetdConfig;

# What netiod makes of a configuration, by t/daemon/netiod-config.c, which reads and shows it as
# "netiod --show" does, and starts nothing:
#
#     my ($services, @said) = understood($text, @options);
#     my @faults = faults($text, @options);      # of what is refused; the path is "FILE"
#
# $services is a list of hashes, undef when it is refused: name, line, and each key as it is shown,
# without its quotes; of keys that come several times the values in one text.

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use NetIO::Test::Run;

our @EXPORT = qw(understood faults config_file $CONFIG);

our $CONFIG = 'daemon/build/t/netiod-config';

my $dir = File::Temp->newdir;

-x $CONFIG or die "$CONFIG is not there: run make first\n";

sub config_file {
    my ($name, $text) = @_;

    return spew("$dir/$name", $text);
}

sub services_of {
    my ($shown) = @_;
    my @services;

    for my $text (split /^;\n\n/m, $shown) {
        my ($line, $name, $keys) = $text =~ /\A# .*:(\d+)\n(\S+) on\n(.*)\z/s
            or die "not what is shown: $text\n";
        my %service = (name => $name, line => $line);
        while ($keys =~ /^\h+(\w+)\h+=\h(.*),$/mg) {
            my ($key, $value) = ($1, $2);
            $value =~ s{"((?:\\.|[^"\\])*)"}{$1 =~ s/\\(["\\])/$1/gr}ge;
            $service{$key} = defined $service{$key} ? "$service{$key} $value" : $value;
        }
        push @services, \%service;
    }
    return \@services;
}

sub understood {
    my ($text, @options) = @_;
    my $path = config_file('inetd.conf', $text);
    my ($status, $out, $err) = run($CONFIG, @options, $path);
    my @said = map { s/\Q$path\E/FILE/gr } split /\n/, $err;

    $status =~ /^[01]$/ or die "$CONFIG: $status\n$err";
    return ($status ? undef : services_of($out), @said);
}

sub faults {
    my ($text,     @options) = @_;
    my ($services, @said)    = understood($text, @options);

    return $services ? 'none' : grep { !/: warning: / } @said;
}

1;
