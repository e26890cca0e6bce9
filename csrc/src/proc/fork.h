/* Ring 2, private: a fork whose child goes on as a part of this program.  Called by
 * supervisor_start.c, and in part by model_fork.c. */
#ifndef NETIO_PROC_FORK_H
#define NETIO_PROC_FORK_H

#include <netio/child.h>

/* 1 in the child; 0 in the parent, and *child; or -errno, and there is no child.  how: instead of
 * fork(2), for hosts; NULL: none.  Signals are held back until the pidfd is there, so that no
 * handler of a host that reaps whatever it finds can make the pid another's meanwhile. */
int netio__fork(struct netio_child *child, pid_t (*how)(void *data), void *data);
/* In the parent, of a child just forked, with signals still held back: 0 and *child; or -errno, and
 * it was killed. */
int netio__fork_know(struct netio_child *child, pid_t pid);

#endif
