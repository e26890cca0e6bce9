#!/usr/bin/perl
# The smallest daemon in Perl: tells everybody who connects what time it is.
#
#     ./daemon.pl 4313 /tmp/daemon.pid      ends when it is ready, or says why it is not
#     ./daemon.pl 4313 /tmp/daemon.pid      ... pid file /tmp/daemon.pid: already running ...
#     kill $(cat /tmp/daemon.pid)           removes the pid file, too
#
# Under systemd it stays in the foreground, says when it is ready (Type=notify), and takes the
# socket of a .socket unit instead of the port.

use strict;
use warnings;

use NetIO         qw(daemonize);
use NetIO::Socket ();

@ARGV == 2 or die "usage: daemon.pl PORT PIDFILE\n";
my ($port, $pidfile) = @ARGV;

my $daemon = daemonize(pidfile => $pidfile);

# Whatever goes wrong up to ready is seen by who typed the command.
my ($listener) = $daemon->listeners;
$listener ||= NetIO::Socket->new(Listen => 128, LocalHost => '127.0.0.1', LocalPort => $port)
    or $daemon->fail("port $port: $@", 69);
local $SIG{TERM} = sub { close $listener };
$daemon->ready;

while ($listener->opened) {
    my $peer = $listener->accept or next;
    print {$peer} scalar localtime, "\n";
    $daemon->log(info => 'told the time to ' . $peer->peerhost);
}
