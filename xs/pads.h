/* Perl face.  The lexical variables of a pool's program, and how they are put back; see program.c.
 */
#ifndef XS_PADS_H
#define XS_PADS_H

#include "perlapi.h"

/* Those of the code and of all code in it, unless it is of another file (NULL: never asked). */
void xs_pads_remember(pTHX_ CV *cv, const char *file);
void xs_pads_put_back(pTHX);

#endif
