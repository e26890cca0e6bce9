/* A stream server: tells everybody who says something how long it was.
 *
 *      cc stream-server.c -o stream-server $(pkg-config --cflags --libs netio)
 *      ./stream-server [SERVICE|PORT|ADDRESS:PORT]        2907 unless it is named
 */
#include <netio/server.h>

#include <stdio.h>
#include <sysexits.h>

static void on_line(struct netio_conn *conn, char *line, size_t len)
{
    char peer[NETIO_ADDR_STRLEN];

    printf("%zu bytes from %s\n", len, netio_addr_str(netio_conn_peer(conn), peer, sizeof peer));
    netio_conn_printf(conn, "%zu bytes: %s\r\n", len, line);
}

int main(int argc, char **argv)
{
    static const struct netio_server_handlers handlers = {.on_line = on_line};
    struct netio_server *server;
    struct netio_error error;
    char text[640];

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (netio_server_new(&server, NULL, &handlers, NULL) != 0)
        return EX_OSERR;
    if (netio_server_listen(server, argc > 1 ? argv[1] : "2907", &error) != 0) {
        fprintf(stderr, "stream-server: %s\n", netio_error_str(&error, text, sizeof text));
        return EX_UNAVAILABLE;
    }
    return netio_server_run(server) == 0 ? EX_OK : EX_OSERR;
}
