/* Ring 1, private: several descriptors as one to wait for.  While there is only one, it is that
 * one itself; an epoll(7) descriptor is made for the second.  (bundle.c) */
#ifndef NETIO_SRC_NET_BUNDLE_H
#define NETIO_SRC_NET_BUNDLE_H

#include <netio/fd.h>

struct netio__bundle {
    int epoll;       /* -1: there has never been a second one */
    int only;        /* -1: none, or they are in epoll */
    unsigned events; /* of only */
};

#define NETIO__BUNDLE_EMPTY {.epoll = -1, .only = -1}

/* Makes the epoll descriptor now, unless it is there, so that adding takes none: 0 or -errno. */
int netio__bundle_widen(struct netio__bundle *bundle);
/* Adds fd, or changes the events of one that is in it: 0 or -errno. */
int netio__bundle_add(struct netio__bundle *bundle, int fd, unsigned events);
/* Adds what a machine wants (NULL: it has ended) instead of what it wanted before, which *fd
 * says, -1 for nothing: 0 or -errno.  To be called right after its every step: it may have closed
 * that, and the number may be another's soon. */
int netio__bundle_follow(struct netio__bundle *bundle, int *fd, const struct netio_want *want);
/* To be called before fd is closed (a child of fork may keep it open, and with it its place);
 * one that is not in it is left alone. */
void netio__bundle_drop(struct netio__bundle *bundle, int fd);
/* Sets fd and events of want. */
void netio__bundle_want(const struct netio__bundle *bundle, struct netio_want *want);
void netio__bundle_close(struct netio__bundle *bundle); /* it is empty and usable then */

#endif
