/* netiod: what its services do, for who asks; see status.h.
 * Called by start.c, house.c and run.c; a server of its own in the house's loop. */
#include "status.h"
#include "inode.h"
#include "options.h"
#include "service.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#define PLACES     8 /* for those who ask at the same time; others wait in the backlog */
#define SECONDS    5 /* for all of it */
#define ANSWER_MAX (64 << 20)

static const char *kind_of(const struct service *service)
{
    static const char *const names[] = {[CONFIG_EXEC] = "exec",
                                        [CONFIG_WAIT] = "wait",
                                        [CONFIG_POOL] = "pool",
                                        [CONFIG_BUILTIN] = "builtin",
                                        [CONFIG_TCPMUX] = "tcpmux"};

    return names[service->config->kind];
}

/* Of datagrams the ones that were answered count as accepted. */
static void say_server(struct netio_conn *conn, const struct service *service)
{
    struct netio_server_status status;

    netio_server_status(service->server, &status);
    (void)netio_conn_printf(conn, " connections=%" PRIu64 " accepted=%" PRIu64, status.connections,
                            status.accepted + status.datagrams - service->counts.unanswered);
    for (int why = 0; why < NETIO_REFUSED_REASONS; why++)
        (void)netio_conn_printf(conn, " refused-%s=%" PRIu64,
                                netio_refused_str((enum netio_refused)why), status.refused[why]);
    if (service->kind == &datagram_kind)
        (void)netio_conn_printf(conn, " unanswered=%" PRIu64, service->counts.unanswered);
}

static void say(struct netio_conn *conn, const struct service *service, const char *state)
{
    const struct service_counts *counts = &service->counts;

    (void)netio_conn_printf(conn,
                            "service=%s protocol=%s kind=%s state=%s running=%zu started=%" PRIu64
                            " ended=%" PRIu64 " failed=%" PRIu64,
                            service->name, service->config->protocol, kind_of(service), state,
                            service->running, counts->started, counts->ended,
                            service_failed(service));
    if (service->server)
        say_server(conn, service);
    (void)netio_conn_write(conn, "\n", 1);
}

/* As long as it is one of the house's. */
static const char *state_of(const struct house *house, const struct service *service)
{
    if (house->stopping || house->left)
        return "leaving";
    return service->failing ? "failing" : "serving";
}

static void say_all(struct netio_conn *conn)
{
    const struct house *house = netio_server_data(netio_conn_server(conn));

    for (size_t i = 0; i < house->count; i++)
        say(conn, house->services[i], state_of(house, house->services[i]));
    for (size_t i = 0; i < house->leaving_count; i++)
        say(conn, house->leaving[i], "leaving");
    netio_conn_close(conn);
}

/* The house's socket stays the house's. */
static int listen_on(struct netio_server *server, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (copy == -1)
        return -errno;
    int code = netio_server_listen_take(server, copy);
    if (code != 0)
        netio_fd_close(copy);
    return code;
}

int status_open(struct house *house, struct netio_error *error)
{
    static const struct netio_server_handlers handlers = {.on_open = say_all};
    const struct netio_server_options options = {.max_connections = PLACES,
                                                 .total_seconds = SECONDS,
                                                 .write_max = ANSWER_MAX,
                                                 .data = house};
    const char *address = house->options->config.status;
    int fds[NETIO_LISTENER_MAX];

    if (!address)
        return 0;
    house->status = NULL;
    int code = netio_server_new(&house->status, house->loop, &handlers, &options);
    size_t count = netio_listeners_find(house->listeners, NETIO_LISTENERS_PRESENT, address, fds);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = listen_on(house->status, fds[i]);
    if (code == 0) {
        house->status_inode = count > 0 ? inode_of(fds[0]) : 0;
        return 0;
    }
    status_close(house);
    return netio_error_set(error, NETIO_STAGE_LISTEN, code, NULL, address);
}

/* Of two addresses of one text both stay as long as netiod does; of a path there is one. */
static ino_t present(const struct house *house)
{
    int fds[NETIO_LISTENER_MAX];
    size_t count = netio_listeners_find(house->listeners, NETIO_LISTENERS_PRESENT,
                                        house->options->config.status, fds);

    return count > 0 ? inode_of(fds[0]) : 0;
}

int status_renew(struct house *house, struct netio_error *error)
{
    struct netio_server *before = house->status;

    if (!house->options->config.status || present(house) == house->status_inode)
        return 0;
    int code = status_open(house, error);
    if (code == 0)
        netio_server_free(before);
    else
        house->status = before;
    return code;
}

void status_close(struct house *house)
{
    netio_server_free(house->status);
    house->status = NULL;
}
