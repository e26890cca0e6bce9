/* Perl face.  What the program of a pool was when it had been compiled, and how it becomes that
 * again: its variables, its subs and handles by name, its END blocks. */
#ifndef XS_PROGRAM_H
#define XS_PROGRAM_H

#include "perlapi.h"

/* Once, before it begins. */
void xs_program_remember(pTHX);
/* After each run, whatever that has done. */
void xs_program_put_back(pTHX);
/* Its END blocks, to be called in this order and given up; those, too, of files that it has loaded
 * since.  NULL: none. */
AV *xs_program_ends(pTHX);
/* Before perl ends, which with "use threads" complains of each glob that is still held. */
void xs_program_release(pTHX);

#endif
