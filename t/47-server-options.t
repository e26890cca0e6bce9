# What NetIO::Server->new and its methods say to wrong calls; and that they change no argument (F13,
# F15).

use strict;
use warnings;

use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Steps;

alarm 300;

my $dir  = File::Temp->newdir;
my $code = sub { };

sub refused {
    my ($option, $why) = @_;

    is eval { NetIO::Server->new(on_line => $code, @$option) }, undef, "$why: no server";
    my $error = $@;
    is eval { $error->message }, "NetIO::Server: $why", $why;
    is eval { $error->line },    __LINE__ - 3,          'and where';
}

sub write_file {
    my ($path, $text) = @_;

    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    return $path;
}

refused(['on_line'], 'an option has no value');
refused([on_lime => 1],      "unknown option 'on_lime'");
refused(["on\0"  => 1],      "unknown option 'on\\x00'");
refused([on_open => 'code'], "on_open: 'code' is not a code reference");
refused([on_data => $code],  'on_line, on_data and on_serve exclude each other');
refused([on_line => undef],  'neither on_line nor on_data nor on_datagram is given');
refused([on_line => undef, on_serve => $code], 'on_serve is not for the model event');
refused([daemon  => 'one'],                    "daemon: 'one' is not a NetIO::Daemon");
like eval { NetIO::Server->new(on_line => $code, listen => { 7 => 7 }) } || $@,
    qr/: listen: 'HASH\(.*' is neither an address nor a reference to an array/,
    'a hash of addresses';
refused([model    => 'magic'], "model: 'magic' is not event, iterative, fork, prefork or signal");
refused([line_max => $_],      "line_max: '$_' is not a number that it can be")
    for -1, 'long', '1.5', 2**31, 'nan', 'inf';
refused([max_connections => -1], "max_connections: '-1' is not a number that it can be");
refused([ipv4_bits       => 33], "ipv4_bits: '33' is not a number that it can be");
refused([read_seconds    => $_], "read_seconds: '$_' is not a number of seconds above 0")
    for 0, -1, 'soon', 'nan';
refused([rate      => [1, 0]], "rate: '0' is not a number of seconds above 0");
refused([rate      => 'fast'], "rate: 'fast' is not a number that it can be");
refused([full_text => "a\0b"], "full_text: 'a\\x00b' is not a text without NUL");
refused([deny      => ''],     "deny: '' is not whom a rule is about");
refused([deny      => ['127.0.0.1', 'localhost']], 'option localhost: not a valid network');
refused([allow     => 'uid no such user'],         'option no: no such user');
refused([access    => ''],                         "access: '' is not a path");
refused([access    => "$dir/none"],                "option $dir/none: No such file or directory");
refused([access    => write_file("$dir/rules", "allow 10.0.0.0/8\nforbid all\n")],
    "option $dir/rules:2: forbid: not a valid option");

# --- what is right

{
    my @given = (
        on_line       => $code,
        on_open       => undef,
        line_max      => undef,
        read_seconds  => 9**9**9,
        total_seconds => '1e3',
        rate          => [10, 60],
        source_rate   => 5,
        full_text     => "\x{e9}",
        allow         => ['127.0.0.1', '::1'],
        deny          => undef,
        access        => write_file("$dir/good", "# nobody else\r\ndeny all\r\n"),
        model         => undef,
        listen        => [],
    );
    my @before = map { defined $_ ? "$_" : 'undef' } @given;
    my $server = NetIO::Server->new(@given);
    isa_ok $server, 'NetIO::Server';
    is_deeply [map { defined $_ ? "$_" : 'undef' } @given], \@before, 'arguments are as they were';
    is ref NetIO::Server->new(map { my $copy = $_; Internals::SvREADONLY($copy, 1); $copy } @given),
        'NetIO::Server', 'read-only ones';
    is_deeply [$server->addresses], [], 'it listens nowhere';
    $server->run;
    pass 'and so has nothing to do';
}
{

    package Tied;    ## no critic (RequireFilenameMatchesPackage)
    sub TIESCALAR { return bless [$_[1]], $_[0] }
    sub FETCH     { $_[0][1]++; return $_[0][0] }

    package Number;
    use overload '0+' => sub { 7 }, '""' => sub { 'seven' }, fallback => 1;
}
{
    tie my $code_tied, 'Tied', $code;
    tie my $count,     'Tied', 5;
    my $server = NetIO::Server->new(
        on_line    => $code_tied,
        line_max   => $count,
        per_source => bless([], 'Number'),
        listen     => '127.0.0.1:0'
    );
    is tied($count)->[1],                                 1, 'a tied value is read once';
    is tied($code_tied)->[1],                             1, 'code, too';
    is scalar(my @addresses = $server->start->addresses), 1, 'that is a server';
}

