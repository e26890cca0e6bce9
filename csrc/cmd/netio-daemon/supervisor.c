/* netio-daemon: the supervisor; see supervisor.h.  What happens goes to machine.c, which says what is
 * to be done; here it is done. */
#include "disposition.h"
#include "lines.h"
#include "supervisor.h"

#include "common/report.h"

#include <netio/child.h>
#include <netio/daemonize.h>
#include <netio/loop.h>
#include <netio/signals.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#define STARTER_SECONDS 5.0 /* more than the supervisor has, which ends the program by itself */
#define MESSAGES_MAX    64  /* at a time */

struct supervisor {
    const struct plan *plan;
    struct netio_daemon *daemon;
    struct machine machine;
    struct diary diary;
    struct lines lines;
    struct netio_loop *loop;
    struct netio_watch signals, output, notify, end;
    struct netio_timer timer;
    struct netio_child child;      /* pid 0: none */
    const char **environment;      /* of the program */
    char notify_name[128];         /* NOTIFY_SOCKET=@... */
    int64_t ready_at;              /* of the program that runs */
    int fault;                     /* 0; or how to exit, whatever the program did */
    int done;
};

static void step(struct supervisor *supervisor, enum machine_event event);
static void perform(struct supervisor *supervisor, unsigned todo);

/* ---- what is done ---- */

static void signal_group(struct supervisor *supervisor, int number)
{
    if (supervisor->child.pid)
        (void)netio_child_signal(&supervisor->child, number, 1);
}

/* A program that a SIGHUP would end, having no handler (yet), does not get one. */
static void hang_up(struct supervisor *supervisor)
{
    struct netio_notify *notify = netio_daemon_notify(supervisor->daemon);
    int survives = disposition_survives(supervisor->child.pid, SIGHUP);

    if (survives)
        (void)netio_child_signal(&supervisor->child, SIGHUP, 0);
    else
        diary_say(&supervisor->diary, LOG_WARNING,
                  "pid %ld does not handle SIGHUP, which would end it: not sent",
                  (long)supervisor->child.pid);
    if (survives && supervisor->plan->rules.ready == MACHINE_READY_NOTIFY)
        return; /* it says itself when it has done so */
    (void)netio_notify_reloading(notify);
    (void)netio_notify_ready(notify);
}

static void tell_ready(struct supervisor *supervisor)
{
    struct netio_error error;
    char text[640];

    if (netio_daemon_ready(supervisor->daemon, &error) == 0) {
        diary_leave_screen(&supervisor->diary);
        return;
    }
    diary_say(&supervisor->diary, LOG_ERR, "cannot say that it is ready: %s",
              netio_error_str(&error, text, sizeof text));
    supervisor->fault = plan_exit_code(&error);
    step(supervisor, MACHINE_STOP);
}

static void exited(struct supervisor *supervisor, int status)
{
    double ran = supervisor->ready_at
                     ? (double)(netio_clock_now() - supervisor->ready_at) / 1e9
                     : 0;

    supervisor->ready_at = 0;
    unsigned todo = machine_exited(&supervisor->machine, status, ran);
    if (supervisor->machine.state == MACHINE_WAITING)
        diary_say(&supervisor->diary, LOG_WARNING, "starts again in %g seconds",
                  supervisor->machine.seconds);
    perform(supervisor, todo);
}

static void end_ready(struct netio_watch *watch, unsigned events);

static int start_child(struct supervisor *supervisor, struct netio_error *error)
{
    int out = supervisor->lines.write_fd;
    struct netio_child_fd fds[] = {{.from = out, .to = 1}, {.from = out, .to = 2}};
    struct netio_child_plan plan = {
        .path = supervisor->plan->path,
        .argv = supervisor->plan->program,
        .fds = fds,
        .fds_count = sizeof fds / sizeof *fds,
        .world = supervisor->plan->world,
    };

    plan.world.environment = supervisor->environment;
    int code = netio_child_start(&supervisor->child, &plan, error);
    if (code)
        return code;
    supervisor->end = (struct netio_watch){.ready = end_ready, .data = supervisor};
    code = netio_watch_start(supervisor->loop, &supervisor->end, supervisor->child.pidfd,
                             NETIO_READ);
    if (code == 0)
        return 0;
    signal_group(supervisor, SIGKILL);
    netio_child_wait(&supervisor->child, netio_deadline_in(MACHINE_KILL_SECONDS), &(int){0});
    return netio_error_set(error, NETIO_STAGE_CHILD, code, NULL, NULL);
}

