/* A server for tests in Perl that look at it from outside (t/35-server-faults.t):
 *
 *     drive-server ADDRESS
 *
 * It prints the address it listens on and answers each line "LINE" with "<LINE>", once; the
 * line "stay" leaves the connection open.  What on_trouble hears and why connections end go
 * to stderr.  SIGTERM stops it within two seconds. */
#include "tap.h"

#include <netio/server.h>
#include <netio/signals.h>

#include <signal.h>

static void answer(struct netio_conn *conn, char *line, size_t len)
{
    netio_conn_printf(conn, "<%.*s>\n", (int)len, line);
    if (strcmp(line, "stay") != 0)
        netio_conn_close(conn);
}

static void closed(struct netio_conn *conn, enum netio_close why)
{
    char peer[NETIO_ADDR_STRLEN];

    netio_addr_host_str(netio_conn_peer(conn), peer, sizeof peer);
    fprintf(stderr, "%s: %s\n", peer, netio_close_str(why));
}

static void trouble(struct netio_server *server, const struct netio_error *error)
{
    (void)server;
    fprintf(stderr, "trouble: %s\n", netio_error_name(error->code));
}

static void terminate(struct netio_watch *watch, unsigned events)
{
    (void)events;
    if (netio_signals_next(watch->fd) == SIGTERM)
        netio_server_stop(watch->data, netio_deadline_in(2));
}

int main(int argc, char **argv)
{
    static const int signals[] = {SIGTERM, 0};
    struct netio_server_handlers handlers = {
        .on_line = answer, .on_close = closed, .on_trouble = trouble};
    struct netio_watch watch = {.ready = terminate};
    struct netio_server *server;
    struct netio_error error;
    char text[320];

    if (argc != 2)
        skip_all("a driver for tests in Perl");
    if (netio_server_new(&server, NULL, &handlers, NULL) ||
        netio_server_listen(server, argv[1], &error)) {
        fprintf(stderr, "%s\n", netio_error_str(&error, text, sizeof text));
        return 1;
    }
    watch.data = server;
    int fd = netio_signals_open(signals);
    if (fd < 0 || netio_watch_start(netio_server_loop(server), &watch, fd, NETIO_READ) < 0)
        return 1;
    printf("%s\n", netio_addr_str(netio_server_address(server, 0), text, sizeof text));
    int code = netio_server_run(server);
    netio_watch_stop(&watch);
    netio_fd_close(fd);
    netio_server_free(server);
    (void)tap_done;
    return code ? 1 : 0;
}
