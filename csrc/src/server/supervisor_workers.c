/* Ring 3.  Workers, as the supervisor sees them; see supervisor.h.  Called by supervisor.c and by
 * the loop; it signals and reaps processes of its own, and no other.  They come from
 * supervisor_start.c.
 *
 *                STARTING
 *        ready |      | late, abandoned, drained
 *              v      |
 *           SERVING   |
 *         drain |     |      from every state, when it ends: [nobody]
 *              v      v
 *          DRAINING  KILLED
 *              |  late  ^
 *              +--------+
 *
 * Of the generation that is being started none may end; of the one that serves, who ends by itself
 * is replaced.  Those of earlier ones drain or have been killed. */
#include "server/control.h"
#include "server/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define MESSAGES_A_TURN 16
#define LATE            "did not end in time: killed"
#define GRACE           NETIO_SECOND /* after the deadline to drain by, for its own end */

/* ---- the end of one -------------------------------------------------------------------------- */

/* All of the new ones fail with the first. */
void netio__worker_fail_start(struct netio__place *place, int code, const char *how)
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
        netio_limit_clear_column(supervisor->options.limit, netio__place_column(place));
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
    if (!netio__place_is_new(place))
        return;
    for (size_t i = 0; i < NETIO__PLACES; i++) {
        const struct netio__place *other = &supervisor->places[i];
        ready += other->pid && netio__place_is_new(other) && other->state == NETIO__WORKER_SERVING;
    }
    if (ready == supervisor->workers_next)
        netio__upgrade_ready(supervisor);
}

static void has_failed(struct netio__place *place, const struct netio_error *error)
{
    char text[640];

    NETIO__SAY(place, LOG_ERR, "cannot start: %s", netio_error_str(error, text, sizeof text));
    if (netio__place_is_new(place) && !place->supervisor->why.code)
        place->supervisor->why = *error;
}

/* The others look who waits.  Once a second, lest a stranger in its place keep all of them busy. */
static void is_scarce(struct netio__place *place)
{
    struct netio_supervisor *supervisor = place->supervisor;
    struct netio__message message;
    int64_t now = netio_clock_now();

    if (place->scarce && now - place->scarce < NETIO_SECOND)
        return;
    place->scarce = now;
    memset(&message, 0, sizeof message);
    message.saying = NETIO__SAY_LOOK;
    for (size_t i = 0; i < NETIO__PLACES; i++) {
        const struct netio__place *other = &supervisor->places[i];
        if (other != place && other->pid && other->state == NETIO__WORKER_SERVING)
            (void)netio__control_send(other->control, &message, -1);
    }
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
        else if (n == 1 && message.saying == NETIO__SAY_SCARCE)
            is_scarce(place);
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

    if (place->state == NETIO__WORKER_STARTING && !netio__place_board(place)->status.accepted) {
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
        NETIO__SAY(place, LOG_WARNING, LATE);
        kill_worker(place);
        return;
    }
    NETIO__SAY(place, LOG_WARNING, "was not ready in time: killed");
    if (netio__place_is_new(place)) {
        netio__worker_fail_start(place, -ETIMEDOUT, "");
        return;
    }
    netio__worker_lost(place);
    kill_worker(place);
}

void netio__worker_stuck(struct netio__place *place)
{
    NETIO__SAY(place, LOG_WARNING, "does not go on: killed");
    if (place->state == NETIO__WORKER_SERVING)
        netio__worker_lost(place);
    kill_worker(place);
}

void netio__workers_commit(struct netio_supervisor *supervisor)
{
    netio_deadline deadline = netio_deadline_in(supervisor->options.drain_seconds);

    netio_listeners_commit(supervisor->listeners);
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
        if (place->pid && netio__place_is_new(place))
            kill_worker(place);
    }
    netio_listeners_cancel(supervisor->listeners);
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
    for (size_t i = 0; i < NETIO__PLACES; i++) {
        struct netio__place *place = &supervisor->places[i];
        if (place->pid && place->state == NETIO__WORKER_DRAINING)
            NETIO__SAY(place, LOG_WARNING, LATE);
        if (place->pid)
            kill_worker(place);
    }
}

void netio__workers_log(struct netio_supervisor *supervisor, int fd)
{
    struct netio__message message;

    memset(&message, 0, sizeof message);
    message.saying = NETIO__SAY_LOG;
    for (size_t i = 0; fd >= 0 && i < NETIO__PLACES; i++) {
        struct netio__place *place = &supervisor->places[i];
        if (place->pid && netio__control_send(place->control, &message, fd) < 0)
            NETIO__SAY(place, LOG_WARNING, "could not be given the log that was opened again");
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
        NETIO__SAY(place, LOG_WARNING, "has ended by itself: %s", how);
    else if (state == NETIO__WORKER_DRAINING && (ended != 1 || status != 0))
        NETIO__SAY(place, LOG_NOTICE, "has drained: %s", how);
    int new = netio__place_is_new(place);
    if (state <= NETIO__WORKER_SERVING && !new)
        netio__worker_lost(place);
    leave_place(place);
    if (state <= NETIO__WORKER_SERVING && new)
        netio__worker_fail_start(place, NETIO_EDIED, how);
    if (supervisor->count == 0)
        netio__supervisor_step(supervisor, NETIO__EMPTY);
}

int netio__worker_watch(struct netio__place *place)
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
