/* Perl face.  Perl's own variables; see own.h.  Called by surroundings.c; it touches %ENV, %SIG,
 * @INC, and the scalars that are named here. */
#include "own.h"

#include "value.h"

/* What can be assigned to and is not of a handle. */
static const char *const own[] = {"/",    "\\",   ",",    "\"",   ";",    ":",    "0",   "\001",
                                  "\006", "\014", "\017", "\020", "\022", "\027", "\030"};

#define OWN (sizeof own / sizeof *own)

enum { ENV, SIG, INC, TABLES };

static struct own {
    struct {
        GV *gv;
        HV *hash;    /* the one with the magic, held */
        HV *content; /* NULL: stays */
    } tables[TABLES];
    AV *folders, *folders_content; /* @INC */
    SV *scalars[OWN], *contents[OWN];
} mine;

/* --- remembering */

static void remember_scalars(pTHX)
{
    for (size_t i = 0; i < OWN; i++) {
        mine.scalars[i] = GvSVn(gv_fetchpv(own[i], GV_ADD | GV_NOTQUAL, SVt_PV));
        mine.contents[i] = xs_value_copy(aTHX_ mine.scalars[i]);
    }
}

static void remember_tables(pTHX)
{
    mine.tables[ENV].gv = PL_envgv;
    mine.tables[SIG].gv = gv_fetchpvs("SIG", GV_ADD | GV_NOTQUAL, SVt_PVHV);
    mine.tables[INC].gv = PL_incgv;
    for (size_t i = 0; i < TABLES; i++)
        mine.tables[i].hash = (HV *)SvREFCNT_inc((SV *)GvHVn(mine.tables[i].gv));
    mine.tables[ENV].content = xs_value_copy_hash(aTHX_ mine.tables[ENV].hash);
    /* A signal that is ignored says so only when asked; one that nobody has set is undefined. */
    mine.tables[SIG].content = xs_value_copy_hash(aTHX_ mine.tables[SIG].hash);
    mine.folders = (AV *)SvREFCNT_inc((SV *)GvAVn(PL_incgv));
    mine.folders_content = (AV *)xs_value_content(aTHX_(SV *) mine.folders);
}

void xs_own_remember(pTHX)
{
    remember_scalars(aTHX);
    remember_tables(aTHX);
}

/* --- putting back */

void xs_own_untie(pTHX)
{
    for (size_t i = 0; i < TABLES; i++) {
        (void)sv_unmagic((SV *)GvHVn(mine.tables[i].gv), PERL_MAGIC_tied);
        if (GvAV(mine.tables[i].gv))
            (void)sv_unmagic((SV *)GvAV(mine.tables[i].gv), PERL_MAGIC_tied);
    }
    for (size_t i = 0; i < OWN; i++)
        (void)sv_unmagic(mine.scalars[i], PERL_MAGIC_tiedscalar);
}

static bool equal(pTHX_ SV *one, SV *other)
{
    if (!xs_value_is_tainted_as(aTHX_ one, other))
        return false;
    if (SvROK(one) || SvROK(other))
        return SvROK(one) && SvROK(other) && SvRV(one) == SvRV(other);
    if (!SvOK(one) || !SvOK(other))
        return !SvOK(one) && !SvOK(other);
    return sv_eq_flags(one, other, 0);
}

static void put_back_scalars(pTHX)
{
    for (size_t i = 0; i < OWN; i++) {
        SvGETMAGIC(mine.scalars[i]);
        if (!equal(aTHX_ mine.scalars[i], mine.contents[i]))
            xs_value_set(aTHX_ mine.scalars[i], mine.contents[i]);
    }
}

/* What is not then's goes, what is changed is set; through its magic. */
static void put_back_hash(pTHX_ HV *hash, HV *then)
{
    AV *gone = NULL;
    HE *entry;

    (void)hv_iterinit(hash);
    while ((entry = hv_iternext(hash))) {
        SV *key = hv_iterkeysv(entry);
        const HE *was = hv_fetch_ent(then, key, 0, 0);
        if (was && !equal(aTHX_ HeVAL(entry), HeVAL(was)))
            xs_value_set(aTHX_ HeVAL(entry), HeVAL(was));
        if (was)
            continue;
        if (!gone)
            gone = (AV *)sv_2mortal((SV *)newAV());
        av_push(gone, newSVsv(key));
    }
    for (SSize_t i = 0; gone && i <= av_len(gone); i++)
        (void)hv_delete_ent(hash, *av_fetch(gone, i, 0), G_DISCARD, 0);
}

static void put_back_missing(pTHX_ HV *hash, HV *then)
{
    HE *entry;

    (void)hv_iterinit(then);
    while ((entry = hv_iternext(then))) {
        SV *key = hv_iterkeysv(entry);
        HE *now = hv_fetch_ent(hash, key, 0, 0);
        if (!now && (now = hv_fetch_ent(hash, key, 1, 0)))
            xs_value_set(aTHX_ HeVAL(now), HeVAL(entry));
    }
}

/* *ENV = {...} has taken another one there. */
static void put_back_table(pTHX_ size_t i)
{
    GV *gv = mine.tables[i].gv;
    HV *hash = GvHV(gv), *then = mine.tables[i].hash;

    if (hash != then) {
        GvHV(gv) = (HV *)SvREFCNT_inc((SV *)then);
        SvREFCNT_dec((SV *)hash);
    }
    if (mine.tables[i].content) {
        put_back_hash(aTHX_ then, mine.tables[i].content);
        put_back_missing(aTHX_ then, mine.tables[i].content);
    }
}

/* @INC; what %INC says is program.c's. */
static void put_back_folders(pTHX)
{
    AV *array = GvAV(PL_incgv), *then = mine.folders;

    if (array != then) {
        GvAV(PL_incgv) = (AV *)SvREFCNT_inc((SV *)then);
        SvREFCNT_dec((SV *)array);
    }
    xs_value_put_back(aTHX_(SV *) then, (SV *)mine.folders_content);
}

void xs_own_put_back(pTHX)
{
    put_back_scalars(aTHX);
    for (size_t i = 0; i < TABLES; i++)
        put_back_table(aTHX_ i);
    put_back_folders(aTHX);
}
