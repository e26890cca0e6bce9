/* Says hello, and then everything back that it is told.
 *
 *      cc hello-server.c -o hello-server $(pkg-config --cflags --libs netio)
 *      ./hello-server [ADDRESS]           2907 unless it is named
 */
#include <netio/server.h>

#include <stdio.h>
#include <sysexits.h>

static void on_open(struct netio_conn *conn)
{
    netio_conn_printf(conn, "hello, world\r\n");
}

static size_t on_data(struct netio_conn *conn, char *data, size_t len)
{
    netio_conn_write(conn, data, len);
    return len;
}

int main(int argc, char **argv)
{
    static const struct netio_server_handlers handlers = {.on_open = on_open, .on_data = on_data};
    struct netio_server *server;
    struct netio_error error;
    char text[640];

    if (netio_server_new(&server, NULL, &handlers, NULL) != 0)
        return EX_OSERR;
    if (netio_server_listen(server, argc > 1 ? argv[1] : "2907", &error) != 0) {
        fprintf(stderr, "hello-server: %s\n", netio_error_str(&error, text, sizeof text));
        return EX_UNAVAILABLE;
    }
    return netio_server_run(server) == 0 ? EX_OK : EX_OSERR;
}
