/* The machine of netio-daemon's supervisor: every event in every state, and the ways through it. */
#include "../../csrc/cmd/netio-daemon/machine.c"
#include "tap.h"

#define T       MACHINE_DO_TIMER
#define NOTHING 0u

static const struct machine_rules rules = {
    .restart = MACHINE_RESTART_ALWAYS,
    .ready = MACHINE_READY_NOTIFY,
    .settle_seconds = 3,
    .ready_seconds = 60,
    .stop_seconds = 10,
};

/* The whole table, for a program that says by itself when it is ready and has been so once. */
static const struct {
    enum machine_state state;
    enum machine_event event;
    enum machine_state next;
    unsigned todo;
    double seconds;
} table[] = {
    {MACHINE_STARTING, MACHINE_EXECUTED, MACHINE_STARTING, T, 60},
    {MACHINE_STARTING, MACHINE_READY, MACHINE_RUNNING, T, 0},
    {MACHINE_STARTING, MACHINE_TIMER, MACHINE_STOPPING, T | MACHINE_DO_TERM, 10},
    {MACHINE_STARTING, MACHINE_STOP, MACHINE_STOPPING, T | MACHINE_DO_TERM, 10},
    {MACHINE_STARTING, MACHINE_STOP_NOW, MACHINE_KILLING, T | MACHINE_DO_KILL, 5},
    {MACHINE_STARTING, MACHINE_RELOAD, MACHINE_STARTING, NOTHING, -1},
    {MACHINE_RUNNING, MACHINE_EXECUTED, MACHINE_RUNNING, NOTHING, -1},
    {MACHINE_RUNNING, MACHINE_READY, MACHINE_RUNNING, NOTHING, -1},
    {MACHINE_RUNNING, MACHINE_TIMER, MACHINE_RUNNING, NOTHING, -1},
    {MACHINE_RUNNING, MACHINE_STOP, MACHINE_STOPPING, T | MACHINE_DO_TERM, 10},
    {MACHINE_RUNNING, MACHINE_STOP_NOW, MACHINE_KILLING, T | MACHINE_DO_KILL, 5},
    {MACHINE_RUNNING, MACHINE_RELOAD, MACHINE_RUNNING, MACHINE_DO_HUP, -1},
    {MACHINE_WAITING, MACHINE_EXECUTED, MACHINE_WAITING, NOTHING, -1},
    {MACHINE_WAITING, MACHINE_READY, MACHINE_WAITING, NOTHING, -1},
    {MACHINE_WAITING, MACHINE_TIMER, MACHINE_STARTING, T | MACHINE_DO_START, 0},
    {MACHINE_WAITING, MACHINE_STOP, MACHINE_ENDED, T | MACHINE_DO_END, 0},
    {MACHINE_WAITING, MACHINE_STOP_NOW, MACHINE_ENDED, T | MACHINE_DO_END, 0},
    {MACHINE_WAITING, MACHINE_RELOAD, MACHINE_STARTING, T | MACHINE_DO_START, 0},
    {MACHINE_STOPPING, MACHINE_EXECUTED, MACHINE_STOPPING, NOTHING, -1},
    {MACHINE_STOPPING, MACHINE_READY, MACHINE_STOPPING, NOTHING, -1},
    {MACHINE_STOPPING, MACHINE_TIMER, MACHINE_KILLING, T | MACHINE_DO_KILL, 5},
    {MACHINE_STOPPING, MACHINE_STOP, MACHINE_STOPPING, NOTHING, -1},
    {MACHINE_STOPPING, MACHINE_STOP_NOW, MACHINE_KILLING, T | MACHINE_DO_KILL, 5},
    {MACHINE_STOPPING, MACHINE_RELOAD, MACHINE_STOPPING, NOTHING, -1},
    {MACHINE_KILLING, MACHINE_EXECUTED, MACHINE_KILLING, NOTHING, -1},
    {MACHINE_KILLING, MACHINE_READY, MACHINE_KILLING, NOTHING, -1},
    {MACHINE_KILLING, MACHINE_TIMER, MACHINE_ENDED, T | MACHINE_DO_END, 0},
    {MACHINE_KILLING, MACHINE_STOP, MACHINE_KILLING, NOTHING, -1},
    {MACHINE_KILLING, MACHINE_STOP_NOW, MACHINE_KILLING, NOTHING, -1},
    {MACHINE_KILLING, MACHINE_RELOAD, MACHINE_KILLING, NOTHING, -1},
    {MACHINE_ENDED, MACHINE_EXECUTED, MACHINE_ENDED, NOTHING, -1},
    {MACHINE_ENDED, MACHINE_READY, MACHINE_ENDED, NOTHING, -1},
    {MACHINE_ENDED, MACHINE_TIMER, MACHINE_ENDED, NOTHING, -1},
    {MACHINE_ENDED, MACHINE_STOP, MACHINE_ENDED, NOTHING, -1},
    {MACHINE_ENDED, MACHINE_STOP_NOW, MACHINE_ENDED, NOTHING, -1},
    {MACHINE_ENDED, MACHINE_RELOAD, MACHINE_ENDED, NOTHING, -1},
};

