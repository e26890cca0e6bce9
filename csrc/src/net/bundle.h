/* Ring 1, private: several descriptors as one to wait for.  While there is only one, it is that
 * one itself; an epoll(7) descriptor is made for the second. */
#ifndef NETIO_SRC_NET_BUNDLE_H
#define NETIO_SRC_NET_BUNDLE_H

#include <netio/fd.h>

struct netio__bundle {
    int epoll;       /* -1: there has never been a second one */
    int only;        /* -1: none, or they are in epoll */
    unsigned events; /* of only */
};

#define NETIO__BUNDLE_EMPTY {.epoll = -1, .only = -1}

/* Adds fd, or changes the events of one that is in it: 0 or -errno. */
int netio__bundle_add(struct netio__bundle *bundle, int fd, unsigned events);
/* To be called before fd is closed; one that is not in it is left alone. */
void netio__bundle_drop(struct netio__bundle *bundle, int fd);
/* Sets fd and events of want. */
void netio__bundle_want(const struct netio__bundle *bundle, struct netio_want *want);
void netio__bundle_close(struct netio__bundle *bundle); /* it is empty and usable then */

#endif
