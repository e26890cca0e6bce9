/* Perl face.  The value of a variable, kept and put back; see value.h.  Called by own.c,
 * program.c and pads.c; it may run code of the program: what a value goes with may have a DESTROY. */
#include "value.h"

#define KEPT 65536 /* bytes that an empty variable may keep for the next run */

/* perl itself would go by whatever the program has looked at last. */
static void set_taint(pTHX_ SV *sv, SV *as)
{
    if (!TAINTING_get)
        return;
    if (SvTAINTED(as))
        SvTAINTED_on(sv);
    else
        SvTAINTED_off(sv);
}

SV *xs_value_copy(pTHX_ SV *sv)
{
    SV *copy = newSVsv(sv);

    set_taint(aTHX_ copy, sv);
    return copy;
}

void xs_value_set(pTHX_ SV *sv, SV *value)
{
    sv_setsv_mg(sv, value);
    set_taint(aTHX_ sv, value);
}

static bool same(pTHX_ SV *one, SV *other)
{
    if (!xs_value_is_tainted_as(aTHX_ one, other))
        return false;
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

/* A run may have made it read-only.  A constant (which stays so) and what a BEGIN block has made so
 * cannot have changed. */
static bool is_changeable(SV *sv, const SV *content)
{
    if (!SvREADONLY(sv))
        return true;
    if (content && SvREADONLY(content))
        return false;
    SvREADONLY_off(sv);
    return !SvREADONLY(sv);
}

static void put_back_scalar(pTHX_ SV *sv, SV *content)
{
    if (!is_changeable(sv, content))
        return;
    if (SvTHINKFIRST(sv))
        sv_force_normal_flags(sv, SV_COW_DROP_PV | SV_IMMEDIATE_UNREF);
    if (SvMAGICAL(sv)) {
        (void)sv_unmagic(sv, PERL_MAGIC_tiedscalar);
        (void)sv_unmagic(sv, PERL_MAGIC_regex_global);
        (void)sv_unmagic(sv, PERL_MAGIC_taint);
    }
    if (content && !same(aTHX_ sv, content))
        xs_value_set(aTHX_ sv, content);
    else if (!content && SvOK(sv))
        xs_value_set(aTHX_ sv, &PL_sv_undef);
    if (!content && SvTYPE(sv) >= SVt_PV && SvLEN(sv) > KEPT && !SvOOK(sv)) {
        SvPV_free(sv);
        SvPV_set(sv, NULL);
        SvLEN_set(sv, 0);
    }
}

static void put_back_array(pTHX_ AV *array, AV *content)
{
    (void)sv_unmagic((SV *)array, PERL_MAGIC_tied);
    if (!is_changeable((SV *)array, (SV *)content))
        return;
    if (!content && av_len(array) >= 0)
        av_clear(array);
    if (!content || same_array(aTHX_ array, content))
        return;
    av_clear(array);
    for (SSize_t i = 0; i <= av_len(content); i++) {
        SV **then = av_fetch(content, i, 0);
        av_push(array, then ? xs_value_copy(aTHX_ * then) : newSV(0));
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
    if (!is_changeable((SV *)hash, (SV *)content))
        return;
    if (!content && HvUSEDKEYS(hash))
        hv_clear(hash);
    if (content && !same_hash(aTHX_ hash, content)) {
        hv_clear(hash);
        (void)hv_iterinit(content);
        while ((entry = hv_iternext(content)))
            (void)hv_store_ent(hash, hv_iterkeysv(entry), xs_value_copy(aTHX_ HeVAL(entry)), 0);
    }
    (void)hv_iterinit(hash);
}

void xs_value_put_back(pTHX_ SV *sv, SV *content)
{
    if (content == sv)
        return;
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
        av_push(copy, element ? xs_value_copy(aTHX_ * element) : newSV(0));
    }
    return (SV *)copy;
}

HV *xs_value_copy_hash(pTHX_ HV *hash)
{
    HV *copy = newHV();
    HE *entry;

    (void)hv_iterinit(hash);
    while ((entry = hv_iternext(hash)))
        (void)hv_store_ent(copy, hv_iterkeysv(entry), xs_value_copy(aTHX_ HeVAL(entry)), 0);
    return copy;
}

static SV *copy_of(pTHX_ SV *sv)
{
    switch (SvTYPE(sv)) {
    case SVt_PVAV:
        return copy_of_array(aTHX_(AV *) sv);
    case SVt_PVHV:
        return HvUSEDKEYS((HV *)sv) ? (SV *)xs_value_copy_hash(aTHX_(HV *) sv) : NULL;
    case SVt_PVCV:
    case SVt_PVGV:
    case SVt_PVIO:
    case SVt_PVFM:
        return NULL;
    default:
        return SvOK(sv) ? xs_value_copy(aTHX_ sv) : NULL;
    }
}

/* A BEGIN block has done so ("use Env"). */
static bool is_tied(const SV *sv)
{
    return SvMAGICAL(sv) && (mg_find(sv, PERL_MAGIC_tiedscalar) || mg_find(sv, PERL_MAGIC_tied));
}

/* What references in it refer to is not copied.  What is tied is its own content, and stays so. */
SV *xs_value_content(pTHX_ SV *sv)
{
    if (is_tied(sv))
        return SvREFCNT_inc_simple_NN(sv);
    SV *copy = copy_of(aTHX_ sv);

    if (copy && SvREADONLY(sv))
        SvREADONLY_on(copy);
    return copy;
}
