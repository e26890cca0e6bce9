# netiod-pool: programs for inetd, unchanged, each served again and again by one worker: what a
# client gets is what it would get from a process of its own, whatever the clients before it did.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use NetIO::Test::Pool;

alarm 300;
$SIG{PIPE} = 'IGNORE';

# Name, program, and what clients say, one after another.
my @programs;

sub program {
    my ($name, $text, @said) = @_;

    push @programs, [$name, $text, @said];
    return;
}

program 'file lexicals, subs that close over them, package variables', <<'PERL',
#!/usr/bin/perl
use strict; use warnings;
my $count = 0; my @list; my %hash; our ($global, @globals, %globals); our $set = 5;
my $unset; my ($one, $two);
sub bump { $count++; push @list, $count; $hash{$count} = 1; $global .= 'g'; return $count }
sub show { return join ' ', $count, scalar @list, scalar keys %hash, $global // 'undef',
    scalar @globals, scalar keys %globals, $set, $unset // 'undef', $one // 'undef' }
print show(), "\n";
while (my $line = <STDIN>) {
    chomp $line;
    bump() if $line eq 'bump';
    push @globals, $line; $globals{$line}++; $unset = $line; $one = \@globals;
    $main::set = $line;
    print show() =~ s/ARRAY\S+/ARRAY/r, "\n";
}
PERL
    "bump\nbump\nother\n", "x\n", '';

program 'exit: below subs, in eval, in sort, in a module, in DESTROY, in map', <<'PERL',
use strict; use warnings;
package Module; sub leave { exit 3 } sub new { bless {}, shift } sub DESTROY { exit 7 if $main::leave }
package main;
our $leave;
my $depth = 0;
sub deep { my ($n) = @_; $depth++; exit 2 if !$n; my @a = map { deep($n - 1) } 1 }
END { print "end $depth $?\n" }
my $line = <STDIN> // ''; chomp $line;
print "begin $depth\n";
deep(20) if $line eq 'deep';
eval { exit 4 } if $line eq 'eval';
my @s = sort { exit 5 } 3, 2, 1 if $line eq 'sort';
Module::leave() if $line eq 'module';
eval 'exit 6; 1' if $line eq 'string';
for my $i (1 .. 3) { local $_ = $i; exit 1 if $i == 2 && $line eq 'loop' }
if ($line eq 'destroy') { $leave = 1; my $object = Module->new; undef $object }
print "the end\n";
PERL
    map { "$_\n" } qw(none deep eval sort module string loop destroy none);

program 'die: texts, objects, with handlers, in evals', <<'PERL',
use strict; use warnings;
package Trouble; sub new { bless { text => $_[1] }, $_[0] } sub throw { die $_[0]->new($_[1]) }
package main;
my $line = <STDIN> // ''; chomp $line;
print "state [", $@, "]\n";
if ($line eq 'handler') { $SIG{__DIE__} = sub { print "handled $_[0]" }; die "with a handler\n" }
if ($line eq 'warn') { $SIG{__WARN__} = sub { print "warned $_[0]" } }
warn "a warning\n";
eval { eval { Trouble->throw('inner') }; print "caught $@->{text}\n"; die { code => 5 } };
print "then $@->{code}\n" if ref $@;
die "plain\n" if $line eq 'plain';
die [1, 2] if $line eq 'object' && 0;
die 'with a line' if $line eq 'line';
eval { die "left\n" };
my $undef; print "x" . $undef . "\n" if $line eq 'undef';
print "done\n";
PERL
    map { "$_\n" } qw(none handler warn plain line undef none);

program 'END blocks: several, with exit codes, that exit and die', <<'PERL',
use strict; use warnings;
my @said; my $last = 'none';
END { print "first END, runs last: $last (@said)\n" }
END { push @said, 'second'; $? = 9 if $last eq 'code' }
END { exit 4 if $last eq 'exit'; die "in END\n" if $last eq 'die'; push @said, 'third' }
$last = <STDIN> // ''; chomp $last;
eval "END { print qq{made up\\n} } 1" or die if $last eq 'string';
print "main\n";
PERL
    map { "$_\n" } qw(none code exit die string none string);

program 'closures, generators, recursion, state variables', <<'PERL',
use strict; use warnings; use feature 'state';
{ my $hidden = 10; sub next_id { return ++$hidden } }
sub counter { my $n = shift; return sub { return $n++ } }
sub stated { state $calls = 5; state @seen; push @seen, $calls; return ++$calls . '/' . @seen }
my $anonymous = sub { state $n = 0; return ++$n };
my $fib; $fib = sub { my $n = shift; $n < 2 ? $n : $fib->($n - 1) + $fib->($n - 2) };
sub outer { my $x = shift; no warnings 'closure'; sub inner { return defined $x ? $x++ : 'none' } return inner() }
my $c = counter(3);
print join(' ', next_id(), next_id(), $c->(), $c->(), stated(), stated(), $anonymous->(),
    $anonymous->(), $fib->(10), outer(7), inner(), outer(9)), "\n";
exit if (<STDIN> // '') =~ /exit/;
print next_id(), "\n";
PERL
    '', "exit\n", '', "exit\n";

program 'BEGIN blocks and constants: once, and what they set is there each time', <<'PERL',
use strict; use warnings;
use constant { ONE => 1, LIST => [1, 2] };
our (%table, @names, $when); my ($early, @early);
BEGIN { %table = (a => 1, b => { deep => 1 }); @names = qw(x y); $when = 'compiled'; $early = 'set';
    @early = (1 .. 3); $SIG{USR2} = 'IGNORE'; $ENV{EARLY} = 'yes'; $| = 1; $, = '-' }
print ONE, LIST->[1], join(' ', map { "$_" } sort keys %table), "@names", $when, $early, "@early",
    $SIG{USR2}, $ENV{EARLY}, $|, "\n";
%table = (); push @names, 'z'; $when = 'run'; $early = 'changed'; @early = (); $SIG{USR2} = 'DEFAULT';
delete $ENV{EARLY}; $| = 0; $, = '+';
print 1, 2, "\n";
PERL
    '', '', '';

program 'perl\'s own variables', <<'PERL',
use strict; use warnings;
sub show { local ($\, $,) = ("\n", ' ');
    print map { defined $_ ? s/\n/N/r : 'undef' } "$/", $\, $,, $", $;, $0 =~ m{([^/]+)$}, $_, $@, $! + 0, $^W,
        $|, $., $?, scalar @ARGV, "@ARGV", scalar(@_), $a, $b, $&, $1; }
no warnings;
show();
my $line = <STDIN>;
'matched' =~ /(at)/;
show();
($/, $\, $,, $", $;) = ('x', '', 'y', 'z', 'w');
$0 = 'renamed'; $_ = 'topic'; $@ = 'error'; $! = 5; $^W = 1; $| = 1; $? = 256; shift @ARGV; push @ARGV, 'more';
@_ = (1, 2); ($a, $b) = (3, 4);
select STDERR; $| = 1;
PERL
    "a\nb\n", "a\nb\n", '';

program 'the process: umask, folder, alarm, signals, priority of handlers', <<'PERL',
use strict; use warnings; use Cwd; use POSIX ();
my $line = <STDIN> // '';
my $set = POSIX::SigSet->new; POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new, $set);
print join(' ', umask, getcwd(), alarm(0), $SIG{ALRM} // 'undef', $SIG{HUP} // 'undef',
    $set->ismember(POSIX::SIGUSR1()) ), "\n" if $line !~ /int/;
umask 0; chdir '/tmp'; alarm 100; $SIG{ALRM} = sub { print "alarm\n" }; $SIG{HUP} = 'IGNORE';
POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(POSIX::SIGUSR1()));
if ($line =~ /local/) {
    local $SIG{ALRM} = sub { die "timed out\n" };
    eval { alarm 1; my $more = <STDIN>; sleep 5; alarm 0 }; print "got $@";
}
PERL
    "a\n", "local\n", "b\n";

program '%ENV', <<'PERL',
use strict; use warnings;
my $line = <STDIN> // '';
print join(' ', map { "$_=$ENV{$_}" } grep { !/^(?:TCP|REMOTE_|PROTO|PATH|PERL)/ } sort keys %ENV), "\n";
print `echo \$NEW/\$LANG`;
$ENV{NEW} = 'value'; $ENV{LANG} = 'x'; delete $ENV{TZ}; delete $ENV{PATH} if $line =~ /path/;
$ENV{REMOTE_USER} = 'root';
%ENV = () if $line =~ /all/;
local $ENV{LOCAL} = 1;
exit if $line =~ /exit/;
PERL
    map { "$_\n" } qw(a path exit all b);

program 'handles: left open, duplicated, closed, reopened, selected, of STDERR', <<'PERL',
use strict; use warnings;
my $line = <STDIN> // ''; chomp $line;
my $path = "$0." . ($ENV{PROTO} ? 1 : 2);
open LOG, '>>', $path or die "$path: $!\n";
print LOG "$line\n";
if ($line eq 'read') { close LOG; open my $in, '<', $path or die; print sort <$in>; unlink $path }
print "numbers ", join(' ', map { fileno $_ } \*STDIN, \*STDOUT, \*STDERR), "\n";
if ($line eq 'dup') { open my $dup, '>&', \*STDOUT or die; print $dup "dup\n"; close $dup; print "out\n" }
if ($line eq 'same') { open OTHER, '>&=', \*STDOUT or die; print OTHER "same\n" }
if ($line eq 'close') { close STDOUT; close STDIN }
if ($line eq 'file') { open STDOUT, '>', '/dev/null' or die; print "lost\n" }
if ($line eq 'select') { open my $null, '>', '/dev/null' or die; select $null; print "lost\n" }
if ($line eq 'stderr') { open STDERR, '>&', \*STDOUT or die; print STDERR "to the client\n"; warn "warned\n" }
if ($line eq 'noerr') { close STDERR; print "closed\n" }
if ($line eq 'memory') { close STDOUT; open STDOUT, '>', \my $text or die; print "kept" }
if ($line eq 'local') { local *STDOUT; open STDOUT, '>', '/dev/null' or die; print "lost\n" }
print "still here\n";
print STDERR "heard $line\n";
PERL
    map { "$_\n" } qw(a dup same close file select stderr noerr memory local b), 'read', 'c',
    'read';

program 'layers and binmode', <<'PERL',
use strict; use warnings; use utf8;
my $line = <STDIN> // ''; chomp $line;
print join(' ', PerlIO::get_layers(STDOUT)) =~ s/^\S+ perlio|^\S+/base/r, ' ', length $line, "\n";
binmode STDOUT, ':encoding(UTF-8)' if $line =~ /utf8/;
binmode STDERR, ':utf8' if $line =~ /utf8/;
binmode STDIN, ':crlf' if $line =~ /crlf/;
print $line =~ /utf8/ ? "\x{263a}\n" : "plain\n";
print scalar <STDIN> // 'none';
PERL
    "plain\xc3\xbc\n", "utf8\nmore\n", "crlf\nmore\r\n", "plain\n";

program 'use open: layers that are there from the beginning', <<'PERL',
use strict; use warnings; use utf8;
use open qw(:std :encoding(UTF-8));
my $line = <STDIN> // ''; chomp $line;
print length $line, " \x{263a}\n";
binmode STDOUT, ':raw' if $line eq 'raw';
PERL
    "\xc3\xbc\n", "raw\n", "\xc3\xbc\n";

program '__END__ and DATA', <<'PERL',
use strict; use warnings;
my $line = <STDIN> // '';
my $first = <DATA>; print $first, tell DATA, "\n";
exit if $line =~ /exit/;
close DATA if $line =~ /close/;
if ($line =~ /all/) { my @rest = <DATA>; print "rest @rest" }
if ($line =~ /seek/) { seek DATA, 0, 0; print scalar <DATA> }
__END__
one
two
three
PERL
    map { "$_\n" } qw(a exit close all seek b);

program 'formats', <<'PERL',
use strict; use warnings;
our ($name, $value, $text);
format STDOUT_TOP =
Name       Value
----------------
.
format STDOUT =
@<<<<<<<<< @>>>>
$name,     $value
^<<<<~~
$text
.
format OTHER =
other @<<<
$name
.
while (my $line = <STDIN>) {
    chomp $line; ($name, $value) = split /,/, $line; $text = "some words of text";
    $~ = 'OTHER' if $name eq 'other';
    write;
}
printf "%s %d %s|%-5s|%05.1f %v02x\n", $~, $-, $^, 'ab', 3.14159, '1.22.333';
PERL
    "a,1\nb,2\n", "other,3\nc,4\n", "a,1\n";

program 'patterns: once, ?...?, \\G, ranges of lines', <<'PERL',
use strict; use warnings;
our $global = 'aXbXc';
while (my $line = <STDIN>) {
    chomp $line;
    my $word = $line;
    print "o " if 'alpha' =~ /$word/o;
    print "once " if $line =~ m?a?;
    print "range " if $line =~ /begin/ .. $line =~ /end/;
    print "lines " if 2 .. 3;
    $global =~ /X/g; print pos $global, ' ';
    print s/l/L/or, ' ' for 'hello';
    print "$line\n";
}
PERL
    "alpha\na\nbegin\nx\n", "beta\nalpha\n", "x\nend\nx\n", "alpha\n";

program 'loops and labels left in odd ways', <<'PERL',
use strict; no warnings;
our $n = 0;
sub leave { last OUTER } sub again { next OUTER }
sub far { goto &near } sub near { return "near @_" }
OUTER: while (my $line = <STDIN>) {
    chomp $line; $n++;
    leave() if $line eq 'last';
    again() if $line eq 'next';
    print far($line), "\n";
    goto DONE if $line eq 'goto';
    for (1) { for (2) { exit 1 if $line eq 'exit' } }
}
print "after $n\n";
DONE: print "done $n\n";
PERL
    "a\nnext\nb\nlast\nc\n", "a\ngoto\nb\n", "exit\n", "a\n";

program 'reading: lists, blocks, single octets, sysread, eof', <<'PERL',
use strict; use warnings;
my $how = <STDIN> // ''; chomp $how;
if ($how eq 'list') { my @lines = <STDIN>; print scalar @lines, " $lines[-1]" }
if ($how eq 'slurp') { local $/; my $all = <STDIN>; print length $all, "\n" }
if ($how eq 'paragraph') { local $/ = ''; print "[$_]" while <STDIN> }
if ($how eq 'getc') { while (defined(my $c = getc STDIN)) { print ord $c, ' ' } print "\n" }
if ($how eq 'read') { while (read STDIN, my $block, 3) { print "<$block>" } print "\n" }
if ($how eq 'angle') { while (<>) { print "$.:$_" } }
if ($how eq 'eof') { until (eof STDIN) { print scalar <STDIN> } print "eof\n" }
print "$.\n" if defined $.;
PERL
    map { "$_\na\nbb\n\nccc\n" } qw(list slurp paragraph getc read angle eof list angle);

program 'sysread and syswrite', <<'PERL',
use strict; use warnings;
my $text = '';
1 while sysread STDIN, $text, 4, length $text;
syswrite STDOUT, uc $text;
print "and printed\n";
PERL
    "some text\n", '', "more\n";

program 'files loaded while it runs', <<'PERL',
use strict; use warnings;
my $line = <STDIN> // '';
if ($line =~ /load/) { require Text::Wrap; Text::Wrap->import('wrap'); require POSIX;
    print wrap('', '  ', 'some words'), ' ', POSIX::floor(3.7), "\n" }
if ($line =~ /wrap/) { no warnings 'once'; require Text::Wrap; print "$Text::Wrap::columns\n"; $Text::Wrap::columns = 76 }
eval 'sub made { return "made" } 1' or die if $line =~ /make/;
print defined &made ? made() : 'no sub', "\n" if $line =~ /make/;
no strict 'refs'; no warnings;
print ${'symbolic'} // 'undef', ' ', @{'list'} + 0, "\n";
${'symbolic'} = 'kept'; @{'list'} = (1, 2); *{'glob'} = sub { 1 }; local *{'x'} = \5;
print defined &{'glob'} ? "glob\n" : "no glob\n";
PERL
    map { "$_\n" } qw(a load make load wrap wrap a make);

program 'globs, redefined subs, AUTOLOAD, methods, overloading, tie, local', <<'PERL',
use strict; use warnings; no warnings qw(redefine once);
package Thing; our @ISA; our $AUTOLOAD; our $made = 0;
use overload '+' => sub { $_[0]{n} + (ref $_[1] ? $_[1]{n} : $_[1]) }, '""' => sub { "thing$_[0]{n}" };
sub new { $made++; return bless { n => $_[1] }, $_[0] }
sub AUTOLOAD { my $name = $AUTOLOAD =~ s/.*:://r; return if $name eq 'DESTROY'; return "auto $name" }
package Base; sub hello { return 'hello of Base' }
package Tie; sub TIESCALAR { return bless [] } sub FETCH { return 'tied' } sub STORE { }
package main;
our ($tied, @alias, $alias, @source) = (undef); our @other = (9);
sub greet { return 'original' }
my $line = <STDIN> // '';
print join(' ', greet(), Thing->new(2) + 3, '' . Thing->new(4), Thing->anything, $Thing::made,
    scalar @Thing::ISA, $tied // 'undef', "@other"), "\n";
if ($line =~ /change/) {
    *greet = sub { 'changed' }; @Thing::ISA = 'Base'; print Thing->hello, ' ', greet(), "\n";
    tie $tied, 'Tie'; print "$tied\n"; *other = [1, 2]; *Thing::new = sub { die };
    local $Thing::made = 100;
}
print Thing->can('hello') ? "can\n" : "cannot\n";
PERL
    "a\n", "change\n", "b\n", "change\n";

program 'sprintf, sort, local $_, wantarray, caller, __FILE__, warnings with lines', <<'PERL',
use strict; use warnings;
sub context { return wantarray ? 'list' : defined wantarray ? 'scalar' : 'void' }
my @frames = caller; my ($l) = context(); my $s = context();
print "$l $s ", scalar @frames, ' ', __LINE__, ' ', (__FILE__ eq $0 ? 'same' : 'other'), ' ', __PACKAGE__, "\n";
print join(',', sort { $b <=> $a } 10, 9, 100), "\n";
my $undef; my $sum = do { no warnings; $undef + 1 };
warn 'at its line';
my $text = "value: " . $undef;
# line 500 "other.pl"
warn 'elsewhere';
while (<STDIN>) { chomp; warn "reading $_"; last if /last/ }
die 'the end' if $sum;
PERL
    "a\nlast\n", "b\n", '';

program 'other processes: system, backticks, pipes, fork, exec', <<'PERL',
use strict; use warnings;
my $line = <STDIN> // ''; chomp $line; $| = 1;
system 'echo system; read -r rest; echo "rest $rest"' if $line eq 'system';
print "ticks ", `echo inside` if $line eq 'ticks';
if ($line eq 'pipe') { open my $sort, '|-', 'sort -r' or die; print $sort "a\nb\n"; close $sort }
if ($line eq 'fork') { my $pid = fork; if (!$pid) { print "child\n"; exit 3 } waitpid $pid, 0; print $? >> 8, "\n" }
if ($line eq 'posix') { require POSIX; my $pid = fork; if (!$pid) { POSIX::_exit(4) } waitpid $pid, 0; print $? >> 8, "\n" }
if ($line eq 'child') { my $pid = fork; if (!$pid) { print "child\n" } else { waitpid $pid, 0; print "parent\n" } }
exec 'echo', 'executed' if $line eq 'exec';
END { print "end\n" }
print "last\n";
PERL
    map { "$_\n" } qw(system ticks pipe fork posix child exec a exec b);

program 'a gateway, as for the web', <<'PERL',
#!/usr/bin/perl -w
use strict;
my %in; my $body = '';
my ($method, $path) = split ' ', <STDIN> // 'GET /';
while (<STDIN>) { s/\r?\n//; last if !length; my ($k, $v) = split /:\s*/, $_, 2; $in{lc $k} = $v }
read STDIN, $body, $in{'content-length'} || 0;
my %form = map { my ($k, $v) = split /=/; s/%(..)/chr hex $1/ge, tr/+/ / for $v; ($k => $v) } split /&/, $body;
print "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n", "$method $path\n";
print map { "$_=$form{$_}\n" } sort keys %form;
PERL
    "POST /a HTTP/1.0\r\nContent-Length: 11\r\n\r\nx=1+2&y=%41", "GET /b HTTP/1.0\r\n\r\n", "\r\n",
    "POST /c HTTP/1.0\r\nContent-Length: 3\r\n\r\nz=9";

program 'old Perl, no strict', <<'PERL',
$names{'root'} = 'Charlie'; $count++;
$_ = <STDIN>; chop;
&lookup($_);
print "$count lookups so far, ", scalar(keys %names), " names\n";
sub lookup { local($who) = @_; $count++; $names{$who} = $who unless $names{$who}; print "$names{$who}\n"; }
dump_all() if /all/;
sub dump_all { foreach $k (sort keys %names) { print "$k\n"; } while (($k, $v) = each %names) { last } }
PERL
    "root\n", "all\n", "other\n", "root\n";

program 'a part of what was said', <<'PERL',
use strict; use warnings;
@ARGV = (); my $line = <>; print $line // 'none'; $line = <STDIN>; print $line // 'none';
open my $same, '-' or die; print scalar <$same> // 'none';
PERL
    "a\nb\nc\nd\ne\n", "x\ny\n", '', "z\n";

program 'objects that are left over, and a goodbye in their destructors', <<'PERL',
use strict; use warnings;
package Guard; sub new { bless [$_[1]] } sub DESTROY { print "bye $_[0][0]\n"; exit 3 if $_[0][0] eq 'exit'; die "x\n" if $_[0][0] eq 'die' }
package main;
my $line = <STDIN> // ''; chomp $line;
my $lexical = Guard->new('lexical') if $line ne 'none'; sub uses { return $lexical }
{ my $inner = Guard->new($line) }
print "done\n";
PERL
    map { "$_\n" } qw(a die a);

program 'all handles closed, others opened, as daemons do', <<'PERL',
use strict; use warnings; use POSIX ();
my $line = <STDIN> // ''; chomp $line;
print "before $line\n";
if ($line eq 'all') { close STDIN; close STDOUT; close STDERR; open my $n, '<', '/dev/null'; open my $o, '>', '/dev/null' }
if ($line eq 'posix') { POSIX::setlocale(POSIX::LC_ALL(), 'C'); POSIX::close(0); POSIX::close(2) }
if ($line eq 'null') { open STDIN, '<', '/dev/null'; open STDERR, '>', '/dev/null'; print scalar <STDIN> // 'null', "\n" }
warn "heard $line\n";
PERL
    map { "$_\n" } qw(a all b posix c null d);

program 'arguments', <<'PERL', "a\n", "b\n";
print "@ARGV\n"; print shift, "\n"; @ARGV = ('x') x 5; print <STDIN>;
PERL

for my $row (grep { !$ENV{ONLY} || $_->[0] =~ /$ENV{ONLY}/ } @programs) {
    served_as_alone(@$row);
}

done_testing;
