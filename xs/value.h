/* Perl face.  What a variable of a pool's program has when it begins. */
#ifndef XS_VALUE_H
#define XS_VALUE_H

#include "older.h"

/* A copy of what a scalar, an array or a hash has, one level deep: what references in it refer to
 * is not copied.  NULL: nothing, or another kind of thing. */
SV *xs_value_content(pTHX_ SV *sv);
/* Has it that again. */
void xs_value_put_back(pTHX_ SV *sv, SV *content);

/* A copy with its taint (perl -T), of what its magic says when it is asked, and without that; of a
 * hash, of all its values. */
SV *xs_value_copy(pTHX_ SV *sv);
HV *xs_value_copy_hash(pTHX_ HV *hash);
/* A scalar, through its magic, with the taint of the other one. */
void xs_value_set(pTHX_ SV *sv, SV *value);
static inline bool xs_value_is_tainted_as(pTHX_ SV *sv, SV *as)
{
    return !TAINTING_get || (SvTAINTED(sv) != 0) == (SvTAINTED(as) != 0);
}

#endif
