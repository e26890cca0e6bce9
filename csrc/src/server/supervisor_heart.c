/* Ring 3.  Workers that do not go on: see server/board.h for the heartbeat.  Called by
 * supervisor_workers.c and the loop; it reads and writes the boards.
 *
 *      supervisor looks           worker
 *      asleep = 1
 *      beat is even: goes away
 *                                 beat becomes odd
 *                                 asleep was 1: says that it is awake
 *
 * Either the supervisor sees the odd beat, or the worker sees that it is asleep.  What counts is
 * how often it was looked, not how long it is since: after a machine was halted nobody is late.
 * Only of a handler's total time the clock decides.
 *
 * A handler that may wait for its peer (board.h: alone) is stuck only if it does not even that:
 * whenever it was looked at it was running, or stopped, and the kernel has not seen it wait in
 * between.  It is stuck, too, when its connection has had all its time and its reads and prints,
 * which fail then, have not made it end: whatever else it waits for. */
#include "server/supervisor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LOOKS 4            /* in heartbeat_seconds */
#define GRACE NETIO_SECOND /* for a handler whose time is over */

void netio__heart_begin(struct netio__place *place)
{
    struct netio_supervisor *supervisor = place->supervisor;
    struct netio__board *board = &supervisor->boards[place - supervisor->places];

    memset(board, 0, sizeof *board);
    board->wake = -1;
    board->asleep = !isinf(supervisor->options.heartbeat_seconds);
    place->awake = 0;
}

static void look_again(struct netio_supervisor *supervisor)
{
    if (supervisor->look.loop)
        return;
    (void)netio_timer_start(supervisor->loop, &supervisor->look,
                            netio_deadline_in(supervisor->options.heartbeat_seconds / LOOKS));
}

void netio__heart_awake(struct netio__place *place)
{
    if (isinf(place->supervisor->options.heartbeat_seconds))
        return;
    place->awake = 1;
    place->looks = 0;
    place->beat = 0;
    look_again(place->supervisor);
}

/* Whether it runs, by /proc/PID/status, or would but for SIGSTOP, and how often it has waited so
 * far.  Where there is no /proc it waits, for all that is known. */
static int is_running(pid_t pid, unsigned long *waits)
{
    char path[32], line[128], state = 'S';

    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *file = fopen(path, "re");
    *waits = 0;
    while (file && fgets(line, sizeof line, file)) {
        (void)sscanf(line, "State: %c", &state);
        (void)sscanf(line, "voluntary_ctxt_switches: %lu", waits);
    }
    if (file)
        fclose(file);
    return state == 'R' || state == 'T';
}

/* Whether a handler that may wait has done so since the last look. */
static int has_waited(struct netio__place *place)
{
    unsigned long before = place->waits;

    return !is_running(place->pid, &place->waits) || place->waits != before;
}

/* Whether the handler of this beat, which is alone, is past its time. */
static int is_late(const struct netio__board *board, uint64_t beat)
{
    netio_deadline until = __atomic_load_n(&board->until, __ATOMIC_RELAXED);

    return until != NETIO_NEVER && netio_clock_now() - until > GRACE &&
           __atomic_load_n(&board->beat, __ATOMIC_SEQ_CST) == beat;
}

/* Whether it is to be looked at again. */
static int look_at(struct netio__place *place)
{
    struct netio__board *board = &place->supervisor->boards[place - place->supervisor->places];
    uint64_t beat = __atomic_load_n(&board->beat, __ATOMIC_SEQ_CST);

    if (beat % 2 == 0) {
        (void)__atomic_exchange_n(&board->asleep, 1, __ATOMIC_SEQ_CST);
        beat = __atomic_load_n(&board->beat, __ATOMIC_SEQ_CST);
        if (beat % 2 == 0)
            return 0;
        (void)__atomic_exchange_n(&board->asleep, 0, __ATOMIC_SEQ_CST);
    }
    int alone = __atomic_load_n(&board->alone, __ATOMIC_SEQ_CST);
    if (alone && is_late(board, beat)) {
        netio__worker_stuck(place);
        return 0;
    }
    if (beat != place->beat || (alone && has_waited(place))) {
        place->beat = beat;
        place->looks = 0;
        return 1;
    }
    if (++place->looks < LOOKS)
        return 1;
    netio__worker_stuck(place);
    return 0;
}

void netio__heart_look(struct netio_timer *timer)
{
    struct netio_supervisor *supervisor = timer->data;
    int awake = 0;

    for (size_t i = 0; i < NETIO__PLACES; i++) {
        struct netio__place *place = &supervisor->places[i];
        if (!place->pid || !place->awake || place->state == NETIO__WORKER_KILLED)
            continue;
        place->awake = look_at(place);
        awake |= place->awake;
    }
    if (awake)
        look_again(supervisor);
}
