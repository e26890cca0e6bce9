/* netio/loop.h: the event loop (ring 1).
 *
 * One loop watches descriptors (level-triggered) and timers.  It starts no
 * thread, installs no signal handler, does not touch SIGCHLD, and can be hosted by
 * any other loop: wait until netio_loop_fd() is readable, then call
 * netio_loop_step(loop, NETIO_NOW).
 *
 * Watches and timers are the caller's structs: zero them, set the handler, start
 * them, and keep them where they are until they are stopped.  A handler may start,
 * stop and free any watch or timer, its own included; events of a stopped watch
 * that the kernel had already reported are dropped.  Stop a watch before closing
 * its descriptor.
 *
 * Fork: a child that goes on using the loop gets its own copy at its next call; the
 * parent's is untouched.  Threads: one loop, one thread.  Not async-signal-safe.
 */
#ifndef NETIO_LOOP_H
#define NETIO_LOOP_H

#include <netio/clock.h>
#include <netio/fd.h>

struct netio_loop;

struct netio_watch {
    void (*ready)(struct netio_watch *watch, unsigned events); /* NETIO_READ | NETIO_WRITE */
    void *data;                                                /* the caller's */
    struct netio_loop *loop; /* the loop's from here; NULL: stopped */
    int fd;
    unsigned events;
};

struct netio_timer {
    void (*fire)(struct netio_timer *timer);
    void *data;
    struct netio_loop *loop; /* the loop's from here; NULL: stopped */
    netio_deadline when;
    unsigned place;
};

/* To watch a listening socket that several processes watch, each with a loop of its own: beside
 * NETIO_READ, and of a client who comes one of them hears, or few, instead of all.  Such a watch
 * cannot be changed.  The poll backend knows no such thing. */
#define NETIO_EXCLUSIVE 8u

#define NETIO_LOOP_POLL 1u /* poll(2) instead of epoll(7): no netio_loop_fd */

/* 0 and *loop, or -errno.  flags: 0 or NETIO_LOOP_POLL. */
int netio_loop_new(struct netio_loop **loop, unsigned flags);
/* Frees the loop, not from within a handler.  Watches and timers still started are not
 * touched (they may be gone already): zero them before you use them again. */
void netio_loop_free(struct netio_loop *loop);

/* Begins to watch fd for events, which may be 0 (only errors and hang-up, reported
 * as NETIO_READ | NETIO_WRITE; otherwise as those of the two that were asked for).  0,
 * -EEXIST when fd is watched already or the watch has been started, -EPERM for a file that
 * cannot be watched (poll watches any), or another -errno. */
int netio_watch_start(struct netio_loop *loop, struct netio_watch *watch, int fd, unsigned events);
/* Other events from now on; free of cost when they are the same.  0, -EINVAL for a stopped or
 * an exclusive watch, or another -errno. */
int netio_watch_change(struct netio_watch *watch, unsigned events);
void netio_watch_stop(struct netio_watch *watch); /* a stopped watch is left alone */

/* Fires once at the deadline (NETIO_NEVER: stops it).  Starting a started timer
 * moves it, from another loop too.  Started in a handler with a time that has come, it
 * waits for the next step.  0, -ENOMEM, or after a fork another -errno. */
int netio_timer_start(struct netio_loop *loop, struct netio_timer *timer, netio_deadline when);
void netio_timer_stop(struct netio_timer *timer); /* a stopped timer is left alone */

/* Waits for the first event, timer or signal, but not past the deadline, and runs
 * the handlers of what is ready.  Returns how many ran (0 after a signal or the
 * deadline) or -errno.  It may be called from within a handler; what the inner step has
 * served, the outer one may report once more: read until -EAGAIN. */
int netio_loop_step(struct netio_loop *loop, netio_deadline deadline);
/* For programs whose signal handlers only mark, as Perl's do, and which look at the mark between
 * steps (NULL: none): a wait does not begin while *mark is not 0, nor does a signal come between
 * that look and the wait.  Such a step runs no watch, and ends as one that a signal has ended. */
void netio_loop_mark(struct netio_loop *loop, const volatile int *mark);
/* Steps until netio_loop_stop; 0 or -errno.  The stop ends one run. */
int netio_loop_run(struct netio_loop *loop);
void netio_loop_stop(struct netio_loop *loop);

/* The time of the current step, read once: cheap, and good enough for deadlines. */
int64_t netio_loop_now(const struct netio_loop *loop);
/* When the next timer is due; NETIO_NEVER without one. */
netio_deadline netio_loop_next(const struct netio_loop *loop);
/* One descriptor that is readable when a step has something to do, timers
 * included; the loop's own, never close it.  -ENOTSUP for the poll backend.  After a
 * fork ask again. */
int netio_loop_fd(struct netio_loop *loop);

#endif
