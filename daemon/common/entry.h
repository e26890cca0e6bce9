/* daemon/common: what the main of each daemon begins with, and what it says of a wrong command
 * line.
 *
 * Called by the main.c of each daemon.
 */
#ifndef DAEMON_ENTRY_H
#define DAEMON_ENTRY_H

#include "report.h"

/* Descriptors, signals (standard.h) and the report.  EX_OK, or an exit code that has been said. */
int entry_begin(struct report *report, const char *name);
/* Prints fault, unless it is empty, and the usage; EX_USAGE. */
int entry_wrong(const char *name, const char *fault, const char *usage);
/* What was printed on standard output has gone there: EX_OK; or EX_IOERR, which has been said if
 * anybody reads there still. */
int entry_printed(const struct report *report);

#endif
