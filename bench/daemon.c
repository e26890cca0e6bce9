/* bench/daemon.c: ours for part/daemon.pm: a daemon with a pid file that is ready at once, and
 * ends.
 *
 *      daemon FOLDER */
#include <netio/daemonize.h>

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char path[512], text[640];
    struct netio_daemon *daemon;
    struct netio_error error;
    int status;

    if (argc != 2)
        return 64;
    snprintf(path, sizeof path, "%s/ours-%d.pid", argv[1], (int)getpid());
    const struct netio_daemon_options options = {.pidfile = path};
    int code = netio_daemonize(&daemon, &options, &status, &error);
    if (code == NETIO_DAEMON_STARTER)
        return status;
    if (code == 0)
        code = netio_daemon_ready(daemon, &error);
    if (code)
        fprintf(stderr, "daemon: %s\n", netio_error_str(&error, text, sizeof text));
    if (code == 0)
        netio_daemon_free(daemon);
    return code != 0;
}
