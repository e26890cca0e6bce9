/* Perl face.  A handle of the program's: what a BEGIN block has opened stays, what a run has opened
 * is closed.  And what else is the handle's own: $|, that ARGV begins anew, forms. */
#ifndef XS_OPENED_H
#define XS_OPENED_H

#include "forms.h"

struct xs_opened {
    IO *io; /* held; NULL: none */
    U8 flags;
    bool file, folder;
    struct xs_forms forms;
};

void xs_opened_remember(pTHX_ struct xs_opened *opened, IO *io);

/* The glob gets its handle back by its caller. */
void xs_opened_put_back(pTHX_ const struct xs_opened *opened, GV *gv);

#endif
