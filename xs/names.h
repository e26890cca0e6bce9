/* Perl face.  What the kernel has numbers for, by the names that manuals have for it:
 * capabilities(7) without CAP_, and limits, getrlimit(2), without RLIMIT_; both in small letters.
 */
#ifndef XS_NAMES_H
#define XS_NAMES_H

#include "args.h"

/* The number; -1 for no such name. */
int xs_names_capability(const struct xs_text *name);
int xs_names_limit(const struct xs_text *name);

#endif
