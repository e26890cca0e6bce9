/* Perl face.  The variables of formats that are a handle's own ($~ $^ $= $- $%), and $., kept for a
 * handle that stays. */
#ifndef XS_FORMS_H
#define XS_FORMS_H

#include "perlapi.h"

struct xs_forms {
    char *name, *top; /* NULL: the handle's */
    GV *name_gv, *top_gv;
    IV page, page_lines, lines_left, lines;
};

void xs_forms_remember(pTHX_ struct xs_forms *forms, IO *io);
void xs_forms_put_back(pTHX_ const struct xs_forms *forms, IO *io);

#endif
