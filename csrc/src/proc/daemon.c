/* Ring 2.  The life of a daemon once it is one: privileges, ready, the end, and an upgrade; see
 * netio/daemonize.h and succession.h.  Called by daemons, and by worker.c in their children; it
 * tells the starter and the manager, and writes and removes the pid file. */
#include "proc/daemonize.h"
#include "proc/starter.h"
#include "proc/succession.h"

#include <netio/fd.h>
#include <netio/pidfile.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

int netio_daemon_drop(struct netio_daemon *daemon, struct netio_error *error)
{
    struct netio_error *refused = &daemon->refused;

    if (!daemon->dropped)
        (void)netio__world_drop(&daemon->world, refused);
    daemon->dropped = 1;
    if (error && refused->code)
        *error = *refused;
    return refused->code;
}

static int is_same(int a, int b)
{
    struct stat one, other;

    return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

static int detach_one(const struct netio_daemon *daemon, int fd)
{
    while (dup2(daemon->null, fd) == -1)
        if (errno != EINTR) /* nor EBUSY: there is no other thread that opens one at this moment */
            return -errno;
    return is_same(daemon->null, fd) ? 0 : NETIO_ELIED;
}

/* 2 last: until then the program can say why it failed. */
static int detach(const struct netio_daemon *daemon, struct netio_error *error)
{
    int last = daemon->detached ? STDERR_FILENO : STDIN_FILENO;

    for (int fd = STDIN_FILENO; fd <= last; fd++) {
        int code = daemon->kept & 1u << fd ? 0 : detach_one(daemon, fd);
        if (code)
            return netio_error_set(error, NETIO_STAGE_DAEMONIZE, code, NULL, "/dev/null");
    }
    return 0;
}

void netio__daemon_leave(struct netio_daemon *daemon)
{
    if (daemon->pidfile)
        netio_pidfile_forget(daemon->pidfile);
    daemon->pidfile = NULL;
    netio_notify_free(daemon->notify);
    daemon->notify = NULL;
    netio_fd_close(daemon->channel);
    daemon->channel = -1;
}

int netio__daemon_detach(const struct netio_daemon *daemon)
{
    return daemon->told ? 0 : detach(daemon, NULL);
}

static int tell(struct netio_daemon *daemon, struct netio_error *error)
{
    if (daemon->channel == -1) {
        int code = netio_notify_ready(daemon->notify);
        if (code)
            netio_error_set(error, NETIO_STAGE_NOTIFY, code, NULL, "ready");
        return 0;
    }
    int code = netio__starter_tell(daemon->channel, NETIO__START_READY, 0, NULL);
    netio_fd_close(daemon->channel);
    daemon->channel = -1;
    return code ? netio_error_set(error, NETIO_STAGE_DAEMONIZE, code, NULL, "starter") : 0;
}

int netio_daemon_ready(struct netio_daemon *daemon, struct netio_error *error)
{
    struct netio_error unwanted = {.code = 0};
    int code = daemon->told ? -EALREADY : daemon->pid != getpid() ? -EPERM : 0;

    error = error ? error : &unwanted;
    *error = (struct netio_error){.code = 0};
    if (code)
        return netio_error_set(error, NETIO_STAGE_DAEMONIZE, code, NULL, "ready");
    code = netio_daemon_drop(daemon, error);
    if (code == 0 && daemon->pidfile)
        code = netio_pidfile_write(daemon->pidfile, error);
    if (code == 0)
        code = detach(daemon, error);
    if (code)
        return code;
    daemon->told = 1;
    return tell(daemon, error);
}

void netio_daemon_fail(struct netio_daemon *daemon, int status)
{
    if (daemon->channel == -1 || daemon->pid != getpid())
        return;
    /* 0 would be ready. */
    if (status <= 0 || status > 255)
        status = EX_SOFTWARE;
    (void)netio__starter_tell(daemon->channel, NETIO__START_FAIL, status, NULL);
}

int netio_daemon_detached(const struct netio_daemon *daemon)
{
    return daemon->detached;
}

struct netio_notify *netio_daemon_notify(struct netio_daemon *daemon)
{
    return daemon->notify;
}

char *const *netio_daemon_environment(const struct netio_daemon *daemon)
{
    return daemon->world.environment;
}

void netio__daemon_discard(struct netio_daemon *daemon, int remove_pidfile)
{
    if (daemon->pidfile && remove_pidfile)
        netio_pidfile_remove(daemon->pidfile);
    else if (daemon->pidfile)
        netio_pidfile_forget(daemon->pidfile);
    netio_notify_free(daemon->notify);
    netio__world_done(&daemon->world);
    netio_fd_close(daemon->channel);
    netio_fd_close(daemon->null);
    free(daemon);
}

void netio_daemon_free(struct netio_daemon *daemon)
{
    if (!daemon)
        return;
    int own = daemon->pid == getpid();
    /* A successor that never was ready does not speak for who still serves. */
    if (own && daemon->told && !daemon->left)
        (void)netio_notify_stopping(daemon->notify);
    netio__daemon_discard(daemon, own);
}

/* ---- an upgrade: see succession.h ----------------------------------------------------------- */

int netio__daemon_pidfile_fd(const struct netio_daemon *daemon)
{
    return daemon->pidfile ? netio_pidfile_fd(daemon->pidfile) : -1;
}

void netio__daemon_hand_over(struct netio_daemon *daemon, pid_t successor)
{
    daemon->left = 1;
    if (daemon->pidfile)
        netio__pidfile_give(daemon->pidfile);
    (void)netio__notify_mainpid(daemon->notify, successor);
}

int netio__daemon_take_back(struct netio_daemon *daemon, struct netio_error *error)
{
    if (!daemon->left)
        return 0;
    daemon->left = 0;
    (void)netio__notify_mainpid(daemon->notify, getpid());
    return daemon->pidfile ? netio_pidfile_write(daemon->pidfile, error) : 0;
}

void netio__daemon_over(struct netio_daemon *daemon)
{
    netio_pidfile_remove(daemon->pidfile);
    daemon->pidfile = NULL;
}
