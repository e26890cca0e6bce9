/* netiod: from one configuration to the next, all or nothing.  Called by start.c (from none to the
 * first) and run.c.
 *
 *      prepare    reads the files, opens new sockets and new services; nothing has changed for
 *                 anybody.  After an error all of it is gone again
 *      commit     what both have goes on with its sockets, its processes and what it counts; what
 *                 is new serves; what is no more is left to end by itself
 *
 * A service of both is the one of the same name and kind; of several the one with the same first
 * address. */
#ifndef NETIOD_RELOAD_H
#define NETIOD_RELOAD_H

#include "house.h"

struct reload;

/* 0; or an exit code (sysexits.h), all that was wrong having been said. */
int reload_prepare(struct reload **reload, struct house *house);
/* 0; or an exit code, and all is as before.  Frees reload, in any case. */
int reload_commit(struct reload *reload);
/* Instead of commit. */
void reload_cancel(struct reload *reload);

#endif
