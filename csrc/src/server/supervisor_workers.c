/* Ring 3.  Workers, as the supervisor sees them; see supervisor.h.  Called by supervisor.c and by
 * the loop; it forks, signals and reaps processes of its own, and no other.
 *
 *                            STARTING
 *        ready |      | late, abandoned, or drained   | ended: the machine is told, or it is replaced
 *              v      |
 *           SERVING   |
 *              |      |                    from every state, when it ends: [nobody]
 *              v      v
 *          DRAINING  KILLED
 *              |  late  ^
 *              +--------+
 *
 * Of the generation that is being started none may end; of the one that serves, who ends by itself
 * is replaced.  Those of earlier ones drain or have been killed. */
#include "proc/fork.h"
#include "server/control.h"
#include "server/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define SECOND        ((int64_t)1000 * 1000 * 1000)
#define PAUSE_FIRST   (SECOND / 50)
#define PAUSE_MAX     SECOND
#define PAUSE_SERVED  (SECOND / 50) /* at most, between those that have served somebody */
#define CRASHES_MAX   8             /* beyond the free ones: so many seconds until all is forgiven */
#define MESSAGES_A_TURN 16
#define STUCK_SECONDS   1             /* for a killed one to end: in the kernel it may be out of reach */
#define GRACE         SECOND        /* after the deadline to drain by, for its own end */

static int is_new(const struct netio__place *place)
{
    return place->supervisor->next && place->generation == place->supervisor->next;
}

static struct netio__board *board_of(const struct netio__place *place)
{
    return &place->supervisor->boards[place - place->supervisor->places];
}

static unsigned column_of(const struct netio__place *place)
{
    return (unsigned)(place - place->supervisor->places);
}

