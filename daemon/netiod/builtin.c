/* netiod: the built-in services over streams: echo (RFC 862), discard (863), chargen (864),
 * daytime (867) and time (868).  See service.h.
 *
 * Called by service.c, house.c and tcpmux.c through builtin_kind; a netio_server of model EVENT, so
 * that no client waits for another, and a handful of deadlines: idle (first byte, next byte, bytes
 * that are not taken), total. */
#include "builtin.h"
#include "served.h"

#include <netio/log.h>

#include <inttypes.h>
#include <stdint.h>
#include <syslog.h>

#define READ_MAX   16384 /* of these two all is made that one client can have waiting: */
#define WRITE_MAX  65536 /* who takes nothing is read no further at half of it */
#define HIGH_WATER 8192  /* chargen is this much ahead of its client */

static const struct service *service_of(const struct netio_conn *conn)
{
    return netio_server_data(netio_conn_server(conn));
}

/* The number of the next line is all that is to be known of a connection. */
static void generate(struct netio_conn *conn)
{
    unsigned next = (unsigned)(uintptr_t)netio_conn_data(conn);
    char line[BUILTIN_LINE];

    while (netio_conn_waiting(conn) <= HIGH_WATER) {
        next = builtin_chargen(line, next);
        if (netio_conn_write(conn, line, sizeof line) != 0)
            return;
    }
    netio_conn_set_data(conn, (void *)(uintptr_t)next);
    /* It is not the client's turn to say anything: the time in which it might begins anew. */
    netio_conn_pause(conn);
    netio_conn_resume(conn);
}

static void say_daytime(struct netio_conn *conn)
{
    char text[BUILTIN_DAYTIME];

    (void)netio_conn_write(conn, text, builtin_daytime(text, time(NULL)));
    netio_conn_close(conn);
}

static void say_time(struct netio_conn *conn)
{
    unsigned char bytes[BUILTIN_TIME];

    builtin_time(bytes, time(NULL));
    (void)netio_conn_write(conn, bytes, sizeof bytes);
    netio_conn_close(conn);
}

static void on_open(struct netio_conn *conn)
{
    switch (service_of(conn)->config->builtin) {
    case CONFIG_DAYTIME:
        say_daytime(conn);
        break;
    case CONFIG_TIME:
        say_time(conn);
        break;
    case CONFIG_CHARGEN:
        generate(conn);
        break;
    case CONFIG_ECHO:
    case CONFIG_DISCARD:
        break;
    }
}

static size_t on_data(struct netio_conn *conn, char *data, size_t len)
{
    if (service_of(conn)->config->builtin == CONFIG_ECHO)
        (void)netio_conn_write(conn, data, len);
    return len;
}

/* A reload may have made another service of it. */
static void on_writable(struct netio_conn *conn)
{
    if (service_of(conn)->config->builtin == CONFIG_CHARGEN)
        generate(conn);
}

static void on_close(struct netio_conn *conn, enum netio_close why)
{
    const struct service *service = service_of(conn);
    int64_t micros = (netio_clock_now() - netio_conn_opened(conn)) / 1000;
    char peer[NETIO_ADDR_STRLEN];

    netio_log(service->house->log, LOG_INFO, "%s: %s: %" PRId64 ".%06" PRId64 " s, %s",
              service->name, netio_addr_str(netio_conn_peer(conn), peer, sizeof peer),
              micros / 1000000, micros % 1000000, netio_close_str(why));
}

static void tune(const struct service *service, struct netio_server_options *options)
{
    (void)service;
    options->read_max = READ_MAX;
    options->write_max = WRITE_MAX;
    options->high_water = HIGH_WATER;
    options->write_seconds = options->read_seconds;
}

static int open_builtin(struct service *service, struct netio_error *error)
{
    struct netio_server_handlers handlers;

    service_server_handlers(&handlers);
    handlers.on_open = on_open;
    handlers.on_data = on_data;
    handlers.on_writable = on_writable;
    handlers.on_close = on_close;
    return served_open(service, &handlers, tune, error);
}

static int change(struct service *service, const struct config_service *before)
{
    return served_change(service, before, tune);
}

const struct service_kind builtin_kind = {
    .open = open_builtin,
    .listen = served_listen,
    .ignore = served_ignore,
    .change = change,
    .stop = served_stop,
    .serve = served_serve,
    .free = served_free,
};
