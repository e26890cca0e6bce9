/* Perl face.  Patterns that are made once; see patterns.h.  Called by pads.c and program.c; it
 * touches the list of patterns that perl with threads keeps beside its operations.
 *
 * A perl without threads changes the operations themselves, and what it has made stays. */
#include "patterns.h"

#include "older.h"

#ifdef USE_ITHREADS

static struct {
    PADOFFSET *places;
    size_t count;
} patterns;

static void add(pTHX_ const PMOP *pm)
{
    PADOFFSET place = (PADOFFSET)pm->op_pmoffset;

    if (!(pm->op_pmflags & PMf_KEEP) || PM_GETRE(pm))
        return;
    Renew(patterns.places, patterns.count + 1, PADOFFSET);
    patterns.places[patterns.count++] = place;
}

void xs_patterns_remember(pTHX_ OP *o)
{
    if (!o)
        return;
    if (o->op_type == OP_MATCH || o->op_type == OP_SUBST || o->op_type == OP_QR)
        add(aTHX_ cPMOPx(o));
    if (!(o->op_flags & OPf_KIDS))
        return;
    for (OP *kid = cUNOPx(o)->op_first; kid; kid = OpSIBLING(kid))
        xs_patterns_remember(aTHX_ kid);
}

void xs_patterns_put_back(pTHX)
{
    for (size_t i = 0; i < patterns.count; i++) {
        SV **slot = &PL_regex_pad[patterns.places[i]];
        SV *made = *slot;
        if (made == &PL_sv_undef)
            continue;
        *slot = &PL_sv_undef;
        SvREFCNT_dec(made);
    }
}

#else

void xs_patterns_remember(pTHX_ OP *o)
{
    PERL_UNUSED_CONTEXT;
    PERL_UNUSED_ARG(o);
}

void xs_patterns_put_back(pTHX)
{
    PERL_UNUSED_CONTEXT;
}

#endif
