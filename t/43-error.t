# NetIO::Error: an object that reads like a text, counts like an errno, and is always true.

use strict;
use warnings;
use lib 't/lib';

use Errno qw(ECONNRESET EINVAL EMSGSIZE ETIMEDOUT);
use NetIO;
use NetIO::Error;
use NetIO::Test::Peer;
use Test::More;

alarm 300;

sub thrown {
    my (@fields) = @_;
    eval { NetIO::Error->throw(@fields) };
    return $@;
}

subtest 'throw' => sub {
    my $line  = __LINE__ + 1;
    my $error = eval { NetIO::Error->throw(message => 'no luck', what => 'test', stage => 'read',
        code => NetIO::Error::TOOLONG, host => 'h', service => 's') } || $@;
    is 0 + $!, EMSGSIZE, '$!';
    is "$error", "no luck at $0 line $line.\n", 'as a text';
    is 0 + $error, EMSGSIZE, 'as a number';
    is $error->$_, { message => 'no luck', what => 'test', stage => 'read', code => -1002,
        errno => EMSGSIZE, host => 'h', service => 's', file => $0, line => $line,
        code_name => 'NETIO_ETOOLONG', text => 'longer than the limit' }->{$_}, $_
        for qw(message what stage code errno host service file line code_name text);
    is $error->$_, undef, "no $_" for qw(address elapsed);
    is_deeply [$error->attempts], [], 'no attempts';

    is thrown(code => -ETIMEDOUT)->message, 'Connection timed out', 'message of a code';
    is thrown(code => -ETIMEDOUT)->code_name, 'ETIMEDOUT', 'name of an errno';
    is thrown(code => NetIO::Error::EOF)->errno, ECONNRESET, 'errno of a code';
    is thrown(code => -1, errno => 7)->errno, 7, 'errno as given';
    is thrown()->message, 'no error', 'nothing given';
    is thrown(code => -987654)->code_name, 'UNKNOWN', 'no such code';
    is thrown(message => "\x{263a}")->message, "\x{263a}", 'wide characters';
    like "" . thrown(message => "\x{263a}"), qr/^\x{263a} at /, 'in the text, too';
};

subtest 'reply, as the old tcpopen had it' => sub {
    my @cases = (
        # fields, reply
        [[stage => 'connect', host => 'h', service => 'whois'], 'connect(whois://h)'],
        [[stage => 'socket',  host => 'h', service => 43],      'connect(43://h)'],
        [[stage => 'bind',    host => 'h', service => 43],      'connect(43://h)'],
        [[stage => 'timeout', host => 'h', service => 43],      'connect(43://h)'],
        [[stage => 'service', host => 'h', service => 'nosuch'], 'getservbyname(nosuch)'],
        [[stage => 'resolve', host => 'h', service => 'whois'], 'gethostbyname(h)'],
        [[stage => 'read',    host => 'h', service => 'whois'], 'read(whois://h)'],
        [[stage => 'write', address => '192.0.2.1:43'],         'write(192.0.2.1:43)'],
        [[stage => 'connect', host => '/run/x'],                'connect(/run/x)'],
        [[stage => 'option', what => 'tcpopen'],                'tcpopen'],
        [[stage => 'option'],                                   ''],
        [[],                                                    'connect()'],
        [[stage => 'resolve'],                                  'gethostbyname()'],
        # D3, D4: what a stranger has chosen is made fit for one line
        [[stage => 'connect', host => "h\r\n200:ok\0\e[m", service => "\x7f\x{9b}\x{2028}"],
            'connect(\x7f\xc2\x9b\xe2\x80\xa8://h\x0d\x0a200:ok\x00\x1b[m)'],
        [[stage => 'resolve', host => 'x' x 10_000],            'gethostbyname(' . 'x' x 159 . ')'],
    );
    for (@cases) {
        my ($fields, $reply) = @$_;
        is thrown(@$fields)->reply, "550:Cannot $reply", $reply;
    }
    my $every = join '', map { chr } 0 .. 255;
    like thrown(stage => $_, host => $every, service => $every, what => $every)->reply,
        qr/\A550:[\x20-\x7e]+\z/, "$_: one printable line" for qw(option connect service resolve);
    eval { tcpopen("a\r\nb", 'whois') };
    is $@->reply, '550:Cannot gethostbyname(a\x0d\x0ab)', 'tcpopen: a host';
    eval { tcpopen('127.0.0.1', "no\r\nsuch") };
    is $@->reply, '550:Cannot getservbyname(no\x0d\x0asuch)', 'a service';
    my $refusing = NetIO::Test::Peer->refusing;
    my $port     = $refusing->port;
    eval { tcpopen('127.0.0.1', $port, timeout => 0) };
    is $@->reply, "550:Cannot connect($port://127.0.0.1)", 'a connection';
    {
        package Dies;
        use overload '""' => sub { die "no text\n" };
    }
    ok !eval { thrown(stage => 'connect', host => bless [], 'Dies')->reply; 1 }, 'a field that dies';
};

