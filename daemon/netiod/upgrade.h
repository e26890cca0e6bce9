/* netiod: SIGUSR2 has it execute its program anew (netio/upgrade.h).
 *
 * The successor reads the configuration for itself.  When it is ready this process gives all
 * services a rest, so that what it hands over (handover.h) is true until the successor serves; it
 * goes on until its own children have ended.
 *
 * Called by start.c (the successor) and run.c. */
#ifndef NETIOD_UPGRADE_H
#define NETIOD_UPGRADE_H

#include "house.h"

#include <netio/upgrade.h>

/* RLIMIT_NOFILE as the first of its line had it, in a successor's environment. */
#define UPGRADE_FILES "NETIOD_FILES"

/* Starts it; why it cannot is logged. */
void upgrade_begin(struct house *house);
/* After each step of the loop: 1 once, when a successor serves in the place of this process; else
 * 0: why one has failed is logged. */
int upgrade_look(struct house *house);
/* Kills a successor that is not ready, and serves on. */
void upgrade_cancel(struct house *house);

/* ---- the successor ---- */

/* What can fail has been done: waits until its predecessor rests, and the listeners are this
 * process's.  0 or a code. */
int upgrade_wait(struct house *house, struct netio_successor *successor);
/* Then, once the services are there: what runs already is theirs. */
void upgrade_adopt(struct house *house, struct netio_successor *successor);

#endif
