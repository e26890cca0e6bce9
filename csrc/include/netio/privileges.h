/* netio/privileges.h: giving up privileges, and proving that they are gone (ring 2).
 *
 * In this order: chroot, groups, gid, bounding set, uid, capabilities, no_new_privs.  Each step is
 * read back (getgroups, getresgid, getresuid, capget, prctl), since a call that returns 0 without
 * effect, as a mis-set security module or seccomp filter has it, would leave a service running as
 * root.  Then the way back is tried: setuid(0) and its like must be refused.  Who is that user
 * already, with exactly its groups, needs no privilege for it.  Who changes its uid is not dumpable
 * after it (PR_SET_DUMPABLE), and is so before the new user could trace or signal it.
 *
 * Fork: in a child of a program with threads, too: it allocates nothing and asks no name service;
 * async-signal-safe.  Threads: the ids change for all threads, capabilities and no_new_privs for
 * the calling one alone; meant for processes with one thread.
 */
#ifndef NETIO_PRIVILEGES_H
#define NETIO_PRIVILEGES_H

#include <netio/user.h>
#include <stdint.h>

/* Programs that it executes may gain more, by setuid files: no no_new_privs. */
#define NETIO_PRIVILEGES_MORE 1u

/* The bounding set stays: 80 system calls less, 50 us, for who starts programs all day.  What they
 * execute gains nothing even so: no_new_privs, which is read back, sees to that alone. */
#define NETIO_PRIVILEGES_KEEP_BOUNDING 2u

struct netio_privileges {          /* zero: no_new_privs, and nothing else */
    const struct netio_user *user; /* NULL: who it is */
    const char *root;              /* chroot(2) to there; NULL: none.  It holds nobody who is
                                      still root after it: name a user as well */
    uint64_t capabilities; /* to keep, 1 << CAP_NET_BIND_SERVICE; kept over exec, as ambient ones.
                              With a user, all others are gone for good (from the bounding set as
                              well, unless a flag says otherwise); without one, and for root with
                              NETIO_PRIVILEGES_MORE, 0 leaves them as they are. */
    unsigned flags;        /* NETIO_PRIVILEGES_... */
};

/* 0; or a negative code with stage privileges and the name of the step ("setgroups",
 * "chroot /jail", ...) as subject: NETIO_ELIED for a step without effect, NETIO_EREGAIN when the
 * way back is open.  After an error the process may be anything between: _exit it, execute nothing.
 */
int netio_privileges_drop(const struct netio_privileges *privileges, struct netio_error *error);

#endif
