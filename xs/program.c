/* Perl face.  The program of a pool, put back; see program.h.  Called by pool.c; it touches the
 * program's pads, globs and END blocks.
 *
 * A variable of a file is in the pad of what perl compiled, and subs that use it have it in theirs:
 * the same one.  When the file's scope is left perl empties it, or, if it is somebody else's, too,
 * puts a new one into the pad; then subs and file would each have their own (the trap of all who
 * run a file again and again).  So the ones of the beginning are put back, with what BEGIN blocks
 * had left in them.  In the same way a package variable is put back as it was, into the glob as it
 * was. */
#include "program.h"

#include "data.h"
#include "loaded.h"
#include "opened.h"
#include "pads.h"
#include "patterns.h"
#include "value.h"

struct global {
    GV *gv;
    U32 uses; /* of the glob; less: it may be in its package no more */
    GP *gp;   /* held */
    SV *scalar, *scalar_content;
    AV *array, *array_content;
    HV *hash, *hash_content;
    CV *code, *form;
    struct xs_opened opened;
    unsigned others; /* what of it is not looked after here */
};

static struct program {
    struct global *globals;
    size_t count, room;
    PTR_TBL_t *known; /* globs */
    AV *ends;
    HV **stashes; /* held; that had globs of the program's; with how many entries there were */
    STRLEN *entries;
    size_t stashes_count;
    const char *file;
} program;

/* A package that the program has mentioned may be a module's by now. */
static void forget_loaded(pTHX)
{
    if (xs_loaded_forget(aTHX))
        Zero(program.entries, program.stashes_count, STRLEN);
}

/* --- globs */

static bool is_name(const char *name, STRLEN len)
{
    return !(isASCII(*name) && !isIDFIRST(*name)) &&
           !(len >= 2 && memEQs(name + len - 2, 2, "::")) && !(len >= 2 && memEQs(name, 2, "_<"));
}

enum { ARRAY = 1, HASH = 2, HANDLE = 4 };

/* perl's own are xs/surroundings.c's and xs/own.c's; but the glob, and what it has besides. */
static unsigned others_of(pTHX_ const GV *gv)
{
    const char *name = GvNAME(gv);

    if (GvSTASH(gv) != PL_defstash)
        return 0;
    if (strEQ(name, "ENV") || strEQ(name, "SIG"))
        return HASH;
    if (strEQ(name, "INC"))
        return ARRAY | HASH;
    return strEQ(name, "ARGVOUT") || strEQ(name, "STDIN") || strEQ(name, "STDOUT") ||
                   strEQ(name, "STDERR")
               ? HANDLE
               : 0;
}

static bool is_perls(SV *sv)
{
    return SvMAGICAL(sv) && mg_find(sv, PERL_MAGIC_sv);
}

/* By a run, for itself. */
static bool is_made_up(pTHX_ const CV *cv)
{
    const char *file = CvFILE(cv);

    return !file || strnEQ(file, "(eval ", 6) || xs_loaded_is_again(aTHX_ file);
}

/* That a run has loaded for good. */
static bool is_of_a_file(pTHX_ const CV *cv)
{
    return !is_made_up(aTHX_ cv) && strNE(CvFILE(cv), program.file);
}

/* A sub of that package from another file. */
static bool is_foreign(pTHX_ HV *stash, SV *value)
{
    const CV *cv = isGV_with_GP(value) ? GvCV((GV *)value) : NULL;

    return cv && CvGV((CV *)cv) && GvSTASH(CvGV((CV *)cv)) == stash && is_of_a_file(aTHX_ cv);
}

/* Whose package or file is the program's. */
static bool is_ours(pTHX_ HV *stash, const GV *gv)
{
    const char *file = GvFILE(gv);

    return stash == PL_defstash || (file && strEQ(file, program.file)) ||
           xs_loaded_is_again(aTHX_ GvCV(gv) ? CvFILE(GvCV(gv)) : file);
}

/* "use vars" has made it, as far as anybody knows in a package of the program's. */
static bool is_of_use_vars(const GV *gv)
{
    static const char end[] = "/vars.pm";
    const char *file = GvFILE(gv);
    size_t len = file ? strlen(file) : 0;

    return len >= sizeof end - 1 && strEQ(file + len - (sizeof end - 1), end);
}

/* Of a package that is the program's: "use parent" has made it. */
static bool is_isa(const GV *gv)
{
    return strEQ(GvNAME(gv), "ISA");
}

static struct global *new_global(pTHX_ GV *gv)
{
    struct global *global;

    if (program.count == program.room) {
        program.room = program.room ? 2 * program.room : 256;
        Renew(program.globals, program.room, struct global);
    }
    global = &program.globals[program.count++];
    Zero(global, 1, struct global);
    global->gv = (GV *)SvREFCNT_inc((SV *)gv);
    ptr_table_store(program.known, gv, gv);
    return global;
}

