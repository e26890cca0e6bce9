/* netio/world.h: what a daemon or a child is born into (ring 2).
 *
 * One struct, and one code that makes it true, for every process that NetIO starts: the detached
 * daemon, its children, workers and services.  All of it is built from nothing; what the starter
 * had is of no account.
 *
 *      signals      every disposition the default, none blocked
 *      descriptors  0 to 2 and those named; no other
 *      environment  those named (netio/environ.h), and USER, LOGNAME, HOME, SHELL of a user
 *      session      its own, without a controlling terminal.  A child leads it, and gains one when
 *                   it opens a terminal without O_NOCTTY; a daemon does not, and cannot
 *      umask        022
 *      folder       /
 *      limits       no core file: RLIMIT_CORE is 0, and until an exec PR_SET_DUMPABLE, since a
 *                   core_pattern that is a pipe asks for no limit; others as they were
 *      privileges   netio/privileges.h
 *
 * How nice it is, its control groups and namespaces are those of the starter.
 */
#ifndef NETIO_WORLD_H
#define NETIO_WORLD_H

#include <netio/privileges.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#define NETIO_UMASK_NONE 01000u /* a umask of 0, where 0 stands for the default */

struct netio_rlimit {
    int resource; /* RLIMIT_NOFILE, ... */
    struct rlimit value;
};

struct netio_world {                /* zero: the defaults above */
    const char *const *environment; /* as netio_environ_new has it; NULL: its default */
    char *const *variables;         /* instead: just these, as execve(2) takes them, the user's own
                                       included; a daemon's environ(7) is these from then on.
                                       NULL */
    mode_t umask;
    const char *directory;               /* NULL: /; with a root, inside it.  The user must be able
                                            to enter it */
    const struct netio_rlimit *limits;   /* RLIMIT_CORE is 0 unless it is here */
    size_t limits_count;
    struct netio_privileges privileges;
};

/* What a process of that world will find in environ(7), for who starts many of one kind: made once
 * and given as variables, with what is different each time.  0 and *variables, which is
 * netio_environ_free's; or as netio_environ_new.  Not async-signal-safe. */
int netio_world_variables(char ***variables, const struct netio_world *world);

#endif
