/* netiod: tcpmux, the port service multiplexer (RFC 1078).  See service.h.
 *
 * Called by service.c and house.c through tcpmux_kind.  A client says the name of a service and
 * CRLF, and goes on with that service.
 *
 *      Only entries that are marked for it ("tcpmux/NAME") can be had (CVE-2012-0862; inetd.md R3),
 *      and their own rules and limits hold, beside those of tcpmux itself.
 *
 *      The service's kind starts what it starts, as whom it always does (CVE-2013-4342; R2).
 *
 *      No byte behind the request is read (R24): the engine reads one at a time, to the line's end.
 *
 *      A request has LINE_MAX bytes, and one deadline for all of them.
 *
 * What the client hears of netiod begins with "-", a reason, CRLF, and is the end; "+Go" of a
 * service with CONFIG_MUX_PLUS, before its program can say anything, so also before a start that
 * fails, after which it hears the end; names, when it asks for "help".  All else is the service's
 * own, also how it refuses. */
#include "served.h"

#include <netio/fd.h>
#include <netio/log.h>
#include <netio/text.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <syslog.h>

#define LINE_MAX  512
#define SHOWN_MAX 256   /* of a name, in the log */
#define UNREAD    65536 /* bytes that are dropped for a client that is refused */

static const struct service *service_of(const struct netio_conn *conn)
{
    return netio_server_data(netio_conn_server(conn));
}

static void refuse(struct netio_conn *conn, const char *reason)
{
    (void)netio_conn_printf(conn, "-%s\r\n", reason);
    netio_conn_close(conn);
}

static void help(struct netio_conn *conn)
{
    const struct house *house = service_of(conn)->house;

    for (size_t i = 0; i < house->count; i++) {
        const struct config_service *config = house->services[i]->config;
        if (config->mux != CONFIG_NO_MUX)
            (void)netio_conn_printf(conn, "%s\r\n", config_mux_name(config));
    }
    netio_conn_close(conn);
}

/* ---- to another service ---- */

/* What was read of a question goes: a socket that is closed with bytes unread is reset, and that
 * may overtake the text. */
static void refuse_released(int fd, const char *text)
{
    char bytes[4096];
    size_t left = UNREAD;

    (void)netio_fd_send(fd, text, strlen(text));
    while (left > 0 && netio_fd_recv(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes)
        left -= sizeof bytes;
}

/* The service has answered for itself if it has a text for those whom it refuses. */
static void not_served(const struct service *target, int fd, int code)
{
    const struct config_service *config = target->config;

    if (code != -EACCES) {
        netio_log(target->house->log, LOG_WARNING, "%s: a client of tcpmux: %s", target->name,
                  netio_error_text(code));
        refuse_released(fd, "-Service not available\r\n");
    } else if (!config->refused_text && !config->full_text)
        refuse_released(fd, "-Refused\r\n");
}

/* The second descriptor is for what is to be said once it is known whether the service takes the
 * client: its program starts in the next step of the loop, so "+" comes first. */
static void pass(struct netio_conn *conn, struct service *target)
{
    int second = fcntl(netio_conn_fd(conn), F_DUPFD_CLOEXEC, 3);

    if (second == -1) {
        refuse(conn, "Service not available");
        return;
    }
    const struct netio_addr *peer = netio_conn_peer(conn);
    int code = target->kind->serve(target, netio_conn_release(conn), peer);
    if (code != 0)
        not_served(target, second, code);
    else if (target->config->mux == CONFIG_MUX_PLUS)
        (void)netio_fd_send(second, "+Go\r\n", 5);
    netio_fd_close(second);
}

/* ---- requests ---- */

static void log_request(const struct netio_conn *conn, const char *line, size_t len)
{
    const struct service *service = service_of(conn);
    char peer[NETIO_ADDR_STRLEN], shown[4 * SHOWN_MAX + 1];

    netio_text_safe(line, len < SHOWN_MAX ? len : SHOWN_MAX, shown, sizeof shown);
    netio_log(service->house->log, LOG_INFO, "%s: %s asks for \"%s\"%s", service->name,
              netio_addr_str(netio_conn_peer(conn), peer, sizeof peer), shown,
              len > SHOWN_MAX ? "..." : "");
}

/* At the service's own port clients wait in the backlog as long as its rate is spent; here there is
 * no such place. */
static int is_early(const struct service *target)
{
    int64_t now = netio_loop_now(target->house->loop);

    return target->limit && netio_limit_next(target->limit, now) > now;
}

static void on_line(struct netio_conn *conn, char *line, size_t len)
{
    struct service *target;

    log_request(conn, line, len);
    if (len == 0 || strlen(line) != len)
        refuse(conn, "No such service");
    else if (strcasecmp(line, "help") == 0)
        help(conn);
    else if (!(target = house_muxed(service_of(conn)->house, line)))
        refuse(conn, "No such service");
    else if (!target->kind->serve)
        refuse(conn, "Service not available");
    else if (is_early(target))
        refuse(conn, "Too many, try again later");
    else
        pass(conn, target);
}

static void on_toolong(struct netio_conn *conn)
{
    refuse(conn, "Request too long");
}

/* Who has asked is in the log already. */
static void on_close(struct netio_conn *conn, enum netio_close why)
{
    const struct service *service = service_of(conn);
    char peer[NETIO_ADDR_STRLEN];

    if (why != NETIO_CLOSE_DONE && why != NETIO_CLOSE_DRAIN)
        netio_log(service->house->log, LOG_INFO, "%s: %s: %s", service->name,
                  netio_addr_str(netio_conn_peer(conn), peer, sizeof peer), netio_close_str(why));
}

/* ---- the kind ---- */

static void tune(const struct service *service, struct netio_server_options *options)
{
    (void)service;
    options->line_max = LINE_MAX;
    options->read_max = 1;
    options->read_seconds = options->write_seconds = options->first_seconds;
}

static int open_tcpmux(struct service *service, struct netio_error *error)
{
    struct netio_server_handlers handlers;

    service_server_handlers(&handlers);
    handlers.on_line = on_line;
    handlers.on_toolong = on_toolong;
    handlers.on_close = on_close;
    return served_open(service, &handlers, tune, error);
}

static int change(struct service *service, const struct config_service *before)
{
    return served_change(service, before, tune);
}

const struct service_kind tcpmux_kind = {
    .open = open_tcpmux,
    .listen = served_listen,
    .ignore = served_ignore,
    .change = change,
    .stop = served_stop,
    .free = served_free,
};
