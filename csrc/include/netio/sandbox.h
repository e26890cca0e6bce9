/* netio/sandbox.h: what a process that is taken over could still do (ring 2).
 *
 * Landlock (landlock(7)): of the file system only the folders named, to read or to write; no TCP
 * connect or bind where the kernel knows such rules.  Rules are of folders, so that a file that is
 * replaced by rename(2) stays readable.  seccomp(2), by libseccomp, which is loaded only here: no
 * execve, no new socket but of AF_UNIX, no ptrace, mount, and what else a server has no use for.
 * Both last for ever and for all children.  Needs no privilege, and sets no_new_privs.
 *
 * To be entered when everything is open and privileges are dropped.  Threads: the calling one alone
 * (Landlock), all (seccomp).  Not async-signal-safe.
 */
#ifndef NETIO_SANDBOX_H
#define NETIO_SANDBOX_H

#include <netio/error.h>

enum netio_sandbox_mode {
    NETIO_SANDBOX_OFF,
    NETIO_SANDBOX_TRY,    /* what the kernel offers */
    NETIO_SANDBOX_REQUIRE /* all of it, or an error and nothing done */
};

#define NETIO_SANDBOX_FILES    1u /* Landlock's rules on files are in force */
#define NETIO_SANDBOX_NETWORK  2u /* Landlock's on TCP */
#define NETIO_SANDBOX_SYSCALLS 4u /* the seccomp filter */

struct netio_sandbox {
    enum netio_sandbox_mode mode;
    const char *const *readable; /* folders, NULL-ended, or NULL: none.  One that is missing: error */
    const char *const *writable; /* folders in which files may be made, written, renamed, removed */
};

/* 0 and *in_force (may be NULL); or a negative code, stage sandbox, with the folder or step as
 * subject: NETIO_ENOSANDBOX in mode REQUIRE, -errno for a folder in either mode. */
int netio_sandbox_enter(const struct netio_sandbox *sandbox, unsigned *in_force,
                        struct netio_error *error);
/* "off", "try", "require": the mode, or NETIO_EBADOPTION. */
int netio_sandbox_parse(const char *text);
/* "files, network, system calls", "none", ...: for the log.  Never NULL. */
const char *netio_sandbox_str(unsigned in_force);

#endif
