/* The smallest daemon in C: tells everybody who connects what time it is.
 *
 *      cc daemon.c -o daemon $(pkg-config --cflags --libs netio)
 *      ./daemon 127.0.0.1:4313 /tmp/daemon.pid     ends when it is ready, or says why it is not
 *      ./daemon 127.0.0.1:4313 /tmp/daemon.pid     pid file /tmp/daemon.pid: already running
 *      kill $(cat /tmp/daemon.pid)                 removes the pid file, too
 *
 * Its world is a clean one: see netio/world.h.  Under systemd it stays in the foreground and says
 * when it is ready (Type=notify). */
#include <netio/daemonize.h>
#include <netio/server.h>
#include <netio/signals.h>

#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

static void on_open(struct netio_conn *conn)
{
    time_t now = time(NULL);

    netio_conn_printf(conn, "%s", ctime(&now));
    netio_conn_close(conn);
}

static void on_signal(struct netio_watch *watch, unsigned events)
{
    (void)events;
    netio_server_stop(watch->data, NETIO_NOW);
}

static int complain(const struct netio_error *error)
{
    char text[640];

    fprintf(stderr, "daemon: %s\n", netio_error_str(error, text, sizeof text));
    return EX_UNAVAILABLE;
}

/* Whatever goes wrong up to ready is seen by who typed the command. */
static int serve(struct netio_server *server, struct netio_daemon *daemon, const char *address)
{
    static const int numbers[] = {SIGTERM, SIGINT, 0};
    struct netio_watch signals = {.ready = on_signal, .data = server};
    struct netio_error error;
    int fd = netio_signals_open(numbers);

    if (netio_server_listen(server, address, &error) != 0 ||
        netio_daemon_ready(daemon, &error) != 0)
        return complain(&error);
    if (netio_watch_start(netio_server_loop(server), &signals, fd, NETIO_READ) != 0)
        return EX_OSERR;
    int code = netio_server_run(server);
    netio_watch_stop(&signals);
    netio_fd_close(fd);
    return code == 0 ? EX_OK : EX_OSERR;
}

int main(int argc, char **argv)
{
    static const struct netio_server_handlers handlers = {.on_open = on_open};
    struct netio_server *server = NULL;
    struct netio_daemon *daemon = NULL;
    struct netio_error error = {.code = 0};
    int status;

    if (argc != 3) {
        fputs("usage: daemon ADDRESS PIDFILE\n", stderr);
        return EX_USAGE;
    }
    struct netio_daemon_options options = {.pidfile = argv[2]};
    int code = netio_daemonize(&daemon, &options, &status, &error);
    if (error.code != 0)
        complain(&error);
    if (code != 0)
        return code < 0 ? EX_UNAVAILABLE : status;
    status = EX_OSERR;
    if (netio_server_new(&server, NULL, &handlers, NULL) == 0)
        status = serve(server, daemon, argv[1]);
    netio_server_free(server);
    netio_daemon_free(daemon);
    return status;
}
