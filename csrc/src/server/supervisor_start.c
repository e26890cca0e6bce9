/* Ring 3.  How workers start, and start again; see supervisor.h.  Called by netio_supervisor_run
 * (never from a handler of the loop), and by supervisor_workers.c when one is lost; it forks. */
#include "proc/fork.h"
#include "server/control.h"
#include "server/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <syslog.h>
#include <unistd.h>

#define PAUSE_FIRST   (NETIO_SECOND / 50)
#define PAUSE_MAX     NETIO_SECOND
#define PAUSE_SERVED  (NETIO_SECOND / 50) /* at most, between those that have served somebody */
#define CRASHES_MAX   8 /* beyond the free ones: so many seconds until all is forgiven */
#define STUCK_SECONDS 1 /* for a killed one to end: in the kernel it may be out of reach */

/* What it is to be replaced by comes at once, or after a pause that grows while one follows the
 * other. */
static void count_crash(struct netio__place *place)
{
    struct netio_supervisor *supervisor = place->supervisor;
    const struct netio_server_status *status = &netio__place_board(place)->status;
    int64_t now = netio_clock_now(), free = supervisor->workers * NETIO_SECOND;
    int64_t level = supervisor->crashes - (now - supervisor->last_crash);

    level = (level > 0 ? level : 0) + NETIO_SECOND;
    if (level > free + CRASHES_MAX * NETIO_SECOND)
        level = free + CRASHES_MAX * NETIO_SECOND;
    supervisor->crashes = level;
    supervisor->last_crash = now;
    int64_t beyond = (level - free + NETIO_SECOND - 1) / NETIO_SECOND;
    int64_t pause = beyond <= 0 ? 0 : PAUSE_FIRST << (beyond - 1);
    int64_t most = status->accepted || status->datagrams ? PAUSE_SERVED : PAUSE_MAX;
    supervisor->pause = pause < most ? pause : most;
}

void netio__worker_lost(struct netio__place *place)
{
    struct netio_supervisor *supervisor = place->supervisor;

    count_crash(place);
    supervisor->gate_opens = supervisor->last_start + supervisor->pause;
}

/* It leads a group of its own; as it says so itself, too, nobody comes in between.  One that cannot
 * be watched is not left alone. */
static int meet(struct netio__place *place)
{
    int status;

    (void)setpgid(place->child.pid, place->child.pid);
    int code = netio__worker_watch(place);
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
    place->scarce = 0;
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
            netio__worker_fail_start(place, code, "");
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
            netio_log(supervisor->options.log, LOG_ERR,
                      "worker %u (generation %u) cannot be started: %s", number,
                      supervisor->generation, netio_error_text(code));
            netio__place_board(place)->status.accepted = 0;
            netio__worker_lost(place);
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