/* A module's, which has put it there; what "use vars" has put there nobody else has. */
static bool is_anothers(const SV *sv, bool imported)
{
    return sv && imported && SvREFCNT(sv) > 1;
}

/* known: its variables have content that is the program's; else it is of a run, and is emptied. */
static void remember_global(pTHX_ GV *gv, bool known)
{
    struct global *global;
    const GP *gp = GvGP(gv);

    if (!gp || ptr_table_fetch(program.known, gv))
        return;
    global = new_global(aTHX_ gv);
    global->gp = gp_ref(GvGP(gv));
    global->others = others_of(aTHX_ gv);
    if (known && GvSV(gv) && !is_perls(GvSV(gv)) && !is_anothers(GvSV(gv), GvIMPORTED_SV(gv))) {
        global->scalar = SvREFCNT_inc(GvSV(gv));
        global->scalar_content = xs_value_content(aTHX_ global->scalar);
    }
    if (known && GvAV(gv) && !(global->others & ARRAY) &&
        !is_anothers((SV *)GvAV(gv), GvIMPORTED_AV(gv))) {
        global->array = (AV *)SvREFCNT_inc((SV *)GvAV(gv));
        global->array_content = (AV *)xs_value_content(aTHX_(SV *) global->array);
    }
    if (known && GvHV(gv) && !(global->others & HASH) &&
        !is_anothers((SV *)GvHV(gv), GvIMPORTED_HV(gv))) {
        global->hash = (HV *)SvREFCNT_inc((SV *)GvHV(gv));
        global->hash_content = (HV *)xs_value_content(aTHX_(SV *) global->hash);
    }
    if (known || (GvCV(gv) && is_of_a_file(aTHX_ GvCV(gv))))
        global->code = (CV *)SvREFCNT_inc((SV *)GvCV(gv));
    if (known)
        global->form = (CV *)SvREFCNT_inc((SV *)GvFORM(gv));
    if (global->others & HANDLE)
        return;
    xs_opened_remember(aTHX_ & global->opened, GvIOp(gv));
    if (global->opened.file && strEQ(HEK_KEY(GvNAME_HEK(gv)), "DATA") &&
        is_ours(aTHX_ GvSTASH(gv), gv))
        xs_data_remember(aTHX_ gv);
}

/* Each slot gets what it had; *slot is owned by the glob, then by this process's reference. */
static void put_back_slot(pTHX_ SV **slot, SV *then)
{
    SV *now = *slot;

    if (now == then)
        return;
    *slot = SvREFCNT_inc(then);
    SvREFCNT_dec(now);
}

static void put_back_code(pTHX_ struct global *global)
{
    GV *gv = global->gv;
    CV *now = GvCV(gv);

    if (now == global->code)
        return;
    if (!global->code && now && is_of_a_file(aTHX_ now)) {
        global->code = (CV *)SvREFCNT_inc((SV *)now);
        return;
    }
    GvCV_set(gv, (CV *)SvREFCNT_inc((SV *)global->code));
    SvREFCNT_dec((SV *)now);
    mro_method_changed_in(GvSTASH(gv));
}

/* A run has deleted it: what perl has compiled still has it, but who looks for a method, or by a
 * name, would find none, or another one. */
static void put_back_entry(pTHX_ struct global *global)
{
    GV *gv = global->gv;
    HV *stash = GvSTASH(gv);
    I32 len = HEK_UTF8(GvNAME_HEK(gv)) ? -(I32)GvNAMELEN(gv) : (I32)GvNAMELEN(gv);
    SV **entry = hv_fetch(stash, GvNAME(gv), len, 0);

    if (!entry || *entry != (SV *)gv) {
        (void)hv_store(stash, GvNAME(gv), len, SvREFCNT_inc((SV *)gv), 0);
        if (HvNAME(stash))
            mro_method_changed_in(stash);
    }
    global->uses = SvREFCNT(gv);
}

