/* echo: what libnetio's server costs by itself: it answers each line with the same line, for as
 * long as the connection lasts.  The peer is peer/responder.c; part/whoisd.pm starts both.
 *
 * It prints "listening on 127.0.0.1:PORT" and ends by a signal. */
#include <netio/addr.h>
#include <netio/server.h>

#include <stdio.h>

static void answer(struct netio_conn *conn, char *line, size_t len)
{
    line[len] = '\n'; /* in place of the NUL that follows every line */
    netio_conn_write(conn, line, len + 1);
}

int main(void)
{
    struct netio_server_handlers handlers = {.on_line = answer};
    struct netio_server *server;
    struct netio_error error;
    char text[NETIO_ADDR_STRLEN];

    if (netio_server_new(&server, NULL, &handlers, NULL) ||
        netio_server_listen(server, "127.0.0.1:0", &error)) {
        fprintf(stderr, "echo: cannot listen\n");
        return 1;
    }
    printf("listening on %s\n", netio_addr_str(netio_server_address(server, 0), text, sizeof text));
    fflush(stdout);
    int code = netio_server_run(server);
    netio_server_free(server);
    return code != 0;
}
