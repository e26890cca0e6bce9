/* Ring 1, private: what the loop (loop.c) asks of its backends (loop_epoll.c, loop_poll.c). */
#ifndef NETIO_SRC_NET_LOOP_H
#define NETIO_SRC_NET_LOOP_H

#include <netio/loop.h>
#include <signal.h>

/* generation tells the watches apart that had the same descriptor one after another: an
 * event of an earlier one, still in the batch, must not reach the later one. */
struct netio__event {
    int fd;
    unsigned generation;
    unsigned events; /* NETIO_READ | NETIO_WRITE | NETIO__BROKEN */
};

#define NETIO__BROKEN 4u /* an error or hang-up; then the other two are set as well */

/* Calls return 0 or -errno; one descriptor is in the set at most once. */
struct netio__backend {
    int (*open)(void **state);
    void (*close)(void *state);
    int (*add)(void *state, int fd, unsigned events, unsigned generation);
    int (*mod)(void *state, int fd, unsigned events, unsigned generation);
    void (*del)(void *state, int fd);
    /* Waits up to timeout milliseconds (-1: for ever), with that signal mask (NULL: as it is), and
     * stores up to max events.  The count, or -errno (-EINTR too). */
    int (*wait)(void *state, struct netio__event *events, int max, int timeout,
                const sigset_t *mask);
    /* One descriptor that is readable when wait would return at once; -ENOTSUP. */
    int (*fd)(void *state);
};

/* loop.c: whether what netio_loop_mark has named is set. */
int netio__loop_marked(const struct netio_loop *loop);

extern const struct netio__backend netio__backend_epoll;
extern const struct netio__backend netio__backend_poll;

#endif
