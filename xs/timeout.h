/* Perl face.  timeout { ... } SECONDS: a deadline for Perl code. */
#ifndef XS_TIMEOUT_H
#define XS_TIMEOUT_H

#include "perlapi.h"

/* For BOOT and CLONE. */
void xs_timeout_boot(pTHX);
void xs_timeout_clone(pTHX);

/* A new guard: until it is freed, the Perl code of this interpreter is under a deadline that
 * many seconds from now, and dies of a NetIO::Error soon after it has passed, again and again.
 * It must be freed in the scope it was made in.  Throws a NetIO::Error when seconds is not a
 * number of seconds, block no code that could be called, or there is no timer left. */
SV *xs_timeout_guard(pTHX_ SV *seconds, SV *block);

/* Throws if the innermost guard, or one further out, has expired. */
void xs_timeout_check(pTHX);

#endif
