/* whoisd: one process that binds, reloads and upgrades, and workers that serve (--workers).
 * Called by start.c, in the daemon. */
#ifndef WHOISD_WORKERS_H
#define WHOISD_WORKERS_H

#include "options.h"
#include "sockets.h"

#include "common/report.h"

#include <netio/supervisor.h>

/* In the environment of a successor whose predecessor was started with sockets. */
#define WORKERS_PASSED "WHOISD_PASSED"

struct workers {
    const struct options *options; /* of the start; others come with a reload */
    const char *uri;               /* the directory, as it is called from / */
    const char *program;           /* whoisd itself, for an upgrade; NULL: none */
    const struct sockets *sockets;
    int passed; /* it, or its predecessor, was started with sockets: no default address */
    const struct report *report;
    const struct netio_world *world; /* of a worker */
    struct netio_daemon *daemon;
    struct netio_limit *limit;
    /* A worker's life, in its process: its exit code. */
    int (*work)(void *data, const struct options *options, const char *uri,
                struct netio_worker *worker);
    void *data;
};

/* The exit code: of the supervisor, or of a worker. */
int workers_run(const struct workers *workers);

#endif
