/* whoisd: serving sockets until a signal ends it, or its supervisor.
 *
 * Called by start.c, in the order of these calls; what it is given outlives it.  Those that can
 * fail return an exit code, after a line on stderr and in the log when it is not 0.
 */
#ifndef WHOISD_SERVICE_H
#define WHOISD_SERVICE_H

#include "directory.h"
#include "options.h"
#include "sockets.h"

#include "common/report.h"

#include <netio/daemonize.h>
#include <netio/supervisor.h>

struct service;

/* Opens what may need privileges: the addresses of the options; or takes the sockets that it was
 * started with, which are its own from here. */
int service_open(struct service **service, const struct options *options, struct netio_limit *limit,
                 const struct sockets *sockets, const struct report *report);
/* What it answers from; NULL, for a connected client that has to hear of it. */
void service_use(struct service *service, struct directory *directory);
/* Says that it is ready, and serves.  The daemon, whose watchdog is a timer of the service's loop,
 * is to be freed before the service. */
int service_run(struct service *service, struct netio_daemon *daemon);
void service_close(struct service *service); /* may be NULL */

/* Says so; the exit code. */
int service_cannot_listen(const struct report *report, const char *address,
                          const struct netio_error *error);

/* All of it in a worker, which is freed. */
int service_work(const struct options *options, struct netio_limit *limit,
                 struct directory *directory, struct netio_worker *worker,
                 const struct report *report);

#endif
