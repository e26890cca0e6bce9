/* Perl face.  The variables that are perl's own, as a program of a pool finds them: %ENV, %SIG and
 * @INC, and those that say how perl reads and prints. */
#ifndef XS_OWN_H
#define XS_OWN_H

#include "perlapi.h"

/* Once, in the worker. */
void xs_own_remember(pTHX);
/* After a run, while the program still has the subs of what it has tied. */
void xs_own_untie(pTHX);
/* All of them as they were; but %INC, which program.c looks after. */
void xs_own_put_back(pTHX);

#endif
