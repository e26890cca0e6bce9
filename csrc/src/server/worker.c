/* Ring 3.  A worker's side of its supervisor; see netio/supervisor.h.  Called by
 * netio_supervisor_run in the new process, and by the program there; in the server's loop it
 * follows what the supervisor says (server/control.h). */
#include "proc/daemonize.h"
#include "server/control.h"
#include "server/engine.h"
#include "server/supervisor.h"

#include <netio/signals.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ORPHAN_SECONDS 1.5 /* who has lost its supervisor; with what it takes to end, two */

#define TURNS_AT_ONCE 64 /* of 16 clients: as many as a queue holds */

struct netio_worker {
    struct netio_supervisor *supervisor; /* what is left of it here */
    struct netio__board *board;
    struct netio_server *server;
    struct netio_log *log;
    struct netio_watch told;
    int control;
    pid_t pid; /* a child of model FORK has another, and is told nothing */
    unsigned number, generation, column;
    enum netio_listeners_which configuration;
};

/* ---- before the fork, and in the supervisor ------------------------------------------------- */

struct netio_worker *netio__worker_new(struct netio__place *place, int control)
{
    struct netio_supervisor *supervisor = place->supervisor;
    struct netio_worker *worker = calloc(1, sizeof *worker);

    if (!worker) {
        netio_fd_close(control);
        return NULL;
    }
    worker->supervisor = supervisor;
    worker->control = control;
    worker->number = place->number;
    worker->generation = place->generation;
    worker->column = (unsigned)(place - supervisor->places);
    worker->board = &supervisor->boards[worker->column];
    worker->configuration =
        place->generation == supervisor->next ? NETIO_LISTENERS_NEXT : NETIO_LISTENERS_PRESENT;
    return worker;
}

void netio__worker_discard(struct netio_worker *worker)
{
    if (!worker)
        return;
    netio_fd_close(worker->control);
    free(worker);
}

/* ---- in the new process --------------------------------------------------------------------- */

/* What was sent to the supervisor's group before it was left is not for us. */
static void leave_group(struct netio_supervisor *supervisor)
{
    (void)setpgid(0, 0);
    while (netio_signals_next(supervisor->signals) > 0)
        ;
    netio_signals_close(supervisor->signals, netio__supervisor_signals);
    supervisor->signals = -1;
}

static void leave_supervisor(struct netio_supervisor *supervisor)
{
    if (supervisor->options.daemon)
        netio__daemon_leave(supervisor->options.daemon);
    netio__status_leave(supervisor);
    netio__upgrade_leave(supervisor);
    netio_loop_free(supervisor->loop);
    supervisor->loop = NULL;
    for (size_t i = 0; i < NETIO__PLACES; i++) {
        netio_child_forget(&supervisor->places[i].child);
        netio_fd_close(supervisor->places[i].control);
        supervisor->places[i].control = -1;
    }
}

static int enter_world(const struct netio_supervisor *supervisor, struct netio_error *error)
{
    if (!supervisor->options.world)
        return 0;
    int code = netio__world_enter(&supervisor->world, error);
    return code ? code : netio__world_drop(&supervisor->world, error);
}

void netio__worker_begin(struct netio_worker *worker)
{
    struct netio_supervisor *supervisor = worker->supervisor;
    struct netio_error error;

    worker->pid = getpid();
    leave_group(supervisor);
    leave_supervisor(supervisor);
    if (supervisor->options.limit)
        netio_limit_use_column(supervisor->options.limit, worker->column);
    worker->board->wake = worker->control;
    if (enter_world(supervisor, &error) == 0)
        return;
    netio_worker_fail(worker, &error);
    _exit(EX_OSERR);
}

static int say(struct netio_worker *worker, enum netio__saying saying,
               const struct netio_error *error)
{
    struct netio__message message;

    memset(&message, 0, sizeof message);
    message.saying = saying;
    if (error)
        message.error = *error;
    return netio__control_send(worker->control, &message, -1);
}

void netio_worker_fail(struct netio_worker *worker, const struct netio_error *error)
{
    (void)say(worker, NETIO__SAY_FAIL, error);
}

int netio_worker_ready(struct netio_worker *worker)
{
    const struct netio_daemon *daemon = worker->supervisor->options.daemon;
    int code = daemon ? netio__daemon_detach(daemon) : 0;

    return code ? code : say(worker, NETIO__SAY_READY, NULL);
}

/* ---- what it is told ------------------------------------------------------------------------- */

/* The kernel has woken one worker alone for a client (EPOLLEXCLUSIVE): if it is this one, which is
 * to stop, nobody else will look who waits until the next one comes; if it is another, which has no
 * descriptor, this one has to. */
static void empty_queues(struct netio_server *server)
{
    for (size_t i = 0; i < server->nslots; i++) {
        struct netio__slot *slot = netio__slot_hold(server->slots[i]);
        for (int turns = 0; turns < TURNS_AT_ONCE && slot->watch.loop &&
                            netio_fd_poll(slot->listener.fd, NETIO_READ, NETIO_NOW) > 0;
             turns++)
            slot->watch.ready(&slot->watch, NETIO_READ);
        netio__slot_put(slot);
    }
}

static void obey(struct netio_worker *worker, const struct netio__message *message, int passed)
{
    if (message->saying == NETIO__SAY_STOP) {
        netio_fd_close(passed);
        if (message->deadline != NETIO_NOW)
            empty_queues(worker->server);
        netio_server_stop(worker->server, message->deadline);
    } else if (message->saying == NETIO__SAY_LOOK) {
        netio_fd_close(passed);
        empty_queues(worker->server);
    } else if (message->saying == NETIO__SAY_LOG && passed >= 0 && worker->log)
        (void)netio_log_replace_take(worker->log, passed);
    else
        netio_fd_close(passed);
}

static void listen_to(struct netio_watch *watch, unsigned events)
{
    struct netio_worker *worker = watch->data;
    struct netio__message message;
    int passed = -1, n = 0;

    (void)events;
    if (worker->pid != getpid()) {
        netio_watch_stop(watch);
        return;
    }
    while (watch->loop && (n = netio__control_receive(worker->control, &message, &passed)) > 0)
        obey(worker, &message, passed);
    if (n == 0 || !watch->loop)
        return;
    /* The supervisor is gone. */
    netio_watch_stop(watch);
    netio_server_stop(worker->server, netio_deadline_in(ORPHAN_SECONDS));
}

int netio_worker_serve(struct netio_worker *worker, struct netio_server *server)
{
    struct netio_supervisor *supervisor = worker->supervisor;
    struct netio_listeners *listeners = supervisor->listeners;

    if (!listeners)
        return -EALREADY;
    supervisor->listeners = NULL;
    worker->server = server;
    netio__server_use_board(server, worker->board);
    int code = netio_listeners_give(listeners, worker->configuration, server);
    if (code)
        return code;
    worker->told = (struct netio_watch){.ready = listen_to, .data = worker};
    return netio_watch_start(netio_server_loop(server), &worker->told, worker->control, NETIO_READ);
}

void netio_worker_log(struct netio_worker *worker, struct netio_log *log)
{
    worker->log = log;
}

unsigned netio_worker_number(const struct netio_worker *worker)
{
    return worker->number;
}

unsigned netio_worker_generation(const struct netio_worker *worker)
{
    return worker->generation;
}

void netio_worker_free(struct netio_worker *worker)
{
    if (!worker)
        return;
    netio_watch_stop(&worker->told);
    worker->board->wake = -1;
    netio_fd_close(worker->control);
    free(worker);
}
