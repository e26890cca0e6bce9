/* Ring 3.  A supervisor's life: options, listeners, signals, events; see netio/supervisor.h.
 * Called by programs.  It carries out what the machine says (supervisor_machine.c); processes are
 * supervisor_workers.c's. */
#include "server/supervisor.h"

#include <netio/signals.h>
#include <netio/upgrade.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define GRACE_SECONDS 1 /* for workers to end after they were told to */
#define KILL_SECONDS  5

const int netio__supervisor_signals[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGQUIT, SIGINT, 0};

/* ---- what happens, and what is done about it ------------------------------------------------- */

static void set_timer(struct netio_supervisor *supervisor)
{
    const double seconds[] = {[NETIO__DRAIN_TIMER] =
                                  supervisor->options.drain_seconds + GRACE_SECONDS,
                              [NETIO__CUT_TIMER] = GRACE_SECONDS,
                              [NETIO__KILL_TIMER] = KILL_SECONDS};
    enum netio__patience patience = supervisor->machine.patience;

    netio_timer_stop(&supervisor->patience);
    if (patience == NETIO__NO_TIMER)
        return;
    /* Without memory for a timer there is no waiting for who may never end. */
    if (netio_timer_start(supervisor->loop, &supervisor->patience,
                          netio_deadline_in(seconds[patience])) < 0)
        netio__workers_kill(supervisor);
}

static void start_next(struct netio_supervisor *supervisor)
{
    supervisor->next = ++supervisor->generations;
    supervisor->why = (struct netio_error){0};
    if (supervisor->workers_next == 0)
        supervisor->workers_next = supervisor->workers;
}

static struct netio_notify *manager_of(const struct netio_supervisor *supervisor)
{
    return supervisor->options.daemon ? netio_daemon_notify(supervisor->options.daemon) : NULL;
}

static void carry_out(struct netio_supervisor *supervisor, unsigned todo)
{
    if (todo & NETIO__DO_TIMER)
        set_timer(supervisor);
    if (todo & NETIO__DO_ABANDON)
        netio__workers_abandon(supervisor);
    if (todo & NETIO__DO_KILL_SUCCESSOR)
        netio__upgrade_undo(supervisor);
    if (todo & NETIO__DO_COMMIT)
        netio__workers_commit(supervisor);
    if (todo & (NETIO__DO_DRAIN | NETIO__DO_CUT)) {
        supervisor->tells &= ~NETIO__TELL_RELOAD;     /* it could not be done any more */
        netio_listeners_close(supervisor->listeners); /* who comes now must not wait for nobody */
        if (!supervisor->left)
            (void)netio_notify_stopping(manager_of(supervisor));
    }
    if (todo & NETIO__DO_DRAIN)
        netio__workers_drain(supervisor, netio_deadline_in(supervisor->options.drain_seconds));
    if (todo & NETIO__DO_CUT)
        netio__workers_drain(supervisor, NETIO_NOW);
    if (todo & NETIO__DO_KILL)
        netio__workers_kill(supervisor);
    if (todo & NETIO__DO_START)
        start_next(supervisor);
    if (todo & NETIO__DO_UPGRADE)
        netio__upgrade_begin(supervisor);
    supervisor->tells |= todo & -NETIO__TELL_REOPEN;
}

void netio__supervisor_step(struct netio_supervisor *supervisor, enum netio__happening happening)
{
    enum netio__phase before = supervisor->machine.phase;

    carry_out(supervisor, netio__machine_step(&supervisor->machine, happening));
    if (supervisor->machine.phase == NETIO__SERVING &&
        (before == NETIO__RELOADING || before == NETIO__ASKING))
        (void)netio_notify_ready(manager_of(supervisor));
    if (supervisor->machine.phase >= NETIO__STOPPING && supervisor->count == 0 &&
        supervisor->machine.phase != NETIO__ENDED)
        netio__supervisor_step(supervisor, NETIO__EMPTY);
}

static void patience_ends(struct netio_timer *timer)
{
    netio__supervisor_step(timer->data, NETIO__TIMER);
}

static void take_signals(struct netio_watch *watch, unsigned events)
{
    struct netio_supervisor *supervisor = watch->data;
    int number;

    (void)events;
    while ((number = netio_signals_next(supervisor->signals)) > 0)
        netio__supervisor_step(supervisor, number == SIGHUP    ? NETIO__HUP
                                           : number == SIGUSR1 ? NETIO__USR1
                                           : number == SIGUSR2 ? NETIO__USR2
                                           : number == SIGINT  ? NETIO__INT
                                                               : NETIO__TERM);
}

void netio_supervisor_stop(struct netio_supervisor *supervisor, int at_once)
{
    netio__supervisor_step(supervisor, at_once ? NETIO__INT : NETIO__TERM);
}

