# Handles of a program that becomes a daemon: none is closed, none is clobbered, and STDERR ends in
# the log.  C6.

use strict;
use warnings;

use lib 't/lib';

use NetIO::Test::PerlDaemon;
use POSIX  ();
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM);
use Test::More;

alarm 300;

# For programs: what a descriptor is.
my $tell = <<'PERL';
sub file_of {
    my $to = readlink "/proc/self/fd/$_[0]";
    return defined $to ? $to =~ s{^\Q$dir\E/}{}r : 'closed';
}
PERL

subtest 'handles stay open, and go no further' => sub {
    my $run = daemonized(<<'PROGRAM' . $tell);
        use Socket;
        open my $in, '<', $0 or die;
        my $first = <$in>;
        open my $out, '>', "$dir/file" or die;
        print $out 'before ';
        opendir my $folder, $dir or die;
        socketpair my $near, my $far, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die;
        open my $kept, '+>', "$dir/kept" or die;
        { local $^F = 1000; open $main::leaky, '<', $0 or die }
        my $daemon = daemonize(keep => [$kept, fileno $far]);
        $daemon->ready;
        report('second', scalar <$in>);
        print $out 'after';
        close $out;
        report('folder', scalar grep { /^report$/ } readdir $folder);
        syswrite $near, "hello\n";
        report('socket', scalar <$far>);
        my $list = `ls /proc/self/fd`;          # one more is the folder that ls reads
        report('descriptors', join ' ', grep { $_ > 2 } split ' ', $list);
        report('kept', fileno $kept, fileno $far);
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    like $run->said('second'), qr/use NetIO/, 'a file that was being read';
    is slurp($run->dir . '/file'), 'before after', 'one that is written: nothing twice';
    is $run->said('folder'),       1,              'a folder';
    is $run->said('socket'),       'hello',        'a socket';
    my @open = split ' ', $run->said('descriptors');
    my @kept = sort { $a <=> $b } split ' ', $run->said('kept');
    is_deeply [
        grep {
            my $fd = $_;
            grep { $_ == $fd } @kept
        } @open
        ],
        \@kept, 'programs have what is kept';
    is @open - @kept, 1, 'and nothing else' or diag "@open";
};

subtest 'the three standard handles' => sub {
    my $run = daemonized(<<'PROGRAM' . $tell);
        my $daemon = daemonize();
        read STDIN, my $zero, 1;
        report('input', length $zero);
        report("before $_", file_of($_)) for 0 .. 2;
        $daemon->ready;
        report("after $_", file_of($_)) for 0 .. 2;
        report('fileno', map { fileno $_ } *STDIN, *STDOUT, *STDERR);
        open STDOUT, '>', "$dir/mine" or die;
        print STDOUT 'works';
        close STDOUT;
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('input'),        1,           'input is the starter\'s';
    is $run->said('before 1'),     'out',       'output, too';
    is $run->said("after $_"),     '/dev/null', "after ready: $_" for 0 .. 2;
    is $run->said('fileno'),       '0 1 2',     'the handles are on the same numbers';
    is slurp($run->dir . '/mine'), 'works',     'STDOUT can be opened again';
};

subtest 'opened on something else before ready' => sub {
    my $run = daemonized(<<'PROGRAM' . $tell);
        my $daemon = daemonize();
        open STDERR, '>>', "$dir/mine" or die;
        open STDOUT, '>&', \*STDERR or die;
        $daemon->ready;
        report("after $_", file_of($_)) for 0 .. 2;
        print "out\n";
        warn "said\n";
        system 'echo from a program >&2';
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is_deeply [map { $run->said("after $_") } 0 .. 2], ['/dev/null', 'mine', 'mine'], 'stays';
    is_deeply [sort split /\n/, slurp($run->dir . '/mine')], ['from a program', 'out', 'said'],
        'what is written there';
};

