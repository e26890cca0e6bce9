/* netio/listeners.h: a set of listeners, and how it changes at a reload (ring 3).
 *
 *      prepare    opens what the next configuration has and this one has not; what both have is
 *                 the same socket, with its queue
 *      commit     the next configuration is the present one; what only the old one had is closed
 *      cancel     the present configuration stays; what only the next one had is closed
 *
 * The same is: what has the same type, family, address and port (so "*:79" and "0.0.0.0:79" share
 * a socket); of port 0, which the kernel chose, what has the same text.
 *
 * A path that gets another mode, owner or group keeps its socket, and gets them in prepare; cancel
 * takes that back.  What the present configuration says of them and the next one does not, becomes
 * what a new path would have in that folder; a file system that cannot tell that (O_TMPFILE) is an
 * error.  A path that was removed, or is another file by now, is one that this configuration has
 * not, since nobody can come to its socket: there is a new one (-EADDRINUSE if somebody serves that
 * file), and commit closes the old one, with who still waits there.  What was passed is left as it
 * is.
 *
 * "*:79" and "127.0.0.1:79" are two addresses that no two sockets listen to at the same time.  A
 * reload from one to the other works all the same, before the old one is closed.
 *
 * What an upgrade has left (netio/upgrade.h) is neither in this nor in the next configuration; what
 * prepare does not find in it is closed by commit as well.
 *
 * A program uses one for its own servers; netio_supervisor has one inside.  Sockets are the set's
 * until given to a server: who serves them borrows, and stops before commit closes them.  Nothing
 * here waits, but for names in addresses (services, users).  Fork: a child may free its copy, which
 * removes no path.  Not async-signal-safe.
 */
#ifndef NETIO_LISTENERS_H
#define NETIO_LISTENERS_H

#include <netio/listener.h>
#include <netio/server.h>

struct netio_listeners;

/* Which of two configurations; outside of a reload both are the present one.  A successor's present
 * one is empty (but for what a manager passed) until its first commit. */
enum netio_listeners_which { NETIO_LISTENERS_PRESENT, NETIO_LISTENERS_NEXT };

/* 0 or -ENOMEM. */
int netio_listeners_new(struct netio_listeners **set);
/* Closes all of them; paths are removed by who owns them (netio/listener.h). */
void netio_listeners_free(struct netio_listeners *set);

/* The next configuration has these addresses, and those that were passed (below).  0; or a code
 * with *error (those of netio_listener_open, with its text), and nothing has changed: as after
 * cancel.  A second prepare cancels the first. */
int netio_listeners_prepare(struct netio_listeners *set, const char *const *addresses, size_t count,
                            struct netio_error *error);
void netio_listeners_commit(struct netio_listeners *set);
void netio_listeners_cancel(struct netio_listeners *set);

/* One that a service manager passed: it is in all configurations, this one included.  Owned from
 * now on; on error left alone: codes of netio_listener_take, -ENOMEM. */
int netio_listeners_pass(struct netio_listeners *set, int fd);

/* Closes all of them, for who stops to listen before it ends: there is none in any
 * configuration. */
void netio_listeners_close(struct netio_listeners *set);

/* Listener i of a configuration, in no order; NULL beyond the last. */
const struct netio_listener *netio_listeners_at(const struct netio_listeners *set,
                                                enum netio_listeners_which which, size_t i);
/* The sockets of one address of that configuration, as prepare was told it: how many; 0 for an
 * address that it has not.  Borrowed. */
size_t netio_listeners_find(const struct netio_listeners *set, enum netio_listeners_which which,
                            const char *address, int fds[NETIO_LISTENER_MAX]);

/* Gives the listeners of that configuration to the server, closes all others, and frees the set: in
 * a worker.  0, or the code of netio_server_listen_take, and all are closed that the server has not
 * got. */
int netio_listeners_give(struct netio_listeners *set, enum netio_listeners_which which,
                         struct netio_server *server);

#endif
