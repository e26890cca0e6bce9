/* Ring 1, private: one socket on its way to one address (dial.c). */
#ifndef NETIO_SRC_NET_DIAL_H
#define NETIO_SRC_NET_DIAL_H

#include <netio/open.h>

/* How the sockets of one machine are made: its options, checked. */
struct netio__dial {
    int type; /* SOCK_STREAM or SOCK_DGRAM */
    int keepalive, nodelay, reserved;
    unsigned port;            /* of this end; 0: the kernel's choice */
    struct netio_addr source; /* of this end, port 0; unset: the kernel's choice */
    int (*prepare)(int fd, const struct netio_addr *to, void *data);
    void *data;
};

/* Takes what concerns sockets from the options (NULL: defaults).  0, or NETIO_EBADOPTION or
 * NETIO_EBADADDRESS with *error. */
int netio__dial_set(struct netio__dial *dial, int type, const struct netio_open_options *options,
                    struct netio_error *error);
/* The same for a socket to a path, whose other end has no port and this one no address. */
int netio__dial_set_unix(struct netio__dial *dial, const struct netio_open_options *options,
                         struct netio_error *error);

/* Makes a socket and begins to connect it.  0: *fd is connected or on its way;
 * -EAGAIN: *fd is a unix socket whose peer has no room for it yet, to be tried again with
 * netio__dial_again; else the failure, *fd is -1 and *stage says where. */
int netio__dial_start(const struct netio__dial *dial, const struct netio_addr *to, int *fd,
                      enum netio_stage *stage);
int netio__dial_again(int fd, const struct netio_addr *to);
/* How a connect on its way stands: 0 connected, -EAGAIN, or why it failed. */
int netio__dial_result(int fd);

/* What an error at the stage bind is about: the address of this end, or with *addr unset the
 * words that are returned. */
const char *netio__dial_end(const struct netio__dial *dial, int family, struct netio_addr *addr);

#endif
