/* Ring 2, private: the half of the sandbox that is Landlock's.  See landlock.c; sandbox.c alone
 * calls it. */
#ifndef LANDLOCK_H
#define LANDLOCK_H

#include <netio/sandbox.h>

struct netio__landlock {
    int rules;        /* the descriptor of the rules; -1: the kernel has no Landlock, see code */
    int code;         /* why there are none, or why not all: NETIO_ENOSANDBOX or -errno */
    const char *step; /* and what that is about */
    unsigned covers;  /* NETIO_SANDBOX_FILES, NETIO_SANDBOX_NETWORK: what the rules are about */
    int whole;        /* "/" is among the folders */
};

/* Makes the rules.  0, with or without rules; or -errno for a folder, which *error names, and
 * nothing is left. */
int netio__landlock_prepare(struct netio__landlock *landlock, const struct netio_sandbox *sandbox,
                            struct netio_error *error);
/* Puts them in force, for good, and tries whether they are: 0, or a code.  no_new_privs first. */
int netio__landlock_enforce(const struct netio__landlock *landlock);
void netio__landlock_done(struct netio__landlock *landlock);

#endif
