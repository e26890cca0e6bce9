/* netio-daemon: the supervisor, from its birth to its end; see supervisor.h.  What happens to it in
 * between is in steps.c. */
#include "steps.h"
#include "supervisor.h"

#include "common/report.h"

#include <netio/signals.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#define STARTER_SECONDS 5.0 /* more than the supervisor has, which ends the program by itself */

static int watch(struct supervisor *supervisor, struct netio_watch *which, int fd,
                 void (*ready)(struct netio_watch *, unsigned))
{
    *which = (struct netio_watch){.ready = ready, .data = supervisor, .fd = -1};
    if (fd < 0)
        return fd;
    int code = netio_watch_start(supervisor->loop, which, fd, NETIO_READ);
    which->fd = fd; /* unwatch closes it */
    return code;
}

static void unwatch(struct netio_watch *which)
{
    int fd = which->fd;

    netio_watch_stop(which);
    netio_fd_close(fd);
}

static int build_environment(struct supervisor *supervisor)
{
    char **given = supervisor->plan->environment;
    size_t count = 0;

    while (given[count])
        count++;
    supervisor->environment = calloc(count + 2, sizeof *supervisor->environment);
    if (!supervisor->environment)
        return -ENOMEM;
    memcpy(supervisor->environment, given, count * sizeof *given);
    if (*supervisor->notify_name)
        supervisor->environment[count] = supervisor->notify_name;
    return 0;
}

static int build_notify(struct supervisor *supervisor)
{
    static const char variable[] = "NOTIFY_SOCKET=";
    size_t len = strlen(variable);

    if (supervisor->plan->rules.ready != MACHINE_READY_NOTIFY)
        return 0;
    memcpy(supervisor->notify_name, variable, len);
    return watch(
        supervisor, &supervisor->notify,
        netio_notify_listen(supervisor->notify_name + len, sizeof supervisor->notify_name - len),
        steps_notify);
}

/* So that the program, as its user, can open /dev/stderr.  Without the right to give files away it
 * cannot become another user, either. */
static int lend_output(struct supervisor *supervisor)
{
    const struct netio_user *user = supervisor->plan->world.privileges.user;

    if (!user || geteuid() != 0)
        return 0;
    return fchown(supervisor->lines.write_fd, user->uid, user->gid) == -1 ? -errno : 0;
}

static int build(struct supervisor *supervisor)
{
    static const int numbers[] = {SIGTERM, SIGQUIT, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, 0};
    int code = netio_loop_new(&supervisor->loop, 0);

    if (code == 0)
        code = watch(supervisor, &supervisor->signals, netio_signals_open(numbers), steps_signals);
    if (code == 0)
        code = lines_open(&supervisor->lines, &supervisor->diary);
    if (code == 0)
        code = lend_output(supervisor);
    if (code == 0)
        code = watch(supervisor, &supervisor->output, supervisor->lines.read_fd, steps_output);
    if (code == 0)
        code = build_notify(supervisor);
    if (code == 0)
        code = build_environment(supervisor);
    if (code == 0)
        code = netio_notify_watchdog(netio_daemon_notify(supervisor->daemon), supervisor->loop);
    if (code)
        diary_say(&supervisor->diary, LOG_ERR, "cannot start: %s", netio_error_text(code));
    return code ? EX_OSERR : EX_OK;
}

static void demolish(struct supervisor *supervisor)
{
    netio_watch_stop(&supervisor->end);
    netio_child_forget(&supervisor->child);
    netio_watch_stop(&supervisor->output);
    lines_close(&supervisor->lines);
    unwatch(&supervisor->notify);
    unwatch(&supervisor->signals);
    netio_timer_stop(&supervisor->timer);
    netio_loop_free(supervisor->loop);
    free(supervisor->environment);
}

/* How to exit. */
static int supervise(struct supervisor *supervisor)
{
    int status = build(supervisor);

    if (status != EX_OK)
        return status;
    supervisor->timer = (struct netio_timer){.fire = steps_timer, .data = supervisor};
    steps_begin(supervisor);
    int code = 0;
    while (code >= 0 && !supervisor->done)
        code = netio_loop_step(supervisor->loop, NETIO_NEVER);
    if (code < 0) {
        diary_say(&supervisor->diary, LOG_ERR, "cannot go on: %s", netio_error_text(code));
        steps_abandon(supervisor);
        return EX_OSERR;
    }
    return supervisor->fault ? supervisor->fault : supervisor->machine.status;
}

static int run_daemon(const struct plan *plan, struct netio_daemon *daemon)
{
    struct supervisor supervisor = {
        .plan = plan,
        .daemon = daemon,
        .child.pidfd = -1,
        .signals.fd = -1,
        .notify.fd = -1,
        .lines = {.read_fd = -1, .write_fd = -1},
    };
    struct netio_error error;
    int status = EX_CANTCREAT;

    if (diary_open(&supervisor.diary, plan->log, plan->name, &error) == 0)
        status = supervise(&supervisor);
    else
        report_wrong("%s: log %s: %s", plan->name, report_safe(plan->log),
                     netio_error_text(error.code));
    if (status)
        netio_daemon_fail(daemon, status);
    netio_daemon_free(daemon); /* its watchdog is a timer of the loop */
    demolish(&supervisor);
    diary_close(&supervisor.diary);
    return status;
}

int supervisor_run(const struct plan *plan)
{
    /* Of its own, for its log: whether stderr is journald's, and the time zone. */
    static const char *const environment[] = {"JOURNAL_STREAM", "TZ", NULL};
    const struct machine_rules *rules = &plan->rules;
    struct netio_daemon_options options = {
        .pidfile = plan->pidfile,
        .ready_seconds = rules->ready_seconds + rules->settle_seconds + rules->stop_seconds +
                         MACHINE_KILL_SECONDS + STARTER_SECONDS,
        .world.environment = environment,
        /* What the supervisor could not gain, the program could not, either. */
        .world.privileges.flags = plan->world.privileges.flags,
        .flags = plan->foreground ? NETIO_DAEMON_FOREGROUND : 0,
    };
    struct netio_daemon *daemon;
    struct netio_error error = {0};
    int status = EX_OSERR;

    int code = netio_daemonize(&daemon, &options, &status, &error);
    if (code < 0)
        return plan_fault(plan, &error);
    if (code != NETIO_DAEMON_STARTER)
        return run_daemon(plan, daemon);
    if (error.code)
        report_error(plan->name, &error, NULL, 0);
    return status;
}
