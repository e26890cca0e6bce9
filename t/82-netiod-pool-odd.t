# netiod-pool with programs that take perl apart: handles closed, opened anew, tied and lost; perl's
# own variables tied and replaced; variables made read-only; packages made and deleted; exit and die
# where nobody expects them.  Each is served as in a process of its own, again and again.

use strict;
use warnings;

use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Pool;

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $dir = File::Temp->newdir('netio-XXXXXX', TMPDIR => 1);

sub odd {
    my ($name, $text) = @_;

    served_as_alone($name, $text =~ s/DIR/$dir/gr, "a\nb\n", "c\n");
    return;
}

# ---- handles

odd 'STDOUT opened upon a file', <<'PERL';
open STDOUT, '>', 'DIR/file' or die; print "to the file\n"; system 'echo so does this'; close STDOUT;
open my $file, '<', 'DIR/file'; print STDERR <$file>;
PERL

odd 'STDOUT closed, then opened: descriptor 1, as ever', <<'PERL';
close STDIN; close STDOUT; open STDIN, '<', $0; open STDOUT, '>', 'DIR/file' or die;
system 'echo said'; print STDERR fileno STDIN, fileno STDOUT, "\n"; close STDOUT;
open my $file, '<', 'DIR/file'; print STDERR <$file>;
PERL

odd 'STDOUT upon a program', <<'PERL';
open STDOUT, '|-', 'tr a-z A-Z' or die; print "heard\n", <STDIN>; close STDOUT;
PERL

odd 'a pipe that nobody closes', "open OUT, '|-', 'tr a-z A-Z' or die; print OUT qq{heard\\n};\n";

odd 'STDIN and STDOUT upon files, at a place of theirs', <<'PERL';
my $line = <STDIN>; print tell STDIN, seek(STDIN, 0, 0) ? 'seeks' : 'does not', "\n"; open STDIN, '<', $0 or die; my $first = <STDIN>; print tell STDIN, "\n";
$| = 1; system 'head -c 20'; seek STDIN, 0, 0; print scalar(() = <STDIN>), "\n"; seek STDIN, -10, 2; print <STDIN>; open STDOUT, '+>', 'DIR/place' or die;
print "hello\n"; print STDERR tell STDOUT, "\n"; seek STDOUT, 0, 0; print 'J'; close STDOUT; open my $file, '<', 'DIR/place'; print STDERR <$file>;
PERL

odd 'STDOUT that is lost, with what it had to say', <<'PERL';
print "not for the next one\n"; undef *STDOUT; system 'true';
PERL

odd 'STDOUT that is another handle', <<'PERL';
open my $null, '>', '/dev/null'; my $line = <STDIN>; *SAVE = *STDOUT; *STDOUT = $null;
print 'nobody hears this'; print SAVE "kept $line"; system 'true';
PERL

odd 'handles upon the numbers of those that were closed', <<'PERL';
close STDIN; close STDOUT; open my $in, '<', '/etc/passwd'; open my $out, '>', '/dev/null';
print $out 'never flushed'; warn fileno($in), fileno($out), "\n"; our @kept = ($in, $out);
PERL

odd 'handles that are tied', <<'PERL';
package Tied; sub TIEHANDLE { return bless { left => 2 } } sub PRINT { shift; syswrite main::REAL, "tied @_" }
sub READLINE { return $_[0]{left}-- > 0 ? "line\n" : undef }
package main;
open REAL, '>&', \*STDOUT or die; my $line = <STDIN>;
tie *STDIN, 'Tied'; tie *STDOUT, 'Tied'; tie *STDERR, 'Tied'; print while <STDIN>; warn "real $line";
PERL

odd 'layers of all handles', "use open qw(:std :utf8); print qq{\\x{263a}\\n}; print <STDIN>;\n";

