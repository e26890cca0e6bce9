/* netio/fd.h: descriptors (ring 0).
 *
 * Every descriptor the library makes is close-on-exec and non-blocking from its
 * birth.  The calls below absorb EINTR, except the two that wait (netio_fd_poll,
 * netio_want_poll), which report it: that is where a host program runs its signal
 * handlers.
 *
 * Fork and signals: no state; all calls are async-signal-safe.
 */
#ifndef NETIO_FD_H
#define NETIO_FD_H

#include <netio/clock.h>
#include <stddef.h>
#include <sys/types.h>

#define NETIO_READ  1u /* there is something to read, or the end of file */
#define NETIO_WRITE 2u /* there is room to write, or an error to collect */

/* What a machine (netio_tcpopen, netio_resolve) waits for: call its step when fd
 * is ready for one of events, or when the deadline has come. */
struct netio_want {
    int fd;                  /* -1: only the deadline */
    unsigned events;         /* NETIO_READ | NETIO_WRITE */
    netio_deadline deadline; /* NETIO_NEVER: only the descriptor */
};

/* Closes fd, if it is not negative, and keeps errno. */
void netio_fd_close(int fd);
/* Sets or clears O_NONBLOCK or FD_CLOEXEC; 0 or -errno. */
int netio_fd_nonblock(int fd, int on);
int netio_fd_cloexec(int fd, int on);

/* /dev/null for reading and writing, close-on-exec; -ENODEV when it is not what it should be (where
 * /dev is not mounted, "> /dev/null" has made a file), or -errno. */
int netio_fd_null(void);
/* Opens those of 0, 1 and 2 that are closed on /dev/null, so that no other file can become one of
 * them; 0 or a code of netio_fd_null. */
int netio_fd_standard(void);
/* Closes all descriptors above 2 but those of keep (any order), or makes them close-on-exec; never
 * a loop up to RLIMIT_NOFILE (close_range(2), else /proc/self/fd).  0; -errno; NETIO_ELIED when
 * they are still open. */
int netio_fd_close_others(const int *keep, size_t count);
int netio_fd_cloexec_others(const int *keep, size_t count);

/* Waits until fd is ready for one of events or the deadline passes.  Returns the
 * events that are ready (an error or hang-up counts as all of those asked for),
 * -ETIMEDOUT, -EINTR after a signal handler ran, or another -errno.  A deadline
 * that has passed still looks once.  fd may be above FD_SETSIZE. */
int netio_fd_poll(int fd, unsigned events, netio_deadline deadline);
/* The same for a machine's want; a want that timed out also returns 0: step. */
int netio_want_poll(const struct netio_want *want);

/* read(2) and write(2) of up to size bytes, absorbing EINTR; the count, 0 at end of
 * file, or -errno (-EAGAIN when it would block and O_NONBLOCK is set). */
ssize_t netio_fd_read(int fd, void *data, size_t size);
ssize_t netio_fd_write(int fd, const void *data, size_t size);

/* recv(2) and send(2) that never wait (MSG_DONTWAIT) and never raise SIGPIPE.  On a
 * descriptor that is no socket they are read(2) and write(2), which wait unless
 * O_NONBLOCK is set and raise SIGPIPE.  The count, 0 at end of file, or -errno. */
ssize_t netio_fd_recv(int fd, void *data, size_t size);
ssize_t netio_fd_send(int fd, const void *data, size_t size);

#endif
