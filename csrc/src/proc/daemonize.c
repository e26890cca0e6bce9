/* Ring 2.  Becoming a daemon; see netio/daemonize.h.  Called by daemons, once, before they have
 * threads, loops or children; it touches all that a process has from its parent. */
#include "proc/daemonize.h"
#include "proc/number.h"
#include "proc/starter.h"
#include "proc/succession.h"
#include "proc/world.h"

#include <netio/activation.h>
#include <netio/daemonize.h>
#include <netio/fd.h>
#include <netio/pidfile.h>
#include <netio/signals.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define READY_SECONDS 60.0

/* ---- before the fork ----------------------------------------------------------------------- */

/* Variables of another process are no business of ours: they have come through a parent that has
 * not cleaned up. */
static size_t passed_descriptors(void)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    int64_t count = pid && fds && netio__number(pid) == getpid() ? netio__number(fds) : 0;

    if (count < 0 || count > NETIO_ACTIVATION_MAX) /* netio_activation_take says what is wrong */
        return NETIO_ACTIVATION_MAX;
    return (size_t)count;
}

static int is_managed(void)
{
    const char *address = getenv("NOTIFY_SOCKET");

    return (address && *address) || passed_descriptors() > 0;
}

/* The predecessor's; -ESTALE: there is none, or the configuration names another by now. */
static int inherit_pidfile(struct netio_daemon *daemon, const char *path)
{
    struct netio__succession *succession = netio__succession();
    int fd = succession ? succession->pidfile : -1;

    if (fd < 0)
        return -ESTALE;
    succession->pidfile = -1;
    return netio__pidfile_inherit_take(&daemon->pidfile, path, fd);
}

static int lock_pidfile(struct netio_daemon *daemon, const char *path, struct netio_error *error)
{
    char absolute[PATH_MAX] = "";
    size_t used = 0;

    if (path[0] != '/') {
        if (!getcwd(absolute, sizeof absolute))
            return netio_error_set(error, NETIO_STAGE_PIDFILE, -errno, NULL, path);
        used = strlen(absolute);
        absolute[used++] = '/';
    }
    if (strlen(path) >= sizeof absolute - used)
        return netio_error_set(error, NETIO_STAGE_PIDFILE, -ENAMETOOLONG, NULL, path);
    strcpy(absolute + used, path);
    int code = inherit_pidfile(daemon, absolute);
    if (code && code != -ESTALE)
        return netio_error_set(error, NETIO_STAGE_PIDFILE, code, NULL, path);
    return code ? netio_pidfile_lock(&daemon->pidfile, absolute, error) : 0;
}

static int prepare_descriptors(struct netio_daemon *daemon,
                               const struct netio_daemon_options *options,
                               struct netio_error *error)
{
    /* First of all: a file opened as 2 would get what is said to the user. */
    int code = netio_fd_standard();

    if (code == 0)
        code = daemon->null = netio_fd_null();
    if (code < 0)
        return netio_error_set(error, NETIO_STAGE_DAEMONIZE, code, NULL, "/dev/null");
    for (size_t i = 0; i < options->keep_count; i++)
        if (options->keep[i] >= 0 && options->keep[i] <= STDERR_FILENO)
            daemon->kept |= 1u << options->keep[i];
    return 0;
}

static int prepare(struct netio_daemon *daemon, const struct netio_daemon_options *options,
                   struct netio_error *error)
{
    int code = prepare_descriptors(daemon, options, error);

    if (code == 0)
        code = netio__world_prepare(&daemon->world, &options->world, NETIO_STAGE_DAEMONIZE, error);
    if (code == 0 && options->pidfile)
        code = lock_pidfile(daemon, options->pidfile, error);
    return code;
}

/* ---- in the process that is to be the daemon ----------------------------------------------- */

/* What was sent before stays blocked until it is known what becomes of it: a SIGHUP that waits
 * since before the fork would end the daemon. */
static int reset_signals(unsigned host)
{
    /* SIGXFSZ: a log that may not become longer is no reason to end. */
    static const int ignored[] = {SIGHUP,  SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP,
                                  SIGTTIN, SIGTTOU, SIGXFSZ, 0};
    sigset_t all;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    return netio_signals_begin(ignored, host != 0);
}

