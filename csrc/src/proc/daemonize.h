/* Ring 2, private: what worker.c asks of daemonize.c, in a child of the daemon that goes on. */
#ifndef NETIO_PROC_DAEMONIZE_H
#define NETIO_PROC_DAEMONIZE_H

#include <netio/daemonize.h>

/* Lets go of what is the daemon's alone: starter, manager and pid file.  Before the loop of a
 * watchdog is freed. */
void netio__daemon_leave(struct netio_daemon *daemon);
/* Standard descriptors become what they are in a daemon that is ready; 0 or a code. */
int netio__daemon_detach(const struct netio_daemon *daemon);

#endif
