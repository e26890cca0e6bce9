/* The simplest server: one client after the other, with a socket that reads and writes as a file
 * does.  Who comes meanwhile waits.
 *
 *      cc iterative-server.c -o iterative-server $(pkg-config --cflags --libs netio)
 *      ./iterative-server [ADDRESS]       2907 unless it is named
 */
#include <netio/server.h>

#include <stdio.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static void on_serve(struct netio_conn *conn, int fd)
{
    time_t now = time(NULL);
    char text[64];

    (void)conn;
    size_t len = strftime(text, sizeof text, "it is %H:%M:%S\r\n", localtime(&now));
    if (write(fd, text, len) == -1)
        perror("iterative-server");
}

int main(int argc, char **argv)
{
    static const struct netio_server_handlers handlers = {.on_serve = on_serve};
    static const struct netio_server_options options = {.model = NETIO_MODEL_ITERATIVE};
    struct netio_server *server;
    struct netio_error error;
    char text[640];

    if (netio_server_new(&server, NULL, &handlers, &options) != 0)
        return EX_OSERR;
    if (netio_server_listen(server, argc > 1 ? argv[1] : "2907", &error) != 0) {
        fprintf(stderr, "iterative-server: %s\n", netio_error_str(&error, text, sizeof text));
        return EX_UNAVAILABLE;
    }
    return netio_server_run(server) == 0 ? EX_OK : EX_OSERR;
}
