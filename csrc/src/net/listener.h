/* Ring 1, private: what listener.c asks of listener_unix.c. */
#ifndef NETIO_SRC_NET_LISTENER_H
#define NETIO_SRC_NET_LISTENER_H

#include <netio/listener.h>

/* Binds a fresh unix socket to its path, taking over a stale one, and listens.  0 or
 * -errno, and then *stage says at what. */
int netio__unix_listen(int fd, const struct netio_addr *addr, int backlog, enum netio_stage *stage);

#endif
