/* Perl face.  What a variable of a pool's program has when it begins. */
#ifndef XS_VALUE_H
#define XS_VALUE_H

#include "perlapi.h"

/* A copy of what a scalar, an array or a hash has, one level deep: what references in it refer to
 * is not copied.  NULL: nothing, or another kind of thing. */
SV *xs_value_content(pTHX_ SV *sv);
/* Has it that again. */
void xs_value_put_back(pTHX_ SV *sv, SV *content);

#endif
