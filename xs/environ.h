/* Perl face.  %ENV, and environ(7) with it, as one list says. */
#ifndef XS_ENVIRON_H
#define XS_ENVIRON_H

#include "perlapi.h"

/* Removes what wanted does not name, which is as execve(2) has it (of one name the first counts),
 * and sets what is another there.  Values that stay are left alone: they may be tainted. */
void xs_environ_set(pTHX_ char *const *wanted);

#endif
