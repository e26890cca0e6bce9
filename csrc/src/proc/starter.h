/* Ring 2, private.  The two ends of a start: he who waits for the truth, and he who tells it.
 * Called by daemonize.c and daemon.c only.
 *
 *      starter ──fork──► go-between (setsid) ──fork──► daemon
 *         │                    PID, or ERROR            │
 *         │◄───────────────────┘         ERROR, FAIL or READY
 *         │◄────────────────────────────────────────────┘
 *
 * The starter takes over the daemon when the go-between has ended (PR_SET_CHILD_SUBREAPER), so that
 * waitpid(2) tells it how the daemon ended; and watches it by pidfd, since a child of the daemon
 * may hold the channel open.
 */
#ifndef NETIO_PROC_STARTER_H
#define NETIO_PROC_STARTER_H

#include <netio/clock.h>
#include <netio/error.h>
#include <signal.h>
#include <sys/types.h>

enum netio__start_word {
    NETIO__START_PID,   /* value: the daemon's */
    NETIO__START_ERROR, /* value: a code; stage and subject: it could not become a daemon */
    NETIO__START_FAIL,  /* value: what to exit with */
    NETIO__START_READY,
};

struct netio__starter {
    int channel;      /* of whoever looks at it: the starter's end or the daemon's */
    pid_t go_between; /* the session and process group of the daemon, too; reaped last, so that
                         their number stays theirs */
    pid_t daemon;     /* 0: not known yet */
    int pidfd;        /* -1: not known */
    int reaper;       /* whether the caller was one */
    sigset_t mask;    /* the caller's */
    struct sigaction chld;
};

/* Forks.  0 in the daemon, which has all signals blocked; 1 in the starter; or -errno, and nothing
 * was started. */
int netio__starter_fork(struct netio__starter *starter);
/* Waits for the truth, and leaves the caller as it was: signals, children, descriptors.  1 and
 * *status as of netio_daemonize; or a negative code and nothing was started. */
int netio__starter_wait(struct netio__starter *starter, double seconds, int *status,
                        struct netio_error *error);

/* The daemon's word to the starter; 0, or -EPIPE when that one is gone. */
int netio__starter_tell(int channel, enum netio__start_word word, int value,
                        const struct netio_error *error);

#endif
