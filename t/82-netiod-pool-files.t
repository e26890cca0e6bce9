# netiod-pool with programs that load files while they run: modules are loaded once, other files by
# each run, as in a process of its own; whatever they set, define, or leave to be done at the end.

use strict;
use warnings;

use File::Temp ();
use Test::More;

use lib 't/lib';
use NetIO::Test::Pool;
use NetIO::Test::Run qw(slurp spew);

alarm 300;
$SIG{PIPE} = 'IGNORE';

my $dir = File::Temp->newdir('netio-XXXXXX', TMPDIR => 1);

spew("$dir/conf.pl", <<'PERL');
use warnings;
$conf = 5; @list = (1, 2); our $counter; my $private = 0;
sub counted { return ++$counter } sub private { return ++$private }
END { print "end of conf\n" }
1;
PERL
spew("$dir/packed.pl", <<'PERL');
use strict; use warnings;
package Packed; our $count = 7; our @list = (1); my $private = 0;
sub next_one { push @list, 2; return ++$private . @list . $count++ }
1;
PERL
spew("$dir/outer.pl", "use warnings; require '$dir/inner.pl'; sub outer { return inner() } 1;\n");
spew("$dir/inner.pl",
    "use warnings; our \$base = 5; sub inner { return \$main::base++ . \"\\n\" } 1;\n");
spew("$dir/over.pl",   "no warnings; sub which { return qq{another\\n} } 1;\n");
spew("$dir/none.pl",   "sub unseen { return 1 } 0;\n");
spew("$dir/exits.pl",  "sub seen { return 1 } print qq{exits\\n}; exit 3;\n");
spew("$dir/Module.pm", <<'PERL');
use strict; use warnings;
package Module; our $value = 7;
{ package Module::Inner; use vars qw($kept); $kept = 8 }
sub value { return $value . $Module::Inner::kept }
sub import { no strict 'refs'; *main::value = \&value; *main::variable = \$value; return }
END { print "end of Module\n" }
1;
PERL
spew("$dir/Broken.pm", "package Broken; sub {\n");

sub loads {
    my ($name, $text) = @_;

    served_as_alone($name, $text =~ s/DIR/$dir/gr, "a\n", "b\n");
    return;
}

loads 'require of a configuration', <<'PERL';
use warnings; our ($conf, @list);
require 'DIR/conf.pl'; require 'DIR/conf.pl';
print $conf++, scalar @list, counted(), counted(), private(), "\n"; push @list, 1;
PERL

loads 'do, of a file whose subs the program does not mention', <<'PERL';
use warnings; our ($conf, @list);
for (1 .. 2) { no warnings 'redefine'; do 'DIR/conf.pl' or die; }
print $conf, scalar @list, 'counted'->(), 'private'->(), join(' ', grep { /conf/ } keys %INC), "\n";
PERL

loads 'a package of such a file, by its methods', <<'PERL';
use warnings; require 'DIR/packed.pl'; print Packed->next_one, Packed->next_one, "\n";
PERL

loads 'a file that loads another',
    "use warnings; require 'DIR/outer.pl'; print outer(), outer();\n";

loads 'a sub instead of one of the program', <<'PERL';
use warnings; sub which { return "its own\n" } print which(); require 'DIR/over.pl'; print which();
PERL

loads 'a file that returns nothing', <<'PERL';
for (1 .. 2) { eval { require 'DIR/none.pl' }; print $@ =~ /^(.*) at /, defined &{'unseen'} ? 1 : 0, "\n" }
PERL

loads 'a file that exits', "require 'DIR/exits.pl'; print qq{never\\n};\n";

loads 'a file that comes from a sub of @INC', <<'PERL';
use warnings;
unshift @INC, sub { my $text = 'sub given { return 5 } 1;'; open my $in, '<', \$text; return $_[1] eq 'given.pl' ? $in : () };
require 'given.pl'; print 'given'->(), "\n";
PERL

loads 'a module', <<'PERL';
use warnings; our $variable; unshift @INC, 'DIR'; require Module; Module->import; print value(), $variable, "\n";
PERL

loads 'a module with a fault', <<'PERL';
unshift @INC, 'DIR'; for (1 .. 2) { eval { require Broken }; print $@ =~ /^(\w+ \w+)/, "\n" }
PERL

loads 'subs of a string', <<'PERL';
use warnings; print defined &{'made'} ? 1 : 0; eval 'sub made { return 1 }'; print 'made'->(), "\n";
PERL

subtest 'a module is loaded once, any other file again' => sub {
    my $pool = NetIO::Test::Pool->start(<<"PERL");
unshift \@INC, '$dir'; require Counted; require 'counted.pl'; print "\$Counted::times \$main::times\\n";
PERL
    spew("$dir/Counted.pm", "package Counted; our \$times = 1; 1;\n");
    spew("$dir/counted.pl", "\$main::times = 1;\n");
    is $pool->ask(''), "1 1\n", 'at first';
    spew("$dir/Counted.pm", "package Counted; our \$times = 2; 1;\n");
    spew("$dir/counted.pl", "\$main::times = 2;\n");
    is $pool->ask(''), "1 2\n", 'then';
    is $pool->stop,    0,       'stops';
};

subtest 'nothing is left of files that are loaded again' => sub {
    my $pool = NetIO::Test::Pool->start(<<"PERL");
require '$dir/conf.pl'; require '$dir/packed.pl'; print counted(), Packed->next_one, "\\n";
PERL
    my ($worker) = $pool->workers;
    my $kilobytes = sub { return slurp("/proc/$worker/smaps_rollup") =~ /^Rss:\s+(\d+)/m };
    $pool->ask('') for 1 .. 300;
    my ($before) = $kilobytes->();
    $pool->ask('') for 1 .. 2000;
    my ($after) = $kilobytes->();
    is $pool->ask(''), "1127\nend of conf\n", 'it is served as the first one';
    SKIP: {
        skip 'sanitizers hold on to memory', 1 if $ENV{NETIO_TEST_SANITIZED};
        cmp_ok $after - $before, '<=', 256, "and no memory is lost (kilobytes, of $before)";
    }
    is $pool->stop, 0, 'stops';
};

done_testing;
