# The rules of a pool are those that netiod has read, and no others: whatever becomes of the file
# that they are from, whoever may read it, and however often another pool is started.

use strict;
use warnings;

use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Inetd;
use NetIO::Test::Run qw(slurp spew spew_whole);

alarm 300;

plan skip_all => 'services have users of their own: only root can say so' if $>;
plan skip_all =>
    'netiod passes on no LD_PRELOAD, without which perl cannot load what has ASan in it'
    if $ENV{NETIO_TEST_SANITIZED};

my $program = <<'PERL';
#!/usr/bin/perl
print join(' ', 'let in', "by $$", map { readlink "/proc/self/fd/$_" // () } 0 .. 30), "\n";
PERL
my $OPEN   = "exempt uid root\nproxy 192.0.2.1\nallow all\n";
my $CLOSED = "deny all\n";

my $config = <<'CONF';
127.0.0.1:{a} on exec = {DIR}/pool.pl, pool = 1, user = nobody, deny = 192.0.2.0/24,
    access = {DIR}/rules, refused_text = no;
127.0.0.1:{b} on exec = {DIR}/echo, user = nobody, access = {DIR}/rules, refused_text = no;
CONF

sub put {
    my ($daemon, $rules) = @_;

    spew_whole("$daemon->{dir}/rules", $rules);
    chmod 0600, "$daemon->{dir}/rules";
    return;
}

sub ready {
    my ($daemon) = @_;

    return $daemon->wait_log(qr/: the pool is ready, pid (\d+)\n/)->[0];
}

# Behind one that serves no more.
sub follows {
    my ($daemon, $before) = @_;
    my $pool = ready($daemon);

    $daemon->wait_log(qr/: end, pid $before, .* exit 0\n/);
    return $pool;
}

# Of the pool, and of a program of the same rules.
sub says {
    my ($daemon) = @_;

    return join ' ', map { $daemon->ask($_ => '') =~ /^(let in|no)/ } 'a', 'b';
}

subtest 'a file of rules' => sub {
    my $dir = File::Temp->newdir('netiod-XXXXXX', TMPDIR => 1);
    spew("$dir/pool.pl", $program);
    spew("$dir/echo",    "#!/bin/sh\necho let in\n");
    chmod 0755, "$dir/echo";
    put({ dir => $dir }, $OPEN);

    my $daemon =
        NetIO::Test::Inetd->start(config => $config, workers => 1, grows => 2, dir => $dir);
    my $pool = ready($daemon);
    is says($daemon), 'let in let in', 'rules in a file that the pool cannot read';
    unlike $daemon->ask(a => ''), qr/rules/, 'a client\'s program has no descriptor of them';
    like join(' ', split /\0/, slurp("/proc/$pool/cmdline")), qr/pool\.pl/, 'the pool is there';
    is
        scalar(grep { (readlink $_ // '') =~ /netiod-rules/ }
            glob "/proc/{$pool,@{[$daemon->pid]}}/fd/*"),
        0, 'nor has the pool, once it has read them, or netiod';

    my ($worker) = $daemon->ask(a => '') =~ /by (\d+)/;
    kill 'HUP', $pool;
    1 while $daemon->ask(a => '') =~ /by $worker\b/;
    is says($daemon), 'let in let in', 'a pool that is told to reload by itself keeps its rules';
    unlike $daemon->log, qr/reload:/, 'and has nothing to say';

    put($daemon, $CLOSED);
    spew_whole("$dir/pool.pl", "$program#\n");
    $pool = follows($daemon, $pool);
    is says($daemon), 'let in let in', 'another pool, no reload: the rules that are in force';

    ok $daemon->reload($config), 'a reload';
    $pool = follows($daemon, $pool);
    is says($daemon), 'no no', 'takes what is in the file';

    put($daemon, "garbage\n");
    $daemon->kill('HUP');
    ok $daemon->wait_log(qr/RELOAD FAILED/i), 'one that fails';
    kill 'KILL', $pool;
    $pool = ready($daemon);
    is says($daemon), 'no no', 'takes nothing, whichever pool serves';

    SKIP: {
        skip 'no strace(1)', 2 if system 'strace -V >/dev/null 2>&1';
        my $end = $daemon->failing(memfd_create => 'ENOMEM', 1);
        spew_whole("$dir/pool.pl", $program);
        ok $daemon->wait_log(qr/no pool could be started, later again: Cannot allocate memory\n/),
            'no memory for them';
        $pool = follows($daemon, $pool);
        $end->();
        is says($daemon), 'no no', 'later there is';
    }

    unlink "$dir/rules";
    kill 'KILL', $pool;
    ready($daemon);
    is says($daemon), 'no no', 'not even the file is needed';
    is $daemon->stop, 0,       'stops';
};

done_testing;
