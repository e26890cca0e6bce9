/* Ring 2, private.  How a child becomes a program: what child.c and its two ways to make one say,
 * in the caller, to become.c, in the child.
 *
 * child_share.c: the child lives in the memory of the caller until it executes the program, which
 * spares the copy of it, and what there is to say stands there.  The caller waits in the kernel all
 * the while, with all signals blocked: of errno, and of whatever else a thread or the library has
 * but one, there is one for both.
 *
 *      caller                          child, on a stack of its own
 *      clone                           session, signals, descriptors, world, privileges
 *      futex: until the kernel says      said: why not, or
 *      that the memory is its alone      executes = 1
 *      again, or the deadline          execve, or the end
 *
 * child_fork.c: where a program has threads, which do not wait; a child that the caller may not
 * kill would, or clone(2) is refused.
 *
 *      caller                          child
 *      socketpair, fork                lifts its end of the socket out of the way, closes what it
 *      pidfd_open                        shall not have, makes a pipe
 *               ◄── the pipe's end ──
 *               ─────── go ─────────►  session, signals, descriptors, world, privileges
 *               ◄── about to exec ───
 *                                      execve
 *               ◄── end of file ─────  or why not
 *
 * Go: until then the child cannot end by itself, so that the pidfd is that of the child and not of
 * who got its pid after a handler of the host program had reaped it.
 * The pipe is the child's own: it ends when the child executes or dies, and at no other time.  Of
 * one that the caller had made, any child that another thread forks meanwhile would have a copy,
 * and keep it open for as long as it lives.
 * About to exec: whoever dies without having said so has not become the program. */
#ifndef NETIO_PROC_BECOME_H
#define NETIO_PROC_BECOME_H

#include "world.h"

#include <netio/child.h>

#include <poll.h>

/* For a killed child to end: in the kernel it may be out of reach. */
#define NETIO__STUCK_SECONDS 1
/* From one look whether it is stopped to the next. */
#define NETIO__LOOK_SECONDS 0.01
/* Instead; no code is positive. */
#define NETIO__CHILD_BY_FORK 1

struct netio__birth {
    const struct netio_child_plan *plan;
    pid_t parent; /* the caller, where its child dies with it */
    struct netio__world world;
    netio_deadline deadline;
    int floor; /* above all numbers that the child shall have */
    int *fds;  /* room for those of the plan, and for one more */

    /* By fork. */
    int socket[2]; /* the caller's end, the child's; whole errors are sent, code 0 for none ... */
    int report;    /* ... and through the child's pipe: in the child the end to write to, in the
                      caller the other */

    /* In shared memory. */
    struct netio_error said; /* why it could not become the program; code 0: not said */
    int executes;            /* it is about to */
};

/* 0 and *child runs the program; or a code, and what is left of *child is the caller's to destroy:
 * it has a pidfd.  NETIO__CHILD_BY_FORK: nothing was done, this is not the way. */
int netio__child_by_sharing(struct netio_child *child, struct netio__birth *birth,
                            struct netio_error *error);
int netio__child_by_fork(struct netio_child *child, struct netio__birth *birth,
                         struct netio_error *error);
/* poll(2) until the deadline: 0, -ETIMEDOUT or -errno. */
int netio__poll_until(struct pollfd *fds, nfds_t count, netio_deadline deadline);
/* The user that the child has become may stop it before it executes anything.  The caller does not
 * wait for that user: whether it is stopped, and what start says then. */
int netio__child_is_stopped(int pidfd);
int netio__child_stopped(const struct netio__birth *birth, struct netio_error *error);

/* In the child, in which all signals are blocked.  They allocate nothing and take no lock, since
 * the caller may have threads. */
_Noreturn void netio__become(struct netio__birth *birth);
/* What clone(2) calls with a struct netio__birth.  It returns, and so ends the process: _exit(2)
 * would have AddressSanitizer look for a stack that it knows. */
int netio__become_in_place(void *birth);

#endif
