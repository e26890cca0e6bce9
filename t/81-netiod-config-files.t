# netiod: the files of its configuration: several, folders, .include; and what a thousand services
# cost.

use strict;
use warnings;

use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::InetdConfig;
use NetIO::Test::Run;

alarm 300;

my $dir = File::Temp->newdir;
my $END = 'stream tcp4 nowait root /bin/cat';

sub put {
    my (%files) = @_;

    for my $name (sort keys %files) {
        my ($folder) = "$dir/$name" =~ m{(.*)/};
        -d $folder or mkdir $folder or die "$folder: $!\n";
        spew("$dir/$name", $files{$name});
    }
    return;
}

# What is shown of those paths: "FILE:LINE LISTEN"; and what is said.
sub listening {
    my (@paths) = @_;
    my ($status, $out, $err) = run($CONFIG, @paths);
    my @listen = $out =~ /^# (\N+)\n\N+\n(?:\h\N+\n)*?\h+listen\h+= (\N+),$/mg;
    my @shown;

    while (my ($where, $listen) = splice @listen, 0, 2) {
        push @shown, "$where $listen" =~ tr/"//dr;
    }
    return ($status, [map { s/\Q$dir\E/DIR/gr } @shown], $err =~ s/\Q$dir\E/DIR/gr);
}

subtest 'a folder' => sub {
    put(
        'd/b.conf'           => "7002 $END\n",
        'd/a.conf'           => "127.0.0.1:\n7001 $END\n",
        'd/Z'                => "7003 $END\n",
        'd/.hidden'          => "7004 $END\n",
        'd/a.conf~'          => "7005 $END\n",
        'd/a.conf.dpkg-old'  => "7006 $END\n",
        'd/a.conf.dpkg-dist' => "7007 $END\n",
        'd/a.conf.rpmsave'   => "7008 $END\n",
        'd/sub/x'            => "7009 $END\n",
        'more'               => "7010 $END\n",
    );
    is_deeply [listening("$dir/more", "$dir/d")],
        [
        0,
        [
            'DIR/more:1 0.0.0.0:7010',
            'DIR/d/Z:1 0.0.0.0:7003',
            'DIR/d/a.conf:2 127.0.0.1:7001',
            'DIR/d/b.conf:1 0.0.0.0:7002'
        ],
        ''
        ],
        'in the order of names; left-overs and folders in it are passed over; a host ends with its '
        . 'file';
    mkdir "$dir/none" or die $!;
    is_deeply [listening("$dir/none")], [1, [], "no service is configured\n"], 'an empty folder';
    symlink "$dir/nowhere", "$dir/none/link" or die $!;
    is_deeply [listening("$dir/none")], [1, [], "DIR/none/link: No such file or directory\n"],
        'a link that leads nowhere is said';
};

