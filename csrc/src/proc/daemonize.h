/* Ring 2, private: the insides of a daemon, which daemonize.c makes and daemon.c keeps; and what
 * worker.c asks, in a child of it that goes on. */
#ifndef NETIO_PROC_DAEMONIZE_H
#define NETIO_PROC_DAEMONIZE_H

#include "proc/world.h"

#include <netio/daemonize.h>

struct netio_daemon {
    pid_t pid;   /* the daemon's: a child of fork has another */
    int channel; /* to the starter; -1: in the foreground, or told */
    int null;    /* what standard descriptors become */
    int detached;
    int dropped, told;
    int left;                   /* to a successor: it says and removes what there is */
    struct netio_error refused; /* why privileges could not be dropped: there is no second try */
    unsigned host;              /* NETIO_DAEMON_HOST */
    unsigned kept;              /* a bit for each of 0 to 2 that stays as it is */
    struct netio_pidfile *pidfile;
    struct netio_notify *notify;
    struct netio__world world;
};

/* Gives up all it has; remove_pidfile: or only its descriptor. */
void netio__daemon_discard(struct netio_daemon *daemon, int remove_pidfile);
/* Lets go of what is the daemon's alone: starter, manager and pid file.  Before the loop of a
 * watchdog is freed. */
void netio__daemon_leave(struct netio_daemon *daemon);
/* Standard descriptors become what they are in a daemon that is ready; 0 or a code. */
int netio__daemon_detach(const struct netio_daemon *daemon);

#endif