static void put_back_global(pTHX_ struct global *global)
{
    GV *gv = global->gv;

    if (!isGV_with_GP(gv))
        return;
    if (SvREFCNT(gv) < global->uses && GvSTASH(gv))
        put_back_entry(aTHX_ global);
    if (GvGP(gv) != global->gp) {
        gp_free(gv);
        GvGP_set(gv, gp_ref(global->gp));
    }
    if (!(global->others & HANDLE)) {
        xs_opened_put_back(aTHX_ & global->opened, gv);
        put_back_slot(aTHX_(SV **) & GvIOp(gv), (SV *)global->opened.io);
    }
    put_back_code(aTHX_ global);
    put_back_slot(aTHX_(SV **) & GvGP(gv)->gp_form, (SV *)global->form);
    if ((global->scalar || !is_anothers(GvSV(gv), GvIMPORTED_SV(gv))) &&
        (!GvSV(gv) || !is_perls(GvSV(gv))))
        put_back_slot(aTHX_ & GvSV(gv), global->scalar);
    if (!(global->others & ARRAY) &&
        (global->array || !is_anothers((SV *)GvAV(gv), GvIMPORTED_AV(gv))))
        put_back_slot(aTHX_(SV **) & GvAV(gv), (SV *)global->array);
    if (!(global->others & HASH) &&
        (global->hash || !is_anothers((SV *)GvHV(gv), GvIMPORTED_HV(gv))))
        put_back_slot(aTHX_(SV **) & GvHV(gv), (SV *)global->hash);
    if (global->scalar)
        xs_value_put_back(aTHX_ global->scalar, global->scalar_content);
    if (global->array)
        xs_value_put_back(aTHX_(SV *) global->array, (SV *)global->array_content);
    if (global->hash)
        xs_value_put_back(aTHX_(SV *) global->hash, (SV *)global->hash_content);
}

