/* Ring 3, private.  The listeners of a supervisor, and how they change at a reload.
 *
 *      prepare    opens what the next configuration has and this one has not; what both have is
 *                 the same socket, with its queue
 *      commit     the next configuration is the present one; what only the old one had is closed
 *      cancel     the present configuration stays; what only the next one had is closed
 *
 * The same is: what has the same type, family, address and port (so "*:79" and "0.0.0.0:79" share
 * a socket); of port 0, which the kernel chose, what has the same text.  A path that gets another
 * mode, owner or group keeps its socket, and gets them in prepare; cancel takes that back.
 *
 * "*:79" and "127.0.0.1:79" are two addresses that no two sockets listen to at the same time.  A
 * reload from one to the other works all the same, before the old one is closed: see listeners.c.
 *
 * What an upgrade has left (netio__listeners_left) is neither in this nor in the next
 * configuration; what prepare does not find in it is closed by commit as well.
 *
 * Called by the supervisor alone.  Sockets are the set's until given to a server. */
#ifndef NETIO_SRC_SERVER_LISTENERS_H
#define NETIO_SRC_SERVER_LISTENERS_H

#include <netio/listener.h>
#include <netio/server.h>

#define NETIO__LISTENERS_MAX 64 /* of one configuration; what a server takes */

struct netio__listeners;

/* Which of two configurations; outside of a reload both are the present one.  A successor's present
 * one is empty (but for what a manager passed) until its first commit. */
enum netio__configuration { NETIO__PRESENT, NETIO__NEXT };

/* 0 or -ENOMEM. */
int netio__listeners_new(struct netio__listeners **set);
/* Closes all of them; paths are removed by who owns them (netio/listener.h). */
void netio__listeners_free(struct netio__listeners *set);

/* The next configuration has these addresses, and those that were passed (below).  0; or a code
 * with *error (those of netio_listener_open, with its text; NETIO_EFULL), and nothing has changed:
 * as after cancel.  A second prepare cancels the first. */
int netio__listeners_prepare(struct netio__listeners *set, const char *const *addresses,
                             size_t count, struct netio_error *error);
void netio__listeners_commit(struct netio__listeners *set);
void netio__listeners_cancel(struct netio__listeners *set);

/* One that a service manager passed: it is in all configurations, this one included.  Owned from
 * now on; on error left alone: codes of netio_listener_take, NETIO_EFULL. */
int netio__listeners_pass(struct netio__listeners *set, int fd);

/* Closes all of them, for a supervisor whose workers have stopped to listen: there is none in any
 * configuration. */
void netio__listeners_close(struct netio__listeners *set);

/* Listener i of a configuration; NULL beyond the last. */
const struct netio_listener *netio__listeners_at(const struct netio__listeners *set,
                                                 enum netio__configuration which, size_t i);

/* In a worker: gives the listeners of that configuration to the server, closes all others, and
 * frees the set.  0, or the code of netio_server_listen_take, and all are closed that the server
 * has not got. */
int netio__listeners_give(struct netio__listeners *set, enum netio__configuration which,
                          struct netio_server *server);

/* ---- for upgrade.c -------------------------------------------------------------------------- */

/* One of this process's listeners for a successor. */
struct netio__legacy {
    int fd;
    const char *text; /* of its listen address; NULL: passed by a manager */
    dev_t device;     /* of its path; 0 and 0: none that is ours */
    ino_t inode;
};
/* Legacy i of the present configuration: 1, or 0 beyond the last.  text is the set's.  What the
 * successor does to modes of paths is undone by cancel. */
int netio__listeners_legacy(struct netio__listeners *set, size_t i, struct netio__legacy *legacy);
/* In the successor: legacy is there to be found by prepare; its fd is owned, also on error. */
int netio__listeners_left(struct netio__listeners *set, const struct netio__legacy *legacy);
/* Paths are this process's to remove from now on, or (0) its successor's. */
void netio__listeners_own(struct netio__listeners *set, int own);

#endif