static void start_program(struct supervisor *supervisor)
{
    struct netio_error error;
    char text[640];

    if (start_child(supervisor, &error) != 0) {
        diary_say(&supervisor->diary, LOG_ERR, "%s: %s", supervisor->plan->path,
                  netio_error_str(&error, text, sizeof text));
        exited(supervisor, plan_exit_code(&error));
        return;
    }
    diary_say(&supervisor->diary, LOG_INFO, "pid %ld started", (long)supervisor->child.pid);
    step(supervisor, MACHINE_EXECUTED);
}

static void set_timer(struct supervisor *supervisor)
{
    double seconds = supervisor->machine.seconds;

    /* Without memory for a timer nothing would ever come of what it is for. */
    if (netio_timer_start(supervisor->loop, &supervisor->timer,
                          seconds > 0 ? netio_deadline_in(seconds) : NETIO_NEVER) == 0)
        return;
    diary_say(&supervisor->diary, LOG_ERR, "timer: %s", netio_error_text(-ENOMEM));
    signal_group(supervisor, SIGKILL);
    supervisor->fault = EX_OSERR;
    supervisor->done = 1;
}

static void perform(struct supervisor *supervisor, unsigned todo)
{
    if (todo & MACHINE_DO_TIMER)
        set_timer(supervisor);
    if (todo & MACHINE_DO_TERM) {
        signal_group(supervisor, SIGTERM);
        signal_group(supervisor, SIGCONT);
    }
    if (todo & MACHINE_DO_KILL)
        signal_group(supervisor, SIGKILL);
    if (todo & MACHINE_DO_TELL)
        tell_ready(supervisor);
    if (todo & MACHINE_DO_HUP)
        hang_up(supervisor);
    if (todo & MACHINE_DO_START)
        start_program(supervisor);
    if (todo & MACHINE_DO_END)
        supervisor->done = 1;
}

/* ---- what happens ---- */

/* For the log, and as the status that a manager shows. */
static void say_change(const struct supervisor *supervisor)
{
    const struct machine *machine = &supervisor->machine;
    const struct machine_rules *rules = &machine->rules;
    long pid = (long)supervisor->child.pid;

    if (machine->state == MACHINE_STOPPING && !machine->wanted)
        diary_say(&supervisor->diary, LOG_ERR, "pid %ld was not ready within %g seconds", pid,
                  rules->ready_seconds);
    else if (machine->state == MACHINE_STOPPING)
        diary_say(&supervisor->diary, LOG_INFO, "stopping pid %ld", pid);
    else if (machine->state == MACHINE_KILLING)
        diary_say(&supervisor->diary, LOG_WARNING, "killing pid %ld", pid);
    else if (machine->state == MACHINE_RUNNING && rules->ready != MACHINE_READY_EXEC)
        diary_say(&supervisor->diary, LOG_INFO, "pid %ld is ready", pid);
    else if (machine->state == MACHINE_ENDED && supervisor->child.pid)
        diary_say(&supervisor->diary, LOG_ERR, "pid %ld does not end, though it was killed", pid);
}

static void step(struct supervisor *supervisor, enum machine_event event)
{
    enum machine_state before = supervisor->machine.state;
    unsigned todo = machine_step(&supervisor->machine, event);

    if (supervisor->machine.state == MACHINE_RUNNING && before != MACHINE_RUNNING)
        supervisor->ready_at = netio_clock_now();
    if (supervisor->machine.state != before) {
        say_change(supervisor);
        (void)netio_notify_status(netio_daemon_notify(supervisor->daemon),
                                  machine_state_str(supervisor->machine.state));
    }
    perform(supervisor, todo);
}

static void say_end(const struct supervisor *supervisor, long pid, int status)
{
    int early = supervisor->machine.state == MACHINE_STARTING;
    int priority = early ? LOG_ERR : status ? LOG_WARNING : LOG_INFO;
    const char *when = early ? " before it was ready" : "";

    if (WIFSIGNALED(status))
        diary_say(&supervisor->diary, priority, "pid %ld was ended by signal %d (SIG%s)%s%s", pid,
                  WTERMSIG(status), sigabbrev_np(WTERMSIG(status)),
                  WCOREDUMP(status) ? ", core dumped" : "", when);
    else
        diary_say(&supervisor->diary, priority, "pid %ld ended with exit code %d%s", pid,
                  WEXITSTATUS(status), when);
}

