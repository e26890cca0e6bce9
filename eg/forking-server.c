/* A process for each client, ten at most: each has its client to itself, and may take its time.
 *
 *      cc forking-server.c -o forking-server $(pkg-config --cflags --libs netio)
 *      ./forking-server [ADDRESS]         2907 unless it is named
 */
#include <netio/server.h>

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

static void on_serve(struct netio_conn *conn, int fd)
{
    char line[1024];
    FILE *in = fdopen(dup(fd), "r"), *out = fdopen(dup(fd), "w");
    unsigned count = 0;

    (void)conn;
    if (!in || !out)
        return;
    while (fgets(line, sizeof line, in)) {
        fprintf(out, "%u of process %d: %s", ++count, (int)getpid(), line);
        fflush(out);
    }
    fclose(in);
    fclose(out);
}

int main(int argc, char **argv)
{
    static const struct netio_server_handlers handlers = {.on_serve = on_serve};
    static const struct netio_server_options options = {
        .model = NETIO_MODEL_FORK, .max_connections = 10, .full_text = "all lines are busy"};
    struct netio_server *server;
    struct netio_error error;
    char text[640];

    if (netio_server_new(&server, NULL, &handlers, &options) != 0)
        return EX_OSERR;
    if (netio_server_listen(server, argc > 1 ? argv[1] : "2907", &error) != 0) {
        fprintf(stderr, "forking-server: %s\n", netio_error_str(&error, text, sizeof text));
        return EX_UNAVAILABLE;
    }
    int code = netio_server_run(server); /* NETIO_SERVER_CHILD: a client's process is done */
    return code >= 0 ? EX_OK : EX_OSERR;
}