subtest 'overloads' => sub {
    my $zero = thrown(message => 'zero', code => 0);

    ok $zero, 'true without an errno';
    is 0 + $zero, 0, 'which is 0';
    ok $zero eq "zero at $0 line " . ($zero->line) . ".\n", 'eq';
    ok $zero ne 'zero', 'ne';
    ok thrown(code => -ETIMEDOUT) == ETIMEDOUT, '==';
    is "<$zero>", "<$zero" . '>', 'in a text';
    is sprintf('%s', $zero), "$zero", 'sprintf';
    is length $zero, length "$zero", 'length';
};

subtest 'as an exception' => sub {
    my $error = thrown(message => 'again', code => -ETIMEDOUT);

    eval { die $error };
    ok ref $@ && $@->message eq 'again', 'die $error';
    is $@->line, $error->line, 'keeps its place';
    eval { eval { die $error }; die };
    is ref $@, 'NetIO::Error', 'die without arguments keeps it';
    my $seen;
    {
        local $SIG{__DIE__} = sub { $seen = ref $_[0] };
        eval { tcpopen('', 1) };
    }
    is $seen, 'NetIO::Error', 'F2 $SIG{__DIE__} gets the object';
    ok !eval { tcpopen('', 1); 1 } && $@->isa('NetIO::Error'), 'and stays out of the way';
    local $@ = 'before';
    eval { tcpopen('', 1) };
    is $@->message, 'tcpopen: no host given', '$@ of before is gone';
    my $code = do { local $? = 0; eval { local $SIG{__DIE__}; tcpopen('', 1) }; $? };
    is $code, 0, 'F5 $? stays';
};

subtest 'F15 accessors on what is no error' => sub {
    my $code = NetIO::Error->can('message');

    for my $self (undef, '', 'NetIO::Error', {}, [], bless({}, 'Other')) {
        ok !eval { $code->($self); 1 }, 'dies: ' . ($self // 'undef');
        is $@, "not a NetIO::Error at $0 line " . (__LINE__ - 1) . ".\n", 'text';
    }
    @Special::ISA = 'NetIO::Error';
    my $special = bless { message => 'mine' }, 'Special';
    is $special->message,         'mine',         'a subclass';
    is "$special",                'mine',         'a text for an object that was not thrown';
    is bless({}, 'Special') . '', 'NetIO::Error', 'and for one with nothing in it';
    $special->{attempts} = 'x';
    is_deeply [$special->attempts], [], 'attempts that are none';
};

subtest 'classes that inherit' => sub {
    @Mine::ISA = 'NetIO::Error';
    my $error = eval { Mine->throw(message => 'mine', code => -ETIMEDOUT) } || $@;
    is ref $error, 'Mine', 'throw: of their own class';
    is 0 + $!, ETIMEDOUT, '$!';
    like "$error", qr/^mine at \Q$0\E line \d+\.$/, 'as a text';
    is eval { $error->throw } || ref $@, 'Mine', 'throw on an object';
    is eval { NetIO::Error::throw('x', code => -1) } || ref $@, 'NetIO::Error', 'as a function';
};

{
    package Tied;
    sub TIESCALAR { my ($class, @values) = @_; return bless \@values, $class }
    sub FETCH { my ($self) = @_; return @$self > 1 ? shift @$self : $self->[0] }
}

subtest 'F13 a tied error' => sub {
    tie my $error, 'Tied', thrown(message => 'mine'), thrown(message => 'mine');
    is NetIO::Error::message($error), 'mine', 'an accessor';
    tie $error, 'Tied', thrown(message => 'mine'), bless [], 'Mine';
    ok !eval { NetIO::Error::message($error); 1 }, 'one that turns into something else';
    like $@, qr/^not a NetIO::Error at /, 'text';
};

subtest 'codes' => sub {
    open my $header, '<', 'csrc/include/netio/error.h' or plan skip_all => 'no header here';
    my %code = do { local $/; <$header> =~ /^ +X\(([A-Z]+), (-\d+),/gm };

    cmp_ok scalar(keys %code), '>', 10, 'the list in netio/error.h';
    for my $name (sort keys %code) {
        is(NetIO::Error->can($name)->(), $code{$name}, "NetIO::Error::$name");
    }
};

# Blamed is the caller, not the packages of NetIO between.
{
    package NetIO::Between;    ## no critic (RequireFilenameMatchesPackage)
    sub call { my ($code) = @_; return $code->() }
    sub open { my ($self) = @_; return NetIO::tcpopen('', 1) }
    sub deeper { my ($self) = @_; return eval { $self->open } || die $@ }
}

subtest 'the place' => sub {
    my $line = __LINE__ + 1;
    eval { NetIO::Between->deeper };
    is join(' ', $@->file, $@->line), "$0 $line", 'the innermost caller outside of NetIO';
    $line = __LINE__ + 1;
    { package NetIOther; sub call { NetIO::tcpopen('', 1) } }
    eval { NetIOther::call() };
    is $@->line, $line, 'a package whose name only begins so is outside';
#line 7 "elsewhere"
    eval { tcpopen('', 1) };
    is "$@", "tcpopen: no host given at elsewhere line 7.\n", '#line';
    eval "tcpopen('', 1)";
    like "$@", qr/^tcpopen: no host given at \(eval \d+\) line 1\.$/, 'a string eval';
};

done_testing;