/* ---- new and free ---------------------------------------------------------------------------- */

static void set_handlers(struct netio_supervisor *supervisor)
{
    supervisor->patience = (struct netio_timer){.fire = patience_ends, .data = supervisor};
    supervisor->gate = (struct netio_timer){.fire = netio__workers_gate, .data = supervisor};
    supervisor->look = (struct netio_timer){.fire = netio__heart_look, .data = supervisor};
    supervisor->status_again = (struct netio_timer){.fire = netio__status_try, .data = supervisor};
    supervisor->signal = (struct netio_watch){.ready = take_signals, .data = supervisor};
    for (size_t i = 0; i < NETIO__PLACES; i++) {
        supervisor->places[i].supervisor = supervisor;
        supervisor->places[i].child.pidfd = supervisor->places[i].control = -1;
    }
}

static int make_boards(struct netio_supervisor *supervisor)
{
    void *shared = mmap(NULL, NETIO__PLACES * sizeof *supervisor->boards, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED)
        return -errno;
    supervisor->boards = shared;
    return 0;
}

static int open_all(struct netio_supervisor *supervisor)
{
    int code = make_boards(supervisor);

    if (code == 0)
        code = netio_listeners_new(&supervisor->listeners);
    if (code == 0)
        code = netio_loop_new(&supervisor->loop, 0);
    if (code == 0)
        netio_loop_mark(supervisor->loop, supervisor->options.mark);
    if (code == 0)
        code = supervisor->signals = netio_signals_open(netio__supervisor_signals);
    return code < 0 ? code
                    : netio_watch_start(supervisor->loop, &supervisor->signal, supervisor->signals,
                                        NETIO_READ);
}

int netio_supervisor_new(struct netio_supervisor **out,
                         const struct netio_supervisor_options *options, struct netio_error *error)
{
    struct netio_supervisor *supervisor = calloc(1, sizeof *supervisor);

    *out = NULL;
    if (!supervisor)
        return netio_error_set(error, NETIO_STAGE_CHILD, -ENOMEM, NULL, "supervisor");
    supervisor->pid = getpid();
    supervisor->signals = -1;
    set_handlers(supervisor);
    int code = netio__options_set(supervisor, options, error);
    if (code == 0 && (code = open_all(supervisor)))
        netio_error_set(error, NETIO_STAGE_CHILD, code, NULL, "supervisor");
    if (code == 0)
        code = netio_successor_new(&supervisor->successor, supervisor->loop, supervisor->listeners,
                                   error);
    if (code == 0 && supervisor->options.status)
        code = netio__status_open(supervisor, error);
    if (code)
        netio_supervisor_free(supervisor);
    else
        *out = supervisor;
    return code;
}

static void forget_workers(struct netio_supervisor *supervisor)
{
    for (size_t i = 0; i < NETIO__PLACES; i++) {
        netio_child_forget(&supervisor->places[i].child);
        netio_fd_close(supervisor->places[i].control);
    }
}

void netio_supervisor_free(struct netio_supervisor *supervisor)
{
    if (!supervisor)
        return;
    if (supervisor->pid == getpid()) {
        if (supervisor->watched)
            (void)netio_notify_watchdog(manager_of(supervisor), NULL);
        forget_workers(supervisor);
        netio__status_close(supervisor);
        netio__upgrade_leave(supervisor);
        netio_loop_free(supervisor->loop);
        if (supervisor->signals >= 0)
            netio_signals_close(supervisor->signals, netio__supervisor_signals);
        if (supervisor->boards)
            munmap(supervisor->boards, NETIO__PLACES * sizeof *supervisor->boards);
    }
    netio_listeners_free(supervisor->listeners);
    netio__options_free(supervisor);
    free(supervisor);
}

/* ---- listeners ------------------------------------------------------------------------------- */

int netio_supervisor_reload(struct netio_supervisor *supervisor, const char *const *addresses,
                            size_t count, unsigned workers, struct netio_error *error)
{
    enum netio__phase phase = supervisor->machine.phase;

    if (supervisor->pid != getpid() || !supervisor->begun ||
        (phase != NETIO__SERVING && phase != NETIO__ASKING))
        return netio_error_set(error, NETIO_STAGE_LISTEN, -EBUSY, NULL, "reload");
    if (workers > NETIO_WORKERS_MAX)
        return netio_error_set(error, NETIO_STAGE_OPTION, NETIO_EBADOPTION, NULL, "workers");
    int code = netio_listeners_prepare(supervisor->listeners, addresses, count, error);
    if (code)
        return code;
    if (phase == NETIO__SERVING)
        (void)netio_notify_reloading(manager_of(supervisor));
    supervisor->tells &= ~NETIO__TELL_RELOAD;
    supervisor->workers_next = workers;
    netio__supervisor_step(supervisor, NETIO__RELOAD);
    return 0;
}

