/* Ring 3.  What a supervisor does next; see supervisor_machine.h.  Called by supervisor.c; touches
 * nothing but the struct.
 *
 *             start
 *               |
 *               v    FAILED
 *           STARTING ------------------------------------------------------+
 *               | READY                                                    |
 *               v         HUP             RELOAD (also from SERVING)       |
 *   +------> SERVING ----------> ASKING ----------> RELOADING --+          |
 *   |           |  ^               | UNCHANGED                  |          |
 *   |           |  +---------------+<---------------------------+          |
 *   |      USR2 |                          READY or FAILED                 |
 *   |           v                                                          |
 *   +------ UPGRADING                                                      |
 *   SUCCESSOR_  | SUCCESSOR_READY                                          |
 *   FAILED      v       TERM                                               |
 *           STOPPING <-------- any of the above                            |
 *               | TERM, INT, TIMER                                         |
 *               v       INT                                                |
 *            CUTTING <-------- any of the above                            |
 *               | TIMER                                                    |
 *               v                                                          |
 *            KILLING <-----------------------------------------------------+
 *               | TIMER, or EMPTY (as from STOPPING and CUTTING)
 *               v
 *             ENDED
 *
 * HUP and USR2 that come while something else goes on wait for SERVING, each once. */
#include "server/supervisor_machine.h"

const char *netio__phase_str(enum netio__phase phase)
{
    static const char *const names[NETIO__PHASES] = {
        "starting", "serving", "asking",  "reloading", "upgrading",
        "stopping", "cutting", "killing", "ended",
    };

    return (unsigned)phase < NETIO__PHASES ? names[phase] : "";
}

static unsigned enter(struct netio__machine *machine, enum netio__phase phase,
                      enum netio__patience patience, unsigned todo)
{
    int same = machine->patience == patience && patience == NETIO__NO_TIMER;

    machine->phase = phase;
    machine->patience = patience;
    return same ? todo : todo | NETIO__DO_TIMER;
}

unsigned netio__machine_begin(struct netio__machine *machine)
{
    *machine = (struct netio__machine){.phase = NETIO__STARTING};
    return NETIO__DO_START;
}

static unsigned ask(struct netio__machine *machine)
{
    machine->reload_next = 0;
    return enter(machine, NETIO__ASKING, NETIO__NO_TIMER, NETIO__TELL_RELOAD);
}

static unsigned upgrade(struct netio__machine *machine)
{
    machine->upgrade_next = 0;
    return enter(machine, NETIO__UPGRADING, NETIO__NO_TIMER, NETIO__DO_UPGRADE);
}

/* SERVING, and what has waited for it. */
static unsigned serve(struct netio__machine *machine, unsigned todo)
{
    todo = enter(machine, NETIO__SERVING, NETIO__NO_TIMER, todo);
    if (machine->reload_next)
        return todo | ask(machine);
    return machine->upgrade_next ? todo | upgrade(machine) : todo;
}

static unsigned first_ready(struct netio__machine *machine)
{
    return serve(machine, NETIO__DO_COMMIT | NETIO__TELL_READY);
}

static unsigned first_failed(struct netio__machine *machine)
{
    machine->failed = 1;
    return enter(machine, NETIO__KILLING, NETIO__KILL_TIMER, NETIO__DO_KILL);
}

static unsigned reload(struct netio__machine *machine)
{
    return enter(machine, NETIO__RELOADING, NETIO__NO_TIMER, NETIO__DO_START);
}

static unsigned unchanged(struct netio__machine *machine)
{
    return serve(machine, 0);
}

static unsigned reloaded(struct netio__machine *machine)
{
    return serve(machine, NETIO__DO_COMMIT | NETIO__TELL_RELOADED);
}

static unsigned kept(struct netio__machine *machine)
{
    return serve(machine, NETIO__DO_ABANDON | NETIO__TELL_KEPT);
}

static unsigned not_upgraded(struct netio__machine *machine)
{
    return serve(machine, NETIO__DO_KILL_SUCCESSOR);
}

static unsigned reload_later(struct netio__machine *machine)
{
    machine->reload_next = 1;
    return 0;
}

