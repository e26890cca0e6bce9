/* netio-daemon: what its supervisor does next; see machine.h.  Called by supervisor.c; touches
 * nothing but the struct.
 *
 *               start
 *                 |                ready
 *                 v               (exec: at once; notify; after some seconds)
 *    +------> STARTING ---------------------------------------> RUNNING
 *    |          |   | TERM, QUIT, or not ready in time       TERM, |  |
 *    |          |   +----------------------> STOPPING <------ QUIT-+  |
 *    | timer,   |                             |    | timer, INT,      |
 *    | HUP      | ended, and                  |    v                  |
 *    |          | was ready once      ended   |  KILLING <------- INT-+
 *    |          v  (restart)        (by lateness, restart)            | ended
 *  WAITING <----+-----------------------------+---------------------- + (restart)
 *    |                                        |
 *    | TERM, QUIT, INT                        | ended
 *    v                                        v
 *  ENDED <------------------------------------+---- also from STARTING and RUNNING, when it is
 *                                                   not to be started again
 *
 * Until it has been ready once it is never started again: the starter wants the truth at once. */
#include "machine.h"

#include <sysexits.h>

const char *machine_state_str(enum machine_state state)
{
    static const char *const names[MACHINE_STATES] = {"starting", "running", "waiting",
                                                      "stopping", "killing", "ended"};

    return (unsigned)state < MACHINE_STATES ? names[state] : "";
}

static unsigned enter(struct machine *machine, enum machine_state state, unsigned todo,
                      double seconds)
{
    machine->state = state;
    machine->seconds = seconds;
    return todo | MACHINE_DO_TIMER;
}

static unsigned end(struct machine *machine, int status)
{
    machine->status = status;
    return enter(machine, MACHINE_ENDED, MACHINE_DO_END, 0);
}

unsigned machine_begin(struct machine *machine, const struct machine_rules *rules)
{
    *machine = (struct machine){.rules = *rules};
    return enter(machine, MACHINE_STARTING, MACHINE_DO_START, 0);
}

static unsigned start_again(struct machine *machine)
{
    return enter(machine, MACHINE_STARTING, MACHINE_DO_START, 0);
}

static unsigned ready(struct machine *machine)
{
    unsigned todo = machine->reload ? MACHINE_DO_HUP : 0;

    if (!machine->told)
        todo |= MACHINE_DO_TELL;
    machine->told = 1;
    machine->reload = 0;
    return enter(machine, MACHINE_RUNNING, todo, 0);
}

static unsigned executed(struct machine *machine)
{
    const struct machine_rules *rules = &machine->rules;

    if (rules->ready == MACHINE_READY_EXEC)
        return ready(machine);
    return enter(machine, MACHINE_STARTING, 0,
                 rules->ready == MACHINE_READY_AFTER ? rules->settle_seconds
                                                     : rules->ready_seconds);
}

static unsigned said_ready(struct machine *machine)
{
    return machine->rules.ready == MACHINE_READY_NOTIFY ? ready(machine) : 0;
}

static unsigned ask_to_end(struct machine *machine, int wanted)
{
    machine->wanted = wanted;
    return enter(machine, MACHINE_STOPPING, MACHINE_DO_TERM, machine->rules.stop_seconds);
}

static unsigned stop(struct machine *machine)
{
    return ask_to_end(machine, 1);
}

/* STARTING: it has settled, or is late. */
static unsigned starting_timer(struct machine *machine)
{
    return machine->rules.ready == MACHINE_READY_AFTER ? ready(machine) : ask_to_end(machine, 0);
}

static unsigned kill_it(struct machine *machine)
{
    return enter(machine, MACHINE_KILLING, MACHINE_DO_KILL, MACHINE_KILL_SECONDS);
}

static unsigned stop_now(struct machine *machine)
{
    machine->wanted = 1;
    return kill_it(machine);
}

/* Somebody asks for the end of what is being ended because it was late: it does not come back.  Who
 * asks for what was asked for already (two calls of stop) does not shorten its time. */
static unsigned want_end(struct machine *machine)
{
    machine->wanted = 1;
    return 0;
}

static unsigned give_up(struct machine *machine)
{
    return end(machine, EX_TEMPFAIL);
}

static unsigned end_waiting(struct machine *machine)
{
    return end(machine, EX_OK);
}

static unsigned reload_later(struct machine *machine)
{
    machine->reload = 1;
    return 0;
}

static unsigned reload(struct machine *machine)
{
    (void)machine;
    return MACHINE_DO_HUP;
}

static unsigned wait_a_while(struct machine *machine, double ran)
{
    double backoff = 2 * machine->backoff;

    if (ran >= MACHINE_BACKOFF_MAX || backoff < MACHINE_BACKOFF_FIRST)
        backoff = MACHINE_BACKOFF_FIRST;
    machine->backoff = backoff < MACHINE_BACKOFF_MAX ? backoff : MACHINE_BACKOFF_MAX;
    return enter(machine, MACHINE_WAITING, 0, machine->backoff);
}

unsigned machine_exited(struct machine *machine, int status, double seconds)
{
    int stopped = machine->state == MACHINE_STOPPING || machine->state == MACHINE_KILLING;
    int late = stopped && !machine->wanted, failed = late || machine->state == MACHINE_STARTING;

    if (machine->state == MACHINE_WAITING || machine->state == MACHINE_ENDED)
        return 0;
    machine->reload = 0;
    if (stopped && machine->wanted)
        return end(machine, machine->told ? EX_OK : EX_TEMPFAIL);
    if (!machine->told)
        return end(machine, late ? EX_TEMPFAIL : status ? status : EX_UNAVAILABLE);
    if (machine->rules.restart == MACHINE_RESTART_ALWAYS ||
        (machine->rules.restart == MACHINE_RESTART_ON_FAILURE && (failed || status != 0)))
        return wait_a_while(machine, seconds);
    return end(machine, status);
}

/* What may happen in each state, and what is done about it; all else means nothing there.
 * MACHINE_EXITED has a call of its own. */
static unsigned (*const handlers[MACHINE_STATES][MACHINE_EVENTS])(struct machine *) = {
    [MACHINE_STARTING] = {[MACHINE_EXECUTED] = executed,
                          [MACHINE_READY] = said_ready,
                          [MACHINE_TIMER] = starting_timer,
                          [MACHINE_STOP] = stop,
                          [MACHINE_STOP_NOW] = stop_now,
                          [MACHINE_RELOAD] = reload_later},
    [MACHINE_RUNNING] =
        {[MACHINE_STOP] = stop, [MACHINE_STOP_NOW] = stop_now, [MACHINE_RELOAD] = reload},
    [MACHINE_WAITING] = {[MACHINE_TIMER] = start_again,
                         [MACHINE_STOP] = end_waiting,
                         [MACHINE_STOP_NOW] = end_waiting,
                         [MACHINE_RELOAD] = start_again},
    [MACHINE_STOPPING] =
        {[MACHINE_TIMER] = kill_it, [MACHINE_STOP] = want_end, [MACHINE_STOP_NOW] = stop_now},
    [MACHINE_KILLING] =
        {[MACHINE_TIMER] = give_up, [MACHINE_STOP] = want_end, [MACHINE_STOP_NOW] = want_end},
};

unsigned machine_step(struct machine *machine, enum machine_event event)
{
    unsigned (*handler)(struct machine *) = handlers[machine->state][event];

    return handler ? handler(machine) : 0;
}
