/* Ring 2, private.  Making a netio_world true: child.c, daemonize.c and daemon.c call this, in this
 * order.
 *
 *      starter       netio__world_prepare    whatever allocates or may look things up
 *      new process   netio_signals_reset, netio_fd_standard, netio_fd_close_others, setsid: theirs
 *                    netio__world_enter      all but the privileges
 *                    netio__world_drop       the privileges, and what must come after them
 *      starter       netio__world_done
 *
 * Enter and drop are two because a daemon listens and writes its pid file in between.  Both are
 * async-signal-safe and allocate nothing, so that they may follow a fork in a program with threads.
 * After a failure of either only _exit.
 *
 * What each step did is read back: NETIO_ELIED for one that claims to have worked and has not.
 */
#ifndef NETIO_PROC_WORLD_H
#define NETIO_PROC_WORLD_H

#include <netio/world.h>

struct netio__world {
    struct netio_world plan; /* the caller's, with directory and root made absolute: owned */
    char **environment;      /* for execve(2) or environ(7): the list's, and the user's own; owned
                                unless it is the plan's variables */
    char *directory, *root;  /* what is owned of plan; NULL: none */
    enum netio_stage stage;  /* of errors that are not of the privileges */
    int in_shared_memory;    /* enter and drop come one behind the other, in another's memory */
};

/* Copies plan; its user, list and limits must outlive *world.  Relative paths are taken from the
 * folder of the caller, but for a directory inside a root.  0; -ENOMEM, NETIO_EBADOPTION
 * (subject: environment) or what getcwd(3) fails with (folder).  After an error *world holds
 * nothing. */
int netio__world_prepare(struct netio__world *world, const struct netio_world *plan,
                         enum netio_stage stage, struct netio_error *error);
void netio__world_done(struct netio__world *world); /* also of a zeroed one */

/* umask, limits, folder (with a root: / until the drop).  0 or a code with the stage given to
 * prepare and the step ("umask", "setrlimit NOFILE", "chdir /srv") as subject. */
int netio__world_enter(const struct netio__world *world, struct netio_error *error);
/* netio_privileges_drop; then the folder once more, which the user must be able to enter; then
 * core files (PR_SET_DUMPABLE, which a change of user changes). */
int netio__world_drop(const struct netio__world *world, struct netio_error *error);

#endif
