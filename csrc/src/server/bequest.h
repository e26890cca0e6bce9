/* Ring 3, private.  What a predecessor leaves to its successor: listeners, environment, descriptors
 * and the world it is in.  upgrade.c calls it; what is said between the two afterwards is said
 * there. */
#ifndef NETIO_SRC_SERVER_BEQUEST_H
#define NETIO_SRC_SERVER_BEQUEST_H

#include <netio/upgrade.h>

/* The listeners, into a socket whose other end the successor is to have: before it begins.  0 or a
 * code. */
int netio__bequest_send(int control, struct netio_listeners *listeners);
/* Executes the plan's program, with control, which stays the caller's, and the pid file.  0 and
 * *heir once it runs; or a code with *error. */
int netio__bequest_start(struct netio_child *heir, const struct netio_upgrade_plan *plan,
                         int control, struct netio_error *error);

#endif
