/* netiod: from its options to services that are open, and to the end.  Called by main.c. */
#ifndef NETIOD_START_H
#define NETIOD_START_H

#include "options.h"

#include "common/report.h"

/* All of it; the exit code. */
int start(const struct options *options, struct report *report);

#endif
