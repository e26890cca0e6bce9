/* netiod: one service at work; see service.h, also for who calls it.  What is particular to a kind
 * is in its file; here is what all have: a name, a list of sockets, limits, and the handlers of a
 * netio_server that log. */
#include "service.h"
#include "environment.h"
#include "errors.h"
#include "launch.h"

#include <netio/clock.h>
#include <netio/peer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

const struct service_kind *service_kind_of(const struct config_service *config)
{
    switch (config->kind) {
    case CONFIG_EXEC:
        return &exec_kind;
    case CONFIG_WAIT:
        return &wait_kind;
    case CONFIG_POOL:
        return &pool_kind;
    case CONFIG_TCPMUX:
        return &tcpmux_kind;
    default:
        return config->type == SOCK_STREAM ? &builtin_kind : &datagram_kind;
    }
}

/* ---- life ---- */

int service_open(struct service **service, struct house *house, const struct config_service *config,
                 struct netio_error *error)
{
    struct service *made = calloc(1, sizeof *made);

    *service = NULL;
    if (!made || !(made->name = strdup(config->name))) {
        free(made);
        return netio_error_set(error, NETIO_STAGE_SERVICE, -ENOMEM, NULL, config->name);
    }
    made->house = house;
    made->kind = service_kind_of(config);
    made->config = config;
    made->errors[0] = made->errors[1] = -1;
    int code = made->kind->open(made, error);
    if (code == 0)
        *service = made;
    else
        service_free(made);
    return code;
}

static void go_by(struct service *service, const struct config_service *config)
{
    service->config = config;
    environment_forget(service);
}

int service_change(struct service *service, const struct config_service *config,
                   struct netio_error *error)
{
    const struct config_service *before = service->config;

    go_by(service, config);
    int code = service->kind->change(service, before);
    if (code == 0)
        return 0;
    go_by(service, before);
    return netio_error_set(error, NETIO_STAGE_SERVICE, code, NULL, service->name);
}

int service_listen(struct service *service, int fd)
{
    int *fds = realloc(service->fds, (service->fds_count + 1) * sizeof *fds);

    if (!fds)
        return -ENOMEM;
    service->fds = fds;
    int code = service->kind->listen(service, fd);
    if (code == 0)
        fds[service->fds_count++] = fd;
    return code;
}

void service_ignore(struct service *service, int fd)
{
    for (size_t i = 0; i < service->fds_count; i++) {
        if (service->fds[i] != fd)
            continue;
        service->kind->ignore(service, fd);
        service->fds[i] = service->fds[--service->fds_count];
        return;
    }
}

static void ignore_all(struct service *service)
{
    while (service->fds_count > 0)
        service_ignore(service, service->fds[0]);
    waits_close(service);
}

void service_leave(struct service *service)
{
    ignore_all(service);
    if (!service->kind->returns)
        service->kind->stop(service, NETIO_NEVER);
}

void service_stop(struct service *service, netio_deadline deadline)
{
    ignore_all(service);
    service->kind->stop(service, deadline);
}

/* A connection is a process in most kinds, and is counted once. */
size_t service_running(const struct service *service)
{
    size_t connections = service->server ? netio_server_connections(service->server) : 0;
    size_t running = connections > service->running ? connections : service->running;

    return running - (service->house->left ? service->adopted : 0);
}

uint64_t service_failed(const struct service *service)
{
    struct netio_server_status status = {0};

    if (service->server)
        netio_server_status(service->server, &status);
    return service->counts.failed + status.refused[NETIO_REFUSED_FORK];
}

void service_free(struct service *service)
{
    if (!service)
        return;
    waits_close(service);
    service->kind->free(service);
    errors_close(service);
    environment_forget(service);
    netio_limit_free(service->limit);
    free(service->fds);
    free(service->name);
    free(service);
}

/* ---- limits ---- */

static int is_limited(const struct netio_limit_options *limits)
{
    return limits->total || limits->per_source || limits->rate.count || limits->source_rate.count;
}

/* One that has been made stays, with what it counts. */
int service_limit(struct service *service, const struct config_service *config)
{
    if (service->limit)
        return netio_limit_change(service->limit, &config->limits);
    if (!is_limited(&config->limits))
        return 0;
    return netio_limit_new(&service->limit, &config->limits);
}

/* ---- what kinds with a netio_server have in common ---- */

void service_server_options(const struct service *service, struct netio_server_options *options)
{
    const struct config_service *config = service->config;

    *options = (struct netio_server_options){
        .max_connections = config->max,
        .first_seconds = config->first_seconds > 0 ? config->first_seconds : CONFIG_FIRST_SECONDS,
        .read_seconds = config->idle_seconds > 0 ? config->idle_seconds : CONFIG_IDLE_SECONDS,
        .total_seconds = config->total_seconds,
        .access = config->access,
        .limit = service->limit,
        .refused_text = config->refused_text,
        .full_text = config->full_text,
        .data = (void *)service,
    };
}

void service_log_refused(const struct service *service, int level, const char *what,
                         unsigned long count)
{
    if (count > 1)
        netio_log(service->house->log, level, "%s: %s, and %lu before", service->name, what,
                  count - 1);
    else
        netio_log(service->house->log, level, "%s: %s", service->name, what);
}

unsigned long service_untold(struct service_untold *untold, int64_t now)
{
    unsigned long count = ++untold->count;

    if (untold->told && now - untold->told < NETIO_SECOND)
        return 0;
    *untold = (struct service_untold){.told = now};
    return count;
}

/* " uid 33" of a peer on a unix socket; nothing of others. */
static void write_user(char *text, size_t size, const struct netio_addr *peer, int fd)
{
    struct netio_peer credentials;

    *text = '\0';
    if (launch_credentials(&credentials, peer, fd))
        snprintf(text, size, " uid %lu", (unsigned long)credentials.uid);
}

static void log_refused(struct netio_server *server, const struct netio_addr *peer,
                        enum netio_refused why, unsigned long count)
{
    char text[NETIO_ADDR_STRLEN], user[32], what[NETIO_ADDR_STRLEN + 96];

    netio_addr_str(peer, text, sizeof text);
    write_user(user, sizeof user, peer, netio_server_refused_fd(server));
    snprintf(what, sizeof what, "refused %s%s (%s)", text, user, netio_refused_str(why));
    service_log_refused(netio_server_data(server), LOG_NOTICE, what, count);
}

static int is_scarce(int code)
{
    return code == -EMFILE || code == -ENFILE || code == -ENOBUFS || code == -ENOMEM;
}

/* Who comes waits in the backlog, and nobody is told but the log. */
static void log_trouble(struct netio_server *server, const struct netio_error *error)
{
    struct service *service = netio_server_data(server);
    char text[640];

    (void)netio_error_str(error, text, sizeof text);
    if (error->code == NETIO_EFULL)
        waits_note(service, WAITS_FULL, NULL);
    else if (error->code == -EAGAIN)
        waits_note(service, WAITS_RATE, NULL);
    else if (error->code == -EBUSY)
        waits_note(service, WAITS_SHARED, NULL);
    else if (is_scarce(error->code))
        waits_note(service, WAITS_SCARCE, text);
    else
        netio_log(service->house->log, LOG_WARNING, "%s: %s", service->name, text);
}

void service_server_handlers(struct netio_server_handlers *handlers)
{
    *handlers =
        (struct netio_server_handlers){.on_refused = log_refused, .on_trouble = log_trouble};
}
