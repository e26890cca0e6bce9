/* netiod: what all of its services share.
 *
 * Made by start.c; touched by whoever is named.  One process, one loop.
 */
#ifndef NETIOD_HOUSE_H
#define NETIOD_HOUSE_H

#include "config.h"

#include "common/report.h"

#include <netio/daemonize.h>
#include <netio/listeners.h>
#include <netio/loop.h>

struct service;

struct house {
    struct netio_loop *loop;
    struct report *report;
    struct netio_log *log; /* report_to(report), once it is open */
    struct netio_daemon *daemon;
    const struct options *options;
    struct config *config;              /* in use: reload.c */
    struct netio_listeners *listeners;  /* of that configuration: reload.c */
    struct service **services;          /* of that configuration, in its order: reload.c */
    size_t count;
    struct service **leaving;           /* of earlier ones, whose processes still run: reload.c */
    size_t leaving_count;
    int stopping;
    char *program;                      /* netiod's own path, for upgrades; NULL: not known */
    char *libexec;                      /* the folder of netiod-pool and netiod-name */
};

/* The service that tcpmux knows by that name (RFC 1078: no matter which case); NULL: none. */
struct service *house_muxed(const struct house *house, const char *name);

#endif