static unsigned upgrade_later(struct netio__machine *machine)
{
    machine->upgrade_next = 1;
    return 0;
}

static unsigned reopen(struct netio__machine *machine)
{
    (void)machine;
    return NETIO__TELL_REOPEN;
}

/* What was being started is not waited for. */
static unsigned undo(const struct netio__machine *machine)
{
    if (machine->phase == NETIO__RELOADING)
        return NETIO__DO_ABANDON;
    return machine->phase == NETIO__UPGRADING ? NETIO__DO_KILL_SUCCESSOR : 0;
}

static unsigned stop(struct netio__machine *machine)
{
    return enter(machine, NETIO__STOPPING, NETIO__DRAIN_TIMER, undo(machine) | NETIO__DO_DRAIN);
}

static unsigned hand_over(struct netio__machine *machine)
{
    return enter(machine, NETIO__STOPPING, NETIO__DRAIN_TIMER, NETIO__DO_DRAIN);
}

static unsigned cut(struct netio__machine *machine)
{
    return enter(machine, NETIO__CUTTING, NETIO__CUT_TIMER, undo(machine) | NETIO__DO_CUT);
}

static unsigned kill_all(struct netio__machine *machine)
{
    return enter(machine, NETIO__KILLING, NETIO__KILL_TIMER, NETIO__DO_KILL);
}

static unsigned end(struct netio__machine *machine)
{
    return enter(machine, NETIO__ENDED, NETIO__NO_TIMER,
                 machine->failed ? NETIO__TELL_FAILED : NETIO__TELL_DONE);
}

/* What may happen in each phase, and what is done about it; all else means nothing there. */
static unsigned (*const handlers[NETIO__PHASES][NETIO__HAPPENINGS])(struct netio__machine *) = {
    [NETIO__STARTING] = {[NETIO__READY] = first_ready,
                         [NETIO__FAILED] = first_failed,
                         [NETIO__HUP] = reload_later,
                         [NETIO__USR1] = reopen,
                         [NETIO__USR2] = upgrade_later,
                         [NETIO__TERM] = stop,
                         [NETIO__INT] = cut},
    [NETIO__SERVING] = {[NETIO__RELOAD] = reload,
                        [NETIO__HUP] = ask,
                        [NETIO__USR1] = reopen,
                        [NETIO__USR2] = upgrade,
                        [NETIO__TERM] = stop,
                        [NETIO__INT] = cut},
    [NETIO__ASKING] = {[NETIO__RELOAD] = reload,
                       [NETIO__UNCHANGED] = unchanged,
                       [NETIO__HUP] = reload_later,
                       [NETIO__USR1] = reopen,
                       [NETIO__USR2] = upgrade_later,
                       [NETIO__TERM] = stop,
                       [NETIO__INT] = cut},
    [NETIO__RELOADING] = {[NETIO__READY] = reloaded,
                          [NETIO__FAILED] = kept,
                          [NETIO__HUP] = reload_later,
                          [NETIO__USR1] = reopen,
                          [NETIO__USR2] = upgrade_later,
                          [NETIO__TERM] = stop,
                          [NETIO__INT] = cut},
    [NETIO__UPGRADING] = {[NETIO__SUCCESSOR_READY] = hand_over,
                          [NETIO__SUCCESSOR_FAILED] = not_upgraded,
                          [NETIO__HUP] = reload_later,
                          [NETIO__USR1] = reopen,
                          [NETIO__TERM] = stop,
                          [NETIO__INT] = cut},
    [NETIO__STOPPING] = {[NETIO__EMPTY] = end,
                         [NETIO__TIMER] = cut,
                         [NETIO__USR1] = reopen,
                         [NETIO__TERM] = cut,
                         [NETIO__INT] = cut},
    [NETIO__CUTTING] = {[NETIO__EMPTY] = end, [NETIO__TIMER] = kill_all},
    [NETIO__KILLING] = {[NETIO__EMPTY] = end, [NETIO__TIMER] = end},
};

unsigned netio__machine_step(struct netio__machine *machine, enum netio__happening happening)
{
    unsigned (*handler)(struct netio__machine *) = handlers[machine->phase][happening];

    return handler ? handler(machine) : 0;
}