odd 'folders that are left open, and one that was not opened', <<'PERL';
my $line = <STDIN>; opendir FOLDER, '/proc/self' if $line =~ /a/; BEGIN { opendir EARLY, '/proc/self/task' }
{ no warnings; print readdir FOLDER ? 'some' : 'none', "\n" } opendir FOLDER, '/proc/self/task' or die; opendir *ANOTHER, '/'; print telldir EARLY ? 'open' : 'there', "\n";
PERL

odd "formats' names and pages of handles that are theirs", join "\n",
    'open OUT, ">&", \*STDOUT or die; my $i = 0;', 'format OTHER =', 'other', '.', 'format STDERR =', 'its own', '.',
    'for my $to (*OUT, *STDERR) { select $to; print STDERR "$~ $^ $= $- $%\n"; write STDERR; $~ = "OTHER"; write; ($^, $=, $%) = ("X", 5, 7) }',
    'format OUT =', 'out', '.', 'print STDERR "$.\n" if <STDIN>; $. = 9;', '';

# ---- globs of standard handles, and of perl's own variables

my $data = "\n__DATA__\nof the program\nmore\n";

odd "STDIN that is $_", "print scalar <STDIN>; *STDIN = $_; print <STDIN>;$data"
    for '*DATA', '\*DATA', '*DATA{IO}';

odd 'STDIN that is another one for a while', <<'PERL' . $data;
my $line = <STDIN>; { local *STDIN = *DATA; print scalar <STDIN>; exit if $line =~ /c/ }
{ local *STDIN; open STDIN, '<', $0; print scalar <STDIN> } print <STDIN>; print STDERR <DATA>;
PERL

odd "$_->[0] that is $_->[1]", <<"PERL" for [qw(STDOUT STDERR)], [qw(STDERR STDOUT)];
package Thing; sub new { return bless [] } sub DESTROY { print $_->[0] "destroyed\\n" }
package main; our (\$thing, \@things); my \$line = <STDIN>; print $_->[0] "before\\n";
(\$thing, \@things) = map { Thing->new } 1 .. 3; *$_->[0] = *$_->[1]; print "one \$line"; print STDERR "another \$line";
PERL

odd 'handles that are exchanged', <<'PERL';
my $line = <STDIN>; (*STDIN, *STDOUT) = (*STDOUT, *STDIN); print STDIN "said $line"; print STDERR fileno STDIN, fileno STDOUT, "\n";
PERL

odd 'STDOUT that is a named handle', <<'PERL';
open OTHER, '>', '/dev/null'; my $line = <STDIN>; print "before $line"; *STDOUT = *OTHER; print "nobody hears this\n"; close OTHER;
PERL

odd 'globs that are gone', <<'PERL';
print 'said ', scalar <STDIN>; undef *STDIN; undef *STDERR; undef *STDOUT; open STDOUT, '>', '/dev/null'; print "nobody hears this\n";
PERL

odd "other variables of perl's own names", <<'PERL';
BEGIN { $STDERR = 'kept'; @ENV = (1, 2) }
print map({ defined $_ ? "<$_>" : 'none' } $STDERR, $STDIN, $STDOUT, $ENV, $SIG, $INC, @ENV, @STDIN, @SIG, %STDOUT), defined &STDIN ? 1 : 0, "\n";
$STDERR = $STDIN = <STDIN>; $STDOUT = $ENV = $SIG = $INC = 5; push @ENV, 3; @STDIN = @SIG = %STDOUT = (1, 2); *STDIN = sub { };
PERL

odd 'globs of %ENV, %SIG and @INC', <<'PERL';
$OTHER{PATH} = '/other'; print $ENV{PATH}, $OTHER{X} // 'none', "\n"; *ENV = *OTHER; $ENV{X} = <STDIN>;
*SIG = *OTHER; *INC = *OTHER; print scalar(keys %ADDED), "\n"; *ADDED = *ENV; $ADDED{Y} = 1; print $ENV{Y}, "\n";
PERL

# ---- perl's own variables

