/* Ring 1, private: the parts of a listener, and what the set of a supervisor's listeners
 * (server/listeners.c) asks of them.
 *
 *      listener_address.c   the text of a listen address, taken apart
 *      listener.c           sockets of it
 *      listener_unix.c      those that have a path */
#ifndef NETIO_SRC_NET_LISTENER_H
#define NETIO_SRC_NET_LISTENER_H

#include <netio/listener.h>

#include <sys/stat.h>

/* What a listen address says. */
struct netio__listen {
    struct netio_addr addrs[NETIO_LISTENER_MAX];
    int count;
    int type;     /* SOCK_STREAM or SOCK_DGRAM */
    int reserved; /* port 0: one that is privileged */
    int has_mode; /* of a unix path: */
    mode_t mode;  /* 0 to 0777 */
    uid_t uid;    /* -1: as it comes */
    gid_t gid;
};

/* 0 or a code with *error. */
int netio__listen_parse(struct netio__listen *what, const char *text, struct netio_error *error);

/* As netio_listener_open, but not those of its addresses whose bit is set in skip: how many are
 * open now, or a code.  beside: next to a socket of this process that listens to the same port and
 * has SO_REUSEPORT at this moment, as these then have, too (TCP and UDP). */
int netio__listener_open(struct netio_listener listeners[NETIO_LISTENER_MAX],
                         const struct netio__listen *what, unsigned skip, int beside, int backlog,
                         const char *text, struct netio_error *error);

/* As netio_listener_take, of one that another process of ours has had and passed close-on-exec: how
 * it is, blocking if a program of that one's works with it, it stays. */
int netio__listener_inherit(struct netio_listener *listener, int fd);

/* Binds a fresh unix socket to its path, taking over a stale one, dresses it, and has a stream
 * listen.  0 or -errno, and then *stage says at what. */
int netio__unix_listen(int fd, const struct netio__listen *what, int backlog,
                       enum netio_stage *stage);
/* Mode, owner and group, where the listen address has them; no link is followed.  0 or -errno. */
int netio__unix_dress(const char *path, const struct netio__listen *what);
/* Mode, owner and group of a path that would come to be in that folder now, if the listen address
 * had none.  0 or -errno. */
int netio__unix_undressed(const char *path, struct stat *st);

#endif
