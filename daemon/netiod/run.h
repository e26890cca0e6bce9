/* netiod: from ready to the end: signals, and what they ask for.  Called by start.c. */
#ifndef NETIOD_RUN_H
#define NETIOD_RUN_H

#include "house.h"

/* Serves until a signal ends it, or a successor has taken its place and its own children have
 * ended.  signals: of run_signals, closed by the caller.  The exit code. */
int run(struct house *house, int signals);
/* The descriptor that tells of them, or -errno: before ready. */
int run_signals(void);

#endif
