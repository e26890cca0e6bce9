/* The machine of a supervisor: everything that may happen, in every phase, and the ways through
 * it. */
#include "../../csrc/src/server/supervisor_machine.c"
#include "tap.h"

#define ABANDON  NETIO__DO_ABANDON
#define COMMIT   NETIO__DO_COMMIT
#define CUT      (NETIO__DO_CUT | NETIO__DO_TIMER)
#define DRAIN    (NETIO__DO_DRAIN | NETIO__DO_TIMER)
#define KILL     (NETIO__DO_KILL | NETIO__DO_TIMER)
#define KILL_NEW NETIO__DO_KILL_SUCCESSOR
#define REOPEN   NETIO__TELL_REOPEN

/* What means something; all else changes nothing. */
static const struct {
    enum netio__phase phase;
    enum netio__happening happening;
    enum netio__phase next;
    unsigned todo;
} table[] = {
    {NETIO__STARTING, NETIO__READY, NETIO__SERVING, COMMIT | NETIO__TELL_READY},
    {NETIO__STARTING, NETIO__FAILED, NETIO__KILLING, KILL},
    {NETIO__STARTING, NETIO__USR1, NETIO__STARTING, REOPEN},
    {NETIO__STARTING, NETIO__TERM, NETIO__STOPPING, DRAIN},
    {NETIO__STARTING, NETIO__INT, NETIO__CUTTING, CUT},
    {NETIO__SERVING, NETIO__RELOAD, NETIO__RELOADING, NETIO__DO_START},
    {NETIO__SERVING, NETIO__HUP, NETIO__ASKING, NETIO__TELL_RELOAD},
    {NETIO__SERVING, NETIO__USR1, NETIO__SERVING, REOPEN},
    {NETIO__SERVING, NETIO__USR2, NETIO__UPGRADING, NETIO__DO_UPGRADE},
    {NETIO__SERVING, NETIO__TERM, NETIO__STOPPING, DRAIN},
    {NETIO__SERVING, NETIO__INT, NETIO__CUTTING, CUT},
    {NETIO__ASKING, NETIO__RELOAD, NETIO__RELOADING, NETIO__DO_START},
    {NETIO__ASKING, NETIO__UNCHANGED, NETIO__SERVING, 0},
    {NETIO__ASKING, NETIO__USR1, NETIO__ASKING, REOPEN},
    {NETIO__ASKING, NETIO__TERM, NETIO__STOPPING, DRAIN},
    {NETIO__ASKING, NETIO__INT, NETIO__CUTTING, CUT},
    {NETIO__RELOADING, NETIO__READY, NETIO__SERVING, COMMIT | NETIO__TELL_RELOADED},
    {NETIO__RELOADING, NETIO__FAILED, NETIO__SERVING, ABANDON | NETIO__TELL_KEPT},
    {NETIO__RELOADING, NETIO__USR1, NETIO__RELOADING, REOPEN},
    {NETIO__RELOADING, NETIO__TERM, NETIO__STOPPING, ABANDON | DRAIN},
    {NETIO__RELOADING, NETIO__INT, NETIO__CUTTING, ABANDON | CUT},
    {NETIO__UPGRADING, NETIO__SUCCESSOR_READY, NETIO__STOPPING, DRAIN},
    {NETIO__UPGRADING, NETIO__SUCCESSOR_FAILED, NETIO__SERVING, KILL_NEW},
    {NETIO__UPGRADING, NETIO__USR1, NETIO__UPGRADING, REOPEN},
    {NETIO__UPGRADING, NETIO__TERM, NETIO__STOPPING, KILL_NEW | DRAIN},
    {NETIO__UPGRADING, NETIO__INT, NETIO__CUTTING, KILL_NEW | CUT},
    {NETIO__STOPPING, NETIO__EMPTY, NETIO__ENDED, NETIO__TELL_DONE | NETIO__DO_TIMER},
    {NETIO__STOPPING, NETIO__TIMER, NETIO__CUTTING, CUT},
    {NETIO__STOPPING, NETIO__USR1, NETIO__STOPPING, REOPEN},
    {NETIO__STOPPING, NETIO__TERM, NETIO__CUTTING, CUT},
    {NETIO__STOPPING, NETIO__INT, NETIO__CUTTING, CUT},
    {NETIO__CUTTING, NETIO__EMPTY, NETIO__ENDED, NETIO__TELL_DONE | NETIO__DO_TIMER},
    {NETIO__CUTTING, NETIO__TIMER, NETIO__KILLING, KILL},
    {NETIO__KILLING, NETIO__EMPTY, NETIO__ENDED, NETIO__TELL_DONE | NETIO__DO_TIMER},
    {NETIO__KILLING, NETIO__TIMER, NETIO__ENDED, NETIO__TELL_DONE | NETIO__DO_TIMER},
};

static struct netio__machine machine_in(enum netio__phase phase)
{
    static const enum netio__patience patience[NETIO__PHASES] = {
        [NETIO__STOPPING] = NETIO__DRAIN_TIMER,
        [NETIO__CUTTING] = NETIO__CUT_TIMER,
        [NETIO__KILLING] = NETIO__KILL_TIMER,
    };

