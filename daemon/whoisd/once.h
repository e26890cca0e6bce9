/* whoisd: one query from standard input, its answer on standard output.  Called by start.c. */
#ifndef WHOISD_ONCE_H
#define WHOISD_ONCE_H

#include "directory.h"
#include "options.h"

#include "common/report.h"

/* Returns the exit code: 0 also for no match. */
int once_run(const struct options *options, struct directory *directory,
             const struct report *report);

#endif