#define SAY(place, priority, format, ...)                                                          \
    netio_log((place)->supervisor->options.log, priority, "worker %u (generation %u, pid %ld) " format, \
              (place)->number, (place)->generation, (long)(place)->pid, ##__VA_ARGS__)

/* ---- the end of one -------------------------------------------------------------------------- */

/* What it is to be replaced by comes at once, or after a pause that grows while one follows the
 * other. */
static void count_crash(struct netio__place *place)
{
    struct netio_supervisor *supervisor = place->supervisor;
    const struct netio_server_status *status = &board_of(place)->status;
    int64_t now = netio_clock_now(), free = supervisor->workers * SECOND;
    int64_t level = supervisor->crashes - (now - supervisor->last_crash);

    level = (level > 0 ? level : 0) + SECOND;
    if (level > free + CRASHES_MAX * SECOND)
        level = free + CRASHES_MAX * SECOND;
    supervisor->crashes = level;
    supervisor->last_crash = now;
    int64_t beyond = (level - free + SECOND - 1) / SECOND;
    int64_t pause = beyond <= 0 ? 0 : PAUSE_FIRST << (beyond - 1);
    int64_t most = status->accepted || status->datagrams ? PAUSE_SERVED : PAUSE_MAX;
    supervisor->pause = pause < most ? pause : most;
}

/* One of those that serve is gone or as good as that. */
static void lose(struct netio__place *place)
{
    struct netio_supervisor *supervisor = place->supervisor;

    count_crash(place);
    supervisor->gate_opens = supervisor->last_start + supervisor->pause;
}

/* All of the new ones fail with the first. */
static void fail_start(struct netio__place *place, int code, const char *how)
{
    struct netio_error *why = &place->supervisor->why;
    char subject[64];

    if (!why->code) {
        snprintf(subject, sizeof subject, "worker %u%s%s", place->number, *how ? ": " : "", how);
        netio_error_set(why, NETIO_STAGE_CHILD, code, NULL, subject);
    }
    netio__supervisor_step(place->supervisor, NETIO__FAILED);
}

static void describe(char *text, size_t size, int ended, int status)
{
    if (ended != 1)
        snprintf(text, size, "reaped by somebody else");
    else if (WIFSIGNALED(status))
        snprintf(text, size, "signal %d", WTERMSIG(status));
    else
        snprintf(text, size, "exit status %d", WEXITSTATUS(status));
}

static void leave_place(struct netio__place *place)
{
    struct netio_supervisor *supervisor = place->supervisor;

    netio_watch_stop(&place->said);
    netio_watch_stop(&place->ended);
    netio_timer_stop(&place->timer);
    netio_child_forget(&place->child);
    netio_fd_close(place->control);
    place->control = -1;
    place->pid = 0;
    if (supervisor->options.limit)
        netio_limit_clear_column(supervisor->options.limit, column_of(place));
    supervisor->count--;
}

/* ---- what it says ---------------------------------------------------------------------------- */

/* Whether all are that were started with it. */
static void is_ready(struct netio__place *place)
{
    struct netio_supervisor *supervisor = place->supervisor;
    unsigned ready = 0;

    if (place->state != NETIO__WORKER_STARTING)
        return;
    place->state = NETIO__WORKER_SERVING;
    netio_timer_stop(&place->timer);
    if (!is_new(place))
        return;
    for (size_t i = 0; i < NETIO__PLACES; i++) {
        const struct netio__place *other = &supervisor->places[i];
        ready += other->pid && is_new(other) && other->state == NETIO__WORKER_SERVING;
    }
    if (ready == supervisor->workers_next)
        netio__upgrade_ready(supervisor);
}

static void has_failed(struct netio__place *place, const struct netio_error *error)
{
    char text[640];

    SAY(place, LOG_ERR, "cannot start: %s", netio_error_str(error, text, sizeof text));
    if (is_new(place) && !place->supervisor->why.code)
        place->supervisor->why = *error;
}

static void hear(struct netio_watch *watch, unsigned events)
{
    struct netio__place *place = watch->data;
    struct netio__message message;
    int passed, n;

    (void)events;
    for (int i = 0; i < MESSAGES_A_TURN && watch->loop; i++) {
        n = netio__control_receive(place->control, &message, &passed);
        if (n == 0)
            return;
        netio_fd_close(passed);
        if (n < 0 && n != -EBADMSG) { /* nothing more will come; its end is told by the pidfd */
            netio_watch_stop(watch);
            return;
        }
        if (n == 1 && message.saying == NETIO__SAY_READY)
            is_ready(place);
        else if (n == 1 && message.saying == NETIO__SAY_FAIL && message.error.code < 0)
            has_failed(place, &message.error);
        else if (n == 1 && message.saying == NETIO__SAY_AWAKE)
            netio__heart_awake(place);
    }
}

/* ---- what it is told ------------------------------------------------------------------------- */

static void kill_worker(struct netio__place *place)
{
    place->state = NETIO__WORKER_KILLED;
    netio_timer_stop(&place->timer);
    if (netio_child_signal(&place->child, SIGKILL, 1) < 0)
        (void)netio_child_signal(&place->child, SIGKILL, 0);
}

/* Who is still starting has nobody to wait for, unless it is ready and that is not heard yet. */
static void drain(struct netio__place *place, netio_deadline deadline)
{
    struct netio__message message;

    if (place->state == NETIO__WORKER_STARTING && !board_of(place)->status.accepted) {
        kill_worker(place);
        return;
    }
    memset(&message, 0, sizeof message);
    message.saying = NETIO__SAY_STOP;
    message.deadline = deadline;
    place->state = NETIO__WORKER_DRAINING;
    int code = netio__control_send(place->control, &message, -1);
    if (code == 0 && deadline != NETIO_NEVER)
        code = netio_timer_start(place->supervisor->loop, &place->timer,
                                 (deadline == NETIO_NOW ? netio_clock_now() : deadline) + GRACE);
    if (code)
        kill_worker(place);
}

static void is_late(struct netio_timer *timer)
{
    struct netio__place *place = timer->data;

    if (place->state != NETIO__WORKER_STARTING) {
        SAY(place, LOG_WARNING, "did not end in time: killed");
        kill_worker(place);
        return;
    }
    SAY(place, LOG_WARNING, "was not ready in time: killed");
    if (is_new(place)) {
        fail_start(place, -ETIMEDOUT, "");
        return;
    }
    lose(place);
    kill_worker(place);
}

void netio__worker_stuck(struct netio__place *place)
{
    SAY(place, LOG_WARNING, "does not go on: killed");
    if (place->state == NETIO__WORKER_SERVING)
        lose(place);
    kill_worker(place);
}

void netio__workers_commit(struct netio_supervisor *supervisor)
{
    netio_deadline deadline = netio_deadline_in(supervisor->options.drain_seconds);

    netio__listeners_commit(supervisor->listeners);
    supervisor->generation = supervisor->next;
    supervisor->workers = supervisor->workers_next;
    supervisor->next = supervisor->workers_next = 0;
    for (size_t i = 0; i < NETIO__PLACES; i++) {
        struct netio__place *place = &supervisor->places[i];
        if (place->pid && place->state <= NETIO__WORKER_SERVING &&
            place->generation != supervisor->generation)
            drain(place, deadline);
    }
}

void netio__workers_abandon(struct netio_supervisor *supervisor)
{
    for (size_t i = 0; i < NETIO__PLACES; i++) {
        struct netio__place *place = &supervisor->places[i];
        if (place->pid && is_new(place))
            kill_worker(place);
    }
    netio__listeners_cancel(supervisor->listeners);
    supervisor->next = supervisor->workers_next = 0;
}

void netio__workers_drain(struct netio_supervisor *supervisor, netio_deadline deadline)
{
    supervisor->next = 0;
    for (size_t i = 0; i < NETIO__PLACES; i++) {
        struct netio__place *place = &supervisor->places[i];
        int drains = place->state == NETIO__WORKER_DRAINING;
        if (place->pid && place->state != NETIO__WORKER_KILLED &&
            (!drains || deadline == NETIO_NOW))
            drain(place, deadline);
    }
}

void netio__workers_kill(struct netio_supervisor *supervisor)
{
    supervisor->next = 0;
    for (size_t i = 0; i < NETIO__PLACES; i++)
        if (supervisor->places[i].pid)
            kill_worker(&supervisor->places[i]);
}

void netio__workers_log(struct netio_supervisor *supervisor, int fd)
{
    struct netio__message message;

    memset(&message, 0, sizeof message);
    message.saying = NETIO__SAY_LOG;
    for (size_t i = 0; fd >= 0 && i < NETIO__PLACES; i++) {
        struct netio__place *place = &supervisor->places[i];
        if (place->pid && netio__control_send(place->control, &message, fd) < 0)
            SAY(place, LOG_WARNING, "could not be given the log that was opened again");
    }
}

/* ---- its end --------------------------------------------------------------------------------- */

static void has_ended(struct netio_watch *watch, unsigned events)
{
    struct netio__place *place = watch->data;
    struct netio_supervisor *supervisor = place->supervisor;
    enum netio__worker_state state;
    int status = 0;
    char how[48];

    (void)events;
    hear(&place->said, NETIO_READ); /* it may have said why */
    netio_watch_stop(watch);
    int ended = netio_child_ended(&place->child, &status);
    /* 0: its tracer has yet to hear of it. */
    if (ended == 0 &&
        netio_watch_start(supervisor->loop, watch, place->child.pidfd, NETIO_READ) == 0)
        return;
    state = place->state;
    describe(how, sizeof how, ended, status);
    if (state <= NETIO__WORKER_SERVING)
        SAY(place, LOG_WARNING, "has ended by itself: %s", how);
    else if (state == NETIO__WORKER_DRAINING && (ended != 1 || status != 0))
        SAY(place, LOG_NOTICE, "has drained: %s", how);
    int new = is_new(place);
    if (state <= NETIO__WORKER_SERVING && !new)
        lose(place);
    leave_place(place);
    if (state <= NETIO__WORKER_SERVING && new)
        fail_start(place, NETIO_EDIED, how);
    if (supervisor->count == 0)
        netio__supervisor_step(supervisor, NETIO__EMPTY);
}

/* ---- the start of one ------------------------------------------------------------------------ */

/* What belongs to a worker that runs. */
static int watch_worker(struct netio__place *place)
{
    struct netio_loop *loop = place->supervisor->loop;

    place->said = (struct netio_watch){.ready = hear, .data = place};
    place->ended = (struct netio_watch){.ready = has_ended, .data = place};
    place->timer = (struct netio_timer){.fire = is_late, .data = place};
    int code = netio_watch_start(loop, &place->ended, place->child.pidfd, NETIO_READ);
    if (code == 0)
        code = netio_watch_start(loop, &place->said, place->control, NETIO_READ);
    if (code == 0)
        code = netio_timer_start(loop, &place->timer,
                                 netio_deadline_in(place->supervisor->options.ready_seconds));
    return code;
}

/* It leads a group of its own; as it says so itself, too, nobody comes in between.  One that cannot
 * be watched is not left alone. */
static int meet(struct netio__place *place)
{
    int status;

    (void)setpgid(place->child.pid, place->child.pid);
    int code = watch_worker(place);
    if (code) {
        netio_watch_stop(&place->ended);
        netio_watch_stop(&place->said);
        (void)netio_child_signal(&place->child, SIGKILL, 0);
        (void)netio_child_wait(&place->child, netio_deadline_in(STUCK_SECONDS), &status);
        netio_child_forget(&place->child);
        return code;
    }
    place->pid = place->child.pid;
    place->supervisor->count++;
    return 0;
}

static void prepare(struct netio__place *place, unsigned number, unsigned generation, int control)
{
    place->number = number;
    place->generation = generation;
    place->state = NETIO__WORKER_STARTING;
    place->control = control;
    netio__heart_begin(place);
}

/* 1 in the worker, 0, or -errno. */
static int start(struct netio__place *place, unsigned number, unsigned generation,
                 struct netio_worker **out)
{
    const struct netio_supervisor_options *options = &place->supervisor->options;
    int ends[2] = {-1, -1};
    int code = netio__control_pair(ends);

    if (code)
        return code;
    prepare(place, number, generation, ends[0]);
    struct netio_worker *worker = netio__worker_new(place, ends[1]);
    code = worker ? netio__fork(&place->child, options->fork, options->data) : -ENOMEM;
    if (code == 1) {
        netio__worker_begin(*out = worker);
        return 1;
    }
    netio__worker_discard(worker);
    if (code == 0)
        code = meet(place);
    if (code) {
        netio_fd_close(place->control);
        place->control = -1;
    }
    return code;
}

/* Who serves as this number of that generation, or will. */
static int is_there(const struct netio_supervisor *supervisor, unsigned number, unsigned generation)
{
    for (size_t i = 0; i < NETIO__PLACES; i++) {
        const struct netio__place *place = &supervisor->places[i];
        if (place->pid && place->state <= NETIO__WORKER_SERVING && place->number == number &&
            place->generation == generation)
            return 1;
    }
    return 0;
}

static struct netio__place *free_place(struct netio_supervisor *supervisor)
{
    for (size_t i = 0; i < NETIO__PLACES; i++)
        if (!supervisor->places[i].pid)
            return &supervisor->places[i];
    return NULL;
}

/* All of the new ones at once; where so many drain that there is no place, as they end. */
static int start_new(struct netio_supervisor *supervisor, struct netio_worker **worker)
{
    for (unsigned number = 1; supervisor->next && number <= supervisor->workers_next; number++) {
        struct netio__place *place = free_place(supervisor);
        if (is_there(supervisor, number, supervisor->next))
            continue;
        if (!place)
            return 0;
        int code = start(place, number, supervisor->next, worker);
        if (code == 1)
            return 1;
        if (code)
            fail_start(place, code, "");
    }
    return 0;
}

/* Nothing to do: netio_supervisor_run looks who is missing. */
void netio__workers_gate(struct netio_timer *timer)
{
    (void)timer;
}

static int may_start(struct netio_supervisor *supervisor)
{
    if (netio_clock_now() >= supervisor->gate_opens)
        return 1;
    return !supervisor->gate.loop &&
           netio_timer_start(supervisor->loop, &supervisor->gate, supervisor->gate_opens) < 0;
}

static int replace_missing(struct netio_supervisor *supervisor, struct netio_worker **worker)
{
    for (unsigned number = 1; number <= supervisor->workers; number++) {
        if (is_there(supervisor, number, supervisor->generation))
            continue;
        struct netio__place *place = free_place(supervisor);
        if (!place || !may_start(supervisor))
            return 0;
        supervisor->last_start = netio_clock_now();
        supervisor->gate_opens = supervisor->last_start + supervisor->pause;
        int code = start(place, number, supervisor->generation, worker);
        if (code == 1)
            return 1;
        if (code) {
            SAY(place, LOG_ERR, "cannot be started: %s", netio_error_text(code));
            board_of(place)->status.accepted = 0;
            lose(place);
        }
    }
    return 0;
}

int netio__workers_fill(struct netio_supervisor *supervisor, struct netio_worker **worker)
{
    enum netio__phase phase = supervisor->machine.phase;

    if (start_new(supervisor, worker))
        return 1;
    if (!supervisor->generation || phase > NETIO__UPGRADING)
        return 0;
    return replace_missing(supervisor, worker);
}
