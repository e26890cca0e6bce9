# Options of daemonize: what is refused, with which words, and that nothing has been started then.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use NetIO      qw(daemonize);
use NetIO::Error;
use NetIO::Test::PerlDaemon;
use Test::More;

alarm 300;

my $dir = File::Temp->newdir;
symlink 'nowhere', "$dir/link" or die;
mkdir "$dir/folder" or die;

# options, message, code
my $option = NetIO::Error::BADOPTION;
my @cases  = (
    [['x'],                   'an option has no value',   $option],
    [[nosuch => 1],           "unknown option 'nosuch'",  $option],
    [['Pidfile', "$dir/pid"], "unknown option 'Pidfile'", $option],
    [["a\nb", 1],             "unknown option 'a\\x0ab'", $option],
    [[undef, 1],              "unknown option ''",        $option],
    [
        [ready_seconds => 'soon'], "ready_seconds: 'soon' is not a number of seconds above 0",
        $option
    ],
    [[ready_seconds => -1],     "ready_seconds: '-1' is not a number of seconds above 0",  $option],
    [[ready_seconds => 0],      "ready_seconds: '0' is not a number of seconds above 0",   $option],
    [[ready_seconds => 'nan'],  "ready_seconds: 'nan' is not a number of seconds above 0", $option],
    [[umask         => '0800'], "umask: '0800' is not a umask",                            $option],
    [[umask         => 01000],  "umask: '512' is not a umask",                             $option],
    [[umask         => -1],     "umask: '-1' is not a umask",                              $option],
    [[umask         => 'u=rwx'],      "umask: 'u=rwx' is not a umask",                     $option],
    [[umask         => 1.5],          "umask: '1.5' is not a umask",                       $option],
    [[umask         => []],           qr/\Aumask: 'ARRAY.*' is not a umask\z/,             $option],
    [[umask         => '0000001000'], "umask: '0000001000' is not a umask",                $option],
    [[environment => { A => 1 }], qr/\Aenvironment: 'HASH.*' is not a text without NUL\z/, $option],
    [[name        => []],         qr/\Aname: 'ARRAY.*' is not a text without NUL\z/,       $option],
    [[pidfile     => "a\0b"],     "pidfile: 'a\\x00b' is not a text without NUL",          $option],
    [[directory   => "\0"],       "directory: '\\x00' is not a text without NUL",          $option],
    [[environment => ['=x']],     "environment: '=x' is not NAME, NAME* or NAME=VALUE",    $option],
    [[environment => ['A', '']],  "environment: '' is not NAME, NAME* or NAME=VALUE",      $option],
    [[environment => '*'],        qr/^daemonize environment: not a valid option$/,         $option],
    [[keep        => 'nosuch'],   "keep: 'nosuch' is not a handle with a descriptor",      $option],
    [[keep        => 12_345],     "keep: '12345' is not an open descriptor",               $option],
    [[keep        => -1],         "keep: '-1' is not an open descriptor",                  $option],
    [[keep        => [undef]],    "keep: '' is not a handle with a descriptor",            $option],
    [[keep        => [{}]], qr/\Akeep: 'HASH.*' is not a handle with a descriptor\z/,      $option],
    [[keep        => \'x'], qr/\Akeep: 'SCALAR.*' is not a handle with a descriptor\z/,    $option],
    [
        [capabilities => 'fly'],
        "capabilities: 'fly' is no capability, such as net_bind_service", $option
    ],
    [
        [capabilities => ['CAP_KILL', 'CAP_FLY']],
        "capabilities: 'CAP_FLY' is no capability, such as net_bind_service", $option
    ],
    [[limits => 5], "limits: '5' is not a reference to a hash", $option],
    [[limits => { wishes => 3 }],      "limits: 'wishes' is no limit, such as nofile",     $option],
    [[limits => { nofile => 'many' }], "limits: 'many' is neither a number nor unlimited", $option],
    [[limits => { nofile => undef }],  "limits: '' is neither a number nor two",           $option],
    [[limits => { nofile => [] }], qr/\Alimits: 'ARRAY.*' is neither a number nor two\z/,  $option],
    [
        [limits => { nofile => [1, 2, 3] }],
        qr/\Alimits: 'ARRAY.*' is neither a number nor two\z/,
        $option
    ],
    [[user    => 'no such user'],  'user no such user: no such user', NetIO::Error::NOUSER],
    [[user    => 'root:nogroups'], 'group nogroups: no such group',   NetIO::Error::NOGROUP],
    [[log     => "$dir/no/such"],  "option $dir/no/such: No such file or directory",        -2],
    [[log     => "$dir/folder"],   "option $dir/folder: Is a directory",                    -21],
    [[pidfile => "$dir/link"],     "pid file $dir/link: Too many levels of symbolic links", -40],
    [[pidfile => "$dir/folder"], "pid file $dir/folder: not a pid file", NetIO::Error::BADPIDFILE],
    [[pidfile   => "$dir/no/pid"],        "pid file $dir/no/pid: No such file or directory",    -2],
    [[directory => "$dir/no"],            "daemonize chdir $dir/no: No such file or directory", -2],
    [[limits    => { nofile => [9, 3] }], 'daemonize setrlimit NOFILE: Invalid argument', -22],
);

for (@cases) {
    my ($options, $message, $code) = @$_;
    my $line   = __LINE__ + 1;
    my $daemon = eval { daemonize(@$options) };
    my $error  = $@;
    my $words  = join ' ', map { defined $_ ? ref $_ || $_ : 'undef' } @$options;
    $words =~ s/[^ -~]/?/g;
    ok !$daemon && ref $error eq 'NetIO::Error', $words or BAIL_OUT($error);
    $message = qr/\A\Q$message\E\z/ if !ref $message;
    like $error->message =~ s/^daemonize: //r, $message, 'says so';
    is $error->code, $code, 'code';
    is $error->line, $line, 'line';
}
is_deeply [glob "$dir/*"], ["$dir/folder", "$dir/link"], 'nothing has been made';

subtest 'after an error it can be called again' => sub {
    my $run = daemonized(<<'PROGRAM');
        $SIG{TERM} = sub { report('handled') };
        for my $wrong ([user => 'no such user'], [pidfile => "$dir/no/such"]) {
            eval { daemonize(@$wrong, log => "$dir/log") };
            report('error', $@->message);
        }
        kill TERM => $$;
        my $daemon = daemonize(pidfile => "$dir/pid", umask => 0);
        report('umask', umask);
        $daemon->ready;
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    like $run->report, qr/^handled$/m, 'handlers are as before';
    is $run->said('umask'), 0, 'umask 0';
};

done_testing;