int netio_supervisor_listen(struct netio_supervisor *supervisor, const char *const *addresses,
                            size_t count, struct netio_error *error)
{
    if (supervisor->begun)
        return netio_supervisor_reload(supervisor, addresses, count, 0, error);
    struct netio_error own = {.code = 0};
    struct netio_error *why = error ? error : &own;
    int code = netio_listeners_prepare(supervisor->listeners, addresses, count, why);
    /* What a predecessor has left is its until it gives it up. */
    if (code == 0 && !supervisor->successor)
        netio_listeners_commit(supervisor->listeners);
    if (code && supervisor->successor)
        netio_successor_fail(supervisor->successor, why);
    return code;
}

int netio_supervisor_listen_take(struct netio_supervisor *supervisor, int fd)
{
    return netio_listeners_pass(supervisor->listeners, fd);
}

const struct netio_addr *netio_supervisor_address(const struct netio_supervisor *supervisor,
                                                  size_t i)
{
    enum netio_listeners_which which =
        supervisor->generation ? NETIO_LISTENERS_PRESENT : NETIO_LISTENERS_NEXT;
    const struct netio_listener *listener =
        supervisor->listeners ? netio_listeners_at(supervisor->listeners, which, i) : NULL;

    return listener ? &listener->address : NULL;
}

/* ---- run ------------------------------------------------------------------------------------- */

/* What the program has done about the last event. */
static void go_on(struct netio_supervisor *supervisor)
{
    if (!supervisor->begun) {
        supervisor->begun = 1;
        carry_out(supervisor, netio__machine_begin(&supervisor->machine));
    }
    if (supervisor->reopened)
        netio__workers_log(supervisor, netio_log_fd(supervisor->options.log));
    supervisor->reopened = 0;
    netio__upgrade_done(supervisor);
    /* A manager's patience begins when it hears of ready, which the program has told it by now. */
    if (supervisor->generation && !supervisor->watched) {
        supervisor->watched = 1;
        (void)netio_notify_watchdog(manager_of(supervisor), supervisor->loop);
    }
    if (supervisor->machine.phase == NETIO__ASKING && !(supervisor->tells & NETIO__TELL_RELOAD))
        netio__supervisor_step(supervisor, NETIO__UNCHANGED);
}

/* The first of what is to be told, as an event or a code; 1: nothing is. */
static int tell(struct netio_supervisor *supervisor, struct netio_error *error)
{
    unsigned told = supervisor->tells & -supervisor->tells;

    supervisor->tells &= ~told;
    switch (told) {
    case NETIO__TELL_REOPEN:
        supervisor->reopened = 1;
        return NETIO_SUPERVISOR_REOPEN;
    case NETIO__TELL_READY:
        return NETIO_SUPERVISOR_READY;
    case NETIO__TELL_RELOADED:
        return NETIO_SUPERVISOR_RELOADED;
    case NETIO__TELL_RELOAD:
        (void)netio_notify_reloading(manager_of(supervisor));
        return NETIO_SUPERVISOR_RELOAD;
    case NETIO__TELL_DONE:
        return NETIO_SUPERVISOR_DONE;
    default: /* KEPT, FAILED */
        if (supervisor->successor)
            netio_successor_fail(supervisor->successor, &supervisor->why);
        if (error)
            *error = supervisor->why;
        return told == NETIO__TELL_KEPT ? NETIO_SUPERVISOR_KEPT : supervisor->why.code;
    }
}

int netio_supervisor_run(struct netio_supervisor *supervisor, struct netio_worker **worker,
                         struct netio_error *error)
{
    *worker = NULL;
    if (supervisor->pid != getpid())
        return netio_error_set(error, NETIO_STAGE_CHILD, -EPERM, NULL, "run");
    go_on(supervisor);
    if (supervisor->machine.phase == NETIO__ENDED && !supervisor->tells)
        return NETIO_SUPERVISOR_DONE;
    while (!supervisor->tells) {
        if (netio__workers_fill(supervisor, worker))
            return NETIO_SUPERVISOR_WORKER;
        if (supervisor->tells)
            break;
        int ran = netio_loop_step(supervisor->loop, NETIO_NEVER);
        if (ran < 0)
            return netio_error_set(error, NETIO_STAGE_CHILD, ran, NULL, "loop");
        netio__upgrade_look(supervisor);
        if (ran == 0 && !supervisor->tells)
            return -EINTR;
    }
    return tell(supervisor, error);
}
