/* Many clients in one process: what one of them says, all others hear.  Who says nothing for a
 * minute has to go, and when the house is full who comes is told so.
 *
 *      cc select-server.c -o select-server $(pkg-config --cflags --libs netio)
 *      ./select-server [ADDRESS [SECONDS]]        2907 and 60 unless they are named
 */
#include <netio/server.h>

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define GUESTS 3

static struct netio_conn *guests[GUESTS];

static void on_open(struct netio_conn *conn)
{
    int i = 0;

    while (guests[i])
        i++;
    guests[i] = conn;
    netio_conn_set_data(conn, &guests[i]);
}

static void on_line(struct netio_conn *conn, char *line, size_t len)
{
    (void)len;
    for (int i = 0; i < GUESTS; i++)
        if (guests[i] && guests[i] != conn)
            netio_conn_printf(guests[i], "%s\r\n", line);
}

static void on_close(struct netio_conn *conn, enum netio_close why)
{
    printf("one has left: %s\n", netio_close_str(why));
    *(struct netio_conn **)netio_conn_data(conn) = NULL;
}

int main(int argc, char **argv)
{
    static const struct netio_server_handlers handlers = {
        .on_open = on_open, .on_line = on_line, .on_close = on_close};
    const struct netio_server_options options = {.max_connections = GUESTS,
                                                 .read_seconds = argc > 2 ? atof(argv[2]) : 60,
                                                 .full_text = "the house is full"};
    struct netio_server *server;
    struct netio_error error;
    char text[640];

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (netio_server_new(&server, NULL, &handlers, &options) != 0)
        return EX_OSERR;
    if (netio_server_listen(server, argc > 1 ? argv[1] : "2907", &error) != 0) {
        fprintf(stderr, "select-server: %s\n", netio_error_str(&error, text, sizeof text));
        return EX_UNAVAILABLE;
    }
    return netio_server_run(server) == 0 ? EX_OK : EX_OSERR;
}
