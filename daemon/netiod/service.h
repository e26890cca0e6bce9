/* netiod: one service at work.
 *
 * A service has a kind, which is how it serves: a table of functions, one file each.
 *
 *      exec.c      a process for each connection: a netio_server of model FORK, which starts
 *                  programs (on_spawn)
 *      wait.c      a process that has the socket
 *      pool.c      workers that have it
 *      builtin.c   netiod itself, streams; builtin_datagram.c: datagrams
 *      tcpmux.c    netiod itself: passes connections on to other services
 *
 * Called by reload.c and reload_sockets.c, which open services, give them sockets, change them and
 * stop them, by house.c and status.c, and by the kinds; a kind touches only its own service.  All
 * of them live in the house's loop.
 *
 *      service_open        in the first configuration, or new in a reload; not yet serving
 *      kind->listen        gets its sockets: from here on it serves
 *      service_change      the same service in a new configuration, same kind and same name
 *      service_leave       not in the new one: what runs may finish
 *      service_stop        the end of netiod, or of one that has left
 *      service_free        when service_running is 0, or at the very end
 */
#ifndef NETIOD_SERVICE_H
#define NETIOD_SERVICE_H

#include "config.h"
#include "house.h"
#include "waits.h"

#include <netio/server.h>

struct service;
struct handover_child;

struct service_kind {
    int lends;   /* its sockets to programs */
    int returns; /* after service_leave it can serve again: all that it needs is a socket */
    /* Everything that can fail before it serves.  0 or a code with *error. */
    int (*open)(struct service *service, struct netio_error *error);
    /* One more socket, or one less: listening and non-blocking; the house's, which keeps it until
     * after ignore.  listen: 0 or a code. */
    int (*listen)(struct service *service, int fd);
    void (*ignore)(struct service *service, int fd);
    /* service->config is the new one already; cannot fail half-way: 0, or a code and what the
     * service does stays as it was. */
    int (*change)(struct service *service, const struct config_service *before);
    /* No new clients.  What runs may go on until the deadline, then it is told to end (SIGTERM to
     * its process group, SIGKILL a second later).  Called again it changes the deadline. */
    void (*stop)(struct service *service, netio_deadline deadline);
    /* A client that came through tcpmux: as one that was accepted.  fd is owned; peer is
     * who it was when it came.  NULL: not of this kind.  0 or a code; -EACCES when it was refused
     * and told so. */
    int (*serve)(struct service *service, int fd, const struct netio_addr *peer);
    void (*free)(struct service *service); /* ends what still runs */
    /* NULL for kinds without processes (handover.h): process index that runs, from 0: 1, or 0
     * beyond the last; and one that a predecessor has left: its pidfd is owned, 0 or a code. */
    int (*child)(const struct service *service, size_t index, struct handover_child *child);
    int (*adopt)(struct service *service, const struct handover_child *child);
};

struct service_counts {
    uint64_t started, ended, failed; /* processes; of those that could not be started the ones that
                                        no netio_server counts: service_failed */
    uint64_t unanswered;             /* builtin_datagram.c */
};

struct service_untold { /* what the log does not have yet: it has a line a second */
    int64_t told;       /* when it got the last one; 0: none yet */
    unsigned long count;
};

struct service {
    struct house *house;
    const struct service_kind *kind;
    const struct config_service *config; /* of the house's present configuration */
    char *name;                          /* its own copy: outlives a configuration */
    int *fds;                            /* the sockets that its kind has: reload.c */
    size_t fds_count;
    struct netio_server *server; /* NULL in kinds without one */
    struct netio_limit *limit;   /* NULL: no limit was ever set; shared with nobody */
    const char *failing;         /* why nobody can be served now, the kind's; NULL: who comes is */
    struct service_counts counts;
    struct service_untold untold; /* failed starts: launch.c */
    size_t running; /* its processes, those of an earlier netiod included (handover.c) ... */
    size_t adopted; /* ... which are so many */
    struct waits waits;
    char **variables; /* of all its programs: environment.c; NULL until the first */
    int errors[2]; /* errors.c: the pipe that is its children's standard error; -1: none */
    struct netio_watch errors_watch;
    int stays; /* in the configuration that reload.c looks at */
    int left;  /* the configuration: one of the house's leaving */
    void *own; /* the kind's */
};

extern const struct service_kind exec_kind, wait_kind, pool_kind, builtin_kind, datagram_kind,
    tcpmux_kind;
const struct service_kind *service_kind_of(const struct config_service *config);

/* 0 or a code with *error; a service that could not be opened is freed, one that could not be
 * changed is as it was. */
int service_open(struct service **service, struct house *house, const struct config_service *config,
                 struct netio_error *error);
int service_change(struct service *service, const struct config_service *config,
                   struct netio_error *error);
/* One more socket, which goes on the list, and one less; 0 or a code. */
int service_listen(struct service *service, int fd);
void service_ignore(struct service *service, int fd);
/* Ignore its sockets before. */
void service_leave(struct service *service);
void service_stop(struct service *service, netio_deadline deadline);
/* Connections and processes; once a successor serves only those that are this process's own. */
size_t service_running(const struct service *service);
void service_free(struct service *service);

/* Starts that have failed. */
uint64_t service_failed(const struct service *service);

/* What kinds with a netio_server have in common: its options of a configuration (limits, rules,
 * texts, time-outs), and the handlers that log who was refused and what went wrong. */
void service_server_options(const struct service *service, struct netio_server_options *options);
void service_server_handlers(struct netio_server_handlers *handlers);
/* Logs as on_refused does: "NAME: WHAT", and how many there were before. */
void service_log_refused(const struct service *service, int level, const char *what,
                         unsigned long count);
/* One more of that.  How many there are for the log, once a second at most; 0: not yet. */
unsigned long service_untold(struct service_untold *untold, int64_t now);
/* Makes or changes service->limit as config has it; 0 or a code. */
int service_limit(struct service *service, const struct config_service *config);

#endif
