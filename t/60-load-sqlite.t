use strict;
use warnings;

use lib 't/lib';
use NetIO::Load::SQLite qw(connect_sqlite patiently);
use NetIO::Test::Load;
use POSIX ();
use Test::More;

alarm 300;

my $folder = folder();
my $path   = spew("$folder/a.db", '');
my $dbh    = connect_sqlite($path, 'mode=rw', 'cannot write it');

$dbh->do('CREATE TABLE t(a)');
$dbh->do('INSERT INTO t VALUES(?)', undef, "Malm\x{f6} \x{20ac}");
is $dbh->selectrow_array('SELECT a FROM t'), "Malm\x{f6} \x{20ac}",    'characters in and out';
is $dbh->selectrow_array('SELECT length(CAST(a AS BLOB)) FROM t'), 10, 'UTF-8 in the file';

# Errors: name, code, message
my @errors = (
    [
        'a statement',
        sub { $dbh->do('INSERT INTO u VALUES(1)') },
        'cannot write it: no such table: u'
    ],
    [
        'no such file',
        sub { connect_sqlite("$folder/b.db", 'mode=rw', 'cannot write b.db') },
        'cannot write b.db: unable to open database file'
    ],
    [
        'read-only',
        sub { connect_sqlite($path, 'mode=ro', 'cannot read')->do('DELETE FROM t') },
        'cannot read: attempt to write a readonly database'
    ],
    [
        'no database',
        sub { connect_sqlite($0, 'mode=ro', 'no check')->do('SELECT * FROM t') },
        'no check: file is not a database'
    ],
);
for (@errors) {
    my ($name, $code, $text) = @$_;
    eval { $code->() };
    is ref $@ && $@->text . ' ' . $@->code, "$text 74", "an error: $name";
}

# Work that would never end, and a signal in the middle of it.
my $endless =
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
for my $signal (qw(INT TERM HUP)) {
    my @seen;
    local $SIG{$signal} = sub { push @seen, $_[0]; die "stopped\n" };
    eval {
        patiently(
            $dbh,
            sub {
                kill $signal, $$;
                push @seen, 'held back';
                $dbh->selectrow_array($endless);
            }
        );
    };
    is "@seen: $@", "held back $signal: stopped\n", "SIG$signal stops SQLite, then is delivered";
}

my $blocked = POSIX::SigSet->new;
POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new, $blocked);
ok !$blocked->ismember(POSIX::SIGINT()), 'signals are let in again';
is $dbh->selectrow_array('SELECT count(*) FROM t'), 1, 'the connection works on';

eval {
    patiently($dbh, sub { die "own trouble\n" });
};
is $@, "own trouble\n", 'what the work throws comes through';
POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new, $blocked);
ok !$blocked->ismember(POSIX::SIGINT()), 'and signals are let in then, too';

done_testing;
