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

#include "pads.h"

struct global {
    GV *gv;
    GP *gp; /* held */
    SV *scalar, *scalar_content;
    AV *array, *array_content;
    HV *hash, *hash_content;
    CV *code;
    IO *io;
    bool open; /* io: it was opened at the beginning, by a BEGIN block */
};

static struct program {
    struct global *globals;
    size_t count, room;
    PTR_TBL_t *known; /* globs */
    AV *ends;
    HV **stashes; /* that had globs of the program's; with how many entries there were */
    STRLEN *entries;
    size_t stashes_count;
    SV *data; /* all of the file, if it has a DATA handle; where it begins */
    GV *data_gv;
    Off_t data_offset;
    bool data_utf8;
    const char *file;
} program;

/* --- values */

static bool same(pTHX_ SV *one, SV *other)
{
    if (SvROK(one) || SvROK(other))
        return SvROK(one) && SvROK(other) && SvRV(one) == SvRV(other);
    if (!SvOK(one) || !SvOK(other))
        return !SvOK(one) && !SvOK(other);
    if (SvPOK(one) && SvPOK(other))
        return SvCUR(one) == SvCUR(other) && SvUTF8(one) == SvUTF8(other) &&
               memEQ(SvPVX_const(one), SvPVX_const(other), SvCUR(one));
    if (SvIOK(one) && SvIOK(other) && !SvNOK(one) && !SvNOK(other))
        return SvIVX(one) == SvIVX(other);
    return false;
}

static bool same_array(pTHX_ AV *array, AV *content)
{
    SSize_t n = av_len(content);

    if (SvRMAGICAL(array) && mg_find((SV *)array, PERL_MAGIC_tied))
        return false;
    if (av_len(array) != n)
        return false;
    for (SSize_t i = 0; i <= n; i++) {
        SV **now = av_fetch(array, i, 0), **then = av_fetch(content, i, 0);
        if (!now || !then || !same(aTHX_ * now, *then))
            return false;
    }
    return true;
}

static void put_back_scalar(pTHX_ SV *sv, SV *content)
{
    if (SvTHINKFIRST(sv))
        sv_force_normal_flags(sv, SV_COW_DROP_PV);
    if (SvMAGICAL(sv)) {
        (void)sv_unmagic(sv, PERL_MAGIC_tiedscalar);
        (void)sv_unmagic(sv, PERL_MAGIC_regex_global);
    }
    if (SvREADONLY(sv))
        return;
    if (content && !same(aTHX_ sv, content))
        sv_setsv_mg(sv, content);
    else if (!content && SvOK(sv))
        sv_setsv_mg(sv, &PL_sv_undef);
}

static void put_back_array(pTHX_ AV *array, AV *content)
{
    (void)sv_unmagic((SV *)array, PERL_MAGIC_tied);
    if (!content && av_len(array) >= 0)
        av_clear(array);
    if (!content || same_array(aTHX_ array, content))
        return;
    av_clear(array);
    for (SSize_t i = 0; i <= av_len(content); i++) {
        SV **then = av_fetch(content, i, 0);
        av_push(array, then ? newSVsv(*then) : newSV(0));
    }
}

static bool same_hash(pTHX_ HV *hash, HV *content)
{
    HE *entry;

    if (SvRMAGICAL((SV *)hash) && mg_find((SV *)hash, PERL_MAGIC_tied))
        return false;
    if (HvUSEDKEYS(hash) != HvUSEDKEYS(content))
        return false;
    (void)hv_iterinit(content);
    while ((entry = hv_iternext(content))) {
        const HE *now = hv_fetch_ent(hash, hv_iterkeysv(entry), 0, 0);
        if (!now || !same(aTHX_ HeVAL(now), HeVAL(entry)))
            return false;
    }
    return true;
}

static void put_back_hash(pTHX_ HV *hash, HV *content)
{
    HE *entry;

    (void)sv_unmagic((SV *)hash, PERL_MAGIC_tied);
    if (!content && HvUSEDKEYS(hash))
        hv_clear(hash);
    if (content && !same_hash(aTHX_ hash, content)) {
        hv_clear(hash);
        (void)hv_iterinit(content);
        while ((entry = hv_iternext(content)))
            (void)hv_store_ent(hash, hv_iterkeysv(entry), newSVsv(HeVAL(entry)), 0);
    }
    (void)hv_iterinit(hash);
}

