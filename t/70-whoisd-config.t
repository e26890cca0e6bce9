# whoisd: its configuration file, and how it says what is wrong with one.

use strict;
use warnings;

use File::Temp ();
use POSIX      ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Daemon;
use NetIO::Test::Directory qw(build_directory);

alarm 300;

my $dir = File::Temp->newdir;
my $db  = build_directory("$dir/a.db", [{ handle => 'A1', name => 'One' }]);

sub write_file {
    my ($name, $text) = @_;

    open my $file, '>', "$dir/$name" or die "$dir/$name: $!\n";
    print {$file} $text;
    close $file or die "$dir/$name: $!\n";
    return "$dir/$name";
}

# What -t says of a configuration: exit code, stdout, stderr.
sub check {
    my ($text, @args) = @_;
    my $path = write_file('w.conf', $text);

    return [NetIO::Test::Daemon->run(args => ['-t', '-c', $path, @args])];
}

my $all = <<"END";
# The whole of it.\r
listen 127.0.0.1:0
 listen\t[::1]:4343  \r

directory sqlite:$db
log syslog
pidfile $dir/pid
sandbox off
workers 4
status unix:$dir/status
access $dir/rules
allow uid root
deny 192.0.2.0/24
exempt 198.51.100.0/24
proxy 203.0.113.1
max-clients 100
max-per-source 5
rate 100/60
source-rate 5
source-bits 24/56
refused-text % Go away, and # here too.
full-text % Come later.
first-seconds 5
query-seconds 10
answer-seconds 60
total-seconds 300
stop-seconds 9
END

write_file('rules', "deny 192.0.2.1\n");
is_deeply check($all),                            [0, '', ''], 'all that a configuration can say';
is_deeply check("directory sqlite:$db"),          [0, '', ''], 'a last line without an end';
is_deeply check('', '--directory', "sqlite:$db"), [0, '', ''], 'nothing in it';
is_deeply check("directory x\n", '--directory', "sqlite:$db"), [0, '', ''], 'the command line wins';

#<<< the table as it is
for my $case (
    ["listen 127.0.0.1:0\nport 43\n",      ':2: port: not an option of a configuration'],
    ["foreground\n",                       ':1: foreground: not an option of a configuration'],
    ["config $dir/w.conf\n",               ':1: config: not an option of a configuration'],
    ["\n\nlisten 010.0.0.1:43\n",          ':3: listen 010.0.0.1:43: not a valid address'],
    ["listen\n",                           ':1: listen : unknown service'],
    [join('', map {"listen $_\n"} 1 .. 9), ':9: listen 9: too many addresses (8 at most)'],
    ["workers many\n",                     ':1: workers many: not a number from 0 to 32'],
    ["allow 192.0.2.1/24\n",               ':1: allow 192.0.2.1/24: not a valid network'],
    ["allow 192.0.2.1 # ours\nallow # who\n", ':2: allow # who: not a valid option'],
    ["access $dir/none\n",                 ":1: access $dir/none: No such file or directory"],
    ["access $dir\n",                      ":1: access $dir: not a regular file"],
    ["query-seconds 0\n",                  ':1: query-seconds 0: not a number of seconds up to 86400'],
    ["workers 2\nworkers \e[2J\n",         ':2: workers \\x1b[2J: not a number from 0 to 32'],
    ["workers 2\n\0",                      ': a NUL in it'],
    ['#' x (1 << 20) . "\n",               ': File too large'],
    )
#>>>
{
    is_deeply check($case->[0]), [78, '', "whoisd: $dir/w.conf$case->[1]\n"], "says $case->[1]";
}

write_file('rules', "allow 192.0.2.1\nalow 192.0.2.2\n");
is_deeply check("access $dir/rules\n"),
    [78, '', "whoisd: $dir/w.conf:1: access $dir/rules: $dir/rules:2: alow: not a valid option\n"],
    'a file of rules: both places';
write_file('rules', '');
is_deeply check("access $dir/rules\n"),
    [78, '', "whoisd: $dir/w.conf:1: access $dir/rules: no rule in it\n"],
    'R13: an empty one is not "allow all"';
is_deeply [NetIO::Test::Daemon->run(args => ['-t', '-c', "$dir/nowhere"])],
    [78, '', "whoisd: $dir/nowhere: No such file or directory\n"], 'none';
POSIX::mkfifo("$dir/fifo", 0600) or die "$dir/fifo: $!\n";
is_deeply [NetIO::Test::Daemon->run(args => ['-t', '--config', "$dir/fifo"])],
    [78, '', "whoisd: $dir/fifo: not a regular file\n"], 'a FIFO is not waited for';

# Its paths are those of the folder it is started in, as on the command line.
{
    write_file('w.conf', "directory sqlite:a.db\naccess rules\n");
    write_file('rules',  "deny 192.0.2.1\n");
    my $d = NetIO::Test::Daemon->start(
        args  => ['--listen', '127.0.0.1:0', '--workers', 0, '-c', 'w.conf'],
        dir   => "$dir",
        ready => qr/listening on 127\.0\.0\.1:(\d+), 1 entries\n/
    );
    like $d->ask("one\r\n"), qr/Full Name: One/, 'relative paths';
    $d->finish;
}

done_testing;