/* The first ones, so that they are put back last: what is destroyed before may print. */
static void remember_handles(pTHX)
{
    static const char *const names[] = {"STDIN", "STDOUT", "STDERR"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remember_global(aTHX_ gv_fetchpv(names[i], GV_ADD | GV_NOTQUAL, SVt_PVIO), true);
}

/* --- packages */

/* One that is loaded keeps what it has: it is loaded once, and has set itself up. */
static bool is_modules(pTHX_ HV *stash)
{
    SV *path;
    HE *entry;
    bool found = false;

    if (stash == PL_defstash)
        return false;
    path = newSVpvf("%s.pm", HvNAME(stash));
    for (char *colons; (colons = strstr(SvPVX(path), "::"));)
        sv_insert(path, (STRLEN)(colons - SvPVX(path)), 2, "/", 1);
    found = hv_exists_ent(GvHVn(PL_incgv), path, 0);
    SvREFCNT_dec(path);
    (void)hv_iterinit(stash);
    while (!found && (entry = hv_iternext(stash)))
        found = is_foreign(aTHX_ stash, HeVAL(entry));
    return found;
}

/* A sub need not have a glob, but may get one: "sort by @list" makes it. */
static void make_glob(pTHX_ HV *stash, HE *entry)
{
    SV *value = HeVAL(entry);

    if (!SvROK(value) || SvTYPE(SvRV(value)) != SVt_PVCV || is_of_a_file(aTHX_(CV *) SvRV(value)))
        return;
    SV *name = sv_2mortal(newSVpvf("%s::", HvNAME(stash)));
    sv_catsv(name, hv_iterkeysv(entry));
    (void)gv_fetchsv(name, GV_ADD, SVt_PVCV);
}

static bool is_known_stash(const HV *stash)
{
    for (size_t i = 0; i < program.stashes_count; i++)
        if (program.stashes[i] == stash)
            return true;
    return false;
}

/* How many globs of it are the program's. */
static size_t remember_globs(pTHX_ HV *stash, bool known)
{
    bool is_programs = known || is_known_stash(stash);
    size_t count = 0;
    HE *entry;

    (void)hv_iterinit(stash);
    while ((entry = hv_iternext(stash))) {
        make_glob(aTHX_ stash, entry);
        SV *value = HeVAL(entry);
        if (!isGV_with_GP(value) || !is_name(HeKEY(entry), (STRLEN)HeKLEN(entry)))
            continue;
        if (known && GvCV((GV *)value))
            xs_pads_remember(aTHX_ GvCV((GV *)value), program.file);
        if (!is_ours(aTHX_ stash, (GV *)value) && !(is_programs && is_of_use_vars((GV *)value)) &&
            !(known && is_isa((GV *)value)))
            continue;
        remember_global(aTHX_(GV *) value, known);
        count++;
    }
    return count;
}

static void remember_stash(pTHX_ HV *stash, bool known)
{
    size_t n = program.stashes_count;

    if (is_known_stash(stash) || is_modules(aTHX_ stash) || remember_globs(aTHX_ stash, known) == 0)
        return;
    Renew(program.stashes, n + 1, HV *);
    Renew(program.entries, n + 1, STRLEN);
    program.stashes[n] = (HV *)SvREFCNT_inc((SV *)stash);
    program.entries[n] = HvUSEDKEYS(stash);
    program.stashes_count++;
}

/* And those within.  known: as in remember_global. */
static void remember_stashes(pTHX_ HV *stash, bool known)
{
    HE *entry;

    remember_stash(aTHX_ stash, known);
    (void)hv_iterinit(stash);
    while ((entry = hv_iternext(stash))) {
        GV *gv = (GV *)HeVAL(entry);
        I32 len = HeKLEN(entry);
        if (len < 3 || !memEQs(HeKEY(entry) + len - 2, 2, "::") || !isGV_with_GP(gv))
            continue;
        HV *inner = GvHV(gv);
        if (inner && inner != PL_defstash && HvNAME_HEK(inner))
            remember_stashes(aTHX_ inner, known);
    }
}

/* A program may mention a package that it loads later. */
static void forget_stash(pTHX_ const HV *stash)
{
    size_t kept = 0;

    for (size_t i = 0; i < program.count; i++)
        if (GvSTASH(program.globals[i].gv) != stash)
            program.globals[kept++] = program.globals[i];
    program.count = kept;
}

/* A run has made globs of its own, or packages. */
static void find_new_globs(pTHX)
{
    size_t count = program.stashes_count;

    for (size_t i = 0; i < count; i++) {
        HV *stash = program.stashes[i];
        if (HvUSEDKEYS(stash) == program.entries[i])
            continue;
        program.entries[i] = HvUSEDKEYS(stash);
        if (is_modules(aTHX_ stash)) {
            forget_stash(aTHX_ stash);
            continue;
        }
        (void)remember_globs(aTHX_ stash, false);
        remember_stashes(aTHX_ stash, false);
    }
}

/* --- END blocks */

static void remember_ends(pTHX)
{
    program.ends = newAV();
    for (SSize_t i = 0; PL_endav && i <= av_len(PL_endav); i++)
        av_push(program.ends, SvREFCNT_inc(*av_fetch(PL_endav, i, 0)));
    PL_endav = NULL; /* the supervisor's own end is not the program's */
}

/* Modules that a run has loaded are loaded for good, and so their END blocks are, too; they come
 * first, the last one first.  What a run has only made up is called once. */
AV *xs_program_ends(pTHX)
{
    AV *ends = newAV();
    SSize_t added = 0;

    forget_loaded(aTHX);
    for (SSize_t i = 0; PL_endav && i <= av_len(PL_endav); i++) {
        SV *block = *av_fetch(PL_endav, i, 0);
        av_push(ends, SvREFCNT_inc(block));
        if (is_made_up(aTHX_(CV *) block))
            continue;
        av_unshift(program.ends, 1);
        for (SSize_t j = 0; j < added; j++)
            (void)av_store(program.ends, j, SvREFCNT_inc(*av_fetch(program.ends, j + 1, 0)));
        (void)av_store(program.ends, added++, SvREFCNT_inc(block));
    }
    for (SSize_t i = added; i <= av_len(program.ends); i++)
        av_push(ends, SvREFCNT_inc(*av_fetch(program.ends, i, 0)));
    SvREFCNT_dec((SV *)PL_endav);
    PL_endav = NULL;
    return ends;
}

/* --- all of it */

void xs_program_remember(pTHX)
{
    program.file = PL_origfilename;
    program.known = ptr_table_new();
    xs_loaded_remember(aTHX);
    xs_pads_remember(aTHX_ PL_main_cv, NULL);
    remember_handles(aTHX);
    remember_stashes(aTHX_ PL_defstash, true);
    for (size_t i = 0; i < program.count; i++)
        program.globals[i].uses = SvREFCNT(program.globals[i].gv);
    remember_ends(aTHX);
    for (SSize_t i = 0; i <= av_len(program.ends); i++)
        xs_pads_remember(aTHX_(CV *) * av_fetch(program.ends, i, 0), program.file);
}

void xs_program_put_back(pTHX)
{
    SvREFCNT_dec((SV *)PL_endav);
    PL_endav = NULL;
    forget_loaded(aTHX);
    find_new_globs(aTHX);
    xs_patterns_put_back(aTHX);
    for (size_t i = 0; i < program.stashes_count; i++)
        if (mg_find((SV *)program.stashes[i], PERL_MAGIC_symtab))
            sv_reset("", program.stashes[i]); /* m?...? */
    xs_pads_put_back(aTHX);
    for (size_t i = program.count; i > 0; i--)
        put_back_global(aTHX_ & program.globals[i - 1]);
}

static void release_global(pTHX_ const struct global *global)
{
    GV *gv = global->gv;
    GP *now = isGV_with_GP(gv) ? GvGP(gv) : NULL;

    if (now == global->gp) {
        global->gp->gp_refcnt--;
    } else if (now) { /* a child's, whose run has not been put back */
        GvGP_set(gv, global->gp);
        gp_free(gv);
        GvGP_set(gv, now);
    }
}

void xs_program_release(pTHX)
{
    for (size_t i = 0; i < program.count; i++)
        release_global(aTHX_ & program.globals[i]);
    program.count = 0;
}
