/* netiod: a process for each connection ("nowait"); see service.h.
 * Called by service.c, house.c, handover.c and tcpmux.c; owns the service's netio_server, of model
 * FORK, and the list of what it has started.
 *
 * Rules, limits, rates, PROXY headers and what to do when nothing is left are the engine's
 * business: here a connection becomes a program.  The engine watches programs and says when one has
 * ended. */
#include "handover.h"
#include "process.h"
#include "served.h"
#include "unserved.h"

#include <netio/clock.h>
#include <netio/peer.h>

#include <errno.h>
#include <stdlib.h>

#define AFTERWARDS (NETIO_SECOND / 100)

struct exec {
    struct process *processes;
};

static int spawn(struct netio_conn *conn, struct netio_child *child)
{
    struct service *service = netio_server_data(netio_conn_server(conn));
    struct exec *exec = service->own;
    struct netio_peer credentials;
    struct netio_addr local;
    struct process *process;
    int fd = netio_conn_fd(conn);

    if (netio_conn_local(conn, &local) < 0)
        local.len = 0;
    const struct launch how = {
        .service = service,
        .fd = fd,
        .peer = netio_conn_peer(conn),
        .local = &local,
        .credentials = launch_credentials(&credentials, &local, fd),
        .fault = unserved_why(netio_conn_peer(conn)),
    };
    int code = process_start(&process, &exec->processes, &how);
    if (code)
        return code;
    *child = process->child;
    netio_conn_set_data(conn, process);
    return 0;
}

/* The pidfd was the engine's. */
static void ended(struct netio_server *server, pid_t pid, int status, void *data)
{
    struct process *process = data;

    (void)server;
    (void)pid;
    process->child.pidfd = -1;
    process_over(process, status);
}

static void tune(const struct service *service, struct netio_server_options *options)
{
    (void)service;
    options->model = NETIO_MODEL_FORK;
}

static int exec_open(struct service *service, struct netio_error *error)
{
    struct netio_server_handlers handlers;

    service->own = calloc(1, sizeof(struct exec));
    if (!service->own)
        return netio_error_set(error, NETIO_STAGE_SERVICE, -ENOMEM, NULL, service->name);
    service_server_handlers(&handlers);
    handlers.on_spawn = spawn;
    handlers.on_end = ended;
    handlers.on_refused = unserved_log;
    return served_open(service, &handlers, tune, error);
}

static int exec_change(struct service *service, const struct config_service *before)
{
    return served_change(service, before, tune);
}

/* What is left of a group when its time is over is killed by process.c; the engine only comes
 * behind that, and sees to connections that have not become a program yet. */
static void exec_stop(struct service *service, netio_deadline deadline)
{
    const struct exec *exec = service->own;
    netio_deadline last = NETIO_NEVER;

    if (deadline != NETIO_NEVER) {
        int64_t now = netio_clock_now();
        last = (deadline > now ? deadline : now) + NETIO_SECOND + AFTERWARDS;
    }
    for (struct process *process = exec->processes; process; process = process->next)
        process_until(process, deadline);
    netio_server_stop(service->server, last);
}

/* The descriptor is to be as one that was accepted. */
static int exec_serve(struct service *service, int fd, const struct netio_addr *peer)
{
    (void)netio_fd_nonblock(fd, 0);
    return served_serve(service, fd, peer);
}

/* A program that a predecessor has started is not this process's to kill: the upgrade may have
 * failed. */
static void exec_free(struct service *service)
{
    struct exec *exec = service->own;

    if (!exec)
        return;
    for (struct process *process = exec->processes; process; process = process->next)
        if (!process->adopted)
            process_kill(process);
    served_free(service);
    service->own = NULL;
    free(exec);
}

static int exec_child(const struct service *service, size_t index, struct handover_child *child)
{
    const struct exec *exec = service->own;

    return process_describe(exec->processes, index, child) != NULL;
}

static int exec_adopt(struct service *service, const struct handover_child *child)
{
    struct exec *exec = service->own;
    struct process *process;
    int code = process_adopt(&process, &exec->processes, service, child);

    if (code == 0) {
        code = netio_server_adopt(service->server, &process->child, &process->peer, process);
        if (code)
            process_over(process, -1);
    }
    return code;
}

const struct service_kind exec_kind = {
    .returns = 1,
    .open = exec_open,
    .listen = served_listen,
    .ignore = served_ignore,
    .change = exec_change,
    .stop = exec_stop,
    .serve = exec_serve,
    .free = exec_free,
    .child = exec_child,
    .adopt = exec_adopt,
};
