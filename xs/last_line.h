/* Perl face.  What a program of a pool says on standard error ends with its connection, as in a
 * process of its own: the next one's is a line of its own. */
#ifndef XS_LAST_LINE_H
#define XS_LAST_LINE_H

#include "perlapi.h"

/* f: what STDERR writes to.  From here on its lines are looked at, where that is descriptor 2. */
void xs_last_line_watch(pTHX_ PerlIO *f);
/* Ends the one that has no end yet, on fd. */
void xs_last_line_end(int fd);

#endif
