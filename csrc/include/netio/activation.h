/* netio/activation.h: sockets passed by a service manager, sd_listen_fds(3) (ring 2). */
#ifndef NETIO_ACTIVATION_H
#define NETIO_ACTIVATION_H

#include <netio/error.h>
#include <stddef.h>

#define NETIO_ACTIVATION_FIRST 3  /* they are 3, 4, ... */
#define NETIO_ACTIVATION_MAX   64

struct netio_activation {
    size_t count;                            /* 0: none were passed, or not to this process */
    char names[NETIO_ACTIVATION_MAX][64];    /* of LISTEN_FDNAMES, printable; "unknown" without */
};

/* Takes LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES out of the environment, and sets close-on-exec and
 * non-blocking for the descriptors, which are the caller's.  0; NETIO_EBADOPTION with the variable as
 * subject for what is no number, for more than the maximum, for numbers that are not open (-EBADF).
 * A LISTEN_PID of another process: count 0. */
int netio_activation_take(struct netio_activation *activation, struct netio_error *error);
/* Whether fd is a stream socket that listens: 0; -ENOTSOCK; -ESOCKTNOSUPPORT for a datagram socket;
 * -EISCONN for a connected one; -EINVAL for one that does neither. */
int netio_activation_check(int fd);

#endif
