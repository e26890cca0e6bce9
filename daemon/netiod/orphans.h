/* netiod: children that it has not started: orphans, where it is process 1 or a subreaper
 * (prctl(2)), and what whoever it was before exec has left.  No one else can reap them, and each
 * takes a place of the system's processes.
 *
 * Called by run.c: at the start, and after SIGCHLD between two steps of the loop.
 */
#ifndef NETIOD_ORPHANS_H
#define NETIOD_ORPHANS_H

#include "house.h"

/* Before anything is started: whether there can be any.  If not, netiod need not hear of SIGCHLD,
 * which would be two or three system calls more for each program that ends. */
int orphans_may_come(void);
/* Reaps those that have ended, and none of netiod's own, which are for who watches their pidfds.
 * 1: one of those is in the way, look again after the next step; 0: there are no more. */
int orphans_reap(const struct house *house);

#endif
