/* Perl face.  What a variable of a pool's program has when it begins. */
#ifndef XS_VALUE_H
#define XS_VALUE_H

#include "older.h"

/* A copy of what a scalar, an array or a hash has, one level deep: what references in it refer to
 * is not copied.  NULL: nothing, or another kind of thing. */
SV *xs_value_content(pTHX_ SV *sv);
/* Has it that again. */
void xs_value_put_back(pTHX_ SV *sv, SV *content);

/* A scalar, through its magic, with the taint of the other one (perl -T). */
void xs_value_set(pTHX_ SV *sv, SV *value);
void xs_value_taint(pTHX_ SV *sv, SV *as);
static inline bool xs_value_is_tainted_as(pTHX_ SV *sv, SV *as)
{
    return !TAINTING_get || (SvTAINTED(sv) != 0) == (SvTAINTED(as) != 0);
}

#endif
