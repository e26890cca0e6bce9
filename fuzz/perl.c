/* fuzz/perl.c: fuzz targets written in Perl.  build/NAME is a link to this program; it loads
 * NAME.pl, which defines one_input, and hands it every input; what one_input dies of is a finding.
 *
 * libFuzzer keeps the inputs that reach something new, and compiled Perl has nothing in it that
 * would tell.  So the loop that runs Perl's ops is our own here: it counts in libFuzzer's extra
 * counters where the way from one op to the next leads.  What happens inside an op (a pattern at
 * work, XS) is not seen: there the seeds, the dictionaries, and the target's own Fuzz::mark have to
 * do it. */
#include <EXTERN.h>
#include <perl.h>
#include <XSUB.h>

#include <stdint.h>

#define COUNTERS 65536 /* a power of two */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];
static uint32_t previous; /* the op counted before, mixed */
static PerlInterpreter *my_perl;
static CV *one_input;

/* A number for an op that is the same in every process, as an address is not: where its statement
 * stands, and what it does to which variable. */
static inline uint32_t number_of(pTHX_ const OP *op)
{
    uint32_t statement = CopLINE(PL_curcop) * 0x9e3779b1u ^ PL_curcop->cop_seq * 0x85ebca6bu;

    return (statement ^ op->op_type * 0xc2b2ae35u) + (uint32_t)op->op_targ * 0x27d4eb2fu;
}

static inline void count(uint32_t number)
{
    uint8_t *counter = &counters[number * 0x9e3779b1u >> 16 & (COUNTERS - 1)];

    *counter += *counter < UINT8_MAX;
}

/* As Perl_runops_standard, and counts: the beginnings of statements, and wherever the way does not
 * simply lead on to the next op.  What lies in between says nothing more, and libFuzzer pays for
 * every counter that is not zero. */
__attribute__((no_sanitize("coverage"))) static int run_ops(pTHX)
{
    OP *op = PL_op, *usual = op->op_next;

    for (; (PL_op = op = op->op_ppaddr(aTHX)); usual = op->op_next) {
        if (op == usual && op->op_type != OP_NEXTSTATE)
            continue;
        uint32_t number = number_of(aTHX_ op);
        count(number ^ previous);
        previous = number >> 1;
    }
    PERL_ASYNC_CHECK();
    TAINT_NOT;
    return 0;
}

/* Fuzz::mark TEXT: a text not met before is something new. */
XS_INTERNAL(mark)
{
    dXSARGS;
    uint32_t number = 0x811c9dc5u;
    STRLEN len;

    for (int i = 0; i < items; i++) {
        const char *text = SvPV(ST(i), len);
        for (STRLEN at = 0; at < len; at++)
            number = (number ^ (uint8_t)text[at]) * 0x01000193u;
    }
    PERL_UNUSED_VAR(cv);
    count(number);
    XSRETURN_EMPTY;
}

EXTERN_C void boot_DynaLoader(pTHX_ CV *cv);

static void init_xs(pTHX)
{
    newXS("Fuzz::mark", mark, __FILE__);
    newXS("DynaLoader::boot_DynaLoader", boot_DynaLoader, __FILE__);
}

static void give_up(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* argv[0] is FUZZ/build/NAME; the modules are in FUZZ and in blib, beside it. */
static void load_script(const char *program)
{
    const char *slash = strrchr(program, '/');
    int len = slash ? (int)(slash - program) : 0;
    char fuzz[4096], blib[4112], script[4400];

    if (!slash || len > 4000 || strlen(slash) > 255)
        give_up("not called by its path");
    snprintf(fuzz, sizeof fuzz, "-I%.*s/..", len, program);
    snprintf(blib, sizeof blib, "-Mblib=%.*s/../..", len, program);
    snprintf(script, sizeof script, "%.*s/..%s.pl", len, program, slash);
    if (perl_parse(my_perl, init_xs, 4, (char *[]){"perl", fuzz, blib, script, NULL}, NULL) != 0 ||
        perl_run(my_perl) != 0)
        give_up("the script does not run");
    one_input = get_cv("one_input", 0);
    if (!one_input)
        give_up("the script has no sub one_input");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    /* The order of hashes must not change from one process to the next. */
    setenv("PERL_HASH_SEED", "0", 1);
    PERL_SYS_INIT3(argc, argv, &environ);
    my_perl = perl_alloc();
    if (!my_perl)
        give_up("no memory for Perl");
    perl_construct(my_perl);
    load_script((*argv)[0]);
    PL_runops = run_ops;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dSP;

    ENTER;
    SAVETMPS;
    PUSHMARK(SP);
    mXPUSHp((const char *)data, size);
    PUTBACK;
    previous = 0;
    call_sv((SV *)one_input, G_VOID | G_DISCARD | G_EVAL);
    if (SvTRUE(ERRSV)) {
        fprintf(stderr, "%s", SvPV_nolen(ERRSV));
        abort();
    }
    FREETMPS;
    LEAVE;
    return 0;
}
