/* netio/child.h: the one way in which NetIO starts a program (ring 2).
 *
 * SIGCHLD is not touched, and no child but one's own is ever waited for: each has a pidfd(2), which
 * a loop can watch (readable: it has ended).  A child that could not become the program, privileges
 * that could not be dropped among the reasons, executes nothing, and start says why.
 *
 * In a program with one thread the child shares the memory of its parent until exec, so that a
 * start costs no copy of it, however large; all signals are held back meanwhile.  That is not
 * vfork(2): between the change of user and exec any process of that user could stop the child, and
 * with it a parent that waits for it.  Start waits for exec, too, but only until the deadline, and
 * not for who is stopped, as is looked for each hundredth of a second; then the child is killed.
 * Nor has that user a way into the memory: until the child is gone from it, it is not dumpable
 * (prctl(2)) when the child becomes somebody else.  In a program that has, or had, more threads,
 * and where the child could not be killed (somebody else, without CAP_KILL), by fork(2).
 *
 * Fork: a child of fork must not use the struct netio_child of its parent.  Threads: yes.
 */
#ifndef NETIO_CHILD_H
#define NETIO_CHILD_H

#include <netio/clock.h>
#include <netio/world.h>

struct netio_child_fd {
    int from; /* a descriptor of the caller, which keeps it */
    int to;   /* the number that it has in the child, without O_CLOEXEC */
};

struct netio_child_plan { /* zero: the defaults */
    const char *path;     /* the program, absolute, or with a slash and as seen from its root
                             and folder; PATH is not searched, and no shell is ever run */
    char *const *argv;    /* NULL-ended, argv[0] included */
    const struct netio_child_fd *fds; /* 0, 1, 2: /dev/null unless they are here */
    size_t fds_count;
    struct netio_world world;
    netio_deadline deadline; /* of start; 0: 5 seconds from now */
    unsigned flags;
};

/* It stays in the caller's session, in a process group of its own. */
#define NETIO_CHILD_SAME_SESSION 1u
/* SIGKILL for it when the thread that has started it ends: before the others of its process, or
 * with them, however that may end.  Not started (NETIO_EDIED) unless that is its parent by then;
 * the kernel forgets it when the program gains privileges or changes its user. */
#define NETIO_CHILD_DIE_WITH_PARENT 2u
/* Nothing in this process but netio_signals_begin, which it has called, sets signals to be ignored:
 * the child resets those of that list that are not held (netio_signals_hold), and does not ask of
 * the others.  For a program that owns its process and starts many. */
#define NETIO_CHILD_SIGNALS_BEGUN 4u

struct netio_child {
    pid_t pid;
    int pidfd; /* the caller's to watch; closed by netio_child_ended, _wait and _forget */
};

/* 0 and *child once the program runs; or a negative code (-ETIMEDOUT, NETIO_EDIED; stage child,
 * exec, privileges with what failed as subject), nothing started and nothing left. */
int netio_child_start(struct netio_child *child, const struct netio_child_plan *plan,
                      struct netio_error *error);
/* 0 or -errno; -ESRCH once it has ended.  group: to its whole process group; what it has left
 * behind there can be reached, too, as long as it is not reaped. */
int netio_child_signal(const struct netio_child *child, int signal, int group);
/* 1 and *status as of waitpid(2) when it has ended: it is reaped, and child is empty (pid 0, pidfd
 * -1).  0 while it runs.  -ECHILD when somebody else has reaped it. Never waits. */
int netio_child_ended(struct netio_child *child, int *status);
/* The same, and waits for it until the deadline: -ETIMEDOUT; -EINTR after a signal handler ran. */
int netio_child_wait(struct netio_child *child, netio_deadline deadline, int *status);
/* Closes the pidfd of a child that one leaves to itself. */
void netio_child_forget(struct netio_child *child);

#endif
