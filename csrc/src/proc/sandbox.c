/* Ring 2.  The sandbox of a process that has all it needs; see netio/sandbox.h.
 * Called by daemons and their workers.  Files and TCP are landlock.c's, system calls seccomp.c's;
 * here is the order: all is made before any of it is put in force, so that what cannot be had at
 * all is known while nothing has been done. */
#include <netio/sandbox.h>

#include "landlock.h"
#include "seccomp.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

/* What was made, and what is in force of it. */
struct entry {
    struct netio__landlock landlock;
    void *filter;
    int code;         /* the first trouble */
    const char *step; /* with what */
    unsigned in_force;
};

static void note(struct entry *entry, int code, const char *step)
{
    if (code < 0 && entry->code == 0) {
        entry->code = code;
        entry->step = step;
    }
}

/* The time zone is read once more, should TZ name a file elsewhere. */
static int prepare(struct entry *entry, const struct netio_sandbox *sandbox,
                   struct netio_error *error)
{
    const char *step;

    tzset();
    int code = netio__landlock_prepare(&entry->landlock, sandbox, error);
    if (code < 0)
        return code;
    note(entry, entry->landlock.code, entry->landlock.step);
    code = netio__seccomp_prepare(&entry->filter, &step);
    note(entry, code, step);
    return 0;
}

/* What the kernel wants to see first from those who are not root. */
static int no_new_privs(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        return -errno;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : NETIO_ELIED;
}

/* One after the other until there is trouble, where all of it is wanted. */
static void enforce(struct entry *entry, int all)
{
    int code = no_new_privs();

    note(entry, code, "no_new_privs");
    if (code < 0)
        return;
    if (entry->landlock.rules >= 0) {
        code = netio__landlock_enforce(&entry->landlock);
        note(entry, code, "landlock");
        entry->in_force |= code == 0 ? entry->landlock.covers : 0;
    }
    if (entry->filter && !(all && entry->code)) {
        code = netio__seccomp_enforce(entry->filter);
        note(entry, code, "seccomp");
        entry->in_force |= code == 0 ? NETIO_SANDBOX_SYSCALLS : 0;
    }
}

int netio_sandbox_enter(const struct netio_sandbox *sandbox, unsigned *in_force,
                        struct netio_error *error)
{
    struct entry entry = {.filter = NULL};
    int all = sandbox->mode == NETIO_SANDBOX_REQUIRE;

    if (in_force)
        *in_force = 0;
    if (sandbox->mode == NETIO_SANDBOX_OFF)
        return 0;
    int code = prepare(&entry, sandbox, error);
    if (code < 0)
        return code;
    if (!(all && entry.code))
        enforce(&entry, all);
    netio__landlock_done(&entry.landlock);
    netio__seccomp_done(entry.filter);
    if (in_force)
        *in_force = entry.in_force;
    if (all && entry.code)
        return netio_error_set(error, NETIO_STAGE_SANDBOX, entry.code, NULL, entry.step);
    return 0;
}

int netio_sandbox_parse(const char *text)
{
    static const char *const modes[] = {"off", "try", "require"};

    for (int mode = NETIO_SANDBOX_OFF; mode <= NETIO_SANDBOX_REQUIRE; mode++)
        if (strcmp(text, modes[mode]) == 0)
            return mode;
    return NETIO_EBADOPTION;
}

const char *netio_sandbox_str(unsigned in_force)
{
    static const char *const texts[] = {
        "none",
        "files",
        "network",
        "files, network",
        "system calls",
        "files, system calls",
        "network, system calls",
        "files, network, system calls",
    };

    return texts[in_force & (NETIO_SANDBOX_FILES | NETIO_SANDBOX_NETWORK | NETIO_SANDBOX_SYSCALLS)];
}