odd 'tied %ENV, %SIG, @INC', <<'PERL';
package Tied; require Tie::Hash; our @ISA = 'Tie::StdHash';
sub TIEARRAY { return bless [] } sub FETCHSIZE { return 1 } sub FETCH { my ($self, $key) = @_; return ref $self && "$self" =~ /HASH/ ? $self->{$key} : '/tied' }
package main;
tie %ENV, 'Tied'; tie %SIG, 'Tied'; tie @INC, 'Tied'; $ENV{ONE} = $SIG{TWO} = 1;
print sort(keys %ENV), sort(keys %SIG), "@INC\n";
PERL

odd 'another %ENV', <<'PERL';
print $ENV{PATH}, "\n"; *ENV = { PATH => $ENV{PATH}, ONE => 1 }; system 'echo "[$ONE]"'; print $ENV{ONE}, "\n";
PERL

odd 'another @INC', <<'PERL';
print scalar(grep { /odd/ } @INC), "\n"; unshift @INC, '/odd', sub { return }; *INC = ['/odd'];
PERL

odd 'signals that are ignored', <<'PERL';
print join(' ', map { "$_=$SIG{$_}" } grep { defined $SIG{$_} && !/^(?:TERM|QUIT|INT|PIPE)$/ } sort keys %SIG), "\n";
$SIG{$_} = sub { } for qw(HUP USR1 USR2 CHLD ALRM __WARN__ __DIE__); $SIG{CHLD} = 'IGNORE';
PERL