static int close_others(const struct netio_daemon *daemon,
                        const struct netio_daemon_options *options)
{
    const struct netio__succession *succession = netio__succession();
    size_t passed = daemon->detached ? 0 : passed_descriptors(), count = 0;
    int *keep = malloc((options->keep_count + passed + 4) * sizeof *keep);

    if (!keep)
        return -ENOMEM;
    for (size_t i = 0; i < options->keep_count; i++)
        keep[count++] = options->keep[i];
    for (size_t i = 0; i < passed; i++)
        keep[count++] = NETIO_ACTIVATION_FIRST + (int)i;
    keep[count++] = daemon->null;
    if (daemon->channel != -1)
        keep[count++] = daemon->channel;
    if (succession && succession->control != -1)
        keep[count++] = succession->control;
    if (daemon->pidfile)
        keep[count++] = netio_pidfile_fd(daemon->pidfile);
    int code =
        daemon->host ? netio_fd_cloexec_others(keep, count) : netio_fd_close_others(keep, count);
    free(keep);
    return code;
}

/* Never freed: getenv(3) leads there, though setenv(3) may have another list of the same texts. */
static char **volatile forever __attribute__((unused));

/* environ(7) becomes the world's; what is passed stays, for netio_activation_take. */
static int replace_environment(struct netio_daemon *daemon)
{
    static const char *const names[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};
    const char *values[3] = {NULL};

    for (int i = 0; i < 3 && !daemon->detached && passed_descriptors() > 0; i++)
        values[i] = getenv(names[i]); /* its text stays where it is */
    forever = environ = daemon->world.environment;
    daemon->world.environment = NULL;
    for (int i = 0; i < 3; i++)
        if (values[i] && setenv(names[i], values[i], 1) == -1)
            return -errno;
    return 0;
}

static int enter(struct netio_daemon *daemon, const struct netio_daemon_options *options,
                 struct netio_error *error)
{
    daemon->pid = getpid();
    int code = reset_signals(daemon->host);
    if (code)
        return netio_error_set(error, NETIO_STAGE_DAEMONIZE, code, NULL, "signals");
    code = close_others(daemon, options);
    if (code)
        return netio_error_set(error, NETIO_STAGE_DAEMONIZE, code, NULL, "descriptors");
    code = netio_notify_new(&daemon->notify, error);
    if (code == 0)
        code = netio__world_enter(&daemon->world, error);
    if (code || daemon->host)
        return code;
    code = replace_environment(daemon);
    return code ? netio_error_set(error, NETIO_STAGE_DAEMONIZE, code, NULL, "environment") : 0;
}

/* ---- the calls ----------------------------------------------------------------------------- */

/* 0 in the daemon, NETIO_DAEMON_STARTER, or a code. */
static int start(struct netio_daemon *daemon, const struct netio_daemon_options *options,
                 int *status, struct netio_error *error)
{
    double seconds = options->ready_seconds > 0 ? options->ready_seconds : READY_SECONDS;
    const struct netio__succession *succession = netio__succession();
    struct netio__starter starter;

    if (succession) {
        daemon->detached = succession->detached;
        return enter(daemon, options, error);
    }
    if (options->flags & NETIO_DAEMON_FOREGROUND || is_managed())
        return enter(daemon, options, error);
    int role = netio__starter_fork(&starter);
    if (role < 0)
        return netio_error_set(error, NETIO_STAGE_DAEMONIZE, role, NULL, "fork");
    if (role == 1)
        return netio__starter_wait(&starter, seconds, status, error);
    daemon->detached = 1;
    daemon->channel = starter.channel;
    int code = enter(daemon, options, error);
    if (code) {
        (void)netio__starter_tell(daemon->channel, NETIO__START_ERROR, code, error);
        _exit(EX_OSERR);
    }
    return 0;
}

int netio_daemonize(struct netio_daemon **out, const struct netio_daemon_options *options,
                    int *status, struct netio_error *error)
{
    struct netio_daemon *daemon = calloc(1, sizeof *daemon);
    struct netio_error unwanted = {.code = 0};

    *out = NULL;
    *status = 0;
    error = error ? error : &unwanted;
    *error = (struct netio_error){.code = 0};
    if (!daemon)
        return netio_error_set(error, NETIO_STAGE_DAEMONIZE, -ENOMEM, NULL, NULL);
    daemon->channel = daemon->null = -1;
    daemon->host = options->flags & NETIO_DAEMON_HOST;
    int code = prepare(daemon, options, error);
    if (code == 0)
        code = start(daemon, options, status, error);
    if (code == 0)
        *out = daemon;
    else /* in the starter the file is the daemon's, or that of a daemon that has ended */
        netio__daemon_discard(daemon, code != NETIO_DAEMON_STARTER || *status != 0);
    return code;
}