# --- methods

{
    my $server = serve(on_line => $code);
    my %calls  = (
        'Connection'         => [qw(peer write reply close abort pause data fd line timer unread)],
        'Server'             => [qw(_open _run step fileno _addresses _status timer)],
        'Server::Datagram'   => [qw(peerhost reply server)],
        'Server::Supervisor' => [qw(addresses run status stop)],
        'Server::Timer'      => [qw(stop)],
    );
    my ($text, $nothing) = ('text', undef);
    my $class_alone = bless {}, 'NetIO::Server';
    for my $none (undef, 1, 'NetIO::Server', $class_alone, \1, \$text, \$nothing, \\1, \v1.2, {},
        [], \*STDIN, qr/x/, $code)
    {
        for my $class (sort keys %calls) {
            for my $method (@{ $calls{$class} }) {
                for my $more ([], [1], [1, $code]) {
                    eval { "NetIO::$class"->can($method)->($none, @$more) };
                    last if $@ !~ /^Usage/;
                }
                like $@, qr/^not a NetIO::$class\b/, "$class, $method of what is none";
            }
        }
    }
    my $fake = bless \(my $number = 12_345), 'NetIO::Connection';
    eval { $fake->peer };
    like $@, qr/not a NetIO::Connection/, 'a forged connection';
    eval { (bless \(my $x = 1), 'NetIO::Server::Timer')->stop };
    like $@, qr/not a NetIO::Server::Timer/, 'a forged timer';
    eval { (bless \(my $x = 1), 'NetIO::Server::Datagram')->reply('x') };
    like $@, qr/not a NetIO::Server::Datagram/, 'a forged datagram';
    for (['step', 'soon'], ['stop', -1], ['timer', 'x', $code], ['timer', 1, 'code']) {
        my ($method, @argument) = @$_;
        eval { $server->$method(@argument) };
        like $@, qr/^$method: '.*' is not /, "$method @argument";
    }
}
{
    my $server = NetIO::Server->new(on_line => $code, listen => 'nowhere:at:all');
    eval { $server->start };
    like $@, qr/^listen: .*nowhere:at:all/, 'an address that is none';
    my $first = serve(on_line => $code);
    my ($address) = $first->addresses;
    eval { NetIO::Server->new(on_line => $code, listen => $address)->start };
    is $@->message,   "listen: bind $address: Address already in use", 'B28: one that is taken';
    is $@->errno + 0, Errno::EADDRINUSE(),                             'its errno';
}
{

    package Mine;
    our @ISA = 'NetIO::Server';
}
{
    my $mine;
    my $server =
        Mine->new(listen => '127.0.0.1:0', on_line => sub { $mine = $_[0]->server; $_[0]->reply });
    $server->{things} = 'of a subclass';
    tell($server, connected($server), "x\n");
    is $mine->{things}, 'of a subclass', 'a subclass has its things';
    isa_ok $mine, 'Mine';
}

# Octets, and what is none.
{
    my (@errors, @sent);
    my $server = serve(
        on_line => sub {
            my ($connection, $line) = @_;
            my $upgraded = "\xe9";
            utf8::upgrade($upgraded);
            $connection->write($upgraded);
            push @sent, utf8::is_utf8($upgraded);
            $connection->write(*STDOUT, \1 ? 1.5 : 0);
            $connection->write("\x{20ac}") if $line eq 'wide';
            $connection->close;
        },
        on_error => sub { push @errors, @_[0, 2] },
    );
    is tell($server, connected($server), "x\n"), "\xe9*main::STDOUT1.5", 'octets, globs, numbers';
    ok $sent[0], 'a string stays as it was';
    is tell($server, connected($server), "wide\n"), undef, 'of what is none nothing is sent';
    like $errors[0], qr/^write: characters that are no octets at \S+ line \d+\.$/, 'and it is told';
    is $errors[1], 'on_line', 'where';
}

done_testing;