void xs_program_put_back_value(pTHX_ SV *sv, SV *content)
{
    switch (SvTYPE(sv)) {
    case SVt_PVAV:
        put_back_array(aTHX_(AV *) sv, (AV *)content);
        break;
    case SVt_PVHV:
        put_back_hash(aTHX_(HV *) sv, (HV *)content);
        break;
    case SVt_PVCV:
    case SVt_PVGV:
    case SVt_PVIO:
    case SVt_PVFM:
        break;
    default:
        put_back_scalar(aTHX_ sv, content);
    }
}

static SV *copy_of_array(pTHX_ AV *array)
{
    AV *copy;

    if (av_len(array) < 0)
        return NULL;
    copy = newAV();
    for (SSize_t i = 0; i <= av_len(array); i++) {
        SV **element = av_fetch(array, i, 0);
        av_push(copy, element ? newSVsv(*element) : newSV(0));
    }
    return (SV *)copy;
}

/* What references in it refer to is not copied. */
SV *xs_program_content(pTHX_ SV *sv)
{
    switch (SvTYPE(sv)) {
    case SVt_PVAV:
        return copy_of_array(aTHX_(AV *) sv);
    case SVt_PVHV:
        return HvUSEDKEYS((HV *)sv) ? (SV *)newHVhv((HV *)sv) : NULL;
    case SVt_PVCV:
    case SVt_PVGV:
    case SVt_PVIO:
    case SVt_PVFM:
        return NULL;
    default:
        return SvOK(sv) ? newSVsv(sv) : NULL;
    }
}

/* --- globs */

/* perl's own variables are xs/surroundings.c's. */
static bool is_name(const char *name, STRLEN len)
{
    static const char *const others[] = {"ENV", "INC", "SIG", "STDIN", "STDOUT", "STDERR", "ARGVOUT"};

    if (!isIDFIRST(*name) || (len >= 2 && memEQs(name + len - 2, 2, "::")) ||
        (len >= 2 && memEQs(name, 2, "_<")))
        return false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strEQ(name, others[i]))
            return false;
    return true;
}