/* In that state, and somebody has asked for the end where there is one to ask for. */
static struct machine machine_in(enum machine_state state)
{
    return (struct machine){
        .rules = rules,
        .state = state,
        .told = 1,
        .wanted = state == MACHINE_STOPPING || state == MACHINE_KILLING,
        .seconds = -1,
    };
}

static void test_table(void)
{
    int seen[MACHINE_STATES][MACHINE_EVENTS] = {0}, missing = 0;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct machine machine = machine_in(table[i].state);
        unsigned todo = machine_step(&machine, table[i].event);
        const char *state = machine_state_str(table[i].state);

        seen[table[i].state][table[i].event]++;
        is_str(machine_state_str(machine.state), machine_state_str(table[i].next),
               "%s, event %d: next", state, table[i].event);
        is_int(todo, table[i].todo, "%s, event %d: what is done", state, table[i].event);
        is_int(machine.seconds, table[i].seconds, "%s, event %d: timer", state, table[i].event);
    }
    for (int state = 0; state < MACHINE_STATES; state++)
        for (int event = 0; event < MACHINE_EVENTS; event++)
            missing += event != MACHINE_EXITED && seen[state][event] != 1;
    is_int(missing, 0, "each event in each state, once");
}

/* How it goes on when the program ends: before it was ever ready, late, asked for, by itself. */
static void test_exited(void)
{
    static const struct {
        const char *name;
        enum machine_state state;
        int told, wanted, exited;
        enum machine_restart restart;
        enum machine_state next;
        int status;
    } rows[] = {
        {"first start fails", MACHINE_STARTING, 0, 0, 3, 2, MACHINE_ENDED, 3},
        {"first start ends with 0", MACHINE_STARTING, 0, 0, 0, 2, MACHINE_ENDED, EX_UNAVAILABLE},
        {"first start is late", MACHINE_STOPPING, 0, 0, 143, 2, MACHINE_ENDED, EX_TEMPFAIL},
        {"first start is late, killed", MACHINE_KILLING, 0, 0, 137, 2, MACHINE_ENDED, EX_TEMPFAIL},
        {"stopped before ready", MACHINE_STOPPING, 0, 1, 0, 2, MACHINE_ENDED, EX_TEMPFAIL},
        {"stopped", MACHINE_STOPPING, 1, 1, 143, 2, MACHINE_ENDED, EX_OK},
        {"killed", MACHINE_KILLING, 1, 1, 137, 2, MACHINE_ENDED, EX_OK},
        {"ends with 0, no restart", MACHINE_RUNNING, 1, 0, 0, 0, MACHINE_ENDED, 0},
        {"ends with 3, no restart", MACHINE_RUNNING, 1, 0, 3, 0, MACHINE_ENDED, 3},
        {"ends with 0, on failure", MACHINE_RUNNING, 1, 0, 0, 1, MACHINE_ENDED, 0},
        {"ends with 3, on failure", MACHINE_RUNNING, 1, 0, 3, 1, MACHINE_WAITING, 0},
        {"ends with 0, always", MACHINE_RUNNING, 1, 0, 0, 2, MACHINE_WAITING, 0},
        {"a restart ends with 0", MACHINE_STARTING, 1, 0, 0, 1, MACHINE_WAITING, 0},
        {"a restart is late", MACHINE_STOPPING, 1, 0, 0, 1, MACHINE_WAITING, 0},
        {"a restart is late, killed", MACHINE_KILLING, 1, 0, 137, 2, MACHINE_WAITING, 0},
        {"waiting: nothing runs", MACHINE_WAITING, 1, 0, 1, 2, MACHINE_WAITING, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct machine machine = machine_in(rows[i].state);

        machine.rules.restart = rows[i].restart;
        machine.told = rows[i].told;
        machine.wanted = rows[i].wanted;
        machine_exited(&machine, rows[i].exited, 0);
        is_str(machine_state_str(machine.state), machine_state_str(rows[i].next), "%s: next",
               rows[i].name);
        is_int(machine.status, rows[i].status, "%s: status", rows[i].name);
    }
}

static void test_ready(void)
{
    struct machine machine;
    struct machine_rules other = rules;

    is_int(machine_begin(&machine, &rules), T | MACHINE_DO_START, "the first thing is to start");
    machine_step(&machine, MACHINE_EXECUTED);
    is_int(machine_step(&machine, MACHINE_READY), T | MACHINE_DO_TELL, "notify: tells the starter");
    other.ready = MACHINE_READY_EXEC;
    machine_begin(&machine, &other);
    is_int(machine_step(&machine, MACHINE_EXECUTED), T | MACHINE_DO_TELL, "exec: at once");
    other.ready = MACHINE_READY_AFTER;
    machine_begin(&machine, &other);
    machine_step(&machine, MACHINE_EXECUTED);
    is_int(machine.seconds, 3, "seconds: waits for so long");
    is_int(machine_step(&machine, MACHINE_READY), 0, "and not for a word");
    is_int(machine_step(&machine, MACHINE_TIMER), T | MACHINE_DO_TELL, "then it is ready");
    machine_exited(&machine, 1, 0);
    machine_step(&machine, MACHINE_TIMER);
    machine_step(&machine, MACHINE_EXECUTED);
    is_int(machine_step(&machine, MACHINE_TIMER), T, "the starter is told once");
}

static void test_reload(void)
{
    struct machine machine;

    machine_begin(&machine, &rules);
    for (int i = 0; i < 1000; i++)
        machine_step(&machine, MACHINE_RELOAD);
    is_int(machine_step(&machine, MACHINE_READY), T | MACHINE_DO_TELL | MACHINE_DO_HUP,
           "1,000 reloads during start are one, once it is ready");
    machine_exited(&machine, 1, 0);
    machine_step(&machine, MACHINE_RELOAD);
    is_int(machine_step(&machine, MACHINE_READY), T, "one that found nothing running is over");
    machine_exited(&machine, 1, 0);
    machine_step(&machine, MACHINE_TIMER);
    machine_step(&machine, MACHINE_RELOAD);
    machine_exited(&machine, 1, 0);
    machine_step(&machine, MACHINE_TIMER);
    is_int(machine_step(&machine, MACHINE_READY), T, "nor does it outlive the program");
}

static void test_late(void)
{
    struct machine machine = machine_in(MACHINE_STOPPING);

    machine.wanted = 0;
    is_int(machine_step(&machine, MACHINE_STOP), 0, "a late one is stopping already");
    machine_exited(&machine, 143, 0);
    is_int(machine.state, MACHINE_ENDED, "and does not come back when it was asked to end");
    machine = machine_in(MACHINE_KILLING);
    machine.wanted = 0;
    machine_step(&machine, MACHINE_STOP);
    machine_exited(&machine, 137, 0);
    is_int(machine.state, MACHINE_ENDED, "nor when it is being killed");
}

static void test_backoff(void)
{
    static const double want[] = {0.5, 1, 2, 4, 8, 16, 32, 60, 60};
    struct machine machine;

    machine_begin(&machine, &rules);
    machine_step(&machine, MACHINE_READY);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        machine_exited(&machine, 1, 59);
        is_int(1000 * machine.seconds, 1000 * want[i], "failure %zu: back-off", i + 1);
        machine_step(&machine, MACHINE_TIMER);
        machine_step(&machine, MACHINE_READY);
    }
    machine_exited(&machine, 1, 60);
    is_int(1000 * machine.seconds, 500, "after a minute it begins again");
}

int main(void)
{
    test_table();
    test_exited();
    test_ready();
    test_reload();
    test_late();
    test_backoff();
    return tap_done();
}
