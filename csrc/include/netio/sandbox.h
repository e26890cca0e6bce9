/* netio/sandbox.h: what a process that is taken over could still do (ring 2).
 *
 * Landlock (landlock(7)): of the file system only the folders named, to read or to write; no TCP
 * connect or bind (from Linux 6.7 on), no signal to a process outside (6.12).  Rules are of folders,
 * so that a file that is replaced by rename(2) stays readable.  seccomp(2), by libseccomp, which is
 * loaded only here: of the system calls those that servers use.  No execve, no new socket but of
 * AF_UNIX and datagrams (for syslog), no ptrace, mount, namespaces, change of user, mode or owner,
 * terminal input; with EPERM or ENOSYS, never death.  Both last for ever and for all children.  Needs
 * no privilege, and sets no_new_privs.
 *
 * To be entered when everything is open and privileges are dropped.  What libraries read later than
 * that is out of reach unless its folder is named: the name service, /dev/urandom, /dev/null, Perl
 * modules, a log to be reopened (that folder is a writable one).  The time zone stays readable.
 * Descriptors that are open stay as good as they were.  Names, sizes and modes of files
 * elsewhere can still be seen (stat(2)), their contents and the lists of folders not.
 *
 * Threads: the calling one alone (Landlock), all (seccomp).  Not async-signal-safe.
 */
#ifndef NETIO_SANDBOX_H
#define NETIO_SANDBOX_H

#include <netio/error.h>

enum netio_sandbox_mode {
    NETIO_SANDBOX_OFF,
    NETIO_SANDBOX_TRY,    /* what the kernel offers */
    NETIO_SANDBOX_REQUIRE /* all of it, or an error */
};

#define NETIO_SANDBOX_FILES    1u /* Landlock's rules on files are in force */
#define NETIO_SANDBOX_NETWORK  2u /* Landlock's on TCP */
#define NETIO_SANDBOX_SYSCALLS 4u /* the seccomp filter */

struct netio_sandbox {
    enum netio_sandbox_mode mode;
    const char *const *readable; /* folders, NULL-ended, or NULL: none.  One that is missing: error */
    const char *const *writable; /* folders in which files and folders may be made, written, renamed,
                                    removed, and read */
};

/* 0 and *in_force (may be NULL), each part of which was tried.  Or a negative code with stage
 * sandbox; *in_force is right then, too:
 *   -errno for a folder, which is the subject, in either mode; nothing has been done.
 *   In mode REQUIRE, with the part as subject ("landlock", "landlock on TCP", "seccomp", ...):
 *   NETIO_ENOSANDBOX or -ELIBACC (libseccomp) for what is not there; nothing has been done.  Another
 *   -errno, or NETIO_ELIED, for what was refused or without effect; the program is to end, since
 *   what came before that stays in force. */
int netio_sandbox_enter(const struct netio_sandbox *sandbox, unsigned *in_force,
                        struct netio_error *error);
/* "off", "try", "require": the mode, or NETIO_EBADOPTION. */
int netio_sandbox_parse(const char *text);
/* "files, network, system calls", "none", ...: for the log.  Never NULL. */
const char *netio_sandbox_str(unsigned in_force);

#endif
