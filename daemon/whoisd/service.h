/* whoisd: serving sockets until a signal ends it.  Called by main.c. */
#ifndef WHOISD_SERVICE_H
#define WHOISD_SERVICE_H

#include "directory.h"
#include "options.h"

#include "common/report.h"
#include "common/standard.h"

/* Serves the options' addresses; or fd, owned from here, which input says is connected or
 * listens.  The directory may be NULL, for a connected client that has to hear it.  Returns the
 * exit code, after one line on stderr and in the log when it is not 0. */
int service_run(const struct options *options, enum standard_input input, int fd,
                struct directory *directory, const struct report *report);

#endif
