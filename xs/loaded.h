/* Perl face.  Files that a run of a pool's program loads.  Modules set themselves up once.  Other
 * files may have set variables of main, which are put back: whoever wants them has to load them
 * again. */
#ifndef XS_LOADED_H
#define XS_LOADED_H

#include "perlapi.h"

/* Once, before the program begins. */
void xs_loaded_remember(pTHX);
/* After each run: what the next one will load again.  Whether there is one more for good. */
bool xs_loaded_forget(pTHX);
bool xs_loaded_is_again(pTHX_ const char *file);

#endif
