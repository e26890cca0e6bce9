/* whoisd: from its options to a server that is ready.  Called by main.c. */
#ifndef WHOISD_START_H
#define WHOISD_START_H

#include "options.h"

#include "common/report.h"

/* Returns the exit code: of the daemon, or of the process that started one and waited for it. */
int start(const struct options *options, struct report *report);

#endif
