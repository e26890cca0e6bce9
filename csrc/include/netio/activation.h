/* netio/activation.h: sockets passed by a service manager, sd_listen_fds(3) (ring 2).
 *
 * After netio_daemonize, which needs LISTEN_FDS to see that there is a manager, and leaves it
 * there.
 *
 * Fork and signals: changes environ(7): before there are threads; not async-signal-safe.
 */
#ifndef NETIO_ACTIVATION_H
#define NETIO_ACTIVATION_H

#include <netio/error.h>
#include <stddef.h>

#define NETIO_ACTIVATION_FIRST 3 /* they are 3, 4, ... */
#define NETIO_ACTIVATION_MAX   64

struct netio_activation {
    size_t count;                         /* 0: none were passed, or not to this process */
    char names[NETIO_ACTIVATION_MAX][64]; /* of LISTEN_FDNAMES, printable; without: "unknown" */
};

/* Takes LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES out of the environment, and sets close-on-exec
 * and non-blocking for the descriptors, which are the caller's from now on; nothing says yet that
 * they are sockets.  0; with the variable as subject, NETIO_EBADOPTION for what is no number or
 * above the maximum, -EBADF for descriptors that are not open.  A LISTEN_PID of another process, or
 * none: count 0. */
int netio_activation_take(struct netio_activation *activation, struct netio_error *error);
/* Whether fd is a stream socket that listens: 0; -ENOTSOCK; -ESOCKTNOSUPPORT for a datagram socket;
 * -EISCONN for a connected one; -EINVAL for one that does neither. */
int netio_activation_check(int fd);
/* Takes the socket that descriptor 0 is, as inetd(8) passes it: a copy, close-on-exec, and /dev/null
 * in the place of 0, 1 and those of 0 to 2 that were the same socket, so that nothing the program
 * prints goes to a client and closing the copy closes the connection.  The copy or -errno. */
int netio_activation_input_take(void);

#endif