subtest 'C6 numbers below 3 that belong to others' => sub {
    my $run = daemonized(<<'PROGRAM' . $tell);
        close STDOUT;
        open my $file, '>', "$dir/file" or die;      # has got number 1
        report('number', fileno $file);
        print $file 'one ';
        my $daemon = daemonize();
        print $file 'two ';
        $daemon->ready;
        print $file 'three';
        close $file;
        report('after', file_of(2));
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('number'),       1,               'a file has the number of STDOUT';
    is slurp($run->dir . '/file'), 'one two three', 'and is not clobbered';
    is $run->said('after'),        '/dev/null',     'others become /dev/null';

    $run = daemonized(<<'PROGRAM' . $tell);
        my ($memory, $tied) = ('', '');
        close STDOUT;
        open STDOUT, '>', \$memory or die;
        close STDIN;
        socketpair my $near, my $far, 1, 1, 0 or die;
        report('numbers', fileno $near, fileno $far);
        package Tied { sub TIEHANDLE { bless [] } sub PRINT { $tied .= $_[1] } sub FILENO { 77 } }
        tie *STDERR, 'Tied';
        my $daemon = daemonize();
        $daemon->ready;
        print 'in memory';
        warn "in a tie\n";
        report('memory', $memory);
        report('tied', $tied);
        report('still', ref tied *STDERR);
        syswrite $near, "x\n";
        report('socket', scalar <$far>);
        report("after 2", file_of(2));
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('numbers'), '0 1',       'sockets on 0 and 1';
    is $run->said('memory'),  'in memory', 'STDOUT in memory';
    is $run->said('tied'),    'in a tie',  'STDERR tied';
    is $run->said('still'),   'Tied',      'by whom it was';
    is $run->said('socket'),  'x',         'the sockets work';
    is $run->said('after 2'), '/dev/null', 'what was under the tie is gone';

    $run = daemonized(<<'PROGRAM' . $tell);
        my $captured = '';
        {
            local *STDOUT;
            open STDOUT, '>', \$captured or die;
            open my $alias, '>&=', 2 or die;
            daemonize()->ready;
            print 'captured';
        }
        report('captured', $captured);
        report("after $_", file_of($_)) for 0 .. 2;
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('captured'), 'captured',  'STDOUT localized, in memory';
    is $run->said("after $_"), '/dev/null', "what the starter had as $_ is let go" for 0 .. 2;
};

