/* Ring 2, private.  How a child of fork(2) becomes a program: what child.c, in the caller, and
 * become.c, in the child, say to each other.
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

struct netio__birth {
    const struct netio_child_plan *plan;
    pid_t parent; /* the caller */
    struct netio__world world;
    netio_deadline deadline;
    int socket[2]; /* the caller's end, the child's; whole errors are sent, code 0 for none ... */
    int report;    /* ... and through the child's pipe: in the child the end to write to, in the
                      caller the other */
    int floor;     /* above all numbers that the child shall have */
    int *fds;      /* room for those of the plan, and for one more */
};

/* In the child, in which all signals are blocked.  It allocates nothing and takes no lock, since
 * the caller may have threads. */
_Noreturn void netio__become(struct netio__birth *birth);

#endif
