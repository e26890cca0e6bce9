/* netiod: the clients of a pool that cannot be started; see pool_down.h.
 * Called by pool.c, and by its server in the house's loop; accepts on the service's sockets, counts
 * who is let go, and writes to the log.
 *
 * Nobody is read from or written to, so that neither rules nor limits have a say. */
#include "pool_down.h"
#include "unserved.h"

#include <netio/peer.h>

#include <errno.h>
#include <stdio.h>
#include <syslog.h>

/* There is no program for anybody. */
static int let_go(struct netio_conn *conn, struct netio_child *child)
{
    struct service *service = netio_server_data(netio_conn_server(conn));
    const struct netio_addr *peer = netio_conn_peer(conn);
    struct netio_peer credentials;
    const struct launch how = {
        .service = service,
        .peer = peer,
        .credentials = launch_credentials(&credentials, peer, netio_conn_fd(conn)),
        .fault = unserved_why(peer),
    };

    (void)child;
    launch_failed(&how, service->failing);
    service->counts.failed++;
    return -ECHILD;
}

int pool_down_open(struct pool_down *down, struct service *service)
{
    const struct netio_server_options options = {.model = NETIO_MODEL_FORK, .data = service};
    struct netio_server_handlers handlers;

    service_server_handlers(&handlers);
    handlers.on_spawn = let_go;
    handlers.on_refused = unserved_log;
    return netio_server_new(&down->server, service->house->loop, &handlers, &options);
}

/* The pool has had them, too. */
static int listen_on_all(const struct pool_down *down, const struct service *service)
{
    int code = 0;

    for (size_t i = 0; i < service->fds_count; i++) {
        int of_this = netio_server_listen_on(down->server, service->fds[i], 1);
        if (of_this)
            code = of_this;
    }
    return code;
}

/* While the house is resting clients wait for a successor, or for the next try. */
void pool_down_begin(struct pool_down *down, struct service *service, const char *why)
{
    if (!service->failing)
        netio_log(service->house->log, LOG_ERR, "%s: %s: clients are let go until one is ready",
                  service->name, why);
    snprintf(down->why, sizeof down->why, "%s", why);
    service->failing = down->why;
    int code = service->house->resting ? 0 : listen_on_all(down, service);
    if (code)
        netio_log(service->house->log, LOG_ERR, "%s: clients wait, they cannot be let go: %s",
                  service->name, netio_error_text(code));
}

void pool_down_pause(struct pool_down *down, const struct service *service)
{
    for (size_t i = 0; i < service->fds_count; i++)
        pool_down_ignore(down, service->fds[i]);
}

void pool_down_ignore(struct pool_down *down, int fd)
{
    (void)netio_server_unlisten(down->server, fd);
}

void pool_down_end(struct pool_down *down, struct service *service)
{
    pool_down_pause(down, service);
    service->failing = NULL;
}

void pool_down_free(struct pool_down *down)
{
    netio_server_free(down->server);
    down->server = NULL;
}