subtest 'C6 started with descriptors closed' => sub {
    for my $closed (1 .. 7) {
        my @closed = grep { $closed & 1 << $_ } 0 .. 2;
        my $run    = daemonized(<<'PROGRAM', before => sub { POSIX::close($_) for @closed });
            my $first = <DATA>;
            open my $file, '>', "$dir/file" or die;
            print $file 'one ';
            my $daemon = daemonize();
            print $file 'two ';
            print STDOUT '' if fileno STDOUT;
            $daemon->ready;
            report('data', $first . <DATA> =~ tr/\n//dr);
            print $file 'three';
            close $file;
            open my $more, '<', '/dev/null' or die;
            report('next', fileno $more);
__DATA__
first
second
PROGRAM
        is $run->status, 0, "@closed closed: ready" or diag $run->err;
        ok $run->finish, "@closed closed: ends";
        is slurp($run->dir . '/file'), 'one two three', "@closed closed: a file";
        like $run->report, qr/^data first\nsecond$/m, "@closed closed: DATA";
        cmp_ok $run->said('next'), '>', 2, "@closed closed: no file gets a number below 3";
    }
};

subtest 'a program from standard input' => sub {
    my $run = daemonized(
        <<'PROGRAM' . "a line\n" x 3000, raw => 1,
        my ($dir) = @ARGV;
        my $first = <DATA>;
        use NetIO qw(daemonize);
        daemonize()->ready;
        my @rest = <DATA>;
        open my $report, '>', "$dir/report" or die;
        print $report 'lines ', 1 + @rest, "\n";
__DATA__
PROGRAM
        wrap => ['sh', '-c', 'exec "$1" "$2" - "${3%/*}" < "$3"', 'sh']
    );
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('lines'), 3000, 'DATA';
};

subtest 'NetIO loaded late, a log where STDERR was' => sub {
    my $run = daemonized(<<'PROGRAM', raw => 1);
        use strict; use warnings;
        my ($dir) = $0 =~ m{(.*)/};
        close STDOUT;
        open my $file, '>', "$dir/file" or die;      # has got number 1
        print $file 'one ';
        require NetIO;
        close STDERR;
        my $daemon = NetIO::daemonize(log => "$dir/log");
        $daemon->log(info => 'before');
        $daemon->ready;
        $daemon->log(info => 'after');
        print $file 'two';
PROGRAM
    is $run->status, 0, 'ready';
    ok $run->finish, 'ends';
    is slurp($run->dir . '/file'), 'one two', 'the file is not clobbered';
    like slurp($run->dir . '/log'), qr/: before\n.*: after\n\z/, 'nor is the log';
};

subtest 'a layer that dies' => sub {
    my $run = daemonized(<<'PROGRAM');
        package Dies {
            our $dies;
            sub PUSHED { bless [] }
            sub WRITE  { length $_[1] }
            sub FLUSH  { die "not flushed\n" if $dies-- > 0; 0 }
        }
        open my $file, '>:via(Dies)', "$dir/file" or die;
        print $file 'text';
        $Dies::dies = 1;
        eval { daemonize(); 1 } or report('first', $@);
        daemonize()->ready;
        report('second', 'ready');
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('first'),  'not flushed', 'daemonize dies of it';
    is $run->said('second'), 'ready',       'and can be called again';
};

subtest 'STDERR goes to the log' => sub {
    my $run = daemonized(<<'PROGRAM');
        my $daemon = daemonize(log => "$dir/log", name => 'hour%sglass');
        warn "on the terminal\n";
        $daemon->log(info => 'from the start');
        $daemon->ready;
        warn 'a warning';
        print STDERR 'a line ', "in parts", "\n";
        print STDERR 'a line ';
        printf STDERR "%s of %s\n", 'some', 'more';
        { local ($,, $\) = ('-', "!\n"); print STDERR 1, 2; printf STDERR "%s", "no end\n" }
        syswrite STDERR, "xx written yy", 7, 3;
        print STDERR "\n";
        print STDERR "two\nlines\n";
        print STDERR "esc\e[m nul\0 \xe9 \x{263a} back\\slash %s %n\n";
        $daemon->log(err => "two\nlines\n");
        $daemon->log(debug => '');
        $daemon->reopen;
        rename "$dir/log", "$dir/log.1";
        $daemon->log(notice => 'still the old');
        $daemon->reopen;
        $daemon->log(notice => 'the new');
        report('fileno', fileno STDERR);
        eval { $daemon->log(loud => 1) };
        report('priority', $@->message);
        print STDERR 'last words without an end';
        $daemon->stop;
        $daemon->log(info => 'after stop');
        die "and dies\n";
PROGRAM
    is $run->status, 0, 'ready';
    ok $run->finish, 'ends';
    is $run->err, "on the terminal\n", 'before ready it is the terminal';
    my @old = split /\n/, slurp($run->dir . '/log.1');
    s/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} hour%sglass\[\d+\]: // || fail "head: $_" for @old;
    s/ at \S+ line \d+\.$/ at HERE./ for @old;
    is_deeply \@old,
        [
        'from the start',  'a warning at HERE.',
        'a line in parts', 'a line some of more',
        '1-2!',            'no end',
        'written',         'two',
        'lines',           'esc\x1b[m nul\x00 \xc3\xa9 \xe2\x98\xba back\slash %s %n',
        'two',             'lines',
        '',                'still the old'
        ],
        'the log';
    my @new = map { s/^\S+ \S+ //r } split /\n/, slurp($run->dir . '/log');
    is_deeply \@new, ['the new', 'after stop', 'last words without an endand dies'],
        'opened again; die is the last';
    is $run->said('fileno'), 2, 'fileno STDERR';
    is $run->said('priority'), "log: 'loud' is not err, warning, notice, info or debug",
        'no such priority';
    is + (stat $run->dir . '/log')[2] & 0777, 0640, 'C12 mode of the log';
};

subtest 'STDERR in threads and children, and its last words' => sub {
    my $run = daemonized(<<'PROGRAM');
        my $daemon = daemonize(log => "$dir/log");
        $daemon->ready;
        if (eval { require threads; 1 }) {
            my ($lived) = threads->create(sub { warn "in a thread\n"; 'lives' })->join;
            report('thread', $lived);
        }
        print STDERR 'half ';
        my $pid = fork // die;
        if (!$pid) { print STDERR "a child\n", 'and its end'; exit 0 }
        waitpid $pid, 0;
        print STDERR "a line\n";
        report('cannot', seek(STDERR, 0, 0) ? 'seeks' : '', tell STDERR, eof STDERR,
            defined readline STDERR ? 'reads' : '', defined getc STDERR ? 'gets' : '');
        { local ($,, $\) = ('-', "!\n"); eval { local $SIG{__DIE__}; exit_with($daemon) } }
        sub exit_with { no warnings; $_[0]->fail('fails', 256) }
        END { local ($,, $\) = ('-', "!"); print STDERR 'last', 'words' if !$pid || $pid > 0 }
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    is $run->said('thread') // 'lives', 'lives',   'warn is no end of a thread';
    is $run->said('cannot'),            ' -1 1  ', 'nothing can be read there';
    is_deeply [map { s/^\S+ \S+ //r } split /\n/, slurp($run->dir . '/log')],
        ['a child', 'and its endlast-words!', 'half a line', 'program.pl: fails', 'last-words!'],
        'the log';
};

subtest 'STDERR that the program opens again' => sub {
    my $run = daemonized(<<'PROGRAM');
        my $daemon = daemonize(log => "$dir/log");
        $daemon->ready;
        print STDERR "to the log\n";
        open STDERR, '>>', "$dir/mine" or die;
        print STDERR "to a file\n";
        close STDERR;
        open STDERR, ">>$dir/mine" or die;
        print STDERR "again\n";
        report('tied', tied *STDERR ? 'yes' : 'no');
PROGRAM
    is $run->status, 0, 'ready' or diag $run->err;
    ok $run->finish, 'ends';
    like slurp($run->dir . '/log'), qr/\A\S+ \S+ to the log\n\z/, 'the log';
    is slurp($run->dir . '/mine'), "to a file\nagain\n", 'a file';
    is $run->said('tied'),         'no',                 'a handle like any other';
};

done_testing;
