/* Perl face.  Patterns of a pool's program that are made once (m/$word/o), for each run anew. */
#ifndef XS_PATTERNS_H
#define XS_PATTERNS_H

#include "perlapi.h"

/* Those of the operations from here on, before any has run. */
void xs_patterns_remember(pTHX_ OP *o);
void xs_patterns_put_back(pTHX);

#endif