odd 'which signals there are', <<'PERL';
print join(' ', map { $_ . (exists $SIG{$_} ? '+' : '-') . ($SIG{$_} // 'none') } qw(HUP USR1 USR2 CHLD ALRM WINCH __WARN__)), "\n";
print scalar(keys %SIG), "\n"; $SIG{USR1} = 'IGNORE'; $SIG{USR2} = sub { }; delete $SIG{HUP}; $SIG{CHLD} = undef; %SIG = () if <STDIN> =~ /c/;
PERL

odd 'the line of DATA', 'print map { "$. $_" } <DATA>; print "$.\n";' . "\n__DATA__\none\ntwo\n";

odd 'a tied $/', <<'PERL';
package Tied; sub TIESCALAR { return bless [] } sub FETCH { return "\n" } sub STORE { exit 3 }
package main; tie $/, 'Tied'; print scalar <STDIN>;
PERL

odd "STDERR's own \$|, and a locale", <<'PERL';
use POSIX (); print POSIX::setlocale(POSIX::LC_ALL()), "\n"; POSIX::setlocale(POSIX::LC_ALL(), 'C.UTF-8'); print POSIX::setlocale(POSIX::LC_CTYPE()), "\n";
select STDERR; print STDOUT "$|\n"; $| = 1;
PERL

odd 'what hardly anybody sets', <<'PERL';
print "$^X $^O $^P ", $^R // 'none', "\n"; ($^X, $^O, $^P) = ('x', 'y', 16); 'ab' =~ /a(?{ 5 })b/;
PERL

# ---- variables, subs and packages

odd 'use vars', <<'PERL';
use vars qw($none @none $scalar @array %hash); BEGIN { $scalar = 3; @array = (1, 2); %hash = (a => 1) }
sub seen { return $scalar . @array } print defined $none ? 1 : 0, scalar @none, $scalar, scalar @array, join(',', %hash), seen(), "\n";
$none = 1; push @none, 1; $scalar++; push @array, 3; $hash{a}++;
package Other; use vars qw($scalar @array); print defined $scalar ? 1 : 0, scalar @array, "\n"; $scalar = 1; push @array, 1;
eval q{use vars qw($late); print $late // 'none', "\n"; $late = 1; 1} or die;
PERL

odd 'variables of modules', <<'PERL';
use Text::Wrap qw(wrap $columns); use Env qw($PATH @PATH); print "$columns ", scalar @PATH, "\n"; { local $columns = 10; print wrap('', '', 'word ' x 5) }
$PATH = '/x'; print "$ENV{PATH} @PATH\n";
PERL

odd 'tied by BEGIN', <<'PERL';
package Tied; sub TIESCALAR { return bless [] } sub FETCH { return 'fetched' } sub STORE { }
package main; my $lexical; our $global; BEGIN { tie $_, 'Tied' for $lexical, $global } $_ = 5 for $lexical, $global; print "$lexical $global\n";
PERL

odd 'formats', join "\n", 'our $m = 6; my $n = 5;', 'format OUT =', '@<<< @>>>', '$n, $m', '.',
    'format OUT_TOP =', '@>> @<<', '$%, $=', '.',
    '$^ = "OUT_TOP"; $~ = "OUT"; write; $n++; $m++; write; $= = 5; { no warnings;',
    'eval "format OUT =\nanother\n.\nformat LATER =\nlater\n.\n1" or die }',
    'write; $~ = "LATER"; write; $% = 9;', '';

odd 'a sub by its name in sort, and new variables', <<'PERL';
sub by_number { return $b <=> $a } print sort(by_number 3, 1, 2), "\n"; our $made_later = 1; ($a, $b) = (1, 2);
${"made_$_"} = 1 for 1 .. 3;
PERL

odd 'read-only variables', <<'PERL';
our ($scalar, @array, %hash); our @always; BEGIN { @always = (1, 2); Internals::SvREADONLY(@always, 1) }
use Hash::Util ();
print join(' ', map { eval $_ ? 'may' : 'may not' } '$scalar = 5', 'push @array, 6', '$hash{x} = 7', 'push @always, 8'), "\n";
Internals::SvREADONLY($scalar, 1); Internals::SvREADONLY(@array, 1); Hash::Util::lock_keys(%hash);
print join(' ', map { eval $_ ? 'may' : 'may not' } '$scalar = 5', 'push @array, 6', '$hash{y} = 7'), "\n";
PERL

odd 'subs that lose their body, with what was theirs', <<'PERL';
use feature 'state'; no warnings; my $all;
sub gone { state $n = 5; state @list; push @list, $n++; return $all .= 'x' } sub again { state %seen = (a => 1); return $seen{a}++ }
eval { gone(); again() } for 1, 2; undef &gone; eval 'sub again { return 7 } 1' or die;
my @others = map { [1 .. 50] } 1 .. 200; print again(), "\n", <STDIN>;
PERL

odd 'variables that subs share with a BEGIN block', <<'PERL';
BEGIN { my $n = 5; sub next_id { return ++$n } my (@list, %seen) = (1); sub seen { push @list, 1; return $seen{+shift}++ . @list } }
BEGIN { my ($text, $left) = ('', 3); *add = sub { return $text .= shift . $left-- } }
print next_id(), next_id(), seen('a'), seen('a'), add('x'), add('y'), "\n";
{ my $inner = 1; sub around { my $kept = 1; BEGIN { my $deep = 0; *deep = sub { return ++$deep } } return $inner++ + deep() } } print around(), around(), "\n";
PERL

odd 'classes that get ancestors while it runs', <<'PERL';
package Above; sub new { return bless {}, shift } sub hello { return 'above' } package Other; sub hello { return 'other' } sub more { return 'more' }
package Below; use parent -norequire => 'Above'; package Beside; use base 'Above'; package main;
for my $class (qw(Below Beside)) { no strict 'refs'; print scalar @{"${class}::ISA"}, $class->can('more') ? 'can' : 'cannot', "\n"; unshift @{"${class}::ISA"}, 'Other'; print $class->new->hello, $class->more, "\n" }
PERL

odd 'packages that the run has made', <<'PERL';
print ${'Fresh::scalar'} // 'none', scalar @{'Fresh::Deep::array'}, "\n"; ${'Fresh::scalar'} = 1; push @{'Fresh::Deep::array'}, 1;
PERL

odd 'names beyond ASCII', <<'PERL';
use utf8; our $zähler = ($zähler || 0) + 1; our @größen; push @größen, 1; sub größer { return $b <=> $a }
print $zähler, scalar @größen, sort(größer 1, 2), "\n";
PERL

odd 'a package that is deleted', <<'PERL';
package Gone; our $kept; sub hello { return 'hello' } package main;
print Gone::hello(), $Gone::kept // 'none', "\n"; $Gone::kept = 1; delete $main::{'Gone::'};
PERL

odd 'names that are deleted', <<'PERL';
package Part; sub new { return bless {}, shift } sub hello { return 'hello' } our $kept; package All; sub hello { return 'all' } package main;
our $gone; sub gone { return 'gone' } print Part->new->hello, All->hello, map({ main->can($_) ? 1 : 0 } qw(gone none)), ${'gone'} // 'none', "\n";
$gone = $Part::kept = 5; delete $Part::{hello}; delete @main::{qw(gone)}; %All:: = (); print map({ $_->can('hello') ? 1 : 0 } qw(Part All)), ${'gone'} // 'none', "\n";
PERL

# ---- exit and die

odd 'exit in a file that is being loaded', <<'PERL';
open my $file, '>', 'DIR/Leaves.pm' or die; print $file 'print "leaves\n"; exit 3; 1'; close $file;
print "begin\n"; require 'DIR/Leaves.pm'; print "never\n";
PERL

odd "exit in $_->[0]",
    "print qq{begin\\n};\n$_->[1]\nprint qq{never\\n};\n"
    for [
    'a sub of sort, in map, in grep',
    'sub by_two { exit 1 if $a == 2; return $a <=> $b } my @s = map { sort by_two $_, 2 } grep { 1 } 3;'
    ],
    ['a pattern',      'my $n = 0; "aaa" =~ /a(?{ exit 2 if $n++ })b/;'],
    ['a substitution', '(my $text = "aa") =~ s/a/exit 1/ge;'],
    [
    'FETCH',
    'sub TIESCALAR { return bless [] } sub FETCH { exit 2 } tie my $tied, "main"; my $copy = "$tied";'
    ],
    [
    'the end of local',
    'sub TIESCALAR { return bless [] } sub FETCH { 1 } sub STORE { exit 2 if our $armed } our $tied; tie $tied, "main"; { local $tied = 5; our $armed = 1 }'
    ],
    [
    'an overloaded operator',
    'use overload q("") => sub { exit 1 }; my $text = "" . bless [], "main";'
    ],
    ['BEGIN of a string',     'eval q{BEGIN { exit 3 }};'],
    ['a handler of warnings', '$SIG{__WARN__} = sub { exit 3 }; warn "x\n";'],
    [
    'a handler of die',
    '$SIG{__DIE__} = sub { print "handled: $_[0]"; exit 4 }; eval { die "x\n" };'
    ],
    ['a handler of a signal', '$SIG{USR1} = sub { exit 5 }; kill USR1 => $$; sleep 1;'];

odd 'die with an object that says something else', <<'PERL';
package Error; use overload q("") => sub { return "as a text\n" }; sub DESTROY { print "gone\n" }
package main; $SIG{__DIE__} = sub { die $_[0] }; print "begin\n"; die bless {}, 'Error';
PERL

odd 'die in END, exit in END',
    'END { print "last\n" } END { die "in END\n" } END { print "first $?\n"; exit 9 } exit 2;';

odd 'children that exit, die, execute', <<'PERL';
$| = 1; END { print "end of $_\n" if $_ } $_ = 'the parent';
for my $way (sub { exit 3 }, sub { die "dies\n" }, sub { exec 'echo', 'executed' }) {
    my $pid = fork // die; if (!$pid) { $_ = ''; $way->() } waitpid $pid, 0; print $? >> 8, "\n";
}
PERL

odd 'threads', <<'PERL';
print eval { require threads; threads->create(sub { return "joined\n" })->join } // "none\n";
PERL

done_testing;
