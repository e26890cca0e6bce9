/* netio-daemon: what happens to a supervisor, and what it does about it; see steps.h.  Called by
 * its loop; the one file that starts and signals the program. */
#include "disposition.h"
#include "steps.h"

#include <netio/signals.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#define MESSAGES_MAX 64 /* at a time */

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

/* What a service manager shows. */
static void show_state(const struct supervisor *supervisor)
{
    (void)netio_notify_status(netio_daemon_notify(supervisor->daemon),
                              machine_state_str(supervisor->machine.state));
}

static void exited(struct supervisor *supervisor, int status)
{
    double ran =
        supervisor->ready_at ? (double)(netio_clock_now() - supervisor->ready_at) / 1e9 : 0;

    supervisor->ready_at = 0;
    unsigned todo = machine_exited(&supervisor->machine, status, ran);
    show_state(supervisor);
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
        .flags = NETIO_CHILD_DIE_WITH_PARENT,
    };

    plan.world.environment = supervisor->environment;
    supervisor->refused = 0;
    int code = netio_child_start(&supervisor->child, &plan, error);
    if (code)
        return code;
    supervisor->end = (struct netio_watch){.ready = end_ready, .data = supervisor};
    code =
        netio_watch_start(supervisor->loop, &supervisor->end, supervisor->child.pidfd, NETIO_READ);
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
        /* In this order: SIGCONT drops the stops by which LeakSanitizer looks at who exits, and
         * so would hang one that has begun to. */
        signal_group(supervisor, SIGCONT);
        signal_group(supervisor, SIGTERM);
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
        show_state(supervisor);
    }
    perform(supervisor, todo);
}

static void say_end(const struct supervisor *supervisor, long pid, int status)
{
    int early = supervisor->machine.state == MACHINE_STARTING;
    int priority = early ? LOG_ERR : status ? LOG_WARNING : LOG_INFO;
    const char *when = early ? " before it was ready" : "";
    const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

    if (WIFSIGNALED(status))
        diary_say(&supervisor->diary, priority, "pid %ld was ended by signal %d (%s%s)%s%s", pid,
                  WTERMSIG(status), name ? "SIG" : "", name ? name : "real-time",
                  WCOREDUMP(status) ? ", core dumped" : "", when);
    else
        diary_say(&supervisor->diary, priority, "pid %ld ended with exit code %d%s", pid,
                  WEXITSTATUS(status), when);
}

/* As process 1 of a container the supervisor is the parent of whoever has lost his, and whatever it
 * was before exec may have left children.  The kernel tells of one that has ended, always the same
 * until that is reaped: while it is the program, end_ready comes first. */
static void reap_orphans(const struct supervisor *supervisor)
{
    siginfo_t info = {.si_pid = 0};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
           info.si_pid != supervisor->child.pid) {
        (void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
        info.si_pid = 0;
    }
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
    if (code == 0) { /* whoever traces it is told first */
        (void)netio_watch_start(supervisor->loop, watch, supervisor->child.pidfd, NETIO_READ);
        return;
    }
    if (code < 0) {
        diary_say(&supervisor->diary, LOG_ERR, "pid %ld: %s", pid, netio_error_text(code));
        status = W_EXITCODE(EX_SOFTWARE, 0);
    }
    reap_orphans(supervisor);
    lines_drain(&supervisor->lines);
    say_end(supervisor, pid, status);
    exited(supervisor, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

void steps_timer(struct netio_timer *timer)
{
    step(timer->data, MACHINE_TIMER);
}

void steps_output(struct netio_watch *watch, unsigned events)
{
    struct supervisor *supervisor = watch->data;

    (void)events;
    (void)lines_read(&supervisor->lines);
}

void steps_signals(struct netio_watch *watch, unsigned events)
{
    struct supervisor *supervisor = watch->data;

    (void)events;
    for (int number; (number = netio_signals_next(watch->fd)) > 0;) {
        if (number == SIGUSR1)
            diary_reopen(&supervisor->diary);
        else if (number == SIGCHLD)
            reap_orphans(supervisor);
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

/* Once a start: else strangers could fill the log. */
static void refuse_message(struct supervisor *supervisor,
                           const struct netio_notify_message *message)
{
    if (supervisor->refused)
        return;
    supervisor->refused = 1;
    diary_say(&supervisor->diary, LOG_WARNING,
              "a message of pid %ld, which is not of the program (any more), is not heard",
              (long)message->pid);
}

void steps_notify(struct netio_watch *watch, unsigned events)
{
    struct supervisor *supervisor = watch->data;
    struct netio_notify_message message;

    (void)events;
    for (int n = 0; n < MESSAGES_MAX && netio_notify_receive(watch->fd, &message) == 1; n++) {
        if (is_ours(supervisor, message.pid))
            take_message(supervisor, &message);
        else
            refuse_message(supervisor, &message);
    }
}

void steps_begin(struct supervisor *supervisor)
{
    reap_orphans(supervisor);
    perform(supervisor, machine_begin(&supervisor->machine, &supervisor->plan->rules));
}

void steps_abandon(struct supervisor *supervisor)
{
    signal_group(supervisor, SIGKILL);
}