    return (struct netio__machine){.phase = phase, .patience = patience[phase]};
}

static void test_row(enum netio__phase phase, enum netio__happening happening)
{
    struct netio__machine machine = machine_in(phase);
    enum netio__phase next = phase;
    unsigned wanted = 0, todo = netio__machine_step(&machine, happening);

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].phase == phase && table[i].happening == happening) {
            next = table[i].next;
            wanted = table[i].todo;
        }
    is_str(netio__phase_str(machine.phase), netio__phase_str(next), "%s, %d: what it is then",
           netio__phase_str(phase), happening);
    is_int(todo, wanted, "%s, %d: what is done", netio__phase_str(phase), happening);
    is_int(machine.patience, machine_in(next).patience, "%s, %d: what it waits for",
           netio__phase_str(phase), happening);
}

static void test_table(void)
{
    for (int phase = 0; phase < NETIO__PHASES; phase++)
        for (int happening = 0; happening < NETIO__HAPPENINGS; happening++)
            test_row((enum netio__phase)phase, (enum netio__happening)happening);
    is_str(netio__phase_str(NETIO__PHASES), "", "no phase has no name");
}

/* One happening after the other, and what is done at the last of them. */
static unsigned walk(struct netio__machine *machine, const enum netio__happening *way, size_t n)
{
    unsigned todo = netio__machine_begin(machine);

    for (size_t i = 0; i < n; i++)
        todo = netio__machine_step(machine, way[i]);
    return todo;
}

#define WALK(machine, ...)                                                                         \
    walk(machine, (const enum netio__happening[]){__VA_ARGS__},                                    \
         sizeof((const enum netio__happening[]){__VA_ARGS__}) / sizeof(enum netio__happening))

/* HUP and USR2 that come while something else goes on are not lost, and not doubled. */
static void test_later(void)
{
    struct netio__machine machine;

    is_int(netio__machine_begin(&machine), NETIO__DO_START, "it begins with workers");
    is_int(WALK(&machine, NETIO__HUP, NETIO__HUP, NETIO__READY),
           COMMIT | NETIO__TELL_READY | NETIO__TELL_RELOAD, "HUP before ready: a reload after it");
    is_int(WALK(&machine, NETIO__READY, NETIO__HUP, NETIO__HUP, NETIO__RELOAD, NETIO__READY),
           COMMIT | NETIO__TELL_RELOADED | NETIO__TELL_RELOAD,
           "HUP while the program reads: another reload");
    is_int(WALK(&machine, NETIO__READY, NETIO__HUP, NETIO__RELOAD, NETIO__HUP, NETIO__HUP,
                NETIO__HUP, NETIO__FAILED),
           ABANDON | NETIO__TELL_KEPT | NETIO__TELL_RELOAD,
           "HUP three times during a reload: one more");
    is_int(netio__machine_step(&machine, NETIO__UNCHANGED), 0, "and no other");
    is_int(WALK(&machine, NETIO__READY, NETIO__USR2, NETIO__HUP, NETIO__SUCCESSOR_FAILED),
           KILL_NEW | NETIO__TELL_RELOAD, "HUP during an upgrade that fails: a reload");
    is_int(WALK(&machine, NETIO__READY, NETIO__HUP, NETIO__RELOAD, NETIO__USR2, NETIO__READY),
           COMMIT | NETIO__TELL_RELOADED | NETIO__DO_UPGRADE, "USR2 during a reload: an upgrade");
    is_int(WALK(&machine, NETIO__READY, NETIO__HUP, NETIO__USR2, NETIO__UNCHANGED),
           NETIO__DO_UPGRADE, "and after one that was none");
    is_int(WALK(&machine, NETIO__USR2, NETIO__HUP, NETIO__READY),
           COMMIT | NETIO__TELL_READY | NETIO__TELL_RELOAD, "both: first the reload");
    is_int(netio__machine_step(&machine, NETIO__UNCHANGED), NETIO__DO_UPGRADE, "then the upgrade");
    is_int(netio__machine_step(&machine, NETIO__USR2), 0, "of which there is one at a time");
}

/* The program hears why it ends. */
static void test_end(void)
{
    struct netio__machine machine;

    is_int(WALK(&machine, NETIO__FAILED, NETIO__EMPTY), NETIO__TELL_FAILED | NETIO__DO_TIMER,
           "the first workers have failed");
    is_int(WALK(&machine, NETIO__FAILED, NETIO__TIMER), NETIO__TELL_FAILED | NETIO__DO_TIMER,
           "even if one of them stays");
    is_int(WALK(&machine, NETIO__TERM, NETIO__EMPTY), NETIO__TELL_DONE | NETIO__DO_TIMER,
           "stopped before they were ready");
    is_int(WALK(&machine, NETIO__READY, NETIO__TERM, NETIO__TERM, NETIO__TIMER, NETIO__EMPTY),
           NETIO__TELL_DONE | NETIO__DO_TIMER, "stopped the hard way");
    is_int(netio__machine_step(&machine, NETIO__HUP), 0, "then it is over");
}

int main(void)
{
    test_table();
    test_later();
    test_end();
    return tap_done();
}
