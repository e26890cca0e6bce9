/* Ring 3.  What workers do, for who asks: see netio/supervisor.h.  Called by programs, and by
 * supervisor.c for the status address, where a server of its own writes one line a worker to
 * whoever connects.  It reads what workers count (server/board.h), and believes none of it further
 * than to print it. */
#include "server/engine.h"
#include "server/supervisor.h"

#include <inttypes.h>
#include <syslog.h>
#include <stdio.h>

static const char *state_of(const struct netio__place *place)
{
    static const char *const names[] = {[NETIO__WORKER_STARTING] = "starting",
                                        [NETIO__WORKER_SERVING] = "serving",
                                        [NETIO__WORKER_DRAINING] = "draining",
                                        [NETIO__WORKER_KILLED] = "killed"};

    return names[place->state];
}

int netio_supervisor_worker(const struct netio_supervisor *supervisor, size_t i,
                            struct netio_worker_status *status)
{
    for (const struct netio__place *place = supervisor->places;
         place < supervisor->places + NETIO__PLACES; place++) {
        if (!place->pid || i-- > 0)
            continue;
        *status = (struct netio_worker_status){
            .pid = place->pid,
            .number = place->number,
            .generation = place->generation,
            .state = state_of(place),
            .server = supervisor->boards[place - supervisor->places].status,
        };
        return 1;
    }
    return 0;
}

static double uptime(const struct netio_server_status *server)
{
    int64_t now = netio_clock_now();

    return server->started > 0 && server->started < now ? (double)(now - server->started) / 1e9 : 0;
}

int netio_worker_status_str(const struct netio_worker_status *status, char *out, size_t size)
{
    const struct netio_server_status *server = &status->server;
    size_t used = 0;

/* As snprintf: counts what there is no room for. */
#define PUT(...)                                                                                   \
    used += (size_t)snprintf(used < size ? out + used : NULL, used < size ? size - used : 0,       \
                             __VA_ARGS__)
    PUT("worker=%u generation=%u pid=%ld state=%s connections=%" PRIu64 " accepted=%" PRIu64
        " datagrams=%" PRIu64,
        status->number, status->generation, (long)status->pid, status->state, server->connections,
        server->accepted, server->datagrams);
    for (int why = 0; why < NETIO_REFUSED_REASONS; why++)
        PUT(" refused-%s=%" PRIu64, netio_refused_str((enum netio_refused)why),
            server->refused[why]);
    PUT(" uptime=%.1f\n", uptime(server));
#undef PUT
    return (int)used;
}

/* ---- the status address ---------------------------------------------------------------------- */

#define PLACES  8 /* for those who ask at the same time; others wait in the backlog */
#define SECONDS 5 /* for all of it */
#define LINE    512
#define AGAIN   1 /* seconds between two tries to open it */

static void say_all(struct netio_conn *conn)
{
    const struct netio_supervisor *supervisor = netio_server_data(netio_conn_server(conn));
    struct netio_worker_status status;
    char line[LINE];

    for (size_t i = 0; netio_supervisor_worker(supervisor, i, &status); i++) {
        int n = netio_worker_status_str(&status, line, sizeof line);
        (void)netio_conn_write(conn, line, n < LINE ? (size_t)n : LINE - 1);
    }
    netio_conn_close(conn);
}

int netio__status_open(struct netio_supervisor *supervisor, struct netio_error *error)
{
    static const struct netio_server_handlers handlers = {.on_open = say_all};
    const struct netio_server_options options = {
        .max_connections = PLACES, .total_seconds = SECONDS, .data = supervisor};

    int code = netio_server_new(&supervisor->status, supervisor->loop, &handlers, &options);
    if (code)
        return netio_error_set(error, NETIO_STAGE_LISTEN, code, NULL, supervisor->options.status);
    code = netio_server_listen(supervisor->status, supervisor->options.status, error);
    if (code)
        netio__status_close(supervisor);
    return code;
}

/* Without descriptors or memory it is tried again, as there may be some in a while. */
void netio__status_reopen(struct netio_supervisor *supervisor)
{
    struct netio_error error;
    char text[640];

    if (!supervisor->options.status)
        return;
    int lost = netio__status_open(supervisor, &error) != 0;
    if (lost)
        (void)netio_timer_start(supervisor->loop, &supervisor->status_again,
                                netio_deadline_in(AGAIN));
    if (lost && !supervisor->status_lost)
        netio_log(supervisor->options.log, LOG_ERR, "status: %s; tried again until it is open",
                  netio_error_str(&error, text, sizeof text));
    else if (!lost && supervisor->status_lost)
        netio_log(supervisor->options.log, LOG_NOTICE, "status: open again");
    supervisor->status_lost = lost;
}

void netio__status_try(struct netio_timer *timer)
{
    netio__status_reopen(timer->data);
}

void netio__status_close(struct netio_supervisor *supervisor)
{
    netio_timer_stop(&supervisor->status_again);
    netio_server_free(supervisor->status);
    supervisor->status = NULL;
}

void netio__status_leave(struct netio_supervisor *supervisor)
{
    struct netio_server *server = supervisor->status;

    while (server && !netio__ring_alone(&server->conns))
        netio__conn_drop(NETIO__RING_OF(server->conns.next, struct netio_conn, all));
    netio__status_close(supervisor);
}
