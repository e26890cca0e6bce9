/* Perl face.  What an object of ours stands for: a struct of C, by ext magic with a table of its
 * class, so that no program can make up one. */
#ifndef XS_OBJECT_H
#define XS_OBJECT_H

#include "perlapi.h"

/* For svt_dup: a clone of the interpreter has an object that stands for nothing. */
int xs_object_dup(pTHX_ MAGIC *mg, CLONE_PARAMS *params);
/* Has it stand for thing; svt_free of the table is told when it goes. */
MAGIC *xs_object_bind(pTHX_ SV *object, const MGVTBL *table, const void *thing);
/* The magic behind a reference; NULL: it is none to an object with that table. */
MAGIC *xs_object_magic(pTHX_ SV *self, const MGVTBL *table);
/* What it stands for; croaks if that is nothing, "not a CLASS". */
void *xs_object_get(pTHX_ SV *self, const MGVTBL *table, const char *class);

#endif
