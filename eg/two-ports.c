/* One server on two ports, which does something else while nobody asks: it looks for primes.
 *
 *      cc two-ports.c -o two-ports $(pkg-config --cflags --libs netio)
 *      ./two-ports [ADDRESS ADDRESS]      2907, which tells how many, and 2908, which the last one
 */
#include <netio/server.h>

#include <stdio.h>
#include <sysexits.h>

#define WANTED 100000

static unsigned long found, last = 1;

/* One prime a call; clients are looked after in between. */
static int on_idle(struct netio_server *server)
{
    unsigned long number = last + 1, factor = 2;

    (void)server;
    if (found == WANTED)
        return 0; /* enough: from now on it only waits */
    for (; factor * factor <= number; factor++)
        if (number % factor == 0)
            number++, factor = 1;
    last = number;
    found++;
    return 1;
}

static void on_open(struct netio_conn *conn)
{
    const struct netio_addr *first = netio_server_address(netio_conn_server(conn), 0);
    struct netio_addr local;

    if (netio_conn_local(conn, &local) == 0 && netio_addr_port(&local) == netio_addr_port(first))
        netio_conn_printf(conn, "%lu primes so far\r\n", found);
    else
        netio_conn_printf(conn, "the last one is %lu\r\n", last);
    netio_conn_close(conn);
}

int main(int argc, char **argv)
{
    static const struct netio_server_handlers handlers = {.on_open = on_open, .on_idle = on_idle};
    const char *addresses[] = {argc > 2 ? argv[1] : "2907", argc > 2 ? argv[2] : "2908"};
    struct netio_server *server;
    struct netio_error error;
    char text[640];

    if (netio_server_new(&server, NULL, &handlers, NULL) != 0)
        return EX_OSERR;
    for (int i = 0; i < 2; i++)
        if (netio_server_listen(server, addresses[i], &error) != 0) {
            fprintf(stderr, "two-ports: %s\n", netio_error_str(&error, text, sizeof text));
            return EX_UNAVAILABLE;
        }
    return netio_server_run(server) == 0 ? EX_OK : EX_OSERR;
}
