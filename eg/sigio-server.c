/* A program that computes, and answers questions about it on the side: SIGIO tells it that somebody
 * is there, and the safepoint in its loop costs next to nothing while nobody is.
 *
 *      cc sigio-server.c -o sigio-server $(pkg-config --cflags --libs netio)
 *      ./sigio-server [ADDRESS]           2907 unless it is named; "quit" ends it
 */
#include <netio/server.h>

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static unsigned long found, last = 1;
static int over;

static int is_prime(unsigned long number)
{
    for (unsigned long factor = 2; factor * factor <= number; factor++)
        if (number % factor == 0)
            return 0;
    return 1;
}

static void on_line(struct netio_conn *conn, char *line, size_t len)
{
    (void)len;
    over = strcmp(line, "quit") == 0;
    netio_conn_printf(conn, "%lu primes up to %lu\r\n", found, last);
    netio_conn_close(conn);
}

int main(int argc, char **argv)
{
    static const struct netio_server_handlers handlers = {.on_line = on_line};
    static const struct netio_server_options options = {.model = NETIO_MODEL_SIGNAL};
    struct netio_server *server;
    struct netio_error error;
    char text[640];

    if (netio_server_new(&server, NULL, &handlers, &options) != 0)
        return EX_OSERR;
    if (netio_server_listen(server, argc > 1 ? argv[1] : "2907", &error) != 0) {
        fprintf(stderr, "sigio-server: %s\n", netio_error_str(&error, text, sizeof text));
        return EX_UNAVAILABLE;
    }
    while (!over) {
        found += is_prime(++last);
        if (netio_server_safepoint(server) < 0)
            return EX_OSERR;
    }
    netio_server_stop(server, netio_deadline_in(1));
    int code = netio_server_run(server);
    netio_server_free(server);
    return code == 0 ? EX_OK : EX_OSERR;
}
