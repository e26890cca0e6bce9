/* Perl face.  What is behind __END__ or __DATA__ in a pool's program: each run reads it from its
 * beginning, and none moves another's place, as workers would who share a descriptor. */
#ifndef XS_DATA_H
#define XS_DATA_H

#include "perlapi.h"

/* Of a handle as perl has left it. */
void xs_data_remember(pTHX_ GV *gv);
bool xs_data_is(const GV *gv);
/* Before each run. */
void xs_data_open(pTHX);

#endif
