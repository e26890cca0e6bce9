/* netiod: what all of its services share.
 *
 * Made by start.c; touched by whoever is named.  One process, one loop.
 */
#ifndef NETIOD_HOUSE_H
#define NETIOD_HOUSE_H

#include "config.h"
#include "self.h"

#include "common/report.h"

#include <netio/daemonize.h>
#include <netio/listeners.h>
#include <netio/loop.h>

#include <sys/resource.h>

struct netio_server;
struct netio_upgrade;
struct passed;
struct process;
struct rpc;
struct service;

struct house {
    struct netio_loop *loop;
    struct report *report;
    struct netio_log *log; /* report_to(report), once it is open */
    struct netio_daemon *daemon;
    const struct options *options;
    struct config *config;             /* in use: reload.c */
    struct netio_listeners *listeners; /* of that configuration: reload.c */
    unsigned char *lent;               /* by descriptor, which of them others have had, too ... */
    size_t lent_size;                  /* ... below that one: reload_sockets.c */
    struct service **services;         /* of that configuration, in its order: reload.c */
    size_t count;
    struct service **leaving; /* of earlier ones, whose processes still run: reload.c */
    size_t leaving_count;
    struct process *processes; /* of all services: process.c */
    struct config **retired;   /* the configurations of those */
    size_t retired_count;
    struct passed *passed;         /* sockets of a service manager: passed.c */
    struct netio_server *status;   /* NULL: nowhere: status.c ... */
    ino_t status_inode;            /* ... and on which socket */
    struct netio_upgrade *upgrade; /* NULL: none is under way: upgrade.c */
    struct netio_error failed;     /* why there is no configuration, for a predecessor; code 0 */
    struct rpc *rpc;               /* NULL: no rpc service was ever there: rpc.c */
    int resting;                   /* since the successor was ready: upgrade.c */
    struct rlimit files;           /* RLIMIT_NOFILE of the start, which children get back */
    struct self self;              /* who netiod is: start.c */
    int has_terminal;              /* a controlling one, which children must not have */
    int stopping;
    int left;                     /* a successor has taken over ... */
    struct netio_child successor; /* ... which is to be reaped: upgrade.c */
    struct netio_watch successor_watch;
    char *program; /* netiod's own path, for upgrades; NULL: not known */
    char *libexec; /* the folder of netiod-pool and netiod-name; the same */
};

/* The service that tcpmux knows by that name (RFC 1078: no matter which case); NULL: none. */
struct service *house_muxed(const struct house *house, const char *name);
/* Whether another process has that listener, too, or had it: a program, a service manager, a
 * predecessor. */
int house_has_lent(const struct house *house, int fd);
/* Nobody serves for a moment, clients wait; then the services have their sockets again, and what
 * one could not have again is logged. */
void house_rest(struct house *house);
void house_resume(struct house *house);
/* No new clients; what runs may go on until the deadline.  Again: another deadline. */
void house_stop(struct house *house, netio_deadline deadline);
/* Frees those that have left and have nothing left that runs.  Not from within a handler. */
void house_sweep(struct house *house);
/* Whether nothing runs any more. */
int house_is_empty(const struct house *house);
/* Ends all of it. */
void house_close(struct house *house);

#endif
