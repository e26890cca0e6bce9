/* responder-ev: what responder.c does, with libev: a watcher a connection, and reads and writes of
 * one's own, as libev leaves them to its users.
 *
 *      responder-ev once       each connection: a line comes, it goes back, it is closed
 *      responder-ev kept       each line is answered with itself, for as long as the peer likes
 *
 * It prints "listening on 127.0.0.1:PORT" and ends by a signal.  A line has to come in one piece of
 * at most 4096 bytes, which is how load.c sends it: so nothing is framed. */
#include <arpa/inet.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

static int once;

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (fd == -1 || bind(fd, (struct sockaddr *)&address, sizeof address) == -1 ||
        listen(fd, BACKLOG) == -1 || getsockname(fd, (struct sockaddr *)&address, &len) == -1)
        return -1;
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void drop(struct ev_loop *loop, ev_io *watcher)
{
    ev_io_stop(loop, watcher);
    close(watcher->fd);
    free(watcher);
}

static void serve(struct ev_loop *loop, ev_io *watcher, int events)
{
    char line[4096];
    ssize_t len = read(watcher->fd, line, sizeof line);

    (void)events;
    if (len <= 0 || write(watcher->fd, line, (size_t)len) != len || once)
        drop(loop, watcher);
}

static void take(struct ev_loop *loop, ev_io *listener, int events)
{
    int fd;

    (void)events;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
        ev_io *watcher = malloc(sizeof *watcher);
        if (!watcher)
            exit(fail("watcher"));
        ev_io_init(watcher, serve, fd, EV_READ);
        ev_io_start(loop, watcher);
    }
}

int main(int argc, char **argv)
{
    ev_io listener;

    if (argc != 2 || (strcmp(argv[1], "once") != 0 && strcmp(argv[1], "kept") != 0))
        return fprintf(stderr, "usage: responder-ev once|kept\n"), 64;
    once = strcmp(argv[1], "once") == 0;
    int fd = listen_on_loopback();
    if (fd == -1)
        return fail("listen");
    ev_io_init(&listener, take, fd, EV_READ);
    ev_io_start(EV_DEFAULT, &listener);
    return !ev_run(EV_DEFAULT, 0);
}