/* While nobody has waited for the program, no other process group can have its number. */
static void end_ready(struct netio_watch *watch, unsigned events)
{
    struct supervisor *supervisor = watch->data;
    long pid = (long)supervisor->child.pid;
    int status = 0;

    (void)events;
    signal_group(supervisor, SIGKILL);
    netio_watch_stop(watch);
    int code = netio_child_ended(&supervisor->child, &status);
    if (code < 0) {
        netio_child_forget(&supervisor->child);
        diary_say(&supervisor->diary, LOG_ERR, "pid %ld: %s", pid, netio_error_text(code));
        status = EX_SOFTWARE << 8;
    }
    supervisor->child = (struct netio_child){.pidfd = -1};
    lines_drain(&supervisor->lines);
    say_end(supervisor, pid, status);
    exited(supervisor, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void timer_fires(struct netio_timer *timer)
{
    step(timer->data, MACHINE_TIMER);
}

static void output_ready(struct netio_watch *watch, unsigned events)
{
    struct supervisor *supervisor = watch->data;

    (void)events;
    (void)lines_read(&supervisor->lines);
}

static void signal_ready(struct netio_watch *watch, unsigned events)
{
    struct supervisor *supervisor = watch->data;

    (void)events;
    for (int number; (number = netio_signals_next(watch->fd)) > 0;) {
        if (number == SIGUSR1)
            diary_reopen(&supervisor->diary);
        else
            step(supervisor, number == SIGHUP   ? MACHINE_RELOAD
                             : number == SIGINT ? MACHINE_STOP_NOW
                                                : MACHINE_STOP);
    }
}

/* The program, or what is in its session: anybody else may send to the socket, too. */
static int is_ours(const struct supervisor *supervisor, pid_t pid)
{
    pid_t own = supervisor->child.pid;

    return own > 0 && pid > 0 && (pid == own || getsid(pid) == own);
}

static void take_message(struct supervisor *supervisor, const struct netio_notify_message *message)
{
    struct netio_notify *notify = netio_daemon_notify(supervisor->daemon);

    if (message->reloading)
        (void)netio_notify_reloading(notify);
    if (message->ready && supervisor->machine.state == MACHINE_RUNNING)
        (void)netio_notify_ready(notify);
    else if (message->ready)
        step(supervisor, MACHINE_READY);
    if (*message->status) {
        diary_say(&supervisor->diary, LOG_INFO, "status: %s", message->status);
        (void)netio_notify_status(notify, message->status);
    }
}

static void notify_ready(struct netio_watch *watch, unsigned events)
{
    struct supervisor *supervisor = watch->data;
    struct netio_notify_message message;

    (void)events;
    for (int n = 0; n < MESSAGES_MAX && netio_notify_receive(watch->fd, &message) == 1; n++) {
        if (is_ours(supervisor, message.pid))
            take_message(supervisor, &message);
    }
}

/* ---- building and running ---- */

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
    return watch(supervisor, &supervisor->notify,
                 netio_notify_listen(supervisor->notify_name + len,
                                     sizeof supervisor->notify_name - len),
                 notify_ready);
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
    static const int numbers[] = {SIGTERM, SIGQUIT, SIGINT, SIGHUP, SIGUSR1, 0};
    int code = netio_loop_new(&supervisor->loop, 0);

    if (code == 0)
        code = watch(supervisor, &supervisor->signals, netio_signals_open(numbers), signal_ready);
    if (code == 0)
        code = lines_open(&supervisor->lines, &supervisor->diary);
    if (code == 0)
        code = lend_output(supervisor);
    if (code == 0)
        code = watch(supervisor, &supervisor->output, supervisor->lines.read_fd, output_ready);
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
    supervisor->timer = (struct netio_timer){.fire = timer_fires, .data = supervisor};
    perform(supervisor, machine_begin(&supervisor->machine, &supervisor->plan->rules));
    int code = 0;
    while (code >= 0 && !supervisor->done)
        code = netio_loop_step(supervisor->loop, NETIO_NEVER);
    if (code < 0) {
        diary_say(&supervisor->diary, LOG_ERR, "cannot go on: %s", netio_error_text(code));
        signal_group(supervisor, SIGKILL);
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
        report_error(plan->name, &error, NULL, 0);
    if (status)
        netio_daemon_fail(daemon, status);
    netio_daemon_free(daemon); /* its watchdog is a timer of the loop */
    demolish(&supervisor);
    diary_close(&supervisor.diary);
    return status;
}

int supervisor_run(const struct plan *plan)
{
    const struct machine_rules *rules = &plan->rules;
    struct netio_daemon_options options = {
        .pidfile = plan->pidfile,
        .ready_seconds = rules->ready_seconds + rules->settle_seconds + rules->stop_seconds +
                         MACHINE_KILL_SECONDS + STARTER_SECONDS,
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