static bool is_perls(SV *sv)
{
    return SvMAGICAL(sv) && mg_find(sv, PERL_MAGIC_sv);
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

/* known: its variables have content that is the program's; else it is of a run, and is emptied. */
static void remember_global(pTHX_ GV *gv, bool known)
{
    struct global *global;
    const GP *gp = GvGP(gv);

    if (!gp || ptr_table_fetch(program.known, gv))
        return;
    global = new_global(aTHX_ gv);
    global->gp = gp_ref(GvGP(gv));
    if (known && GvSV(gv) && !is_perls(GvSV(gv)) && !GvIMPORTED_SV(gv)) {
        global->scalar = SvREFCNT_inc(GvSV(gv));
        global->scalar_content = xs_program_content(aTHX_ global->scalar);
    }
    if (known && GvAV(gv) && !GvIMPORTED_AV(gv)) {
        global->array = (AV *)SvREFCNT_inc((SV *)GvAV(gv));
        global->array_content = (AV *)xs_program_content(aTHX_(SV *) global->array);
    }
    if (known && GvHV(gv) && !GvIMPORTED_HV(gv)) {
        global->hash = (HV *)SvREFCNT_inc((SV *)GvHV(gv));
        global->hash_content = (HV *)xs_program_content(aTHX_(SV *) global->hash);
    }
    global->code = (CV *)SvREFCNT_inc((SV *)GvCV(gv));
    global->io = (IO *)SvREFCNT_inc((SV *)GvIOp(gv));
    global->open = global->io && IoIFP(global->io);
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

static void put_back_io(pTHX_ struct global *global)
{
    GV *gv = global->gv;
    IO *io = GvIOp(gv);

    if (io && IoIFP(io) && !(io == global->io && global->open) && gv != program.data_gv)
        (void)do_close(gv, FALSE);
    if (io != global->io)
        put_back_slot(aTHX_(SV **) & GvIOp(gv), (SV *)global->io);
}

static void put_back_code(pTHX_ struct global *global)
{
    GV *gv = global->gv;
    CV *now = GvCV(gv);

    if (now == global->code)
        return;
    GvCV_set(gv, (CV *)SvREFCNT_inc((SV *)global->code));
    SvREFCNT_dec((SV *)now);
    mro_method_changed_in(GvSTASH(gv));
}

static void put_back_global(pTHX_ struct global *global)
{
    GV *gv = global->gv;

    if (!isGV_with_GP(gv))
        return;
    if (GvGP(gv) != global->gp) {
        gp_free(gv);
        GvGP_set(gv, gp_ref(global->gp));
    }
    put_back_io(aTHX_ global);
    put_back_code(aTHX_ global);
    if (!GvIMPORTED_SV(gv) && (!GvSV(gv) || !is_perls(GvSV(gv))))
        put_back_slot(aTHX_ & GvSV(gv), global->scalar);
    if (!GvIMPORTED_AV(gv))
        put_back_slot(aTHX_(SV **) & GvAV(gv), (SV *)global->array);
    if (!GvIMPORTED_HV(gv))
        put_back_slot(aTHX_(SV **) & GvHV(gv), (SV *)global->hash);
    if (global->scalar)
        put_back_scalar(aTHX_ global->scalar, global->scalar_content);
    if (global->array)
        put_back_array(aTHX_ global->array, global->array_content);
    if (global->hash)
        put_back_hash(aTHX_ global->hash, global->hash_content);
}

/* --- packages */

static bool is_ours(pTHX_ HV *stash, const GV *gv)
{
    const char *file = GvFILE(gv);

    return stash == PL_defstash || (file && strEQ(file, program.file));
}

/* How many globs of it are the program's.  A sub need not have a glob. */
static size_t remember_globs(pTHX_ HV *stash, bool known)
{
    size_t count = 0;
    HE *entry;

    (void)hv_iterinit(stash);
    while ((entry = hv_iternext(stash))) {
        SV *value = HeVAL(entry);
        if (SvROK(value) && SvTYPE(SvRV(value)) == SVt_PVCV && known)
            xs_pads_remember(aTHX_(CV *) SvRV(value), program.file);
        if (!isGV_with_GP(value) || !is_name(HeKEY(entry), (STRLEN)HeKLEN(entry)))
            continue;
        if (known && GvCV((GV *)value))
            xs_pads_remember(aTHX_ GvCV((GV *)value), program.file);
        if (!is_ours(aTHX_ stash, (GV *)value))
            continue;
        remember_global(aTHX_(GV *) value, known);
        count++;
    }
    return count;
}

static void remember_stash(pTHX_ HV *stash)
{
    size_t n = program.stashes_count;

    if (remember_globs(aTHX_ stash, true) == 0)
        return;
    Renew(program.stashes, n + 1, HV *);
    Renew(program.entries, n + 1, STRLEN);
    program.stashes[n] = stash;
    program.entries[n] = HvUSEDKEYS(stash);
    program.stashes_count++;
}

static void remember_stashes(pTHX_ HV *stash)
{
    HE *entry;

    remember_stash(aTHX_ stash);
    (void)hv_iterinit(stash);
    while ((entry = hv_iternext(stash))) {
        GV *gv = (GV *)HeVAL(entry);
        I32 len = HeKLEN(entry);
        if (len < 3 || !memEQs(HeKEY(entry) + len - 2, 2, "::") || !isGV_with_GP(gv))
            continue;
        HV *inner = GvHV(gv);
        if (inner && inner != PL_defstash && HvNAME(inner))
            remember_stashes(aTHX_ inner);
    }
}

/* A run has made globs of its own. */
static void find_new_globs(pTHX)
{
    for (size_t i = 0; i < program.stashes_count; i++) {
        HV *stash = program.stashes[i];
        if (HvUSEDKEYS(stash) == program.entries[i])
            continue;
        (void)remember_globs(aTHX_ stash, false);
        program.entries[i] = HvUSEDKEYS(stash);
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

static bool is_of_file(const CV *cv)
{
    const char *file = CvFILE(cv);

    return file && strnNE(file, "(eval ", 6);
}

/* Files that a run has loaded are loaded for good, and so their END blocks are, too; they come
 * first, the last one first.  What a run has only made up is called once. */
AV *xs_program_ends(pTHX)
{
    AV *ends = newAV();
    SSize_t added = 0;

    for (SSize_t i = 0; PL_endav && i <= av_len(PL_endav); i++) {
        SV *block = *av_fetch(PL_endav, i, 0);
        av_push(ends, SvREFCNT_inc(block));
        if (!is_of_file((CV *)block))
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
    xs_pads_remember(aTHX_ PL_main_cv, NULL);
    remember_stashes(aTHX_ PL_defstash);
    remember_ends(aTHX);
    for (SSize_t i = 0; i <= av_len(program.ends); i++)
        xs_pads_remember(aTHX_(CV *) * av_fetch(program.ends, i, 0), program.file);
}

void xs_program_put_back(pTHX)
{
    SvREFCNT_dec((SV *)PL_endav);
    PL_endav = NULL;
    find_new_globs(aTHX);
    xs_pads_put_back(aTHX);
    for (size_t i = 0; i < program.count; i++)
        put_back_global(aTHX_ & program.globals[i]);
}