subtest '.include' => sub {
    put(
        'i/main' => <<"END",
127.0.0.1:
.include "one" and what follows means nothing
7001 $END
.include parts/*
*:
.include nothing/*
.include $dir/i/two
7002 $END
END
        'i/one'       => "7003 $END\n127.0.0.3:\n7004 $END\n",
        'i/two'       => "7005 $END\n",
        'i/parts/b'   => "7006 $END\n",
        'i/parts/a'   => "7007 $END\n",
        'i/parts/a~'  => "7008 $END\n",
        'i/parts/.a'  => "7008 $END\n",
        'i/parts/d/a' => "7008 $END\n",
    );
    is_deeply [listening("$dir/i/main")],
        [
        0,
        [
            'DIR/i/one:1 127.0.0.1:7003',
            'DIR/i/one:3 127.0.0.3:7004',
            'DIR/i/main:3 127.0.0.1:7001',
            'DIR/i/parts/a:1 127.0.0.1:7007',
            'DIR/i/parts/b:1 127.0.0.1:7006',
            'DIR/i/two:1 0.0.0.0:7005',
            'DIR/i/main:8 0.0.0.0:7002',
        ],
        ''
        ],
        'relative to the file, or absolute; patterns in the order of names; a host is passed in, '
        . 'and not out';
};

subtest '.include of what is wrong' => sub {
    put(
        'w/self'    => ".include self\n7001 $END\n",
        'w/a'       => "7001 $END\n.include b\n",
        'w/b'       => "\n.include sub/c\n",
        'w/sub/c'   => ".include ../link\n",
        'w/missing' => ".include none\n.include d\n7001 $END\n",
        'w/d/x'     => '',
        'w/broken'  => ".include bad\n.include bad\n",
        'w/bad'     => "7001 raw tcp nowait root /bin/cat\n",
        'w/twice'   => ".include good\n.include good\n",
        'w/good'    => "7001 $END\n",
    );
    symlink 'a', "$dir/w/link" or die $!;
    my %said = (
        self    => "DIR/w/self:1: DIR/w/self includes itself\n",
        a       => "DIR/w/sub/c:1: DIR/w/sub/../link includes itself\n",
        missing => "DIR/w/missing:1: none: nothing there to include\n"
            . "DIR/w/missing:2: d: nothing there to include\n",
        broken => "DIR/w/bad:1: socket type raw: netiod has stream and dgram\n" x 2,
        twice  => "DIR/w/good:1: 0.0.0.0:7001: DIR/w/good:1 has it already\n",
    );
    for my $name (sort keys %said) {
        is_deeply [listening("$dir/w/$name")],
            [1, [], $said{$name} =~ s{DIR/w/sub/\.\./link}{DIR/w/sub/../link}r], $name;
    }
    put(map { ("deep/$_" => ".include @{[$_ + 1]}\n" x 2) } 1 .. 40);
    my (undef, undef, $err) = listening("$dir/deep/1");
    is $err, "DIR/deep/17:1: DIR/deep/18: more than 16 files deep\n", 'too deep';
    put("deep/17" => "7001 $END\n");
    spew("$dir/deep/$_", ".include " . ($_ + 1) . "\n") for 1 .. 16;
    is_deeply [listening("$dir/deep/1")], [0, ['DIR/deep/17:1 0.0.0.0:7001'], ''], 'not too deep';
    put(map { ("all/$_" => ".include *\n") } 'a' .. 'z');
    is_deeply [listening("$dir/all")], [1, [], "DIR/all/a:1: DIR/all/a includes itself\n"],
        'many ways lead to the same fault: one is said';
};

subtest 'the daemon says the same' => sub {
    my ($status, $out, $err) = run('blib/script/netiod', '-t', "$dir/w/missing", "$dir/w/bad");
    my @lines = map { s/^netiod: //r } split /\n/, $err;

    is $status, 78, 'exit code EX_CONFIG';
    is_deeply [map { s/\Q$dir\E/DIR/gr } @lines[0 .. 2]],
        [
        'DIR/w/missing:1: none: nothing there to include',
        'DIR/w/missing:2: d: nothing there to include',
        'DIR/w/bad:1: socket type raw: netiod has stream and dgram',
        ],
        'and all of it';
    ($status, $out) = run('blib/script/netiod', '--show', "$dir/more");
    is $out, (run($CONFIG, "$dir/more"))[1], '--show';
};

# What reading it so many times has left is in the C library's hands, and no more of it each time.
sub measured {
    my ($times, $path) = @_;

    return { (run($CONFIG, '-m', $times, $path))[1] =~ /^(\w+) (-?[\d.]+)/mg };
}

subtest 'a thousand services' => sub {
    my %text = (
        classic => sub { "$_[0] stream tcp nowait nobody:adm /bin/cat cat -u\n" },
        keys    => sub {
            "s$_[0] on listen = 127.0.0.1:$_[0], user = nobody, exec = /bin/cat, args = cat,"
                . " allow = 127.0.0.0/8, deny = all, rate = 10/60, max_per_source = 3;\n";
        },
    );
    for my $name (sort keys %text) {
        spew("$dir/$name", join '', map { $text{$name}->($_) } 20_001 .. 21_000);
        my ($less, $more) = map { measured($_, "$dir/$name") } 10, 40;

        is $less->{services}, 1000, "$name: a thousand";
        SKIP: {
            skip 'memory is not what it is otherwise under a sanitizer', 2
                if $ENV{NETIO_TEST_SANITIZED};
            cmp_ok $less->{bytes}, '<', 2048, "$name: memory of a service in bytes";
            is $more->{left}, $less->{left}, "$name: R16: forty leave no more than ten";
        }
    }
};

done_testing;
