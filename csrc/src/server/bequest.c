/* Ring 3.  What a predecessor leaves to its successor, and how that is started; see bequest.h.
 * Called by upgrade.c alone.  It starts one child, and touches nothing of the upgrade's. */
#include "server/bequest.h"
#include "proc/succession.h"
#include "server/control.h"
#include "server/listeners.h"

#include <netio/environ.h>
#include <netio/fd.h>
#include <netio/parcel.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTROL 3 /* the successor's numbers */
#define PIDFILE 4

/* "listener DEVICE INODE TEXT", or "passed". */
static int pack_one(struct netio_parcel *parcel, const struct netio__legacy *legacy)
{
    if (!legacy->text)
        return netio_parcel_add(parcel, legacy->fd, "passed");
    return netio_parcel_add(parcel, legacy->fd, "listener %" PRIuMAX " %" PRIuMAX " %s",
                            (uintmax_t)legacy->device, (uintmax_t)legacy->inode, legacy->text);
}

int netio__bequest_send(int control, struct netio_listeners *listeners)
{
    struct netio_parcel *parcel = NULL;
    struct netio__legacy legacy;
    size_t at = 0;
    int code = netio_parcel_new(&parcel);

    while (!code && netio__listeners_legacy(listeners, &at, &legacy))
        code = pack_one(parcel, &legacy);
    int sealed = code ? code : netio_parcel_seal(parcel);
    netio_parcel_free(parcel);
    if (sealed < 0)
        return sealed;
    code = netio__control_send_bytes(control, "listeners", 9, sealed);
    netio_fd_close(sealed);
    return code;
}

/* The plan's variables (or the usual ones), and ours behind them.  The caller's to free. */
static int make_environment(char ***out, const struct netio_upgrade_plan *plan,
                            const struct netio__succession *succession)
{
    char upgrade[NETIO__SUCCESSION_STRLEN], manager[2][128];
    struct netio_notify *notify = plan->daemon ? netio_daemon_notify(plan->daemon) : NULL;
    size_t passed = netio__notify_pass(notify, manager), count = 0;
    char **base;
    int code = netio_environ_new(&base, environ, plan->environment);

    if (code)
        return code;
    while (base[count])
        count++;
    const char **list = malloc((count + passed + 2) * sizeof *list);
    if (list) {
        memcpy(list, base, count * sizeof *list);
        for (size_t i = 0; i < passed; i++)
            list[count++] = manager[i];
        netio__succession_str(upgrade, sizeof upgrade, succession);
        list[count++] = upgrade;
        list[count] = NULL;
    }
    code = list ? netio_environ_new(out, NULL, list) : -ENOMEM;
    free(list);
    netio_environ_free(base);
    return code;
}

/* 0 to 2 as they are here; a detached daemon's are /dev/null, so errors go to its log. */
static size_t place_standard(struct netio_child_fd *fds, const struct netio_upgrade_plan *plan)
{
    int detached = plan->daemon && netio_daemon_detached(plan->daemon);
    int log = detached && plan->log ? netio_log_fd(plan->log) : -1;
    size_t count = 0;

    for (int fd = 0; fd <= 2; fd++) {
        int from = fd == 2 && log >= 0 ? log : fd;
        if (fcntl(from, F_GETFD) != -1)
            fds[count++] = (struct netio_child_fd){from, fd};
    }
    return count;
}

/* As this process is: what is different, the program does to itself. */
static void make_world(struct netio_world *world, struct netio_rlimit *core)
{
    mode_t mask = umask(0);

    (void)umask(mask);
    world->umask = mask ? mask : NETIO_UMASK_NONE;
    core->resource = RLIMIT_CORE;
    if (getrlimit(RLIMIT_CORE, &core->value) == 0) {
        world->limits = core;
        world->limits_count = 1;
    }
    world->privileges.flags = NETIO_PRIVILEGES_MORE;
}

int netio__bequest_start(struct netio_child *heir, const struct netio_upgrade_plan *plan,
                         int control, struct netio_error *error)
{
    struct netio_child_fd fds[5];
    struct netio_child_plan child = {
        .path = plan->program, .argv = plan->argv, .fds = fds, .flags = NETIO_CHILD_SAME_SESSION};
    int detached = plan->daemon && netio_daemon_detached(plan->daemon);
    struct netio__succession succession = {
        .predecessor = getpid(), .control = CONTROL, .pidfile = -1, .detached = detached};
    struct netio_rlimit core;
    char **environment;
    int pidfile = plan->daemon ? netio__daemon_pidfile_fd(plan->daemon) : -1;

    child.fds_count = place_standard(fds, plan);
    fds[child.fds_count++] = (struct netio_child_fd){control, CONTROL};
    if (pidfile >= 0) {
        fds[child.fds_count++] = (struct netio_child_fd){pidfile, PIDFILE};
        succession.pidfile = PIDFILE;
    }
    int code = make_environment(&environment, plan, &succession);
    if (code)
        return netio_error_set(error, NETIO_STAGE_EXEC, code, NULL, plan->program);
    child.world.environment = (const char *const *)environment;
    child.world.directory = plan->directory;
    make_world(&child.world, &core);
    code = netio_child_start(heir, &child, error);
    netio_environ_free(environment);
    return code;
}
