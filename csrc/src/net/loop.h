/* Ring 1, private: the insides of a loop: its watches and steps (loop.c), its timers
 * (loop_timer.c), and what it asks of its backends (loop_epoll.c, loop_poll.c). */
#ifndef NETIO_SRC_NET_LOOP_H
#define NETIO_SRC_NET_LOOP_H

#include "net/timer.h"

#include <netio/loop.h>
#include <signal.h>
#include <unistd.h>

/* generation tells the watches apart that had the same descriptor one after another: an
 * event of an earlier one, still in the batch, must not reach the later one. */
struct netio__event {
    int fd;
    unsigned generation;
    unsigned events; /* NETIO_READ | NETIO_WRITE | NETIO__BROKEN */
};

#define NETIO__SCRATCH 65536 /* bytes read at once; shared by all who read in a loop's steps */

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

/* What the loop knows of one descriptor; the table is indexed by its number. */
struct netio__watched {
    struct netio_watch *watch; /* NULL: not watched */
    unsigned generation;       /* counts the watches this number has had */
};

struct netio_loop {
    const struct netio__backend *backend;
    void *state; /* the backend's */
    struct netio__watched *slots;
    size_t nslots;
    struct netio__timers timers;
    struct netio_watch clock; /* the timerfd, once netio_loop_fd was asked for */
    netio_deadline armed;     /* what the timerfd is set to; NETIO_NEVER: not at all */
    int64_t now;              /* of the current step */
    unsigned depth;           /* steps within steps */
    int stop;
    const volatile int *mark; /* of the program's signal handlers; NULL: none */
    char *scratch;            /* NETIO__SCRATCH bytes; NULL: none yet, or lent */
    pid_t pid;  /* whose loop this is: the kernel's part is shared with a fork's child */
    char *ours; /* a page whose first byte a fork's child finds 0; NULL: ask for the pid */
};

/* loop.c: builds anew what a fork's child shares with its parent. */
int netio__loop_rebuild(struct netio_loop *loop);
/* In a fork's child every change would reach into the parent's epoll set: it builds its own first.
 * 0 or -errno. */
static inline int netio__loop_own(struct netio_loop *loop)
{
    if (loop->ours ? *loop->ours : loop->pid == getpid())
        return 0;
    return netio__loop_rebuild(loop);
}

/* loop_timer.c: sets the timerfd to the first timer, when somebody else waits for us. */
void netio__loop_arm(struct netio_loop *loop);
/* The timerfd is shared with the parent as the epoll descriptor is: a new one.  0 or -errno. */
int netio__loop_renew_clock(struct netio_loop *loop);
/* Runs the timers that were due when the step's wait ended: how many. */
int netio__loop_fire(struct netio_loop *loop);

/* loop.c: whether what netio_loop_mark has named is set. */
int netio__loop_marked(const struct netio_loop *loop);

/* loop.c: the bytes to read into, and back.  One piece for all is enough, as handlers do not
 * overlap; but for one that steps the loop, whose inner ones then get their own.  NULL: no memory.
 */
char *netio__loop_borrow(struct netio_loop *loop);
void netio__loop_return(struct netio_loop *loop, char *scratch);

extern const struct netio__backend netio__backend_epoll;
extern const struct netio__backend netio__backend_poll;

#endif
